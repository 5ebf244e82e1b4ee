; tile_panel_f32 for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
define internal void @fx.stage.f32.2x8(ptr noalias %tile, i64 %stride, i32 %lanes, i32 %rows, ptr noalias %scratch) noinline nounwind {
entry:
  %v0 = icmp sge i32 %lanes, 16
  %v1 = icmp sge i32 %rows, 8
  %v2 = and i1 %v0, %v1
  br i1 %v2, label %squares, label %rest
squares:
  br label %v.head
v.head:
  %v = phi i64 [ 0, %squares ], [ %v.next, %v.latch ]
  %v3 = icmp slt i64 %v, 2
  br i1 %v3, label %v.body, label %v.done
v.body:
  %v4 = mul i64 %v, 8
  %v5 = mul i64 %v4, %stride
  %v6 = getelementptr float, ptr %tile, i64 %v5
  %v7 = getelementptr float, ptr %v6, i64 0
  %v8 = load <8 x float>, ptr %v7, align 4, !invariant.load !0
  %v9 = bitcast <8 x float> %v8 to <8 x i32>
  %v10 = getelementptr float, ptr %v6, i64 %stride
  %v11 = load <8 x float>, ptr %v10, align 4, !invariant.load !0
  %v12 = bitcast <8 x float> %v11 to <8 x i32>
  %v13 = mul i64 %stride, 2
  %v14 = getelementptr float, ptr %v6, i64 %v13
  %v15 = load <8 x float>, ptr %v14, align 4, !invariant.load !0
  %v16 = bitcast <8 x float> %v15 to <8 x i32>
  %v17 = mul i64 %stride, 3
  %v18 = getelementptr float, ptr %v6, i64 %v17
  %v19 = load <8 x float>, ptr %v18, align 4, !invariant.load !0
  %v20 = bitcast <8 x float> %v19 to <8 x i32>
  %v21 = mul i64 %stride, 4
  %v22 = getelementptr float, ptr %v6, i64 %v21
  %v23 = load <8 x float>, ptr %v22, align 4, !invariant.load !0
  %v24 = bitcast <8 x float> %v23 to <8 x i32>
  %v25 = mul i64 %stride, 5
  %v26 = getelementptr float, ptr %v6, i64 %v25
  %v27 = load <8 x float>, ptr %v26, align 4, !invariant.load !0
  %v28 = bitcast <8 x float> %v27 to <8 x i32>
  %v29 = mul i64 %stride, 6
  %v30 = getelementptr float, ptr %v6, i64 %v29
  %v31 = load <8 x float>, ptr %v30, align 4, !invariant.load !0
  %v32 = bitcast <8 x float> %v31 to <8 x i32>
  %v33 = mul i64 %stride, 7
  %v34 = getelementptr float, ptr %v6, i64 %v33
  %v35 = load <8 x float>, ptr %v34, align 4, !invariant.load !0
  %v36 = bitcast <8 x float> %v35 to <8 x i32>
  %v37 = shufflevector <8 x i32> %v9, <8 x i32> %v16, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v38 = shufflevector <8 x i32> %v9, <8 x i32> %v16, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v39 = shufflevector <8 x i32> %v12, <8 x i32> %v20, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v40 = shufflevector <8 x i32> %v12, <8 x i32> %v20, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v41 = shufflevector <8 x i32> %v37, <8 x i32> %v39, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v42 = shufflevector <8 x i32> %v37, <8 x i32> %v39, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v43 = shufflevector <8 x i32> %v38, <8 x i32> %v40, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v44 = shufflevector <8 x i32> %v38, <8 x i32> %v40, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v45 = shufflevector <8 x i32> %v24, <8 x i32> %v32, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v46 = shufflevector <8 x i32> %v24, <8 x i32> %v32, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v47 = shufflevector <8 x i32> %v28, <8 x i32> %v36, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v48 = shufflevector <8 x i32> %v28, <8 x i32> %v36, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v49 = shufflevector <8 x i32> %v45, <8 x i32> %v47, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v50 = shufflevector <8 x i32> %v45, <8 x i32> %v47, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v51 = shufflevector <8 x i32> %v46, <8 x i32> %v48, <8 x i32> <i32 0, i32 8, i32 1, i32 9, i32 4, i32 12, i32 5, i32 13>
  %v52 = shufflevector <8 x i32> %v46, <8 x i32> %v48, <8 x i32> <i32 2, i32 10, i32 3, i32 11, i32 6, i32 14, i32 7, i32 15>
  %v53 = shufflevector <8 x i32> %v41, <8 x i32> %v49, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 8, i32 9, i32 10, i32 11>
  %v54 = shufflevector <8 x i32> %v41, <8 x i32> %v49, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 12, i32 13, i32 14, i32 15>
  %v55 = shufflevector <8 x i32> %v42, <8 x i32> %v50, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 8, i32 9, i32 10, i32 11>
  %v56 = shufflevector <8 x i32> %v42, <8 x i32> %v50, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 12, i32 13, i32 14, i32 15>
  %v57 = shufflevector <8 x i32> %v43, <8 x i32> %v51, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 8, i32 9, i32 10, i32 11>
  %v58 = shufflevector <8 x i32> %v43, <8 x i32> %v51, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 12, i32 13, i32 14, i32 15>
  %v59 = shufflevector <8 x i32> %v44, <8 x i32> %v52, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 8, i32 9, i32 10, i32 11>
  %v60 = shufflevector <8 x i32> %v44, <8 x i32> %v52, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 12, i32 13, i32 14, i32 15>
  %v61 = getelementptr i32, ptr %scratch, i64 %v4
  store <8 x i32> %v53, ptr %v61, align 32
  %v62 = getelementptr i32, ptr %v61, i64 16
  store <8 x i32> %v55, ptr %v62, align 32
  %v63 = getelementptr i32, ptr %v61, i64 32
  store <8 x i32> %v57, ptr %v63, align 32
  %v64 = getelementptr i32, ptr %v61, i64 48
  store <8 x i32> %v59, ptr %v64, align 32
  %v65 = getelementptr i32, ptr %v61, i64 64
  store <8 x i32> %v54, ptr %v65, align 32
  %v66 = getelementptr i32, ptr %v61, i64 80
  store <8 x i32> %v56, ptr %v66, align 32
  %v67 = getelementptr i32, ptr %v61, i64 96
  store <8 x i32> %v58, ptr %v67, align 32
  %v68 = getelementptr i32, ptr %v61, i64 112
  store <8 x i32> %v60, ptr %v68, align 32
  br label %v.latch
v.latch:
  %v.next = add i64 %v, 1
  br label %v.head
v.done:
  ret void
rest:
  %v69 = call i32 @llvm.smin.i32(i32 %lanes, i32 16)
  %v70 = sext i32 %v69 to i64
  %v71 = call i32 @llvm.smin.i32(i32 %rows, i32 8)
  %v72 = sext i32 %v71 to i64
  br label %lane.head
lane.head:
  %lane = phi i64 [ 0, %rest ], [ %lane.next, %lane.latch ]
  %v73 = icmp slt i64 %lane, %v70
  br i1 %v73, label %lane.body, label %lane.done
lane.body:
  %v74 = mul i64 %lane, %stride
  %v75 = getelementptr float, ptr %tile, i64 %v74
  br label %row.head
row.head:
  %row = phi i64 [ 0, %lane.body ], [ %row.next, %row.latch ]
  %v76 = icmp slt i64 %row, %v72
  br i1 %v76, label %row.body, label %row.done
row.body:
  %v77 = getelementptr float, ptr %v75, i64 %row
  %v78 = load float, ptr %v77, align 4, !invariant.load !0
  %v79 = mul i64 %row, 16
  %v80 = add i64 %v79, %lane
  %v81 = getelementptr i32, ptr %scratch, i64 %v80
  %v82 = bitcast float %v78 to i32
  store i32 %v82, ptr %v81, align 4
  br label %row.latch
row.latch:
  %row.next = add i64 %row, 1
  br label %row.head
row.done:
  br label %lane.latch
lane.latch:
  %lane.next = add i64 %lane, 1
  br label %lane.head
lane.done:
  ret void
}
define void @tile_panel_f32(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind {
entry:
  %v31 = alloca [128 x i32], align 64
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
  br label %block32
block32:
  %v34 = phi i64 [ 0, %entry ], [ %v118, %done45 ]
  %v35 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v66, %done45 ]
  %v36 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v81, %done45 ]
  %v37 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v100, %done45 ]
  %v38 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v115, %done45 ]
  %v39 = sub i64 %v11, %v34
  %v40 = call i64 @llvm.smin.i64(i64 %v39, i64 8)
  %v41 = trunc i64 %v40 to i32
  %v42 = getelementptr float, ptr %v30, i64 %v34
  call void @fx.stage.f32.2x8(ptr %v42, i64 %v23, i32 %v13, i32 %v41, ptr %v31)
  %v43 = add i64 %v34, %v40
  br label %scores44
