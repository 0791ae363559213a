"""A mapping is data: what is taken from where, what is refused, and how it is bound to rows and records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relance_addon.core.errors import InputError
from relance_addon.hosts import mapping

DEFAULTS = {
    "invoice": {"id": "id", "status": "status", "due_date": "due_date"},
    "client": {"id": "id", "x_credit": "credit"},
}


def read(**overrides: Any) -> Mapping[str, mapping.Source]:
    return mapping.read(DEFAULTS, {"invoice": overrides})["invoice"]


def refused(overrides: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        mapping.read(DEFAULTS, overrides, "hosts.acme.mapping")
    return [str(one) for one in caught.value.problems]


def row(source: Any, *cells: str, columns: str = "a b c") -> str:
    take = mapping.columns(read(due_date=source), columns.split(), ("due_date", "id"))
    return take(list(cells))[0]


def test_defaults_are_replaced_key_by_key() -> None:
    sources = read(due_date="x_real_due_date")
    assert sources["due_date"].paths == ("x_real_due_date",)
    assert sources["due_date"].given
    assert sources["id"].paths == ("id",)
    assert not sources["id"].given
    assert sources["total"] == mapping.NOWHERE, "known, though the connector has no default for it"
    assert mapping.read(DEFAULTS, {})["client"]["x_credit"].paths == ("credit",), "a connector's own field"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"invoic": {}}, "invoic: unknown kind of record; did you mean 'invoice'?"),
        ({"invoice": {"due_dat": "x"}}, "invoice.due_dat: unknown field; did you mean 'due_date'?"),
        ({"invoice": {"zzz": "x"}}, "invoice.zzz: unknown field"),
        ({"client": {"x_credi": "x"}}, "client.x_credi: unknown field; did you mean 'x_credit'?"),
        ({"invoice": "x"}, "invoice: must be a table"),
        ({"invoice": {"id": 3}},
         "invoice.id: must be a path in quotes, or a table with value, template or from"),
        ({"invoice": {"id": {}}}, "invoice.id: must have exactly one of value, template and from"),
        ({"invoice": {"id": {"value": 1, "from": "x"}}},
         "invoice.id: must have exactly one of value, template and from"),
        ({"invoice": {"id": {"form": "x"}}}, "invoice.id.form: unknown key; did you mean 'from'?"),
        ({"invoice": {"id": {"value": [1]}}}, "invoice.id.value: must be text, a number or a date"),
        ({"invoice": {"id": {"value": 1, "map": {}}}}, "invoice.id.map: goes with from only"),
        ({"invoice": {"id": {"template": "{a}", "default": ""}}}, "invoice.id.default: goes with from only"),
        ({"invoice": {"id": {"template": "{a"}}},
         "invoice.id.template: expected '}' before end of string; a brace by itself is written twice"),
        ({"invoice": {"id": {"template": "{}"}}},
         "invoice.id.template: braces hold a path and nothing else, as in {name}"),
        ({"invoice": {"id": {"template": "{a!r}"}}},
         "invoice.id.template: braces hold a path and nothing else, as in {name}"),
        ({"invoice": {"id": {"template": "{a:>9}"}}},
         "invoice.id.template: braces hold a path and nothing else, as in {name}"),
        ({"invoice": {"id": {"template": "none"}}},
         "invoice.id.template: takes nothing from the host: write it as { value = … }"),
        ({"invoice": {"id": {"template": 3}}}, "invoice.id.template: must be text in quotes"),
        ({"invoice": {"id": {"from": ""}}}, "invoice.id.from: must be a path in quotes"),
        ({"invoice": {"id": {"from": "a", "map": "b"}}}, "invoice.id.map: must be a table"),
        ({"invoice": {"id": {"from": "a", "map": {"b": []}}}}, "invoice.id.map.b: must be text, a number or a date"),
        ({"invoice": {"id": {"from": "a", "default": {}}}}, "invoice.id.default: must be text, a number or a date"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_names_the_key(overrides: Any, told: str) -> None:
    assert refused(overrides) == [f"hosts.acme.mapping.{told}"]


def test_every_wrong_key_is_told_at_once() -> None:
    assert len(refused({"invoice": {"a": "x", "b": "y", "id": 1}, "kli": {}})) == 4


def test_a_column_a_value_a_template_and_a_map() -> None:
    assert row("b", "1", "2", "3") == "2"
    assert row({"value": "EUR"}, "1", "2", "3") == "EUR"
    assert row({"value": Decimal("1.50")}, "1", "2", "3") == "1.50"
    assert row({"value": date(2026, 1, 1)}, "1", "2", "3") == "2026-01-01"
    assert row({"value": True}, "1", "2", "3") == "true"
    assert row({"template": "{a} {b}"}, " x ", "y", "3") == "x y"
    assert row({"from": "c", "map": {"3": "three"}}, "1", "2", "3") == "three"
    assert row("", "1", "2", "3") == ""


def test_a_template_keeps_doubled_braces_and_is_blank_when_all_its_cells_are() -> None:
    assert row({"template": "{{{a}}}"}, "x", "", "") == "{x}"
    assert row({"template": "{a} {b}"}, "", "y", "") == "y"
    assert row({"template": "{a}@client.example"}, " ", "", "") == ""


def test_columns_with_blanks_in_their_names() -> None:
    take = mapping.columns(read(due_date={"template": "{First name} {b.c}"}), ["First name", "b.c"], ("due_date",))
    assert take(["Ada", "L"]) == ("Ada L",)


def test_what_a_map_does_not_have_is_kept_or_the_default() -> None:
    choices = {"litigation": "disputed", "": "open"}
    for source, cell, value in (
        ({"map": choices}, "other", "other"),
        ({"map": choices}, " litigation ", "disputed"),
        ({"map": choices}, "", "open"),
        ({"map": choices, "default": "draft"}, "other", "draft"),
        ({"default": "draft"}, "", "draft"),
        ({"map": {"x": ""}}, "x", ""),
    ):
        assert row({"from": "a", **source}, cell, columns="a") == value


def test_absent_columns_are_blank() -> None:
    take = mapping.columns(read(), ["id"], ("id", "status", "due_date"))
    assert take(["1"]) == ("1", "", "")
    take = mapping.columns(read(status={"from": "nope", "map": {"": "x"}}, due_date={"template": "{nope}!"}), ["id"],
                           ("status", "due_date", "id"))  # fmt: skip
    assert take(["1"]) == ("", "", "1")


def test_a_name_that_stands_twice_is_the_first() -> None:
    assert row("b", "1", "2", "3", columns="a b b") == "2"


def test_one_field_is_a_tuple_too() -> None:
    assert mapping.columns(read(), ["id"], ("id",))(["7"]) == ("7",)
    assert mapping.columns(read(), ["id"], ())(["7"]) == ()


@given(st.lists(st.text(max_size=5), min_size=3, max_size=3), st.permutations(["a", "b", "c"]))
def test_direct_columns_are_taken_as_they_are(cells: list[str], names: list[str]) -> None:
    sources = mapping.read({"invoice": {"id": "a", "status": "b", "due_date": "c"}}, {})["invoice"]
    taken = mapping.columns(sources, names, ("id", "status", "due_date"))(list(cells))
    assert taken == tuple(cells[names.index(name)] for name in "abc")


def test_records_have_dotted_paths() -> None:
    sources = read(
        id="partner.commercial.name",
        due_date="flat.key",
        status={"from": "blocked", "map": {"true": "disputed", "false": "open"}},
        total={"template": "{partner.id}-{n}"},
        currency={"value": "EUR"},
        residual="partner.commercial.name.more",
    )
    get = mapping.records(sources)
    record = {"partner": {"id": 3, "commercial": {"name": "Dupont"}}, "flat.key": 7, "blocked": True, "n": None}
    assert {field: one(record) for field, one in get.items()} == {
        "id": "Dupont", "due_date": 7, "status": "disputed", "total": "3-", "currency": "EUR", "residual": None,
    }  # fmt: skip
    assert "program" not in get, "what is not mapped costs nothing"


def test_what_a_host_has_to_be_asked_for() -> None:
    sources = read(due_date={"template": "{a.b} {c}"}, status={"from": "s"}, currency={"value": "EUR"})
    assert mapping.needed(sources) == ["id", "s", "a.b", "c"]
    assert mapping.needed(sources, ["status"]) == ["s"]


def test_what_a_host_lacks() -> None:
    sources = read(due_date="x_due", currency={"value": "EUR"})
    assert mapping.missing(sources, {"id"}) == {"due_date": "x_due"}, "a default may be absent, the user's may not"
    assert mapping.missing(sources, set(), ["id", "currency", "total"]) == {
        "id": "id",
        "due_date": "x_due",
        "total": "",
    }


def test_a_source_is_told_as_it_was_written() -> None:
    assert read(due_date="x")["due_date"].text == "x"
    assert read(due_date={"value": "x"})["due_date"].text == "value 'x'"
    assert read(due_date={"template": "{a}"})["due_date"].text == "template '{a}'"
    source = read(due_date={"from": "s", "map": {"a": "b"}, "default": "c"})["due_date"]
    assert source.text == "from s map {a = b} default 'c'"
