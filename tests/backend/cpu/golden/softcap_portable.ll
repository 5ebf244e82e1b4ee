; tile_panel_f32 for cpu:portable x86_64-unknown-linux-gnu x86-64 
define void @tile_panel_f32(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind {
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
  %v15 = insertelement <4 x i32> poison, i32 %v14, i64 0
  %v16 = shufflevector <4 x i32> %v15, <4 x i32> poison, <4 x i32> zeroinitializer
  %v17 = icmp slt <4 x i32> <i32 0, i32 1, i32 2, i32 3>, %v16
  %v18 = sub i32 %v13, 4
  %v19 = insertelement <4 x i32> poison, i32 %v18, i64 0
  %v20 = shufflevector <4 x i32> %v19, <4 x i32> poison, <4 x i32> zeroinitializer
  %v21 = icmp slt <4 x i32> <i32 0, i32 1, i32 2, i32 3>, %v20
  %v22 = getelementptr i64, ptr %captures, i64 1
  %v23 = load float, ptr %v22, align 8, !invariant.load !0
  %v24 = fdiv float 0x3FF0000000000000, %v23
  br label %row25
row25:
  %v27 = phi i64 [ 0, %entry ], [ %v99, %row25 ]
  %v28 = phi <4 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v64, %row25 ]
  %v29 = phi <4 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v98, %row25 ]
  %v30 = trunc i64 %v27 to i32
  %v31 = add i32 %v8, %v30
  %v32 = mul i64 %v27, 8
  %v33 = getelementptr float, ptr %s, i64 %v32
  %v34 = load <4 x float>, ptr %v33, align 16
  %v35 = insertelement <4 x float> poison, float %v0, i64 0
  %v36 = shufflevector <4 x float> %v35, <4 x float> poison, <4 x i32> zeroinitializer
  %v37 = fmul <4 x float> %v34, %v36
  %v38 = insertelement <4 x float> poison, float %v24, i64 0
  %v39 = shufflevector <4 x float> %v38, <4 x float> poison, <4 x i32> zeroinitializer
  %v40 = fmul contract <4 x float> %v37, %v39
  %v41 = fcmp ogt <4 x float> splat (float 0xC022000000000000), %v40
  %v42 = select <4 x i1> %v41, <4 x float> splat (float 0xC022000000000000), <4 x float> %v40
  %v43 = fcmp olt <4 x float> splat (float 0x4022000000000000), %v42
  %v44 = select <4 x i1> %v43, <4 x float> splat (float 0x4022000000000000), <4 x float> %v42
  %v45 = fmul <4 x float> %v44, %v44
  %v46 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3EAA180360000000), <4 x float> %v45, <4 x float> splat (float 0x3F35886160000000))
  %v47 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v46, <4 x float> %v45, <4 x float> splat (float 0x3F9A7F7EE0000000))
  %v48 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v47, <4 x float> %v45, <4 x float> splat (float 0x3FDDE5AD80000000))
  %v49 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v48, <4 x float> %v45, <4 x float> splat (float 0x3FF0000000000000))
  %v50 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3E4CADCDC0000000), <4 x float> %v45, <4 x float> splat (float 0x3EF59C3560000000))
  %v51 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v50, <4 x float> %v45, <4 x float> splat (float 0x3F6CA2C780000000))
  %v52 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v51, <4 x float> %v45, <4 x float> splat (float 0x3FC120B1C0000000))
  %v53 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v52, <4 x float> %v45, <4 x float> splat (float 0x3FF0000000000000))
  %v54 = fmul <4 x float> %v53, %v44
  %v55 = fdiv <4 x float> %v54, %v49
  %v56 = fcmp ogt <4 x float> splat (float 0xBFF0000000000000), %v55
  %v57 = select <4 x i1> %v56, <4 x float> splat (float 0xBFF0000000000000), <4 x float> %v55
  %v58 = fcmp olt <4 x float> splat (float 0x3FF0000000000000), %v57
  %v59 = select <4 x i1> %v58, <4 x float> splat (float 0x3FF0000000000000), <4 x float> %v57
  %v60 = insertelement <4 x float> poison, float %v23, i64 0
  %v61 = shufflevector <4 x float> %v60, <4 x float> poison, <4 x i32> zeroinitializer
  %v62 = fmul contract <4 x float> %v61, %v59
  %v63 = fcmp ogt <4 x float> %v62, %v28
  %v64 = select <4 x i1> %v63, <4 x float> %v62, <4 x float> %v28
  %v65 = mul i64 %v27, 8
  %v66 = getelementptr float, ptr %s, i64 %v65
  %v67 = getelementptr float, ptr %v66, i64 4
  %v68 = load <4 x float>, ptr %v67, align 16
  %v69 = insertelement <4 x float> poison, float %v0, i64 0
  %v70 = shufflevector <4 x float> %v69, <4 x float> poison, <4 x i32> zeroinitializer
  %v71 = fmul <4 x float> %v68, %v70
  %v72 = insertelement <4 x float> poison, float %v24, i64 0
  %v73 = shufflevector <4 x float> %v72, <4 x float> poison, <4 x i32> zeroinitializer
  %v74 = fmul contract <4 x float> %v71, %v73
  %v75 = fcmp ogt <4 x float> splat (float 0xC022000000000000), %v74
  %v76 = select <4 x i1> %v75, <4 x float> splat (float 0xC022000000000000), <4 x float> %v74
  %v77 = fcmp olt <4 x float> splat (float 0x4022000000000000), %v76
  %v78 = select <4 x i1> %v77, <4 x float> splat (float 0x4022000000000000), <4 x float> %v76
  %v79 = fmul <4 x float> %v78, %v78
  %v80 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3EAA180360000000), <4 x float> %v79, <4 x float> splat (float 0x3F35886160000000))
  %v81 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v80, <4 x float> %v79, <4 x float> splat (float 0x3F9A7F7EE0000000))
  %v82 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v81, <4 x float> %v79, <4 x float> splat (float 0x3FDDE5AD80000000))
  %v83 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v82, <4 x float> %v79, <4 x float> splat (float 0x3FF0000000000000))
  %v84 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3E4CADCDC0000000), <4 x float> %v79, <4 x float> splat (float 0x3EF59C3560000000))
  %v85 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v84, <4 x float> %v79, <4 x float> splat (float 0x3F6CA2C780000000))
  %v86 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v85, <4 x float> %v79, <4 x float> splat (float 0x3FC120B1C0000000))
  %v87 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v86, <4 x float> %v79, <4 x float> splat (float 0x3FF0000000000000))
  %v88 = fmul <4 x float> %v87, %v78
  %v89 = fdiv <4 x float> %v88, %v83
  %v90 = fcmp ogt <4 x float> splat (float 0xBFF0000000000000), %v89
  %v91 = select <4 x i1> %v90, <4 x float> splat (float 0xBFF0000000000000), <4 x float> %v89
  %v92 = fcmp olt <4 x float> splat (float 0x3FF0000000000000), %v91
  %v93 = select <4 x i1> %v92, <4 x float> splat (float 0x3FF0000000000000), <4 x float> %v91
  %v94 = insertelement <4 x float> poison, float %v23, i64 0
  %v95 = shufflevector <4 x float> %v94, <4 x float> poison, <4 x i32> zeroinitializer
  %v96 = fmul contract <4 x float> %v95, %v93
  %v97 = fcmp ogt <4 x float> %v96, %v29
  %v98 = select <4 x i1> %v97, <4 x float> %v96, <4 x float> %v29
  store <4 x float> %v62, ptr %v33, align 16
  store <4 x float> %v96, ptr %v67, align 16
  %v99 = add i64 %v27, 1
  %v100 = icmp slt i64 %v99, %v11
  br i1 %v100, label %row25, label %done26
