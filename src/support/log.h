// SPDX-License-Identifier: Apache-2.0
// Logging by channel, off unless asked for but for warnings; one relaxed load when off.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "support/format.h"

namespace flexion {

/// What `FLEXION_LOG` names; the stages of the line, and warnings.
#define FLEXION_LOG_CHANNELS(X) X(warn) X(ir) X(facts) X(schedule) X(source) X(cache) X(launch)

enum class LogChannel : std::uint8_t {
#define FLEXION_LOG_CHANNEL(name) name,
    FLEXION_LOG_CHANNELS(FLEXION_LOG_CHANNEL)
#undef FLEXION_LOG_CHANNEL
};

/// A bit per channel from a comma-separated list: names, `all`, `none`, and `-name` to leave one
/// out; warnings are on unless left out. UserError, with `who` as the function or variable.
std::uint32_t log_mask_of(std::string_view list, const std::string& who);
void set_log_mask(std::uint32_t mask);

/// Receives each message without a newline; null: stderr, as "flexion[cache] ...". Called under a
/// lock; must not log.
using LogSink = void (*)(const char* channel, std::string_view message);
void set_log_sink(LogSink sink);

namespace detail {
inline constexpr std::uint32_t kLogUnread = 1u << 31;  ///< FLEXION_LOG has not been read yet
extern std::atomic<std::uint32_t> g_log_mask;
bool read_log_setting(LogChannel channel);
void write_log(LogChannel channel, std::string_view message);
}  // namespace detail

/// Ask before preparing what is costly to say.
inline bool log_is_on(LogChannel channel) {
    const std::uint32_t mask = detail::g_log_mask.load(std::memory_order_relaxed);
    if (mask & detail::kLogUnread) [[unlikely]]
        return detail::read_log_setting(channel);
    return (mask >> static_cast<int>(channel) & 1u) != 0;
}

template <class... T>
void log(LogChannel channel, fmt::format_string<T...> text, T&&... args) {
    if (log_is_on(channel)) {
        detail::write_log(channel, formatted(text, std::forward<T>(args)...));
    }
}

}  // namespace flexion
