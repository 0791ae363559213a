"""Macros: ``#REF#`` and its like become expressions of the template language."""

from __future__ import annotations

import re
from typing import Final

from relance_addon.core.toml import nearest

MACROS: Final = {
    "REF": "number(s) of the invoice(s)",
    "CLIENT": "name of the client",
    "TOTAL": "total, per currency",
    "SOLDE": "residual asked for, per currency",
    "DATE": "issue date",
    "ECHEANCE": "due date",
    "RETARD": "days late",
    "LIEN": "payment link",
}
"""Every macro and what it stands for."""

_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_SCAN = re.compile(
    rf"""
    (?P<jinja>
        \{{\#.*?(?:\#\}}|\Z)
      | \{{%[-+]?\s*raw\s*[-+]?%\}}.*?(?:\{{%[-+]?\s*endraw\s*[-+]?%\}}|\Z)
      | \{{%(?:{_STRING}|.)*?(?:%\}}|\Z)
      | \{{\{{(?:{_STRING}|.)*?(?:\}}\}}|\Z)
    )
    | \#(?P<name>\w*)\#
    """,
    re.DOTALL | re.VERBOSE,
)


class UnknownMacroError(ValueError):
    """A macro that there is none of; ``line`` counts from 1 in the text."""

    def __init__(self, name: str, line: int) -> None:
        self.line = line
        known = nearest(name.upper(), MACROS)
        if known:
            near = known.split("'")[1]
            known = f"; did you mean #{near}#?"
        super().__init__(f"unknown macro #{name}#{known or '; write ## for a #'}")


def expand(text: str) -> str:
    """The text with its macros as expressions, ``##`` as ``#``; what stands in expressions and tags is left alone.

    Lines stay where they are. Raises UnknownMacroError.
    """
    if "#" not in text:
        return text

    def put(found: re.Match[str]) -> str:
        if found["jinja"] is not None:
            return found[0]
        name = found["name"]
        if not name:
            return "#"
        if name not in MACROS:
            raise UnknownMacroError(name, text.count("\n", 0, found.start()) + 1)
        return f"{{{{ {variable(name)} }}}}"

    return _SCAN.sub(put, text)


def variable(name: str) -> str:
    """The name under which templates know the value of a macro."""
    return f"_{name}"
