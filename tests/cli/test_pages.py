"""The walk-throughs of the manual are true: each command, as written, prints what the page shows."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from company import Company

DOCS = Path(__file__).parents[2] / "docs"
WALKS = sorted(path.name for path in DOCS.glob("*.md") if "\n```console 2" in path.read_text("utf-8"))
PAGE = """\
```csv data/invoices.csv
id,client,issue_date,due_date,residual
17,1,2026-10-01,2026-10-31,100.00
```
```console 2026-11-21
$ cat data/invoices.csv
id,…,residual
17,1,2026-10-01,2026-10-31,100.00
$ relance nonsense
…
```
"""


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_through_is_true(name: str, company: Company) -> None:
    (company.folder / "relance.sqlite3").unlink()
    for _, outputs in pages.follow((DOCS / name).read_text("utf-8"), company.folder):
        for shown, printed in outputs:
            assert pages.agree(shown.output, printed), f"$ {shown.command}\n{printed}"


def test_there_is_a_walk_through() -> None:
    assert "by-hand.md" in WALKS


def test_an_ellipsis_stands_for_anything_on_its_line_and_alone_for_any_lines() -> None:
    assert pages.agree("a …\n", "a b\n")
    assert not pages.agree("a …\n", "a b\nc\n")
    assert not pages.agree("a.\n", "ab\n")
    assert pages.agree("a\n…\nz\n", "a\nb\nc\nz\n")
    assert pages.agree("a\n…\nz\n", "a\nz\n")
    assert not pages.agree("", "a\n")


def test_a_page_is_followed_and_rewritten_where_it_is_not_true(company: Company) -> None:
    told = PAGE.replace("17,1,2026-10-01,2026-10-31,100.00\n$", "17,1,2026-10-01,2026-10-31,99.00\n$")
    assert pages.rewritten(told, company.folder) == PAGE.replace(
        "id,…,residual", "id,client,issue_date,due_date,residual"
    )
    assert pages.rewritten(PAGE, company.folder) == PAGE
