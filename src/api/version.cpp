// SPDX-License-Identifier: Apache-2.0
// The version that was compiled, which a program may compare with that of its headers.
#include <flexion/version.h>

namespace flexion {

const char* version() { return FLEXION_VERSION; }

}  // namespace flexion
