"""What is wrong with one record of a host's, gathered field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from relance_addon.core.model import Problem

T = TypeVar("T")


class Wrong:
    """The faults of one record; ``where`` names it to people."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.problems: list[Problem] = []

    @property
    def text(self) -> str:
        """All of it in one line; empty where nothing is wrong."""
        return "; ".join(f"{one.key}: {one.text}" for one in self.problems)

    def take(self, field: str, convert: Callable[[Any], T], value: Any, otherwise: T) -> T:
        """The value converted, or ``otherwise`` and a note of why not."""
        try:
            return convert(value)
        except ValueError as error:
            self.add(field, str(error))
            return otherwise

    def add(self, field: str, text: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append(Problem(self._where, field, text))
