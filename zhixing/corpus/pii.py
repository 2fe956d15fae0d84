"""Mask personal data: e-mail, phone, network address, payment card, Chinese bank card, Chinese resident number.

A coarse pattern finds the few places that could hold something; then whatever has a checksum, a numbering plan or
a calendar must pass it: Luhn (ISO/IEC 7812), GB 11643 (ISO 7064 MOD 11-2) with a real date, the world's phone
plans (libphonenumber). What looks like a version, a date, an ISBN, a hash, an address in a URL or an amount of
money stays: text with half its numbers masked teaches a model nothing. `mask` changes nothing the second time.

Addresses reserved for examples (192.0.2.1, example.org) are masked like real ones. Left out: names, postal addresses, 15-digit resident numbers (no checksum), addresses of one's own machine
(127.0.0.1, ::1), and anything written out in words.
"""

# ruff: noqa: SIM905 - long word lists read better as text than as quoted literals

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, NamedTuple

from zhixing.core.errors import MissingExtraError

EMAIL, PHONE, IP, CARD, BANK_CARD, CHINESE_ID = (
    "email",
    "phone",
    "ip",
    "card",
    "bank_card",
    "chinese_id",
)
KINDS = (EMAIL, PHONE, IP, CARD, BANK_CARD, CHINESE_ID)
MASKS = {kind: f"<{kind.upper()}>" for kind in KINDS}

FULL_WIDTH = re.compile("[０-９＠．－＋（）]")
TO_ASCII = {
    wide: narrow
    for wide, narrow in zip("０１２３４５６７８９＠．－＋（）", "0123456789@.-+()", strict=True)
}
NOT_AFTER_MASK = "".join(f"(?<!{mask})" for mask in MASKS.values())
NOT_BEFORE_MASK = f"(?!{'|'.join(MASKS.values())})"

# Where something could be: quick to scan for, since each begins with a small set of characters.
DIGIT_RUN = re.compile(r"\d(?:[ ().-]{0,2}\d){6,}[Xx]?")
DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
COLONS = re.compile(r"[23fF][0-9A-Fa-f]{3}:")

LOCAL_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._%+-]*[A-Za-z0-9_+-])?\Z")
URL_USER = re.compile(r"://[^/\s]*\Z")
LOCAL_LIMIT = 64
DOMAIN = re.compile(
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,18}"
    r"(?![A-Za-z0-9_(@]|[.-][A-Za-z0-9])" + NOT_BEFORE_MASK
)
IPV4_FORM = re.compile(
    NOT_AFTER_MASK
    + r"(?<![A-Za-z0-9_.+-])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9_]|[.-][A-Za-z0-9]|/\d)"
    + NOT_BEFORE_MASK
)
IPV6_FORM = re.compile(
    NOT_AFTER_MASK
    + r"(?<![A-Za-z0-9_.:])[23fF][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?:\d\.\d{1,3}\.\d{1,3}\.\d{1,3})?"
    r"(?![A-Za-z0-9_:]|\.[0-9]|/\d)" + NOT_BEFORE_MASK
)
# What may not touch a number. A mask is treated as the number it replaced was: otherwise masking one of a row of
# numbers would free the next, and a long row would take as many passes.
NOT_NEAR_MASK = NOT_AFTER_MASK + "".join(f"(?<!{mask} )" for mask in MASKS.values())
FREE_BEFORE = NOT_NEAR_MASK + r"(?<![A-Za-z0-9_$€£¥￥.+-])(?<!\d[ ,:])"
FREE_AFTER = r"(?![A-Za-z0-9_]|[.,:-]\d| \d)" + f"(?! ?(?:{'|'.join(MASKS.values())}))"
SOLID_BEFORE = NOT_AFTER_MASK + r"(?<![A-Za-z0-9_$€£¥￥.+-])"
SOLID_AFTER = r"(?![A-Za-z0-9_]|[.:-]\d|,\d{3}(?!\d))" + NOT_BEFORE_MASK
NOT_AN_AMOUNT = (
    r"(?!\s?(?:[多余]?[元吨万亿美米克人个次条件台字年月日吨升度]|bytes?|[kKMG]i?B|USD|RMB|%))"
)

