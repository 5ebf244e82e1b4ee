; tile_panel_f32_masked for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
define void @tile_panel_f32_masked(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind alignstack(32) {
entry:
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
  %v22 = insertelement <8 x i32> poison, i32 %v6, i64 0
  %v23 = shufflevector <8 x i32> %v22, <8 x i32> poison, <8 x i32> zeroinitializer
  %v24 = add <8 x i32> %v23, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v25 = insertelement <8 x i32> poison, i32 %v6, i64 0
  %v26 = shufflevector <8 x i32> %v25, <8 x i32> poison, <8 x i32> zeroinitializer
  %v27 = add <8 x i32> %v26, <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v28 = sext i32 %v4 to i64
  %v29 = getelementptr i64, ptr %captures, i64 1
  %v30 = load ptr, ptr %v29, align 8, !invariant.load !0
  %v31 = getelementptr float, ptr %v30, i64 %v28
  %v32 = load float, ptr %v31, align 4, !invariant.load !0
  %v33 = insertelement <8 x i32> poison, i32 %v6, i64 0
  %v34 = shufflevector <8 x i32> %v33, <8 x i32> poison, <8 x i32> zeroinitializer
  %v35 = add <8 x i32> %v34, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v36 = insertelement <8 x i32> poison, i32 %v6, i64 0
  %v37 = shufflevector <8 x i32> %v36, <8 x i32> poison, <8 x i32> zeroinitializer
  %v38 = add <8 x i32> %v37, <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  br label %row39
row39:
  %v41 = phi i64 [ 0, %entry ], [ %v121, %row39 ]
  %v42 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v118, %row39 ]
  %v43 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v120, %row39 ]
  %v44 = trunc i64 %v41 to i32
  %v45 = add i32 %v8, %v44
  %v46 = mul i64 %v41, 16
  %v47 = getelementptr float, ptr %s, i64 %v46
  %v61 = mul i64 %v41, 16
  %v62 = getelementptr float, ptr %s, i64 %v61
  %v63 = getelementptr float, ptr %v62, i64 8
  %v77 = sub i64 %v11, 1
  %v78 = add i64 %v41, 1
  %v79 = call i64 @llvm.smin.i64(i64 %v78, i64 %v77)
  %v80 = trunc i64 %v79 to i32
  %v81 = add i32 %v8, %v80
  %v82 = mul i64 %v79, 16
  %v83 = getelementptr float, ptr %s, i64 %v82
  %v97 = mul i64 %v79, 16
  %v98 = getelementptr float, ptr %s, i64 %v97
  %v99 = getelementptr float, ptr %v98, i64 8
  %v48 = load <8 x float>, ptr %v47, align 32
  %v64 = load <8 x float>, ptr %v63, align 32
  %v84 = load <8 x float>, ptr %v83, align 32
  %v100 = load <8 x float>, ptr %v99, align 32
  %v49 = insertelement <8 x i32> poison, i32 %v45, i64 0
  %v65 = insertelement <8 x i32> poison, i32 %v45, i64 0
  %v85 = insertelement <8 x i32> poison, i32 %v81, i64 0
  %v101 = insertelement <8 x i32> poison, i32 %v81, i64 0
  %v50 = shufflevector <8 x i32> %v49, <8 x i32> poison, <8 x i32> zeroinitializer
  %v66 = shufflevector <8 x i32> %v65, <8 x i32> poison, <8 x i32> zeroinitializer
  %v86 = shufflevector <8 x i32> %v85, <8 x i32> poison, <8 x i32> zeroinitializer
  %v102 = shufflevector <8 x i32> %v101, <8 x i32> poison, <8 x i32> zeroinitializer
  %v51 = sub <8 x i32> %v50, %v24
  %v67 = sub <8 x i32> %v66, %v27
  %v87 = sub <8 x i32> %v86, %v24
  %v103 = sub <8 x i32> %v102, %v27
  %v52 = sitofp <8 x i32> %v51 to <8 x float>
  %v68 = sitofp <8 x i32> %v67 to <8 x float>
  %v88 = sitofp <8 x i32> %v87 to <8 x float>
  %v104 = sitofp <8 x i32> %v103 to <8 x float>
  %v53 = insertelement <8 x float> poison, float %v32, i64 0
  %v69 = insertelement <8 x float> poison, float %v32, i64 0
  %v89 = insertelement <8 x float> poison, float %v32, i64 0
  %v105 = insertelement <8 x float> poison, float %v32, i64 0
  %v54 = shufflevector <8 x float> %v53, <8 x float> poison, <8 x i32> zeroinitializer
  %v70 = shufflevector <8 x float> %v69, <8 x float> poison, <8 x i32> zeroinitializer
  %v90 = shufflevector <8 x float> %v89, <8 x float> poison, <8 x i32> zeroinitializer
  %v106 = shufflevector <8 x float> %v105, <8 x float> poison, <8 x i32> zeroinitializer
  %v55 = fmul contract <8 x float> %v54, %v52
  %v71 = fmul contract <8 x float> %v70, %v68
  %v91 = fmul contract <8 x float> %v90, %v88
  %v107 = fmul contract <8 x float> %v106, %v104
  %v56 = fadd contract <8 x float> %v48, %v55
  %v72 = fadd contract <8 x float> %v64, %v71
  %v92 = fadd contract <8 x float> %v84, %v91
  %v108 = fadd contract <8 x float> %v100, %v107
  %v57 = insertelement <8 x i32> poison, i32 %v45, i64 0
  %v73 = insertelement <8 x i32> poison, i32 %v45, i64 0
  %v93 = insertelement <8 x i32> poison, i32 %v81, i64 0
  %v109 = insertelement <8 x i32> poison, i32 %v81, i64 0
  %v58 = shufflevector <8 x i32> %v57, <8 x i32> poison, <8 x i32> zeroinitializer
  %v74 = shufflevector <8 x i32> %v73, <8 x i32> poison, <8 x i32> zeroinitializer
  %v94 = shufflevector <8 x i32> %v93, <8 x i32> poison, <8 x i32> zeroinitializer
  %v110 = shufflevector <8 x i32> %v109, <8 x i32> poison, <8 x i32> zeroinitializer
  %v59 = icmp sge <8 x i32> %v35, %v58
  %v75 = icmp sge <8 x i32> %v38, %v74
  %v95 = icmp sge <8 x i32> %v35, %v94
  %v111 = icmp sge <8 x i32> %v38, %v110
  %v60 = select <8 x i1> %v59, <8 x float> %v56, <8 x float> splat (float 0xFFF0000000000000)
  %v76 = select <8 x i1> %v75, <8 x float> %v72, <8 x float> splat (float 0xFFF0000000000000)
  %v96 = select <8 x i1> %v95, <8 x float> %v92, <8 x float> splat (float 0xFFF0000000000000)
  %v112 = select <8 x i1> %v111, <8 x float> %v108, <8 x float> splat (float 0xFFF0000000000000)
  %v113 = fcmp ogt <8 x float> %v60, %v42
  %v114 = select <8 x i1> %v113, <8 x float> %v60, <8 x float> %v42
  store <8 x float> %v60, ptr %v47, align 32
  %v115 = fcmp ogt <8 x float> %v76, %v43
  %v116 = select <8 x i1> %v115, <8 x float> %v76, <8 x float> %v43
  store <8 x float> %v76, ptr %v63, align 32
  %v117 = fcmp ogt <8 x float> %v96, %v114
  %v118 = select <8 x i1> %v117, <8 x float> %v96, <8 x float> %v114
  store <8 x float> %v96, ptr %v83, align 32
  %v119 = fcmp ogt <8 x float> %v112, %v116
  %v120 = select <8 x i1> %v119, <8 x float> %v112, <8 x float> %v116
  store <8 x float> %v112, ptr %v99, align 32
  %v121 = add i64 %v41, 2
  %v122 = icmp slt i64 %v121, %v11
  br i1 %v122, label %row39, label %done40
