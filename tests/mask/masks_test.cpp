// SPDX-License-Identifier: Apache-2.0
// The ready-made mask_mods against plain loops, dense and as block masks.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <flexion/masks.h>

#include "mask/oracle.h"
#include "seed.h"

namespace flexion::test {
namespace {

using I = std::int64_t;

template <class T>
Buffer captured(const std::vector<T>& values, DType dtype, std::initializer_list<I> shape) {
    return buffer(TensorView::dense(values.data(), dtype, shape));
}

void expect_mask(const MaskMod& mod, const Predicate& predicate, I q_len, I kv_len, I B = 1,
                 I H = 1) {
    const std::vector<std::uint8_t> dense = create_mask(mod, B, H, q_len, kv_len);
    std::size_t i = 0;
    for (I b = 0; b < B; ++b) {
        for (I h = 0; h < H; ++h) {
            for (I q = 0; q < q_len; ++q) {
                for (I k = 0; k < kv_len; ++k, ++i) {
                    ASSERT_EQ(dense[i] != 0, predicate(b, h, q, k))
                        << "at b=" << b << " h=" << h << " q=" << q << " k=" << k;
                }
            }
        }
    }
    expect_matches(build(mod, B, H, q_len, kv_len, {16, 8}), predicate, "as a block mask");
}

TEST(Masks, Causal) {
    expect_mask(masks::causal(), [](I, I, I q, I k) { return k <= q; }, 50, 60);
    for (const I offset : {-7, 0, 20}) {
        expect_mask(
            masks::causal(offset), [offset](I, I, I q, I k) { return k <= q + offset; }, 50, 60);
    }
}

TEST(Masks, Windows) {
    for (const I w : {0, 1, 13, 100}) {
        expect_mask(
            masks::sliding_window(w), [w](I, I, I q, I k) { return k <= q && k >= q - w; }, 60, 70);
        expect_mask(
            masks::local(w), [w](I, I, I q, I k) { return k <= q + w && k >= q - w; }, 60, 70);
        expect_mask(
            masks::sink_window(w, 3),
            [w](I, I, I q, I k) { return k <= q && (k >= q - w || k < 3); }, 60, 70);
        for (const I d : {1, 2, 5}) {
            expect_mask(
                masks::dilated_sliding_window(w, d),
                [w, d](I, I, I q, I k) {
                    const I distance = q > k ? q - k : k - q;
                    return distance <= w && distance % d == 0;
                },
                60, 70);
        }
    }
}

TEST(Masks, GlobalTokens) {
    std::vector<std::uint8_t> global(64, 0);
    global[0] = global[37] = 1;
    expect_mask(
        masks::global_sliding_window(5, captured(global, DType::boolean, {64})),
        [&](I, I, I q, I k) { return std::abs(q - k) <= 5 || global[q] || global[k]; }, 64, 64);
}

TEST(Masks, Prefixes) {
    expect_mask(masks::prefix(23), [](I, I, I q, I k) { return k < 23 || k <= q; }, 50, 60);
    const std::vector<std::int32_t> lengths = {5, 40};
    const std::vector<I> wide = {60, 3};
    expect_mask(
        masks::prefix(captured(lengths, DType::i32, {2})),
        [&](I b, I, I q, I k) { return k < lengths[b] || k <= q; }, 50, 60, 2);
    expect_mask(
        masks::key_lengths(captured(wide, DType::i64, {2})),
        [&](I b, I, I, I k) { return k < wide[b]; }, 50, 60, 2);
}

TEST(Masks, Shifted) {
    expect_mask(
        masks::shifted(masks::sliding_window(9), 30, 2),
        [](I, I, I q, I k) { return k + 2 <= q + 30 && q + 30 - (k + 2) <= 9; }, 20, 60);
    const std::vector<I> offsets = {7, 31};
    expect_mask(
        masks::shifted(masks::causal(), captured(offsets, DType::i64, {2})),
        [&](I b, I, I q, I k) { return k <= q + offsets[b]; }, 20, 60, 2);
}

class PackedDocuments : public testing::Test {
protected:
    const std::vector<I> lengths_ = {12, 1, 30, 7, 25};
    const std::vector<std::int32_t> document_ = masks::documents_of(lengths_);
    const std::vector<std::int32_t> offsets_ = masks::offsets_of(lengths_);
    const I tokens_ = std::ssize(document_);
    const Buffer document_buffer_ = captured(document_, DType::i32, {tokens_});
    const Buffer offsets_buffer_ = captured(offsets_, DType::i32, {std::ssize(offsets_)});