ID_FORM = re.compile(SOLID_BEFORE + r"[1-9]\d{5}[ -]?(?:19|20)\d{6}[ -]?\d{3}[\dXx]" + SOLID_AFTER)
CARD_FORM = re.compile(
    SOLID_BEFORE
    + r"(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3\d{3}[ -]\d{6}[ -]\d{5}|\d{6} \d{13})"
    + SOLID_AFTER
)
CARD_PREFIX = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}"
)
BANK_CARD_PREFIX = re.compile(r"62\d{14,17}|81\d{14,17}|9558\d{12,15}")
CHINESE_PHONE = re.compile(
    SOLID_BEFORE
    + r"(?:(?:\+86|\(\+86\)|0086|86)[ -]?)?1[3-9]\d(?:\d{8}|([ -])\d{4}\1\d{4})"
    + SOLID_AFTER
    + NOT_AN_AMOUNT
)
CHINESE_LINE = re.compile(FREE_BEFORE + r"(?:\(0\d{2,3}\) ?|0\d{2,3}-)[2-9]\d{6,7}" + FREE_AFTER)
AMERICAN_PHONE = re.compile(
    FREE_BEFORE + r"(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))\d{3}[ .-]\d{4}" + FREE_AFTER
)
BRITISH_PHONE = re.compile(FREE_BEFORE + r"\(?0\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}" + FREE_AFTER)
WORLD_PHONE = re.compile(
    NOT_AFTER_MASK + r"(?<![A-Za-z0-9_+)\]])\+[1-9](?:[ ().-]{0,2}\d){6,14}" + FREE_AFTER
)
BARE_PHONE = re.compile(
    NOT_AFTER_MASK + r"(?<![A-Za-z0-9_.+-])[(]?\d(?:[ ().-]{0,2}\d){6,12}" + FREE_AFTER
)

# Words that decide what a number is. Nothing of a mask can stand between the word and the number.
CALLS_PHONE = re.compile(
    r"(?:\b(?:tele)?phone|\btel|\bmobile|\bcell|\bfax|\bcall|\bwhatsapp|电话|手机|热线|致电|传真|联系方式)"
    r"(?: (?:number|no|me|us|at|on|is))*(?:号码|号|是|为)?[\s:：.#=]{0,4}\(?\+?\Z",
    re.IGNORECASE,
)
CALLS_ADDRESS = re.compile(
    r"(?:\bip(?:v4)?|\baddress|\bhost|\bserver|\bping|\bssh|\bdns|\bgateway|\bfrom|//|@|地址|主机|服务器|网关)"
    r"(?: (?:address|is|at))*[\s:：=是为]{0,4}\Z",
    re.IGNORECASE,
)
CALLS_OTHER = re.compile(
    r"(?:\bv|\bversions?|\bver|\bisbn(?:-1[03])?|\bissn|\bdoi|\brfc|\bpmid|\bsection|\bchapter|\bchannel|版本|版|书号|刊号|章|节|订单号|编号)"
    r"[\s:：.#=]{0,4}\Z",
    re.IGNORECASE,
)
CODE_CALL = re.compile(r"[a-z]\w*[._]\w+\(\Z")
FILE_ENDINGS = frozenset(
    "png jpg jpeg gif svg webp bmp css js html json txt xml yaml yml zip gz".split()
)
PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91".split()
)
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
OLDEST_BIRTH, LATEST_BIRTH = 1900, 2039


class Found(NamedTuple):
    """One piece of personal data: characters `start` to `end` of the text, and its kind (one of KINDS)."""

    start: int
    end: int
    kind: str


