; tile_panel_f32 for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
define void @tile_panel_f32(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind alignstack(32) {
entry:
  %v32 = alloca [64 x <8 x i32>], align 64
  %v43 = load ptr, ptr %captures, align 8, !invariant.load !0
  %v44 = getelementptr ptr, ptr %v43, i64 28
  %v45 = load ptr, ptr %v44, align 8, !invariant.load !0
  %v0 = load float, ptr %args, align 4, !invariant.load !0
  %v1 = getelementptr i8, ptr %args, i64 4
  %v2 = load i32, ptr %v1, align 4, !invariant.load !0
  %v3 = getelementptr i8, ptr %args, i64 8
  %v4 = load i32, ptr %v3, align 4, !invariant.load !0
  %v5 = getelementptr i8, ptr %args, i64 12
  %v6 = load i32, ptr %v5, align 4, !invariant.load !0
  %v7 = getelementptr i8, ptr %args, i64 16
  %v8 = load i32, ptr %v7, align 4, !invariant.load !0
  %v9 = getelementptr i8, ptr %args, i64 20
  %v10 = load i32, ptr %v9, align 4, !invariant.load !0
  %v11 = sext i32 %v10 to i64
  %v12 = getelementptr i8, ptr %args, i64 24
  %v13 = load i32, ptr %v12, align 4, !invariant.load !0
  %v14 = sub i32 %v13, 0
  %v15 = insertelement <8 x i32> poison, i32 %v14, i64 0
  %v16 = shufflevector <8 x i32> %v15, <8 x i32> poison, <8 x i32> zeroinitializer
  %v17 = icmp slt <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v16
  %v18 = sub i32 %v13, 8
  %v19 = insertelement <8 x i32> poison, i32 %v18, i64 0
  %v20 = shufflevector <8 x i32> %v19, <8 x i32> poison, <8 x i32> zeroinitializer
  %v21 = icmp slt <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v20
  %v22 = getelementptr i64, ptr %captures, i64 4
  %v23 = load i64, ptr %v22, align 8, !invariant.load !0
  %v24 = sext i32 %v6 to i64
  %v25 = mul i64 %v24, %v23
  %v26 = sext i32 %v8 to i64
  %v27 = add i64 %v25, %v26
  %v28 = getelementptr i64, ptr %captures, i64 1
  %v29 = load ptr, ptr %v28, align 8, !invariant.load !0
  %v30 = getelementptr float, ptr %v29, i64 %v27
  %v31 = call i32 @llvm.smin.i32(i32 %v13, i32 16)
  br label %block33
block33:
  %v35 = phi i64 [ 0, %entry ], [ %v106, %done47 ]
  %v36 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v101, %done47 ]
  %v37 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v103, %done47 ]
  %v38 = sub i64 %v11, %v35
  %v39 = call i64 @llvm.smin.i64(i64 %v38, i64 32)
  %v40 = add i64 %v35, %v39
  %v41 = trunc i64 %v39 to i32
  %v42 = getelementptr float, ptr %v30, i64 %v35
  call void %v45(ptr %v42, i64 %v23, i32 %v31, i32 %v41, ptr %v32, i32 16)
  br label %row46
