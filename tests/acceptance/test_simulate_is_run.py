"""What ``simulate --format json`` says is what ``run`` sends, in exactly the contract's words."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest

from relance_addon.cli.main import main
from relance_addon.core.decide import REASONS
from relance_addon.core.model import natural
from relance_addon.operations.demo import write_demo

from .generated import FIRST, Generated

DAY = "2026-11-20"
_NONE = type(None)
DOCUMENT = {
    "schema": str, "host": str, "date": str, "activated": bool, "id": (int, _NONE), "decisions": list,
    "messages": list, "totals": dict,
}  # fmt: skip
DECISION = {
    "invoice": str, "number": str, "client": str, "client_name": (str, _NONE), "status": str,
    "due_date": (str, _NONE), "days_late": (int, _NONE), "residual": str, "currency": str, "program": (str, _NONE),
    "version": (int, _NONE), "step": (int, _NONE), "step_name": (str, _NONE), "date": (str, _NONE), "decision": str,
    "reason": str, "message": (int, _NONE),
}  # fmt: skip
MESSAGE = {
    "message": int, "client": str, "step": int, "invoices": list, "channel": str, "language": str, "sender": str,
    "to": list, "cc": list, "bcc": list, "subject": str, "attachments": list,
}  # fmt: skip
TOTALS = {"send": int, "wait": int, "skip": int, "messages": int, "residual": dict}


@pytest.fixture
def relance(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in the folder of the test; its JSON, or what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RELANCE_CONFIG", raising=False)

    def command(*arguments: str, status: int = 0) -> Any:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        assert ended.value.code == status, said.err
        return json.loads(said.out) if "json" in arguments else said.out

    return command


def demonstration(relance: Any) -> tuple[str, str]:
    write_demo(Path(os.curdir) / "demo", "relance.toml", date.fromisoformat(DAY))
    os.chdir("demo")
    relance("programs", "apply", "programs.toml")
    return "demo", DAY


def generated(relance: Any) -> tuple[str, str]:
    ledger = Generated(Path(os.curdir).resolve(), count=45, seed=8)
    ledger.rewrite(FIRST)
    relance("deactivate", "acme")
    return "acme", FIRST.isoformat()


@pytest.mark.parametrize("folder", [demonstration, generated])
def test_the_run_sends_what_the_simulation_said(relance: Any, folder: Any) -> None:
    host, day = folder(relance)
    said = relance("simulate", host, "--date", day, "--format", "json")
    check(said, "relance.simulation/1", {})
    assert said["messages"]
    assert (said["activated"], said["id"]) == (False, None)
    relance("activate", host)
    assert relance("simulate", host, "--date", day, "--format", "json") == {**said, "activated": True}
    ran = relance("run", host, "--date", day, "--format", "json")
    check(ran, "relance.run/1", {"key": str, "state": str, "error": (str, _NONE)})
    assert ran["decisions"] == said["decisions"]
    assert ran["totals"] == said["totals"]
    assert [without(one, "key", "state", "error") for one in ran["messages"]] == said["messages"]
    assert {(one["state"], one["error"] or "") for one in ran["messages"]} == {("sent", "")}
    check_outbox(ran)
    before = sorted(path.name for path in Path("data").rglob("*"))
    again = relance("run", host, "--date", day, "--format", "json")
    assert again["messages"] == []
    assert again["totals"]["send"] == 0
    assert sorted(path.name for path in Path("data").rglob("*")) == before


def without(one: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in keys}


def check(document: dict[str, Any], schema: str, more: dict[str, Any]) -> None:
    """The document has exactly the contract's keys, types, order and arithmetic."""
    typed(document, DOCUMENT)
    assert document["schema"] == schema
    decisions, messages, totals = document["decisions"], document["messages"], document["totals"]
    typed(totals, TOTALS)
    for one in decisions:
        typed(one, DECISION)
        assert one["decision"] == REASONS[one["reason"]]
        assert (one["message"] is not None) == (one["decision"] == "send")
        assert re.fullmatch(r"-?\d+\.\d\d", one["residual"])
        for key in ("due_date", "date"):
            assert one[key] is None or date.fromisoformat(one[key]).isoformat() == one[key]
        if one["due_date"] is not None:
            late = date.fromisoformat(document["date"]) - date.fromisoformat(one["due_date"])
            assert one["days_late"] == late.days
    order = [(natural(one["client"]), natural(one["invoice"])) for one in decisions]
    assert order == sorted(order)
    for number, one in enumerate(messages, 1):
        typed(one, {**MESSAGE, **more})
        assert one["message"] == number
        assert one["invoices"] == [other["invoice"] for other in decisions if other["message"] == number]
        assert all(isinstance(item, str) for key in ("invoices", "to", "cc", "bcc", "attachments") for item in one[key])
    for verdict in ("send", "wait", "skip"):
        assert totals[verdict] == sum(one["decision"] == verdict for one in decisions)
    assert totals["messages"] == len(messages)
    sums: dict[str, int] = {}
    for one in decisions:
        if one["decision"] == "send":
            sums[one["currency"]] = sums.get(one["currency"], 0) + int(one["residual"].replace(".", ""))
    assert {key: int(value.replace(".", "")) for key, value in totals["residual"].items()} == sums


def typed(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(found) == list(wanted)
    for key, kind in wanted.items():
        assert isinstance(found[key], kind), (key, found[key])
        assert kind is bool or not isinstance(found[key], bool), key


def check_outbox(ran: dict[str, Any]) -> None:
    """The files are those messages: same number, subject and recipients."""
    mails = {one["key"]: one for one in ran["messages"] if one["channel"] == "mail"}
    found = {path.stem: path for path in Path("data/outbox").glob("*.eml")}
    assert set(found) == set(mails)
    for key, one in mails.items():
        mail = message_from_bytes(found[key].read_bytes(), policy=policy.default)
        assert mail["Subject"] == one["subject"]
        for header in ("to", "cc"):
            assert getaddresses([mail[header] or ""] if one[header] else []) == getaddresses(one[header])
        assert [part.get_filename() for part in mail.iter_attachments()] == one["attachments"]
    activities = Path("data/activities.csv")
    others = [one["key"] for one in ran["messages"] if one["channel"] == "activity"]
    assert all(key in activities.read_text("utf-8") for key in others)
