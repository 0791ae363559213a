"""The commands by which a person sends, over a folder of files: send and test-message."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from company import DAY, PROGRAMS, Company
from post_office import Letterbox, free_port, smtp_server

LINKED = "id,client,issue_date,due_date,residual,payment_link,pdf"
TESTED = """\
[[programs]]
name = "standard"
default = true

[[programs.steps]]
name = "Rappel"
trigger = { after_due = 3 }
sender = "manager"
cc = ["accounting"]
bcc = ["archive@acme.example"]
subject = "Rappel #REF#"
body = "Bonjour #CLIENT#, #SOLDE# dus. #LIEN#"
attach = ["invoice", "schedule"]
payment_link = true

[[programs.steps]]
name = "Appel"
trigger = { after_previous = 10 }
channel = "activity"
sender = "manager"
subject = "Appeler #CLIENT#"
body = "À propos de #REF#."
"""


@pytest.fixture
def box() -> Letterbox:
    return Letterbox()


@pytest.fixture
def tested(files: Company, box: Letterbox) -> Iterator[Company]:
    """A program with everything, an invoice with a PDF and a link, and a mail server of our own."""
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00,https://pay.example/17,17.pdf", header=LINKED)
    files.path("data/17.pdf").write_bytes(b"%PDF-1.4 of the host")
    files.programs(TESTED)
    with smtp_server(box) as smtp:
        files.configure(("[mail]\n", f'[mail]\nsmtp = "{smtp}"\n'))
        yield files


def received(box: Letterbox) -> EmailMessage:
    """The only message that came."""
    (envelope,) = box.got
    content = envelope.original_content
    assert isinstance(content, bytes)
    parsed = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


# send


def test_a_reminder_by_hand_is_in_the_outbox_as_its_preview_was(files: Company) -> None:
    command = "send acme --invoice 17 --step Relance --cc manager"
    said = files(f"{command} --preview mot.eml", form="table")
    assert said.out == "mot.eml: written; nothing was sent\n"
    assert files.mails() == {}
    files("deactivate acme")
    said = files(f"{command} --yes", form="table")
    ((key, mail),) = files.mails().items()
    assert said.out == f"17: sent ({key})\n"
    shown = BytesParser(policy=policy.default).parsebytes(files.path("mot.eml").read_bytes())
    assert {name: str(value) for name, value in shown.items() if name != "Date"} == {
        name: str(value) for name, value in mail.items() if name != "Date"
    }
    assert (mail["Subject"], mail["Cc"]) == ("Relance 17", "Anne Roux <anne@acme.example>")


def test_what_send_says_as_json(files: Company) -> None:
    (item,) = files("send acme --invoice 17 --step 1 --yes").items
    assert list(item) == [
        "key", "state", "message_id", "invoices", "numbers", "client", "program", "step", "step_name", "channel",
        "sender", "to", "cc", "bcc", "subject", "attachments", "error",
    ]  # fmt: skip
    assert (item["message_id"], item["error"]) == (f"<relance.{item['key']}@acme.example>", None)


def test_a_text_from_standard_input(files: Company) -> None:
    command = [sys.executable, "-m", "relance_addon", "send", "acme", "--invoice", "17", "--date", DAY]
    command += ["--subject", "Un mot", "--body-file", "-"]
    asked = subprocess.run(command, cwd=files.folder, input="Bonjour é".encode(), capture_output=True, check=False)
    assert (asked.returncode, files.mails()) == (2, {})
    assert "not confirmed; --yes answers for you" in asked.stderr.decode()
    done = subprocess.run([*command, "--yes"], cwd=files.folder, input="Bonjour é".encode(), check=False)
    assert done.returncode == 0
    (mail,) = files.mails().values()
    assert text_of(mail).strip() == "Bonjour é"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--preview mot.pdf", "--preview: mot.pdf ends neither in .html nor in .eml"),
        ("--client 1", "--client and --invoice exclude each other"),
        ("--preview nowhere/mot.eml", "nowhere/mot.eml: cannot be written: No such file or directory"),
        ("--body-file latin.txt", "--body-file: latin.txt: is not UTF-8"),
    ],
)
def test_options_that_cannot_be(files: Company, options: str, said: str) -> None:
    files.path("latin.txt").write_bytes(b"\xe9")
    assert said in files(f"send acme --invoice 17 {options} --yes", status=2).err
    assert files.mails() == {}


def test_an_invoice_or_a_client_is_wanted(files: Company) -> None:
    assert files("send acme --yes", status=2).err.startswith("relance: --invoice is missing")
    assert "no client '9' on acme" in files("send acme --client 9 --yes", status=2).err


def test_two_processes_send_the_same_step_once(files: Company) -> None:
    """A step confirmed twice, two people at once: with OCA's reminder each client got it four times."""
    command = [sys.executable, "-m", "relance_addon", "send", "acme", "--invoice", "17", "--step", "2", "--yes"]
    processes = [
        subprocess.Popen([*command, "--date", DAY], cwd=files.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    statuses = sorted(process.wait() for process in processes)
    for process in processes:
        assert process.stderr is not None
        process.stderr.close()
    assert statuses[0] == 0
    assert set(statuses[1:]) <= {2, 4}
    assert len(files.mails()) == 1
    assert len(files("log acme").items) == 1


def test_what_is_shown_does_not_move_the_cursor(files: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    files.csv("clients", "1,Dupont\x1b[2J SA,compta@dupont.example,fr,FR,,,,")
    said = files("send acme --invoice 17 --step 1", status=2)
    assert "\x1b" not in said.err
    assert "Dupont" in said.err


# test-message


def test_a_test_message_is_the_step_with_everything_to_oneself_alone(tested: Company, box: Letterbox) -> None:
    said = tested("test-message acme standard Rappel --to me@acme.example")
    assert said.out == "step 1 'Rappel' of standard, made from 17: sent to me@acme.example\n"
    mail = received(box)
    assert box.got[0].rcpt_tos == ["me@acme.example"]
    assert (mail["From"], mail["To"], mail["Cc"]) == ("Anne Roux <anne@acme.example>", "me@acme.example", None)
    assert mail["Subject"] == "[Essai] Rappel 17"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_attachments()] == ["application/pdf", "text/html"]
    for kind in ("plain", "html"):
        text = text_of(mail, kind)
        for word in ("Ceci est un essai", "Dupont SA", "compta@dupont.example", "archive@acme.example", "pay.example"):
            assert word in text, (kind, word)
    assert text_of(mail).startswith("Ceci est un essai, envoyé à vous seul et compté nulle part.")


def test_a_test_message_counts_for_nothing(tested: Company, box: Letterbox) -> None:
    tested("test-message acme standard 1 --to me@acme.example")
    tested("test-message acme standard 1 --to me@acme.example")
    assert len({BytesParser().parsebytes(one.original_content or b"")["Message-ID"] for one in box.got}) == 2
    assert (tested("log acme").items, tested("doubt acme").items, tested.mails()) == ([], [], {})
    assert tested("simulate acme").reasons == {"17": "due"}
    assert tested("run acme").states == {"17": "sent"}


def test_the_test_of_an_activity_is_a_mail_that_shows_it(tested: Company, box: Letterbox) -> None:
    tested.configure(("[relance]", '[relance]\nlanguage = "en"'))
    tested("test-message acme standard Appel --to me@acme.example")
    mail = received(box)
    assert mail["Subject"] == "[Test] Appeler Dupont SA"
    text = text_of(mail)
    assert "an activity in the ERP. For: Anne Roux <anne@acme.example>." in text
    assert "À propos de 17." in text


def test_a_test_message_is_made_from_the_oldest_late_invoice_that_follows_the_program(
    tested: Company, box: Letterbox
) -> None:
    tested.csv(
        "invoices", "15,1,2026-01-01,2026-01-31,5.00,none", "16,1,2026-10-01,2026-10-20,0.00,",
        "17,1,2026-10-01,2026-10-31,9.00,", "18,1,2026-09-01,2026-10-30,9.00,", "19,1,2026-11-01,2026-12-30,9.00,",
        header="id,client,issue_date,due_date,residual,program",
    )  # fmt: skip
    tested.programs(PROGRAMS)
    for options, number in (("", "18"), ("--invoice 19", "19"), ("--invoice id:15", "15")):
        (item,) = tested(f"test-message acme standard 2 --to me@acme.example {options}", form="json").items
        assert (item["number"], item["subject"], item["step_name"]) == (number, f"[Essai] Relance {number}", "Relance")


def test_any_open_invoice_will_do_where_none_follows_the_program(tested: Company, box: Letterbox) -> None:
    tested.csv(
        "invoices", "15,1,2026-01-01,2026-12-31,5.00,none", header="id,client,issue_date,due_date,residual,program"
    )
    tested.programs(PROGRAMS)
    assert tested("test-message acme standard 2 --to me@acme.example", form="json").items[0]["number"] == "15"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("standard 1 --to nobody", "--to: 'nobody' is no mail address"),
        ("standart 1 --to me@acme.example", "no program 'standart'; did you mean 'standard'?"),
        ("standard 3 --to me@acme.example", "program standard has no step '3'; it has 1 'Rappel', 2 'Appel'"),
        ("standard 1 --to me@acme.example --invoice 99", "no invoice '99' on acme; give its number, or its id as id:…"),
    ],
)
def test_what_a_test_message_cannot_be(tested: Company, box: Letterbox, arguments: str, said: str) -> None:
    assert tested(f"test-message acme {arguments}", status=2).err == f"relance: {said}\n"
    assert box.got == []


