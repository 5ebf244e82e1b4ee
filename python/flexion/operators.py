# SPDX-License-Identifier: Apache-2.0
"""The operators flexion::attention and flexion::attention_backward: what calls become whose tensors
are not plain ones (fake, traced, batched or watched ones). Mods travel as IR text."""

import atexit
import dataclasses
import math
import weakref

import torch
from torch.autograd import forward_ad

from flexion import _C
from flexion.autograd import SECOND_ORDER, backward_by
from flexion.block.cores import from_tables
from flexion.mods import is_noop
from flexion.block.tables import KV

# mask_shape is [] without a mask, else [B, H, q_len, kv_len, q_block, kv_block], B and H 0 where
# the mask is the same for all. tables are the 2 or 4 tables of keys; none of them: the blocks
# follow from mask_ir at each call.
_MODS = (
    "Tensor[] score_captured, Tensor[] mask_captured, Tensor[] tables, SymInt[] mask_shape, "
    "str score_ir, str mask_ir, Scalar[] score_scalars, Scalar[] mask_scalars, float scale, "
    "bool enable_gqa"
)
_LIBRARY = torch.library.Library("flexion", "DEF")
_TAGS = [torch.Tag.needs_exact_strides] if hasattr(torch.Tag, "needs_exact_strides") else []
_LIBRARY.define(
    f"attention(Tensor query, Tensor key, Tensor value, {_MODS}, bool want_max)"
    " -> (Tensor, Tensor, Tensor)",
    tags=_TAGS,
)
_LIBRARY.define(
    "attention_backward(Tensor query, Tensor key, Tensor value, Tensor out, Tensor lse, "
    f"Tensor? d_out, Tensor? d_lse, {_MODS}, bool[] wants) -> (Tensor, Tensor, Tensor, Tensor[])",
    tags=_TAGS,
)
_FORWARD = torch.ops.flexion.attention.default
_BACKWARD = torch.ops.flexion.attention_backward.default


@dataclasses.dataclass(frozen=True, eq=False)
class Spec:
    """What an operator takes beside the tensors that gradients flow to or that may be batched."""

    counts: tuple  # captured tensors of score_mod, of mask_mod, tables
    mask_shape: tuple
    score_ir: str
    mask_ir: str
    score_scalars: tuple
    mask_scalars: tuple
    scale: float
    enable_gqa: bool
    want_max: bool

    def mods(self, captured):
        """The operator's arguments from score_captured to enable_gqa."""
        score, mask, _ = self.counts
        captured = list(captured)
        return (
            captured[:score],
            captured[score : score + mask],
            captured[score + mask :],
            list(self.mask_shape),
            self.score_ir,
            self.mask_ir,
            list(self.score_scalars),
            list(self.mask_scalars),
            self.scale,
            self.enable_gqa,
        )


def _spec(score, mask, score_captured, mask_captured, block_mask, scale, enable_gqa, want_max):
    """Spec, and the captured tensors and tables, of traced mods (None: no mod)."""
    tables, shape = [], ()
    if block_mask is not None:
        recipe = getattr(block_mask, "_recipe", None)
        pristine = recipe is not None and (block_mask._core is None or block_mask._pristine())
        if not pristine:
            tables = [t for t in (getattr(block_mask, name) for name in KV) if t is not None]
            recipe = block_mask.shape[:2]
        shape = (*(n or 0 for n in recipe), *block_mask.seq_lengths, *block_mask.BLOCK_SIZE)
    captured = [torch.as_tensor(each) for each in (*score_captured, *mask_captured)]
    spec = Spec(
        (len(score_captured), len(mask_captured), len(tables)),
        shape,
        score.text if score else "",
        mask.text if mask else "",
        tuple(score.scalars) if score else (),
        tuple(mask.scalars) if mask else (),
        scale,
        enable_gqa,
        want_max,
    )
    return spec, [*captured, *tables]


def _captured(traced):
    return traced.captured if traced else []


def call(query, key, value, score_mod, block_mask, scale, enable_gqa, want_max):
    """(out, lse, max_scores) by the operator."""
    score = mask = None
    if score_mod is not None:
        score = _C.trace_score_mod(score_mod, query.dtype == torch.float64)
    if block_mask is not None and not is_noop(block_mask.mask_mod):
        mask = _C.trace_mask_mod(block_mask.mask_mod)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    mods = (score, mask, _captured(score), _captured(mask))
    spec, captured = _spec(*mods, block_mask, float(scale), enable_gqa, want_max)
    if forward_ad._current_level >= 0:
        _refuse_tangents(query, key, value, *captured)
    if torch._C._functorch.peek_interpreter_stack() is not None:
        out, lse, max_scores = Attention.apply(spec, query, key, value, *captured)
    else:
        out, lse, max_scores = _FORWARD(query, key, value, *spec.mods(captured), want_max)
    return out, lse, max_scores if want_max else None


