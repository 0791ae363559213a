"""Bad data and broken machines: a clear line, the right status, nothing lost, sent twice or half written."""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
import subprocess
import sys
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
from company import FILES, PROGRAMS, Company

GOOD = "18,2,2026-10-01,2026-10-31,50.00"
LINES = {
    "a line too short": ("17,1,2026-10-01", "data/invoices.csv:2: "),
    "a line too long": ("17,1,2026-10-01,2026-10-31,100.00,1,2", "data/invoices.csv:2: "),
    "a date that there is not": (
        "17,1,2026-10-01,2026-02-30,100.00",
        "data/invoices.csv:2: due_date: '2026-02-30' is no date (YYYY-MM-DD)",
    ),
    "a date of another form": (
        "17,1,01/10/2026,2026-10-31,100.00",
        "data/invoices.csv:2: issue_date: '01/10/2026' is no date (YYYY-MM-DD)",
    ),
    "no issue date": ("17,1,,2026-10-31,100.00", "data/invoices.csv:2: issue_date: missing"),
    "no residual": ("17,1,2026-10-01,2026-10-31,", "data/invoices.csv:2: residual: missing"),
    "an amount in words": (
        "17,1,2026-10-01,2026-10-31,hundred",
        "data/invoices.csv:2: residual: 'hundred' is no amount",
    ),
    "an amount that is no number": (
        "17,1,2026-10-01,2026-10-31,NaN",
        "data/invoices.csv:2: residual: 'NaN' is no amount",
    ),
    "an amount with an exponent": (
        "17,1,2026-10-01,2026-10-31,1e9",
        "data/invoices.csv:2: residual: '1e9' is no amount",
    ),
    "an unknown client": (
        "17,99,2026-10-01,2026-10-31,100.00",
        "data/invoices.csv:2: client: no client '99' in data/clients.csv",
    ),
    "no id": (",1,2026-10-01,2026-10-31,100.00", "data/invoices.csv:2: id: missing"),
    "an id of two lines": ('"17\n18",1,2026-10-01,2026-10-31,100.00', "data/invoices.csv:2: id: "),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_cannot_be_used_is_named_and_the_others_are_used(name: str, files: Company) -> None:
    line, told = LINES[name]
    files.csv("invoices", line, GOOD)
    ran = files("run acme", status=1)
    assert ran.states == {"18": "sent"}
    assert len(ran.lines) == 1 and ran.lines[0].startswith(f"relance: {told}")
    again = files("simulate acme", status=1)
    assert again.lines == ran.lines


def test_a_quotation_mark_left_open_loses_no_line_before_it(files: Company) -> None:
    files.csv("invoices", GOOD, '17,1,2026-10-01,2026-10-31,"100.00', "19,2,2026-10-01,2026-10-31,1.00")
    ran = files("run acme", status=1)
    assert (ran.reasons["17"], ran.reasons["18"]) == ("invalid", "due")
    assert any("data/invoices.csv:3" in line for line in ran.lines)


def test_an_id_twice_is_reported_and_reminded_once(files: Company) -> None:
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", "17,1,2026-10-01,2026-10-31,900.00")
    ran = files("run acme", status=1)
    assert (ran.states, ran.json["totals"]["residual"]) == ({"17": "sent"}, {"EUR": "100.00"})
    assert ran.lines[0].startswith("relance: data/invoices.csv:3: id: '17' stands on an earlier line already")


def test_an_unknown_program_of_an_invoice_is_reported_with_its_line(files: Company) -> None:
    header = "id,client,issue_date,due_date,residual,program"
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00,standrad", f"{GOOD},", header=header)
    ran = files("run acme", status=1)
    assert ran.reasons == {"17": "invalid", "18": "due"}
    assert ran.lines == ["relance: data/invoices.csv:2: program: unknown program 'standrad'; did you mean 'standard'?"]


def test_an_unknown_program_of_a_client_is_reported_once_with_its_line(files: Company) -> None:
    files.csv(
        "clients", "1,Dupont SA,compta@dupont.example,fr,FR,,standrad,,", "2,Smith Ltd,ap@smith.example,en,GB,,,,"
    )
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", "19,1,2026-10-01,2026-10-31,100.00", GOOD)
    ran = files("run acme", status=1)
    assert ran.reasons == {"17": "invalid", "19": "invalid", "18": "due"}
    assert ran.lines == ["relance: data/clients.csv:2: program: unknown program 'standrad'; did you mean 'standard'?"]


@pytest.mark.parametrize("residual", ["0", "0.00", "-12.50"])
def test_nothing_left_to_pay_counts_as_paid(files: Company, residual: str) -> None:
    files.csv("invoices", f"17,1,2026-10-01,2026-10-31,{residual}", GOOD)
    ran = files("run acme", status=0)
    assert (ran.reasons, ran.states) == ({"18": "due"}, {"18": "sent"})


@pytest.mark.parametrize(
    "address",
    ['"compta@dupont.example\nBcc: all@x.example"', "compta@dupont", "two@a.example three@b.example", "@", "a@@b"],
)
def test_an_address_that_is_none_is_reported_and_nothing_leaves_to_it(files: Company, address: str) -> None:
    files.csv("clients", f"1,Dupont SA,{address},fr,FR,,,,", "2,Smith Ltd,ap@smith.example,en,GB,,,,")
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", GOOD)
    ran = files("run acme", status=None)
    assert ran.states.get("18") == "sent"
    for mail in files.mails().values():
        assert "Bcc" not in mail
    if address != "compta@dupont":  # a host of one's own network
        assert ran.status == 1
        assert ran.lines[0].startswith("relance: data/clients.csv:2: email: ")
        assert "17" not in ran.states


@pytest.mark.parametrize(
    "name", ["أتيليه نور", "Café ☕🧾", "李雷", "O'Brien & Fils", '"Le ""Grand"" Dupont, <SA>"', "=cmd()"]
)
def test_any_name_is_written_as_it_is(files: Company, name: str) -> None:
    files.csv("clients", f"1,{name},compta@dupont.example,fr,FR,,,,")
    ran = files("run acme", status=0)
    (mail,) = files.mails().values()
    shown = name.removeprefix('"').removesuffix('"').replace('""', '"')
    assert getaddresses([str(mail["To"])])[0][0] == shown or str(mail["To"].addresses[0].display_name) == shown
    assert ran.json["decisions"][0]["client_name"] == shown
    assert len(files(f"log acme --search {shlex.quote(shown[2:6])}").items) == 1
    files.csv("events", f"{mail['Message-ID']},bounced,2026-11-21T10:00:00,,550 5.1.1 unknown")
    files("events acme")
    assert files("run acme", date="2026-12-24").reasons == {"17": "no_recipient"}


def test_a_client_without_an_address_is_no_failure(files: Company) -> None:
    """One client without an address: with OCA's reminder and Dolibarr 16 the whole batch fails."""
    files.csv("clients", "1,Dupont SA,,fr,FR,,,,", "2,Smith Ltd,ap@smith.example,en,GB,,,,")
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", GOOD)
    ran = files("run acme", status=0)
    assert (ran.reasons, ran.states) == ({"17": "no_recipient", "18": "due"}, {"18": "sent"})


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda files: files.path("data/invoices.csv").unlink(), "data/invoices.csv: "),
        (lambda files: files.configure(('path = "data"', 'path = "date"')), "date: no such folder"),
        (lambda files: files.write("data/invoices.csv", ""), "data/invoices.csv: is empty"),
        (
            lambda files: files.csv("invoices", header="id,client,issue_dat,residual"),
            "data/invoices.csv:1: issue_date: no column 'issue_date'; did you mean 'issue_dat'?",
        ),
        (lambda files: files.configure(more='[hosts.acme.files]\nclients = "tiers.csv"\n'), "data/tiers.csv: "),
    ],
)
def test_a_missing_file_or_column_is_status_2_and_nothing_is_done(files: Company, break_it: Any, told: str) -> None:
    break_it(files)
    for command in ("run acme", "simulate acme", "sync acme"):
        said = files(command, status=2)
        assert (said.out, len(said.lines)) == ("", 1)
        assert said.err.startswith(f"relance: {told}")
    assert files.mails() == {}


