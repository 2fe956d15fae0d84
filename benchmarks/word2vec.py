"""Words per second of skip-gram and CBOW, and what the vectors are worth, beside gensim on the same text.

    zhixing bench word2vec                           speed of skip-gram on random words
    python benchmarks/word2vec.py [WORDS_FOLDER]     a folder data/ of `zhixing vectors train`; else random words

Both train on the same words in the same order with the same settings, one after the other in this process, on as many
threads as workers. What counts is the ratio. gensim: Řehůřek & Sojka 2010, its compiled word2vec with threads.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zhixing.cli.bench import Size
from zhixing.core.errors import MissingExtraError
from zhixing.core.interrupt import StopRequest
from zhixing.core.progress import Silent
from zhixing.corpus.sources.judgements import read_judgements
from zhixing.evaluate.race import OURS, Work
from zhixing.train.word2vec.config import WordVectorConfig
from zhixing.train.word2vec.loop import Job, run
from zhixing.train.word2vec.words import BREAK, WordFile, choose_words
from zhixing.vectors.published import read_test_set
from zhixing.vectors.similarity import agreement
from zhixing.vectors.table import Vectors

EPOCHS = 3
WORKERS = 2
RANDOM_WORDS = 500_000
UNIT = "words/s"
WORDS: Mapping[Size, int] = {"short": 5_000, "full": RANDOM_WORDS}


def contestants(size: Size) -> Mapping[str, Callable[[], Work]]:
    """Skip-gram of both on the same random words."""
    file = _random_words(WORDS[size])
    config = WordVectorConfig(kind="skipgram", epochs=EPOCHS, workers=WORKERS)
    vocabulary = choose_words(file, min_count=config.min_count, max_words=None)
    job = Job(
        config=config, file=file, vocabulary=vocabulary, seed=1, folder=Path(), resume_command=""
    )
    words = float(EPOCHS * int((file.numbers != BREAK).sum()))
    sentences = _sentences(file)

    def ours() -> float:
        _ours(job)
        return words

    def gensim() -> float:
        _gensim(sentences, config)
        return words

    return {OURS: lambda: ours, "gensim": lambda: gensim}


def main() -> None:
    """Print one JSON line for each kind of model."""
    file = _read(Path(sys.argv[1])) if len(sys.argv) > 1 else _random_words(RANDOM_WORDS)
    for kind in ("skipgram", "cbow"):
        print(json.dumps(compare(file, kind, has_meaning=len(sys.argv) > 1)))


def compare(file: WordFile, kind: str, *, has_meaning: bool) -> dict[str, Any]:
    """Train both, and measure."""
    config = WordVectorConfig.model_validate({"kind": kind, "epochs": EPOCHS, "workers": WORKERS})
    vocabulary = choose_words(file, min_count=config.min_count, max_words=None)
    job = Job(
        config=config, file=file, vocabulary=vocabulary, seed=1, folder=Path(), resume_command=""
    )
    num_words = EPOCHS * int((file.numbers != BREAK).sum())
    ours, our_seconds, our_processor = _timed(lambda: _ours(job))
    sentences = _sentences(file)
    theirs, their_seconds, their_processor = _timed(lambda: _gensim(sentences, config))
    result: dict[str, Any] = {
        "kind": kind,
        "words": num_words,
        "vocabulary": len(vocabulary.words),
        "words_per_second": round(num_words / our_seconds),
        "gensim_words_per_second": round(num_words / their_seconds),
        "ratio": round(their_seconds / our_seconds, 2),
        "ratio_of_processor_time": round(their_processor / our_processor, 2),
    }
    if has_meaning:
        judgements = read_judgements(read_test_set("wordsim353", progress=Silent()), "wordsim353")
        for name, vectors in (("wordsim353", ours), ("gensim_wordsim353", theirs)):
            score = agreement(vectors, judgements)
            result[name] = [round(x, 3) for x in (score.value, score.low, score.high)]
    return result


def _ours(job: Job) -> Vectors:
    learnt = run(job, resume=False, stop=StopRequest(), progress=Silent(), keep_state=False)
    return Vectors(job.vocabulary.words, learnt.inputs.numpy())


def _gensim(sentences: list[list[str]], config: WordVectorConfig) -> Vectors:
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise MissingExtraError("gensim", "dev", "this benchmark") from error
    model = Word2Vec(
        vector_size=config.width,
        window=config.window,
        negative=config.negative,
        min_count=config.min_count,
        sample=config.subsample,
        sg=int(config.kind == "skipgram"),
        alpha=config.lr,
        min_alpha=config.final_lr,
        workers=WORKERS,
        seed=1,
    )
    model.build_vocab(sentences)
    model.train(sentences, total_examples=len(sentences), epochs=EPOCHS)
    return Vectors(model.wv.index_to_key, model.wv.vectors)


def _timed(work: Any) -> tuple[Vectors, float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    made = work()
    return made, time.perf_counter() - wall, time.process_time() - processor


def _read(folder: Path) -> WordFile:
    table = json.loads((folder / "words.json").read_text("utf-8"))
    return WordFile(
        words=table["words"],
        counts=np.array(table["counts"], dtype=np.int64),
        numbers=np.memmap(folder / "words.bin", dtype=np.int32, mode="r"),
        digest=table["digest"],
    )


def _random_words(count: int) -> WordFile:
    """Words as often as Zipf's law has it, 25 to a sentence."""
    numbers = np.random.default_rng(0).zipf(1.2, 3 * count) - 1
    numbers = numbers[numbers < 20_000][:count].astype(np.int32)
    counts = np.bincount(numbers, minlength=20_000).astype(np.int64)
    numbers[25::26] = BREAK
    return WordFile(
        words=[f"w{i}" for i in range(20_000)], counts=counts, numbers=numbers, digest=""
    )


def _sentences(file: WordFile) -> list[list[str]]:
    ends = np.flatnonzero(np.asarray(file.numbers) == BREAK)
    return [
        [file.words[number] for number in part.tolist() if number != BREAK]
        for part in np.split(np.asarray(file.numbers), ends)
    ]


if __name__ == "__main__":
    main()