def mask(text: str) -> tuple[str, Mapping[str, int]]:
    """`text` with personal data replaced by <EMAIL>, <PHONE>, ..., and how many of each kind there were.

    Kinds that do not occur are not in the counts. Raises MissingExtraError without phonenumbers, if the text has
    something like a phone number.
    """
    counts: Counter[str] = Counter()
    while found := find(
        text
    ):  # what a mask leaves beside it may now stand alone: go on until nothing is found
        pieces, at = [], 0
        for start, end, kind in found:
            pieces += [text[at:start], MASKS[kind]]
            counts[kind] += 1
            at = end
        text = "".join(pieces) + text[at:]
    return text, dict(counts)


def find(text: str) -> list[Found]:
    """Personal data in `text`, in order, without overlaps."""
    plain = FULL_WIDTH.sub(lambda wide: TO_ASCII[wide[0]], text)  # the same length
    found: list[Found] = []
    if "@" in plain:
        found += _emails(plain)
    found += _addresses(text)  # nobody writes them full-width; tables of decimals are written so
    for run in DIGIT_RUN.finditer(plain):
        start = run.start()
        while start > 0 and plain[start - 1] in "+(" and run.start() - start < 2:
            start -= 1
        found += _numbers(plain, start, min(run.end() + 16, len(plain)))
    return _without_overlaps(found)


def _emails(text: str) -> Iterator[Found]:
    at = text.find("@")
    while at >= 0:
        local = LOCAL_PART.search(text[max(0, at - LOCAL_LIMIT - 1) : at])
        domain = DOMAIN.match(text, at) if local else None
        if local and domain and _is_email(text, local[0], domain):
            yield Found(at - len(local[0]), domain.end(), EMAIL)
        at = text.find("@", at + 1)


def _is_email(text: str, local: str, domain: re.Match[str]) -> bool:
    """Not a file name (image@2x.png), not an SSH address (git@host:path), not part of another name."""
    start = domain.start() - len(local)
    is_file = domain[0].rsplit(".", 1)[1].lower() in FILE_ENDINGS
    is_git = local == "git" and text[domain.end() : domain.end() + 1] in (":", "/")
    follows_mask = text[max(0, start - 12) : start].endswith(tuple(MASKS.values()))
    is_url_user = URL_USER.search(text[max(0, start - 80) : start])
    is_well_formed = len(local) <= LOCAL_LIMIT and ".." not in local
    return is_well_formed and not (is_file or is_git or is_url_user or follows_mask)


def _addresses(text: str) -> Iterator[Found]:
    for place in DOTTED.finditer(text):
        match = IPV4_FORM.match(text, place.start())
        if match and _is_personal_ipv4(match[0], text[max(0, match.start() - 24) : match.start()]):
            yield Found(*match.span(), IP)
    for place in COLONS.finditer(text):
        match = IPV6_FORM.match(text, place.start())
        if match is None:
            continue
        end = match.end() - (match[0].endswith(":") and not match[0].endswith("::"))
        try:
            address = IPv6Address(text[match.start() : end])
        except AddressValueError:
            continue
        if not address.is_multicast:
            yield Found(match.start(), end, IP)


def _is_personal_ipv4(form: str, before: str) -> bool:
    """An address of someone's machine, and not a version or section number such as 1.2.3.4."""
    try:
        address = IPv4Address(form)
    except AddressValueError:
        return False
    is_own = address.is_loopback or address.is_link_local
    if is_own or address.is_multicast or address.packed[0] in (0, 255):
        return False
    if CALLS_OTHER.search(before):
        return False
    looks_like_version = address.packed[0] != 10 and max(address.packed) < 32
    return not looks_like_version or CALLS_ADDRESS.search(before) is not None


def _numbers(text: str, start: int, end: int) -> Iterator[Found]:
    """What a run of digits holds, the strictest test first. `end` lets the patterns see what follows it."""
    for kind, form, is_valid in NUMBER_FORMS:
        for match in form.finditer(text, start, end):
            before = text[max(0, match.start() - 32) : match.start()]
            is_other = CALLS_OTHER.search(before) or _is_in_url(text, match.start())
            if not is_other and is_valid(match[0], before):
                yield Found(*match.span(), kind)


