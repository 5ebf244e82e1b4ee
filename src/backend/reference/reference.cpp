// SPDX-License-Identifier: Apache-2.0
// The verbs of the oracle: nothing is compiled, everything is supported.
#include "backend/reference/reference.h"

#include <memory>

#include "backend/backend.h"
#include "ir/text.h"

namespace flexion::reference {
namespace {

class ReferenceKernel final : public backend::Kernel {};

class Reference final : public backend::Backend {
public:
    const char* name() const override { return "reference"; }
    backend::Support supports(const plan::Problem&, const plan::Mods&) const override { return {}; }
    backend::Source emit(const plan::Problem&, const plan::Mods& mods) const override {
        backend::Source source{"reference", "reference", "", ""};
        for (const ir::Function* f : {mods.score, mods.mask}) {
            if (f) source.text += ir::print(*f);
        }
        return source;
    }
    backend::Binary compile(const backend::Source& source) const override {
        return backend::Binary(source.text.begin(), source.text.end());
    }
    std::unique_ptr<backend::Kernel> load(const backend::Source&,
                                          const backend::Binary&) const override {
        return std::make_unique<ReferenceKernel>();
    }
    void launch(const plan::LaunchArgs& args, backend::KernelProvider&) const override {
        if (args.info) args.info->isa = "double";
        forward(args);
    }
    void launch_backward(const plan::BackwardArgs& args, backend::KernelProvider&) const override {
        if (args.call.info) args.call.info->isa = "double";
        backward(args);
    }
};

}  // namespace

std::unique_ptr<backend::Backend> make_backend() { return std::make_unique<Reference>(); }

}  // namespace flexion::reference
