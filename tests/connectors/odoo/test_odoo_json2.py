"""JSON-2 as Odoo 19 speaks it: real exchanges over HTTP with an accountant's API key, played back to our carrier.

They live, and are recorded, where ``RELANCE_LIVE_ODOO`` names an Odoo 19 with an API key as password: see conftest.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from odoo_stage import LIVE, RECORDING, live_settings
from odoo_tape import RECORDINGS, SERVER
from requests.adapters import HTTPAdapter
from responses.matchers import header_matcher, json_params_matcher
from responses.registries import OrderedRegistry

from relance_addon.connectors.odoo.browser import is_key
from relance_addon.connectors.odoo.faults import NoKey
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import connect
from relance_addon.core.errors import Refused

KEY = "5ec2e7a91c0de5ec2e7a91c0de5ec2e7a91c0de5"
"""What stands for the key in a recording."""
DATABASE = "acme"
FOLDER = RECORDINGS / "odoo19-json2-over-http"
ASKED = ("Authorization", "X-Odoo-Database", "Content-Type")


@dataclass
class Line:
    """An Odoo 19 to call, and what was exchanged with it."""

    settings: Settings
    key: str
    exchanges: list[dict[str, Any]] = field(default_factory=list)

    @property
    def statuses(self) -> list[int]:
        return [one["status"] for one in self.exchanges]


@pytest.fixture(params=["live"] if LIVE and RECORDING else ["live"] * bool(LIVE) + ["recorded"])
def line(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    path = FOLDER / f"{request.function.__name__.removeprefix('test_').replace('_', '-')}.json"
    if request.param == "live":
        live = Line(*live_settings(tmp_path))
        if not is_key(live.key):
            pytest.skip("JSON-2 takes an API key only")
        monkeypatch.setattr(HTTPAdapter, "send", _noting(live))
        yield live
        if RECORDING:
            _write(path, live)
        return
    recorded = Line(_settings(), KEY, json.loads(path.read_text("utf-8"))["exchanges"])
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        for one in recorded.exchanges:
            matching: list[Any] = [header_matcher(one["headers"])]
            if one["asked"] is not None:
                matching.append(json_params_matcher(one["asked"]))
            answer = one["answer"]
            mock.add(
                one["method"],
                SERVER + one["path"],
                body=answer if isinstance(answer, str) else json.dumps(answer),
                status=one["status"],
                content_type=one["type"],
                match=matching,
            )
        yield recorded


def test_calls_of_an_accountant(line: Line, tmp_path: Path) -> None:
    session = connect(line.settings, line.key, tmp_path)
    assert (session.carrier, session.version) == ("json2", 19)
    rows = session.call(
        "account.move",
        "search_read",
        domain=[("move_type", "=", "out_invoice"), ("state", "=", "posted")],
        fields=["name", "partner_id", "amount_residual", "invoice_date_due"],
        load="",
        order="id",
        limit=2,
    )
    assert [set(row) for row in rows] == [{"id", "name", "partner_id", "amount_residual", "invoice_date_due"}] * 2
    assert all(isinstance(row["partner_id"], int) for row in rows)
    one = rows[0]["id"]
    assert session.call("account.move", "read", [one], fields=["name"]) == [{"id": one, "name": rows[0]["name"]}]
    fields = session.call("account.move", "fields_get", allfields=["name", "x_nothing"], attributes=["type"])
    assert fields == {"name": {"type": "char"}}
    assert session.call("res.partner", "has_access", [], operation="read") is True
    assert session.call("mail.mail", "has_access", [], operation="read") is False
    noted = session.call(
        "account.move", "message_post", [one], body="<p>Rappelé</p>", body_is_html=True, subtype_xmlid="mail.mt_note"
    )
    assert len(noted) == 1
    (message,) = session.call("mail.message", "read", noted, fields=["body", "res_id"])
    assert (message["body"], message["res_id"]) == ("<p>Rappelé</p>", one)
    file = {"name": "a.txt", "datas": "w4k=", "res_model": "account.move", "res_id": one}
    assert len(session.call("ir.attachment", "create", vals_list=[file, file])) == 2
    assert line.statuses == [200] * len(line.exchanges)
    assert {one["path"].partition("/json/2/")[0] for one in line.exchanges[1:]} == {""}, "and nowhere else"


@pytest.mark.parametrize("api", ["auto", "json2"])
def test_one_call_finds_out_the_version_and_two_the_user(line: Line, tmp_path: Path, api: str) -> None:
    settings = line.settings.model_copy(update={"api": api})
    assert connect(settings, line.key, tmp_path).full_version.startswith("19.0")
    paths = ["/web/version", "/json/2/res.users/context_get", "/json/2/res.users/read"]
    assert [one["path"] for one in line.exchanges] == paths
    assert "Authorization" not in line.exchanges[0]["headers"]


def test_what_odoo_refuses(line: Line, tmp_path: Path) -> None:
    session = connect(line.settings, line.key, tmp_path)
    missing = 999999999
    refused: list[tuple[int, str, tuple[str, str, list[int] | None], dict[str, Any]]] = [
        (403, "the user lacks rights: ", ("mail.mail", "search_count", None), {"domain": []}),
        (403, "the user lacks rights: ", ("account.move", "_compute_amount", [1]), {}),
        (404, "the model 'x.nothing' does not exist", ("x.nothing", "search", None), {"domain": []}),
        (404, "The method 'account.move.nothing' does not exist", ("account.move", "nothing", None), {}),
        (404, "", ("account.move", "write", [missing]), {"vals": {"ref": "x"}}),
        (422, "got an unexpected keyword argument 'x'", ("account.move", "button_draft", [missing]), {"x": 1}),
        (
            500,
            "Invalid field account.move.x_nothing",
            ("account.move", "search", None),
            {"domain": [("x_nothing", "=", 1)]},
        ),
    ]
    for _, text, call, named in refused:
        with pytest.raises(Refused) as caught:
            session.call(*call, **named)
        told = str(caught.value)
        assert told.startswith(f"{line.settings.url}: {call[0]}.{call[1]}: {text}")
        assert "\n" not in told and "Traceback" not in told
    # What is refused is not asked for again.
    assert line.statuses == [200] * 3 + [status for status, *_ in refused]


def test_a_key_that_odoo_does_not_know(line: Line, tmp_path: Path) -> None:
    with pytest.raises(NoKey, match="does not know this API key"):
        connect(line.settings.model_copy(update={"api": "json2"}), "0" * 40, tmp_path)
    assert line.statuses[-1] == 401


def test_a_database_that_is_not_there(line: Line, tmp_path: Path) -> None:
    settings = line.settings.model_copy(update={"api": "json2", "database": "elsewhere"})
    with pytest.raises(Refused, match="HTTP 404: there is no database 'elsewhere'"):
        connect(settings, line.key, tmp_path)
    assert line.statuses[-1] == 404


def _settings() -> Settings:
    return Settings.model_validate(
        {
            "connector": "odoo",
            "url": SERVER,
            "database": DATABASE,
            "user": "compta",
            "password": {"env": "UNUSED"},
            "company": 1,
        }
    )


def _noting(line: Line) -> Any:
    """HTTPAdapter.send, which notes what is exchanged."""
    send = HTTPAdapter.send

    def noting(adapter: HTTPAdapter, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        response = send(adapter, request, **named)
        kind = response.headers["Content-Type"]
        line.exchanges.append(
            {
                "method": request.method,
                "path": str(request.path_url),
                "headers": {name: request.headers[name] for name in ASKED if name in request.headers},
                "asked": json.loads(request.body) if request.body else None,
                "status": response.status_code,
                "type": kind,
                "answer": _plain(response.json()) if kind.startswith("application/json") else response.text,
            }
        )
        return response

    return noting


def _plain(answer: Any) -> Any:
    """An answer without Odoo's traceback."""
    return {**answer, "debug": "…"} if isinstance(answer, dict) and "debug" in answer else answer


def _write(path: Path, line: Line) -> None:
    version = line.exchanges[0]["answer"]["version"]
    text = json.dumps({"server": f"Odoo {version}", "exchanges": line.exchanges}, ensure_ascii=False, indent=1)
    for real, kept in ((line.key, KEY), (line.settings.url, SERVER), (line.settings.database, DATABASE)):
        text = text.replace(real, kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", "utf-8")
