// SPDX-License-Identifier: Apache-2.0
// Random functions with their captures, and random positions: for parse/print identity, for
// interpreter = compiled code, for fuzzing.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "ir/builder.h"
#include "ir/interpret.h"
#include "ir/op.h"
#include "ir/text.h"
#include "seed.h"

namespace flexion::test {

using Random = std::mt19937_64;

inline bool chance(Random& random, int percent) { return between(random, 0, 99) < percent; }

template <class T>
const T& pick(Random& random, const std::vector<T>& from) {
    return from[between(random, 0, static_cast<std::int64_t>(from.size()) - 1)];
}

/// Values at which functions change their ways. T: float, double, int32_t, int64_t.
template <class T>
const std::vector<T>& special_values() {
    if constexpr (std::is_floating_point_v<T>) {
        using L = std::numeric_limits<T>;
        static const std::vector<T> values{T(0),
                                           -T(0),
                                           T(1),
                                           T(-1),
                                           T(0.5),
                                           T(-0.5),
                                           T(1.5),
                                           T(2.5),
                                           T(-2.5),
                                           T(2),
                                           T(-3),
                                           T(1e-3),
                                           T(100),
                                           T(-100),
                                           T(88.7),
                                           T(-87.5),
                                           T(0x1p31),
                                           T(-0x1p31),
                                           T(0x1p32),
                                           T(0x1p63),
                                           T(-0x1p63),
                                           T(0x1p23),
                                           T(0x1p24),
                                           T(0x1.fffffep30),
                                           L::infinity(),
                                           -L::infinity(),
                                           L::quiet_NaN(),
                                           L::denorm_min(),
                                           -L::denorm_min(),
                                           L::min(),
                                           L::max(),
                                           L::lowest(),
                                           L::epsilon()};
        return values;
    } else {
        using L = std::numeric_limits<T>;
        static const std::vector<T> values{0,
                                           1,
                                           -1,
                                           2,
                                           -2,
                                           3,
                                           7,
                                           31,
                                           32,
                                           33,
                                           63,
                                           64,
                                           65,
                                           -7,
                                           46341,
                                           1 << 24,
                                           (1 << 24) + 1,
                                           L::max(),
                                           L::min(),
                                           L::max() - 1,
                                           L::min() + 1};
        return values;
    }
}

/// A third special, a third of moderate size, a third of any bits; `ordinary`: finite and moderate.
template <class T>
T random_value(Random& random, bool ordinary = false) {
    if constexpr (std::is_same_v<T, bool>) {
        return chance(random, 50);
    } else {
        const int kind = ordinary ? 1 : static_cast<int>(between(random, 0, 2));
        if (kind == 0) return pick(random, special_values<T>());
        if constexpr (std::is_floating_point_v<T>) {
            if (kind == 1) return static_cast<T>(std::normal_distribution<double>(0, 4)(random));
            using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
            return std::bit_cast<T>(static_cast<Bits>(random()));
        } else {
            if (kind == 1) return static_cast<T>(between(random, -20, 20));
            return static_cast<T>(random());
        }
    }
}

inline std::uint64_t random_bits(Random& random, ir::Type type, bool ordinary = false) {
    switch (type) {
        case ir::Type::f32:
            return std::bit_cast<std::uint32_t>(random_value<float>(random, ordinary));
        case ir::Type::f64:
            return std::bit_cast<std::uint64_t>(random_value<double>(random, ordinary));
        case ir::Type::i32:
            return static_cast<std::uint32_t>(random_value<std::int32_t>(random, ordinary));
        case ir::Type::i64:
            return static_cast<std::uint64_t>(random_value<std::int64_t>(random, ordinary));
        case ir::Type::boolean:
            return chance(random, 50) ? 1 : 0;
    }
    return 0;
}

struct RandomOptions {
    ir::Role role = ir::Role::score_mod;
    ir::Type score_type = ir::Type::f32;
    int instructions = 30;
    int buffers = 4;
    int scalars = 2;
    bool f64 = true;         ///< values and buffers of f64
    double max_ulp = 1e9;    ///< ops with a larger ulp_f32 are left out; 0: only exact ones remain
    bool ordinary = false;   ///< constants and contents finite and moderate
    bool gradients = false;  ///< some results that scatter to float buffers
};

/// A verified function, and memory that its captures point into. Movable, not copyable.
struct RandomCase {
    ir::Function function;
    Captures captures;
    std::vector<std::unique_ptr<std::byte[]>> memory;
};

/// A buffer of any shape with up to 5 elements a dimension (0 rarely) and any kind of strides.
inline TensorView random_buffer(Random& random, DType dtype, int rank, bool ordinary,
                                std::unique_ptr<std::byte[]>* memory) {
    TensorView view;
    view.dtype = dtype;
    view.rank = rank;
    std::int64_t low = 0, high = 0, stride = 1;
    for (int i = rank - 1; i >= 0; --i) {
        view.shape[i] = chance(random, 4) ? 0 : between(random, 1, 5);
        view.strides[i] = stride * (chance(random, 20) ? -1 : 1);
        if (chance(random, 10)) view.strides[i] = 0;
        const std::int64_t reach = (std::max<std::int64_t>(view.shape[i], 1) - 1) * view.strides[i];
        (reach < 0 ? low : high) += reach;
        stride = stride * std::max<std::int64_t>(view.shape[i], 1) + (chance(random, 20) ? 3 : 0);
    }
    const std::int64_t count = high - low + 1;
    const std::int64_t size = size_of(dtype);
    *memory = std::make_unique<std::byte[]>(static_cast<std::size_t>(count * size));
    for (std::int64_t i = 0; i < count; ++i) {
        std::uint64_t bits = random();
        if (dtype == DType::f32 || dtype == DType::f64) {
            bits = random_bits(random, ir::loaded_type(dtype), ordinary);
        } else if (dtype == DType::i32 || dtype == DType::i64) {
            bits = random_bits(random, ir::loaded_type(dtype), ordinary);
        } else if (dtype == DType::boolean) {
            bits &= 1;
        } else if (ordinary && dtype == DType::bf16) {
            bits = random_bits(random, ir::Type::f32, true) >> 16;
        } else if (ordinary && dtype == DType::f16) {
            bits = (bits & 0x83ff) | 0x3c00;  // 1 <= |x| < 2
        }
        std::memcpy(memory->get() + i * size, &bits, static_cast<std::size_t>(size));
    }
    view.data = memory->get() - low * size;
    return view;
}

/// Grows a function op by op over whatever values there are.
class FunctionGrower {
public:
    FunctionGrower(Random& random, const RandomOptions& options)
        : random_(random), options_(options) {
        case_.function = ir::make_function(options.role, options.score_type);
    }

