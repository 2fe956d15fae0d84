"""Cleaning on all processors, with the result of one: batches come back in the order in which they went out.

A small corpus is cleaned in this process. Once a few megabytes have gone by, helpers are started, each a fresh Python with
one batch at a time. They are in a process group of their own, so that Ctrl-C reaches only this process, which ends
them; and they end by themselves when this process is gone, since their connection then closes.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from zhixing.core.errors import ZhixingError
from zhixing.corpus.batch import CleanBatch, clean_batch
from zhixing.corpus.clean import Cleaner
from zhixing.corpus.config import CorpusConfig
from zhixing.corpus.readers import Raw
from zhixing.corpus.store import Dropped

ALONE_CHARACTERS = 1 << 23
"""So much text is cleaned before it is worth starting helpers."""
MAX_HELPERS = 4
"""Each holds about 100 MB."""
_PROGRAM = "import sys; from zhixing.corpus.workers import serve; serve(int(sys.argv[1]))"

Batch = list[Raw]


class Cleaners:
    """Cleans batches; use it as a context manager."""

    def __init__(self, config: CorpusConfig) -> None:
        self._config = config
        self._cleaner = Cleaner(config)
        self._helpers: list[_Process] = []
        self._num_characters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for helper in self._helpers:
            helper.end()

    def clean(self, batches: Iterable[Batch]) -> Iterator[CleanBatch]:
        """Yield what becomes of every batch, in order."""
        at_work: deque[_Process] = deque()
        for batch in batches:
            helpers = self._wanted_helpers(batch)
            if not helpers:
                yield clean_batch(self._cleaner, batch)
                continue
            if len(at_work) < len(helpers):
                helper = helpers[len(at_work)]
            else:
                helper = at_work.popleft()
                yield helper.take()
            helper.give(batch)
            at_work.append(helper)
        for helper in at_work:
            yield helper.take()

    def _wanted_helpers(self, batch: Batch) -> "list[_Process]":
        self._num_characters += sum(len(raw.text) for raw in batch if not isinstance(raw, Dropped))
        if not self._helpers and self._num_characters > ALONE_CHARACTERS:
            self._helpers = [_Process(self._config) for _ in range(_num_helpers())]
        return self._helpers


def _num_helpers() -> int:
    """As many as there are processors; none where there is one, which this process keeps busy."""
    count = min(len(os.sched_getaffinity(0)), MAX_HELPERS)
    return count if count > 1 else 0


class _Process:
    """Another Python process that cleans; one batch is with it at a time, so neither side ever waits for the other."""

    def __init__(self, config: CorpusConfig) -> None:
        self._connection, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno())],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            process_group=0,
        )
        theirs.close()
        self._connection.send(config)

    def give(self, batch: Batch) -> None:
        try:
            self._connection.send(batch)
        except OSError as error:
            raise self._lost() from error

    def take(self) -> CleanBatch:
        try:
            answer: CleanBatch | ZhixingError = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._lost() from error
        if isinstance(answer, ZhixingError):
            raise answer
        return answer

    def end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _lost(self) -> ZhixingError:
        code = self._process.wait()
        return ZhixingError(
            f"a process that cleans text ended before its work was done (code {code}; -9 often means too little "
            "memory); type the same command again"
        )


def serve(descriptor: int) -> None:
    """What a helper runs: clean batches until the other side is gone."""
    connection = Connection(descriptor)
    try:
        cleaner = Cleaner(connection.recv())
        while True:
            connection.send(_answer(cleaner, connection.recv()))
    except (EOFError, OSError):
        return


def _answer(cleaner: Cleaner, batch: Batch) -> CleanBatch | ZhixingError:
    try:
        return clean_batch(cleaner, batch)
    except ZhixingError as error:
        return ZhixingError(str(error))
