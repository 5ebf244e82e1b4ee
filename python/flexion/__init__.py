# SPDX-License-Identifier: Apache-2.0
"""Attention variants, compiled: score_mod and mask_mod to one fused kernel, forward and backward.

The names are those of torch.nn.attention.flex_attention; torch itself is optional."""

from flexion._C import (
    Buffer,
    CompileError,
    DeviceError,
    Error,
    InternalError,
    TraceError,
    Unsupported,
    UserError,
    __version__,
    cache_info,
    function,
    option,
    options,
    set_option,
)
from flexion.flex_attention import (
    AuxOutput,
    AuxRequest,
    BlockMask,
    FlexKernelOptions,
    and_masks,
    create_block_mask,
    create_mask,
    flex_attention,
    noop_mask,
    or_masks,
)

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "Buffer",
    "CompileError",
    "DeviceError",
    "Error",
    "FlexKernelOptions",
    "InternalError",
    "PagedAttention",
    "TraceError",
    "Unsupported",
    "UserError",
    "__version__",
    "and_masks",
    "cache_info",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "function",
    "noop_mask",
    "option",
    "options",
    "or_masks",
    "set_option",
]


def __getattr__(name):
    if name == "PagedAttention":  # needs torch
        from flexion.paged_attention import PagedAttention

        return PagedAttention
    raise AttributeError(f"module 'flexion' has no attribute '{name}'")
