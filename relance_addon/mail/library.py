"""The message library: folders of texts, one folder per language, the user's over the shipped one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.core.toml import nearest

MAX_SIZE = 262_144
"""Characters that one text may have."""
SUBJECT = "Subject:"

_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?\Z")
_NAME = re.compile(r"[^\W_][\w-]*\Z")
_FILE = re.compile(r"\w[\w-]*\.(html|txt)\Z")
_SUFFIXES = (".html", ".txt")


@dataclass(frozen=True, slots=True)
class Template:
    """A text of the library. ``body`` is all of the file but its first line, which is ``subject``."""

    name: str
    language: str
    path: Path
    subject: str
    body: str
    html: bool

    @property
    def where(self) -> str:
        """How errors name the file: its folder, language and name."""
        return where(self.path)


def where(path: Path) -> str:
    """``templates/fr/x.html``: the last three parts of a path, as a person knows the file."""
    return "/".join(path.parts[-3:])


def shipped() -> Path:
    """The folder of the texts that come with the package."""
    return Path(__file__).resolve().parent.parent / "templates"


class Library:
    """The texts of several folders; what an earlier folder has hides the same name in the same language of a later.

    A template is a file ``FOLDER/LANGUAGE/NAME.html`` or ``NAME.txt``. Files that begin with ``_``, and
    ``layout.html``, are parts that templates include. Files are read once: make a new library to see changes.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self._templates: dict[Path, Template] = {}
        self._parts: dict[tuple[str, str], tuple[str, Path] | None] = {}

    @cached_property
    def _paths(self) -> dict[str, dict[str, Path]]:
        """Path of every template by language and name."""
        found: dict[str, dict[str, Path]] = {}
        for folder in self.folders:
            for language, name, path in _entries(folder):
                found.setdefault(language, {}).setdefault(name, path)
        return found

    def names(self) -> tuple[str, ...]:
        """The names of all templates, in any language, in alphabetical order."""
        return tuple(sorted({name for names in self._paths.values() for name in names}))

    def languages(self, name: str = "") -> frozenset[str]:
        """The languages that there are texts in; with a name, those that this template is written in."""
        return frozenset(language for language, names in self._paths.items() if not name or name in names)

    def find(self, name: str, language: str, default: str = "fr") -> Template:
        """The template in a language, else in ``default``.

        Raises InputError when neither has it (with the nearest known name), or when its first line is no subject.
        """
        for wanted in (language, default):
            path = self._paths.get(wanted, {}).get(name)
            if path is not None:
                return self._read(name, wanted, path)
        written = ", ".join(sorted(self.languages(name)))
        if written:
            raise InputError(f"template {name!r} is written in {written}, not in {default}")
        raise InputError(f"unknown template {name!r}{nearest(name, self.names())}")

    def part(self, file: str, language: str) -> tuple[str, Path] | None:
        """The text and path of a file that templates include, of the language's folder or common to all; else None.

        Names that leave the library are none.
        """
        key = (file, language)
        if key not in self._parts:
            self._parts[key] = self._part(file, language)
        return self._parts[key]

    def parts(self, language: str) -> tuple[str, ...]:
        """The file names that templates of a language can include."""
        places = [place for folder in self.folders for place in (folder / language, folder)]
        paths = (path for place in places if place.is_dir() for path in place.iterdir())
        return tuple(sorted({path.name for path in paths if _FILE.match(path.name)}))

    def _part(self, file: str, language: str) -> tuple[str, Path] | None:
        if not _FILE.match(file):
            return None
        for place in (language, ""):
            for folder in self.folders:
                path = folder / place / file
                if path.is_file():
                    return read(path), path
        return None

    def _read(self, name: str, language: str, path: Path) -> Template:
        template = self._templates.get(path)
        if template is None:
            subject, body = split(read(path), where(path))
            template = self._templates[path] = Template(name, language, path, subject, body, path.suffix == ".html")
        return template


def read(path: Path) -> str:
    """The text of a file, in UTF-8 with or without byte order mark, lines ending in ``\\n``. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(Problem(f"{where(path)}:{line}", "", "is not UTF-8; save the file as UTF-8")) from None
    except OSError as error:
        raise InputError(Problem(where(path), "", f"cannot be read: {error.strerror}")) from None
    if len(text) > MAX_SIZE:
        raise InputError(Problem(where(path), "", f"is longer than {MAX_SIZE} characters"))
    return text


def split(text: str, source: str) -> tuple[str, str]:
    """Subject and body of a template's text. Raises InputError when its first line is no subject."""
    first, _, body = text.partition("\n")
    if not first.startswith(SUBJECT):
        raise InputError(Problem(f"{source}:1", "", f'the first line must be "{SUBJECT} …"'))
    subject = first.removeprefix(SUBJECT).strip()
    if not subject:
        raise InputError(Problem(f"{source}:1", "", "the subject is empty"))
    return subject, body


def _entries(folder: Path) -> Iterator[tuple[str, str, Path]]:
    if not folder.is_dir():
        return
    for place in sorted(folder.iterdir()):
        if place.is_dir() and _LANGUAGE.match(place.name):
            for path in sorted(place.iterdir()):
                if path.suffix in _SUFFIXES and path.stem != "layout" and _NAME.match(path.stem) and path.is_file():
                    yield place.name, path.stem, path