def _is_in_url(text: str, start: int) -> bool:
    """Whether a path leads up to `start`; the value of a query (?phone=...) does not count."""
    before = text[max(0, start - 200) : start]
    word = before.split()[-1:] if before and not before[-1].isspace() else []
    return bool(word) and "://" in word[0] and not word[0].endswith("=")


def _digits(form: str) -> str:
    return re.sub(r"\D", "", form)


def _is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn checksum of the others."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    total = sum(map(int, digits[::-2])) + sum(value - 9 * (value > 9) for value in doubled)
    return total % 10 == 0 and len(set(digits)) > 1


def _is_card(form: str, before: str) -> bool:
    digits = _digits(form)
    is_argument = CODE_CALL.search(before) is not None
    return not is_argument and CARD_PREFIX.fullmatch(digits) is not None and _is_luhn(digits)


def _is_bank_card(form: str, before: str) -> bool:
    digits = _digits(form)
    return BANK_CARD_PREFIX.fullmatch(digits) is not None and _is_luhn(digits)


def _is_chinese_id(form: str, before: str) -> bool:
    """Province, calendar date and the check character of GB 11643."""
    number = re.sub(r"[ -]", "", form).upper()
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    if number[:2] not in PROVINCES or not OLDEST_BIRTH <= year <= LATEST_BIRTH:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(ID_WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11] == number[17]


def _is_chinese_mobile(form: str, before: str) -> bool:
    digits = _digits(form)[-11:]
    return not digits.endswith("00000") and _in_plan(digits, "CN")


def _is_chinese_line(form: str, before: str) -> bool:
    return _in_plan(form, "CN")


def _is_american(form: str, before: str) -> bool:
    """Written as phones are; with spaces or dots alone, which other numbers have too, it must be in the plan."""
    if form.count("-") >= 2 or "(" in form or form.startswith("+"):
        return True
    return _in_plan(form, "US")


def _is_british(form: str, before: str) -> bool:
    return _in_plan(form, "GB")


def _is_international(form: str, before: str) -> bool:
    is_decimal = re.fullmatch(r"\+\d+\.\d+", form) is not None
    return not is_decimal and _in_plan(form, None)


def _is_called_phone(form: str, before: str) -> bool:
    if CALLS_PHONE.search(before) is None:
        return False
    return any(_in_plan(form, region) for region in ("CN", "US", "GB"))


NUMBER_FORMS = (
    (CHINESE_ID, ID_FORM, _is_chinese_id),
    (BANK_CARD, CARD_FORM, _is_bank_card),
    (CARD, CARD_FORM, _is_card),
    (PHONE, CHINESE_PHONE, _is_chinese_mobile),
    (PHONE, CHINESE_LINE, _is_chinese_line),
    (PHONE, AMERICAN_PHONE, _is_american),
    (PHONE, BRITISH_PHONE, _is_british),
    (PHONE, WORLD_PHONE, _is_international),
    (PHONE, BARE_PHONE, _is_called_phone),
)


def _in_plan(form: str, region: str | None) -> bool:
    """Whether the number exists in a region's plan (None: its own country code says which)."""
    phonenumbers = _phonenumbers()
    try:
        number = phonenumbers.parse(form, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))


def _phonenumbers() -> Any:
    try:
        import phonenumbers
    except ImportError as error:
        raise MissingExtraError("phonenumbers", "data", "masking phone numbers") from error
    return phonenumbers


def _without_overlaps(found: list[Found]) -> list[Found]:
    """In order of position; of two that overlap the first found, which had the stricter test."""
    taken: list[Found] = []
    order = sorted(range(len(found)), key=lambda index: (found[index].start, index))
    for candidate in (found[index] for index in order):
        if not taken or candidate.start >= taken[-1].end:
            taken.append(candidate)
    return taken
