# SPDX-License-Identifier: Apache-2.0
"""python -m flexion.bench: Flexion beside torch's compiled flex_attention and its SDPA.

All times of a row come from one process, the competitors in turn; each is the median of its rounds.
Caches on disk are fresh ones, so that first calls compile."""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time

DIRECTIONS = ["forward", "small", "decode", "training", "first", "mask", "host"]
VARIANTS = ["none", "causal", "alibi", "softcap", "document"]
DTYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: on query [B, Hq, L, D], key and value [B, Hkv, S, D]."""

    direction: str
    dtype: str
    head_dim: int
    seq: int
    variant: str
    B: int = 1
    Hq: int = 8
    Hkv: int = 8
    L: int | None = None

    @property
    def queries(self):
        return self.seq if self.L is None else self.L


def rows():
    """All rows, in the order of printing."""
    for direction in ("forward", "training"):
        for dtype in ("f32", "bf16"):
            for head_dim in (64, 128):
                for seq in (2048, 4096):
                    for variant in VARIANTS:
                        yield Row(direction, dtype, head_dim, seq, variant)
    for dtype in ("f32", "bf16"):
        for head_dim in (64, 72):
            for seq in (64, 256, 521):
                for variant in ("causal", "dense_mask"):
                    yield Row("small", dtype, head_dim, seq, variant, B=64, Hq=16, Hkv=16)
    for dtype in ("f32", "bf16"):
        for Hq, Hkv, seq in ((8, 2, 8192), (32, 8, 32768)):
            yield Row("decode", dtype, 128, seq, "none", Hq=Hq, Hkv=Hkv, L=1)
    for variant in VARIANTS:
        yield Row("first", "f32", 64, 512, variant)
    for variant in ("causal", "document"):
        yield Row("mask", "f32", 0, 32768, variant)
    for variant in ("kept", "new_lambda", "gradient", "alternating"):
        yield Row("host", "f32", 16, 8, variant, Hq=2, Hkv=2)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m flexion.bench", description=__doc__)
    parser.add_argument("--peers", choices=["torch", "none"], default="torch")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--direction", choices=DIRECTIONS)
    parser.add_argument("--dtype", choices=DTYPES)
    parser.add_argument("--head-dim", type=int)
    parser.add_argument("--seq", type=int)
    parser.add_argument("--variant")
    parser.add_argument("--threads", type=int, default=0, help="0: as torch has them")
    parser.add_argument("--seconds", type=float, default=1.0, help="of rounds for each row")
    return parser.parse_args(arguments)


def chosen(options):
    for row in rows():
        wanted = (
            (options.direction, row.direction),
            (options.dtype, row.dtype),
            (options.head_dim, row.head_dim),
            (options.seq, row.seq),
            (options.variant, row.variant),
        )
        if all(want is None or want == have for want, have in wanted):
            yield row


# ---- timing -------------------------------------------------------------------------------------


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def medians(competitors, seconds, batch=1):
    """Median seconds a call of each competitor, called in turn, `batch` calls at a time."""

    def round_of(function):
        return timed(lambda: [function() for _ in range(batch)]) / batch

    times = {name: [] for name in competitors}
    end = time.perf_counter() + seconds
    while len(next(iter(times.values()))) < 5 or time.perf_counter() < end:
        for name, function in competitors.items():
            times[name].append(round_of(function))
        if len(next(iter(times.values()))) >= 200:
            break
    return {name: statistics.median(each) for name, each in times.items()}


def measure(row, options):
    """The row as a dictionary of its fields."""
    from flexion.bench import calls

    calls.torch._dynamo.reset()
    fields = {
        "direction": row.direction,
        "dtype": row.dtype,
        "head_dim": row.head_dim,
        "seq": row.seq,
        "variant": row.variant,
        "threads": calls.torch.get_num_threads(),
        "flexion_ms": None,
        "flex_ms": None,
        "sdpa_ms": None,
        "flexion_first_s": None,
        "flex_first_s": None,
        "error": None,
        "batch": row.B,
        "heads": [row.Hq, row.Hkv],
        "dense_ms": None,
        "host_ms": None,
        "note": "",
    }
    competitors, results = {}, {}
    for name, function in calls.calls(row, options.peers).items():
        try:
            start = time.perf_counter()
            results[name] = function()
            first = time.perf_counter() - start
        except Exception as error:  # a peer may not support a row: the table says so
            if name == "flexion":
                raise
            fields["note"] += f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:160]} "
            continue
        if f"{name}_first_s" in fields:
            fields[f"{name}_first_s"] = first
        competitors[name] = function
    if row.direction == "mask":  # torch's takes seconds and gigabytes: once is enough
        fields["flex_ms"] = 1e3 * first if "flex" in competitors else None
        competitors.pop("flex", None)
    if row.direction != "first":
        batch = 200 if row.direction == "host" else 1
        for name, seconds in medians(competitors, options.seconds, batch).items():
            fields[f"{name}_ms"] = 1e3 * seconds
    fields["error"] = calls.error(row, results)
    return fields


def memory_free():
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# ---- printing -----------------------------------------------------------------------------------

COLUMNS = ["direction", "dtype", "head_dim", "seq", "variant", "flexion_ms", "flex_ms", "sdpa_ms",
           "dense_ms", "host_ms", "flexion_first_s", "flex_first_s", "error"]  # fmt: skip


def cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1e-2 else f"{value:.2f}"
    return str(value)


def print_table_row(fields):
    widths = [max(10, len(name)) for name in COLUMNS]
    values = [cell(fields[name]).rjust(width) for name, width in zip(COLUMNS, widths)]
    print(" ".join(values) + ("  " + fields["note"] if fields["note"] else ""), flush=True)


def main(arguments=None):
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="flexion-bench-") as fresh:
        os.environ["FLEXION_CACHE_DIR"] = os.path.join(fresh, "flexion")
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(fresh, "inductor")
        try:
            import torch
        except ImportError:
            print("flexion.bench: needs torch", file=sys.stderr)
            return 1
        import flexion

        flexion.set_option("cache_dir", os.environ["FLEXION_CACHE_DIR"])
        if options.threads:
            torch.set_num_threads(options.threads)
        if not options.json:
            print(f"torch {torch.__version__}, flexion {flexion.__version__}, "
                  f"{torch.get_num_threads()} threads")  # fmt: skip
            print(" ".join(name.rjust(max(10, len(name))) for name in COLUMNS))
        for row in chosen(options):
            fields = measure(row, options)
            if options.json:
                print(json.dumps(fields), flush=True)
            else:
                print_table_row(fields)
    return 0
