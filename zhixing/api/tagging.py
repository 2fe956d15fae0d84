"""A tag for each word of a text, and the spans that BIO tags mean.

    text     Angela Merkel visited Paris.
    words    Angela | Merkel | visited | Paris | .      cut as in the examples the model learnt from, or given as a list
    tags     B-PER    I-PER    O         B-LOC   O      with a chain, the most probable ones together (Viterbi)
    spans    PER: Angela Merkel        LOC: Paris       by objective/tag.entities: what training measured

A text that is longer than the model reads at once is read in windows that overlap by half; a word is judged in the
window where it stands farthest from an end, and a chain goes over all words of the text together.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.inputs import in_batches
from zhixing.api.results import Tagged, TaggedSpan, TaggedWord
from zhixing.core.errors import DataError
from zhixing.model.assembly import Network
from zhixing.model.protocol import device_of
from zhixing.objective.learnt import Learnt
from zhixing.objective.reading import side_by_side, word_logits
from zhixing.objective.tag import (
    OUTSIDE,
    best_labels,
    between_marks,
    entities,
    is_bio,
    is_place,
    rules_of,
    word_tokens,
)
from zhixing.text.han import HAS_HAN
from zhixing.text.running import running_text
from zhixing.text.segment import TOKEN, words
from zhixing.text.span import Span
from zhixing.tokenizer.tokenizer import Tokenizer

_CHARACTER = re.compile(r"\S")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A text cut into words, and the tokens of each word."""

    text: str
    spans: tuple[Span, ...]
    tokens: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Words `start` to `stop` of a text, read at once; those from `first` to `last` are judged here."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What is read at once of text number `owner`, and where the words stand that are judged here."""

    owner: int
    ids: list[int]
    places: list[int]


def cut_into_words(text: str | Sequence[str], tokenizer: Tokenizer, learnt: Learnt | None) -> Cut:
    """The words of a text, found as the examples had them or given as a list, with their tokens as in training."""
    if isinstance(text, str):
        whole, spans = text, _words_of(text, learnt)
    else:
        if not (isinstance(text, Sequence) and all(isinstance(word, str) for word in text)):
            raise DataError(f"{text!r:.60} is neither a text nor a list of words")
        whole, spans = running_text(text)
    written = [whole[start:stop] for start, stop in spans]
    tokens = tuple(tuple(pieces) for pieces in word_tokens(written, tokenizer))
    return Cut(text=whole, spans=tuple(spans), tokens=tokens)


def about(cut: Cut, predicate: int, tokenizer: Tokenizer) -> Cut:
    """The same words, one of which is the predicate. Raises DataError where it is none of them."""
    if not is_place(predicate, cut.spans):
        there = f"0 to {len(cut.spans) - 1}" if cut.spans else "none: the text has no word"
        raise DataError(f"predicate = {predicate!r} is no place of a word; the places are {there}")
    tokens = [*cut.tokens]
    tokens[predicate] = tuple(between_marks(tokens[predicate], tokenizer))
    return replace(cut, tokens=tuple(tokens))


def near(cut: Cut, predicate: int, room: int) -> Cut:
    """The same words, of which only those around the predicate that fit into `room` tokens are read; the others have none."""
    sizes = [len(pieces) for pieces in cut.tokens]
    first, stop, used = predicate, predicate + 1, sizes[predicate]
    while first > 0 or stop < len(sizes):
        is_left = first > 0 and (stop == len(sizes) or predicate - first <= stop - 1 - predicate)
        used += sizes[first - 1] if is_left else sizes[stop]
        if used > room:
            break
        first, stop = (first - 1, stop) if is_left else (first, stop + 1)
    inside = range(first, stop)
    return replace(cut, tokens=tuple(t if n in inside else () for n, t in enumerate(cut.tokens)))


