"""How Odoo is called: over which protocol, with what, through which proxies, and what is tried again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from odoo_server import (
    PASSWORD,
    TLS,
    Answer,
    Server,
    body,
    broken_off,
    error,
    half,
    html,
    redirect,
    result,
    serving,
    settings,
)
from responses.matchers import header_matcher, json_params_matcher

from relance_addon.connectors.odoo.faults import NoKey
from relance_addon.connectors.odoo.transport import READS, Session, connect
from relance_addon.core.errors import InputError, Refused, Unreachable
from relance_addon.hosts.faults import NotDone

CONTEXT = {"lang": "fr_FR", "allowed_company_ids": [1]}


class Pauses(list[float]):
    """Takes note of sleep, and does not."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def log_in(server: Server, password: str = PASSWORD, **more: Any) -> Session:
    return connect(settings(server.url, **more), password, Path(), Pauses())


# Which one


@pytest.mark.parametrize(
    ("version", "api", "password", "carrier"),
    [
        (16, "auto", PASSWORD, "jsonrpc"),
        (18, "auto", PASSWORD, "jsonrpc"),
        (18, "jsonrpc", PASSWORD, "jsonrpc"),
        (19, "auto", PASSWORD, "json2"),
        (19, "auto", "a password", "jsonrpc"),
        (19, "auto", "motdepasse€", "jsonrpc"),
        (19, "auto", "wrong-password", "jsonrpc"),
        (19, "jsonrpc", PASSWORD, "jsonrpc"),
        (19, "json2", PASSWORD, "json2"),
        (20, "auto", PASSWORD, "json2"),
    ],
)
def test_what_carries(version: int, api: str, password: str, carrier: str) -> None:
    with serving(Server(version)) as server:
        transport = log_in(server, password, api=api)
        transport.call("account.move", "search_count", domain=[])
    assert transport.carrier == carrier
    assert (transport.version, transport.full_version) == (version, f"{version}.0")
    kept_to = [path for path in server.paths if "jsonrpc" in path or "version_info" in path]
    assert bool(kept_to) == (carrier == "jsonrpc")
    assert (api != "jsonrpc") == ("/web/version" in server.paths)


@pytest.mark.parametrize("answer", [html(404), html(200), redirect("/en/web/version", 303)])
def test_json_2_is_not_to_be_had_before_19(answer: Answer) -> None:
    with serving(Server(17)) as server, pytest.raises(Refused, match="speaks no JSON-2"):
        server.about = answer
        log_in(server, api="json2")
    assert server.paths == ["/web/version"]


@pytest.mark.parametrize("password", ["wrong", "motdepasse€", "two\nlines", ""])
def test_json_2_does_not_take_a_password_nor_tell_it(password: str) -> None:
    with serving(Server(19)) as server:
        with pytest.raises(NoKey, match="API key") as caught:
            log_in(server, password, api="json2")
        assert not any("jsonrpc" in path for path in server.paths)
    assert not password or password not in str(caught.value)


def test_a_key_of_somebody_else() -> None:
    with serving(Server(19)) as server:
        server.login = "admin"
        with pytest.raises(Refused, match="the API key is of 'admin', not of 'relance'"):
            log_in(server)
        server.login = "Relance"
        assert log_in(server).carrier == "json2"


# What is sent


def test_json_rpc_calls_with_named_arguments_as_the_user_in_the_company() -> None:
    with serving(Server()) as server:
        server.answer = result([{"id": 1}])
        transport = log_in(server)
        found = transport.call("account.move", "read", [1], fields=["name"], context={"active_test": False})
        assert found == [{"id": 1}]
        assert server.asked["params"]["method"] == "execute_kw"
        assert server.asked["params"]["args"] == [
            "acme", 6, PASSWORD, "account.move", "read", [[1]],
            {"fields": ["name"], "context": {**CONTEXT, "active_test": False}},
        ]  # fmt: skip
        server.answer = result([7])
        assert transport.call("mail.message", "create", vals_list=[{"body": ""}]) == [7]
        assert server.asked["params"]["args"][5:] == [[[{"body": ""}]], {"context": CONTEXT}]


