// SPDX-License-Identifier: Apache-2.0
// Scores as linear forms of the raw product q.k: x = a * s + f, one FFMA each. The softmax does not
// change when a row's scores all move by the same amount, so what depends on the row alone is left
// out of x and put back into lse and max_scores.
#include <cmath>

#include "backend/cuda/emit/function_emitter.h"
#include "backend/cuda/emit/text.h"

namespace flexion::cuda {

bool FunctionEmitter::uniform_factors(const Term& term) const {
    for (const Factor& f : term.factors) {
        if (axis(f.value) != Axis::uniform) return false;
    }
    return true;
}

bool FunctionEmitter::collect(ir::Value v, Term term, std::vector<Term>& terms) const {
    const auto leaf = [&](ir::Value atom) {
        term.atom = atom;
        terms.push_back(term);
        return true;
    };
    if (is_score(v)) return leaf(ir::kNoValue);
    if (inst(v).type != ir::Type::f32) return false;
    if (axis(v) <= Axis::row || is_staged(v)) return leaf(v);
    const ir::Inst& i = inst(v);
    const auto with = [&](ir::Value factor, bool inverse) {
        Term scaled = term;
        scaled.factors.push_back({factor, inverse});
        return scaled;
    };
    Term negative = term;
    negative.sign = -term.sign;
    switch (i.op) {
        case ir::Op::add:
            return collect(i.args[0], term, terms) && collect(i.args[1], term, terms);
        case ir::Op::sub:
            return collect(i.args[0], term, terms) && collect(i.args[1], negative, terms);
        case ir::Op::neg:
            return collect(i.args[0], negative, terms);
        case ir::Op::mul:
            if (axis(i.args[0]) <= Axis::row) {
                return collect(i.args[1], with(i.args[0], false), terms);
            }
            if (axis(i.args[1]) <= Axis::row) {
                return collect(i.args[0], with(i.args[1], false), terms);
            }
            break;
        case ir::Op::div:
            if (axis(i.args[1]) <= Axis::row) {
                return collect(i.args[0], with(i.args[1], true), terms);
            }
            break;
        case ir::Op::fma:
            if (axis(i.args[0]) <= Axis::row) {
                return collect(i.args[1], with(i.args[0], false), terms) &&
                       collect(i.args[2], term, terms);
            }
            if (axis(i.args[1]) <= Axis::row) {
                return collect(i.args[0], with(i.args[1], false), terms) &&
                       collect(i.args[2], term, terms);
            }
            break;
        default:
            break;
    }
    return !axes_.on_score(v) && leaf(v);
}

// The product of a term's sign and factors, in the constructor; "" for 1.
std::string FunctionEmitter::product(Scope& scope, const Term& term) {
    std::string text;
    for (const Factor& f : term.factors) {
        const std::string value = get(scope, f.value);
        if (text.empty()) {
            text = f.inverse ? "1.0f / " + value : value;
        } else {
            text += (f.inverse ? " / " : " * ") + value;
        }
    }
    if (term.sign < 0) text = text.empty() ? "-1.0f" : "-(" + text + ")";
    return text;
}

// The same as a member.
std::string FunctionEmitter::factor(const Term& term, int r) {
    const bool per_row = !uniform_factors(term);
    const std::string value = product(per_row ? row_[r] : tile_, term);
    if (value.empty()) return "";
    if (term.factors.size() == 1 && term.sign > 0 && !term.factors[0].inverse) {
        const ir::Inst& only = inst(term.factors[0].value);
        return only.op == ir::Op::constant ? value : member(term.factors[0].value, r);
    }
    // The text of the product names the member, so equal products share one.
    for (const auto& [known, type] : members_) {
        if (type == "float " + value) return known;
    }
    const std::string name = cat("factor_", synthetic_++);
    add_member(name, "float", value);
    members_[name] = "float " + value;
    return name;
}

void FunctionEmitter::add_row_term(const std::string& value_0, const std::string& value_1) {
    row_terms_[0].push_back(value_0);
    row_terms_[1].push_back(value_1);
}

bool FunctionEmitter::linear_score(Scope& scope, ir::Value v, bool top, int flip,
                                   std::string& text) {
    std::vector<Term> terms;
    linear_ = {};
    if (!collect(v, Term{}, terms)) return false;
    const int e = scope.e, r = scope.r;
    const bool first = e == 0 && r == 0;
    const std::string flipped = flip < 0 ? " * " + flip_ : "";

    // Coefficient of the raw score.
    std::string a[2];
    bool per_row = false;
    for (const Term& term : terms) {
        per_row |= term.atom == ir::kNoValue && !uniform_factors(term);
    }
    for (int row = 0; row < (per_row ? 2 : 1); ++row) {
        for (const Term& term : terms) {
            if (term.atom != ir::kNoValue) continue;
            std::string one = product(per_row ? row_[row] : tile_, term);
            if (one.empty()) one = "1.0f";
            a[row] += a[row].empty() ? one : " + " + one;
        }
    }
    std::string coefficient;
    if (!a[0].empty()) {
        const int row = per_row ? r : 0;
        std::string member = cat("scale_", v);
        if (per_row) member += cat("_", row);
        coefficient = add_member(member, "float", cat("p.scale * (", a[row], ")", flipped));
    }
    linear_.coefficient = coefficient;

    // What is added: one sum per column, one per element.
    std::string column_sum, element_sum;
    const auto plus = [](std::string& sum, const std::string& value) {
        sum = sum.empty() ? value : cat("(", sum, ") + ", value);
    };
    for (const Term& term : terms) {
        if (term.atom == ir::kNoValue) continue;
        const ir::Inst& atom = inst(term.atom);
        const bool uniform = uniform_factors(term);
        if (axis(term.atom) <= Axis::row) {
            std::string at_row[2];
            for (int row = 0; row < 2; ++row) {
                at_row[row] = get(row_[row], term.atom);
                const std::string scale = product(row_[row], term);
                if (!scale.empty()) at_row[row] = cat(scale, " * ", at_row[row]);
            }
            if (top) {
                if (first) add_row_term(at_row[0], at_row[1]);
                continue;
            }
            const std::string member = cat("term_", v, "_", term.atom, "_", r);
            plus(element_sum, add_member(member, "float", cat("(", at_row[r], ")", flipped)));
            continue;
        }
        ++linear_.terms;
        std::string scale = factor(term, r);
        if (!flipped.empty()) {
            scale =
                scale.empty() ? flip_ : add_member(cat("flip_", scale), "float", scale + flipped);
        }
        const bool distance =
            atom.op == ir::Op::cast && axes_.linear[atom.args[0]] && !axes_.on_score(term.atom);
        if (top && uniform && distance && facts_.affine[atom.args[0]].q != 0) {
            // u * (ck k + cq q + c): the column part counts queries from the tile's first, so that
            // its magnitude is that of the distance; the rest belongs to the row.
            const passes::Affine& form = facts_.affine[atom.args[0]];
            const std::string base_name = cat("line_", v, "_", term.atom);
            if (first) {
                const std::string away =
                    cat("(", member(f_.q(), 0), " - ", add_member("q_first", "int", "q_tile"), ")");
                call_.lines += cat("        const float ", base_name, " = ",
                                   scale.empty() ? "" : scale + " * ", "static_cast<float>(",
                                   base(atom.args[0]), " - ", form.q, " * ", away, ");\n");
                std::string at_row[2];
                for (int row = 0; row < 2; ++row) {
                    const std::string factor_text = product(row_[row], term);
                    at_row[row] =
                        cat(factor_text.empty() ? "" : factor_text + " * ", "static_cast<float>(",
                            form.q, " * (", get(row_[row], f_.q()), " - q_tile))");
                }
                add_row_term(at_row[0], at_row[1]);
            }
            const std::string offset = cat("static_cast<float>(", form.k, " * (8 * j + ", e, "))");
            linear_.line = base_name;
            linear_.slope = scale;
            linear_.step = offset;
            plus(column_sum, scale.empty()
                                 ? cat(base_name, " + ", offset)
                                 : cat("__fmaf_rn(", scale, ", ", offset, ", ", base_name, ")"));
            continue;
        }
        const bool in_column = uniform && axis(term.atom) == Axis::column;
        const std::string value = in_column ? get(column_[e], term.atom) : get(scope, term.atom);
        const std::string scaled = scale.empty() ? value : cat(scale, " * ", value);
        if (scale.empty() && is_staged(term.atom)) linear_.staged = value;
        plus(in_column ? column_sum : element_sum, scaled);
    }
    std::string sum = element_sum;
    if (!column_sum.empty()) {
        const std::string shared = cat("column_", v, "_", e);
        if (r == 0) {
            column_[e].lines += cat("            const float ", shared, " = ", column_sum, ";\n");
        }
        plus(sum, shared);
    }
    const std::string raw = cat("s[4 * j + ", 2 * r + e, "]");
    if (coefficient.empty()) {
        text = sum.empty() ? "0.0f" : sum;
    } else if (sum.empty()) {
        text = cat(raw, " * ", coefficient);
    } else {
        text = cat("__fmaf_rn(", raw, ", ", coefficient, ", ", sum, ")");
    }
    return true;
}

// log2 e goes into the factors. Where product and bias cancel, that leaves rounding errors of the
// bias; the product, a sum in float, has as large ones.
std::string FunctionEmitter::linear_exponent(ir::Value v, int e, int r, FunctionText& text) {
    const Linear& form = linear_;
    if (form.coefficient.empty() || form.terms > 1) return "";
    const std::string raw = cat("s[4 * j + ", 2 * r + e, "]");
    const bool line = !form.line.empty();
    if (form.terms == 1 && !line && form.staged.empty()) return "";
    const std::string factor =
        add_member(form.coefficient + "_unit", "float", form.coefficient + " * kLog2e");
    if (form.terms == 0) return cat("__fmaf_rn(", raw, ", ", factor, ", away_", r, ")");
    text.one_offset = one_offset_;
    const int row = one_offset_ ? 0 : r;
    std::string sum;
    if (line) {
        const std::string start = cat("start_", row);
        if (e == 0 && row == r) {
            text.exponents_call += cat("        const float ", start, " = __fmaf_rn(", form.line,
                                       ", kLog2e, away_", row, ");\n");
        }
        if (form.slope.empty()) {
            sum = cat(start, " + ", form.step, " * kLog2e");
        } else {
            const std::string rise = add_member(cat("rise_", v), "float", form.slope + " * kLog2e");
            sum = cat("__fmaf_rn(", rise, ", ", form.step, ", ", start, ")");
        }
    } else {
        sum = cat("__fmaf_rn(", form.staged, ", kLog2e, away_", row, ")");
    }
    return cat("__fmaf_rn(", raw, ", ", factor, ", ", sum, ")");
}

FunctionText FunctionEmitter::score(bool general_scale) {
    const ir::Value result = f_.results[0].value;
    std::vector<Term> terms;
    std::string unit = "kLog2e", natural = "1.0f";

    // s + row terms alone: nothing to do per element.
    bool plain = !general_scale && collect(result, Term{}, terms);
    int scores = 0;
    for (const Term& term : terms) {
        if (term.atom == ir::kNoValue) {
            ++scores;
            plain &= term.factors.empty() && term.sign > 0;
        } else {
            plain &= axis(term.atom) <= Axis::row;
        }
    }
    plain &= scores == 1;

    // u * tanh(y): the exponential's factor takes |u|, and tanh, being odd, takes the sign.
    ir::Value odd = ir::kNoValue, outer = ir::kNoValue;
    if (const ir::Inst& i = inst(result); i.op == ir::Op::mul) {
        for (int n = 0; n < 2; ++n) {
            std::vector<Term> inside;
            if (axis(i.args[n]) == Axis::uniform && inst(i.args[1 - n]).op == ir::Op::tanh &&
                collect(inst(i.args[1 - n]).args[0], Term{}, inside)) {
                odd = inst(i.args[1 - n]).args[0];
                outer = i.args[n];
            }
        }
    }
    if (odd != ir::kNoValue) {
        const std::string u = get(tile_, outer);
        flip_ = add_member("flip", "float", cat("copysignf(1.0f, ", u, ")"));
        // Not zero: a masked score is -inf, and 0 * -inf would be NaN.
        natural = cat("fmaxf(fabsf(", u, "), 1e-30f)");
        unit = "natural * kLog2e";
    } else if (plain) {
        natural = "p.scale";
        unit = "natural * kLog2e";
    }
    FunctionText forms;
    for (int e = 0; e < 2; ++e) {
        for (int r = 0; r < 2; ++r) {
            Scope& scope = element_[e][r];
            const std::string s = cat("s[4 * j + ", 2 * r + e, "]");
            std::string x, exponent;
            if (odd != ir::kNoValue) {
                linear_score(scope, odd, false, -1, x);
                x = cat(functions_, "fx_tanh(", x, ")");
            } else if (!linear_score(scope, result, true, 1, x)) {
                x = get(scope, result);
            } else if (!plain) {
                exponent = linear_exponent(result, e, r, forms);
            }
            if (plain) x = s;
            if (exponent.empty()) exponent = cat("__fmaf_rn(", x, ", unit, away_", r, ")");
            if (!plain) forms.scores += cat("            ", s, " = ", x, ";\n");
            forms.exponents += cat("            ", s, " = ", exponent, ";\n");
        }
    }
    FunctionText text = finish(true);
    if (plain) text.loop.clear();
    text.scores = forms.scores;
    text.exponents = forms.exponents;
    text.exponents_call = forms.exponents_call;
    text.one_offset = forms.one_offset;
    text.unit = unit;
    text.natural = natural;
    text.low_scores = !plain && odd == ir::kNoValue;
    return text;
}

}  // namespace flexion::cuda