def windows(sizes: Sequence[int], room: int) -> Iterator[Window]:
    """Windows of whole words with `room` tokens at most, given the tokens of each word; each word is judged once."""
    starts, stop = [0], _reach(sizes, 0, room)
    stops = [stop]
    while stop < len(sizes):
        start = max(starts[-1] + 1, stop - (stop - starts[-1]) // 2)
        stop = _reach(sizes, start, room)
        starts.append(start)
        stops.append(stop)
    first = 0
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        is_last = number + 1 == len(starts)
        last = stop if is_last else (starts[number + 1] + stop + 1) // 2
        yield Window(start=start, stop=stop, first=first, last=last)
        first = last


def scores_of(
    network: Network, cuts: Sequence[Cut], tokenizer: Tokenizer, *, limit: int | None
) -> list[Float[Tensor, "words labels"]]:
    """Logits of the words of each text; a word without a token has none and is left out."""
    device, frame = device_of(network), tokenizer.frame
    rows = [
        row
        for owner, each in enumerate(cuts)
        for row in _rows(owner, each, frame=frame, limit=limit)
    ]

    def answer(chosen: Sequence[int]) -> list[Tensor]:
        tokens, keep = side_by_side([rows[n].ids for n in chosen], rows[0].ids[0], device)
        logits = word_logits(network, tokens, keep).float().cpu()
        return [logits[place, rows[n].places] for place, n in enumerate(chosen)]

    with torch.inference_mode():
        parts = in_batches([len(row.ids) for row in rows], answer)
    found: list[list[Tensor]] = [[] for _ in cuts]
    for row, part in zip(rows, parts, strict=True):
        found[row.owner].append(part)
    return [torch.cat(each) if each else torch.zeros(0, 1) for each in found]


def tags_of(
    network: Network, scores: Float[Tensor, "words labels"], names: Sequence[str]
) -> list[str]:
    """The most probable tags of a text: together where the network has a chain, else one by one."""
    if not len(scores):
        return []
    row = scores.unsqueeze(0).to(device_of(network))
    with torch.inference_mode():
        is_word = torch.ones_like(row[..., 0], dtype=torch.bool)
        (best,) = best_labels(network, row, is_word, rules_of(names))
    return [names[number] for number in best]


def tagged(each: Cut, tags: Sequence[str], names: Sequence[str]) -> Tagged:
    """Words with their tags, and spans; `tags` are those of the words that have a token."""
    left = iter(tags)
    of_words = [next(left) if pieces else OUTSIDE for pieces in each.tokens]
    if not is_bio(names):
        found = [(tag, n, n + 1) for n, tag in enumerate(of_words) if tag != OUTSIDE]
    else:
        found = entities(of_words)
        for kind, first, _ in found:
            of_words[first] = f"B-{kind}"
    spans = [
        TaggedSpan(start=start, end=stop, text=each.text[start:stop], label=kind)
        for kind, first, last in found
        for start, stop in [(each.spans[first].start, each.spans[last - 1].end)]
    ]
    read = [
        TaggedWord(start=start, end=stop, text=each.text[start:stop], tag=tag)
        for (start, stop), tag in zip(each.spans, of_words, strict=True)
    ]
    return Tagged(text=each.text, words=tuple(read), spans=tuple(spans))


def _reach(sizes: Sequence[int], start: int, room: int) -> int:
    """The word behind the last one that fits into `room`, one word at least."""
    stop, used = start, 0
    while stop < len(sizes) and (stop == start or used + sizes[stop] <= room):
        used += sizes[stop]
        stop += 1
    return stop


def _rows(
    owner: int, each: Cut, *, frame: tuple[tuple[int, ...], tuple[int, ...]], limit: int | None
) -> Iterator[Row]:
    """The windows of a text with their tokens; a word that is longer than a window loses its last tokens."""
    before, after = frame
    readable = [pieces for pieces in each.tokens if pieces]
    sizes = [len(pieces) for pieces in readable]
    room = sum(sizes) if limit is None else max(1, limit - len(before) - len(after))
    for window in windows(sizes, room) if readable else ():
        ids, places = [*before], []
        for number in range(window.start, window.stop):
            if window.first <= number < window.last:
                places.append(len(ids))
            ids += readable[number][:room]
        yield Row(owner=owner, ids=[*ids, *after], places=places)


def _words_of(text: str, learnt: Learnt | None) -> list[Span]:
    if learnt is not None and learnt.spaced_words == "characters":
        return [Span(*match.span()) for match in _CHARACTER.finditer(text)]
    if learnt is not None and learnt.han_words == "segments" and HAS_HAN.search(text):
        found = words(text, "zh")
    else:
        found = [span for match in TOKEN.finditer(text) for span in _characters(match.span(), text)]
    if learnt is not None and learnt.spaced_words == "attached":
        return _attached(found, text)
    return found


def _characters(span: tuple[int, int], text: str) -> list[Span]:
    """Every Chinese character for itself, anything else whole."""
    start, stop = span
    if not HAS_HAN.match(text, start):
        return [Span(start, stop)]
    return [Span(place, place + 1) for place in range(start, stop)]


def _attached(found: Sequence[Span], text: str) -> list[Span]:
    """What touches is one word, but for Chinese."""
    merged: list[Span] = []
    for span in found:
        touches = bool(merged) and merged[-1].end == span.start
        if touches and not HAS_HAN.search(text[merged[-1].start : span.end]):
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged
