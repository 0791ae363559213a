"""One CSV file: header, delimiter, encodings, and records whatever is wrong with the line before."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relance_addon.connectors.files.table import Table, delimiter_of, known_encoding, line_of
from relance_addon.core.errors import InputError, Unreachable


def table(tmp_path: Path, content: bytes | str, encoding: str = "utf-8") -> Table:
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Table(path, "data/t.csv", encoding)


def rows(table: Table) -> list[tuple[int, list[str], str]]:
    return [(line_of(place), row, error) for place, row, error in table.records()]


def refused(tmp_path: Path, content: bytes | str, encoding: str = "utf-8") -> str:
    with pytest.raises(InputError) as caught:
        table(tmp_path, content, encoding)
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("id,client", ","), ("id;client", ";"), ("id\tclient", "\t"), ('"a,b,c";d;e', ";"), ("id", ","), ("a;b,c;d", ";")],
)
def test_the_delimiter_is_found_out(header: str, delimiter: str) -> None:
    assert delimiter_of(header) == delimiter


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_delimiters_line_ends_and_byte_order_marks(tmp_path: Path, delimiter: str, end: str, bom: bytes) -> None:
    text = end.join(delimiter.join(cells) for cells in (["id", "name"], ["1", "Ève"], ["2", '"a\n;,b"'], ["3", ""]))
    found = table(tmp_path, bom + text.encode())
    assert found.columns == ["id", "name"]
    assert [(line, row) for line, row, error in rows(found) if not error] == [
        (2, ["1", "Ève"]), (3, ["2", "a\n;,b"]), (5, ["3", ""]),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "mac-roman"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    found = table(tmp_path, "id;nom\r\n1;Élodie\r\n2;Ü\r\n".encode(encoding), known_encoding(encoding))
    assert found.columns == ["id", "nom"]
    assert [(line, row) for line, row, _ in rows(found)] == [(2, ["1", "Élodie"]), (3, ["2", "Ü"])]


def test_records_can_be_had_again_by_their_place(tmp_path: Path) -> None:
    found = table(tmp_path, 'id,name\n1,a\n2,"b\n\nb"\n\n3,é\n4,"x\n5,y\n')
    for place, row, error in list(found.records()):
        assert found.record(place) == (place, row, error)


CELLS = st.text(st.characters(blacklist_characters="\0\r", blacklist_categories=["Cs"]), max_size=8)


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.sampled_from(",;\t"))
def test_what_a_csv_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, ...]], mark: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark).writerows([("id", "name", "x"), *cells])
    found = table(tmp_path_factory.mktemp("t"), text.getvalue())
    assert [row for _, row, error in rows(found) if not error] == [list(row) for row in cells]
    assert [found.record(place)[1] for place, _, _ in found.records()] == [list(row) for row in cells]


def test_a_stray_quotation_mark_loses_its_own_line_only(tmp_path: Path) -> None:
    found = table(tmp_path, 'id,name\n1,a\n2,"open\n3,c\n4,"d"\n5,"e"e\n6,f\n')
    assert rows(found) == [
        (2, ["1", "a"], ""),
        (3, ["2", "open"], "a stray quotation mark (',' expected after '\"')"),
        (4, ["3", "c"], ""),
        (5, ["4", "d"], ""),
        (6, ["5", "ee"], "a stray quotation mark (',' expected after '\"')"),
        (7, ["6", "f"], ""),
    ]


def test_a_quotation_mark_left_open_to_the_end(tmp_path: Path) -> None:
    found = table(tmp_path, 'id,name\n1,"a\n2,b\n3,c')
    assert rows(found) == [
        (2, ["1", "a"], "a quotation mark is left open"), (3, ["2", "b"], ""), (4, ["3", "c"], ""),
    ]  # fmt: skip


def test_too_few_and_too_many_cells(tmp_path: Path) -> None:
    found = table(tmp_path, "id,name,x\n1,a\n2,b,c,d\n,,\n\n3,c,\n,,,\n")
    assert rows(found) == [
        (2, ["1", "a"], "2 cells where the header has 3"),
        (3, ["2", "b", "c", "d"], "4 cells where the header has 3"),
        (4, ["", "", ""], ""),
        (6, ["3", "c", ""], ""),
    ]


def test_a_nul_and_undecodable_bytes_are_told_with_their_line(tmp_path: Path) -> None:
    found = table(tmp_path, b"id,name\n1,a\0b\n2,caf\xe9\n3,ok\n")
    told = [(line, error) for line, _, error in rows(found)]
    assert told[0] == (2, "has a NUL character")
    assert told[1][0] == 3
    assert "byte 0xe9 is not UTF-8: set encoding = " in told[1][1]
    assert told[2] == (4, "")


def test_a_huge_cell_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    found = table(tmp_path, "id,name\n1," + "x" * 200_000 + "\n2,b\n")
    (first, second) = rows(found)
    assert first[0] == 2
    assert first[1][0] == "1"
    assert "longer than 131072 characters" in first[2]
    assert second == (3, ["2", "b"], "")


def test_a_header_over_two_lines(tmp_path: Path) -> None:
    found = table(tmp_path, '"id","the\nname"\n1,a\n')
    assert found.columns == ["id", "the\nname"]
    assert rows(found) == [(3, ["1", "a"], "")]


def test_files_that_cannot_be_used_at_all(tmp_path: Path) -> None:
    assert "data/t.csv: is empty" in refused(tmp_path, "")
    assert "data/t.csv: is empty" in refused(tmp_path, "\n\n")
    assert 'encoding = "utf-16"' in refused(tmp_path, "id,name\n".encode("utf-16"))
    assert "data/t.csv:1: byte 0xe9 is not UTF-8" in refused(tmp_path, b"id,pr\xe9nom\n1,a\n")
    assert "data/t.csv: is not UTF-16-BE" in refused(tmp_path, b"id,name\nx", "utf-16-be")
    with pytest.raises(InputError, match="no such file"):
        Table(tmp_path / "none.csv", "data/none.csv", "utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        Table(tmp_path, "data", "utf-8")


def test_an_unknown_encoding_is_refused() -> None:
    for name in ("utf8x", "base64", "", "rot13"):
        with pytest.raises(ValueError, match="unknown encoding"):
            known_encoding(name)


def test_two_readers_share_one_file(tmp_path: Path) -> None:
    found = table(tmp_path, "id,name\n" + "".join(f"{number},x\n" for number in range(1000)))
    both = zip(found.records(), found.records(), strict=True)
    assert all(one == other for one, other in both)


def test_a_closed_table_says_so(tmp_path: Path) -> None:
    found = table(tmp_path, "id,name\n1,a\n")
    found.close()
    found.close()
    with pytest.raises(Unreachable):
        rows(found)


def test_a_large_file_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write("id,name\n")
        file.writelines(f"{number},{'x' * 90}\n" for number in range(60_000))
    size = path.stat().st_size
    found = Table(path, "t.csv", "utf-8")
    tracemalloc.start()
    count = sum(1 for _ in found.records())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < size / 5
