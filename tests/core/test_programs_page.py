"""docs/programs.md says what the code does: its program, its table of dates, its reasons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from core_samples import adapted, invoice, next_step, outcome, program, reminded

from relance_addon.core.decide import REASONS
from relance_addon.core.program import Program, Step, read

PAGE = (Path(__file__).parents[2] / "docs" / "programs.md").read_text("utf-8")
STEPS = program("D+3 D+15 P+10")

ROWS = [
    ("nothing sent", (), None, "03-01", "a 2026-03-04"),
    ("1 sent on 4 March", ("a 03-04",), None, "03-05", "b 2026-03-16"),
    ("1 sent five days late, on 9 March", ("a 03-09",), None, "03-10", "b 2026-03-21"),
    ("2 sent on 21 March", ("a 03-09", "b 03-21"), None, "03-22", "c 2026-03-31"),
    ("2 sent by hand on 5 March, 1 never", ("b 03-05",), None, "03-06", "c 2026-03-15"),
    ("1 sent on 9 March, 2 dropped", ("a 03-09",), "b", "03-10", "c 2026-03-31"),
    ("a message by hand on 3 March that is no step", ("- 03-03",), None, "03-04", "a 2026-03-10"),
    ("server down from 1 to 20 March", ("a 03-20",), None, "03-21", "b 2026-04-01"),
]


def test_its_program_can_be_applied() -> None:
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.S):
        assert read(text, "programs.md", ())


def keys_of(heading: str) -> set[str]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.M)
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def test_every_key_is_there() -> None:
    assert keys_of("Keys of a program") == set(Program.model_fields) - {"steps", "version"}
    assert keys_of("Keys of a step") == set(Step.model_fields)


@pytest.mark.parametrize(("what", "sent", "dropped", "today", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_its_table_of_dates(what: str, sent: tuple[str, ...], dropped: str | None, today: str, expected: str) -> None:
    plan = adapted(dropped) if dropped else None
    assert f"\n| {what} |" in PAGE
    assert next_step(invoice(), STEPS, today, sent=reminded(*sent), plan=plan) == expected


def test_its_reasons_stand_in_order_with_their_decisions() -> None:
    section = PAGE.split("## Decisions\n")[1]
    rows = re.findall(r"^\| (`.*?) \| (\w+) \|", section, re.M)
    said = {reason: verdict for cell, verdict in rows for reason in re.findall(r"`(\w+)`", cell)}
    assert list(said.items()) == list(REASONS.items())


def test_the_next_message_after_a_server_was_down() -> None:
    assert outcome(invoice(), STEPS, "03-20").messages[0].step_number == 1
