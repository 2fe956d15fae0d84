"""Settings of the training loop: how long, how large a step, how fast, how often to look and to save."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.core.errors import ConfigError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Decay = Annotated[float, Field(ge=0.0, lt=1.0)]


class TrainConfig(Config):
    """Exactly one of `steps` and `budget_seconds` says when training ends."""

    steps: int | None = Field(default=None, ge=1)
    """Optimizer steps to take. The result is the same bit for bit on every run of one machine."""
    budget_seconds: float | None = Field(default=None, gt=0.0)
    """Seconds of training, without validating and saving. How many steps fit depends on how busy the machine
    is, so two runs are not the same bit for bit."""
    batch_tokens: int = Field(default=8192, ge=1)
    """Tokens of one optimizer step; a multiple of data.time. Of examples, which may be shorter, as many as rows of that
    length; seq2seq without micro_batch takes so many on average, and equally many target tokens in every step."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Rows of data.time tokens that pass through the model at once, to bound memory; gradients of the parts of a
    step add up to that of the whole. Not set: all rows of the step."""
    optimizer: Literal["muon", "adamw", "sgd"] = "muon"
    """muon: Muon for the matrices inside the model and AdamW for the rest; adamw: AdamW for everything; sgd:
    stochastic gradient descent with momentum for everything."""
    lr: float = Field(default=3e-3, gt=0.0, le=10.0)
    """Highest learning rate of AdamW (with muon: embeddings, output layer, norms and biases) or of sgd."""
    matrix_lr: float = Field(default=0.02, gt=0.0, le=1.0)
    """Highest learning rate of Muon."""
    rates: dict[str, Annotated[float, Field(gt=0.0, le=1000.0)]] = Field(default_factory=dict)
    """Learning rates of weights whose names begin so, as shares of the others', such as { "members.0." = 10.0 }."""
    betas: tuple[Decay, Decay] = (0.9, 0.95)
    """How slowly AdamW forgets the mean and the mean square of the gradient."""
    momentum: Decay = 0.95
    """How slowly Muon and sgd forget the mean of the gradient."""
    weight_decay: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of a matrix inside the model lost per step, times its learning rate; sgd takes it into the gradient, and so
    into its momentum, as it does l2. Embeddings, output layer, norms and biases do not decay."""
    l1: float = Field(default=0.0, ge=0.0)
    """Times the sum of the sizes of the weights that would decay, added to the loss: many become zero."""
    l2: float = Field(default=0.0, ge=0.0)
    """Times half the sum of their squares, added to the loss. Only without weight_decay, which makes the same weights smaller."""
    warmup: Share = 0.02
    """Share of the training during which the learning rate rises from zero."""
    schedule: Literal["cosine", "wsd", "constant"] = "cosine"
    """What follows the rise: half a cosine down to `final`; wsd: stable, then a straight line down to `final` over
    the last `cooldown`; or no change."""
    final: Share = 0.1
    """Learning rate at the end as a share of the highest."""
    cooldown: Share = 0.3
    """Share of the training during which wsd comes down."""
    clip: float | None = Field(default=1.0, gt=0.0)
    """Longest gradient (Euclidean norm over all weights); a longer one is scaled down. Muon's update does not
    depend on the scale, AdamW's memory of it does."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """Number type of the matrix products; weights and sums stay float32. auto: bf16 where the hardware has it."""
    validate_every: int | None = Field(default=200, ge=1)
    """Steps between two measurements on the validation documents. Not set: at the end only."""
    save_every: int | None = Field(default=200, ge=1)
    """Steps between two saved states to resume from. Not set: when interrupted and at the end only."""
    keep: int = Field(default=2, ge=1)
    """Saved states that stay on disk: the newest ones."""
    patience: int | None = Field(default=None, ge=1)
    """Stop early after this many validations in a row without a new best. Not set: never."""
    select: Literal["best", "last"] = "best"
    """Which weights become the finished model: the best on the validation documents, or the last."""
    log_every: int = Field(default=10, ge=1)
    """Steps between two points of the training curve in records.jsonl."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.steps is None) == (self.budget_seconds is None):
            raise ValueError(
                "set exactly one of steps and budget_seconds; a recipe that has the one is changed by that one, as in "
                "--set train.budget_seconds=60"
                if self.steps is not None
                else "set exactly one of steps and budget_seconds"
            )
        if self.schedule == "wsd" and self.warmup + self.cooldown > 1.0:
            raise ValueError(
                f"warmup = {self.warmup} and cooldown = {self.cooldown} overlap: their sum is above 1"
            )
        self._refuse_unused("cooldown", self.schedule == "wsd", f"schedule = {self.schedule}")
        self._refuse_unused("final", self.schedule != "constant", "schedule = constant")
        self._refuse_unused("matrix_lr", self.optimizer == "muon", f"optimizer = {self.optimizer}")
        has_momentum = self.optimizer in ("muon", "sgd")
        self._refuse_unused("momentum", has_momentum, f"optimizer = {self.optimizer}")
        self._refuse_unused("betas", self.optimizer != "sgd", "optimizer = sgd")
        if self.l2 and self.weight_decay:
            raise ValueError(
                f"l2 = {self.l2} and weight_decay = {self.weight_decay} both make weights smaller; set one of them "
                "to 0"
            )
        return self


def rows_per_step(config: TrainConfig, time: int) -> int:
    """Rows of `time` tokens in one optimizer step; ConfigError if they do not come out even."""
    rows, rest = divmod(config.batch_tokens, time)
    if rest:
        near = [count * time for count in (rows, rows + 1) if count]
        raise ConfigError(
            f"train.batch_tokens = {config.batch_tokens} is not a multiple of data.time = {time}; "
            f"write {' or '.join(map(str, near))}"
        )
    if config.micro_batch is not None and config.micro_batch > rows:
        raise ConfigError(
            f"train.micro_batch = {config.micro_batch} rows is more than the {rows} rows of a step "
            f"(train.batch_tokens = {config.batch_tokens} / data.time = {time}); leave it out or lower it"
        )
    return rows
