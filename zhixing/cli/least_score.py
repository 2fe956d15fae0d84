"""After training on questions: how sure a model has to be of an answer, chosen on the validation questions and kept with it.

Training compares an answer with no answer as they are; on held-out questions another point is better for F1, and both what
`zhixing.load(folder).answer` and what `zhixing apply --task answer` says goes by it.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.cli.recipe import Recipe
    from zhixing.core.progress import Progress


def choose_least_score(recipe: "Recipe", folder: Path, progress: "Progress") -> dict[str, float]:
    """Write the best least score into the folder of a finished model of spans; nothing for others, or without validation.

    Questions that the model cannot be asked, such as one that leaves no room for its text, are left out and told: a finished
    training does not fail for them. Returns the score with the F1 of the validation questions at it.
    """
    import zhixing
    from zhixing.checkpoint.folder import write_learnt
    from zhixing.evaluate.tasks.answers import least_score
    from zhixing.objective.config import SpanConfig
    from zhixing.text.segment import language_of

    if not isinstance(recipe.objective, SpanConfig) or not recipe.objective.examples.validation:
        return {}
    progress.start("answers to the validation questions")
    model = zhixing.load(folder)
    found = _questions(recipe.objective.examples.validation)
    asked = [row for row in found if _can_be_asked(model, row)]
    left_out = f"; {len(found) - len(asked):,} that cannot be asked" * (len(asked) < len(found))
    if not asked:
        progress.finish(f"{folder}: no validation questions to choose a least score by{left_out}")
        return {}
    pairs = [(row["question"], row["context"]) for row in asked]
    answers = model.answers(pairs, least_score=-math.inf)
    references = [row["answers"]["text"] for row in asked]
    scores, texts = [each.score for each in answers], [each.text for each in answers]
    language = language_of([context for _, context in pairs])
    least, best = least_score(scores, texts, references, language=language)
    assert model.learnt is not None, "the recipe has an objective"
    write_learnt(folder, model.learnt.model_copy(update={"least_score": least}))
    progress.finish(
        f"{folder}: an answer is given where it scores more than {least:.2f}; F1 {best:.3f} of {len(asked):,} validation "
        f"questions{left_out}"
    )
    return {"least_score": least, "validation_f1": best}


def _questions(place: str) -> list[Mapping[str, Any]]:
    """The rows that were validated with: training leaves out others, and tells how many."""
    from zhixing.corpus.rows import find_tables, rows

    found = rows(find_tables(place))
    return [row for row in found if not isinstance(row, str) and _is_question(row)]


def _can_be_asked(model: "Model", row: Mapping[str, Any]) -> bool:
    """Whether both texts have tokens, and the question leaves room for some of its context."""
    from zhixing.api.answering import windows_of
    from zhixing.core.errors import DataError, UnsupportedError

    try:
        windows_of(model.tokenizer, row["question"], row["context"], limit=model.limit)
    except (DataError, UnsupportedError):
        return False
    return True


def _is_question(row: Mapping[str, Any]) -> bool:
    """Whether a row has a question, a text, and answers in their form."""
    from zhixing.objective.records import keys_of, problem_of

    keys = keys_of(row, "span")
    if keys is None or problem_of(row, keys):
        return False
    return bool(row["question"].strip() and row["context"].strip())
