// SPDX-License-Identifier: Apache-2.0
// The backward pass of a tile: scores and their modification once more, P from lse, dS, and the
// gradients of captured elements, in one loop over the rows.
#include <array>
#include <cstddef>
#include <limits>
#include <optional>

#include "backend/cpu/codegen/expression.h"
#include "backend/cpu/codegen/library/ops.h"
#include "backend/cpu/codegen/passes.h"
#include "backend/cpu/tile_kernel.h"
#include "support/format.h"

namespace flexion::cpu {
namespace {

constexpr int kVectors = 2;  // of a row
// Bodies of few instructions are unrolled over two rows, so that four vectors take turns; longer
// ones would take twice as long to compile.
constexpr int kLightWeight = 64;

Val i32(std::int64_t value) { return Code::integer(Elem::i32, value); }
Val i64(std::int64_t value) { return Code::integer(Elem::i64, value); }
Val pointer(const char* name) { return {{Elem::ptr}, name}; }
Level operator|(Level a, Level b) { return static_cast<Level>(int{a} | int{b}); }

// What the offsets of a gather vary along at least, as they are laid out.
Level level_of(GatherSum sum) {
    switch (sum) {
        case GatherSum::all:
            return kUniform;
        case GatherSum::rows:
            return kLane;
        case GatherSum::lanes:
            return kRow;
        default:
            return kElement;
    }
}

class BackwardPassEmitter {
public:
    BackwardPassEmitter(ModuleText& module, const plan::Problem& problem, const plan::Mods& mods)
        : scope_(module), body_(scope_), wants_p_(problem.wants_p), wants_ds_(problem.wants_ds) {
        const bool f64 = problem.dtype == DType::f64;
        real_ = f64 ? Elem::f64 : Elem::f32;
        shape_.map = TileMap::panel;
        shape_.lanes = vector_lanes(module.isa()) / (f64 ? 2 : 1);
        shape_.vectors = kVectors;
        pairs_ = problem.dtype == DType::bf16 && module.isa() == Isa::avx512_bf16;
        plain_ = !mods.score;
        int weight = 0;
        if (mods.score) weight += weight_of(*mods.score, false);
        if (mods.mask && problem.masked) weight += weight_of(*mods.mask, true);
        unroll_ = pairs_ || weight <= kLightWeight ? 2 : 1;
        Binding binding{
            .word = 1, .load = 0, .assumptions = problem.assumptions, .checked = problem.checked};
        if (mods.score) {
            add_score(*mods.score, binding);
            binding.word += words_of(*mods.score);
            binding.load += loads_of(*mods.score);
        }
        if (mods.mask && problem.masked) mask_.emplace(*mods.mask, binding, shape_, unroll_, true);
    }

    std::string function(const std::string& symbol) {
        args_ = load_args(body_, real_);
        prepare();
        std::vector<Carried> nothing;
        loop_over_rows(
            body_, args_.rows, unroll_, staged_, nothing,
            [&](Code& c, const Val& block, const Val& rows) {
                if (score_) score_->stage(c, block, rows);
                if (mask_) mask_->stage(c, block, rows);
            },
            [&](Code& c, const Val& row, const Val& block, const Val& end, std::vector<Carried>&) {
                rows(c, row, block, end);
            });
        body_.raw("ret void");
        return formatted(
            "define void @{}(ptr noalias readonly %s, ptr noalias readonly %dp, ptr noalias "
            "readonly "
            "%tile, ptr noalias readonly %args, ptr noalias readonly %captures) {} "
            "{{\nentry:\n{}{}}}\n",
            symbol, scope_.module.attributes(), scope_.prologue, body_.text());
    }

private:
    using Rows = std::array<Val, 2>;  // addresses for rows that are even and odd in turn
    struct GatherCode {
        plan::Gather gather;
        GatherSum sum;
        std::size_t value_root, first_index_root;
        std::optional<Access> copy;  // where it has offsets
        Rows values;                 // where its tiles begin
        Val offsets;
    };
    using Stores = std::vector<std::pair<Val, Val>>;  // value, address

