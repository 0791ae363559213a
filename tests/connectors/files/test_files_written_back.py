"""What is left in the folder: mails in the outbox, activities in their file, and what happens when the disk says no."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import pytest
from files_samples import Sample

from relance_addon.connectors.files import activities
from relance_addon.connectors.files.activities import harmless, kept_in
from relance_addon.connectors.files.connector import FilesConnector
from relance_addon.core.model import Address
from relance_addon.hosts.fake import invoice, message
from relance_addon.hosts.port import Outgoing, Posted

SEVENTEEN = invoice("17", "3")


def mail(key: str, **more: object) -> Outgoing:
    return message(key, SEVENTEEN, **more)  # type: ignore[arg-type]


def activity(key: str, **more: object) -> Outgoing:
    return message(key, SEVENTEEN, "activity", **more)  # type: ignore[arg-type]


def states(posted: list[Posted]) -> list[str]:
    return [one.state for one in posted]


def presence(connector: FilesConnector, *messages: Outgoing) -> list[str]:
    found = connector.find([one.mark for one in messages])
    return [found[one.key].presence for one in messages]


def listed(sample: Sample) -> list[str]:
    return sorted(path.name for path in (sample.folder / "outbox").iterdir())


def rows(sample: Sample) -> list[dict[str, str]]:
    with (sample.folder / "activities.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Disk:
    """A disk that is full from the n-th write, or sync, on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes, self.syncs = 10**9, 10**9
        write, fsync = os.write, os.fsync

        def failing_write(fd: int, data: bytes) -> int:
            self.writes -= 1
            if self.writes < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(fd, data)

        def failing_fsync(fd: int) -> None:
            self.syncs -= 1
            if self.syncs < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(fd)

        monkeypatch.setattr(os, "write", failing_write)
        monkeypatch.setattr(os, "fsync", failing_fsync)


# Mails


def test_a_mail_is_exactly_what_would_go_out(sample: Sample) -> None:
    one = mail("k1", mime=b"Subject: \xff\r\n\r\n\x00\n.\n")
    assert sample.connect().post([one]) == [Posted("k1", "sent")]
    assert (sample.folder / "outbox" / "k1.eml").read_bytes() == one.mime
    assert listed(sample) == ["k1.eml"]


def test_blind_copies_stand_beside_the_mail(sample: Sample) -> None:
    blind = (Address("Chef", "chef@acme.example"), Address("", "b@acme.example"))
    sample.connect().post([mail("k1", bcc=blind), mail("k2"), mail("k3", bcc=blind, redirected_to="me@acme.example")])
    assert listed(sample) == ["k1.bcc", "k1.eml", "k2.eml", "k3.eml"]
    assert (sample.folder / "outbox" / "k1.bcc").read_text() == "chef@acme.example\nb@acme.example\n"


def test_a_key_is_never_written_twice(sample: Sample) -> None:
    sample.connect().post([mail("k1")])
    again = sample.connect().post([mail("k1", mime=b"another"), mail("k1", mime=b"third")])
    assert states(again) == ["sent", "sent"]
    assert (sample.folder / "outbox" / "k1.eml").read_bytes() == mail("k1").mime


def test_all_are_staged_before_the_first_is_there(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    replace = Path.replace

    def spy(self: Path, target: Path) -> Path:
        seen.append(listed(sample))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spy)
    sample.connect().post([mail("k1"), mail("k2")])
    assert seen[0] == [".k1.eml.tmp", ".k2.eml.tmp"]


