"""News of the Australian Broadcasting Corporation, 2000-2001, as the Lee background corpus: an article a line."""

from collections.abc import Iterator

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per article."""
    for _, content in archive.members("*/test_data/lee_background.cor"):
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if text := line.strip():
                yield Document(id=str(number), text=text, source="lee-news", language="en")
