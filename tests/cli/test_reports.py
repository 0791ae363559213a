"""What else is shown: tables, the page and its mail, the log and its CSV, holds, explain, recap, check."""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from company import PROGRAMS, Company

from relance_addon.core.errors import Unreachable
from relance_addon.hosts.fake import client, invoice

HOSTILE = "<script>alert(1)</script> & {{ 7*7 }}"


class Elements(HTMLParser):
    """The names of the elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


class Letterbox:
    """An SMTP server on loopback that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.refuse = False

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        if self.refuse:
            return "550 no thanks"
        self.got.append(envelope)
        return "250 OK"


@pytest.fixture
def letterbox(files: Company) -> Iterator[Letterbox]:
    box = Letterbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    files.configure(("[mail]", f'[mail]\nsmtp = "smtp://127.0.0.1:{port}"'))
    yield box
    server.stop()


# The page


def hostile(company: Company) -> None:
    company.csv("clients", f'1,"{HOSTILE}",compta@dupont.example,fr,FR,,,,')


def test_a_simulation_can_be_written_as_a_page_where_nothing_runs(files: Company) -> None:
    hostile(files)
    files("simulate acme --html today.html")
    page = Elements(files.path("today.html").read_text("utf-8"))
    assert "script" not in page.names
    assert HOSTILE in page.text
    assert "Rappel 17" in page.text
    assert "€" in page.text


def test_a_page_that_cannot_be_written_is_status_2(files: Company) -> None:
    said = files("simulate acme --html nowhere/today.html", status=2)
    assert said.err == "relance: nowhere/today.html: cannot be written: No such file or directory\n"


def test_a_simulation_can_be_mailed_to_oneself(files: Company, letterbox: Letterbox) -> None:
    hostile(files)
    files("simulate acme --save --mail-to 'Moi <me@acme.example>'")
    (envelope,) = letterbox.got
    assert (envelope.mail_from, envelope.rcpt_tos) == ("compta@acme.example", ["me@acme.example"])
    assert isinstance(envelope.content, bytes)
    mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
    body = mail.get_body(("html",))
    assert body is not None
    page = Elements(body.get_content())
    assert "script" not in page.names and HOSTILE in page.text
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert all("relance run acme --simulation 1" in text for text in (page.text, plain.get_content()))
    assert f"{HOSTILE}: 17: Rappel 17 -> " in plain.get_content()
    assert files.mails() == {}
    assert files("log acme").items == []


def test_a_mail_server_that_refuses_the_simulation_is_status_3(files: Company, letterbox: Letterbox) -> None:
    letterbox.refuse = True
    said = files("simulate acme --mail-to me@acme.example", status=3)
    assert "550 no thanks" in said.err


def test_a_mail_server_that_is_not_there_is_status_3(files: Company) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        files.configure(("[mail]", f'[mail]\nsmtp = "smtp://127.0.0.1:{taken.getsockname()[1]}"'))
        said = files("simulate acme --mail-to me@acme.example", status=3)
    assert said.err.startswith("relance: smtp://127.0.0.1:")
    assert len(said.lines) == 1


def test_an_address_to_mail_to_that_is_none_is_status_2(files: Company) -> None:
    assert files("simulate acme --mail-to me", status=2).err == "relance: --mail-to: 'me' is no mail address\n"


# Tables