    void add_score(const ir::Function& f, const Binding& binding) {
        std::vector<ir::Value> roots = {f.results[0].value, f.results[1].value};
        for (const plan::Gather& gather : plan::gathers_of(f)) {
            const GatherSum sum = gather_sum(gather, binding.assumptions);
            gathers_.push_back({gather, sum, roots.size(), roots.size() + 1, {}, {}, {}});
            // A gradient that is rounded to the buffer's type: sums are of the unrounded one.
            ir::Value value = f.results[gather.result].value;
            const ir::Inst& last = f.insts[value];
            if (last.op == ir::Op::cast && elem_of(f.insts[last.args[0]].type) == real_)
                value = last.args[0];
            roots.push_back(value);
            if (has_offsets(sum))
                roots.insert(roots.end(), gather.indices.begin(), gather.indices.end());
        }
        const ir::Inst& factor = f.insts[f.results[1].value];
        const std::uint64_t one =
            factor.type == ir::Type::f64 ? 0x3ff0'0000'0000'0000u : 0x3f80'0000u;
        factor_is_one_ = factor.op == ir::Op::constant && factor.bits == one;
        score_.emplace(f, binding, shape_, unroll_, false, std::move(roots));
    }

    int weight_of(const ir::Function& f, bool exact) const {
        return Expression(f, {}, shape_, 1, exact).weight();
    }
    int width() const { return shape_.lanes * kVectors; }
    int align() const { return shape_.lanes * bytes_of(real_); }
    Ty vector() const { return {real_, shape_.lanes}; }
    Val real(double value) const { return Code::real(real_, value); }
    bool wants_g() const { return wants_ds_ || !gathers_.empty(); }

    Val tile_field(Elem elem, std::size_t offset) {
        const Val at = body_.gep(Elem::i8, pointer("%tile"), static_cast<std::int64_t>(offset));
        return body_.load({elem}, at, 8, true);
    }

    void prepare() {
        for (int v = 0; v < kVectors; ++v) {
            Place place{.v = v};
            place.count = body_.sub(args_.lanes, i32(v * shape_.lanes));
            place.valid =
                body_.compare("icmp slt", Code::iota(Elem::i32, shape_.lanes), place.count);
            places_.push_back(place);
        }
        const Origin origin{args_.b, args_.h, args_.q, args_.k, args_.lanes};
        if (score_) score_->hoist(body_, origin, places_);
        if (mask_) mask_->hoist(body_, origin, places_);

        staged_ = (score_ && score_->staged()) || (mask_ && mask_->staged());
        overlap_ = unroll_ == 2 && !pairs_ && !staged_;
        if (overlap_) {
            last_ = body_.smax(body_.sub(args_.rows, i64(2)), i64(0));
            second_ = body_.smin(body_.sub(args_.rows, i64(1)), i64(1));
        }
        if (wants_p_ || wants_ds_)
            row_stride_ = tile_field(Elem::i64, offsetof(BackwardTile, row_stride));
        if (wants_p_) p_ = rows_at(tile_field(Elem::ptr, offsetof(BackwardTile, p)));
        if (wants_ds_) {
            ds_ = rows_at(tile_field(Elem::ptr, offsetof(BackwardTile, ds)));
            if (pairs_) panel_ = tile_field(Elem::ptr, offsetof(BackwardTile, ds_panel));
        }
        s_ = rows_of_tile(pointer("%s"));
        if (wants_g()) dp_ = rows_of_tile(pointer("%dp"));
        const Val lse = tile_field(Elem::ptr, offsetof(BackwardTile, lse));
        const Val delta = wants_g() ? tile_field(Elem::ptr, offsetof(BackwardTile, delta)) : lse;
        for (int v = 0; v < kVectors; ++v) {
            const auto lanes_of = [&](const Val& array) {
                return body_.load(vector(), body_.gep(real_, array, v * shape_.lanes), align(),
                                  true);
            };
            const Val base = lanes_of(lse);
            alive_[v] =
                body_.compare("fcmp une", base, real(std::numeric_limits<double>::infinity()));
            base_[v] = plain_ ? body_.fmul(base, real(-kLog2E)) : base;
            if (wants_g()) delta_[v] = lanes_of(delta);
        }
        prepare_gathers(origin);
    }

    void prepare_gathers(const Origin& origin) {
        if (gathers_.empty()) return;
        const Val values = tile_field(Elem::ptr, offsetof(BackwardTile, values));
        const Val value_bytes = tile_field(Elem::i64, offsetof(BackwardTile, value_bytes));
        const Val offsets = tile_field(Elem::ptr, offsetof(BackwardTile, offsets));
        const Val offset_bytes = tile_field(Elem::i64, offsetof(BackwardTile, offset_bytes));
        for (std::size_t i = 0; i < gathers_.size(); ++i) {
            GatherCode& g = gathers_[i];
            const Val number = i64(static_cast<std::int64_t>(i));
            g.values =
                rows_of_tile(body_.gep(Elem::i8, values, body_.product(value_bytes, number)));
            if (!has_offsets(g.sum)) continue;
            g.offsets = body_.gep(Elem::i8, offsets, body_.product(offset_bytes, number));
            g.copy.emplace(score_->contiguous_copy(body_, g.gather.buffer, origin));
        }
        Stores stores;
        offsets_at(body_, kUniform, 0, {}, {}, stores);
        for (const Place& place : places_) offsets_at(body_, kLane, 0, place, {}, stores);
        store(body_, stores);
    }

