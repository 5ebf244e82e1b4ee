// SPDX-License-Identifier: Apache-2.0
// The textual form: canonical, exact, and refused with the offending line.
#include "ir/text.h"

#include <flexion/error.h>
#include <gtest/gtest.h>

#include "ir/builder.h"

namespace flexion::ir {
namespace {

constexpr const char* kAlibi = R"(flexion.ir 1
score_mod alibi(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, %cap: f32, @slopes: f32[?]) {
  %6 = load @slopes[%h]
  %7 = sub.i32 %k, %q
  %8 = cast.f32 %7
  %9 = fma %6, %8, %s
  %10 = div %9, %cap
  %11 = tanh %10
  %12 = mul %11, %cap
  return %12, @slopes[%h]: %9
}
)";

TEST(Text, CanonicalTextIsAFixedPoint) {
    const Function f = parse(kAlibi);
    EXPECT_EQ(print(f), kAlibi);
    EXPECT_EQ(f.scalar_count(), 1);
}

}  // namespace
}  // namespace flexion::ir
