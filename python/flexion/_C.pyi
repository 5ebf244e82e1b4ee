# SPDX-License-Identifier: Apache-2.0
# What the extension offers to the package. Users import these names from `flexion`.
from collections.abc import Callable, Sequence
from typing import Any

# A torch.Tensor or nn.Parameter, a NumPy array, or any object with __dlpack__ on the CPU.
Array = Any
Number = int | float
ScoreModFn = Callable[[Any, Any, Any, Any, Any], Any]
MaskModFn = Callable[[Any, Any, Any, Any], Any]

__version__: str

# ---- errors: the types of flexion/error.h -------------------------------------------------------

class Error(Exception): ...
class UserError(Error, ValueError): ...
class Unsupported(Error, NotImplementedError): ...
class CompileError(Error, RuntimeError): ...
class DeviceError(Error, RuntimeError): ...
class InternalError(Error, RuntimeError): ...

class TraceError(UserError, TypeError):
    """A mod cannot be traced; the message begins with the file and line of the mod."""

class TraceAttributeError(TraceError, AttributeError):
    """A mod asks a traced value for an attribute or method that it does not have."""

# ---- tracing ------------------------------------------------------------------------------------

class Value:
    """A number that is known when the kernel runs: what mods get as arguments and compute with.

    It takes part in torch functions, in operators, as an index of tensors, and has the methods of a
    0-dim tensor. `repr` shows its type.
    """

class SubTensor:
    """Part of a captured tensor, some of its dimensions indexed by Values: bias[b, h]. Indexed
    further it becomes a Value; used as a value it is unrolled, up to 64 elements."""

class Buffer:
    """A captured array that can be indexed inside mods: buffer(x)[q, k]. Tensors of torch need none."""
    def __init__(self, array: Array) -> None: ...
    def __getitem__(self, index: Any) -> Any: ...
    @property
    def array(self) -> Any: ...

def function(name: str) -> Callable[..., Any]:
    """The function of the table by torch's name: function("tanh")(s). For mods without torch."""

class Traced:
    """A mod after its run on Values."""
    @property
    def text(self) -> str:
        """Canonical IR text (docs/ir.md); closures of one structure have the same."""
    @property
    def captured(self) -> list[Any]:
        """The tensors that the mod read, in the order of the text's buffers."""
    @property
    def scalars(self) -> list[Any]:
        """The run-time numbers, in the order of the text's scalar parameters: int, float, or under
        torch.compile SymInt, SymFloat."""
    @property
    def hash(self) -> int:
        """Of the structure; stable within one process."""
    def same_structure(self, other: "Traced") -> bool: ...

def trace_score_mod(score_mod: ScoreModFn, f64: bool = False) -> Traced:
    """Runs score_mod once on Values. Captures may be anything that has a dtype and a shape: fake
    tensors too. TraceError."""

def trace_mask_mod(mask_mod: MaskModFn) -> Traced: ...

# ---- block masks --------------------------------------------------------------------------------