scores44:
  %v46 = phi i64 [ %v34, %block32 ], [ %v116, %scores44 ]
  %v47 = phi <8 x float> [ %v35, %block32 ], [ %v66, %scores44 ]
  %v48 = phi <8 x float> [ %v36, %block32 ], [ %v81, %scores44 ]
  %v49 = phi <8 x float> [ %v37, %block32 ], [ %v100, %scores44 ]
  %v50 = phi <8 x float> [ %v38, %block32 ], [ %v115, %scores44 ]
  %v51 = sub i64 %v46, %v34
  %v52 = trunc i64 %v46 to i32
  %v53 = add i32 %v8, %v52
  %v54 = mul i64 %v46, 16
  %v55 = getelementptr float, ptr %s, i64 %v54
  %v56 = load <8 x float>, ptr %v55, align 32
  %v57 = insertelement <8 x float> poison, float %v0, i64 0
  %v58 = shufflevector <8 x float> %v57, <8 x float> poison, <8 x i32> zeroinitializer
  %v59 = fmul <8 x float> %v56, %v58
  %v60 = mul i64 %v51, 16
  %v61 = getelementptr i32, ptr %v31, i64 %v60
  %v62 = load <8 x i32>, ptr %v61, align 32
  %v63 = bitcast <8 x i32> %v62 to <8 x float>
  %v64 = fadd contract <8 x float> %v59, %v63
  %v65 = fcmp ogt <8 x float> %v64, %v47
  %v66 = select <8 x i1> %v65, <8 x float> %v64, <8 x float> %v47
  %v67 = mul i64 %v46, 16
  %v68 = getelementptr float, ptr %s, i64 %v67
  %v69 = getelementptr float, ptr %v68, i64 8
  %v70 = load <8 x float>, ptr %v69, align 32
  %v71 = insertelement <8 x float> poison, float %v0, i64 0
  %v72 = shufflevector <8 x float> %v71, <8 x float> poison, <8 x i32> zeroinitializer
  %v73 = fmul <8 x float> %v70, %v72
  %v74 = mul i64 %v51, 16
  %v75 = getelementptr i32, ptr %v31, i64 %v74
  %v76 = getelementptr i32, ptr %v75, i64 8
  %v77 = load <8 x i32>, ptr %v76, align 32
  %v78 = bitcast <8 x i32> %v77 to <8 x float>
  %v79 = fadd contract <8 x float> %v73, %v78
  %v80 = fcmp ogt <8 x float> %v79, %v48
  %v81 = select <8 x i1> %v80, <8 x float> %v79, <8 x float> %v48
  %v82 = sub i64 %v43, 1
  %v83 = add i64 %v46, 1
  %v84 = call i64 @llvm.smin.i64(i64 %v83, i64 %v82)
  %v85 = sub i64 %v84, %v34
  %v86 = trunc i64 %v84 to i32
  %v87 = add i32 %v8, %v86
  %v88 = mul i64 %v84, 16
  %v89 = getelementptr float, ptr %s, i64 %v88
  %v90 = load <8 x float>, ptr %v89, align 32
  %v91 = insertelement <8 x float> poison, float %v0, i64 0
  %v92 = shufflevector <8 x float> %v91, <8 x float> poison, <8 x i32> zeroinitializer
  %v93 = fmul <8 x float> %v90, %v92
  %v94 = mul i64 %v85, 16
  %v95 = getelementptr i32, ptr %v31, i64 %v94
  %v96 = load <8 x i32>, ptr %v95, align 32
  %v97 = bitcast <8 x i32> %v96 to <8 x float>
  %v98 = fadd contract <8 x float> %v93, %v97
  %v99 = fcmp ogt <8 x float> %v98, %v49
  %v100 = select <8 x i1> %v99, <8 x float> %v98, <8 x float> %v49
  %v101 = mul i64 %v84, 16
  %v102 = getelementptr float, ptr %s, i64 %v101
  %v103 = getelementptr float, ptr %v102, i64 8
  %v104 = load <8 x float>, ptr %v103, align 32
  %v105 = insertelement <8 x float> poison, float %v0, i64 0
  %v106 = shufflevector <8 x float> %v105, <8 x float> poison, <8 x i32> zeroinitializer
  %v107 = fmul <8 x float> %v104, %v106
  %v108 = mul i64 %v85, 16
  %v109 = getelementptr i32, ptr %v31, i64 %v108
  %v110 = getelementptr i32, ptr %v109, i64 8
  %v111 = load <8 x i32>, ptr %v110, align 32
  %v112 = bitcast <8 x i32> %v111 to <8 x float>
  %v113 = fadd contract <8 x float> %v107, %v112
  %v114 = fcmp ogt <8 x float> %v113, %v50
  %v115 = select <8 x i1> %v114, <8 x float> %v113, <8 x float> %v50
  store <8 x float> %v64, ptr %v55, align 32
  store <8 x float> %v79, ptr %v69, align 32
  store <8 x float> %v98, ptr %v89, align 32
  store <8 x float> %v113, ptr %v103, align 32
  %v116 = add i64 %v46, 2
  %v117 = icmp slt i64 %v116, %v43
  br i1 %v117, label %scores44, label %done45
