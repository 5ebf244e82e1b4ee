#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flexion's forward pass on a GPU beside torch's compiled flex_attention, cuDNN and FA2.

cuDNN and FlashAttention-2 run through scaled_dot_product_attention; all on the same tensors in one
process.

    python bench/gpu.py --library build/src/api/libflexion_c.so --json OUT [--quick] [--only TEXT]

The card is power-limited: a kernel's clock depends on what ran before. All kernels of a row are
timed in turn, in random order, several rounds, about 20 ms each: the median is `sustained`. `burst`
is the median of 3 runs after 40 ms of idle time. TFLOP/s count unmasked pairs only:
4 * pairs * head_dim. Errors are relative (Frobenius) against float64 on one (batch, head) pair;
`compile` is the first call of a process, in seconds, on an empty cache; `host` the microseconds
that a call takes on the host.
"""
import argparse
import ctypes as C
import json
import math
import os
import random
import statistics
import tempfile
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

DEVICE = "cuda"


# ---- Flexion through its C interface -------------------------------------------------------------

class Tensor(C.Structure):  # DLTensor
    _fields_ = [("data", C.c_void_p), ("device_type", C.c_int32), ("device_id", C.c_int32),
                ("ndim", C.c_int32), ("code", C.c_uint8), ("bits", C.c_uint8),
                ("lanes", C.c_uint16), ("shape", C.POINTER(C.c_int64)),
                ("strides", C.POINTER(C.c_int64)), ("byte_offset", C.c_uint64)]


class Scalar(C.Structure):
    _fields_ = [("is_integer", C.c_int32), ("integer", C.c_int64), ("real", C.c_double)]


class Options(C.Structure):
    _fields_ = [("size", C.c_size_t), ("score_mod", C.c_void_p), ("block_mask", C.c_void_p),
                ("scale", C.c_double), ("enable_gqa", C.c_int32), ("threads", C.c_int32),
                ("lse", C.POINTER(Tensor)), ("max_scores", C.POINTER(Tensor)),
                ("backend", C.c_char_p), ("parallel_for", C.c_void_p), ("host", C.c_void_p),
                ("stream", C.c_void_p), ("block_q", C.c_int32), ("block_kv", C.c_int32),
                ("query_buffers", C.c_int32)]


CODES = {torch.float32: (2, 32), torch.float64: (2, 64), torch.float16: (2, 16),
         torch.bfloat16: (4, 16), torch.int64: (0, 64), torch.int32: (0, 32), torch.bool: (6, 8)}


def tensor(t):
    code, bits = CODES[t.dtype]
    shape = (C.c_int64 * max(1, t.dim()))(*t.shape)
    strides = (C.c_int64 * max(1, t.dim()))(*t.stride())
    made = Tensor(t.data_ptr(), 2 if t.is_cuda else 1, 0, t.dim(), code, bits, 1, shape, strides, 0)
    made.keep = (t, shape, strides)
    return made


class Flexion:
    def __init__(self, path):
        self.library = C.CDLL(path)
        self.library.flexion_last_error.restype = C.c_char_p

    def call(self, name, *args):
        if getattr(self.library, name)(*args) != 0:
            raise RuntimeError(self.library.flexion_last_error().decode())

    def mod(self, kind, text, buffers, scalars, device):
        buffers = [b.to(device) for b in buffers]
        views = (Tensor * max(1, len(buffers)))(*[tensor(b) for b in buffers])
        values = (Scalar * max(1, len(scalars)))(
            *[Scalar(int(isinstance(s, int)), s if isinstance(s, int) else 0, float(s))
              for s in scalars])
        handle = C.c_void_p()
        keep = [tensor(b) for b in buffers]
        for i, k in enumerate(keep):
            views[i] = k
        self.call(f"flexion_{kind}_create", text.encode(), views, C.c_size_t(len(buffers)), values,
                  C.c_size_t(len(scalars)), C.byref(handle))
        handle.keep = (buffers, keep, views, values)
        return handle

    def attention(self, q, k, v, score=None, mask=None, lse=None):
        """A function that runs the call, and its output. score, mask: (text, buffers, scalars)."""
        out = torch.full((*q.shape[:3], v.shape[3]), float("nan"), dtype=q.dtype, device=q.device)
        options = Options(size=C.sizeof(Options), enable_gqa=1)
        keep = [q, k, v, out]
        if score:
            options.score_mod = self.mod("score_mod", *score, DEVICE)
            keep.append(options.score_mod)
        if mask:
            on_host = self.mod("mask_mod", *mask, "cpu")
            blocks, moved = C.c_void_p(), C.c_void_p()
            self.call("flexion_block_mask_create", on_host, C.c_int64(0), C.c_int64(0),
                      C.c_int64(q.shape[2]), C.c_int64(k.shape[2]), C.c_int64(0), C.c_int64(0),
                      C.byref(blocks))
            on_device = self.mod("mask_mod", *mask, DEVICE)
            self.call("flexion_block_mask_with_mask_mod", blocks, on_device, C.byref(moved))
            options.block_mask = moved
            keep += [on_host, on_device]
        if lse is not None:
            statistics_view = tensor(lse)
            options.lse = C.pointer(statistics_view)
            keep.append(statistics_view)
        views = [tensor(t) for t in (q, k, v, out)]
        run_c = self.library.flexion_attention
        arguments = [C.byref(view) for view in views] + [C.byref(options)]

        def run():
            options.stream = torch.cuda.current_stream().cuda_stream
            if run_c(*arguments) != 0:
                raise RuntimeError(self.library.flexion_last_error().decode())
        run.keep = (keep, views, options)
        return run, out


# ---- the work ------------------------------------------------------------------------------------

def mask_text(body, head="", buffers=""):
    return (f"flexion.ir 1\nmask_mod m(%b: i32, %h: i32, %q: i32, %k: i32{head}{buffers}) "
            f"{{\n{body}\n}}\n")


def score_text(body, head="", buffers=""):
    return (f"flexion.ir 1\nscore_mod s(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32{head}"
            f"{buffers}) {{\n{body}\n}}\n")


class Work:
    """One kind of attention: Flexion's IR, the same for torch, and a dense form for the error."""

    def __init__(self, name, S, H):
        self.name, self.score, self.mask = name, None, None
        self.torch_score = self.torch_mask = self.dense_score = None
        index = torch.arange(S, device=DEVICE)
        causal = "%1 = ge.i32 %q, %k\nreturn %1"
        is_causal = name not in ("noop", "prefix")
        self.dense = index[:, None] >= index[None] if name != "noop" else None
        if is_causal:
            self.mask = (mask_text(causal), [], [])
            self.torch_mask = lambda b, h, q, k: q >= k
        if name == "sliding":
            self.mask = (mask_text("%1 = ge.i32 %q, %k\n%2 = sub.i32 %q, %k\n%3 = cast.i64 %2\n"
                                   "%4 = le.i64 %3, %w\n%5 = logical_and %1, %4\nreturn %5",
                                   ", %w: i64"), [], [1024])
            self.torch_mask = lambda b, h, q, k: (q >= k) & (q - k <= 1024)
            self.dense = self.dense & (index[:, None] - index[None] <= 1024)
        elif name == "document":
            cuts = torch.sort(torch.randperm(S - 1)[:7] + 1).values
            doc = torch.zeros(S, dtype=torch.int32)
            for cut in cuts:
                doc[cut:] += 1
            on_device = doc.to(DEVICE)
            self.mask = (mask_text("%1 = ge.i32 %q, %k\n%2 = load @doc[%q]\n%3 = load @doc[%k]\n"
                                   "%4 = eq.i32 %2, %3\n%5 = logical_and %1, %4\nreturn %5",
                                   "", ", @doc: i32[?]"), [doc], [])
            self.torch_mask = lambda b, h, q, k: (q >= k) & (on_device[q] == on_device[k])
            self.dense = self.dense & (on_device[:, None] == on_device[None])
        elif name == "prefix":
            self.mask = (mask_text("%1 = ge.i32 %q, %k\n%2 = cast.i64 %k\n%3 = lt.i64 %2, %p\n"
                                   "%4 = logical_or %1, %3\nreturn %4", ", %p: i64"), [], [1024])
            self.torch_mask = lambda b, h, q, k: (q >= k) | (k < 1024)
            self.dense = self.dense | (index[None] < 1024)
        if name == "alibi":
            slopes = torch.tensor([2 ** (-8 * (i + 1) / H) for i in range(H)], device=DEVICE)
            self.score = (score_text("%1 = load @slopes[%h]\n%2 = sub.i32 %k, %q\n"
                                     "%3 = cast.f32 %2\n%4 = mul %1, %3\n"
                                     "%5 = add %s, %4\nreturn %5", "",
                                     ", @slopes: f32[?]"), [slopes], [])
            self.torch_score = lambda s, b, h, q, k: s + slopes[h] * (k - q)
            self.dense_score = lambda x, h: x + slopes[h] * (index[None] - index[:, None])
        elif name == "softcap":
            self.score = (score_text("%1 = div %s, %cap\n%2 = tanh %1\n%3 = mul %cap, %2\n"
                                     "return %3",
                                     ", %cap: f32"), [], [30.0])
            self.torch_score = lambda s, b, h, q, k: 30 * torch.tanh(s / 30)
            self.dense_score = lambda x, h: 30 * torch.tanh(x / 30)
        elif name == "kv_bias":
            bias = torch.randn(H, S, device=DEVICE)
            self.score = (score_text("%1 = load @bias[%h, %k]\n%2 = add %s, %1\nreturn %2", "",
                                     ", @bias: f32[?, ?]"), [bias], [])
            self.torch_score = lambda s, b, h, q, k: s + bias[h, k]
            self.dense_score = lambda x, h: x + bias[h][None]
        elif name == "relative":
            table = torch.randn(H, 2 * S, device=DEVICE)
            self.score = (score_text("%1 = sub.i32 %q, %k\n%2 = cast.i64 %1\n%3 = add.i64 %2, %o\n"
                                     "%4 = load @table[%h, %3]\n%5 = add %s, %4\nreturn %5",
                                     ", %o: i64", ", @table: f32[?, ?]"), [table], [S])
            self.torch_score = lambda s, b, h, q, k: s + table[h, q - k + S]
            self.dense_score = lambda x, h: x + table[h][index[:, None] - index[None] + S]
        self.causal_for_sdpa = name == "causal"
        self.pairs = float(S) * S if self.dense is None else float(self.dense.sum())


