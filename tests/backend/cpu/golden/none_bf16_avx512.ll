; tile_panel_bf16 for cpu:avx512_bf16 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather,+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512bf16
define void @tile_panel_bf16(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind {
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
  %v17 = phi <16 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v53, %row14 ]
  %v18 = phi <16 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v55, %row14 ]
  %v19 = mul i64 %v16, 32
  %v20 = getelementptr float, ptr %s, i64 %v19
  %v25 = mul i64 %v16, 32
  %v26 = getelementptr float, ptr %s, i64 %v25
  %v27 = getelementptr float, ptr %v26, i64 16
  %v32 = sub i64 %v11, 1
  %v33 = add i64 %v16, 1
  %v34 = call i64 @llvm.smin.i64(i64 %v33, i64 %v32)
  %v35 = mul i64 %v34, 32
  %v36 = getelementptr float, ptr %s, i64 %v35
  %v41 = mul i64 %v34, 32
  %v42 = getelementptr float, ptr %s, i64 %v41
  %v43 = getelementptr float, ptr %v42, i64 16
  %v21 = load <16 x float>, ptr %v20, align 64
  %v28 = load <16 x float>, ptr %v27, align 64
  %v37 = load <16 x float>, ptr %v36, align 64
  %v44 = load <16 x float>, ptr %v43, align 64
  %v22 = insertelement <16 x float> poison, float %v0, i64 0
  %v29 = insertelement <16 x float> poison, float %v0, i64 0
  %v38 = insertelement <16 x float> poison, float %v0, i64 0
  %v45 = insertelement <16 x float> poison, float %v0, i64 0
  %v23 = shufflevector <16 x float> %v22, <16 x float> poison, <16 x i32> zeroinitializer
  %v30 = shufflevector <16 x float> %v29, <16 x float> poison, <16 x i32> zeroinitializer
  %v39 = shufflevector <16 x float> %v38, <16 x float> poison, <16 x i32> zeroinitializer
  %v46 = shufflevector <16 x float> %v45, <16 x float> poison, <16 x i32> zeroinitializer
  %v24 = fmul <16 x float> %v21, %v23
  %v31 = fmul <16 x float> %v28, %v30
  %v40 = fmul <16 x float> %v37, %v39
  %v47 = fmul <16 x float> %v44, %v46
  %v48 = fcmp ogt <16 x float> %v24, %v17
  %v49 = select <16 x i1> %v48, <16 x float> %v24, <16 x float> %v17
  %v50 = fcmp ogt <16 x float> %v31, %v18
  %v51 = select <16 x i1> %v50, <16 x float> %v31, <16 x float> %v18
  %v52 = fcmp ogt <16 x float> %v40, %v49
  %v53 = select <16 x i1> %v52, <16 x float> %v40, <16 x float> %v49
  %v54 = fcmp ogt <16 x float> %v47, %v51
  %v55 = select <16 x i1> %v54, <16 x float> %v47, <16 x float> %v51
  %v56 = add i64 %v16, 2
  %v57 = icmp slt i64 %v56, %v11
  br i1 %v57, label %row14, label %done15
