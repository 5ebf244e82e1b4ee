// SPDX-License-Identifier: Apache-2.0
// The back end as a guest in a process: graphs, streams, threads, fork, devices, the allocator of
// the host program, addresses and counts beyond 32 and 16 bits, tiles that the caller chose.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include <flexion/flexion.h>

#include "device_tensor.h"
#include "graph.h"
#include "seed.h"
#include "support/os/dynamic_library.h"

namespace flexion::test {

const GraphFunctions& graph_functions() {
    static const GraphFunctions functions = [] {
        const std::string names[] = {"libcuda.so.1"};
        static const DynamicLibrary library = DynamicLibrary::open(names);
        GraphFunctions f{};
        const bool all = library.bind("cuStreamCreate", &f.stream_create) &&
                         library.bind("cuStreamDestroy_v2", &f.stream_destroy) &&
                         library.bind("cuStreamSynchronize", &f.stream_synchronize) &&
                         library.bind("cuStreamBeginCapture_v2", &f.begin_capture) &&
                         library.bind("cuStreamEndCapture", &f.end_capture) &&
                         library.bind("cuGraphInstantiateWithFlags", &f.instantiate) &&
                         library.bind("cuGraphLaunch", &f.launch) &&
                         library.bind("cuGraphExecDestroy", &f.exec_destroy) &&
                         library.bind("cuGraphDestroy", &f.destroy);
        EXPECT_TRUE(all);
        return f;
    }();
    return functions;
}

namespace {

class OneDevice : public testing::Test {
protected:
    void SetUp() override {
        static const std::string why = why_no_gpu();
        if (!why.empty()) GTEST_SKIP() << why;
        use_some_context();
    }
};

AttentionCase small_case(const std::string& score, const std::string& mask) {
    AttentionCase c;
    c.dtype = DType::bf16;
    c.B = 2;
    c.Hq = 4;
    c.Sq = 300;
    c.D = 64;
    c.score = score;
    c.mask = mask;
    return c;
}

/// The tensors of a case on the device, to be called as often as one likes.
struct OnStream {
    explicit OnStream(const CaseInputs& inputs)
        : inputs(inputs),
          mods(inputs.score_mod, inputs.block_mask),
          got(inputs.shape.dtype,
              {inputs.shape.B, inputs.shape.Hq, inputs.shape.Sq, inputs.shape.v_head_dim()}),
          q(inputs.q.view()),
          k(inputs.k.view()),
          v(inputs.v.view()),
          out(got.view()) {}
    AttentionOptions options(cuda::StreamHandle stream) const {
        return {.score_mod = mods.score_mod,
                .block_mask = mods.block_mask,
                .scale = inputs.shape.scale,
                .stream = stream};
    }
    void call(cuda::StreamHandle stream) const {
        attention(q.view(), k.view(), v.view(), out.view(), options(stream));
    }
    std::vector<double> result() {
        out.read_back();
        std::vector<double> values;
        for (std::int64_t i = 0; i < got.view().numel(); ++i) values.push_back(got.get(i));
        return values;
    }
    void poison() const {
        cuda::check(cuda::driver().fill32(reinterpret_cast<cuda::Address>(out.view().data),
                                          0x7fc07fc0u, got.view().numel() / 2),
                    "cuMemsetD32");
    }

