"""Names and cells that are safe where they end up: on a disk, in a mail, in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pdf_name(number: str) -> str:
    """The file name of the PDF of an invoice."""
    plain = "".join(one if one.isalnum() or one in "-_." else "-" for one in number)
    return f"{plain.strip('.-')[:100] or 'invoice'}.pdf"


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet computes: what begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