done15:
  %v58 = load <16 x float>, ptr %m, align 4
  %v59 = fcmp ogt <16 x float> %v53, %v58
  %v60 = select <16 x i1> %v59, <16 x float> %v53, <16 x float> %v58
  store <16 x float> %v60, ptr %m, align 4
  %v61 = fcmp oeq <16 x float> %v60, splat (float 0xFFF0000000000000)
  %v62 = select <16 x i1> %v61, <16 x float> splat (float 0x0000000000000000), <16 x float> %v60
  %v63 = fsub <16 x float> %v58, %v62
  %v64 = fmul <16 x float> %v63, splat (float 0x3FF7154760000000)
  %v65 = fcmp uge <16 x float> %v64, splat (float 0xC05F800000000000)
  %v66 = bitcast <16 x i1> %v65 to i16
  %v67 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v64, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v68 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F5EC320A0000000), <16 x float> %v67, <16 x float> splat (float 0x3F826900C0000000))
  %v69 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v68, <16 x float> %v67, <16 x float> splat (float 0x3FAC954460000000))
  %v70 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v69, <16 x float> %v67, <16 x float> splat (float 0x3FCEBD5A80000000))
  %v71 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v70, <16 x float> %v67, <16 x float> splat (float 0x3FE62E4F60000000))
  %v72 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v71, <16 x float> %v67, <16 x float> splat (float 0x3FEFFFFFE0000000))
  %v73 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v72, <16 x float> %v64, <16 x float> zeroinitializer, i16 %v66, i32 4)
  store <16 x float> %v73, ptr %alpha, align 4
  %v74 = getelementptr float, ptr %m, i64 16
  %v75 = load <16 x float>, ptr %v74, align 4
  %v76 = fcmp ogt <16 x float> %v55, %v75
  %v77 = select <16 x i1> %v76, <16 x float> %v55, <16 x float> %v75
  store <16 x float> %v77, ptr %v74, align 4
  %v78 = fcmp oeq <16 x float> %v77, splat (float 0xFFF0000000000000)
  %v79 = select <16 x i1> %v78, <16 x float> splat (float 0x0000000000000000), <16 x float> %v77
  %v80 = fsub <16 x float> %v75, %v79
  %v81 = fmul <16 x float> %v80, splat (float 0x3FF7154760000000)
  %v82 = fcmp uge <16 x float> %v81, splat (float 0xC05F800000000000)
  %v83 = bitcast <16 x i1> %v82 to i16
  %v84 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v81, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v85 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F5EC320A0000000), <16 x float> %v84, <16 x float> splat (float 0x3F826900C0000000))
  %v86 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v85, <16 x float> %v84, <16 x float> splat (float 0x3FAC954460000000))
  %v87 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v86, <16 x float> %v84, <16 x float> splat (float 0x3FCEBD5A80000000))
  %v88 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v87, <16 x float> %v84, <16 x float> splat (float 0x3FE62E4F60000000))
  %v89 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v88, <16 x float> %v84, <16 x float> splat (float 0x3FEFFFFFE0000000))
  %v90 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v89, <16 x float> %v81, <16 x float> zeroinitializer, i16 %v83, i32 4)
  %v91 = getelementptr float, ptr %alpha, i64 16
  store <16 x float> %v90, ptr %v91, align 4
  %v92 = fmul float %v0, 0x3FF7154760000000
  %v93 = insertelement <16 x float> poison, float %v92, i64 0
  %v94 = shufflevector <16 x float> %v93, <16 x float> poison, <16 x i32> zeroinitializer
  %v95 = fmul <16 x float> %v62, splat (float 0xBFF7154760000000)
  %v96 = fmul <16 x float> %v79, splat (float 0xBFF7154760000000)
  br label %exponentials97
