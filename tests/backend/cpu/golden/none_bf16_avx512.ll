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
  %v16 = phi i64 [ 0, %entry ], [ %v58, %row14 ]
  %v17 = phi <16 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v28, %row14 ]
  %v18 = phi <16 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v37, %row14 ]
  %v19 = phi <16 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v48, %row14 ]
  %v20 = phi <16 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %v57, %row14 ]
  %v21 = mul i64 %v16, 32
  %v22 = getelementptr float, ptr %s, i64 %v21
  %v23 = load <16 x float>, ptr %v22, align 64
  %v24 = insertelement <16 x float> poison, float %v0, i64 0
  %v25 = shufflevector <16 x float> %v24, <16 x float> poison, <16 x i32> zeroinitializer
  %v26 = fmul <16 x float> %v23, %v25
  %v27 = fcmp ogt <16 x float> %v26, %v17
  %v28 = select <16 x i1> %v27, <16 x float> %v26, <16 x float> %v17
  %v29 = mul i64 %v16, 32
  %v30 = getelementptr float, ptr %s, i64 %v29
  %v31 = getelementptr float, ptr %v30, i64 16
  %v32 = load <16 x float>, ptr %v31, align 64
  %v33 = insertelement <16 x float> poison, float %v0, i64 0
  %v34 = shufflevector <16 x float> %v33, <16 x float> poison, <16 x i32> zeroinitializer
  %v35 = fmul <16 x float> %v32, %v34
  %v36 = fcmp ogt <16 x float> %v35, %v18
  %v37 = select <16 x i1> %v36, <16 x float> %v35, <16 x float> %v18
  %v38 = sub i64 %v11, 1
  %v39 = add i64 %v16, 1
  %v40 = call i64 @llvm.smin.i64(i64 %v39, i64 %v38)
  %v41 = mul i64 %v40, 32
  %v42 = getelementptr float, ptr %s, i64 %v41
  %v43 = load <16 x float>, ptr %v42, align 64
  %v44 = insertelement <16 x float> poison, float %v0, i64 0
  %v45 = shufflevector <16 x float> %v44, <16 x float> poison, <16 x i32> zeroinitializer
  %v46 = fmul <16 x float> %v43, %v45
  %v47 = fcmp ogt <16 x float> %v46, %v19
  %v48 = select <16 x i1> %v47, <16 x float> %v46, <16 x float> %v19
  %v49 = mul i64 %v40, 32
  %v50 = getelementptr float, ptr %s, i64 %v49
  %v51 = getelementptr float, ptr %v50, i64 16
  %v52 = load <16 x float>, ptr %v51, align 64
  %v53 = insertelement <16 x float> poison, float %v0, i64 0
  %v54 = shufflevector <16 x float> %v53, <16 x float> poison, <16 x i32> zeroinitializer
  %v55 = fmul <16 x float> %v52, %v54
  %v56 = fcmp ogt <16 x float> %v55, %v20
  %v57 = select <16 x i1> %v56, <16 x float> %v55, <16 x float> %v20
  %v58 = add i64 %v16, 2
  %v59 = icmp slt i64 %v58, %v11
  br i1 %v59, label %row14, label %done15
