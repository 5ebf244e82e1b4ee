# SPDX-License-Identifier: Apache-2.0
"""The state of a BlockMask: runs of blocks, tables, or both, and tables made on their first use."""

import copy

from flexion.block import cores, tables
from flexion._torch import is_tensor, torch
from flexion.block.tables import ceil_div

_LARGE_SPARSE_BLOCK_SIZE = 1 << 30  # of the mask that is one block, of whatever length


class MaskState:
    """Base of BlockMask. The tables are ordinary attributes once they exist."""

    # In the instance where they differ:
    _core = None  # the BlockMaskCore that decided the blocks; None where tables did
    _core_lengths = None  # what _core was made for
    _versions = None  # the tables of keys made from _core, with their versions at that time
    _recipe = None  # (B, H) as create_block_mask got them, while the blocks follow from mask_mod
    _separate = True  # full blocks have tables of their own
    _has_q = True  # there are transposed tables
    _device = None  # where tables are made, a torch.device

    def __getattr__(self, name):  # reached only while the attribute is absent
        if name in tables.KV:
            self._make_keys()
        elif name in tables.Q:
            self._make_queries()
        else:
            raise AttributeError(f"'BlockMask' object has no attribute '{name}'")
        return self.__dict__[name]

    def _pristine(self):
        """Whether _core still says what the tables say, made or not."""
        if self._core is None:
            return False
        if self._versions is None:
            return not any(name in self.__dict__ for name in tables.KV)
        return cores.unchanged(self._versions, [self.__dict__.get(name) for name in tables.KV])

    def _make_keys(self):
        core = self._core
        if core is None:
            raise RuntimeError(
                "create_block_mask met captured tensors without contents (fake or traced ones): "
                "this mask's blocks are decided when the operator runs, and it has no tables"
            )
        if self._separate:
            made = [*core.kv_table(False), *core.kv_table(True)]
        else:
            made = [*tables.dense_to_ordered(core.to_dense()), None, None]
        made = [self._move(each) for each in made]
        for name, table in zip(tables.KV, made):
            self.__dict__.setdefault(name, table)
        self._versions = cores.versions(made)

    def _make_queries(self):
        if not self._has_q:
            made = [None] * 4
        elif self._separate and self._pristine():
            core = self._core
            made = [self._move(each) for full in (False, True) for each in core.q_table(full)]
        else:
            cols = max(self.kv_indices.shape[-1], self._cols() if self._compact() else 0)
            made = [*tables.transpose(self.kv_num_blocks, self.kv_indices, cols)]
            if self.full_kv_indices is None:
                made += [None, None]
            else:
                made += tables.transpose(self.full_kv_num_blocks, self.full_kv_indices, cols)
        for name, table in zip(tables.Q, made):
            self.__dict__.setdefault(name, table)

    def _move(self, table):
        return table.to(self._device) if is_tensor(table) else table

    def _cols(self):
        return ceil_div(self.seq_lengths[1], self.BLOCK_SIZE[1])

    def _compact(self):
        return self.BLOCK_SIZE[1] != _LARGE_SPARSE_BLOCK_SIZE

    def _batch_dims(self):
        if "kv_indices" in self.__dict__:
            return tuple(self.kv_indices.shape[:-2])
        if self._core is not None:
            return (self._core.B, self._core.H)
        return tuple(1 if n is None else n for n in self._recipe)

    def _rows(self):
        if "kv_num_blocks" in self.__dict__:
            return self.kv_num_blocks.shape[-1]
        return ceil_div(self.seq_lengths[0], self.BLOCK_SIZE[0])

    def _q_present(self):
        made = "q_indices" in self.__dict__
        return self.q_indices is not None if made else self._has_q

    def _table_shape(self, name):
        """As getattr(self, name).shape, without making the table."""
        if name in self.__dict__ or self._core is None:
            table = getattr(self, name)
            return None if table is None else table.shape
        queries, full = name in tables.Q, name.startswith("full")
        if (queries and not self._has_q) or (full and not self._separate):
            return None
        rows, cols = self._core.q_blocks, self._core.kv_blocks
        sizes = (*self._batch_dims(), cols if queries else rows)
        sizes += ((rows if queries else cols),) if name.endswith("indices") else ()
        return sizes if torch is None else torch.Size(sizes)

    # ---- copies

    def _state(self):
        """Attributes for another mask of the same blocks: runs alone, or tables alone."""
        state = dict(self.__dict__)
        state.pop(cores.CACHED, None)
        state.pop("_versions", None)
        if self._pristine():
            for name in (*tables.KV, *tables.Q):
                state.pop(name, None)
        else:
            state.pop("_core", None)
        return state

    def _with_state(self, state):
        new = type(self).__new__(type(self))
        new.__dict__.update(state)
        return new

    def __copy__(self):
        return self._with_state(self._state())

    def __deepcopy__(self, memo):
        state = self._state()
        core = state.pop("_core", None)  # immutable: shared
        new = self._with_state(copy.deepcopy(state, memo))
        new._core = core
        return new

    def __getstate__(self):
        """For pickle: the tables of keys, from which the others follow."""
        state = {name: getattr(self, name) for name in tables.KV}
        derived = [cores.CACHED, "_versions", "_core", "_recipe"]
        if self._pristine():
            derived += tables.Q
        state.update((k, v) for k, v in self.__dict__.items() if k not in derived)
        return state
