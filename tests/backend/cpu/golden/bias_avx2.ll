; tile_panel_f32 for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
define void @tile_panel_f32(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind {
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
  br label %exponentials152
exponentials152:
  %v154 = phi i64 [ 0, %done34 ], [ %v242, %exponentials152 ]
  %v155 = phi <8 x float> [ splat (float 0x0000000000000000), %done34 ], [ %v239, %exponentials152 ]
  %v156 = phi <8 x float> [ splat (float 0x0000000000000000), %done34 ], [ %v241, %exponentials152 ]
  %v157 = sub i64 %v11, 1
  %v158 = add i64 %v154, 1
  %v159 = call i64 @llvm.smin.i64(i64 %v158, i64 %v157)
  %v160 = mul i64 %v154, 16
  %v161 = getelementptr float, ptr %s, i64 %v160
  %v179 = mul i64 %v154, 16
  %v180 = getelementptr float, ptr %s, i64 %v179
  %v181 = getelementptr float, ptr %v180, i64 8
  %v199 = mul i64 %v159, 16
  %v200 = getelementptr float, ptr %s, i64 %v199
  %v218 = mul i64 %v159, 16
  %v219 = getelementptr float, ptr %s, i64 %v218
  %v220 = getelementptr float, ptr %v219, i64 8
  %v162 = load <8 x float>, ptr %v161, align 32
  %v182 = load <8 x float>, ptr %v181, align 32
  %v201 = load <8 x float>, ptr %v200, align 32
  %v221 = load <8 x float>, ptr %v220, align 32
  %v163 = fsub <8 x float> %v162, %v112
  %v183 = fsub <8 x float> %v182, %v134
  %v202 = fsub <8 x float> %v201, %v112
  %v222 = fsub <8 x float> %v221, %v134
  %v164 = fmul <8 x float> %v163, splat (float 0x3FF7154760000000)
  %v184 = fmul <8 x float> %v183, splat (float 0x3FF7154760000000)
  %v203 = fmul <8 x float> %v202, splat (float 0x3FF7154760000000)
  %v223 = fmul <8 x float> %v222, splat (float 0x3FF7154760000000)
  %v165 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v164
  %v185 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v184
  %v204 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v203
  %v224 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v223
  %v166 = select <8 x i1> %v165, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v164
  %v186 = select <8 x i1> %v185, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v184
  %v205 = select <8 x i1> %v204, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v203
  %v225 = select <8 x i1> %v224, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v223
  %v167 = fadd <8 x float> %v166, splat (float 0x4168000FE0000000)
  %v187 = fadd <8 x float> %v186, splat (float 0x4168000FE0000000)
  %v206 = fadd <8 x float> %v205, splat (float 0x4168000FE0000000)
  %v226 = fadd <8 x float> %v225, splat (float 0x4168000FE0000000)
  %v168 = fsub <8 x float> %v167, splat (float 0x4168000FE0000000)
  %v188 = fsub <8 x float> %v187, splat (float 0x4168000FE0000000)
  %v207 = fsub <8 x float> %v206, splat (float 0x4168000FE0000000)
  %v227 = fsub <8 x float> %v226, splat (float 0x4168000FE0000000)
  %v169 = fsub <8 x float> %v166, %v168
  %v189 = fsub <8 x float> %v186, %v188
  %v208 = fsub <8 x float> %v205, %v207
  %v228 = fsub <8 x float> %v225, %v227
  %v170 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v169, <8 x float> splat (float 0x3F83D0C520000000))
  %v190 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v189, <8 x float> splat (float 0x3F83D0C520000000))
  %v209 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v208, <8 x float> splat (float 0x3F83D0C520000000))
  %v229 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v228, <8 x float> splat (float 0x3F83D0C520000000))
  %v171 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v170, <8 x float> %v169, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v191 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v190, <8 x float> %v189, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v210 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v209, <8 x float> %v208, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v230 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v229, <8 x float> %v228, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v172 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v171, <8 x float> %v169, <8 x float> splat (float 0x3FCEBF9180000000))
  %v192 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v191, <8 x float> %v189, <8 x float> splat (float 0x3FCEBF9180000000))
  %v211 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v210, <8 x float> %v208, <8 x float> splat (float 0x3FCEBF9180000000))
  %v231 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v230, <8 x float> %v228, <8 x float> splat (float 0x3FCEBF9180000000))
  %v173 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v172, <8 x float> %v169, <8 x float> splat (float 0x3FE62E4280000000))
  %v193 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v192, <8 x float> %v189, <8 x float> splat (float 0x3FE62E4280000000))
  %v212 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v211, <8 x float> %v208, <8 x float> splat (float 0x3FE62E4280000000))
  %v232 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v231, <8 x float> %v228, <8 x float> splat (float 0x3FE62E4280000000))
  %v174 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v173, <8 x float> %v169, <8 x float> splat (float 0x3FF0000020000000))
  %v194 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v193, <8 x float> %v189, <8 x float> splat (float 0x3FF0000020000000))
  %v213 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v212, <8 x float> %v208, <8 x float> splat (float 0x3FF0000020000000))
  %v233 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v232, <8 x float> %v228, <8 x float> splat (float 0x3FF0000020000000))
  %v175 = bitcast <8 x float> %v167 to <8 x i32>
  %v195 = bitcast <8 x float> %v187 to <8 x i32>
  %v214 = bitcast <8 x float> %v206 to <8 x i32>
  %v234 = bitcast <8 x float> %v226 to <8 x i32>
  %v176 = shl <8 x i32> %v175, splat (i32 23)
  %v196 = shl <8 x i32> %v195, splat (i32 23)
  %v215 = shl <8 x i32> %v214, splat (i32 23)
  %v235 = shl <8 x i32> %v234, splat (i32 23)
  %v177 = bitcast <8 x i32> %v176 to <8 x float>
  %v197 = bitcast <8 x i32> %v196 to <8 x float>
  %v216 = bitcast <8 x i32> %v215 to <8 x float>
  %v236 = bitcast <8 x i32> %v235 to <8 x float>
  %v178 = fmul <8 x float> %v174, %v177
  %v198 = fmul <8 x float> %v194, %v197
  %v217 = fmul <8 x float> %v213, %v216
  %v237 = fmul <8 x float> %v233, %v236
  store <8 x float> %v178, ptr %v161, align 32
  store <8 x float> %v198, ptr %v181, align 32
  store <8 x float> %v217, ptr %v200, align 32
  store <8 x float> %v237, ptr %v220, align 32
  %v238 = fadd <8 x float> %v155, %v178
  %v239 = fadd <8 x float> %v238, %v217
  %v240 = fadd <8 x float> %v156, %v198
  %v241 = fadd <8 x float> %v240, %v237
  %v242 = add i64 %v154, 2
  %v243 = icmp slt i64 %v242, %v11
  br i1 %v243, label %exponentials152, label %done153
done153:
  %v244 = and i64 %v11, 1
  %v245 = icmp ne i64 %v244, 0
  %v246 = select i1 %v245, <8 x float> %v238, <8 x float> %v239
  %v247 = select i1 %v245, <8 x float> %v240, <8 x float> %v241
  %v248 = load <8 x float>, ptr %l, align 4
  %v249 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v248, <8 x float> %v128, <8 x float> %v246)
  store <8 x float> %v249, ptr %l, align 4
  %v250 = getelementptr float, ptr %l, i64 8
  %v251 = load <8 x float>, ptr %v250, align 4
  %v252 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v251, <8 x float> %v150, <8 x float> %v247)
  store <8 x float> %v252, ptr %v250, align 4
  ret void
}
!0 = !{}
