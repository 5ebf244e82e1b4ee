// SPDX-License-Identifier: Apache-2.0
// Common mask_mods, each a line or two of the language in expr.h; combine them with &, | and ~.
// Buffers are read at every call and must outlive the mods. Lengths, windows and offsets are
// run-time scalars: another value compiles nothing. Divisors (dilations, tiles) are constants.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <flexion/error.h>
#include <flexion/expr.h>

namespace flexion::masks {

namespace detail {

/// A run-time scalar for arithmetic with positions: 32 bits wide, which holds every position.
class Number {
public:
    explicit Number(std::int64_t value)
        : scalar_(scalar(std::clamp<std::int64_t>(value, std::numeric_limits<std::int32_t>::min(),
                                                  std::numeric_limits<std::int32_t>::max()))) {}
    operator Expr() const { return to_i32(scalar_); }  // NOLINT(google-explicit-constructor)

private:
    Scalar scalar_;
};

inline void require(bool condition, const char* mask, const std::string& what) {
    if (!condition) throw UserError(std::string("masks::") + mask + ": " + what);
}
inline void require_positive(std::int64_t value, const char* mask, const char* name) {
    require(value > 0, mask,
            std::string(name) + " must be at least 1; got " + std::to_string(value) + ".");
}

}  // namespace detail

// ---- along one sequence -----------------------------------------------------------------------

/// q >= k
inline MaskMod causal() {
    return mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
}
/// Causal for queries that continue a longer sequence of keys: q + offset >= k.
inline MaskMod causal(std::int64_t offset) {
    const detail::Number o(offset);
    return mask_mod([o](Expr, Expr, Expr q, Expr k) { return q >= k - o; });
}
/// Causal with `window` keys before the query: 0 <= q - k <= window.
inline MaskMod sliding_window(std::int64_t window) {
    const detail::Number w(window);
    return mask_mod([w](Expr, Expr, Expr q, Expr k) { return (q >= k) & (q - k <= w); });
}
/// Both ways: |q - k| <= window.
inline MaskMod local(std::int64_t window) {
    const detail::Number w(window);
    return mask_mod([w](Expr, Expr, Expr q, Expr k) { return abs(q - k) <= w; });
}
/// Every dilation-th key of the window, both ways: |q - k| <= window and |q - k| % dilation == 0.
inline MaskMod dilated_sliding_window(std::int64_t window, std::int64_t dilation) {
    detail::require_positive(dilation, "dilated_sliding_window", "dilation");
    const detail::Number w(window);
    return mask_mod([w, dilation](Expr, Expr, Expr q, Expr k) {
        const Expr distance = abs(q - k);
        return (distance <= w) & (distance % dilation == 0);
    });
}
/// Xiao et al., "Efficient Streaming Language Models with Attention Sinks", 2023: a causal window,
/// and the first `sinks` keys.
inline MaskMod sink_window(std::int64_t window, std::int64_t sinks = 4) {
    const detail::Number w(window), s(sinks);
    return mask_mod(
        [w, s](Expr, Expr, Expr q, Expr k) { return (q >= k) & ((q - k <= w) | (k < s)); });
}
/// Beltagy, Peters, Cohan: "Longformer", 2020. A window both ways; tokens with is_global [S] see
/// all and are seen by all.
inline MaskMod global_sliding_window(std::int64_t window, const Buffer& is_global) {
    const detail::Number w(window);
    return mask_mod([w, is_global](Expr, Expr, Expr q, Expr k) {
        return (abs(q - k) <= w) | to_bool(is_global[q]) | to_bool(is_global[k]);
    });
}
/// Keys below `length` are visible to all, the others causally.
inline MaskMod prefix(std::int64_t length) {
    const detail::Number p(length);
    return mask_mod([p](Expr, Expr, Expr q, Expr k) { return (k < p) | (q >= k); });
}
/// The same with a length for each batch entry, lengths [B].
inline MaskMod prefix(const Buffer& lengths) {
    return mask_mod(
        [lengths](Expr b, Expr, Expr q, Expr k) { return (k < lengths[b]) | (q >= k); });
}
/// Padded batches: the first lengths[b] keys; lengths [B].
inline MaskMod key_lengths(const Buffer& lengths) {
    return mask_mod([lengths](Expr b, Expr, Expr, Expr k) { return k < lengths[b]; });
}
/// `inner` at (q + q_offset, k + k_offset): a part of a longer sequence, as in decoding.
inline MaskMod shifted(const MaskMod& inner, std::int64_t q_offset, std::int64_t k_offset = 0) {
    const detail::Number oq(q_offset), ok(k_offset);
    return mask_mod([=](Expr b, Expr h, Expr q, Expr k) { return inner(b, h, q + oq, k + ok); });
}
/// The same with an offset of the queries for each batch entry, q_offsets [B].
inline MaskMod shifted(const MaskMod& inner, const Buffer& q_offsets) {
    return mask_mod(
        [=](Expr b, Expr h, Expr q, Expr k) { return inner(b, h, q + to_i32(q_offsets[b]), k); });
}

// ---- several documents packed into one sequence -----------------------------------------------

/// {2, 4, 3} -> {0, 2, 6, 9}
inline std::vector<std::int32_t> offsets_of(const std::vector<std::int64_t>& lengths) {
    std::vector<std::int32_t> offsets = {0};
    for (const std::int64_t n : lengths) {
        offsets.push_back(offsets.back() + static_cast<std::int32_t>(n));
    }
    return offsets;
}
/// {2, 4, 3} -> {0, 0, 1, 1, 1, 1, 2, 2, 2}
inline std::vector<std::int32_t> documents_of(const std::vector<std::int64_t>& lengths) {
    std::vector<std::int32_t> documents;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        documents.insert(documents.end(), lengths[i], static_cast<std::int32_t>(i));
    }
    return documents;
}

