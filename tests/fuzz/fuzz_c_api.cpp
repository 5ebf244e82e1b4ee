// SPDX-License-Identifier: Apache-2.0
// A program of C calls read from bytes: mods from text, tensors of any shape, stride and dtype over
// one arena, masks, attention. Every call returns a status; an internal error is a finding.
#include <flexion/c.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

/// Takes values from the input; zeros after its end.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {}
    bool done() const { return data_ == end_; }
    std::uint8_t byte() { return done() ? 0 : *data_++; }
    /// Small numbers mostly, now and then any 64 bits.
    std::int64_t number() {
        const std::uint8_t first = byte();
        if (first < 250) return static_cast<std::int64_t>(first % 21) - 2;
        std::uint64_t any = 0;
        for (int i = 0; i < 8; ++i) any = any << 8 | byte();
        return static_cast<std::int64_t>(any);
    }
    std::string text() {
        const std::size_t wanted = std::size_t{byte()} * 4;
        const std::size_t size = std::min(wanted, static_cast<std::size_t>(end_ - data_));
        const std::string text(reinterpret_cast<const char*>(data_), size);
        data_ += size;
        return text;
    }

private:
    const std::uint8_t* data_;
    const std::uint8_t* end_;
};

constexpr std::int64_t kArena = 1 << 16;
alignas(64) std::uint8_t g_arena[kArena];

/// A tensor whose every element lies in the arena when it is valid at all.
struct Tensor {
    DLTensor view{};
    std::int64_t shape[8] = {};
    std::int64_t strides[8] = {};

    /// False where an element would lie outside: no library could know that.
    bool read(Input& in) {
        view.ndim = static_cast<int>(in.byte() % 7);
        view.dtype.code = in.byte() % 8;
        view.dtype.bits = static_cast<std::uint8_t>(8 << in.byte() % 4);
        view.dtype.lanes = in.byte() % 16 == 0 ? 2 : 1;
        view.device.device_type = in.byte() % 16 == 0 ? kDLCUDA : kDLCPU;
        view.data = in.byte() % 16 == 0 ? nullptr : g_arena + kArena / 2;
        view.shape = shape;
        view.strides = in.byte() % 2 ? strides : nullptr;
        __int128 low = 0, high = 0, dense = 1;
        for (int i = view.ndim - 1; i >= 0; --i) {
            shape[i] = in.number();
            strides[i] = in.number();
            const __int128 step = view.strides ? __int128{strides[i]} : dense;
            const __int128 reach = (__int128{shape[i]} - 1) * step;
            (reach < 0 ? low : high) += reach;
            dense *= shape[i] > 0 ? shape[i] : 1;
            if (dense > kArena || shape[i] > kArena) return false;
        }
        const int bytes = view.dtype.bits / 8;
        return low * bytes >= -kArena / 2 && (high + 1) * bytes <= kArena / 2;
    }
};

void check(flexion_status status) {
    if (status == FLEXION_INTERNAL_ERROR) {
        std::fprintf(stderr, "%s\n", flexion_last_error());
        std::abort();
    }
    if (status != FLEXION_OK && std::strlen(flexion_last_error()) == 0) std::abort();
}

/// Handles of the program, destroyed at its end.
struct Handles {
    flexion_score_mod* score = nullptr;
    flexion_mask_mod* mask = nullptr;
    flexion_block_mask* blocks = nullptr;
    ~Handles() {
        flexion_score_mod_destroy(score);
        flexion_mask_mod_destroy(mask);
        flexion_block_mask_destroy(blocks);
    }
};

