// SPDX-License-Identifier: Apache-2.0
// Captured tensors and how mods read them.
#include <flexion/error.h>
#include <flexion/expr.h>

#include "ir/tracer.h"
#include "support/fail.h"

namespace flexion {
namespace {

constexpr const char* kName = "flexion::Buffer";

}  // namespace

Buffer buffer(const TensorView& view) {
    if (view.rank < 0 || view.rank > kMaxRank) {
        flexion::fail<UserError>("flexion::buffer: got a tensor of rank {}; expected 0 to {}",
                                 view.rank, kMaxRank);
    }
    if (view.dtype > DType::boolean) throw UserError("flexion::buffer: the dtype is not valid");
    for (int i = 0; i < view.rank; ++i) {
        if (view.shape[i] < 0) {
            flexion::fail<UserError>("flexion::buffer: dimension {} has extent {}", i,
                                     view.shape[i]);
        }
    }
    if (view.data == nullptr && view.numel() > 0) {
        throw UserError("flexion::buffer: got no memory (data is null)");
    }
    Buffer b;
    b.view_ = std::make_shared<const TensorView>(view);
    return b;
}

Buffer::Access Buffer::operator[](Expr index) const {
    Access access;
    access.view_ = view_;
    return access[index];
}

Buffer::Access Buffer::Access::operator[](Expr index) const {
    if (static_cast<int>(indices_.size()) == view_->rank) {
        flexion::fail<UserError>("{}: more than {} indices for a tensor of rank {}", kName,
                                 view_->rank, view_->rank);
    }
    Access deeper = *this;
    deeper.indices_.push_back(index);
    return deeper;
}

Buffer::Access::operator Expr() const {
    Buffer b;
    b.view_ = view_;
    return b.gather(indices_);
}

Expr Buffer::gather(const std::vector<Expr>& indices) const {
    Tracer& tracer = Tracer::current(kName);
    if (static_cast<int>(indices.size()) != view_->rank) {
        flexion::fail<UserError>(
            "{}: a tensor of rank {} was read with {} indices; give one for "
            "each dimension",
            kName, view_->rank, indices.size());
    }
    std::vector<ir::Value> values;
    for (const Expr& index : indices) values.push_back(tracer.value(index, kName));
    ir::Builder& builder = tracer.builder();
    const ir::Value loaded = builder.load(tracer.capture(view_), values);
    // f64 is for f64 problems only, and there all reals are f64.
    const bool real = ir::is_float(builder.type(loaded));
    return tracer.wrap(real ? builder.cast(loaded, builder.float_type()) : loaded);
}

}  // namespace flexion
