"""Recap: a program in plain words, and a worked example with dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from relance_addon.operations.desk import Desk


@dataclass(frozen=True, slots=True)
class Recap:
    """The words, and the dated steps of an invoice issued and due on given days (step, date, words)."""

    name: str
    version: int
    words: Sequence[str]
    example: Sequence[tuple[str, date, str]]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        steps = [{"step": step, "date": day.isoformat(), "words": words} for step, day, words in self.example]
        return {"name": self.name, "version": self.version, "recap": list(self.words), "example": steps}

    def lines(self) -> list[str]:
        """Text for a person."""
        return [*self.words, "", *(words for _, _, words in self.example)]


def recap(desk: Desk, name: str, language: str | None, issue: date | None, due: date | None) -> Recap:
    """The recap of a program's current version; the example's invoice is issued today and due in 30 days by default."""
    from relance_addon.core import explain
    from relance_addon.operations.explain import language_of

    desk.open_journal()
    from relance_addon.journal import programs

    program = programs.one(name)
    spoken = language_of(desk, language)
    issued = issue or desk.today
    owed = due or issued + timedelta(days=30)
    example = explain.example(program, spoken, issued, owed)
    return Recap(program.name, program.version, explain.recap(program, spoken), example)
