// SPDX-License-Identifier: Apache-2.0
// Levels of values and their emission.
#include "backend/cpu/codegen/expression.h"

#include <algorithm>
#include <bit>

#include "backend/cpu/codegen/library/ops.h"
#include "plan/assumptions.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

using ir::Op;

Level joined(Level a, Level b) { return static_cast<Level>(a | b); }

// Position of a parameter in (score, b, h, q, k, scalars...).
int role_index(const ir::Function& f, const ir::Inst& inst) {
    return inst.index + 5 - f.builtin_parameters();
}

}  // namespace

int words_of(const ir::Function& f) {
    int words = f.scalar_count();
    for (const ir::BufferParameter& b : f.buffers) words += 1 + 2 * b.rank;
    return words;
}

int loads_of(const ir::Function& f) {
    return static_cast<int>(std::count_if(f.insts.begin(), f.insts.end(),
                                          [](const ir::Inst& i) { return i.op == Op::load; }));
}

Expression::Expression(const ir::Function& f, const Binding& binding, const TileShape& shape,
                       int unroll, bool exact, std::vector<ir::Value> roots)
    : f_(f),
      binding_(binding),
      shape_(shape),
      unroll_(unroll),
      roots_(std::move(roots)),
      facts_(passes::uniformity(f)),
      live_(f.insts.size()),
      exact_(f.insts.size(), exact),
      levels_(f.insts.size(), kUniform),
      values_(f.insts.size()),
      access_of_(f.insts.size(), -1) {
    int word = binding_.word;
    for (const ir::BufferParameter& b : f.buffers) {
        buffer_words_.push_back(word);
        word += 1 + 2 * b.rank;
    }
    if (roots_.empty()) roots_.push_back(f.results[0].value);
    for (const ir::Value root : roots_) live_[root] = true;
    int load = binding_.load + loads_of(f);
    for (ir::Value v = static_cast<ir::Value>(f.insts.size()); v-- > 0;) {
        const ir::Inst& inst = f.insts[v];
        if (inst.op == Op::load) --load;
        if (!live_[v]) continue;
        // A decision must not hang on how a product was rounded: what integers and bools come from
        // is exact, and so is what that comes from.
        const bool decides = !ir::is_float(inst.type) || exact_[v];
        if (inst.op == Op::load && (bits_of(load) & plan::kInRange) != 0)
            continue;  // read by its affine form
        for (int i = 0; i < inst.count; ++i) {
            live_[inst.args[i]] = true;
            if (decides) exact_[inst.args[i]] = true;
        }
    }
}

std::uint64_t Expression::bits_of(int load) const {
    if (load >= plan::kLoadsWithBits) return 0;
    return binding_.assumptions >> (load * plan::kBitsPerLoad);
}

Access Expression::contiguous_copy(Code& code, int buffer, const Origin& origin) const {
    AccessFacts facts;
    facts.dtype = f_.buffers[buffer].dtype;
    facts.word = buffer_words_[buffer];
    facts.unit_stride = true;
    facts.levels.resize(f_.buffers[buffer].rank);
    // What holds of a buffer's extents holds for all loads of it.
    int load = binding_.load;
    for (const ir::Inst& inst : f_.insts) {
        if (inst.op != Op::load) continue;
        if (inst.index == buffer) facts.narrow = (bits_of(load) & plan::kNarrow) != 0;
        ++load;
    }
    return Access(code, std::move(facts), shape_, origin);
}

AccessFacts Expression::access_facts(ir::Value v, int load) const {
    const ir::Inst& inst = f_.insts[v];
    AccessFacts facts;
    facts.dtype = f_.buffers[inst.index].dtype;
    facts.word = buffer_words_[inst.index];
    const std::uint64_t bits = bits_of(load);
    facts.in_range = (bits & plan::kInRange) != 0;
    facts.unit_stride = (bits & plan::kUnitStride) != 0;
    facts.narrow = (bits & plan::kNarrow) != 0;
    facts.checked = binding_.checked;
    for (int i = 0; i < inst.count; ++i) {
        // Only an access that stays in range is read by its form, and there no clamp binds.
        facts.indices.push_back(facts_.unclamped[inst.args[i]]);
        facts.levels.push_back(levels_[inst.args[i]]);
        invariant(!facts.in_range || facts.indices.back().known,
                  "a load that stays in range has affine indices");
    }
    return facts;
}

