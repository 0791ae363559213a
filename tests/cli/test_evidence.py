"""The log of one invoice, its messages' hashes, and the archive that keeps all of it; pages that a phone can show."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from hashlib import sha256
from typing import Any

import pytest
from company import PROGRAMS, Company

from relance_addon.core.errors import InputError
from relance_addon.hosts.fake import client, invoice
from relance_addon.hosts.port import DeliveryEvent, Document
from relance_addon.operations import archive
from relance_addon.operations.desk import open_desk

ATTACHED = PROGRAMS.replace('subject = "Rappel #REF#"', 'subject = "Rappel #REF#"\nattach = ["invoice"]')
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def reminded(fake: Company) -> Company:
    """Two invoices of a client, reminded in one message with their PDFs; one of them bounced, one is disputed."""
    fake.programs(ATTACHED)
    fake.host.put(invoice("17"), invoice("18", number="../18", residual="20.00"), client("1", name=HOSTILE))
    fake.host.documents = {
        key: Document(f"{key}.pdf", "application/pdf", b"%PDF-" + key.encode()) for key in ("17", "18")
    }
    (message,) = fake("run acme").json["messages"]
    at = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    key = f"<relance.{message['key']}@acme.example>"
    fake.host.delivery = [DeliveryEvent(key, "bounced", at, "client1@client.example", "550 5.1.1 <b>unknown</b>")]
    fake("events acme")
    fake("hold acme --invoice FA-0017 --kind dispute --reason 'wrong goods'")
    fake("hold acme --client 1 --kind promise --until 2026-12-31 --amount 50 --reason 'she called'")
    return fake


def key_of(company: Company) -> str:
    return str(company("log acme --invoice FA-0017").items[0]["message_key"])


def opened(company: Company, options: str = "--invoice FA-0017") -> dict[str, bytes]:
    """The files of an archive, by name."""
    company(f"log acme {options} --archive evidence.zip")
    with zipfile.ZipFile(company.path("evidence.zip")) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def test_a_message_is_shown_with_the_names_and_hashes_of_its_attachments(reminded: Company) -> None:
    key = key_of(reminded)
    said = reminded(f"log acme --message {key} --format json").json
    assert (said["schema"], [one["invoice"] for one in said["items"]]) == ("relance.log/1", ["17", "18"])
    one = said["items"][0]
    assert one["attachments"] == [
        {
            "name": name, "mime": "application/pdf", "size": 7,
            "sha256": sha256(f"%PDF-{invoice}".encode()).hexdigest(),
        }
        for name, invoice in (("FA-0017.pdf", "17"), ("18.pdf", "18"))
    ]  # fmt: skip
    assert {event["event"] for event in one["events"]} == {"sent", "bounced"}
    exact = reminded.host.posted[0].mime
    assert (one["sha256"], one["size"]) == (sha256(exact).hexdigest(), len(exact))


def test_a_message_that_there_is_not_is_status_2_as_json_too(reminded: Company) -> None:
    assert "no message 'x' on acme" in reminded("log acme --message x --format json", status=2).err


def test_the_log_of_an_invoice_has_its_holds_and_its_client_s_beside_the_reminders(reminded: Company) -> None:
    said = reminded("log acme --invoice FA-0017").json
    assert [(one["kind"], one["invoice"], one["client"], one["amount"]) for one in said["holds"]] == [
        ("dispute", "17", None, None),
        ("promise", None, "1", "50.00"),
    ]
    assert [one["number"] for one in said["items"]] == ["FA-0017"]
    assert [one["kind"] for one in reminded("log acme --invoice ../18").json["holds"]] == ["promise"]
    assert list(reminded("log acme").json) == ["schema", "items"]
    table = reminded("log acme --invoice FA-0017", form="table").out
    assert "wrong goods" in table and "she called" in table


def test_an_archive_has_the_timeline_the_messages_and_the_hash_of_each_file(reminded: Company) -> None:
    files = opened(reminded)
    name = f"messages/2026-11-21-{key_of(reminded)}.eml"
    assert list(files) == ["MANIFEST", name, "timeline.html", "timeline.json"]
    assert files[name] == reminded.host.posted[0].mime
    assert BytesParser(policy=policy.default).parsebytes(files[name])["Subject"] == "Rappel FA-0017, ../18"
    lines = dict(line.split("  ")[::-1] for line in files["MANIFEST"].decode().splitlines())
    assert lines == {one: sha256(content).hexdigest() for one, content in files.items() if one != "MANIFEST"}


def test_its_timeline_tells_what_was_sent_what_became_of_it_and_what_was_agreed(reminded: Company) -> None:
    reminded("hold acme --invoice FA-0017 --lift", date="2026-11-22")
    said: dict[str, Any] = json.loads(opened(reminded)["timeline.json"])
    assert said["schema"] == "relance.archive/1"
    assert said["invoice"] == {"id": "17", "number": "FA-0017", "client": "1", "client_name": HOSTILE}
    moments = said["timeline"]
    assert [one["at"] for one in moments] == sorted(one["at"] for one in moments)
    kinds = [one["became"] if one["kind"] == "hold" else one.get("event", one["kind"]) for one in moments]
    assert sorted(kinds) == ["bounced", "lifted", "made", "made", "reminder", "sent"]
    (reminder,) = [one for one in moments if one["kind"] == "reminder"]
    assert (reminder["asked"], reminder["currency"], reminder["subject"]) == ("100.00", "EUR", "Rappel FA-0017, ../18")
    assert reminder["file"] in opened(reminded)
    (bounced,) = [one for one in moments if one.get("event") == "bounced"]
    assert bounced["recipient"] == "client1@client.example"


def test_the_page_of_an_archive_escapes_what_others_wrote(reminded: Company) -> None:
    page = opened(reminded)["timeline.html"].decode()
    assert "<script" not in page and "<b>" not in page
    assert "alert(1)" in page and "wrong goods" in page and "FA-0017.pdf" in page


def test_the_same_data_make_the_same_bytes(reminded: Company) -> None:
    desk = open_desk(reminded.path("relance.toml"))
    first = archive.archive(desk, "acme", "FA-0017")
    assert archive.archive(open_desk(reminded.path("relance.toml")), "acme", "id:17") == first
    opened(reminded)
    assert reminded.path("evidence.zip").read_bytes() == first


def test_no_name_in_an_archive_leaves_its_folder(reminded: Company) -> None:
    assert all(re.fullmatch(r"[\w/-]+(\.\w+)?", name) for name in opened(reminded, "--invoice ../18"))


def test_an_invoice_of_which_nothing_left_has_an_archive_too(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    files = opened(fake)
    assert json.loads(files["timeline.json"])["timeline"] == []
    assert list(files) == ["MANIFEST", "timeline.html", "timeline.json"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--archive x.zip", "--archive is about one invoice: --invoice is missing"),
        ("--invoice FA-99 --archive x.zip", "no invoice 'FA-99' on acme"),
        ("--invoice FA-0017 --archive nowhere/x.zip", "nowhere/x.zip: cannot be written: No such file or directory"),
    ],
)
def test_an_archive_that_cannot_be_is_status_2(reminded: Company, options: str, told: str) -> None:
    said = reminded(f"log acme {options}", status=2)
    assert told in said.err and said.err.count("\n") == 1
    assert (said.out, reminded.path("x.zip").exists()) == ("", False)


def test_a_number_of_two_invoices_asks_for_the_id(fake: Company) -> None:
    fake.host.put(invoice("17", number="A"), invoice("18", number="A", client="2"), client("1"), client("2"))
    fake("run acme")
    with pytest.raises(InputError, match=r"2 invoices are numbered 'A'; give one of id:1[78], id:1[78]"):
        archive.archive(open_desk(fake.path("relance.toml")), "acme", "A")


def test_what_was_changed_of_the_plan_is_in_it(reminded: Company) -> None:
    from relance_addon.journal import models

    changes = {"Relance": {"on": "2026-12-24", "to": ["boss@client.example"]}}
    models.Plan.objects.create(host="acme", invoice="17", dropped=["Dernier rappel"], changes=changes)
    plan = json.loads(opened(reminded)["timeline.json"])["plan"]
    assert plan["dropped"] == ["Dernier rappel"]
    assert plan["changes"] == {"Relance": {"date": "2026-12-24", "to": ["boss@client.example"]}}


# The page of a simulation


def page_of(company: Company, options: str = "") -> str:
    company(f"simulate acme --html today.html {options}")
    return company.path("today.html").read_text("utf-8")


def test_the_page_says_how_to_send_what_it_shows_once_it_is_saved(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    assert "--simulation" not in page_of(fake)
    assert "relance run acme --simulation 1" in page_of(fake, "--save")


def test_a_phone_can_show_the_page(fake: Company) -> None:
    fake.host.put(invoice("17", number="F" * 80), client("1", name="L" * 120, email=f"{'l' * 60}@client.example"))
    page = page_of(fake)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "overflow-wrap: anywhere" in page and "@media (max-width: 40rem)" in page
    assert not re.search(r"\swidth=|min-width|width: \d+px", page)


def test_the_page_goes_client_by_client_and_step_by_step_with_reasons(fake: Company) -> None:
    fake.host.put(
        invoice("17"), invoice("18", status="disputed"), invoice("19", client="2"),
        client("1", name="Dupont SA"), client("2", name="Smith Ltd"),
    )  # fmt: skip
    page = page_of(fake)
    places = [
        page.index(text)
        for text in ("Dupont SA</h2>", "FA-0017", "1. Rappel", "FA-0018", "en litige", "Smith Ltd</h2>")
    ]
    assert places == sorted(places)
