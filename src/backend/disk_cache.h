// SPDX-License-Identifier: Apache-2.0
// Binaries on disk, found by everything that decides them: a folder that only we own, one file per
// kernel. Never fatal: whatever goes wrong is a miss, said once in the log.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace flexion::backend {

/// Where the cache lies: `configured` (FLEXION_CACHE_DIR) if not empty, else
/// $XDG_CACHE_HOME/flexion, else $HOME/.cache/flexion; empty (no cache) without any of them.
std::string default_cache_directory(const std::string& configured);

/// Thread-safe, and safe beside other processes with the same folder.
class DiskCache {
public:
    /// `directory` empty: no cache. Nothing is touched before the first use.
    DiskCache(std::string directory, std::int64_t max_bytes, bool read_only = false);
    ~DiskCache();
    DiskCache(const DiskCache&) = delete;
    DiskCache& operator=(const DiskCache&) = delete;

    /// The binary stored for exactly this source by this version of Flexion, or nothing. Damaged
    /// entries are removed.
    std::optional<Binary> find(const Source& source);
    /// Keeps `binary`; other entries make room when the folder has grown past its size.
    void store(const Source& source, const Binary& binary);
    /// Removes the entry of `source`, which turned out not to load.
    void remove(const Source& source);

    struct Entry {
        std::string file, name, target;
        std::int64_t bytes = 0;
        std::int64_t last_used = 0;  ///< seconds since 1970, to the hour
    };
    /// Intact entries, most recently used first.
    std::vector<Entry> list();
    /// Removes entries, the least recently used first, until at most `bytes` are left, and what
    /// broken-off writers left behind; returns the number of entries removed.
    std::int64_t prune(std::int64_t bytes);
    const std::string& directory() const { return directory_; }

    std::int64_t hits() const { return hits_.load(std::memory_order_relaxed); }
    std::int64_t misses() const { return misses_.load(std::memory_order_relaxed); }

private:
    int folder();  // descriptor of the entries' folder, opened at first use; -1: none

    const std::string directory_;
    const std::int64_t max_bytes_;
    const bool read_only_;
    std::once_flag opened_;
    int folder_ = -1;
    std::atomic<std::int64_t> hits_{0}, misses_{0};
    std::atomic<std::int64_t> unmeasured_bytes_;  // stored since the folder was last measured
};

}  // namespace flexion::backend