def test_a_table_shows_no_control_characters(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1", name="Dupont\x1b[2J\u202eSA"))
    for command in (
        "simulate acme",
        "invoices acme",
        "run acme",
        "log acme",
        "explain acme FA-0017",
        "plan acme FA-0017",
    ):
        out = fake(command, form="table").out
        assert "\x1b" not in out and "\u202e" not in out
        assert "Dupont" in out


def test_a_run_says_in_words_what_it_did(files: Company) -> None:
    assert files("run acme", form="table").out.splitlines()[-2:] == [
        "1 invoice in 1 message decided; waiting: 0, skipped: 0",
        "messages: 1 sent",
    ]


# Redirected


def test_a_redirected_message_goes_there_counts_and_is_shown_with_both_addresses(files: Company) -> None:
    files.configure(("[mail]", '[mail]\nredirect_to = "me@acme.example"'))
    files("run acme")
    (mail,) = files.mails().values()
    assert (mail["To"], mail["Cc"]) == ("me@acme.example", None)
    (entry,) = files("log acme").items
    assert (entry["to"], entry["redirected_to"]) == (["Dupont SA <compta@dupont.example>"], "me@acme.example")
    table = files("log acme", form="table").out
    assert "compta@dupont.example" in table and "me@acme.example" in table
    files("log acme --csv log.csv")
    assert "me@acme.example" in files.path("log.csv").read_text("utf-8")
    assert files("run acme").reasons == {"17": "not_due_yet"}
    assert len(files("log acme --search me@acme").items) == 1
    (warning,) = [one for one in files("check acme", form="json").items if one["subject"] == "redirect_to"]
    assert (warning["level"], "me@acme.example" in warning["text"]) == ("warning", True)


def test_a_redirected_message_that_bounces_does_not_blame_the_client(files: Company) -> None:
    files.configure(("[mail]", '[mail]\nredirect_to = "me@acme.example"'))
    files("run acme")
    (mail,) = files.mails().values()
    files.csv("events", f"{mail['Message-ID']},bounced,2026-11-21T10:00:00,,550 5.1.1 unknown")
    assert files("run acme", date="2026-12-01").states == {"17": "sent"}


# The log and events


def tell(company: Company, *events: str, status: int = 0) -> None:
    """Write events.csv about the first message of the outbox: ``"bounced 10:00 a@x 550 …"``."""
    (mail, *_) = company.mails().values()
    lines = []
    for text in events:
        event, at, recipient, detail = [*text.split(" ", 3), "", ""][:4]
        lines.append(f'{mail["Message-ID"]},{event},2026-11-21T{at}:00,{recipient.strip("-")},"{detail}"')
    company.csv("events", *lines)
    company("events acme", status=status)


@pytest.mark.parametrize(
    ("events", "last"),
    [
        (["delivered 10:00"], "delivered"),
        (["delivered 10:00", "opened 11:00"], "opened"),
        (["opened 11:00", "delivered 10:00"], "opened"),
        (["delivered 10:00 compta@dupont.example", "bounced 11:00 compta@dupont.example"], "bounced"),
        (["delivered 10:00 compta@dupont.example", "bounced 11:00 anne@acme.example"], "bounced"),
        (["opened 12:00 compta@dupont.example", "delivered 11:00 anne@acme.example"], "delivered"),
        (["opened 12:00 compta@dupont.example"], "sent"),
        (["complained 10:00 anne@acme.example", "clicked 11:00 compta@dupont.example"], "complained"),
    ],
)
def test_the_worst_of_the_recipients_last_events_is_shown(files: Company, events: list[str], last: str) -> None:
    files.programs(PROGRAMS.replace("trigger = { after_due = 3 }", 'trigger = { after_due = 3 }\ncc = ["manager"]'))
    files("run acme")
    tell(files, *events)
    (entry,) = files("log acme").items
    assert entry["last_event"] == last
    assert [one["last_event"] for one in files(f"log acme --event {last}").items] == [last]


def test_news_are_counted_once(files: Company) -> None:
    files("run acme")
    (mail,) = files.mails().values()
    files.csv(
        "events", f"{mail['Message-ID']},delivered,2026-11-21T10:00:00,,", "<other@x>,delivered,2026-11-21T10:00:00,,"
    )
    assert files("events acme", form="json").items == [{"host": "acme", "new": 1}]
    assert files("events acme").out == "acme: 0 new events\n"


def test_a_wrong_line_of_events_is_reported_and_the_others_count(files: Company) -> None:
    files("run acme")
    (mail,) = files.mails().values()
    files.csv(
        "events",
        f"{mail['Message-ID']},bouncd,2026-11-21T10:00:00,,",
        f"{mail['Message-ID']},opened,2026-11-21T10:00:00,,",
    )
    said = files("events acme", status=1)
    assert said.lines == ["relance: data/events.csv:2: event: unknown event 'bouncd'; did you mean 'bounced'?"]
    assert [one["last_event"] for one in files("log acme").items] == ["opened"]


def test_an_address_that_bounced_for_good_is_left_out(files: Company) -> None:
    files("run acme")
    tell(files, "bounced 10:00 Compta@Dupont.example 550 5.1.1 unknown")
    ran = files("run acme", date="2026-12-01")
    assert (ran.status, ran.reasons) == (0, {"17": "no_recipient"})


def test_only_the_address_that_bounced_is_left_out(files: Company) -> None:
    files.csv("contacts", "1,Anne,anne@dupont.example,billing", "1,Jean,jean@dupont.example,billing")
    files("run acme")
    tell(files, "bounced 10:00 anne@dupont.example 550 5.1.1 unknown")
    ran = files("run acme", date="2026-12-01")
    assert ran.json["messages"][0]["to"] == ["Jean <jean@dupont.example>"]


@pytest.mark.parametrize("detail", ["452 4.2.2 mailbox full", "4.4.1 no answer", "421 try later; was 550 before"])
def test_an_address_that_bounced_for_now_is_kept(files: Company, detail: str) -> None:
    files("run acme")
    tell(files, f"bounced 10:00 compta@dupont.example {detail}")
    assert files("run acme", date="2026-12-01").states == {"17": "sent"}


@pytest.mark.parametrize("detail", ["", "550 unknown; see rule 431", "5.1.1 at host 10.4.0.1"])
def test_an_address_that_bounced_without_hope_is_left_out(files: Company, detail: str) -> None:
    files("run acme")
    tell(files, f"bounced 10:00 compta@dupont.example {detail}")
    assert files("run acme", date="2026-12-01").reasons == {"17": "no_recipient"}


def test_the_log_is_searched_in_numbers_clients_and_recipients(files: Company) -> None:
    header = "id,number,client,issue_date,due_date,residual"
    files.csv(
        "invoices", "17,FA-17,1,2026-10-01,2026-10-31,100.00", "18,FA-18,2,2026-10-01,2026-10-31,1.00", header=header
    )
    files("run acme")
    found = {"fa-17": 1, "DUPONT": 1, "ap@smith": 1, "fa-1": 2, "nobody": 0}
    assert {text: len(files(f"log acme --search {text}").items) for text in found} == found
    assert [one["number"] for one in files("log acme --search dupont").items] == ["FA-17"]
    assert [one["number"] for one in files("log acme --invoice FA-17").items] == ["FA-17"]
    assert [one["number"] for one in files("log acme --invoice id:18").items] == ["FA-18"]
    assert files("log acme --event bounced").items == []


def test_the_log_is_filtered_by_day_the_newest_first(files: Company) -> None:
    files("run acme", date="2026-11-21")
    files("run acme", date="2026-12-01")
    assert [one["date"] for one in files("log acme").items] == ["2026-12-01", "2026-11-21"]
    assert [one["date"] for one in files("log acme --since 2026-11-22").items] == ["2026-12-01"]
    assert len(files("log acme --since 2026-11-21").items) == 2


def test_an_unknown_event_is_refused_naming_the_nearest(files: Company) -> None:
    assert files("log acme --event bouncd", status=2).err == (
        "relance: --event: unknown event 'bouncd'; did you mean 'bounced'?\n"
    )


def test_the_log_as_csv_holds_no_formula(files: Company) -> None:
    files.csv("clients", '1,"=HYPERLINK(""http://x"")",compta@dupont.example,fr,FR,,,,')
    header = "id,number,client,issue_date,due_date,residual"
    files.csv("invoices", "17,+17,1,2026-10-01,2026-10-31,100.00", header=header)
    files("run acme")
    files("log acme --csv log.csv")
    with files.path("log.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["client_name"], row["number"]) == ('\'=HYPERLINK("http://x")', "'+17")
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


def test_a_message_that_there_is_not_is_status_2(files: Company) -> None:
    said = files("log acme --message nonsense", status=2)
    assert said.err == "relance: no message 'nonsense' on acme; the log has their keys as message_key\n"


# Holds


def test_a_hold_lasts_up_to_and_including_its_day(files: Company) -> None:
    assert files("hold acme --client 1 --until 2026-11-25 --reason 'plan agreed'").out == (
        "acme: client 1 is held until 2026-11-25\n"
    )
    assert files("run acme", date="2026-11-25").reasons == {"17": "client_held"}
    assert files("run acme", date="2026-11-26").states == {"17": "sent"}


def test_a_hold_of_an_invoice_is_for_good_until_it_is_lifted(files: Company) -> None:
    files("hold acme --invoice 17 --kind dispute --reason broken")
    assert files("run acme", date="2027-11-21").reasons == {"17": "invoice_held"}
    (held,) = files("hold acme", form="json", date="2027-11-21").items
    assert (held["invoice"], held["client"], held["kind"], held["until"]) == ("17", None, "dispute", None)
    assert held["reason"] == "broken"
    files("hold acme --invoice id:17 --lift", date="2027-11-21")
    assert files("hold acme", form="json", date="2027-11-21").items == []
    assert files("run acme", date="2027-11-21").states == {"17": "sent"}


def test_a_new_hold_replaces_the_one_before(files: Company) -> None:
    files("hold acme --client 1 --reason first")
    files("hold acme --client 1 --until 2026-12-01 --reason second")
    assert [one["reason"] for one in files("hold acme", form="json").items] == ["second"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--client 1", "--reason is missing"),
        ("--client 1 --until 2026-11-20 --reason x", "--until 2026-11-20 is over already"),
        ("--client 99 --reason x", "no client '99' on acme"),
        ("--invoice 99 --reason x", "no invoice '99' on acme"),
        ("--client 1 --lift", "no hold of 1 to lift"),
    ],
)
def test_a_hold_that_cannot_be_is_status_2(files: Company, options: str, told: str) -> None:
    said = files(f"hold acme {options}", status=2)
    assert said.err.startswith(f"relance: {told}")
    assert files("simulate acme").reasons == {"17": "due"}


def test_a_hold_of_the_host_s_own_holds_too(files: Company) -> None:
    files.csv("clients", "1,Dupont SA,compta@dupont.example,fr,FR,,,always,")
    assert files("run acme").reasons == {"17": "client_held"}


def test_a_number_that_two_invoices_have_asks_for_the_id(fake: Company) -> None:
    fake.host.put(invoice("17", number="A"), invoice("18", number="A"), client("1"))
    said = fake("hold acme --invoice A --reason x", status=2)
    assert said.err == "relance: 2 invoices are numbered 'A'; give one of id:17, id:18\n"


# In words


def test_any_invoice_can_be_explained_in_two_languages(files: Company) -> None:
    french, english = files("explain acme 17").out, files("explain acme id:17 --language en").out
    assert "21 novembre 2026" in french or "31 octobre 2026" in french
    assert "standard" in french and "Rappel" in french
    assert french != english
    (item,) = files("explain acme 17", form="json").items
    assert (item["reason"], item["step"], item["decision"]) == ("due", 1, "send")
    assert "\n".join(item["lines"]) + "\n" == french


def test_a_paid_invoice_is_explained_as_paid(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    fake.host.settle("17")
    assert fake("explain acme FA-0017", form="json").items[0]["reason"] == "paid"


def test_an_invoice_that_there_is_not_cannot_be_explained(files: Company) -> None:
    assert files("explain acme 99", status=2).err == (
        "relance: no invoice '99' on acme; give its number, or its id as id:…\n"
    )


def test_a_program_is_told_in_words_with_a_worked_example(files: Company) -> None:
    out = files("programs recap standard --issue 2026-10-01 --due 2026-10-31").out
    for day in ("3 novembre 2026", "13 novembre 2026", "23 novembre 2026"):
        assert day in out
    assert "3 November 2026" in files(
        "programs recap standard --language en --issue 2026-10-01 --due 2026-10-31"
    ).out.replace("November 3, 2026", "3 November 2026")
    (item,) = files("programs recap standard --issue 2026-10-01 --due 2026-10-31", form="json").items
    assert [one["date"] for one in item["example"]] == ["2026-11-03", "2026-11-13", "2026-11-23"]


def test_a_language_that_is_not_spoken_is_status_2(files: Company) -> None:
    for command in ("explain acme 17 --language xx", "programs recap standard --language xx"):
        said = files(command, status=2)
        assert len(said.lines) == 1 and "fault of relance" not in said.err


def test_check_says_what_to_mend(files: Company) -> None:
    files.configure(('[mail]\nsender = "Comptabilité <compta@acme.example>"\n', ""))
    files("deactivate acme")
    rows = {(one["host"], one["subject"]): one for one in files("check", form="json").items}
    assert rows["acme", "automatic reminders"]["mend"] == "relance activate acme"
    assert rows["", "sender"]["level"] == "warning"
    assert rows["", "programs"]["level"] == "ok"


def test_check_says_where_activities_are_notes_that_nobody_is_reminded_of(fake: Company) -> None:
    def told() -> list[str]:
        return [one["text"] for one in fake("check acme", form="json").items if one["subject"] == "activities"]

    assert told() == []
    fake.host.capabilities = replace(fake.host.capabilities, dated_notes=True)
    (found,) = told()
    assert "notes with a date" in found


def test_check_of_several_hosts_goes_on_after_one_that_is_not_there(fake: Company) -> None:
    fake.configure(more='[hosts.other]\nconnector = "files"\npath = "."\n')
    fake.csv("invoices")
    fake.write("invoices.csv", "id,client,issue_date,residual\n")
    fake.host.break_down(Unreachable("gone"))
    said = fake("check", status=1, form="json")
    levels = {(one["host"], one["level"]) for one in said.items}
    assert ("acme", "error") in levels and ("other", "ok") in levels


def test_mapping_shows_where_each_field_comes_from_with_three_values(files: Company) -> None:
    files.csv("invoices", *(f"{one},1,2026-10-0{one},2026-10-31,100.00" for one in range(1, 6)))
    rows = {(one["kind"], one["field"]): one for one in files("mapping acme", form="json").items}
    assert rows["invoice", "issue_date"]["samples"] == ["2026-10-01", "2026-10-02", "2026-10-03"]
    assert rows["client", "name"]["source"].startswith("name")
