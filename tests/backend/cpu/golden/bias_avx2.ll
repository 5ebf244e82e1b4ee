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
  %v35 = phi i64 [ 0, %entry ], [ %v118, %done47 ]
  %v36 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v113, %done47 ]
  %v37 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v115, %done47 ]
  %v38 = sub i64 %v11, %v35
  %v39 = call i64 @llvm.smin.i64(i64 %v38, i64 32)
  %v40 = add i64 %v35, %v39
  %v41 = trunc i64 %v39 to i32
  %v42 = getelementptr float, ptr %v30, i64 %v35
  call void %v45(ptr %v42, i64 %v23, i32 %v31, i32 %v41, ptr %v32, i32 16)
  br label %row46
row46:
  %v48 = phi i64 [ %v35, %block33 ], [ %v116, %row46 ]
  %v49 = phi <8 x float> [ %v36, %block33 ], [ %v113, %row46 ]
  %v50 = phi <8 x float> [ %v37, %block33 ], [ %v115, %row46 ]
  %v51 = sub i64 %v48, %v35
  %v52 = trunc i64 %v48 to i32
  %v53 = add i32 %v8, %v52
  %v54 = mul i64 %v48, 16
  %v55 = getelementptr float, ptr %s, i64 %v54
  %v65 = mul i64 %v48, 16
  %v66 = getelementptr float, ptr %s, i64 %v65
  %v67 = getelementptr float, ptr %v66, i64 8
  %v78 = sub i64 %v40, 1
  %v79 = add i64 %v48, 1
  %v80 = call i64 @llvm.smin.i64(i64 %v79, i64 %v78)
  %v81 = sub i64 %v80, %v35
  %v82 = trunc i64 %v80 to i32
  %v83 = add i32 %v8, %v82
  %v84 = mul i64 %v80, 16
  %v85 = getelementptr float, ptr %s, i64 %v84
  %v95 = mul i64 %v80, 16
  %v96 = getelementptr float, ptr %s, i64 %v95
  %v97 = getelementptr float, ptr %v96, i64 8
  %v56 = load <8 x float>, ptr %v55, align 32
  %v68 = load <8 x float>, ptr %v67, align 32
  %v86 = load <8 x float>, ptr %v85, align 32
  %v98 = load <8 x float>, ptr %v97, align 32
  %v57 = insertelement <8 x float> poison, float %v0, i64 0
  %v69 = insertelement <8 x float> poison, float %v0, i64 0
  %v87 = insertelement <8 x float> poison, float %v0, i64 0
  %v99 = insertelement <8 x float> poison, float %v0, i64 0
  %v58 = shufflevector <8 x float> %v57, <8 x float> poison, <8 x i32> zeroinitializer
  %v70 = shufflevector <8 x float> %v69, <8 x float> poison, <8 x i32> zeroinitializer
  %v88 = shufflevector <8 x float> %v87, <8 x float> poison, <8 x i32> zeroinitializer
  %v100 = shufflevector <8 x float> %v99, <8 x float> poison, <8 x i32> zeroinitializer
  %v59 = fmul <8 x float> %v56, %v58
  %v71 = fmul <8 x float> %v68, %v70
  %v89 = fmul <8 x float> %v86, %v88
  %v101 = fmul <8 x float> %v98, %v100
  %v60 = mul i64 %v51, 16
  %v72 = mul i64 %v51, 16
  %v90 = mul i64 %v81, 16
  %v102 = mul i64 %v81, 16
  %v61 = getelementptr i32, ptr %v32, i64 %v60
  %v73 = getelementptr i32, ptr %v32, i64 %v72
  %v91 = getelementptr i32, ptr %v32, i64 %v90
  %v103 = getelementptr i32, ptr %v32, i64 %v102
  %v62 = load <8 x i32>, ptr %v61, align 32
  %v74 = getelementptr i32, ptr %v73, i64 8
  %v92 = load <8 x i32>, ptr %v91, align 32
  %v104 = getelementptr i32, ptr %v103, i64 8
  %v63 = bitcast <8 x i32> %v62 to <8 x float>
  %v75 = load <8 x i32>, ptr %v74, align 32
  %v93 = bitcast <8 x i32> %v92 to <8 x float>
  %v105 = load <8 x i32>, ptr %v104, align 32
  %v64 = fadd contract <8 x float> %v59, %v63
  %v76 = bitcast <8 x i32> %v75 to <8 x float>
  %v94 = fadd contract <8 x float> %v89, %v93
  %v106 = bitcast <8 x i32> %v105 to <8 x float>
  %v77 = fadd contract <8 x float> %v71, %v76
  %v107 = fadd contract <8 x float> %v101, %v106
  %v108 = fcmp ogt <8 x float> %v64, %v49
  %v109 = select <8 x i1> %v108, <8 x float> %v64, <8 x float> %v49
  store <8 x float> %v64, ptr %v55, align 32
  %v110 = fcmp ogt <8 x float> %v77, %v50
  %v111 = select <8 x i1> %v110, <8 x float> %v77, <8 x float> %v50
  store <8 x float> %v77, ptr %v67, align 32
  %v112 = fcmp ogt <8 x float> %v94, %v109
  %v113 = select <8 x i1> %v112, <8 x float> %v94, <8 x float> %v109
  store <8 x float> %v94, ptr %v85, align 32
  %v114 = fcmp ogt <8 x float> %v107, %v111
  %v115 = select <8 x i1> %v114, <8 x float> %v107, <8 x float> %v111
  store <8 x float> %v107, ptr %v97, align 32
  %v116 = add i64 %v48, 2
  %v117 = icmp slt i64 %v116, %v40
  br i1 %v117, label %row46, label %done47
