"""Perplexity and bits per byte: how surprised is a model by a text it has not seen?

Scored by the project's own functions: a model that finds every token equally likely, and one that has counted.
"""

import math

import numpy as np

from zhixing.evaluate.harness import DocumentScore
from zhixing.evaluate.metrics import bits_per_byte, perplexity
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram, count
from zhixing.objective.likelihood import token_nats
from zhixing.theory.idea import Bilingual, Idea, Step, values

BEGIN, END, A, B = range(4)
SEEN = np.array([BEGIN, A, B, A, B, A, B, A, B, END])
TEXT = [BEGIN, A, B, A, B]
"""Four predictions; as characters "abab" four bytes."""
CHINESE = "知行合一"


def idea() -> Idea:
    """Nats per token, perplexity, bits per byte, and what a tokenizer does to them."""
    return Idea(
        formula=r"""
\begin{aligned}
\text{bits} &= -\sum_{t} \log_2 p(w_t \mid w_{<t}) = \frac{\text{nats}}{\ln 2} \\
\text{perplexity} &= 2^{\,\text{bits} / \text{tokens}}, \qquad
\text{bits per byte} = \frac{\text{bits}}{\text{bytes of UTF-8}}
\end{aligned}
""",
        plain="bits = −Σ log2 p(w_t | w_<t) = nats / ln 2\nperplexity = 2^(bits / tokens);  bits per byte = bits / bytes",
        steps=(*_blind(), *_counted(), *_tokenizers()),
        source="Shannon 1951, *Prediction and entropy of printed English*, eq. 1; "
        "Jelinek et al. 1977, *Perplexity: a measure of the difficulty of speech recognition tasks*",
    )


def _blind() -> tuple[Step, ...]:
    blind = NGram(NGramConfig(order=2), 4)  # nothing counted: all four ids equally likely
    nats = token_nats(blind, TEXT)
    score = _score(float(nats.sum()) / math.log(2))
    return (
        Step(
            name="blind_nats",
            says=Bilingual(
                'A model that knows nothing, four ids: what each token of "abab" costs, in nats.',
                "什么都不知道的模型，四个编号：“abab” 的每个词元的代价，以奈特计。",
            ),
            formula="−ln ¼",
            value=values(nats),
        ),
        Step(
            name="blind_perplexity",
            says=Bilingual(
                "Its perplexity: as unsure as among four equals.",
                "它的困惑度：如同在四个等可能者之间犹豫。",
            ),
            formula="2^(8 bits / 4 tokens)",
            value=perplexity([score]).value,
        ),
    )


def _counted() -> tuple[Step, ...]:
    model = count(SEEN, np.array([len(SEEN)]), 4, NGramConfig(order=2))
    nats = token_nats(model, TEXT)
    bits = float(nats.sum()) / math.log(2)
    return (
        Step(
            name="nats",
            says=Bilingual(
                'A bigram model that has counted "abababab": the same tokens.',
                "数过 “abababab” 的二元模型：同样的词元。",
            ),
            formula="−ln p(w_t | w_(t−1))",
            value=values(nats),
        ),
        Step(
            name="bits",
            says=Bilingual("Together, in bits.", "总和，以比特计。"),
            formula="Σ nats / ln 2",
            value=bits,
        ),
        Step(
            name="perplexity",
            says=Bilingual("Per token: perplexity.", "按词元：困惑度。"),
            formula="2^(bits / 4)",
            value=perplexity([_score(bits)]).value,
        ),
        Step(
            name="bits_per_byte",
            says=Bilingual("Per byte: the text has 4.", "按字节：文本有 4 个字节。"),
            formula="bits / 4",
            value=bits_per_byte([_score(bits)]).value,
        ),
    )


def _tokenizers() -> tuple[Step, ...]:
    size = len(CHINESE.encode())
    probability = 2.0**-24
    bits = -math.log2(probability)
    return (
        Step(
            name="bytes",
            says=Bilingual(
                f"{CHINESE} has four characters and this many bytes of UTF-8.",
                f"{CHINESE} 有四个字，UTF-8 字节数如下。",
            ),
            formula="bytes",
            value=size,
        ),
        Step(
            name="two_perplexities",
            says=Bilingual(
                "A model gives the whole text 24 bits. As 4 tokens of a character, then as 12 tokens of a byte: the "
                "perplexity changes with the tokenizer though the model is no better.",
                "某模型给整段文本 24 比特。分成 4 个字词元，再分成 12 个字节词元：模型并没有变好，困惑度却随分词器而变。",
            ),
            formula="[2^(24/4)  2^(24/12)]",
            value=(2.0 ** (bits / len(CHINESE)), 2.0 ** (bits / size)),
            digits=1,
        ),
        Step(
            name="one_measure",
            says=Bilingual("Bits per byte are the same for both.", "每字节比特数则相同。"),
            formula="24 / 12",
            value=bits / size,
            digits=1,
        ),
    )


def _score(bits: float) -> DocumentScore:
    """The score of "abab" that cost `bits`."""
    return DocumentScore(id="abab", language="en", bits=bits, bytes=4, tokens=4, text_hash="")
