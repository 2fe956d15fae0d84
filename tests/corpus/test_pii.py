import pydoc_data.topics
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.growth import LIMIT, growth
from zhixing.corpus.pii import find, mask

PERSONAL = [
    ("Mail a.b@example.com.", "Mail <EMAIL>.", "email"),
    ("邮箱zhang_san@qq.com请联系", "邮箱<EMAIL>请联系", "email"),
    ("我的手机号是13812345678，谢谢", "我的手机号是<PHONE>，谢谢", "phone"),
    ("电话+86 138 1234 5678。", "电话<PHONE>。", "phone"),
    ("１３８１２３４５６７８", "<PHONE>", "phone"),
    ("010-62783456", "<PHONE>", "phone"),
    ("（010）62783456", "<PHONE>", "phone"),
    ("call (415) 555-2671 now", "call <PHONE> now", "phone"),
    ("+1 415 555 0132", "<PHONE>", "phone"),
    ("+44 20 7946 0958", "<PHONE>", "phone"),
    ("555-123-4567", "<PHONE>", "phone"),
    ("Tel: 4155552671", "Tel: <PHONE>", "phone"),
    ("<b>13800138000</b>", "<b><PHONE></b>", "phone"),
    ("服务器地址192.168.1.100，", "服务器地址<IP>，", "ip"),
    ("from 203.0.113.7:8080", "from <IP>:8080", "ip"),
    ("ping 8.8.8.8", "ping <IP>", "ip"),
    ("at 2001:db8::1.", "at <IP>.", "ip"),
    ("在fe80::1ff:fe23:4567:890a上", "在<IP>上", "ip"),
    ("4111 1111 1111 1111", "<CARD>", "card"),
    ("4111111111111111 123", "<CARD> 123", "card"),
    ("378282246310005", "<CARD>", "card"),
    ("卡号6228480402564890018。", "卡号<BANK_CARD>。", "bank_card"),
    ("身份证号11010519491231002X。", "身份证号<CHINESE_ID>。", "chinese_id"),
    ("110105 19491231 002X", "<CHINESE_ID>", "chinese_id"),
]
INNOCENT = [
    "version 1.2.3.4 and 3.11.0.1, pip install x==1.2.3.4, 版本10.2.3.4",
    "127.0.0.1 0.0.0.0 255.255.255.0 ::1 192.0.2.0/24",
    "2024-01-15 12:30:45, 1998-1999 2000-2001, 20240115123456789",
    "ISBN 978-0-306-40615-7, ISBN 0-306-40615-2, 9787111213826",
    "550e8400-e29b-41d4-a716-446655440000 d41d8cd98f00b204e9800998ecf8427e 0x13812345678",
    "x[::2] a[1::2] std::vector<int> 2001:12:30 00:11:22:33:44:55:66:77",
    "1700000000 1700000000000 3.14159265358979323846 2**64 = 18446744073709551616",
    "@decorator.method git@github.com:a/b.git image@2x.png a@b",
    "1,234,567,890 12 34 56 78 90 12 总额15000000000元，约13912345678元",
    "https://example.com/item/13800138000 100-200-3000",
    "4111111111111112 6228480402564890019 110105194912310021 110105194913310020",
    "decorated with\n@asyncio.coroutine https://user:password@proxy.com/ Decimal('+35236450.6')",
    "np.random.default_rng(348932549825235) 169.254.169.254 ffff:ffff::1",
    "福州１．１０．２０．３\n长春１．５１．０１．３",
    "今天是一九九八年，人口12亿。 Plain English, and \ud800 😀.",
    "",
]


@pytest.mark.parametrize(("text", "masked", "kind"), PERSONAL)
def test_personal_data_is_masked_and_counted(text: str, masked: str, kind: str):
    assert mask(text) == (masked, {kind: 1})


@pytest.mark.parametrize("text", INNOCENT)
def test_numbers_that_are_nobodys_stay(text: str):
    assert mask(text) == (text, {})


def test_a_running_text_is_masked_kind_by_kind():
    text = "张三，电话:13800138000/13900139000，邮箱a@b.cn,c@d.cn，IP 10.0.0.1。"
    assert mask(text) == (
        "张三，电话:<PHONE>/<PHONE>，邮箱<EMAIL>,<EMAIL>，IP <IP>。",
        {"phone": 2, "email": 2, "ip": 1},
    )


def test_one_changed_digit_breaks_every_checksum():
    for number in ("4111111111111111", "6228480402564890018", "11010519491231002X"):
        for at in range(len(number) - 1):
            changed = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
            assert not find(changed), changed


def test_python_documentation_is_left_alone():
    text = "\n".join(pydoc_data.topics.topics.values())
    masked, counts = mask(text)
    assert (masked == text, counts) == (True, {})


def test_five_million_characters_are_looked_through_in_a_second():
    text = "\n".join(pydoc_data.topics.topics.values())

    def rate() -> float:
        began = time.process_time()
        mask(text)
        return len(text) / (time.process_time() - began)

    assert max(rate() for _ in range(5)) > 5e6


NUMBERS = [text for text, _, _ in PERSONAL] + INNOCENT[:-1]


@given(
    st.lists(
        st.sampled_from([*NUMBERS, " ", "-", ".", "1", "@", "tel ", "v", "/", "+"]), max_size=6
    ).map("".join)
)
@settings(max_examples=500, deadline=None)
def test_masking_twice_changes_nothing_more(text: str):
    masked, _ = mask(text)
    assert mask(masked) == (masked, {})


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        "a@",
        "a.",
        "13800138000",
        "13800138000-",
        "2001:",
        "1.1.1.1.",
        "+1",
        "a@b.cn",
        "tel 5",
        "13800138000 ",
        "555-123-4567 ",
        "4111 1111 1111 1111 ",
        "+1 415 555 0132 ",
        "010-62783456/",
        "1.1.1.1 ",
    ],
)
def test_one_very_long_line_takes_linear_time(piece: str):
    assert growth(lambda size: mask(piece * (size // len(piece))), 10_000) < LIMIT
