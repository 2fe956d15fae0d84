"""The parts of `zhixing vectors train` wired together: corpus -> words -> vectors.

FOLDER/data/corpus             documents and their card
FOLDER/data/words.*            the words of the training documents as numbers
FOLDER/state.safetensors       an unfinished run
FOLDER/vectors.json, …         the result
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zhixing.cli.vector_recipe import VectorRecipe
from zhixing.core.config import to_toml
from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import locked, sha256_json, write_text
from zhixing.core.interrupt import stop_requests
from zhixing.core.progress import Progress
from zhixing.core.provenance import code_version
from zhixing.corpus.build import build
from zhixing.corpus.store import read_documents
from zhixing.train.word2vec.loop import STATE, Job, run
from zhixing.train.word2vec.words import Passage, WordFile, choose_words, read_words, write_words
from zhixing.vectors import folder as vector_folder
from zhixing.vectors.blocks import blocks_of
from zhixing.vectors.table import Vectors


def learn(
    recipe: VectorRecipe,
    folder: Path,
    *,
    resume: bool,
    fresh: bool,
    resume_command: str,
    progress: Progress,
) -> dict[str, Any]:
    """Learn the vectors of a recipe and leave them in `folder`; returns the facts of the run as JSON values."""
    with locked(folder):
        _check(folder, resume=resume, fresh=fresh)
        words = _words(recipe, folder / "data", progress)
        vocabulary = choose_words(
            words, min_count=recipe.vectors.min_count, max_words=recipe.vectors.max_words
        )
        job = Job(
            config=recipe.vectors,
            file=words,
            vocabulary=vocabulary,
            seed=recipe.seed,
            folder=folder,
            resume_command=resume_command,
        )
        with stop_requests() as stop:
            learnt = run(job, resume=resume, stop=stop, progress=progress)
        facts = {"recipe": recipe.model_dump(mode="json"), "code": code_version()}
        vectors = Vectors(vocabulary.words, learnt.inputs.numpy(), name=recipe.name)
        vector_folder.save(blocks_of(vectors), folder, origin=recipe.name, facts=facts)
        write_text(folder / "recipe.toml", to_toml(recipe.model_dump(mode="json")))
        (folder / STATE).unlink(missing_ok=True)
    return {
        "folder": str(folder),
        "kind": recipe.vectors.kind,
        "words": len(vectors),
        "width": vectors.width,
        "read": learnt.words,
        "seconds": round(learnt.seconds, 3),
        "words_per_second": round(learnt.words / learnt.seconds) if learnt.seconds else None,
    }


def _check(folder: Path, *, resume: bool, fresh: bool) -> None:
    """Refuse to begin over an unfinished or finished run unless that is asked for."""
    unfinished, finished = (folder / STATE).exists(), vector_folder.is_vectors_folder(folder)
    if resume and not unfinished:
        done = "the run in it is finished" if finished else "there is no run in it"
        raise UsageError(f"--resume: nothing to continue in {folder}: {done}")
    if fresh:
        for name in (STATE, vector_folder.MANIFEST):
            (folder / name).unlink(missing_ok=True)
        return
    if not resume and (unfinished or finished):
        raise UsageError(
            f"{folder} holds {'an unfinished run' if unfinished else 'finished vectors'}; "
            f"{'--resume continues it, ' if unfinished else ''}--fresh begins again, --out chooses another folder"
        )


def _words(recipe: VectorRecipe, folder: Path, progress: Progress) -> WordFile:
    corpus = folder / "corpus"
    card = build(recipe.corpus, corpus, progress=progress)
    made_from = sha256_json([card.data_hash, recipe.vectors.lowercase])
    if (found := read_words(folder, made_from)) is not None:
        return found
    write_words(
        _passages(corpus),
        folder,
        lowercase=recipe.vectors.lowercase,
        made_from=made_from,
        progress=progress,
    )
    written = read_words(folder, made_from)
    if written is None:
        raise DataError(f"the words in {folder} were changed while they were read; try again")
    return written


def _passages(corpus: Path) -> Iterator[Passage]:
    for document in read_documents(corpus, "train"):
        yield Passage(text=document.text, language=document.language)
