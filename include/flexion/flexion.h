// SPDX-License-Identifier: Apache-2.0
// Everything: `#include <flexion/flexion.h>` and `namespace fx = flexion;`.
#pragma once

#include <flexion/attention.h>
#include <flexion/block_mask.h>
#include <flexion/device.h>
#include <flexion/error.h>
#include <flexion/expr.h>
#include <flexion/masks.h>
#include <flexion/options.h>
#include <flexion/scores.h>
#include <flexion/tensor.h>
#include <flexion/version.h>
