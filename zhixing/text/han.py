"""Chinese characters as ranges for the square brackets of a regular expression (blocks of Unicode 15.1).

COMMON       the block of all but rare characters, 4E00-9FFF
BASIC        and extension A, and the characters that are there for compatibility: all of the basic plane
IDEOGRAPHS   and extensions B to H
HAN          and 々〆〇, which stand in words like characters
"""

import re

COMMON = "\u4e00-\u9fff"
BASIC = f"\u3400-\u4dbf{COMMON}\uf900-\ufaff"
IDEOGRAPHS = f"{BASIC}\U00020000-\U000323af"
HAN = f"\u3005-\u3007{IDEOGRAPHS}"
HAS_HAN = re.compile(f"[{HAN}]")