def _refuse_tangents(*tensors):
    """Kernels have no forward mode; without this the tangents would be dropped."""
    if any(forward_ad.unpack_dual(each).tangent is not None for each in tensors):
        raise NotImplementedError(
            "flex_attention: forward-mode differentiation (dual tensors, torch.func.jvp) is not "
            "supported; use reverse mode, or attention written in torch operations"
        )


def spec_of(call, block_mask, scale, query, captured):
    """Spec and tensors of a released Call that was made without the operator."""
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    count = call.score_captured_count
    mods = (call.score_mod, call.mask_mod, captured[:count], captured[count:])
    return _spec(*mods, block_mask, scale, True, False)


def backward(spec, wants, d_out, d_lse, query, key, value, out, lse, *captured):
    """The gradients of query, key, value and captured, by the operator."""
    count = 3 + spec.counts[0]
    gradients = AttentionBackward.apply(
        (spec, wants[:count]), query, key, value, out, lse, d_out, d_lse, *captured
    )
    gradients = [g if want else None for g, want in zip(gradients, wants)]
    return (*gradients, *[None] * (len(wants) - count))


# ---- kernels ------------------------------------------------------------------------------------

_blocks = {}  # structure of a mask: its captured tensors with versions, and the core
_BLOCKS_KEPT = 32
# The dispatcher keeps this module's functions, and so its globals, beyond the interpreter's end.
atexit.register(_blocks.clear)


def _core(mask_shape, tables, mask_ir, captured, scalars):
    if not mask_shape:
        return None
    B, H, q_len, kv_len, *block_size = mask_shape
    if tables:
        tables = [*tables, None, None][:4]
        return from_tables(tables, (q_len, kv_len), block_size)
    if not mask_ir:
        return None
    key = (mask_ir, tuple(scalars), tuple(mask_shape), tuple(id(each) for each in captured))
    inference = any(each.is_inference() for each in captured)  # those count no versions
    versions = None if inference else [each._version for each in captured]
    found = _blocks.get(key)
    if found is not None and not inference:
        kept, kept_versions, core = found
        if kept_versions == versions and all(a() is b for a, b in zip(kept, captured)):
            return core
    core = _C.BlockMaskCore.create_from_ir(
        mask_ir, captured, scalars, B or None, H or None, q_len, kv_len, *block_size
    )
    if not inference:
        while len(_blocks) >= _BLOCKS_KEPT:
            _blocks.pop(next(iter(_blocks)), None)
        _blocks[key] = ([weakref.ref(each) for each in captured], versions, core)
    return core


def _prepared(q, k, v, score_captured, mask_captured, tables, mask_shape, score_ir, mask_ir,
              score_scalars, mask_scalars, scale, enable_gqa, want_max):  # fmt: skip
    return _C.prepare_from_ir(
        q,
        k,
        v,
        score_ir,
        score_captured,
        score_scalars,
        _core(mask_shape, tables, mask_ir, mask_captured, mask_scalars),
        mask_ir,
        mask_captured,
        mask_scalars,
        scale,
        enable_gqa,
        True,
        want_max,
    )


def _plain(x):
    """Without the subclass of a tensor, which has done its work above the kernels."""
    if isinstance(x, (list, tuple)):
        return [_plain(each) for each in x]
    subclass = isinstance(x, torch.Tensor) and type(x) not in (torch.Tensor, torch.nn.Parameter)
    return x.as_subclass(torch.Tensor) if subclass else x


def _attention(*arguments):
    query, key, value, *mods_and_want = map(_plain, arguments)
    out, lse, max_scores = _prepared(query, key, value, *mods_and_want).run()
    return out, lse, lse.new_empty(0) if max_scores is None else max_scores


def _attention_backward(*arguments):
    query, key, value, out, lse, d_out, d_lse, *mods, wants = map(_plain, arguments)
    score_captured = mods[0]
    captured = [*score_captured, *mods[1]]
    wants = [*wants[: 3 + len(score_captured)], *[False] * len(mods[1])]
    if d_out is None and d_lse is None:
        d_out = torch.zeros_like(out)
    gradients = _prepared(query, key, value, *mods, False).backward(
        query, key, value, captured, out, lse, d_out, d_lse, wants
    )
    tensors = (query, key, value, *score_captured)
    gradients = [t.new_empty(0) if g is None else g for g, t in zip(gradients, tensors)]
    return (*gradients[:3], gradients[3:])


def _dense(like, shape):
    """A new tensor, dense in the order of strides of `like` but for the last dimension, which is
    the innermost as in torch."""
    last = len(shape) - 1
    order = sorted(range(last), key=lambda d: (like.stride(d), like.shape[d] == 1))[::-1]
    order += [last] if shape else []
    new = like.new_empty([shape[d] for d in order])
    return new.permute([order.index(d) for d in range(len(shape))])


