// SPDX-License-Identifier: Apache-2.0
#include "cli/spec.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include <flexion/error.h>
#include <flexion/masks.h>
#include <flexion/scores.h>

#include "ir/text.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

using Numbers = std::vector<double>;

// One sequence for all runs: results of different days and machines stay comparable.
constexpr std::uint64_t kSeed = 20241;

std::vector<float> normal(std::int64_t count, float deviation) {
    std::mt19937_64 random(kSeed);
    std::normal_distribution<float> distribution(0, deviation);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = distribution(random);
    return values;
}

/// Press, Smith, Lewis, "Train Short, Test Long", 2021, for any number of heads.
std::vector<float> alibi_slopes(std::int64_t heads) {
    std::vector<float> slopes(static_cast<std::size_t>(heads));
    for (std::int64_t h = 0; h < heads; ++h) {
        slopes[static_cast<std::size_t>(h)] = static_cast<float>(
            std::exp2(-8.0 * static_cast<double>(h + 1) / static_cast<double>(heads)));
    }
    return slopes;
}

std::vector<std::int32_t> documents(std::int64_t length, std::int64_t count) {
    std::mt19937_64 random(kSeed);
    std::vector<std::int64_t> starts(
        static_cast<std::size_t>(std::max<std::int64_t>(count - 1, 0)));
    for (std::int64_t& start : starts) {
        start = std::uniform_int_distribution<std::int64_t>(
            1, std::max<std::int64_t>(length - 1, 1))(random);
    }
    std::sort(starts.begin(), starts.end());
    std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
    std::size_t next = 0;
    for (std::int64_t i = 0; i < length; ++i) {
        while (next < starts.size() && starts[next] <= i) ++next;
        ids[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(next);
    }
    return ids;
}

ScoreMod head_bias(SpecScope& scope) {
    const Buffer bias = scope.floats(normal(scope.heads, 1), {scope.heads});
    return score_mod([bias](Expr s, Expr, Expr h, Expr, Expr) { return s + bias[h]; });
}
ScoreMod key_bias(SpecScope& scope) {
    const Buffer bias =
        scope.floats(normal(scope.heads * scope.kv_len, 1), {scope.heads, scope.kv_len});
    return score_mod([bias](Expr s, Expr, Expr h, Expr, Expr k) { return s + bias[h][k]; });
}
ScoreMod dense_bias(SpecScope& scope) {
    const Buffer bias =
        scope.floats(normal(scope.q_len * scope.kv_len, 1), {scope.q_len, scope.kv_len});
    return score_mod([bias](Expr s, Expr, Expr, Expr q, Expr k) { return s + bias[q][k]; });
}

std::int64_t integer(double number) {
    if (number != std::floor(number) || std::abs(number) > 1e15) {
        fail<UserError>("flexion: got {}; expected a whole number", number);
    }
    return static_cast<std::int64_t>(number);
}

template <class Mod>
struct NamedMod {
    const char* name;
    const char* parameters;  // "W,P", "": none
    const char* help;
    Mod (*make)(SpecScope& scope, const Numbers& n);
    std::size_t arity() const {
        const std::string text = parameters;
        return text.empty()
                   ? 0
                   : 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
    }
};

const NamedMod<ScoreMod> kScores[] = {
#define FLEXION_MASK_NAME(...)
#define FLEXION_SCORE_NAME(name, parameters, help, ...)                                     \
    {#name, parameters, help,                                                               \
     []([[maybe_unused]] SpecScope& scope, [[maybe_unused]] const Numbers& n) -> ScoreMod { \
         return __VA_ARGS__;                                                                \
     }},
#include "cli/spec_names.def"
#undef FLEXION_SCORE_NAME
#undef FLEXION_MASK_NAME
};
const NamedMod<MaskMod> kMasks[] = {
#define FLEXION_SCORE_NAME(...)
#define FLEXION_MASK_NAME(name, parameters, help, ...)                                     \
    {#name, parameters, help,                                                              \
     []([[maybe_unused]] SpecScope& scope, [[maybe_unused]] const Numbers& n) -> MaskMod { \
         return __VA_ARGS__;                                                               \
     }},
#include "cli/spec_names.def"
#undef FLEXION_SCORE_NAME
#undef FLEXION_MASK_NAME
};

template <class Mod>
const auto& table() {
    if constexpr (std::is_same_v<Mod, ScoreMod>) {
        return kScores;
    } else {
        return kMasks;
    }
}

template <class Mod>
std::vector<SpecName> names() {
    std::vector<SpecName> result;
    for (const NamedMod<Mod>& row : table<Mod>()) {
        result.push_back(
            {row.name + (row.arity() ? ":" + std::string(row.parameters) : ""), row.help});
    }
    return result;
}

/// Buffers and scalars of a file's function, by name.
Captures captures_of(const ir::Function& f, const SpecScope& scope, const std::string& path) {
    Captures captures;
    for (const ir::BufferParameter& buffer : f.buffers) {
        const auto found = scope.arrays.find(buffer.name);
        if (found != scope.arrays.end()) {
            captures.buffers.push_back(found->second);
        } else if (scope.bind_missing) {
            TensorView empty;
            empty.dtype = buffer.dtype;
            empty.rank = buffer.rank;
            captures.buffers.push_back(empty);
        } else {
            fail<UserError>(
                "{}: buffer @{} is not bound; give an array of that name (`flexion run` takes them "
                "from "
                "its file)",
                path, buffer.name);
        }
    }
    for (std::size_t i = static_cast<std::size_t>(f.builtin_parameters()); i < f.parameters.size();
         ++i) {
        const auto found = scope.numbers.find(f.parameters[i].name);
        if (found == scope.numbers.end() && !scope.bind_missing) {
            fail<UserError>("{}: scalar %{} is not bound; give --set {}=NUMBER", path,
                            f.parameters[i].name, f.parameters[i].name);
        }
        const double number = found == scope.numbers.end() ? 0 : found->second;
        captures.scalars.push_back(ir::is_float(f.parameters[i].type)
                                       ? ScalarValue{false, 0, number}
                                       : ScalarValue{true, integer(number), 0});
    }
    return captures;
}

template <class Mod>
Mod from_file(const std::string& path, const SpecScope& scope) {
    std::ifstream file(path);
    if (!file) fail<UserError>("flexion: cannot read {}", path);
    std::stringstream text;
    text << file.rdbuf();
    return Mod::from_text(text.str(), captures_of(ir::parse(text.str()), scope, path));
}

template <class Mod>
class Parser {
public:
    Parser(const std::string& text, SpecScope& scope) : text_(text), scope_(scope) {}

    Mod parse() {
        Mod mod = union_of();
        if (at_ != text_.size()) error("an operator");
        return mod;
    }

private:
    [[noreturn]] void error(const char* expected) const {
        fail<UserError>("SPEC '{}', character {}: expected {}; known names: {}", text_, at_ + 1,
                        expected, known());
    }
    static std::string known() {
        std::string list;
        for (const SpecName& name : names<Mod>()) list += (list.empty() ? "" : ", ") + name.usage;
        return list;
    }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    Mod union_of() {
        Mod mod = chain();
        while (take('|')) {
            if constexpr (std::is_same_v<Mod, MaskMod>) {
                mod = mod | chain();
            } else {
                --at_;
                error("& (score mods are applied one after the other)");
            }
        }
        return mod;
    }
    Mod chain() {
        Mod mod = factor();
        while (take('&')) {
            Mod next = factor();
            if constexpr (std::is_same_v<Mod, MaskMod>) {
                mod = mod & next;
            } else {
                mod = mod ? (next ? compose(next, mod) : mod) : next;
            }
        }
        return mod;
    }
    Mod factor() {
        if (take('(')) {
            Mod mod = union_of();
            if (!take(')')) error("a )");
            return mod;
        }
        if constexpr (std::is_same_v<Mod, MaskMod>) {
            if (take('~')) return ~factor();
        }
        const std::size_t begin = at_;
        while (at_ < text_.size() && !std::strchr("&|()~:", text_[at_])) ++at_;
        const std::string name = text_.substr(begin, at_ - begin);
        if (name.ends_with(".flex")) return from_file<Mod>(name, scope_);
        if (name == "none") return {};
        for (const NamedMod<Mod>& row : table<Mod>()) {
            if (name == row.name) return row.make(scope_, numbers(row));
        }
        at_ = begin;
        error(std::is_same_v<Mod, MaskMod> ? "the name of a mask" : "the name of a score mod");
    }
    Numbers numbers(const NamedMod<Mod>& row) {
        Numbers result;
        if (take(':')) {
            do {
                double number = 0;
                const char* first = text_.data() + at_;
                const auto [end, failed] =
                    std::from_chars(first, text_.data() + text_.size(), number);
                if (failed != std::errc{}) error("a number");
                at_ += static_cast<std::size_t>(end - first);
                result.push_back(number);
            } while (take(','));
        }
        if (result.size() != row.arity()) {
            fail<UserError>("SPEC '{}': {} takes {} numbers ({}{}{}), got {}", text_, row.name,
                            row.arity(), row.name, row.arity() ? ":" : "", row.parameters,
                            result.size());
        }
        return result;
    }

    const std::string& text_;
    SpecScope& scope_;
    std::size_t at_ = 0;
};

}  // namespace