row46:
  %v48 = phi i64 [ %v35, %block33 ], [ %v104, %row46 ]
  %v49 = phi <8 x float> [ %v36, %block33 ], [ %v101, %row46 ]
  %v50 = phi <8 x float> [ %v37, %block33 ], [ %v103, %row46 ]
  %v51 = sub i64 %v48, %v35
  %v52 = trunc i64 %v48 to i32
  %v53 = add i32 %v8, %v52
  %v54 = mul i64 %v48, 16
  %v55 = getelementptr float, ptr %s, i64 %v54
  %v62 = mul i64 %v48, 16
  %v63 = getelementptr float, ptr %s, i64 %v62
  %v64 = getelementptr float, ptr %v63, i64 8
  %v72 = sub i64 %v40, 1
  %v73 = add i64 %v48, 1
  %v74 = call i64 @llvm.smin.i64(i64 %v73, i64 %v72)
  %v75 = sub i64 %v74, %v35
  %v76 = trunc i64 %v74 to i32
  %v77 = add i32 %v8, %v76
  %v78 = mul i64 %v74, 16
  %v79 = getelementptr float, ptr %s, i64 %v78
  %v86 = mul i64 %v74, 16
  %v87 = getelementptr float, ptr %s, i64 %v86
  %v88 = getelementptr float, ptr %v87, i64 8
  %v56 = load <8 x float>, ptr %v55, align 32
  %v65 = load <8 x float>, ptr %v64, align 32
  %v80 = load <8 x float>, ptr %v79, align 32
  %v89 = load <8 x float>, ptr %v88, align 32
  %v57 = mul i64 %v51, 16
  %v66 = mul i64 %v51, 16
  %v81 = mul i64 %v75, 16
  %v90 = mul i64 %v75, 16
  %v58 = getelementptr i32, ptr %v32, i64 %v57
  %v67 = getelementptr i32, ptr %v32, i64 %v66
  %v82 = getelementptr i32, ptr %v32, i64 %v81
  %v91 = getelementptr i32, ptr %v32, i64 %v90
  %v59 = load <8 x i32>, ptr %v58, align 32
  %v68 = getelementptr i32, ptr %v67, i64 8
  %v83 = load <8 x i32>, ptr %v82, align 32
  %v92 = getelementptr i32, ptr %v91, i64 8
  %v60 = bitcast <8 x i32> %v59 to <8 x float>
  %v69 = load <8 x i32>, ptr %v68, align 32
  %v84 = bitcast <8 x i32> %v83 to <8 x float>
  %v93 = load <8 x i32>, ptr %v92, align 32
  %v61 = fadd contract <8 x float> %v56, %v60
  %v70 = bitcast <8 x i32> %v69 to <8 x float>
  %v85 = fadd contract <8 x float> %v80, %v84
  %v94 = bitcast <8 x i32> %v93 to <8 x float>
  %v71 = fadd contract <8 x float> %v65, %v70
  %v95 = fadd contract <8 x float> %v89, %v94
  %v96 = fcmp ogt <8 x float> %v61, %v49
  %v97 = select <8 x i1> %v96, <8 x float> %v61, <8 x float> %v49
  store <8 x float> %v61, ptr %v55, align 32
  %v98 = fcmp ogt <8 x float> %v71, %v50
  %v99 = select <8 x i1> %v98, <8 x float> %v71, <8 x float> %v50
  store <8 x float> %v71, ptr %v64, align 32
  %v100 = fcmp ogt <8 x float> %v85, %v97
  %v101 = select <8 x i1> %v100, <8 x float> %v85, <8 x float> %v97
  store <8 x float> %v85, ptr %v79, align 32
  %v102 = fcmp ogt <8 x float> %v95, %v99
  %v103 = select <8 x i1> %v102, <8 x float> %v95, <8 x float> %v99
  store <8 x float> %v95, ptr %v88, align 32
  %v104 = add i64 %v48, 2
  %v105 = icmp slt i64 %v104, %v40
  br i1 %v105, label %row46, label %done47
done47:
  %v106 = add i64 %v35, 32
  %v107 = icmp slt i64 %v106, %v11
  br i1 %v107, label %block33, label %done34
