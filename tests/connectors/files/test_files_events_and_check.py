"""Events read back, and what ``relance check`` and ``relance mapping`` show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from files_samples import HEADER, TODAY, Sample

from relance_addon.core.errors import InputError
from relance_addon.hosts.fake import invoice, message
from relance_addon.hosts.port import DeliveryEvent, MappedField

MARKS = [message(key, invoice("17")).mark for key in ("k1", "k2")]
EVENTS = "message_id,event,at,recipient,detail"


def test_events_of_our_messages(sample: Sample) -> None:
    sample.write(
        "events",
        EVENTS,
        "<k1@acme.example>,Delivered,2026-11-21T10:00:00,,",
        "k2@acme.example,bounced,2026-11-21T09:00:00Z,Client <c@client.example>,550 5.1.1 unknown",
        "<other@acme.example>,opened,2026-11-21T10:00:00,,",
        "",
    )
    connector = sample.connect()
    found = list(connector.events(MARKS))
    assert found == [
        DeliveryEvent("<k1@acme.example>", "delivered", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        DeliveryEvent(
            "<k2@acme.example>",
            "bounced",
            datetime(2026, 11, 21, 9, tzinfo=UTC),
            "c@client.example",
            "550 5.1.1 unknown",
        ),
    ]
    assert all(one.at.tzinfo for one in found)
    assert connector.problems == []


def test_bad_events_are_passed_over_and_told(sample: Sample) -> None:
    sample.write(
        "events",
        EVENTS,
        "<k1@acme.example>,deliverd,2026-11-21T10:00:00,,",
        "<k1@acme.example>,delivered,yesterday,,",
        ",delivered,2026-11-21T10:00:00,,",
        "<k1@acme.example>,delivered,2026-11-21T10:00:00,nobody,",
        "<k1@acme.example>,delivered",
        "<k1@acme.example>,opened,2026-11-21,,",
    )
    connector = sample.connect()
    assert [one.event for one in connector.events(MARKS)] == ["opened"]
    assert [str(one) for one in connector.problems] == [
        "data/events.csv:2: event: unknown event 'deliverd'; did you mean 'delivered'?",
        "data/events.csv:3: at: 'yesterday' is no ISO date and time (2026-11-21T09:30:00)",
        "data/events.csv:4: message_id: missing",
        "data/events.csv:5: recipient: 'nobody' is no mail address",
        "data/events.csv:6: 2 cells where the header has 5",
    ]


def test_three_columns_of_events_are_enough(sample: Sample) -> None:
    sample.write("events", "at;event;message_id", "2026-11-21 10:00+01:00;sent;k1@acme.example")
    assert [one.event for one in sample.connect().events(MARKS)] == ["sent"]


def test_no_events_are_no_error_but_a_missing_column_is(sample: Sample) -> None:
    assert list(sample.connect().events(MARKS)) == []
    sample.write("events", "message_id,evnt,at")
    with pytest.raises(InputError, match=r"data/events\.csv:1: event: no column 'event'; did you mean 'evnt'\?"):
        list(sample.connect().events(MARKS))
    with pytest.raises(InputError, match="no such file"):
        list(sample.connect(files={"events": "feedback.csv"}).events(MARKS))


def test_check_of_a_good_folder(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,open", "2,3,2026-10-01,5,paid", header=HEADER + ",status")
    findings = sample.connect().check(TODAY)
    assert {one.level for one in findings} == {"ok"}
    told = {one.subject: one.text for one in findings}
    assert told["invoices"] == "2 in all: 1 open"
    assert told["data/invoices.csv"] == "5 columns, separated by commas"
    assert sorted(path.name for path in sample.folder.iterdir()) == ["invoices.csv"], "nothing is left behind"


def test_check_tells_what_to_mend(sample: Sample) -> None:
    with pytest.raises(InputError, match=r"data/invoices\.csv: no such file"):
        sample.connect().check(TODAY)
    sample.invoices(*(f"{n},3,soon,5" for n in range(8)))
    (sample.folder / "outbox").write_text("")
    findings = sample.connect().check(TODAY)
    lines = [f"data/invoices.csv:{number}" for number in range(2, 10)]
    assert [one.subject for one in findings if one.level == "error"] == [*lines, "outbox"]


def test_mapping_shows_where_every_field_comes_from(sample: Sample) -> None:
    sample.invoices(*(f"{n},3,10/0{n}/2026,5,Dupont" for n in range(1, 6)), header="No,client,issue_date,residual,Nom")
    mapping = {
        "invoice": {"id": "No", "currency": {"value": "USD"}, "status": {"from": "Nom", "map": {"Dupont": "open"}}},
        "client": {"name": "Nom", "email": {"template": "{client}@x.example"}},
    }
    fields = {(one.kind, one.field): one for one in sample.connect(mapping=mapping, dates="%m/%d/%Y").fields(TODAY)}
    assert fields["invoice", "id"] == MappedField("invoice", "id", "No (data/invoices.csv)", ("1", "2", "3"))
    assert fields["invoice", "issue_date"].samples == ("2026-10-01", "2026-10-02", "2026-10-03")
    assert fields["invoice", "currency"].source == "value 'USD'"
    assert fields["invoice", "currency"].samples == ("USD",)
    assert fields["invoice", "status"].source == "from Nom map {Dupont = open} (data/invoices.csv)"
    assert fields["invoice", "due_date"] == MappedField("invoice", "due_date", "")
    assert fields["invoice", "number"].source == "by default: the id"
    assert fields["client", "email"].samples == ("3@x.example",)
    assert fields["contact", "email"].source == ""
    assert len(fields) == 15 + 9 + 4 + 4


def test_mapping_shows_values_that_cannot_be_read(sample: Sample) -> None:
    sample.invoices("1,3,01/10/2026,5")
    fields = {(one.kind, one.field): one for one in sample.connect().fields(TODAY)}
    assert fields["invoice", "issue_date"].samples == ("01/10/2026",)
    assert fields["invoice", "issue_date"].problem == "'01/10/2026' is no date (YYYY-MM-DD)"


def test_locate_invoices_and_clients(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5", "2,4,2026-10-01,5")
    connector = sample.connect()
    assert connector.locate("client", ["4", "9"]) == {"4": "data/invoices.csv:3"}
    assert connector.locate("contact", ["4"]) == {}
    sample.write("clients", "id", "3", "4")
    assert connector.locate("client", ["4"]) == {"4": "data/clients.csv:3"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"dates": "day"}, "does not tell a day"), ({"dates": "%d/%m"}, "does not tell a day"),
        ({"encoding": "utf-9"}, "unknown encoding"), ({"decimal": ";"}, "'.' or ','"), ({"fils": {}}, "Extra inputs"),
        ({"files": {"invoice": "x"}}, "Extra inputs"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(sample: Sample, settings: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        sample.connect(**settings)
