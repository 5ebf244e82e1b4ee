; tile_panel_f32 for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
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
  br label %row14
row14:
  %v16 = phi i64 [ 0, %entry ], [ %v56, %row14 ]
  %v17 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v53, %row14 ]
  %v18 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v55, %row14 ]
  %v19 = mul i64 %v16, 16
  %v20 = getelementptr float, ptr %s, i64 %v19
  %v25 = mul i64 %v16, 16
  %v26 = getelementptr float, ptr %s, i64 %v25
  %v27 = getelementptr float, ptr %v26, i64 8
  %v32 = sub i64 %v11, 1
  %v33 = add i64 %v16, 1
  %v34 = call i64 @llvm.smin.i64(i64 %v33, i64 %v32)
  %v35 = mul i64 %v34, 16
  %v36 = getelementptr float, ptr %s, i64 %v35
  %v41 = mul i64 %v34, 16
  %v42 = getelementptr float, ptr %s, i64 %v41
  %v43 = getelementptr float, ptr %v42, i64 8
  %v21 = load <8 x float>, ptr %v20, align 32
  %v28 = load <8 x float>, ptr %v27, align 32
  %v37 = load <8 x float>, ptr %v36, align 32
  %v44 = load <8 x float>, ptr %v43, align 32
  %v22 = insertelement <8 x float> poison, float %v0, i64 0
  %v29 = insertelement <8 x float> poison, float %v0, i64 0
  %v38 = insertelement <8 x float> poison, float %v0, i64 0
  %v45 = insertelement <8 x float> poison, float %v0, i64 0
  %v23 = shufflevector <8 x float> %v22, <8 x float> poison, <8 x i32> zeroinitializer
  %v30 = shufflevector <8 x float> %v29, <8 x float> poison, <8 x i32> zeroinitializer
  %v39 = shufflevector <8 x float> %v38, <8 x float> poison, <8 x i32> zeroinitializer
  %v46 = shufflevector <8 x float> %v45, <8 x float> poison, <8 x i32> zeroinitializer
  %v24 = fmul <8 x float> %v21, %v23
  %v31 = fmul <8 x float> %v28, %v30
  %v40 = fmul <8 x float> %v37, %v39
  %v47 = fmul <8 x float> %v44, %v46
  %v48 = fcmp ogt <8 x float> %v24, %v17
  %v49 = select <8 x i1> %v48, <8 x float> %v24, <8 x float> %v17
  %v50 = fcmp ogt <8 x float> %v31, %v18
  %v51 = select <8 x i1> %v50, <8 x float> %v31, <8 x float> %v18
  %v52 = fcmp ogt <8 x float> %v40, %v49
  %v53 = select <8 x i1> %v52, <8 x float> %v40, <8 x float> %v49
  %v54 = fcmp ogt <8 x float> %v47, %v51
  %v55 = select <8 x i1> %v54, <8 x float> %v47, <8 x float> %v51
  %v56 = add i64 %v16, 2
  %v57 = icmp slt i64 %v56, %v11
  br i1 %v57, label %row14, label %done15