std::size_t Expression::slot(Level level, int u, int v) const {
    switch (level) {
        case kUniform:
            return 0;
        case kLane:
            return v;
        case kRow:
            return u;
        default:
            return u * shape_.vectors + v;
    }
}

Val& Expression::value(ir::Value v, int u, int lane_vector) {
    return values_[v][slot(levels_[v], u, lane_vector)];
}

Val Expression::parameter(Code& code, const ir::Inst& inst) const {
    const int scalar = inst.index - f_.builtin_parameters();
    const int word = binding_.word + words_of(f_) - f_.scalar_count() + scalar;
    const Val captures{{Elem::ptr}, "%captures"};
    const Elem elem = elem_of(inst.type);
    const Val pointer = code.gep(Elem::i64, captures, word);
    if (elem != Elem::i1) return code.load({elem}, pointer, 8, true);
    return code.compare("icmp ne", code.load({Elem::i64}, pointer, 8, true),
                        Code::integer(Elem::i64, 0));
}

void Expression::hoist(Code& code, const Origin& origin, std::span<const Place> places) {
    const bool panel = shape_.map == TileMap::panel;
    origin_ = origin;
    // Scalars first: affine accesses name them.
    for (const ir::Inst& inst : f_.insts) {
        if (inst.op != Op::parameter || inst.index < f_.builtin_parameters()) continue;
        const Val scalar = parameter(code, inst);
        scalars_.push_back(scalar);
        const Elem elem = scalar.ty.elem;
        wide_scalars_.push_back(elem == Elem::i32  ? code.convert("sext", scalar, Elem::i64)
                                : elem == Elem::i1 ? code.convert("zext", scalar, Elem::i64)
                                                   : scalar);
    }
    int load = binding_.load;
    for (ir::Value v = 0; v < f_.insts.size(); ++v) {
        const ir::Inst& inst = f_.insts[v];
        const int this_load = load;
        if (inst.op == Op::load) ++load;
        if (!live_[v]) continue;
        Level level = kUniform;
        for (int i = 0; i < inst.count; ++i) level = joined(level, levels_[inst.args[i]]);
        if (inst.op == Op::parameter) {
            const int role = role_index(f_, inst);
            if (role == 0) level = kElement;
            if (role == 3) level = panel ? kLane : kUniform;
            if (role == 4) level = panel ? kRow : kElement;
        } else if (inst.op == Op::load) {
            AccessFacts facts = access_facts(v, this_load);
            facts.scalars = wide_scalars_;
            access_of_[v] = static_cast<int>(accesses_.size());
            accesses_.emplace_back(code, std::move(facts), shape_, origin);
            level = accesses_.back().level();
            offsets_.emplace_back(inst.count);
            for (int i = 0; i < inst.count; ++i)
                offsets_.back()[i].resize(slot(kElement, unroll_, 0));
        }
        levels_[v] = level;
        values_[v].resize(slot(kElement, unroll_, 0));
        if (inst.op != Op::parameter) continue;
        switch (role_index(f_, inst)) {
            case 0:
            case 4:
                break;
            case 1:
                value(v, 0, 0) = origin.b;
                break;
            case 2:
                value(v, 0, 0) = origin.h;
                break;
            case 3:
                if (!panel) value(v, 0, 0) = origin.q;
                for (int i = 0; panel && i < shape_.vectors; ++i) {
                    value(v, 0, i) =
                        code.add(code.splat(origin.q, shape_.lanes),
                                 Code::iota(Elem::i32, shape_.lanes, i * shape_.lanes));
                }
                break;
            default:
                value(v, 0, 0) = scalars_[inst.index - f_.builtin_parameters()];
        }
    }
    emit_level(code, kUniform, 0, {});
    for (const Place& place : places) emit_level(code, kLane, 0, place);
}

bool Expression::staged() const {
    return std::any_of(accesses_.begin(), accesses_.end(),
                       [](const Access& a) { return a.staged(); });
}

void Expression::stage(Code& code, const Val& row, const Val& rows) const {
    for (const Access& access : accesses_)
        if (access.staged()) access.stage(code, row, rows);
}

