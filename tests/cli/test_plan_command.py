"""`relance plan`: what it shows, as JSON and to a person, and what it refuses in one line."""

from __future__ import annotations

import pytest
from company import PROGRAMS, Company

KEYS = [
    "state", "step", "step_name", "date", "set_by_hand", "own_date", "moved_by", "changed", "provisional", "blocked",
    "instalment", "origin", "channel", "sender", "to", "cc", "bcc", "subject", "last_event", "last_event_at",
    "program", "version", "rule", "pinned", "message_key",
]  # fmt: skip


def test_the_reminders_sent_and_planned_as_json(files: Company) -> None:
    files("run acme", date="2026-11-20")
    files("plan acme 17 --set Relance --on 2026-12-05 --cc manager")
    document = files("plan acme 17", form="json").json
    assert document["schema"] == "relance.plan/1"
    assert [list(one) for one in document["items"]] == [KEYS] * 3
    sent, planned, _ = document["items"]
    assert {key: value for key, value in sent.items() if value and key not in ("last_event_at", "message_key")} == {
        "state": "sent",
        "step": 1,
        "step_name": "Rappel",
        "date": "2026-11-20",
        "origin": "automatic",
        "channel": "mail",
        "sender": "Comptabilité <compta@acme.example>",
        "to": ["Dupont SA <compta@dupont.example>"],
        "subject": "Rappel 17",
        "last_event": "sent",
        "program": "standard",
    }
    assert sent["message_key"] in files.mails()
    assert {key: value for key, value in planned.items() if value} == {
        "state": "planned",
        "step": 2,
        "step_name": "Relance",
        "date": "2026-12-05",
        "set_by_hand": True,
        "own_date": "2026-12-05",
        "changed": ["date", "cc"],
        "instalment": 1,
        "origin": "automatic",
        "channel": "mail",
        "sender": "Comptabilité <compta@acme.example>",
        "to": ["Dupont SA <compta@dupont.example>"],
        "cc": ["Anne Roux <anne@acme.example>"],
        "program": "standard",
        "version": 1,
        "rule": "default",
    }


def test_the_panel_for_a_person(files: Company) -> None:
    files("run acme", date="2026-11-20")
    out = files("plan acme 17 --drop 2", form="table").out.replace("\u202f", " ").replace("\u00a0", " ")
    assert out.splitlines()[:6] == [
        "Facture 17 de Dupont SA : ouverte.",
        "Échue le 31 octobre 2026, 21 jours de retard.",
        "Reste dû : 100,00 € sur 100,00 €.",
        "Programme : « standard », version 1, par défaut.",
        "Décision : attendre (pas encore la date).",
        "",
    ]
    table = [line.split("  ")[0] for line in out.splitlines()[6:]]
    assert table == ["state", "sent", "dropped", "planned"]
    assert "3 Dernier rappel" in out.splitlines()[-1]


def test_the_panel_in_english(files: Company) -> None:
    assert files("plan acme 17 --language en").out.startswith("Invoice 17 of Dupont SA: open.\n")
    assert files("plan acme 17 --language de", status=2).err == "relance: --language: 'de' is none of fr, en\n"


def test_an_invoice_without_reminders_has_no_table(files: Company) -> None:
    assert files("plan acme 17 --apply none").out.splitlines()[-1] == "Décision : rien (aucun programme)."
    assert files("plan acme 17", form="json").items == []


def test_automatic_reminders_that_are_off_are_told(files: Company) -> None:
    files("deactivate acme")
    assert "Relances automatiques désactivées.\n" in files("plan acme 17").out


def test_a_date_that_cannot_be_kept_is_told(files: Company) -> None:
    said = files("plan acme 17 --set 2 --on 2026-11-21", form="json")
    assert said.lines[1:] == ["relance: --on 2026-11-21: step 2 'Relance' leaves on 2026-11-22 (next_day)"]
    assert (said.items[1]["own_date"], said.items[1]["date"]) == ("2026-11-21", "2026-11-22")
    assert files("plan acme 17 --set 2 --on 2026-11-23").lines == said.lines[:1]


def test_a_to_do_is_planned_like_a_mail(files: Company) -> None:
    files.programs(PROGRAMS.replace('body = "Toujours #SOLDE#."', 'body = "x"\nchannel = "activity"'))
    assert [one["channel"] for one in files("plan acme 17", form="json").items] == ["mail", "activity", "mail"]


REFUSED = {
    "--drop Relanc": "--drop: program 'standard', version 1, has no step 'Relanc'; did you mean 'Relance'?",
    "--restore 2": "--restore: step 2 'Relance' is neither dropped nor changed",
    "--apply standart": "--apply: no program 'standart'; did you mean 'standard'?",
    "--apply ''": "--apply: no program ''",
    "--set '' --cc manager": "--set: program 'standard', version 1, has no step ''; it has 1 Rappel, 2 Relance, "
    "3 Dernier rappel",
    "--apply standard --reset": "--apply and --reset exclude each other",
    "--restart": "--restart: no step was sent about 17 yet",
    "--set 1 --on 2026-11-20": "--on 2026-11-20 is over already",
    "--set 1 --on soon": "Invalid value for '--on': 'soon' is no day; write YYYY-MM-DD (see 'relance plan --help')",
    "--set 1 --sender billing": "--sender: 'billing' is a role of the client, it cannot send",
    "--set 1 --to ''": "--to: nobody would be written to; --drop takes a step out",
    "--set 1 --to a@x.example --to ''": "--to: '' is neither a role nor an address",
    "--cc manager": "--cc: of which step? name it with --set",
}


@pytest.mark.parametrize("options", REFUSED)
def test_what_is_refused_is_one_line_and_changes_nothing(options: str, files: Company) -> None:
    before = files("plan acme 17", form="json").items
    said = files(f"plan acme 17 {options}", status=2)
    assert (said.out, said.err) == ("", f"relance: {REFUSED[options]}\n")
    assert files("plan acme 17", form="json").items == before


def test_an_invoice_that_is_not_there(files: Company) -> None:
    assert files("plan acme 99", status=2).err == (
        "relance: no invoice '99' on acme; give its number, or its id as id:…\n"
    )
    assert "acme" in files("plan acne 17", status=2).err
