"""Who does what to whom, by a rule over parts of speech: roles that stand in for annotated ones, and are none.

    The   man  in  the  house  has  not   read  it   in   May
    at    nn   in  at   nn     hvz  *     vbn   ppo  in   np      parts of speech: what the rule sees
    d     n    l   d    n      h    *     !     p    l    n       one letter a word, the predicate is !
    ARG0 - - - - - - - - -          NEG   V     ARG1 TMP - -      what a model has to say from the words alone

No treebank of roles can be had freely, so a tagger of roles is shown at work on these. They are as good as the rule: a
subject is the noun phrase before the verb group, with its "in" and "of" phrases; an object the one behind it; 把 puts the
object before the verb and 被 the agent, as "be" with a participle turns subject into object. Coordination, control and
everything far away is missed. Labels are those of PropBank (Palmer, Gildea & Kingsbury 2005); the idea of finding roles by
patterns of phrases is Gildea & Jurafsky's baseline (2002).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

Role = tuple[str, int, int]
"""Label, first word, and the word behind the last."""
Rule = Callable[[Sequence[str], Sequence[str], int], list[Role]]
"""Words, their parts of speech and the place of the predicate -> its arguments."""

_ENGLISH_NOUNS = "(?:[dej]*n+|p|e)"
_ENGLISH_PHRASE = f"{_ENGLISH_NOUNS}(?:f{_ENGLISH_NOUNS})*"
_ENGLISH_LEFT = re.compile(
    f"(?:(?P<subject>{_ENGLISH_PHRASE}(?:[ily]{_ENGLISH_PHRASE})*),?(?P<which>w)?)?(?P<group>[mbhor*]*)$"
)
_ENGLISH_RIGHT = re.compile(f"x?(?P<object>s[^.;]*|{_ENGLISH_PHRASE})?x?")
_ENGLISH_BEHIND = re.compile(f"[lyu]{_ENGLISH_PHRASE}")
_ENGLISH_LETTERS = {
    **dict.fromkeys(("at", "pp$"), "d"),
    **dict.fromkeys(("dt", "dti", "dts", "dtx", "ap", "abn", "abx", "abl", "cd", "od"), "e"),
    **dict.fromkeys(("jj", "jjr", "jjs", "jjt"), "j"),
    **dict.fromkeys(("nn", "nns", "np", "nps", "nr", "nrs"), "n"),
    **dict.fromkeys(("pps", "ppss", "ppo", "ppl", "ppls", "pp$$", "pn"), "p"),
    **dict.fromkeys(("vb", "vbd", "vbg", "vbn", "vbz"), "v"),
    **dict.fromkeys(("be", "bed", "bedz", "beg", "bem", "ben", "ber", "bez"), "b"),
    **dict.fromkeys(("hv", "hvd", "hvg", "hvn", "hvz"), "h"),
    **dict.fromkeys(("do", "dod", "doz"), "o"),
    **dict.fromkeys(("rb", "rbr", "rbt", "ql", "qlp"), "r"),
    **dict.fromkeys(("wps", "wpo", "wdt"), "w"),
    "md": "m", "rp": "x", "to": "z", "cc": "c", "in": "i", "cs": "c", "*": "*",
}  # fmt: skip
_ENGLISH_WORDS = {
    ("in", "of"): "f", ("in", "to"): "y", ("in", "by"): "u", ("cs", "that"): "s",
    ("in", "in"): "l", ("in", "on"): "l", ("in", "at"): "l",
}  # fmt: skip
_TIMES = frozenset(
    re.findall(
        r"\w+",
        "time day days year years month months week weeks morning night evening afternoon moment hour hours minute minutes "
        "century spring summer autumn winter january february march april may june july august september october november "
        "december monday tuesday wednesday thursday friday saturday sunday",
    )
)
_IN_THE_GROUP = {"m": "ARGM-MOD", "*": "ARGM-NEG", "r": "ARGM-ADV"}

_CHINESE_PHRASE = "(?:(?:[npqa]+k)*[npqa]*[np])"
_CHINESE_LEFT = re.compile(
    f"(?:(?P<when>t+),?)?(?P<subject>{_CHINESE_PHRASE})?(?P<middle>(?:[r*tm]|[liBU]{_CHINESE_PHRASE}f?)*)$"
)
_CHINESE_MIDDLE = re.compile(f"t+|[r*m]|[liBU]{_CHINESE_PHRASE}f?")
_CHINESE_RIGHT = re.compile(f"x?(?P<object>{_CHINESE_PHRASE})?")
_CHINESE_MIDDLE_ROLES = {**_IN_THE_GROUP, "t": "ARGM-TMP", "l": "ARGM-LOC", "B": "ARG1", "U": "ARG0"}  # fmt: skip
_CHINESE_LETTERS = {
    **dict.fromkeys(("n", "nr", "ns", "nt", "nz", "nx", "Ng", "an", "vn", "s", "j"), "n"),
    **dict.fromkeys(("m", "q", "mq"), "q"),
    **dict.fromkeys(("a", "b", "Ag", "z"), "a"),
    **dict.fromkeys(("d", "ad", "vd", "Dg"), "r"),
    **dict.fromkeys(("t", "Tg"), "t"),
    "r": "p", "v": "v", "p": "i", "f": "f", "c": "c",
}  # fmt: skip
_CHINESE_WORDS = {
    **dict.fromkeys(("不", "没", "没有", "未", "未能", "别"), "*"),
    **dict.fromkeys(("能", "能够", "可", "可以", "会", "要", "应", "应该", "应当", "必须", "得", "愿", "愿意", "敢", "肯"), "m"),
    **dict.fromkeys(("在", "于"), "l"),
    **dict.fromkeys(("把", "将"), "B"),
    **dict.fromkeys(("被", "由"), "U"),
    **dict.fromkeys(("了", "着", "过"), "x"),
    "的": "k", "，": ",",
}  # fmt: skip
_CHINESE_WORDS_ARE = {
    "*": "dv", "m": "v", "l": "p", "B": "pd", "U": "p", "x": "u", "k": "u", ",": "w"
}  # fmt: skip


def english_roles(words: Sequence[str], tags: Sequence[str], predicate: int) -> list[Role]:
    """The arguments of a verb, from tags of the Brown corpus."""
    letters = "".join(map(_english_letter, words, tags))
    left = _ENGLISH_LEFT.search(letters[:predicate])
    assert left is not None, "every part of the pattern may be empty"
    group = left["group"]
    is_passive = tags[predicate] == "vbn" and ("b" in group or "h" not in group)
    about = "ARG1" if is_passive else "ARG0"
    found = _spans(left, {"subject": about, "which": f"R-{about}"})
    found += [
        (_IN_THE_GROUP[letter], place, place + 1)
        for place, letter in enumerate(group, start=left.start("group"))
        if letter in _IN_THE_GROUP
    ]
    right = _ENGLISH_RIGHT.match(letters, predicate + 1)
    assert right is not None, "every part of the pattern may be empty"
    found += _spans(right, {"object": "ARG2" if is_passive else "ARG1"})
    taken = {role for role, *_ in found}
    start = right.end()
    while behind := _ENGLISH_BEHIND.match(letters, start):
        start = behind.end()
        role = _behind(behind[0][0], words[start - 1].lower(), is_passive)
        if role not in taken:
            found.append((role, behind.start(), start))
            taken.add(role)
    return found


def chinese_roles(words: Sequence[str], tags: Sequence[str], predicate: int) -> list[Role]:
    """The arguments of a verb, from words and tags of the People's Daily."""
    letters = "".join(map(_chinese_letter, words, tags))
    left = _CHINESE_LEFT.search(letters[:predicate])
    assert left is not None, "every part of the pattern may be empty"
    is_passive = "U" in left["middle"]
    found = _spans(left, {"when": "ARGM-TMP", "subject": "ARG1" if is_passive else "ARG0"})
    for piece in _CHINESE_MIDDLE.finditer(letters, left.start("middle"), predicate):
        if role := _CHINESE_MIDDLE_ROLES.get(piece[0][0]):
            found.append((role, piece.start(), piece.end()))
    right = _CHINESE_RIGHT.match(letters, predicate + 1)
    assert right is not None, "every part of the pattern may be empty"
    is_said = any(role == "ARG1" for role, *_ in found)
    return found + _spans(right, {"object": "ARG2" if is_said else "ARG1"})


