// SPDX-License-Identifier: Apache-2.0
// The two directions of the oracle.
#pragma once

#include "plan/launch.h"

namespace flexion::reference {

void forward(const plan::LaunchArgs& args);
void backward(const plan::BackwardArgs& args);

}  // namespace flexion::reference
