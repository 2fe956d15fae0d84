"""Words that hold a sentence together and say little of what it is about, in English and Chinese.

Short lists of closed classes (articles, pronouns, prepositions, conjunctions, auxiliaries, particles), compiled for this
project from the classes themselves, not from a corpus or another list. Negations are not among them: "not good" is not
about "good". Longer lists exist; what helps is decided by measuring.
"""

from functools import cache

from zhixing.core.errors import UnsupportedError
from zhixing.text.normalise import to_traditional

ENGLISH = """
a an the this that these those
i you he she it we they me him her us them my your his its our their mine yours hers ours theirs
myself yourself himself herself itself ourselves yourselves themselves who whom whose which what
about above across after along among around as at before behind below beneath beside between beyond by down during
for from in into of off on onto out over per since through till to toward under until up upon via with within
and or but so if then than because while although though whether once
am is are was were be been being do does did doing done have has had having
will would shall should can could may might must
there here when where why how also just very too such same own other each every both all any some
i'm i've i'll i'd you're you've you'll you'd he'd he'll she'd she'll we're we've we'll we'd they're they've they'll
"""

CHINESE = """
的 地 得 了 着 过 吗 呢 吧 啊 呀 嘛 啦 么 之 所 等 们
我 你 您 他 她 它 我们 你们 他们 她们 它们 咱们 自己 大家 别人 谁
这 那 哪 此 该 这个 那个 这些 那些 这里 那里 这儿 那儿 这样 那样 这么 那么 哪里 什么 怎么 怎样 多少 几
在 从 向 往 到 于 由 自 对 对于 关于 至于 把 被 将 给 让 叫 为 为了 以 用 跟 和 与 同 及 以及 或 或者 按 按照 根据 通过
而 而且 并 并且 但 但是 可是 然而 不过 因为 所以 因此 如果 假如 虽然 尽管 即使 只要 只有 除了 无论 不管 既 又 则 则是 且
是 有 会 能 能够 可以 可能 应 应该 应当 要 就 就是 也 都 还 还是 再 又 才 很 更 最 太 非常 比较 已 已经 正在 曾 曾经
个 一个 一些 一种 一 些 每 各 某 其 其中 其他 之后 之前 以后 以前 里 中 上 下 内 外 时 时候
"""


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of en or zh in lower case, the Chinese ones in both scripts. UnsupportedError for other languages."""
    if language == "en":
        return frozenset(ENGLISH.split())
    if language == "zh":
        simplified = CHINESE.split()
        return frozenset((*simplified, *map(to_traditional, simplified)))
    raise UnsupportedError(f"there are stop words for en and zh, not for {language!r}")
