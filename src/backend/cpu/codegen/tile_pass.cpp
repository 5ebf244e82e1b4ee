// SPDX-License-Identifier: Apache-2.0
// The tile pass: one loop for the scores and their maximum, one for the exponentials and their sum.
#include <array>
#include <cstddef>
#include <optional>

#include "backend/cpu/codegen/expression.h"
#include "backend/cpu/codegen/library/ops.h"
#include "backend/cpu/codegen/passes.h"
#include "support/format.h"

namespace flexion::cpu {
namespace {

constexpr int kVectors = 2;  // of a row: lanes_per_panel / vector_lanes
// A body of few instructions is unrolled over two rows: then it is the latency of the running
// maximum that counts. Longer ones gain nothing and take twice as long to compile.
constexpr int kLightWeight = 64;
// A maximum up to this is subtracted by the fused product with log2 e, whose rounding is then no
// more than that of the scores themselves; a larger one, from a mod that writes -1e9 or the lowest
// finite value, would leave the exponent range, and is subtracted from the tile first.
constexpr double kFusedMaximum = 4096;

Val i32(std::int64_t value) { return Code::integer(Elem::i32, value); }
Val i64(std::int64_t value) { return Code::integer(Elem::i64, value); }
Val pointer(const char* name) { return {{Elem::ptr}, name}; }

// Combines the lanes of a vector into one, pair by pair in a fixed order.
template <class Combine>
Val reduce(Code& c, Val v, const Combine& combine) {
    for (int half = v.ty.lanes / 2; half >= 1; half /= 2) {
        std::vector<int> low(half), high(half);
        for (int i = 0; i < half; ++i) low[i] = i, high[i] = half + i;
        if (half == 1) return combine(c.extract(v, 0), c.extract(v, 1));
        v = combine(c.shuffle(v, v, low), c.shuffle(v, v, high));
    }
    return v;
}

class TilePassEmitter {
public:
    TilePassEmitter(ModuleText& module, const plan::Problem& problem, const plan::Mods& mods)
        : scope_(module), body_(scope_) {
        const Isa isa = module.isa();
        const bool f64 = problem.dtype == DType::f64;
        real_ = f64 ? Elem::f64 : Elem::f32;
        shape_.map = problem.few_queries ? TileMap::stream : TileMap::panel;
        shape_.lanes = vector_lanes(isa) / (f64 ? 2 : 1);
        shape_.vectors = kVectors;
        pairs_ = panel() && problem.dtype == DType::bf16 && isa == Isa::avx512_bf16;
        Binding binding{
            .word = 1, .load = 0, .assumptions = problem.assumptions, .checked = problem.checked};
        if (mods.score) {
            score_.emplace(*mods.score, binding, shape_, 2, false);
            binding.word += words_of(*mods.score);
            binding.load += loads_of(*mods.score);
        }
        if (mods.mask && problem.masked) mask_.emplace(*mods.mask, binding, shape_, 2, true);
        const int weight = (score_ ? score_->weight() : 0) + (mask_ ? mask_->weight() : 0);
        unroll_ = panel() && weight <= kLightWeight ? 2 : 1;
        plain_ = panel() && !score_ && !mask_;
    }

    std::string function(const std::string& symbol) {
        args_ = load_args(body_, real_);
        if (panel())
            prepare_panel();
        else
            hoist({});
        scores();
        maxima();
        exponentials();
        sums();
        body_.raw("ret void");
        return formatted(
            "define void @{}(ptr noalias %s, ptr noalias %p, ptr noalias %m, ptr noalias %l, ptr "
            "noalias %alpha, ptr noalias readonly %args, ptr noalias readonly %captures) {} "
            "{{\nentry:\n{}{}}}\n",
            symbol, scope_.module.attributes(), scope_.prologue, body_.text());
    }

private:
    bool panel() const { return shape_.map == TileMap::panel; }
    int width() const { return shape_.lanes * kVectors; }
    int align() const { return shape_.lanes * bytes_of(real_); }
    Ty vector() const { return {real_, shape_.lanes}; }
    Val real(double value) const { return Code::real(real_, value); }
    int state_lanes() const { return panel() ? shape_.lanes : 1; }
    int state_count() const { return panel() ? kVectors : 1; }

    void hoist(std::span<const Place> places) {
        const Origin origin{args_.b, args_.h, args_.q, args_.k, args_.lanes};
        if (score_) score_->hoist(body_, origin, places);
        if (mask_) mask_->hoist(body_, origin, places);
    }

