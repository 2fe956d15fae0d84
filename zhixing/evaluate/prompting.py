"""Labels by a language model that was never taught them: which label is the most probable behind a prompt.

    Text: a waste of two hours      k examples of the training texts, drawn by a seed, every label in turn
    Label: bad

    Text: …                         the text in question
    Label:                          log p(label | all of this), summed over the tokens of the label

A model has its favourites whatever the text: labels that are frequent, or the last example's. Calibrated, the probabilities
are divided by those behind the same prompt with nothing in it (a few content-free texts, averaged):

    argmax_y  p(y | examples, text) / p(y | examples, "N/A")        Zhao et al. 2021, "Calibrate Before Use", eq. 1-2

What prompts begin with is read once for many of them, and each prompt once for all labels (objective/likelihood.py). Where a prompt is longer than the model reads, examples are left out, the first
ones first, and then the text loses its end; both are counted. Examples in prompts: Brown et al. 2020, §2.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.core.files import sha256_json
from zhixing.evaluate.baselines.labels import Labelled
from zhixing.evaluate.contest import System
from zhixing.evaluate.harness import dtype_of
from zhixing.model.protocol import LanguageModel
from zhixing.objective.likelihood import ending_nats
from zhixing.tokenizer.tokenizer import Tokenizer

Floats = NDArray[np.float64]
TEMPLATES: Mapping[str, str] = {
    "en": "Text: {text}\nLabel: {label}\n\n",
    "zh": "文本：{text}\n标签：{label}\n\n",
}
"""Language -> an example as it is written; the last one ends before its label."""
FREE: Mapping[str, tuple[str, ...]] = {"en": ("N/A", "[MASK]", ""), "zh": ("无", "[MASK]", "")}
"""Language -> texts without content."""
_PLACES = 6
"""Decimals of scores that tell labels apart: between equal ones, as calibrated ones of a 5-gram are, the first is taken."""
_SLOT = re.compile(r"\{(?:text|label)\}")
_SLOTS = re.compile(r"(?s)(?P<before>.*)\{text\}(?P<between>.*)\{label\}(?P<after>.*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """What stands before a text, between it and its label, and behind that; what is written for each label.

    free: texts without content; longest: characters of a text that are read (None: all); name: a hash of all of it.
    """

    name: str
    before: str
    between: str
    after: str
    endings: Mapping[str, str]
    free: Sequence[str]
    longest: int | None = None

    def example(self, text: str, label: str) -> str:
        """A text with its label."""
        return f"{self.asked(text)}{self.endings[label]}{self.after}"

    def asked(self, text: str) -> str:
        """A text whose label is not there yet."""
        return f"{self.before}{text[: self.longest]}{self.between}"


def wording_of(
    template: str, words: Mapping[str, str], *, free: Sequence[str], longest: int | None = None
) -> Wording:
    """The parts of a template. Raises UsageError for one without its two slots, and for labels that look alike or are empty."""
    slots = _SLOTS.fullmatch(template)
    if slots is None or len(_SLOT.findall(template)) != 2:
        raise UsageError(
            f"template = {template!r} must have {{text}} once and {{label}} once, in this order"
        )
    if not free:
        raise UsageError('free = [] leaves nothing to calibrate with; give a text such as "N/A"')
    for label, word in words.items():
        if not word.strip():
            raise UsageError(
                f"the label {label!r} is written as {word!r}, and nothing has no probability"
            )
    alike = [word for word, count in Counter(words.values()).items() if count > 1]
    if alike:
        raise UsageError(f"two labels are written as {alike[0]!r}; each needs a word of its own")
    between = slots["between"].rstrip(" ")
    space = slots["between"][len(between) :]
    return Wording(
        name=sha256_json([template, dict(words), [*free], longest])[:8],
        before=slots["before"],
        between=between,
        after=slots["after"],
        endings={label: f"{space}{word}" for label, word in words.items()},
        free=tuple(free),
        longest=longest,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Tokens up to the label, how many examples are among them, and whether the text lost its end."""

    ids: list[int]
    shots: int
    is_cut: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompted:
    """The labels of all texts by one way of reading the scores.

    shots: how many examples the prompts had on average; signature: what the labels depend on beside model and texts.
    """

    system: System[str]
    shots: float
    signature: str


def drawn(train: Labelled, shots: int, seed: int) -> list[tuple[str, str]]:
    """Texts with labels for a prompt, the same for every text that is asked about: labels in turn, in a random order.

    Raises UsageError where there are fewer texts.
    """
    if not 0 <= shots <= len(train.texts):
        raise UsageError(
            f"shots = {shots}: there are {len(train.texts)} training texts, so 0 to {len(train.texts)} can be in a prompt"
        )
    chance = np.random.default_rng(seed)
    by_label: dict[str, list[str]] = defaultdict(list)
    for place in chance.permutation(len(train.texts)):
        by_label[train.labels[place]].append(train.texts[place])
    labels = [*chance.permutation(sorted(by_label))]
    found: list[tuple[str, str]] = []
    while len(found) < shots:
        found += [(by_label[each].pop(), str(each)) for each in labels if by_label[each]]
    return found[:shots]


