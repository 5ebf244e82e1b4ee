// SPDX-License-Identifier: Apache-2.0
// Tensors on the device for the tests, with the layout and the surroundings of their host twins.
#pragma once

#include <deque>
#include <string>

#include <flexion/tensor.h>

#include "backend/cuda/launch/device_state.h"
#include "cases/check.h"

namespace flexion::test {

/// A copy of the memory that a host view spans. A context is made current if there is none.
class DeviceTensor {
public:
    explicit DeviceTensor(const TensorView& host);
    const TensorView& view() const { return view_; }
    /// Copies the memory back to the view it was made from.
    void read_back() const;

private:
    cuda::Memory memory_;
    TensorView host_, view_;
    std::size_t bytes_ = 0;
    std::int64_t first_ = 0;  // offset of the lowest element, in elements
};

/// Makes the first device's context current if there is none.
void use_some_context();

/// Copies of captured buffers, kept in `memory`.
Captures on_device(const Captures& host, std::deque<DeviceTensor>& memory);

/// "" when this machine can run the kernels, else why not.
std::string why_no_gpu();

/// Of lines like ALiBi's: the part of a tile's first query is added last, so that scores are
/// rounded as slope * 192 is; slopes are normal numbers.
constexpr double kLineError = 0x1p-16;

/// Runs a case on the device and brings the outputs back.
Outputs run_on_device(const CaseInputs& inputs, const KernelOptions& kernel_options = {});

/// The mods of `inputs` with their captures on the device, and the memory behind them.
struct DeviceMods {
    explicit DeviceMods(const ScoreMod& score, const BlockMask& mask);
    std::deque<DeviceTensor> memory;
    ScoreMod score_mod;
    BlockMask block_mask;
};

}  // namespace flexion::test
