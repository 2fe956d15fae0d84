"""textgenrnn: a language model of characters, Keras weights of an LSTM made for cuDNN in an HDF5 file.

cuDNN keeps every gate's matrix transposed, and two biases per gate that only ever act as their sum. Keras reorders the
input matrix's numbers without transposing its shape, so the way back is to flatten by rows and fill by columns; gates are
i f g o, as torch's. The original always reads 40 characters, the missing ones before a text as id 0.
"""

import io
import json
from collections.abc import Sequence
from typing import Any, Self, cast

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from zhixing.checkpoint.foreign.folder import Imported, build
from zhixing.core.errors import CheckpointError, MissingExtraError, UnsupportedError
from zhixing.corpus.archive import Archive
from zhixing.model.averaging import Averaging
from zhixing.model.protocol import LanguageModel, Output, State
from zhixing.model.sequence_config import AveragingConfig

WINDOW = 40
"""Characters that the original reads."""
MARK = "<s>"
"""Begins and ends every text."""
GATES = 4
WEIGHTS = "*textgenrnn/textgenrnn_weights.hdf5"


def read(archive: Archive) -> Imported:
    """The model of the package. Raises CheckpointError when its weights are not as expected."""
    parts = {
        name.rpartition(".")[2]: content
        for name, content in archive.members(WEIGHTS, "*textgenrnn/textgenrnn_vocab.json")
    }
    arrays = read_hdf5(parts["hdf5"])
    ids: dict[str, int] = json.loads(parts["json"])
    symbols = ("", *sorted(ids, key=lambda symbol: ids[symbol]))
    tensors = {
        "embed.weight": arrays["embedding/embedding/embeddings:0"],
        "score.weight": arrays["attention/attention/attention_W:0"].T,
        "unembed.weight": arrays["output/output/kernel:0"].T,
        "unembed.bias": arrays["output/output/bias:0"],
    }
    for layer in (0, 1):
        theirs = f"rnn_{layer + 1}/rnn_{layer + 1}"
        bias = arrays[f"{theirs}/bias:0"].reshape(2, -1)
        tensors |= {
            f"layers.{layer}.weight_ih": from_cudnn(arrays[f"{theirs}/kernel:0"]),
            f"layers.{layer}.weight_hh": recurrent_from_cudnn(
                arrays[f"{theirs}/recurrent_kernel:0"]
            ),
            f"layers.{layer}.bias_ih": bias[0],
            f"layers.{layer}.bias_hh": bias[1],
        }
    given = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in tensors.items()}
    return build(AveragingConfig(), {"characters": symbols}, "characters", given)


def read_hdf5(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The float32 arrays of an HDF5 file by their path. Raises CheckpointError for a broken file."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "foreign", "reading an HDF5 file") from error
    found: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item, dtype=np.float32)

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(keep)
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"the weights are not a whole HDF5 file: {error}") from error
    return found


def from_cudnn(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """An input matrix (inputs, 4 width) of cuDNN as torch's weight_ih (4 width, inputs)."""
    gates = np.split(kernel, GATES, axis=1)
    plain = [gate.T.reshape(gate.shape, order="F") for gate in gates]
    return np.concatenate([gate.T for gate in plain])


def recurrent_from_cudnn(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """A recurrent matrix (width, 4 width) of cuDNN, whose gates are transposed, as torch's weight_hh."""
    return np.concatenate(np.split(kernel, GATES, axis=1))


def window(imported: Imported, text: str) -> list[int]:
    """What the original reads before the next character of a text that begins with `text`."""
    places = {symbol: place for place, symbol in enumerate(imported.symbols["characters"])}
    ids = [places[MARK], *(places.get(character, 0) for character in text)][-WINDOW:]
    return [0] * (WINDOW - len(ids)) + ids


@torch.inference_mode()
def probabilities(imported: Imported, texts: Sequence[str]) -> torch.Tensor:
    """How probable each character is after each text: (texts, characters)."""
    tokens = torch.tensor([window(imported, text) for text in texts])
    model = imported.model
    logits = model(tokens).logits
    return logits[:, -1].softmax(dim=-1)


class WindowState:
    """The characters that the next window may still need."""

    def __init__(self, ids: Int[Tensor, "batch past"], length: int) -> None:
        self.ids, self._length = ids, length

    @property
    def length(self) -> int:
        """Characters read so far."""
        return self._length

    def read(self, tokens: Int[Tensor, "batch time"]) -> Int[Tensor, "batch all"]:
        """What was kept and what is new; the last of both is kept."""
        everything = torch.cat((self.ids, tokens), dim=1)
        self.ids, self._length = everything[:, 1 - WINDOW :], self._length + tokens.shape[1]
        return everything

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows."""
        return type(self)(self.ids[rows], self._length)


class Windowed(LanguageModel):
    """The network as the original uses it: it reads the last 40 characters before every place, and nothing before them."""

    def __init__(self, model: Averaging) -> None:
        super().__init__()
        self.vocab, self.max_time, self.config = model.vocab, None, None
        self.model, self.unembed = model, model.unembed

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body. Raises UnsupportedError for packed rows, and for positions other than those that follow."""
        if documents is not None:
            raise UnsupportedError("textgenrnn reads one text a row; give it one document per row")
        memory = cast(WindowState | None, state) or self.new_state(len(tokens), 0)
        following = memory.length + torch.arange(tokens.shape[1], device=tokens.device)
        if positions is not None and not torch.equal(positions, following.expand_as(positions)):
            raise UnsupportedError(
                f"textgenrnn reads the text of a row from its start, here on from position {memory.length}; leave positions out"
            )
        everything = memory.read(tokens)
        padded = torch.nn.functional.pad(everything, (WINDOW - 1, 0))
        windows = padded.unfold(1, WINDOW, 1)[:, -tokens.shape[1] :]  # (batch, time, WINDOW)
        hidden = self.model.body(windows.flatten(0, 1)).hidden[:, -1]
        return Output(hidden=hidden.view(*tokens.shape, -1), state=state)

    def new_state(self, batch: int, capacity: int) -> WindowState:
        """Nothing read yet; a window is all that is kept, so `capacity` is not used."""
        nothing = torch.zeros(batch, 0, dtype=torch.long, device=self.device)
        return WindowState(nothing, 0)
