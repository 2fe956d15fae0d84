"""EleutherAI's lm-eval asks our models: `--model zhixing --model_args pretrained=FOLDER`.

    loglikelihood           log p(continuation | context) and whether each of its tokens is the most probable one
    loglikelihood_rolling   -bits · ln 2 of a text, from the same code as `zhixing evaluate` (harness.py)
    generate_until          the engine's text, greedy unless the task samples

Where a context ends and its continuation begins, which names a setting may have, and what a metric is, lm-eval says
itself (Gao et al., The Language Model Evaluation Harness, https://zenodo.org/records/12608602). Like its own models, this
one drops the first tokens of what is longer than the model reads; here a warning counts them. A text of
loglikelihood_rolling is never cut: its windows overlap by half, so that long texts are a little cheaper than in lm-eval's
own models, whose windows do not overlap. Left out: chat templates; models that do not predict the next token.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from zhixing.checkpoint.folder import load_model
from zhixing.core.errors import DataError, MissingExtraError, UnsupportedError, UsageError
from zhixing.core.progress import Silent
from zhixing.corpus.document import Document
from zhixing.engine.engine import Engine
from zhixing.engine.request import Request, SamplingParams, sampling_params
from zhixing.evaluate.harness import score_documents, widest
from zhixing.objective.likelihood import LOGIT_BYTES, TOKENS_PER_BATCH
from zhixing.tokenizer.encoding import Special

NAME = "zhixing"
MAX_TOKENS = 256
"""Most tokens to generate where a task does not say, and at most half of what the model reads."""
LM_EVAL_DEVICE = "cuda:0"
"""What its command says where the user says nothing."""
_LOG = logging.getLogger("lm_eval.zhixing")


class _Row(NamedTuple):
    """What the model reads, and how many of the last tokens are wanted."""

    ids: Sequence[int]
    num_wanted: int


class Answers:
    """What lm-eval asks of a language model; `register` makes a class of its kind of this."""

    def __init__(
        self,
        pretrained: str,
        *,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        device: str | None = None,
    ) -> None:
        """`pretrained` is a model folder. Raises UsageError for an option of lm-eval that does nothing here."""
        super().__init__()
        _refuse_idle(batch_size, max_batch_size, device)
        loaded = load_model(Path(pretrained).expanduser())
        self._loaded, self._model = loaded, loaded.model.eval()
        self._engine = Engine(loaded.model, loaded.tokenizer, ends=loaded.ends)
        self.tokenizer = None  # lm-eval reads chat templates of it

    @property
    def max_length(self) -> int | None:
        """Tokens that the model reads at once; None without a limit."""
        return self._model.max_time

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return self._loaded.tokenizer.end

    @property
    def prefix_token_id(self) -> int:
        """The token that stands for an empty context."""
        return self._loaded.tokenizer.specials.get(Special.BEGIN, self.eot_token_id)

    @property
    def tokenizer_name(self) -> str:
        """What names the tokenizer in caches."""
        return self._loaded.tokenizer.hash

    def apply_chat_template(self, *_: Any, **__: Any) -> str:
        """Raise UnsupportedError: texts are given to the model as they are."""
        raise UnsupportedError(
            "--model zhixing reads the texts of a task as they are; leave --apply_chat_template out"
        )

    def tok_encode(self, string: str, add_special_tokens: bool | None = None) -> list[int]:
        """The ids of a text that goes on: with its begin, unless `add_special_tokens` is False."""
        if add_special_tokens is False:
            return self._loaded.tokenizer.encode_text(string)
        return self._loaded.opening(string)

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[tuple[str, str], Sequence[int], Sequence[int]]],
        disable_tqdm: bool = False,
    ) -> list[tuple[float, bool]]:
        """Log p (natural) of each continuation, and whether it is what greedy choice gives; texts of one length together."""
        rows = self._fitted([_row(*request) for request in requests])
        found: list[tuple[float, bool]] = [(0.0, True)] * len(rows)
        with _bar(len(rows), "log-likelihoods", disable_tqdm) as bar, torch.inference_mode():
            for places in _batches([len(row.ids) for row in rows]):
                answers = self._answers([rows[place] for place in places])
                for place, answer in zip(places, answers, strict=True):
                    found[place] = answer
                    self._keep("loglikelihood", requests[place][0], answer)
                bar.update(len(places))
        return found

    def loglikelihood_rolling(
        self, requests: Sequence[Any], disable_tqdm: bool = False
    ) -> list[float]:
        """Log p (natural) of each text after the begin token, as `zhixing evaluate` prices it."""
        documents = [
            Document(id=str(number), text=request.args[0], source="lm-eval")
            for number, request in enumerate(requests)
        ]
        window = widest([self._model])
        scores = score_documents(
            self._model, self._loaded.tokenizer, documents, window=window, progress=Silent()
        )
        found = [-score.bits * math.log(2) for score in scores]
        for request, value in zip(requests, found, strict=True):
            self._keep("loglikelihood_rolling", request.args, value)
        return found

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """What the model writes after each context, up to the first of the task's stop texts."""
        found = []
        num_cut = 0
        with _bar(len(requests), "texts", disable_tqdm) as bar:
            for number, request in enumerate(requests):
                context, settings = request.args
                params = _params(settings, self.max_length)
                ids = self._loaded.opening(context)
                kept = ids[-self._room(params) :] if self.max_length is not None else ids
                num_cut += len(kept) < len(ids)
                events = self._engine.run(
                    Request(id=f"{number}", tokens=tuple(kept), params=params)
                )
                found.append("".join(event.text for event in events))
                self._keep("generate_until", request.args, found[-1])
                bar.update(1)
        _warn_of(num_cut, "contexts")
        return found

    def _room(self, params: SamplingParams) -> int:
        assert self.max_length is not None
        room = self.max_length - params.max_tokens
        if room < 1:
            raise UsageError(
                f"max_gen_toks = {params.max_tokens} leaves no room for a context: this model reads {self.max_length} "
                f"tokens; say --gen_kwargs max_gen_toks={max(1, self.max_length // 2)}"
            )
        return room

    def _fitted(self, rows: Sequence[_Row]) -> list[_Row]:
        """The last tokens of what is too long: the last one is predicted and not read."""
        if self.max_length is None:
            return list(rows)
        longest = self.max_length + 1
        for row in rows:
            if row.num_wanted >= longest:
                raise UsageError(
                    f"a continuation has {row.num_wanted} tokens, and this model reads {self.max_length}: it cannot be scored"
                )
        _warn_of(sum(len(row.ids) > longest for row in rows), "contexts")
        return [_Row(row.ids[-longest:], row.num_wanted) for row in rows]

    def _answers(self, rows: Sequence[_Row]) -> Iterator[tuple[float, bool]]:
        """Of rows of about one length; padding stands behind, where no token looks."""
        longest = max(len(row.ids) for row in rows) - 1
        read = np.zeros((len(rows), longest), dtype=np.int64)
        is_asked = np.zeros(read.shape, dtype=bool)
        wanted: list[int] = []
        for place, row in enumerate(rows):
            end = len(row.ids) - 1
            read[place, :end] = row.ids[:-1]
            is_asked[place, end - row.num_wanted : end] = True
            wanted += row.ids[len(row.ids) - row.num_wanted :]
        device = self._model.device
        hidden = self._model.body(torch.from_numpy(read).to(device)).hidden
        logs, is_best = self._judged(
            hidden[torch.from_numpy(is_asked).to(device)], torch.tensor(wanted, device=device)
        )
        counts = [row.num_wanted for row in rows]
        for log, best in zip(torch.split(logs, counts), torch.split(is_best, counts), strict=True):
            yield float(log.sum()), bool(best.all())

    def _judged(self, hidden: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """(tokens,) log p in float64 of float32 logits, and whether no token is more probable."""
        places = max(1, LOGIT_BYTES // (4 * self._model.vocab))
        logs, is_best = [], []
        for part, ids in zip(torch.split(hidden, places), torch.split(wanted, places), strict=True):
            logits = self._model.head(part).float()
            logs.append(-torch.nn.functional.cross_entropy(logits, ids, reduction="none").double())
            is_best.append(logits.argmax(dim=-1) == ids)
        return torch.cat(logs), torch.cat(is_best)

    def _keep(self, kind: str, arguments: Any, answer: Any) -> None:
        """Into lm-eval's cache (--use_cache), which saves what was done before a stop."""
        hook: Any = getattr(self, "cache_hook", None)
        if hook is not None:
            hook.add_partial(kind, arguments, answer)


def register() -> None:
    """Make lm-eval know `--model zhixing` in this process. Raises MissingExtraError where it is not installed."""
    try:
        from lm_eval.api.model import TemplateLM
        from lm_eval.api.registry import model_registry, register_model
    except ImportError as error:
        raise MissingExtraError("lm-eval", "harness", "--model zhixing") from error
    if NAME not in model_registry:
        register_model(NAME)(type("Zhixing", (Answers, TemplateLM), {}))


def _refuse_idle(
    batch_size: int | str | None, max_batch_size: int | None, device: str | None
) -> None:
    if batch_size not in (None, 1, "1") or max_batch_size is not None:
        raise UsageError(
            "--batch_size and --max_batch_size do nothing with --model zhixing, which reads texts of one length together; "
            "leave them out"
        )
    if device == LM_EVAL_DEVICE and torch.cuda.is_available():
        _LOG.warning("--model zhixing computes on the CPU")
    elif device not in (None, "cpu", LM_EVAL_DEVICE):
        raise UsageError(f"--device {device}: --model zhixing computes on the CPU; leave it out")


def _row(texts: tuple[str, str], context: Sequence[int], wanted: Sequence[int]) -> _Row:
    if not wanted:  # log p = 0 would win over every other choice
        raise DataError(
            f"the continuation {texts[1]!r:.60} has no token of its own behind {texts[0][-60:]!r}, so it has no probability"
        )
    return _Row([*context, *wanted], len(wanted))


def _params(settings: Mapping[str, Any], longest: int | None) -> SamplingParams:
    """Settings under lm-eval's names as ours. Raises UsageError for one that we do not have."""
    from lm_eval.models.utils import normalize_gen_kwargs

    usual = MAX_TOKENS if longest is None else max(1, min(MAX_TOKENS, longest // 2))
    given = dict(normalize_gen_kwargs(dict(settings), usual))
    samples = given.pop("do_sample")
    named = {
        "max_tokens": given.pop("max_gen_toks"),
        "stop": tuple(text for text in given.pop("until") if text),
        "temperature": given.pop("temperature", 1.0) if samples else 0.0,
    }
    if (
        samples
    ):  # lm-eval's --seed has set torch's own generator; a context may be asked several times
        named["seed"] = int(torch.randint(2**62, ()))
    return sampling_params({**given, **named})


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places in order of length, so many together that their padded size stays within TOKENS_PER_BATCH."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if batch and (len(batch) + 1) * lengths[place] > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _bar(total: int, what: str, is_silent: bool) -> Any:
    from tqdm import tqdm  # comes with lm-eval

    return tqdm(total=total, desc=what, disable=is_silent)


def _warn_of(count: int, what: str) -> None:
    if count:
        _LOG.warning(
            "%d %s were longer than the model reads and lost their first tokens", count, what
        )
