// SPDX-License-Identifier: Apache-2.0
// Emits, compiles and runs the pass that stores values.
#include "backend/cpu/values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/codegen/expression.h"
#include "backend/cpu/codegen/passes.h"
#include "backend/cpu/jit/llvm.h"
#include "backend/cpu/jit/vector_functions.h"
#include "support/fail.h"

namespace flexion::test {
namespace {

using cpu::Code;
using cpu::Elem;
using cpu::Val;

constexpr int kVectors = 2;

Val pointer(const char* name) { return {{Elem::ptr}, name}; }

/// void name(ptr scores, ptr out[], ptr args, ptr captures): out[result] is [rows][lanes].
std::string emit_values(cpu::ModuleText& module, const std::string& name,
                        const CompiledValues::Item& item, const cpu::TileShape& shape, Elem real) {
    const ir::Function& f = *item.function;
    cpu::FunctionScope scope(module);
    Code body(scope);
    const bool panel = shape.map == cpu::TileMap::panel;
    const int width = shape.lanes * shape.vectors;
    const cpu::ArgValues args = cpu::load_args(body, real);
    const cpu::Origin origin{args.b, args.h, args.q, args.k, args.lanes};
    const cpu::Binding binding{.word = 1, .load = 0, .assumptions = item.assumptions};
    std::vector<cpu::Expression> results;
    results.reserve(f.results.size());
    for (const ir::Result& result : f.results)
        results.emplace_back(f, binding, shape, 1, item.exact, std::vector{result.value});
    const auto place_of = [&](Code& c, int v, const Val& count) {
        cpu::Place place{.v = v};
        place.count = c.sub(count, Code::integer(Elem::i32, v * shape.lanes));
        place.valid = c.compare("icmp slt", Code::iota(Elem::i32, shape.lanes), place.count);
        return place;
    };
    std::vector<cpu::Place> places;
    for (int v = 0; panel && v < shape.vectors; ++v)
        places.push_back(place_of(body, v, args.lanes));
    for (cpu::Expression& e : results) e.hoist(body, origin, places);

    const auto emit_row = [&](Code& c, const Val& row, const Val& block) {
        const Val row32 = c.convert("trunc", row, Elem::i32);
        const Val k = c.add(args.k, row32);
        cpu::Place row_place{.row = row};
        row_place.staged_row = c.sub(row, block);
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (panel) results[i].row(c, 0, row_place, k);
            for (int v = 0; v < shape.vectors; ++v) {
                cpu::Place place;
                Val lane_k, cell;
                if (panel) {
                    place = places[v];
                    cell = c.mul(row, Code::integer(Elem::i64, width));
                } else {
                    const Val left = c.sub(args.rows, row);
                    place = place_of(c, v, c.convert("trunc", left, Elem::i32));
                    lane_k = c.add(k, Code::iota(Elem::i32, shape.lanes, v * shape.lanes));
                    cell = row;
                }
                place.row = row;
                place.staged_row = row_place.staged_row;
                cell = c.add(cell, Code::integer(Elem::i64, v * shape.lanes));
                Val score;
                if (f.role == ir::Role::score_mod)
                    score = c.load({real, shape.lanes}, c.gep(real, pointer("%scores"), cell), 4);
                Val value = results[i].element(c, 0, place, score, lane_k);
                if (value.ty.elem == Elem::i1) value = c.convert("zext", value, Elem::i32);
                const Val plane =
                    c.load({Elem::ptr}, c.gep(Elem::ptr, pointer("%out"), i), 8, true);
                c.store(value, c.gep(value.ty.elem, plane, cell), cpu::bytes_of(value.ty.elem));
            }
        }
    };
    bool staged = false;
    for (const cpu::Expression& e : results) staged = staged || e.staged();
    std::vector<cpu::Carried> nothing;
    cpu::loop_over_rows(
        body, args.rows, panel ? 1 : width, staged, nothing,
        [&](Code& c, const Val& block, const Val& rows) {
            for (const cpu::Expression& e : results) e.stage(c, block, rows);
        },
        [&](Code& c, const Val& row, const Val& block, const Val&, std::vector<cpu::Carried>&) {
            emit_row(c, row, block);
        });
    body.raw("ret void");
    return formatted(
        "define void @{}(ptr noalias %scores, ptr noalias %out, ptr noalias readonly %args, ptr "
        "noalias readonly %captures) nounwind {{\nentry:\n{}{}}}\n",
        name, scope.prologue, body.text());
}

using ValuesPass = void (*)(const void* scores, void* const* out, const cpu::TileArgs* args,
                            const cpu::Word* captures);

double cell_as_real(const std::vector<std::uint64_t>& plane, ir::Type type, std::size_t cell) {
    const char* bytes = reinterpret_cast<const char*>(plane.data());
    if (type == ir::Type::f64) return std::bit_cast<double>(plane[cell]);
    float value;
    std::memcpy(&value, bytes + cell * sizeof value, sizeof value);
    return value;
}

std::int64_t cell_as_integer(const std::vector<std::uint64_t>& plane, ir::Type type,
                             std::size_t cell) {
    if (type == ir::Type::i64) return static_cast<std::int64_t>(plane[cell]);
    std::int32_t value;
    std::memcpy(&value, reinterpret_cast<const char*>(plane.data()) + cell * sizeof value,
                sizeof value);
    return value;
}

}  // namespace

