"""Where the checkpoints are to be had. None of them is part of this project."""

from zhixing.corpus.catalogue import Entry, Origin

TEXTGENRNN = Entry(
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
)
G2P_EN = Entry(
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
)
G2PM = Entry(
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
)
CHECKPOINTS = {entry.name: entry for entry in (TEXTGENRNN, G2P_EN, G2PM)}
"""Name -> where it is to be had."""
