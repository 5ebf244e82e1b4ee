// SPDX-License-Identifier: Apache-2.0
// MaskIntervals against the interpreter, element by element.
#include <flexion/expr.h>
#include <flexion/masks.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "ir/interpret.h"
#include "ir/random_function.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "passes/special_values.h"
#include "seed.h"

namespace flexion::passes {
namespace {

using test::between;

/// Random rectangles of the listed masks and of the random ones: 200,000 in the long run.
int rectangles() { return test::scaled(20000); }

/// 0: none, 1: all, 2: some elements of the box are true.
class BruteForce {
public:
    BruteForce(const ir::Function& f, const Captures& captures)
        : interpreter_(f, captures, ir::Precision::typed) {}
    int operator()(const Box& box) {
        q_.clear();
        k_.clear();
        for (std::int64_t q = box.q0; q <= box.q1; ++q) {
            for (std::int64_t k = box.k0; k <= box.k1; ++k) {
                q_.push_back(static_cast<std::int32_t>(q));
                k_.push_back(static_cast<std::int32_t>(k));
            }
        }
        ir::Positions positions{
            .count = static_cast<std::int64_t>(q_.size()), .q = q_.data(), .k = k_.data()};
        std::int64_t seen = 0, all = 0;
        for (std::int32_t b = box.b0; b <= box.b1; ++b) {
            for (std::int32_t h = box.h0; h <= box.h1; ++h) {
                positions.b_all = b;
                positions.h_all = h;
                const auto& column = interpreter_.run(positions)[0].integer;
                seen += std::accumulate(column.begin(), column.end(), std::int64_t{0});
                all += positions.count;
            }
        }
        return seen == 0 ? 0 : seen == all ? 1 : 2;
    }

private:
    ir::Interpreter interpreter_;
    std::vector<std::int32_t> q_, k_;
};

testing::AssertionResult sound(Verdict verdict, int truth, const Box& box) {
    const bool ok =
        verdict == Verdict::undecided || (verdict == Verdict::all_false && truth == 0) ||
        (verdict == Verdict::all_true && truth == 1) || (verdict == Verdict::mixed && truth == 2);
    if (ok) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "verdict " << static_cast<int>(verdict) << ", elements say " << truth << " on b "
           << box.b0 << ".." << box.b1 << " h " << box.h0 << ".." << box.h1 << " q " << box.q0
           << ".." << box.q1 << " k " << box.k0 << ".." << box.k1;
}

Box random_box(test::Random& random, std::int32_t size, std::int32_t side) {
    Box box;
    const auto range = [&](std::int32_t& lo, std::int32_t& hi) {
        lo = static_cast<std::int32_t>(between(random, 0, size - 1));
        hi = static_cast<std::int32_t>(
            std::min<std::int64_t>(size - 1, lo + between(random, 0, side)));
    };
    range(box.q0, box.q1);
    range(box.k0, box.k1);
    return box;
}

/// Documents of uneven length, numbered in order; and where the document of each token begins.
struct Documents {
    std::vector<std::int32_t> number, start;
    Documents(test::Random& random, std::int64_t tokens, std::int64_t longest) {
        for (std::int32_t d = 0; static_cast<std::int64_t>(number.size()) < tokens; ++d) {
            const std::int64_t length = between(random, 1, longest);
            const auto first = static_cast<std::int32_t>(number.size());
            number.insert(number.end(), length, d);
            start.insert(start.end(), length, first);
        }
        number.resize(tokens);
        start.resize(tokens);
    }
};

Buffer captured(const std::vector<std::int32_t>& data) {
    return buffer(
        TensorView::dense(data.data(), DType::i32, {static_cast<std::int64_t>(data.size())}));
}

/// Every verdict is right, and where `exact` nothing uniform stays undecided.
void check(const MaskMod& mask, std::int32_t tokens, std::int32_t side, int count, bool exact) {
    auto random = test::generator(tokens + side);
    const MaskIntervals intervals(mask.function(), mask.captures());
    BruteForce truth(mask.function(), mask.captures());
    for (int i = 0; i < count; ++i) {
        const Box box = random_box(random, tokens, side);
        const Verdict verdict = intervals.classify(box);
        const int expected = truth(box);
        ASSERT_TRUE(sound(verdict, expected, box)) << ir::print(mask.function());
        if (exact) {
            ASSERT_FALSE(verdict == Verdict::undecided && expected != 2)
                << "undecided but uniform: q " << box.q0 << ".." << box.q1 << " k " << box.k0
                << ".." << box.k1;
        }
        // Without corners nothing becomes mixed and nothing else changes.
        const Verdict cheap = intervals.classify(box, false);
        ASSERT_EQ(cheap, verdict == Verdict::mixed ? Verdict::undecided : verdict);
    }
}

struct NamedMask {
    const char* name;
    bool exact;
    std::function<MaskMod(const Documents&)> make;
};

const std::vector<NamedMask>& masks() {
    static const std::vector<NamedMask> all = {
        {"causal", true, [](const Documents&) { return masks::causal(); }},
        {"not_causal", true, [](const Documents&) { return ~masks::causal(); }},
        {"window", true, [](const Documents&) { return masks::sliding_window(40); }},
        {"window_minus_1", true, [](const Documents&) { return masks::sliding_window(-1); }},
        {"window_2_30", true, [](const Documents&) { return masks::sliding_window(1 << 30); }},
        {"prefix", true, [](const Documents&) { return masks::prefix(100); }},
        {"prefix_minus_1", true, [](const Documents&) { return masks::prefix(-1); }},
        {"prefix_2_30", true, [](const Documents&) { return masks::prefix(1 << 30); }},
        {"document", true, [](const Documents& d) { return masks::document(captured(d.number)); }},
        {"causal_document", true,
         [](const Documents& d) { return masks::causal() & masks::document(captured(d.number)); }},
        {"document_start", true,
         [](const Documents& d) {
             const Buffer start = captured(d.start);
             return mask_mod(
                 [=](Expr, Expr, Expr q, Expr k) { return (k >= start[q]) & (q >= k); });
         }},
        {"window_or_prefix", false,
         [](const Documents&) { return masks::sliding_window(17) | masks::prefix(5); }},
        {"band_by_abs", true,
         [](const Documents&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) { return abs(q - k) <= 30; });
         }},
        {"two_bands", true,
         [](const Documents&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) {
                 return ((q - k >= 3) & (q - k < 50)) | ((k - q > 9) & (k - q <= 60)) | (q == k);
             });
         }},
        {"blocks", true,
         [](const Documents&) {
             return mask_mod(
                 [](Expr, Expr, Expr q, Expr k) { return floordiv(q, 64) == floordiv(k, 64); });
         }},
        {"blocks_of_100", true,
         [](const Documents&) {
             const Scalar n = scalar(100);
             return mask_mod(
                 [n](Expr, Expr, Expr q, Expr k) { return floordiv(q, n) - floordiv(k, n) <= 1; });
         }},
        {"dilated", false,
         [](const Documents&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) {
                 return ((q - k) % 4 == 0) & (q - k < 200) & (q >= k);
             });
         }},
        {"through_floats", false,
         [](const Documents&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) {
                 return to_float(q - k) * 0.5 + 3 >= exp(to_float(k) * 0.01) / sqrt(to_float(q));
             });
         }},
        {"shifted", true,
         [](const Documents&) {
             const Scalar o = scalar(77);
             return mask_mod([o](Expr, Expr, Expr q, Expr k) { return q + o >= k; });
         }},
        {"document_or_stripes", false,
         [](const Documents& d) {
             const Buffer document = captured(d.number);
             return mask_mod([=](Expr, Expr, Expr q, Expr k) {
                 return where(q % 7 == 0, document[q] == document[k], k < document[k] + 9);
             });
         }},
        {"out_of_range_gather", false,  // q - 50 counts from both ends at once

         [](const Documents& d) {
             const Buffer document = captured(d.number);
             return mask_mod([=](Expr, Expr, Expr q, Expr k) {
                 return document[q - 50] == document[k + 2000];
             });
         }},
    };
    return all;
}

