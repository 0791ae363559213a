"""What a person is told when a call goes wrong, what is tried again, and that no key is ever shown."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from dolibarr_books import KEY, Books, bill, broken, party
from dolibarr_tape import API, SERVER
from mailers import PostOffice

from relance_addon.connectors.dolibarr import rest
from relance_addon.connectors.dolibarr.rest import Denied, Missing, Session
from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts import wire
from relance_addon.hosts.conformance import TODAY
from relance_addon.hosts.fake import invoice, message
from relance_addon.hosts.faults import NotDone

PAGE_FOR_PEOPLE = "<html><body>Feature or page disabled</body></html>"


@pytest.fixture(params=["22.0.4", "16.0.3"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    with Books(request.param).open() as books:
        yield books


def error(status: int, message: str, *more: str, kind: str = "application/json") -> tuple[int, str, str]:
    """An error of Dolibarr's, with what it adds under 0, 1 and so on."""
    told = {"code": status, "message": message, **{str(at): text for at, text in enumerate(more)}}
    return status, kind, json.dumps({"error": told, "debug": {"source": "api.class.php:7"}})


def html(status: int) -> tuple[int, str, str]:
    return status, "text/html", PAGE_FOR_PEOPLE


FAULTS: list[tuple[Any, type[HostError], str]] = [
    (
        html(200),
        Unreachable,
        "no answer of its REST interface: another program, its database down, or the module REST API off",
    ),
    (html(202), Unreachable, "HTTP 202: no answer of its REST interface: another program, its database down"),
    (html(500), Unreachable, "HTTP 500: no answer of its REST interface"),
    (html(502), Unreachable, "HTTP 502"),
    ((500, "application/json", ""), Unreachable, "the answer is not Dolibarr's"),
    ((200, "", ""), Unreachable, "HTTP 200: no answer of its REST interface"),
    ((200, "text/plain", "[]"), Unreachable, "no answer of its REST interface"),
    ((200, "application/json", '[{"id":'), Unreachable, "the answer is not Dolibarr's"),
    ((400, "application/json", '{"status":"starting"}'), Unreachable, "the answer is not Dolibarr's"),
    ((400, "application/json", "[]"), Unreachable, "the answer is not Dolibarr's"),
    ((502, "application/json", '{"error":"Bad Gateway"}'), Unreachable, "the answer is not Dolibarr's"),
    (html(501), Refused, "is the module switched off, or older than ours?"),
    (html(403), Refused, "HTTP 403: is this the address of Dolibarr?"),
    (html(404), Refused, "HTTP 404: is this the address of Dolibarr?"),
    (html(413), Refused, "more than the server in front of Dolibarr takes"),
    (html(429), NotDone, "too many calls"),
    (error(429, "Too many requests"), NotDone, "too many calls"),
    (error(400, "Bad Request", "Bad syntax\nof the search"), Refused, "Bad Request: Bad syntax of the search"),
    (error(404, "Not Found: Invoice not found"), Missing, "Not Found: Invoice not found"),
    (error(401, "Unauthorized"), Denied, "the user lacks a right, or the key was taken back: Unauthorized"),
    (error(403, "Forbidden"), Denied, "the user lacks a right, or the key was taken back: Forbidden"),
    (error(503, "Service Unavailable: Unknown column 't.x' in 'WHERE'"), Refused, "Unknown column 't.x'"),
    (error(503, "Service Unavailable: column t.x does not exist"), Refused, "column t.x does not exist"),
    (error(200, "Fine", kind="text/html"), Unreachable, "no answer of its REST interface"),
    (broken(TimeoutError(), requests.ReadTimeout), Unreachable, "no answer in time"),
    (broken(TimeoutError(), requests.ConnectTimeout), NotDone, "no connection in time"),
    (broken(ConnectionRefusedError(111, "Connection refused")), NotDone, "Connection refused"),
    (broken(ConnectionResetError(104, "reset")), Unreachable, "the connection broke off"),
]