done26:
  %v101 = load <4 x float>, ptr %m, align 4
  %v102 = fcmp ogt <4 x float> %v64, %v101
  %v103 = select <4 x i1> %v102, <4 x float> %v64, <4 x float> %v101
  store <4 x float> %v103, ptr %m, align 4
  %v104 = fcmp oeq <4 x float> %v103, splat (float 0xFFF0000000000000)
  %v105 = select <4 x i1> %v104, <4 x float> splat (float 0x0000000000000000), <4 x float> %v103
  %v106 = fsub <4 x float> %v101, %v105
  %v107 = fmul <4 x float> %v106, splat (float 0x3FF7154760000000)
  %v108 = fcmp ogt <4 x float> splat (float 0xC05FC00000000000), %v107
  %v109 = select <4 x i1> %v108, <4 x float> splat (float 0xC05FC00000000000), <4 x float> %v107
  %v110 = fadd <4 x float> %v109, splat (float 0x4168000FE0000000)
  %v111 = fsub <4 x float> %v110, splat (float 0x4168000FE0000000)
  %v112 = fsub <4 x float> %v109, %v111
  %v113 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3F55C08E60000000), <4 x float> %v112, <4 x float> splat (float 0x3F83D0C520000000))
  %v114 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v113, <4 x float> %v112, <4 x float> splat (float 0x3FAC6B6E40000000))
  %v115 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v114, <4 x float> %v112, <4 x float> splat (float 0x3FCEBF9180000000))
  %v116 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v115, <4 x float> %v112, <4 x float> splat (float 0x3FE62E4280000000))
  %v117 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v116, <4 x float> %v112, <4 x float> splat (float 0x3FF0000020000000))
  %v118 = bitcast <4 x float> %v110 to <4 x i32>
  %v119 = shl <4 x i32> %v118, splat (i32 23)
  %v120 = bitcast <4 x i32> %v119 to <4 x float>
  %v121 = fmul <4 x float> %v117, %v120
  store <4 x float> %v121, ptr %alpha, align 4
  %v122 = getelementptr float, ptr %m, i64 4
  %v123 = load <4 x float>, ptr %v122, align 4
  %v124 = fcmp ogt <4 x float> %v98, %v123
  %v125 = select <4 x i1> %v124, <4 x float> %v98, <4 x float> %v123
  store <4 x float> %v125, ptr %v122, align 4
  %v126 = fcmp oeq <4 x float> %v125, splat (float 0xFFF0000000000000)
  %v127 = select <4 x i1> %v126, <4 x float> splat (float 0x0000000000000000), <4 x float> %v125
  %v128 = fsub <4 x float> %v123, %v127
  %v129 = fmul <4 x float> %v128, splat (float 0x3FF7154760000000)
  %v130 = fcmp ogt <4 x float> splat (float 0xC05FC00000000000), %v129
  %v131 = select <4 x i1> %v130, <4 x float> splat (float 0xC05FC00000000000), <4 x float> %v129
  %v132 = fadd <4 x float> %v131, splat (float 0x4168000FE0000000)
  %v133 = fsub <4 x float> %v132, splat (float 0x4168000FE0000000)
  %v134 = fsub <4 x float> %v131, %v133
  %v135 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3F55C08E60000000), <4 x float> %v134, <4 x float> splat (float 0x3F83D0C520000000))
  %v136 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v135, <4 x float> %v134, <4 x float> splat (float 0x3FAC6B6E40000000))
  %v137 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v136, <4 x float> %v134, <4 x float> splat (float 0x3FCEBF9180000000))
  %v138 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v137, <4 x float> %v134, <4 x float> splat (float 0x3FE62E4280000000))
  %v139 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v138, <4 x float> %v134, <4 x float> splat (float 0x3FF0000020000000))
  %v140 = bitcast <4 x float> %v132 to <4 x i32>
  %v141 = shl <4 x i32> %v140, splat (i32 23)
  %v142 = bitcast <4 x i32> %v141 to <4 x float>
  %v143 = fmul <4 x float> %v139, %v142
  %v144 = getelementptr float, ptr %alpha, i64 4
  store <4 x float> %v143, ptr %v144, align 4
  br label %exponentials145