void Expression::row(Code& code, int u, const Place& place, const Val& k) {
    if (live_[f_.k()]) value(f_.k(), u, 0) = k;
    emit_level(code, kRow, u, place);
}

Val Expression::element(Code& code, int u, const Place& place, const Val& score, const Val& k) {
    if (f_.role == ir::Role::score_mod && live_[0]) value(0, u, place.v) = score;
    if (shape_.map == TileMap::stream && live_[f_.k()]) value(f_.k(), u, place.v) = k;
    emit_level(code, kElement, u, place);
    return code.splat(root(0, u, place.v), shape_.lanes);
}

IndexPosition Expression::position(Code& code, Level level, const Place& place) const {
    const Val one = Code::integer(Elem::i32, 1);
    IndexPosition at{origin_.b, origin_.h, origin_.q, origin_.k, LaneAxis::none, one};
    if ((level & kRow) != 0) at.k = code.add(at.k, code.convert("trunc", place.row, Elem::i32));
    if ((level & kLane) == 0) return at;
    const bool panel = shape_.map == TileMap::panel;
    Val& first = panel ? at.q : at.k;
    first = code.add(first, Code::integer(Elem::i32, place.v * shape_.lanes));
    at.axis = panel ? LaneAxis::q : LaneAxis::k;
    at.count = place.count;
    return at;
}

void Expression::emit_level(Code& code, Level level, int u, const Place& place) {
    for (ir::Value v = 0; v < f_.insts.size(); ++v) {
        if (!live_[v]) continue;
        const ir::Inst& inst = f_.insts[v];
        if (inst.op == Op::parameter) continue;
        if (access_of_[v] >= 0 && accesses_[access_of_[v]].clamped()) {
            // Each index becomes an offset where it is computed, however deep the load is.
            const Access& access = accesses_[access_of_[v]];
            for (int i = 0; i < inst.count; ++i) {
                if (levels_[inst.args[i]] != level) continue;
                const Val index = value(inst.args[i], u, place.v);
                if (access.checked()) access.check(code, i, index, position(code, level, place));
                offsets_[access_of_[v]][i][slot(level, u, place.v)] = access.clamp(code, i, index);
            }
        }
        if (levels_[v] == level) emit_inst(code, v, level, u, place);
    }
}

void Expression::emit_inst(Code& code, ir::Value v, Level level, int u, const Place& place) {
    const ir::Inst& inst = f_.insts[v];
    Val& out = values_[v][slot(level, u, place.v)];
    if (inst.op == Op::constant) {
        const Elem elem = elem_of(inst.type);
        if (inst.type == ir::Type::f32) {
            out = Code::real(elem, std::bit_cast<float>(static_cast<std::uint32_t>(inst.bits)));
        } else if (inst.type == ir::Type::f64) {
            out = Code::real(elem, std::bit_cast<double>(inst.bits));
        } else {
            out = Code::integer(elem, inst.type == ir::Type::i32
                                          ? static_cast<std::int32_t>(inst.bits)
                                          : static_cast<std::int64_t>(inst.bits));
        }
        return;
    }
    if (inst.op == Op::load) {
        const Access& access = accesses_[access_of_[v]];
        std::vector<Val> offsets;
        for (int i = 0; access.clamped() && i < inst.count; ++i)
            offsets.push_back(offsets_[access_of_[v]][i][slot(levels_[inst.args[i]], u, place.v)]);
        out = access.read(code, place, offsets);
        return;
    }
    std::vector<Val> args;
    for (int i = 0; i < inst.count; ++i) args.push_back(value(inst.args[i], u, place.v));
    out = emit_op(code, inst.op, args, inst.type, exact_[v]);
}

int Expression::weight() const {
    int count = 0;
    for (ir::Value v = 0; v < f_.insts.size(); ++v) {
        const std::uint8_t d = facts_.depends[v];
        const bool each =
            (d & passes::kOnScore) != 0 || ((d & passes::kOnQ) != 0 && (d & passes::kOnK) != 0);
        if (!live_[v] || !each || f_.insts[v].op == Op::parameter) continue;
        // Functions are a score of instructions, and so are gathers.
        const bool heavy = f_.insts[v].op == Op::load || ir::info(f_.insts[v].op).ulp_f32 > 0;
        count += heavy ? 20 : 1;
    }
    return count;
}

}  // namespace flexion::cpu