def test_what_was_there_once_is_not_forgotten_when_the_file_is_gone(files: Company) -> None:
    files("run acme")
    invoices = files.path("data/invoices.csv").read_text("utf-8")
    files.path("data/invoices.csv").unlink()
    files("run acme", status=2, date="2026-12-24")
    files.write("data/invoices.csv", invoices)
    assert files("run acme", date="2026-12-24").json["decisions"][0]["step"] == 2


# Machines that break


def test_an_outbox_that_cannot_be_written_fails_and_is_tried_again(files: Company) -> None:
    files.write("data/outbox", "a file, not a folder")
    ran = files("run acme", status=1)
    assert ran.states == {"17": "failed"}
    assert "outbox" in ran.lines[0]
    files.path("data/outbox").unlink()
    ran = files("run acme")
    assert ran.states == {"17": "sent"}
    assert list(files.mails()) == [ran.json["messages"][0]["key"]]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_leaves_no_half_message_and_the_next_run_sends_it(
    files: Company, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    files("sync acme")
    real = getattr(os, call)

    def full(fd: int, *rest: Any) -> Any:
        if Path(f"/proc/self/fd/{fd}").readlink().suffix == ".tmp":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        ran = files("run acme", status=1)
    assert ran.states == {"17": "failed"}
    assert "No space left on device" in ran.lines[0]
    assert list(files.path("data/outbox").iterdir()) == []
    assert files("run acme").states == {"17": "sent"}
    assert len(files.mails()) == 1


def test_a_message_that_cannot_be_renamed_is_failed_and_sent_by_the_next_run(
    files: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        assert files("run acme", status=1).states == {"17": "failed"}
    assert list(files.path("data/outbox").iterdir()) == []
    assert files("run acme").states == {"17": "sent"}


def test_an_activity_that_cannot_be_written_whole_is_failed(files: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    files.programs(PROGRAMS.replace("trigger = { after_due = 3 }", 'trigger = { after_due = 3 }\nchannel = "activity"'))
    real = os.write

    def short(fd: int, data: bytes) -> int:
        return (
            real(fd, data[: len(data) // 2])
            if Path(f"/proc/self/fd/{fd}").readlink().name == "activities.csv"
            else real(fd, data)
        )

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        assert files("run acme", status=1).states == {"17": "failed"}
    assert files("run acme").states == {"17": "sent"}
    text = files.path("data/activities.csv").read_text("utf-8")
    assert text.count("Rappel 17") == 1
    assert text.startswith("key,invoice,client,due_date,summary,note,user\n")


@pytest.mark.parametrize(
    "command",
    ["run acme", "simulate acme", "activate acme", "hold acme --client 1 --reason x", "programs apply programs.toml"],
)
def test_a_journal_that_cannot_be_written_is_one_line_and_nothing_leaves(
    files: Company, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    files("sync acme")
    files("deactivate acme")
    files.write("programs.toml", PROGRAMS.replace("= 3", "= 4"))
    files.csv("invoices", GOOD)
    from django.db.backends.sqlite3.base import SQLiteCursorWrapper

    real_one, real_many = SQLiteCursorWrapper.execute, SQLiteCursorWrapper.executemany

    def full(real: Any) -> Any:
        def execute(cursor: Any, query: str, params: Any = None) -> Any:
            if query.lstrip().upper().startswith(("INSERT", "UPDATE")):
                raise sqlite3.OperationalError("database or disk is full")
            return real(cursor, query, params)

        return execute

    with monkeypatch.context() as patched:
        patched.setattr(SQLiteCursorWrapper, "execute", full(real_one))
        patched.setattr(SQLiteCursorWrapper, "executemany", full(real_many))
        said = files(command, status=1)
    assert said.lines == ["relance: the journal cannot be written: database or disk is full; nothing more was sent"]
    assert files.mails() == {}


def test_a_journal_locked_by_someone_else_is_one_line_and_nothing_leaves(
    files: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.csv("invoices", GOOD)
    other = sqlite3.connect(files.path("relance.sqlite3"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    from relance_addon.journal import database

    real = database.address

    def impatient(url: str, folder: Path) -> Any:
        settings = real(url, folder)
        settings["OPTIONS"]["timeout"] = 0
        return settings

    monkeypatch.setattr(database, "address", impatient)
    try:
        said = files("run acme", status=1)
    finally:
        other.close()
    assert said.lines == ["relance: the journal cannot be written: database is locked; nothing more was sent"]
    assert files.mails() == {}
    assert files("run acme").states == {"18": "sent"}


# Two at a time


def test_a_second_run_of_the_host_ends_with_status_4(files: Company) -> None:
    from relance_addon.journal.database import run_lock

    files("sync acme")
    with run_lock("acme"):
        for command in ("run acme", "simulate acme", "sync acme"):
            said = files(command, status=4)
            assert (said.out, said.err) == ("", "relance: another run of acme is in progress\n")
        assert files("simulate acme --no-sync").reasons == {"17": "due"}
        assert files("invoices acme").items
    assert files("run acme").states == {"17": "sent"}


def test_the_runs_of_two_hosts_do_not_wait_for_each_other(files: Company) -> None:
    from relance_addon.journal.database import run_lock

    files.configure(more='[hosts.other]\nconnector = "files"\npath = "data"\n')
    with run_lock("other"):
        assert files("run acme").states == {"17": "sent"}


def test_two_processes_at_once_send_everything_once(files: Company) -> None:
    """Confirmed twice, two people at once: with OCA's reminder each client got it four times."""
    files.path("relance.sqlite3").unlink()
    files.programs()
    files("activate acme")
    files.csv("clients", *(f"{one},Client {one},c{one}@x.example,fr,FR,,,," for one in range(60)))
    files.csv("invoices", *(f"{one},{one},2026-10-01,2026-10-31,10.00" for one in range(60)))
    command = [sys.executable, "-m", "relance_addon", "run", "acme", "--date", "2026-11-21"]
    runs = [
        subprocess.Popen(command, cwd=files.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(3)
    ]
    said = [(run.communicate()[1].decode(), run.returncode) for run in runs]
    assert {status for _, status in said} <= {0, 4}, said
    files("run acme")
    assert len(files.mails()) == 60
    assert {one["last_event"] for one in files("log acme").items} == {"sent"}
    assert len(files("log acme").items) == 60


def test_two_processes_that_make_the_journal_at_once_both_find_it_made(company: Company) -> None:
    company.write("relance.toml", FILES)
    company.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00")
    company.path("relance.sqlite3").unlink()
    command = [sys.executable, "-m", "relance_addon", "log", "acme"]
    both = [
        subprocess.Popen(command, cwd=company.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [(one.communicate()[1], one.returncode) for one in both] == [(b"", 0)] * 2


def test_an_address_that_cannot_be_written_is_told_before_anything_is_sent(files: Company) -> None:
    files.csv("clients", "1,Un,josé@x.example", "2,Deux,.a@x.fr", "3,Trois,a@société.example", header="id,name,email")
    files.csv("invoices", *(f"{one},{one},2026-10-01,2026-10-31,100" for one in (1, 2, 3)))
    said = files("simulate acme", status=1)
    assert said.reasons == {"1": "invalid", "2": "invalid", "3": "due"}
    assert [line.split(": ")[1:3] for line in said.lines] == [
        ["data/clients.csv:2", "email"],
        ["data/clients.csv:3", "email"],
    ]


def test_a_sender_in_an_international_domain_can_send(files: Company) -> None:
    (files.folder / "data/clients.csv").unlink(missing_ok=True)
    files.write("relance.toml", FILES.replace("compta@acme.example", "compta@société.example"))
    files.csv(
        "invoices", "17,3,2026-10-01,2026-10-31,100,a@x.fr", header="id,client,issue_date,due_date,residual,email"
    )
    files("activate acme")
    ran = files("run acme")
    assert ran.states == {"17": "sent"}
    (entry,) = files("log acme").items
    assert entry["message_id"].endswith("@xn--socit-esab.example>")


def test_an_unknown_program_is_told_by_sync_even_of_a_client_that_owes_nothing(files: Company) -> None:
    files.csv("clients", "1,Un,,nosuch", "2,Deux,,standard", header="id,name,email,program")
    files.csv("invoices", "17,2,2026-10-01,2026-10-31,100")
    assert files("sync acme", status=1).err == "relance: data/clients.csv:2: program: unknown program 'nosuch'\n"


def test_a_clients_name_may_stand_in_a_column_of_that_name(files: Company) -> None:
    (files.folder / "data/clients.csv").unlink(missing_ok=True)
    files.csv("invoices", "17,3,2026-10-01,2026-10-31,100,Dupont", header="id,client,issue_date,due_date,residual,name")
    assert files("simulate acme").json["decisions"][0]["client_name"] == "Dupont"
