// SPDX-License-Identifier: Apache-2.0
// The files of device/, embedded at build without their `#pragma once` lines.
#pragma once

namespace flexion::cuda::device_text {

extern const char* const params;
extern const char* const ptx;
extern const char* const prelude;
extern const char* const sm90_tiles;
extern const char* const sm90_feed;
extern const char* const sm90_softmax;
extern const char* const sm90_forward;

}  // namespace flexion::cuda::device_text
