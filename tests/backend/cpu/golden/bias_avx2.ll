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
  %v35 = phi i64 [ 0, %entry ], [ %v84, %done47 ]
  %v36 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v66, %done47 ]
  %v37 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v81, %done47 ]
  %v38 = sub i64 %v11, %v35
  %v39 = call i64 @llvm.smin.i64(i64 %v38, i64 32)
  %v40 = add i64 %v35, %v39
  %v41 = trunc i64 %v39 to i32
  %v42 = getelementptr float, ptr %v30, i64 %v35
  call void %v45(ptr %v42, i64 %v23, i32 %v31, i32 %v41, ptr %v32, i32 16)
  br label %row46
row46:
  %v48 = phi i64 [ %v35, %block33 ], [ %v82, %row46 ]
  %v49 = phi <8 x float> [ %v36, %block33 ], [ %v66, %row46 ]
  %v50 = phi <8 x float> [ %v37, %block33 ], [ %v81, %row46 ]
  %v51 = sub i64 %v48, %v35
  %v52 = trunc i64 %v48 to i32
  %v53 = add i32 %v8, %v52
  %v54 = mul i64 %v48, 16
  %v55 = getelementptr float, ptr %s, i64 %v54
  %v56 = load <8 x float>, ptr %v55, align 32
  %v57 = insertelement <8 x float> poison, float %v0, i64 0
  %v58 = shufflevector <8 x float> %v57, <8 x float> poison, <8 x i32> zeroinitializer
  %v59 = fmul <8 x float> %v56, %v58
  %v60 = mul i64 %v51, 16
  %v61 = getelementptr i32, ptr %v32, i64 %v60
  %v62 = load <8 x i32>, ptr %v61, align 32
  %v63 = bitcast <8 x i32> %v62 to <8 x float>
  %v64 = fadd contract <8 x float> %v59, %v63
  %v65 = fcmp ogt <8 x float> %v64, %v49
  %v66 = select <8 x i1> %v65, <8 x float> %v64, <8 x float> %v49
  %v67 = mul i64 %v48, 16
  %v68 = getelementptr float, ptr %s, i64 %v67
  %v69 = getelementptr float, ptr %v68, i64 8
  %v70 = load <8 x float>, ptr %v69, align 32
  %v71 = insertelement <8 x float> poison, float %v0, i64 0
  %v72 = shufflevector <8 x float> %v71, <8 x float> poison, <8 x i32> zeroinitializer
  %v73 = fmul <8 x float> %v70, %v72
  %v74 = mul i64 %v51, 16
  %v75 = getelementptr i32, ptr %v32, i64 %v74
  %v76 = getelementptr i32, ptr %v75, i64 8
  %v77 = load <8 x i32>, ptr %v76, align 32
  %v78 = bitcast <8 x i32> %v77 to <8 x float>
  %v79 = fadd contract <8 x float> %v73, %v78
  %v80 = fcmp ogt <8 x float> %v79, %v50
  %v81 = select <8 x i1> %v80, <8 x float> %v79, <8 x float> %v50
  store <8 x float> %v64, ptr %v55, align 32
  store <8 x float> %v79, ptr %v69, align 32
  %v82 = add i64 %v48, 1
  %v83 = icmp slt i64 %v82, %v40
  br i1 %v83, label %row46, label %done47
done47:
  %v84 = add i64 %v35, 32
  %v85 = icmp slt i64 %v84, %v11
  br i1 %v85, label %block33, label %done34
done34:
  %v86 = load <8 x float>, ptr %m, align 4
  %v87 = fcmp ogt <8 x float> %v66, %v86
  %v88 = select <8 x i1> %v87, <8 x float> %v66, <8 x float> %v86
  store <8 x float> %v88, ptr %m, align 4
  %v89 = fcmp oeq <8 x float> %v88, splat (float 0xFFF0000000000000)
  %v90 = select <8 x i1> %v89, <8 x float> splat (float 0x0000000000000000), <8 x float> %v88
  %v91 = fsub <8 x float> %v86, %v90
  %v92 = fmul <8 x float> %v91, splat (float 0x3FF7154760000000)
  %v93 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v92
  %v94 = select <8 x i1> %v93, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v92
  %v95 = fadd <8 x float> %v94, splat (float 0x4168000FE0000000)
  %v96 = fsub <8 x float> %v95, splat (float 0x4168000FE0000000)
  %v97 = fsub <8 x float> %v94, %v96
  %v98 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v97, <8 x float> splat (float 0x3F83D0C520000000))
  %v99 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v98, <8 x float> %v97, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v100 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v99, <8 x float> %v97, <8 x float> splat (float 0x3FCEBF9180000000))
  %v101 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v100, <8 x float> %v97, <8 x float> splat (float 0x3FE62E4280000000))
  %v102 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v101, <8 x float> %v97, <8 x float> splat (float 0x3FF0000020000000))
  %v103 = bitcast <8 x float> %v95 to <8 x i32>
  %v104 = shl <8 x i32> %v103, splat (i32 23)
  %v105 = bitcast <8 x i32> %v104 to <8 x float>
  %v106 = fmul <8 x float> %v102, %v105
  store <8 x float> %v106, ptr %alpha, align 4
  %v107 = getelementptr float, ptr %m, i64 8
  %v108 = load <8 x float>, ptr %v107, align 4
  %v109 = fcmp ogt <8 x float> %v81, %v108
  %v110 = select <8 x i1> %v109, <8 x float> %v81, <8 x float> %v108
  store <8 x float> %v110, ptr %v107, align 4
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
  %v129 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v128, ptr %v129, align 4
  br label %exponentials130
