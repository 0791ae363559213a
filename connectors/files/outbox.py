"""Mails written back: ``outbox/KEY.eml`` is exactly what would go out, ``KEY.bcc`` its blind copies, an address a line.

A message is written as ``.KEY.eml.tmp`` and then renamed. So ``KEY.eml`` means that it left, ``.KEY.eml.tmp`` that it
certainly did not, and neither says nothing: whoever sends the files may have taken it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from relance_addon.connectors.files import disk
from relance_addon.hosts.port import Found, Mark, Outgoing, Posted

NAME: Final = "outbox"
_LONGEST: Final = 240


def post(folder: Path, messages: Sequence[Outgoing]) -> list[Posted]:
    """Put messages into the outbox ``folder``: one outcome each, in order. All are staged before the first is there."""
    try:
        if not folder.is_dir():
            folder.mkdir()
            disk.sync_folder(folder.parent)
    except OSError as error:
        return [Posted(message.key, "failed", _said(folder, error)) for message in messages]
    with disk.alone(folder):
        return _post(folder, messages)


def _post(folder: Path, messages: Sequence[Outgoing]) -> list[Posted]:
    outcomes: dict[str, Posted] = {}
    staged: list[Outgoing] = []
    for message in messages:
        if message.key not in outcomes:
            outcomes[message.key] = _stage(folder, message)
            if outcomes[message.key].state == "queued":
                staged.append(message)
    for message in staged:
        outcomes[message.key] = _release(folder, message)
    if any(outcomes[message.key].state == "sent" for message in staged):
        try:
            disk.sync_folder(folder)
        except OSError as error:
            told = f"it may not outlast a power cut: {_said(folder, error)}"
            for message in staged:
                if outcomes[message.key].state == "sent":
                    outcomes[message.key] = Posted(message.key, "in_doubt", told)
    return [outcomes[message.key] for message in messages]


def find(folder: Path, marks: Sequence[Mark]) -> dict[str, Found]:
    """What the outbox has of these marks, by key."""
    return {mark.key: _found(folder, mark.key) for mark in marks}


def _found(folder: Path, key: str) -> Found:
    if not _usable(key):
        return Found(key, "unknown")
    try:
        if _final(folder, key).is_file():
            return Found(key, "present")
        return Found(key, "absent" if _staged(folder, key).is_file() else "unknown")
    except OSError:
        return Found(key, "unknown")


def _stage(folder: Path, message: Outgoing) -> Posted:
    """``queued`` when it waits to be renamed, ``sent`` when it is there already."""
    key = message.key
    if not _usable(key):
        return Posted(key, "failed", f"{key!r} cannot name a file")
    final = _final(folder, key)
    try:
        if final.is_file():
            disk.remove(_staged(folder, key))
            return Posted(key, "sent")
        if final.exists():
            return Posted(key, "failed", f"{final} is in the way: it is no file")
        if blind := message.recipients[2]:
            copies = "".join(f"{address.email}\n" for address in blind).encode()
            disk.write(_staged(folder, key, "bcc"), copies)
        disk.write(_staged(folder, key), message.mime)
    except OSError as error:
        _clear(folder, key)
        return Posted(key, "failed", _said(_staged(folder, key), error))
    return Posted(key, "queued")


def _release(folder: Path, message: Outgoing) -> Posted:
    key = message.key
    try:
        if message.recipients[2]:
            _staged(folder, key, "bcc").replace(_final(folder, key, "bcc"))
        _staged(folder, key).replace(_final(folder, key))
    except OSError as error:
        if _final(folder, key).is_file():
            return Posted(key, "in_doubt", _said(_final(folder, key), error))
        _clear(folder, key)
        disk.remove(_final(folder, key, "bcc"))
        return Posted(key, "failed", _said(_final(folder, key), error))
    return Posted(key, "sent")


def _clear(folder: Path, key: str) -> None:
    disk.remove(_staged(folder, key, "bcc"))
    disk.remove(_staged(folder, key))


def _final(folder: Path, key: str, ending: str = "eml") -> Path:
    return folder / f"{key}.{ending}"


def _staged(folder: Path, key: str, ending: str = "eml") -> Path:
    return folder / f".{key}.{ending}.tmp"


def _usable(key: str) -> bool:
    return 0 < len(key.encode()) <= _LONGEST and key.isprintable() and key[0] != "." and not set(key) & set("/\\")


def _said(path: Path, error: OSError) -> str:
    return f"{path}: {error.strerror or error}"
