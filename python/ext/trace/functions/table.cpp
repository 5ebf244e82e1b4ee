// SPDX-License-Identifier: Apache-2.0
// The table of functions, found by name and called by torch, by methods and by operators.
#include "trace/functions/table.h"

#include <array>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "errors.h"
#include "ir/vjp.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

/// `value` in the type of `model`, which may be a number.
Expr like(const Expr& value, const Expr& model) {
    return model.kind() == Expr::Kind::value ? cast_like(value, model) : value;
}

/// log(1 + exp(beta x)) / beta, linear above the threshold, as torch's.
Expr softplus(const Expr& x, const Expr& beta, const Expr& threshold) {
    const Expr scaled = x * beta;
    return where(scaled > threshold, x, log1p(exp(min(scaled, threshold))) / beta);
}

using std::string_view;

template <class F>
constexpr Elementwise formula(F) {
    return [](const Expr* a, unsigned present) -> Expr { return F()(a, present); };
}

Function g_functions[] = {
#define FLEXION_FORMULA(names, parameters, ...)                                  \
    {names, parameters, formula([](const Expr* a, unsigned present) -> Expr {    \
         [[maybe_unused]] const auto given = [present](int i) {                  \
             return ((present >> i) & 1) != 0;                                   \
         };                                                                      \
         [[maybe_unused]] const Expr &x = a[0], &y = a[1], &z = a[2], &w = a[3]; \
         return __VA_ARGS__;                                                     \
     })},
#define FLEXION_BODY(names, parameters, body) {names, parameters, nullptr, special::body},
#include "trace/functions/table.def"
#undef FLEXION_FORMULA
#undef FLEXION_BODY
};

struct Found {
    const Function* function;
    bool reversed;
};
// Names are made once; functions of torch are remembered by address, their objects live as long as
// torch.
std::unordered_map<string_view, const Function*>& by_name() {
    static std::unordered_map<string_view, const Function*> map;
    return map;
}
std::unordered_map<PyObject*, Found>& by_object() {
    static std::unordered_map<PyObject*, Found> map;
    return map;
}

constexpr std::size_t kMostNames = 256;
std::array<const Function*, kMostNames> g_method_functions{};
std::vector<PyMethodDef> g_methods;
std::vector<std::string> g_method_names;

template <class F>
void for_each_word(string_view text, F&& f) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) f(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void parse_parameters(Function& function) {
    for_each_word(function.parameters, [&](string_view word) {
        Function::Parameter parameter{};
        if (word.front() == '*') {
            parameter.rest = true;
            word.remove_prefix(1);
        }
        parameter.ignored = word.back() == '~';
        parameter.optional = word.back() == '?' || parameter.ignored || parameter.rest;
        if (word.back() == '~' || word.back() == '?') word.remove_suffix(1);
        parameter.name = PyUnicode_InternFromString(std::string(word).c_str());
        function.parsed.push_back(parameter);
    });
    invariant(function.parsed.size() <= kMostParameters + 1, "parameters of a traced function");
}

string_view first_name(const Function& function) {
    const string_view names = function.names;
    return names.substr(0, names.find(' '));
}

void set_argument(Arguments& arguments, PyObject* name, PyObject* value) {
    const auto& parsed = arguments.function.parsed;
    for (std::size_t i = 0; i < parsed.size(); ++i) {
        if (parsed[i].name != name && PyUnicode_Compare(parsed[i].name, name) != 0) continue;
        if (parsed[i].ignored) return;
        if (parsed[i].rest) {
            arguments.rest.push_back(value);
        } else {
            arguments.at[i] = value;
        }
        return;
    }
    // Names that torch uses for the first operand beside "input", and what means nothing here.
    if (PyUnicode_CompareWithASCIIString(name, "self") == 0) {
        arguments.at[0] = value;
    } else if (value != Py_None) {
        trace_fail("{}() does not take the argument '{}' inside a mod",
                   first_name(arguments.function), nb::cast<std::string>(nb::handle(name)));
    }
}

/// x.where(condition, y) has its operands in another order than torch.where.
bool exchanged_as_method(const Function& function) {
    return std::strcmp(function.names, "where") == 0;
}

template <std::size_t I>
PyObject* method(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* keywords) {
    return guarded(
        [&] {
            std::array<PyObject*, 16> all{self};
            const Py_ssize_t total = count + (keywords ? PyTuple_GET_SIZE(keywords) : 0);
            if (total + 1 > static_cast<Py_ssize_t>(all.size())) trace_fail("too many arguments");
            std::copy(arguments, arguments + total, all.begin() + 1);
            if (exchanged_as_method(*g_method_functions[I]) && count > 0) {
                std::swap(all[0], all[1]);
            }
            return call(*g_method_functions[I], all.data(), count + 1, keywords);
        },
        static_cast<PyObject*>(nullptr));
}

using Method = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
template <std::size_t... I>
constexpr std::array<Method, sizeof...(I)> methods(std::index_sequence<I...>) {
    return {method<I>...};
}
constexpr auto kMethods = methods(std::make_index_sequence<kMostNames>());

Found look_up(PyObject* function) {
    nb::object name = nb::getattr(nb::handle(function), "__name__", nb::none());
    std::string text;
    if (!nb::try_cast(name, text)) text = nb::cast<std::string>(nb::str(nb::handle(function)));
    Found found{};
    found.function = find_function(text, &found.reversed);
    if (found.function) {
        found.reversed |=
            Py_TYPE(function) == &PyMethodDescr_Type && exchanged_as_method(*found.function);
        return found;
    }
    const bool writes = (text.size() > 1 && text.ends_with('_') && !text.ends_with("__")) ||
                        text == "__setitem__" || text.starts_with("__i") || text == "scatter";
    if (writes) {
        trace_fail("'{}' writes to a tensor; a mod must not write (mutations are not traced)",
                   text);
    }
    trace_fail("torch operation '{}' has no meaning inside a mod", text);
}

}  // namespace