done34:
  %v108 = load <8 x float>, ptr %m, align 4
  %v109 = fcmp ogt <8 x float> %v101, %v108
  %v110 = select <8 x i1> %v109, <8 x float> %v101, <8 x float> %v108
  store <8 x float> %v110, ptr %m, align 4
  %v111 = fcmp oeq <8 x float> %v110, splat (float 0xFFF0000000000000)
  %v112 = select <8 x i1> %v111, <8 x float> splat (float 0x0000000000000000), <8 x float> %v110
  %v113 = fsub <8 x float> %v108, %v112
  %v114 = fmul <8 x float> %v113, splat (float 0x3FF7154760000000)
  %v115 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v114
  %v116 = select <8 x i1> %v115, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v114
  %v117 = fadd <8 x float> %v116, splat (float 0x4168000FE0000000)
  %v118 = fsub <8 x float> %v117, splat (float 0x4168000FE0000000)
  %v119 = fsub <8 x float> %v116, %v118
  %v120 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v119, <8 x float> splat (float 0x3F83D0C520000000))
  %v121 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v120, <8 x float> %v119, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v122 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v121, <8 x float> %v119, <8 x float> splat (float 0x3FCEBF9180000000))
  %v123 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v122, <8 x float> %v119, <8 x float> splat (float 0x3FE62E4280000000))
  %v124 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v123, <8 x float> %v119, <8 x float> splat (float 0x3FF0000020000000))
  %v125 = bitcast <8 x float> %v117 to <8 x i32>
  %v126 = shl <8 x i32> %v125, splat (i32 23)
  %v127 = bitcast <8 x i32> %v126 to <8 x float>
  %v128 = fmul <8 x float> %v124, %v127
  store <8 x float> %v128, ptr %alpha, align 4
  %v129 = getelementptr float, ptr %m, i64 8
  %v130 = load <8 x float>, ptr %v129, align 4
  %v131 = fcmp ogt <8 x float> %v103, %v130
  %v132 = select <8 x i1> %v131, <8 x float> %v103, <8 x float> %v130
  store <8 x float> %v132, ptr %v129, align 4
  %v133 = fcmp oeq <8 x float> %v132, splat (float 0xFFF0000000000000)
  %v134 = select <8 x i1> %v133, <8 x float> splat (float 0x0000000000000000), <8 x float> %v132
  %v135 = fsub <8 x float> %v130, %v134
  %v136 = fmul <8 x float> %v135, splat (float 0x3FF7154760000000)
  %v137 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v136
  %v138 = select <8 x i1> %v137, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v136
  %v139 = fadd <8 x float> %v138, splat (float 0x4168000FE0000000)
  %v140 = fsub <8 x float> %v139, splat (float 0x4168000FE0000000)
  %v141 = fsub <8 x float> %v138, %v140
  %v142 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v141, <8 x float> splat (float 0x3F83D0C520000000))
  %v143 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v142, <8 x float> %v141, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v144 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v143, <8 x float> %v141, <8 x float> splat (float 0x3FCEBF9180000000))
  %v145 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v144, <8 x float> %v141, <8 x float> splat (float 0x3FE62E4280000000))
  %v146 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v145, <8 x float> %v141, <8 x float> splat (float 0x3FF0000020000000))
  %v147 = bitcast <8 x float> %v139 to <8 x i32>
  %v148 = shl <8 x i32> %v147, splat (i32 23)
  %v149 = bitcast <8 x i32> %v148 to <8 x float>
  %v150 = fmul <8 x float> %v146, %v149
  %v151 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v150, ptr %v151, align 4
  %v152 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v112)
  %v153 = fcmp ogt <8 x float> %v152, splat (float 0x40B0000000000000)
  %v154 = select <8 x i1> %v153, <8 x float> %v112, <8 x float> splat (float 0x0000000000000000)
  %v155 = select <8 x i1> %v153, <8 x float> splat (float 0x0000000000000000), <8 x float> %v112
  %v156 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v134)
  %v157 = fcmp ogt <8 x float> %v156, splat (float 0x40B0000000000000)
  %v158 = or <8 x i1> %v153, %v157
  %v159 = select <8 x i1> %v157, <8 x float> %v134, <8 x float> splat (float 0x0000000000000000)
  %v160 = select <8 x i1> %v157, <8 x float> splat (float 0x0000000000000000), <8 x float> %v134
  %v161 = sub i64 %v11, 1
  %v162 = call i1 @llvm.vector.reduce.or.v8i1(<8 x i1> %v158)
  %v163 = select i1 %v162, i64 0, i64 %v161
  br label %subtract164
