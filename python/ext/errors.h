// SPDX-License-Identifier: Apache-2.0
// Exceptions between C++ and Python, and the place in the user's source that they name.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <flexion/error.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "support/fail.h"

namespace flexion::python {

namespace nb = nanobind;

/// TraceError in Python; the message begins with the place.
class TraceFailure : public UserError {
public:
    using UserError::UserError;
};
/// The same for an attribute that Values do not have, so that hasattr() works.
class TraceAttributeFailure : public TraceFailure {
public:
    using TraceFailure::TraceFailure;
};

/// "mods.py:12: ", of the innermost Python frame that is neither torch's nor this package's; ""
/// where there is none.
std::string user_place();

/// The same, of the frame that a Python exception came from.
std::string place_of(const nb::python_error& error);

/// Throws TraceFailure with the place in front.
template <class... T>
[[noreturn]] void trace_fail(fmt::format_string<T...> text, T&&... args) {
    throw TraceFailure(user_place() + formatted(text, std::forward<T>(args)...));
}

/// Sets the Python exception that stands for the C++ one in flight.
void set_python_error(const std::exception_ptr& error) noexcept;

/// f() for a function that Python calls: an exception becomes Python's, and the result `failed`.
template <class F, class R>
R guarded(F&& f, R failed) noexcept {
    try {
        return f();
    } catch (nb::python_error& error) {
        error.restore();
    } catch (...) {
        set_python_error(std::current_exception());
    }
    return failed;
}

void add_errors(nb::module_& m);

}  // namespace flexion::python
