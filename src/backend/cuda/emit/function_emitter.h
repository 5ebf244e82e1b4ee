// SPDX-License-Identifier: Apache-2.0
// Writes one function of the IR as CUDA C++ over a fragment of scores, every value at the outermost
// level that it is constant at (axes.h):
//   tile, row     once per tile of queries, in Mod's constructor; what the hooks need is a member
//   call          once per fragment: linear forms at the fragment's first element
//   column        for each of the two columns of a group of eight, shared by both rows
//   element       for each score
// and columns or distances that cost more than a few instructions by the stagers, in shared memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/emit/axes.h"
#include "backend/cuda/emit/schedule.h"
#include "ir/function.h"

namespace flexion::cuda {

/// Where a function's captures lie in Captures::word: per buffer of rank r the data pointer, r
/// extents and r strides; then the scalars.
struct CaptureWords {
    std::vector<int> buffers;  ///< first word of each
    std::vector<int> scalars;
    int end = 0;
};
CaptureWords capture_words_of(const ir::Function& f, int first);

/// The text of one function, to be put into Mod.
struct FunctionText {
    std::string members;
    std::string tile;    ///< constructor: once per tile
    std::string rows;    ///< constructor: for both rows, after `tile`
    std::string assign;  ///< constructor: members, last
    std::string call;    ///< hook, before the loop over j
    std::string begin;   ///< in the loop over groups of eight columns
    std::string loop;
    std::string end;
    std::string scores;          ///< score: after `loop`, s becomes the scores
    std::string exponents;       ///< or s becomes what 2 is raised to, x * unit + away, after
    std::string exponents_call;  ///< these lines before the loop
    bool one_offset = false;     ///< both rows take away the same
    std::string stage;
    std::string unit;        ///< score: 2^(x * unit) is the exponential of the score, and
    std::string natural;     ///< x * natural the score itself, but for the row term
    bool low_scores = true;  ///< score: finite scores may be as low as the lowest float
    bool row_term =
        false;  ///< score: members row_term_0 and row_term_1 hold what was left out of x
};

class FunctionEmitter {
public:
    /// `first_load`: position of the function's loads in plan::Problem::assumptions. `staged`
    /// grows.
    FunctionEmitter(const ir::Function& f, CaptureWords words, std::uint64_t assumptions,
                    int first_load, StagedBytes& staged, DType dtype);

    /// Replaces s by the score, or by what has the same softmax. `general_scale`: the scale may be
    /// zero or negative.
    FunctionText score(bool general_scale);
    /// Defines `keep_<e><r>`, whether the mask leaves the element.
    FunctionText mask();

private:
    enum class Level : std::uint8_t { tile, row, call, column, element, stage_tile, stage_point };
    struct Scope {
        Level level;
        int r = 0, e = 0;
        std::string lines{};
        std::map<ir::Value, std::string> names{};
    };
    struct Factor {
        ir::Value value;
        bool inverse;
    };
    /// sign * product of factors * atom; kNoValue as atom: the score before the mod.
    struct Term {
        int sign = 1;
        std::vector<Factor> factors;
        ir::Value atom = ir::kNoValue;
    };

    const ir::Inst& inst(ir::Value v) const { return f_.insts[v]; }
    Axis axis(ir::Value v) const { return axes_.axis[v]; }
    bool is_score(ir::Value v) const;
    bool is_staged(ir::Value v) const;
    std::string name(const char* kind, ir::Value v) const;

    std::string get(Scope& scope, ir::Value v);
    std::string compute(Scope& scope, ir::Value v);
    std::string member(ir::Value v, int r);
    std::string add_member(const std::string& name, const char* type, const std::string& value);
    std::string base(ir::Value v);
    std::string step(ir::Value v, const Scope& scope) const;
    std::string staged_name(const Scope& scope, ir::Value v);
    std::string load(Scope& scope, ir::Value v);
    bool comparison(Scope& scope, ir::Value v, std::string& text);
    bool is_limit_side(ir::Value v) const;

    bool collect(ir::Value v, Term term, std::vector<Term>& terms) const;
    bool uniform_factors(const Term& term) const;
    std::string product(Scope& scope, const Term& term);
    std::string factor(const Term& term, int r);
    /// The linear form of `v` in the score as text at an element; `top`: terms of the row alone go
    /// to the row term. False where it has none.
    bool linear_score(Scope& scope, ir::Value v, bool top, int flip, std::string& text);
    void add_row_term(const std::string& value_0, const std::string& value_1);
    /// The exponent in one multiply-add of the raw product, of the element that linear_score(top)
    /// was last asked for; "" where its terms do not allow it.
    std::string linear_exponent(ir::Value v, int e, int r, FunctionText& text);
    FunctionText finish(bool score);

    const ir::Function& f_;
    passes::Facts facts_;
    Axes axes_;
    CaptureWords words_;
    std::uint64_t assumptions_;
    std::map<ir::Value, int> load_number_;
    StagedBytes& staged_;
    char tag_;
    const char* functions_;  // namespace of the forms of exp, exp2, tanh and sigmoid

    Scope tile_{Level::tile}, call_{Level::call};
    Scope row_[2] = {{Level::row, 0}, {Level::row, 1}};
    Scope column_[2] = {{Level::column, 0, 0}, {Level::column, 0, 1}};
    Scope element_[2][2] = {{{Level::element, 0, 0}, {Level::element, 1, 0}},
                            {{Level::element, 0, 1}, {Level::element, 1, 1}}};  // [e][r]
    std::map<std::string, std::string> members_;  // name -> type, in use
    std::string member_lines_, assign_lines_, begin_, end_, stage_;
    std::vector<std::string> row_terms_[2];
    /// The last form of linear_score(top): coefficient * s, and what is added.
    struct Linear {
        int terms = 0;  // beside that, but for the row's
        std::string coefficient;
        std::string line, slope, step;  // a term line + slope * step
        std::string staged;             // or a staged one
    };
    Linear linear_;
    bool one_offset_;  // rows may take away the same from their exponents
    std::map<ir::Value, bool> staged_done_;
    std::string flip_;  // member that holds the sign moved into an odd function
    int synthetic_ = 0;
};

}  // namespace flexion::cuda
