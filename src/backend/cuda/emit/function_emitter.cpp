// SPDX-License-Identifier: Apache-2.0
// Values, levels and comparisons; linear forms of the score are in score_emitter.cpp.
#include "backend/cuda/emit/function_emitter.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "backend/cuda/emit/text.h"
#include "ir/op.h"
#include "plan/assumptions.h"

namespace flexion::cuda {
namespace {

// What costs more per column or distance is staged: a store, a load from shared memory and their
// addresses stand against it.
constexpr int kStageFrom = 6;

}  // namespace

CaptureWords capture_words_of(const ir::Function& f, int first) {
    CaptureWords words;
    words.end = first;
    for (const ir::BufferParameter& buffer : f.buffers) {
        words.buffers.push_back(words.end);
        words.end += 1 + 2 * buffer.rank;
    }
    for (int i = 0; i < f.scalar_count(); ++i) words.scalars.push_back(words.end++);
    return words;
}

FunctionEmitter::FunctionEmitter(const ir::Function& f, CaptureWords words,
                                 std::uint64_t assumptions, int first_load, StagedBytes& staged,
                                 DType dtype)
    : f_(f),
      facts_(passes::uniformity(f)),
      axes_(find_axes(f, facts_)),
      words_(std::move(words)),
      assumptions_(assumptions),
      staged_(staged),
      tag_(f.role == ir::Role::score_mod ? 's' : 'm'),
      functions_(tag_ == 'm'           ? "exact::"
                 : dtype == DType::f16 ? "fine::"
                                       : "fast::"),
      one_offset_(dtype == DType::bf16) {
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        if (inst(v).op == ir::Op::load) load_number_[v] = first_load++;
    }
}

bool FunctionEmitter::is_score(ir::Value v) const {
    return f_.role == ir::Role::score_mod && v == 0;
}

bool FunctionEmitter::is_staged(ir::Value v) const {
    return (axis(v) == Axis::column || axis(v) == Axis::diagonal) && !axes_.linear[v] &&
           axes_.cost[v] >= kStageFrom;
}

std::string FunctionEmitter::name(const char* kind, ir::Value v) const {
    return kind + (tag_ + std::to_string(v));
}

std::string FunctionEmitter::add_member(const std::string& name, const char* type,
                                        const std::string& value) {
    if (members_.emplace(name, type).second) {
        member_lines_ += cat("    ", type, " ", name, ";\n");
        assign_lines_ += cat("        ", name, " = ", value, ";\n");
    }
    return name;
}

std::string FunctionEmitter::member(ir::Value v, int r) {
    const bool row = axis(v) == Axis::row;
    const std::string value = get(row ? row_[r] : tile_, v);
    return add_member(row ? cat(name("row_", v), "_", r) : name("tile_", v),
                      type_name(inst(v).type), value);
}

// A linear integer at the first element of the thread's fragment.
std::string FunctionEmitter::base(ir::Value v) {
    const std::string text = get(call_, v);
    return text;
}

// What a linear integer differs by at this element, as a constant once j is unrolled.
std::string FunctionEmitter::step(ir::Value v, const Scope& scope) const {
    const passes::Affine& form = facts_.affine[v];
    std::string text = "0";
    if (form.k != 0) text = cat(form.k, " * (8 * j + ", scope.e, ")");
    if (scope.level == Level::element && scope.r == 1 && form.q != 0) {
        text += cat(" + ", 8 * form.q);
    }
    return text;
}