class ListedMasks : public testing::TestWithParam<int> {};

TEST_P(ListedMasks, SoundAndExact) {
    const NamedMask& mask = masks()[GetParam()];
    auto random = test::generator(GetParam());
    const Documents documents(random, 2000, 150);
    const MaskMod mod = mask.make(documents);
    const int count = rectangles() / static_cast<int>(masks().size());
    check(mod, 2000, 20, count / 2, mask.exact);
    check(mod, 2000, 70, count / 4, mask.exact);
    check(mod, 300, 150, count / 20, mask.exact);
}

/// The same mods far out, where a wrong width or an index that is clamped would show.
TEST_P(ListedMasks, SoundAtAHundredThousandTokensAndAtTheEnd) {
    const NamedMask& mask = masks()[GetParam()];
    auto random = test::generator(GetParam());
    const Documents documents(random, 100000, 3000);
    const MaskMod mod = mask.make(documents);
    check(mod, 100000, 30, rectangles() / 200, mask.exact);
    const MaskIntervals intervals(mod.function(), mod.captures());
    BruteForce truth(mod.function(), mod.captures());
    for (int i = 0; i < 300; ++i) {
        Box box = random_box(random, 2000, 12);
        const std::int32_t ends[] = {0, INT32_MAX - 2000, (1 << 30) - 1000, 46341};
        const std::int32_t dq = ends[between(random, 0, 3)], dk = ends[between(random, 0, 3)];
        box = {0, 0, 0, 0, box.q0 + dq, box.q1 + dq, box.k0 + dk, box.k1 + dk};
        ASSERT_TRUE(sound(intervals.classify(box), truth(box), box));
    }
    const Box last = {0, 0, 0, 0, INT32_MAX - 3, INT32_MAX, INT32_MAX - 3, INT32_MAX};
    EXPECT_TRUE(sound(intervals.classify(last), truth(last), last));
    const Box below = {0, 0, 0, 0, -3, 3, -3, 3};
    EXPECT_TRUE(sound(intervals.classify(below), truth(below), below));
}