done15:
  %v58 = load <8 x float>, ptr %m, align 4
  %v59 = fcmp ogt <8 x float> %v53, %v58
  %v60 = select <8 x i1> %v59, <8 x float> %v53, <8 x float> %v58
  store <8 x float> %v60, ptr %m, align 4
  %v61 = fcmp oeq <8 x float> %v60, splat (float 0xFFF0000000000000)
  %v62 = select <8 x i1> %v61, <8 x float> splat (float 0x0000000000000000), <8 x float> %v60
  %v63 = fsub <8 x float> %v58, %v62
  %v64 = fmul <8 x float> %v63, splat (float 0x3FF7154760000000)
  %v65 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v64
  %v66 = select <8 x i1> %v65, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v64
  %v67 = fadd <8 x float> %v66, splat (float 0x4168000FE0000000)
  %v68 = fsub <8 x float> %v67, splat (float 0x4168000FE0000000)
  %v69 = fsub <8 x float> %v66, %v68
  %v70 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v69, <8 x float> splat (float 0x3F83D0C520000000))
  %v71 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v70, <8 x float> %v69, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v72 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v71, <8 x float> %v69, <8 x float> splat (float 0x3FCEBF9180000000))
  %v73 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v72, <8 x float> %v69, <8 x float> splat (float 0x3FE62E4280000000))
  %v74 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v73, <8 x float> %v69, <8 x float> splat (float 0x3FF0000020000000))
  %v75 = bitcast <8 x float> %v67 to <8 x i32>
  %v76 = shl <8 x i32> %v75, splat (i32 23)
  %v77 = bitcast <8 x i32> %v76 to <8 x float>
  %v78 = fmul <8 x float> %v74, %v77
  store <8 x float> %v78, ptr %alpha, align 4
  %v79 = getelementptr float, ptr %m, i64 8
  %v80 = load <8 x float>, ptr %v79, align 4
  %v81 = fcmp ogt <8 x float> %v55, %v80
  %v82 = select <8 x i1> %v81, <8 x float> %v55, <8 x float> %v80
  store <8 x float> %v82, ptr %v79, align 4
  %v83 = fcmp oeq <8 x float> %v82, splat (float 0xFFF0000000000000)
  %v84 = select <8 x i1> %v83, <8 x float> splat (float 0x0000000000000000), <8 x float> %v82
  %v85 = fsub <8 x float> %v80, %v84
  %v86 = fmul <8 x float> %v85, splat (float 0x3FF7154760000000)
  %v87 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v86
  %v88 = select <8 x i1> %v87, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v86
  %v89 = fadd <8 x float> %v88, splat (float 0x4168000FE0000000)
  %v90 = fsub <8 x float> %v89, splat (float 0x4168000FE0000000)
  %v91 = fsub <8 x float> %v88, %v90
  %v92 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v91, <8 x float> splat (float 0x3F83D0C520000000))
  %v93 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v92, <8 x float> %v91, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v94 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v93, <8 x float> %v91, <8 x float> splat (float 0x3FCEBF9180000000))
  %v95 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v94, <8 x float> %v91, <8 x float> splat (float 0x3FE62E4280000000))
  %v96 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v95, <8 x float> %v91, <8 x float> splat (float 0x3FF0000020000000))
  %v97 = bitcast <8 x float> %v89 to <8 x i32>
  %v98 = shl <8 x i32> %v97, splat (i32 23)
  %v99 = bitcast <8 x i32> %v98 to <8 x float>
  %v100 = fmul <8 x float> %v96, %v99
  %v101 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v100, ptr %v101, align 4
  %v102 = fmul float %v0, 0x3FF7154760000000
  %v103 = insertelement <8 x float> poison, float %v102, i64 0
  %v104 = shufflevector <8 x float> %v103, <8 x float> poison, <8 x i32> zeroinitializer
  %v105 = fmul <8 x float> %v62, splat (float 0xBFF7154760000000)
  %v106 = fmul <8 x float> %v84, splat (float 0xBFF7154760000000)
  br label %exponentials107