done47:
  %v118 = add i64 %v35, 32
  %v119 = icmp slt i64 %v118, %v11
  br i1 %v119, label %block33, label %done34
done34:
  %v120 = load <8 x float>, ptr %m, align 4
  %v121 = fcmp ogt <8 x float> %v113, %v120
  %v122 = select <8 x i1> %v121, <8 x float> %v113, <8 x float> %v120
  store <8 x float> %v122, ptr %m, align 4
  %v123 = fcmp oeq <8 x float> %v122, splat (float 0xFFF0000000000000)
  %v124 = select <8 x i1> %v123, <8 x float> splat (float 0x0000000000000000), <8 x float> %v122
  %v125 = fsub <8 x float> %v120, %v124
  %v126 = fmul <8 x float> %v125, splat (float 0x3FF7154760000000)
  %v127 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v126
  %v128 = select <8 x i1> %v127, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v126
  %v129 = fadd <8 x float> %v128, splat (float 0x4168000FE0000000)
  %v130 = fsub <8 x float> %v129, splat (float 0x4168000FE0000000)
  %v131 = fsub <8 x float> %v128, %v130
  %v132 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v131, <8 x float> splat (float 0x3F83D0C520000000))
  %v133 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v132, <8 x float> %v131, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v134 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v133, <8 x float> %v131, <8 x float> splat (float 0x3FCEBF9180000000))
  %v135 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v134, <8 x float> %v131, <8 x float> splat (float 0x3FE62E4280000000))
  %v136 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v135, <8 x float> %v131, <8 x float> splat (float 0x3FF0000020000000))
  %v137 = bitcast <8 x float> %v129 to <8 x i32>
  %v138 = shl <8 x i32> %v137, splat (i32 23)
  %v139 = bitcast <8 x i32> %v138 to <8 x float>
  %v140 = fmul <8 x float> %v136, %v139
  store <8 x float> %v140, ptr %alpha, align 4
  %v141 = getelementptr float, ptr %m, i64 8
  %v142 = load <8 x float>, ptr %v141, align 4
  %v143 = fcmp ogt <8 x float> %v115, %v142
  %v144 = select <8 x i1> %v143, <8 x float> %v115, <8 x float> %v142
  store <8 x float> %v144, ptr %v141, align 4
  %v145 = fcmp oeq <8 x float> %v144, splat (float 0xFFF0000000000000)
  %v146 = select <8 x i1> %v145, <8 x float> splat (float 0x0000000000000000), <8 x float> %v144
  %v147 = fsub <8 x float> %v142, %v146
  %v148 = fmul <8 x float> %v147, splat (float 0x3FF7154760000000)
  %v149 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v148
  %v150 = select <8 x i1> %v149, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v148
  %v151 = fadd <8 x float> %v150, splat (float 0x4168000FE0000000)
  %v152 = fsub <8 x float> %v151, splat (float 0x4168000FE0000000)
  %v153 = fsub <8 x float> %v150, %v152
  %v154 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v153, <8 x float> splat (float 0x3F83D0C520000000))
  %v155 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v154, <8 x float> %v153, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v156 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v155, <8 x float> %v153, <8 x float> splat (float 0x3FCEBF9180000000))
  %v157 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v156, <8 x float> %v153, <8 x float> splat (float 0x3FE62E4280000000))
  %v158 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v157, <8 x float> %v153, <8 x float> splat (float 0x3FF0000020000000))
  %v159 = bitcast <8 x float> %v151 to <8 x i32>
  %v160 = shl <8 x i32> %v159, splat (i32 23)
  %v161 = bitcast <8 x i32> %v160 to <8 x float>
  %v162 = fmul <8 x float> %v158, %v161
  %v163 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v162, ptr %v163, align 4
  br label %exponentials164
