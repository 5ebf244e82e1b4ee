// SPDX-License-Identifier: Apache-2.0
// Thin wrappers of the sm_90a instructions that the kernels use: mbarriers, the bulk copy engine,
// warpgroup fences, register reallocation, named barriers. Names and operands as in the PTX ISA.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
#define FX_DEVICE __device__ __forceinline__
#define FX_MINUS_INF __int_as_float(static_cast<int>(0xff800000u))

namespace flexion::cuda {

struct alignas(64) TensorMap {
    u64 words[16];
};

FX_DEVICE u32 shared_address(const void* pointer) {
    return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

// ---- mbarrier ---------------------------------------------------------------------------------

FX_DEVICE void barrier_init(u32 barrier, u32 arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}
FX_DEVICE void barrier_init_fence() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
FX_DEVICE void barrier_arrive(u32 barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
/// Arrives and announces `bytes` of bulk copies.
FX_DEVICE void barrier_expect(u32 barrier, u32 bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
}
FX_DEVICE void barrier_wait(u32 barrier, u32 parity) {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1, 0x989680;\n"
        "@!done bra again;\n"
        "}" ::"r"(barrier),
        "r"(parity)
        : "memory");
}
FX_DEVICE void named_barrier_sync(int id, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
FX_DEVICE void named_barrier_arrive(int id, int threads) {
    asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// ---- bulk copies ------------------------------------------------------------------------------

/// L2 policies of the copy engine: streamed once, and reused by other thread blocks.
constexpr u64 kEvictFirst = 0x12F0000000000000ull;
constexpr u64 kEvictLast = 0x14F0000000000000ull;

FX_DEVICE void prefetch_map(const TensorMap* map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}
/// One box at coordinates (d, s, h, b) into shared memory; elements outside the tensor are zero.
FX_DEVICE void load_box(u32 to, const TensorMap* map, u32 barrier, int d, int s, int h, int b,
                        u64 policy) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes"
        ".L2::cache_hint [%0], [%1, {%3, %4, %5, %6}], [%2], %7;" ::"r"(to),
        "l"(map), "r"(barrier), "r"(d), "r"(s), "r"(h), "r"(b), "l"(policy)
        : "memory");
}
FX_DEVICE void store_box(const TensorMap* map, u32 from, int d, int s, int h, int b) {
    asm volatile(
        "cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%0, {%2, %3, %4, %5}], [%1];" ::"l"(
            map),
        "r"(from), "r"(d), "r"(s), "r"(h), "r"(b)
        : "memory");
}
FX_DEVICE void store_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
/// Until the sources of all committed stores have been read.
FX_DEVICE void store_wait_read() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }
FX_DEVICE void store_wait() { asm volatile("cp.async.bulk.wait_group 0;" ::: "memory"); }
/// Orders ordinary accesses to shared memory before the copy engine's and the tensor cores'.
FX_DEVICE void fence_async_shared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
FX_DEVICE void fence_async_global() { asm volatile("fence.proxy.async.global;" ::: "memory"); }

// ---- warpgroup matrix instructions ------------------------------------------------------------

FX_DEVICE void warpgroup_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
FX_DEVICE void warpgroup_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int kPending>
FX_DEVICE void warpgroup_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
/// Keeps the compiler from moving accesses to registers that a matrix instruction in flight uses.
/// N is a multiple of 8 (4); a statement per register would cost a tenth of the compilation.
template <int N>
FX_DEVICE void hold(float (&x)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += 8) {
        asm volatile(""
                     : "+f"(x[i]), "+f"(x[i + 1]), "+f"(x[i + 2]), "+f"(x[i + 3]), "+f"(x[i + 4]),
                       "+f"(x[i + 5]), "+f"(x[i + 6]), "+f"(x[i + 7])::"memory");
    }
}
template <int N>
FX_DEVICE void hold(u32 (&x)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        asm volatile("" : "+r"(x[i]), "+r"(x[i + 1]), "+r"(x[i + 2]), "+r"(x[i + 3])::"memory");
    }
}
/// The lower half of a matrix descriptor of a 128-byte swizzled tile; offsets in units of 16 bytes
/// are added to it. K-major: `panel_stride` is ignored. MN-major: the bytes between panels of 64
/// elements.
FX_DEVICE u32 tile_descriptor(u32 address, u32 panel_stride) {
    return ((panel_stride >> 4) << 16) | ((address & 0x3FFFF) >> 4);
}
/// The whole descriptor; its upper half is constant: groups of 8 rows are 1024 bytes apart.
FX_DEVICE u64 descriptor(u32 lower) { return (u64((1u << 30) | (1024 >> 4)) << 32) | lower; }
template <int kRegisters>
FX_DEVICE void registers_grow() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
FX_DEVICE void registers_shrink() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// ---- warps ------------------------------------------------------------------------------------