done45:
  %v118 = add i64 %v34, 8
  %v119 = icmp slt i64 %v118, %v11
  br i1 %v119, label %block32, label %done33
done33:
  %v120 = fcmp ogt <8 x float> %v100, %v66
  %v121 = select <8 x i1> %v120, <8 x float> %v100, <8 x float> %v66
  %v122 = fcmp ogt <8 x float> %v115, %v81
  %v123 = select <8 x i1> %v122, <8 x float> %v115, <8 x float> %v81
  %v124 = load <8 x float>, ptr %m, align 4
  %v125 = fcmp ogt <8 x float> %v121, %v124
  %v126 = select <8 x i1> %v125, <8 x float> %v121, <8 x float> %v124
  store <8 x float> %v126, ptr %m, align 4
  %v127 = fcmp oeq <8 x float> %v126, splat (float 0xFFF0000000000000)
  %v128 = select <8 x i1> %v127, <8 x float> splat (float 0x0000000000000000), <8 x float> %v126
  %v129 = fsub <8 x float> %v124, %v128
  %v130 = fmul <8 x float> %v129, splat (float 0x3FF7154760000000)
  %v131 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v130
  %v132 = select <8 x i1> %v131, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v130
  %v133 = fadd <8 x float> %v132, splat (float 0x4168000FE0000000)
  %v134 = fsub <8 x float> %v133, splat (float 0x4168000FE0000000)
  %v135 = fsub <8 x float> %v132, %v134
  %v136 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v135, <8 x float> splat (float 0x3F83D0C520000000))
  %v137 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v136, <8 x float> %v135, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v138 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v137, <8 x float> %v135, <8 x float> splat (float 0x3FCEBF9180000000))
  %v139 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v138, <8 x float> %v135, <8 x float> splat (float 0x3FE62E4280000000))
  %v140 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v139, <8 x float> %v135, <8 x float> splat (float 0x3FF0000020000000))
  %v141 = bitcast <8 x float> %v133 to <8 x i32>
  %v142 = shl <8 x i32> %v141, splat (i32 23)
  %v143 = bitcast <8 x i32> %v142 to <8 x float>
  %v144 = fmul <8 x float> %v140, %v143
  store <8 x float> %v144, ptr %alpha, align 4
  %v145 = getelementptr float, ptr %m, i64 8
  %v146 = load <8 x float>, ptr %v145, align 4
  %v147 = fcmp ogt <8 x float> %v123, %v146
  %v148 = select <8 x i1> %v147, <8 x float> %v123, <8 x float> %v146
  store <8 x float> %v148, ptr %v145, align 4
  %v149 = fcmp oeq <8 x float> %v148, splat (float 0xFFF0000000000000)
  %v150 = select <8 x i1> %v149, <8 x float> splat (float 0x0000000000000000), <8 x float> %v148
  %v151 = fsub <8 x float> %v146, %v150
  %v152 = fmul <8 x float> %v151, splat (float 0x3FF7154760000000)
  %v153 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v152
  %v154 = select <8 x i1> %v153, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v152
  %v155 = fadd <8 x float> %v154, splat (float 0x4168000FE0000000)
  %v156 = fsub <8 x float> %v155, splat (float 0x4168000FE0000000)
  %v157 = fsub <8 x float> %v154, %v156
  %v158 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v157, <8 x float> splat (float 0x3F83D0C520000000))
  %v159 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v158, <8 x float> %v157, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v160 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v159, <8 x float> %v157, <8 x float> splat (float 0x3FCEBF9180000000))
  %v161 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v160, <8 x float> %v157, <8 x float> splat (float 0x3FE62E4280000000))
  %v162 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v161, <8 x float> %v157, <8 x float> splat (float 0x3FF0000020000000))
  %v163 = bitcast <8 x float> %v155 to <8 x i32>
  %v164 = shl <8 x i32> %v163, splat (i32 23)
  %v165 = bitcast <8 x i32> %v164 to <8 x float>
  %v166 = fmul <8 x float> %v162, %v165
  %v167 = getelementptr float, ptr %alpha, i64 8
  store <8 x float> %v166, ptr %v167, align 4
  br label %exponentials168
