"""What the five source articles get wrong, what is right, and the numbers behind it.

The articles (000 to 004, all titled "large-scale language models, from theory to practice") describe the system that
this project builds; a faithful copy of their formulas and code would not work.
"""

from dataclasses import dataclass

from zhixing.theory.errata_numbers import steps
from zhixing.theory.idea import Bilingual, Idea

PLACES = {
    "code": "代码",
    "attention": "注意力",
    "pre-processing": "预处理",
    "references": "参考文献",
}
"""What the parts of the articles are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Erratum:
    """One mistake: where, what is said there, what is right, and the idea that explains it."""

    place: Bilingual
    said: Bilingual
    right: Bilingual
    idea: str | None = None


def idea() -> Idea:
    """The numbers of the errata, worked out."""
    return Idea(
        formula=r"""
\begin{aligned}
h^{(1)} &= W^{(1)} x + b^{(1)} = \begin{bmatrix} 15 \\ 34 \end{bmatrix}
\quad \text{not} \quad \begin{bmatrix} 14 \\ 29 \end{bmatrix} \\
h^{(2)} &= W^{(2)} a^{(1)} + b^{(2)} = \begin{bmatrix} 380 \\ 479 \end{bmatrix}
\quad \text{not} \quad \begin{bmatrix} 249 \\ 390 \end{bmatrix}
\end{aligned}
""",
        plain="W1 x + b1 = [15 34], not [14 29];   W2 a + b2 = [380 479], not [249 390]",
        steps=steps(),
        source="Articles 000 to 004; Vaswani et al. 2017, *Attention Is All You Need*, §3; "
        "Goodfellow, Bengio & Courville 2016, *Deep Learning*, §6.5",
    )


def _row(where: str, said: tuple[str, str], right: tuple[str, str], idea: str | None) -> Erratum:
    """A row; what follows the place's number is translated."""
    chinese = where
    for word, translated in PLACES.items():
        chinese = chinese.replace(f", {word}", f"，{translated}")
    return Erratum(
        place=Bilingual(where, chinese), said=Bilingual(*said), right=Bilingual(*right), idea=idea
    )


