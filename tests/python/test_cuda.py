# SPDX-License-Identifier: Apache-2.0
"""flex_attention on CUDA tensors: results, masks, streams, graphs, threads, refusals. Skipped where
torch finds no Hopper GPU."""

import threading

import pytest

torch = pytest.importorskip("torch")

import flexion
from flexion import AuxRequest, create_block_mask, flex_attention
from reference import assert_close_to, dense, doubled, inputs

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or torch.cuda.get_device_capability()[0] != 9,
    reason="torch finds no Hopper GPU",
)
DTYPES = [torch.bfloat16, torch.float16]
L = 300


def on_device(tensors):
    return [t.cuda() for t in tensors]


def variants():
    """name: (score_mod, mask_mod), on captured CUDA tensors."""
    slopes = torch.rand(4, device="cuda")
    table = torch.randn(2 * L, device="cuda")
    document = torch.randint(0, 3, (L,), device="cuda").sort().values

    def alibi(score, b, h, q, k):
        return score + slopes[h] * (k - q)

    def relative(score, b, h, q, k):
        return score + table[q - k + L]

    def softcap(score, b, h, q, k):
        return 20.0 * torch.tanh(score / 20.0)

    def causal(b, h, q, k):
        return q >= k

    def packed(b, h, q, k):
        return (document[q] == document[k]) & (q >= k)

    return {
        "none": (None, None),
        "causal": (None, causal),
        "alibi": (alibi, causal),
        "relative": (relative, None),
        "softcap": (softcap, packed),
        "document": (None, packed),
    }


def mask_of(mask_mod, q_len=L, kv_len=L):
    return mask_mod and create_block_mask(mask_mod, None, None, q_len, kv_len, device="cuda")