template <class Mod, class Create, class Destroy>
void make_mod(Input& in, Create create, Destroy destroy, Mod** mod) {
    const std::string text = in.text();
    std::vector<Tensor> buffers(in.byte() % 3);
    std::vector<DLTensor> views;
    for (Tensor& buffer : buffers) {
        if (!buffer.read(in)) return;
        views.push_back(buffer.view);
    }
    std::vector<flexion_scalar> scalars(in.byte() % 3);
    for (flexion_scalar& scalar : scalars) {
        scalar = {in.byte() % 2, in.number(), static_cast<double>(in.number())};
    }
    Mod* made = nullptr;
    check(create(text.c_str(), views.data(), views.size(), scalars.data(), scalars.size(), &made));
    if (made == nullptr) return;
    destroy(*mod);
    *mod = made;
}

void replace(flexion_block_mask** blocks, flexion_block_mask* made) {
    if (made == nullptr) return;
    flexion_block_mask_destroy(*blocks);
    *blocks = made;
}

/// A length of a mask: small, so that an execution stays short.
std::int64_t length(Input& in) {
    const std::int64_t number = std::clamp<std::int64_t>(in.number(), -2, 2000);
    return std::min<std::int64_t>(number * in.byte(), 2000);
}

void attention(Input& in, const Handles& handles) {
    Tensor q, k, v, out, lse, maxima;
    if (!q.read(in) || !k.read(in) || !v.read(in) || !out.read(in)) return;
    flexion_attention_options options = FLEXION_ATTENTION_OPTIONS_INIT;
    options.score_mod = in.byte() % 2 ? handles.score : nullptr;
    options.block_mask = in.byte() % 2 ? handles.blocks : nullptr;
    options.scale = static_cast<double>(in.number());
    options.enable_gqa = in.byte() % 2;
    options.threads = static_cast<int>(in.byte() % 4);
    if (in.byte() % 4 == 0 && lse.read(in)) options.lse = &lse.view;
    if (in.byte() % 4 == 0 && maxima.read(in)) options.max_scores = &maxima.view;
    // The compiler is not what is tested here, and would take most of the time.
    options.backend = in.byte() % 8 == 0 ? "" : "reference";
    check(flexion_attention(&q.view, &k.view, &v.view, &out.view, &options));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool quiet = flexion_set_option("cache", "off") == FLEXION_OK &&
                              flexion_set_option("num_threads", "2") == FLEXION_OK &&
                              flexion_set_option("log", "none") == FLEXION_OK;
    if (!quiet) std::abort();
    std::memset(g_arena, 1, sizeof(g_arena));  // small values of every type
    Input in(data, size);
    Handles handles;
    while (!in.done()) {
        flexion_block_mask* made = nullptr;
        switch (in.byte() % 6) {
            case 0:
                make_mod(in, flexion_score_mod_create, flexion_score_mod_destroy, &handles.score);
                break;
            case 1:
                make_mod(in, flexion_mask_mod_create, flexion_mask_mod_destroy, &handles.mask);
                break;
            case 2: {
                const std::int64_t B = in.number(), H = in.number();
                if (B > 4 || H > 4) break;
                const std::int64_t q_len = length(in), kv_len = length(in);
                check(flexion_block_mask_create(handles.mask, B, H, q_len, kv_len, in.number(),
                                                in.number(), &made));
                replace(&handles.blocks, made);
                break;
            }
            case 3: {
                Tensor tables[4];
                bool inside = true;
                for (Tensor& table : tables) inside = inside && table.read(in);
                if (!inside) break;
                const bool full = in.byte() % 2 != 0;
                check(flexion_block_mask_from_kv_blocks(
                    &tables[0].view, &tables[1].view, full ? &tables[2].view : nullptr,
                    full ? &tables[3].view : nullptr, in.number(), in.number(),
                    in.byte() % 2 ? handles.mask : nullptr, length(in), length(in), &made));
                replace(&handles.blocks, made);
                break;
            }
            case 4: {
                if (handles.blocks == nullptr) break;
                double sparsity = 0;
                check(flexion_block_mask_sparsity(handles.blocks, &sparsity));
                check(flexion_block_mask_adjust(handles.blocks, length(in), length(in), &made));
                replace(&handles.blocks, made);
                break;
            }
            case 5:
                attention(in, handles);
                break;
        }
    }
    return 0;
}
