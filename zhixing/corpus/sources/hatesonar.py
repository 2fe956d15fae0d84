"""The guesses of hatesonar, a model of another project, which stand in for labels where there are none.

    x = tf(text) · idf        tf: how often each known word occurs      p = softmax(W x / |x| + b)

Words are runs of a-z, 0-9 and _ in lower case. It learnt English posts that people had labelled (Davidson et al. 2017, whose
labels their authors call subjective), so a label made of its guess is weak: it is an opinion of that model, wrong where that is.
The package keeps scikit-learn's pipeline as an ONNX graph; its numbers are read and nothing of the package is run.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.onnx import Floats, read_onnx

LABELS = ("hate speech", "offensive", "neither")
"""In the order of the model's outputs."""
_WORDS = re.compile("[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Teacher:
    """A linear classifier of words: `idf` (words,), `weights` (labels, words), `bias` (labels,)."""

    places: Mapping[str, int]
    idf: Floats
    weights: Floats
    bias: Floats

    def probabilities(self, text: str) -> dict[str, float]:
        """Of each label."""
        counts = Counter(self.places[w] for w in _WORDS.findall(text.lower()) if w in self.places)
        known = np.array([*counts], dtype=np.int64)
        row = np.array([*counts.values()], dtype=np.float64) * self.idf[known]
        length = float(np.linalg.norm(row))
        logits = self.bias + (self.weights[:, known] @ row / length if length else 0.0)
        shares = np.exp(logits - logits.max())
        return dict(zip(LABELS, (shares / shares.sum()).tolist(), strict=True))

    def label(self, text: str) -> str:
        """The most probable one."""
        found = self.probabilities(text)
        return max(found, key=found.__getitem__)


def read(archive: Archive) -> Teacher:
    """The model of a package. Raises DataError for one of another form."""
    _, content = next(archive.members("*/model/model.onnx"))
    graph = read_onnx(content)
    try:
        words = graph.settings["TfIdfVectorizer", "pool_strings"]
        weights = np.array(graph.settings["LinearClassifier", "coefficients"])
        bias = np.array(graph.settings["LinearClassifier", "intercepts"])
        idf = graph.constants["idfcst"]
    except KeyError as error:
        raise DataError(f"{archive.path}: the model of hatesonar has no {error}") from error
    if weights.size != len(LABELS) * len(words) or idf.size != len(words):
        raise DataError(f"{archive.path}: the model of hatesonar has weights of another shape")
    return Teacher(
        places={word: place for place, word in enumerate(words)},
        idf=idf,
        weights=weights.reshape(len(LABELS), -1),
        bias=bias,
    )
