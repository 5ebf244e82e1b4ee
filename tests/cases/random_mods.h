// SPDX-License-Identifier: Apache-2.0
// Score mods at random, whose values stay moderate and whose jumps hang on positions alone, so that
// gradients computed in f32 are close to those in double.
#pragma once

#include "cases/mods.h"

namespace flexion::test {

/// Every op with a gradient may occur, and captured buffers of every dtype and rank up to 4 under
/// index maps of every kind.
ScoreMod random_score_mod(CapturedMemory& memory);

}  // namespace flexion::test