def test_a_test_message_without_any_invoice_or_pdf_or_server_is_one_line(tested: Company, box: Letterbox) -> None:
    command = "test-message acme standard 1 --to me@acme.example"
    tested.path("data/17.pdf").unlink()
    assert "the PDF of 17 cannot be had" in tested(command, status=2).err
    tested.csv("invoices", "17,1,2026-10-01,2026-10-31,0.00")
    assert (
        tested(command, status=2).err
        == "relance: no open invoice on acme to make it from; name another with --invoice\n"
    )
    text = tested.path("relance.toml").read_text("utf-8")
    port = free_port()
    tested.write("relance.toml", text.replace(text.split('smtp = "')[1].split('"')[0], f"smtp://127.0.0.1:{port}"))
    said = tested(command.replace("standard 1", "standard 2") + " --invoice 17", status=3)
    assert said.lines[0].startswith(f"relance: smtp://127.0.0.1:{port}: ")
    assert len(said.lines) == 1
    assert box.got == []


# invoices


@pytest.fixture
def aged(files: Company) -> Company:
    header = "id,client,issue_date,due_date,residual,currency"
    files.csv(
        "invoices", "1,1,2026-10-01,2026-11-21,10.00,EUR", "2,1,2026-10-01,2026-11-20,20.00,EUR",
        "3,1,2026-10-01,2026-10-22,30.00,EUR", "4,1,2026-09-01,2026-10-21,40.00,USD",
        "5,2,2026-09-01,2026-09-22,50.00,EUR", "6,2,2026-08-01,2026-08-23,60.00,EUR",
        "7,2,2026-08-01,2026-08-22,70.00,EUR",
        header=header,
    )  # fmt: skip
    return files


