// SPDX-License-Identifier: Apache-2.0
// The version of the library, read by the build too. Semantic versioning for the C++ interface; C
// interface and cache format have numbers of their own.
#pragma once

#define FLEXION_VERSION "0.1.0"