INSTANTIATE_TEST_SUITE_P(Intervals, ListedMasks,
                         testing::Range(0, static_cast<int>(masks().size())),
                         [](const auto& instance) { return masks()[instance.param].name; });

TEST(MaskIntervals, RandomMasksAreSound) {
    auto random = test::generator(77);
    const int functions = rectangles() / 50;
    int decided = 0;
    for (int i = 0; i < functions; ++i) {
        test::RandomOptions options;
        options.role = ir::Role::mask_mod;
        options.instructions = static_cast<int>(between(random, 3, 30));
        options.ordinary = test::chance(random, 60);
        const test::RandomCase mask = test::random_function(random, options);
        const MaskIntervals intervals(mask.function, mask.captures);
        BruteForce truth(mask.function, mask.captures);
        for (int r = 0; r < 50; ++r) {
            Box box = random_box(random, test::chance(random, 50) ? 12 : 300, 7);
            if (test::chance(random, 10)) box.k0 = INT32_MAX - 9, box.k1 = INT32_MAX - 5;
            box.b1 = test::chance(random, 20);
            box.h0 = static_cast<std::int32_t>(between(random, 0, 3));
            box.h1 = box.h0 + test::chance(random, 20);
            const Verdict verdict = intervals.classify(box);
            ASSERT_TRUE(sound(verdict, truth(box), box)) << ir::print(mask.function);
            decided += verdict == Verdict::all_false || verdict == Verdict::all_true;
        }
    }
    EXPECT_GT(decided, functions);
}

/// Masks as users write them, at random: comparisons of index arithmetic and gathers under bools.
class MaskWriter {
public:
    MaskWriter(test::Random& random, const std::vector<std::int32_t>& numbers)
        : random_(random), document_(captured(numbers)) {}