std::int64_t Arguments::integer(int i, std::int64_t otherwise) const {
    if (!given(i)) return otherwise;
    std::int64_t value = 0;
    if (!nb::try_cast(nb::handle(at[i]), value)) {
        trace_fail("{}(): expected an integer", first_name(function));
    }
    return value;
}

bool Arguments::flag(int i, bool otherwise) const {
    return given(i) ? at[i] == Py_True : otherwise;
}

std::string Arguments::text(int i, const char* otherwise) const {
    if (!given(i)) return otherwise;
    std::string value;
    if (!nb::try_cast(nb::handle(at[i]), value)) {
        trace_fail("{}(): expected a string", first_name(function));
    }
    return value;
}

std::span<const Function> functions() { return g_functions; }

const Function* find_function(const std::string& name, bool* reversed) {
    *reversed = false;
    string_view text = string_view(name).substr(0, name.find('.'));
    if (text.starts_with("special_")) text.remove_prefix(8);
    const bool operator_name = text.starts_with("__") && text.ends_with("__") && text.size() > 4;
    if (operator_name) text = text.substr(2, text.size() - 4);
    if (operator_name && text.starts_with('i') && text != "invert") return nullptr;  // __iadd__
    const auto find = [](string_view wanted) -> const Function* {
        const auto at = by_name().find(wanted);
        return at == by_name().end() ? nullptr : at->second;
    };
    if (const Function* function = find(text)) return function;
    if (text.size() > 1 && text.front() == 'r') {
        *reversed = true;
        return find(text.substr(1));
    }
    return nullptr;
}

const Function* find_function(const std::string& name) {
    bool reversed = false;
    const Function* function = find_function(name, &reversed);
    return reversed ? nullptr : function;
}