    RandomCase run() {
        add_captures();
        ir::Builder builder(case_.function);
        // Constants first, so that every type has a value.
        for (const ir::Type type : types()) {
            builder.constant_bits(random_bits(random_, type, options_.ordinary), type);
        }
        for (int i = 0; i < options_.instructions; ++i) grow(builder);
        const ir::Type wanted =
            options_.role == ir::Role::mask_mod ? ir::Type::boolean : options_.score_type;
        const ir::Value last = static_cast<ir::Value>(case_.function.insts.size() - 1);
        case_.function.results.push_back({builder.cast(last, wanted), -1, {}});
        if (options_.role == ir::Role::score_mod) add_results();
        ir::verify(case_.function, "random_function");
        return std::move(case_);
    }

private:
    std::vector<ir::Type> types() const {
        std::vector<ir::Type> all{ir::Type::f32, ir::Type::i32, ir::Type::i64, ir::Type::boolean};
        if (options_.f64) all.push_back(ir::Type::f64);
        return all;
    }

    void add_captures() {
        ir::Builder builder(case_.function);
        for (int i = 0; i < options_.scalars; ++i) {
            const bool integer = chance(random_, 50);
            builder.add_scalar(integer ? ir::Type::i64 : options_.score_type);
            ScalarValue value;
            value.is_integer = integer;
            value.integer = random_value<std::int64_t>(random_, options_.ordinary);
            value.real = random_value<float>(random_, options_.ordinary);
            case_.captures.scalars.push_back(value);
        }
        for (int i = 0; i < options_.buffers; ++i) {
            auto dtype = static_cast<DType>(between(random_, 0, 9));
            if (dtype == DType::f64 && !options_.f64) dtype = DType::f32;
            const int rank = static_cast<int>(between(random_, 0, kMaxRank));
            builder.add_buffer(dtype, rank);
            case_.memory.emplace_back();
            case_.captures.buffers.push_back(
                random_buffer(random_, dtype, rank, options_.ordinary, &case_.memory.back()));
        }
    }

