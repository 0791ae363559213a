"""When the files are read again, and when they are not."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator

import pytest
from files_samples import HEADER, TODAY, Sample

from relance_addon.connectors.files import reading
from relance_addon.connectors.files.table import Record, Table
from relance_addon.core.errors import InputError


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read from their beginning."""
    found: list[str] = []
    records = Table.records

    def spy(self: Table, place: int | None = None) -> Iterator[Record]:
        if place is None:
            found.append(self.shown)
        return records(self, place)

    monkeypatch.setattr(Table, "records", spy)
    return found


def many(sample: Sample, count: int) -> None:
    sample.invoices(*(f"{n},{n % 7},2026-10-01,5" for n in range(count)))


def age(sample: Sample, seconds: int = 3600) -> None:
    """Let the files have been written some time ago."""
    for path in sample.folder.glob("*.csv"):
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - seconds * 10**9))


def test_an_unchanged_folder_is_not_parsed(sample: Sample, scans: list[str]) -> None:
    many(sample, 10)
    cursor = sample.pull().cursor
    scans.clear()
    for connector in (sample.connected, sample.connect()):
        assert connector
        pull = connector.pull(cursor, TODAY)
        (page,) = pull.pages
        assert (list(page.invoices), page.cursor, pull.full) == ([], cursor, False)
    assert scans == []


@pytest.mark.parametrize("name", ["invoices", "clients", "contacts", "instalments"])
def test_any_changed_file_starts_over(sample: Sample, name: str) -> None:
    many(sample, 3)
    cursor = sample.pull().cursor
    sample.write("clients", "id,name", *(f"{n},C{n}" for n in range(7)))
    header = {"contacts": "client,email", "instalments": "invoice,due_date,residual"}
    if name in header:
        sample.write(name, header[name])
    elif name == "invoices":
        many(sample, 4)
    assert sample.pull(cursor=cursor).full


def test_settings_and_mapping_are_part_of_the_cursor(sample: Sample) -> None:
    many(sample, 3)
    cursor = sample.pull().cursor
    assert not sample.pull(cursor=cursor).full
    assert sample.pull(cursor=cursor, mapping={"invoice": {"currency": {"value": "USD"}}}).full
    assert sample.pull(cursor=cursor, mapping={}, decimal=",").full
    assert sample.pull(cursor="nonsense", decimal=".").full


def test_a_change_within_one_tick_of_the_clock_is_seen(sample: Sample) -> None:
    path = sample.invoices("1,3,2026-10-01,5")
    pulled = sample.pull()
    stat = path.stat()
    with path.open("r+") as file:
        file.write(f"{HEADER}\n1,3,2026-10-01,7")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert sample.pull(cursor=pulled.cursor)["1"].residual == 7
    assert sample.connected
    assert sample.connected.read(["1"], TODAY).invoices[0].residual == 7


def test_a_file_that_changes_while_it_is_read_gives_no_cursor(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    many(sample, 10)
    pages = sample.connect().pull("", TODAY).pages
    next(pages)
    with (sample.folder / "invoices.csv").open("a") as file:
        file.write("10,3,2026-10-01,5\n")
    assert list(pages)[-1].cursor == ""


def test_a_file_replaced_while_it_is_read_is_read_as_it_was(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    many(sample, 10)
    connector = sample.connect()
    pages = connector.pull("", TODAY).pages
    first = next(pages)
    (sample.folder / "new").write_text(f"{HEADER}\n99,3,2026-10-01,5\n")
    (sample.folder / "new").rename(sample.folder / "invoices.csv")
    rest = list(pages)
    assert sum(len(page.invoices) for page in (first, *rest)) == 10
    again = list(connector.pull(rest[-1].cursor, TODAY).pages)
    assert [one.id for page in again for one in page.invoices] == ["99"]


def test_fifty_batches_are_read_with_one_parse(sample: Sample, scans: list[str]) -> None:
    many(sample, 2000)
    sample.write("clients", "id", *(str(n) for n in range(7)))
    age(sample)
    connector = sample.connect()
    for start in range(0, 1000, 20):
        page = connector.read([str(n) for n in range(start, start + 20)], TODAY)
        assert len(page.invoices) == 20
        assert len(page.clients) == 7
    assert sorted(scans) == ["data/clients.csv", "data/invoices.csv"]


def test_reading_after_a_pull_needs_no_other_parse(sample: Sample, scans: list[str]) -> None:
    many(sample, 50)
    sample.pull()
    scans.clear()
    assert sample.connected
    assert len(sample.connected.read(["1", "49"], TODAY).invoices) == 2
    assert scans == []


def test_what_is_paid_between_pull_and_read_is_read_as_paid(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,open", "2,3,2026-10-01,5,open", header=HEADER + ",status")
    sample.pull()
    sample.invoices("1,3,2026-10-01,0,paid", header=HEADER + ",status")
    assert sample.connected
    page = sample.connected.read(["1", "2"], TODAY)
    assert [(one.id, one.status) for one in page.invoices] == [("1", "paid")]
    assert list(page.gone) == ["2"]


def test_a_file_that_appears_or_goes_is_seen(sample: Sample) -> None:
    many(sample, 2)
    assert sample.pull().clients["1"].name == "1"
    sample.write("clients", "id,name", "0,Zero", "1,Un")
    assert sample.pull().clients["1"].name == "Un"
    (sample.folder / "clients.csv").unlink()
    assert sample.pull().clients["1"].name == "1"
    (sample.folder / "invoices.csv").unlink()
    with pytest.raises(InputError, match="no such file"):
        sample.pull()


def test_two_pulls_at_once_do_not_disturb_each_other(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    many(sample, 20)
    connector = sample.connect()
    one, other = connector.pull("", TODAY).pages, connector.pull("", TODAY).pages
    for first, second in zip(one, other, strict=True):
        assert first == second


def test_pages_come_before_the_file_ends(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    records = Table.records

    def counting(self: Table, place: int | None = None) -> Iterator[Record]:
        for record in records(self, place):
            seen.append(record[0])
            yield record

    monkeypatch.setattr(Table, "records", counting)
    monkeypatch.setattr(reading, "PAGE", 10)
    many(sample, 500)
    next(sample.connect().pull("", TODAY).pages)
    assert len(seen) == 10


def test_memory_stays_bounded_on_a_large_file(sample: Sample) -> None:
    with (sample.folder / "invoices.csv").open("w") as file:
        file.write(HEADER + ",note\n")
        file.writelines(f"{n},{n % 50},2026-10-01,5,{'x' * 400}\n" for n in range(20_000))
    size = (sample.folder / "invoices.csv").stat().st_size
    connector = sample.connect()
    tracemalloc.start()
    count = sum(len(page.invoices) for page in connector.pull("", TODAY).pages)
    connector.read(["5"], TODAY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < size * 0.6


def test_closing_twice_and_using_it_again(sample: Sample) -> None:
    many(sample, 3)
    sample.pull()
    assert sample.connected
    sample.connected.close()
    sample.connected.close()
    assert sample.pull().ids == ["0", "1", "2"]