    const CaseInputs& inputs;
    DeviceMods mods;
    HostTensor got;
    DeviceTensor q, k, v, out;
};

TEST_F(OneDevice, RunsInsideCudaGraphs) {
    const GraphFunctions& f = graph_functions();
    const AttentionCase plain = small_case("none", "none"), masked = small_case("alibi", "window");
    const CaseInputs plain_inputs(plain), masked_inputs(masked);
    OnStream first(plain_inputs), second(masked_inputs);
    const Stream stream;

    // A kernel that would have to be compiled is refused, and the capture survives that.
    const AttentionCase fresh_case = small_case("squared", "none");
    const CaseInputs fresh_inputs(fresh_case);
    OnStream fresh(fresh_inputs);
    first.call(stream.handle());
    prepare(second.q.view(), second.k.view(), second.v.view(), second.out.view(),
            second.options(stream.handle()));
    stream.synchronize();
    const std::vector<double> want_first = first.result();
    GraphHandle graph = nullptr;
    cuda::check(f.begin_capture(stream.handle(), 0), "cuStreamBeginCapture");
    try {
        fresh.call(stream.handle());
        ADD_FAILURE() << "compiled during a capture";
    } catch (const DeviceError& error) {
        EXPECT_NE(std::string(error.what()).find("prepare("), std::string::npos) << error.what();
    }
    first.call(stream.handle());
    second.call(stream.handle());
    cuda::check(f.end_capture(stream.handle(), &graph), "cuStreamEndCapture");
    GraphExecHandle exec = nullptr;
    cuda::check(f.instantiate(&exec, graph, 0), "cuGraphInstantiate");
    second.call(stream.handle());
    stream.synchronize();
    const std::vector<double> want_second = second.result();
    compare(masked_inputs, golden(masked_inputs), run_on_device(masked_inputs), kLineError);
    for (int again = 0; again < 3; ++again) {
        first.poison();
        second.poison();
        cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
        cuda::check(f.launch(exec, stream.handle()), "cuGraphLaunch");
        stream.synchronize();
        EXPECT_EQ(first.result(), want_first);
        EXPECT_EQ(second.result(), want_second);
    }
    f.exec_destroy(exec);
    f.destroy(graph);
}

TEST_F(OneDevice, ServesThreadsWithStreamsOfTheirOwn) {
    const char* const mods[][2] = {{"none", "causal"}, {"alibi", "none"}, {"none", "document"}};
    cuda::ContextHandle context = nullptr;
    cuda::check(cuda::driver().context_current(&context), "cuCtxGetCurrent");
    std::vector<AttentionCase> cases;
    for (const auto& [score, mask] : mods) {
        for (const std::int64_t length : {129, 700}) {
            cases.push_back(small_case(score, mask));
            cases.back().Sq = length;
        }
    }
    std::vector<std::unique_ptr<CaseInputs>> inputs;
    for (const AttentionCase& c : cases) inputs.push_back(std::make_unique<CaseInputs>(c));
    std::vector<std::vector<double>> want;
    std::atomic<int> wrong{0};
    const auto body = [&](int thread, int rounds, bool per_thread_default) {
        cuda::check(cuda::driver().context_set(context), "cuCtxSetCurrent");
        const Stream own;
        const auto stream =
            per_thread_default ? reinterpret_cast<cuda::StreamHandle>(2) : own.handle();
        std::vector<std::unique_ptr<OnStream>> calls;
        for (const auto& i : inputs) calls.push_back(std::make_unique<OnStream>(*i));
        for (int round = 0; round < rounds; ++round) {
            for (std::size_t i = 0; i < calls.size(); ++i) {
                calls[(i + thread) % calls.size()]->call(stream);
            }
        }
        cuda::check(graph_functions().stream_synchronize(stream), "cuStreamSynchronize");
        for (std::size_t i = 0; i < calls.size(); ++i) {
            const std::vector<double> got = calls[i]->result();
            if (want.size() < calls.size()) {
                want.push_back(got);
            } else {
                wrong += got != want[i];
            }
        }
    };
    body(0, 1, false);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) threads.emplace_back(body, t, 20, t % 2 == 1);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        compare(*inputs[i], golden(*inputs[i]), run_on_device(*inputs[i]), kLineError);
    }
}

TEST_F(OneDevice, RefusesToRunInAChildOfFork) {
    const AttentionCase c = small_case("none", "causal");
    const CaseInputs inputs(c);
    OnStream call(inputs);
    call.call(nullptr);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        int code = 1;
        try {
            call.call(nullptr);
        } catch (const DeviceError& error) {
            code = std::strstr(error.what(), "spawn") ? 0 : 2;
        } catch (...) {
            code = 3;
        }
        _exit(code);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
    call.call(nullptr);  // the parent goes on
    cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
}

