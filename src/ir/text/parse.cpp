// SPDX-License-Identifier: Apache-2.0
// Reads functions from text. Takes any bytes: every refusal is a UserError that quotes the line,
// and time and memory are linear in the text.
#include <bit>
#include <charconv>
#include <cmath>
#include <string>
#include <unordered_map>

#include <flexion/error.h>

#include "ir/op.h"
#include "ir/text.h"
#include "support/dtype.h"
#include "support/fail.h"

namespace flexion::ir {
namespace {

constexpr std::string_view kMagic = "flexion.ir";

std::optional<Type> find_type(std::string_view name) {
    for (const Type type : {Type::f32, Type::f64, Type::i32, Type::i64, Type::boolean}) {
        if (name == name_of(type)) return type;
    }
    return std::nullopt;
}

template <class Real, class Bits>
std::optional<Bits> real_bits(std::string_view text) {
    constexpr Bits kQuietNan = sizeof(Bits) == 4 ? Bits{0x7fc00000} : Bits(0x7ff8000000000000);
    if (text == "nan") return kQuietNan;
    if (text == "inf") return std::bit_cast<Bits>(std::numeric_limits<Real>::infinity());
    if (text == "-inf") return std::bit_cast<Bits>(-std::numeric_limits<Real>::infinity());
    const char* const end = text.data() + text.size();
    if (text.starts_with("nan:0x")) {
        Bits bits{};
        const auto [stop, error] = std::from_chars(text.data() + 6, end, bits, 16);
        if (error != std::errc{} || stop != end || !std::isnan(std::bit_cast<Real>(bits))) {
            return std::nullopt;
        }
        return bits;
    }
    // from_chars would take further spellings of infinity and NaN.
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    if (first >= text.size() || text[first] < '0' || text[first] > '9') return std::nullopt;
    Real value{};
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return std::bit_cast<Bits>(value);
}

template <class Integer>
std::optional<std::uint64_t> integer_bits(std::string_view text) {
    Integer value{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<Integer>>(value));
}

std::optional<std::uint64_t> constant_bits(std::string_view text, Type type) {
    switch (type) {
        case Type::f32:
            return real_bits<float, std::uint32_t>(text);
        case Type::f64:
            return real_bits<double, std::uint64_t>(text);
        case Type::i32:
            return integer_bits<std::int32_t>(text);
        case Type::i64:
            return integer_bits<std::int64_t>(text);
        case Type::boolean:
            if (text == "true") return 1;
            if (text == "false") return 0;
            return std::nullopt;
    }
    return std::nullopt;
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Function run() {
        if (text_.size() > kMaxTextBytes) {
            flexion::fail<UserError>(
                "flexion::ir::parse: the text has {} bytes; at most {} are read", text_.size(),
                kMaxTextBytes);
        }
        version();
        header();
        while (!take_word("return")) instruction();
        do result();
        while (take(','));
        expect('}');
        skip();
        if (at_ < text_.size()) fail("expected the end of the text behind `}`");
        verify(f_, "flexion::ir::parse");
        return std::move(f_);
    }

private:
    // ---- characters ----
    [[noreturn]] void fail(const std::string& what) const { fail_at(at_, what); }

    [[noreturn]] void fail_at(std::size_t at, const std::string& what) const {
        at = std::min(at, text_.size());
        std::size_t begin = at;
        while (begin > 0 && text_[begin - 1] != '\n') --begin;
        std::size_t end = at;
        while (end < text_.size() && text_[end] != '\n') ++end;
        std::size_t number = 1;
        for (std::size_t i = 0; i < begin; ++i) number += text_[i] == '\n' ? 1 : 0;
        constexpr std::size_t kMostQuoted = 120;
        std::string line;
        for (const char c : text_.substr(begin, std::min(end - begin, kMostQuoted))) {
            line += c >= ' ' && c <= '~' ? c : '?';
        }
        if (end - begin > kMostQuoted) line += "...";
        flexion::fail<UserError>("flexion::ir::parse: line {}: `{}`: {}", number, line, what);
    }

    /// Blanks, line ends and comments.
    void skip() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
                ++at_;
            } else {
                return;
            }
        }
    }

    bool take(char c) {
        skip();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    void expect(char c) {
        if (!take(c)) fail(formatted("expected `{}`", c));
    }

    static bool in_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    }

    /// A run of letters, digits and underscores; may be empty.
    std::string_view word() {
        skip();
        return glued_word();
    }

    std::string_view glued_word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && in_word(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }

    bool take_word(std::string_view expected) {
        skip();
        const std::size_t begin = at_;
        if (glued_word() == expected) return true;
        at_ = begin;
        return false;
    }

    std::string_view name(const char* what) {
        const std::string_view text = word();
        if (!is_name(text)) {
            fail_at(at_ - text.size(),
                    formatted("expected the name of a {}: a letter or _, then at "
                              "most {} letters, digits and _",
                              what, kMaxNameBytes - 1));
        }
        return text;
    }

    // ---- the header ----
    void version() {
        skip();
        if (text_.substr(at_, kMagic.size()) != kMagic) {
            fail(formatted("expected `{} {}`", kMagic, kTextVersion));
        }
        at_ += kMagic.size();
        const std::string_view digits = word();
        unsigned number = 0;
        const auto [stop, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (stop != digits.data() + digits.size() || error == std::errc::invalid_argument ||
            (error == std::errc{} && number == 0)) {
            fail(formatted("expected a version, `{} {}`", kMagic, kTextVersion));
        }
        if (error == std::errc::result_out_of_range || number > kTextVersion) {
            fail(
                formatted("this text is of version {}; this library reads up to {}: use a newer "
                          "Flexion",
                          digits, kTextVersion));
        }
    }

    void header() {
        if (take_word("score_mod")) {
            f_.role = Role::score_mod;
        } else if (take_word("mask_mod")) {
            f_.role = Role::mask_mod;
        } else {
            fail("expected `score_mod` or `mask_mod`");
        }
        f_.name = name("function");
        expect('(');
        if (!take(')')) {
            do declaration();
            while (take(','));
            expect(')');
        }
        expect('{');
    }

    void declaration() {
        if (take('@')) {
            BufferParameter buffer;
            const std::size_t begin = at_;
            const std::string_view text = name("buffer");
            buffer.name = text;
            if (!buffers_.emplace(text, static_cast<int>(f_.buffers.size())).second) {
                fail_at(begin, formatted("@{} is declared twice", text));
            }
            expect(':');
            const std::string_view dtype = word();
            const auto known = find_dtype(dtype);
            if (!known) {
                fail_at(at_ - dtype.size(),
                        "expected a dtype: f32 f64 bf16 f16 i64 i32 i16 i8 u8 bool");
            }
            buffer.dtype = *known;
            expect('[');
            if (!take(']')) {
                do {
                    expect('?');
                    if (++buffer.rank > kMaxRank) {
                        fail(formatted("buffers have at most {} dimensions", kMaxRank));
                    }
                } while (take(','));
                expect(']');
            }
            if (f_.buffers.size() >= kMaxBuffers) fail("too many buffers");
            f_.buffers.push_back(std::move(buffer));
        } else {
            expect('%');
            if (!f_.buffers.empty()) fail("parameters are declared before buffers");
            Parameter parameter;
            const std::size_t begin = at_;
            const std::string_view text = name("parameter");
            parameter.name = text;
            define(text, begin);
            expect(':');
            parameter.type = type();
            if (f_.parameters.size() >= kMaxParameters) fail("too many parameters");
            f_.insts.push_back({.op = Op::parameter,
                                .type = parameter.type,
                                .index = static_cast<std::uint16_t>(f_.parameters.size())});
            f_.parameters.push_back(std::move(parameter));
        }
    }

    Type type() {
        const std::string_view text = word();
        const auto known = find_type(text);
        if (!known) fail_at(at_ - text.size(), "expected a type: f32 f64 i32 i64 bool");
        return *known;
    }

    // ---- values ----
    void define(std::string_view value, std::size_t at) {
        if (!values_.emplace(value, static_cast<Value>(f_.insts.size())).second) {
            fail_at(at, formatted("%{} is defined twice", value));
        }
    }

    Value value() {
        expect('%');
        const std::size_t begin = at_;
        const std::string_view text = glued_word();
        const auto found = values_.find(text);
        if (text.empty() || found == values_.end()) {
            fail_at(begin, formatted("%{} is used before its definition", text.substr(0, 40)));
        }
        return found->second;
    }

    int buffer() {
        expect('@');
        const std::size_t begin = at_;
        const std::string_view text = glued_word();
        const auto found = buffers_.find(text);
        if (found == buffers_.end()) {
            fail_at(begin, formatted("@{} is not declared", text.substr(0, 40)));
        }
        return found->second;
    }

    // ---- the body ----
    void instruction() {
        skip();
        if (f_.insts.size() >= kMaxInstructions) {
            fail(formatted("more than {} instructions", kMaxInstructions));
        }
        if (at_ >= text_.size() || text_[at_] != '%') fail("expected `%name = ...` or `return`");
        ++at_;
        const std::size_t begin = at_;
        const std::string_view target = glued_word();
        if (target.empty() || target.size() > kMaxNameBytes)
            fail_at(begin, "expected a value's name");
        expect('=');
        const std::string_view op_name = word();
        const std::size_t op_at = at_ - op_name.size();
        std::optional<Type> suffix;
        if (at_ < text_.size() && text_[at_] == '.') {
            ++at_;
            suffix = type();
        }
        Inst inst;
        if (op_name == "constant") {
            inst = constant(suffix, op_at);
        } else if (op_name == "load") {
            inst = load(suffix, op_at);
        } else if (const auto op = find_op(op_name)) {
            inst = table_op(*op, suffix, op_at);
        } else {
            fail_at(op_at, formatted("there is no op `{}`", op_name.substr(0, 40)));
        }
        define(target, begin);
        f_.insts.push_back(inst);
    }

    Inst constant(std::optional<Type> type, std::size_t at) {
        if (!type) fail_at(at, "expected a type: `constant.f32 1.5`");
        skip();
        const std::size_t begin = at_;
        while (at_ < text_.size() &&
               (in_word(text_[at_]) || text_[at_] == '.' || text_[at_] == '-' ||
                text_[at_] == '+' || text_[at_] == ':')) {
            ++at_;
        }
        const std::string_view digits = text_.substr(begin, at_ - begin);
        const auto bits = constant_bits(digits, *type);
        if (!bits) {
            fail_at(begin,
                    formatted("`{}` is not a {} in range", digits.substr(0, 40), name_of(*type)));
        }
        return {.op = Op::constant, .type = *type, .bits = *bits};
    }

    Inst load(std::optional<Type> suffix, std::size_t at) {
        if (suffix) fail_at(at, "a load takes its type from the buffer: write `load @name[...]`");
        Inst inst{.op = Op::load};
        inst.index = static_cast<std::uint16_t>(buffer());
        inst.type = loaded_type(f_.buffers[inst.index].dtype);
        expect('[');
        if (!take(']')) {
            do operand(inst);
            while (take(','));
            expect(']');
        }
        return inst;
    }

    void operand(Inst& inst) {
        if (inst.count == kMaxRank) fail(formatted("more than {} operands", kMaxRank));
        inst.args[inst.count++] = value();
    }

    Inst table_op(Op op, std::optional<Type> suffix, std::size_t at) {
        const OpInfo& row = info(op);
        Inst inst{.op = op};
        do operand(inst);
        while (take(','));
        std::array<Type, kMaxRank> types{};
        std::string given;
        for (int i = 0; i < inst.count; ++i) {
            types[i] = f_.insts[inst.args[i]].type;
            given += (i == 0 ? "" : ", ") + std::string(name_of(types[i]));
        }
        if (inst.count != row.arity) {
            fail_at(at, formatted("{} takes {} operands, got {}", row.name, row.arity, inst.count));
        }
        if (op == Op::cast && !suffix) fail_at(at, "expected a type: `cast.f32 %x`");
        const auto result = result_type(op, {types.data(), inst.count}, suffix.value_or(Type::f32));
        if (!result) {
            fail_at(at, formatted("{} does not take ({}); expected {}", row.name, given,
                                  describe(row.signature)));
        }
        const Type operands = types[inst.count - 1];
        const Type written =
            suffix.value_or(row.signature == Signature::logical ? Type::boolean : Type::f32);
        if (op != Op::cast && written != operands) {
            fail_at(at, formatted("the operands are {}: write `{}.{}`", name_of(operands), row.name,
                                  name_of(operands)));
        }
        inst.type = *result;
        return inst;
    }

    void result() {
        if (f_.results.size() >= kMaxResults) fail("too many results");
        Result result;
        skip();
        if (at_ < text_.size() && text_[at_] == '@') {
            result.buffer = buffer();
            expect('[');
            if (!take(']')) {
                do {
                    if (result.indices.size() == kMaxRank) fail("too many indices");
                    result.indices.push_back(value());
                } while (take(','));
                expect(']');
            }
            expect(':');
        }
        result.value = value();
        f_.results.push_back(std::move(result));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Function f_;
    // Keys point into text_.
    std::unordered_map<std::string_view, Value> values_;
    std::unordered_map<std::string_view, int> buffers_;
};

}  // namespace

Function parse(std::string_view text) { return Parser(text).run(); }

}  // namespace flexion::ir
