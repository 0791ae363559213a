"""``relance replay``: what a program would have sent, of what a host knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from company import PROGRAMS, Company

from relance_addon.core.errors import Unreachable
from relance_addon.core.model import Instalment
from relance_addon.hosts.fake import client, invoice

HEADER = "id,client,issue_date,due_date,residual,settled_date"
LEDGER = (
    "17,1,2026-07-01,2026-07-31,100.00,2026-08-20",
    "18,1,2026-08-01,2026-08-31,50.00,2026-09-01",
    "19,2,2026-08-01,2026-08-31,70.00,2026-11-01",
    "20,2,2026-09-01,2026-10-01,30.00,",
)


@pytest.fixture
def ledger(files: Company) -> Company:
    """Four invoices, three of which were settled."""
    files.csv("invoices", *LEDGER, header=HEADER)
    return files


def messages(items: Sequence[dict[str, object]]) -> list[str]:
    return [f"{one['date']} {one['step_name']} {' '.join(one['numbers'])}" for one in items]  # type: ignore[arg-type]


def test_a_replay_lists_the_messages_and_sums_them_up(ledger: Company) -> None:
    said = ledger("replay acme standard --days 120", form="json")
    assert list(said.json) == ["schema", "items", "summary"]
    assert said.json["schema"] == "relance.replay/1"
    assert messages(said.items) == [
        "2026-08-03 Rappel 17",
        "2026-08-13 Relance 17",
        "2026-09-03 Rappel 19",
        "2026-09-13 Relance 19",
        "2026-09-23 Dernier rappel 19",
        "2026-10-04 Rappel 20",
        "2026-10-14 Relance 20",
        "2026-10-24 Dernier rappel 20",
    ]
    assert said.items[0] == {
        "date": "2026-08-03",
        "client": "1",
        "client_name": "Dupont SA",
        "step": 1,
        "step_name": "Rappel",
        "channel": "mail",
        "invoices": ["17"],
        "numbers": ["17"],
        "residual": {"EUR": "100.00"},
    }
    summary = said.json["summary"]
    assert {key: summary[key] for key in ("program", "version", "from", "to", "settled", "invoices")} == {
        "program": "standard",
        "version": 1,
        "from": "2026-07-24",
        "to": "2026-11-20",
        "settled": True,
        "invoices": 4,
    }
    assert (summary["messages"], summary["reminders"], summary["residual"]) == (8, 8, {"EUR": "500.00"})
    assert [(one["step_name"], one["messages"]) for one in summary["steps"]] == [
        ("Rappel", 3),
        ("Relance", 3),
        ("Dernier rappel", 2),
    ]
    assert [(one["client"], one["messages"]) for one in summary["clients"]] == [("2", 6), ("1", 2)]
    assert [one["date"] for one in summary["days"]] == [one["date"] for one in said.items]
    assert summary["busiest"]["date"] == "2026-08-03"


def test_the_table_shows_steps_clients_days_and_the_busiest(ledger: Company) -> None:
    shown = ledger("replay acme standard --days 120").out
    for words in ("Dernier rappel", "Smith Ltd", "2026-10-24", "the busiest day is 2026-08-03: 1 messages"):
        assert words in shown
    shown = ledger("replay acme standard --days 120", date="2026-07-20").out
    assert shown.splitlines()[-1] == "0 messages to 0 clients, 0 reminders"


def test_of_many_days_months_are_shown(files: Company) -> None:
    rows = [f"{number},1,2026-01-01,{date(2026, 9, 1) + timedelta(days=number)},1.00" for number in range(40)]
    files.csv("invoices", *rows)
    shown = files("replay acme standard").out
    assert "2026-09 " in shown
    assert "2026-09-04" not in shown.splitlines()[-4:]


def test_a_replay_sends_claims_and_remembers_nothing(ledger: Company) -> None:
    first = ledger("replay acme standard", form="json").json
    assert not ledger.path("data/outbox").exists()
    assert ledger("log acme").items == []
    ledger("deactivate acme")
    assert ledger("replay acme standard", form="json").json == first
    assert [one["invoice"] for one in ledger("simulate acme").json["decisions"]] == ["20"], (
        "what was settled is not kept"
    )


def test_what_was_really_sent_does_not_count(ledger: Company) -> None:
    before = ledger("replay acme standard", form="json").items
    ledger("run acme")
    assert ledger("replay acme standard", form="json").items == before


def test_a_replay_takes_a_day_before_the_last_run_and_then_pulls_nothing(ledger: Company) -> None:
    ledger("run acme")
    said = ledger("replay acme standard --days 30", date="2026-09-30", form="json")
    assert said.err == "relance: acme: as last pulled, since a run is dated 2026-11-21\n"
    assert messages(said.items) == ["2026-09-03 Rappel 19", "2026-09-13 Relance 19", "2026-09-23 Dernier rappel 19"]


def test_an_unknown_program_or_host_and_no_days_are_bad_usage(ledger: Company) -> None:
    assert "did you mean 'standard'?" in ledger("replay acme standrad", status=2).err
    assert "no such host" in ledger("replay acne standard", status=2).err
    assert "--days" in ledger("replay acme standard --days 0", status=2).err


def test_a_file_without_dates_of_settlement_is_replayed_of_what_is_owed_now(files: Company) -> None:
    said = files("replay acme standard", form="json")
    assert said.err == "relance: acme does not tell when invoices were settled: only what is owed now was replayed\n"
    assert messages(said.items)[0] == "2026-11-03 Rappel 17"
    assert said.json["summary"]["settled"] is False


def test_a_wrong_line_is_told_and_the_others_are_replayed(files: Company) -> None:
    files.csv(
        "invoices", *LEDGER, "21,2,2026-09-01,soon,1.00,2026-10-01", "22,1,2026-09-01,2026-09-02,1.00,x", header=HEADER
    )
    said = files("replay acme standard --days 120", form="json", status=1)
    assert [line.split(": ")[1:3] for line in said.lines] == [
        ["data/invoices.csv:6", "due_date"],
        ["data/invoices.csv:7", "settled_date"],
    ]
    assert len(said.items) == 8


def test_a_status_column_says_what_is_owed_and_the_date_since_when_it_is_not(files: Company) -> None:
    files.csv(
        "invoices",
        "17,1,2026-07-01,2026-07-31,100.00,0.00,paid,2026-08-20",
        "18,1,2026-07-01,2026-07-31,100.00,0.00,paid,",
        "19,1,2026-07-01,2026-07-31,100.00,60.00,open,2026-08-20",
        header="id,client,issue_date,due_date,total,residual,status,settled_date",
    )
    items = files("replay acme standard --days 120", form="json").items
    assert messages(items)[:2] == ["2026-08-03 Rappel 17 19", "2026-08-13 Relance 17 19"]
    assert messages(items)[2:] == ["2026-08-23 Dernier rappel 19"]
    assert items[0]["residual"] == {"EUR": "200.00"}


# A host of another kind


def test_any_host_is_replayed_of_what_it_settled(fake: Company) -> None:
    halves = tuple(Instalment(date(2026, 9, day), Decimal(50), Decimal(50)) for day in (1, 21))
    fake.host.put(
        invoice("1", due=date(2026, 10, 10)),
        invoice("2", client="2", due=date(2026, 10, 10)),
        invoice("3", client="2", issued=date(2026, 8, 1), due=date(2026, 9, 21), instalments=halves),
        client("1"),
        client("2", email=""),
    )
    fake.host.settle("1", on=date(2026, 11, 1))
    fake.host.settle("3", on=date(2026, 11, 2))
    fake.host.put(client("2"))
    items = fake("replay acme standard", form="json").items
    assert Counter(number for one in items for number in one["numbers"]) == {"FA-0001": 2, "FA-0002": 3, "FA-0003": 6}
    assert ("past", (date(2026, 8, 23), date(2026, 11, 21))) in [tuple(one) for one in fake.host.asked]


def test_a_host_that_breaks_off_is_status_3(fake: Company) -> None:
    fake.host.put(invoice("1"), client("1"))
    fake.host.break_down(Unreachable("fake: no answer"), "past")
    assert fake("replay acme standard", status=3).err == "relance: fake: no answer\n"


def test_a_replay_is_what_runs_on_every_day_sent(files: Company) -> None:
    """The same folder, the same days: once replayed, once run."""
    rows = [
        f"{number},{number % 2 + 1},2026-08-0{number % 9 + 1},2026-09-{number % 28 + 1:02},{number}.00,{settled}"
        for number, settled in enumerate(["2026-10-05", "", "2026-09-20", "2026-11-01"] * 5, 1)
    ]
    files.programs(PROGRAMS.replace("default = true", 'default = true\ncalendar = "FR"\nquiet_days = 2\nminimum = "5"'))
    files.csv("invoices", *rows, header=HEADER)
    items = files("replay acme standard --days 60", date="2026-11-01", form="json").items
    ran = []
    day = date(2026, 9, 2)
    while day < date(2026, 11, 1):
        found = files("run acme", date=day.isoformat()).json["messages"]
        ran += [(day.isoformat(), one["client"], one["step"], one["invoices"]) for one in found]
        day += timedelta(days=1)
    assert [(one["date"], one["client"], one["step"], one["invoices"]) for one in items] == ran
    assert len(ran) > 15