TEST_F(OneDevice, GivesTheSameOnEveryDevice) {
    int devices = 0;
    cuda::check(cuda::driver().device_count(&devices), "cuDeviceGetCount");
    if (devices < 2) GTEST_SKIP() << "one device only";
    const AttentionCase c = small_case("alibi", "document");
    const CaseInputs inputs(c);
    cuda::ContextHandle before = nullptr;
    cuda::check(cuda::driver().context_current(&before), "cuCtxGetCurrent");
    std::vector<double> first;
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < devices; ++i) {
            cuda::ContextHandle context = nullptr;
            cuda::check(cuda::driver().primary_retain(&context, i), "cuDevicePrimaryCtxRetain");
            cuda::check(cuda::driver().context_set(context), "cuCtxSetCurrent");
            if (!cuda::current_device().is_hopper()) continue;
            OnStream call(inputs);
            call.call(nullptr);
            cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
            const std::vector<double> got = call.result();
            if (first.empty()) first = got;
            EXPECT_EQ(got, first) << "device " << i;
        }
    }
    cuda::check(cuda::driver().context_set(before), "cuCtxSetCurrent");
    compare(inputs, golden(inputs), run_on_device(inputs));
}

TEST_F(OneDevice, TakesMemoryFromTheHostsAllocator) {
    struct Host {
        int allocated = 0, released = 0;
        bool empty = false;
    } host;
    const DeviceAllocator allocator{
        [](void* h, std::size_t bytes, int device) -> void* {
            Host& counts = *static_cast<Host*>(h);
            EXPECT_GE(device, 0);
            if (counts.empty) return nullptr;
            ++counts.allocated;
            cuda::Address address = 0;
            cuda::check(cuda::driver().allocate(&address, bytes), "cuMemAlloc");
            return reinterpret_cast<void*>(address);
        },
        [](void* h, void* data, std::size_t, int) {
            ++static_cast<Host*>(h)->released;
            cuda::driver().release(reinterpret_cast<cuda::Address>(data));
        },
        &host};
    const AttentionCase c = small_case("none", "window");
    const CaseInputs inputs(c), other(c);
    const Golden expected = golden(inputs);
    struct Reset {
        ~Reset() { set_device_allocator(nullptr); }
    } reset;
    set_device_allocator(&allocator);
    compare(inputs, expected, run_on_device(inputs));
    EXPECT_GT(host.allocated, 7) << "tensors of this test, and the lists of a new mask";
    EXPECT_GT(host.released, 0);
    {
        OnStream call(other);  // a mask that the device has not seen
        host.empty = true;
        try {
            call.call(nullptr);
            ADD_FAILURE() << "ran without memory";
        } catch (const DeviceError& error) {
            EXPECT_NE(std::string(error.what()).find("set_device_allocator"), std::string::npos);
        }
        host.empty = false;
        call.call(nullptr);
        cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
    }
    // What lives on must not come from an allocator that is about to go.
    set_device_allocator(nullptr);
    for (int i = 0; i < 300; ++i) {
        const AttentionCase tiny = [] {
            AttentionCase t = small_case("none", "causal");
            t.B = t.Hq = 1;
            t.Sq = 16;
            return t;
        }();
        const CaseInputs next(tiny);
        OnStream(next).call(nullptr);
    }
    EXPECT_EQ(host.released, host.allocated) << "lists of old masks leave";
}

/// `host` with its batches 2^31 + 64 elements apart.
class FarTensor {
public:
    static constexpr std::int64_t kApart = (std::int64_t{1} << 31) + 64;
    explicit FarTensor(const TensorView& host)
        : host_(host),
          view_(host),
          batch_bytes_(
              static_cast<std::size_t>(host.numel() / host.shape[0] * size_of(host.dtype))),
          memory_(static_cast<std::size_t>((host.shape[0] - 1) * kApart * size_of(host.dtype)) +
                  batch_bytes_) {
        view_.data = reinterpret_cast<void*>(memory_.address());
        view_.strides[0] = kApart;
        view_.device = Device::cuda;
        for (std::int64_t b = 0; b < host.shape[0]; ++b) {
            cuda::check(cuda::driver().copy_in(address(b), host_data(b), batch_bytes_),
                        "cuMemcpyHtoD");
        }
    }
    void read_back() const {
        for (std::int64_t b = 0; b < host_.shape[0]; ++b) {
            cuda::check(cuda::driver().copy_out(host_data(b), address(b), batch_bytes_),
                        "cuMemcpyDtoH");
        }
    }
    const TensorView& view() const { return view_; }

private:
    cuda::Address address(std::int64_t b) const {
        return memory_.address() + static_cast<cuda::Address>(b * kApart * size_of(host_.dtype));
    }
    char* host_data(std::int64_t b) const {
        return static_cast<char*>(host_.data) + static_cast<std::size_t>(b) * batch_bytes_;
    }
    TensorView host_, view_;
    std::size_t batch_bytes_;
    cuda::Memory memory_;
};

