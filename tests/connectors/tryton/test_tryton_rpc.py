"""What goes over the wire to a Tryton that says what it is told; what a person is told where it goes wrong."""

from __future__ import annotations

import gzip
import json
import logging
import traceback
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from mailers import PostOffice
from tryton_stage import TODAY, Fault, Line, Stage, broken, error, html, outgoing, said

from relance_addon.connectors.tryton import coding, rpc
from relance_addon.connectors.tryton.records import Records
from relance_addon.connectors.tryton.rpc import Broken, Rpc
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts import wire
from relance_addon.hosts.fake import invoice
from relance_addon.hosts.faults import NotDone
from relance_addon.hosts.wire import Answer, Wire

SERVER, DATABASE, PASSWORD, TOKEN = "https://tryton.example", "relance", "robot-hunter2", "5e55104-70ce4"
READ, WRITE, LOG_IN, PREFERENCES = (
    "model.party.party.search_read", "model.ir.note.create", "common.db.login", "model.res.user.get_preferences",
)  # fmt: skip
KNOWN: Mapping[str, Any] = {
    "common.server.version": "8.0.12",
    LOG_IN: [7, TOKEN, None],
    PREFERENCES: {"company": 1, "language": "en", "company_filter": "one", "locale": {"date": "%d"}},
    "common.db.logout": None,
    "model.company.company.search_read": [{"id": 1, "currency": 1, "currency.": {"id": 1, "code": "EUR"}}],
    WRITE: [3],
}


