"""Text to token ids by our byte-level BPE, beside the plain `tokenizers` library with the same tokenizer."""

from collections.abc import Callable, Mapping
from pydoc_data.topics import topics

from tokenizers import Tokenizer as Plain

from zhixing.cli.bench import Size
from zhixing.evaluate.race import OURS, Work
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

UNIT = "bytes/s"
VOCAB: Mapping[Size, int] = {"short": 300, "full": 6000}
DOCUMENTS: Mapping[Size, int] = {"short": 4, "full": 1000}
"""At most; the topics of Python's help are about 80."""


def contestants(size: Size) -> Mapping[str, Callable[[], Work]]:
    """Ours, and the library in batches and one by one."""
    texts = list(topics.values())[: DOCUMENTS[size]]
    tokenizer = train(texts, TokenizerConfig(kind="byte_bpe", vocab=VOCAB[size]))
    amount = float(sum(len(text.encode()) for text in texts))
    plain = _plain(tokenizer)

    def ours() -> float:
        tokenizer.encode_documents(texts)
        return amount

    def batch() -> float:
        plain.encode_batch_fast(texts)
        return amount

    def one_by_one() -> float:
        for text in texts:
            plain.encode(text)
        return amount

    works = {OURS: ours, "tokenizers-batch": batch, "tokenizers-single": one_by_one}
    return {name: (lambda work=work: work) for name, work in works.items()}


def _plain(tokenizer: Tokenizer) -> Plain:
    """The library's own object, read from the file that we save."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="zhixing-bench-") as scratch:
        tokenizer.save(Path(scratch))
        return Plain.from_file(str(Path(scratch, "tokenizer.json")))
