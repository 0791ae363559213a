"""A small ledger whose invoices are paid as days go by: the folder rewritten each day, and the reference's reading."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from relance_addon.operations import programs, run, switch
from relance_addon.operations.desk import Desk, open_desk

# the reference stands beside the tests of core
sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from reference import RefInvoice, RefStep

HOST = "acme"
FIRST = date(2026, 2, 2)
STEPS = (RefStep("D", -5), RefStep("D", 3), RefStep("P", 10), RefStep("I", 75), RefStep("P", 1, "m"))
_CONFIG = '[mail]\nsender = "compta@acme.example"\n\n[hosts.acme]\nconnector = "files"\npath = "data"\n'
_PROGRAM = '[[programs]]\nname = "standard"\ndefault = true\ncalendar = "FR"\n'
_STEP = """
[[programs.steps]]
name = "s{number}"
trigger = {{ {trigger} }}
subject = "R{number} #REF#"
body = "#SOLDE#"
"""
_TRIGGERS = ("after_due = -5", "after_due = 3", "after_previous = 10", "after_issue = 75", 'after_previous = "1 month"')

Sent = tuple[date, int, int, Decimal]
"""Day, instalment from 1, step from 0, what was asked."""


class Generated:
    """``count`` invoices in a folder, some in instalments, each paid some day or never."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        random = Random(seed)
        self.folder = folder
        self.invoices = {f"FA-{number:03}": _invoice(random) for number in range(1, count + 1)}
        self.clients = {number: str(random.randint(1, count // 3)) for number in self.invoices}
        (folder / "data").mkdir()
        (folder / "relance.toml").write_text(_CONFIG, "utf-8")
        steps = [_STEP.format(number=number, trigger=trigger) for number, trigger in enumerate(_TRIGGERS)]
        (folder / "programs.toml").write_text("\n".join([_PROGRAM, *steps]), "utf-8")
        rows = [(number, f"Client {number}", f"c{number}@x.example") for number in sorted(set(self.clients.values()))]
        self._write("clients", ("id", "name", "email"), rows)
        self.desk = open_desk(folder / "relance.toml")
        self.rewrite(FIRST)
        programs.apply(self.desk, folder / "programs.toml")
        switch.switch(self.desk, HOST, True)

    def rewrite(self, today: date) -> None:
        """The files as the host would write them today: what is paid is gone, or says so, or has no residual."""
        invoices, parts = [], []
        for index, (number, one) in enumerate(self.invoices.items()):
            left = [Decimal() if paid and paid <= today else amount for _, amount, paid in one.instalments]
            total, residual = sum(amount for _, amount, _ in one.instalments), sum(left)
            status = "open"
            if not residual:
                if index % 3 == 0:
                    continue
                status = "paid" if index % 3 == 1 else "open"
            client, due = self.clients[number], one.instalments[0][0]
            invoices.append((number, client, one.issue, due, total, residual, status))
            if len(left) > 1:
                parts += [
                    (number, on, amount, rest)
                    for (on, amount, _), rest in zip(one.instalments, left, strict=True)
                ]  # fmt: skip
        self._write("invoices", ("id", "client", "issue_date", "due_date", "total", "residual", "status"), invoices)
        self._write("instalments", ("invoice", "due_date", "amount", "residual"), parts)

    def _write(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        with (self.folder / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)

    def run(self, day: date) -> list[tuple[str, Sent]]:
        """Run on a day; the reminders that left, by invoice."""
        self.rewrite(day)
        told: list[str] = []
        ran = run.run(Desk(self.desk.config, day, say=told.append), HOST)
        assert told == []
        left = []
        for result in ran.results:
            assert result.state == "sent"
            assert (self.folder / "data" / "outbox" / f"{result.key}.eml").is_file()
            for one in result.message.decisions:
                left.append((one.invoice.id, (day, one.instalment, one.step - 1, one.residual)))
        return left

    def expected(self, days: Sequence[date]) -> dict[str, list[Sent]]:
        """What the contract says that runs on these days send."""
        return {number: one.run(days) for number, one in self.invoices.items()}


def _invoice(random: Random) -> RefInvoice:
    due = FIRST + timedelta(days=random.randint(-30, 100))
    term = random.choice((0, 15, 30, 45))
    instalments, on = [], due
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        paid = on + timedelta(days=random.randint(-5, 90)) if random.random() < 0.6 else None
        instalments.append((on, Decimal(random.randint(1, 900)).quantize(Decimal("0.01")), paid))
        on += timedelta(days=random.randint(10, 35))
    return RefInvoice(due - timedelta(days=term), instalments, STEPS, french=True)
