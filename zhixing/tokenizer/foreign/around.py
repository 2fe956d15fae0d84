"""The special tokens before and after a text, and between two texts."""

from collections.abc import Mapping

from tokenizers import Tokenizer as Pipeline
from tokenizers import processors

from zhixing.core.errors import CheckpointError
from zhixing.tokenizer.foreign.settings import Settings


def frame(
    pipeline: Pipeline,
    settings: Settings,
    specials: Mapping[str, str],
    *,
    begin: bool,
    end: bool,
    second: int = 1,
) -> None:
    """Begin and end tokens as add_bos_token and add_eos_token say; `begin` and `end` are what silence means.

    A pair is the two framed texts one after the other; the other text is segment `second`.
    """
    before = _token(pipeline, settings, specials, "bos", settings.flag("add_bos_token", begin))
    after = _token(pipeline, settings, specials, "eos", settings.flag("add_eos_token", end))
    single, double = ([*before, f"${name}", *after] for name in "AB")
    pair = [f"{part}:0" for part in single] + [f"{part}:{second}" for part in double]
    pipeline.post_processor = processors.TemplateProcessing(
        single=[f"{part}:0" for part in single],
        pair=pair,
        special_tokens=[(token, pipeline.token_to_id(token)) for token in {*before, *after}],
    )


def _token(
    pipeline: Pipeline, settings: Settings, specials: Mapping[str, str], role: str, is_wanted: bool
) -> list[str]:
    if not is_wanted:
        return []
    token = settings.token(role, specials.get(role))
    if token is None or pipeline.token_to_id(token) is None:
        raise CheckpointError(
            f"{settings.origin}: add_{role}_token is true and there is no {role}_token in the vocabulary"
        )
    return [token]