def test_invoices_have_an_age_and_clients_an_aged_balance(aged: Company) -> None:
    aged("run acme")
    rows = {one["invoice"]: one["age"] for one in aged("invoices acme").items}
    assert rows == {"1": "pending", "2": "1-30", "3": "1-30", "4": "31-60", "5": "31-60", "6": "61-90", "7": "91+"}
    first, second = aged("invoices acme --by client").items
    assert first["ages"] == {
        "pending": {"EUR": "10.00"}, "1-30": {"EUR": "50.00"}, "31-60": {"USD": "40.00"}, "61-90": {}, "91+": {},
    }  # fmt: skip
    assert (first["last_reminder"], first["next_date"]) == (DAY, "2026-11-23")
    assert (second["last_reminder"], second["next_date"]) == (DAY, "2026-12-01")
    head, *_, total = aged("invoices acme --by client", form="table").out.splitlines()
    assert head.split()[-7:] == ["pending", "1-30", "31-60", "61-90", "91+", "last_reminder", "next_date"]
    assert total == "total: 240.00 EUR + 40.00 USD"


def test_a_client_s_next_date_is_of_what_will_go(aged: Company) -> None:
    aged("hold acme --client 2 --reason 'plan agreed'")
    assert aged("invoices acme --by client --client 2").items[0]["next_date"] is None


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--min-days 31", "4567"),
        ("--min-days 31 --max-days 60", "45"),
        ("--max-days 0", "1"),
        ("--min-days -5 --max-days 1", "12"),
        ("--min-amount 50", "567"),
        ("--min-amount 20.01 --max-amount 50.00", "345"),
        ("--overdue --max-amount 30 --client 1", "23"),
    ],
)
def test_invoices_are_filtered_by_days_and_amount(aged: Company, options: str, found: str) -> None:
    assert "".join(one["invoice"] for one in aged(f"invoices acme {options}").items) == found


@pytest.mark.parametrize(("options", "found"), [("--min-amount 61", "2"), ("--min-amount 61 --min-days 91", "2"),
                                                ("--min-amount 60", "12"), ("--min-amount 181", "")])  # fmt: skip
def test_clients_are_filtered_by_what_they_owe_in_one_currency(aged: Company, options: str, found: str) -> None:
    assert "".join(one["client"] for one in aged(f"invoices acme --by client {options}").items) == found


def test_the_total_is_of_the_lines_shown(aged: Company) -> None:
    assert aged("invoices acme --min-amount 60", form="table").out.splitlines()[-1] == "total: 130.00 EUR"
    assert "'x' is no amount" in aged("invoices acme --min-amount x", status=2).err
