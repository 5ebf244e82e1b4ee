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
  %v16 = phi i64 [ 0, %entry ], [ %v58, %row14 ]
  %v17 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v28, %row14 ]
  %v18 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v37, %row14 ]
  %v19 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v48, %row14 ]
  %v20 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v57, %row14 ]
  %v21 = mul i64 %v16, 16
  %v22 = getelementptr float, ptr %s, i64 %v21
  %v23 = load <8 x float>, ptr %v22, align 32
  %v24 = insertelement <8 x float> poison, float %v0, i64 0
  %v25 = shufflevector <8 x float> %v24, <8 x float> poison, <8 x i32> zeroinitializer
  %v26 = fmul <8 x float> %v23, %v25
  %v27 = fcmp ogt <8 x float> %v26, %v17
  %v28 = select <8 x i1> %v27, <8 x float> %v26, <8 x float> %v17
  %v29 = mul i64 %v16, 16
  %v30 = getelementptr float, ptr %s, i64 %v29
  %v31 = getelementptr float, ptr %v30, i64 8
  %v32 = load <8 x float>, ptr %v31, align 32
  %v33 = insertelement <8 x float> poison, float %v0, i64 0
  %v34 = shufflevector <8 x float> %v33, <8 x float> poison, <8 x i32> zeroinitializer
  %v35 = fmul <8 x float> %v32, %v34
  %v36 = fcmp ogt <8 x float> %v35, %v18
  %v37 = select <8 x i1> %v36, <8 x float> %v35, <8 x float> %v18
  %v38 = sub i64 %v11, 1
  %v39 = add i64 %v16, 1
  %v40 = call i64 @llvm.smin.i64(i64 %v39, i64 %v38)
  %v41 = mul i64 %v40, 16
  %v42 = getelementptr float, ptr %s, i64 %v41
  %v43 = load <8 x float>, ptr %v42, align 32
  %v44 = insertelement <8 x float> poison, float %v0, i64 0
  %v45 = shufflevector <8 x float> %v44, <8 x float> poison, <8 x i32> zeroinitializer
  %v46 = fmul <8 x float> %v43, %v45
  %v47 = fcmp ogt <8 x float> %v46, %v19
  %v48 = select <8 x i1> %v47, <8 x float> %v46, <8 x float> %v19
  %v49 = mul i64 %v40, 16
  %v50 = getelementptr float, ptr %s, i64 %v49
  %v51 = getelementptr float, ptr %v50, i64 8
  %v52 = load <8 x float>, ptr %v51, align 32
  %v53 = insertelement <8 x float> poison, float %v0, i64 0
  %v54 = shufflevector <8 x float> %v53, <8 x float> poison, <8 x i32> zeroinitializer
  %v55 = fmul <8 x float> %v52, %v54
  %v56 = fcmp ogt <8 x float> %v55, %v20
  %v57 = select <8 x i1> %v56, <8 x float> %v55, <8 x float> %v20
  %v58 = add i64 %v16, 2
  %v59 = icmp slt i64 %v58, %v11
  br i1 %v59, label %row14, label %done15
done15:
  %v60 = fcmp ogt <8 x float> %v48, %v28
  %v61 = select <8 x i1> %v60, <8 x float> %v48, <8 x float> %v28
  %v62 = fcmp ogt <8 x float> %v57, %v37
  %v63 = select <8 x i1> %v62, <8 x float> %v57, <8 x float> %v37
  %v64 = load <8 x float>, ptr %m, align 4
  %v65 = fcmp ogt <8 x float> %v61, %v64
  %v66 = select <8 x i1> %v65, <8 x float> %v61, <8 x float> %v64
  store <8 x float> %v66, ptr %m, align 4
  %v67 = fcmp oeq <8 x float> %v66, splat (float 0xFFF0000000000000)
  %v68 = select <8 x i1> %v67, <8 x float> splat (float 0x0000000000000000), <8 x float> %v66
  %v69 = fsub <8 x float> %v64, %v68
  %v70 = fmul <8 x float> %v69, splat (float 0x3FF7154760000000)
  %v71 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v70
  %v72 = select <8 x i1> %v71, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v70
  %v73 = fadd <8 x float> %v72, splat (float 0x4168000FE0000000)
  %v74 = fsub <8 x float> %v73, splat (float 0x4168000FE0000000)
  %v75 = fsub <8 x float> %v72, %v74
  %v76 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v75, <8 x float> splat (float 0x3F83D0C520000000))
  %v77 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v76, <8 x float> %v75, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v78 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v77, <8 x float> %v75, <8 x float> splat (float 0x3FCEBF9180000000))
  %v79 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v78, <8 x float> %v75, <8 x float> splat (float 0x3FE62E4280000000))
  %v80 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v79, <8 x float> %v75, <8 x float> splat (float 0x3FF0000020000000))
  %v81 = bitcast <8 x float> %v73 to <8 x i32>
  %v82 = shl <8 x i32> %v81, splat (i32 23)
  %v83 = bitcast <8 x i32> %v82 to <8 x float>
  %v84 = fmul <8 x float> %v80, %v83
  store <8 x float> %v84, ptr %alpha, align 4
  %v85 = getelementptr float, ptr %m, i64 8
  %v86 = load <8 x float>, ptr %v85, align 4
  %v87 = fcmp ogt <8 x float> %v63, %v86
  %v88 = select <8 x i1> %v87, <8 x float> %v63, <8 x float> %v86
  store <8 x float> %v88, ptr %v85, align 4
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
  %v107 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v106, ptr %v107, align 4
  %v108 = fmul float %v0, 0x3FF7154760000000
  %v109 = insertelement <8 x float> poison, float %v108, i64 0
  %v110 = shufflevector <8 x float> %v109, <8 x float> poison, <8 x i32> zeroinitializer
  %v111 = fmul <8 x float> %v68, splat (float 0xBFF7154760000000)
  %v112 = fmul <8 x float> %v90, splat (float 0xBFF7154760000000)
  br label %exponentials113
