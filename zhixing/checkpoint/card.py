"""README.md of a model folder: a card whose YAML header the Hugging Face hub reads."""

import json

from zhixing.checkpoint.manifest import Manifest

_TASKS = {
    "encoder": "feature-extraction", "two-way": "feature-extraction", "tagger": "token-classification",
    "bag": "text-classification", "cnn": "text-classification", "ensemble": "text-classification",
    "recurrent-classifier": "text-classification", "recurrent-reader": "question-answering",
    "encoder-decoder": "text2text-generation", "seq2seq": "text2text-generation",
}  # fmt: skip
"""Our kind -> the hub's word for what it does, where that is not text generation."""
_BODY = """# A {kind} made with Zhixing

Trained on {tokens:,} tokens in {step:,} steps.

```python
import zhixing

model = zhixing.load("this folder")
print({call})
```
"""

_CALLS = {
    "text-generation": 'model.generate("Once", max_tokens=64).text',
    "text2text-generation": 'model.translate(["Once"])',
    "text-classification": 'model.classify(["Once"])',
    "token-classification": 'model.tag(["Once upon a time"])',
    "question-answering": 'model.answer("Who came?", "A fox came.")',
}
"""The hub's word -> how to ask such a model; of others the card says only how to open them."""


def card_text(body: str, manifest: Manifest, *, is_shared: bool) -> str:
    """The card: `body` below a YAML header, or as it is when it brings its own; a plain one when it is empty.

    `is_shared`: transformers opens the folder too.
    """
    text = body or _BODY.format(
        kind=manifest.model_kind,
        tokens=manifest.tokens,
        step=manifest.step,
        call=_CALLS.get(_task(manifest.model_kind), "model"),
    )
    return (
        text
        if text.startswith("---\n")
        else _header(manifest.model_kind, is_shared=is_shared) + text
    )


def _header(kind: str, *, is_shared: bool) -> str:
    fields = {
        "library_name": "transformers" if is_shared else "zhixing",
        "pipeline_tag": _task(kind),
        "language": ["en", "zh"],
        "tags": ["zhixing", kind],
    }
    # JSON values are YAML values, with the quoting right.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def _task(kind: str) -> str:
    return _TASKS.get(kind, "text-generation")
