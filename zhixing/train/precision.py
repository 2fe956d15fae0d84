"""Number type of the matrix products: bf16 halves memory traffic where the hardware multiplies it natively.

Mixed precision of Micikevicius et al. 2018 with bfloat16 (Kalamkar et al. 2019): weights, their gradients, the
optimizer and all sums stay float32, so no loss scaling is needed. Left out: float16, float8.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from zhixing.core.errors import UnsupportedError

PrecisionName = Literal["auto", "float32", "bf16"]


def resolve(precision: PrecisionName, device: torch.device) -> torch.dtype:
    """The type to compute in on `device`; UnsupportedError where bf16 is asked for and would not run."""
    if precision == "float32":
        return torch.float32
    if precision == "auto":
        return torch.bfloat16 if has_native_bf16(device) else torch.float32
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UnsupportedError(
            f"train.precision = bf16: {torch.cuda.get_device_name(device)} cannot compute in bf16; "
            "write precision = 'float32' or 'auto'"
        )
    return torch.bfloat16


def has_native_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bf16 matrices in hardware (a CPU without it is slower than in float32)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


@contextmanager
def computing_in(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    """Matrix products inside the block are taken in `dtype`."""
    with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
        yield