exponentials113:
  %v115 = phi i64 [ 0, %done15 ], [ %v157, %exponentials113 ]
  %v116 = phi <8 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v136, %exponentials113 ]
  %v117 = phi <8 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v156, %exponentials113 ]
  %v118 = mul i64 %v115, 16
  %v119 = getelementptr float, ptr %s, i64 %v118
  %v120 = load <8 x float>, ptr %v119, align 32
  %v121 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v120, <8 x float> %v110, <8 x float> %v111)
  %v122 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v121
  %v123 = select <8 x i1> %v122, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v121
  %v124 = fadd <8 x float> %v123, splat (float 0x4168000FE0000000)
  %v125 = fsub <8 x float> %v124, splat (float 0x4168000FE0000000)
  %v126 = fsub <8 x float> %v123, %v125
  %v127 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v126, <8 x float> splat (float 0x3F83D0C520000000))
  %v128 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v127, <8 x float> %v126, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v129 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v128, <8 x float> %v126, <8 x float> splat (float 0x3FCEBF9180000000))
  %v130 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v129, <8 x float> %v126, <8 x float> splat (float 0x3FE62E4280000000))
  %v131 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v130, <8 x float> %v126, <8 x float> splat (float 0x3FF0000020000000))
  %v132 = bitcast <8 x float> %v124 to <8 x i32>
  %v133 = shl <8 x i32> %v132, splat (i32 23)
  %v134 = bitcast <8 x i32> %v133 to <8 x float>
  %v135 = fmul <8 x float> %v131, %v134
  %v136 = fadd <8 x float> %v116, %v135
  %v137 = mul i64 %v115, 16
  %v138 = getelementptr float, ptr %s, i64 %v137
  %v139 = getelementptr float, ptr %v138, i64 8
  %v140 = load <8 x float>, ptr %v139, align 32
  %v141 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v140, <8 x float> %v110, <8 x float> %v112)
  %v142 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v141
  %v143 = select <8 x i1> %v142, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v141
  %v144 = fadd <8 x float> %v143, splat (float 0x4168000FE0000000)
  %v145 = fsub <8 x float> %v144, splat (float 0x4168000FE0000000)
  %v146 = fsub <8 x float> %v143, %v145
  %v147 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v146, <8 x float> splat (float 0x3F83D0C520000000))
  %v148 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v147, <8 x float> %v146, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v149 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v148, <8 x float> %v146, <8 x float> splat (float 0x3FCEBF9180000000))
  %v150 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v149, <8 x float> %v146, <8 x float> splat (float 0x3FE62E4280000000))
  %v151 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v150, <8 x float> %v146, <8 x float> splat (float 0x3FF0000020000000))
  %v152 = bitcast <8 x float> %v144 to <8 x i32>
  %v153 = shl <8 x i32> %v152, splat (i32 23)
  %v154 = bitcast <8 x i32> %v153 to <8 x float>
  %v155 = fmul <8 x float> %v151, %v154
  %v156 = fadd <8 x float> %v117, %v155
  store <8 x float> %v135, ptr %v119, align 32
  store <8 x float> %v155, ptr %v139, align 32
  %v157 = add i64 %v115, 1
  %v158 = icmp slt i64 %v157, %v11
  br i1 %v158, label %exponentials113, label %done114
done114:
  %v159 = load <8 x float>, ptr %l, align 4
  %v160 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v159, <8 x float> %v84, <8 x float> %v136)
  store <8 x float> %v160, ptr %l, align 4
  %v161 = getelementptr float, ptr %l, i64 8
  %v162 = load <8 x float>, ptr %v161, align 4
  %v163 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v162, <8 x float> %v106, <8 x float> %v156)
  store <8 x float> %v163, ptr %v161, align 4
  ret void
}
!0 = !{}
