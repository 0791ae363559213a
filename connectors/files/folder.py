"""The folder itself: its paths as the user wrote them, and the PDFs in it."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath

from relance_addon.connectors.files.settings import Settings
from relance_addon.hosts.port import Surroundings

_SIMPLE = re.compile(r"(?:[\w\-][\w .\-]*/)*[\w\-][\w .\-]*")
"""Relative paths none of whose parts begins with a dot: most of them, and quick to tell."""


class Folder:
    """Where the files are: ``path`` to open them, ``shown`` as the user wrote it, relative to the configuration."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.shown = PurePath(settings.path)
        self.path = surroundings.folder / settings.path

    def at(self, name: str) -> Path:
        """The path of a file of the folder."""
        return self.path / name

    def told(self, name: str) -> str:
        """The path of a file of the folder as the user wrote it."""
        return (self.shown / name).as_posix()


def inside(text: str) -> str:
    """A path in the folder, normalised; blank stays blank. Raises ValueError for one that leads out of it."""
    text = text.strip()
    if not text or _SIMPLE.fullmatch(text):
        return text
    path = os.path.normpath(text.replace("\\", "/"))
    if PurePath(path).is_absolute() or PurePath(path).drive or path.split("/")[0] == ".." or not path.isprintable():
        raise ValueError(f"{text!r} is no path in the folder")
    return path


class Pdfs:
    """Which of the paths given for PDFs exist. Folders are listed once each: a file of many lines asks for many."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders: dict[str, int] = {}
        self._names: dict[str, frozenset[str]] = {}

    def __call__(self, text: str) -> str:
        """The path if the file is there, else nothing. Raises ValueError for one that leads out of the folder."""
        path = text if _SIMPLE.fullmatch(text) else inside(text)
        folder, _, name = path.rpartition("/")
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = self._list(folder)
        return path if name in names else ""

    def _list(self, folder: str) -> frozenset[str]:
        self.folders[folder] = modified(self.root / folder)
        try:
            with os.scandir(self.root / folder) as entries:
                return frozenset(entry.name for entry in entries if entry.is_file())
        except OSError:
            return frozenset()


def present(root: Path, text: str) -> str:
    """As ``Pdfs``, for a few: asks for that one file."""
    path = inside(text)
    return path if path and (root / path).is_file() else ""


def modified(path: Path) -> int:
    """When a file or folder changed last, in nanoseconds; 0 when it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
