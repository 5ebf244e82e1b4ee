// SPDX-License-Identifier: Apache-2.0
// The exceptions that every public function may throw. A message names the public function, what
// was given, what was expected and what to try.
#pragma once

#include <stdexcept>
#include <string>

#include <flexion/export.h>

namespace FLEXION_PUBLIC flexion {

/// Base of all errors thrown by Flexion.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};
/// The call is wrong: shapes, dtypes, names, options, IR text.
class UserError : public Error {
public:
    using Error::Error;
};
/// The call is meaningful, but this build, back end or machine cannot do it; says what would work.
class Unsupported : public Error {
public:
    using Error::Error;
};
/// The compiler refused a kernel; names the kernel and where its source was dumped.
class CompileError : public Error {
public:
    using Error::Error;
};
/// The operating system or the device failed: memory, driver, use after fork.
class DeviceError : public Error {
public:
    using Error::Error;
};
/// A broken invariant: a bug in Flexion.
class InternalError : public Error {
public:
    using Error::Error;
};

}  // namespace flexion