done40:
  %v123 = load <8 x float>, ptr %m, align 4
  %v124 = fcmp ogt <8 x float> %v118, %v123
  %v125 = select <8 x i1> %v124, <8 x float> %v118, <8 x float> %v123
  store <8 x float> %v125, ptr %m, align 4
  %v126 = fcmp oeq <8 x float> %v125, splat (float 0xFFF0000000000000)
  %v127 = select <8 x i1> %v126, <8 x float> splat (float 0x0000000000000000), <8 x float> %v125
  %v128 = fsub <8 x float> %v123, %v127
  %v129 = fmul <8 x float> %v128, splat (float 0x3FF7154760000000)
  %v130 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v129
  %v131 = select <8 x i1> %v130, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v129
  %v132 = fadd <8 x float> %v131, splat (float 0x4168000FE0000000)
  %v133 = fsub <8 x float> %v132, splat (float 0x4168000FE0000000)
  %v134 = fsub <8 x float> %v131, %v133
  %v135 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v134, <8 x float> splat (float 0x3F83D0C520000000))
  %v136 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v135, <8 x float> %v134, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v137 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v136, <8 x float> %v134, <8 x float> splat (float 0x3FCEBF9180000000))
  %v138 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v137, <8 x float> %v134, <8 x float> splat (float 0x3FE62E4280000000))
  %v139 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v138, <8 x float> %v134, <8 x float> splat (float 0x3FF0000020000000))
  %v140 = bitcast <8 x float> %v132 to <8 x i32>
  %v141 = shl <8 x i32> %v140, splat (i32 23)
  %v142 = bitcast <8 x i32> %v141 to <8 x float>
  %v143 = fmul <8 x float> %v139, %v142
  store <8 x float> %v143, ptr %alpha, align 4
  %v144 = getelementptr float, ptr %m, i64 8
  %v145 = load <8 x float>, ptr %v144, align 4
  %v146 = fcmp ogt <8 x float> %v120, %v145
  %v147 = select <8 x i1> %v146, <8 x float> %v120, <8 x float> %v145
  store <8 x float> %v147, ptr %v144, align 4
  %v148 = fcmp oeq <8 x float> %v147, splat (float 0xFFF0000000000000)
  %v149 = select <8 x i1> %v148, <8 x float> splat (float 0x0000000000000000), <8 x float> %v147
  %v150 = fsub <8 x float> %v145, %v149
  %v151 = fmul <8 x float> %v150, splat (float 0x3FF7154760000000)
  %v152 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v151
  %v153 = select <8 x i1> %v152, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v151
  %v154 = fadd <8 x float> %v153, splat (float 0x4168000FE0000000)
  %v155 = fsub <8 x float> %v154, splat (float 0x4168000FE0000000)
  %v156 = fsub <8 x float> %v153, %v155
  %v157 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v156, <8 x float> splat (float 0x3F83D0C520000000))
  %v158 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v157, <8 x float> %v156, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v159 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v158, <8 x float> %v156, <8 x float> splat (float 0x3FCEBF9180000000))
  %v160 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v159, <8 x float> %v156, <8 x float> splat (float 0x3FE62E4280000000))
  %v161 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v160, <8 x float> %v156, <8 x float> splat (float 0x3FF0000020000000))
  %v162 = bitcast <8 x float> %v154 to <8 x i32>
  %v163 = shl <8 x i32> %v162, splat (i32 23)
  %v164 = bitcast <8 x i32> %v163 to <8 x float>
  %v165 = fmul <8 x float> %v161, %v164
  %v166 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v165, ptr %v166, align 4
  %v167 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v127)
  %v168 = fcmp ogt <8 x float> %v167, splat (float 0x40B0000000000000)
  %v169 = select <8 x i1> %v168, <8 x float> %v127, <8 x float> splat (float 0x0000000000000000)
  %v170 = select <8 x i1> %v168, <8 x float> splat (float 0x0000000000000000), <8 x float> %v127
  %v171 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v149)
  %v172 = fcmp ogt <8 x float> %v171, splat (float 0x40B0000000000000)
  %v173 = or <8 x i1> %v168, %v172
  %v174 = select <8 x i1> %v172, <8 x float> %v149, <8 x float> splat (float 0x0000000000000000)
  %v175 = select <8 x i1> %v172, <8 x float> splat (float 0x0000000000000000), <8 x float> %v149
  %v176 = sub i64 %v11, 1
  %v177 = call i1 @llvm.vector.reduce.or.v8i1(<8 x i1> %v173)
  %v178 = select i1 %v177, i64 0, i64 %v176
  br label %subtract179
