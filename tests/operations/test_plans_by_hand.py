"""Plans over a host in memory: what is changed by hand is what the next runs send, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from company import PROGRAMS, Company

from relance_addon.core import adapt
from relance_addon.hosts.fake import FakeHost, client, invoice

STRICT = """
[[programs]]
name = "strict"

[[programs.steps]]
name = "Mise en demeure"
trigger = { after_due = 1 }
subject = "Mise en demeure #REF#"
body = "#SOLDE#."
"""
PINNED = PROGRAMS.replace("default = true", "default = true\npin = true")


@pytest.fixture
def owing(fake: Company) -> Company:
    """Invoice 17 of client 1, due on 31 October: two programs, the default one of three steps."""
    fake.programs(PROGRAMS + STRICT)
    fake.host.put(invoice("17"), client("1"))
    return fake


def shown(company: Company, options: str = "", date: str = "2026-11-21", **keys: Any) -> list[str]:
    """The reminders of invoice 17: ``sent 11-03 Rappel``."""
    items = company(f"plan acme id:17 {options}", date=date, form="json", **keys).items
    return [" ".join(filter(None, (one["state"], (one["date"] or "")[5:], one["step_name"]))) for one in items]


def run(company: Company, *days: str) -> list[str]:
    """The subjects of what left on these days."""
    before = len(company.host.posted)
    for day in days:
        company("run acme", date=day)
    return company.subjects()[before:]


def test_what_is_shown_is_what_leaves(owing: Company) -> None:
    assert shown(owing) == ["planned 11-21 Rappel", "planned 12-01 Relance", "planned 12-11 Dernier rappel"]
    assert run(owing, "2026-11-21", "2026-11-30", "2026-12-01") == ["Rappel FA-0017", "Relance FA-0017"]
    assert shown(owing, date="2026-12-02") == [
        "sent 11-21 Rappel",
        "sent 12-01 Relance",
        "planned 12-11 Dernier rappel",
    ]


def test_a_dropped_step_is_passed_over_until_it_is_restored(owing: Company) -> None:
    assert shown(owing, "--drop Rappel")[0] == "dropped Rappel"
    assert run(owing, "2026-11-21") == ["Relance FA-0017"]
    assert shown(owing, date="2026-11-22") == [
        "sent 11-21 Relance",
        "dropped Rappel",
        "planned 12-01 Dernier rappel",
    ]
    assert shown(owing, "--restore 1", date="2026-11-22")[1] == "passed Rappel"
    assert run(owing, "2026-11-22", "2026-12-01") == ["Dernier rappel FA-0017"]


def test_a_step_is_sent_as_it_was_changed(owing: Company) -> None:
    owing("plan acme id:17 --set 1 --on 2026-11-25 --sender manager --to client --to ann@x.example --bcc manager")
    assert run(owing, "2026-11-24", "2026-11-25") == ["Rappel FA-0017"]
    (message,) = owing.host.posted
    assert [str(one) for one in (message.sender, *message.to, *message.cc, *message.bcc)] == [
        "Anne Roux <anne@acme.example>",
        "Client 1 <client1@client.example>",
        "ann@x.example",
        "Anne Roux <anne@acme.example>",
    ]
    assert run(owing, "2026-12-05") == ["Relance FA-0017"]
    assert str(owing.host.posted[-1].sender) == "Comptabilité <compta@acme.example>"


def test_copies_are_added_one_command_at_a_time_and_taken_away(owing: Company) -> None:
    owing("plan acme id:17 --set 1 --cc manager")
    owing("plan acme id:17 --set 1 --on 2026-11-21")
    (first, *_) = owing("plan acme id:17", form="json").items
    assert (first["cc"], first["changed"]) == (["Anne Roux <anne@acme.example>"], ["date", "cc"])
    (first, *_) = owing("plan acme id:17 --set 1 --cc ''", form="json").items
    assert (first["cc"], first["changed"]) == ([], ["date", "cc"])
    (first, *_) = owing("plan acme id:17 --restore 1", form="json").items
    assert first["changed"] == []


def test_an_applied_program_is_kept_at_its_version_until_it_is_applied_again(owing: Company) -> None:
    assert shown(owing, "--apply strict") == ["planned 11-21 Mise en demeure"]
    owing.programs(PROGRAMS + STRICT.replace("= 1", "= 60"))
    (kept,) = owing("plan acme id:17", form="json").items
    assert (kept["version"], kept["date"], kept["rule"], kept["pinned"]) == (1, "2026-11-21", "applied", True)
    said = owing("plan acme id:17 --apply strict", form="json")
    (moved,) = said.items
    assert (moved["version"], moved["date"]) == (2, "2026-12-30")
    assert said.err == "relance: FA-0017: stays at strict, version 2; what was adapted before is gone\n"
    assert run(owing, "2026-11-21", "2026-12-30") == ["Mise en demeure FA-0017"]


def test_another_program_begins_seven_days_after_the_last_reminder(owing: Company) -> None:
    run(owing, "2026-11-21")
    assert shown(owing, "--apply strict") == ["sent 11-21 Rappel", "planned 11-28 Mise en demeure"]
    assert run(owing, "2026-11-27", "2026-11-28") == ["Mise en demeure FA-0017"]


def test_none_stops_every_reminder_and_reset_brings_them_back(owing: Company) -> None:
    assert shown(owing, "--apply none") == []
    assert run(owing, "2026-11-21") == []
    said = owing("plan acme id:17 --reset", form="json")
    assert [one["rule"] for one in said.items] == ["default"] * 3
    assert said.err == "relance: FA-0017: nothing is adapted any more, no version is kept\n"
    assert run(owing, "2026-11-22") == ["Rappel FA-0017"]


def test_a_restart_begins_again_seven_days_later_and_is_never_undone(owing: Company) -> None:
    run(owing, "2026-11-21")
    assert shown(owing, "--restart")[:2] == ["sent 11-21 Rappel", "planned 11-28 Rappel"]
    assert run(owing, "2026-11-27", "2026-11-28") == ["Rappel FA-0017"]
    # a cycle that is over is not taken up again: what left in it would count once more, or be claimed twice
    assert shown(owing, "--reset", date="2026-11-29")[2:] == ["planned 12-08 Relance", "planned 12-18 Dernier rappel"]
    assert shown(owing, "--restart", date="2026-11-29")[2] == "planned 12-05 Rappel"
    assert run(owing, "2026-12-05") == ["Rappel FA-0017"]


def test_a_program_that_keeps_versions_keeps_those_of_adapted_invoices_too(owing: Company) -> None:
    owing.programs(PINNED)
    owing("plan acme id:17 --drop Relance")
    run(owing, "2026-11-21")
    owing.programs(PINNED.replace("= 10", "= 40"))
    assert shown(owing, date="2026-11-22") == [
        "sent 11-21 Rappel",
        "dropped Relance",
        "planned 12-11 Dernier rappel",
    ]
    (_, kept, _) = owing("plan acme id:17", date="2026-11-22", form="json").items
    assert (kept["rule"], kept["pinned"]) == ("kept", True)
    said = owing("plan acme id:17 --reset", date="2026-11-22")
    assert said.lines[1] == "relance: FA-0017: standard has pin = true: the next run keeps its current version again"
    assert shown(owing, date="2026-11-22")[1] == "planned 12-31 Relance"
    run(owing, "2026-11-22")
    assert owing("plan acme id:17", date="2026-11-22", form="json").items[1]["pinned"] is True


def test_dates_of_a_draft_follow_its_final_dates(owing: Company) -> None:
    draft = invoice("17", status="draft", issued=date(2026, 11, 20), due=date(2026, 12, 20))
    owing.host.put(draft)
    assert shown(owing, "--set 2 --on 2027-01-10") == [
        "planned 12-23 Rappel",
        "planned 01-10 Relance",
        "planned 01-20 Dernier rappel",
    ]
    (first, *_) = owing("plan acme id:17", form="json").items
    assert (first["provisional"], first["blocked"]) == (True, "draft")
    assert run(owing, "2026-12-23") == []
    owing.host.put(replace(draft, status="open", issue_date=date(2026, 11, 25), due_date=date(2026, 12, 25)))
    assert shown(owing, date="2026-12-24") == [
        "planned 12-28 Rappel",
        "planned 01-15 Relance",
        "planned 01-25 Dernier rappel",
    ]
    assert run(owing, "2026-12-28", "2027-01-14", "2027-01-15") == ["Rappel FA-0017", "Relance FA-0017"]


def test_what_is_planned_goes_on_after_the_last_day_of_a_hold(owing: Company) -> None:
    owing("hold acme --invoice id:17 --until 2026-11-25 --reason promis")
    said = owing("plan acme id:17")
    assert "Facture suspendue jusqu'au 25 novembre 2026 inclus." in said.out
    assert "Suspension notée ici le 21 novembre 2026 : promis" in said.out
    assert shown(owing)[0] == "planned 11-26 Rappel"
    assert run(owing, "2026-11-25", "2026-11-26") == ["Rappel FA-0017"]


def test_the_invoice_is_read_again_on_the_host(owing: Company) -> None:
    owing("sync acme")
    owing.host.settle("17")
    assert shown(owing) == []
    assert owing("plan acme id:17 --drop 1", status=2).err == "relance: FA-0017 is paid: it has no plan to change\n"
    owing.host.remove("17")
    assert owing("plan acme id:17 --reset", status=2).err == (
        "relance: FA-0017 is cancelled: it has no plan to change\n"
    )


def test_what_failed_is_still_planned(owing: Company) -> None:
    owing.host.answer("17", "failed", "550 no")
    owing("run acme", status=1)
    items = owing("plan acme id:17", form="json").items
    assert [(one["state"], one["step"], one["last_event"]) for one in items] == [
        ("planned", 1, "failed"),
        ("planned", 2, None),
        ("planned", 3, None),
    ]
    owing("plan acme id:17 --drop 1")
    assert run(owing, "2026-11-22") == ["Relance FA-0017"]


def test_what_is_in_doubt_is_shown_as_such_and_counts_as_sent(owing: Company) -> None:
    owing.host.capabilities = replace(owing.host.capabilities, proves_absence=False)
    owing.host.answer("17", "in_doubt", "timed out")
    owing("run acme", status=1)
    assert shown(owing)[0] == "in_doubt 11-21 Rappel"
    assert {one["blocked"] for one in owing("plan acme id:17", form="json").items[1:]} == {"in_doubt"}
    assert "left on 2026-11-21" in owing("plan acme id:17 --drop 1", status=2).err


def test_nothing_is_changed_while_a_run_is_in_progress(owing: Company) -> None:
    from relance_addon.journal.database import run_lock

    owing("sync acme")
    with run_lock("acme"):
        assert owing("plan acme id:17 --drop 1", status=4).err == "relance: another run of acme is in progress\n"
        assert len(shown(owing)) == 3
    assert shown(owing)[0] == "planned 11-21 Rappel"


def test_a_version_that_moved_meanwhile_is_not_overwritten(owing: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    owing("plan acme id:17 --apply standard")
    owing.write("programs.toml", PROGRAMS.replace("Rappel #REF#", "Nouveau #REF#") + STRICT)
    real = adapt.adapt

    def slowly(*known: Any) -> Any:
        made = real(*known)
        owing("programs apply programs.toml --pinned move")
        return made

    with monkeypatch.context() as patched:
        patched.setattr(adapt, "adapt", slowly)
        said = owing("plan acme id:17 --drop Relance", status=2)
    assert said.err.endswith("FA-0017: its plan was changed meanwhile; nothing was done, look at it again\n")
    items = owing("plan acme id:17", form="json").items
    assert [(one["state"], one["version"]) for one in items] == [("planned", 2)] * 3


def test_a_dropped_step_is_dropped_by_name_under_another_program_too_and_that_is_said(owing: Company) -> None:
    owing.programs(PROGRAMS + STRICT + PROGRAMS.replace('"standard"\ndefault = true', '"public"'))
    said = owing("plan acme id:17 --drop Rappel")
    assert said.lines == [
        "relance: FA-0017: this goes by the step's name, also under another program; --apply keeps this one"
    ]
    said = owing("client acme 1 --program public")
    assert said.lines == ["relance: FA-0017: what is dropped or changed by hand goes on by the step's name: Rappel"]
    assert shown(owing)[0] == "dropped Rappel"
    assert owing("client acme 1 --program none").lines == []


def test_what_is_dropped_of_an_applied_program_goes_with_it(owing: Company) -> None:
    assert owing("plan acme id:17 --apply standard --drop Rappel").lines == [
        "relance: FA-0017: stays at standard, version 1; what was adapted before is gone"
    ]
    assert owing("client acme 1 --program strict").lines == [
        "relance: FA-0017 keeps 'standard', version 1: 'relance plan acme FA-0017 --reset' lets it go"
    ]
    assert shown(owing, "--apply strict") == ["planned 11-21 Mise en demeure"]


def test_a_run_is_not_disturbed_by_a_look_at_a_plan(owing: Company) -> None:
    def look(_: FakeHost) -> None:
        assert shown(owing)[0] == "planned 11-21 Rappel"

    owing.host.before("read", look)
    assert run(owing, "2026-11-21") == ["Rappel FA-0017"]


def test_several_changes_are_made_together_or_not_at_all(owing: Company) -> None:
    before = shown(owing)
    owing("plan acme id:17 --drop 1 --set 2 --on 2026-11-30 --cc nobody", status=2)
    owing("plan acme id:17 --drop 1 --set 2 --on 2026-11-20", status=2)
    owing("plan acme id:17 --apply strict --drop 2", status=2)
    assert shown(owing) == before
    assert shown(owing, "--drop 1 --set 2 --on 2026-11-30") == [
        "dropped Rappel",
        "planned 11-30 Relance",
        "planned 12-10 Dernier rappel",
    ]


def test_a_day_before_the_last_run_is_refused_only_where_something_changes(owing: Company) -> None:
    run(owing, "2026-11-21")
    assert "is before the last run of acme" in owing("plan acme id:17 --reset", status=2, date="2026-11-20").err
    shown(owing, date="2026-11-20")


def test_a_program_that_the_host_names_goes_first(owing: Company) -> None:
    owing.host.put(invoice("17", program="strict"))
    assert owing("plan acme id:17 --apply standard", status=2).err == (
        "relance: --apply: FA-0017 has the program 'strict' on the host, which goes first: change it there\n"
    )
    (one,) = owing("plan acme id:17", form="json").items
    assert (one["rule"], one["pinned"]) == ("invoice", False)
    (one,) = owing("plan acme id:17 --apply strict", form="json").items
    assert (one["rule"], one["pinned"]) == ("invoice", True)


def test_an_invoice_whose_client_names_an_unknown_program_is_given_another(owing: Company) -> None:
    owing.host.put(client("1", program="gone"))
    owing("sync acme", status=1)
    said = owing("plan acme id:17", status=1, form="json")
    assert (said.items, said.err) == ([], "relance: fake://client/1: program: unknown program 'gone'\n")
    assert owing("plan acme id:17 --drop 1", status=2).err == (
        "relance: FA-0017 follows no program: it has no step to change\n"
    )
    assert shown(owing, "--apply strict") == ["planned 11-21 Mise en demeure"]
