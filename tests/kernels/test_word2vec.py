"""The native word2vec step against its definition, and the definition against autograd."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from zhixing.kernels import native
from zhixing.kernels.word2vec import (
    Noise,
    Random,
    Rule,
    WordBlock,
    learn_block,
    learn_block_reference,
    merge,
)

pytestmark = pytest.mark.skipif(native.library() is None, reason=str(native.why_missing()))

VOCAB, WIDTH, WORKERS = 12, 20, 2


def _block(count: int = 40) -> WordBlock:
    random = torch.Generator().manual_seed(3)
    words = torch.randint(VOCAB, (count,), generator=random, dtype=torch.int32)
    return WordBlock(
        words=words,
        sentences=torch.arange(count, dtype=torch.int32) // 7,
        reach=torch.randint(1, 4, (count,), generator=random, dtype=torch.int32),
        bounds=torch.tensor([0, 25, count]),
    )


def _noise() -> Noise:
    share = torch.linspace(0.1, 1.0, VOCAB)
    alias = (torch.arange(VOCAB, dtype=torch.int32) * 5 + 1) % VOCAB
    return Noise(share=share, alias=alias.to(torch.int32))


def _matrices() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    inputs, outputs = (torch.randn(VOCAB, WIDTH, generator=random) * 0.3 for _ in range(2))
    return inputs.repeat(WORKERS, 1, 1), outputs.repeat(WORKERS, 1, 1)


def _learnt(block: WordBlock, rule: Rule, *, is_native: bool) -> tuple[Tensor, Tensor]:
    inputs, outputs = _matrices()
    learn = learn_block if is_native else learn_block_reference
    learn(inputs, outputs, block, _noise(), rule)
    return inputs, outputs


@pytest.mark.parametrize("cbow", [False, True])
def test_native_code_is_the_definition(cbow: bool) -> None:
    rule = Rule(cbow=cbow, negative=5, lr=0.05, seed=7)
    for got, want in zip(
        _learnt(_block(), rule, is_native=True),
        _learnt(_block(), rule, is_native=False),
        strict=True,
    ):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mistake", ["seed", "reach", "sentences", "bounds"])
def test_a_mistake_is_noticed(mistake: str) -> None:
    rule, block = Rule(cbow=False, negative=5, lr=0.05, seed=7), _block()
    wrong_rule = replace(rule, seed=8) if mistake == "seed" else rule
    wrong = {
        "seed": block,
        "reach": replace(block, reach=block.reach + 1),
        "sentences": replace(block, sentences=torch.zeros_like(block.sentences)),
        "bounds": replace(block, bounds=torch.tensor([0, 24, 40])),
    }[mistake]
    got = _learnt(wrong, wrong_rule, is_native=True)
    want = _learnt(block, rule, is_native=False)
    assert max(float((a - b).abs().max()) for a, b in zip(got, want, strict=True)) > 1e-4


def test_one_step_goes_up_the_gradient_of_the_objective() -> None:
    block = WordBlock(
        words=torch.tensor([4, 9], dtype=torch.int32),
        sentences=torch.zeros(2, dtype=torch.int32),
        reach=torch.tensor([0, 1], dtype=torch.int32),  # only the second word looks at the first
        bounds=torch.tensor([0, 2]),
    )
    noise, random = _noise(), Random(7)
    drawn = [n for n in (random.draw(noise) for _ in range(4)) if n != 9]
    assert len(set(drawn)) == len(drawn) > 0, "repeated words move one after the other"
    inputs, outputs = (m[:1] for m in _matrices())
    near, targets = inputs[0, 4].clone().requires_grad_(), outputs[0].clone().requires_grad_()
    gain = torch.nn.functional.logsigmoid(near @ targets[9])
    gain = gain + sum(torch.nn.functional.logsigmoid(-(near @ targets[n])) for n in drawn)
    gain.backward()
    learn_block(inputs, outputs, block, noise, Rule(cbow=False, negative=4, lr=0.1, seed=7))
    torch.testing.assert_close(
        inputs[0, 4], (near + 0.1 * near.grad).detach(), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(
        outputs[0], (targets + 0.1 * targets.grad).detach(), rtol=1e-5, atol=1e-6
    )


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    rule, before = Rule(cbow=False, negative=5, lr=0.05, seed=7), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(_learnt(_block(), rule, is_native=True))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_merging_adds_the_changes_of_all_workers_up() -> None:
    base = torch.arange(6.0).reshape(2, 3)
    copies = torch.stack([base + 1, base - 0.25])
    merge(base, copies)
    assert torch.equal(base, torch.arange(6.0).reshape(2, 3) + 0.75)
    assert torch.equal(copies[0], base)
    assert torch.equal(copies[1], base)


def test_words_are_drawn_as_often_as_the_table_says() -> None:
    noise, random = _noise(), Random(5)
    wanted = torch.zeros(VOCAB)
    for column in range(VOCAB):
        wanted[column] += noise.share[column] / VOCAB
        wanted[int(noise.alias[column])] += (1 - noise.share[column]) / VOCAB
    drawn = torch.bincount(
        torch.tensor([random.draw(noise) for _ in range(20_000)]), minlength=VOCAB
    )
    assert float((drawn / 20_000 - wanted).abs().max()) < 0.01