subtract179:
  %v181 = phi i64 [ %v178, %done40 ], [ %v191, %subtract179 ]
  %v182 = mul i64 %v181, 16
  %v183 = getelementptr float, ptr %s, i64 %v182
  %v184 = load <8 x float>, ptr %v183, align 32
  %v185 = fsub <8 x float> %v184, %v169
  store <8 x float> %v185, ptr %v183, align 32
  %v186 = mul i64 %v181, 16
  %v187 = getelementptr float, ptr %s, i64 %v186
  %v188 = getelementptr float, ptr %v187, i64 8
  %v189 = load <8 x float>, ptr %v188, align 32
  %v190 = fsub <8 x float> %v189, %v174
  store <8 x float> %v190, ptr %v188, align 32
  %v191 = add i64 %v181, 1
  %v192 = icmp slt i64 %v191, %v11
  br i1 %v192, label %subtract179, label %done180
done180:
  %v193 = fmul <8 x float> %v170, splat (float 0xBFF7154760000000)
  %v194 = fmul <8 x float> %v175, splat (float 0xBFF7154760000000)
  br label %exponentials195
exponentials195:
  %v197 = phi i64 [ 0, %done180 ], [ %v281, %exponentials195 ]
  %v198 = phi <8 x float> [ splat (float 0x0000000000000000), %done180 ], [ %v278, %exponentials195 ]
  %v199 = phi <8 x float> [ splat (float 0x0000000000000000), %done180 ], [ %v280, %exponentials195 ]
  %v200 = sub i64 %v11, 1
  %v201 = add i64 %v197, 1
  %v202 = call i64 @llvm.smin.i64(i64 %v201, i64 %v200)
  %v203 = mul i64 %v197, 16
  %v204 = getelementptr float, ptr %s, i64 %v203
  %v221 = mul i64 %v197, 16
  %v222 = getelementptr float, ptr %s, i64 %v221
  %v223 = getelementptr float, ptr %v222, i64 8
  %v240 = mul i64 %v202, 16
  %v241 = getelementptr float, ptr %s, i64 %v240
  %v258 = mul i64 %v202, 16
  %v259 = getelementptr float, ptr %s, i64 %v258
  %v260 = getelementptr float, ptr %v259, i64 8
  %v205 = load <8 x float>, ptr %v204, align 32
  %v224 = load <8 x float>, ptr %v223, align 32
  %v242 = load <8 x float>, ptr %v241, align 32
  %v261 = load <8 x float>, ptr %v260, align 32
  %v206 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v205, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v193)
  %v225 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v224, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v194)
  %v243 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v242, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v193)
  %v262 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v261, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v194)
  %v207 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v206
  %v226 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v225
  %v244 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v243
  %v263 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v262
  %v208 = select <8 x i1> %v207, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v206
  %v227 = select <8 x i1> %v226, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v225
  %v245 = select <8 x i1> %v244, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v243
  %v264 = select <8 x i1> %v263, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v262
  %v209 = fadd <8 x float> %v208, splat (float 0x4168000FE0000000)
  %v228 = fadd <8 x float> %v227, splat (float 0x4168000FE0000000)
  %v246 = fadd <8 x float> %v245, splat (float 0x4168000FE0000000)
  %v265 = fadd <8 x float> %v264, splat (float 0x4168000FE0000000)
  %v210 = fsub <8 x float> %v209, splat (float 0x4168000FE0000000)
  %v229 = fsub <8 x float> %v228, splat (float 0x4168000FE0000000)
  %v247 = fsub <8 x float> %v246, splat (float 0x4168000FE0000000)
  %v266 = fsub <8 x float> %v265, splat (float 0x4168000FE0000000)
  %v211 = fsub <8 x float> %v208, %v210
  %v230 = fsub <8 x float> %v227, %v229
  %v248 = fsub <8 x float> %v245, %v247
  %v267 = fsub <8 x float> %v264, %v266
  %v212 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v211, <8 x float> splat (float 0x3F83D0C520000000))
  %v231 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v230, <8 x float> splat (float 0x3F83D0C520000000))
  %v249 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v248, <8 x float> splat (float 0x3F83D0C520000000))
  %v268 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v267, <8 x float> splat (float 0x3F83D0C520000000))
  %v213 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v212, <8 x float> %v211, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v232 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v231, <8 x float> %v230, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v250 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v249, <8 x float> %v248, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v269 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v268, <8 x float> %v267, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v214 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v213, <8 x float> %v211, <8 x float> splat (float 0x3FCEBF9180000000))
  %v233 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v232, <8 x float> %v230, <8 x float> splat (float 0x3FCEBF9180000000))
  %v251 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v250, <8 x float> %v248, <8 x float> splat (float 0x3FCEBF9180000000))
  %v270 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v269, <8 x float> %v267, <8 x float> splat (float 0x3FCEBF9180000000))
  %v215 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v214, <8 x float> %v211, <8 x float> splat (float 0x3FE62E4280000000))
  %v234 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v233, <8 x float> %v230, <8 x float> splat (float 0x3FE62E4280000000))
  %v252 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v251, <8 x float> %v248, <8 x float> splat (float 0x3FE62E4280000000))
  %v271 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v270, <8 x float> %v267, <8 x float> splat (float 0x3FE62E4280000000))
  %v216 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v215, <8 x float> %v211, <8 x float> splat (float 0x3FF0000020000000))
  %v235 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v234, <8 x float> %v230, <8 x float> splat (float 0x3FF0000020000000))
  %v253 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v252, <8 x float> %v248, <8 x float> splat (float 0x3FF0000020000000))
  %v272 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v271, <8 x float> %v267, <8 x float> splat (float 0x3FF0000020000000))
  %v217 = bitcast <8 x float> %v209 to <8 x i32>
  %v236 = bitcast <8 x float> %v228 to <8 x i32>
  %v254 = bitcast <8 x float> %v246 to <8 x i32>
  %v273 = bitcast <8 x float> %v265 to <8 x i32>
  %v218 = shl <8 x i32> %v217, splat (i32 23)
  %v237 = shl <8 x i32> %v236, splat (i32 23)
  %v255 = shl <8 x i32> %v254, splat (i32 23)
  %v274 = shl <8 x i32> %v273, splat (i32 23)
  %v219 = bitcast <8 x i32> %v218 to <8 x float>
  %v238 = bitcast <8 x i32> %v237 to <8 x float>
  %v256 = bitcast <8 x i32> %v255 to <8 x float>
  %v275 = bitcast <8 x i32> %v274 to <8 x float>
  %v220 = fmul <8 x float> %v216, %v219
  %v239 = fmul <8 x float> %v235, %v238
  %v257 = fmul <8 x float> %v253, %v256
  %v276 = fmul <8 x float> %v272, %v275
  store <8 x float> %v220, ptr %v204, align 32
  store <8 x float> %v239, ptr %v223, align 32
  store <8 x float> %v257, ptr %v241, align 32
  store <8 x float> %v276, ptr %v260, align 32
  %v277 = fadd <8 x float> %v198, %v220
  %v278 = fadd <8 x float> %v277, %v257
  %v279 = fadd <8 x float> %v199, %v239
  %v280 = fadd <8 x float> %v279, %v276
  %v281 = add i64 %v197, 2
  %v282 = icmp slt i64 %v281, %v11
  br i1 %v282, label %exponentials195, label %done196