def test_a_full_disk_fails_that_message_and_the_others_go_on(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, connector = Disk(monkeypatch), sample.connect()
    disk.writes = 1
    posted = connector.post([mail("k1"), mail("k2"), mail("k3")])
    assert states(posted) == ["sent", "failed", "failed"]
    assert "No space left on device" in posted[1].error
    assert listed(sample) == ["k1.eml"]
    assert presence(connector, mail("k1"), mail("k2")) == ["present", "unknown"]
    disk.writes = 10**9
    assert states(connector.post([mail("k2"), mail("k3")])) == ["sent", "sent"]


def test_a_disk_that_cannot_sync_a_mail_fails_it(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, connector = Disk(monkeypatch), sample.connect()
    (sample.folder / "outbox").mkdir()
    disk.syncs = 0
    assert states(connector.post([mail("k1", bcc=(Address("", "b@x.example"),))])) == ["failed"]
    assert listed(sample) == []


def test_a_name_that_may_not_last_is_in_doubt(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, connector = Disk(monkeypatch), sample.connect()
    (sample.folder / "outbox").mkdir()
    disk.syncs = 1
    (posted,) = connector.post([mail("k1")])
    assert posted.state == "in_doubt"
    assert presence(connector, mail("k1")) == ["present"]


def test_a_file_in_place_of_the_outbox(sample: Sample) -> None:
    (sample.folder / "outbox").write_text("not a folder")
    posted = sample.connect().post([mail("k1"), activity("a1"), mail("k2")])
    assert states(posted) == ["failed", "sent", "failed"]
    assert "outbox" in posted[0].error


def test_a_folder_in_place_of_a_mail(sample: Sample) -> None:
    (sample.folder / "outbox" / "k1.eml").mkdir(parents=True)
    (sample.folder / "outbox" / ".k2.eml.tmp").mkdir()
    posted = sample.connect().post([mail("k1"), mail("k2"), mail("k3")])
    assert states(posted) == ["failed", "failed", "sent"]
    assert all(one.error for one in posted[:2])


def test_a_folder_in_place_of_the_blind_copies(sample: Sample) -> None:
    (sample.folder / "outbox" / "k1.bcc").mkdir(parents=True)
    assert states(sample.connect().post([mail("k1", bcc=(Address("", "b@x.example"),))])) == ["failed"]
    assert listed(sample) == ["k1.bcc"], "no mail without its blind copies"


def test_a_missing_folder_is_not_made(sample: Sample) -> None:
    posted = sample.connect(path="nowhere").post([mail("k1"), activity("a1")])
    assert states(posted) == ["failed", "failed"]
    assert not (sample.root / "nowhere").exists()


@pytest.mark.parametrize("key", ["../k1", "a/b", ".hidden", "", "a\nb", "x" * 300])
def test_a_key_that_cannot_name_a_file_fails(sample: Sample, key: str) -> None:
    connector = sample.connect()
    assert states(connector.post([mail(key)])) == ["failed"]
    assert presence(connector, mail(key)) == ["unknown"]
    assert list(sample.root.glob("*")) == [sample.folder]


def test_after_a_crash_a_staged_mail_never_left(sample: Sample) -> None:
    outbox = sample.folder / "outbox"
    outbox.mkdir()
    (outbox / ".k1.eml.tmp").write_bytes(b"half")
    connector = sample.connect()
    assert connector.capabilities.proves_absence
    assert presence(connector, mail("k1"), mail("k2")) == ["absent", "unknown"]
    assert states(connector.post([mail("k1")])) == ["sent"]
    assert listed(sample) == ["k1.eml"]
    assert presence(connector, mail("k1")) == ["present"]
    (outbox / "k1.eml").unlink()
    assert presence(connector, mail("k1")) == ["unknown"], "whoever sends it took it away"


def test_outcomes_are_in_the_order_of_the_messages(sample: Sample) -> None:
    messages = [mail("k1"), activity("a1"), mail("k2"), activity("a2")]
    assert [one.key for one in sample.connect().post(messages)] == ["k1", "a1", "k2", "a2"]
    assert sample.connect().post([]) == []


# Activities


def test_an_activity_is_one_record(sample: Sample) -> None:
    one = message("a1", SEVENTEEN, "activity", subject="Appeler", text='Dites "bonjour"\net, merci')
    two = message("a2", SEVENTEEN, "activity", claims=(*one.claims, one.claims[0]._replace(invoice="18")))
    assert states(sample.connect().post([one, two])) == ["sent", "sent"]
    text = (sample.folder / "activities.csv").read_text("utf-8")
    assert text.startswith("key,invoice,client,due_date,summary,note,user\n")
    first, second = rows(sample)
    assert first == {
        "key": "a1", "invoice": "17", "client": "3", "due_date": "2026-11-21", "summary": "Appeler",
        "note": 'Dites "bonjour"\net, merci', "user": "Comptabilité <compta@acme.example>",
    }  # fmt: skip
    assert second["invoice"] == "17 18"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_is_made_harmless(sample: Sample, start: str) -> None:
    evil = start + 'HYPERLINK("http://x")'
    assert harmless(evil) == "'" + evil
    sample.connect().post([activity("a1", subject=evil, text=evil)])
    assert rows(sample)[0]["summary"] == "'" + evil
    assert harmless("a=b") == "a=b"


def test_an_activity_is_not_repeated(sample: Sample) -> None:
    sample.connect().post([activity("a1")])
    assert states(sample.connect().post([activity("a1"), activity("a2"), activity("a2")])) == ["sent"] * 3
    assert [row["key"] for row in rows(sample)] == ["a1", "a2"]
    assert presence(sample.connect(), activity("a1"), activity("a3")) == ["present", "unknown"]


@pytest.mark.parametrize(
    "torn",
    [b'"a2"', b'"a2","17","3","2026-', b'"a2","17","3","2026-11-21","s","two\nlines',
     b'"a2","17","3","2026-11-21","s","n"',
     b'"a2","17","3","2026-11-21","s","n","us'],
)  # fmt: skip
def test_a_record_that_a_crash_left_unfinished_is_removed(sample: Sample, torn: bytes) -> None:
    path = sample.folder / "activities.csv"
    sample.connect().post([activity("a1")])
    path.write_bytes(path.read_bytes() + torn)
    connector = sample.connect()
    assert presence(connector, activity("a1"), activity("a2")) == ["present", "unknown"]
    assert states(connector.post([activity("a2")])) == ["sent"]
    assert [row["key"] for row in rows(sample)] == ["a1", "a2"]
    assert rows(sample)[1]["note"] == activity("a2").text


def test_a_header_that_a_crash_left_unfinished_is_written_again(sample: Sample) -> None:
    (sample.folder / "activities.csv").write_bytes(b"key,invo")
    sample.connect().post([activity("a1")])
    assert [row["key"] for row in rows(sample)] == ["a1"]


def test_a_last_line_without_line_break_is_kept(sample: Sample) -> None:
    path = sample.folder / "activities.csv"
    sample.connect().post([activity("a1")])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    sample.connect().post([activity("a2")])
    assert [row["key"] for row in rows(sample)] == ["a1", "a2"]


def test_a_file_saved_by_a_spreadsheet_is_gone_on_with(sample: Sample) -> None:
    path = sample.folder / "activities.csv"
    path.write_bytes(b"\xef\xbb\xbfkey;user;note\r\na1;me;done\r\n")
    connector = sample.connect()
    assert presence(connector, activity("a1")) == ["present"]
    connector.post([activity("a2", text="appeler; vite")])
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    assert lines[-1] == '"a2";"Comptabilité <compta@acme.example>";"appeler; vite"'


def test_what_a_person_left_in_disorder_is_not_touched(sample: Sample) -> None:
    path = sample.folder / "activities.csv"
    sample.connect().post([activity("a1"), activity("a2"), activity("a3")])
    good = path.read_bytes()
    for key, replaced in ((b'"a1"', b'""a1"'), (b'"a2"', b'a"2'), (b'"a1","17"', b'"a1",""17')):
        path.write_bytes(good.replace(key, replaced))
        assert states(sample.connect().post([activity("a4")])) == ["sent"]
        assert path.read_bytes().startswith(good.replace(key, replaced)), "nothing of it is lost"
    broken = good.replace(b'"a3","17"', b'"a3","1"7"')
    path.write_bytes(broken)
    (posted,) = sample.connect().post([activity("a4")])
    assert posted.state == "failed"
    assert "line 6: a stray quotation mark" in posted.error
    assert path.read_bytes() == broken
    path.write_bytes(b"one,two\n1,2\n")
    assert 'no column "key"' in sample.connect().post([activity("a4")])[0].error
    assert path.read_bytes() == b"one,two\n1,2\n"


def test_a_full_disk_leaves_no_half_of_an_activity(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, connector = Disk(monkeypatch), sample.connect()
    connector.post([activity("a1")])
    before = (sample.folder / "activities.csv").read_bytes()
    disk.writes = 0
    assert states(connector.post([activity("a2"), activity("a3")])) == ["failed", "failed"]
    assert (sample.folder / "activities.csv").read_bytes() == before
    disk.writes, disk.syncs = 10**9, 0
    assert states(connector.post([activity("a2")])) == ["failed"]
    assert (sample.folder / "activities.csv").read_bytes() == before


def test_a_short_write_is_taken_back(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = sample.connect()
    connector.post([activity("a1")])
    before = (sample.folder / "activities.csv").read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:10]))
    (posted,) = connector.post([activity("a2")])
    assert (posted.state, "full" in posted.error) == ("failed", True)
    assert (sample.folder / "activities.csv").read_bytes() == before


def test_what_cannot_be_taken_back_is_in_doubt(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, connector = Disk(monkeypatch), sample.connect()
    connector.post([activity("a1")])
    disk.syncs = 0
    truncate, calls = os.ftruncate, []

    def refuse_the_second(fd: int, length: int) -> None:
        calls.append(length)
        if len(calls) > 1:
            raise OSError(errno.EIO, "Input/output error")
        truncate(fd, length)

    monkeypatch.setattr(os, "ftruncate", refuse_the_second)
    assert states(connector.post([activity("a2")])) == ["in_doubt"]


def test_a_folder_in_place_of_the_activities(sample: Sample) -> None:
    (sample.folder / "activities.csv").mkdir()
    connector = sample.connect()
    assert states(connector.post([activity("a1")])) == ["failed"]
    assert presence(connector, activity("a1")) == ["unknown"]


def test_a_torn_tail_is_told_from_a_persons_edit() -> None:
    header = b"key,invoice,client,due_date,summary,note,user\n"
    assert kept_in(b"").columns == activities.COLUMNS
    assert kept_in(header).end == len(header)
    assert kept_in(header + b'"a","b').end == len(header)
    assert kept_in(header + b'"').end == len(header)
    assert kept_in(header + b'"a","dit ""oui""\nnon').end == len(header)
    assert kept_in(header + b"a;b").end == len(header) + 3
    with pytest.raises(ValueError, match="line 2"):
        kept_in(header + b'"a","b"c"\n')


def test_a_link_planted_in_the_outbox_is_not_written_through(sample: Sample) -> None:
    (sample.folder / "outbox").mkdir()
    victim = sample.folder / "victim"
    victim.write_text("precious")
    (sample.folder / "outbox" / ".a1.eml.tmp").symlink_to(victim)
    assert states(sample.connect().post([mail("a1")])) == ["sent"]
    assert victim.read_text() == "precious"
    assert not (sample.folder / "outbox" / "a1.eml").is_symlink()
