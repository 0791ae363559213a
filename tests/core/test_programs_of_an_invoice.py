"""B11: the invoice's own program, else its client's, else a segment's, else the default; `since` passes over."""

from __future__ import annotations

from typing import Any

import pytest
from core_samples import client, decision, invoice, program

from relance_addon.core.model import Adaptation, History
from relance_addon.core.program import Segment

DEFAULT = program(name="default")
PUBLIC = program(name="public", default=False, when={"tag": ["public"]})
FRENCH = program(name="french", default=False, when={"country": ["FR"]})
STRICT = program(name="strict", default=False)
NEW = program(name="new", default=False, since="2026-02-01")
ALL = [STRICT, NEW, PUBLIC, FRENCH, DEFAULT]


def chosen(programs: Any = ALL, own: str = "", plan: Adaptation | None = None, **keys: Any) -> str:
    made = client(**{"country": "DE", **keys.pop("client", {})})
    history = History(client_programs={"1": keys.pop("by_hand", "")})
    found = decision(invoice(program=own, **keys), programs, "02-02", clients=[made], history=history, plan=plan)
    return found.program.name if found.program else found.reason


CHOICES = [
    ("nothing said: the default", {}, "default"),
    ("a segment before the default", {"client": {"tags": ("public",)}}, "public"),
    ("the first segment in file order", {"client": {"tags": ("public",), "country": "FR"}}, "public"),
    ("the second when the first does not hold", {"client": {"country": "FR"}}, "french"),
    ("the client's own before its segment", {"client": {"tags": ("public",), "program": "strict"}}, "strict"),
    ("the client's own, set here", {"client": {"tags": ("public",)}, "by_hand": "strict"}, "strict"),
    ("none for the client", {"client": {"tags": ("public",), "program": "none"}}, "no_program"),
    ("none for the client, set here", {"by_hand": "none"}, "no_program"),
    ("the invoice's own before its client's", {"own": "strict", "client": {"program": "public"}}, "strict"),
    ("the invoice's own before its client's none", {"own": "strict", "client": {"program": "none"}}, "strict"),
    ("none for the invoice before its client's", {"own": "none", "client": {"program": "strict"}}, "no_program"),
    ("applied by hand", {"plan": Adaptation(program="strict"), "client": {"program": "public"}}, "strict"),
    ("none by hand", {"plan": Adaptation(program="none"), "client": {"program": "public"}}, "no_program"),
    ("an unknown program", {"own": "nothing"}, "invalid"),
    ("an unknown program of the client", {"client": {"program": "nothing"}}, "invalid"),
    (
        "an unknown program of the client, the invoice has its own",
        {"own": "strict", "client": {"program": "x"}},
        "strict",
    ),
    ("since reaches this invoice", {"own": "new"}, "new"),
    (
        "since does not reach the invoice's: the client's",
        {"own": "new", "issue": "01-31", "client": {"program": "strict"}},
        "strict",
    ),
    (
        "since does not reach the client's: the segment's",
        {"issue": "01-31", "client": {"program": "new", "country": "FR"}},
        "french",
    ),
    ("since does not reach the client's: the default", {"issue": "01-31", "client": {"program": "new"}}, "default"),
]


@pytest.mark.parametrize(("keys", "expected"), [row[1:] for row in CHOICES], ids=[row[0] for row in CHOICES])
def test_the_program_of_an_invoice(keys: dict[str, Any], expected: str) -> None:
    assert chosen(**keys) == expected


def test_without_a_default_there_is_no_program() -> None:
    assert chosen([STRICT]) == "no_program"


@pytest.mark.parametrize(("issued", "expected"), [("01-31", "no_program"), ("02-01", "default"), ("02-02", "default")])
def test_a_default_since_a_day_is_for_invoices_issued_from_then_on(issued: str, expected: str) -> None:
    assert chosen([program(name="default", since="2026-02-01")], issue=issued) == expected


def test_a_segment_since_a_day_is_passed_over_for_the_next_one() -> None:
    programs = [
        program(name="a", default=False, when={"country": ["DE"]}, since="2026-02-01"),
        program(name="b", default=False, when={"country": ["DE"]}),
        DEFAULT,
    ]
    assert (chosen(programs), chosen(programs, issue="01-31")) == ("a", "b")


def test_a_pinned_invoice_keeps_its_version() -> None:
    old, new = program("D+3", version=1), program("D+8", version=2)
    for version, day in ((0, "2026-03-09"), (1, "2026-03-04"), (2, "2026-03-09")):
        plan = Adaptation(program="standard", version=version)
        found = decision(invoice(), [new], "03-02", plan=plan, kept=[old])
        assert (found.program and found.program.version, str(found.date)) == (version or 2, day)


def test_a_pinned_version_outlives_its_program() -> None:
    found = decision(
        invoice(), [DEFAULT], "03-02", plan=Adaptation(program="standard", version=1), kept=[program("D+3")]
    )
    assert found.program is not None
    assert found.program.name == "standard"


SEGMENTS = [
    ("one key, any of its values", {"country": ["DE", "FR"]}, True),
    ("case does not count", {"country": ["fr"]}, True),
    ("another value", {"country": ["DE"]}, False),
    ("any of the client's tags", {"tag": ["vip", "other"]}, True),
    ("all keys must hold", {"country": ["FR"], "tag": ["other"]}, False),
    ("all keys hold", {"country": ["FR"], "tag": ["vip"]}, True),
    ("the language, region or not", {"language": ["fr"]}, True),
    ("a client by its id", {"client": ["7", "1"]}, True),
    ("no value at all", {"country": []}, False),
]


@pytest.mark.parametrize(("when", "holds"), [row[1:] for row in SEGMENTS], ids=[row[0] for row in SEGMENTS])
def test_a_segment(when: dict[str, Any], holds: bool) -> None:
    made = client(country="FR", tags=("public", "VIP"), language="fr_BE")
    assert Segment.model_validate(when).holds(made) is holds
