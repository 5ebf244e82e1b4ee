# SPDX-License-Identifier: Apache-2.0
"""Attention variants, compiled: score_mod and mask_mod to one fused kernel."""
from flexion._C import __version__, cache_info

__all__ = ["__version__", "cache_info"]
