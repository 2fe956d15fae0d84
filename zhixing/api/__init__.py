"""The facade: one object for a model folder.

    model = zhixing.load("runs/quickstart/gpt")
    model.generate("Once upon a time", max_tokens=64, temperature=0.8, seed=1).text

The names are those of DESIGN's "From Python", for every kind of model; what a kind cannot do is refused by name.
"""

from pathlib import Path
from typing import Any, cast

from zhixing.api.continuing import ContinuingModel
from zhixing.api.imported import open_model
from zhixing.api.model import Generation, Model, TextScore
from zhixing.api.reading import ReadingModel
from zhixing.api.results import Answer, Label, Ranked, Recommended, Tagged, TaggedSpan, TaggedWord
from zhixing.api.writing import WritingModel
from zhixing.checkpoint.folder import load_network
from zhixing.checkpoint.foreign.folder import SYMBOLS
from zhixing.model.assembly import Reader
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.protocol import LanguageModel
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.vectors.folder import is_vectors_folder
from zhixing.vectors.word_model import WordModel

__all__ = [
    "Answer", "Generation", "Label", "Model", "Ranked", "Recommended", "Tagged", "TaggedSpan", "TaggedWord", "TextScore",
    "load",
]  # fmt: skip

_KINDS: tuple[tuple[Any, type[Any]], ...] = (
    (LanguageModel, ContinuingModel),
    (Reader, ReadingModel),
    (EncoderDecoder, WritingModel),
    (SequenceToSequence, WritingModel),
)
"""What a network is -> what it is asked; any other kind has only its ids."""


def load(folder: str | Path) -> Model:
    """Open a model folder: ours of any kind, or a Hugging Face folder of a family in checkpoint/families.

    A folder that `zhixing import` made of textgenrnn, g2p-en or g2pM gives what the package offers.
    A folder of word vectors gives a `zhixing.vectors.word_model.WordModel`, which offers nearest words and refuses by
    name what only a language model can do.
    Raises CheckpointError for a broken, edited or unsafe folder, UnsupportedError for a model we cannot compute.
    """
    path = Path(folder).expanduser()
    if is_vectors_folder(path):
        return cast(Model, WordModel(path))
    if (path / SYMBOLS).is_file():
        return open_model(path)
    loaded = load_network(path)
    made = next((made for kind, made in _KINDS if isinstance(loaded.model, kind)), Model)
    return cast(Model, made(loaded))