/// document[q] == document[k]; `document` is an integer buffer [S].
inline MaskMod document(const Buffer& document) {
    return mask_mod([document](Expr, Expr, Expr q, Expr k) { return document[q] == document[k]; });
}
/// The same with documents that differ from batch entry to batch entry, document [B, S].
inline MaskMod batched_document(const Buffer& document) {
    return mask_mod(
        [document](Expr b, Expr, Expr q, Expr k) { return document[b][q] == document[b][k]; });
}
/// `inner` in each document by itself, at positions that count from the document's start.
/// document [S]: the document of each token; offsets [documents + 1]: where they start.
inline MaskMod within_documents(const MaskMod& inner, const Buffer& document,
                                const Buffer& offsets) {
    return mask_mod([=](Expr b, Expr h, Expr q, Expr k) {
        const Expr dq = document[q], dk = document[k];
        return (dq == dk) & inner(b, h, q - to_i32(offsets[dq]), k - to_i32(offsets[dk]));
    });
}
/// Causal in each document, as one interval of keys per query.
inline MaskMod causal_document(const Buffer& document, const Buffer& offsets) {
    return mask_mod(
        [=](Expr, Expr, Expr q, Expr k) { return (q >= k) & (k >= to_i32(offsets[document[q]])); });
}
/// Continuations of common prefixes, none of them repeated: prefix_document [documents] names the
/// prefix of each document, itself for a prefix. Causal in a document, plus all of its prefix.
inline MaskMod shared_prefix(const Buffer& document, const Buffer& offsets,
                             const Buffer& prefix_document) {
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        const Expr own = document[q];
        const Expr prefix = prefix_document[own];
        const Expr in_own = (k >= to_i32(offsets[own])) & (q >= k);
        const Expr in_prefix = (k >= to_i32(offsets[prefix])) & (k < to_i32(offsets[prefix + 1]));
        return in_own | (in_prefix & (own != prefix));
    });
}
/// `inner` in each group of `group` tokens by itself, at positions that count from its start.
inline MaskMod within_groups(const MaskMod& inner, std::int64_t group) {
    detail::require_positive(group, "within_groups", "group");
    return mask_mod([=](Expr b, Expr h, Expr q, Expr k) {
        return (floordiv(q, group) == floordiv(k, group)) & inner(b, h, q % group, k % group);
    });
}

// ---- given by tables --------------------------------------------------------------------------

/// allowed[q][k] != 0 for a buffer [Sq, Skv]; of rank 3 [B, Sq, Skv]; of rank 4 [B, H, Sq, Skv].
inline MaskMod dense(const Buffer& allowed) {
    const int rank = allowed.view().rank;
    detail::require(rank >= 2 && rank <= 4, "dense",
                    "expected a buffer [Sq, Skv], [B, Sq, Skv] or [B, H, Sq, Skv]; got rank " +
                        std::to_string(rank) + ".");
    return mask_mod([allowed, rank](Expr b, Expr h, Expr q, Expr k) {
        return to_bool(rank == 2   ? allowed(q, k)
                       : rank == 3 ? allowed(b, q, k)
                                   : allowed(b, h, q, k));
    });
}
/// Whole blocks by a table: layout[q / block][k / block] != 0, layout [rows, columns].
inline MaskMod block_layout(const Buffer& layout, std::int64_t block) {
    detail::require_positive(block, "block_layout", "block");
    return mask_mod([layout, block](Expr, Expr, Expr q, Expr k) {
        return to_bool(layout[floordiv(q, block)][floordiv(k, block)]);
    });
}
/// Drafts of a tree behind `context` common tokens: ancestor[i][j] != 0 where draft token j is
/// token i or an ancestor of it. Queries are the drafts, keys the context and then the drafts.
inline MaskMod tree(const Buffer& ancestor, std::int64_t context) {
    const detail::Number c(context);
    return mask_mod([ancestor, c](Expr, Expr, Expr q, Expr k) {
        return (k < c) | to_bool(ancestor[q][max(k - c, 0)]);
    });
}

