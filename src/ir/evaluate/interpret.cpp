// SPDX-License-Identifier: Apache-2.0
// Evaluates functions in chunks of positions that stay in cache; what is uniform is evaluated once.
#include "ir/interpret.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "ir/evaluate.h"
#include "ir/evaluate/gather.h"
#include "ir/op.h"
#include "support/fail.h"

namespace flexion::ir {
namespace {

constexpr std::size_t kWordBytes = 8;  // the widest stored type

/// All chunks of a function together fill about 1 MiB, the size of a second-level cache.
std::int64_t chunk_for(std::size_t instructions) {
    const auto fitting = static_cast<std::int64_t>((std::size_t{1} << 17) / (instructions + 1));
    return std::clamp<std::int64_t>(fitting, 32, 512);
}

void check_captures(const Function& f, const Captures& captures) {
    if (captures.buffers.size() != f.buffers.size() ||
        static_cast<int>(captures.scalars.size()) != f.scalar_count()) {
        fail<UserError>(
            "flexion::ir::Interpreter: {} declares {} buffers and {} scalars, got {} and {}",
            f.name, f.buffers.size(), f.scalar_count(), captures.buffers.size(),
            captures.scalars.size());
    }
    for (std::size_t i = 0; i < f.buffers.size(); ++i) {
        const BufferParameter& declared = f.buffers[i];
        const TensorView& given = captures.buffers[i];
        if (given.dtype != declared.dtype || given.rank != declared.rank) {
            fail<UserError>(
                "flexion::ir::Interpreter: @{} is declared {} of rank {}, got {} of rank {}",
                declared.name, name_of(declared.dtype), declared.rank, name_of(given.dtype),
                given.rank);
        }
    }
}

}  // namespace

struct Interpreter::State {
    struct Step {
        Type stored = Type::f32;       ///< of the working array
        bool uniform = false;          ///< the same at all positions of this run
        ArrayKernel kernel = nullptr;  ///< table ops
    };

    State(const Function& function, const Captures& captured, Precision precision,
          const char* where)
        : f(function),
          captures(captured),
          oracle(precision == Precision::oracle),
          checked_for(where),
          chunk(chunk_for(f.insts.size())),
          steps(f.insts.size()),
          arena(f.insts.size() * static_cast<std::size_t>(chunk) * kWordBytes),
          offsets(static_cast<std::size_t>(chunk)),
          columns(f.results.size()) {
        check_captures(f, captures);
        for (Value v = 0; v < f.insts.size(); ++v) {
            const Inst& inst = f.insts[v];
            steps[v].stored = oracle && inst.type == Type::f32 ? Type::f64 : inst.type;
            if (static_cast<int>(inst.op) >= kFirstTableOp) {
                const Type operand = steps[inst.args[inst.count - 1]].stored;
                steps[v].kernel = array_kernel(inst.op, operand, steps[v].stored);
                invariant(steps[v].kernel != nullptr, "the interpreted function is verified");
            }
        }
        for (std::size_t i = 0; i < columns.size(); ++i) {
            columns[i].type = f.insts[f.results[i].value].type;
        }
    }

    void run(const Positions& positions) {
        find_uniform(positions);
        for (Column& column : columns) {
            const auto count = static_cast<std::size_t>(positions.count);
            is_float(column.type) ? column.real.resize(count) : column.integer.resize(count);
        }
        if (positions.count <= 0) return;
        const std::int64_t most = std::min(positions.count, chunk);
        for (Value v = 0; v < f.insts.size(); ++v) {
            if (!steps[v].uniform) continue;
            step(v, positions, 0, 1);
            spread(v, most);
        }
        for (std::int64_t begin = 0; begin < positions.count; begin += chunk) {
            const std::int64_t n = std::min(chunk, positions.count - begin);
            for (Value v = 0; v < f.insts.size(); ++v) {
                if (!steps[v].uniform) step(v, positions, begin, n);
            }
            for (std::size_t i = 0; i < columns.size(); ++i) {
                store(f.results[i].value, columns[i], begin, n);
            }
        }
    }

    void find_uniform(const Positions& p) {
        const bool varies[] = {p.score != nullptr, p.b != nullptr, p.h != nullptr, p.q != nullptr,
                               p.k != nullptr};
        for (Value v = 0; v < f.insts.size(); ++v) {
            const Inst& inst = f.insts[v];
            bool uniform = true;
            if (inst.op == Op::parameter && inst.index < f.builtin_parameters()) {
                uniform = !varies[axis_of(inst.index)];
            }
            for (int i = 0; i < inst.count; ++i) uniform &= steps[inst.args[i]].uniform;
            steps[v].uniform = uniform;
        }
    }

    /// 0: score, 1 to 4: b, h, q, k.
    int axis_of(int parameter) const { return parameter + 5 - f.builtin_parameters(); }

    void step(Value v, const Positions& positions, std::int64_t begin, std::int64_t n) {
        const Inst& inst = f.insts[v];
        switch (inst.op) {
            case Op::parameter:
                return parameter(v, positions, begin, n);
            case Op::constant:
                return constant(v);
            case Op::load:
                if (checked_for) check_indices(v, positions, begin, n);
                return load(v, n);
            default:
                break;
        }
        const auto operand = [&](int i) { return i < inst.count ? words(inst.args[i]) : nullptr; };
        steps[v].kernel(words(v), operand(0), operand(1), operand(2), n);
    }