FX_DEVICE bool elect_one() {
    u32 elected;
    asm volatile("{.reg .pred p; elect.sync _|p, 0xffffffff; selp.u32 %0, 1, 0, p;}"
                 : "=r"(elected));
    return elected != 0;
}
FX_DEVICE float swap_lanes(float x, int mask) {
    float y;
    asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(y) : "f"(x), "r"(mask));
    return y;
}
/// The value of lane 0; tells the assembler that it is the same in the whole warp.
FX_DEVICE int uniform(int x) {
    int y;
    asm volatile("shfl.sync.idx.b32 %0, %1, 0, 0x1f, 0xffffffff;" : "=r"(y) : "r"(x));
    return y;
}
FX_DEVICE u32 uniform(u32 x) { return static_cast<u32>(uniform(static_cast<int>(x))); }
FX_DEVICE bool any_lane(bool x) {
    u32 y;
    asm volatile(
        "{.reg .pred p, q; setp.ne.u32 p, %1, 0; vote.sync.any.pred q, p, 0xffffffff; "
        "selp.u32 %0, 1, 0, q;}"
        : "=r"(y)
        : "r"(static_cast<u32>(x)));
    return y != 0;
}
FX_DEVICE void warp_sync() { asm volatile("bar.warp.sync 0xffffffff;" ::: "memory"); }

// ---- shared memory ----------------------------------------------------------------------------

FX_DEVICE void store_shared(u32 address, int x) {
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(address), "r"(x) : "memory");
}
FX_DEVICE void store_shared4(u32 address, int x, int y, int z, int w) {
    asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(x), "r"(y), "r"(z),
                 "r"(w)
                 : "memory");
}
FX_DEVICE int load_shared(u32 address) {
    int x;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(x) : "r"(address) : "memory");
    return x;
}
FX_DEVICE int4 load_shared4(u32 address) {
    int4 x;
    asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
                 : "r"(address)
                 : "memory");
    return x;
}
FX_DEVICE int exchange_shared(u32 address, int x) {
    int y;
    asm volatile("atom.shared.exch.b32 %0, [%1], %2;" : "=r"(y) : "r"(address), "r"(x) : "memory");
    return y;
}
/// Four 8x8 matrices of 16-bit elements from one register each; lane i gives row i's address.
FX_DEVICE void store_matrices(u32 address, u32 a, u32 b, u32 c, u32 d) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address),
                 "r"(a), "r"(b), "r"(c), "r"(d)
                 : "memory");
}

// ---- arithmetic -------------------------------------------------------------------------------

/// 2^x, 2 ulp; subnormals are zero, 2^-inf is 0.
FX_DEVICE float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
FX_DEVICE float log2_approx(float x) {
    float y;
    asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
/// 1 / x, 1 ulp.
FX_DEVICE float reciprocal_approx(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
/// The larger one; a number wins over NaN.
FX_DEVICE float larger(float a, float b) {
    float c;
    asm("max.f32 %0, %1, %2;" : "=f"(c) : "f"(a), "f"(b));
    return c;
}
/// A store that never happens but seems to depend on `x`, which must not be negative: what makes x
/// cannot sink below it. Without it ptxas moves a wait for matrix instructions above independent
/// exponentials and so loses their overlap (1 to 2 % of the forward).
FX_DEVICE void keep_before(float x, u32 address) {
    asm volatile(
        "{.reg .pred p; setp.lt.f32 p, %0, 0fBF800000; @p st.volatile.shared.f32 [%1], %0;}" ::"f"(
            x),
        "r"(address)
        : "memory");
}
/// Self-resetting counter: returns the value before, wraps to 0 after `last`.
FX_DEVICE int count_up(unsigned* counter, u32 last) {
    u32 x;
    asm volatile("atom.global.inc.u32 %0, [%1], %2;"
                 : "=r"(x)
                 : "l"(counter), "r"(last)
                 : "memory");
    return static_cast<int>(x);
}

}  // namespace flexion::cuda
