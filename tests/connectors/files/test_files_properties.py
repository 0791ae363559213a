"""Whatever stands in the files: no other error than ours, every id once, and reading again says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from files_samples import FULL_HEADER, TODAY, Sample
from hypothesis import given, settings
from hypothesis import strategies as st

from relance_addon.core.errors import InputError
from relance_addon.core.model import OWED

PIECES = [
    "1", "2", "17", "3", "2026-10-01", "2026-02-30", "100.00", "1e3", "-5", "open", "paid", "draft", "opne", "EUR",
    "eu", "a@b.example", "x@y\n", "https://x.example", "javascript:", "../x", "always", "",
    " ", '"', '""', '"a\nb"', "é", "\0",
    ",", ",", ",", ",", ",", ",", ";", "\n", "\n", "\n", "\r\n", "\r", "none", "٣", "🚲",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@settings(max_examples=150, deadline=None)
@given(body=TEXTS, clients=st.none() | TEXTS, parts=st.none() | TEXTS, junk=st.binary(max_size=6))
def test_any_lines_are_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, body: str, clients: str | None, parts: str | None, junk: bytes
) -> None:
    sample = Sample(tmp_path_factory.mktemp("any"))
    (sample.folder / "invoices.csv").write_bytes(
        f"{FULL_HEADER}\n{body}".encode() + junk + b"\n99,3,2026-10-01,5,,,,,,,,,,\n"
    )
    for name, header, text in (
        ("clients", "id,name,email,credit", clients), ("instalments", "invoice,due_date,amount,residual", parts),
    ):  # fmt: skip
        if text is not None:
            (sample.folder / f"{name}.csv").write_bytes(f"{header}\n{text}".encode())
    pulled = sample.pull()
    assert len(set(pulled.ids)) == len(pulled.ids)
    assert all(one.status in OWED for one in pulled.invoices)
    assert all(one.invalid or one.issue_date or one.status == "draft" for one in pulled.invoices)
    assert pulled.problems or not any(one.invalid for one in pulled.invoices)
    assert bool(pulled.cursor) == (not pulled.problems)
    assert sample.connected
    page = sample.connect().read(pulled.ids, TODAY)
    assert list(page.invoices) == pulled.invoices
    assert list(page.gone) == []
    told = sample.connected.locate("invoice", pulled.ids)
    assert set(told) == set(pulled.ids)
    assert sample.connected.check(TODAY)
    assert sample.connected.fields(TODAY)


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    sample = Sample(tmp_path_factory.mktemp("bytes"))
    (sample.folder / "invoices.csv").write_bytes(content)
    try:
        sample.pull()
    except InputError as error:
        assert str(error).startswith("data/invoices.csv")


def test_a_good_line_after_any_other_is_not_lost(tmp_path: Path) -> None:
    sample = Sample(tmp_path)
    bad = [
        '1,"',
        '2,"3,2026-10-01',
        '3,3,"a"b,5',
        "4",
        "5,3,2026-10-01,5" + ",x" * 40,
        "6,3,2026-10-01," + "9" * 200_000,
    ]
    lines = [line for n, wrong in enumerate(bad) for line in (wrong, f"{100 + n},3,2026-10-01,5")]
    sample.invoices(*lines)
    pulled = sample.pull()
    assert {one.id for one in pulled.invoices if not one.invalid} == {str(100 + n) for n in range(len(bad))}
    assert len(pulled.problems) == len(bad)
