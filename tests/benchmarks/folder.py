"""A folder of CSV files with many open invoices of which some are due, and its relance.toml and programs.toml.

Every client has some ten invoices. Those that are due were never reminded, one to a client: as many messages. The
others are not yet due, but for 2 % that are disputed, 1 % that are drafts and 1 % that are held.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from random import Random

TODAY = date(2026, 11, 20)
HOST = "acme"
_CONFIG = """
[relance]
language = "fr"

[mail]
sender = "Comptabilité <compta@acme.example>"

[hosts.acme]
connector = "files"
path = "data"
"""
_PROGRAMS = """
[[programs]]
name = "standard"
default = true
group = "step"
calendar = "FR"
steps = [
  { name = "Premier rappel", trigger = { after_due = 3 }, template = "first", sender = "salesperson", payment_link = true },
  { name = "Relance", trigger = { after_previous = 10 }, template = "second", sender = "salesperson" },
  { name = "Dernier rappel", trigger = { after_previous = 14 }, template = "final" },
]

[[programs]]
name = "public"
group = "client"
when = { tag = ["public"] }
steps = [
  { name = "Rappel", trigger = { after_due = 3 }, template = "statement" },
  { name = "Second rappel", trigger = { after_previous = "3 weeks" }, template = "second" },
  { name = "Dernier rappel", trigger = { after_previous = "3 weeks" }, template = "final" },
]
"""  # noqa: E501


def write(folder: Path, size: int, due: int, seed: int = 1) -> None:
    """Write the folder: ``size`` open invoices, ``due`` of them due on TODAY."""
    random = Random(seed)
    data = folder / "data"
    data.mkdir(parents=True)
    (folder / "relance.toml").write_text(_CONFIG, "utf-8")
    (folder / "programs.toml").write_text(_PROGRAMS, "utf-8")
    clients = max(due, size // 10)
    _write(
        data / "clients.csv",
        ("id", "name", "email", "language", "country", "tags"),
        (
            (number, f"Client {number} & Fils", f"compta@client{number}.example", random.choice(("fr", "fr", "en")),
             random.choice(("FR", "FR", "BE")), "public" if random.random() < 0.15 else "")
            for number in range(1, clients + 1)
        ),
    )  # fmt: skip
    owed = set(random.sample(range(1, size + 1), due))
    columns = (
        "id", "number", "client", "issue_date", "due_date", "total", "residual", "currency", "status", "salesperson",
        "payment_link", "hold_until",
    )  # fmt: skip
    rows = []
    late = 0
    for number in range(1, size + 1):
        if number in owed:
            late += 1
            client, day, status, hold = late, TODAY - timedelta(days=3 + late % 30), "open", ""
        else:
            client, day = random.randint(1, clients), TODAY + timedelta(days=random.randint(-2, 90))
            drawn = random.random()
            status = "disputed" if drawn < 0.02 else "draft" if drawn < 0.03 else "open"
            hold = "always" if 0.03 <= drawn < 0.04 else ""
        total = f"{random.randint(1000, 900000) / 100:.2f}"
        rows.append(
            (number, f"FA-{number:07}", client, day - timedelta(days=30), day, total, total, "EUR", status,
             f"Vendeur {number % 20} <vendeur{number % 20}@acme.example>", f"https://pay.acme.example/{number}", hold)
        )  # fmt: skip
    _write(data / "invoices.csv", columns, rows)


def _write(path: Path, columns: tuple[str, ...], rows: object) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)  # type: ignore[arg-type]
