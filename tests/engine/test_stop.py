"""Stop strings, whatever the pieces the text comes in."""

from hypothesis import given
from hypothesis import strategies as st

from zhixing.engine.stop import StopStrings


def feed(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    watch = StopStrings(stops)
    text = ""
    for piece in pieces:
        shown = watch.push(piece)
        text += shown.text
        if shown.is_stopped:
            return text, True
    return text + watch.finish(), False


def reference(text: str, stops: list[str]) -> tuple[str, bool]:
    """Grow the text by one character; the first stop string at its end cuts it (the longest of several)."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))], True
    return text, False


def cut(text: str, places: list[int]) -> list[str]:
    ends = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:stop] for start, stop in zip(ends, ends[1:], strict=False)]


@given(
    st.text(alphabet="ab。", max_size=14),
    st.lists(st.text(alphabet="ab。", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(0, 20), max_size=6),
)
def test_the_cut_does_not_depend_on_the_pieces(
    text: str, stops: list[str], places: list[int]
) -> None:
    assert feed(cut(text, places), stops) == reference(text, stops)


@given(
    st.text(alphabet="ab。", max_size=14),
    st.lists(st.text(alphabet="ab。", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_what_was_shown_is_never_taken_back(text: str, stops: list[str]) -> None:
    watch = StopStrings(stops)
    shown = ""
    final, _ = reference(text, stops)
    for character in text:
        step = watch.push(character)
        shown += step.text
        assert final.startswith(shown)
        if step.is_stopped:
            break


def test_text_is_held_only_while_a_stop_string_may_be_starting() -> None:
    watch = StopStrings(["\n\n", "用户："])
    assert [watch.push(piece).text for piece in ("a", "\n", "b", "用", "户", "家")] == [
        "a",
        "",
        "\nb",
        "",
        "",
        "用户家",
    ]
