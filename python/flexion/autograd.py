# SPDX-License-Identifier: Apache-2.0
"""Gradients of a call on plain tensors, without the dispatcher."""

import torch

from flexion import _C

SECOND_ORDER = (
    "flex_attention: double backward is not supported; gradients of gradients (create_graph=True "
    "and a second backward) need attention written in torch operations"
)


def backward_by(gradients):
    """The backward of an autograd function of (origin, query, key, value, *captured) that keeps
    ctx.origin, saves (query, key, value, out, lse, *captured) and returns out, or (out, lse,
    max_scores): by gradients(origin, wants, d_out, d_lse, *saved), one for each input but the
    origin."""

    def backward(ctx, d_out, d_lse=None, d_max=None):
        wants = ctx.needs_input_grad[1:]
        if d_out is None and d_lse is None:
            return (None,) * (1 + len(wants))
        return (None, *gradients(ctx.origin, wants, d_out, d_lse, *ctx.saved_tensors))

    return staticmethod(backward)


def _gradients(origin, wants, d_out, d_lse, query, key, value, out, lse, *captured):
    call, block_mask, scale, others, learned = origin
    if others is not None:
        tensors = iter(captured)
        captured = [next(tensors) if each is None else each for each in others]
    seen = iter(wants[3:])  # of `learned`, the captured tensors that the function was given
    wants = (*wants[:3], *[i in learned and next(seen) for i in range(len(captured))])
    given = [each for each in (d_out, d_lse) if each is not None]
    if not _C.is_plain(*given):  # batched gradients, or a mode that watches operators
        from flexion import operators  # which imports this module

        spec, tensors = operators.spec_of(call, block_mask, scale, query, captured)
        gradients = operators.backward(
            spec, wants, d_out, d_lse, query, key, value, out, lse, *tensors
        )
    else:
        if not all(torch._C._has_storage(each) for each in given):
            raise NotImplementedError(
                "flex_attention: is_grads_batched=True is not supported; use torch.func.vmap over "
                "torch.func.vjp"
            )
        gradients = call.backward(query, key, value, captured, out, lse, d_out, d_lse, wants)
        if torch.is_grad_enabled():  # create_graph=True
            anchors = [t for t in (query, key, value, *captured, *given) if t.requires_grad]
            gradients = once_only(gradients, anchors)
    return [*gradients[:3], *[gradients[3 + i] for i in learned]]


class FusedAttention(torch.autograd.Function):
    """(call, block_mask, scale, learned) on query, key, value and those captured tensors that
    require a gradient, `learned` their positions. All tensors are saved, so that autograd notices
    when one is written to before backward; arrays that are none of torch stay in the origin, with
    None for each tensor."""

    forward = staticmethod(_C.forward)
    backward = backward_by(_gradients)


# Without what torch's apply() does for functorch, which the callers have ruled out: 2 us of 12.
_C.set_autograd(super(torch.autograd.Function, FusedAttention).apply)


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, count, *tensors):
        return tuple(each.view_as(each) for each in tensors[:count])

    @staticmethod
    def backward(ctx, *gradients):
        raise RuntimeError(SECOND_ORDER)


def once_only(gradients, anchors):
    """The gradients, as tensors that depend on the anchors in a way that raises when it is asked
    for."""
    present = [each for each in gradients if each is not None]
    if not present or not anchors:
        return gradients
    wrapped = iter(_Once.apply(len(present), *present, *anchors))
    return [None if each is None else next(wrapped) for each in gradients]
