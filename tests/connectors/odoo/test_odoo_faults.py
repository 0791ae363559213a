"""What a person is told when a call goes wrong: from the wire up to the exception, against a small scripted server."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from odoo_server import (
    PASSWORD,
    Answer,
    Server,
    body,
    broken_off,
    cut,
    error,
    half,
    html,
    redirect,
    result,
    serving,
    settings,
    slow,
)

from relance_addon.connectors.odoo.faults import told
from relance_addon.connectors.odoo.transport import Session, connect, made
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts import wire
from relance_addon.hosts.faults import NotDone


@pytest.fixture(params=["jsonrpc", "json2"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(Server(version={"jsonrpc": 18, "json2": 19}[request.param])) as server:
        yield server


def log_in(server: Server, **more: Any) -> Session:
    return connect(settings(server.url, **more), PASSWORD, Path(), sleep=lambda seconds: None)


FAULTS = [
    (error("odoo.exceptions.AccessError", "Vous n'avez pas\naccès.", 403), Refused, "lacks rights: Vous n'avez pas a"),
    (error("odoo.exceptions.UserError", "Non.", 422), Refused, "account.move.write: Non."),
    (error("odoo.exceptions.MissingError", "Disparu.", 404), Refused, "account.move.write: Disparu."),
    (error("builtins.ValueError", "Invalid field 'x'"), Refused, "Invalid field 'x'"),
    (error("psycopg2.errors.SerializationFailure", "could not serialize"), NotDone, "others keep changing"),
    (error("odoo.exceptions.LockError", "Verrou.", 409), NotDone, "others keep changing"),
    (error("psycopg2.OperationalError", "connection to 10.0.0.7 failed", 503), Unreachable, "cannot open its database"),
    (html(200), Unreachable, "is this the address of Odoo?"),
    (half, Unreachable, "is this the address of Odoo?"),
    (html(403), Refused, "HTTP 403"),
    (html(404), Refused, "HTTP 404"),
    (html(413), Refused, "more than the server in front of Odoo takes"),
    (html(429), NotDone, "too many calls"),
    (html(500), Unreachable, "HTTP 500"),
    (html(502), Unreachable, "HTTP 502"),
    (html(503), Unreachable, "HTTP 503"),
    (redirect("https://new.example/"), Refused, "sends us to https://new.example/"),
    (slow, Unreachable, "no answer in time"),
    (broken_off, Unreachable, "the connection broke off"),
    (cut, Unreachable, "the connection broke off"),
]


@pytest.mark.parametrize(("answer", "kind", "text"), FAULTS)
def test_a_call_that_goes_wrong(server: Server, answer: Answer, kind: type[HostError], text: str) -> None:
    transport = log_in(server)
    assert transport.carrier == ("json2" if server.version == 19 else "jsonrpc")
    server.answer = answer
    before = len(server.seen)
    with pytest.raises(HostError) as caught:
        transport.call("account.move", "write", [1], vals={})
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "10.0.0.7" not in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert len(server.seen) == before + 1, "what may have been carried out is never asked for again"


@pytest.mark.parametrize("answer", [{"status": "starting"}, {"jsonrpc": "2.0", "error": {"data": []}}, [], None, 3])
def test_json_that_is_not_odoos(answer: Any) -> None:
    with serving(Server()) as server:
        transport = log_in(server)
        server.answer = body(answer)
        with pytest.raises(Unreachable, match="is this the address of Odoo"):
            transport.call("account.move", "write", [1], vals={})


def test_an_answer_without_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = log_in(server)
    server.answer = result("x" * 1000)
    monkeypatch.setattr(wire, "LONGEST", 999)
    with pytest.raises(Unreachable, match="the answer is too long"):
        transport.call("account.move", "write", [1], vals={})


def test_a_wrong_password_is_refused_without_being_told(server: Server) -> None:
    server.logged_in, server.keys = result(False), set()
    with pytest.raises(Refused, match="does not know the user 'relance'") as caught:
        log_in(server)
    assert PASSWORD not in str(caught.value)


def test_an_unknown_database_tells_nothing_of_the_database_server() -> None:
    with serving(Server()) as server:
        server.logged_in = error("psycopg2.OperationalError", 'connection to server at "10.0.0.7", port 5432 failed')
        with pytest.raises(Unreachable, match=r"'acme'.*cannot open its database") as caught:
            log_in(server)
    assert "10.0.0.7" not in str(caught.value)


def test_an_unknown_database_over_json_2() -> None:
    with serving(Server(19)) as server, pytest.raises(Refused, match="there is no database 'other'"):
        log_in(server, database="other")


@pytest.mark.parametrize("api", ["auto", "jsonrpc", "json2"])
def test_nobody_listening_means_that_nothing_was_done(api: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotDone, match=f"http://127.0.0.1:{port}: Connection refused"):
        connect(settings(f"http://127.0.0.1:{port}", api=api), PASSWORD, Path())


def test_an_unknown_name_means_that_nothing_was_done() -> None:
    with pytest.raises(NotDone, match=r"http://odoo\.invalid: "):
        connect(settings("http://odoo.invalid"), PASSWORD, Path())


def test_no_connection_in_time_means_that_nothing_was_done() -> None:
    error = told(requests.ConnectTimeout("s3cret"), "https://odoo.example", "log-in")
    assert isinstance(error, NotDone)
    assert str(error) == "https://odoo.example: no connection in time"


def test_a_page_that_is_not_odoo() -> None:
    with serving(Server()) as server:
        server.logged_in = html(200)
        with pytest.raises(Unreachable, match="is this the address of Odoo"):
            log_in(server)


@pytest.mark.parametrize("answer", [html(502), html(200), body([]), body({"version": 19}), half, redirect("/web")])
def test_a_server_that_does_not_tell_its_version_is_no_server_of_json_2(answer: Answer) -> None:
    with serving(Server(19)) as server:
        server.about = answer
        with pytest.raises(HostError, match=rf"{server.url}: (speaks no JSON-2|log-in: HTTP)"):
            log_in(server, api="json2")
        assert log_in(server).carrier == "jsonrpc"


@pytest.mark.parametrize("answer", [result({}), result({"uid": 6}), result(None)])
def test_a_key_of_nobody(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    def nobody(self: Server, handler: Any, method: str) -> None:
        (answer if method.endswith("context_get") else result([]))(handler)

    monkeypatch.setattr(Server, "json2", nobody)
    with serving(Server(19)) as server, pytest.raises(Unreachable, match="the answer is not Odoo's"):
        log_in(server)


def test_debugging_prints_no_secret(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "odoorpc", "odoorpc.rpc.jsonrpclib", "requests", "urllib3", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, name)
    transport = log_in(server)
    transport.call("account.move", "read", [1], fields=["name"])
    assert "urllib3" in caplog.text
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(transport) + repr(vars(transport))


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (11, [11]),
        ([11], [11]),
        ("mail.activity(11,)", [11]),
        ("mail.activity(11, 12)", [11, 12]),
        ("mail.activity()", []),
        (False, []),
    ],
)
def test_what_was_made_in_the_words_of_every_version(answer: Any, ids: list[int]) -> None:
    assert made(answer) == ids