    void prepare_panel() {
        for (int v = 0; v < kVectors; ++v) {
            Place place{.v = v};
            if (score_ || mask_) {
                place.count = body_.sub(args_.lanes, i32(v * shape_.lanes));
                place.valid =
                    body_.compare("icmp slt", Code::iota(Elem::i32, shape_.lanes), place.count);
            }
            places_.push_back(place);
        }
        hoist(places_);
    }

    // Address of vector v of row (or chunk) `row` of the scores.
    Val score_at(Code& c, const Val& row, int v) const {
        const Val first = panel() ? c.mul(row, i64(width())) : row;
        return c.gep(real_, c.gep(real_, pointer("%s"), first), v * shape_.lanes);
    }

    void scores() {
        std::vector<Carried> maxima(kVectors);
        for (Carried& maximum : maxima)
            maximum.initial = body_.splat(Code::minus_infinity(real_), shape_.lanes);
        const bool staged = (score_ && score_->staged()) || (mask_ && mask_->staged());
        loop_over_rows(
            body_, args_.rows, panel() ? unroll_ : width(), staged, maxima,
            [&](Code& c, const Val& block, const Val& rows) {
                if (score_) score_->stage(c, block, rows);
                if (mask_) mask_->stage(c, block, rows);
            },
            [&](Code& c, const Val& row, const Val& block, const Val& end,
                std::vector<Carried>& carried) { score_rows(c, row, block, end, carried); });
        for (int v = 0; v < kVectors; ++v) maxima_[v] = maxima[v].next;
    }

    // Rows row and, unrolled, row + 1, which past the end is row once more: written twice with the
    // same values, and a maximum does not mind.
    void score_rows(Code& c, const Val& row, const Val& block, const Val& end,
                    std::vector<Carried>& maxima) {
        std::vector<Code> chains;
        std::vector<Val> at, x;
        for (int u = 0; u < unroll_; ++u) {
            const Val here = u == 0 ? row : c.smin(c.add(row, i64(1)), c.sub(end, i64(1)));
            Place row_place{.row = here};
            Val k;
            if (score_ || mask_) {
                row_place.staged_row = block.is(0) ? here : c.sub(here, block);
                k = c.add(args_.k, c.convert("trunc", here, Elem::i32));
                if (panel() && score_) score_->row(c, u, row_place, k);
                if (panel() && mask_) mask_->row(c, u, row_place, k);
            }
            for (int v = 0; v < kVectors; ++v) {
                at.push_back(score_at(c, here, v));
                Place place = panel() ? places_[v] : stream_place(c, here, v);
                place.row = here;
                place.staged_row = row_place.staged_row;
                Val lane_k;
                if (!panel() && (score_ || mask_))
                    lane_k = c.add(k, Code::iota(Elem::i32, shape_.lanes, v * shape_.lanes));
                x.push_back(
                    score(chains.emplace_back(c.scope(), c.block()), u, place, at.back(), lane_k));
            }
        }
        c.interleave(chains);
        for (std::size_t i = 0; i < x.size(); ++i) {
            Carried& maximum = maxima[i % kVectors];
            maximum.next = c.larger(x[i], i < kVectors ? maximum.now : maximum.next);
            if (!plain_) c.store(x[i], at[i], align());  // else the exponentials scale
        }
    }

    /// One vector of modified and masked scores.
    Val score(Code& c, int u, const Place& place, const Val& at, const Val& k) {
        Val x = c.load(vector(), at, align());
        if (!panel() || pairs_) x = c.fmul(x, args_.scale);
        if (score_) x = score_->element(c, u, place, x, k);
        std::optional<Val> keep;
        if (mask_) keep = mask_->element(c, u, place, {}, k);
        if (!panel()) keep = keep ? c.and_(*keep, place.valid) : place.valid;
        return keep ? c.select(*keep, x, Code::minus_infinity(real_)) : x;
    }

    Place stream_place(Code& c, const Val& row, int v) const {
        Place place{.v = v};
        const Val left = c.sub(c.sub(args_.rows, row), i64(v * shape_.lanes));
        place.count = c.convert("trunc", left, Elem::i32);
        place.valid = c.compare("icmp slt", Code::iota(Elem::i32, shape_.lanes), place.count);
        return place;
    }

