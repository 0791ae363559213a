"""JSON with Tryton's dates, amounts and bytes: objects that name their class."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

_PARTS: Final = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def encoded(value: Any) -> bytes:
    """As Tryton reads it."""
    return json.dumps(value, default=_plain).encode()


def decoded(text: bytes) -> Any:
    """As we use it; times are aware, in UTC. Raises ValueError, KeyError or TypeError for what is not Tryton's."""
    return json.loads(text, object_hook=_made)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        told = {name: getattr(value, name) for name in _PARTS if hasattr(value, name)}
        return {"__class__": type(value).__name__, **told}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} cannot be told to Tryton")


def _made(told: dict[str, Any]) -> Any:
    make = _CLASSES.get(str(told.get("__class__")))
    return told if make is None else make(told)


def _day(told: Mapping[str, Any]) -> date:
    return date(*(told[name] for name in _PARTS[:3]))


def _hour(told: Mapping[str, Any]) -> time:
    return time(*(told[name] for name in _PARTS[3:]))


_CLASSES: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "date": _day,
    "datetime": lambda told: datetime.combine(_day(told), _hour(told), UTC),
    "time": _hour,
    "timedelta": lambda told: timedelta(seconds=told["seconds"]),
    "Decimal": lambda told: Decimal(told["decimal"]),
    "bytes": lambda told: b64decode(told["base64"]),
}