@pytest.mark.parametrize("name", ["none", "causal", "alibi", "relative", "softcap", "document"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_the_definition(name, dtype):
    score_mod, mask_mod = variants()[name]
    q, k, v = on_device(inputs(L=L, E=64, dtype=dtype))
    out, aux = flex_attention(
        q,
        k,
        v,
        score_mod,
        mask_of(mask_mod),
        return_aux=AuxRequest(lse=True, max_scores=True),
    )
    golden = dense(*doubled([q, k, v]), score_mod, mask_mod)
    torchs = dense(q, k, v, score_mod, mask_mod)
    assert out.dtype == dtype and out.device == q.device
    assert_close_to(golden[0], out, torchs[0], dtype)
    torch.testing.assert_close(aux.lse.double(), golden[1].double(), atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(aux.max_scores.double(), golden[2].double(), atol=2e-2, rtol=1e-2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_grouped_heads_other_value_dim_and_strides(dtype):
    q, k, v = on_device(inputs(Hq=8, Hkv=2, L=200, S=333, E=96, Ev=64, dtype=dtype))
    # The layout of a projection: heads inside of positions.
    q, k, v = (t.transpose(1, 2).contiguous().transpose(1, 2) for t in (q, k, v))
    out = flex_attention(q, k, v, enable_gqa=True)
    wide = [q, *(t.repeat_interleave(4, 1) for t in (k, v))]
    assert out.stride()[1:] == (64, 8 * 64, 1)
    assert_close_to(dense(*doubled(wide))[0], out, dense(*wide)[0], dtype)


def test_masks_made_by_torch():
    from torch.nn.attention import flex_attention as torch_flex

    _, packed = variants()["document"]
    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    theirs = torch_flex.create_block_mask(packed, None, None, L, L, device="cuda")
    ours = create_block_mask(packed, None, None, L, L)  # on the accelerator
    assert ours.kv_num_blocks.device == q.device
    out = flex_attention(q, k, v, block_mask=ours)
    assert torch.equal(out, flex_attention(q, k, v, block_mask=theirs))
    assert torch.equal(ours.kv_num_blocks, theirs.kv_num_blocks)


def test_masks_stay_live():
    document = torch.zeros(L, dtype=torch.int64, device="cuda")
    document[150:] = 1

    def packed(b, h, q, k):
        return document[q] == document[k]

    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    mask = mask_of(packed)
    document[150:200] = 2  # inside partial blocks
    golden = dense(*doubled([q, k, v]), None, packed)[0]
    out = flex_attention(q, k, v, block_mask=mask)
    assert_close_to(golden, out, dense(q, k, v, None, packed)[0], torch.bfloat16)


def test_new_lengths_and_values_compile_nothing():
    slopes = torch.rand(4, device="cuda")
    factor = 0.5

    def score_mod(score, b, h, q, k):
        return score * factor + slopes[h] * (k - q)

    def call(length):
        q, k, v = on_device(inputs(L=length, E=64, dtype=torch.bfloat16))
        out = flex_attention(q, k, v, score_mod)
        assert_close_to(
            dense(*doubled([q, k, v]), score_mod)[0],
            out,
            dense(q, k, v, score_mod)[0],
            torch.bfloat16,
        )

    call(128)
    before = flexion.cache_info()
    for length in (1, 77, 300, 513):
        factor, slopes = factor + 0.1, torch.rand(4, device="cuda")
        call(length)
    after = flexion.cache_info()
    assert after["compiled"] == before["compiled"]
    assert after["memory_misses"] == before["memory_misses"]
    assert after["memory_hits"] > before["memory_hits"]


def test_follows_the_current_stream():
    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    late = torch.zeros_like(q)
    golden = flex_attention(q, k, v)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(200_000_000)  # about 0.1 s: a call on another stream would read zeros
        late.copy_(q)
        out = flex_attention(late, k, v)
    stream.synchronize()
    assert torch.equal(out, golden)


def test_graphs_replay():
    score_mod, causal = variants()["alibi"]
    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    mask = mask_of(causal)
    flex_attention(q, k, v, score_mod, mask)  # compiles, loads, brings the lists to the device
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = flex_attention(q, k, v, score_mod, mask)
    for _ in range(3):
        for tensor in (q, k, v):
            tensor.copy_(torch.randn_like(tensor))
        graph.replay()
        assert torch.equal(out, flex_attention(q, k, v, score_mod, mask))


def test_a_first_call_inside_a_capture_is_refused():
    factor = torch.rand(1, device="cuda")

    def unseen(score, b, h, q, k):
        return torch.sigmoid(score * factor[0] + (k - q) * 0.03125)

    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    flex_attention(q, k, v)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), pytest.raises(flexion.DeviceError, match=r"prepare\("):
        flex_attention(q, k, v, unseen)
    flex_attention(q, k, v, unseen)


def test_keeps_its_lists_in_the_memory_of_torch():
    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    masks = [mask_of(lambda b, h, q, k, n=n: q >= k - n) for n in range(3)]
    out = torch.empty_like(q)
    out.copy_(flex_attention(q, k, v))
    for mask in masks:
        before = torch.cuda.memory_allocated()
        out.copy_(flex_attention(q, k, v, block_mask=mask))
        assert torch.cuda.memory_allocated() > before


def test_threads_on_their_own_streams():
    score_mod, causal = variants()["alibi"]
    mask = mask_of(causal)
    tensors = [on_device(inputs(L=L, E=64, dtype=torch.bfloat16)) for _ in range(4)]
    golden = [flex_attention(*each, score_mod, mask) for each in tensors]
    torch.cuda.synchronize()
    failures = []

    def work(i):
        with torch.cuda.stream(torch.cuda.Stream()):
            for _ in range(50):
                out = flex_attention(*tensors[i], score_mod, mask)
            torch.cuda.current_stream().synchronize()
        if not torch.equal(out, golden[i]):
            failures.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_autocast():
    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.float32))
    with torch.autocast("cuda", torch.bfloat16):
        out = flex_attention(q, k, v)
    assert torch.equal(out, flex_attention(*(t.bfloat16() for t in (q, k, v))))


def test_gradients_are_refused():
    q, k, v = on_device(inputs(L=L, E=64, dtype=torch.bfloat16))
    q.requires_grad_()
    out = flex_attention(q, k, v)
    assert_close_to(dense(*doubled([q, k, v]))[0], out, dense(q, k, v)[0], torch.bfloat16)
    with pytest.raises(flexion.Unsupported, match="no backward pass"):
        out.sum().backward()


def test_what_has_no_kernel_is_refused():
    q, k, v = on_device(inputs(L=32, E=64, dtype=torch.float32))
    with pytest.raises(flexion.Unsupported, match="expected bf16 or f16"):
        flex_attention(q, k, v)
    q, k, v = on_device(inputs(L=32, E=60, dtype=torch.bfloat16))
    with pytest.raises(flexion.Unsupported, match="multiples of 8"):
        flex_attention(q, k, v)


def test_captures_in_host_memory_are_refused():
    slopes = torch.rand(4)
    q, k, v = on_device(inputs(L=32, E=64, dtype=torch.bfloat16))
    with pytest.raises(flexion.UserError, match="host memory"):
        flex_attention(q, k, v, lambda score, b, h, q, k: score + slopes[h] * (k - q))


def test_tensors_on_several_devices_are_refused():
    q, k, v = on_device(inputs(L=32, E=64, dtype=torch.bfloat16))
    with pytest.raises((ValueError, RuntimeError), match="device"):
        flex_attention(q, k.cpu(), v)