def prompted(
    model: Any,
    texts: Sequence[str],
    examples: Sequence[tuple[str, str]],
    wording: Wording,
    *,
    seed: int,
) -> tuple[Prompted, Prompted]:
    """The labels that a model of `zhixing.load` finds most probable: as they are, and calibrated.

    seed: with which the examples were drawn. Raises UnsupportedError for a model that does not predict the next token or reads too little for one prompt.
    """
    model.require("score")
    scorer = _Scorer(model.network, model.tokenizer, wording)
    prompts = [scorer.prompt(examples, text) for text in texts]
    logs = scorer.label_logs(prompts)
    free = np.stack([scorer.free_logs(examples[len(examples) - p.shots :]) for p in prompts])
    shots = sum(prompt.shots for prompt in prompts) / len(prompts)
    signature = _signature(model, len(examples), shots, wording, seed)
    told = _told(prompts, len(examples))

    def found(how: str, scores: Floats, calibrated: str) -> Prompted:
        whole = f"{signature}|calibrated:{calibrated}"
        system = _system(how, [*wording.endings], scores, f"{whole}{told}")
        return Prompted(system=system, shots=shots, signature=whole)

    return found("as they are", logs, "no"), found("calibrated", logs - free, "yes")


class _Scorer:
    """A model with its tokenizer and a wording; what is behind prompts without content is computed once."""

    def __init__(self, network: LanguageModel, tokenizer: Tokenizer, wording: Wording) -> None:
        self._network, self._tokenizer, self._wording = network, tokenizer, wording
        self._endings = [tokenizer.encode_text(each) for each in wording.endings.values()]
        for (label, ending), ids in zip(wording.endings.items(), self._endings, strict=True):
            if not ids:
                raise DataError(
                    f"the tokenizer of this model keeps nothing of {ending!r}, the word for {label!r}: give another"
                )
        self._room = None  # tokens of a prompt: its last label token is predicted and not read
        if network.max_time is not None:
            self._room = network.max_time + 1 - max(map(len, self._endings))
        self._free: dict[tuple[tuple[str, str], ...], Floats] = {}

    def prompt(self, examples: Sequence[tuple[str, str]], text: str) -> Prompt:
        """Examples and a text; where they are too long without the first examples, then without the end of the text."""
        written = [self._wording.example(*each) for each in examples]
        asked = self._wording.asked(text)
        for left_out in range(len(written) + 1):
            ids = self._opening("".join([*written[left_out:], asked]))
            if self._room is None or len(ids) <= self._room:
                return Prompt(ids=ids, shots=len(written) - left_out, is_cut=False)
        return Prompt(ids=self._cut(text), shots=0, is_cut=True)

    def label_logs(self, prompts: Sequence[Prompt]) -> Floats:
        """Log p (nats) of each label behind each prompt, (prompts, labels)."""
        return -ending_nats(self._network, [prompt.ids for prompt in prompts], self._endings)

    def free_logs(self, examples: Sequence[tuple[str, str]]) -> Floats:
        """Log of the mean probability of each label behind `examples` and a text without content."""
        key = tuple(examples)
        if key not in self._free:
            prompts = [self.prompt(examples, text) for text in self._wording.free]
            logs = self.label_logs(prompts)
            shares = np.exp(logs - logs.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            self._free[key] = np.log(shares.mean(axis=0))
        return self._free[key]

    def _cut(self, text: str) -> list[int]:
        """A prompt without examples whose text has lost so many characters that it fits."""
        kept = len(text[: self._wording.longest])
        while kept:
            kept = kept * 9 // 10
            ids = self._opening(self._wording.asked(text[:kept]))
            if self._room is None or len(ids) <= self._room:
                return ids
        raise UnsupportedError(
            f"the prompt has more tokens even without a text than the {self._network.max_time} that this model reads at once"
        )

    def _opening(self, text: str) -> list[int]:
        return self._tokenizer.encode_documents([text])[0][
            :-1
        ]  # with the begin token, without the end


def _signature(model: Any, asked: int, read: float, wording: Wording, seed: int) -> str:
    """`read`: examples that the prompts had on average, named where they are fewer than was asked for."""
    fewer = f"|shots-read:{read:.2f}" if read < asked else ""
    return (
        f"shots:{asked}{fewer}|template:{wording.name}|tokenizer:{model.tokenizer.hash[:12]}|dtype:{dtype_of(model.network)}|"
        f"seed:{seed}"
    )


def _told(prompts: Sequence[Prompt], shots: int) -> str:
    fewer = sum(prompt.shots < shots and not prompt.is_cut for prompt in prompts)
    cut = sum(prompt.is_cut for prompt in prompts)
    total = f"{len(prompts):,} prompts"
    told = f"; {fewer:,} of {total} have fewer examples, so that the model can read them" * bool(
        fewer
    )
    return told + f"; {cut:,} of {total} have no example and a text that is cut" * bool(cut)


def _system(how: str, labels: Sequence[str], scores: Floats, told: str) -> System[str]:
    best = scores.round(_PLACES).argmax(axis=1)
    return System(name=how, answers=[labels[place] for place in best], told=told)
