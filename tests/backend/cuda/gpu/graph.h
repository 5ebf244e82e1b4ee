// SPDX-License-Identifier: Apache-2.0
// Streams and CUDA graphs for the tests: driver functions that the library itself does without.
#pragma once

#include "backend/cuda/driver.h"

namespace flexion::test {

using GraphHandle = struct GraphTag*;
using GraphExecHandle = struct GraphExecTag*;

struct GraphFunctions {
    int (*stream_create)(cuda::StreamHandle*, unsigned);
    int (*stream_destroy)(cuda::StreamHandle);
    int (*stream_synchronize)(cuda::StreamHandle);
    int (*begin_capture)(cuda::StreamHandle, int mode);
    int (*end_capture)(cuda::StreamHandle, GraphHandle*);
    int (*instantiate)(GraphExecHandle*, GraphHandle, unsigned long long flags);
    int (*launch)(GraphExecHandle, cuda::StreamHandle);
    int (*exec_destroy)(GraphExecHandle);
    int (*destroy)(GraphHandle);
};
const GraphFunctions& graph_functions();

/// A stream of its own that does not wait for the default one.
class Stream {
public:
    Stream() { cuda::check(graph_functions().stream_create(&handle_, 1), "cuStreamCreate"); }
    ~Stream() { graph_functions().stream_destroy(handle_); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    cuda::StreamHandle handle() const { return handle_; }
    void synchronize() const {
        cuda::check(graph_functions().stream_synchronize(handle_), "cuStreamSynchronize");
    }

private:
    cuda::StreamHandle handle_ = nullptr;
};

}  // namespace flexion::test
