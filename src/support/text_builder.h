// SPDX-License-Identifier: Apache-2.0
// Text that grows line by line: what printers and emitters write into.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "support/format.h"

namespace flexion {

class TextBuilder {
public:
    /// Appends formatted text.
    template <class... T>
    TextBuilder& add(fmt::format_string<T...> text, T&&... args) {
        append_format(&text_, text, std::forward<T>(args)...);
        return *this;
    }
    /// Appends the indentation, formatted text and a newline.
    template <class... T>
    TextBuilder& line(fmt::format_string<T...> text, T&&... args) {
        text_.append(static_cast<std::size_t>(indent_), ' ');
        append_format(&text_, text, std::forward<T>(args)...);
        text_ += '\n';
        return *this;
    }
    /// Appends text as it is: braces mean nothing.
    TextBuilder& raw(std::string_view text) {
        text_ += text;
        return *this;
    }
    /// `text`, then `separator` before every call but the first since `first` was true.
    TextBuilder& separate(bool* first, std::string_view separator = ", ") {
        if (!std::exchange(*first, false)) text_ += separator;
        return *this;
    }

    /// Indents the lines of a scope: `const auto body = text.indent();`
    class Indent {
    public:
        Indent(TextBuilder* builder, int by) : builder_(builder), by_(by) {
            builder_->indent_ += by_;
        }
        ~Indent() { builder_->indent_ -= by_; }
        Indent(const Indent&) = delete;
        Indent& operator=(const Indent&) = delete;

    private:
        TextBuilder* builder_;
        int by_;
    };
    [[nodiscard]] Indent indent(int by = 2) { return Indent(this, by); }

    void reserve(std::size_t bytes) { text_.reserve(bytes); }
    const std::string& text() const { return text_; }
    std::string take() { return std::exchange(text_, {}); }

private:
    std::string text_;
    int indent_ = 0;
};

}  // namespace flexion
