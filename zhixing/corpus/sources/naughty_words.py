"""Lists of words that a moderator looks for, one file a language, as JSON. None of them stands in this project."""

import json

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive


def read(archive: Archive, language: str) -> tuple[str, ...]:
    """The list of a language, en or zh or another of the package. Raises DataError for one that it has not."""
    _, content = next(archive.members(f"*/{language}.json"))
    words = json.loads(content)
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise DataError(f"{archive.path}: {language}.json is no list of words")
    return tuple(words)