def error_of(out, q, k, v, work):
    b, h = q.shape[0] - 1, q.shape[1] - 1
    errors = []
    for rows in torch.arange(q.shape[2], device=DEVICE).split(2048):
        x = (q[b, h, rows].double() @ k[b, h].double().T) * q.shape[3] ** -0.5
        if work.dense_score:
            full = torch.zeros(q.shape[2], k.shape[2], device=DEVICE, dtype=torch.float32)
            full[rows] = x.float()
            x = work.dense_score(full, h)[rows].double()
        if work.dense is not None:
            x = x.masked_fill(~work.dense[rows], -math.inf)
        expected = torch.softmax(x, -1) @ v[b, h].double()
        errors.append(((out[b, h, rows].double() - expected).norm() ** 2, expected.norm() ** 2))
    return math.sqrt(sum(e for e, _ in errors) / sum(n for _, n in errors))


def timed(run, count):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    run()
    run()
    begin.record()
    for _ in range(count):
        run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / count


def measure(runs, rounds):
    """Milliseconds per name: sustained and burst."""
    counts = {name: max(3, int(20 / timed(run, 3))) for name, run in runs.items()}
    sustained = {name: [] for name in runs}
    burst = {name: [] for name in runs}
    for _ in range(rounds):
        for name in random.sample(list(runs), len(runs)):
            sustained[name].append(timed(runs[name], counts[name]))
    for _ in range(3):
        for name, run in runs.items():
            torch.cuda.synchronize()
            time.sleep(0.04)
            burst[name].append(timed(run, 1))
    return {n: (statistics.median(sustained[n]), statistics.median(burst[n])) for n in runs}