exponentials97:
  %v99 = phi i64 [ 0, %done15 ], [ %v176, %exponentials97 ]
  %v100 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v173, %exponentials97 ]
  %v101 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v175, %exponentials97 ]
  %v102 = sub i64 %v11, 1
  %v103 = add i64 %v99, 1
  %v104 = call i64 @llvm.smin.i64(i64 %v103, i64 %v102)
  %v105 = mul i64 %v99, 32
  %v106 = getelementptr float, ptr %s, i64 %v105
  %v116 = mul i64 %v99, 32
  %v117 = getelementptr float, ptr %s, i64 %v116
  %v118 = getelementptr float, ptr %v117, i64 16
  %v128 = mul i64 %v104, 32
  %v129 = getelementptr float, ptr %s, i64 %v128
  %v139 = mul i64 %v104, 32
  %v140 = getelementptr float, ptr %s, i64 %v139
  %v141 = getelementptr float, ptr %v140, i64 16
  %v107 = load <16 x float>, ptr %v106, align 64
  %v119 = load <16 x float>, ptr %v118, align 64
  %v130 = load <16 x float>, ptr %v129, align 64
  %v142 = load <16 x float>, ptr %v141, align 64
  %v108 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v107, <16 x float> %v94, <16 x float> %v95)
  %v120 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v119, <16 x float> %v94, <16 x float> %v96)
  %v131 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v130, <16 x float> %v94, <16 x float> %v95)
  %v143 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v142, <16 x float> %v94, <16 x float> %v96)
  %v109 = fcmp uge <16 x float> %v108, splat (float 0xC05F800000000000)
  %v121 = fcmp uge <16 x float> %v120, splat (float 0xC05F800000000000)
  %v132 = fcmp uge <16 x float> %v131, splat (float 0xC05F800000000000)
  %v144 = fcmp uge <16 x float> %v143, splat (float 0xC05F800000000000)
  %v110 = bitcast <16 x i1> %v109 to i16
  %v122 = bitcast <16 x i1> %v121 to i16
  %v133 = bitcast <16 x i1> %v132 to i16
  %v145 = bitcast <16 x i1> %v144 to i16
  %v111 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v108, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v123 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v120, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v134 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v131, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v146 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v143, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v112 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v111, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v124 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v123, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v135 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v134, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v147 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v146, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v113 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v112, <16 x float> %v111, <16 x float> splat (float 0x3FE64444C0000000))
  %v125 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v124, <16 x float> %v123, <16 x float> splat (float 0x3FE64444C0000000))
  %v136 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v135, <16 x float> %v134, <16 x float> splat (float 0x3FE64444C0000000))
  %v148 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v147, <16 x float> %v146, <16 x float> splat (float 0x3FE64444C0000000))
  %v114 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v113, <16 x float> %v111, <16 x float> splat (float 0x3FEFFF6320000000))
  %v126 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v125, <16 x float> %v123, <16 x float> splat (float 0x3FEFFF6320000000))
  %v137 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v136, <16 x float> %v134, <16 x float> splat (float 0x3FEFFF6320000000))
  %v149 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v148, <16 x float> %v146, <16 x float> splat (float 0x3FEFFF6320000000))
  %v115 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v114, <16 x float> %v108, <16 x float> zeroinitializer, i16 %v110, i32 4)
  %v127 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v126, <16 x float> %v120, <16 x float> zeroinitializer, i16 %v122, i32 4)
  %v138 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v137, <16 x float> %v131, <16 x float> zeroinitializer, i16 %v133, i32 4)
  %v150 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v149, <16 x float> %v143, <16 x float> zeroinitializer, i16 %v145, i32 4)
  %v151 = bitcast <16 x float> %v138 to <16 x i32>
  %v152 = add <16 x i32> %v151, splat (i32 32768)
  %v153 = and <16 x i32> %v152, splat (i32 -65536)
  %v154 = bitcast <16 x float> %v115 to <16 x i32>
  %v155 = add <16 x i32> %v154, splat (i32 32768)
  %v156 = lshr <16 x i32> %v155, splat (i32 16)
  %v157 = or <16 x i32> %v156, %v153
  %v158 = lshr i64 %v99, 1
  %v159 = mul i64 %v158, 32
  %v160 = getelementptr i32, ptr %p, i64 %v159
  store <16 x i32> %v157, ptr %v160, align 64
  %v161 = bitcast <16 x float> %v150 to <16 x i32>
  %v162 = add <16 x i32> %v161, splat (i32 32768)
  %v163 = and <16 x i32> %v162, splat (i32 -65536)
  %v164 = bitcast <16 x float> %v127 to <16 x i32>
  %v165 = add <16 x i32> %v164, splat (i32 32768)
  %v166 = lshr <16 x i32> %v165, splat (i32 16)
  %v167 = or <16 x i32> %v166, %v163
  %v168 = lshr i64 %v99, 1
  %v169 = mul i64 %v168, 32
  %v170 = getelementptr i32, ptr %p, i64 %v169
  %v171 = getelementptr i32, ptr %v170, i64 16
  store <16 x i32> %v167, ptr %v171, align 64
  %v172 = fadd <16 x float> %v100, %v115
  %v173 = fadd <16 x float> %v172, %v138
  %v174 = fadd <16 x float> %v101, %v127
  %v175 = fadd <16 x float> %v174, %v150
  %v176 = add i64 %v99, 2
  %v177 = icmp slt i64 %v176, %v11
  br i1 %v177, label %exponentials97, label %done98
done98:
  %v178 = and i64 %v11, 1
  %v179 = icmp ne i64 %v178, 0
  %v180 = select i1 %v179, <16 x float> %v172, <16 x float> %v173
  %v181 = select i1 %v179, <16 x float> %v174, <16 x float> %v175
  %v182 = sub i64 %v11, 1
  %v183 = select i1 %v179, i32 65535, i32 -1
  %v184 = lshr i64 %v182, 1
  %v185 = mul i64 %v184, 32
  %v186 = getelementptr i32, ptr %p, i64 %v185
  %v187 = load <16 x i32>, ptr %v186, align 64
  %v188 = insertelement <16 x i32> poison, i32 %v183, i64 0
  %v189 = shufflevector <16 x i32> %v188, <16 x i32> poison, <16 x i32> zeroinitializer
  %v190 = and <16 x i32> %v187, %v189
  store <16 x i32> %v190, ptr %v186, align 64
  %v191 = lshr i64 %v182, 1
  %v192 = mul i64 %v191, 32
  %v193 = getelementptr i32, ptr %p, i64 %v192
  %v194 = getelementptr i32, ptr %v193, i64 16
  %v195 = load <16 x i32>, ptr %v194, align 64
  %v196 = insertelement <16 x i32> poison, i32 %v183, i64 0
  %v197 = shufflevector <16 x i32> %v196, <16 x i32> poison, <16 x i32> zeroinitializer
  %v198 = and <16 x i32> %v195, %v197
  store <16 x i32> %v198, ptr %v194, align 64
  %v199 = load <16 x float>, ptr %l, align 4
  %v200 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v199, <16 x float> %v73, <16 x float> %v180)
  store <16 x float> %v200, ptr %l, align 4
  %v201 = getelementptr float, ptr %l, i64 16
  %v202 = load <16 x float>, ptr %v201, align 4
  %v203 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> %v90, <16 x float> %v181)
  store <16 x float> %v203, ptr %v201, align 4
  ret void
}
!0 = !{}
