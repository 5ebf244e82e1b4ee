// SPDX-License-Identifier: Apache-2.0
// Reads the rules' texts once.
#include "passes/simplify/pattern.h"

#include <bit>
#include <cctype>
#include <charconv>
#include <string>

#include <flexion/error.h>

#include "ir/op.h"

namespace flexion::passes {
namespace {

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}
    Pattern whole() {
        Pattern p = pattern();
        if (at_ != text_.size()) fail();
        return p;
    }

private:
    [[noreturn]] void fail() const {
        throw InternalError("simplification rule: " + std::string(text_));
    }
    void blanks() {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    bool accept(char c) {
        blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string_view word() {
        blanks();
        const std::size_t start = at_;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                      text_[at_] == '_' || text_[at_] == '-'))
            ++at_;
        return text_.substr(start, at_ - start);
    }
    Pattern pattern() {
        const std::string_view name = word();
        Pattern p;
        if (name == "true" || name == "false") {
            p.kind = Pattern::Kind::literal;
            p.literal = name == "true";
        } else if (name.size() == 1 && Match::kNames.find(name[0]) != std::string_view::npos) {
            if (accept(':')) p = pattern();
            p.name = name[0];
        } else if (accept('(')) {
            p.kind = name == "exponent" ? Pattern::Kind::exponent : Pattern::Kind::op;
            const auto op = ir::find_op(name);
            if (op) p.op = *op;
            if (!op && p.kind == Pattern::Kind::op) fail();
            do p.args.push_back(pattern());
            while (accept(','));
            if (!accept(')')) fail();
        } else {
            p.kind = Pattern::Kind::literal;
            const auto [end, error] =
                std::from_chars(name.data(), name.data() + name.size(), p.literal);
            if (error != std::errc() || end != name.data() + name.size()) fail();
        }
        return p;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

std::vector<std::vector<ParsedRule>> parse_all() {
    std::vector<std::vector<ParsedRule>> by_op(ir::op_count());
    for (const Rule& rule : simplification_rules()) {
        Pattern from = parse_pattern(rule.from);
        const auto op = static_cast<std::size_t>(from.op);
        by_op[op].push_back({&rule, std::move(from), parse_pattern(rule.to)});
    }
    return by_op;
}

}  // namespace

std::uint64_t Pattern::bits(ir::Type type) const {
    switch (type) {
        case ir::Type::f32:
            return std::bit_cast<std::uint32_t>(static_cast<float>(literal));
        case ir::Type::f64:
            return std::bit_cast<std::uint64_t>(literal);
        case ir::Type::i32:
            return static_cast<std::uint32_t>(static_cast<std::int32_t>(literal));
        default:
            return static_cast<std::uint64_t>(static_cast<std::int64_t>(literal));
    }
}

Pattern parse_pattern(std::string_view text) { return Reader(text).whole(); }

const std::vector<ParsedRule>& rules_for(ir::Op op) {
    static const std::vector<std::vector<ParsedRule>> by_op = parse_all();
    return by_op[static_cast<std::size_t>(op)];
}

}  // namespace flexion::passes