exponentials107:
  %v109 = phi i64 [ 0, %done15 ], [ %v193, %exponentials107 ]
  %v110 = phi <8 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v190, %exponentials107 ]
  %v111 = phi <8 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v192, %exponentials107 ]
  %v112 = sub i64 %v11, 1
  %v113 = add i64 %v109, 1
  %v114 = call i64 @llvm.smin.i64(i64 %v113, i64 %v112)
  %v115 = mul i64 %v109, 16
  %v116 = getelementptr float, ptr %s, i64 %v115
  %v133 = mul i64 %v109, 16
  %v134 = getelementptr float, ptr %s, i64 %v133
  %v135 = getelementptr float, ptr %v134, i64 8
  %v152 = mul i64 %v114, 16
  %v153 = getelementptr float, ptr %s, i64 %v152
  %v170 = mul i64 %v114, 16
  %v171 = getelementptr float, ptr %s, i64 %v170
  %v172 = getelementptr float, ptr %v171, i64 8
  %v117 = load <8 x float>, ptr %v116, align 32
  %v136 = load <8 x float>, ptr %v135, align 32
  %v154 = load <8 x float>, ptr %v153, align 32
  %v173 = load <8 x float>, ptr %v172, align 32
  %v118 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v117, <8 x float> %v104, <8 x float> %v105)
  %v137 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v136, <8 x float> %v104, <8 x float> %v106)
  %v155 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v154, <8 x float> %v104, <8 x float> %v105)
  %v174 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v173, <8 x float> %v104, <8 x float> %v106)
  %v119 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v118
  %v138 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v137
  %v156 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v155
  %v175 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v174
  %v120 = select <8 x i1> %v119, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v118
  %v139 = select <8 x i1> %v138, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v137
  %v157 = select <8 x i1> %v156, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v155
  %v176 = select <8 x i1> %v175, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v174
  %v121 = fadd <8 x float> %v120, splat (float 0x4168000FE0000000)
  %v140 = fadd <8 x float> %v139, splat (float 0x4168000FE0000000)
  %v158 = fadd <8 x float> %v157, splat (float 0x4168000FE0000000)
  %v177 = fadd <8 x float> %v176, splat (float 0x4168000FE0000000)
  %v122 = fsub <8 x float> %v121, splat (float 0x4168000FE0000000)
  %v141 = fsub <8 x float> %v140, splat (float 0x4168000FE0000000)
  %v159 = fsub <8 x float> %v158, splat (float 0x4168000FE0000000)
  %v178 = fsub <8 x float> %v177, splat (float 0x4168000FE0000000)
  %v123 = fsub <8 x float> %v120, %v122
  %v142 = fsub <8 x float> %v139, %v141
  %v160 = fsub <8 x float> %v157, %v159
  %v179 = fsub <8 x float> %v176, %v178
  %v124 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v123, <8 x float> splat (float 0x3F83D0C520000000))
  %v143 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v142, <8 x float> splat (float 0x3F83D0C520000000))
  %v161 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v160, <8 x float> splat (float 0x3F83D0C520000000))
  %v180 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v179, <8 x float> splat (float 0x3F83D0C520000000))
  %v125 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v124, <8 x float> %v123, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v144 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v143, <8 x float> %v142, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v162 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v161, <8 x float> %v160, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v181 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v180, <8 x float> %v179, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v126 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v125, <8 x float> %v123, <8 x float> splat (float 0x3FCEBF9180000000))
  %v145 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v144, <8 x float> %v142, <8 x float> splat (float 0x3FCEBF9180000000))
  %v163 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v162, <8 x float> %v160, <8 x float> splat (float 0x3FCEBF9180000000))
  %v182 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v181, <8 x float> %v179, <8 x float> splat (float 0x3FCEBF9180000000))
  %v127 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v126, <8 x float> %v123, <8 x float> splat (float 0x3FE62E4280000000))
  %v146 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v145, <8 x float> %v142, <8 x float> splat (float 0x3FE62E4280000000))
  %v164 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v163, <8 x float> %v160, <8 x float> splat (float 0x3FE62E4280000000))
  %v183 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v182, <8 x float> %v179, <8 x float> splat (float 0x3FE62E4280000000))
  %v128 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v127, <8 x float> %v123, <8 x float> splat (float 0x3FF0000020000000))
  %v147 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v146, <8 x float> %v142, <8 x float> splat (float 0x3FF0000020000000))
  %v165 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v164, <8 x float> %v160, <8 x float> splat (float 0x3FF0000020000000))
  %v184 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v183, <8 x float> %v179, <8 x float> splat (float 0x3FF0000020000000))
  %v129 = bitcast <8 x float> %v121 to <8 x i32>
  %v148 = bitcast <8 x float> %v140 to <8 x i32>
  %v166 = bitcast <8 x float> %v158 to <8 x i32>
  %v185 = bitcast <8 x float> %v177 to <8 x i32>
  %v130 = shl <8 x i32> %v129, splat (i32 23)
  %v149 = shl <8 x i32> %v148, splat (i32 23)
  %v167 = shl <8 x i32> %v166, splat (i32 23)
  %v186 = shl <8 x i32> %v185, splat (i32 23)
  %v131 = bitcast <8 x i32> %v130 to <8 x float>
  %v150 = bitcast <8 x i32> %v149 to <8 x float>
  %v168 = bitcast <8 x i32> %v167 to <8 x float>
  %v187 = bitcast <8 x i32> %v186 to <8 x float>
  %v132 = fmul <8 x float> %v128, %v131
  %v151 = fmul <8 x float> %v147, %v150
  %v169 = fmul <8 x float> %v165, %v168
  %v188 = fmul <8 x float> %v184, %v187
  store <8 x float> %v132, ptr %v116, align 32
  store <8 x float> %v151, ptr %v135, align 32
  store <8 x float> %v169, ptr %v153, align 32
  store <8 x float> %v188, ptr %v172, align 32
  %v189 = fadd <8 x float> %v110, %v132
  %v190 = fadd <8 x float> %v189, %v169
  %v191 = fadd <8 x float> %v111, %v151
  %v192 = fadd <8 x float> %v191, %v188
  %v193 = add i64 %v109, 2
  %v194 = icmp slt i64 %v193, %v11
  br i1 %v194, label %exponentials107, label %done108
done108:
  %v195 = and i64 %v11, 1
  %v196 = icmp ne i64 %v195, 0
  %v197 = select i1 %v196, <8 x float> %v189, <8 x float> %v190
  %v198 = select i1 %v196, <8 x float> %v191, <8 x float> %v192
  %v199 = load <8 x float>, ptr %l, align 4
  %v200 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v199, <8 x float> %v78, <8 x float> %v197)
  store <8 x float> %v200, ptr %l, align 4
  %v201 = getelementptr float, ptr %l, i64 8
  %v202 = load <8 x float>, ptr %v201, align 4
  %v203 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v202, <8 x float> %v100, <8 x float> %v198)
  store <8 x float> %v203, ptr %v201, align 4
  ret void
}
!0 = !{}