class Silent:
    """A Tryton that knows whom it serves, and has nothing. Up to 7.0 (``root``) its calls are elsewhere."""

    root = "/rpc/"
    elsewhere = 404

    def __call__(self, wire: Wire, verb: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        method = json.loads(body)["method"]
        if path not in (self.root, f"/{DATABASE}{self.root}"):
            return Answer(self.elsewhere, "text/html", "", b"<html>")
        nothing: Any = {} if method.endswith("fields_get") else []
        if method.endswith("get_access"):
            nothing = {model: {"read": 0} for model in json.loads(body)["params"][0]}
        return said(KNOWN.get(method, nothing))(lambda: Answer(0, "", "", b""))


@pytest.fixture
def server() -> Silent:
    return Silent()


@pytest.fixture
def line(server: Silent, monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line(server)
    monkeypatch.setattr(Wire, "ask", lambda wire, *told: line.ask(wire, *told))
    return line


@pytest.fixture
def stage(line: Line, tmp_path: Path) -> Stage:
    return Stage(SERVER, tmp_path, line)


def session(stage: Stage, **more: Any) -> Rpc:
    return stage.connect(stage.settings(**more), PASSWORD, stage.folder)


# What is said


def test_a_call_has_three_keys_and_the_context_last(stage: Stage, line: Line) -> None:
    session(stage).read(READ, [["id", "=", 3]], active_test=False)
    assert all(set(body) == {"id", "method", "params"} for body in line.bodies)
    assert len({body["id"] for body in line.bodies}) == len(line.bodies)
    context = {"company": 1, "language": "en", "company_filter": "one", "active_test": False}
    assert line.calls[-1] == (READ, [[["id", "=", 3]], context])


def test_who_asks_stands_in_a_header(stage: Stage, line: Line) -> None:
    session(stage).read(READ)
    token = line.headers[-1]["Authorization"].removeprefix("Session ")
    assert b64decode(token).decode() == f"robot:7:{TOKEN}"
    assert [bool(one) for one in line.headers] == [False, False, True, True]


@pytest.mark.parametrize("status", [404, 405, 401])
def test_7_0_is_spoken_to_elsewhere(stage: Stage, line: Line, server: Silent, status: int) -> None:
    server.root, server.elsewhere = "/", status
    session(stage).read(READ)
    assert line.paths == ["/rpc/", "/", *[f"/{DATABASE}/"] * 3]


def test_the_name_of_a_database_is_a_part_of_the_path(stage: Stage, line: Line) -> None:
    with pytest.raises(Refused, match="has no database"):
        session(stage, database="à b")
    assert line.paths[-1] == "/%C3%A0%20b/rpc/"


def test_answers_may_be_compressed_and_are_said_to_be_so(tmp_path: Path) -> None:
    """Tryton 8.0 says that long answers are compressed whether they are or not, where that is not asked for."""
    with responses.RequestsMock() as mock:
        for result in (KNOWN["common.server.version"], KNOWN[LOG_IN], KNOWN[PREFERENCES]):
            body = gzip.compress(json.dumps({"id": 1, "result": result}).encode())
            mock.add("POST", f"{SERVER}/rpc/" if result == "8.0.12" else f"{SERVER}/{DATABASE}/rpc/", body,
                     headers={"Content-Encoding": "gzip"}, content_type="application/json")  # fmt: skip
        plain = b'{"id": 1, "result": []}'
        mock.add("POST", f"{SERVER}/{DATABASE}/rpc/", plain, headers={"Content-Encoding": "gzip"},
                 content_type="application/json")  # fmt: skip
        one = session(Stage(SERVER, tmp_path, Line(Wire.ask)))
        with pytest.raises(Unreachable, match="the connection broke off"):
            one.write(READ)
        assert all("gzip" in call.request.headers["Accept-Encoding"] for call in mock.calls)


def test_values_come_as_they_go() -> None:
    told = {
        "day": date(2026, 11, 21),
        "moment": datetime(2026, 11, 21, 9, 30, 0, 5, tzinfo=UTC),
        "amount": Decimal("12.50"),
        "file": b"\x00%PDF",
        "others": [None, True, "x", 3],
    }
    assert coding.decoded(coding.encoded(told)) == told
    hour = b'{"__class__":"time","hour":9,"minute":1,"second":2,"microsecond":0}'
    assert coding.decoded(hour) == time(9, 1, 2)
    assert coding.decoded(b'{"__class__":"timedelta","seconds":90.5}') == timedelta(seconds=90.5)
    assert coding.decoded(b'{"__class__":"new","x":1}') == {"__class__": "new", "x": 1}
    with pytest.raises(TypeError, match="set cannot be told"):
        coding.encoded({1})


# What goes wrong


def result(text: str) -> Fault:
    return said(b'{"id":1,"result":' + text.encode() + b"}")


def caused(kind: type[requests.RequestException], cause: Exception) -> Exception:
    made = kind("x")
    made.__cause__ = cause
    return made


FAULTS: list[tuple[Fault, type[HostError], str]] = [
    (html(200), Unreachable, "the answer is not Tryton's: is this the address of Tryton?"),
    (html(500), Unreachable, "HTTP 500"),
    (html(502), Unreachable, "HTTP 502"),
    (said(b"", 504, ""), Unreachable, "HTTP 504"),
    (html(400), Refused, "HTTP 400"),
    (html(403), Refused, "HTTP 403"),
    (html(404), Refused, "HTTP 404: is this the address of Tryton?"),
    (html(413), Refused, "more than the server in front of Tryton takes"),
    (html(422), Refused, "HTTP 422"),
    (html(429), NotDone, "too many calls"),
    (lambda ask: Answer(302, "", "https://new.example/", b""), Refused, "sends us to https://new.example/"),
    (said(b'{"id":1,"resu'), Unreachable, "the answer is not Tryton's"),
    *[(said(body), Unreachable, "the answer is not Tryton's") for body in (
        b"", b"null", b"[]", b'"x"', b"3", b"{}", b'{"id":1}', b'{"error":null}', b'{"error":[]}', b'{"error":{}}',
        b'{"error":3}', b"\xff",
    )],
    *[(result(text), Unreachable, "the answer is not Tryton's") for text in (
        '{"__class__":"Decimal","decimal":"x"}', '{"__class__":"date","year":2026}', '{"__class__":"bytes","base64":7}',
        '{"__class__":"date","year":2026,"month":13,"day":1}', '{"__class__":"bytes","base64":"x"}',
        '{"__class__":"timedelta","seconds":1e300}',
    )],
    (error("UserError", ["Not allowed\nto read", "ask the boss", {"domain": []}]), Refused,
     "Not allowed to read: ask the boss"),
    (error("UserWarning", ["a.key", "Really?", "It is late."]), Refused, "Really?: It is late."),
    (error("ConcurrencyException", "Records were modified in the meanwhile"), NotDone, "Records were modified"),
    (error("UserError", ["x" * 5000, ""]), Refused, "x" * 300),
    (broken(caused(requests.ReadTimeout, TimeoutError())), Unreachable, "no answer in time"),
    (broken(caused(requests.ConnectTimeout, TimeoutError())), NotDone, "no connection in time"),
    (broken(caused(requests.ConnectionError, ConnectionRefusedError(111, "Connection refused"))), NotDone, "refused"),
    (broken(caused(requests.ConnectionError, ConnectionResetError(104, "reset"))), Unreachable, "broke off"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "kind", "text"), FAULTS)
@pytest.mark.parametrize("method", [READ, WRITE])
def test_a_call_that_goes_wrong(
    stage: Stage, line: Line, method: str, fault: Fault, kind: type[HostError], text: str
) -> None:
    one = session(stage)
    line.faults[method] = [fault] * 3
    with pytest.raises(HostError) as caught:
        (one.read if method == READ else one.write)(method, [3])
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert str(caught.value).startswith(SERVER)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    _silent("".join(traceback.format_exception(caught.value)))
    again = method == READ and issubclass(kind, Unreachable)
    assert line.count(method) == (3 if again else 1), "what may have been carried out is never asked for again"
    assert stage.pauses == ([1.0, 3.0] if again else [])


def test_what_fails_within_tryton_was_not_done_and_may_work_later(stage: Stage, line: Line) -> None:
    one = session(stage)
    for method, ask in ((READ, one.read), (WRITE, one.write)):
        line.faults[method] = [error("'nope'\nat line 3", "")]
        with pytest.raises(HostError, match="'nope' at line 3") as caught:
            ask(method)
        assert type(caught.value) is (Unreachable if method == READ else Broken)
        assert line.count(method) == 1


@pytest.mark.parametrize("before", [0, 1, 2])
def test_it_fails_the_same_way_whatever_went_wrong_before(stage: Stage, line: Line, before: int) -> None:
    one = session(stage)
    line.faults[READ] = [*[html(502)] * before, error("'nope'", "")]
    with pytest.raises(Unreachable, match="nope"):
        one.read(READ)


def test_a_read_that_fails_once_or_twice_is_tried_again(stage: Stage, line: Line) -> None:
    one = session(stage)
    line.faults[READ] = [html(502), html(200), result("[5]")]
    assert one.read(READ) == [5]
    assert stage.pauses == [1.0, 3.0]


GONE = error("UserError", ['You are trying to read records "6" of "Note" that don\'t exist.', ""])


def test_what_was_found_and_is_gone_before_it_is_read_is_searched_anew(stage: Stage, line: Line) -> None:
    records = Records(session(stage))
    line.faults[READ] = [GONE, GONE, said([{"id": 5}])]
    assert records.search("party.party", [], ["id"]) == [{"id": 5}]
    line.faults[READ] = [GONE] * 3
    with pytest.raises(Refused, match="don't exist"):
        records.search("party.party", [], ["id"])
    assert line.count(READ) == 6
    assert stage.pauses == []


def test_an_answer_without_end_is_not_read_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST", 99)
    with responses.RequestsMock() as mock:
        mock.add("POST", f"{SERVER}/rpc/", b"x" * 100)
        with pytest.raises(Unreachable, match="the answer is too long"):
            session(Stage(SERVER, tmp_path, Line(Wire.ask)))


# Logging in and out


def test_a_wrong_password_is_said_to_be_one(stage: Stage, line: Line) -> None:
    line.faults[LOG_IN] = [html(401)]
    with pytest.raises(Refused, match="does not know the user 'robot' with this password in 'relance'") as caught:
        session(stage)
    _silent("".join(traceback.format_exception(caught.value)))
    assert line.count(LOG_IN) == 1, "Tryton lets in ever more slowly"


@pytest.mark.parametrize(
    ("method", "fault", "kind", "text"),
    [
        ("common.server.version", broken(ConnectionRefusedError(111, "Connection refused")), NotDone, "refused"),
        ("common.server.version", html(502), Unreachable, "log-in: HTTP 502"),
        ("common.server.version", error("'x'", ""), Broken, "log-in: 'x'"),
        (LOG_IN, html(404), Refused, "has no database 'relance'"),
        (LOG_IN, html(429), NotDone, "log-in: HTTP 429: too many calls at once"),
        (LOG_IN, error("LoginException", ["code", "Which code?", "char"]), Refused, "lets 'robot' in no more easily"),
        (LOG_IN, error("'x'", ""), Broken, "log-in: 'x'"),
        (LOG_IN, said(None), Unreachable, "log-in: the answer is not Tryton's"),
        (LOG_IN, said([]), Unreachable, "log-in: the answer is not Tryton's"),
        (PREFERENCES, html(403), Refused, "log-in: HTTP 403"),
        (PREFERENCES, error("'x'", ""), Broken, "log-in: 'x'"),
        (PREFERENCES, error("UserError", ["No right", ""]), Refused, "log-in: No right"),
        (PREFERENCES, said(None), Unreachable, "log-in: the answer is not Tryton's"),
        (PREFERENCES, said([]), Unreachable, "log-in: the answer is not Tryton's"),
    ],
)
def test_a_log_in_that_goes_wrong(
    stage: Stage, line: Line, method: str, fault: Fault, kind: type[HostError], text: str
) -> None:
    line.faults[method] = [fault]
    with pytest.raises(HostError) as caught:
        session(stage)
    assert type(caught.value) is kind
    assert text in str(caught.value)
    _silent("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("method", [READ, WRITE])
def test_a_session_that_ended_is_begun_anew_and_the_call_made_again(stage: Stage, line: Line, method: str) -> None:
    one = session(stage)
    line.faults[method] = [html(401)]
    assert one.write(method, 3) == KNOWN.get(method, [])
    assert line.methods[-3:] == [method, LOG_IN, method]
    assert line.calls[-1] == line.calls[-3]


def test_one_that_ends_at_once_is_an_error(stage: Stage, line: Line) -> None:
    one = session(stage)
    line.faults[READ] = [html(401)] * 9
    with pytest.raises(Refused, match="HTTP 401"):
        one.read(READ)
    assert line.count(READ) == 2


def test_a_user_whose_password_changed_meanwhile_is_told_so(stage: Stage, line: Line) -> None:
    one = session(stage)
    line.faults.update({READ: [html(401)], LOG_IN: [html(401)]})
    with pytest.raises(Refused, match="does not know the user"):
        one.read(READ)


@pytest.mark.parametrize(
    "fault", [html(401), html(500), error("'x'", ""), broken(ConnectionResetError(104, "reset")), said(b"")]
)
def test_who_leaves_leaves_whatever_is_answered(stage: Stage, line: Line, fault: Fault) -> None:
    one = session(stage)
    line.faults["common.db.logout"] = [fault]
    one.close()
    one.close()
    assert line.methods.count("common.db.logout") <= 2
    assert line.methods[-1] == "common.db.logout"


# Secrets


def _silent(text: str) -> None:
    assert PASSWORD not in text
    assert TOKEN not in text


def test_no_secret_is_shown_or_logged(stage: Stage, line: Line, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "requests", "urllib3", "urllib3.connectionpool", "relance_addon"):
        caplog.set_level(logging.DEBUG, name)
    line.faults["model.company.company.search_read"] = [
        said([{"id": 1, "currency": 1, "currency.": {"id": 1, "code": "EUR"}}])
    ]
    connector = stage.connector(PostOffice())
    list(connector.pull("", TODAY).pages)
    connector.post([outgoing("k1", invoice("1"))])
    connector.check(TODAY)
    assert len(line.calls) > 10
    _silent(caplog.text + repr(connector) + repr(vars(connector)))
    connector.close()
    asked = [json.dumps(body) for body in line.bodies]
    assert [PASSWORD in one for one in asked] == [LOG_IN in one for one in asked], "it is told once, to log in"


def test_a_real_connection_logs_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage = Stage("http://127.0.0.1:9", tmp_path, Line(Wire.ask))
    with pytest.raises(NotDone, match="refused"):
        rpc.connect(stage.settings(), PASSWORD, tmp_path, stage.pauses.append)
    assert "127.0.0.1" in caplog.text
    _silent(caplog.text)
