"""g2p-en: English spelling to pronunciation. A GRU reads the letters, another writes phonemes from its last state.

Weights in torch's layout in a numpy archive; no attention. Letters and phonemes with their stress (ARPAbet).
"""

import unicodedata

from zhixing.checkpoint.foreign.arrays import read_npz, take
from zhixing.checkpoint.foreign.folder import Imported, build
from zhixing.corpus.archive import Archive
from zhixing.model.sequence_config import SequenceToSequenceConfig

VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
"""END ends letters and phonemes, BEGIN begins phonemes alone."""
LETTERS = ("<pad>", UNKNOWN, END, *"abcdefghijklmnopqrstuvwxyz")
PHONEMES = (
    "<pad>",
    UNKNOWN,
    BEGIN,
    END,
    *sorted([*CONSONANTS.split(), "UW", *(v + stress for v in VOWELS.split() for stress in "012")]),
)
WEIGHTS = "*g2p_en/checkpoint20.npz"
LONGEST = 20
"""Phonemes that the original writes at most."""

_NAMES = {"enc_emb": "embed_source.weight", "dec_emb": "embed.weight"} | {
    f"{theirs}_{short}": f"{ours}.{long}"
    for theirs, ours in (("enc", "encoder.passes.0.0"), ("dec", "decoder.0"))
    for short, long in (
        ("w_ih", "weight_ih"),
        ("w_hh", "weight_hh"),
        ("b_ih", "bias_ih"),
        ("b_hh", "bias_hh"),
    )
}
_NAMES |= {"fc_w": "unembed.weight", "fc_b": "unembed.bias"}


def read(archive: Archive) -> Imported:
    """The model of the package. Raises CheckpointError when its weights are not as expected."""
    ((name, content),) = archive.members(WEIGHTS)
    tensors = take(read_npz(content, where=name), _NAMES, where=name)
    config = SequenceToSequenceConfig(
        cell="gru",
        embedding=256,
        width=256,
        bidirectional=False,
        attention="none",
        input_feeding=False,
        output_bias=True,
        source_vocab=len(LETTERS),
        start=PHONEMES.index(BEGIN),
    )
    return build(config, {"source": LETTERS, "target": PHONEMES}, "target", tensors)


def spell(word: str) -> list[int]:
    """The ids of a word's letters without accents and capitals, and of the end."""
    plain = "".join(
        c for c in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(c) != "Mn"
    )
    places = {letter: place for place, letter in enumerate(LETTERS)}
    return [*(places.get(letter, places[UNKNOWN]) for letter in plain), places[END]]
