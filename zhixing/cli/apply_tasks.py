"""The tasks of `zhixing apply`: which fields of a row each reads, which method answers, and what a line of the answer holds.

    classify   text, or text1 and text2     label, probability, probabilities, scores
    regress    text, or text1 and text2     label, a number
    tag        text, or tokens (a list)     text, tags, words, spans
               and predicate, the place of a word, for a model of roles
    answer     question, context            found, text, start, end, score
    rank       query, texts (a list)        ranked: places in the list, the best first; scores of these
    recommend  history (a list of items)    ranked: names of items, the best first; scores of these
    embed      text                         vector
    search     query, or text               ranked: ids of the documents, the nearest first; scores of these
    translate, summarise                    text
    generate   text, the prompt             text, finish
    chat       messages (a list)            text, finish; a last message of the assistant is answered anew

The keys are those that `zhixing evaluate score` reads.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from zhixing.core.errors import DataError
from zhixing.corpus.formats.row_formats import ROLES, detect_row_format

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.api.searching import Index
    from zhixing.engine.request import Sampling

Row = Mapping[str, Any]
Answer = dict[str, Any]
TOGETHER = 256
"""Rows that are answered in one go."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """Documents that can be searched, with their names in the order of the index."""

    names: tuple[str, ...]
    index: "Index"
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class How:
    """What may be said about the answering beside the fields."""

    cut: bool = False
    at_least: float = 0.0
    beam: int = 1
    sampling: Mapping[str, Any] | None = None
    count: int = 10
    library: Library | None = None
    items: Mapping[str, str] | None = None

    def settings(self) -> dict[str, Any]:
        """What answers depend on beside model and rows, as JSON values."""
        named = {
            name: getattr(self, name) for name in ("cut", "at_least", "beam", "sampling", "count")
        }
        documents = self.library.sha256 if self.library else ""
        return {**named, "documents": documents, "items": self.items}


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Sets of fields, one of which a row must have, and what answers rows of one set."""

    fields: tuple[tuple[str, ...], ...]
    answer: Callable[["Model", Sequence[tuple[Any, ...]], How], list[Answer]]
    method: str
    together: int = TOGETHER
    reads: tuple[str, ...] = ()
    """Options that do something here."""


LISTS = ("texts", "tokens", "history")
"""Fields that hold a list of texts."""
MESSAGES = "messages"
"""The field that holds a list of messages, which the model checks."""
PLACE = "predicate"
"""The field that holds the place of a word."""


def num_tokens(model: "Model", given: Sequence[tuple[Any, ...]]) -> tuple[int, int]:
    """Tokens of the texts that rows give, and how many of them the tokenizer does not know; 0, 0 where it knows every byte."""
    from zhixing.tokenizer.encoding import Special

    unknown = model.tokenizer.specials.get(Special.UNKNOWN)
    if unknown is None:
        return 0, 0
    ids = [number for row in model.tokenizer.encode_texts([*_texts_in(given)]) for number in row]
    return len(ids), ids.count(unknown)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts_in(value.get("content"))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts_in(each)


