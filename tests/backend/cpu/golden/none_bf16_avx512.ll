; tile_panel_bf16 for cpu:avx512_bf16 x86_64-unknown-linux-gnu x86-64 +avx2,+fma,+f16c,+fast-gather,+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512bf16
define void @tile_panel_bf16(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) nounwind alignstack(64) {
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
  %v99 = phi i64 [ 0, %done15 ], [ %v180, %exponentials97 ]
  %v100 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v177, %exponentials97 ]
  %v101 = phi <16 x float> [ splat (float 0x0000000000000000), %done15 ], [ %v179, %exponentials97 ]
  %v102 = sub i64 %v11, 1
  %v103 = add i64 %v99, 1
  %v104 = call i64 @llvm.smin.i64(i64 %v103, i64 %v102)
  %v105 = mul i64 %v99, 32
  %v106 = getelementptr float, ptr %s, i64 %v105
  %v117 = mul i64 %v99, 32
  %v118 = getelementptr float, ptr %s, i64 %v117
  %v119 = getelementptr float, ptr %v118, i64 16
  %v130 = mul i64 %v104, 32
  %v131 = getelementptr float, ptr %s, i64 %v130
  %v142 = mul i64 %v104, 32
  %v143 = getelementptr float, ptr %s, i64 %v142
  %v144 = getelementptr float, ptr %v143, i64 16
  %v107 = load <16 x float>, ptr %v106, align 64
  %v120 = load <16 x float>, ptr %v119, align 64
  %v132 = load <16 x float>, ptr %v131, align 64
  %v145 = load <16 x float>, ptr %v144, align 64
  %v108 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v107, <16 x float> %v94, <16 x float> %v95)
  %v121 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v120, <16 x float> %v94, <16 x float> %v96)
  %v133 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v132, <16 x float> %v94, <16 x float> %v95)
  %v146 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v145, <16 x float> %v94, <16 x float> %v96)
  %v109 = fcmp uge <16 x float> %v108, splat (float 0xC05F800000000000)
  %v122 = fcmp uge <16 x float> %v121, splat (float 0xC05F800000000000)
  %v134 = fcmp uge <16 x float> %v133, splat (float 0xC05F800000000000)
  %v147 = fcmp uge <16 x float> %v146, splat (float 0xC05F800000000000)
  %v110 = bitcast <16 x i1> %v109 to i16
  %v123 = bitcast <16 x i1> %v122 to i16
  %v135 = bitcast <16 x i1> %v134 to i16
  %v148 = bitcast <16 x i1> %v147 to i16
  %v111 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v108, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v124 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v121, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v136 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v133, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v149 = call <16 x float> @llvm.x86.avx512.mask.reduce.ps.512(<16 x float> %v146, i32 9, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v112 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F8BB7CD40000000), <16 x float> %v111, <16 x float> splat (float 0x3FAAA13F20000000))
  %v125 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F8BB7CD40000000), <16 x float> %v124, <16 x float> splat (float 0x3FAAA13F20000000))
  %v137 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F8BB7CD40000000), <16 x float> %v136, <16 x float> splat (float 0x3FAAA13F20000000))
  %v150 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F8BB7CD40000000), <16 x float> %v149, <16 x float> splat (float 0x3FAAA13F20000000))
  %v113 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v112, <16 x float> %v111, <16 x float> splat (float 0x3FCEE798A0000000))
  %v126 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v125, <16 x float> %v124, <16 x float> splat (float 0x3FCEE798A0000000))
  %v138 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v137, <16 x float> %v136, <16 x float> splat (float 0x3FCEE798A0000000))
  %v151 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v150, <16 x float> %v149, <16 x float> splat (float 0x3FCEE798A0000000))
  %v114 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v113, <16 x float> %v111, <16 x float> splat (float 0x3FE62D1660000000))
  %v127 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v126, <16 x float> %v124, <16 x float> splat (float 0x3FE62D1660000000))
  %v139 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v138, <16 x float> %v136, <16 x float> splat (float 0x3FE62D1660000000))
  %v152 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v151, <16 x float> %v149, <16 x float> splat (float 0x3FE62D1660000000))
  %v115 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v114, <16 x float> %v111, <16 x float> splat (float 0x3FF00002C0000000))
  %v128 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v127, <16 x float> %v124, <16 x float> splat (float 0x3FF00002C0000000))
  %v140 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v139, <16 x float> %v136, <16 x float> splat (float 0x3FF00002C0000000))
  %v153 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v152, <16 x float> %v149, <16 x float> splat (float 0x3FF00002C0000000))
  %v116 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v115, <16 x float> %v108, <16 x float> zeroinitializer, i16 %v110, i32 4)
  %v129 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v128, <16 x float> %v121, <16 x float> zeroinitializer, i16 %v123, i32 4)
  %v141 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v140, <16 x float> %v133, <16 x float> zeroinitializer, i16 %v135, i32 4)
  %v154 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v153, <16 x float> %v146, <16 x float> zeroinitializer, i16 %v148, i32 4)
  %v155 = bitcast <16 x float> %v141 to <16 x i32>
  %v156 = add <16 x i32> %v155, splat (i32 32768)
  %v157 = and <16 x i32> %v156, splat (i32 -65536)
  %v158 = bitcast <16 x float> %v116 to <16 x i32>
  %v159 = add <16 x i32> %v158, splat (i32 32768)
  %v160 = lshr <16 x i32> %v159, splat (i32 16)
  %v161 = or <16 x i32> %v160, %v157
  %v162 = lshr i64 %v99, 1
  %v163 = mul i64 %v162, 32
  %v164 = getelementptr i32, ptr %p, i64 %v163
  store <16 x i32> %v161, ptr %v164, align 64
  %v165 = bitcast <16 x float> %v154 to <16 x i32>
  %v166 = add <16 x i32> %v165, splat (i32 32768)
  %v167 = and <16 x i32> %v166, splat (i32 -65536)
  %v168 = bitcast <16 x float> %v129 to <16 x i32>
  %v169 = add <16 x i32> %v168, splat (i32 32768)
  %v170 = lshr <16 x i32> %v169, splat (i32 16)
  %v171 = or <16 x i32> %v170, %v167
  %v172 = lshr i64 %v99, 1
  %v173 = mul i64 %v172, 32
  %v174 = getelementptr i32, ptr %p, i64 %v173
  %v175 = getelementptr i32, ptr %v174, i64 16
  store <16 x i32> %v171, ptr %v175, align 64
  %v176 = fadd <16 x float> %v100, %v116
  %v177 = fadd <16 x float> %v176, %v141
  %v178 = fadd <16 x float> %v101, %v129
  %v179 = fadd <16 x float> %v178, %v154
  %v180 = add i64 %v99, 2
  %v181 = icmp slt i64 %v180, %v11
  br i1 %v181, label %exponentials97, label %done98