    MaskMod write() {
        return mask_mod([this](Expr, Expr h, Expr q, Expr k) {
            h_ = h, q_ = q, k_ = k;
            return truth(3);
        });
    }

private:
    Expr truth(int depth) {
        switch (depth == 0 ? 0 : between(random_, 0, 6)) {
            case 1:
            case 2:
                return truth(depth - 1) & truth(depth - 1);
            case 3:
                return truth(depth - 1) | truth(depth - 1);
            case 4:
                return ~truth(depth - 1);
            case 5:
                return truth(depth - 1) ^ truth(depth - 1);
            case 6:
                return where(truth(depth - 1), truth(depth - 1), truth(depth - 1));
            default:
                break;
        }
        const Expr x = number(2), y = number(2);
        switch (between(random_, 0, 5)) {
            case 0:
                return x == y;
            case 1:
                return x != y;
            case 2:
                return x < y;
            case 3:
                return x <= y;
            case 4:
                return to_float(x) * 0.75 > to_float(y) - 1.5;
            default:
                return x >= y;
        }
    }
    Expr number(int depth) {
        const auto small = [this] { return Expr(between(random_, -9, 40)); };
        switch (between(random_, 0, depth == 0 ? 5 : 14)) {
            case 0:
            case 1:
                return q_;
            case 2:
            case 3:
                return k_;
            case 4:
                return q_ - k_;
            case 5:
                return q_ * 0 + small();
            case 6:
                return document_[number(depth - 1)];
            case 7:
                return number(depth - 1) + small();
            case 8:
                return number(depth - 1) - number(depth - 1);
            case 9:
                return floordiv(number(depth - 1), small());
            case 10:
                return number(depth - 1) % small();
            case 11:
                return abs(number(depth - 1));
            case 12:
                return min(number(depth - 1), number(depth - 1));
            case 13:
                return max(number(depth - 1), to_i64(h_) * 16);
            default:
                return number(depth - 1) * small();
        }
    }

    test::Random& random_;
    Buffer document_;
    Expr h_ = 0, q_ = 0, k_ = 0;
};

TEST(MaskIntervals, WrittenMasksAreSound) {
    auto random = test::generator(78);
    const Documents documents(random, 300, 40);
    const int functions = rectangles() / 50;
    int decided = 0, mixed = 0, uniform = 0;
    for (int i = 0; i < functions; ++i) {
        const MaskMod mask = MaskWriter(random, documents.number).write();
        const MaskIntervals intervals(mask.function(), mask.captures());
        BruteForce truth(mask.function(), mask.captures());
        for (int r = 0; r < 50; ++r) {
            Box box = random_box(random, 300, static_cast<std::int32_t>(between(random, 0, 15)));
            box.h0 = static_cast<std::int32_t>(between(random, 0, 3));
            box.h1 = box.h0 + test::chance(random, 10);
            const Verdict verdict = intervals.classify(box);
            const int expected = truth(box);
            ASSERT_TRUE(sound(verdict, expected, box)) << ir::print(mask.function());
            decided += verdict == Verdict::all_false || verdict == Verdict::all_true;
            mixed += verdict == Verdict::mixed;
            uniform += expected != 2;
        }
    }
    std::printf("of %d uniform rectangles %d proved, of %d others %d\n", uniform, decided,
                functions * 50 - uniform, mixed);
    EXPECT_GT(decided, uniform / 2);
    EXPECT_GT(mixed, 0);
}