subtract164:
  %v166 = phi i64 [ %v163, %done34 ], [ %v176, %subtract164 ]
  %v167 = mul i64 %v166, 16
  %v168 = getelementptr float, ptr %s, i64 %v167
  %v169 = load <8 x float>, ptr %v168, align 32
  %v170 = fsub <8 x float> %v169, %v154
  store <8 x float> %v170, ptr %v168, align 32
  %v171 = mul i64 %v166, 16
  %v172 = getelementptr float, ptr %s, i64 %v171
  %v173 = getelementptr float, ptr %v172, i64 8
  %v174 = load <8 x float>, ptr %v173, align 32
  %v175 = fsub <8 x float> %v174, %v159
  store <8 x float> %v175, ptr %v173, align 32
  %v176 = add i64 %v166, 1
  %v177 = icmp slt i64 %v176, %v11
  br i1 %v177, label %subtract164, label %done165
done165:
  %v178 = fmul <8 x float> %v155, splat (float 0xBFF7154760000000)
  %v179 = fmul <8 x float> %v160, splat (float 0xBFF7154760000000)
  br label %exponentials180
exponentials180:
  %v182 = phi i64 [ 0, %done165 ], [ %v266, %exponentials180 ]
  %v183 = phi <8 x float> [ splat (float 0x0000000000000000), %done165 ], [ %v263, %exponentials180 ]
  %v184 = phi <8 x float> [ splat (float 0x0000000000000000), %done165 ], [ %v265, %exponentials180 ]
  %v185 = sub i64 %v11, 1
  %v186 = add i64 %v182, 1
  %v187 = call i64 @llvm.smin.i64(i64 %v186, i64 %v185)
  %v188 = mul i64 %v182, 16
  %v189 = getelementptr float, ptr %s, i64 %v188
  %v206 = mul i64 %v182, 16
  %v207 = getelementptr float, ptr %s, i64 %v206
  %v208 = getelementptr float, ptr %v207, i64 8
  %v225 = mul i64 %v187, 16
  %v226 = getelementptr float, ptr %s, i64 %v225
  %v243 = mul i64 %v187, 16
  %v244 = getelementptr float, ptr %s, i64 %v243
  %v245 = getelementptr float, ptr %v244, i64 8
  %v190 = load <8 x float>, ptr %v189, align 32
  %v209 = load <8 x float>, ptr %v208, align 32
  %v227 = load <8 x float>, ptr %v226, align 32
  %v246 = load <8 x float>, ptr %v245, align 32
  %v191 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v190, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v178)
  %v210 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v209, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v179)
  %v228 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v227, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v178)
  %v247 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v246, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v179)
  %v192 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v191
  %v211 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v210
  %v229 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v228
  %v248 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v247
  %v193 = select <8 x i1> %v192, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v191
  %v212 = select <8 x i1> %v211, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v210
  %v230 = select <8 x i1> %v229, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v228
  %v249 = select <8 x i1> %v248, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v247
  %v194 = fadd <8 x float> %v193, splat (float 0x4168000FE0000000)
  %v213 = fadd <8 x float> %v212, splat (float 0x4168000FE0000000)
  %v231 = fadd <8 x float> %v230, splat (float 0x4168000FE0000000)
  %v250 = fadd <8 x float> %v249, splat (float 0x4168000FE0000000)
  %v195 = fsub <8 x float> %v194, splat (float 0x4168000FE0000000)
  %v214 = fsub <8 x float> %v213, splat (float 0x4168000FE0000000)
  %v232 = fsub <8 x float> %v231, splat (float 0x4168000FE0000000)
  %v251 = fsub <8 x float> %v250, splat (float 0x4168000FE0000000)
  %v196 = fsub <8 x float> %v193, %v195
  %v215 = fsub <8 x float> %v212, %v214
  %v233 = fsub <8 x float> %v230, %v232
  %v252 = fsub <8 x float> %v249, %v251
  %v197 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v196, <8 x float> splat (float 0x3F83D0C520000000))
  %v216 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v215, <8 x float> splat (float 0x3F83D0C520000000))
  %v234 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v233, <8 x float> splat (float 0x3F83D0C520000000))
  %v253 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v252, <8 x float> splat (float 0x3F83D0C520000000))
  %v198 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v197, <8 x float> %v196, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v217 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v216, <8 x float> %v215, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v235 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v234, <8 x float> %v233, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v254 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v253, <8 x float> %v252, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v199 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v198, <8 x float> %v196, <8 x float> splat (float 0x3FCEBF9180000000))
  %v218 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v217, <8 x float> %v215, <8 x float> splat (float 0x3FCEBF9180000000))
  %v236 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v235, <8 x float> %v233, <8 x float> splat (float 0x3FCEBF9180000000))
  %v255 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v254, <8 x float> %v252, <8 x float> splat (float 0x3FCEBF9180000000))
  %v200 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v199, <8 x float> %v196, <8 x float> splat (float 0x3FE62E4280000000))
  %v219 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v218, <8 x float> %v215, <8 x float> splat (float 0x3FE62E4280000000))
  %v237 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v236, <8 x float> %v233, <8 x float> splat (float 0x3FE62E4280000000))
  %v256 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v255, <8 x float> %v252, <8 x float> splat (float 0x3FE62E4280000000))
  %v201 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v200, <8 x float> %v196, <8 x float> splat (float 0x3FF0000020000000))
  %v220 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v219, <8 x float> %v215, <8 x float> splat (float 0x3FF0000020000000))
  %v238 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v237, <8 x float> %v233, <8 x float> splat (float 0x3FF0000020000000))
  %v257 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v256, <8 x float> %v252, <8 x float> splat (float 0x3FF0000020000000))
  %v202 = bitcast <8 x float> %v194 to <8 x i32>
  %v221 = bitcast <8 x float> %v213 to <8 x i32>
  %v239 = bitcast <8 x float> %v231 to <8 x i32>
  %v258 = bitcast <8 x float> %v250 to <8 x i32>
  %v203 = shl <8 x i32> %v202, splat (i32 23)
  %v222 = shl <8 x i32> %v221, splat (i32 23)
  %v240 = shl <8 x i32> %v239, splat (i32 23)
  %v259 = shl <8 x i32> %v258, splat (i32 23)
  %v204 = bitcast <8 x i32> %v203 to <8 x float>
  %v223 = bitcast <8 x i32> %v222 to <8 x float>
  %v241 = bitcast <8 x i32> %v240 to <8 x float>
  %v260 = bitcast <8 x i32> %v259 to <8 x float>
  %v205 = fmul <8 x float> %v201, %v204
  %v224 = fmul <8 x float> %v220, %v223
  %v242 = fmul <8 x float> %v238, %v241
  %v261 = fmul <8 x float> %v257, %v260
  store <8 x float> %v205, ptr %v189, align 32
  store <8 x float> %v224, ptr %v208, align 32
  store <8 x float> %v242, ptr %v226, align 32
  store <8 x float> %v261, ptr %v245, align 32
  %v262 = fadd <8 x float> %v183, %v205
  %v263 = fadd <8 x float> %v262, %v242
  %v264 = fadd <8 x float> %v184, %v224
  %v265 = fadd <8 x float> %v264, %v261
  %v266 = add i64 %v182, 2
  %v267 = icmp slt i64 %v266, %v11
  br i1 %v267, label %exponentials180, label %done181
done181:
  %v268 = and i64 %v11, 1
  %v269 = icmp ne i64 %v268, 0
  %v270 = select i1 %v269, <8 x float> %v262, <8 x float> %v263
  %v271 = select i1 %v269, <8 x float> %v264, <8 x float> %v265
  %v272 = load <8 x float>, ptr %l, align 4
  %v273 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v272, <8 x float> %v128, <8 x float> %v270)
  store <8 x float> %v273, ptr %l, align 4
  %v274 = getelementptr float, ptr %l, i64 8
  %v275 = load <8 x float>, ptr %v274, align 4
  %v276 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v275, <8 x float> %v150, <8 x float> %v271)
  store <8 x float> %v276, ptr %v274, align 4
  ret void
}
!0 = !{}