done98:
  %v182 = and i64 %v11, 1
  %v183 = icmp ne i64 %v182, 0
  %v184 = select i1 %v183, <16 x float> %v176, <16 x float> %v177
  %v185 = select i1 %v183, <16 x float> %v178, <16 x float> %v179
  %v186 = sub i64 %v11, 1
  %v187 = select i1 %v183, i32 65535, i32 -1
  %v188 = lshr i64 %v186, 1
  %v189 = mul i64 %v188, 32
  %v190 = getelementptr i32, ptr %p, i64 %v189
  %v191 = load <16 x i32>, ptr %v190, align 64
  %v192 = insertelement <16 x i32> poison, i32 %v187, i64 0
  %v193 = shufflevector <16 x i32> %v192, <16 x i32> poison, <16 x i32> zeroinitializer
  %v194 = and <16 x i32> %v191, %v193
  store <16 x i32> %v194, ptr %v190, align 64
  %v195 = lshr i64 %v186, 1
  %v196 = mul i64 %v195, 32
  %v197 = getelementptr i32, ptr %p, i64 %v196
  %v198 = getelementptr i32, ptr %v197, i64 16
  %v199 = load <16 x i32>, ptr %v198, align 64
  %v200 = insertelement <16 x i32> poison, i32 %v187, i64 0
  %v201 = shufflevector <16 x i32> %v200, <16 x i32> poison, <16 x i32> zeroinitializer
  %v202 = and <16 x i32> %v199, %v201
  store <16 x i32> %v202, ptr %v198, align 64
  %v203 = load <16 x float>, ptr %l, align 4
  %v204 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> %v73, <16 x float> %v184)
  store <16 x float> %v204, ptr %l, align 4
  %v205 = getelementptr float, ptr %l, i64 16
  %v206 = load <16 x float>, ptr %v205, align 4
  %v207 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v206, <16 x float> %v90, <16 x float> %v185)
  store <16 x float> %v207, ptr %v205, align 4
  ret void
}
!0 = !{}