CompiledValues::CompiledValues(std::vector<Item> items, cpu::Isa isa, cpu::TileMap map, bool f64)
    : items_(std::move(items)), isa_(isa), map_(map), f64_(f64) {
    cpu::ModuleText module(isa);
    const cpu::TileShape shape{map, cpu::vector_lanes(isa) / (f64 ? 2 : 1), kVectors};
    const cpu::IsaTraits& t = cpu::traits_of(isa);
    backend::Source source;
    source.name = "values";
    source.target = formatted("cpu:{} {} {} {}", cpu::name_of(isa), t.triple, t.cpu, t.features);
    std::string functions;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        functions += emit_values(module, "values" + std::to_string(i), items_[i], shape,
                                 f64 ? Elem::f64 : Elem::f32);
    }
    source.text = module.text(functions);
    const backend::Binary object = cpu::compile_object(source);
    for (std::size_t i = 0; i < items_.size(); ++i)
        code_.push_back(cpu::load_object(object, {"values" + std::to_string(i)}, source.name));
}

std::vector<ir::Column> CompiledValues::run(std::size_t which, const Captures& captures,
                                            const Rectangle& at,
                                            const std::vector<double>& score) const {
    const ir::Function& f = *items_[which].function;
    const bool mask = f.role == ir::Role::mask_mod, panel = map_ == cpu::TileMap::panel;
    plan::Mods mods;
    (mask ? mods.mask : mods.score) = &f;
    (mask ? mods.mask_captures : mods.score_captures) = &captures;
    std::vector<cpu::Word> words(cpu::capture_words(mods));
    cpu::pack_captures(mods, &cpu::vector_functions(isa_), words.data());
    const int width = cpu::lanes_per_panel(isa_) / (f64_ ? 2 : 1);
    const auto entry = reinterpret_cast<ValuesPass>(const_cast<void*>(code_[which].entries[0]));

    std::vector<ir::Column> columns(f.results.size());
    const std::size_t count = static_cast<std::size_t>(at.queries) * at.keys;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i].type = f.insts[f.results[i].value].type;
        if (ir::is_float(columns[i].type))
            columns[i].real.resize(count);
        else
            columns[i].integer.resize(count);
    }
    const int step = panel ? width : 1;
    const std::size_t cells = panel ? static_cast<std::size_t>(width) * at.keys
                                    : static_cast<std::size_t>(at.keys + width - 1) / width * width;
    for (int first = 0; first < at.queries; first += step) {
        cpu::TileArgs args{};
        args.b = at.b;
        args.h = at.h;
        args.q0 = at.q0 + first;
        args.k0 = at.k0;
        args.rows = at.keys;
        args.lanes = std::min(step, at.queries - first);
        const auto cell_of = [&](int lane, int key) {
            return panel ? static_cast<std::size_t>(key) * width + lane : std::size_t(key);
        };
        std::vector<std::uint64_t> scores(cells);
        for (int lane = 0; !mask && lane < args.lanes; ++lane) {
            for (int key = 0; key < at.keys; ++key) {
                const double s = score[static_cast<std::size_t>(first + lane) * at.keys + key];
                const float narrow = static_cast<float>(s);
                if (f64_)
                    scores[cell_of(lane, key)] = std::bit_cast<std::uint64_t>(s);
                else
                    std::memcpy(reinterpret_cast<char*>(scores.data()) + 4 * cell_of(lane, key),
                                &narrow, 4);
            }
        }
        std::vector<std::vector<std::uint64_t>> planes(columns.size());
        std::vector<void*> out;
        for (auto& plane : planes) {
            plane.resize(cells);
            out.push_back(plane.data());
        }
        entry(scores.data(), out.data(), &args, words.data());
        for (std::size_t i = 0; i < columns.size(); ++i) {
            for (int lane = 0; lane < args.lanes; ++lane) {
                for (int key = 0; key < at.keys; ++key) {
                    const std::size_t to = static_cast<std::size_t>(first + lane) * at.keys + key;
                    const std::size_t cell = cell_of(lane, key);
                    if (ir::is_float(columns[i].type))
                        columns[i].real[to] = cell_as_real(planes[i], columns[i].type, cell);
                    else
                        columns[i].integer[to] = cell_as_integer(planes[i], columns[i].type, cell);
                }
            }
        }
    }
    return columns;
}

std::vector<ir::Column> interpreted(const ir::Function& f, const Captures& captures,
                                    const Rectangle& at, const std::vector<double>& score,
                                    ir::Precision precision) {
    std::vector<std::int32_t> q, k;
    for (int i = 0; i < at.queries; ++i) {
        for (int j = 0; j < at.keys; ++j) {
            q.push_back(at.q0 + i);
            k.push_back(at.k0 + j);
        }
    }
    ir::Positions positions{.count = static_cast<std::int64_t>(q.size()),
                            .score = score.empty() ? nullptr : score.data(),
                            .q = q.data(),
                            .k = k.data(),
                            .b_all = at.b,
                            .h_all = at.h};
    ir::Interpreter interpreter(f, captures, precision);
    return interpreter.run(positions);
}

std::uint64_t assumption_bits(const ir::Function& f, const Captures& captures,
                              const Rectangle& at) {
    plan::Mods mods;
    const bool mask = f.role == ir::Role::mask_mod;
    (mask ? mods.mask : mods.score) = &f;
    (mask ? mods.mask_captures : mods.score_captures) = &captures;
    const plan::AssumptionChecker checker(mods.score, mods.mask);
    return checker.bits(mods, {at.b + 1, at.h + 1, at.q0 + at.queries, at.k0 + at.keys});
}

double ulp_error(float got, double exact) {
    if (std::isnan(exact) || std::isnan(got))
        return std::isnan(exact) && std::isnan(got) ? 0 : HUGE_VAL;
    if (std::isinf(got) || std::isinf(exact))
        return got == static_cast<float>(exact) ? 0 : HUGE_VAL;
    // Of the binade that `exact` lies in, by its exponent's bits: the sweep comes here 10^11 times.
    const int exponent = static_cast<int>(std::bit_cast<std::uint64_t>(exact) >> 52 & 0x7ff) - 1023;
    const auto ulp = static_cast<std::uint64_t>(std::max(exponent - 23, -149) + 1023) << 52;
    return std::fabs(got - exact) / std::bit_cast<double>(ulp);
}

}  // namespace flexion::test