    // New maximum and alpha; what is subtracted is 0 where no score is left, so that the row's
    // exponentials are 0 and not NaN. NaN never enters a maximum: it reaches l and the output by P.
    void maxima() {
        if (!panel()) {
            maxima_[0] = reduce(body_, body_.larger(maxima_[1], maxima_[0]),
                                [&](const Val& a, const Val& b) { return body_.larger(a, b); });
        }
        for (int i = 0; i < state_count(); ++i) {
            const Val at = state("%m", i);
            const Val before = body_.load({real_, state_lanes()}, at, bytes_of(real_));
            const Val after = body_.larger(maxima_[i], before);
            body_.store(after, at, bytes_of(real_));
            const Val dead = body_.compare("fcmp oeq", after, Code::minus_infinity(real_));
            base_[i] = body_.select(dead, real(0), after);
            const Val fall = body_.fmul(body_.fsub(before, base_[i]), real(kLog2E));
            alpha_[i] = emit_softmax_exp2(body_, fall, false);
            body_.store(alpha_[i], state("%alpha", i), bytes_of(real_));
        }
        log2e_ = real(kLog2E);
        if (!panel()) base_[0] = base_[1] = body_.splat(base_[0], shape_.lanes);
        if (!panel()) return;
        if (plain_ && pairs_) log2e_ = body_.splat(body_.fmul(args_.scale, log2e_), shape_.lanes);
        if (!plain_) subtract_large();
        for (Val& base : base_) base = body_.fmul(base, real(-kLog2E));
    }

    // Runs over the tile if some maximum is large, else over its last row, from which it takes 0.
    void subtract_large() {
        std::array<Val, kVectors> taken;
        Val large;
        for (int v = 0; v < kVectors; ++v) {
            const Val is =
                body_.compare("fcmp ogt", body_.intrinsic("fabs", {base_[v]}), real(kFusedMaximum));
            large = v == 0 ? is : body_.or_(large, is);
            taken[v] = body_.select(is, base_[v], real(0));
            base_[v] = body_.select(is, real(0), base_[v]);
        }
        const Val first =
            body_.select(body_.any_lane(large), i64(0), body_.sub(args_.rows, i64(1)));
        counted_loop(body_, "subtract", first, args_.rows, 1, {}, [&](Code& c, const Val& row) {
            for (int v = 0; v < kVectors; ++v) {
                const Val at = score_at(c, row, v);
                c.store(c.fsub(c.load(vector(), at, align()), taken[v]), at, align());
            }
        });
    }

    Val state(const char* array, int i) {
        return body_.gep(real_, pointer(array), i * shape_.lanes);
    }

    Val exponential(Code& c, const Val& at, int v) const {
        const Val x = c.load(vector(), at, align());
        const Val t = panel() ? c.mad(x, log2e_, base_[v]) : c.fmul(c.fsub(x, base_[v]), log2e_);
        return emit_softmax_exp2(c, t, pairs_);
    }

    void exponentials() {
        const int rows = panel() ? 2 : 1;
        std::vector<Carried> sums(kVectors);
        for (Carried& sum : sums) sum.initial = body_.splat(real(0), shape_.lanes);
        std::array<Val, kVectors> without_second;
        counted_loop(body_, "exponentials", i64(0), args_.rows, panel() ? rows : width(), sums,
                     [&](Code& c, const Val& row) {
                         const std::vector<Val> e = exponential_rows(c, row, rows);
                         for (int v = 0; v < kVectors; ++v) {
                             sums[v].next = c.fadd(sums[v].now, e[v]);
                             if (rows == 1) continue;
                             without_second[v] = sums[v].next;
                             sums[v].next = c.fadd(sums[v].next, e[kVectors + v]);
                         }
                     });
        for (int v = 0; v < kVectors; ++v) {
            sums_[v] = sums[v].next;
            // The last row of an odd number stood in for the one after it: not counted.
            if (rows == 2) sums_[v] = body_.select(odd(), without_second[v], sums_[v]);
        }
        if (pairs_) clear_last_half();
    }

