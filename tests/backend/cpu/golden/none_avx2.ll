; tile_panel_f32 for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
define void @tile_panel_f32(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind alignstack(32) {
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
  %v16 = phi i64 [ 0, %entry ], [ %v44, %row14 ]
  %v17 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v41, %row14 ]
  %v18 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v43, %row14 ]
  %v19 = mul i64 %v16, 16
  %v20 = getelementptr float, ptr %s, i64 %v19
  %v22 = mul i64 %v16, 16
  %v23 = getelementptr float, ptr %s, i64 %v22
  %v24 = getelementptr float, ptr %v23, i64 8
  %v26 = sub i64 %v11, 1
  %v27 = add i64 %v16, 1
  %v28 = call i64 @llvm.smin.i64(i64 %v27, i64 %v26)
  %v29 = mul i64 %v28, 16
  %v30 = getelementptr float, ptr %s, i64 %v29
  %v32 = mul i64 %v28, 16
  %v33 = getelementptr float, ptr %s, i64 %v32
  %v34 = getelementptr float, ptr %v33, i64 8
  %v21 = load <8 x float>, ptr %v20, align 32
  %v25 = load <8 x float>, ptr %v24, align 32
  %v31 = load <8 x float>, ptr %v30, align 32
  %v35 = load <8 x float>, ptr %v34, align 32
  %v36 = fcmp ogt <8 x float> %v21, %v17
  %v37 = select <8 x i1> %v36, <8 x float> %v21, <8 x float> %v17
  %v38 = fcmp ogt <8 x float> %v25, %v18
  %v39 = select <8 x i1> %v38, <8 x float> %v25, <8 x float> %v18
  %v40 = fcmp ogt <8 x float> %v31, %v37
  %v41 = select <8 x i1> %v40, <8 x float> %v31, <8 x float> %v37
  %v42 = fcmp ogt <8 x float> %v35, %v39
  %v43 = select <8 x i1> %v42, <8 x float> %v35, <8 x float> %v39
  %v44 = add i64 %v16, 2
  %v45 = icmp slt i64 %v44, %v11
  br i1 %v45, label %row14, label %done15
done15:
  %v46 = load <8 x float>, ptr %m, align 4
  %v47 = fcmp ogt <8 x float> %v41, %v46
  %v48 = select <8 x i1> %v47, <8 x float> %v41, <8 x float> %v46
  store <8 x float> %v48, ptr %m, align 4
  %v49 = fcmp oeq <8 x float> %v48, splat (float 0xFFF0000000000000)
  %v50 = select <8 x i1> %v49, <8 x float> splat (float 0x0000000000000000), <8 x float> %v48
  %v51 = fsub <8 x float> %v46, %v50
  %v52 = fmul <8 x float> %v51, splat (float 0x3FF7154760000000)
  %v53 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v52
  %v54 = select <8 x i1> %v53, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v52
  %v55 = fadd <8 x float> %v54, splat (float 0x4168000FE0000000)
  %v56 = fsub <8 x float> %v55, splat (float 0x4168000FE0000000)
  %v57 = fsub <8 x float> %v54, %v56
  %v58 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v57, <8 x float> splat (float 0x3F83D0C520000000))
  %v59 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v58, <8 x float> %v57, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v60 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v59, <8 x float> %v57, <8 x float> splat (float 0x3FCEBF9180000000))
  %v61 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v60, <8 x float> %v57, <8 x float> splat (float 0x3FE62E4280000000))
  %v62 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v61, <8 x float> %v57, <8 x float> splat (float 0x3FF0000020000000))
  %v63 = bitcast <8 x float> %v55 to <8 x i32>
  %v64 = shl <8 x i32> %v63, splat (i32 23)
  %v65 = bitcast <8 x i32> %v64 to <8 x float>
  %v66 = fmul <8 x float> %v62, %v65
  store <8 x float> %v66, ptr %alpha, align 4
  %v67 = getelementptr float, ptr %m, i64 8
  %v68 = load <8 x float>, ptr %v67, align 4
  %v69 = fcmp ogt <8 x float> %v43, %v68
  %v70 = select <8 x i1> %v69, <8 x float> %v43, <8 x float> %v68
  store <8 x float> %v70, ptr %v67, align 4
  %v71 = fcmp oeq <8 x float> %v70, splat (float 0xFFF0000000000000)
  %v72 = select <8 x i1> %v71, <8 x float> splat (float 0x0000000000000000), <8 x float> %v70
  %v73 = fsub <8 x float> %v68, %v72
  %v74 = fmul <8 x float> %v73, splat (float 0x3FF7154760000000)
  %v75 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v74
  %v76 = select <8 x i1> %v75, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v74
  %v77 = fadd <8 x float> %v76, splat (float 0x4168000FE0000000)
  %v78 = fsub <8 x float> %v77, splat (float 0x4168000FE0000000)
  %v79 = fsub <8 x float> %v76, %v78
  %v80 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v79, <8 x float> splat (float 0x3F83D0C520000000))
  %v81 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v80, <8 x float> %v79, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v82 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v81, <8 x float> %v79, <8 x float> splat (float 0x3FCEBF9180000000))
  %v83 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v82, <8 x float> %v79, <8 x float> splat (float 0x3FE62E4280000000))
  %v84 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v83, <8 x float> %v79, <8 x float> splat (float 0x3FF0000020000000))
  %v85 = bitcast <8 x float> %v77 to <8 x i32>
  %v86 = shl <8 x i32> %v85, splat (i32 23)
  %v87 = bitcast <8 x i32> %v86 to <8 x float>
  %v88 = fmul <8 x float> %v84, %v87
  %v89 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v88, ptr %v89, align 4
  %v90 = fmul <8 x float> %v50, splat (float 0xBFF7154760000000)
  %v91 = fmul <8 x float> %v72, splat (float 0xBFF7154760000000)
  br label %exponentials92