class Carrier:
    """Notes what it carries, and answers as it is told."""

    name, language = "jsonrpc", "fr_FR"

    def __init__(self, version: str, *answers: Any) -> None:
        self.version = version
        self.answers = list(answers)
        self.carried: list[tuple[Any, ...]] = []

    def carry(self, model: str, method: str, ids: Any, named: dict[str, Any]) -> Any:
        self.carried.append((model, method, ids, named))
        return self.answers.pop(0)


LINES = {"domain": [("id", ">", 5)], "fields": ["name"], "order": "id", "limit": 2, "load": "", "context": {"x": 1}}


def test_a_session_hands_a_call_on_as_it_is() -> None:
    rows = [{"id": 7}]
    carrier = Carrier("16.0", rows)
    assert Session(carrier, 1).call("account.move.line", "search_read", **LINES) == rows
    assert carrier.carried == [
        ("account.move.line", "search_read", None, {**LINES, "context": {**CONTEXT, "x": 1}}),
    ]


@pytest.fixture
def odoo19() -> Iterator[responses.RequestsMock]:
    """An Odoo 19 to which a user has given a key."""
    with responses.RequestsMock() as mock:
        mock.get("https://odoo.example/web/version", json={"version": "19.0", "version_info": [19, 0]})
        expect(mock, "res.users/context_get", {}, {"lang": "fr_FR", "tz": False, "uid": 6})
        expect(mock, "res.users/read", {"ids": [6], "fields": ["login"]}, [{"id": 6, "login": "relance"}])
        yield mock


def expect(mock: responses.RequestsMock, method: str, asked: dict[str, Any], answer: Any, status: int = 200) -> None:
    headers = {"Authorization": f"bearer {PASSWORD}", "X-Odoo-Database": "acme", "Content-Type": "application/json"}
    matching = [header_matcher(headers), json_params_matcher(asked)]
    mock.post(f"https://odoo.example/json/2/{method}", json=answer, status=status, match=matching)


def test_json_2_posts_named_arguments_with_the_key_and_the_database(odoo19: responses.RequestsMock) -> None:
    transport = connect(settings("https://odoo.example"), PASSWORD, Path())
    asked = {"ids": [1], "fields": ["name"], "context": {**CONTEXT, "active_test": False}}
    expect(odoo19, "account.move/read", asked, [{"id": 1}])
    assert transport.call("account.move", "read", (1,), fields=["name"], context={"active_test": False}) == [{"id": 1}]
    expect(odoo19, "mail.message/create", {"vals_list": [{"body": ""}], "context": CONTEXT}, [7])
    assert transport.call("mail.message", "create", vals_list=[{"body": ""}]) == [7]
    assert "Authorization" not in odoo19.calls[0].request.headers, "the version is nobody's secret"


@pytest.mark.parametrize(
    ("status", "name", "kind", "text"),
    [
        (401, "werkzeug.exceptions.Unauthorized", NoKey, "does not know this API key"),
        (403, "odoo.exceptions.AccessError", Refused, "the user lacks rights: Désolé."),
        (404, "werkzeug.exceptions.NotFound", Refused, "account.move.write: Désolé."),
        (422, "werkzeug.exceptions.UnprocessableEntity", Refused, "account.move.write: Désolé."),
        (500, "psycopg2.errors.DeadlockDetected", NotDone, "others keep changing"),
        (500, "builtins.KeyError", Refused, "account.move.write: Désolé."),
        (503, "psycopg2.pool.PoolError", Unreachable, "cannot open its database"),
    ],
)
def test_json_2_knows_an_error_by_its_name(
    odoo19: responses.RequestsMock, status: int, name: str, kind: type[Exception], text: str
) -> None:
    transport = connect(settings("https://odoo.example"), PASSWORD, Path())
    told = {"name": name, "message": "Désolé.", "arguments": [], "context": {}, "debug": "secret"}
    expect(odoo19, "account.move/write", {"ids": [1], "vals": {}, "context": CONTEXT}, told, status)
    with pytest.raises(kind) as caught:
        transport.call("account.move", "write", [1], vals={})
    assert type(caught.value) is kind
    assert text in str(caught.value)