    /// A value of a type that `fits` accepts, recent ones more often; kNoValue when there is none.
    template <class F>
    ir::Value find(const F& fits) {
        const auto& insts = case_.function.insts;
        std::vector<ir::Value> found;
        for (ir::Value v = 0; v < insts.size(); ++v) {
            if (fits(insts[v].type)) found.push_back(v);
        }
        if (found.empty()) return ir::kNoValue;
        if (chance(random_, 60)) {
            const auto recent = std::min<std::int64_t>(4, static_cast<std::int64_t>(found.size()));
            return found[found.size() - static_cast<std::size_t>(between(random_, 1, recent))];
        }
        return pick(random_, found);
    }

    void grow(ir::Builder& builder) {
        if (chance(random_, 15)) {
            const ir::Type type = pick(random_, types());
            builder.constant_bits(random_bits(random_, type, options_.ordinary), type);
        } else if (!case_.function.buffers.empty() && chance(random_, 25)) {
            const auto buffer =
                between(random_, 0, static_cast<std::int64_t>(case_.function.buffers.size()) - 1);
            builder.load(static_cast<int>(buffer), indices(static_cast<int>(buffer)));
        } else {
            grow_op(builder);
        }
    }

    std::vector<ir::Value> indices(int buffer) {
        std::vector<ir::Value> values(static_cast<std::size_t>(
            case_.function.buffers[static_cast<std::size_t>(buffer)].rank));
        for (ir::Value& v : values) v = find([](ir::Type t) { return !ir::is_float(t); });
        return values;
    }

    void grow_op(ir::Builder& builder) {
        for (;;) {
            const auto op =
                static_cast<ir::Op>(between(random_, ir::kFirstTableOp, ir::op_count() - 1));
            const ir::OpInfo& row = ir::info(op);
            if (row.ulp_f32 > options_.max_ulp) continue;
            const ir::Type type = pick(random_, types());
            if (!ir::accepts(row.signature, type)) continue;
            std::vector<ir::Value> args;
            for (int i = 0; i < row.arity; ++i) {
                const bool condition = row.signature == ir::Signature::select && i == 0;
                const ir::Type wanted = condition ? ir::Type::boolean : type;
                args.push_back(find([&](ir::Type t) { return t == wanted; }));
            }
            builder.emit(op, args, pick(random_, types()));
            return;
        }
    }

    void add_results() {
        ir::Function& f = case_.function;
        if (chance(random_, 30)) {
            const ir::Value v = find([&](ir::Type t) { return t == options_.score_type; });
            f.results.push_back({v, -1, {}});
        }
        if (!options_.gradients) return;
        for (std::size_t i = 0; i < f.buffers.size(); ++i) {
            if (!ir::is_float(ir::loaded_type(f.buffers[i].dtype)) || chance(random_, 50)) continue;
            const ir::Value v = find([](ir::Type t) { return ir::is_float(t); });
            f.results.push_back({v, static_cast<int>(i), indices(static_cast<int>(i))});
        }
    }

    Random& random_;
    RandomOptions options_;
    RandomCase case_;
};

inline RandomCase random_function(Random& random, const RandomOptions& options = {}) {
    return FunctionGrower(random, options).run();
}

/// Positions within [0, extent) of each axis, with the arrays that they point into.
struct RandomPositions {
    std::vector<double> score;
    std::vector<std::int32_t> axes[4];
    ir::Positions positions;

    RandomPositions(Random& random, std::int64_t count, std::int32_t extent,
                    bool ordinary = false) {
        positions.count = count;
        for (std::int64_t i = 0; i < count; ++i) {
            score.push_back(random_value<float>(random, ordinary));
            for (auto& axis : axes) {
                axis.push_back(static_cast<std::int32_t>(between(random, 0, extent - 1)));
            }
        }
        positions.score = score.data();
        positions.b = axes[0].data();
        positions.h = axes[1].data();
        positions.q = axes[2].data();
        positions.k = axes[3].data();
    }
    RandomPositions(const RandomPositions&) = delete;

    /// Makes position `at` of an axis (0 to 3: b, h, q, k) the only one.
    void make_uniform(int axis, std::size_t at) {
        const std::int32_t** const arrays[] = {&positions.b, &positions.h, &positions.q,
                                               &positions.k};
        std::int32_t* const values[] = {&positions.b_all, &positions.h_all, &positions.q_all,
                                        &positions.k_all};
        *arrays[axis] = nullptr;
        *values[axis] = axes[axis][at];
        std::fill(axes[axis].begin(), axes[axis].end(), *values[axis]);
    }
};

}  // namespace flexion::test
