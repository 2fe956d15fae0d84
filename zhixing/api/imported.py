"""What can be asked of the models of other projects that have symbols in place of a tokenizer.

textgenrnn   a language model of characters, as any other        generate, logits, score
g2p-en       a word of English to its phonemes                   translate
g2pM         a text to the pinyin of each Chinese character      tag
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.continuing import ContinuingModel
from zhixing.api.inputs import each_of, in_batches
from zhixing.api.model import Model
from zhixing.api.results import Tagged, TaggedSpan, TaggedWord
from zhixing.checkpoint.folder import Loaded
from zhixing.checkpoint.foreign import g2p_en, g2pm, textgenrnn
from zhixing.checkpoint.foreign.folder import Imported, open_imported
from zhixing.checkpoint.foreign.symbols import spelt, target_end, tokenizer_of
from zhixing.checkpoint.manifest import read_manifest
from zhixing.core.errors import DataError, UsageError
from zhixing.engine.search import SearchOptions, translate
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.model.tagger import Tagger
from zhixing.objective.reading import side_by_side
from zhixing.objective.tag import OUTSIDE
from zhixing.tokenizer.encoding import Special

TOGETHER = 64
"""Words whose phonemes are written side by side."""


def open_model(folder: Path) -> Model:
    """Open a folder that `zhixing import` made of one of the packages. Raises CheckpointError when it is not whole."""
    imported = open_imported(folder)
    network: Any = imported.model
    tokenizer, manifest = tokenizer_of(imported), read_manifest(folder)
    if isinstance(network, SequenceToSequence):
        loaded = Loaded(model=network, tokenizer=tokenizer, manifest=manifest, ends=())
        return PhonemeModel(loaded, imported)
    if isinstance(network, Tagger):
        read = Loaded(model=network, tokenizer=tokenizer, manifest=manifest, ends=())
        return PinyinModel(read, imported)
    windowed = textgenrnn.Windowed(network)
    ends = (tokenizer.end,)
    return ContinuingModel(
        Loaded(model=windowed, tokenizer=tokenizer, manifest=manifest, ends=ends)
    )


@final
class PhonemeModel(Model):
    """g2p-en."""

    does = "reads the letters of an English word and writes its phonemes"

    def __init__(self, loaded: Loaded[SequenceToSequence], imported: Imported) -> None:
        super().__init__(loaded)
        self._network, self._imported = loaded.model, imported

    @property
    def methods(self) -> tuple[str, ...]:
        """See Model.methods."""
        return ("encode", "decode", "logits", "translate")

    def decode(self, ids: Sequence[int]) -> str:
        """The phonemes of ids of the target, with spaces between."""
        return spelt(self._imported, ids)

    def logits(
        self, ids: Sequence[int], *, source: Sequence[int] | None = None
    ) -> Float[Tensor, "time vocab"]:
        """See Model.logits; `ids` are the phonemes so far, beginning with the start token."""
        if source is None:
            raise UsageError(f"this model {self.does}; type logits(ids, source=encode(word))")
        with torch.no_grad():
            tokens, letters = torch.tensor([list(ids)]), torch.tensor([list(source)])
            logits: Tensor = self._network(tokens, source=letters).logits[0].float()
            return logits

    def translate(self, texts: Sequence[str], *, beam: int = 1, cut: bool = False) -> list[str]:
        """The phonemes of each word (ARPAbet with stress), however long. Raises DataError for what is no word of English letters."""
        sources = each_of("texts", texts, self._letters)
        options = SearchOptions(
            ends=(target_end(self._imported),), width=beam, max_tokens=g2p_en.LONGEST
        )
        made: list[str] = []
        for first in range(0, len(sources), TOGETHER):
            found = translate(self._network, sources[first : first + TOGETHER], options)
            made += [self.decode(each.ids) for each in found]
        return made

    @property
    def _has_vectors(self) -> bool:
        return False

    def _letters(self, text: str) -> list[int]:
        ids = self.encode(text)
        if len(ids) < 2 or self.tokenizer.specials[Special.UNKNOWN] in ids:
            raise DataError(
                f"{text!r:.60} is no word of the letters a to z, which is all that this model can say; "
                "give it word by word"
            )
        return ids


@final
class PinyinModel(Model):
    """g2pM."""

    does = "gives the pinyin of each Chinese character in its sentence"

    def __init__(self, loaded: Loaded[Tagger], imported: Imported) -> None:
        super().__init__(loaded)
        self._network, self._imported = loaded.model, imported

    @property
    def methods(self) -> tuple[str, ...]:
        """See Model.methods."""
        return ("encode", "decode", "tag")

    def tag(
        self,
        texts: Sequence[str | Sequence[str]],
        *,
        predicates: Sequence[int] | None = None,
        cut: bool = False,
    ) -> list[Tagged]:
        """A syllable for each character; what the dictionary does not have has the tag O."""
        self._check_predicates(len(texts), predicates, cut=cut)
        whole = [text if isinstance(text, str) else "".join(text) for text in texts]
        rows = [self.encode(text) for text in whole]

        def guess(places: Sequence[int]) -> list[list[int]]:
            tokens, keep = side_by_side([rows[place] for place in places], 0, torch.device("cpu"))
            best = self._network(tokens, keep=keep).argmax(dim=-1)
            return [
                row[1 : len(rows[place]) - 1].tolist()
                for row, place in zip(best, places, strict=True)
            ]

        with torch.inference_mode():
            found = in_batches([len(row) for row in rows], guess)
        return [self._tagged(text, each) for text, each in zip(whole, found, strict=True)]

    @property
    def _has_vectors(self) -> bool:
        return False

    def _tagged(self, text: str, guesses: Sequence[int]) -> Tagged:
        words, spans = [], []
        for place, (character, guess) in enumerate(zip(text, guesses, strict=True)):
            tag = g2pm.syllable(self._imported, character, guess) or OUTSIDE
            words.append(TaggedWord(start=place, end=place + 1, text=character, tag=tag))
            if tag != OUTSIDE:
                spans.append(TaggedSpan(start=place, end=place + 1, text=character, label=tag))
        return Tagged(text=text, words=tuple(words), spans=tuple(spans))
