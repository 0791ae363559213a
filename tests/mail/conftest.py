"""A renderer with the shipped texts, and what writes and renders others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mail_samples import TODAY, message

from relance_addon.core.model import Invoice
from relance_addon.mail.library import Library, shipped
from relance_addon.mail.render import Renderer


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(Library(shipped()), "fr")


@pytest.fixture
def say(renderer: Renderer) -> Callable[..., str]:
    """The text of a body, about one invoice or those given."""

    def rendered(body: str, *invoices: Invoice, **options: Any) -> str:
        return renderer.render(message(invoices, body=body, **options), TODAY, {}).text.rstrip("\n")

    return rendered


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a template into a library of one's own, and return the library's folder."""

    def written(name: str, text: str, language: str = "fr") -> Path:
        path = tmp_path / "templates" / language / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return tmp_path / "templates"

    return written