ROWS = [  # work, sequence length, head dim, heads
    *[("causal", S, 128, 16) for S in (2048, 8192, 16384, 32768)],
    *[("noop", S, 128, 16) for S in (2048, 8192, 16384, 32768)],
    ("causal", 8192, 64, 32), ("causal", 8192, 256, 8),
    *[(w, 8192, 128, 16) for w in ("alibi", "prefix", "kv_bias", "relative", "softcap")],
    *[(w, S, 128, 16) for S in (8192, 32768) for w in ("sliding", "document")],
]


def bench_row(flexion, name, S, D, H, rounds, with_flex):
    B = max(1, 16384 // S)
    q, k, v = (torch.randn(B, H, S, D, device=DEVICE, dtype=torch.bfloat16) for _ in range(3))
    work = Work(name, S, H)
    run, out = flexion.attention(q, k, v, work.score, work.mask)
    begin = time.perf_counter()
    run()
    torch.cuda.synchronize()
    compile_seconds = time.perf_counter() - begin
    runs, errors = {"flexion": run}, {"flexion": error_of(out, q, k, v, work)}
    if name not in ("causal", "noop"):  # what the mod costs, in the same rotation
        runs["own causal"], out_causal = flexion.attention(q, k, v, None, Work("causal", S, H).mask)
        runs["own causal"]()
        errors["own causal"] = error_of(out_causal, q, k, v, Work("causal", S, H))
    if name in ("causal", "noop"):
        for peer, backend in (("cudnn", SDPBackend.CUDNN_ATTENTION),
                              ("fa2", SDPBackend.FLASH_ATTENTION)):
            def sdpa(backend=backend):
                with sdpa_kernel(backend), torch.no_grad():
                    return F.scaled_dot_product_attention(q, k, v,
                                                          is_causal=work.causal_for_sdpa)
            runs[peer] = sdpa
            errors[peer] = error_of(sdpa(), q, k, v, work)
    if with_flex:
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        compiled = torch.compile(flex_attention, dynamic=False)
        block_mask = None
        if work.torch_mask:
            create = torch.compile(create_block_mask) if S > 16384 else create_block_mask
            block_mask = create(work.torch_mask, None, None, S, S, device=DEVICE)
        def flex():
            with torch.no_grad():
                return compiled(q, k, v, score_mod=work.torch_score, block_mask=block_mask)
        try:
            errors["flex"] = error_of(flex(), q, k, v, work)
            runs["flex"] = flex
        except Exception as problem:  # a peer that cannot run is left out by name
            print(f"flex: {type(problem).__name__}: {str(problem)[:200]}", flush=True)
    host = []
    for _ in range(5):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(20):
            run()
        host.append((time.perf_counter() - begin) / 20 * 1e6)
    torch.cuda.synchronize()
    per_pair = 4 * B * H * D / 1e9
    causal_pairs = S * (S + 1) / 2
    times = measure(runs, rounds)
    row = {"work": name, "S": S, "D": D, "H": H, "B": B, "compile_s": compile_seconds,
           "host_us": statistics.median(host)}
    for peer, (sustained, burst) in times.items():
        rate = per_pair * (causal_pairs if peer == "own causal" else work.pairs)
        row[peer] = {"sustained": rate / sustained, "burst": rate / burst, "error": errors[peer]}
    cells = "  ".join(f"{peer} {row[peer]['sustained']:.0f}/{row[peer]['burst']:.0f} "
                      f"({row[peer]['error']:.1e})" for peer in times)
    ratios = "  ".join(f"x{row['flexion']['sustained'] / row[peer]['sustained']:.2f} {peer}"
                       for peer in times if peer != "flexion")
    print(f"{name:9s} S{S} D{D}: {cells}  {ratios}  compile {compile_seconds:.2f} s  "
          f"host {row['host_us']:.1f} us", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no compiled flex")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--seconds", type=float, default=180, help="start no row after this time")
    args = parser.parse_args()
    os.environ.setdefault("FLEXION_CACHE", "off")
    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("CUDA_CACHE_PATH", folder)
        flexion = Flexion(args.library)
        print(torch.cuda.get_device_name(0), "torch", torch.__version__,
              "TFLOP/s sustained/burst (error)", flush=True)
        rows = []
        for name, S, D, H in ROWS:
            if args.only not in f"{name}_{S}_{D}":
                continue
            if time.time() - begin > args.seconds:
                print(f"{name} S{S} D{D}: no time left")
                continue
            flex = not args.quick and name in ("softcap", "sliding", "document")
            rows.append(bench_row(flexion, name, S, D, H, 3 if args.quick else 5, flex))
            torch.cuda.empty_cache()
        if args.json:
            with open(args.json, "w") as file:
                json.dump({"device": torch.cuda.get_device_name(0), "torch": torch.__version__,
                           "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