TEST_F(OneDevice, ReachesElementsBeyondTwoToThe31) {
    AttentionCase c = small_case("none", "causal");
    c.Sq = 260;
    CaseInputs inputs(c);
    HostTensor bias(DType::f32, {c.B, c.Sq, c.Sq});
    bias.fill_normal(inputs.random);
    const auto with = [](const TensorView& view) {
        return score_mod([b = buffer(view)](Expr s, Expr batch, Expr, Expr q, Expr k) {
            return s + b(batch, q, k);
        });
    };
    inputs.score_mod = with(bias.view());
    const Golden expected = golden(inputs);
    Outputs got{HostTensor(c.dtype, {c.B, c.Hq, c.Sq, c.D}),
                HostTensor(DType::f32, {c.B, c.Hq, c.Sq}),
                HostTensor(DType::f32, {c.B, c.Hq, c.Sq})};
    const FarTensor q(inputs.q.view()), k(inputs.k.view()), v(inputs.v.view());
    const FarTensor out(got.out.view()), lse(got.lse.view()), max(got.max_scores.view());
    const FarTensor far_bias(bias.view());
    attention(q.view(), k.view(), v.view(), out.view(),
              {.score_mod = with(far_bias.view()),
               .block_mask = inputs.block_mask,
               .lse = lse.view(),
               .max_scores = max.view()});
    cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
    out.read_back();
    lse.read_back();
    max.read_back();
    compare(inputs, expected, got);
}

TEST_F(OneDevice, CountsMoreHeadsThan16Bits) {
    AttentionCase c = small_case("none", "causal");
    c.B = 2;
    c.Hq = 40000;
    c.Sq = 5;
    c.D = 16;
    const CaseInputs inputs(c);
    compare(inputs, golden(inputs), run_on_device(inputs));
}

TEST_F(OneDevice, TakesTheTilesThatTheCallerChose) {
    for (const KernelOptions& options :
         {KernelOptions{64, 0, 0}, KernelOptions{128, 64, 0}, KernelOptions{192, 64, 1},
          KernelOptions{0, 160, 1}, KernelOptions{128, 32, 2}}) {
        SCOPED_TRACE(std::to_string(options.block_q) + " x " + std::to_string(options.block_kv) +
                     ", " + std::to_string(options.query_buffers));
        for (const char* mask : {"window", "listed_blocks"}) {
            AttentionCase c = small_case("alibi", mask);
            c.Sq = 500;
            const CaseInputs inputs(c);
            compare(inputs, golden(inputs), run_on_device(inputs, options), kLineError);
        }
    }
    const AttentionCase c = small_case("none", "none");
    const CaseInputs inputs(c);
    const std::pair<KernelOptions, const char*> wrong[] = {{{96, 0, 0}, "expected 64, 128 or 192"},
                                                           {{128, 24, 0}, "multiple of 16"},
                                                           {{0, 0, 3}, "1 or 2"},
                                                           {{-64, 0, 0}, "small positive"}};
    for (const auto& [options, text] : wrong) {
        try {
            run_on_device(inputs, options);
            ADD_FAILURE() << "took " << options.block_q << " x " << options.block_kv;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
        }
    }
}

TEST_F(OneDevice, EvaluatesListsThatAreFinerThanItsTiles) {
    const bool long_list = long_run();
    std::mt19937_64 random = generator(51);
    for (int round = 0; round < (long_list ? 40 : 6); ++round) {
        AttentionCase c = small_case(round % 2 == 0 ? "none" : "alibi", "listed_blocks");
        c.Sq = between(random, 1, 400);
        c.Skv = between(random, 1, 400);
        c.block = {between(random, 1, 200), between(random, 1, 200)};
        SCOPED_TRACE(std::to_string(c.Sq) + " x " + std::to_string(c.Skv) + " in blocks of " +
                     std::to_string(c.block.q) + " x " + std::to_string(c.block.kv));
        const CaseInputs inputs(c);
        compare(inputs, golden(inputs), run_on_device(inputs));
    }
}

}  // namespace
}  // namespace flexion::test