exponentials145:
  %v147 = phi i64 [ 0, %done26 ], [ %v191, %exponentials145 ]
  %v148 = phi <4 x float> [ splat (float 0x0000000000000000), %done26 ], [ %v169, %exponentials145 ]
  %v149 = phi <4 x float> [ splat (float 0x0000000000000000), %done26 ], [ %v190, %exponentials145 ]
  %v150 = mul i64 %v147, 8
  %v151 = getelementptr float, ptr %s, i64 %v150
  %v152 = load <4 x float>, ptr %v151, align 16
  %v153 = fsub <4 x float> %v152, %v105
  %v154 = fmul <4 x float> %v153, splat (float 0x3FF7154760000000)
  %v155 = fcmp ogt <4 x float> splat (float 0xC05FC00000000000), %v154
  %v156 = select <4 x i1> %v155, <4 x float> splat (float 0xC05FC00000000000), <4 x float> %v154
  %v157 = fadd <4 x float> %v156, splat (float 0x4168000FE0000000)
  %v158 = fsub <4 x float> %v157, splat (float 0x4168000FE0000000)
  %v159 = fsub <4 x float> %v156, %v158
  %v160 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3F55C08E60000000), <4 x float> %v159, <4 x float> splat (float 0x3F83D0C520000000))
  %v161 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v160, <4 x float> %v159, <4 x float> splat (float 0x3FAC6B6E40000000))
  %v162 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v161, <4 x float> %v159, <4 x float> splat (float 0x3FCEBF9180000000))
  %v163 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v162, <4 x float> %v159, <4 x float> splat (float 0x3FE62E4280000000))
  %v164 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v163, <4 x float> %v159, <4 x float> splat (float 0x3FF0000020000000))
  %v165 = bitcast <4 x float> %v157 to <4 x i32>
  %v166 = shl <4 x i32> %v165, splat (i32 23)
  %v167 = bitcast <4 x i32> %v166 to <4 x float>
  %v168 = fmul <4 x float> %v164, %v167
  %v169 = fadd <4 x float> %v148, %v168
  %v170 = mul i64 %v147, 8
  %v171 = getelementptr float, ptr %s, i64 %v170
  %v172 = getelementptr float, ptr %v171, i64 4
  %v173 = load <4 x float>, ptr %v172, align 16
  %v174 = fsub <4 x float> %v173, %v127
  %v175 = fmul <4 x float> %v174, splat (float 0x3FF7154760000000)
  %v176 = fcmp ogt <4 x float> splat (float 0xC05FC00000000000), %v175
  %v177 = select <4 x i1> %v176, <4 x float> splat (float 0xC05FC00000000000), <4 x float> %v175
  %v178 = fadd <4 x float> %v177, splat (float 0x4168000FE0000000)
  %v179 = fsub <4 x float> %v178, splat (float 0x4168000FE0000000)
  %v180 = fsub <4 x float> %v177, %v179
  %v181 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> splat (float 0x3F55C08E60000000), <4 x float> %v180, <4 x float> splat (float 0x3F83D0C520000000))
  %v182 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v181, <4 x float> %v180, <4 x float> splat (float 0x3FAC6B6E40000000))
  %v183 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v182, <4 x float> %v180, <4 x float> splat (float 0x3FCEBF9180000000))
  %v184 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v183, <4 x float> %v180, <4 x float> splat (float 0x3FE62E4280000000))
  %v185 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v184, <4 x float> %v180, <4 x float> splat (float 0x3FF0000020000000))
  %v186 = bitcast <4 x float> %v178 to <4 x i32>
  %v187 = shl <4 x i32> %v186, splat (i32 23)
  %v188 = bitcast <4 x i32> %v187 to <4 x float>
  %v189 = fmul <4 x float> %v185, %v188
  %v190 = fadd <4 x float> %v149, %v189
  store <4 x float> %v168, ptr %v151, align 16
  store <4 x float> %v189, ptr %v172, align 16
  %v191 = add i64 %v147, 1
  %v192 = icmp slt i64 %v191, %v11
  br i1 %v192, label %exponentials145, label %done146
done146:
  %v193 = load <4 x float>, ptr %l, align 4
  %v194 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v193, <4 x float> %v121, <4 x float> %v169)
  store <4 x float> %v194, ptr %l, align 4
  %v195 = getelementptr float, ptr %l, i64 4
  %v196 = load <4 x float>, ptr %v195, align 4
  %v197 = call <4 x float> @llvm.fmuladd.v4f32(<4 x float> %v196, <4 x float> %v143, <4 x float> %v190)
  store <4 x float> %v197, ptr %v195, align 4
  ret void
}
!0 = !{}
