"""Texts that break tokenizers, in both languages."""

from tests.tokenizer.material import CHINESE, ENGLISH

TORTURE = [
    *ENGLISH,
    *CHINESE,
    "Hello world! 你好",
    "Hello 世界, 你好吗?",
    "",
    " ",
    "   ",
    " leading",
    "trailing ",
    "  two  spaces   inside  ",
    "tab\tand\nnew\r\nlines\n\n\n  indented\n",
    "\n",
    "emoji 😀👍🏽 family 👨‍👩‍👧‍👦 flag 🇨🇳 heart ❤️ keycap 1️⃣",
    "combining: cafe\u0301 e\u0301\u0323 a\u0300\u0301\u0302\u0303 n\u0303",
    "ｆｕｌｌ－ｗｉｄｔｈ　ＡＢＣ１２３，。！？“”",
    "繁體中文：學而時習之，不亦說乎？臺灣、香港與澳門。",
    "mixed中文English混合123数字abc。def",
    "control\x00\x01\x1f\x7f\x80\x85chars",
    "zero\u200bwidth\u200cjoin\u200der\ufeffmark\u2060end",
    "nbsp\u00a0and\u2003em\u3000space\u2028line\u2029para",
    "a" * 300,
    "supercalifragilistic" * 12,
    "人" * 150,
    "____====----....++++////    ####",
    "𠮷野家 𝕳𝖊𝖑𝖑𝖔 ﬁ ﬂ Ⅷ ① ㍿ ½",
    "İstanbul ẞ ß ǆ Σας ÅÄÖ naïve",
    "العربية עברית हिन्दी ไทย 한국어 日本語 かな",
    "don't I'm you've we're she'll it's they'd n't ' '' . , ! ?",
    "https://example.org/a?b=c&d=e#f user@example.com C:\\path\\文件.txt",
    "x = {'a': [1, 2.5e-3], \"b\": None}  # 注释",
    "1234567890 3.14159 1,000,000 ２０２６年11月",
    "▁meta▁space ▁ ▁▁",
    "Ġbyte Ċlevel ##piece @@bpe </w>",
    "\ufffd replacement \U0010ffff \ue000private",
]
"""Where reference libraries are asked for the same ids."""

LOOK_ALIKES = [
    "a</s>b<s>c<unk><pad><mask>",
    "[CLS] x [SEP] y [MASK] [PAD] [UNK]",
    "<|endoftext|><|im_start|>system\n<|im_end|>",
    "<extra_id_0> <0x0A> <0xE4> >>fr<< [INST] [/INST]",
]
"""Texts that spell special tokens; none may become one."""
