"""g2pM: the pinyin of each Chinese character in its sentence. A BiLSTM, two layers, 876 syllables with tones.

A PyTorch state dict as a pickle of numpy arrays, read by a reader that knows nothing but arrays. The sentence stands
between two marks. The package looks up characters with one pronunciation in a dictionary and asks the network for the
others; `pronounce` does the same.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch

from zhixing.checkpoint.foreign.arrays import read_pickle, take
from zhixing.checkpoint.foreign.folder import Imported, build
from zhixing.core.errors import CheckpointError
from zhixing.corpus.archive import Archive
from zhixing.model.sequence_config import RecurrentEncoderConfig, TaggerConfig

BEGIN, END, UNKNOWN = "시", "끝", "<UNK>"
WEIGHTS = "*g2pM/np_ckpt.pkl"

_NAMES = {"embedding.weight": "encoder.embed.weight"} | {
    f"lstm.{part}_l0{suffix}": f"encoder.stack.passes.0.{direction}.{part}"
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for direction, suffix in enumerate(("", "_reverse"))
}
_NAMES |= {
    f"logit_layer.{theirs}.{part}": f"output.layers.{ours}.{part}"
    for theirs, ours in ((0, 0), (2, 1))
    for part in ("weight", "bias")
}


def read(archive: Archive) -> Imported:
    """The model and dictionary of the package. Raises CheckpointError when they are not as expected."""
    parts = {
        name.rpartition("/")[2]: read_pickle(content, where=name)
        for name, content in archive.members("*g2pM/*.pkl")
    }
    tensors = take(parts["np_ckpt.pkl"], _NAMES, where="np_ckpt.pkl")
    characters, syllables = _in_order(parts["char2idx.pkl"]), _in_order(parts["class2idx.pkl"])
    config = TaggerConfig(
        encoder=RecurrentEncoderConfig(
            cell="lstm",
            embedding=tensors["encoder.embed.weight"].shape[1],
            width=tensors["output.layers.0.weight"].shape[1],
        ),
        hidden=(tensors["output.layers.0.weight"].shape[0],),
        labels=len(syllables),
    )
    sides = {"characters": characters, "syllables": syllables}
    ways = {character: tuple(said) for character, said in parts["digest_cedict.pkl"].items()}
    return replace(build(config, sides, "characters", tensors), ways=ways)


def syllable(imported: Imported, character: str, guess: int) -> str | None:
    """The pinyin of a character that the network takes for syllable number `guess`; None where it has none.

    The dictionary decides where it has one way alone, as in the package.
    """
    ways = imported.ways.get(character, ())
    if len(ways) == 1:
        return ways[0]
    return imported.symbols["syllables"][guess] if ways else None


@torch.inference_mode()
def pronounce(imported: Imported, text: str) -> list[str]:
    """A syllable for each character of `text`; what the dictionary does not have stays as it is."""
    places = {symbol: place for place, symbol in enumerate(imported.symbols["characters"])}
    ids = [places.get(character, places[UNKNOWN]) for character in text]
    logits = imported.model(torch.tensor([[places[BEGIN], *ids, places[END]]]))
    guesses = logits[0, 1:-1].argmax(dim=-1).tolist()
    return [
        syllable(imported, character, guess) or character
        for character, guess in zip(text, guesses, strict=True)
    ]


def _in_order(ids: Mapping[str, int]) -> tuple[str, ...]:
    """The keys at the place of their number."""
    if sorted(ids.values()) != list(range(len(ids))):
        raise CheckpointError("the ids of the symbols are not 0, 1, 2, …")
    return tuple(sorted(ids, key=lambda symbol: ids[symbol]))
