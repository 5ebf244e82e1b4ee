// SPDX-License-Identifier: Apache-2.0
// Parses the rows of env.def and keeps the current settings.
#include "support/env.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "support/fail.h"
#include "support/log.h"

namespace flexion {
namespace {

enum class Kind { text, choice, integer, bytes, flag };

/// One row of env.def.
struct Row {
    const char* name;
    Kind kind;
    std::variant<std::string Settings::*, std::int64_t Settings::*, bool Settings::*> place;
    const char* help;
    std::vector<std::string> choices;

    /// The value in `settings`; T is the type that `kind` stands for.
    template <class T>
    T& in(Settings* settings) const {
        return settings->*std::get<T Settings::*>(place);
    }
};

template <class Place, class... Choice>
Row make_row(const char* name, Kind kind, Place place, const char* help, Choice... choices) {
    return {name, kind, place, help, {choices...}};
}

const std::vector<Row>& rows() {
    static const std::vector<Row> table = {
#define FLEXION_SETTING(kind, name, initial, ...) \
    make_row(#name, Kind::kind, &Settings::name, __VA_ARGS__),
#include "support/env.def"
#undef FLEXION_SETTING
    };
    return table;
}

std::string variable_of(const Row& row) {
    std::string variable = "FLEXION_";
    for (const char* c = row.name; *c != '\0'; ++c) {
        variable += *c >= 'a' && *c <= 'z' ? static_cast<char>(*c - 'a' + 'A') : *c;
    }
    return variable;
}

const Row& find_row(const char* where, std::string_view name) {
    std::string known;
    for (const Row& row : rows()) {
        if (row.name == name) return row;
        append_format(&known, "{}{}", known.empty() ? "" : ", ", row.name);
    }
    fail<UserError>("{}: there is no option \"{}\"; there are {}", where, name, known);
}

/// A whole number >= 0, for `bytes` with a suffix of 1024, 1024^2, ...; -1: not one.
std::int64_t parse_number(std::string_view text, bool suffixes) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || value < 0) return -1;
    if (rest == end) return value;
    const std::size_t power = std::string_view("KMGT").find(*rest);
    if (!suffixes || rest + 1 != end || power == std::string_view::npos) return -1;
    const int shift = 10 * (static_cast<int>(power) + 1);
    return value <= (INT64_MAX >> shift) ? value << shift : -1;
}

/// `who` is the variable or the option with its function.
void parse(const Row& row, std::string_view text, const std::string& who, Settings* settings) {
    const char* expected = nullptr;
    std::string list;
    switch (row.kind) {
        case Kind::text:
            if (row.name == std::string_view("log")) log_mask_of(text, who);  // checks the names
            row.in<std::string>(settings) = text;
            return;
        case Kind::choice:
            if (std::ranges::find(row.choices, text) != row.choices.end()) {
                row.in<std::string>(settings) = text;
                return;
            }
            for (const std::string& choice : row.choices) {
                append_format(&list, "{}{}", list.empty() ? "one of " : ", ",
                              choice.empty() ? "\"\"" : choice);
            }
            expected = list.c_str();
            break;
        case Kind::integer:
        case Kind::bytes:
            row.in<std::int64_t>(settings) = parse_number(text, row.kind == Kind::bytes);
            if (row.in<std::int64_t>(settings) >= 0) return;
            expected = row.kind == Kind::bytes ? "a number of bytes such as 512M or 1G"
                                               : "a whole number, at least 0";
            break;
        case Kind::flag:
            if (text == "0" || text == "1") {
                row.in<bool>(settings) = text == "1";
                return;
            }
            expected = "0 or 1";
            break;
    }
    fail<UserError>("{}: got \"{}\", expected {} ({})", who, text, expected, row.help);
}

std::string text_of(const Row& row, const Settings& settings) {
    return std::visit(
        [&](auto place) -> std::string {
            const auto& value = settings.*place;
            if constexpr (std::is_same_v<decltype(value), const std::string&>) {
                return value;
            } else {
                return formatted("{}", static_cast<std::int64_t>(value));
            }
        },
        row.place);
}

/// A name that nothing reads is a typing error more often than not.
void warn_of_unknown_variables() {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!text.starts_with("FLEXION_") || text.starts_with("FLEXION_TEST_")) continue;
        const std::string_view variable = text.substr(0, text.find('='));
        const bool known = std::ranges::any_of(
            rows(), [&](const Row& row) { return variable_of(row) == variable; });
        if (!known) log(LogChannel::warn, "{} is not a variable of Flexion: ignored", variable);
    }
}

/// Every settings object there has been, so that references stay valid; few, as options are set by
/// hand.
struct Store {
    std::mutex mutex;
    std::vector<std::unique_ptr<const Settings>> all;
    std::vector<bool> set;  ///< per row
    std::atomic<const Settings*> current{nullptr};

    void publish(const Settings& settings) {
        all.push_back(std::make_unique<const Settings>(settings));
        set_log_mask(log_mask_of(settings.log, "log"));
        current.store(all.back().get(), std::memory_order_release);
    }

    /// With `mutex` held.
    const Settings& ready() {
        if (const Settings* settings = current.load(std::memory_order_acquire)) return *settings;
        Settings fresh;
        set.assign(rows().size(), false);
        for (std::size_t i = 0; i < rows().size(); ++i) {
            const Row& row = rows()[i];
            const std::string variable = variable_of(row);
            const char* value = std::getenv(variable.c_str());
            if (value == nullptr) continue;
            parse(row, value, variable, &fresh);
            set[i] = true;
        }
        publish(fresh);
        warn_of_unknown_variables();
        return *all.back();
    }
};

Store& store() {
    static Store* const forever = new Store;  // used by destructors of other statics
    return *forever;
}

}  // namespace

const Settings& settings() {
    Store& s = store();
    if (const Settings* current = s.current.load(std::memory_order_acquire)) return *current;
    const std::lock_guard lock(s.mutex);
    return s.ready();
}

std::vector<OptionInfo> options() {
    Store& s = store();
    const std::lock_guard lock(s.mutex);
    const Settings& current = s.ready();
    std::vector<OptionInfo> list;
    for (std::size_t i = 0; i < rows().size(); ++i) {
        const Row& row = rows()[i];
        list.push_back({.name = row.name,
                        .variable = variable_of(row),
                        .help = row.help,
                        .value = text_of(row, current),
                        .set = s.set[i]});
    }
    return list;
}

void set_option(std::string_view name, std::string_view value) {
    Store& s = store();
    const std::lock_guard lock(s.mutex);
    const Row& row = find_row("flexion::set_option", name);
    Settings changed = s.ready();
    parse(row, value, formatted("flexion::set_option: {}", row.name), &changed);
    s.set[static_cast<std::size_t>(&row - rows().data())] = true;
    s.publish(changed);
}

std::string option(std::string_view name) {
    return text_of(find_row("flexion::option", name), settings());
}

}  // namespace flexion
