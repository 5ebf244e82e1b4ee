// SPDX-License-Identifier: Apache-2.0
// The gradients of the reference against finite differences of its forward pass, in f64: of pairs
// of score_mod and mask, and of every op that takes reals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <flexion/flexion.h>

#include "backend/reference/elements.h"
#include "cases/check.h"
#include "ir/builder.h"
#include "ir/text.h"
#include "seed.h"

namespace flexion::test {
namespace {

struct Mods {
    ScoreMod score_mod;
    BlockMask block_mask;
};

std::int64_t offset_of(const TensorView& view, std::int64_t i) {
    std::int64_t offset = 0;
    for (int d = view.rank - 1; d >= 0; --d) {
        offset += i % view.shape[d] * view.strides[d];
        i /= view.shape[d];
    }
    return offset;
}

/// loss = sum out * d_out + sum lse * d_lse, for random d_out and d_lse.
class Loss {
public:
    Loss(const AttentionCase& c, const Mods& mods, std::mt19937_64& random)
        : c_(c),
          mods_(mods),
          q_(DType::f64, {c.B, c.Hq, c.Sq, c.D}),
          k_(DType::f64, {c.kv_batch(), c.kv_heads(), c.kv_len(), c.D}),
          v_(DType::f64, {c.kv_batch(), c.kv_heads(), c.kv_len(), c.v_head_dim()}),
          out_(DType::f64, {c.B, c.Hq, c.Sq, c.v_head_dim()}),
          lse_(DType::f64, {c.B, c.Hq, c.Sq}),
          d_out_(DType::f64, {c.B, c.Hq, c.Sq, c.v_head_dim()}),
          d_lse_(DType::f64, {c.B, c.Hq, c.Sq}) {
        for (HostTensor* each : {&q_, &k_, &v_, &d_out_, &d_lse_}) each->fill_normal(random);
        if (!mods_.score_mod) return;
        // On a coarse grid, so that steps are exact in bf16 and f16 too.
        for (const TensorView& view : mods_.score_mod.captures(true).buffers) {
            if (!real(view) || view.dtype == DType::f64) continue;
            for (std::int64_t i = 0; i < view.numel(); ++i) {
                const double x = reference::read_element(view, offset_of(view, i));
                reference::write_element(view, offset_of(view, i),
                                         std::clamp(std::round(x * 8) / 8, -2.0, 2.0));
            }
        }
    }

    double value() const {
        attention(q_.view(), k_.view(), v_.view(), out_.view(),
                  {.score_mod = mods_.score_mod,
                   .block_mask = mods_.block_mask,
                   .lse = lse_.view(),
                   .threads = 1,
                   .backend = "reference"});
        double sum = 0;
        for (std::int64_t i = 0; i < out_.view().numel(); ++i) sum += out_.get(i) * d_out_.get(i);
        for (std::int64_t i = 0; i < lse_.view().numel(); ++i) {
            if (std::isfinite(lse_.get(i))) sum += lse_.get(i) * d_lse_.get(i);
        }
        return sum;
    }

    /// Compares `samples` elements of the gradient of each input and captured buffer.
    void check(int samples, std::mt19937_64& random) {
        value();
        std::vector<std::string> names = {"q", "k", "v"};
        std::vector<TensorView> inputs = {q_.view(), k_.view(), v_.view()};
        BackwardOptions options{.score_mod = mods_.score_mod,
                                .block_mask = mods_.block_mask,
                                .d_lse = d_lse_.view(),
                                .threads = 1,
                                .backend = "reference"};
        std::vector<HostTensor> gradients;
        for (const TensorView& view : inputs) gradients.push_back(like(view));
        if (mods_.score_mod) {
            for (const TensorView& view : mods_.score_mod.captures(true).buffers) {
                options.d_buffers.emplace_back();
                if (!real(view)) continue;
                names.push_back("buffer " + std::to_string(options.d_buffers.size() - 1));
                inputs.push_back(view);
                gradients.push_back(like(view));
                options.d_buffers.back() = gradients.back().view();
            }
        }
        attention_backward(q_.view(), k_.view(), v_.view(), out_.view(), lse_.view(), d_out_.view(),
                           gradients[0].view(), gradients[1].view(), gradients[2].view(), options);
        for (std::size_t n = 0; n < inputs.size(); ++n) {
            for (int i = 0; i < samples; ++i) {
                const std::int64_t at = between(random, 0, inputs[n].numel() - 1);
                compare(names[n] + "[" + std::to_string(at) + "]", inputs[n], at,
                        gradients[n].get(at));
            }
        }
    }
    int compared() const { return compared_; }
    int weak() const { return weak_; }

private:
    static bool real(const TensorView& view) {
        return view.dtype <= DType::f16 && view.numel() > 0;
    }
    /// The gradient of a buffer is f32 where the buffer is not f64.
    static HostTensor like(const TensorView& view) {
        return HostTensor(view.dtype == DType::f64 ? DType::f64 : DType::f32,
                          {view.shape.begin(), view.shape.begin() + view.rank});
    }