exponentials130:
  %v132 = phi i64 [ 0, %done34 ], [ %v176, %exponentials130 ]
  %v133 = phi <8 x float> [ splat (float 0x0000000000000000), %done34 ], [ %v154, %exponentials130 ]
  %v134 = phi <8 x float> [ splat (float 0x0000000000000000), %done34 ], [ %v175, %exponentials130 ]
  %v135 = mul i64 %v132, 16
  %v136 = getelementptr float, ptr %s, i64 %v135
  %v137 = load <8 x float>, ptr %v136, align 32
  %v138 = fsub <8 x float> %v137, %v90
  %v139 = fmul <8 x float> %v138, splat (float 0x3FF7154760000000)
  %v140 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v139
  %v141 = select <8 x i1> %v140, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v139
  %v142 = fadd <8 x float> %v141, splat (float 0x4168000FE0000000)
  %v143 = fsub <8 x float> %v142, splat (float 0x4168000FE0000000)
  %v144 = fsub <8 x float> %v141, %v143
  %v145 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v144, <8 x float> splat (float 0x3F83D0C520000000))
  %v146 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v145, <8 x float> %v144, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v147 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v146, <8 x float> %v144, <8 x float> splat (float 0x3FCEBF9180000000))
  %v148 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v147, <8 x float> %v144, <8 x float> splat (float 0x3FE62E4280000000))
  %v149 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v148, <8 x float> %v144, <8 x float> splat (float 0x3FF0000020000000))
  %v150 = bitcast <8 x float> %v142 to <8 x i32>
  %v151 = shl <8 x i32> %v150, splat (i32 23)
  %v152 = bitcast <8 x i32> %v151 to <8 x float>
  %v153 = fmul <8 x float> %v149, %v152
  %v154 = fadd <8 x float> %v133, %v153
  %v155 = mul i64 %v132, 16
  %v156 = getelementptr float, ptr %s, i64 %v155
  %v157 = getelementptr float, ptr %v156, i64 8
  %v158 = load <8 x float>, ptr %v157, align 32
  %v159 = fsub <8 x float> %v158, %v112
  %v160 = fmul <8 x float> %v159, splat (float 0x3FF7154760000000)
  %v161 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v160
  %v162 = select <8 x i1> %v161, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v160
  %v163 = fadd <8 x float> %v162, splat (float 0x4168000FE0000000)
  %v164 = fsub <8 x float> %v163, splat (float 0x4168000FE0000000)
  %v165 = fsub <8 x float> %v162, %v164
  %v166 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v165, <8 x float> splat (float 0x3F83D0C520000000))
  %v167 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v166, <8 x float> %v165, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v168 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v167, <8 x float> %v165, <8 x float> splat (float 0x3FCEBF9180000000))
  %v169 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v168, <8 x float> %v165, <8 x float> splat (float 0x3FE62E4280000000))
  %v170 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v169, <8 x float> %v165, <8 x float> splat (float 0x3FF0000020000000))
  %v171 = bitcast <8 x float> %v163 to <8 x i32>
  %v172 = shl <8 x i32> %v171, splat (i32 23)
  %v173 = bitcast <8 x i32> %v172 to <8 x float>
  %v174 = fmul <8 x float> %v170, %v173
  %v175 = fadd <8 x float> %v134, %v174
  store <8 x float> %v153, ptr %v136, align 32
  store <8 x float> %v174, ptr %v157, align 32
  %v176 = add i64 %v132, 1
  %v177 = icmp slt i64 %v176, %v11
  br i1 %v177, label %exponentials130, label %done131
done131:
  %v178 = load <8 x float>, ptr %l, align 4
  %v179 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v178, <8 x float> %v106, <8 x float> %v154)
  store <8 x float> %v179, ptr %l, align 4
  %v180 = getelementptr float, ptr %l, i64 8
  %v181 = load <8 x float>, ptr %v180, align 4
  %v182 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v181, <8 x float> %v128, <8 x float> %v175)
  store <8 x float> %v182, ptr %v180, align 4
  ret void
}
!0 = !{}