    /// P of `rows` rows (past the end the last row once more), stored and returned, row by row.
    std::vector<Val> exponential_rows(Code& c, const Val& row, int rows) {
        Val here[2] = {row, {}};
        if (rows == 2) here[1] = c.smin(c.add(row, i64(1)), c.sub(args_.rows, i64(1)));
        const std::size_t count = static_cast<std::size_t>(rows * kVectors);
        std::vector<Code> chains(count, Code(c.scope(), c.block()));
        std::vector<Val> at(count), e(count);
        for (std::size_t i = 0; i < count; ++i) {
            const int v = static_cast<int>(i) % kVectors;
            at[i] = score_at(c, here[i / kVectors], v);
            e[i] = exponential(chains[i], at[i], v);
        }
        c.interleave(chains);
        for (std::size_t i = 0; i < count && !pairs_; ++i) c.store(e[i], at[i], align());
        if (pairs_) store_pairs(c, row, e);
        return e;
    }

    Val odd() {
        if (odd_.text.empty())
            odd_ = body_.compare("icmp ne", body_.and_(args_.rows, i64(1)), i64(0));
        return odd_;
    }

    Val pair_at(Code& c, const Val& row, int v) const {
        const Val first = c.mul(c.lshr(row, 1), i64(width()));
        return c.gep(Elem::i32, c.gep(Elem::i32, pointer("%p"), first), v * shape_.lanes);
    }

    // Two rows become one of words, rounded half up (P is not negative): one addition and one
    // shift or mask each, on any instruction set.
    void store_pairs(Code& c, const Val& row, std::span<const Val> e) {
        for (int v = 0; v < kVectors; ++v) {
            const auto rounded = [&](const Val& x) {
                return c.add(c.convert("bitcast", x, Elem::i32), i32(0x8000));
            };
            const Val word =
                c.or_(c.lshr(rounded(e[v]), 16), c.and_(rounded(e[kVectors + v]), i32(-0x10000)));
            c.store(word, pair_at(c, row, v), align());
        }
    }

    // The high halves of the last words are 0 where the number of rows is odd.
    void clear_last_half() {
        const Val last = body_.sub(args_.rows, i64(1));
        const Val mask = body_.select(odd(), i32(0xffff), i32(-1));
        for (int v = 0; v < kVectors; ++v) {
            const Val at = pair_at(body_, last, v);
            const Val word = body_.load({Elem::i32, shape_.lanes}, at, align());
            body_.store(body_.and_(word, mask), at, align());
        }
    }

    void sums() {
        if (!panel()) {
            sums_[0] = reduce(body_, body_.fadd(sums_[0], sums_[1]),
                              [&](const Val& a, const Val& b) { return body_.fadd(a, b); });
        }
        for (int i = 0; i < state_count(); ++i) {
            const Val at = state("%l", i);
            const Val before = body_.load({real_, state_lanes()}, at, bytes_of(real_));
            body_.store(body_.mad(before, alpha_[i], sums_[i]), at, bytes_of(real_));
        }
    }

    FunctionScope scope_;
    Code body_;
    Elem real_ = Elem::f32;
    TileShape shape_;
    bool pairs_ = false, plain_ = false;
    int unroll_ = 1;
    std::optional<Expression> score_, mask_;
    ArgValues args_;
    std::vector<Place> places_;
    std::array<Val, kVectors> maxima_, alpha_, base_, sums_;
    Val log2e_, odd_;
};

}  // namespace

ArgValues load_args(Code& c, Elem real) {
    const auto load = [&](Elem elem, std::size_t offset) {
        const Val at = c.gep(Elem::i8, pointer("%args"), static_cast<std::int64_t>(offset));
        return c.load({elem}, at, bytes_of(elem), true);
    };
    ArgValues a;
    a.scale = real == Elem::f64 ? load(Elem::f64, offsetof(TileArgs, scale64))
                                : load(Elem::f32, offsetof(TileArgs, scale));
    a.b = load(Elem::i32, offsetof(TileArgs, b));
    a.h = load(Elem::i32, offsetof(TileArgs, h));
    a.q = load(Elem::i32, offsetof(TileArgs, q0));
    a.k = load(Elem::i32, offsetof(TileArgs, k0));
    a.rows = c.convert("sext", load(Elem::i32, offsetof(TileArgs, rows)), Elem::i64);
    a.lanes = load(Elem::i32, offsetof(TileArgs, lanes));
    return a;
}

std::string emit_tile_pass(ModuleText& module, const std::string& symbol,
                           const plan::Problem& problem, const plan::Mods& mods) {
    return TilePassEmitter(module, problem, mods).function(symbol);
}

}  // namespace flexion::cpu
