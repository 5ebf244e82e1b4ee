// SPDX-License-Identifier: Apache-2.0
// What the shared library exports: the bodies of `namespace flexion` in the installed headers. All
// else, LLVM included, is hidden, so that a process may hold other copies of it.
#pragma once

#define FLEXION_PUBLIC [[gnu::visibility("default")]]