@pytest.mark.parametrize(("fault", "kind", "text"), FAULTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_call_that_goes_wrong(books: Books, method: str, fault: Any, kind: type[HostError], text: str) -> None:
    session = books.session()
    path = {"GET": "invoices", "POST": "agendaevents", "PUT": "agendaevents/7"}[method]
    books.faults[f"{method} {path.replace('7', '*')}"] = [fault] * 3
    books.events = [{"id": "7", "userownerid": 4, "array_options": {}}]
    body = {"userownerid": 4, "type_code": "AC_OTH", "percentage": 0}
    before = len(books.calls)
    with pytest.raises(HostError) as caught:
        _ = session.get(path) if method == "GET" else session.write(method, path, body)
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert str(caught.value).startswith(SERVER)
    assert "\n" not in str(caught.value)
    assert "api.class.php" not in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    again = method == "GET" and issubclass(kind, Unreachable)
    assert len(books.calls) - before == (3 if again else 1), "what may have been carried out is never asked for again"
    assert books.pauses == ([1.0, 3.0] if again else [])


def test_what_dolibarr_adds_to_an_error_of_its_database_is_said(books: Books) -> None:
    said = error(500, "Internal Server Error: Error creating event", "Duplicate entry 'x'", "for key 'uk'")
    books.faults["POST agendaevents"] = [said]
    with pytest.raises(Refused, match="Error creating event: Duplicate entry 'x': for key 'uk'") as caught:
        books.session().write("POST", "agendaevents", {})
    assert type(caught.value) is Refused, "it was rolled back: nothing is uncertain"


def test_a_read_that_fails_once_or_twice_is_tried_again(books: Books) -> None:
    books.invoices = [bill(1)]
    books.faults["GET invoices"] = [html(202), broken(TimeoutError(), requests.ReadTimeout)]
    assert [row["id"] for row in books.session().get("invoices")] == ["1"]
    assert books.pauses == [1.0, 3.0]


def test_a_wrong_key_is_said_to_be_one_without_being_told(books: Books) -> None:
    with pytest.raises(Refused, match="does not know this key, or it is of another entity") as caught:
        rest.connect(_settings(), "wrong-key-0123456789", Path(), books.pauses.append)
    assert type(caught.value) is Refused
    assert "wrong-key" not in str(caught.value)
    assert books.calls == ["GET status"], "each costs Dolibarr a second: it is not tried again"


@pytest.mark.parametrize("key", ["", "two words", "clé", "line\nbreak", "tab\t"])
def test_what_cannot_be_a_key_is_not_sent(books: Books, key: str) -> None:
    with pytest.raises(Refused, match="cannot be one"):
        rest.connect(_settings(), key, Path(), books.pauses.append)
    assert not books.calls


@pytest.mark.parametrize("said", ["[]", "{}", "null", "3", '{"success":{}}', '{"success":null}', '{"success":[]}'])
def test_a_server_that_says_no_version_is_not_dolibarr(books: Books, said: str) -> None:
    books.faults["GET status"] = [(200, "application/json", said)]
    with pytest.raises(Unreachable, match="is this the address of Dolibarr"):
        books.session()


def test_a_redirect_is_not_followed_and_says_where_it_leads(tmp_path: Path) -> None:
    with responses.RequestsMock() as mock:
        mock.add("GET", f"{API}/status", status=301, headers={"Location": "https://new.example/api"}, body="")
        with pytest.raises(Refused, match=r"sends us to https://new\.example/api"):
            rest.connect(_settings(), KEY, tmp_path, lambda pause: None)
        assert len(mock.calls) == 1, "the key is for one server"


def test_an_answer_without_end_is_not_read_to_it(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    session = books.session()
    books.faults["PUT agendaevents/*"] = [(200, "application/json", "x" * 1000)]
    monkeypatch.setattr(wire, "LONGEST", 999)
    with pytest.raises(Unreachable, match="the answer is too long"):
        session.write("PUT", "agendaevents/7", {})


@pytest.mark.parametrize("said", ['{"id":1}', "[1]", "null", '"x"'])
def test_a_list_that_is_none_is_no_answer(books: Books, said: str) -> None:
    books.faults["GET invoices"] = [(200, "application/json", said)]
    with pytest.raises(Unreachable, match="the answer is no list"):
        rest.rows(books.session(), "invoices")


def test_nothing_of_a_list_is_an_empty_one_whatever_the_version_says(books: Books) -> None:
    books.invoices, books.parties = [], []
    session = books.session()
    assert rest.rows(session, "invoices") == rest.rows(session, "thirdparties") == []


def test_the_key_stands_in_a_header_and_nowhere_else(
    books: Books, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "requests", "urllib3", "urllib3.connectionpool", "relance_addon"):
        caplog.set_level(logging.DEBUG, name)
    books.invoices = [bill(1)]
    connector = books.connector(tmp_path, PostOffice(), entity=2)
    list(connector.pull("", TODAY).pages)
    connector.post([message("key1", invoice("1"))])
    connector.check(TODAY)
    assert len(books.asked) > 10
    for request in books.asked:
        assert request.headers["DOLAPIKEY"] == KEY
        assert request.headers["DOLAPIENTITY"] == "2"
        assert "Authorization" not in request.headers
        assert KEY not in str(request.url)
        assert KEY not in str(request.body)
    assert KEY not in caplog.text
    assert KEY not in repr(connector) + repr(vars(connector))


def test_a_real_connection_logs_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    settings = Settings.model_validate({**_SETTINGS, "url": "http://127.0.0.1:9"})
    with pytest.raises(NotDone):
        rest.connect(settings, KEY, Path(), lambda pause: None)
    assert "urllib3" in caplog.text or "127.0.0.1" in caplog.text
    assert KEY not in caplog.text


# Lists


def test_a_page_shifts_no_other_when_an_invoice_is_paid_meanwhile(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PAGE", 3)
    books.invoices = [bill(number) for number in range(1, 8)]
    walk = rest.pages(books.session(), "invoices", "(t.fk_statut:=:1)")
    found = [row["id"] for row in next(walk)]
    books.invoices[0]["statut"] = books.invoices[1]["statut"] = "2"
    found += [row["id"] for page in walk for row in page]
    assert found == ["1", "2", "3", "4", "5", "6", "7"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6])
def test_a_walk_ends(books: Books, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(rest, "PAGE", 3)
    books.invoices = [bill(number) for number in range(1, count + 1)]
    pages = list(rest.pages(books.session(), "invoices", "(t.fk_statut:=:1)"))
    assert [row["id"] for page in pages for row in page] == [str(number) for number in range(1, count + 1)]
    assert all(pages), "an empty page is none"
    assert books.calls.count("GET invoices") == count // 3 + 1


def test_ids_go_two_hundred_to_a_call(books: Books) -> None:
    books.parties = [party(number) for number in range(1, 502)]
    found = rest.among(books.session(), "thirdparties", "t.rowid", range(1, 502), properties="id")
    assert sum(1 for _ in found) == 501
    assert books.calls.count("GET thirdparties") == 3
    assert max(len(str(request.url)) for request in books.asked) < 4000, "they stand in the address"


def test_texts_are_looked_for_one_by_one_because_dolibarr_takes_the_at_out_of_a_list(books: Books) -> None:
    books.users = [{"id": str(number), "email": f"u{number}@acme.example"} for number in range(1, 101)]
    books.rights.add("users")
    session = books.session()
    wanted = [f"u{number}@acme.example" for number in range(1, 101)]
    filters = list(rest.saying("t.email", [*wanted, "o'neil@acme.example", "x(y)@acme.example"]))
    assert len(filters) == 3
    assert [row["email"] for where in filters for row in rest.rows(session, "users", sqlfilters=where)] == wanted
    assert max(len(str(request.url)) for request in books.asked) < 8000
    with pytest.raises(HostError):
        rest.rows(session, "users", sqlfilters="(t.email:=:'x(y)@acme.example')")


@pytest.mark.parametrize(
    ("version", "number"), [("22.0.4", 22), ("16.0.3", 16), ("23.1.0-dev", 23), ("", 0), ("unknown", 0)]
)
def test_the_number_of_a_version(version: str, number: int) -> None:
    assert rest.major(version) == number


_SETTINGS: dict[str, Any] = {"connector": "dolibarr", "url": SERVER, "key": {"env": "UNUSED"}}


def _settings() -> Settings:
    return Settings.model_validate(_SETTINGS)


def test_a_session_tells_its_version_and_zone(books: Books) -> None:
    session: Session = books.session()
    assert (session.version, session.zone) == (books.version, "" if books.old else "Europe/Paris")
