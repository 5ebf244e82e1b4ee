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

void check_capture(const char* where, const TensorView& view) {
    if (view.rank < 0 || view.rank > kMaxRank) {
        flexion::fail<UserError>("{}: got a tensor of rank {}; expected 0 to {}", where, view.rank,
                                 kMaxRank);
    }
    if (view.dtype > DType::boolean) {
        flexion::fail<UserError>("{}: the dtype of a tensor is not valid", where);
    }
    bool empty = false;
    for (int i = 0; i < view.rank; ++i) {
        if (view.shape[i] < 0) {
            flexion::fail<UserError>("{}: dimension {} of a tensor has extent {}", where, i,
                                     view.shape[i]);
        }
        empty |= view.shape[i] == 0;
    }
    if (view.data == nullptr && !empty) {
        flexion::fail<UserError>("{}: got a tensor without memory (data is null)", where);
    }
}

Buffer buffer(const TensorView& view) {
    check_capture("flexion::buffer", view);
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
