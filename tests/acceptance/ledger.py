"""A ledger as it is, through the documented mapping alone, day by day; what left is checked against the ledger's lines.

The lines are read here with the csv module and the dates compared as dates: nothing of the package is asked what was
open on a day.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from time import perf_counter

import relance_addon.connectors.files as package
from relance_addon.operations import log, programs, run, switch
from relance_addon.operations.desk import Desk, open_desk

EXAMPLE = Path(package.__file__).parent / "examples" / "receivables"
HOST = "ledger"
STEPS = ("First reminder", "Second reminder", "Last reminder")
SPACING = (3, 10, 14)
"""Days after the due date, then after the previous reminder."""


@dataclass
class Walk:
    """What was met: reminders by step, the messages sent, and the faults found."""

    runs: int = 0
    messages: int = 0
    seconds: float = 0.0
    reminders: Counter[str] = field(default_factory=Counter)
    invoices: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def walk(data: Path, folder: Path, first: date, last: date) -> Walk:
    """Run each day from ``first`` to ``last`` on a copy of the ledger in ``folder``."""
    config = prepared(data, folder)
    with data.open(encoding="utf-8-sig", newline="") as file:
        lines = {row["invoiceNumber"]: row for row in csv.DictReader(file)}
    met = Walk()
    sent: dict[str, list[tuple[str, date]]] = {}
    written: set[str] = set()
    day = first
    while day <= last:
        before = perf_counter()
        desk = Desk(config.config, day, say=lambda text, day=day: met.faults.append(f"{day}: {text}"))  # type: ignore[misc]
        ran = run.run(desk, HOST)
        met.seconds += perf_counter() - before
        met.runs += 1
        for result in ran.results:
            met.messages += 1
            if result.state != "sent":
                met.faults.append(f"{day}: {result.key} is {result.state}: {result.error}")
            content = message_from_bytes(
                (folder / "data" / "outbox" / f"{result.key}.eml").read_bytes(), policy=policy.default
            )
            written.add(result.key)
            for one in result.message.decisions:
                assert one.program is not None
                number, step = one.invoice.number, one.program.steps[one.step - 1].name
                met.faults += _wrong(lines[number], number, step, day, sent.setdefault(number, []), content)
                sent[number].append((step, day))
                met.reminders[step] += 1
                met.invoices.add(number)
        met.faults += _missed(lines, sent, day)
        day += timedelta(days=1)
    met.faults += _unlogged(config, sent, written, folder)
    return met


def prepared(data: Path, folder: Path) -> Desk:
    """The documented example with these data, its program applied and its host switched on."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    shutil.copy(data, folder / "data" / "receivables.csv")
    desk = open_desk(folder / "relance.toml")
    programs.apply(desk, folder / "programs.toml")
    switch.switch(desk, HOST, True)
    return desk


def day_of(text: str) -> date:
    """A day as the ledger writes it."""
    return datetime.strptime(text, "%m/%d/%Y").date()


def _wrong(
    line: dict[str, str], number: str, step: str, day: date, before: list[tuple[str, date]], mail: EmailMessage | object
) -> list[str]:
    """What speaks against a reminder that left."""
    faults = []
    if not day_of(line["InvoiceDate"]) <= day < day_of(line["SettledDate"]):
        faults.append("was not open")
    position = STEPS.index(step)
    if [past for past, _ in before] != list(STEPS[:position]):
        faults.append(f"after {before}")
    base = before[-1][1] if before else day_of(line["DueDate"])
    if (day - base).days < SPACING[position]:
        faults.append(f"too early: {base}")
    if number not in str(mail):
        faults.append("its mail does not name it")
    return [f"{day}: {number}: {step}: {fault}" for fault in faults]


def _missed(lines: dict[str, dict[str, str]], sent: dict[str, list[tuple[str, date]]], day: date) -> list[str]:
    """Open invoices whose next step was to leave by this day and did not."""
    missed = []
    for number, line in lines.items():
        past = sent.get(number, [])
        if len(past) == len(STEPS) or not day_of(line["InvoiceDate"]) <= day < day_of(line["SettledDate"]):
            continue
        base = past[-1][1] if past else day_of(line["DueDate"])
        if base + timedelta(days=SPACING[len(past)]) <= day:
            missed.append(f"{day}: {number}: {STEPS[len(past)]} did not leave")
    return missed


def _unlogged(desk: Desk, sent: dict[str, list[tuple[str, date]]], written: set[str], folder: Path) -> list[str]:
    """Every reminder is in the log and every message in the outbox, and nothing else is."""
    logged = log.entries(desk, HOST)
    faults = []
    if Counter((one.number, one.step_name, one.date) for one in logged) != Counter(
        (number, step, day) for number, past in sent.items() for step, day in past
    ):
        faults.append("the log is not what was sent")
    if {one.message_key for one in logged} != written:
        faults.append("the log's messages are not those written")
    if {path.stem for path in (folder / "data" / "outbox").glob("*")} != written:
        faults.append("the outbox is not what was written")
    return faults