    void store(Code& c, const Stores& stores) const {
        for (const auto& [value, at] : stores)
            c.store(value, at,
                    value.ty.lanes == 1 ? bytes_of(value.ty.elem)
                                        : value.ty.lanes * bytes_of(value.ty.elem));
    }

    /// Row-major offset of the element that gather `g` reads, from indices that are known by now.
    Val offset(Code& c, const GatherCode& g, int u, int v) const {
        Val sum = i32(0);
        for (std::size_t d = 0; d < g.gather.indices.size(); ++d) {
            const int dim = static_cast<int>(d);
            const Val index = g.copy->index(c, dim, score_->root(g.first_index_root + d, u, v));
            sum = d == 0 ? index : c.add(c.mul(sum, g.copy->extent(dim)), index);
        }
        return sum.ty.elem == Elem::i64 ? c.convert("trunc", sum, Elem::i32) : sum;
    }

    /// Offsets of the gathers that vary along `level`, by their indices or by their layout. A value
    /// that the layout has one of may come from indices that vary more, all alike.
    void offsets_at(Code& c, Level level, int u, const Place& place, const Val& row,
                    Stores& stores) const {
        for (const GatherCode& g : gathers_) {
            if (!has_offsets(g.sum)) continue;
            Level varies = level_of(g.sum);
            for (std::size_t d = 0; d < g.gather.indices.size(); ++d)
                varies = varies | score_->level(g.first_index_root + d);
            if (varies != level) continue;
            Val value = offset(c, g, u, place.v);
            const bool lanes = (level_of(g.sum) & kLane) != 0;
            if (!lanes && place.v != 0) continue;  // vector 0 has told
            Val at = g.offsets;
            if ((level_of(g.sum) & kRow) != 0)
                at = c.gep(Elem::i32, at, lanes ? c.mul(row, i64(width())) : row);
            if (lanes) {
                value = c.splat(value, shape_.lanes);
                at = c.gep(Elem::i32, at, place.v * shape_.lanes);
            } else if (value.ty.lanes > 1) {
                value = c.extract(value, 0);
            }
            stores.emplace_back(value, at);
        }
    }

    Val element_at(Code& c, const Val& tile, const Val& row, int v) const {
        return c.gep(real_, c.gep(real_, tile, c.mul(row, i64(width()))), v * shape_.lanes);
    }
    Val row_at(Code& c, const Val& rows, const Val& row, int v) const {
        const Elem elem = pairs_ ? Elem::i16 : real_;
        return c.gep(elem, c.gep(Elem::i8, rows, c.mul(row, row_stride_)), v * shape_.lanes);
    }

    Rows rows_of_tile(const Val& tile) {
        if (!overlap_) return {tile, tile};
        return {tile, body_.gep(real_, tile, body_.mul(second_, i64(width())))};
    }
    Rows rows_at(const Val& rows) {
        if (!overlap_) return {rows, rows};
        return {rows, body_.gep(Elem::i8, rows, body_.mul(second_, row_stride_))};
    }

    // Rows row and, unrolled, row + 1. An odd last row is done with the one before it once more,
    // and a row that is alone twice: written with the same values.
    void rows(Code& c, const Val& index, const Val& block, const Val& end) {
        const Val row = overlap_ ? c.smin(index, last_) : index;
        Stores stores;
        std::vector<Code> chains;
        std::vector<Val> ds;
        Val after = row;
        for (int u = 0; u < unroll_; ++u) {
            Val here = row;
            if (u == 1 && overlap_) here = c.add(row, second_);
            if (u == 1 && !overlap_) here = c.smin(c.add(row, i64(1)), c.sub(end, i64(1)));
            after = here;
            Place row_place{.row = here};
            if (score_ || mask_) {
                row_place.staged_row = block.is(0) ? here : c.sub(here, block);
                const Val k = c.add(args_.k, c.convert("trunc", here, Elem::i32));
                if (score_) score_->row(c, u, row_place, k);
                if (mask_) mask_->row(c, u, row_place, k);
            }
            offsets_at(c, kRow, u, row_place, here, stores);
            for (int v = 0; v < kVectors; ++v) {
                Place place = places_[v];
                place.row = here;
                place.staged_row = row_place.staged_row;
                ds.push_back(element(chains.emplace_back(c.scope(), c.block()), u, place,
                                     overlap_ ? row : here, stores));
            }
        }
        c.interleave(chains);
        if (pairs_ && wants_ds_) pair_of_rows(c, row, after, ds, stores);
        store(c, stores);
    }