    void compare(const std::string& name, const TensorView& input, std::int64_t at, double got) {
        const std::int64_t offset = offset_of(input, at);
        const double x = reference::read_element(input, offset);
        // Central differences at h, 2 h and 4 h give the derivative to fourth order twice. Where
        // the two differ, an edge or a jump lies between, and neither means anything.
        const double h = input.dtype == DType::f64 ? 0x1p-9 : 0x1p-6;
        const double middle = value();
        double central[3], bend[3];
        for (int i = 0; i < 3; ++i) {
            const double step = h * (1 << i);
            reference::write_element(input, offset, x + step);
            const double up = value();
            reference::write_element(input, offset, x - step);
            const double down = value();
            central[i] = (up - down) / (2 * step);
            bend[i] = (up - 2 * middle + down) / step;
        }
        reference::write_element(input, offset, x);
        const double fine = (4 * central[0] - central[1]) / 3;
        const double coarse = (4 * central[1] - central[2]) / 3;
        const double uncertain =
            std::max(2 * std::fabs(fine - coarse), std::fabs(2 * bend[0] - bend[1]));
        // Gradients of buffers may have been rounded to f32.
        const double scale = 1 + std::fabs(got);
        ++compared_;
        if (uncertain > 1e-5 * scale) {
            ++weak_;
        } else {
            EXPECT_NEAR(got, fine, 2e-7 * scale + uncertain) << name;
        }
    }

    AttentionCase c_;
    Mods mods_;
    HostTensor q_, k_, v_, out_, lse_, d_out_, d_lse_;
    int compared_ = 0, weak_ = 0;
};

TEST(FiniteDifferences, AgreeForPairsOfScoreModAndMask) {
    std::mt19937_64 random = generator(11);
    int pairs = 0, compared = 0, weak = 0;
    for (const std::string& score : score_mod_names()) {
        // NaN and infinities have no differences, and the lowest float swallows its lse.
        if (score == "rows_nan" || score == "rows_plus_inf" || score == "causal_lowest") continue;
        for (const char* mask : {"none", "causal", "batch_and_head", "listed_blocks"}) {
            if (score == "masked_log" && mask != std::string("causal")) continue;
            SCOPED_TRACE(score + " with " + mask);
            AttentionCase c{.B = 2, .Hq = 4, .Hkv = 2, .Sq = 7, .Skv = 9, .D = 3, .Dv = 2};
            c.broadcast_kv = pairs % 3 == 0;
            c.block = {4, 4};
            CapturedMemory memory(c, random);
            Loss loss(c, {make_score_mod(score, memory), make_block_mask(mask, memory)}, random);
            loss.check(long_run() ? 20 : 6, random);
            ++pairs;
            compared += loss.compared();
            weak += loss.weak();
        }
    }
    EXPECT_GE(pairs, 60);
    EXPECT_LT(weak, compared / 5) << "steps are too coarse to tell";
}

TEST(FiniteDifferences, AgreeForEveryOp) {
    std::mt19937_64 random = generator(12);
    int ops = 0, compared = 0, weak = 0;
    for (int number = ir::kFirstTableOp; number < ir::op_count(); ++number) {
        const auto op = static_cast<ir::Op>(number);
        const ir::OpInfo& row = ir::info(op);
        if (!ir::accepts(row.signature, ir::Type::f64)) continue;
        const AttentionCase c{.B = 1, .Hq = 2, .Hkv = 1, .Sq = 4, .Skv = 5, .D = 3, .Dv = 2};
        for (int place = 0; place < row.arity; ++place) {
            SCOPED_TRACE(std::string(row.name) + ", score as operand " + std::to_string(place));
            // op of 1.5 + score / 8 and of a buffer in (1, 2), within every domain, times a second
            // buffer, plus the score.
            ir::Function f = ir::make_function(ir::Role::score_mod, ir::Type::f64);
            ir::Builder b(f);
            const int x = b.add_buffer(DType::f64, 1), y = b.add_buffer(DType::f64, 1);
            const ir::Value at_q[] = {f.q()}, at_k[] = {f.k()};
            const ir::Value eighth = b.constant_float(0.125, ir::Type::f64);
            const ir::Value shift = b.constant_float(1.5, ir::Type::f64);
            const auto into_domain = [&](ir::Value v) {
                return b.emit(ir::Op::fma, {v, eighth, shift});
            };
            const ir::Value score = into_domain(0);
            const ir::Value other = into_domain(b.load(x, at_q));
            const ir::Value third = into_domain(b.load(y, at_k));
            std::vector<ir::Value> args;
            for (int i = 0; i < row.arity; ++i) {
                args.push_back(i == place ? score : i == (place + 1) % 3 ? other : third);
            }
            if (row.signature == ir::Signature::select) {
                args[0] = b.emit(ir::Op::gt, {f.q(), f.k()});
            }
            ir::Value result = b.cast(b.emit(op, args, ir::Type::f64), ir::Type::f64);
            result = b.emit(ir::Op::mul, {result, b.load(y, at_k)});
            f.results.push_back({b.emit(ir::Op::add, {result, 0}), -1, {}});

            CapturedMemory memory(c, random);
            const Captures captures{{memory.normal(DType::f64, {c.Sq}).view(),
                                     memory.normal(DType::f64, {c.kv_len()}).view()},
                                    {}};
            Loss loss(c, {ScoreMod::from_text(ir::print(f), captures), {}}, random);
            loss.check(4, random);
            compared += loss.compared();
            weak += loss.weak();
        }
        ++ops;
    }
    EXPECT_GT(ops, 35);
    EXPECT_LT(weak, compared / 20) << "steps are too coarse to tell";
}

}  // namespace
}  // namespace flexion::test
