# SPDX-License-Identifier: Apache-2.0
"""BlockMask: which blocks of the score matrix a mask leaves empty, fills, or cuts."""

from flexion.block import cores, tables
from flexion._torch import is_tensor, torch, torch_flex
from flexion.block.state import _LARGE_SPARSE_BLOCK_SIZE, MaskState
from flexion.mods import _sliced_mask_mod_error, noop_mask
from flexion.block.tables import ceil_div

_DEFAULT_SPARSE_BLOCK_SIZE = 128

_Base = object if torch is None else torch_flex.BlockMask


class BlockMask(MaskState, _Base):
    """A block mask in torch's terms, a subclass of torch's where torch is installed.

    One that create_block_mask makes holds runs of blocks, and has torch's tables (kv_num_blocks,
    kv_indices, full_kv_..., q_..., full_q_...) from their first use on: at a million tokens each
    of the index tables would take 256 MiB. One made from tables keeps them as they are given.
    `mask_mod` and `seq_lengths` may be assigned.
    """

    _TENSOR_ATTRS = getattr(_Base, "_TENSOR_ATTRS", [*tables.KV, *tables.Q])

    def __init__(
        self,
        seq_lengths,
        kv_num_blocks,
        kv_indices,
        full_kv_num_blocks,
        full_kv_indices,
        q_num_blocks,
        q_indices,
        full_q_num_blocks,
        full_q_indices,
        BLOCK_SIZE=(_DEFAULT_SPARSE_BLOCK_SIZE, _DEFAULT_SPARSE_BLOCK_SIZE),
        mask_mod=noop_mask,
        *,
        dq_write_order=None,
        dq_write_order_full=None,
        dq_kv_order=None,
        dq_kv_order_spt=None,
    ):
        self._set_keys(kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices)
        if (full_q_num_blocks is None) != (full_q_indices is None):
            raise AssertionError(
                "full_q_num_blocks and full_q_indices must be both provided or omitted"
            )
        self.q_num_blocks, self.q_indices = q_num_blocks, q_indices
        self.full_q_num_blocks, self.full_q_indices = full_q_num_blocks, full_q_indices
        self._has_q = q_indices is not None
        self._set_rest(seq_lengths, BLOCK_SIZE, mask_mod)
        if dq_write_order_full is not None and dq_write_order is None:
            raise ValueError("dq_write_order_full requires dq_write_order")
        self.dq_write_order, self.dq_write_order_full = dq_write_order, dq_write_order_full
        self.dq_kv_order, self.dq_kv_order_spt = dq_kv_order, dq_kv_order_spt

    def _set_keys(self, num_blocks, indices, full_num_blocks, full_indices):
        if num_blocks is None or indices is None:
            raise AssertionError("kv_num_blocks and kv_indices must be provided")
        if indices.ndim < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        if (full_num_blocks is None) != (full_indices is None):
            raise AssertionError(
                "full_kv_num_blocks and full_kv_indices must be both provided or omitted"
            )
        self.kv_num_blocks, self.kv_indices = num_blocks, indices
        self.full_kv_num_blocks, self.full_kv_indices = full_num_blocks, full_indices
        self._device = indices.device if is_tensor(indices) else None

    def _set_rest(self, seq_lengths, block_size, mask_mod):
        self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = seq_lengths, block_size, mask_mod
        self.dq_write_order = self.dq_write_order_full = None
        self.dq_kv_order = self.dq_kv_order_spt = None

    @classmethod
    def _from_core(cls, core, seq_lengths, block_size, mask_mod, device, **state):
        """A mask whose tables are made on their first use. core None: the contents of captured
        tensors are not known yet; the operator decides the blocks when it runs."""
        self = cls.__new__(cls)
        self._set_rest(seq_lengths, block_size, mask_mod)
        self._core, self._core_lengths, self._device = core, seq_lengths, device
        self.__dict__.update(state)
        return self

    @classmethod
    def from_kv_blocks(
        cls,
        kv_num_blocks,
        kv_indices,
        full_kv_num_blocks=None,
        full_kv_indices=None,
        BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE,
        mask_mod=None,
        seq_lengths=None,
        compute_q_blocks=True,
        *,
        dq_write_order=None,
        dq_write_order_full=None,
        dq_kv_order=None,
    ):
        """From the tables of keys, int32 [B, H, rows] and [B, H, rows, cols]. Without a mask_mod
        the listed blocks are the mask. seq_lengths defaults to rows and cols times BLOCK_SIZE; with
        it, cols may be fewer than the blocks of keys."""
        self = cls.__new__(cls)
        self._set_keys(kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices)
        if isinstance(BLOCK_SIZE, int):
            BLOCK_SIZE = (BLOCK_SIZE, BLOCK_SIZE)
        if seq_lengths is None:
            rows, cols = kv_indices.shape[-2:]
            seq_lengths = (rows * BLOCK_SIZE[0], cols * BLOCK_SIZE[1])
        self._set_rest(seq_lengths, BLOCK_SIZE, noop_mask if mask_mod is None else mask_mod)
        self._has_q = compute_q_blocks
        if isinstance(dq_kv_order, bool):
            self.dq_kv_order_spt = dq_kv_order
        elif dq_kv_order is None or is_tensor(dq_kv_order):
            self.dq_kv_order = dq_kv_order
        else:
            raise ValueError("dq_kv_order must be a bool, Tensor, or None")
        if dq_write_order_full is not None and dq_write_order is None:
            raise ValueError("dq_write_order_full requires dq_write_order")
        self.dq_write_order, self.dq_write_order_full = dq_write_order, dq_write_order_full
        return self

    # ---- what it is ----------------------------------------------------------------------------

    @property
    def shape(self):
        return (*self._batch_dims(), *self.seq_lengths)

    def numel(self):
        """The number of elements, masked ones too."""
        n = 1
        for size in self.shape:
            n *= size
        return n

    def sparsity(self):
        """The percentage of elements in no listed block; below 0 where ragged blocks stick out."""
        if self._pristine():
            return self._core.sparsity()
        blocks = int(self.kv_num_blocks.sum())
        if self.full_kv_num_blocks is not None:
            blocks += int(self.full_kv_num_blocks.sum())
        return 100 * (1 - blocks * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def to_dense(self):
        """Block level, int32 [B, H, rows of blocks, columns of blocks]: 1 where one is listed."""
        if self._pristine():
            return self._move(self._core.to_dense())
        cols = self.kv_indices.shape[-1]
        dense = tables.ordered_to_dense(self.kv_num_blocks, self.kv_indices, cols)
        if self.full_kv_indices is not None:
            dense |= tables.ordered_to_dense(self.full_kv_num_blocks, self.full_kv_indices, cols)
        return dense

    def to_string(self, grid_size=(20, 20), limit=4):
        """Pictures of the blocks, at most `limit`: a cell is full, empty, or mixed after its
        neighbours were put together. grid_size -1: a cell for each block."""
        rows, cols = (grid_size, grid_size) if isinstance(grid_size, int) else grid_size
        return cores.core_of(self).to_string(rows, cols, limit)

    def __str__(self):
        pictures = self.to_string().strip()
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n{pictures}\n)"

    def _repr_svg_(self):
        return cores.core_of(self).to_svg()

    def __repr__(self):
        def line(name):
            return f"    {name}={self._table_shape(name)},\n"

        mod = getattr(self.mask_mod, "__name__", self.mask_mod)
        return (
            "BlockMask(\n"
            + "".join(line(name) for name in (*tables.KV, *tables.Q))
            + f"    BLOCK_SIZE={self.BLOCK_SIZE},\n    shape={self.shape},\n"
            + f"    sparsity={self.sparsity():.2f}%,\n    mask_mod={mod}\n)"
        )

    def as_tuple(self, flatten=True):
        """Its parts in the order in which torch's kernels take them: of the length that the
        installed torch has (13 parts to 2.12, then 17)."""
        lengths, sizes = tuple(self.seq_lengths), tuple(self.BLOCK_SIZE)
        order = ()
        if torch is None or hasattr(torch_flex, "_compute_dq_write_order_from_block_mask"):
            order = (
                self.dq_write_order,
                self.dq_write_order_full,
                self.dq_kv_order,
                self.dq_kv_order_spt,
            )
        parts = (*(getattr(self, name) for name in (*tables.KV, *tables.Q)), *order)
        if flatten:
            return (*lengths, *parts, *sizes, self.mask_mod)
        return (lengths, *parts, sizes, self.mask_mod)

    # ---- others made of it ---------------------------------------------------------------------

    def __getitem__(self, index):
        """The mask of some batches, heads and rows of blocks. A number keeps its dimension;
        seq_lengths stay as they are, and mask_mod has to be assigned anew."""
        if self.dq_kv_order is not None:
            raise NotImplementedError(
                "Slicing BlockMask with tensor dq_kv_order is not supported: construct a new one "
                "with matching precomputed dq_write_order metadata"
            )
        index = index if isinstance(index, tuple) else (index,)
        sizes = (*self._batch_dims(), self._rows())[:3]
        padded = (*index, *[slice(None)] * 3)[:3]
        index = tuple(_as_slice(i, n) if isinstance(i, int) else i for i, n in zip(padded, sizes))
        new = self._select(index)
        if new is None:
            parts = [getattr(self, name) for name in tables.KV]
            parts = [None if table is None else table[index] for table in parts]
            new = BlockMask.from_kv_blocks(
                *parts,
                BLOCK_SIZE=self.BLOCK_SIZE,
                mask_mod=_sliced_mask_mod_error,
                seq_lengths=self.seq_lengths,
                compute_q_blocks=self._q_present(),
            )
        return self._with_order(new)

    def _select(self, index):
        """The batches and heads by the runs, or None where the tables have to be made."""
        b, h, rows = index if len(index) == 3 else (None, None, None)
        whole = rows == slice(None) if isinstance(rows, slice) else False
        if not (whole and isinstance(b, slice) and isinstance(h, slice) and self._pristine()):
            return None
        bs, hs = list(range(self._core.B))[b], list(range(self._core.H))[h]
        if not bs or not hs:
            return None
        return BlockMask._from_core(
            self._core.select(bs, hs, None),
            self.seq_lengths,
            self.BLOCK_SIZE,
            _sliced_mask_mod_error,
            self._device,
            _separate=self._separate,
            _has_q=self._q_present(),
        )

    def _with_order(self, new):
        """`new`, a part of self, with the order of writes that it has."""
        new.dq_kv_order_spt = self.dq_kv_order_spt
        if self.dq_write_order is not None:
            order = tables.dq_write_order(new, self.dq_kv_order_spt)
            new.dq_write_order, new.dq_write_order_full = order
        return new

    def _adjust(self, new_q_len, new_kv_len):
        """The upper left corner for other lengths, which not every mask_mod allows."""
        if self.dq_kv_order is not None:
            raise NotImplementedError(
                "Adjusting BlockMask with tensor dq_kv_order is not supported: construct a new one "
                "with matching precomputed dq_write_order metadata"
            )
        rows = ceil_div(new_q_len, self.BLOCK_SIZE[0])
        cols = ceil_div(new_kv_len, self.BLOCK_SIZE[1])
        parts = [*tables.crop(self.kv_num_blocks, self.kv_indices, rows, cols)]
        if self.full_kv_indices is not None:
            parts += tables.crop(self.full_kv_num_blocks, self.full_kv_indices, rows, cols)
        else:
            parts += [None, None]
        new = BlockMask.from_kv_blocks(
            *parts,
            BLOCK_SIZE=self.BLOCK_SIZE,
            mask_mod=self.mask_mod,
            seq_lengths=(new_q_len, new_kv_len),
            compute_q_blocks=self._q_present(),
        )
        return self._with_order(new)

    def to(self, device):
        """A mask of the same blocks whose tables are on `device`."""
        state = {k: v.to(device) if is_tensor(v) else v for k, v in self._state().items()}
        state["_device"] = None if torch is None else torch.device(device)
        return self._with_state(state)

    def contiguous(self):
        return self


def _as_slice(i, n):
    """The slice that holds element i of n, none where there is no such element."""
    return slice(i + n, i + n + 1) if -n <= i < 0 else slice(i, i + 1)


if torch is not None:  # torch's registry is by exact type
    torch.utils._pytree.register_pytree_node(
        BlockMask,
        lambda mask: mask._flatten(),
        lambda leaves, context: BlockMask._unflatten(tuple(leaves), context),
        flatten_with_keys_fn=lambda mask: mask._flatten_with_keys(),
        serialized_type_name="flexion.BlockMask",
    )


def _create_empty_block_mask(query, key):
    """The mask of a call without one: a single block, larger than any length."""
    if is_tensor(query):
        ones = torch.ones([1, 1, 1], dtype=torch.int32, device=query.device)
        zeros = torch.zeros([1, 1, 1, 1], dtype=torch.int32, device=query.device)
    else:
        import numpy

        ones = numpy.ones([1, 1, 1], numpy.int32)
        zeros = numpy.zeros([1, 1, 1, 1], numpy.int32)
    return BlockMask.from_kv_blocks(
        ones, zeros, BLOCK_SIZE=_LARGE_SPARSE_BLOCK_SIZE, seq_lengths=(1, 1)
    )
