"""Rules beside the baselines: word lists with harmless words, and what tells languages apart."""

from zhixing.evaluate.baselines.rules import flagging, languages
from zhixing.text.word_list import WordList

LISTS = {"en": WordList(["darn", "heck"]), "zh": WordList(["笨蛋"])}
TRAIN = (
    ("darn it", "oh heck", "darn fine", "a fine day", "笨蛋", "你好", "good", "fine"),
    ("offensive", "offensive", "fine", "fine", "listed", "fine", "fine", "fine"),
)


def test_a_listed_word_gives_the_label_of_such_texts_in_its_language() -> None:
    rule = flagging(LISTS, TRAIN)
    assert rule("what the heck") == "offensive"
    assert rule("他是笨蛋") == "listed"
    assert rule("a lovely day") == rule("天气好") == "fine"


def test_a_language_without_such_a_text_takes_the_label_of_the_other() -> None:
    english = [pair for pair in zip(*TRAIN, strict=True) if pair[0].isascii()]
    texts, labels = zip(*english, strict=True)
    rule = flagging(LISTS, (texts, labels))
    assert rule("他是笨蛋") == "offensive"
    nothing = flagging(LISTS, (("a", "b"), ("fine", "fine")))
    assert nothing("darn") == "fine", "no text told what to call it"


def test_detection_tells_the_scripts_of_chinese_and_the_classifier_alone_does_not() -> None:
    train = (("a",) * 5, ("zh-Hans", "zh-Hans", "zh-Hant", "de", "en"))
    alone, with_scripts = (rule for _, rule in languages(train))
    german = "Öffnen Sie bitte das Fenster und wählen Sie eine Farbe"
    assert alone(german) == with_scripts(german) == "de"
    assert with_scripts("開啟這個對話方塊") == "zh-Hant"
    assert with_scripts("打开这个对话框") == alone("打开这个对话框") == "zh-Hans"
    assert alone("開啟這個對話方塊，並選擇您想要的顏色。") == "zh-Hans", "one Chinese alone"


def test_a_language_is_chosen_among_the_labels_there_are() -> None:
    for _, rule in languages((("a", "b", "c"), ("de", "de", "en"))):
        assert rule("Abrid la ventana y elegid un color, por favor") in ("de", "en")
        assert rule("12345") in ("de", "en")
