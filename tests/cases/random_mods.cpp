// SPDX-License-Identifier: Apache-2.0
// Grows expressions from the score, positions and gathers.
#include "cases/random_mods.h"

#include <functional>
#include <vector>

#include "seed.h"

namespace flexion::test {
namespace {

class Grower {
public:
    Grower(CapturedMemory& memory, Expr s, Expr b, Expr h, Expr q, Expr k)
        : memory_(memory), random_(memory.random), s_(s), b_(b), h_(h), q_(q), k_(k) {
        const auto count = between(random_, 1, 3);
        for (std::int64_t i = 0; i < count; ++i) buffers_.push_back(buffer());
    }

    Expr score() { return s_ * (0.25 + 0.25 * tanh(real(2))) + 2 * tanh(real(5)); }

private:
    bool chance(int percent) { return between(random_, 0, 99) < percent; }
    int one_of(int count) { return static_cast<int>(between(random_, 0, count - 1)); }

    Buffer buffer() {
        constexpr DType kDtypes[] = {DType::f32, DType::f32, DType::bf16, DType::f16};
        std::vector<std::int64_t> extents;
        for (int i = one_of(4); i > 0; --i) extents.push_back(between(random_, 1, 60));
        return memory_.normal(kDtypes[one_of(4)], extents);
    }

    Expr position() {
        const Expr all[] = {b_, h_, q_, k_};
        return all[one_of(4)];
    }
    /// An i32 or i64.
    Expr integer(int depth) {
        switch (one_of(depth > 0 ? 11 : 3)) {
            case 0:
            case 1:
                return position();
            case 2:
                return q_ - k_;
            case 3:
                return k_ - q_ + Expr(between(random_, -5, 60));
            case 4:
                return integer(depth - 1) + integer(depth - 1);
            case 5:
                return integer(depth - 1) * Expr(between(random_, -2, 3));
            case 6:
                return floordiv(integer(depth - 1), Expr(between(random_, 1, 9)));
            case 7:
                return integer(depth - 1) % Expr(between(random_, 1, 9));
            case 8:
                return clamp(integer(depth - 1), Expr(between(random_, -9, 3)),
                             Expr(between(random_, 3, 40)));
            case 9:
                return abs(integer(depth - 1));
            default:
                return to_i64(integer(depth - 1));
        }
    }
    Expr condition() {
        const Expr x = integer(1), y = integer(1);
        switch (one_of(4)) {
            case 0:
                return x < y;
            case 1:
                return x % 3 == 0;
            case 2:
                return (x >= y) | (y > 4);
            default:
                return ~(x > y);
        }
    }
    Expr gather() {
        const Buffer& from = buffers_[static_cast<std::size_t>(
            between(random_, 0, static_cast<std::int64_t>(buffers_.size()) - 1))];
        std::vector<Expr> indices;
        for (int i = 0; i < from.view().rank; ++i) indices.push_back(integer(chance(40) ? 2 : 0));
        return from.gather(indices);
    }

    /// Of absolute value of a few units.
    Expr real(int depth) {
        if (depth == 0 || chance(10)) {
            switch (one_of(5)) {
                case 0:
                    return s_;
                case 1:
                    return to_float(integer(1)) / 32;
                case 2:
                    return Expr(static_cast<double>(between(random_, -8, 8)) / 4);
                default:
                    return gather();
            }
        }
        const Expr x = real(depth - 1);
        switch (one_of(20)) {
            case 0:
                return x + real(depth - 1);
            case 1:
                return x - real(depth - 1);
            case 2:
            case 3:
                return tanh(x) * real(depth - 1);
            case 4:
                return x / (1 + abs(real(depth - 1)));
            case 5:
                return min(x, real(depth - 1));
            case 6:
                return max(x, real(depth - 1));
            case 7:
                return clamp(x, -0.75, real(depth - 1));
            case 8:
            case 9:
                return where(condition(), x, real(depth - 1));
            case 10:
                return exp(-abs(x));
            case 11:
                return log1p(abs(x)) + log(1 + abs(x)) - log2(2 + abs(x));
            case 12:
                return sqrt(1 + abs(x)) * rsqrt(2 + abs(x));
            case 13:
                return sin(x) + cos(x);
            case 14:
                return sigmoid(x) - erf(x);
            case 15:
                return exp2(tanh(x)) + expm1(-abs(x));
            case 16:
                return fma(tanh(x), real(depth - 1), 0.5);
            case 17:
                return pow(1 + abs(tanh(x)), 1.5);
            case 18:
                return -abs(x);
            default:
                return tanh(x * 2);
        }
    }

    CapturedMemory& memory_;
    std::mt19937_64& random_;
    Expr s_, b_, h_, q_, k_;
    std::vector<Buffer> buffers_;
};

}  // namespace

ScoreMod random_score_mod(CapturedMemory& memory) {
    // A mod is traced once for scores of f32 and once for those of f64; from equal random numbers
    // both are the same function, but of memory of their own.
    const std::uint64_t seed = memory.random();
    return score_mod([&memory, seed](Expr s, Expr b, Expr h, Expr q, Expr k) {
        memory.random.seed(seed);
        return Grower(memory, s, b, h, q, k).score();
    });
}

}  // namespace flexion::test
