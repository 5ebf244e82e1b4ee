// SPDX-License-Identifier: Apache-2.0
// The emitter's text, NVRTC on all cores, and one launch a function.
#include "evaluate.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "backend/cuda/device/params.cuh"
#include "backend/cuda/emit/device_text.h"
#include "backend/cuda/emit/mod_emitter.h"
#include "backend/cuda/emit/text.h"
#include "backend/cuda/launch/captures.h"
#include "backend/cuda/nvrtc.h"
#include "device_tensor.h"
#include "ir/interpret.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "plan/assumptions.h"

namespace flexion::test {
namespace {

constexpr int kBlockQ = 128, kBlockKv = 128, kThreads = 384;

struct Compiled {
    ir::Function function;
    std::vector<char> cubin;
    int shared_bytes = 0;
    std::string error;
};

std::string skeleton() {
    std::ifstream file(FLEXION_EVALUATE_SKELETON);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Compiled compile(const Evaluation& e, const Grid& grid, bool assume) {
    Compiled compiled;
    compiled.function = passes::simplify(*e.function);
    const bool mask = compiled.function.role == ir::Role::mask_mod;
    plan::Mods mods;
    (mask ? mods.mask : mods.score) = &compiled.function;
    (mask ? mods.mask_captures : mods.score_captures) = e.captures;
    plan::Problem problem;
    problem.dtype = DType::f16;
    problem.masked = mask;
    if (assume) {
        problem.assumptions = plan::AssumptionChecker(mods.score, mods.mask)
                                  .bits(mods, {grid.B, grid.H, grid.q_len, grid.kv_len});
    }
    const cuda::ModSource mod = cuda::emit_mods(problem, mods);
    compiled.shared_bytes = mod.staged.total({2, kBlockKv, 1});
    const std::string text = cuda::cat(
        cuda::device_text::params, cuda::device_text::ptx, cuda::device_text::prelude,
        "\nnamespace flexion::cuda {\nconstexpr int kWarpgroups = 2, kBlockKv = ", kBlockKv, ";\n",
        mod.text, "\n}  // namespace flexion::cuda\n", skeleton());
    const std::string options[] = {"--gpu-architecture=sm_90a", "--std=c++17", "-default-device",
                                   "--fmad=false", "-w"};
    const cuda::Compiled result = cuda::Nvrtc::find()->compile(text, options);
    compiled.cubin = result.cubin;
    if (!result.ok) compiled.error = result.log + ir::print(*e.function);
    return compiled;
}

std::vector<float> run(const Compiled& compiled, const Captures& host, const Grid& grid,
                       cuda::Address scores, const cuda::Memory& results) {
    const cuda::Driver& driver = cuda::driver();
    cuda::LibraryHandle library = nullptr;
    cuda::KernelHandle kernel = nullptr;
    cuda::check(driver.library_load(&library, compiled.cubin.data(), nullptr, nullptr, 0, nullptr,
                                    nullptr, 0),
                "cuLibraryLoadData");
    cuda::check(driver.library_kernel(&kernel, library, "evaluate"), "cuLibraryGetKernel");
    cuda::check(driver.kernel_set_attribute(cuda::kMaxDynamicShared,
                                            std::max(compiled.shared_bytes, 1), kernel, 0),
                "cuKernelSetAttribute");
    std::deque<DeviceTensor> memory;
    cuda::CaptureArray captures;
    add_captures(captures, compiled.function, on_device(host, memory),
                 cuda::current_device().zeros());
    cuda::ForwardParams p{};
    p.q_len = grid.q_len;
    p.kv_len = grid.kv_len;
    p.heads = grid.H;
    p.scale = 1;
    cuda::Address from = scores, to = results.address();
    void* arguments[] = {&p, captures.words.data(), &from, &to};
    cuda::check(driver.launch_kernel(
                    kernel, static_cast<unsigned>((grid.kv_len + kBlockKv - 1) / kBlockKv),
                    static_cast<unsigned>((grid.q_len + kBlockQ - 1) / kBlockQ),
                    static_cast<unsigned>(grid.B * grid.H), kThreads, 1, 1,
                    static_cast<unsigned>(compiled.shared_bytes), nullptr, arguments, nullptr),
                "cuLaunchKernel");
    cuda::check(driver.synchronize(), ir::print(compiled.function).c_str());
    std::vector<float> values(static_cast<std::size_t>(grid.count()));
    cuda::check(driver.copy_out(values.data(), results.address(), values.size() * sizeof(float)),
                "cuMemcpyDtoH");
    driver.library_unload(library);
    return values;
}

}  // namespace

std::vector<std::vector<float>> evaluate_on_device(const std::vector<Evaluation>& evaluations,
                                                   const Grid& grid,
                                                   const std::vector<float>& scores, bool assume) {
    std::vector<Compiled> compiled(evaluations.size());
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, 32u);
    for (unsigned t = 0; t < count; ++t) {
        threads.emplace_back([&] {
            for (std::size_t i; (i = next.fetch_add(1)) < evaluations.size();) {
                compiled[i] = compile(evaluations[i], grid, assume);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();

    use_some_context();
    const std::size_t bytes = scores.size() * sizeof(float);
    const cuda::Memory given(bytes), results(bytes);
    cuda::check(cuda::driver().copy_in(given.address(), scores.data(), bytes), "cuMemcpyHtoD");
    std::vector<std::vector<float>> all;
    for (std::size_t i = 0; i < evaluations.size(); ++i) {
        if (!compiled[i].error.empty()) throw std::runtime_error(compiled[i].error);
        // A value that nothing computes: what is not written shows.
        cuda::check(cuda::driver().fill32(results.address(), 0x7fc12345u, scores.size()),
                    "cuMemsetD32");
        all.push_back(run(compiled[i], *evaluations[i].captures, grid, given.address(), results));
        if (compiled[i].function.role != ir::Role::mask_mod) continue;
        for (float& x : all.back()) x = x == -INFINITY ? 0.0f : x == x ? 1.0f : x;
    }
    return all;
}

std::vector<double> interpreted(const Evaluation& evaluation, const Grid& grid,
                                const std::vector<float>& scores, bool oracle) {
    std::vector<std::int32_t> axes[4];
    std::vector<double> score(scores.begin(), scores.end());
    for (int b = 0; b < grid.B; ++b) {
        for (int h = 0; h < grid.H; ++h) {
            for (int q = 0; q < grid.q_len; ++q) {
                for (int k = 0; k < grid.kv_len; ++k) {
                    const int at[] = {b, h, q, k};
                    for (int i = 0; i < 4; ++i) axes[i].push_back(at[i]);
                }
            }
        }
    }
    ir::Positions positions;
    positions.count = grid.count();
    positions.score = score.data();
    positions.b = axes[0].data();
    positions.h = axes[1].data();
    positions.q = axes[2].data();
    positions.k = axes[3].data();
    ir::Interpreter interpreter(*evaluation.function, *evaluation.captures,
                                oracle ? ir::Precision::oracle : ir::Precision::typed);
    const ir::Column column = interpreter.run(positions).front();
    if (ir::is_float(column.type)) return column.real;
    return {column.integer.begin(), column.integer.end()};
}

}  // namespace flexion::test