done15:
  %v60 = fcmp ogt <16 x float> %v48, %v28
  %v61 = select <16 x i1> %v60, <16 x float> %v48, <16 x float> %v28
  %v62 = fcmp ogt <16 x float> %v57, %v37
  %v63 = select <16 x i1> %v62, <16 x float> %v57, <16 x float> %v37
  %v64 = load <16 x float>, ptr %m, align 4
  %v65 = fcmp ogt <16 x float> %v61, %v64
  %v66 = select <16 x i1> %v65, <16 x float> %v61, <16 x float> %v64
  store <16 x float> %v66, ptr %m, align 4
  %v67 = fcmp oeq <16 x float> %v66, splat (float 0xFFF0000000000000)
  %v68 = select <16 x i1> %v67, <16 x float> splat (float 0x0000000000000000), <16 x float> %v66
  %v69 = fsub <16 x float> %v64, %v68
  %v70 = fmul <16 x float> %v69, splat (float 0x3FF7154760000000)
  %v71 = fcmp uge <16 x float> %v70, splat (float 0xC05F800000000000)
  %v72 = bitcast <16 x i1> %v71 to i16
  %v73 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v70, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v74 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F5EC320A0000000), <16 x float> %v73, <16 x float> splat (float 0x3F826900C0000000))
  %v75 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v74, <16 x float> %v73, <16 x float> splat (float 0x3FAC954460000000))
  %v76 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v75, <16 x float> %v73, <16 x float> splat (float 0x3FCEBD5A80000000))
  %v77 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v76, <16 x float> %v73, <16 x float> splat (float 0x3FE62E4F60000000))
  %v78 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v77, <16 x float> %v73, <16 x float> splat (float 0x3FEFFFFFE0000000))
  %v79 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v78, <16 x float> %v70, <16 x float> zeroinitializer, i16 %v72, i32 4)
  store <16 x float> %v79, ptr %alpha, align 4
  %v80 = getelementptr float, ptr %m, i64 16
  %v81 = load <16 x float>, ptr %v80, align 4
  %v82 = fcmp ogt <16 x float> %v63, %v81
  %v83 = select <16 x i1> %v82, <16 x float> %v63, <16 x float> %v81
  store <16 x float> %v83, ptr %v80, align 4
  %v84 = fcmp oeq <16 x float> %v83, splat (float 0xFFF0000000000000)
  %v85 = select <16 x i1> %v84, <16 x float> splat (float 0x0000000000000000), <16 x float> %v83
  %v86 = fsub <16 x float> %v81, %v85
  %v87 = fmul <16 x float> %v86, splat (float 0x3FF7154760000000)
  %v88 = fcmp uge <16 x float> %v87, splat (float 0xC05F800000000000)
  %v89 = bitcast <16 x i1> %v88 to i16
  %v90 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v87, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v91 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F5EC320A0000000), <16 x float> %v90, <16 x float> splat (float 0x3F826900C0000000))
  %v92 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v91, <16 x float> %v90, <16 x float> splat (float 0x3FAC954460000000))
  %v93 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v92, <16 x float> %v90, <16 x float> splat (float 0x3FCEBD5A80000000))
  %v94 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v93, <16 x float> %v90, <16 x float> splat (float 0x3FE62E4F60000000))
  %v95 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v94, <16 x float> %v90, <16 x float> splat (float 0x3FEFFFFFE0000000))
  %v96 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v95, <16 x float> %v87, <16 x float> zeroinitializer, i16 %v89, i32 4)
  %v97 = getelementptr float, ptr %alpha, i64 16
  store <16 x float> %v96, ptr %v97, align 4
  %v98 = fmul float %v0, 0x3FF7154760000000
  %v99 = insertelement <16 x float> poison, float %v98, i64 0
  %v100 = shufflevector <16 x float> %v99, <16 x float> poison, <16 x i32> zeroinitializer
  %v101 = fmul <16 x float> %v68, splat (float 0xBFF7154760000000)
  %v102 = fmul <16 x float> %v85, splat (float 0xBFF7154760000000)
  br label %exponentials103
