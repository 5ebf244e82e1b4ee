# SPDX-License-Identifier: Apache-2.0
"""torch, or None where it is not installed: the package works on NumPy arrays without it."""

try:
    import torch
except ImportError:
    torch = None

if torch is not None:
    try:
        from torch.nn.attention import flex_attention as torch_flex
    except ImportError as error:
        raise ImportError(
            f"flexion works with torch 2.11 and newer, and without torch; found {torch.__version__}"
        ) from error
else:
    torch_flex = None


def is_tensor(x):
    return torch is not None and isinstance(x, torch.Tensor)


def default_device(device):
    """The device that a mask is made for when the caller says `device`, None without torch."""
    if torch is None:
        if device not in (None, "cpu"):
            raise ValueError(f"flexion: device={device!r} needs torch, which is not installed")
        return None
    if device is None:
        device = torch.accelerator.current_accelerator() or "cpu"
    device = torch.device(device)
    if device.index is None and device.type == "cuda":  # as the devices of tensors say it
        device = torch.device("cuda", torch.cuda.current_device())
    return device