PyObject* call(const Function& function, PyObject* const* given, Py_ssize_t count,
               PyObject* keywords, PyObject* mapping) {
    const auto parameters = static_cast<Py_ssize_t>(function.parsed.size());
    Arguments arguments{function};
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (i >= parameters || function.parsed[i].rest) {
            if (parameters == 0 || !(i < parameters || !arguments.rest.empty())) {
                trace_fail("{}() takes {} arguments inside a mod, got {}", first_name(function),
                           parameters, count);
            }
            arguments.rest.push_back(given[i]);
        } else if (!arguments.rest.empty()) {
            arguments.rest.push_back(given[i]);
        } else if (!function.parsed[i].ignored) {
            arguments.at[i] = given[i];
        }
    }
    if (keywords) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); ++i) {
            set_argument(arguments, PyTuple_GET_ITEM(keywords, i), given[count + i]);
        }
    }
    if (mapping) {
        PyObject *name, *value;
        Py_ssize_t at = 0;
        while (PyDict_Next(mapping, &at, &name, &value)) set_argument(arguments, name, value);
    }
    unsigned present = 0;
    for (Py_ssize_t i = 0; i < parameters; ++i) {
        const Function::Parameter& parameter = function.parsed[i];
        if (parameter.rest) continue;
        if (parameter.optional && arguments.at[i] == Py_None) arguments.at[i] = nullptr;
        if (arguments.at[i]) {
            present |= 1u << i;
        } else if (!parameter.optional) {
            trace_fail("{}() lacks the argument '{}'", first_name(function),
                       nb::cast<std::string>(nb::handle(parameter.name)));
        }
    }
    if (function.special) return function.special(arguments);
    const std::size_t operands = std::min<std::size_t>(function.parsed.size(), 4);
    return elementwise(function.elementwise, {arguments.at, operands}, present);
}

PyObject* torch_function(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return guarded(
        [&]() -> PyObject* {
            if (count < 3 || !PyTuple_Check(arguments[2])) {
                throw TraceFailure("__torch_function__ got other arguments than torch passes");
            }
            const auto known = by_object().find(arguments[0]);
            Found found{};
            if (known != by_object().end()) {
                found = known->second;
            } else {
                found = look_up(arguments[0]);
                by_object()[Py_NewRef(arguments[0])] = found;
            }
            PyObject* tuple = arguments[2];
            PyObject* mapping = count > 3 && arguments[3] != Py_None ? arguments[3] : nullptr;
            const Py_ssize_t given = PyTuple_GET_SIZE(tuple);
            PyObject* const* items = given > 0 ? &PyTuple_GET_ITEM(tuple, 0) : nullptr;
            if (found.reversed && (given == 2 || given == 3)) {
                PyObject* exchanged[] = {items[1], items[0], given == 3 ? items[2] : nullptr};
                return call(*found.function, exchanged, given, nullptr, mapping);
            }
            return call(*found.function, items, given, nullptr, mapping);
        },
        static_cast<PyObject*>(nullptr));
}

PyMethodDef* method_table() { return g_methods.data(); }

void add_functions(nb::module_& m) {
    for (Function& function : g_functions) {
        parse_parameters(function);
        for_each_word(function.names, [&](string_view name) {
            by_name()[name] = &function;
            g_method_names.emplace_back(name);
        });
    }
    invariant(g_method_names.size() <= kMostNames, "names of traced functions");
    std::size_t i = 0;
    for (Function& function : g_functions) {
        for_each_word(function.names, [&](string_view) {
            g_method_functions[i] = &function;
            g_methods.push_back(
                {g_method_names[i].c_str(),
                 reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(kMethods[i])),
                 METH_FASTCALL | METH_KEYWORDS, nullptr});
            ++i;
        });
    }
    g_methods.push_back(
        {"__torch_function__",
         reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(torch_function)),
         METH_FASTCALL | METH_STATIC, nullptr});
    g_methods.push_back({nullptr, nullptr, 0, nullptr});
    m.def(
        "function",
        [](const std::string& name) {
            const Function* function = find_function(name);
            if (!function) {
                flexion::fail<UserError>("flexion: there is no function '{}' for mods", name);
            }
            return nb::cpp_function([function](nb::args args, nb::kwargs kwargs) {
                const Py_ssize_t count = PyTuple_GET_SIZE(args.ptr());
                return nb::steal(call(*function, count ? &PyTuple_GET_ITEM(args.ptr(), 0) : nullptr,
                                      count, nullptr, kwargs.ptr()));
            });
        },
        nb::arg("name"));
}

void forget_functions() {
    for (const auto& [object, found] : by_object()) Py_DECREF(object);
    by_object().clear();
}

}  // namespace flexion::python
