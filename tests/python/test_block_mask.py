# SPDX-License-Identifier: Apache-2.0
"""BlockMask, attribute by attribute, beside torch's."""

import copy
import functools
import pickle

import pytest
import torch
from torch.nn.attention import flex_attention as torch_flex

import flexion
from flexion.block.tables import KV, Q
from variants import READ_B, READ_H, mask_mods

SIZES = [(128, 128), (32, 32), (16, 16), (64, 32), (32, 64), (48, 40)]
TABLES = (*KV, *Q)


def causal(b, h, q, k):
    return q >= k


def windowed(window, b, h, q, k):
    return q - k <= window


def both(mask_mod, B, H, q_len, kv_len, block_size=128, **options):
    """Our mask and torch's."""
    ours = flexion.create_block_mask(mask_mod, B, H, q_len, kv_len, "cpu", block_size, **options)
    torchs = torch_flex.create_block_mask(
        mask_mod, B, H, q_len, kv_len, "cpu", block_size, **options
    )
    return ours, torchs


def assert_same(ours, torchs):
    for name in TABLES:
        a, b = getattr(ours, name), getattr(torchs, name)
        assert (a is None) == (b is None), name
        if b is not None:
            assert a.dtype == b.dtype and a.shape == b.shape, (name, a.shape, b.shape)
            assert torch.equal(a, b), (name, a, b)
    assert ours.shape == torchs.shape and ours.numel() == torchs.numel()
    assert ours.seq_lengths == torchs.seq_lengths and ours.BLOCK_SIZE == torchs.BLOCK_SIZE
    assert ours.sparsity() == pytest.approx(torchs.sparsity(), abs=1e-9)
    assert torch.equal(ours.to_dense(), torchs.to_dense())
    assert str(ours) == str(torchs)
    assert [type(part) for part in ours.as_tuple()] == [type(part) for part in torchs.as_tuple()]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", mask_mods())
def test_fields_are_those_of_torch(name, size):
    mask_mod = mask_mods()[name]
    B, H = (4 if name in READ_B else None), (8 if name in READ_H else None)
    assert_same(*both(mask_mod, B, H, 200, 168, size))


@pytest.mark.parametrize("q_len, kv_len, size", [
    (4, 4, 128), (9, 9, 128), (2, 300, 128), (1023, 1023, 128), (64, 64, (16, 16)),
    (1, 1, 128), (300, 2, 128), (130, 257, (128, 64)),
])  # fmt: skip
def test_lengths(q_len, kv_len, size):
    assert_same(*both(causal, None, None, q_len, kv_len, size))


def test_no_block_at_all():
    nothing = flexion.and_masks(lambda b, h, q, k: q > k, lambda b, h, q, k: q < k)
    assert_same(*both(nothing, 1, 1, 256, 256))
    assert flexion.create_block_mask(nothing, 1, 1, 256, 256).sparsity() == 100


def test_partial_blocks_only():
    ours, torchs = both(causal, 2, 1, 300, 300, 64, separate_full_blocks=False)
    assert ours.full_kv_num_blocks is None
    assert_same(ours, torchs)


@pytest.mark.parametrize("spt", [False, True])
def test_write_order(spt):
    ours, torchs = both(causal, 2, 1, 300, 300, 64, compute_dq_write_order=True, dq_kv_order=spt)
    assert torch.equal(ours.dq_write_order, torchs.dq_write_order)
    assert torch.equal(ours.dq_write_order_full, torchs.dq_write_order_full)
    assert ours.dq_kv_order_spt == torchs.dq_kv_order_spt
    assert torch.equal(ours[0].dq_write_order, torchs[0].dq_write_order)


def test_repr_and_pictures():
    ours, torchs = both(causal, 2, 3, 1000, 1000)
    assert repr(ours) == repr(torchs)
    for grid, limit in (((20, 20), 4), ((3, 5), 1), (4, 7), (-1, 2)):
        assert ours.to_string(grid, limit) == torchs.to_string(grid, limit)
    assert ours._repr_svg_().startswith("<svg")


def test_repr_makes_no_table():
    mask = flexion.create_block_mask(causal, None, None, 1 << 20, 1 << 20)
    assert "8192, 8192" in repr(mask) and "mask_mod=causal" in repr(mask)
    assert "kv_indices" not in mask.__dict__
    assert mask.sparsity() == pytest.approx(49.9939, abs=1e-3)