exponentials168:
  %v170 = phi i64 [ 0, %done33 ], [ %v214, %exponentials168 ]
  %v171 = phi <8 x float> [ splat (float 0x0000000000000000), %done33 ], [ %v192, %exponentials168 ]
  %v172 = phi <8 x float> [ splat (float 0x0000000000000000), %done33 ], [ %v213, %exponentials168 ]
  %v173 = mul i64 %v170, 16
  %v174 = getelementptr float, ptr %s, i64 %v173
  %v175 = load <8 x float>, ptr %v174, align 32
  %v176 = fsub <8 x float> %v175, %v128
  %v177 = fmul <8 x float> %v176, splat (float 0x3FF7154760000000)
  %v178 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v177
  %v179 = select <8 x i1> %v178, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v177
  %v180 = fadd <8 x float> %v179, splat (float 0x4168000FE0000000)
  %v181 = fsub <8 x float> %v180, splat (float 0x4168000FE0000000)
  %v182 = fsub <8 x float> %v179, %v181
  %v183 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v182, <8 x float> splat (float 0x3F83D0C520000000))
  %v184 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v183, <8 x float> %v182, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v185 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v184, <8 x float> %v182, <8 x float> splat (float 0x3FCEBF9180000000))
  %v186 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v185, <8 x float> %v182, <8 x float> splat (float 0x3FE62E4280000000))
  %v187 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v186, <8 x float> %v182, <8 x float> splat (float 0x3FF0000020000000))
  %v188 = bitcast <8 x float> %v180 to <8 x i32>
  %v189 = shl <8 x i32> %v188, splat (i32 23)
  %v190 = bitcast <8 x i32> %v189 to <8 x float>
  %v191 = fmul <8 x float> %v187, %v190
  %v192 = fadd <8 x float> %v171, %v191
  %v193 = mul i64 %v170, 16
  %v194 = getelementptr float, ptr %s, i64 %v193
  %v195 = getelementptr float, ptr %v194, i64 8
  %v196 = load <8 x float>, ptr %v195, align 32
  %v197 = fsub <8 x float> %v196, %v150
  %v198 = fmul <8 x float> %v197, splat (float 0x3FF7154760000000)
  %v199 = fcmp ogt <8 x float> splat (float 0xC05FC00000000000), %v198
  %v200 = select <8 x i1> %v199, <8 x float> splat (float 0xC05FC00000000000), <8 x float> %v198
  %v201 = fadd <8 x float> %v200, splat (float 0x4168000FE0000000)
  %v202 = fsub <8 x float> %v201, splat (float 0x4168000FE0000000)
  %v203 = fsub <8 x float> %v200, %v202
  %v204 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F55C08E60000000), <8 x float> %v203, <8 x float> splat (float 0x3F83D0C520000000))
  %v205 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v204, <8 x float> %v203, <8 x float> splat (float 0x3FAC6B6E40000000))
  %v206 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v205, <8 x float> %v203, <8 x float> splat (float 0x3FCEBF9180000000))
  %v207 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v206, <8 x float> %v203, <8 x float> splat (float 0x3FE62E4280000000))
  %v208 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v207, <8 x float> %v203, <8 x float> splat (float 0x3FF0000020000000))
  %v209 = bitcast <8 x float> %v201 to <8 x i32>
  %v210 = shl <8 x i32> %v209, splat (i32 23)
  %v211 = bitcast <8 x i32> %v210 to <8 x float>
  %v212 = fmul <8 x float> %v208, %v211
  %v213 = fadd <8 x float> %v172, %v212
  store <8 x float> %v191, ptr %v174, align 32
  store <8 x float> %v212, ptr %v195, align 32
  %v214 = add i64 %v170, 1
  %v215 = icmp slt i64 %v214, %v11
  br i1 %v215, label %exponentials168, label %done169
done169:
  %v216 = load <8 x float>, ptr %l, align 4
  %v217 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v216, <8 x float> %v144, <8 x float> %v192)
  store <8 x float> %v217, ptr %l, align 4
  %v218 = getelementptr float, ptr %l, i64 8
  %v219 = load <8 x float>, ptr %v218, align 4
  %v220 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v219, <8 x float> %v166, <8 x float> %v213)
  store <8 x float> %v220, ptr %v218, align 4
  ret void
}
!0 = !{}