exponentials103:
  %v105 = phi i64 [ 0, %done15 ], [ %v184, %exponentials103 ]
  %v106 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v135, %exponentials103 ]
  %v107 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v171, %exponentials103 ]
  %v108 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v136, %exponentials103 ]
  %v109 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v172, %exponentials103 ]
  %v110 = sub i64 %v11, 1
  %v111 = add i64 %v105, 1
  %v112 = call i64 @llvm.smin.i64(i64 %v111, i64 %v110)
  %v113 = mul i64 %v105, 32
  %v114 = getelementptr float, ptr %s, i64 %v113
  %v115 = load <16 x float>, ptr %v114, align 64
  %v116 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v115, <16 x float> %v100, <16 x float> %v101)
  %v117 = fcmp uge <16 x float> %v116, splat (float 0xC05F800000000000)
  %v118 = bitcast <16 x i1> %v117 to i16
  %v119 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v116, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v120 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v119, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v121 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v120, <16 x float> %v119, <16 x float> splat (float 0x3FE64444C0000000))
  %v122 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v121, <16 x float> %v119, <16 x float> splat (float 0x3FEFFF6320000000))
  %v123 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v122, <16 x float> %v116, <16 x float> zeroinitializer, i16 %v118, i32 4)
  %v124 = mul i64 %v112, 32
  %v125 = getelementptr float, ptr %s, i64 %v124
  %v126 = load <16 x float>, ptr %v125, align 64
  %v127 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v126, <16 x float> %v100, <16 x float> %v101)
  %v128 = fcmp uge <16 x float> %v127, splat (float 0xC05F800000000000)
  %v129 = bitcast <16 x i1> %v128 to i16
  %v130 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v127, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v131 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v130, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v132 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v131, <16 x float> %v130, <16 x float> splat (float 0x3FE64444C0000000))
  %v133 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v132, <16 x float> %v130, <16 x float> splat (float 0x3FEFFF6320000000))
  %v134 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v133, <16 x float> %v127, <16 x float> zeroinitializer, i16 %v129, i32 4)
  %v135 = fadd <16 x float> %v106, %v123
  %v136 = fadd <16 x float> %v108, %v134
  %v137 = bitcast <16 x float> %v134 to <16 x i32>
  %v138 = add <16 x i32> %v137, splat (i32 32768)
  %v139 = and <16 x i32> %v138, splat (i32 -65536)
  %v140 = bitcast <16 x float> %v123 to <16 x i32>
  %v141 = add <16 x i32> %v140, splat (i32 32768)
  %v142 = lshr <16 x i32> %v141, splat (i32 16)
  %v143 = or <16 x i32> %v142, %v139
  %v144 = lshr i64 %v105, 1
  %v145 = mul i64 %v144, 32
  %v146 = getelementptr i32, ptr %p, i64 %v145
  store <16 x i32> %v143, ptr %v146, align 64
  %v147 = mul i64 %v105, 32
  %v148 = getelementptr float, ptr %s, i64 %v147
  %v149 = getelementptr float, ptr %v148, i64 16
  %v150 = load <16 x float>, ptr %v149, align 64
  %v151 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v150, <16 x float> %v100, <16 x float> %v102)
  %v152 = fcmp uge <16 x float> %v151, splat (float 0xC05F800000000000)
  %v153 = bitcast <16 x i1> %v152 to i16
  %v154 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v151, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v155 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v154, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v156 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v155, <16 x float> %v154, <16 x float> splat (float 0x3FE64444C0000000))
  %v157 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v156, <16 x float> %v154, <16 x float> splat (float 0x3FEFFF6320000000))
  %v158 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v157, <16 x float> %v151, <16 x float> zeroinitializer, i16 %v153, i32 4)
  %v159 = mul i64 %v112, 32
  %v160 = getelementptr float, ptr %s, i64 %v159
  %v161 = getelementptr float, ptr %v160, i64 16
  %v162 = load <16 x float>, ptr %v161, align 64
  %v163 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v162, <16 x float> %v100, <16 x float> %v102)
  %v164 = fcmp uge <16 x float> %v163, splat (float 0xC05F800000000000)
  %v165 = bitcast <16 x i1> %v164 to i16
  %v166 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v163, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v167 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3FB3F96A40000000), <16 x float> %v166, <16 x float> splat (float 0x3FCCEFC4C0000000))
  %v168 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v167, <16 x float> %v166, <16 x float> splat (float 0x3FE64444C0000000))
  %v169 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v168, <16 x float> %v166, <16 x float> splat (float 0x3FEFFF6320000000))
  %v170 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v169, <16 x float> %v163, <16 x float> zeroinitializer, i16 %v165, i32 4)
  %v171 = fadd <16 x float> %v107, %v158
  %v172 = fadd <16 x float> %v109, %v170
  %v173 = bitcast <16 x float> %v170 to <16 x i32>
  %v174 = add <16 x i32> %v173, splat (i32 32768)
  %v175 = and <16 x i32> %v174, splat (i32 -65536)
  %v176 = bitcast <16 x float> %v158 to <16 x i32>
  %v177 = add <16 x i32> %v176, splat (i32 32768)
  %v178 = lshr <16 x i32> %v177, splat (i32 16)
  %v179 = or <16 x i32> %v178, %v175
  %v180 = lshr i64 %v105, 1
  %v181 = mul i64 %v180, 32
  %v182 = getelementptr i32, ptr %p, i64 %v181
  %v183 = getelementptr i32, ptr %v182, i64 16
  store <16 x i32> %v179, ptr %v183, align 64
  %v184 = add i64 %v105, 2
  %v185 = icmp slt i64 %v184, %v11
  br i1 %v185, label %exponentials103, label %done104
done104:
  %v186 = and i64 %v11, 1
  %v187 = icmp ne i64 %v186, 0
  %v188 = select i1 %v187, <16 x float> %v108, <16 x float> %v136
  %v189 = fadd <16 x float> %v135, %v188
  %v190 = select i1 %v187, <16 x float> %v109, <16 x float> %v172
  %v191 = fadd <16 x float> %v171, %v190
  %v192 = sub i64 %v11, 1
  %v193 = select i1 %v187, i32 65535, i32 -1
  %v194 = lshr i64 %v192, 1
  %v195 = mul i64 %v194, 32
  %v196 = getelementptr i32, ptr %p, i64 %v195
  %v197 = load <16 x i32>, ptr %v196, align 64
  %v198 = insertelement <16 x i32> poison, i32 %v193, i64 0
  %v199 = shufflevector <16 x i32> %v198, <16 x i32> poison, <16 x i32> zeroinitializer
  %v200 = and <16 x i32> %v197, %v199
  store <16 x i32> %v200, ptr %v196, align 64
  %v201 = lshr i64 %v192, 1
  %v202 = mul i64 %v201, 32
  %v203 = getelementptr i32, ptr %p, i64 %v202
  %v204 = getelementptr i32, ptr %v203, i64 16
  %v205 = load <16 x i32>, ptr %v204, align 64
  %v206 = insertelement <16 x i32> poison, i32 %v193, i64 0
  %v207 = shufflevector <16 x i32> %v206, <16 x i32> poison, <16 x i32> zeroinitializer
  %v208 = and <16 x i32> %v205, %v207
  store <16 x i32> %v208, ptr %v204, align 64
  %v209 = load <16 x float>, ptr %l, align 4
  %v210 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v209, <16 x float> %v79, <16 x float> %v189)
  store <16 x float> %v210, ptr %l, align 4
  %v211 = getelementptr float, ptr %l, i64 16
  %v212 = load <16 x float>, ptr %v211, align 4
  %v213 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v212, <16 x float> %v96, <16 x float> %v191)
  store <16 x float> %v213, ptr %v211, align 4
  ret void
}
!0 = !{}
