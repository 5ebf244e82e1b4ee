// SPDX-License-Identifier: Apache-2.0
// Where libnvrtc may lie, its few functions, and its log.
#include "backend/cuda/nvrtc.h"

#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "support/env.h"
#include "support/fail.h"
#include "support/os/dynamic_library.h"

namespace flexion::cuda {

struct Nvrtc::Functions {
    using Program = struct ProgramTag*;
    int (*version)(int*, int*);
    int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*);
    int (*destroy)(Program*);
    int (*compile)(Program, int, const char* const*);
    int (*log_size)(Program, std::size_t*);
    int (*log)(Program, char*);
    int (*cubin_size)(Program, std::size_t*);
    int (*cubin)(Program, char*);
    const char* (*error)(int);

    bool bind(const DynamicLibrary& library) {
        return library.bind("nvrtcVersion", &version) &&
               library.bind("nvrtcCreateProgram", &create) &&
               library.bind("nvrtcDestroyProgram", &destroy) &&
               library.bind("nvrtcCompileProgram", &compile) &&
               library.bind("nvrtcGetProgramLogSize", &log_size) &&
               library.bind("nvrtcGetProgramLog", &log) &&
               library.bind("nvrtcGetCUBINSize", &cubin_size) &&
               library.bind("nvrtcGetCUBIN", &cubin) && library.bind("nvrtcGetErrorString", &error);
    }
};

namespace {

std::vector<std::string> expand(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    globfree(&found);
    std::reverse(paths.begin(), paths.end());  // the newest name first
    return paths;
}

// The site-packages of libraries in this process (a Python extension's neighbours), and of the
// program if it is an interpreter of a virtual environment.
std::vector<std::string> packages_in_process() {
    std::vector<std::string> roots;
    std::ifstream maps("/proc/self/maps");
    constexpr std::string_view kPackages = "-packages/";
    for (std::string line; std::getline(maps, line);) {
        const std::size_t slash = line.find('/');
        const std::size_t at = line.find(kPackages);
        if (slash == std::string::npos || at == std::string::npos) continue;
        std::string root = line.substr(slash, at + kPackages.size() - slash);
        if (std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
    }
    return roots;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::vector<std::string> candidates() {
    std::vector<std::string> paths;
    if (!settings().nvrtc.empty()) return {settings().nvrtc};
    paths.insert(paths.end(), {"libnvrtc.so.13", "libnvrtc.so.12"});
    std::vector<std::string> folders;
    for (const std::string& packages : packages_in_process()) {
        folders.push_back(packages + "nvidia/cu13/lib");
        folders.push_back(packages + "nvidia/cuda_nvrtc/lib");
    }
    for (const std::string& root : {variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"),
                                    std::string("/usr"), std::string("/usr/local")}) {
        if (root.empty()) continue;
        for (const char* packages : {"site-packages", "dist-packages"}) {
            const std::string nvidia = root + "/lib/python3*/" + packages + "/nvidia/";
            folders.push_back(nvidia + "cu13/lib");
            folders.push_back(nvidia + "cuda_nvrtc/lib");
        }
    }
    for (const char* home : {"CUDA_HOME", "CUDA_PATH"}) {
        if (!variable(home).empty()) folders.push_back(variable(home) + "/lib64");
    }
    folders.push_back("/usr/local/cuda/lib64");
    for (const std::string& folder : folders) {
        for (std::string& path : expand(folder + "/libnvrtc.so.1[0-9]")) {
            paths.push_back(std::move(path));
        }
    }
    return paths;
}

int number_before(const std::string& log, std::string_view words) {
    int largest = 0;
    for (std::size_t at = log.find(words); at != std::string::npos;
         at = log.find(words, at + words.size())) {
        std::size_t begin = at;
        while (begin > 0 && log[begin - 1] >= '0' && log[begin - 1] <= '9') --begin;
        largest = std::max(largest, std::atoi(log.c_str() + begin));
    }
    return largest;
}

}  // namespace

struct NvrtcLoader {
    Nvrtc nvrtc;
    Nvrtc::Functions functions;
    std::string why;

    NvrtcLoader() {
        for (const std::string& path : candidates()) {
            const std::size_t slash = path.rfind('/');
            if (slash != std::string::npos) {
                // The wheel of CUDA 13 looks for its second library on the loader's path only: open
                // it first, and it is found by name. Both stay open for the process's life.
                for (const std::string& builtins :
                     expand(path.substr(0, slash) + "/libnvrtc-builtins.so.1[0-9].*")) {
                    new DynamicLibrary(DynamicLibrary::open(std::span(&builtins, 1)));
                }
            }
            auto* library = new DynamicLibrary(DynamicLibrary::open(std::span(&path, 1)));
            if (!*library || !functions.bind(*library)) {
                why += (why.empty() ? "" : "; ") +
                       (library->error().empty() ? path + " is no libnvrtc" : library->error());
                delete library;
                continue;
            }
            int major = 0, minor = 0;
            functions.version(&major, &minor);
            nvrtc.functions_ = &functions;
            nvrtc.version_ = formatted("{}.{}", major, minor);
            nvrtc.path_ = path;
            why.clear();
            return;
        }
        if (why.empty()) why = "no candidate";
    }
};

const Nvrtc* Nvrtc::find(std::string* why) {
    static const NvrtcLoader* const loader = new NvrtcLoader;
    if (why) *why = loader->why;
    return loader->nvrtc.functions_ ? &loader->nvrtc : nullptr;
}

Compiled Nvrtc::compile(const std::string& text, std::span<const std::string> options) const {
    Compiled result;
    Functions::Program program = nullptr;
    if (const int code =
            functions_->create(&program, text.c_str(), "flexion.cu", 0, nullptr, nullptr);
        code != 0) {
        result.log = functions_->error(code);
        return result;
    }
    std::vector<const char*> arguments;
    for (const std::string& option : options) arguments.push_back(option.c_str());
    const int code =
        functions_->compile(program, static_cast<int>(arguments.size()), arguments.data());
    std::size_t size = 0;
    if (functions_->log_size(program, &size) == 0 && size > 1) {
        result.log.resize(size);
        functions_->log(program, result.log.data());
        result.log.resize(size - 1);
    }
    if (code == 0 && functions_->cubin_size(program, &size) == 0 && size > 0) {
        result.cubin.resize(size);
        result.ok = functions_->cubin(program, result.cubin.data()) == 0;
    } else if (result.log.empty()) {
        result.log = functions_->error(code);
    }
    functions_->destroy(&program);
    read_log(result);
    return result;
}

void read_log(Compiled& compiled) {
    compiled.spilled_bytes = number_before(compiled.log, " bytes spill stores");
    compiled.registers = number_before(compiled.log, " registers");
    const std::size_t remark = compiled.log.find("C75");
    compiled.serialized = remark != std::string::npos && remark + 5 <= compiled.log.size();
}

}  // namespace flexion::cuda