exponentials92:
  %v94 = phi i64 [ 0, %done15 ], [ %v178, %exponentials92 ]
  %v95 = phi <8 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v175, %exponentials92 ]
  %v96 = phi <8 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v177, %exponentials92 ]
  %v97 = sub i64 %v11, 1
  %v98 = add i64 %v94, 1
  %v99 = call i64 @llvm.smin.i64(i64 %v98, i64 %v97)
  %v100 = mul i64 %v94, 16
  %v101 = getelementptr float, ptr %s, i64 %v100
  %v118 = mul i64 %v94, 16
  %v119 = getelementptr float, ptr %s, i64 %v118
  %v120 = getelementptr float, ptr %v119, i64 8
  %v137 = mul i64 %v99, 16
  %v138 = getelementptr float, ptr %s, i64 %v137
  %v155 = mul i64 %v99, 16
  %v156 = getelementptr float, ptr %s, i64 %v155
  %v157 = getelementptr float, ptr %v156, i64 8
  %v102 = load <8 x float>, ptr %v101, align 32
  %v121 = load <8 x float>, ptr %v120, align 32
  %v139 = load <8 x float>, ptr %v138, align 32
  %v158 = load <8 x float>, ptr %v157, align 32
  %v103 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v102, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v90)
  %v122 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v121, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v91)
  %v140 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v139, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v90)
  %v159 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v158, <8 x float> splat (float 0x3FF7154760000000), <8 x float> %v91)
  %v104 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v103
  %v123 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v122
  %v141 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v140
  %v160 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v159
  %v105 = select <8 x i1> %v104, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v103
  %v124 = select <8 x i1> %v123, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v122
  %v142 = select <8 x i1> %v141, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v140
  %v161 = select <8 x i1> %v160, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v159
  %v106 = fadd <8 x float> %v105, splat (float 0x4168000FE0000000)
  %v125 = fadd <8 x float> %v124, splat (float 0x4168000FE0000000)
  %v143 = fadd <8 x float> %v142, splat (float 0x4168000FE0000000)
  %v162 = fadd <8 x float> %v161, splat (float 0x4168000FE0000000)
  %v107 = fsub <8 x float> %v106, splat (float 0x4168000FE0000000)
  %v126 = fsub <8 x float> %v125, splat (float 0x4168000FE0000000)
  %v144 = fsub <8 x float> %v143, splat (float 0x4168000FE0000000)
  %v163 = fsub <8 x float> %v162, splat (float 0x4168000FE0000000)
  %v108 = fsub <8 x float> %v105, %v107
  %v127 = fsub <8 x float> %v124, %v126
  %v145 = fsub <8 x float> %v142, %v144
  %v164 = fsub <8 x float> %v161, %v163
  %v109 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v108, <8 x float> splat (float 0x3F83D0C520000000))
  %v128 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v127, <8 x float> splat (float 0x3F83D0C520000000))
  %v146 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v145, <8 x float> splat (float 0x3F83D0C520000000))
  %v165 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v164, <8 x float> splat (float 0x3F83D0C520000000))
  %v110 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v109, <8 x float> %v108, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v129 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v128, <8 x float> %v127, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v147 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v146, <8 x float> %v145, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v166 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v165, <8 x float> %v164, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v111 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v110, <8 x float> %v108, <8 x float> splat (float 0x3FCEBF9180000000))
  %v130 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v129, <8 x float> %v127, <8 x float> splat (float 0x3FCEBF9180000000))
  %v148 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v147, <8 x float> %v145, <8 x float> splat (float 0x3FCEBF9180000000))
  %v167 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v166, <8 x float> %v164, <8 x float> splat (float 0x3FCEBF9180000000))
  %v112 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v111, <8 x float> %v108, <8 x float> splat (float 0x3FE62E4280000000))
  %v131 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v130, <8 x float> %v127, <8 x float> splat (float 0x3FE62E4280000000))
  %v149 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v148, <8 x float> %v145, <8 x float> splat (float 0x3FE62E4280000000))
  %v168 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v167, <8 x float> %v164, <8 x float> splat (float 0x3FE62E4280000000))
  %v113 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v112, <8 x float> %v108, <8 x float> splat (float 0x3FF0000020000000))
  %v132 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v131, <8 x float> %v127, <8 x float> splat (float 0x3FF0000020000000))
  %v150 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v149, <8 x float> %v145, <8 x float> splat (float 0x3FF0000020000000))
  %v169 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v168, <8 x float> %v164, <8 x float> splat (float 0x3FF0000020000000))
  %v114 = bitcast <8 x float> %v106 to <8 x i32>
  %v133 = bitcast <8 x float> %v125 to <8 x i32>
  %v151 = bitcast <8 x float> %v143 to <8 x i32>
  %v170 = bitcast <8 x float> %v162 to <8 x i32>
  %v115 = shl <8 x i32> %v114, splat (i32 23)
  %v134 = shl <8 x i32> %v133, splat (i32 23)
  %v152 = shl <8 x i32> %v151, splat (i32 23)
  %v171 = shl <8 x i32> %v170, splat (i32 23)
  %v116 = bitcast <8 x i32> %v115 to <8 x float>
  %v135 = bitcast <8 x i32> %v134 to <8 x float>
  %v153 = bitcast <8 x i32> %v152 to <8 x float>
  %v172 = bitcast <8 x i32> %v171 to <8 x float>
  %v117 = fmul <8 x float> %v113, %v116
  %v136 = fmul <8 x float> %v132, %v135
  %v154 = fmul <8 x float> %v150, %v153
  %v173 = fmul <8 x float> %v169, %v172
  store <8 x float> %v117, ptr %v101, align 32
  store <8 x float> %v136, ptr %v120, align 32
  store <8 x float> %v154, ptr %v138, align 32
  store <8 x float> %v173, ptr %v157, align 32
  %v174 = fadd <8 x float> %v95, %v117
  %v175 = fadd <8 x float> %v174, %v154
  %v176 = fadd <8 x float> %v96, %v136
  %v177 = fadd <8 x float> %v176, %v173
  %v178 = add i64 %v94, 2
  %v179 = icmp slt i64 %v178, %v11
  br i1 %v179, label %exponentials92, label %done93
done93:
  %v180 = and i64 %v11, 1
  %v181 = icmp ne i64 %v180, 0
  %v182 = select i1 %v181, <8 x float> %v174, <8 x float> %v175
  %v183 = select i1 %v181, <8 x float> %v176, <8 x float> %v177
  %v184 = load <8 x float>, ptr %l, align 4
  %v185 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v184, <8 x float> %v66, <8 x float> %v182)
  store <8 x float> %v185, ptr %l, align 4
  %v186 = getelementptr float, ptr %l, i64 8
  %v187 = load <8 x float>, ptr %v186, align 4
  %v188 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v187, <8 x float> %v88, <8 x float> %v183)
  store <8 x float> %v188, ptr %v186, align 4
  ret void
}
!0 = !{}