def picked(row: Row, task: Task, names: Mapping[str, str]) -> tuple[Any, ...]:
    """The values that a task reads of a row, whose fields are called `names`. Raises DataError for what is wrong with it."""
    chosen = next((s for s in task.fields if all(names[field] in row for field in s)), None)
    if chosen is None:
        wanted = " or ".join(" and ".join(repr(names[field]) for field in s) for s in task.fields)
        field = task.fields[0][0]
        if field == MESSAGES and (published := detect_row_format(row)):
            raise DataError(
                f"this row has the keys of {published}; write messages first: zhixing data convert FILE --out messages.jsonl"
            )
        raise DataError(
            f"there is no field {wanted}; the fields there are {', '.join(map(str, row)) or 'none'}: name the right one, "
            f"such as --{field} NAME"
        )
    values = tuple(row[names[field]] for field in chosen)
    for field, value in zip(chosen, values, strict=True):
        if field == MESSAGES:
            right = isinstance(value, list)
        elif field == PLACE:  # which of the words it may be, the model says
            right = True
        elif field in LISTS:
            right = isinstance(value, list) and all(isinstance(each, str) for each in value)
        else:
            right = isinstance(value, str)
        if not right:
            kinds = {MESSAGES: "a list of messages", **dict.fromkeys(LISTS, "a list of texts")}
            kind = kinds.get(field, "a text")
            told = json.dumps(value, ensure_ascii=False)[:60]
            raise DataError(f"the field {names[field]!r} is {told}, which is not {kind}")
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def _classify(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    labels = model.classify(_texts(given), cut=how.cut, at_least=how.at_least)
    return [asdict(each) for each in labels]


def _regress(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    return [{"label": value} for value in model.regress(_texts(given), cut=how.cut)]


def _tag(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    texts = [values[0] for values in given]
    is_about = model.learnt is not None and model.learnt.predicate
    has_places = all(len(values) == 2 for values in given)
    places = [values[1] for values in given] if is_about and has_places else None
    made = [asdict(each) for each in model.tag(texts, predicates=places, cut=how.cut)]
    return [{**each, "tags": [word["tag"] for word in each["words"]]} for each in made]


def _answer(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    return [asdict(each) for each in model.answers([(one, other) for one, other in given])]


def _rank(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    ranked = (model.rank(query, texts, cut=how.cut) for query, texts in given)
    return [
        {"ranked": [each.index for each in one], "scores": [each.score for each in one]}
        for one in ranked
    ]


def _recommend(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    assert how.items is not None, "the items of a recommendation are checked before it"
    histories = [history for (history,) in given]
    found = model.recommend(histories, how.items, count=how.count, cut=how.cut)
    return [
        {"ranked": [each.item for each in one], "scores": [each.score for each in one]}
        for one in found
    ]


def _embed(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    from zhixing.api.searching import vectors

    found = vectors(model, [text for (text,) in given], cut=how.cut)
    return [{"vector": [float(str(number)) for number in vector]} for vector in found]


def _search(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    assert how.library is not None, "the documents of a search are checked before it"
    names, index = how.library.names, how.library.index
    found = index.search([text for (text,) in given], count=how.count, cut=how.cut)
    return [
        {"ranked": [names[each.index] for each in near], "scores": [each.score for each in near]}
        for near in found
    ]


def _translate(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    texts = [text for (text,) in given]
    return [{"text": text} for text in model.translate(texts, beam=how.beam, cut=how.cut)]


def _summarise(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    texts = [text for (text,) in given]
    return [{"text": text} for text in model.summarise(texts, beam=how.beam, cut=how.cut)]


def _generate(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    made = [model.generate(prompt, **_sampling(how)) for (prompt,) in given]
    return [{"text": each.text, "finish": each.finish} for each in made]


def _chat(model: "Model", given: Sequence[tuple[Any, ...]], how: How) -> list[Answer]:
    for (messages,) in given:
        _check_roles(messages)
    made = [model.chat(unanswered(messages), **_sampling(how)) for (messages,) in given]
    return [{"text": each.text, "finish": each.finish} for each in made]


def _check_roles(messages: Sequence[Any]) -> None:
    """Raise DataError for a role that no conversation was learnt with: a template would write any."""
    roles = [each.get("role") for each in messages if isinstance(each, Mapping)]
    if strange := [role for role in roles if isinstance(role, str) and role not in ROLES]:
        raise DataError(f"there is no role {strange[0]!r}; there are {', '.join(sorted(ROLES))}")


def unanswered(messages: Sequence[Any]) -> list[Any]:
    """A conversation up to its last question."""
    last = messages[-1] if messages else None
    is_answer = isinstance(last, Mapping) and last.get("role") == "assistant"
    return list(messages[:-1] if is_answer else messages)


def _sampling(how: How) -> "Sampling":
    return cast("Sampling", how.sampling or {})


def _texts(given: Sequence[tuple[Any, ...]]) -> list[Any]:
    """One text for itself, two as a pair."""
    return [values[0] if len(values) == 1 else values for values in given]


_ONE_OR_TWO = (("text",), ("text1", "text2"))
_WRITTEN, _SEARCHED = 8, 64
TASKS: Mapping[str, Task] = {
    "classify": Task(
        fields=_ONE_OR_TWO, answer=_classify, method="classify", reads=("cut", "at_least")
    ),
    "regress": Task(fields=_ONE_OR_TWO, answer=_regress, method="regress", reads=("cut",)),
    "tag": Task(
        fields=(("tokens", "predicate"), ("text", "predicate"), ("tokens",), ("text",)),
        answer=_tag,
        method="tag",
        reads=("cut",),
    ),
    "answer": Task(fields=(("question", "context"),), answer=_answer, method="answer"),
    "rank": Task(
        fields=(("query", "texts"),), answer=_rank, method="rank", together=32, reads=("cut",)
    ),
    "recommend": Task(
        fields=(("history",),),
        answer=_recommend,
        method="recommend",
        reads=("items", "count", "cut"),
    ),
    "embed": Task(fields=(("text",),), answer=_embed, method="embed", reads=("cut",)),
    "search": Task(
        fields=(("query",), ("text",)),
        answer=_search,
        method="embed",
        reads=("cut", "count", "documents"),
    ),
    "translate": Task(
        fields=(("text",),),
        answer=_translate,
        method="translate",
        together=_SEARCHED,
        reads=("beam", "cut"),
    ),
    "summarise": Task(
        fields=(("text",),),
        answer=_summarise,
        method="summarise",
        together=_SEARCHED,
        reads=("beam", "cut"),
    ),
    "generate": Task(
        fields=(("text",),),
        answer=_generate,
        method="generate",
        together=_WRITTEN,
        reads=("max_tokens", "temperature", "top_p", "seed"),
    ),
    "chat": Task(
        fields=(("messages",),),
        answer=_chat,
        method="chat",
        together=_WRITTEN,
        reads=("max_tokens", "temperature", "top_p", "seed"),
    ),
}
"""Task -> what it reads and who answers."""
