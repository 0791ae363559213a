"""relance.toml: an error is one line that names the file, the line, the key and, where there is one, the nearest."""

from __future__ import annotations

import pytest
from company import FILES, Company

FAULTS = {
    "an unknown key": (
        '[relance]\nlangage = "fr"\n',
        "relance.toml:2: relance.langage: unknown key; did you mean 'language'?",
    ),
    "an unknown table": ("[limit]\nper_run = 5\n", "relance.toml:1: limit: unknown key; did you mean 'limits'?"),
    "a wrong type": ('[limits]\nper_run = "many"\n', "relance.toml:2: limits.per_run: must be a whole number"),
    "a number where text belongs": (
        "[relance]\njournal = 5\n",
        "relance.toml:2: relance.journal: must be text in quotes",
    ),
    "a table where a list belongs": ("hosts = 5\n", "relance.toml:1: hosts: must be a table"),
    "a negative limit": ("[limits]\nper_run = -1\n", "relance.toml:2: limits.per_run: must be 0 or more"),
    "a time zone that there is not": (
        '[relance]\ntimezone = "Europe/Pariss"\n',
        "relance.toml:2: relance.timezone: 'Europe/Pariss' is no time zone; write one such as Europe/Paris",
    ),
    "a language written out": (
        '[relance]\nlanguage = "French"\n',
        "relance.toml:2: relance.language: 'French' is no language code such as fr",
    ),
    "a currency in words": (
        '[relance]\ncurrency = "euro"\n',
        "relance.toml:2: relance.currency: 'euro' is no currency code such as EUR",
    ),
    "a sender that is no address": (
        '[mail]\nsender = "Comptabilité"\n',
        "relance.toml:2: mail.sender: 'Comptabilité' is no mail address",
    ),
    "a redirection that is no address": (
        '[mail]\nredirect_to = "me"\n',
        "relance.toml:2: mail.redirect_to: 'me' is no mail address",
    ),
    "a mail server that is none": (
        '[mail]\nsmtp = "http://x"\n',
        "relance.toml:2: mail.smtp: 'http://x' is no address",
    ),
    "a mail server's port that is none": (
        '[mail]\nsmtp = "smtp://x:mail"\n',
        "relance.toml:2: mail.smtp: 'smtp://x:mail' is no address such as smtp",
    ),
    "a password of the mail server in clear": (
        '[mail]\nsmtp = "smtp://me:hunter2@x"\n',
        "relance.toml:2: mail.smtp: a password in clear; write mail.user and mail.password = { env = … }",
    ),
    "a user of the mail server without password": (
        '[mail]\nuser = "me"\n',
        "relance.toml:1: mail.password: missing beside mail.user",
    ),
    "a password of the mail server without user": (
        '[mail]\npassword = { env = "X" }\n',
        "relance.toml:1: mail.user: missing beside mail.password",
    ),
    "no time for the mail server": (
        "[mail]\ntimeout = 0\n",
        "relance.toml:2: mail.timeout: ",
    ),
    "a mailbox that is none": (
        '[mail.bounces]\nimap = "pop://x"\nuser = "me"\npassword = { env = "X" }\n',
        "relance.toml:2: mail.bounces.imap: 'pop://x' is no address such as imaps://mail.example",
    ),
    "a password of the mailbox in its address": (
        '[mail.bounces]\nimap = "imaps://me:hunter2@x"\nuser = "me"\npassword = { env = "X" }\n',
        "relance.toml:2: mail.bounces.imap: a password in clear; write mail.bounces.user and mail.bounces.password",
    ),
    "a password of the mailbox in clear": (
        '[mail.bounces]\nimap = "imaps://x"\nuser = "me"\npassword = "hunter2"\n',
        "relance.toml:4: mail.bounces.password: a secret is never written in clear",
    ),
    "a mailbox without user": (
        '[mail.bounces]\nimap = "imaps://x"\npassword = { env = "X" }\n',
        "relance.toml:1: mail.bounces.user: missing",
    ),
    "an address for bounces that is none": (
        '[mail.bounces]\nimap = "imaps://x"\nuser = "me"\npassword = { env = "X" }\naddress = "bounces"\n',
        "relance.toml:5: mail.bounces.address: 'bounces' is no mail address",
    ),
    "a role that is no address": (
        '[roles]\nmanager = "x@acme.example"\nboss = "nobody"\n',
        "relance.toml:3: roles.boss: 'nobody' is no mail address",
    ),
    "a role of relance's own": (
        '[roles]\nbilling = "x@acme.example"\n',
        "relance.toml:2: roles.billing: 'billing' is a role of relance's own; choose another name",
    ),
    "a host without connector": (
        '[hosts.acme]\npath = "data"\n',
        'relance.toml:1: hosts.acme.connector: missing; such as "files"',
    ),
    "a journal that is none": (
        '[relance]\njournal = "mysql://x"\n',
        "relance.toml:2: relance.journal: an address that begins with 'mysql' is neither sqlite:///… nor",
    ),
    "a journal's password in clear": (
        '[relance]\njournal = "postgresql://me:hunter2@x/y"\n',
        "relance.toml:2: relance.journal: a password in clear; use ~/.pgpass, PGPASSWORD or a service file",
    ),
    "a journal's password hidden in its options": (
        '[relance]\njournal = "postgresql://me@x/y?password=hunter2"\n',
        "relance.toml:2: relance.journal: a password in clear; use ~/.pgpass, PGPASSWORD or a service file",
    ),
    "text that is no TOML": ("[relance\n", "relance.toml:1: "),
    "a value that is missing": ("[relance]\nlanguage =\n", "relance.toml:2: language: "),
    "a key twice": (
        '[relance]\nlanguage = "fr"\nlanguage = "en"\n',
        "relance.toml:3: language: stands here a second time",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_with_its_place(name: str, company: Company) -> None:
    text, told = FAULTS[name]
    company.write("relance.toml", text)
    said = company("programs list", status=2)
    assert (len(said.lines), said.out) == (1, "")
    assert said.err.startswith(f"relance: {told}")
    assert "hunter2" not in said.err


HOST_FAULTS = {
    "an unknown connector": (
        'connector = "file"',
        "relance.toml:11: hosts.acme.connector: unknown connector 'file'; did you mean 'files'?",
    ),
    "a missing key": ('connector = "files"', "relance.toml:10: hosts.acme.path: missing"),
    "an unknown key": (
        'connector = "files"\npath = "data"\nencodin = "latin-1"',
        "relance.toml:13: hosts.acme.encodin: unknown key; did you mean 'encoding'?",
    ),
    "a wrong type": ('connector = "files"\npath = 5', "relance.toml:12: hosts.acme.path: must be text in quotes"),
    "an unknown encoding": (
        'connector = "files"\npath = "data"\nencoding = "utf8000"',
        "relance.toml:13: hosts.acme.encoding: unknown encoding 'utf8000'",
    ),
    "a decimal mark that is none": (
        'connector = "files"\npath = "data"\ndecimal = ";"',
        "relance.toml:13: hosts.acme.decimal: must be '.' or ','",
    ),
    "a form of dates that tells no day": (
        'connector = "files"\npath = "data"\ndates = "%d/%m"',
        "relance.toml:13: hosts.acme.dates: '%d/%m' does not tell a day",
    ),
    "a field that is not mapped": (
        'connector = "files"\npath = "data"\n[hosts.acme.mapping.invoice]\ndue_dat = "x"',
        "relance.toml:14: hosts.acme.mapping.invoice.due_dat: ",
    ),
    "a mapping of nothing": (
        'connector = "files"\npath = "data"\n[hosts.acme.mapping.invoice]\nstatus = { map = { a = "open" } }',
        "relance.toml:14: hosts.acme.mapping.invoice.status: ",
    ),
    "a file that there is not": (
        'connector = "files"\npath = "data"\n[hosts.acme.files]\nfacture = "x.csv"',
        "relance.toml:14: hosts.acme.files.facture: unknown key",
    ),
    "a secret in clear": (
        'connector = "odoo"\nurl = "https://x"\ndatabase = "x"\nuser = "x"\npassword = "hunter2"',
        "relance.toml:15: hosts.acme.password: a secret is never written in clear",
    ),
}


@pytest.mark.parametrize("name", HOST_FAULTS)
def test_a_fault_of_a_host_is_one_line_with_its_place(name: str, company: Company) -> None:
    table, told = HOST_FAULTS[name]
    company.write("relance.toml", FILES.replace('connector = "files"\npath = "data"', table))
    said = company("simulate acme", status=2)
    assert (len(said.lines), said.out) == (1, "")
    assert said.err.startswith(f"relance: {told}")
    assert "hunter2" not in said.err


def test_every_fault_has_its_own_line(company: Company) -> None:
    company.write("relance.toml", '[relance]\nlangage = "fr"\n[limits]\nper_run = "many"\n')
    assert company("programs list", status=2).lines == [
        "relance: relance.toml:2: relance.langage: unknown key; did you mean 'language'?",
        "relance: relance.toml:4: limits.per_run: must be a whole number",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "check acm",
        "mapping acm",
        "sync acm",
        "invoices acm",
        "client acm 1 --program none",
        "hold acm",
        "simulate acm",
        "hold acm --client 1 --reason x",
        "run acm",
        "activate acm",
        "deactivate acm",
        "explain acm 17",
        "events acm",
        "log acm",
        "log acm --message x",
        "doubt acm",
        "doubt acm --sent x",
        "doubt acm --resend x",
    ],
)
def test_an_unknown_host_is_refused_naming_the_nearest(command: str, files: Company) -> None:
    assert files(command, status=2).err == "relance: relance.toml: hosts.acm: no such host; did you mean 'acme'?\n"


def test_a_missing_configuration_says_how_to_make_one(company: Company) -> None:
    assert company("simulate acme", status=2).err == (
        "relance: relance.toml: no such file; 'relance init' writes one, --config names one\n"
    )


def test_a_secret_that_is_not_there_is_named_by_its_key(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    table = 'connector = "odoo"\nurl = "https://x"\ndatabase = "x"\nuser = "x"\npassword = { env = "NOT_THERE" }'
    company.write("relance.toml", FILES.replace('connector = "files"\npath = "data"', table))
    said = company("simulate acme", status=2)
    assert said.err == (
        "relance: relance.toml:15: hosts.acme.password: the environment variable NOT_THERE is not set\n"
    )


def test_a_byte_order_mark_and_windows_line_ends_change_no_line_numbers(company: Company) -> None:
    company.path("relance.toml").write_bytes('\ufeff[relance]\r\nlangage = "fr"\r\n'.encode())
    assert company("programs list", status=2).err.startswith("relance: relance.toml:2: relance.langage: ")


def test_a_configuration_that_is_not_utf8_is_refused(company: Company) -> None:
    company.path("relance.toml").write_bytes('[mail]\nsender = "Comptabilité <a@b.example>"\n'.encode("latin-1"))
    said = company("programs list", status=2)
    assert (len(said.lines), said.lines[0].startswith("relance: relance.toml: ")) == (1, True)


def test_a_journal_in_a_folder_that_there_is_not_is_refused(files: Company) -> None:
    files.configure(("sqlite:///relance.sqlite3", "sqlite:///nowhere/relance.sqlite3"))
    said = files("run acme", status=2)
    where = "relance: relance.toml:2: relance.journal:"
    assert said.err.startswith(f"{where} sqlite:///nowhere/relance.sqlite3 cannot be opened: ")


def test_a_journal_that_is_no_database_is_refused(files: Company) -> None:
    files.write("relance.sqlite3", "not a database, and long enough to look like one" * 100)
    said = files("run acme", status=2)
    assert said.err.startswith("relance: relance.toml:2: relance.journal: sqlite:///relance.sqlite3 cannot be opened: ")


def test_bad_usage_is_status_2_and_one_line(files: Company) -> None:
    for command in (
        "simulate",
        "simulate acme --dat 2026-11-21",
        "simulate acme --date 2026-02-30",
        "run acme --format xml",
        "hold acme --client 1 --invoice 17 --reason x",
        "hold acme --lift",
        "invoices acme --overdue --pending",
        "doubt acme --sent a --resend b",
        "hold acme --client 1 --kind never --reason x",
        "log acme --since yesterday",
        "log acme --event bouncd",
        "client acme 1",
        "programs",
        "nonsense",
    ):
        said = files(command, status=2, form=" ")
        assert said.out == ""
        assert said.err.startswith(("relance: ", "Usage: relance "))


def test_no_part_of_a_journals_address_that_may_be_secret_is_printed(files: Company) -> None:
    files.write("relance.toml", FILES.replace("sqlite:///relance.sqlite3", "mysql://u:s3cret@h/x"))
    assert "s3cret" not in files("programs list", status=2).err
