"""`zhixing evaluate tags`: a tagger, or a baseline that every tagger has to beat, on the same sentences.

a model folder     what `zhixing train` left
most-frequent      the tag that a word has most often in --learn-from
hidden-markov      bigrams of tags, counted in --learn-from
jieba              dictionary and hidden Markov model of jieba: words of Chinese, or persons, places, organisations
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import Json, Log, check_out, print_json, reporter
from zhixing.cli.task_scores import score_table, score_values
from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import write_json_lines

if TYPE_CHECKING:
    from zhixing.core.progress import Progress
    from zhixing.evaluate.tasks.measure import Measure

COUNTED = ("most-frequent", "hidden-markov")
JIEBA = "jieba"
WORD = {"B-WORD", "I-WORD"}
_KEYS = ("tokens", "tags")
Words = Sequence[str]
Tagger = Callable[[Sequence[Words]], list[list[str]]]

_WHO = Parameter(help=f"A model folder, or a baseline: {', '.join((*COUNTED, JIEBA))}.")
_DATA = Parameter(help="Sentences {tokens, tags} with the right tags, as `zhixing data examples`.")
_LEARN = Parameter(
    help="The sentences that the tagger learnt from: baselines count them, and words that they lack are scored apart."
)
_OUT = Parameter(help="Write the tags to this jsonl file; `zhixing evaluate score` compares two.")


def tags(
    who: Annotated[str, _WHO],
    *,
    data: Annotated[Path, _DATA],
    learn_from: Annotated[Path | None, _LEARN] = None,
    out: Annotated[Path | None, _OUT] = None,
    seed: Annotated[int, Parameter(help="Of the bootstrap behind the intervals.")] = 42,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Score tags with intervals: `zhixing evaluate tags runs/pos-brown --data runs/brown-pos/test.jsonl`."""
    from zhixing.evaluate.tasks.measure import Judged, scores, undefined
    from zhixing.evaluate.tasks.tags import judge_tags

    if out is not None:
        check_out(out, [data, *([learn_from] if learn_from else [])])
    progress = reporter(log)
    words, right = _read(data)
    learnt = _read(learn_from) if learn_from else None
    tagger = _tagger(who, learnt, {tag for each in right for tag in each}, progress)
    progress.start(f"tagging {data}")
    began = time.monotonic()
    found = tagger(words)
    seconds = time.monotonic() - began
    progress.finish(f"{data}: {len(words):,} sentences in {seconds:.1f} s")
    if out is not None:
        write_json_lines(out, ({"tags": each} for each in found))
    judged = judge_tags(found, right)
    measures = [*judged.measures, *([_of_new_words(words, found, right, learnt)] if learnt else [])]
    judged = Judged(
        task=judged.task, measures=tuple(measures), details=judged.details, notes=judged.notes
    )
    made, missing = scores(judged, seed=seed), undefined(judged)
    if as_json:
        about = {"tagger": who, "data": str(data), "seconds": round(seconds, 3)}
        print_json(about | score_values(judged, made, missing, ()))
    else:
        print(score_table(judged, made, missing))


Sentences = tuple[list[list[str]], list[list[str]]]
"""Words and tags."""


def _read(path: Path) -> Sentences:
    """The sentences of a file. Raises DataError for a row that is none."""
    from zhixing.corpus.rows import find_tables, rows

    words: list[list[str]] = []
    tagged: list[list[str]] = []
    for number, row in enumerate(rows(find_tables(str(path))), start=1):
        if isinstance(row, str) or not all(_is_list_of_text(row.get(key)) for key in _KEYS):
            raise DataError(f"{path}: row {number} has not the lists of text {{tokens, tags}}")
        if len(row["tokens"]) != len(row["tags"]):
            raise DataError(
                f"{path}: row {number} has {len(row['tokens'])} tokens and {len(row['tags'])} tags; each token has one"
            )
        words.append(row["tokens"])
        tagged.append(row["tags"])
    if not any(words):
        raise DataError(f"{path} has no words with tags")
    return words, tagged


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _tagger(who: str, learnt: Sentences | None, labels: set[str], progress: "Progress") -> Tagger:
    """What tags sentences. Raises UsageError where a baseline lacks what it needs."""
    if who == JIEBA:
        return _jieba(labels)
    if who in COUNTED:
        if learnt is None:
            raise UsageError(
                f"{who} counts the sentences that others learnt from: give them with --learn-from FILE"
            )
        return _counted(who, learnt, progress)
    if not Path(who).exists():
        raise UsageError(
            f"{who} is neither a model folder nor a baseline; the baselines are {', '.join((*COUNTED, JIEBA))}"
        )
    progress.start(f"opening {who}")
    from zhixing.api import load

    opened = load(Path(who))
    opened.require("tag")
    progress.finish(f"{who}: {opened.kind}")
    return lambda sentences: [
        [word.tag for word in each.words] for each in opened.tag([*sentences])
    ]


def _counted(who: str, learnt: Sentences, progress: "Progress") -> Tagger:
    from zhixing.model.counted_tags import CountedTagger, HiddenMarkov, MostFrequentTag

    progress.start(f"counting {len(learnt[0]):,} sentences")
    counted: CountedTagger = HiddenMarkov() if who == "hidden-markov" else MostFrequentTag()
    counted.fit([*zip(*learnt, strict=True)])
    progress.finish(f"{who}: {len(learnt[0]):,} sentences counted")
    return lambda sentences: [counted.tag(words) for words in sentences]


def _jieba(labels: set[str]) -> Tagger:
    """Words or names of Chinese, whichever the right tags are."""
    from zhixing.corpus.sources.peoples_daily import (
        KINDS,
    )  # jieba's classes of names begin like these
    from zhixing.corpus.tagged import bio_tags
    from zhixing.text.segment import classes_of_words, words

    def segmented(characters: Words) -> list[str]:
        text = "".join(characters)
        return bio_tags([(text[start:end], "WORD") for start, end in words(text, "zh")])

    def named(characters: Words) -> list[str]:
        found = classes_of_words("".join(characters))
        return bio_tags([(word, KINDS.get(kind[:2], "")) for word, kind in found])

    if labels - WORD and not labels <= {"O", *(f"{m}-{k}" for m in "BI" for k in KINDS.values())}:
        raise UsageError(
            f"{JIEBA} finds words (B-WORD, I-WORD) or names (B- and I- with {', '.join(KINDS.values())}), not "
            f"{', '.join(sorted(labels)[:5])}"
        )
    tag = named if labels - WORD else segmented
    return lambda sentences: [_one_each(tag(each), each) for each in sentences]


def _one_each(found: list[str], characters: Words) -> list[str]:
    if len(found) != len(characters):
        raise UsageError(
            f"{JIEBA} tags characters, and a token such as {max(characters, key=lambda each: abs(len(each) - 1))!r} is none; "
            "it cannot be scored on this file"
        )
    return found


def _of_new_words(
    words: Sequence[Words],
    found: Sequence[Words],
    right: Sequence[Words],
    learnt: Sentences,
) -> "Measure":
    """Accuracy over the words that the sentences learnt from do not have."""
    import numpy as np

    from zhixing.evaluate.tasks.measure import SumMeasure, quotient

    known = {word for each in learnt[0] for word in each}
    table = [
        [
            sum(a == b for w, a, b in triples if w not in known),
            sum(w not in known for w, *_ in triples),
        ]
        for each in zip(words, found, right, strict=True)
        for triples in [[*zip(*each, strict=True)]]
    ]
    return SumMeasure(
        name="accuracy_new_words",
        signature="words that were not learnt",
        table=np.array(table, dtype=np.float64),
        formula=quotient,
    )