std::string FunctionEmitter::get(Scope& scope, ir::Value v) {
    const ir::Inst& i = inst(v);
    if (i.op == ir::Op::constant) return literal(i);
    if (const auto found = scope.names.find(v); found != scope.names.end()) return found->second;
    const Axis at = axis(v);
    switch (scope.level) {
        case Level::tile:
        case Level::stage_tile:
            break;
        case Level::row:
            if (at == Axis::uniform) return get(tile_, v);
            break;
        case Level::stage_point:
            break;
        case Level::call:
            if (at <= Axis::row) return member(v, 0);
            break;
        case Level::column:
        case Level::element:
            if (at <= Axis::row) return member(v, scope.r);
            if (scope.level == Level::element && at == Axis::column) {
                return get(column_[scope.e], v);
            }
            if (is_staged(v)) return staged_name(scope, v);
            if (axes_.linear[v]) return cat("(", base(v), " + (", step(v, scope), "))");
            break;
    }
    const std::string text = compute(scope, v);
    static constexpr const char* kPrefix[] = {"t_", "q_", "a_", "c_", "x_", "t_", "p_"};
    std::string local = name(kPrefix[static_cast<int>(scope.level)], v);
    if (scope.level == Level::row) local += cat("_", scope.r);
    if (scope.level == Level::column) local += cat("_", scope.e);
    if (scope.level == Level::element) local += cat("_", scope.e, scope.r);
    const char* indent = scope.level >= Level::column ? "            " : "        ";
    scope.lines += cat(indent, "const ", type_name(i.type), " ", local, " = ", text, ";\n");
    return scope.names[v] = local;
}

std::string FunctionEmitter::compute(Scope& scope, ir::Value v) {
    const ir::Inst& i = inst(v);
    if (i.op == ir::Op::parameter) {
        if (i.index >= f_.builtin_parameters()) {
            return cat("fx_scalar_", ir::name_of(i.type), "(captures.word[",
                       words_.scalars[i.index - f_.builtin_parameters()], "])");
        }
        if (is_score(v)) {
            return cat("s[4 * j + ", 2 * scope.r + scope.e, "] * ",
                       add_member("scale", "float", "p.scale"));
        }
        if (v == f_.b()) return "b";
        if (v == f_.h()) return "h";
        if (v == f_.q()) return scope.level == Level::row ? cat("q", scope.r) : "q";
        return "key";
    }
    if (i.op == ir::Op::load) return load(scope, v);
    std::string text;
    if (comparison(scope, v, text)) return text;
    if (axes_.on_score(v) && linear_score(scope, v, false, 1, text)) return text;
    const bool inner = scope.level == Level::column || scope.level == Level::element;
    if (tag_ == 's' && inner && i.op == ir::Op::cast && i.type == ir::Type::f32 &&
        axes_.linear[i.args[0]] && axis(i.args[0]) > Axis::row) {
        // One addition instead of an addition and a conversion; exact below 2^24.
        const ir::Value integer = i.args[0];
        const std::string converted = name("f_", integer);
        if (call_.names.emplace(v, converted).second) {
            call_.lines += cat("        const float ", converted, " = static_cast<float>(",
                               base(integer), ");\n");
        }
        return cat(converted, " + static_cast<float>(", step(integer, scope), ")");
    }
    std::string args[3];
    for (int n = 0; n < i.count; ++n) args[n] = get(scope, i.args[n]);
    text = substitute(ir::info(i.op).cuda, type_name(i.type), args);
    if (i.op == ir::Op::div) return cat(functions_, "fx_div(", args[0], ", ", args[1], ")");
    for (const char* approximate :
         {"fx_exp(", "fx_exp2(", "fx_tanh(", "fx_sigmoid(", "fx_sin(", "fx_cos(", "fx_sqrt("}) {
        if (text.rfind(approximate, 0) == 0) {
            return functions_ + text;
        }
    }
    return text;
}

std::string FunctionEmitter::load(Scope& scope, ir::Value v) {
    const ir::Inst& i = inst(v);
    const ir::BufferParameter& buffer = f_.buffers[i.index];
    const int number = load_number_.at(v);
    const std::uint64_t bits = number < static_cast<int>(plan::kLoadsWithBits)
                                   ? assumptions_ >> (plan::kBitsPerLoad * number)
                                   : 0;
    const bool in_range = (bits & plan::kInRange) != 0;
    const bool unit = (bits & plan::kUnitStride) != 0;
    // Rows, and the columns that stagers see, are positions that exist; others may lie beyond.
    const bool exists = scope.level == Level::tile || scope.level == Level::row ||
                        scope.level == Level::stage_tile ||
                        (scope.level == Level::stage_point && axis(v) == Axis::column);
    const int first = words_.buffers[i.index];
    std::string at;
    for (int d = 0; d < buffer.rank; ++d) {
        const std::string index = cat("static_cast<i64>(", get(scope, i.args[d]), ")");
        const std::string extent = cat("captures.word[", first + 1 + d, "]");
        std::string term = in_range && exists ? index
                           : in_range         ? cat("fx_index_near(", index, ", ", extent, ")")
                                              : cat("fx_index(", index, ", ", extent, ")");
        if (!(unit && d == buffer.rank - 1)) {
            term += cat(" * static_cast<i64>(captures.word[", first + 1 + buffer.rank + d, "])");
        }
        at += at.empty() ? term : " + " + term;
    }
    return cat("fx_load_", name_of(buffer.dtype), "(captures.word[", first, "], ",
               at.empty() ? "0" : at, ")");
}

bool FunctionEmitter::is_limit_side(ir::Value v) const {
    return ir::is_integer(inst(v).type) && (axes_.linear[v] || axis(v) <= Axis::row);
}

// x ? y of two values that are linear in the column: a limit per call against a constant.
bool FunctionEmitter::comparison(Scope& scope, ir::Value v, std::string& text) {
    if (scope.level != Level::column && scope.level != Level::element) return false;
    const ir::Inst& i = inst(v);
    const char* op = nullptr;
    switch (i.op) {
        case ir::Op::lt:
            op = "<";
            break;
        case ir::Op::le:
            op = "<=";
            break;
        case ir::Op::gt:
            op = ">";
            break;
        case ir::Op::ge:
            op = ">=";
            break;
        case ir::Op::eq:
            op = "==";
            break;
        case ir::Op::ne:
            op = "!=";
            break;
        default:
            return false;
    }
    const ir::Value x = i.args[0], y = i.args[1];
    if (!is_limit_side(x) || !is_limit_side(y)) return false;
    // A side that is no linear form is a value of the row: each row has its own limit.
    const bool per_row =
        !axes_.linear[x] || !axes_.linear[y] ? axis(axes_.linear[x] ? y : x) == Axis::row : false;
    const auto side = [&](ir::Value value) {
        if (!axes_.linear[value]) return member(value, scope.r);
        std::string at = base(value);
        const std::int64_t q = facts_.affine[value].q;
        if (per_row && scope.r == 1 && q != 0) at = cat("(", at, " + ", 8 * q, ")");
        return at;
    };
    std::string limit = name("limit_", v);
    if (per_row) limit += cat("_", scope.r);
    const std::string left = side(x), right = side(y);
    const std::string line =
        cat("        const int ", limit, " = fx_distance(", left, ", ", right, ");\n");
    if (call_.lines.find(line) == std::string::npos) call_.lines += line;
    const auto coefficient = [&](ir::Value value, bool of_q) {
        if (!axes_.linear[value]) return std::int64_t{0};
        return of_q ? facts_.affine[value].q : facts_.affine[value].k;
    };
    const std::int64_t k = coefficient(x, false) - coefficient(y, false);
    const std::int64_t q = per_row ? 0 : coefficient(x, true) - coefficient(y, true);
    std::string offset = cat(-k, " * (8 * j + ", scope.e, ")");
    if (scope.level == Level::element && scope.r == 1 && q != 0) offset += cat(" - ", 8 * q);
    text = cat(limit, " ", op, " ", offset);
    return true;
}

