"""What a person is told when a call goes wrong: from the wire up to the exception, against a small scripted server."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from relance_addon.connectors.odoo.faults import NotDone
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import connect, made
from relance_addon.core.errors import HostError, Refused, Unreachable

PASSWORD = "s3cret-api-key"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers log-ins like Odoo, and the call after them as a test says."""

    def __init__(self) -> None:
        self.answer: Answer = result([])
        self.logged_in: Any = 6
        self.asked: list[dict[str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["params"]
                server.asked.append(asked)
                if self.path.endswith("version_info"):
                    result({"server_version": "18.0"})(self)
                elif asked["method"] == "login":
                    server.logged_in(self) if callable(server.logged_in) else result(server.logged_in)(self)
                elif asked["method"] == "execute":
                    result({"lang": "fr_FR"})(self)
                else:
                    server.answer(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


def send(handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def result(value: Any) -> Answer:
    return lambda handler: send(handler, 200, "application/json", json.dumps({"result": value}).encode())


def error(name: str, message: str) -> Answer:
    told = {"code": 200, "message": "Odoo Server Error", "data": {"name": name, "message": message, "debug": "…"}}
    return lambda handler: send(handler, 200, "application/json", json.dumps({"error": told}).encode())


def html(status: int) -> Answer:
    return lambda handler: send(handler, status, "text/html", b"<html><body>Sign in</body></html>")


def slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def settings(url: str) -> Settings:
    return Settings.model_validate(
        {
            "connector": "odoo",
            "url": url,
            "database": "acme",
            "user": "relance",
            "password": {"env": "UNUSED"},
            "company": 1,
            "timeout": 0.3,
        }
    )


def log_in(server: Server) -> Any:
    return connect(settings(server.url), PASSWORD, Path())


def test_it_calls_with_named_arguments_as_the_user_in_the_company(server: Server) -> None:
    server.answer = result([{"id": 1}])
    transport = log_in(server)
    assert transport.version == 18
    assert transport.call("account.move", "read", [1], fields=["name"], context={"active_test": False}) == [{"id": 1}]
    assert server.asked[-1]["method"] == "execute_kw"
    assert server.asked[-1]["args"] == [
        "acme", 6, PASSWORD, "account.move", "read", [[1]],
        {"fields": ["name"], "context": {"lang": "fr_FR", "allowed_company_ids": [1], "active_test": False}},
    ]  # fmt: skip


FAULTS = [
    (error("odoo.exceptions.AccessError", "Vous n'avez pas\naccès."), Refused, "lacks rights: Vous n'avez pas accès."),
    (error("odoo.exceptions.UserError", "Non."), Refused, "account.move.read: Non."),
    (error("builtins.ValueError", "Invalid field 'x'"), Refused, "Invalid field 'x'"),
    (error("psycopg2.errors.SerializationFailure", "could not serialize"), NotDone, "others keep changing"),
    (html(200), Unreachable, "is this the address of Odoo?"),
    (html(404), Refused, "HTTP 404"),
    (html(502), Unreachable, "HTTP 502"),
    (slow, Unreachable, "no answer in time"),
    (broken_off, Unreachable, "the connection broke off"),
]


@pytest.mark.parametrize(("answer", "kind", "text"), FAULTS)
def test_a_call_that_goes_wrong(server: Server, answer: Answer, kind: type[HostError], text: str) -> None:
    transport = log_in(server)
    server.answer = answer
    with pytest.raises(HostError) as caught:
        transport.call("account.move", "read", [1], fields=["name"])
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_is_refused_without_being_told(server: Server) -> None:
    server.logged_in = False
    with pytest.raises(Refused, match="does not know the user 'relance'") as caught:
        log_in(server)
    assert PASSWORD not in str(caught.value)


def test_an_unknown_database_tells_nothing_of_the_database_server(server: Server) -> None:
    server.logged_in = error("psycopg2.OperationalError", 'connection to server at "10.0.0.7", port 5432 failed')
    with pytest.raises(Unreachable, match=r"'acme'.*cannot open its database") as caught:
        log_in(server)
    assert "10.0.0.7" not in str(caught.value)


def test_nobody_listening_means_that_nothing_was_done() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotDone, match=f"http://127.0.0.1:{port}: "):
        connect(settings(f"http://127.0.0.1:{port}"), PASSWORD, Path())


def test_an_unknown_name_means_that_nothing_was_done() -> None:
    with pytest.raises(NotDone):
        connect(settings("http://odoo.invalid"), PASSWORD, Path())


def test_a_page_that_is_not_odoo(server: Server) -> None:
    server.logged_in = html(200)
    with pytest.raises(Unreachable, match="is this the address of Odoo"):
        log_in(server)


def test_debugging_prints_no_secret(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "odoorpc", "odoorpc.rpc.jsonrpclib"):
        caplog.set_level(logging.DEBUG, name)
    log_in(server).call("account.move", "read", [1], fields=["name"])
    assert PASSWORD not in caplog.text


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