Buffer SpecScope::floats(std::vector<float> values, std::vector<std::int64_t> shape) {
    const std::vector<float>& kept = floats_.emplace_back(std::move(values));
    TensorView view = TensorView::dense(kept.data(), DType::f32, {});
    view.rank = static_cast<int>(shape.size());
    std::int64_t stride = 1;
    for (int i = view.rank - 1; i >= 0; --i) {
        const auto at = static_cast<std::size_t>(i);
        view.shape[at] = shape[at];
        view.strides[at] = stride;
        stride *= shape[at];
    }
    return buffer(view);
}

Buffer SpecScope::integers(std::vector<std::int32_t> values) {
    const std::vector<std::int32_t>& kept = integers_.emplace_back(std::move(values));
    return buffer(
        TensorView::dense(kept.data(), DType::i32, {static_cast<std::int64_t>(kept.size())}));
}

ScoreMod score_from_spec(const std::string& text, SpecScope& scope) {
    return text.empty() ? ScoreMod() : Parser<ScoreMod>(text, scope).parse();
}
MaskMod mask_from_spec(const std::string& text, SpecScope& scope) {
    return text.empty() ? MaskMod() : Parser<MaskMod>(text, scope).parse();
}

bool names_mask(const std::string& text) {
    const std::size_t begin = text.find_first_not_of("(~");
    if (begin == std::string::npos) return false;
    const std::string name = text.substr(begin, text.find_first_of("&|():", begin) - begin);
    if (name.ends_with(".flex")) {
        std::ifstream file(name);
        if (!file) fail<UserError>("flexion: cannot read {}", name);
        std::stringstream content;
        content << file.rdbuf();
        return ir::parse(content.str()).role == ir::Role::mask_mod;
    }
    return std::any_of(std::begin(kMasks), std::end(kMasks),
                       [&](const NamedMod<MaskMod>& row) { return name == row.name; });
}

std::vector<SpecName> score_names() { return names<ScoreMod>(); }
std::vector<SpecName> mask_names() { return names<MaskMod>(); }

}  // namespace flexion::cli
