"""The exceptions that pathline raises."""
from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .flow import Flow

__all__ = ["InputError", "NumericalError", "Interrupted"]


class _RowError(Exception):
    """An error that may be about one row, which survives pickling."""

    row: Optional[int]

    def __init__(self, message: str, row: Optional[int] = None) -> None:
        super().__init__(message, row)
        self.row = row

    def __str__(self) -> str:
        return str(self.args[0])


class InputError(_RowError, ValueError):
    """An argument, a recipe, a file or a number in the data that pathline cannot use.

    The message names the argument, file, row, column or key, what was found and what was expected. Rows in messages
    count from 1.

    Attributes:
        row: the index of the offending row in your array, counted from 0; None if the error is not about a row.
    """


class NumericalError(_RowError, ArithmeticError):
    """A computation that failed: an ODE solve or a training that diverged. The message says what to try.

    Attributes:
        row: the index of the first row whose solve failed, counted from 0; None if the error is not about a row.
    """


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a training, and what was trained is kept.

    Attributes:
        flow: the best flow so far by validation, or the latest one if none was validated; None if nothing was trained.
        directory: the directory of the run, from which ``train(..., resume=True)`` continues; None without one.
    """

    def __init__(self, message: str, flow: Optional[Flow] = None, directory: Optional[str] = None) -> None:
        super().__init__(message)
        self.flow = flow
        self.directory = directory