/// Dense masks, per-batch document numbers: two tabled axes, one axis with outer indices.
TEST(MaskIntervals, CapturedMatrices) {
    auto random = test::generator(5);
    constexpr std::int64_t kTokens = 256;
    std::vector<std::uint8_t> dense(2 * kTokens * kTokens);
    for (std::int64_t b = 0; b < 2; ++b) {
        for (std::int64_t q = 0; q < kTokens; ++q) {
            for (std::int64_t k = 0; k < kTokens; ++k)
                dense[(b * kTokens + q) * kTokens + k] = q / 64 == k / 64 || (b && k < 30);
        }
    }
    const Buffer bits =
        buffer(TensorView::dense(dense.data(), DType::boolean, {2, kTokens, kTokens}));
    std::vector<std::int64_t> numbers(2 * kTokens);
    for (std::int64_t i = 0; i < 2 * kTokens; ++i) numbers[i] = i % kTokens / (20 + i / kTokens);
    const Buffer document = buffer(TensorView::dense(numbers.data(), DType::i64, {2, kTokens}));
    const MaskMod masks[] = {
        mask_mod([&](Expr b, Expr, Expr q, Expr k) { return bits(b, q, k); }),
        mask_mod([&](Expr b, Expr, Expr q, Expr k) { return document(b, q) == document(b, k); })};
    for (const MaskMod& mask : masks) {
        const MaskIntervals intervals(mask.function(), mask.captures());
        BruteForce truth(mask.function(), mask.captures());
        for (int i = 0; i < 500; ++i) {
            Box box = random_box(random, kTokens, 80);
            box.b0 = static_cast<std::int32_t>(between(random, 0, 1));
            box.b1 = static_cast<std::int32_t>(between(random, box.b0, 1));
            const Verdict verdict = intervals.classify(box);
            const int expected = truth(box);
            ASSERT_TRUE(sound(verdict, expected, box));
            ASSERT_FALSE(box.b0 == box.b1 && verdict == Verdict::undecided && expected != 2);
        }
    }
}

TEST(MaskIntervals, VeryLongMasksStayUndecided) {
    const MaskMod mask = mask_mod([](Expr, Expr, Expr q, Expr k) {
        Expr x = q * q;
        for (int i = 0; i < 20000; ++i) x = x * x + k;
        return x >= 0;
    });
    const MaskIntervals intervals(mask.function(), mask.captures());
    EXPECT_EQ(intervals.classify({0, 0, 0, 0, 0, 5, 0, 5}), Verdict::undecided);
}

TEST(MaskIntervals, ContentsAreOfTheMomentOfConstruction) {
    std::vector<std::int32_t> numbers(4096, 1);
    const MaskMod mask = masks::document(captured(numbers));
    const Box all = {0, 0, 0, 0, 0, 4095, 0, 4095};
    EXPECT_EQ(MaskIntervals(mask.function(), mask.captures()).classify(all), Verdict::all_true);
    std::fill(numbers.begin() + 2048, numbers.end(), 2);
    const MaskIntervals changed(mask.function(), mask.captures());
    EXPECT_EQ(changed.classify(all), Verdict::mixed);
    EXPECT_EQ(changed.classify({0, 0, 0, 0, 0, 2047, 2048, 4095}), Verdict::all_false);
}

TEST(ScoreRange, ByConstantsAndOpsAlone) {
    const float data[4] = {};
    const Buffer table = buffer(TensorView::dense(data, DType::f32, {4}));
    const auto range = [](auto mod) { return score_range(score_mod(mod).function()); };
    using E = Expr;
    ScoreRange r = range([](E s, E, E, E, E) { return 30.0 * tanh(s / 30.0); });
    EXPECT_FALSE(r.may_be_minus_inf);
    EXPECT_FALSE(r.may_be_nan);
    r = range([](E s, E, E, E q, E k) { return where(q >= k, s, -INFINITY); });
    EXPECT_TRUE(r.may_be_minus_inf);
    EXPECT_FALSE(r.may_be_nan);
    r = range([](E s, E, E, E, E) { return sqrt(s); });
    EXPECT_FALSE(r.may_be_minus_inf);
    EXPECT_TRUE(r.may_be_nan);
    r = range([&](E s, E, E h, E, E) { return s + table[h]; });
    EXPECT_TRUE(r.may_be_minus_inf);
    EXPECT_TRUE(r.may_be_nan);
}

}  // namespace
}  // namespace flexion::passes
