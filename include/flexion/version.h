// SPDX-License-Identifier: Apache-2.0
// The version of the library, read by the build too. Semantic versioning for the C++ interface; the
// C interface and the cache's format have numbers of their own.
#pragma once

#include <flexion/export.h>

#define FLEXION_VERSION "0.1.0"

namespace FLEXION_PUBLIC flexion {

/// FLEXION_VERSION of the library that runs, which may not be that of the headers.
const char* version();

}  // namespace flexion