ERRATA: tuple[Erratum, ...] = (
    _row(
        "000 §4.2",
        (
            "The positional encoding is sin(10000 · (0, 2, 4, …, 2i) / 10000^(i/2)).",
            "位置编码是 sin(10000 · (0, 2, 4, …, 2i) / 10000^(i/2))。",
        ),
        (
            "PE(p, 2i) = sin(p / 10000^(2i/d)) and PE(p, 2i+1) = cos of the same angle. The article's formula does not "
            "contain the position p at all: every place would get the same vector (steps 1 and 2).",
            "PE(p, 2i) = sin(p / 10000^(2i/d))，PE(p, 2i+1) 是同一角度的余弦。原文的公式里根本没有位置 p，"
            "所有位置都会得到同一个向量（第 1、2 步）。",
        ),
        "positions",
    ),
    _row(
        "000 §4, code",
        (
            "Query, key and value are all projected to `d_kv`; the body of `call` is left out; the mask is made of "
            "random integers 0 and 1.",
            "查询、键、值都投影到 `d_kv`；`call` 的主体被省略；掩码是随机整数 0 和 1。",
        ),
        (
            "The projection goes from d_model to heads × head_dim, and the mask that is added before the softmax is 0 "
            "where a key may be seen and −∞ where not. Adding 1 hides nothing (steps 3 and 4).",
            "投影应从 d_model 到 头数 × 头维度；softmax 之前加上的掩码，可见处为 0，不可见处为 −∞。加 1 什么也遮不住（第 3、4 步）。",
        ),
        "attention",
    ),
    _row(
        "001 §4.1",
        ("A word embedding is softmax(W e).", "词嵌入是 softmax(W e)。"),
        (
            "An embedding is a row of a table, E[id], any real numbers; multiplying a one-hot vector with E picks just "
            "that row (step 5). The softmax belongs to the output layer of word2vec or of a language model.",
            "词嵌入就是表的一行 E[id]，可以是任意实数；独热向量乘以 E 恰好取出这一行（第 5 步）。softmax 属于 word2vec 或语言模型的输出层。",
        ),
        "embeddings",
    ),
    _row(
        "001 §4.2.2",
        (
            "tanh(U [h; x] + b) = tanh(U h + U x + b), with one matrix U.",
            "tanh(U [h; x] + b) = tanh(U h + U x + b)，只有一个矩阵 U。",
        ),
        (
            "tanh(W_h h + W_x x + b): the matrix that is applied to [h; x] has two halves, and they differ (step 6).",
            "tanh(W_h h + W_x x + b)：作用在 [h; x] 上的矩阵由两半组成，两半并不相同（第 6 步）。",
        ),
        "recurrent",
    ),
    _row(
        "001 §4.2.3",
        ("An LSTM is an input gate and a forget gate.", "LSTM 只有输入门和遗忘门。"),
        (
            "Three gates i, f, o and a candidate g: c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c'). Without the memory c there "
            "is nothing to forget (step 7).",
            "三个门 i、f、o 和候选值 g：c' = f ⊙ c + i ⊙ g，h' = o ⊙ tanh(c')。没有记忆 c，就没有可遗忘的东西（第 7 步）。",
        ),
        "recurrent",
    ),
    _row(
        "001 §4.1, attention",
        ("The attention weights are a_t = softmax(V h_t).", "注意力权重是 a_t = softmax(V h_t)。"),
        (
            "Weights come from comparing a query with every key, softmax(q kᵀ / √d), and mix the values (step 8). "
            "softmax(V h_t) looks at one vector and compares nothing.",
            "权重来自查询与每个键的比较 softmax(q kᵀ / √d)，再用来混合各个值（第 8 步）。softmax(V h_t) 只看一个向量，没有比较任何东西。",
        ),
        "attention",
    ),
    _row(
        "001 §5.2",
        (
            '"GPT-2" is trained on the pictures of MNIST; `nn.Transformer` is called with one argument; there is no '
            'causal mask and no `generate`; a permutation of the ten inputs is printed as "generated text".',
            "“GPT-2” 用 MNIST 图片训练；`nn.Transformer` 只给了一个参数；没有因果掩码，也没有 `generate`；把十个输入的一个排列当作“生成的文本”打印出来。",
        ),
        (
            "GPT-2 reads token ids, is a decoder alone, sees only the past (step 9), learns from the loss of the next "
            "token, and writes by a sampling loop. The printed text holds each of the ten digits once (step 10).",
            "GPT-2 读词元编号，只有解码器，只看过去（第 9 步），用下一个词元的损失来学习，靠采样循环来写作。原文打印的“文本”恰好是十个数字各一次（第 10 步）。",
        ),
        "architectures",
    ),
    _row(
        "001 §1.3, 002",
        (
            '"BERT Huge" is listed among the models; PyTorch "supports using TensorFlow and Theano".',
            "模型中列出了“BERT Huge”；称 PyTorch“支持使用 TensorFlow 和 Theano”。",
        ),
        (
            "Neither exists. BERT was published as Base (12 blocks) and Large (24 blocks); PyTorch runs no models of "
            "other frameworks, they are converted.",
            "两者都不存在。BERT 发布的是 Base（12 块）和 Large（24 块）；PyTorch 不运行其他框架的模型，需要转换。",
        ),
        None,
    ),
    _row(
        "002, pre-processing",
        (
            "The text is turned into a bag of words, which is then fed to a Transformer.",
            "把文本变成词袋，再送入 Transformer。",
        ),
        (
            'A bag of words has no order: "dog bites man" and "man bites dog" are the same bag (steps 11 and 12). A '
            "Transformer is fed token ids, one after another.",
            "词袋没有次序：“狗咬人”和“人咬狗”是同一个词袋（第 11、12 步）。Transformer 读入的是依次排列的词元编号。",
        ),
        "embeddings",
    ),
    _row(
        "002, code",
        (
            "The table of positions has `num_layers` rows; its even columns hold p · div_term, its odd columns "
            "div_term; `self.d_model` and `math` are missing; there is no causal mask.",
            "位置表有 `num_layers` 行；偶数列是 p · div_term，奇数列是 div_term；缺少 `self.d_model` 和 `math`；没有因果掩码。",
        ),
        (
            "A row for every place up to the longest input, sin(p · div_term) in the even columns and cos of it in the "
            "odd ones (steps 13 and 14).",
            "位置表应为每个位置各一行，直到最长输入；偶数列是 sin(p · div_term)，奇数列是它的余弦（第 13、14 步）。",
        ),
        "positions",
    ),
    _row(
        "003 §4.5, W⁽¹⁾x + b⁽¹⁾",
        ("[14, 29]", "[14, 29]"),
        ("[15, 34] (step 15).", "[15, 34]（第 15 步）。"),
        "mlp",
    ),
    _row(
        "003 §4.5, W⁽²⁾a + b⁽²⁾",
        (
            '[249, 390]; "1 output neuron", while W⁽²⁾ is 2 × 2.',
            "[249, 390]；称“输出层有 1 个神经元”，而 W⁽²⁾ 是 2 × 2。",
        ),
        (
            "[380, 479] from a = [15, 34] (step 16); even from the article's own [14, 29] it would be [333, 420] "
            "(step 17). A 2 × 2 matrix has two outputs.",
            "由 a = [15, 34] 得 [380, 479]（第 16 步）；即使用原文的 [14, 29]，也应得 [333, 420]（第 17 步）。2 × 2 的矩阵有两个输出。",
        ),
        "mlp",
    ),
    _row(
        "003 §4.5, L",
        (
            "The cross-entropy is taken of the ReLU outputs: −½ log(249).",
            "直接对 ReLU 的输出求交叉熵：−½ log(249)。",
        ),
        (
            "Cross-entropy needs a probability, so the softmax comes first. −½ log(249) is below zero, which no "
            "cross-entropy can be (step 18); of softmax([380, 479]) it is 99 (step 19).",
            "交叉熵的对象必须是概率，所以先做 softmax。−½ log(249) 小于零，而交叉熵不可能为负（第 18 步）；softmax([380, 479]) 的交叉熵是 99（第 19 步）。",
        ),
        "losses",
    ),
    _row(
        "003 §4.5, ReLU′",
        (
            "ReLU′ of a positive number is 0, so the gradient is [0, 0].",
            "正数处的 ReLU′ 是 0，所以梯度是 [0, 0]。",
        ),
        (
            "ReLU′ of a positive number is 1 (step 20), so the gradient is not zero and the network learns (step 21).",
            "正数处的 ReLU′ 是 1（第 20 步），所以梯度不为零，网络能够学习（第 21 步）。",
        ),
        "mlp",
    ),
    _row(
        "003 §4.4",
        ("δ⁽ˡ⁾ = act′(z⁽ˡ⁾) ⊙ (W⁽ˡ⁾ δ⁽ˡ⁺¹⁾)", "δ⁽ˡ⁾ = act′(z⁽ˡ⁾) ⊙ (W⁽ˡ⁾ δ⁽ˡ⁺¹⁾)"),
        (
            "δ⁽ˡ⁾ = act′(z⁽ˡ⁾) ⊙ ((W⁽ˡ⁺¹⁾)ᵀ δ⁽ˡ⁺¹⁾): the matrix of the layer above, transposed. For the network of §4.5 that "
            "gives [2, 2] (step 22) and not [1, 1] (step 23).",
            "δ⁽ˡ⁾ = act′(z⁽ˡ⁾) ⊙ ((W⁽ˡ⁺¹⁾)ᵀ δ⁽ˡ⁺¹⁾)：用上一层的矩阵，并且转置。对 §4.5 的网络，结果是 [2, 2]（第 22 步），而不是 [1, 1]（第 23 步）。",
        ),
        "mlp",
    ),
    _row(
        "003 §4.3",
        (
            "The hinge loss is listed under cross-entropy; the cross-entropy has no sum over classes.",
            "把合页损失列在交叉熵之下；交叉熵没有对类别求和。",
        ),
        (
            "Cross-entropy is −Σᵢ Σ_c y_ic log p_ic / m, with both sums (step 24). The hinge loss max(0, 1 − y s) is another "
            "loss: of a score s, with labels y = ±1 (step 25).",
            "交叉熵是 −Σᵢ Σ_c y_ic log p_ic / m，两个求和都要有（第 24 步）。合页损失 max(0, 1 − y s) 是另一种损失：对象是得分 s，标签 y = ±1（第 25 步）。",
        ),
        "losses",
    ),
    _row(
        "003 §5.2",
        (
            "`tensorflow_addons.layers.TransformerBlock` is imported; the block written beside it returns a tuple that "
            "is used as a tensor, has no layer norm and no residual after the feed-forward part, sets key_dim = "
            "d_model, and the model averages over all places before it predicts the next word, without a mask.",
            "导入了 `tensorflow_addons.layers.TransformerBlock`；旁边自写的块返回元组却当作张量使用，没有层归一化，前馈之后没有残差，key_dim = d_model，"
            "模型先对所有位置取平均再预测下一个词，而且没有掩码。",
        ),
        (
            "That layer does not exist. A block has two residuals and a norm before or after each part; head_dim = "
            "d / heads, else the projections cost as many times more as there are heads (steps 26 and 27); logits are "
            "made at every place, under a causal mask. An average forgets the order (step 28).",
            "这个层并不存在。一个块有两条残差，每一部分之前或之后有归一化；head_dim = d / heads，否则投影的参数要多出头数那么多倍（第 26、27 步）；"
            "每个位置各有对数几率，并使用因果掩码。取平均会丢掉次序（第 28 步）。",
        ),
        "block",
    ),
    _row(
        "003, references",
        (
            "BERT is by Weston, Sutskever, Bottou; dropout in recurrent networks is arXiv 1610.01454.",
            "BERT 的作者是 Weston、Sutskever、Bottou；循环网络中的 dropout 是 arXiv 1610.01454。",
        ),
        (
            "Devlin, Chang, Lee & Toutanova 2018; Gal & Ghahramani, arXiv 1512.05287.",
            "Devlin、Chang、Lee 和 Toutanova，2018；Gal 和 Ghahramani，arXiv 1512.05287。",
        ),
        None,
    ),
    _row(
        "003 §9.2",
        ("Text is generated by GANs and VAEs.", "用 GAN 和 VAE 生成文本。"),
        (
            "Language models that write are autoregressive: one token after another, each drawn from p(next | past).",
            "会写作的语言模型是自回归的：一个词元接一个词元，每个都从 p(下一个 | 过去) 中抽取。",
        ),
        "sampling",
    ),
    _row(
        "004, code",
        (
            "The target is never used; `nn.TransformerEncoder(self.layers)` is given a list of layers; "
            "`self.d_model` is missing; the positions are indexed by the batch.",
            "目标序列从未使用；`nn.TransformerEncoder(self.layers)` 得到的是层的列表；缺少 `self.d_model`；位置按批的下标取。",
        ),
        (
            "An encoder reads the source, a decoder reads the target so far and attends to the encoder (cross-"
            "attention); positions follow the time axis. Indexed by the batch, all words of one sentence get the same "
            "position (step 29).",
            "编码器读源序列，解码器读已有的目标序列，并通过交叉注意力查看编码器；位置沿时间轴取。若按批的下标取，同一句的所有词会得到同一个位置（第 29 步）。",
        ),
        "architectures",
    ),
)
"""Every mistake, in the order of the articles."""
