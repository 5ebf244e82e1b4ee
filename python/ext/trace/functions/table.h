// SPDX-License-Identifier: Apache-2.0
// What functions of torch mean on traced values: one row a function, found by name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>

#include "trace/lift.h"

namespace flexion::python {

namespace nb = nanobind;

inline constexpr int kMostParameters = 8;

struct Function;

/// The arguments of a call, by parameter.
struct Arguments {
    const Function& function;
    PyObject* at[kMostParameters] = {};  ///< borrowed; null where none was given
    std::vector<PyObject*> rest{};       ///< positional ones past the last parameter

    bool given(int i) const { return at[i] && at[i] != Py_None; }
    std::int64_t integer(int i, std::int64_t otherwise) const;
    bool flag(int i, bool otherwise) const;
    std::string text(int i, const char* otherwise) const;
};

/// A row of table.def.
struct Function {
    const char* names;  ///< of torch's functions and methods, separated by blanks
    const char*
        parameters;  ///< "input other alpha? inplace~ *sizes": ? optional, ~ ignored, * rest
    Elementwise elementwise = nullptr;
    PyObject* (*special)(Arguments& arguments) = nullptr;  ///< instead
    struct Parameter {
        PyObject* name;
        bool optional, ignored, rest;
    };
    std::vector<Parameter> parsed{};
};

std::span<const Function> functions();
/// By a name of torch, dressed as it likes: "add", "add.Tensor", "__radd__", "special_expit".
/// `reversed`: the operands are exchanged. Null when there is none.
const Function* find_function(const std::string& name, bool* reversed);
const Function* find_function(const std::string& name);

/// Calls it. Keywords are `keywords[i]` with value arguments[count + i], or the pairs of `mapping`.
PyObject* call(const Function& function, PyObject* const* arguments, Py_ssize_t count,
               PyObject* keywords, PyObject* mapping = nullptr);

/// __torch_function__(func, types, args, kwargs)
PyObject* torch_function(PyObject* self, PyObject* const* arguments, Py_ssize_t count);

/// Methods of Value and SubTensor, one for each name; ends with an empty one.
PyMethodDef* method_table();

/// flexion._C.function, and what the table needs of Python.
void add_functions(nb::module_& m);
void forget_functions();

// Bodies of rows that are more than a formula (conversions.cpp, reductions.cpp).
namespace special {
#define FLEXION_SPECIAL(name) PyObject* name(Arguments& arguments);
FLEXION_SPECIAL(div)
FLEXION_SPECIAL(gelu)
FLEXION_SPECIAL(clamp)
FLEXION_SPECIAL(getitem)
FLEXION_SPECIAL(index_select)
FLEXION_SPECIAL(embedding)
FLEXION_SPECIAL(same)
FLEXION_SPECIAL(reshape)
FLEXION_SPECIAL(squeeze)
FLEXION_SPECIAL(unsqueeze)
FLEXION_SPECIAL(to)
FLEXION_SPECIAL(type_as)
FLEXION_SPECIAL(to_float)
FLEXION_SPECIAL(to_double)
FLEXION_SPECIAL(to_int)
FLEXION_SPECIAL(to_long)
FLEXION_SPECIAL(to_short)
FLEXION_SPECIAL(to_char)
FLEXION_SPECIAL(to_byte)
FLEXION_SPECIAL(to_bool)
FLEXION_SPECIAL(zeros_like)
FLEXION_SPECIAL(ones_like)
FLEXION_SPECIAL(full_like)
FLEXION_SPECIAL(new_zeros)
FLEXION_SPECIAL(new_ones)
FLEXION_SPECIAL(new_full)
FLEXION_SPECIAL(full)
FLEXION_SPECIAL(sum)
FLEXION_SPECIAL(prod)
FLEXION_SPECIAL(mean)
FLEXION_SPECIAL(amax)
FLEXION_SPECIAL(amin)
FLEXION_SPECIAL(max)
FLEXION_SPECIAL(min)
FLEXION_SPECIAL(any)
FLEXION_SPECIAL(all)
FLEXION_SPECIAL(norm)
FLEXION_SPECIAL(dot)
FLEXION_SPECIAL(stack)
FLEXION_SPECIAL(cat)
FLEXION_SPECIAL(unbind)
FLEXION_SPECIAL(numel)
FLEXION_SPECIAL(dim)
FLEXION_SPECIAL(size)
FLEXION_SPECIAL(item)
#undef FLEXION_SPECIAL
}  // namespace special

}  // namespace flexion::python
