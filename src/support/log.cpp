// SPDX-License-Identifier: Apache-2.0
// The channels' names, the list of FLEXION_LOG, and the way to stderr.
#include "support/log.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <mutex>

#include "support/env.h"
#include "support/fail.h"

namespace flexion {
namespace {

constexpr const char* kNames[] = {
#define FLEXION_LOG_CHANNEL(name) #name,
    FLEXION_LOG_CHANNELS(FLEXION_LOG_CHANNEL)
#undef FLEXION_LOG_CHANNEL
};
constexpr std::uint32_t kAll = (1u << std::size(kNames)) - 1;
constexpr std::uint32_t kDefault = 1u << static_cast<int>(LogChannel::warn);

std::mutex g_sink_mutex;
LogSink g_sink = nullptr;

std::uint32_t bits_of(std::string_view name, const std::string& who) {
    if (name == "all") return kAll;
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
        if (name == kNames[i]) return 1u << i;
    }
    std::string known;
    for (const char* each : kNames) append_format(&known, "{}, ", each);
    fail<UserError>("{}: there is no log channel \"{}\"; give a list of {}all, none", who, name,
                    known);
}

}  // namespace

std::atomic<std::uint32_t> detail::g_log_mask{kLogUnread};

std::uint32_t log_mask_of(std::string_view list, const std::string& who) {
    std::uint32_t mask = kDefault;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        std::string_view name = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        const bool leave_out = name.starts_with('-');
        if (leave_out) name.remove_prefix(1);
        if (name.empty()) continue;
        if (name == "none") {
            mask = 0;
        } else if (leave_out) {
            mask &= ~bits_of(name, who);
        } else {
            mask |= bits_of(name, who);
        }
    }
    return mask;
}

void set_log_mask(std::uint32_t mask) { detail::g_log_mask.store(mask, std::memory_order_relaxed); }

void set_log_sink(LogSink sink) {
    const std::lock_guard lock(g_sink_mutex);
    g_sink = sink;
}

bool detail::read_log_setting(LogChannel channel) {
    // A bad value is an error of the next public call; logging itself never throws for it.
    try {
        settings();
    } catch (const UserError&) {
        return channel == LogChannel::warn;
    }
    return log_is_on(channel);
}

void detail::write_log(LogChannel channel, std::string_view message) {
    const char* name = kNames[static_cast<int>(channel)];
    const std::lock_guard lock(g_sink_mutex);
    if (g_sink != nullptr) return g_sink(name, message);
    const std::string line = formatted("flexion[{}] {}\n", name, message);
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace flexion
