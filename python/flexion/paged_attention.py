# SPDX-License-Identifier: Apache-2.0
"""PagedAttention: keys and values of many sequences in pages of one cache."""

import torch

from flexion.block.block_mask import BlockMask
from flexion.mods import _identity, noop_mask
from flexion.block.tables import ceil_div


class PagedAttention:
    """Which page of a cache [1, H, n_pages * page_size, D] holds which part of which sequence, and
    masks and mods translated to it. Inference only. The interface is that of
    torch.nn.attention.experimental._paged_attention.PagedAttention.

    page_table [batch, logical page] -> page, -1 where there is none; physical_to_logical its
    inverse; capacity [batch] in tokens; empty_pages a stack.
    """

    def __init__(self, n_pages, page_size, max_batch_size, device="cuda"):
        self.n_pages, self.page_size = n_pages, page_size
        table = torch.full((max_batch_size, n_pages), -1, dtype=torch.int64, device=device)
        self.page_table, self.physical_to_logical = table, table.clone()
        self.capacity = torch.zeros(max_batch_size, dtype=torch.int64, device=device)
        self.empty_pages = list(range(n_pages - 1, -1, -1))

    def reserve(self, batch_idx, seq_len):
        """Gives sequence batch_idx pages for at least seq_len tokens."""
        b, capacity = int(batch_idx), int(self.capacity[int(batch_idx)])
        count = ceil_div(int(seq_len) - capacity, self.page_size)
        if count <= 0:
            return
        if count > len(self.empty_pages):
            raise AssertionError(
                f"requested {count} pages but there are only {len(self.empty_pages)} empty pages"
            )
        pages = torch.tensor(self.empty_pages[-count:], device=self.page_table.device)
        del self.empty_pages[-count:]
        first = capacity // self.page_size
        self.page_table[b, first : first + count] = pages
        self.physical_to_logical[b, pages] = torch.arange(first, first + count, device=pages.device)
        self.capacity[b] += count * self.page_size

    def erase(self, batch_idx):
        """Takes the pages of sequence batch_idx back."""
        b = int(batch_idx)
        pages = self.page_table[b][self.page_table[b] >= 0]
        self.empty_pages += pages.tolist()
        self.physical_to_logical[b, pages] = -1
        self.page_table[b] = -1
        self.capacity[b] = 0

    def assign(self, batch_idx, input_pos, k_val, v_val, k_cache, v_cache):
        """Writes k_val, v_val [B, H, S, D] to the caches [1, H, tokens, D] at the positions
        input_pos [B, S] of the sequences batch_idx [B]."""
        if k_val.requires_grad or v_val.requires_grad:
            raise RuntimeError("val must not require gradient")
        B, H, S, D = k_val.shape
        for what, name, have, want in (
            ("val and batch_idx", "batch size", B, batch_idx.shape[0]),
            ("val and cache", "number of heads", H, k_cache.shape[1]),
            ("val and input_pos", "length", S, input_pos.shape[1]),
            ("k_val and k_cache", "hidden dim", D, k_cache.shape[3]),
            ("v_val and v_cache", "hidden dim", v_val.shape[3], v_cache.shape[3]),
        ):
            if have != want:
                raise RuntimeError(f"Expect {what} has the same {name} but got {have} and {want}.")
        logical = (input_pos // self.page_size).to(torch.int64)
        page = torch.gather(self.page_table[batch_idx], 1, logical)
        address = (page * self.page_size + input_pos % self.page_size).view(-1)
        for val, cache in ((k_val, k_cache), (v_val, v_cache)):
            cache[:, :, address, :] = val.transpose(0, 1).flatten(1, 2)[None]

    def convert_logical_block_mask(self, block_mask, batch_idx=None, kv_len=None):
        """The mask over the cache of a mask over logical positions. batch_idx [B]: the sequences
        that its batches stand for; kv_len [B]: lengths past which nothing is attended to."""
        if block_mask.BLOCK_SIZE[1] != self.page_size:
            raise RuntimeError(
                f"Expect block_mask has the same column block size as page_size but got "
                f"size={block_mask.BLOCK_SIZE[1]} and size={self.page_size}"
            )
        device = block_mask.kv_num_blocks.device
        if batch_idx is None:
            batch_idx = torch.arange(block_mask.kv_indices.shape[0], device=device)
        pages = self.page_table[batch_idx]
        parts = [*self._convert(block_mask.kv_num_blocks, block_mask.kv_indices, pages)]
        if block_mask.full_kv_indices is not None:
            parts += self._convert(block_mask.full_kv_num_blocks, block_mask.full_kv_indices, pages)
        else:
            parts += [None, None]
        return BlockMask.from_kv_blocks(
            *parts,
            block_mask.BLOCK_SIZE,
            self.get_mask_mod(block_mask.mask_mod, kv_len),
            seq_lengths=(block_mask.seq_lengths[0], self.n_pages * self.page_size),
        )

    def _convert(self, num_blocks, indices, pages):
        """The table of pages; listed blocks without a page leave the list."""
        B, H, rows, cols = indices.shape
        page = pages.gather(1, indices.reshape(B, -1).long()).view(indices.shape)
        listed = torch.arange(cols, device=indices.device) < num_blocks[..., None]
        mapped = listed & (page >= 0)
        first = torch.argsort((~mapped).to(torch.int8), dim=-1, stable=True)
        new = torch.zeros((B, H, rows, self.n_pages), dtype=torch.int32, device=indices.device)
        new[..., :cols] = page.gather(-1, first)
        return mapped.sum(-1).to(torch.int32), new

    def _logical(self, b, physical, kv_len):
        """(position in sequence b, whether there is one) of a position in the cache."""
        page = self.physical_to_logical[b, physical // self.page_size]
        position = page * self.page_size + physical % self.page_size
        valid = page >= 0
        return position, valid if kv_len is None else valid & (position < kv_len[b])

    def get_mask_mod(self, mask_mod, kv_len=None):
        """mask_mod over positions in the cache; False where there is no page."""
        mask_mod = noop_mask if mask_mod is None else mask_mod

        def paged(b, h, q_idx, physical_kv_idx):
            position, valid = self._logical(b, physical_kv_idx, kv_len)
            return torch.where(valid, mask_mod(b, h, q_idx, position), False)

        return paged

    def get_score_mod(self, score_mod, kv_len=None):
        """score_mod over positions in the cache; -inf where there is no page."""
        score_mod = _identity if score_mod is None else score_mod

        def paged(score, b, h, q_idx, physical_kv_idx):
            position, valid = self._logical(b, physical_kv_idx, kv_len)
            return torch.where(valid, score_mod(score, b, h, q_idx, position), -float("inf"))

        return paged
