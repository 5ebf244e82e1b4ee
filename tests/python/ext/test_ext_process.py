# SPDX-License-Identifier: Apache-2.0
"""The extension in a process: what it exports, other copies of LLVM, threads, forks, its end."""
import ast
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import pytest

import flexion
from flexion import _C

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def python(code, *options, **more):
    return subprocess.run([sys.executable, *options, "-c", code], env={**ENVIRONMENT, **more},
                          capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm of binutils")
def test_only_the_init_function_is_exported():
    listed = subprocess.run(["nm", "-D", "--defined-only", _C.__file__], capture_output=True,
                            text=True, check=True).stdout
    names = [line.split()[-1] for line in listed.splitlines()]
    assert names == ["PyInit__C"]


def test_torch_is_not_needed():
    code = ("import sys\nsys.modules['torch'] = None\nimport numpy as np, flexion\n"
            "from flexion import _C\n"
            "x = np.random.rand(1, 2, 8, 4).astype('float32')\n"
            "out, lse, top = _C.prepare(x, x, x, want_lse=True).run()\n"
            "assert type(out) is np.ndarray and out.shape == x.shape and lse.shape == (1, 2, 8)\n"
            "assert top is None\n")
    result = python(code)
    assert result.returncode == 0, result.stderr


COMPILE_BOTH = """
import sys
sys.modules["torch"] = None
def ours():
    import numpy as np
    from flexion import _C
    _C.set_option("cache", "off")
    x = np.random.rand(1, 1, 4, 4).astype("float32")
    _C.prepare(x, x, x, lambda s, b, h, q, k: s * 3 + q).run()
    assert _C.cache_info()["compiled"] > 0
def numbas():
    import numba
    assert numba.njit(lambda x: x * 2 + 1)(20) == 41
"""


@pytest.mark.parametrize("order", ["ours(); numbas(); ours()", "numbas(); ours(); numbas()"])
def test_two_copies_of_llvm_in_one_process(order):
    pytest.importorskip("numba")
    result = python(COMPILE_BOTH + order)
    assert result.returncode == 0, result.stderr


START_AND_STOP = """
import sys
if {torch}: import torch as np
else: import numpy as np; sys.modules["torch"] = None
from flexion import _C
x = np.zeros((1, 1, 4, 4), dtype=np.float32)
t = np.arange(4)
t = t if {torch} else _C.Buffer(t)
_C.prepare(x, x, x, lambda s, b, h, q, k: s * t[q]).run()
mask = _C.BlockMaskCore.create(lambda b, h, q, k: t[q] == t[k], None, None, 4, 4)
"""


def test_a_hundred_starts_and_stops():
    """No reference is left at exit, nothing is said. Few of them with torch, which takes 2 s."""
    for i in range(100):
        code = START_AND_STOP.format(torch=i >= 97)
        if i >= 97:
            pytest.importorskip("torch")
        result = python(code, "-X", "dev", PYTHONWARNINGS="ignore")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_operators_leave_nothing_at_exit():
    pytest.importorskip("torch")
    code = (
        "import torch, flexion\nfrom torch.autograd import forward_ad\n"
        "q = torch.zeros(1, 1, 4, 4)\n"
        "mask = flexion.create_block_mask(lambda b, h, q, k: q >= k, None, None, 4, 4, 'cpu')\n"
        "with forward_ad.dual_level():\n"
        "    flexion.flex_attention(q, q, q, None, mask)\n"
    )
    result = python(code, "-X", "dev", PYTHONWARNINGS="ignore")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_command():
    result = subprocess.run([sys.executable, "-m", "flexion", "--version"], env=ENVIRONMENT,
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == flexion.__version__
    result = subprocess.run([sys.executable, "-m", "flexion", "nonsense"], env=ENVIRONMENT,
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 2


def test_stubs_are_shipped():
    folder = pathlib.Path(flexion.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_C.pyi").exists()


def parameters(node):
    """Of a function of the stub, as nanobind writes them: names, each with = where it may lack."""
    arguments = node.args
    assert not arguments.kwonlyargs and not arguments.kwarg
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    plain = len(names) - len(arguments.defaults)
    names = [name + "=" * (i >= plain) for i, name in enumerate(names)]
    return names + (["*" + arguments.vararg.arg] if arguments.vararg else [])


def bound_parameters(function):
    """The same of a function of nanobind; None of one that is none or has several signatures."""
    signatures = getattr(function, "__nb_signature__", ())
    if len(signatures) != 1:
        return None
    tree = ast.parse(re.sub(r"\\\d+", "0", signatures[0][0]) + ": ...")
    return parameters(tree.body[0])


def agree(node, have):
    """A function of the stub, and what the module has in its place."""
    bound = bound_parameters(have)
    if bound is None or any(getattr(d, "id", "") == "property" for d in node.decorator_list):
        return
    said = parameters(node)
    assert len(said) == len(bound), (node.name, bound)
    for ours, theirs in zip(said, bound):
        unnamed = re.fullmatch(r"\*?arg[s\d]*", theirs)
        assert ours == theirs or (unnamed and ours.count("*") == theirs.count("*")), node.name


def test_the_stub_says_what_there_is():
    tree = ast.parse((pathlib.Path(flexion.__file__).parent / "_C.pyi").read_text())
    named, compared = set(), 0
    for node in tree.body:
        if isinstance(node, ast.AnnAssign):
            named.add(node.target.id)
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        named.add(node.name)
        if isinstance(node, ast.FunctionDef):
            agree(node, getattr(_C, node.name))
            continue
        members = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        have = getattr(_C, node.name)
        for member in members:
            agree(member, getattr(have, member.name))
            compared += 1
        if node.name in ("BlockMaskCore", "Call", "Traced"):
            assert {each for each in vars(have) if each[0] != "_"} <= {m.name for m in members}
    assert compared > 20
    assert {each for each in vars(_C) if each[0] != "_"} <= named


# ---- threads and processes ----

torch = pytest.importorskip("torch")
slopes = torch.rand(4)
inputs = [torch.randn(1, 4, 70, 16) for _ in range(3)]


def call(_=0):
    mask_mod = lambda b, h, q, k: q >= k  # noqa: E731
    mask = _C.BlockMaskCore.create(mask_mod, None, None, 70, 70)
    mod = lambda s, b, h, q, k: s + slopes[h] * (k - q)  # noqa: E731
    return _C.prepare(*inputs, mod, mask, mask_mod).run()[0]


def test_threads_call_at_once():
    expected, wrong = call(), []

    def work():
        for _ in range(30):
            if not torch.equal(call(), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_the_gil_is_released_meanwhile():
    x = torch.randn(1, 8, 2048, 64)
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(1)
            done.wait(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    before = len(ticks)
    _C.prepare(x, x, x, threads=1).run()
    during = len(ticks) - before
    done.set()
    ticker.join()
    assert during >= 3  # a call of tens of milliseconds; with the lock held it would be 0 or 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes(method):
    expected = call()
    context = multiprocessing.get_context(method)
    if method == "spawn":
        results = []
        code = "import sys, torch\nfrom flexion import _C\nx = torch.ones(1, 1, 4, 4)\n" \
               "assert torch.equal(_C.prepare(x, x, x).run()[0], x)\n"
        assert python(code).returncode == 0
        with context.Pool(1, initializer=_nothing) as pool:
            results = pool.map(_shape_in_child, range(2))
        assert results == [(1, 1, 4, 4)] * 2
        return
    with context.Pool(2) as pool:
        for result in pool.map(_numbers_in_child, range(4)):
            assert torch.equal(torch.tensor(result), expected.flatten()[:50])


def _nothing():
    pass


def _shape_in_child(_):
    x = torch.ones(1, 1, 4, 4)
    return tuple(_C.prepare(x, x, x).run()[0].shape)


def _numbers_in_child(_):
    torch.set_num_threads(1)
    return call().flatten()[:50].tolist()


def test_the_number_of_threads_is_torchs():
    expected = call()
    before = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert torch.equal(call(), expected)
    finally:
        torch.set_num_threads(before)