class BlockMaskCore:
    """flexion::BlockMask. Immutable. Tables are int32, torch tensors on the CPU when torch is
    loaded, else NumPy arrays."""

    @staticmethod
    def create(
        mask_mod: MaskModFn | Traced,
        B: int | None,
        H: int | None,
        q_len: int,
        kv_len: int,
        q_block: int = 128,
        kv_block: int = 128,
    ) -> "BlockMaskCore":
        """Decides every block, from the contents of captures at this moment. The GIL is released
        after the trace."""
    @staticmethod
    def create_from_ir(
        text: str,
        captured: Sequence[Array],
        scalars: Sequence[Number],
        B: int | None,
        H: int | None,
        q_len: int,
        kv_len: int,
        q_block: int = 128,
        kv_block: int = 128,
    ) -> "BlockMaskCore": ...
    @staticmethod
    def from_kv_blocks(
        kv_num_blocks: Array,
        kv_indices: Array,
        full_kv_num_blocks: Array | None = None,
        full_kv_indices: Array | None = None,
        q_block: int = 128,
        kv_block: int = 128,
        q_len: int | None = None,
        kv_len: int | None = None,
        mask_mod: MaskModFn | Traced | None = None,
    ) -> "BlockMaskCore":
        """From torch's tables, int32 of [B, H, rows] and [B, H, rows, cols], any strides. Without a
        mask_mod the listed blocks are the mask."""
    @property
    def B(self) -> int: ...
    @property
    def H(self) -> int: ...
    @property
    def q_len(self) -> int: ...
    @property
    def kv_len(self) -> int: ...
    @property
    def q_block(self) -> int: ...
    @property
    def kv_block(self) -> int: ...
    @property
    def q_blocks(self) -> int: ...
    @property
    def kv_blocks(self) -> int: ...
    @property
    def has_mask_mod(self) -> bool: ...
    @property
    def has_partial_blocks(self) -> bool: ...
    @property
    def broadcasts_read_b(self) -> bool: ...
    @property
    def broadcasts_read_h(self) -> bool: ...
    @property
    def bytes(self) -> int: ...
    @property
    def blocks_proved(self) -> int: ...
    @property
    def blocks_evaluated(self) -> int: ...
    def kv_table(self, full: bool) -> tuple[Array, Array]:
        """(num_blocks [B, H, rows], indices [B, H, rows, cols]) of the partial or the full blocks;
        the listed ones ascending, then the others ascending."""
    def q_table(self, full: bool) -> tuple[Array, Array]:
        """The transposed table."""
    def sparsity(self) -> float: ...
    def to_dense(self) -> Array:
        """Block level, int32 [B, H, q_blocks, kv_blocks]."""
    def to_string(self, grid_rows: int = 20, grid_cols: int = 20, limit: int = 4) -> str:
        """The pictures alone; -1, -1: full resolution."""
    def __str__(self) -> str:
        """What str() of torch's BlockMask is: shape, sparsity and pictures."""
    def to_svg(self, b: int = 0, h: int = 0) -> str: ...
    def adjust(self, q_len: int, kv_len: int) -> "BlockMaskCore": ...
    def select(
        self,
        b: Sequence[int] | None,
        h: Sequence[int] | None,
        rows: Sequence[int] | None,
        q_len: int | None = None,
    ) -> "BlockMaskCore":
        """The batches, heads and rows of blocks with these indices (>= 0, in that order, repeats
        allowed; None: all), without a mask_mod. q_len must need as many rows; None: whole blocks."""
    def with_mask_mod(self, mask_mod: MaskModFn | Traced | None) -> "BlockMaskCore": ...

def create_mask(mask_mod: MaskModFn | Traced, B: int, H: int, q_len: int, kv_len: int) -> Array:
    """bool [B, H, q_len, kv_len]."""

# ---- calls --------------------------------------------------------------------------------------

MASK_GRADIENT: str
"""What a mask_mod is refused with whose captured tensors require gradients."""

def attend(
    query: Any,
    key: Any,
    value: Any,
    score_mod: Any,
    block_mask: Any,
    scale: float | None,
    enable_gqa: bool,
    want_lse: bool,
    want_max: bool,
    /,
) -> tuple[Array, Array | None, Array | None] | None:
    """The whole call, where query, key and value are plain tensors of torch of matching shapes,
    block_mask is None or as create_block_mask made it, and nothing watches torch: (out, lse,
    max_scores), recorded where a tensor requires a gradient. None: go the long way, which says what
    is wrong if something is."""

def set_masks(type: type, without_mod: tuple[Any, ...], unusual: tuple[Any, ...]) -> None:
    """What attend() is to know: the type of block masks, mask_mods that mask nothing, and those
    that it leaves to the long way."""

def record(
    call: "Call", block_mask: Any, scale: float | None
) -> tuple[Array, Array | None, Array | None]:
    """(out, lse, max_scores) of a Call that needs_grad, by the function of set_autograd()."""

