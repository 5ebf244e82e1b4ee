; mask_leaf for cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather
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
  %v18 = phi i64 [ 0, %entry ], [ %v98, %go92 ]
  %v19 = phi <8 x i32> [ splat (i32 0), %entry ], [ %v87, %go92 ]
  %v20 = phi <8 x i32> [ splat (i32 0), %entry ], [ %v91, %go92 ]
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
  %v38 = sext i32 %v23 to i64
  %v39 = getelementptr i64, ptr %captures, i64 1
  %v40 = load ptr, ptr %v39, align 8, !invariant.load !0
  %v41 = getelementptr i32, ptr %v40, i64 %v38
  %v42 = sext i32 %v8 to i64
  %v43 = getelementptr i64, ptr %captures, i64 1
  %v44 = load ptr, ptr %v43, align 8, !invariant.load !0
  %v45 = getelementptr i32, ptr %v44, i64 %v42
  %v46 = call <8 x i32> @llvm.masked.load.v8i32.p0(ptr %v41, i32 4, <8 x i1> %v27, <8 x i32> zeroinitializer)
  %v47 = getelementptr i32, ptr %v41, i64 8
  %v48 = call <8 x i32> @llvm.masked.load.v8i32.p0(ptr %v47, i32 4, <8 x i1> %v31, <8 x i32> zeroinitializer)
  br label %row49
row49:
  %v51 = phi i64 [ 0, %panel16 ], [ %v82, %row49 ]
  %v52 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v68, %row49 ]
  %v53 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v70, %row49 ]
  %v54 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v79, %row49 ]
  %v55 = phi <8 x i32> [ splat (i32 0), %panel16 ], [ %v81, %row49 ]
  %v56 = trunc i64 %v51 to i32
  %v57 = add i32 %v8, %v56
  %v58 = getelementptr i32, ptr %v45, i64 %v51
  %v59 = load i32, ptr %v58, align 4, !invariant.load !0
  %v60 = insertelement <8 x i32> poison, i32 %v57, i64 0
  %v61 = shufflevector <8 x i32> %v60, <8 x i32> poison, <8 x i32> zeroinitializer
  %v62 = icmp sge <8 x i32> %v34, %v61
  %v63 = insertelement <8 x i32> poison, i32 %v59, i64 0
  %v64 = shufflevector <8 x i32> %v63, <8 x i32> poison, <8 x i32> zeroinitializer
  %v65 = icmp eq <8 x i32> %v46, %v64
  %v66 = and <8 x i1> %v62, %v65
  %v67 = sext <8 x i1> %v66 to <8 x i32>
  %v68 = or <8 x i32> %v52, %v67
  %v69 = xor <8 x i32> %v67, splat (i32 -1)
  %v70 = or <8 x i32> %v53, %v69
  %v71 = insertelement <8 x i32> poison, i32 %v57, i64 0
  %v72 = shufflevector <8 x i32> %v71, <8 x i32> poison, <8 x i32> zeroinitializer
  %v73 = icmp sge <8 x i32> %v37, %v72
  %v74 = insertelement <8 x i32> poison, i32 %v59, i64 0
  %v75 = shufflevector <8 x i32> %v74, <8 x i32> poison, <8 x i32> zeroinitializer
  %v76 = icmp eq <8 x i32> %v48, %v75
  %v77 = and <8 x i1> %v73, %v76
  %v78 = sext <8 x i1> %v77 to <8 x i32>
  %v79 = or <8 x i32> %v54, %v78
  %v80 = xor <8 x i32> %v78, splat (i32 -1)
  %v81 = or <8 x i32> %v55, %v80
  %v82 = add i64 %v51, 1
  %v83 = icmp slt i64 %v82, %v11
  br i1 %v83, label %row49, label %done50
done50:
  %v84 = select <8 x i1> %v27, <8 x i32> %v68, <8 x i32> splat (i32 0)
  %v85 = or <8 x i32> %v19, %v84
  %v86 = select <8 x i1> %v31, <8 x i32> %v79, <8 x i32> splat (i32 0)
  %v87 = or <8 x i32> %v85, %v86
  %v88 = select <8 x i1> %v27, <8 x i32> %v70, <8 x i32> splat (i32 0)
  %v89 = or <8 x i32> %v20, %v88
  %v90 = select <8 x i1> %v31, <8 x i32> %v81, <8 x i32> splat (i32 0)
  %v91 = or <8 x i32> %v89, %v90
  %v93 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v91)
  %v94 = icmp ne i32 %v93, 0
  %v95 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v87)
  %v96 = icmp ne i32 %v95, 0
  %v97 = and i1 %v96, %v94
  br i1 %v97, label %mixed15, label %go92
go92:
  %v98 = add i64 %v18, 16
  %v99 = icmp slt i64 %v98, %v14
  br i1 %v99, label %panel16, label %done17
done17:
  %v100 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v87)
  %v101 = icmp ne i32 %v100, 0
  %v102 = zext i1 %v101 to i32
  %v103 = call i32 @llvm.vector.reduce.or.v8i32(<8 x i32> %v91)
  %v104 = icmp ne i32 %v103, 0
  %v105 = xor i1 %v104, true
  %v106 = zext i1 %v105 to i32
  %v107 = shl i32 %v106, 1
  %v108 = or i32 %v102, %v107
  ret i32 %v108
mixed15:
  ret i32 1
}
!0 = !{}