def predicates(
    rule: Rule, words: Sequence[str], tags: Sequence[str]
) -> Iterator[tuple[int, list[str]]]:
    """The place of each verb that has an argument, and the BIO tags of its roles."""
    letter = _english_letter if rule is english_roles else _chinese_letter
    for place, pair in enumerate(zip(words, tags, strict=True)):
        if letter(*pair) != "v":
            continue
        found = rule(words, tags, place)
        if any(role in ("ARG0", "ARG1") for role, *_ in found):
            yield place, role_tags(found, len(words), place)


def role_tags(found: Sequence[Role], size: int, predicate: int) -> list[str]:
    """BIO tags of roles, and V at the predicate."""
    tags = ["O"] * size
    for role, start, end in (*found, ("V", predicate, predicate + 1)):
        tags[start:end] = [f"B-{role}", *[f"I-{role}"] * (end - start - 1)]
    return tags


def _spans(match: re.Match[str], roles: Mapping[str, str]) -> list[Role]:
    return [(role, *match.span(name)) for name, role in roles.items() if match[name]]


def _behind(letter: str, last: str, is_passive: bool) -> str:
    """The role of a phrase behind the verb, by its preposition and its last word."""
    if letter == "l":
        is_year = last.isdigit() and len(last) == 4
        return "ARGM-TMP" if last in _TIMES or is_year else "ARGM-LOC"
    if letter == "u":
        return "ARG0" if is_passive else "ARGM-MNR"
    return "ARG2"


def _english_letter(word: str, tag: str) -> str:
    """Of I'll/ppss+md the first part counts, of can't/md* what is negated; a genitive stands before its noun."""
    plain = tag.split("+")[0]
    if len(plain) > 1:
        plain = plain.removesuffix("*")
    if plain.startswith("n") and plain.endswith("$"):
        return "d"
    if plain in (".", ",", ";"):
        return plain
    return _ENGLISH_WORDS.get((plain, word.lower())) or _ENGLISH_LETTERS.get(plain, "?")


def _chinese_letter(word: str, tag: str) -> str:
    letter = _CHINESE_WORDS.get(word)
    if letter and tag[:1] in _CHINESE_WORDS_ARE[letter]:
        return letter
    return _CHINESE_LETTERS.get(tag, "?")


RULES: Mapping[str, Rule] = {"en": english_roles, "zh": chinese_roles}
"""Language -> its rule."""
