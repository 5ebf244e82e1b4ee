// SPDX-License-Identifier: Apache-2.0
// What a call on host tensors costs beside its kernel: one query, one head and one thread, with
// mods and kernels known. Of one key the whole call is shown, which bounds that cost from above;
// rows of more keys show what the kernel adds. CPU time: `call_bench --benchmark_repetitions=9`.
#include <benchmark/benchmark.h>
#include <flexion/flexion.h>

#include <vector>

namespace flexion {
namespace {

constexpr std::int64_t kHeadDim = 64;

/// Arguments: keys.
void one_query(benchmark::State& state, DType dtype, bool score, bool mask) {
    const std::int64_t keys = state.range(0);
    const auto bytes = [&](std::int64_t rows) {
        return std::vector<char>(static_cast<std::size_t>(rows * kHeadDim * size_of(dtype)));
    };
    std::vector<char> q_bytes = bytes(1), k_bytes = bytes(keys), v_bytes = bytes(keys),
                      out_bytes = bytes(1);
    const auto view = [&](std::vector<char>& data, std::int64_t rows) {
        return TensorView::dense(data.data(), dtype, {1, 1, rows, kHeadDim});
    };
    const TensorView q = view(q_bytes, 1), k = view(k_bytes, keys), v = view(v_bytes, keys),
                     out = view(out_bytes, 1);
    std::vector<float> slope{0.5f};
    AttentionOptions options{.threads = 1};
    if (score) {
        options.score_mod = scores::alibi(buffer(TensorView::dense(slope.data(), DType::f32, {1})));
    }
    std::int32_t length = static_cast<std::int32_t>(keys > 1 ? keys - 1 : 1);
    if (mask) {
        const Buffer lengths = buffer(TensorView::dense(&length, DType::i32, {1}));
        options.block_mask = create_block_mask(masks::key_lengths(lengths), 1, {}, 1, keys);
    }
    attention(q, k, v, out, options);
    for (auto _ : state) attention(q, k, v, out, options);
}

const bool kRegistered = [] {
    const auto add = [](const char* name, DType dtype, bool score, bool mask) {
        benchmark::RegisterBenchmark(name, one_query, dtype, score, mask)
            ->ArgName("keys")
            ->Arg(1)
            ->Arg(64)
            ->Arg(1024);
    };
    add("none/f32", DType::f32, false, false);
    add("none/bf16", DType::bf16, false, false);
    add("alibi/f32", DType::f32, true, false);
    add("alibi+mask/f32", DType::f32, true, true);
    add("alibi+mask/bf16", DType::bf16, true, true);
    return true;
}();

}  // namespace
}  // namespace flexion

BENCHMARK_MAIN();
