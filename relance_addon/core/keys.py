"""Keys of claims and messages: the same facts always make the same key, here and on the host."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from hashlib import sha256

from relance_addon.core.model import ascii_address


def claim_key(host: str, invoice: str, cycle: str, step: str) -> str:
    """The key of one claim: 24 hexadecimal digits."""
    return _digest((host, invoice, cycle, step))


def hand_cycle(day: date, facts: Iterable[str]) -> str:
    """The cycle of a message by hand that is no step: the same facts on the same day are the same message."""
    return f"hand.{day}.{_digest(facts)}"


def message_key(claims: Iterable[str]) -> str:
    """The key of a message, made of the keys of its claims in any order; safe as a file name and in a Message-ID."""
    return _digest(sorted(claims))


def message_id(key: str, sender: str) -> str:
    """The Message-ID of a message (RFC 5322, with its brackets), in the domain of the sender's address."""
    return f"<relance.{key}@{ascii_address(sender).rpartition('@')[2]}>"


def _digest(parts: Iterable[str]) -> str:
    return sha256("\x1f".join(parts).encode()).hexdigest()[:24]
