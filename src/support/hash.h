// SPDX-License-Identifier: Apache-2.0
// Two hashes: a fast mixer for structures in memory, and 128 bits of XXH3 for names on disk.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace flexion {

/// Mixes `value` into `seed`: the product of two 64-bit words folded to 64 bits, as in wyhash (Wang
/// Yi, 2019). Differs from process to process only by what is fed in; not for disk.
constexpr std::uint64_t hash_combine(std::uint64_t seed, std::uint64_t value) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(seed ^ 0xa076'1d64'78bd'642full) *
        (value ^ 0xe703'7ed1'a0b4'28dbull);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

struct Hash128 {
    std::uint64_t high = 0, low = 0;
    bool operator==(const Hash128&) const = default;
    /// 32 lower-case hexadecimal digits.
    std::string hex() const;
};

/// XXH3 with 128 bits over the parts and their lengths: {"ab", "c"} and {"a", "bc"} differ. The
/// same on every machine and in every version of Flexion.
Hash128 hash128(std::initializer_list<std::string_view> parts);

/// XXH3 with 64 bits, for checksums.
std::uint64_t hash64(std::string_view bytes);

}  // namespace flexion
