"""The demonstration and the first files: what ``relance demo`` and ``relance init`` write."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import ZoneInfo

from relance_addon.core.errors import InputError
from relance_addon.hosts import loading

_DAY = re.compile(rb"\{([+-]\d+)\}")
HOST = "demo"


def today() -> date:
    """Today where the demonstration takes place."""
    return datetime.now(ZoneInfo("Europe/Paris")).date()


def write_demo(folder: Path, config: str, today: date) -> None:
    """Make the demonstration's folder, its dates around ``today``. Raises InputError if it is there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already; remove it, or name another folder: relance demo DIR")
    _copy(loading.demo(), folder, config, today)


def _copy(source: Traversable, target: Path, config: str, today: date) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        for entry in source.iterdir():
            if entry.is_dir():
                _copy(entry, target / entry.name, config, today)
            else:
                name = config if entry.name == "relance.toml" else entry.name
                (target / name).write_bytes(_dated(entry.read_bytes(), today))
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None


def _dated(content: bytes, today: date) -> bytes:
    def day(found: re.Match[bytes]) -> bytes:
        return (today + timedelta(days=int(found[1]))).isoformat().encode()

    return _DAY.sub(day, content) if not content.startswith(b"%PDF") else content


def write_first_files(config: Path) -> list[Path]:
    """Write a commented configuration, and programs beside it. Raises InputError if either is there already."""
    folder = files("relance_addon.operations") / "examples"
    targets = {config: "relance.toml", config.with_name("programs.toml"): "programs.toml"}
    for target in targets:
        if target.exists():
            raise InputError(f"{target}: is there already; nothing was written")
    try:
        for target, name in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((folder / name).read_bytes())
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    return list(targets)