    void parameter(Value v, const Positions& p, std::int64_t begin, std::int64_t n) {
        const int index = f.insts[v].index;
        if (index >= f.builtin_parameters()) {
            return scalar(v, captures.scalars[index - f.builtin_parameters()]);
        }
        constexpr double kNoScore = 0;
        const int axis = axis_of(index);
        if (axis == 0) return set(v, p.score == nullptr ? &kNoScore : p.score + begin, n);
        const std::int32_t* const arrays[] = {p.b, p.h, p.q, p.k};
        const std::int32_t values[] = {p.b_all, p.h_all, p.q_all, p.k_all};
        const std::int32_t* const array = arrays[axis - 1];
        set(v, array == nullptr ? &values[axis - 1] : array + begin, n);
    }

    /// Rounded to its IR type in both precisions, for that is what a kernel is given.
    void scalar(Value v, const ScalarValue& value) {
        if (!is_float(f.insts[v].type)) return set(v, &value.integer, 1);
        const double exact = value.is_integer ? static_cast<double>(value.integer) : value.real;
        const double given = f.insts[v].type == Type::f32 ? static_cast<float>(exact) : exact;
        set(v, &given, 1);
    }

    void constant(Value v) {
        const Inst& inst = f.insts[v];
        if (steps[v].stored == inst.type) {  // a copy keeps a NaN's payload
            std::memcpy(words(v), &inst.bits, kWordBytes);
            return;
        }
        float value;
        std::memcpy(&value, &inst.bits, sizeof value);
        set(v, &value, 1);
    }

    void load(Value v, std::int64_t n) {
        const Inst& inst = f.insts[v];
        const TensorView& view = captures.buffers[inst.index];
        std::fill_n(offsets.begin(), n, 0);
        for (int i = 0; i < inst.count; ++i) {
            const Value index = inst.args[i];
            add_offsets(view, i, steps[index].stored, words(index), offsets.data(), n);
        }
        read_elements(view, offsets.data(), steps[v].stored, words(v), n);
    }

    void check_indices(Value v, const Positions& p, std::int64_t begin, std::int64_t n) {
        const Inst& inst = f.insts[v];
        for (int dim = 0; dim < inst.count; ++dim) {
            const std::int64_t extent = captures.buffers[inst.index].shape[dim];
            const Value index = inst.args[dim];
            with_type(steps[index].stored, [&]<class T>(std::type_identity<T>) {
                const T* const from = static_cast<const T*>(words(index));
                for (std::int64_t i = 0; i < n; ++i) {
                    const auto value = static_cast<std::int64_t>(from[i]);
                    if (value >= -extent && value < extent) continue;
                    const auto at = [&](const std::int32_t* array, std::int32_t all) {
                        return array == nullptr ? all : array[begin + i];
                    };
                    fail_out_of_range(checked_for, f, captures,
                                      {inst.index, dim, value, at(p.b, p.b_all), at(p.h, p.h_all),
                                       at(p.q, p.q_all), at(p.k, p.k_all)});
                }
            });
        }
    }

    void* words(Value v) { return arena.data() + v * static_cast<std::size_t>(chunk) * kWordBytes; }

    template <class From>
    void set(Value v, const From* from, std::int64_t n) {
        with_type(steps[v].stored, [&]<class T>(std::type_identity<T>) {
            T* const to = static_cast<T*>(words(v));
            for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(from[i]);
        });
    }

    /// Repeats element 0 in the first n.
    void spread(Value v, std::int64_t n) {
        with_type(steps[v].stored, [&]<class T>(std::type_identity<T>) {
            T* const to = static_cast<T*>(words(v));
            std::fill_n(to + 1, n - 1, to[0]);
        });
    }

    void store(Value v, Column& column, std::int64_t begin, std::int64_t n) {
        with_type(steps[v].stored, [&]<class T>(std::type_identity<T>) {
            const T* const from = static_cast<const T*>(words(v));
            if constexpr (std::is_floating_point_v<T>) {
                std::copy_n(from, n, column.real.begin() + begin);
            } else {
                std::copy_n(from, n, column.integer.begin() + begin);
            }
        });
    }

    Function f;
    Captures captures;
    bool oracle;
    const char* checked_for;
    std::int64_t chunk;
    std::vector<Step> steps;
    std::vector<std::byte> arena;  ///< `chunk` words for each value, used as its stored type
    std::vector<std::int64_t> offsets;
    std::vector<Column> columns;
};

void fail_out_of_range(const char* where, const Function& f, const Captures& captures,
                       const OutOfRange& found) {
    const std::int64_t extent = captures.buffers[found.buffer].shape[found.dim];
    fail<UserError>(
        "{}: {} {} reads @{} out of range at b={}, h={}, q={}, k={}: index {} of dimension {}, "
        "which has {} elements; indices from {} to {} are in range. Without the option `debug` "
        "such an index is clamped; where it is meant, clamp it in the mod",
        where, f.role == Role::score_mod ? "score_mod" : "mask_mod", f.name,
        f.buffers[found.buffer].name, found.b, found.h, found.q, found.k, found.index, found.dim,
        extent, -extent, extent - 1);
}

Interpreter::Interpreter(const Function& f, const Captures& captures, Precision precision,
                         const char* checked_for)
    : state_(std::make_unique<State>(f, captures, precision, checked_for)) {}
Interpreter::~Interpreter() = default;
Interpreter::Interpreter(Interpreter&&) noexcept = default;

const std::vector<Column>& Interpreter::run(const Positions& positions) {
    state_->run(positions);
    return state_->columns;
}

}  // namespace flexion::ir