INDICES = {
    "first": 0,
    "last": -1,
    "batch and head": (1, 2),
    "slices": (slice(0, 2), slice(1, 2)),
    "row": (slice(None), slice(None), 2),
    "negative row": (slice(None), slice(None), -1),
    "rows": (slice(0, 2), slice(1, 2), torch.tensor([1], dtype=torch.int32)),
    "rows of one batch": (0, 0, torch.tensor([3, 0])),
    "batches": torch.tensor([1, 0]),
    "row slice": (slice(None), 0, slice(1, 3)),
    "step": (slice(None, None, 2), slice(None)),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("made", [False, True], ids=["runs", "tables"])
def test_slices(index, made):
    ours, torchs = both(lambda b, h, q, k: (q >= k) | (b + h == 2), 3, 4, 250, 250, 64)
    if made:
        assert ours.kv_indices is not None
    part, torch_part = ours[index], torchs[index]
    assert type(part) is flexion.BlockMask
    for name in TABLES:
        assert torch.equal(getattr(part, name), getattr(torch_part, name)), name
    assert part.shape == torch_part.shape and part.seq_lengths == (250, 250)
    with pytest.raises(RuntimeError, match="Cannot use mask_mod from a sliced BlockMask"):
        part.mask_mod(*[torch.tensor(0)] * 4)


def test_slice_without_q_tables():
    ours, _ = both(causal, 1, 1, 256, 256)
    base = flexion.BlockMask.from_kv_blocks(
        ours.kv_num_blocks, ours.kv_indices, compute_q_blocks=False
    )
    assert base.q_indices is None and base[0].q_indices is None
    tensor_order = flexion.BlockMask.from_kv_blocks(
        ours.kv_num_blocks, ours.kv_indices, dq_kv_order=torch.zeros(1, 1, 2, dtype=torch.int32)
    )
    with pytest.raises(NotImplementedError, match="dq_kv_order"):
        tensor_order[0]


@pytest.mark.parametrize("q_len, kv_len", [(200, 200), (128, 128), (65, 300), (1, 1)])
def test_adjust(q_len, kv_len):
    ours, torchs = both(causal, 2, 1, 300, 300, 64)
    a, b = ours._adjust(q_len, kv_len), torchs._adjust(q_len, kv_len)
    assert torch.equal(a.kv_num_blocks, b.kv_num_blocks)
    assert torch.equal(a.full_kv_num_blocks, b.full_kv_num_blocks)
    assert torch.equal(a.to_dense(), b.to_dense())
    assert a.shape == b.shape and a.mask_mod is causal


def test_from_kv_blocks():
    torch.manual_seed(3)
    dense = torch.rand(2, 2, 5, 7) < 0.5
    num, indices = torch_flex._dense_to_ordered(dense)
    full_num, full_indices = torch_flex._dense_to_ordered(~dense & (torch.rand(2, 2, 5, 7) < 0.5))
    for lengths in (None, (600, 890)):
        make = [num, indices, full_num, full_indices, (128, 128), causal, lengths]
        ours = flexion.BlockMask.from_kv_blocks(*make)
        torchs = torch_flex.BlockMask.from_kv_blocks(*make)
        assert ours.kv_indices is indices and ours.mask_mod is causal
        assert_same(ours, torchs)
    assert flexion.BlockMask.from_kv_blocks(num, indices).mask_mod is flexion.noop_mask


def test_misuse_of_tables():
    num, indices = (
        torch.ones(1, 1, 2, dtype=torch.int32),
        torch.zeros(1, 1, 2, 2, dtype=torch.int32),
    )
    make = flexion.BlockMask.from_kv_blocks
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        make(num[0, 0, 0], indices[0, 0, 0])
    with pytest.raises(AssertionError, match="both provided or omitted"):
        make(num, indices, num, None)
    with pytest.raises(ValueError, match="dq_kv_order must be a bool, Tensor, or None"):
        make(num, indices, dq_kv_order=3)
    with pytest.raises(ValueError, match="dq_write_order_full requires dq_write_order"):
        make(num, indices, dq_write_order_full=num)
    parts = [(256, 256), num, indices, None, None, num, indices]
    with pytest.raises(AssertionError, match="full_q_num_blocks"):
        flexion.BlockMask(*parts, num, None)
    assert flexion.BlockMask(*parts, None, None).shape == (1, 1, 256, 256)


def test_misuse_of_create():
    with pytest.raises(AssertionError, match="requires a mask_mod function"):
        flexion.create_block_mask(lambda s, b, h, q, k: s, 1, 1, 8, 8)
    with pytest.raises(AssertionError, match="Expected 4 or 5 positional args, got 2"):
        flexion.create_block_mask(lambda q, k: q >= k, 1, 1, 8, 8)
    with pytest.raises(ValueError, match="dq_kv_order must be a bool"):
        flexion.create_block_mask(causal, 1, 1, 8, 8, dq_kv_order=torch.zeros(1))
    with pytest.raises(RuntimeError, match="All inputs should be callable mask_mods"):
        flexion.and_masks(causal, 3)
    with pytest.raises(RuntimeError, match="All inputs should be callable mask_mods"):
        flexion.or_masks(None)
    with pytest.warns(DeprecationWarning, match="_compile"):
        flexion.create_block_mask(causal, 1, 1, 8, 8, _compile=True)
    with pytest.raises(ValueError, match="BLOCK_SIZE|block"):
        flexion.create_block_mask(causal, 1, 1, 8, 8, BLOCK_SIZE=0)


def test_kinds_of_callables():
    class Window:
        def __init__(self, window):
            self.window = window

        def __call__(self, b, h, q, k):
            return q - k <= self.window

    expected = flexion.create_block_mask(lambda b, h, q, k: q - k <= 40, 1, 1, 256, 256).to_dense()
    for mod in (functools.partial(windowed, 40), Window(40), Window(40).__call__):
        assert torch.equal(
            flexion.create_block_mask(mod, 1, 1, 256, 256, BLOCK_SIZE=128).to_dense(), expected
        )


def test_copies():
    mask = flexion.create_block_mask(causal, 2, None, 300, 300, BLOCK_SIZE=64)
    reference = torch_flex.create_block_mask(causal, 2, None, 300, 300, "cpu", 64)
    for other in (
        copy.copy(mask),
        copy.deepcopy(mask),
        pickle.loads(pickle.dumps(mask)),
        mask.to("cpu"),
        mask.contiguous(),
        copy.deepcopy(pickle.loads(pickle.dumps(mask))),
    ):
        assert type(other) is flexion.BlockMask and isinstance(other, torch_flex.BlockMask)
        assert_same(other, reference)
        assert other.mask_mod is causal


def test_tables_that_are_written_to_count():
    q, k, v = (torch.randn(1, 1, 128, 16) for _ in range(3))
    make = lambda: flexion.create_block_mask(causal, None, None, 128, 128, BLOCK_SIZE=64)
    first, written, replaced = make(), make(), make()
    expected = flexion.flex_attention(q, k, v, block_mask=first)
    written.full_kv_num_blocks.zero_()  # the lower left block
    replaced.full_kv_num_blocks = torch.zeros(1, 1, 2, dtype=torch.int32)
    for mask in (written, replaced):
        out = flexion.flex_attention(q, k, v, block_mask=mask)
        assert torch.equal(out[:, :, :64], expected[:, :, :64])
        torch.testing.assert_close(
            out[:, :, 64:],
            torch.nn.functional.scaled_dot_product_attention(
                q[:, :, 64:], k[:, :, 64:], v[:, :, 64:], is_causal=True
            ),
        )
    assert torch.equal(flexion.flex_attention(q, k, v, block_mask=first), expected)


def test_pytree():
    table = torch.arange(300)
    mask = flexion.create_block_mask(lambda b, h, q, k: table[q] >= k, 1, 1, 300, 300)
    leaves, spec = torch.utils._pytree.tree_flatten(mask)
    assert all(isinstance(leaf, torch.Tensor) for leaf in leaves) and len(leaves) >= 8
    again = torch.utils._pytree.tree_unflatten(leaves, spec)
    assert type(again) is flexion.BlockMask and torch.equal(again.kv_indices, mask.kv_indices)
    moved = torch.utils._pytree.tree_map(lambda x: x.clone(), mask)
    q = torch.randn(1, 2, 300, 16)
    expected = flexion.flex_attention(q, q, q, block_mask=mask)
    assert torch.equal(flexion.flex_attention(q, q, q, block_mask=moved), expected)
    with_keys, _ = torch.utils._pytree.tree_flatten_with_path(mask)
    assert "kv_num_blocks" in str(with_keys[0][0])


def test_create_mask():
    for name, mask_mod in mask_mods().items():
        ours = flexion.create_mask(mask_mod, 4, 8, 50, 60)
        torchs = torch_flex.create_mask(mask_mod, 4, 8, 50, 60, "cpu")
        assert ours.dtype == torch.bool and torch.equal(ours, torchs.expand(4, 8, 50, 60)), name
    score_mod = lambda s, b, h, q, k: torch.where(q >= k, s, -float("inf"))
    torchs = torch_flex.create_mask(score_mod, 1, 1, 50, 60, "cpu")
    assert torch.equal(flexion.create_mask(score_mod, None, None, 50, 60), torchs)


def test_combinators():
    window = lambda b, h, q, k: q - k < 20
    for ours, torchs in (
        (flexion.and_masks(causal, window), torch_flex.and_masks(causal, window)),
        (flexion.or_masks(causal, window), torch_flex.or_masks(causal, window)),
        (flexion.and_masks(), torch_flex.and_masks()),
        (flexion.or_masks(), torch_flex.or_masks()),
        (flexion.noop_mask, torch_flex.noop_mask),
    ):
        expected = torch_flex.create_mask(torchs, 1, 1, 40, 50, "cpu")
        for mod in (ours, torchs):
            assert torch.equal(flexion.create_mask(mod, 1, 1, 40, 50), expected)
        assert torch.equal(torch_flex.create_mask(ours, 1, 1, 40, 50, "cpu"), expected)
    assert flexion.and_masks(causal)(0, 0, 3, 2) is True


def test_block_masks_of_torch_helpers():
    from flexion.flex_attention import _convert_mask_to_block_mask, _round_up_to_multiple

    dense = torch.rand(2, 3, 50, 70) < 0.9
    dense[:, :, 16:32, 16:32] = True
    for separate in (False, True):
        ours = _convert_mask_to_block_mask(dense, 16, 16, separate)
        torchs = torch_flex._convert_mask_to_block_mask(dense, 16, 16, separate)
        for a, b in zip(ours, torchs):
            assert (a is None and b is None) or (a.dtype == b.dtype and torch.equal(a, b))
    assert _round_up_to_multiple(130, 128) == 256
