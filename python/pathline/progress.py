"""The progress of a training on a terminal or in a notebook."""
from __future__ import annotations

import math
import sys
from typing import Any, Dict, Optional, TextIO

__all__: list = []


class ProgressBar:
    """A line that is drawn anew; where the output is a file, one line for each validation.

    In a notebook the line is drawn anew, too: Jupyter understands a carriage return.
    """

    def __init__(self, out: Optional[TextIO] = None) -> None:
        self.out = sys.stderr if out is None else out
        self.redraws = _can_redraw(self.out)
        self.smooth = 0.0
        self.stage = -1
        self.validation = ""
        self.width = 0

    def __call__(self, state: Dict[str, Any]) -> None:
        # Before the first iteration there is no loss.
        before = self.smooth if state["stage"] == self.stage and math.isfinite(self.smooth) else state["loss"]
        self.stage = state["stage"]
        self.smooth = 0.9 * before + 0.1 * state["loss"]
        if state["validation"] is not None:
            self.validation = f"  validation {state['validation']['nll']:.4f}"
        elif not self.redraws:
            return
        done, total = state["iteration"], state["iterations"]
        stage = f"{state['stage'] + 1}/{state['stages']} {state['kind']}  " if state["stages"] > 1 else ""
        loss = "NLL" if state["kind"] == "likelihood" else "loss"
        text = f"{stage}{done} of {total}  {loss} {self.smooth:.4f}{self.validation}  {_clock(state['seconds_left'])} left"
        if done == 0:
            text = f"{stage}start{self.validation}"
        if self.redraws:
            full = 20 * done // total if total else 20
            self._draw(f"[{'=' * full}{' ' * (20 - full)}] {text}")
        else:
            self.out.write(text + "\n")

    def note(self, text: str) -> None:
        """Prints a line above the bar."""
        self.close()
        self.out.write(f"note: {text}\n")

    def close(self) -> None:
        """Ends the line."""
        if self.width:
            self.out.write("\n")
            self.out.flush()
            self.width = 0

    def _draw(self, line: str) -> None:
        self.out.write("\r" + line.ljust(self.width))
        self.out.flush()
        self.width = len(line)


def _can_redraw(out: TextIO) -> bool:
    in_notebook = type(out).__module__.startswith("ipykernel")
    return in_notebook or bool(getattr(out, "isatty", lambda: False)())


def _clock(seconds: float) -> str:
    whole = int(seconds + 0.5)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