// ---- diffusion, images, video -----------------------------------------------------------------

/// Arriola et al., "Block Diffusion", 2025, section 3.1. Positions [0, length) are noised tokens,
/// [length, 2 length) the clean ones: noised see their own block and the clean blocks before it,
/// clean see clean blocks up to their own.
inline MaskMod block_diffusion(std::int64_t length, std::int64_t block) {
    detail::require_positive(length, "block_diffusion", "length");
    detail::require_positive(block, "block_diffusion", "block");
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        const Expr noised_q = q < length, noised_k = k < length;
        const Expr block_q = floordiv(q % length, block), block_k = floordiv(k % length, block);
        return ((block_q == block_k) & (noised_q == noised_k)) |
               (~noised_k & where(noised_q, block_q > block_k, block_q >= block_k));
    });
}

/// Extents of a video, an image (frames = 1) or a line of tokens, row-major: ((t * height) + y) *
/// width + x.
struct Canvas {
    std::int64_t frames = 1, height = 1, width = 1;
};

namespace detail {

struct Point {
    Expr t, y, x;
};
inline void require_canvas(const Canvas& c, const char* mask, const char* name) {
    require_positive(c.frames, mask, name);
    require_positive(c.height, mask, name);
    require_positive(c.width, mask, name);
}
inline Point point_of(const Expr& i, const Canvas& canvas) {
    const Expr row = floordiv(i, canvas.width);
    return {floordiv(row, canvas.height), row % canvas.height, i % canvas.width};
}
inline std::int64_t volume(const Canvas& c) { return c.frames * c.height * c.width; }
/// Where a token lies whose canvas is stored tile after tile.
inline Point tiled_point_of(const Expr& i, const Canvas& canvas, const Canvas& tile) {
    const Point outer = point_of(
        floordiv(i, volume(tile)),
        {canvas.frames / tile.frames, canvas.height / tile.height, canvas.width / tile.width});
    const Point inner = point_of(i % volume(tile), tile);
    return {outer.t * tile.frames + inner.t, outer.y * tile.height + inner.y,
            outer.x * tile.width + inner.x};
}
/// Every second bit of a 32-bit code, packed: one coordinate of a Morton code.
inline Expr even_bits(Expr code) {
    code = code & 0x5555'5555;
    code = (code | (code >> 1)) & 0x3333'3333;
    code = (code | (code >> 2)) & 0x0F0F'0F0F;
    code = (code | (code >> 4)) & 0x00FF'00FF;
    return (code | (code >> 8)) & 0x0000'FFFF;
}
/// A kernel of `kernel` positions around q, moved inside [0, extent) where it would stick out; of
/// an even one the larger half lies before q.
inline Expr near(const Expr& q, const Expr& k, std::int64_t kernel, std::int64_t extent) {
    const std::int64_t before = kernel / 2, after = (kernel - 1) / 2;
    const Expr distance = k - clamp(q, before, extent - 1 - after);
    return (distance >= -before) & (distance <= after);
}
inline Expr near(const Point& q, const Point& k, const Canvas& kernel, const Canvas& canvas) {
    return near(q.t, k.t, kernel.frames, canvas.frames) &
           near(q.y, k.y, kernel.height, canvas.height) &
           near(q.x, k.x, kernel.width, canvas.width);
}
inline void require_divides(const Canvas& tile, const Canvas& whole, const char* mask,
                            const char* name) {
    require_canvas(tile, mask, "tile");
    require(whole.frames % tile.frames == 0 && whole.height % tile.height == 0 &&
                whole.width % tile.width == 0,
            mask, std::string("the tile must divide the ") + name + " in every dimension.");
}
inline void require_kernel(const Canvas& kernel, const Canvas& canvas, const char* mask) {
    require_canvas(canvas, mask, "canvas");
    require_canvas(kernel, mask, "kernel");
    require(kernel.frames <= canvas.frames && kernel.height <= canvas.height &&
                kernel.width <= canvas.width,
            mask, "the kernel must not be larger than the canvas in any dimension.");
}

}  // namespace detail