exponentials164:
  %v166 = phi i64 [ 0, %done34 ], [ %v254, %exponentials164 ]
  %v167 = phi <8 x float> [ splat (float 0x0000000000000000), %done34 ], [ %v251, %exponentials164 ]
  %v168 = phi <8 x float> [ splat (float 0x0000000000000000), %done34 ], [ %v253, %exponentials164 ]
  %v169 = sub i64 %v11, 1
  %v170 = add i64 %v166, 1
  %v171 = call i64 @llvm.smin.i64(i64 %v170, i64 %v169)
  %v172 = mul i64 %v166, 16
  %v173 = getelementptr float, ptr %s, i64 %v172
  %v191 = mul i64 %v166, 16
  %v192 = getelementptr float, ptr %s, i64 %v191
  %v193 = getelementptr float, ptr %v192, i64 8
  %v211 = mul i64 %v171, 16
  %v212 = getelementptr float, ptr %s, i64 %v211
  %v230 = mul i64 %v171, 16
  %v231 = getelementptr float, ptr %s, i64 %v230
  %v232 = getelementptr float, ptr %v231, i64 8
  %v174 = load <8 x float>, ptr %v173, align 32
  %v194 = load <8 x float>, ptr %v193, align 32
  %v213 = load <8 x float>, ptr %v212, align 32
  %v233 = load <8 x float>, ptr %v232, align 32
  %v175 = fsub <8 x float> %v174, %v124
  %v195 = fsub <8 x float> %v194, %v146
  %v214 = fsub <8 x float> %v213, %v124
  %v234 = fsub <8 x float> %v233, %v146
  %v176 = fmul <8 x float> %v175, splat (float 0x3FF7154760000000)
  %v196 = fmul <8 x float> %v195, splat (float 0x3FF7154760000000)
  %v215 = fmul <8 x float> %v214, splat (float 0x3FF7154760000000)
  %v235 = fmul <8 x float> %v234, splat (float 0x3FF7154760000000)
  %v177 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v176
  %v197 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v196
  %v216 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v215
  %v236 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v235
  %v178 = select <8 x i1> %v177, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v176
  %v198 = select <8 x i1> %v197, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v196
  %v217 = select <8 x i1> %v216, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v215
  %v237 = select <8 x i1> %v236, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v235
  %v179 = fadd <8 x float> %v178, splat (float 0x4168000FE0000000)
  %v199 = fadd <8 x float> %v198, splat (float 0x4168000FE0000000)
  %v218 = fadd <8 x float> %v217, splat (float 0x4168000FE0000000)
  %v238 = fadd <8 x float> %v237, splat (float 0x4168000FE0000000)
  %v180 = fsub <8 x float> %v179, splat (float 0x4168000FE0000000)
  %v200 = fsub <8 x float> %v199, splat (float 0x4168000FE0000000)
  %v219 = fsub <8 x float> %v218, splat (float 0x4168000FE0000000)
  %v239 = fsub <8 x float> %v238, splat (float 0x4168000FE0000000)
  %v181 = fsub <8 x float> %v178, %v180
  %v201 = fsub <8 x float> %v198, %v200
  %v220 = fsub <8 x float> %v217, %v219
  %v240 = fsub <8 x float> %v237, %v239
  %v182 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v181, <8 x float> splat (float 0x3F83D0C520000000))
  %v202 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v201, <8 x float> splat (float 0x3F83D0C520000000))
  %v221 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v220, <8 x float> splat (float 0x3F83D0C520000000))
  %v241 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v240, <8 x float> splat (float 0x3F83D0C520000000))
  %v183 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v182, <8 x float> %v181, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v203 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v202, <8 x float> %v201, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v222 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v221, <8 x float> %v220, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v242 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v241, <8 x float> %v240, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v184 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v183, <8 x float> %v181, <8 x float> splat (float 0x3FCEBF9180000000))
  %v204 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v203, <8 x float> %v201, <8 x float> splat (float 0x3FCEBF9180000000))
  %v223 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v222, <8 x float> %v220, <8 x float> splat (float 0x3FCEBF9180000000))
  %v243 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v242, <8 x float> %v240, <8 x float> splat (float 0x3FCEBF9180000000))
  %v185 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v184, <8 x float> %v181, <8 x float> splat (float 0x3FE62E4280000000))
  %v205 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v204, <8 x float> %v201, <8 x float> splat (float 0x3FE62E4280000000))
  %v224 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v223, <8 x float> %v220, <8 x float> splat (float 0x3FE62E4280000000))
  %v244 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v243, <8 x float> %v240, <8 x float> splat (float 0x3FE62E4280000000))
  %v186 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v185, <8 x float> %v181, <8 x float> splat (float 0x3FF0000020000000))
  %v206 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v205, <8 x float> %v201, <8 x float> splat (float 0x3FF0000020000000))
  %v225 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v224, <8 x float> %v220, <8 x float> splat (float 0x3FF0000020000000))
  %v245 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v244, <8 x float> %v240, <8 x float> splat (float 0x3FF0000020000000))
  %v187 = bitcast <8 x float> %v179 to <8 x i32>
  %v207 = bitcast <8 x float> %v199 to <8 x i32>
  %v226 = bitcast <8 x float> %v218 to <8 x i32>
  %v246 = bitcast <8 x float> %v238 to <8 x i32>
  %v188 = shl <8 x i32> %v187, splat (i32 23)
  %v208 = shl <8 x i32> %v207, splat (i32 23)
  %v227 = shl <8 x i32> %v226, splat (i32 23)
  %v247 = shl <8 x i32> %v246, splat (i32 23)
  %v189 = bitcast <8 x i32> %v188 to <8 x float>
  %v209 = bitcast <8 x i32> %v208 to <8 x float>
  %v228 = bitcast <8 x i32> %v227 to <8 x float>
  %v248 = bitcast <8 x i32> %v247 to <8 x float>
  %v190 = fmul <8 x float> %v186, %v189
  %v210 = fmul <8 x float> %v206, %v209
  %v229 = fmul <8 x float> %v225, %v228
  %v249 = fmul <8 x float> %v245, %v248
  store <8 x float> %v190, ptr %v173, align 32
  store <8 x float> %v210, ptr %v193, align 32
  store <8 x float> %v229, ptr %v212, align 32
  store <8 x float> %v249, ptr %v232, align 32
  %v250 = fadd <8 x float> %v167, %v190
  %v251 = fadd <8 x float> %v250, %v229
  %v252 = fadd <8 x float> %v168, %v210
  %v253 = fadd <8 x float> %v252, %v249
  %v254 = add i64 %v166, 2
  %v255 = icmp slt i64 %v254, %v11
  br i1 %v255, label %exponentials164, label %done165
done165:
  %v256 = and i64 %v11, 1
  %v257 = icmp ne i64 %v256, 0
  %v258 = select i1 %v257, <8 x float> %v250, <8 x float> %v251
  %v259 = select i1 %v257, <8 x float> %v252, <8 x float> %v253
  %v260 = load <8 x float>, ptr %l, align 4
  %v261 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v260, <8 x float> %v140, <8 x float> %v258)
  store <8 x float> %v261, ptr %l, align 4
  %v262 = getelementptr float, ptr %l, i64 8
  %v263 = load <8 x float>, ptr %v262, align 4
  %v264 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v263, <8 x float> %v162, <8 x float> %v259)
  store <8 x float> %v264, ptr %v262, align 4
  ret void
}
!0 = !{}