done196:
  %v283 = and i64 %v11, 1
  %v284 = icmp ne i64 %v283, 0
  %v285 = select i1 %v284, <8 x float> %v277, <8 x float> %v278
  %v286 = select i1 %v284, <8 x float> %v279, <8 x float> %v280
  %v287 = load <8 x float>, ptr %l, align 4
  %v288 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v287, <8 x float> %v143, <8 x float> %v285)
  store <8 x float> %v288, ptr %l, align 4
  %v289 = getelementptr float, ptr %l, i64 8
  %v290 = load <8 x float>, ptr %v289, align 4
  %v291 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v290, <8 x float> %v165, <8 x float> %v286)
  store <8 x float> %v291, ptr %v289, align 4
  ret void
}
define i32 @mask_leaf(ptr noalias readonly %args, ptr noalias readonly %captures) nounwind alignstack(32) {
entry:
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
  %v14 = sext i32 %v13 to i64
  br label %panel16
panel16:
  %v18 = phi i64 [ 0, %entry ], [ %v77, %go71 ]
  %v19 = phi <8 x i32> [ splat (i32 0), %entry ], [ %v66, %go71 ]
  %v20 = phi <8 x i32> [ splat (i32 0), %entry ], [ %v70, %go71 ]
  %v21 = trunc i64 %v18 to i32
  %v22 = sub i32 %v13, %v21
  %v23 = add i32 %v6, %v21
  %v24 = sub i32 %v22, 0
  %v25 = insertelement <8 x i32> poison, i32 %v24, i64 0
  %v26 = shufflevector <8 x i32> %v25, <8 x i32> poison, <8 x i32> zeroinitializer
  %v27 = icmp slt <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v26
  %v28 = sub i32 %v22, 8
  %v29 = insertelement <8 x i32> poison, i32 %v28, i64 0
  %v30 = shufflevector <8 x i32> %v29, <8 x i32> poison, <8 x i32> zeroinitializer
  %v31 = icmp slt <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v30
  %v32 = insertelement <8 x i32> poison, i32 %v23, i64 0
  %v33 = shufflevector <8 x i32> %v32, <8 x i32> poison, <8 x i32> zeroinitializer
  %v34 = add <8 x i32> %v33, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v35 = insertelement <8 x i32> poison, i32 %v23, i64 0
  %v36 = shufflevector <8 x i32> %v35, <8 x i32> poison, <8 x i32> zeroinitializer
  %v37 = add <8 x i32> %v36, <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  br label %row38
row38:
  %v40 = phi i64 [ 0, %panel16 ], [ %v61, %row38 ]
  %v41 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v51, %row38 ]
  %v42 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v53, %row38 ]
  %v43 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v58, %row38 ]
  %v44 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v60, %row38 ]
  %v45 = trunc i64 %v40 to i32
  %v46 = add i32 %v8, %v45
  %v47 = insertelement <8 x i32> poison, i32 %v46, i64 0
  %v48 = shufflevector <8 x i32> %v47, <8 x i32> poison, <8 x i32> zeroinitializer
  %v49 = icmp sge <8 x i32> %v34, %v48
  %v50 = sext <8 x i1> %v49 to <8 x i32>
  %v51 = or <8 x i32> %v41, %v50
  %v52 = xor <8 x i32> %v50, splat (i32 -1)
  %v53 = or <8 x i32> %v42, %v52
  %v54 = insertelement <8 x i32> poison, i32 %v46, i64 0
  %v55 = shufflevector <8 x i32> %v54, <8 x i32> poison, <8 x i32> zeroinitializer
  %v56 = icmp sge <8 x i32> %v37, %v55
  %v57 = sext <8 x i1> %v56 to <8 x i32>
  %v58 = or <8 x i32> %v43, %v57
  %v59 = xor <8 x i32> %v57, splat (i32 -1)
  %v60 = or <8 x i32> %v44, %v59
  %v61 = add i64 %v40, 1
  %v62 = icmp slt i64 %v61, %v11
  br i1 %v62, label %row38, label %done39
