"""Labelled documents as examples: copies out before the split, nothing said twice, and what has no label is refused."""

import json
import random
from pathlib import Path

import pytest

from tests.tiny import WORDS
from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.document import Document
from zhixing.corpus.labelled import Form, write_labelled
from zhixing.corpus.parts import part_of, same


def documents(rows: list[tuple[str, str]]) -> list[Document]:
    return [
        Document(id=f"{number}", text=text, source="own", language="zh", meta={"label": label})
        for number, (text, label) in enumerate(rows)
    ]


def read(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {
        path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in folder.glob("*.jsonl")
    }


def texts(folder: Path) -> list[str]:
    return [row["text"] for each in read(folder).values() for row in each]


def prose(count: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def test_a_text_is_in_one_part_once_whatever_its_spaces_and_case(tmp_path: Path) -> None:
    rows = [(f"第{n}条评论 Good", "positive" if n % 2 else "negative") for n in range(300)]
    copies = [(text.lower().replace(" ", "  "), label) for text, label in rows]
    written = write_labelled(documents(rows + copies), tmp_path)
    found = read(tmp_path)
    assert (written.copies, written.near_copies, written.empty) == (300, 0, 0)
    assert {part: len(each) for part, each in found.items()} == written.parts == written.documents
    keys = [same(row["text"]) for each in found.values() for row in each]
    assert sorted(keys) == sorted({same(text) for text, _ in rows})
    assert 15 <= len(found["test"]) <= 50
    assert all(part_of(same(row["text"])) == part for part, each in found.items() for row in each)
    assert {row["text"]: row["label"] for each in found.values() for row in each} == dict(rows)


def test_a_text_under_two_labels_is_left_out(tmp_path: Path) -> None:
    rows = [("好", "positive"), ("好", "negative"), ("很好", "positive")]
    written = write_labelled(documents(rows), tmp_path)
    assert written.contradictory == 1
    assert texts(tmp_path) == ["很好"]


def test_of_a_campaign_one_mail_is_kept(tmp_path: Path) -> None:
    offer, other = prose(60, seed=1), prose(60, seed=2)
    mails = [f"Dear {name}, {offer}" for name in ("Anna", "Otto", "Lina")]
    rows = [(text, "spam") for text in mails] + [(other, "ham")]
    written = write_labelled(documents(rows), tmp_path)
    assert (written.copies, written.near_copies) == (0, 2)
    assert sorted(texts(tmp_path)) == sorted([mails[0], other])


def test_near_copies_share_seven_tenths_of_their_runs(tmp_path: Path) -> None:
    """60 words have 56 runs of five; of n words in front that are the same n - 4 are shared, of 112 - (n - 4)."""
    for shared, num_copies in ((49, 0), (51, 1)):  # 45 / 67 = 0.67, 47 / 65 = 0.72
        start = prose(shared, seed=1)
        rows = [(f"{start} {prose(60 - shared, seed=seed)}", "spam") for seed in (2, 3)]
        assert write_labelled(documents(rows), tmp_path).near_copies == num_copies


def test_a_text_without_anything_is_no_example_and_marks_alone_are(tmp_path: Path) -> None:
    rows = [(" \n", "ham"), ("!!!", "spam"), ("???", "ham")]
    written = write_labelled(documents(rows), tmp_path)
    assert written.empty == 1
    assert sorted(texts(tmp_path)) == ["!!!", "???"]


def test_all_pieces_of_a_document_are_in_one_part_under_its_name(tmp_path: Path) -> None:
    rows = [(prose(150, seed=n), f"{n % 3}") for n in range(40)]
    written = write_labelled(documents(rows), tmp_path, form=Form(piece=300))
    found = read(tmp_path)
    assert sum(written.documents.values()) == 40
    assert sum(written.parts.values()) > 80
    parts: dict[str, set[str]] = {}
    for part, each in found.items():
        for row in each:
            assert len(row["text"]) <= 300
            parts.setdefault(row["document"], set()).add(part)
    assert len(parts) == 40
    assert all(len(each) == 1 for each in parts.values())
    whole = {f"{number}": text.split() for number, (text, _) in enumerate(rows)}
    pieces = {name: [] for name in parts}
    for each in found.values():
        for row in each:
            pieces[row["document"]] += row["text"].split()
    assert pieces == whole


def test_copies_are_found_by_what_is_compared(tmp_path: Path) -> None:
    offer = prose(60, seed=1)
    rows = [(f"{name}: {offer}", "spam") for name in ("Anna", "Otto")]
    form = Form(compared=lambda text: text.partition(": ")[2])
    written = write_labelled(documents(rows), tmp_path, form=form)
    assert (written.copies, texts(tmp_path)) == (1, [rows[0][0]])
    (part,) = (part for part, each in read(tmp_path).items() if each)
    assert part == part_of(same(offer))


def test_one_of_several_labels_is_chosen_by_its_name(tmp_path: Path) -> None:
    meta = {"genre": "news", "group": "press"}
    document = Document(id="1", text="a", source="own", language="en", meta=meta)
    write_labelled([document], tmp_path / "genre")
    write_labelled([document], tmp_path / "group", form=Form(label="group"))
    labels = [
        [row["label"] for each in read(tmp_path / name).values() for row in each]
        for name in ("genre", "group")
    ]
    assert labels == [["news"], ["press"]]
    with pytest.raises(DataError, match=r"own has no colour to learn \(1 has genre, group\)"):
        write_labelled([document], tmp_path / "none", form=Form(label="colour"))


def test_documents_without_labels_are_refused(tmp_path: Path) -> None:
    plain = Document(id="1", text="a", source="own", language="en")
    with pytest.raises(DataError, match="own has no label or genre"):
        write_labelled([plain], tmp_path)
    assert not list(tmp_path.glob("*.jsonl"))


def test_pieces_of_a_few_characters_are_refused() -> None:
    with pytest.raises(UsageError, match="--piece 20"):
        Form(piece=20)
