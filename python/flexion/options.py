# SPDX-License-Identifier: Apache-2.0
"""The options of a call and what it may return beside the output."""

import logging
import warnings
from typing import Any, Literal, NamedTuple, TypedDict, get_args

log = logging.getLogger("flexion")

_Backend = Literal["AUTO", "TRITON", "FLASH", "TRITON_DECODE"]

_WARNINGS_SHOWN: set[str] = set()


class AuxRequest(NamedTuple):
    """Which statistics of the rows flex_attention is to return."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """The statistics asked for, [B, Hq, L] in natural units; None where not asked for."""

    lse: Any = None
    max_scores: Any = None


class FlexKernelOptions(TypedDict, total=False):
    """The tuning hints of torch's kernels. All are accepted, with the prefixes fwd_ and bwd_ too;
    none changes a result. Flexion chooses its schedules itself and says in its log (INFO of the
    logger "flexion") which hints it left unused."""

    num_warps: int
    num_stages: int
    BLOCK_M: int
    BLOCK_N: int
    BLOCK_M1: int
    BLOCK_N1: int
    BLOCK_M2: int
    BLOCK_N2: int
    PRESCALE_QK: bool
    ROWS_GUARANTEED_SAFE: bool
    BLOCKS_ARE_CONTIGUOUS: bool
    WRITE_DQ: bool
    FORCE_USE_FLEX_ATTENTION: bool
    USE_TMA: bool
    kpack: int
    matrix_instr_nonkdim: int
    waves_per_eu: int
    BACKEND: _Backend


def warn_once(key, message, category):
    """Warns unless `key` is in _WARNINGS_SHOWN; taking it out of there arms the warning again."""
    if key not in _WARNINGS_SHOWN:
        warnings.warn(message, category, stacklevel=3)
        _WARNINGS_SHOWN.add(key)


def check_kernel_options(options, want_max):
    """Raises what torch raises for options that contradict each other."""
    if "BACKEND" in options:
        backend = options["BACKEND"]
        if options.get("FORCE_USE_FLEX_ATTENTION"):
            raise RuntimeError(
                "BACKEND cannot be combined with legacy FORCE_USE_FLEX_ATTENTION, which it "
                "supersedes: give BACKEND alone"
            )
        if backend not in get_args(_Backend):
            raise ValueError(
                f"Invalid BACKEND value '{backend}'. Must be one of {get_args(_Backend)}"
            )
        if backend == "FLASH" and want_max:
            raise NotImplementedError(
                "Returning max scores is not supported with BACKEND='FLASH': omit one of them"
            )
    for name in ("OUTPUT_LOGSUMEXP", "OUTPUT_MAX"):
        if name in options:
            raise AssertionError(f"{name} must not be in kernel_options: use return_aux")
    if log.isEnabledFor(logging.INFO):
        log.info("flex_attention: kernel_options %s are not used", sorted(options))


def _apply_kernel_options(query, key, value, return_lse, kernel_options, return_aux=None):
    """The options as torch completes them, for code that calls its helper of this name."""
    options = {} if kernel_options is None else dict(kernel_options)
    want_max = return_aux is not None and return_aux.max_scores
    want_lse = return_lse if return_aux is None else return_aux.lse
    check_kernel_options(options, want_max)
    defaults = {
        "BACKEND": "AUTO",
        "PRESCALE_QK": False,
        "ROWS_GUARANTEED_SAFE": False,
        "BLOCKS_ARE_CONTIGUOUS": False,
        "WRITE_DQ": True,
    }
    return {**defaults, **options, "OUTPUT_LOGSUMEXP": want_lse, "OUTPUT_MAX": want_max}