def test_of_the_surroundings_nothing_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(netrc))
    for version in (18, 19):
        with serving(Server(version)) as server:
            server.answer = lambda handler: cookie(handler)
            transport = log_in(server)
            transport.call("account.move", "search_count", domain=[])
            transport.call("account.move", "search_count", domain=[])
        sent = [headers for *_, headers, _ in server.seen]
        assert {headers.get("Authorization") for headers in sent} <= {None, f"bearer {PASSWORD}"}
        assert not any("Cookie" in headers for headers in sent)


def cookie(handler: Any, status: int = 200) -> None:
    handler.send_response(status)
    content = json.dumps({"jsonrpc": "2.0", "result": 0}).encode()
    for name, value in {"Set-Cookie": "session_id=x; Path=/", "Content-Length": str(len(content))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


@pytest.mark.parametrize("status", [200, 303])
def test_json_rpc_calls_in_a_session_of_nobodys_which_spares_odoo_a_look_at_its_databases(status: int) -> None:
    with serving(Server()) as server:
        server.sessions = lambda handler: cookie(handler, status)
        transport = log_in(server)
        before = len(server.seen)
        transport.call("account.move", "search_count", domain=[])
        transport.another().call("account.move", "search_count", domain=[])
    cookies = [headers.get("Cookie") for *_, headers, _ in server.seen]
    assert cookies == [None] * before + ["session_id=x"] * 2
    asked = [path for path in server.paths if "session" in path]
    assert asked == ["/web/session/logout"]


@pytest.mark.parametrize("answer", [html(404), html(500), redirect("/web/login", 303), broken_off, half])
def test_where_odoo_gives_no_session_calls_go_without(answer: Answer) -> None:
    with serving(Server()) as server:
        server.sessions, server.answer = answer, result(3)
        assert log_in(server).call("account.move", "search_count", domain=[]) == 3
    assert not any("Cookie" in headers for *_, headers, _ in server.seen)


# At the same time


@pytest.mark.parametrize("version", [18, 19])
def test_another_thread_has_a_connection_of_its_own_and_nobody_logs_in_for_it(version: int) -> None:
    with serving(Server(version)) as server:
        transport = log_in(server)
        ports, before = set(), len(server.seen)
        server.answer = lambda handler: (ports.add(handler.client_address), result(3)(handler))[1]
        other = transport.another()
        for one in (transport, other, transport, other):
            assert one.call("account.move", "search_count", domain=[]) == 3
        assert len(ports) == 2
    assert len(server.seen) == before + 4
    assert (other.version, other.carrier) == (transport.version, transport.carrier)
    calls = [asked["params"]["args"] if version < 19 else asked for *_, asked in server.seen[before:]]
    assert calls == calls[:1] * 4, "as the same user, in the same company and language"


# Through what


@pytest.mark.parametrize("version", [18, 19])
@pytest.mark.parametrize("prefix", ["/odoo", "/apps/odoo"])
def test_a_path_before_odoos_own(version: int, prefix: str) -> None:
    with serving(Server(version, prefix)) as server:
        server.answer = result(3)
        assert log_in(server).call("account.move", "search_count", domain=[]) == 3
    assert all(path.startswith(prefix + "/") for path in server.paths)


@pytest.mark.parametrize("version", [18, 19])
def test_an_authority_of_ones_own(version: int) -> None:
    with serving(Server(version, tls=True)) as server:
        server.answer = result(3)
        transport = connect(settings(server.url, ca="ca.pem"), PASSWORD, TLS)
        assert transport.call("account.move", "search_count", domain=[]) == 3


@pytest.mark.parametrize("api", ["auto", "jsonrpc", "json2"])
def test_a_certificate_that_nobody_vouches_for_is_refused(api: str) -> None:
    text = "its certificate cannot be trusted: unable to get local issuer certificate"
    with serving(Server(19, tls=True)) as server, pytest.raises(NotDone, match=text):
        log_in(server, api=api)
    assert not server.seen


def test_a_certificate_of_another_host_is_refused() -> None:
    with serving(Server(tls=True)) as server:
        other = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(NotDone, match=r"cannot be trusted: Hostname mismatch.*'localhost'"):
            connect(settings(other, ca="ca.pem"), PASSWORD, TLS)
    assert not server.seen


def test_surroundings_that_trust_more_do_not_replace_the_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(requests.certs.where()))
    with serving(Server(tls=True)) as server:
        assert connect(settings(server.url, ca="ca.pem"), PASSWORD, TLS).version == 18


