"""The checks that a flow is the density that it claims to be."""
from __future__ import annotations

import dataclasses
import os
import tempfile
from typing import Any, Callable, List, Optional, Tuple

from . import _core
from .errors import InputError

__all__ = ["Check", "Verification"]


@dataclasses.dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: of the check: "integral", "there and back", ...
        figure: an error or a p-value; NaN if the check was skipped or has none.
        bound: what the figure is compared with.
        side: "at most" for an error, "at least" for a p-value.
        verdict: "pass", "fail" or "skipped".
        detail: what the figure is, or why the check was skipped.
        error: the standard error of the figure, where it has one.
    """

    name: str
    figure: float
    bound: float
    side: str
    verdict: str
    detail: str
    error: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Verification:
    """The results of ``Flow.verify``; ``print`` shows them as a table, and it is true if no check failed."""

    checks: Tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed. Skipped checks do not count."""
        return all(check.verdict != "fail" for check in self.checks)

    @property
    def failed(self) -> List[Check]:
        """The checks that failed."""
        return [check for check in self.checks if check.verdict == "fail"]

    def __bool__(self) -> bool:
        return self.passed

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"{name!r}; the checks are {', '.join(check.name for check in self.checks)}")

    def __str__(self) -> str:
        rows = [f"{'check':<18}{'figure':>10}  {'bound':<12}{'verdict':<9}what"]
        for check in self.checks:
            bound = "-" if check.bound != check.bound else f"{'<=' if check.side == 'at most' else '>='} {check.bound:.3g}"
            figure = "-" if check.figure != check.figure else f"{check.figure:.3g}"
            rows.append(f"{check.name:<18}{figure:>10}  {bound:<12}{check.verdict:<9}{check.detail}")
        skipped = sum(check.verdict == "skipped" for check in self.checks)
        passed = f"every check that ran passed, {skipped} skipped" if skipped else "every check passed"
        return "\n".join([*rows, passed if self.passed else "FAILED"])


def run_checks(flow: Any, x: Any, condition: Any, seed: int, done: Optional[Callable[[Check], object]]) -> Verification:
    """Runs every check on the model as it would be saved."""
    if x is None and condition is not None:
        raise InputError("condition: pass the points x that it belongs to")
    report = None if done is None else lambda check: done(Check(**check))
    with tempfile.TemporaryDirectory(prefix="pathline-") as directory:
        path = os.path.join(directory, "model.h5")
        flow.save(path)
        checks = _core.verify(flow._core, path, x, condition, seed, report)
    return Verification(tuple(Check(**check) for check in checks))