    /// First token of the document of token i.
    I start(I i) const {
        while (i > 0 && document_[i - 1] == document_[i]) --i;
        return i;
    }
};

TEST_F(PackedDocuments, Helpers) {
    EXPECT_EQ(masks::offsets_of({2, 4, 3}), (std::vector<std::int32_t>{0, 2, 6, 9}));
    EXPECT_EQ(masks::documents_of({2, 4, 3}),
              (std::vector<std::int32_t>{0, 0, 1, 1, 1, 1, 2, 2, 2}));
    EXPECT_EQ(masks::offsets_of({}), std::vector<std::int32_t>{0});
    EXPECT_EQ(tokens_, 75);
}

TEST_F(PackedDocuments, Alike) {
    expect_mask(
        masks::document(document_buffer_), [&](I, I, I q, I k) { return start(q) == start(k); },
        tokens_, tokens_);
}

TEST_F(PackedDocuments, ByBatch) {
    std::vector<std::int32_t> two = document_;
    for (I i = 0; i < tokens_; ++i) two.push_back(static_cast<std::int32_t>(i / 20));
    expect_mask(
        masks::batched_document(captured(two, DType::i32, {2, tokens_})),
        [&](I b, I, I q, I k) { return two[b * tokens_ + q] == two[b * tokens_ + k]; }, tokens_,
        tokens_, 2);
}

TEST_F(PackedDocuments, InnerMaskCountsFromTheStart) {
    expect_mask(
        masks::within_documents(masks::prefix(4), document_buffer_, offsets_buffer_),
        [&](I, I, I q, I k) { return start(q) == start(k) && (k - start(k) < 4 || k <= q); },
        tokens_, tokens_);
}

TEST_F(PackedDocuments, CausalAsOneInterval) {
    expect_mask(
        masks::causal_document(document_buffer_, offsets_buffer_),
        [&](I, I, I q, I k) { return start(q) == start(k) && k <= q; }, tokens_, tokens_);
}

TEST_F(PackedDocuments, SharedPrefix) {
    const std::vector<std::int32_t> prefix = {0, 0, 0, 3, 3};
    expect_mask(
        masks::shared_prefix(document_buffer_, offsets_buffer_, captured(prefix, DType::i32, {5})),
        [&](I, I, I q, I k) {
            const I own = document_[q], seen = document_[k];
            return (own == seen && k <= q) || (own != seen && seen == prefix[own]);
        },
        tokens_, tokens_);
}

TEST(Masks, Groups) {
    expect_mask(
        masks::within_groups(masks::prefix(3), 17),
        [](I, I, I q, I k) { return q / 17 == k / 17 && (k - k / 17 * 17 < 3 || k <= q); }, 80, 75);
}

TEST(Masks, Tables) {
    std::mt19937_64 random = generator(9);
    std::vector<std::uint8_t> allowed(2 * 3 * 20 * 24);
    for (auto& a : allowed) a = static_cast<std::uint8_t>(between(random, 0, 1));
    const auto at = [&](I row, I q, I k) { return allowed[(row * 20 + q) * 24 + k] != 0; };
    expect_mask(
        masks::dense(captured(allowed, DType::u8, {20, 24})),
        [&](I, I, I q, I k) { return at(0, q, k); }, 20, 24, 2, 3);
    expect_mask(
        masks::dense(captured(allowed, DType::boolean, {2, 20, 24})),
        [&](I b, I, I q, I k) { return at(b, q, k); }, 20, 24, 2, 3);
    expect_mask(
        masks::dense(captured(allowed, DType::boolean, {2, 3, 20, 24})),
        [&](I b, I h, I q, I k) { return at(b * 3 + h, q, k); }, 20, 24, 2, 3);
    expect_mask(
        masks::block_layout(captured(allowed, DType::boolean, {20, 24}), 4),
        [&](I, I, I q, I k) { return at(0, q / 4, k / 4); }, 79, 93);
}

TEST(Masks, Tree) {
    // 0 -> {1, 2}, 1 -> {3}
    const std::vector<std::uint8_t> ancestor = {1, 0, 0, 0,  //
                                                1, 1, 0, 0,  //
                                                1, 0, 1, 0,  //
                                                1, 1, 0, 1};
    expect_mask(
        masks::tree(captured(ancestor, DType::boolean, {4, 4}), 30),
        [&](I, I, I q, I k) { return k < 30 || ancestor[q * 4 + k - 30] != 0; }, 4, 34);
}

TEST(Masks, BlockDiffusion) {
    constexpr I n = 45, block = 10;
    expect_mask(
        masks::block_diffusion(n, block),
        [](I, I, I q, I k) {
            const I bq = (q < n ? q : q - n) / block, bk = (k < n ? k : k - n) / block;
            if (q < n && k < n) return bq == bk;
            if (q < n) return bk < bq;
            return k >= n && bk <= bq;
        },
        2 * n, 2 * n);
}

/// The neighbourhood of NATTEN along one dimension: kernel positions, inside [0, extent).
bool near(I q, I k, I kernel, I extent) {
    I first = q - kernel / 2;
    if (first < 0) first = 0;
    if (first + kernel > extent) first = extent - kernel;
    return k >= first && k < first + kernel;
}

TEST(Masks, Natten) {
    expect_mask(
        masks::natten({1, 1, 70}, {1, 1, 7}), [](I, I, I q, I k) { return near(q, k, 7, 70); }, 70,
        70);
    expect_mask(
        masks::natten({1, 9, 11}, {1, 3, 5}),
        [](I, I, I q, I k) { return near(q / 11, k / 11, 3, 9) && near(q % 11, k % 11, 5, 11); },
        99, 99);
    expect_mask(
        masks::natten({4, 5, 6}, {4, 3, 4}),
        [](I, I, I q, I k) {
            return near(q / 30, k / 30, 4, 4) && near(q / 6 % 5, k / 6 % 5, 3, 5) &&
                   near(q % 6, k % 6, 4, 6);
        },
        120, 120);
}

TEST(Masks, TiledNatten) {
    // Row-major coordinates of the tokens in the order in which tiles of 2 x 4 store them.
    std::vector<std::array<I, 2>> place;
    for (I ty = 0; ty < 3; ++ty) {
        for (I tx = 0; tx < 3; ++tx) {
            for (I y = 0; y < 2; ++y) {
                for (I x = 0; x < 4; ++x) place.push_back({ty * 2 + y, tx * 4 + x});
            }
        }
    }
    expect_mask(
        masks::tiled_natten({1, 6, 12}, {1, 3, 5}, {1, 2, 4}),
        [&](I, I, I q, I k) {
            return near(place[q][0], place[k][0], 3, 6) && near(place[q][1], place[k][1], 5, 12);
        },
        72, 72);
}

TEST(Masks, MortonNatten) {
    const auto place = [](I i) {
        std::array<I, 2> yx{};
        for (int bit = 0; bit < 16; ++bit) {
            yx[1] |= (i >> (2 * bit) & 1) << bit;
            yx[0] |= (i >> (2 * bit + 1) & 1) << bit;
        }
        return yx;
    };
    expect_mask(
        masks::morton_natten({1, 8, 16}, {1, 3, 5}),
        [&](I, I, I q, I k) {
            return near(place(q)[0], place(k)[0], 3, 8) && near(place(q)[1], place(k)[1], 5, 16);
        },
        128, 128);
}

TEST(Masks, SlidingTile) {
    // 2 x 2 x 3 tiles of 2 x 2 x 2 tokens; a kernel of 1 x 2 x 3 tiles; 5 text tokens, 3 unused.
    const auto tile = [](I i) { return std::array<I, 3>{i / 8 / 6, i / 8 / 3 % 2, i / 8 % 3}; };
    expect_mask(
        masks::sliding_tile({4, 4, 6}, {2, 4, 4}, {2, 2, 2}, 5),
        [&](I, I, I q, I k) {
            if (q >= 101 || k >= 101) return false;
            if (q >= 96 || k >= 96) return true;
            const auto a = tile(q), b = tile(k);
            return near(a[0], b[0], 1, 2) && near(a[1], b[1], 2, 2) && near(a[2], b[2], 2, 3);
        },
        104, 104);
}

TEST(Masks, SparseVideoHeads) {
    for (const bool sink : {false, true}) {
        expect_mask(
            masks::spatial_head(6, 14, 2, sink, 8),
            [sink](I, I, I q, I k) { return q < 6 || k < (sink ? 20 : 6) || std::abs(q - k) < 24; },
            90, 90);
    }
    expect_mask(
        masks::temporal_head(6, 14, 2, 6),
        [](I, I, I q, I k) {
            if (q < 6 || k < 6) return true;
            return std::abs((q - 6) % 14 - (k - 6) % 14) < 4;
        },
        90, 90);
}

TEST(Masks, VisionCrossAttention) {
    const std::vector<I> intervals = {0, 7, 1, 7, 7, 12};
    expect_mask(
        masks::vision_cross_attention(captured(intervals, DType::i64, {3, 2}), 11),
        [&](I, I, I q, I k) { return q >= intervals[k / 11 * 2] && q < intervals[k / 11 * 2 + 1]; },
        12, 33);
}

// Creating these takes no compiled code: intervals and corners decide every block.
TEST(Masks, ThatIntervalsProve) {
    std::vector<I> lengths;
    for (I left = 4096, i = 0; left > 0; left -= lengths.back(), ++i) {
        lengths.push_back(std::min<I>(left, 100 + i * 7919 % 900));
    }
    const std::vector<std::int32_t> ids = masks::documents_of(lengths);
    const std::vector<std::int32_t> starts = masks::offsets_of(lengths);
    const Buffer document = captured(ids, DType::i32, {4096});
    const Buffer offsets = captured(starts, DType::i32, {std::ssize(starts)});
    const std::vector<std::int32_t> one = {1000};
    const Buffer length = captured(one, DType::i32, {1});
    const std::pair<const char*, MaskMod> proved[] = {
        {"causal", masks::causal()},
        {"causal with an offset", masks::causal(100)},
        {"sliding_window", masks::sliding_window(300)},
        {"local", masks::local(300)},
        {"prefix", masks::prefix(700)},
        {"prefix by batch", masks::prefix(length)},
        {"key_lengths", masks::key_lengths(length)},
        {"shifted", masks::shifted(masks::sliding_window(300), 50)},
        {"document", masks::document(document)},
        {"document & causal", masks::document(document) & masks::causal()},
        {"causal_document", masks::causal_document(document, offsets)},
        {"block_diffusion", masks::block_diffusion(2048, 100)},
        {"natten", masks::natten({1, 64, 64}, {1, 13, 13})},
        {"sliding_tile", masks::sliding_tile({4, 32, 32}, {2, 16, 16}, {2, 8, 8})},
        {"spatial_head", masks::spatial_head(226, 290, 2)}};
    for (const auto& [name, mod] : proved) {
        EXPECT_EQ(build(mod, {}, {}, 4096, 4096, {64, 64}).blocks_evaluated(), 0) << name;
    }
}

TEST(MaskErrors, ReadyMadeMasks) {
    const auto expect = [](auto&& f, const char* name, const char* what) {
        const std::string message = message_of<UserError>(f);
        EXPECT_NE(message.find(std::string("masks::") + name + ":"), std::string::npos) << message;
        EXPECT_NE(message.find(what), std::string::npos) << message;
    };
    expect([] { masks::dilated_sliding_window(4, 0); }, "dilated_sliding_window",
           "dilation must be at least 1; got 0");
    expect([] { masks::within_groups(masks::causal(), -1); }, "within_groups", "group");
    expect([] { masks::block_diffusion(0, 4); }, "block_diffusion", "length");
    expect([] { masks::block_diffusion(4, 0); }, "block_diffusion", "block");
    expect([] { masks::natten({1, 1, 8}, {1, 1, 9}); }, "natten", "not be larger");
    expect([] { masks::natten({1, 1, 8}, {1, 0, 3}); }, "natten", "kernel must be at least 1");
    expect([] { masks::natten({0, 1, 8}, {1, 1, 3}); }, "natten", "canvas must be at least 1");
    expect([] { masks::tiled_natten({1, 6, 6}, {1, 3, 3}, {1, 4, 2}); }, "tiled_natten",
           "must divide the canvas");
    expect([] { masks::morton_natten({2, 4, 4}, {1, 3, 3}); }, "morton_natten", "one frame");
    expect([] { masks::sliding_tile({1, 8, 8}, {1, 3, 4}, {1, 2, 2}); }, "sliding_tile",
           "must divide the kernel");
    expect([] { masks::spatial_head(6, 14, 2, false, 0); }, "spatial_head", "round");
    expect([] { masks::temporal_head(6, 0, 2, 6); }, "temporal_head", "tokens_per_frame");
    expect([] { masks::temporal_head(6, 14, 2, 0); }, "temporal_head", "total_frames");
    const std::vector<std::int32_t> values(4);
    expect([&] { masks::dense(captured(values, DType::i32, {4})); }, "dense", "rank 1");
    expect([&] { masks::block_layout(captured(values, DType::i32, {2, 2}), 0); }, "block_layout",
           "block must be at least 1");
    expect([&] { masks::vision_cross_attention(captured(values, DType::i32, {2, 2}), 0); },
           "vision_cross_attention", "tokens_per_image");
}

}  // namespace
}  // namespace flexion::test
