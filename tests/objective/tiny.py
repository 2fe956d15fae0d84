"""Every objective with a tiny real model and a few real examples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.tiny import TEXTS, tiny_model
from zhixing.data.examples import Example
from zhixing.data.sentences import Pair, Segment
from zhixing.model.assembly import build_network
from zhixing.model.config import EncoderConfig, EncoderDecoderConfig, HeadConfig
from zhixing.model.encoder import Encoder
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.sequence_config import (
    BagConfig,
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentEncoderConfig,
    RecurrentReaderConfig,
    SequenceToSequenceConfig,
    TaggerConfig,
)
from zhixing.model.stack_config import StackConfig
from zhixing.objective.chat import Chat
from zhixing.objective.classify import Classify, Regress
from zhixing.objective.config import DenoiseConfig, MaskedConfig
from zhixing.objective.denoise import Denoise, sentinel
from zhixing.objective.masked import Masked, document_example
from zhixing.objective.preference import Preference
from zhixing.objective.protocol import Objective
from zhixing.objective.rank import Rank
from zhixing.objective.seq2seq import Seq2Seq
from zhixing.objective.similar import Similar
from zhixing.objective.span import Span
from zhixing.objective.tag import Tag
from zhixing.tokenizer.chat import with_chatml
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.marks import MASK
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

TIME = 40
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
LABELS = ("bad", "good", "so-so")


@cache
def tokenizer() -> Tokenizer:
    plain = train(TEXTS, TokenizerConfig(kind="byte_bpe", vocab=300))
    return plain.with_marks([MASK, *(sentinel(n) for n in range(8))])


def shaken(model: nn.Module) -> Any:
    """Weights far from the start, where every part matters; no dropout."""
    generator = torch.Generator().manual_seed(5)
    for weight in model.parameters():
        weight.data.add_(torch.randn(weight.shape, generator=generator) * 0.1)
    return model.eval()


def small(**changes: Any) -> dict[str, Any]:
    sizes = {"width": 16, "layers": 2, "heads": 2, "kv_heads": 2, "head_dim": 8, "hidden": 24}
    return {**sizes, "max_time": TIME, **changes}


def encoder(*heads: HeadConfig, seed: int = 1) -> Encoder:
    torch.manual_seed(seed)
    config = EncoderConfig.model_validate(small(heads_on_top=heads))
    return shaken(build_network(config, tokenizer().vocab))


def encoder_decoder() -> EncoderDecoder:
    torch.manual_seed(1)
    half = StackConfig.model_validate(small(shape="t5"))
    config = EncoderDecoderConfig(encoder=half, decoder=half, start=tokenizer().pad)
    return shaken(build_network(config, tokenizer().vocab))


@dataclass(frozen=True)
class Case:
    """An objective, a model for it, and items of different lengths."""

    objective: Objective[Any, Any]
    model: Any
    items: list[Any]


def in_float64(case: Case) -> Case:
    """The same with numbers whose rounding does not matter: sums in another order agree to many digits."""
    for model in (case.model, getattr(case.objective, "_reference", None)):
        if model is not None:
            model.double()
    return case


def masked(**changes: Any) -> Masked:
    config = MaskedConfig.model_validate({"kind": "masked", **changes})
    return Masked(config, tokenizer(), time=TIME, common=tokenizer().encode_text("e")[0])


def segment(text: str, language: str) -> Segment:
    example = document_example(text, language, tokenizer()).example
    assert example is not None
    return Segment(ids=example["ids"], starts=example["starts"])


def masked_case(**changes: Any) -> Case:
    objective = masked(**changes)
    parts = [segment(TEXTS[0], "en"), segment(TEXTS[1], "zh"), segment("The end.", "en")]
    is_paired = changes.get("next_sentence", True)
    items = [
        objective.item(
            Pair(first=parts[n], second=parts[m] if is_paired else None, follows=n == m),
            np.random.default_rng([n, m]),
        )
        for n, m in ((0, 1), (1, 2), (2, 2), (2, 0))
    ]
    model = encoder(HeadConfig(kind="masked"), HeadConfig(kind="next-sentence"))
    return Case(objective, model, items)


def made(objective: Any, records: list[dict[str, Any]]) -> list[Example]:
    found = [objective.example(record) for record in records]
    assert all(each.example is not None for each in found), found
    return [each.example for each in found]


def _texts(*labels: Any) -> list[dict[str, Any]]:
    texts = ["The dog sleeps.", "春眠不觉晓", "x", "处处闻啼鸟，the fox does not"]
    return [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]


def denoise_case() -> Case:
    config = DenoiseConfig(kind="denoise", sentinels=8, share=0.3, span=2.0)
    objective = Denoise(config, tokenizer(), start=tokenizer().pad)
    ids = [np.array(tokenizer().encode_document(text))[:30] for text in (*TEXTS[:2], "a b c")]
    items = [objective.item(each, np.random.default_rng(n)) for n, each in enumerate(ids)]
    return Case(objective, encoder_decoder(), items)


def seq2seq_case(smoothing: float = 0.1) -> Case:
    objective = Seq2Seq(tokenizer(), time=TIME, start=tokenizer().pad, smoothing=smoothing)
    pairs = [("The fox", "狐狸"), ("a", "The dog sleeps; it does."), ("春眠", "s")]
    items = made(objective, [{"src": src, "tgt": tgt} for src, tgt in pairs])
    return Case(objective, encoder_decoder(), items)


def classify_case(loss: str = "cross_entropy") -> Case:
    objective = Classify(tokenizer(), time=TIME, labels=LABELS, loss=loss)  # type: ignore[arg-type]
    items = made(objective, _texts("good", "bad", "so-so", "good"))
    return Case(objective, encoder(HeadConfig(kind="classify", labels=3)), items)


def regress_case() -> Case:
    objective = Regress(tokenizer(), time=TIME)
    items = made(objective, _texts(0.25, -1.5, 3, 0))
    return Case(objective, encoder(HeadConfig(kind="classify", labels=1)), items)


def tag_case() -> Case:
    objective = Tag(tokenizer(), time=TIME, labels=TAGS)
    records = [
        {"tokens": ["Angela", "Merkel", "saw", "Paris"], "tags": ["B-PER", "I-PER", "O", "B-LOC"]},
        {"tokens": ["李白", "在", "长安"], "tags": ["B-PER", "O", "B-LOC"]},
        {"tokens": ["no"], "tags": ["O"]},
    ]
    return Case(
        objective, encoder(HeadConfig(kind="tag", labels=len(TAGS))), made(objective, records)
    )


def chain_case() -> Case:
    """A BiLSTM-CRF."""
    torch.manual_seed(1)
    reader = RecurrentEncoderConfig(embedding=12, width=8)
    config = TaggerConfig(encoder=reader, labels=len(TAGS), chain=True)
    case = tag_case()
    return Case(case.objective, shaken(build_network(config, tokenizer().vocab)), case.items)


def classifier_case() -> Case:
    torch.manual_seed(1)
    model = build_network(ConvolutionConfig(embedding=12, filters=6, labels=3), tokenizer().vocab)
    case = classify_case()
    return Case(case.objective, shaken(model), case.items)


def recurrent_classifier_case() -> Case:
    torch.manual_seed(1)
    reader = RecurrentEncoderConfig(embedding=12, width=8)
    config = RecurrentClassifierConfig(encoder=reader, labels=3)
    case = classify_case()
    return Case(case.objective, shaken(build_network(config, tokenizer().vocab)), case.items)


def ensemble_case() -> Case:
    """Members of three kinds, each with a loss of its own."""
    encoder = RecurrentEncoderConfig(embedding=12, width=12)
    members = (
        ConvolutionConfig(labels=len(LABELS), embedding=12, windows=(1, 2), filters=6),
        BagConfig(labels=len(LABELS), embedding=8, hidden=(), phrase=2, buckets=64),
        RecurrentClassifierConfig(labels=len(LABELS), encoder=encoder),
    )
    case = classify_case()
    torch.manual_seed(2)
    model = build_network(EnsembleConfig(members=members), tokenizer().vocab)
    return Case(objective=case.objective, model=shaken(model), items=case.items)


def lstm_writer_case() -> Case:
    torch.manual_seed(1)
    config = SequenceToSequenceConfig(embedding=12, width=8, start=tokenizer().pad)
    case = seq2seq_case()
    return Case(case.objective, shaken(build_network(config, tokenizer().vocab)), case.items)


def span_case() -> Case:
    objective = Span(tokenizer(), time=TIME)
    text = "The dog sleeps."
    answers = [
        {"text": ["dog"], "answer_start": [4]},
        {"text": [], "answer_start": []},
        {"text": ["sleeps"], "answer_start": [8]},
    ]
    questions = ["Who?", "Why not?", "What?"]
    records = [
        {"question": question, "context": text, "answers": each}
        for question, each in zip(questions, answers, strict=True)
    ]
    return Case(objective, encoder(HeadConfig(kind="span")), made(objective, records))


def recurrent_span_case() -> Case:
    torch.manual_seed(1)
    config = RecurrentReaderConfig(encoder=RecurrentEncoderConfig(embedding=12, width=8))
    case = span_case()
    return Case(case.objective, shaken(build_network(config, tokenizer().vocab)), case.items)


def similar_case(loss: str = "contrastive", *, both_ways: bool = False) -> Case:
    objective = Similar(tokenizer(), time=TIME, loss=loss, both_ways=both_ways)  # type: ignore[arg-type]
    pairs = [("The dog", "狗", 0.5), ("fox fox fox", "x", -0.25), ("春", "spring comes", 1)]
    records = [{"text1": a, "text2": b, "label": value} for a, b, value in pairs]
    return Case(objective, encoder(), made(objective, records))


def rank_case(loss: str = "pairwise") -> Case:
    objective = Rank(tokenizer(), time=TIME, loss=loss)  # type: ignore[arg-type]
    records = [
        {"query": "fox", "texts": ["The fox", "dog", "x y z"], "relevance": [2, 0, 1]},
        {"query": "狗", "texts": ["a", "The dog sleeps"], "relevance": [0, 1]},
    ]
    return Case(objective, encoder(HeadConfig(kind="classify", labels=1)), made(objective, records))


def preference_case() -> Case:
    model = tiny_model("decoder", vocab=tokenizer().vocab)
    objective = Preference(tokenizer(), time=TIME, beta=0.5, model=model)
    records = [
        {"prompt": "Who?", "chosen": " The dog.", "rejected": " no"},
        {"prompt": "春", "chosen": "眠", "rejected": " not at all"},
    ]
    case = Case(objective, model, made(objective, records))
    shaken(model)  # away from the reference, which is a copy of what it was
    return case


@cache
def chat_tokenizer() -> Tokenizer:
    """The plain one with ChatML."""
    return with_chatml(train(TEXTS, TokenizerConfig(kind="byte_bpe", vocab=300)))


def chat_case() -> Case:
    objective = Chat(chat_tokenizer(), time=TIME)
    pairs = [("Who?", "The dog."), ("春", "眠不觉晓"), ("a", "b")]
    roles = ("user", "assistant")
    records = [
        {"messages": [{"role": r, "content": c} for r, c in zip(roles, pair, strict=True)]}
        for pair in pairs
    ]
    model = shaken(tiny_model("decoder", vocab=chat_tokenizer().vocab))
    return Case(objective, model, made(objective, records))


CASES: dict[str, Callable[[], Case]] = {
    "masked": masked_case,
    "masked, one text": lambda: masked_case(next_sentence=False),
    "denoise": denoise_case,
    "seq2seq": seq2seq_case,
    "classify": classify_case,
    "classify, hinge": lambda: classify_case("hinge"),
    "regress": regress_case,
    "classify, convolution": classifier_case,
    "classify, recurrent": recurrent_classifier_case,
    "classify, ensemble": ensemble_case,
    "seq2seq, lstm with attention": lstm_writer_case,
    "tag": tag_case,
    "tag, crf": chain_case,
    "span": span_case,
    "span, recurrent": recurrent_span_case,
    "similar, cosine": lambda: similar_case("cosine"),
    "rank, pairwise": rank_case,
    "rank, listwise": lambda: rank_case("listwise"),
    "preference": preference_case,
    "chat": chat_case,
}