def _attention_fake(query, key, value, *mods_and_want):
    out = _dense(query, (*query.shape[:-1], value.shape[-1]))
    dtype = torch.float64 if query.dtype == torch.float64 else torch.float32
    lse = query.new_empty(query.shape[:-1], dtype=dtype)
    return out, lse, torch.empty_like(lse) if mods_and_want[-1] else lse.new_empty(0)


def _attention_backward_fake(query, key, value, out, lse, d_out, d_lse, *mods_and_wants):
    tensors = (query, key, value, *mods_and_wants[0])
    gradients = [
        _dense(t, t.shape) if want else t.new_empty(0)
        for t, want in zip(tensors, mods_and_wants[-1])
    ]
    return (*gradients[:3], gradients[3:])


# ---- gradients ----------------------------------------------------------------------------------


def _each(function, batch_size, in_dims, first, *tensors):
    """function(first, *tensors) for each element of the batched dimensions, stacked."""
    results = []
    for i in range(batch_size):
        results.append(
            function(
                first,
                *(t if d is None else t.select(d, i) for t, d in zip(tensors, in_dims[1:])),
            )
        )
    stacked = tuple(torch.stack(each) for each in zip(*results))
    return stacked, (0,) * len(stacked)


class Attention(torch.autograd.Function):
    """The forward operator with its gradients, in the form that torch.func can transform."""

    @staticmethod
    def forward(spec, query, key, value, *captured):
        with torch._C._AutoDispatchBelowAutograd():
            return _FORWARD(query, key, value, *spec.mods(captured), spec.want_max)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.origin, query, key, value, *captured = inputs
        out, lse, max_scores = output
        ctx.save_for_backward(query, key, value, out, lse, *captured)
        ctx.mark_non_differentiable(max_scores)
        ctx.set_materialize_grads(False)

    backward = backward_by(backward)

    @staticmethod
    def vmap(info, in_dims, spec, *tensors):
        return _each(Attention.apply, info.batch_size, in_dims, spec, *tensors)


class AttentionBackward(torch.autograd.Function):
    """The backward operator, which has no gradient of its own."""

    @staticmethod
    def forward(spec_and_wants, query, key, value, out, lse, d_out, d_lse, *captured):
        spec, wants = spec_and_wants
        with torch._C._AutoDispatchBelowAutograd():
            d_query, d_key, d_value, others = _BACKWARD(
                query, key, value, out, lse, d_out, d_lse, *spec.mods(captured), list(wants)
            )
        return (d_query, d_key, d_value, *others)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, *gradients):
        raise RuntimeError(SECOND_ORDER)

    @staticmethod
    def vmap(info, in_dims, spec_and_wants, *tensors):
        return _each(AttentionBackward.apply, info.batch_size, in_dims, spec_and_wants, *tensors)


def _differentiable(tensors):
    return torch.is_grad_enabled() and any(
        isinstance(each, torch.Tensor) and each.requires_grad for each in tensors
    )


def _attention_autograd(query, key, value, *mods_and_want):
    *mods, want_max = mods_and_want
    score, mask, tables = mods[:3]
    if not _differentiable((query, key, value, *score)):
        with torch._C._AutoDispatchBelowAutograd():
            return _FORWARD(query, key, value, *mods, want_max)
    if _differentiable(mask):
        raise AssertionError(_C.MASK_GRADIENT)
    spec = Spec((len(score), len(mask), len(tables)), *mods[3:], want_max)
    return Attention.apply(spec, query, key, value, *score, *mask, *tables)


def _attention_backward_autograd(query, key, value, out, lse, d_out, d_lse, *mods_and_wants):
    tensors = (query, key, value, out, lse, d_out, d_lse)
    *mods, wants = mods_and_wants
    score, mask, tables = mods[:3]
    if not _differentiable((*tensors, *score)):
        with torch._C._AutoDispatchBelowAutograd():
            return _BACKWARD(*tensors, *mods, wants)
    spec = Spec((len(score), len(mask), len(tables)), *mods[3:], False)
    d_query, d_key, d_value, *others = AttentionBackward.apply(
        (spec, wants), *tensors, *score, *mask, *tables
    )
    return d_query, d_key, d_value, others


for _key in ("CPU", "CUDA"):
    _LIBRARY.impl("attention", _attention, _key)
    _LIBRARY.impl("attention_backward", _attention_backward, _key)
_LIBRARY.impl("attention", _attention_autograd, "Autograd")
_LIBRARY.impl("attention_backward", _attention_backward_autograd, "Autograd")
torch.library.register_fake("flexion::attention", _attention_fake, lib=_LIBRARY)
torch.library.register_fake("flexion::attention_backward", _attention_backward_fake, lib=_LIBRARY)