std::string FunctionEmitter::staged_name(const Scope& scope, ir::Value v) {
    const bool flag = inst(v).type == ir::Type::boolean;
    const char* type = flag ? "int" : type_name(inst(v).type);
    const int size = inst(v).type == ir::Type::f64 || inst(v).type == ir::Type::i64 ? 8 : 4;
    const bool by_column = axis(v) == Axis::column;
    const std::string at = name("at_", v);
    if (!staged_done_[v]) {
        staged_done_[v] = true;
        const std::string offset = cat(staged_.per_column, " * kBlockKv + ", staged_.per_distance,
                                       " * (64 * kWarpgroups + kBlockKv)");
        (by_column ? staged_.per_column : staged_.per_distance) += size;
        call_.lines += cat("        const u32 ", at, " = staged + ", offset, " + ", size, " * ",
                           by_column ? "column" : "distance", ";\n");
        if (by_column) {
            begin_ += cat("            const Pair<", type, "> ", name("g_", v),
                          " = fx_staged_pair<", type, ">(", at, " + ", 8 * size, " * j);\n");
        } else {
            for (int e = 0; e < 2; ++e) {
                const std::string now = cat(name("d_", v), "_", e), before = cat(now, "b");
                call_.lines += cat("        ", type, " ", before, " = fx_staged<", type, ">(", at,
                                   " - ", (8 - e) * size, ");\n");
                begin_ += cat("            const ", type, " ", now, " = fx_staged<", type, ">(", at,
                              " + ", 8 * size, " * j + ", e * size, ");\n");
                end_ += cat("            ", before, " = ", now, ";\n");
            }
        }
        Scope outside{Level::stage_tile}, point{Level::stage_point};
        // Values of the tile are computed before the loop.
        for (ir::Value u = 0; u < v; ++u) {
            if (axis(u) == Axis::uniform && inst(u).op != ir::Op::constant) {
                bool needed = false;
                for (ir::Value w = u + 1; w <= v && !needed; ++w) {
                    for (int n = 0; n < inst(w).count; ++n) {
                        needed |= inst(w).args[n] == u && axis(w) == axis(v);
                    }
                }
                if (needed) point.names[u] = get(outside, u);
            }
        }
        const std::string value = get(point, v);
        stage_ += cat("        {\n", outside.lines, "        for (int i = thread; i < ",
                      by_column ? "kBlockKv" : "64 * kWarpgroups + kBlockKv", "; i += 96) {\n");
        if (by_column) {
            stage_ +=
                "            const int key = fx_max(fx_min(first_key + i, p.kv_len - 1), 0);\n";
        } else {
            stage_ +=
                "            const int q = q_tile + 64 * kWarpgroups - 1;\n"
                "            const int key = first_key + i;\n";
        }
        stage_ +=
            cat(point.lines, "            fx_stage(slot + ", offset, " + ", size, " * i, ",
                flag ? cat("static_cast<int>(", value, ")") : value, ");\n        }\n        }\n");
    }
    std::string read = by_column      ? cat(name("g_", v), ".at[", scope.e, "]")
                       : scope.r == 0 ? cat(name("d_", v), "_", scope.e)
                                      : cat(name("d_", v), "_", scope.e, "b");
    return flag ? cat("(", read, " != 0)") : read;
}

FunctionText FunctionEmitter::mask() {
    for (int e = 0; e < 2; ++e) {
        for (int r = 0; r < 2; ++r) {
            Scope& scope = element_[e][r];
            const std::string keep = get(scope, f_.results[0].value);
            scope.lines += cat("            const bool keep_", e, r, " = ", keep, ";\n");
        }
    }
    return finish(false);
}

FunctionText FunctionEmitter::finish(bool score) {
    FunctionText text;
    if (score && !row_terms_[0].empty()) {
        text.row_term = true;
        for (int r = 0; r < 2; ++r) {
            std::string sum;
            for (const std::string& term : row_terms_[r]) sum += sum.empty() ? term : " + " + term;
            add_member(cat("row_term_", r), "float", sum);
        }
    }
    text.members = member_lines_;
    text.tile = tile_.lines;
    text.rows = row_[0].lines + row_[1].lines;
    text.assign = assign_lines_;
    text.call = call_.lines;
    text.begin = begin_;
    for (int e = 0; e < 2; ++e) text.loop += column_[e].lines;
    for (int e = 0; e < 2; ++e) {
        for (int r = 0; r < 2; ++r) text.loop += element_[e][r].lines;
    }
    text.end = end_;
    text.stage = stage_;
    return text;
}

}  // namespace flexion::cuda
