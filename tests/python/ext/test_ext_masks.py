# SPDX-License-Identifier: Apache-2.0
"""BlockMaskCore: torch's tables, selections and pictures, field by field against torch."""
import pytest

torch = pytest.importorskip("torch")
from torch.nn.attention.flex_attention import BlockMask, create_block_mask  # noqa: E402

from flexion import _C  # noqa: E402

doc = torch.tensor([0] * 100 + [1] * 37 + [2] * 163)
MASKS = dict(
    causal=lambda b, h, q, k: q >= k,
    document=lambda b, h, q, k: doc[q] == doc[k],
    heads=lambda b, h, q, k: (q + 20 * h >= k) & (k >= 30 * b),
    none=lambda b, h, q, k: q < 0,
)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("block", [(128, 128), (16, 32)])
def test_tables_are_torchs(name, block):
    args = (MASKS[name], 2, 3, 290, 300)
    theirs = create_block_mask(*args, device="cpu", BLOCK_SIZE=block)
    core = _C.BlockMaskCore.create(*args, *block)
    for attribute, table in (("kv", core.kv_table), ("q", core.q_table)):
        for prefix, full in (("", False), ("full_", True)):
            counts, indices = table(full)
            assert counts.dtype == indices.dtype == torch.int32
            wanted = getattr(theirs, f"{prefix}{attribute}_num_blocks")
            assert torch.equal(counts, wanted)
            assert torch.equal(indices, getattr(theirs, f"{prefix}{attribute}_indices"))
    assert core.sparsity() == pytest.approx(theirs.sparsity())
    assert torch.equal(core.to_dense(), theirs.to_dense())
    assert str(core).strip() == str(theirs).strip()
    assert core.to_svg().startswith("<svg")

    again = _C.BlockMaskCore.from_kv_blocks(
        theirs.kv_num_blocks, theirs.kv_indices, theirs.full_kv_num_blocks,
        theirs.full_kv_indices, *block, 290, 300, MASKS[name])
    assert torch.equal(again.kv_table(True)[1], core.kv_table(True)[1])
    picked = core.select([1], [2, 0], [1, 0])
    wanted = BlockMask.from_kv_blocks(
        *(getattr(theirs, f"{p}kv_{t}")[1:, [2, 0]][:, :, [1, 0]]
          for p in ("", "full_") for t in ("num_blocks", "indices")), BLOCK_SIZE=block)
    assert torch.equal(picked.to_dense(), wanted.to_dense())
    assert (picked.B, picked.H, picked.q_blocks) == (1, 2, 2)
    assert not picked.has_mask_mod
    adjusted = core.adjust(100, 90)
    assert (adjusted.q_len, adjusted.kv_len) == (100, 90)


def test_the_mask_mod_is_live():
    """Its buffers are read at each call; only the blocks are of the moment of creation."""
    flags = torch.ones(8, dtype=torch.bool)
    x = torch.randn(1, 1, 8, 4)
    mask_mod = lambda b, h, q, k: flags[k] & (q >= 0)  # noqa: E731
    tables = _C.BlockMaskCore.from_kv_blocks(
        torch.ones(1, 1, 1, dtype=torch.int32), torch.zeros(1, 1, 1, 1, dtype=torch.int32),
        q_len=8, kv_len=8)
    with_all = _C.prepare(x, x, x, None, tables, mask_mod).run()[0]
    flags[3:] = False
    with_three = _C.prepare(x, x, x, None, tables, mask_mod).run()[0]
    torch.testing.assert_close(with_all, _C.prepare(x, x, x).run()[0])
    torch.testing.assert_close(with_three, _C.prepare(x, x[:, :, :3], x[:, :, :3]).run()[0])
    # Another tensor in the same closure, another structure: both are taken as they come.
    flags = torch.arange(8) == 5
    torch.testing.assert_close(_C.prepare(x, x, x, None, tables, mask_mod).run()[0],
                               x[:, :, 5:6].expand_as(x))
    other = lambda b, h, q, k: k == q  # noqa: E731
    torch.testing.assert_close(_C.prepare(x, x, x, None, tables, other).run()[0], x)


def test_tables_alone_are_the_mask():
    x = torch.randn(1, 1, 4, 4)
    tables = _C.BlockMaskCore.from_kv_blocks(
        torch.ones(1, 1, 2, dtype=torch.int32),
        torch.tensor([[[[1, 0], [0, 1]]]], dtype=torch.int32), q_block=2, kv_block=2)
    out = _C.prepare(x, x, x, None, tables).run()[0]
    first = _C.prepare(x[:, :, :2], x[:, :, 2:], x[:, :, 2:]).run()[0]
    torch.testing.assert_close(out[:, :, :2], first)


def test_errors():
    x = torch.randn(2, 1, 8, 4)
    reads_b = lambda b, h, q, k: q >= k + b  # noqa: E731
    core = _C.BlockMaskCore.create(reads_b, None, None, 8, 8)
    assert core.broadcasts_read_b and not core.broadcasts_read_h
    with pytest.raises(_C.UserError, match="depends on B"):
        _C.prepare(x, x, x, None, core, reads_b).run()
    with pytest.raises(_C.UserError, match="without a block_mask"):
        _C.prepare(x, x, x, None, None, reads_b)
    with pytest.raises(_C.UserError, match="int32"):
        _C.BlockMaskCore.from_kv_blocks(torch.ones(1, 1, 1), torch.ones(1, 1, 1, 1))
    with pytest.raises(_C.UserError, match="index 7"):
        core.select(None, None, [7])
