"""How far a pull got: what the next one needs to find what changed since, whatever Odoo says of it."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from relance_addon.connectors.odoo.credits import Amounts

OVERLAP: Final = timedelta(minutes=10)
"""Odoo stamps a change with the time its transaction began; this long may one last before it is seen."""
_FORM: Final = "1:"


class Cursor(NamedTuple):
    """``day`` is that of the last full pull, ``at`` Odoo's own clock when the last pull began (UTC).

    Besides, what was there then: the ids of the invoices owed and of their clients, and credits by partner.
    """

    day: date
    at: datetime
    owed: frozenset[int]
    clients: frozenset[int]
    credits: Mapping[int, Amounts]

    @property
    def since(self) -> str:
        """From when on changes are asked for, as Odoo writes a time."""
        return str(self.at - OVERLAP)

    def write(self) -> str:
        """As text: about a byte for an invoice."""
        credits = {
            partner: {currency: str(amount) for currency, amount in sorted(amounts.items())}
            for partner, amounts in sorted(self.credits.items())
        }
        facts = [str(self.day), str(self.at), _gaps(self.owed), _gaps(self.clients), credits]
        packed = zlib.compress(json.dumps(facts, separators=(",", ":")).encode())
        return _FORM + b64encode(packed).decode()


def read(text: str) -> Cursor | None:
    """The cursor that was written, or None for what is none: a pull then starts over."""
    if not text.startswith(_FORM):
        return None
    try:
        day, at, owed, clients, credits = json.loads(zlib.decompress(b64decode(text.removeprefix(_FORM))))
        return Cursor(
            date.fromisoformat(day),
            datetime.fromisoformat(at),
            frozenset(accumulate(owed)),
            frozenset(accumulate(clients)),
            {
                int(partner): {currency: Decimal(amount) for currency, amount in amounts.items()}
                for partner, amounts in credits.items()
            },
        )
    except (ValueError, TypeError, AttributeError, ArithmeticError, zlib.error):
        return None


def _gaps(ids: Iterable[int]) -> list[int]:
    """The first id, then each one's distance from the one before: small numbers, which pack well."""
    return [after - before for before, after in pairwise([0, *sorted(ids)])]