/// Hassani et al., "Neighborhood Attention Transformer", 2022: the kernel-sized neighbourhood of
/// each token, moved inwards at the edges. natten({1, 1, n}, {1, 1, 7}) is one-dimensional.
inline MaskMod natten(const Canvas& canvas, const Canvas& kernel) {
    detail::require_kernel(kernel, canvas, "natten");
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        return detail::near(detail::point_of(q, canvas), detail::point_of(k, canvas), kernel,
                            canvas);
    });
}
/// The same for tokens stored tile after tile, so that neighbours share blocks.
inline MaskMod tiled_natten(const Canvas& canvas, const Canvas& kernel, const Canvas& tile) {
    detail::require_kernel(kernel, canvas, "tiled_natten");
    detail::require_divides(tile, canvas, "tiled_natten", "canvas");
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        return detail::near(detail::tiled_point_of(q, canvas, tile),
                            detail::tiled_point_of(k, canvas, tile), kernel, canvas);
    });
}
/// The same for an image stored along the Z-order curve: bit i of x is bit 2i of the index, of y
/// bit 2i + 1.
inline MaskMod morton_natten(const Canvas& canvas, const Canvas& kernel) {
    detail::require_kernel(kernel, canvas, "morton_natten");
    detail::require(canvas.frames == 1, "morton_natten", "the canvas must be one frame.");
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        const detail::Point pq{0, detail::even_bits(q >> 1), detail::even_bits(q)};
        const detail::Point pk{0, detail::even_bits(k >> 1), detail::even_bits(k)};
        return detail::near(pq.y, pk.y, kernel.height, canvas.height) &
               detail::near(pq.x, pk.x, kernel.width, canvas.width);
    });
}
/// Zhang et al., "Fast Video Generation with Sliding Tile Attention", 2025: neighbourhoods of whole
/// tiles, for tokens stored tile after tile; then `text` tokens that see all and are seen by all.
/// canvas and kernel are multiples of tile; positions past canvas and text see and are seen by
/// none.
inline MaskMod sliding_tile(const Canvas& canvas, const Canvas& kernel, const Canvas& tile,
                            std::int64_t text = 0) {
    detail::require_kernel(kernel, canvas, "sliding_tile");
    detail::require_divides(tile, canvas, "sliding_tile", "canvas");
    detail::require_divides(tile, kernel, "sliding_tile", "kernel");
    const Canvas tiles{canvas.frames / tile.frames, canvas.height / tile.height,
                       canvas.width / tile.width};
    const Canvas reach{kernel.frames / tile.frames, kernel.height / tile.height,
                       kernel.width / tile.width};
    const std::int64_t video = detail::volume(canvas);
    const detail::Number end(video + text);
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        const auto tile_of = [&](const Expr& i) {
            return detail::point_of(floordiv(i, detail::volume(tile)), tiles);
        };
        const Expr close = detail::near(tile_of(q), tile_of(k), reach, tiles);
        return (q < end) & (k < end) & ((q >= video) | (k >= video) | close);
    });
}
/// Xi et al., "Sparse VideoGen", 2025, spatial heads: the prompt, and keys nearer than `frames`
/// frames rounded down to a multiple of `round`; with `sink` also the first frame.
inline MaskMod spatial_head(std::int64_t prompt, std::int64_t tokens_per_frame, std::int64_t frames,
                            bool sink = false, std::int64_t round = 128) {
    detail::require_positive(round, "spatial_head", "round");
    const detail::Number rows(prompt), columns(prompt + (sink ? tokens_per_frame : 0));
    const detail::Number reach(frames * tokens_per_frame / round * round);
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        return (q < rows) | (k < columns) | (abs(q - k) < reach);
    });
}
/// The same paper, temporal heads: the prompt, and keys at nearly the same place of any frame,
/// nearer than `frames` * tokens_per_frame / total_frames.
inline MaskMod temporal_head(std::int64_t prompt, std::int64_t tokens_per_frame,
                             std::int64_t frames, std::int64_t total_frames) {
    detail::require_positive(tokens_per_frame, "temporal_head", "tokens_per_frame");
    detail::require_positive(total_frames, "temporal_head", "total_frames");
    const detail::Number p(prompt), reach(frames * tokens_per_frame / total_frames);
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        const auto place = [&](const Expr& i) { return (i - p) % tokens_per_frame; };
        return (q < p) | (k < p) | (abs(place(q) - place(k)) < reach);
    });
}
/// Alayrac et al., "Flamingo", 2022: text attends images of `tokens_per_image` keys each; image i
/// is seen by the queries in [intervals[i][0], intervals[i][1]), intervals [images, 2].
inline MaskMod vision_cross_attention(const Buffer& intervals, std::int64_t tokens_per_image) {
    detail::require_positive(tokens_per_image, "vision_cross_attention", "tokens_per_image");
    return mask_mod([=](Expr, Expr, Expr q, Expr k) {
        const Expr image = floordiv(k, tokens_per_image);
        return (q >= intervals(image, 0)) & (q < intervals(image, 1));
    });
}

}  // namespace flexion::masks
