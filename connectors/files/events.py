"""Events read back from ``events.csv``: what became of messages, as whoever sends them says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from datetime import timezone as fixed
from typing import Final, get_args
from zoneinfo import ZoneInfo

from relance_addon.connectors.files import values
from relance_addon.connectors.files.table import Table
from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.hosts.port import DeliveryEvent, EventName

REQUIRED: Final = ("message_id", "event", "at")
COLUMNS: Final = (*REQUIRED, "recipient", "detail")
_NAMES: Final[dict[str, EventName]] = {name: name for name in get_args(EventName)}


def events(
    table: Table, wanted: Collection[str], timezone: ZoneInfo, problems: list[Problem]
) -> Iterator[DeliveryEvent]:
    """The events of these Message-IDs (without angle brackets); lines that cannot be used go to ``problems``."""
    at: dict[str, int] = {column: table.columns.index(column) for column in COLUMNS if column in table.columns}
    for column in REQUIRED:
        if column not in at:
            hint = toml.nearest(column, table.columns)
            raise InputError(Problem(f"{table.shown}:1", column, f"no column {column!r}{hint}"))
    for place, row, wrong in table.records():
        if wrong:
            problems.append(table.problem(place, "", wrong))
            continue
        if not any(row):
            continue
        cells: dict[str, str] = {column: row[index].strip() for column, index in at.items()}
        try:
            event = _event(cells, timezone)
        except WrongCellError as error:
            problems.append(table.problem(place, error.key, error.text))
            continue
        if bare(event.message_id) in wanted:
            yield event


class WrongCellError(ValueError):
    """A cell that cannot be used: its column and why."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key, self.text = key, text


def _event(cells: dict[str, str], timezone: ZoneInfo) -> DeliveryEvent:
    message_id = bare(cells["message_id"])
    if not message_id:
        raise WrongCellError("message_id", "missing")
    name = cells["event"].lower()
    if name not in _NAMES:
        hint = toml.nearest(name, _NAMES) or "; known: " + ", ".join(_NAMES)
        raise WrongCellError("event", f"unknown event {cells['event']!r}{hint}")
    try:
        detail, recipient = cells.get("detail", ""), values.email(cells.get("recipient", ""))
    except ValueError as error:
        raise WrongCellError("recipient", str(error)) from None
    return DeliveryEvent(f"<{message_id}>", _NAMES[name], _at(cells["at"], timezone), recipient, detail)


def _at(text: str, timezone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            return at.replace(tzinfo=timezone)
        return at.astimezone(fixed(at.utcoffset() or timedelta()))
    except (ValueError, OverflowError):
        raise WrongCellError("at", f"{text!r} is no ISO date and time (2026-11-21T09:30:00)") from None


def bare(message_id: str) -> str:
    """A Message-ID without its angle brackets."""
    return message_id.strip().removeprefix("<").removesuffix(">").strip()
