"""How others watch a run without the loop knowing them."""

from pathlib import Path
from time import monotonic

from zhixing.core.progress import Progress
from zhixing.train.report import StepReport
from zhixing.train.validate import Validation

REFRESH_SECONDS = 0.2


class Hook:
    """Override what you want to hear of; nothing a hook returns changes the run."""

    def on_step(self, report: StepReport, progress: float) -> None:
        """A step was taken; `progress` is the share of the whole training done, in [0, 1]."""

    def on_validate(self, result: Validation) -> None:
        """The held-out loss was measured."""

    def on_save(self, path: Path) -> None:
        """A state to resume from is complete in `path`."""


class ProgressHook(Hook):
    """Show a run as one phase of a `Progress`."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._shown, self._refreshed = 0.0, float("-inf")
        self._held_out = ""
        progress.start(title, total=1.0)

    def on_step(self, report: StepReport, progress: float) -> None:
        """Move the bar, a few times a second at most."""
        now = monotonic()
        if now - self._refreshed < REFRESH_SECONDS and progress < 1.0:
            return
        speed = report.tokens / report.seconds
        note = f"loss {report.loss:.3f}{self._held_out} · {speed:,.0f} tokens/s"
        self._progress.advance(progress - self._shown, note)
        self._shown, self._refreshed = progress, now

    def on_validate(self, result: Validation) -> None:
        """Keep the newest held-out loss in the note."""
        self._held_out = f" · held-out {result.loss:.3f}"