def test_https_where_there_is_none() -> None:
    with serving(Server()) as server, pytest.raises(Unreachable, match="https does not work there: ") as caught:
        connect(settings(server.url.replace("http", "https")), PASSWORD, Path())
    assert "[" not in str(caught.value)


@pytest.mark.parametrize(("name", "text"), [("missing.pem", "cannot read the file"), ("no.pem", "no file of certific")])
def test_a_file_that_holds_no_authority(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(InputError, match=f"ca: .*{text}"):
        connect(settings("https://odoo.example", ca=name), PASSWORD, tmp_path)


@pytest.mark.parametrize("api", ["auto", "jsonrpc", "json2"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_goes_nowhere_but_where_it_was_sent(api: str, status: int) -> None:
    with serving(Server(19)) as plain, serving(Server(19, tls=True)) as server:
        server.about = server.logged_in = redirect(plain.url + "/jsonrpc", status)
        with pytest.raises(Refused, match=rf"HTTP {status}: it sends us to {plain.url}"):
            connect(settings(server.url, api=api, ca="ca.pem"), PASSWORD, TLS)
    assert not plain.seen


def test_connections_are_kept() -> None:
    with serving(Server(19)) as server:
        ports = set()
        server.answer = lambda handler: (ports.add(handler.client_address), body(0)(handler))[1]
        transport = log_in(server)
        for _ in range(5):
            transport.call("account.move", "search_count", domain=[])
        other = log_in(server)
        other.call("account.move", "search_count", domain=[])
    assert len(ports) == 2, "one to a transport"


# What is tried again


@pytest.mark.parametrize("version", [18, 19])
@pytest.mark.parametrize("method", sorted(READS))
def test_what_changes_nothing_is_tried_three_times(version: int, method: str) -> None:
    pauses = Pauses()
    with serving(Server(version)) as server:
        transport = connect(settings(server.url), PASSWORD, Path(), pauses)
        answers = iter([html(502), error("psycopg2.errors.SerializationFailure", ""), result(3)])
        server.answer = lambda handler: next(answers)(handler)
        assert transport.call("account.move", method) == 3
        assert pauses == [1, 3]

        server.answer, before = html(503), len(server.seen)
        with pytest.raises(Unreachable, match="HTTP 503"):
            transport.call("account.move", method)
        assert len(server.seen) == before + 3


@pytest.mark.parametrize("method", ["write", "create", "unlink", "message_post", "send", "get_portal_url", "web_read"])
def test_nothing_else_is_ever_repeated(method: str) -> None:
    pauses = Pauses()
    with serving(Server(19)) as server:
        transport = connect(settings(server.url), PASSWORD, Path(), pauses)
        server.answer, before = error("psycopg2.errors.SerializationFailure", ""), len(server.seen)
        with pytest.raises(NotDone):
            transport.call("account.move", method, [1])
        assert len(server.seen) == before + 1
    assert not pauses


def test_a_refusal_is_not_asked_for_again() -> None:
    with serving(Server()) as server:
        transport = log_in(server)
        server.answer, before = error("odoo.exceptions.AccessError", "Non."), len(server.seen)
        with pytest.raises(Refused):
            transport.call("account.move", "search_count", domain=[])
        assert len(server.seen) == before + 1
