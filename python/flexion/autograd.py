# SPDX-License-Identifier: Apache-2.0
"""Gradients of a call on plain tensors, without the dispatcher."""

import torch

from flexion import _C

MASK_GRADIENT = "Captured buffers from mask mod that require grad are not supported."
SECOND_ORDER = (
    "flex_attention: double backward is not supported; gradients of gradients (create_graph=True "
    "and a second backward) need attention written in torch operations"
)


class FusedAttention(torch.autograd.Function):
    """(out, lse, max_scores) of (call, block_mask, scale), query, key, value and the captured
    arrays. It saves the tensors, so that autograd notices when one is written to before backward;
    what the mods captured other than torch tensors stays with the call."""

    @staticmethod
    def forward(ctx, origin, query, key, value, *captured):
        call = origin[0]
        for each in captured[call.score_captured_count :]:
            if getattr(each, "requires_grad", False):
                raise AssertionError(MASK_GRADIENT)
        out, lse, max_scores = call.run()
        tensors = [each for each in captured if isinstance(each, torch.Tensor)]
        ctx.others = None if len(tensors) == len(captured) else captured
        ctx.save_for_backward(query, key, value, out, lse, *tensors)
        ctx.origin = origin
        ctx.set_materialize_grads(False)
        if max_scores is not None:
            ctx.mark_non_differentiable(max_scores)
        call.release()
        return out, lse, max_scores

    @staticmethod
    def backward(ctx, d_out, d_lse, d_max):
        wants = ctx.needs_input_grad[1:]
        if d_out is None and d_lse is None:
            return (None,) * (1 + len(wants))
        query, key, value, out, lse, *captured = ctx.saved_tensors
        if ctx.others is not None:
            tensors = iter(captured)
            captured = [
                next(tensors) if isinstance(each, torch.Tensor) else each for each in ctx.others
            ]
        call, block_mask, scale = ctx.origin
        given = [each for each in (d_out, d_lse) if each is not None]
        if not _C.is_plain(*given):  # batched gradients, or a mode that watches operators
            from flexion import operators  # which imports this module

            spec, tensors = operators.spec_of(call, block_mask, scale, query, captured)
            return operators.backward(
                spec, wants, query, key, value, out, lse, d_out, d_lse, *tensors
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
        return (None, *gradients)


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