done39:
  %v63 = select <8 x i1> %v27, <8 x i32> %v51, <8 x i32> splat (i32 0)
  %v64 = or <8 x i32> %v19, %v63
  %v65 = select <8 x i1> %v31, <8 x i32> %v58, <8 x i32> splat (i32 0)
  %v66 = or <8 x i32> %v64, %v65
  %v67 = select <8 x i1> %v27, <8 x i32> %v53, <8 x i32> splat (i32 0)
  %v68 = or <8 x i32> %v20, %v67
  %v69 = select <8 x i1> %v31, <8 x i32> %v60, <8 x i32> splat (i32 0)
  %v70 = or <8 x i32> %v68, %v69
  %v72 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v70)
  %v73 = icmp ne i32 %v72, 0
  %v74 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v66)
  %v75 = icmp ne i32 %v74, 0
  %v76 = and i1 %v75, %v73
  br i1 %v76, label %mixed15, label %go71
go71:
  %v77 = add i64 %v18, 16
  %v78 = icmp slt i64 %v77, %v14
  br i1 %v78, label %panel16, label %done17
done17:
  %v79 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v66)
  %v80 = icmp ne i32 %v79, 0
  %v81 = zext i1 %v80 to i32
  %v82 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v70)
  %v83 = icmp ne i32 %v82, 0
  %v84 = xor i1 %v83, true
  %v85 = zext i1 %v84 to i32
  %v86 = shl i32 %v85, 1
  %v87 = or i32 %v81, %v86
  ret i32 %v87
mixed15:
  ret i32 1
}
!0 = !{}
