"""Compile the C files of this folder with the machine's own C compiler on first use, and keep it.

It takes about a second, once per machine; without a compiler, or with ZHIXING_NATIVE=0, every operation falls
back to its plain torch definition, slower and otherwise the same. Nothing is compiled at import.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zhixing.core.files import cache_folder

FOLDER = Path(__file__).parent
SOURCES = ("native.c", "through_time.c", "word2vec.c")
HEADER = "native.h"

# What -ffast-math allows to vectorise sums, without its assumption that infinity and NaN never occur and
# without the flush-to-zero mode that linking with it would switch on for the whole process.
FLAGS = (
    "-O3",
    "-march=native",
    "-fPIC",
    "-fopenmp",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
    "-fassociative-math",
    "-freciprocal-math",
    # 512-bit vectors where the processor has them; compilers choose 256 bits by themselves.
    *(("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()),
)

Argument = Tensor | int | float

NUMBERS = {torch.float32, torch.bfloat16}


@cache
def library() -> ctypes.CDLL | None:
    """The compiled operations, or None where this machine cannot have them; `why_missing` says why."""
    if why_missing() is not None:
        return None
    path = cache_folder() / "native" / f"{_fingerprint()}.so"
    try:
        if not path.exists():
            _compile(path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError):
        return None


def why_missing() -> str | None:
    """Why native code is not used here, or None."""
    if os.environ.get("ZHIXING_NATIVE", "1") == "0":
        return "switched off by ZHIXING_NATIVE=0"
    if _compiler() is None:
        return "no C compiler (cc, gcc or clang) on the PATH"
    return None


def usable(*tensors: Tensor, float32: Sequence[Tensor] = ()) -> bool:
    """True when native code exists and can work on these tensors: on the CPU and contiguous.

    `tensors` are float32 or bfloat16, all alike, as the argument `narrow` of the call will say; those that it does not
    speak of (weights, states, angles) are given as `float32` and must be that: their bytes are read as such.
    """
    kinds = {x.dtype for x in tensors}
    if not kinds <= NUMBERS or len(kinds) > 1 or any(x.dtype != torch.float32 for x in float32):
        return False
    if not all(x.device.type == "cpu" and x.is_contiguous() for x in (*tensors, *float32)):
        return False
    return library() is not None


def call(name: str, arguments: Sequence[Argument]) -> None:
    """Call one function: tensors become pointers, int is int64 (threads and narrow: int), float is float32.

    The two last arguments of every function are `narrow` and `threads`; `threads` is added here.
    """
    function = _function(name)
    if function.argtypes is None:
        function.argtypes = [*map(_c_type, arguments[:-1]), ctypes.c_int, ctypes.c_int]
    values = [x.data_ptr() if isinstance(x, Tensor) else x for x in arguments]
    function(*values, torch.get_num_threads())


def apply(operation: type[torch.autograd.Function], *arguments: Any) -> Any:
    """The result of an operation; where no gradient can be asked for, autograd does not hear of it."""
    if torch.is_grad_enabled():
        return operation.apply(*arguments)  # type: ignore[no-untyped-call]
    return operation.forward(_NoWayBack(), *arguments)


class _NoWayBack:
    """What `forward` is given as its context when there is no backward: it keeps nothing."""

    needs_input_grad = ()

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Let go of what the way back would need."""

    def set_materialize_grads(self, value: bool) -> None:
        """There are no gradients."""


@cache
def _function(name: str) -> Any:
    found = library()
    assert found is not None, "call `usable` first"
    function = getattr(found, name)
    function.restype = None
    return function


def _c_type(value: Argument) -> type[ctypes.c_void_p | ctypes.c_int64 | ctypes.c_float]:
    if isinstance(value, Tensor):
        return ctypes.c_void_p
    return ctypes.c_int64 if isinstance(value, int) else ctypes.c_float


def is_narrow(x: Tensor) -> int:
    """1 for bfloat16, 0 for float32."""
    return int(x.dtype == torch.bfloat16)


def _compiler() -> str | None:
    chosen = os.environ.get("CC")
    return (
        shutil.which(chosen)
        if chosen
        else next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    )


def _fingerprint() -> str:
    """Changes with the source, the flags and the processor's abilities (a cache may be shared by machines)."""
    information = Path("/proc/cpuinfo")
    flags = ""
    if information.exists():
        flags = next((s for s in information.read_text().splitlines() if s.startswith("flags")), "")
    sources = [(FOLDER / name).read_text("utf-8") for name in (HEADER, *SOURCES)]
    text = "".join([*sources, *FLAGS, flags, str(_compiler()), torch.__version__])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compile(path: Path) -> None:
    """Compile beside the final name and rename, so that two processes can do it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler = _compiler()
    assert compiler is not None
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        built = [str(Path(scratch, f"{name}.o")) for name in SOURCES]
        linked = Path(scratch, "native.so")
        for name, target in zip(SOURCES, built, strict=True):
            _quietly([compiler, *FLAGS, "-c", str(FOLDER / name), "-o", target])
        _quietly([compiler, "-shared", *built, *_openmp(), "-lm", "-o", str(linked)])
        os.replace(linked, path)


def _openmp() -> list[str]:
    """Torch's own OpenMP runtime: with a second one, two pools of threads would fight for the cores."""
    root = Path(torch.__file__).parent
    folders = (root / "lib", root.parent / "torch.libs")
    found = [str(file) for folder in folders for file in sorted(folder.glob("libgomp*.so*"))]
    return found[:1] or ["-fopenmp"]


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120)
