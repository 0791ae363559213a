"""The message library: which file a name means."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from relance_addon.core.errors import InputError
from relance_addon.mail.check import check_library
from relance_addon.mail.filters import FILTERS
from relance_addon.mail.library import Library, shipped
from relance_addon.mail.macros import MACROS
from relance_addon.mail.sandbox import Objects

Write = Callable[..., Path]
NAMES = ("courtesy", "default", "final", "first", "notice", "second", "statement")


def test_the_shipped_library_is_the_folder_at_the_top() -> None:
    assert Library(shipped()).names() == NAMES
    assert Library(shipped()).languages() == {"fr", "en"}
    assert all(Library(shipped()).languages(name) == {"fr", "en"} for name in NAMES)


def test_no_shipped_template_has_a_fault() -> None:
    assert check_library(Library(shipped()), "fr") == []


def test_ones_own_templates_come_before_the_shipped_ones(write: Write) -> None:
    library = Library(write("first.txt", "Subject: Mine\nBody"), shipped())
    mine = library.find("first", "fr")
    assert (mine.subject, mine.body, mine.html) == ("Mine", "Body", False)
    assert library.find("first", "en").subject != "Mine"
    assert library.find("second", "fr").path.is_relative_to(shipped())


def test_a_template_that_is_not_there_in_a_language_is_taken_in_the_default_one(write: Write) -> None:
    library = Library(write("mine.txt", "Subject: x\ny"), shipped())
    assert library.find("mine", "en", "fr").language == "fr"
    assert library.find("default", "de", "en").language == "en"


def test_a_template_in_neither_language_is_refused(write: Write) -> None:
    library = Library(write("mine.txt", "Subject: x\ny", "de"), shipped())
    with pytest.raises(InputError, match="template 'mine' is written in de, not in fr"):
        library.find("mine", "en", "fr")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown template 'frist'; did you mean 'first'\?"):
        Library(shipped()).find("frist", "fr")


def test_layouts_and_parts_are_no_templates(write: Write) -> None:
    folder = write("layout.html", "x")
    write("_part.html", "x")
    write("notes.md", "x")
    write("ok.html", "Subject: x\ny")
    assert Library(folder).names() == ("ok",)
    assert Library(folder).languages() == {"fr"}


def test_folders_that_are_no_language_are_left_alone(write: Write) -> None:
    write("x.html", "Subject: x\ny", "Archive")
    assert Library(write("ok.html", "Subject: x\ny", "pt_BR")).languages() == {"pt_BR"}


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Library(tmp_path / "none").names() == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Hello\n", r'templates/fr/x.html:1: the first line must be "Subject: …"'),
        ("", r'templates/fr/x.html:1: the first line must be "Subject: …"'),
        ("Subject:  \nHello", "templates/fr/x.html:1: the subject is empty"),
    ],
)
def test_a_file_without_subject_is_named_with_its_line(write: Write, text: str, error: str) -> None:
    library = Library(write("x.html", text))
    with pytest.raises(InputError) as caught:
        library.find("x", "fr")
    assert str(caught.value) == error
    assert error in check_library(library, "fr")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "fr"
    folder.mkdir()
    (folder / "x.txt").write_bytes(b"\xef\xbb\xbfSubject: \xc3\xa9\r\nOne\r\nTwo\r\n")
    template = Library(tmp_path).find("x", "fr")
    assert (template.subject, template.body) == ("é", "One\nTwo\n")


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "fr"
    folder.mkdir(parents=True)
    (folder / "x.txt").write_bytes(b"Subject: x\n\nEch\xe9ance\n")
    with pytest.raises(InputError, match=r"templates/fr/x.txt:3: is not UTF-8"):
        Library(tmp_path / "templates").find("x", "fr")


@pytest.mark.parametrize("name", ["../fr/_end.html", "/etc/passwd", "..", "", "_end", "_end.py", "_none.html"])
def test_parts_outside_the_library_do_not_exist(name: str) -> None:
    assert Library(shipped()).part(name, "fr") is None


def test_the_page_on_templates_names_every_macro_object_filter_and_template() -> None:
    page = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
    filters = re.search(r"Filters: `([^`]*)`", page)
    assert filters
    assert sorted(filters[1].split()) == sorted({*FILTERS, "money", "date"})
    slots = {name for kind in Objects.__subclasses__() for name in kind.__slots__}
    for name in (*(f"#{macro}#" for macro in MACROS), *Library(shipped()).names(), *slots):
        assert f"`{name}`" in page or f".{name}`" in page, name
    for picture in re.findall(r"\((pictures/[^)]*)\)", page):
        assert (Path(__file__).parents[2] / "docs" / picture).is_file(), picture