def set_autograd(apply: Any) -> None:
    """apply((call, block_mask, scale, learned), *tensors), of an autograd function whose forward is
    forward(); learned: the positions in `captured` of those tensors that follow query, key and
    value."""

def forward(ctx: Any, origin: tuple[Any, ...], /, *tensors: Array) -> Any:
    """Runs the call. ctx saves (query, key, value, out, lse, *captured) and has the origin (call,
    block_mask, scale, others, learned); others: what is captured and none of torch's, with None for
    each tensor, or None where there is nothing such."""

def is_plain(*tensors: Any) -> bool:
    """Whether a call on these may go straight to prepare(): each is exactly a torch.Tensor or
    nn.Parameter (or no tensor of torch at all), and neither a torch dispatch mode, functorch,
    autocast, a compiler nor forward-mode differentiation is active."""

def prepare(
    query: Array,
    key: Array,
    value: Array,
    score_mod: ScoreModFn | Traced | None = None,
    block_mask: BlockMaskCore | None = None,
    mask_mod: MaskModFn | Traced | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    want_lse: bool = False,
    want_max: bool = False,
    threads: int = 0,
    backend: str = "",
) -> "Call":
    """Reads the tensors and traces the mods, which are run anew at every call. `mask_mod` is what
    block_mask's blocks are evaluated with (None: its listed blocks are the mask); with no block_mask
    it must be None. threads 0: as many as torch.get_num_threads() says at run(), without torch all.
    Shapes and dtypes are validated by run()."""

def prepare_from_ir(
    query: Array,
    key: Array,
    value: Array,
    score_ir: str,
    score_captured: Sequence[Array],
    score_scalars: Sequence[Number],
    block_mask: BlockMaskCore | None = None,
    mask_ir: str = "",
    mask_captured: Sequence[Array] = (),
    mask_scalars: Sequence[Number] = (),
    scale: float | None = None,
    enable_gqa: bool = False,
    want_lse: bool = False,
    want_max: bool = False,
    threads: int = 0,
    backend: str = "",
) -> "Call":
    """The same from the text of Traced; "" is no mod."""

class Call:
    """One attention call, ready to run. Holds its tensors until release()."""

    @property
    def captured(self) -> list[Any]:
        """The tensors read by score_mod, then those read by mask_mod."""
    @property
    def score_captured_count(self) -> int: ...
    @property
    def score_mod(self) -> Traced | None: ...
    @property
    def mask_mod(self) -> Traced | None: ...
    @property
    def needs_grad(self) -> bool:
        """Gradients are enabled, and query, key, value or a tensor in `captured` requires one."""
    def run(self, keep_lse: bool = False) -> tuple[Array, Array | None, Array | None]:
        """(out, lse, max_scores), lse where it was wanted or is to be kept for backward(). New
        tensors, out dense in query's order of strides; of torch where query is, else NumPy arrays.
        The GIL is released meanwhile."""
    def backward(
        self,
        query: Array,
        key: Array,
        value: Array,
        captured: Sequence[Array],
        out: Array,
        lse: Array,
        d_out: Array | None,
        d_lse: Array | None,
        wants: Sequence[bool],
    ) -> list[Array | None]:
        """Gradients of [query, key, value, *captured], None where `wants` (of that length) is False.
        The tensors are given anew, since those that autograd saved may be other objects; the mods and
        the block mask are those of the call. Gradients are dense in the order of strides of their
        tensors. d_out or d_lse may be None (zero), not both."""
    def release(self) -> None:
        """Drops query, key, value and the captured tensors; backward() stays possible."""

# ---- the process --------------------------------------------------------------------------------

def cache_info() -> dict[str, int]:
    """memory_entries, memory_hits, memory_misses, disk_hits, disk_misses, compiled."""

def set_option(name: str, value: str) -> None: ...
def option(name: str) -> str: ...
def options() -> list[dict[str, Any]]:
    """name, variable, help, value, set: as `flexion info` prints them."""
