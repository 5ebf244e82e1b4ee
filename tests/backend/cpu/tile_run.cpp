// SPDX-License-Identifier: Apache-2.0
// Runs compiled passes tile by tile, beside the interpreter in double.
#include "backend/cpu/tile_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/codegen/emit.h"
#include "backend/cpu/jit/kernel.h"
#include "backend/cpu/jit/llvm.h"
#include "ir/interpret.h"
#include "support/dtype.h"

namespace flexion::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// 64-byte aligned memory with guards on both sides that must keep their bytes.
class Guarded {
public:
    explicit Guarded(std::size_t size)
        : size_(size), bytes_(new(std::align_val_t{64}) unsigned char[size + 2 * kGuard]) {
        std::memset(bytes_, 0xA5, size + 2 * kGuard);
    }
    ~Guarded() { ::operator delete[](bytes_, std::align_val_t{64}); }
    Guarded(const Guarded&) = delete;
    void* data() const { return bytes_ + kGuard; }
    template <class T>
    T* as() const {
        return static_cast<T*>(data());
    }
    bool intact() const {
        for (std::size_t i = 0; i < kGuard; ++i)
            if (bytes_[i] != 0xA5 || bytes_[kGuard + size_ + i] != 0xA5) return false;
        return true;
    }

private:
    static constexpr std::size_t kGuard = 256;
    std::size_t size_;
    unsigned char* bytes_;
};

template <class Real>
TileResult run_as(const TileRun& run, const plan::Mods& mods, double (*score_of)(int, int)) {
    const auto kernel = compiled(run.problem, mods, run.isa);
    const bool stream = run.problem.few_queries;
    const int width = cpu::lanes_per_panel(run.isa) / (sizeof(Real) == 8 ? 2 : 1);
    const bool pairs =
        !stream && run.problem.dtype == DType::bf16 && run.isa == cpu::Isa::avx512_bf16;
    std::vector<cpu::Word> words(cpu::capture_words(mods));
    cpu::pack_captures(mods, kernel->vector_functions, words.data());
    const int states = stream ? 1 : width;
    std::vector<Real> m(states, -kInfinity), l(states, 0), alpha(states, 0);
    TileResult result;
    result.p.resize(run.lanes);
    for (const auto& [first, rows] : run.tiles) {
        const int padded = (rows + width - 1) / width * width;
        const double factor = stream || pairs ? 1 : run.scale;  // of queries packed beforehand
        Guarded s(sizeof(Real) * (stream ? padded : rows * width));
        Guarded p(sizeof(std::uint32_t) * ((rows + 1) / 2) * width);
        for (int r = 0; r < rows; ++r) {
            for (int lane = 0; lane < (stream ? 1 : width); ++lane) {
                // Lanes past the last query hold what they hold: here, NaN.
                s.as<Real>()[stream ? r : r * width + lane] =
                    static_cast<Real>(lane < run.lanes ? factor * score_of(run.q0 + lane, first + r)
                                                       : std::numeric_limits<double>::quiet_NaN());
            }
        }
        for (int r = rows; stream && r < padded; ++r) s.as<Real>()[r] = std::nanf("");
        cpu::TileArgs args{};
        args.scale = static_cast<float>(run.scale);
        args.scale64 = run.scale;
        args.b = run.b;
        args.h = run.h;
        args.q0 = run.q0;
        args.k0 = first;
        args.rows = rows;
        args.lanes = run.lanes;
        kernel->tile(s.data(), pairs ? p.data() : s.data(), m.data(), l.data(), alpha.data(), &args,
                     words.data());
        EXPECT_TRUE(s.intact() && p.intact());
        for (int lane = 0; lane < run.lanes; ++lane) {
            for (int r = 0; r < rows; ++r) {
                double value;
                if (pairs) {
                    const std::uint32_t word = p.as<std::uint32_t>()[r / 2 * width + lane];
                    value = bf16_to_float(static_cast<std::uint16_t>(r % 2 ? word >> 16 : word));
                    if (r == rows - 1 && r % 2 == 0) {
                        EXPECT_EQ(word >> 16, 0u);
                    }
                } else {
                    value = s.as<Real>()[stream ? r : r * width + lane];
                }
                result.p[lane].push_back(value);
            }
        }
        for (int r = rows; stream && r < padded; ++r) EXPECT_EQ(s.as<Real>()[r], 0) << r;
    }
    for (int lane = 0; lane < run.lanes; ++lane) {
        result.m.push_back(m[lane]);
        result.l.push_back(l[lane]);
        result.alpha.push_back(alpha[lane]);
    }
    return result;
}

}  // namespace

std::unique_ptr<cpu::TileKernel> compiled(const plan::Problem& problem, const plan::Mods& mods,
                                          cpu::Isa isa) {
    const backend::Source source = cpu::emit(problem, mods, isa);
    return cpu::load_kernel(source, cpu::compile_object(source), isa);
}

plan::Mods OwnedMods::mods(bool f64) const {
    plan::Mods mods;
    if (score) {
        mods.score = &score.function(f64);
        mods.score_captures = &score.captures(f64);
    }
    if (mask) {
        mods.mask = &mask.function();
        mods.mask_captures = &mask.captures();
    }
    return mods;
}

TileResult run_compiled(const TileRun& run, const plan::Mods& mods, double (*score_of)(int, int)) {
    return run.problem.dtype == DType::f64 ? run_as<double>(run, mods, score_of)
                                           : run_as<float>(run, mods, score_of);
}

TileResult run_expected(const TileRun& run, const plan::Mods& mods, double (*score_of)(int, int)) {
    TileResult result;
    result.p.resize(run.lanes);
    for (int lane = 0; lane < run.lanes; ++lane) {
        double m = -kInfinity, l = 0, alpha = 0;
        for (const auto& [first, rows] : run.tiles) {
            std::vector<double> x(rows);
            std::vector<std::int32_t> keys(rows);
            for (int r = 0; r < rows; ++r) {
                x[r] = score_of(run.q0 + lane, first + r) * run.scale;
                keys[r] = first + r;
            }
            ir::Positions at{.count = rows,
                             .k = keys.data(),
                             .b_all = run.b,
                             .h_all = run.h,
                             .q_all = run.q0 + lane};
            if (mods.score) {
                at.score = x.data();
                ir::Interpreter score(*mods.score, *mods.score_captures, ir::Precision::oracle);
                x = score.run(at)[0].real;
            }
            if (run.problem.masked) {
                at.score = nullptr;
                ir::Interpreter mask(*mods.mask, *mods.mask_captures, ir::Precision::typed);
                const ir::Column& keep = mask.run(at)[0];
                for (int r = 0; r < rows; ++r)
                    if (keep.integer[r] == 0) x[r] = -kInfinity;
            }
            double after = m;
            for (const double value : x) after = value > after ? value : after;
            const double base = after == -kInfinity ? 0 : after;
            alpha = std::exp(m - base);
            l *= alpha;
            m = after;
            for (const double value : x) {
                result.p[lane].push_back(std::exp(value - base));
                l += result.p[lane].back();
            }
        }
        result.m.push_back(m);
        result.l.push_back(l);
        result.alpha.push_back(alpha);
    }
    return result;
}

double plain_score(int query, int key) {
    const unsigned mixed = (static_cast<unsigned>(query) * 2654435761u) ^
                           (static_cast<unsigned>(key) * 2246822519u + 977u);
    return static_cast<double>(static_cast<int>(mixed >> 13 & 127) - 64) / 4;
}

}  // namespace flexion::test