    /// One vector; dS where it is wanted. `row` tells where it is from the addresses for `u`.
    Val element(Code& c, int u, const Place& place, const Val& row, Stores& stores) {
        const int v = place.v;
        Val x = c.load(vector(), element_at(c, s_[u], row, v), align(), true);
        if (pairs_) x = c.fmul(x, args_.scale);  // else the queries were scaled
        if (score_) x = score_->element(c, u, place, x);
        // lse is subtracted first from what a mod gives: the difference is exact where P counts,
        // and the lowest finite score times log2 e is not finite.
        const Val t =
            plain_ ? c.mad(x, real(kLog2E), base_[v]) : c.fmul(c.fsub(x, base_[v]), real(kLog2E));
        Val keep = alive_[v];
        if (mask_) keep = c.and_(keep, mask_->element(c, u, place, {}));
        const Val p = c.select(keep, emit_softmax_exp2(c, t, pairs_), real(0));
        if (wants_p_) stores.emplace_back(in_row(c, p), row_at(c, p_[u], row, v));
        if (!wants_g()) return {};

        const Val dp = c.load(vector(), element_at(c, dp_[u], row, v), align());
        const Val g = c.fmul(p, c.fsub(dp, delta_[v]));
        // 0 wherever P is 0, whatever the factors are there; without factors what the mask left
        // out is enough.
        const bool factors = !gathers_.empty() || (score_ && !factor_is_one_);
        const Val some = factors ? c.compare("fcmp une", p, real(0)) : keep;
        const auto times = [&](const Val& factor) {
            return c.select(some, c.fmul(g, factor), real(0));
        };
        for (const GatherCode& gather : gathers_) {
            const Val factor = emit_cast(c, score_->root(gather.value_root, u, v), real_);
            stores.emplace_back(times(factor), element_at(c, gather.values[u], row, v));
        }
        offsets_at(c, kElement, u, place, place.row, stores);
        if (!wants_ds_) return {};
        const Val ds =
            !score_ || factor_is_one_ ? c.select(some, g, real(0)) : times(score_->root(1, u, v));
        stores.emplace_back(in_row(c, ds), row_at(c, ds_[u], row, v));
        return ds;
    }

    // The upper halves of the words are bf16, rounded half up in magnitude.
    static Val rounded(Code& c, const Val& x) {
        return c.add(c.convert("bitcast", x, Elem::i32), i32(0x8000));
    }
    Val in_row(Code& c, const Val& x) const {
        if (!pairs_) return x;
        return c.convert("trunc", c.lshr(rounded(c, x), 16), Elem::i16);
    }
    void pair_of_rows(Code& c, const Val& row, const Val& after, const std::vector<Val>& ds,
                      Stores& stores) const {
        const Val both = c.compare("icmp ne", row, after);
        const Val upper = c.select(both, i32(-0x10000), i32(0));
        for (int v = 0; v < kVectors; ++v) {
            const Val word =
                c.or_(c.lshr(rounded(c, ds[v]), 16), c.and_(rounded(c, ds[kVectors + v]), upper));
            const Val first = c.mul(c.lshr(row, 1), i64(width()));
            stores.emplace_back(
                word, c.gep(Elem::i32, c.gep(Elem::i32, panel_, first), v * shape_.lanes));
        }
    }

    FunctionScope scope_;
    Code body_;
    bool wants_p_, wants_ds_;
    Elem real_ = Elem::f32;
    TileShape shape_;
    bool pairs_ = false, factor_is_one_ = false, plain_ = false;
    bool staged_ = false;   // hoisting tells
    bool overlap_ = false;  // two rows at a time from the last two at most
    int unroll_ = 1;
    std::optional<Expression> score_, mask_;
    std::vector<GatherCode> gathers_;
    ArgValues args_;
    std::vector<Place> places_;
    std::array<Val, kVectors> base_, alive_, delta_;
    Rows s_, dp_, p_, ds_;
    Val panel_, row_stride_, last_, second_;
};

}  // namespace

std::string emit_backward_pass(ModuleText& module, const std::string& symbol,
                               const plan::Problem& problem, const plan::Mods& mods) {
    return BackwardPassEmitter(module, problem, mods).function(symbol);
}

}  // namespace flexion::cpu
