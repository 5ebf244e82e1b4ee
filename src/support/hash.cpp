// SPDX-License-Identifier: Apache-2.0
// The one file that compiles xxHash.
#define XXH_INLINE_ALL
#include "support/hash.h"

#include <xxhash.h>

#include "support/format.h"

namespace flexion {

std::string Hash128::hex() const { return formatted("{:016x}{:016x}", high, low); }

Hash128 hash128(std::initializer_list<std::string_view> parts) {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (std::string_view part : parts) {
        unsigned char length[8];
        for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(part.size() >> (8 * i));
        XXH3_128bits_update(&state, length, sizeof(length));
        XXH3_128bits_update(&state, part.data(), part.size());
    }
    const XXH128_hash_t hash = XXH3_128bits_digest(&state);
    return {.high = hash.high64, .low = hash.low64};
}

std::uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace flexion
