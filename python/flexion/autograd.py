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
    call, block_mask, scale, others = origin
    if others is not None:
        tensors = iter(captured)
        captured = [next(tensors) if each is None else each for each in others]
    given = [each for each in (d_out, d_lse) if each is not None]
    if not _C.is_plain(*given):  # batched gradients, or a mode that watches operators
        from flexion import operators  # which imports this module

        spec, tensors = operators.spec_of(call, block_mask, scale, query, captured)
        return operators.backward(
            spec, wants, d_out, d_lse, query, key, value, out, lse, *tensors
        )
    if not all(torch._C._has_storage(each) for each in given):
        raise NotImplementedError(
            "flex_attention: is_grads_batched=True is not supported; use torch.func.vmap over "
            "torch.func.vjp"
        )
    gradients = call.backward(query, key, value, captured, out, lse, d_out, d_lse, wants)
    if torch.is_grad_enabled():  # create_graph=True
        anchors = [t for t in (query, key, value, *captured, *given) if t.requires_grad]
        gradients = once_only(gradients, anchors)
    return gradients


class FusedAttention(torch.autograd.Function):
    """A Call, with (block_mask, scale) for the operator, on query, key, value and the captured
    arrays. It saves the tensors, so that autograd notices when one is written to before backward;
    arrays that are none of torch stay here."""

    @staticmethod
    def forward(ctx, origin, *inputs):
        call, block_mask, scale = origin
        out, lse, max_scores = call.run(True)
        tensors, others = inputs, None
        if not all(isinstance(each, torch.Tensor) for each in inputs):
            tensors = [each for each in inputs if isinstance(each, torch.Tensor)]
            others = [None if isinstance(each, torch.Tensor) else each for each in inputs[3:]]
        ctx.save_for_backward(*tensors[:3], out, lse, *tensors[3:])
        ctx.origin = (call, block_mask, scale, others)
        ctx.set_materialize_grads(False)
        call.release()
        if max_scores is not None:
            ctx.mark_non_differentiable(max_scores)
        elif not call.want_lse:
            return out
        return out, lse, max_scores

    backward = backward_by(_gradients)


# Without what torch's apply() does for functorch, which the callers have ruled out: 2 us of 12.
_apply = super(torch.autograd.Function, FusedAttention).apply


def differentiable(call, block_mask, scale):
    """(out, lse, max_scores) of a Call some tensor of which requires a gradient."""
    result = _apply((call, block_mask, scale), *call.tensors)
    return result if type(result) is tuple else (result, None, None)


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
