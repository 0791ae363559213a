"""The books of a Dolibarr in memory, asked over HTTP (through ``responses``) and answering as 16, 22 and 23 do.

::

    books = Books("22.0.4")
    books.invoices = [bill(1, remaintopay="60.05"), bill(2, fk_soc=9)]
    with books.open():
        books.connector(folder).pull("", TODAY)
    books.calls                                  # "GET invoices", …
    books.faults["POST agendaevents"] = [broken(TimeoutError())]  # or (503, "text/html", "…"); one for each call
"""

from __future__ import annotations

import json
import re
import sys
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import requests
import responses
from dolibarr_stage import surroundings
from dolibarr_tape import API, SERVER

from relance_addon.connectors.dolibarr import rest
from relance_addon.connectors.dolibarr.agenda import UID
from relance_addon.connectors.dolibarr.connector import DolibarrConnector
from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.hosts.port import Mailer

Row = dict[str, Any]
Test = Callable[[Row], bool]
Fault = Exception | tuple[int, str, str] | None
"""What comes instead of an answer; an exception comes after what was asked was done. None: nothing is wrong."""

KEY: Final = "5ec2e7a91c0de5ec2e7a91c0de"
PARIS: Final = ZoneInfo("Europe/Paris")
ROBOT: Final = 4
COLUMNS: Final = {"rowid": "id", "fk_soc": "socid", "fk_statut": "statut"}
"""Names in the database, where they are others than those of the interface."""
KNOWN: Final = {
    "id",
    "socid",
    "statut",
    "paye",
    "type",
    "ref",
    "code",
    "label",
    "email",
    "email_msgid",
    "fk_element",
    "date_closing",
}
GARBLED: Final = (
    (200, {"Content-Type": "text/html"}, "<html><body>Sign in</body></html>"),
    (200, {"Content-Type": "application/json"}, '[{"id":'),
)
"""What is no answer of Dolibarr's, and half of one."""
_LEAF: Final = re.compile(r"\((\w+)\.(\w+):([<>=!a-z]+):('[^'()]*'(?:,'[^'()]*')*|[^'()]*)\)")
_WORD: Final = re.compile(r"\(|\)|and\b|or\b|\d+")


def midnight(day: date | None, zone: ZoneInfo = PARIS) -> int | str:
    """A day as Dolibarr tells it."""
    return "" if day is None else int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def bill(number: int, socid: int = 8, **more: Any) -> Row:
    """A validated invoice, still owed."""
    return {
        "id": str(number),
        "ref": f"FA2610-{number:04}",
        "socid": str(socid),
        "type": "0",
        "statut": "1",
        "paye": "0",
        "close_code": None,
        "date": midnight(date(2026, 10, 1)),
        "date_lim_reglement": midnight(date(2026, 10, 31)),
        "total_ttc": "120.10000000",
        "remaintopay": "120.1",
        "multicurrency_code": "EUR",
        "multicurrency_tx": "1.00000000",
        "multicurrency_total_ttc": "120.10000000",
        "contacts_ids": [],
        "fk_user_author": "2",
        "last_main_doc": None,
        "date_closing": "",  # what no version tells: it can only be compared
        "array_options": [],
        **more,
    }


def party(number: int, **more: Any) -> Row:
    """A third party with an address."""
    return {
        "id": str(number),
        "name": f"Client {number}",
        "code_client": f"CU{number}",
        "email": f"compta@client{number}.example",
        "default_lang": "fr_FR",
        "country_code": "FR",
        "array_options": [],
        **more,
    }


def contact(number: int, socid: int = 8, role: str = "", **more: Any) -> Row:
    """A contact in use; ``role`` is what it usually is for on its third party's invoices, such as BILLING."""
    told = {"1": {"id": "11", "element": "facture", "source": "external", "code": role, "socid": str(socid)}}
    return {
        "id": str(number),
        "socid": str(socid),
        "firstname": "Claire",
        "lastname": f"Roux {number}",
        "email": f"claire{number}@client{socid}.example",
        "statut": "1",
        "roles": told if role else [],
        **more,
    }


def broken(cause: OSError, error: type[requests.RequestException] = requests.ConnectionError) -> Exception:
    """What requests makes of the network's own error."""
    raised = error()
    raised.__cause__ = cause
    return raised


class Wrong(Exception):  # noqa: N818 - it says what came
    """An error that Dolibarr tells."""

    def __init__(self, status: int, message: str, *more: str) -> None:
        self.status = status
        self.told = {"code": status, "message": message, **{str(at): text for at, text in enumerate(more)}}
        super().__init__(message)


class Books:
    """A Dolibarr with these records. ``rights`` are what the robot may besides reading and its own events."""

    def __init__(self, version: str = "22.0.4", *rights: str, uid: bool = True, zone: str = "Europe/Paris") -> None:
        self.version, self.rights, self.uid, self.zone = version, {"customers", *rights}, uid, zone
        self.invoices: list[Row] = []
        self.parties = [party(8), party(9)]
        self.contacts: list[Row] = []
        self.users: list[Row] = [
            {"id": "2", "firstname": "Anne", "lastname": 'Roux "A"', "email": "anne@acme.example"},
            {"id": "4", "firstname": "", "lastname": "Relance", "email": None},
        ]
        self.tags: dict[str, list[int]] = {}
        self.events: list[Row] = []
        self.discounts: dict[int, list[Row]] = {}
        self.documents: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.calls: list[str] = []
        self.asked: list[requests.PreparedRequest] = []
        self.pauses: list[float] = []
        self.before: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self.down = self.garbled = self.forbidding = False
        self.answers = sys.maxsize
        """How many more calls are answered; what is asked after them is done all the same."""
        self._one = Lock()

    @property
    def old(self) -> bool:
        """Whether it answers as 16 does."""
        return rest.major(self.version) < 20

    @contextmanager
    def open(self) -> Iterator[Books]:
        """Answer what is asked of SERVER meanwhile."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            for method in ("GET", "POST", "PUT", "DELETE"):
                mock.add_callback(method, re.compile(re.escape(API) + "/.*"), self._answer)
            yield self

    def session(self) -> rest.Session:
        """One who has logged in."""
        settings = Settings.model_validate({"connector": "dolibarr", "url": SERVER, "key": {"env": "UNUSED"}})
        return rest.connect(settings, KEY, Path(), self.pauses.append)

    def connector(self, folder: Path, mailer: Mailer | None = None, **more: Any) -> DolibarrConnector:
        """A new connector."""
        (folder / "key").write_text(KEY)
        said = {"connector": "dolibarr", "url": SERVER, "key": {"file": "key"}, **more}
        settings = Settings.model_validate(said)

        def connect(settings: Settings, key: str, folder: Path) -> rest.Session:
            return rest.connect(settings, key, folder, self.pauses.append)

        return DolibarrConnector("acme", settings, surroundings(folder, mailer), connect)

    def writes(self) -> list[str]:
        """What was asked to be changed."""
        return [call for call in self.calls if not call.startswith("GET")]

    def event(self, key: str) -> Row:
        """The event that has a key."""
        (found,) = [one for one in self.events if one["array_options"].get(f"options_{UID}") == key]
        return found

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], Any]:
        with self._one:
            answer = self._answered(request)
            self.answers -= 1
            if self.answers < 0:
                raise broken(TimeoutError(), requests.ReadTimeout)
            return answer

    def _answered(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit((request.url or "").removeprefix(API + "/"))
        call = f"{request.method} {re.sub(r'/[0-9]+', '/*', parts.path)}"
        self.calls.append(call)
        self.asked.append(request)
        for action in self.before.pop(call, []):
            action()
        if self.down:
            raise broken(ConnectionRefusedError(111, "Connection refused"))
        if self.garbled:
            return GARBLED[len(self.calls) % len(GARBLED)]
        fault = self.faults[call].pop(0) if self.faults[call] else None
        if isinstance(fault, tuple):
            return fault[0], {"Content-Type": fault[1]}, fault[2]
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            if request.headers["DOLAPIKEY"] != KEY:
                raise Wrong(401, "Unauthorized: Failed to login to API. No parameter 'HTTP_DOLAPIKEY' on HTTP header")
            if self.forbidding and parts.path != "status":
                self._must("anything")
            said = self._said(str(request.method), parts.path, query, json.loads(request.body or "null"))
            status = 200
        except Wrong as error:
            said, status = {"error": error.told, "debug": {"source": "api.php:1"}}, error.status
        if fault is not None:
            raise fault
        return status, {"Content-Type": "application/json"}, json.dumps(said)

    def _said(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        first, _, rest_of = path.partition("/")
        lists: dict[str, list[Row]] = {
            "invoices": self.invoices,
            "thirdparties": self.parties,
            "contacts": self.contacts,
            "agendaevents": self.events,
            "users": self.users,
        }
        if path == "status":
            more = {} if self.old else {"timestamp_php_tz": self.zone}
            return {"success": {"code": 200, "dolibarr_version": self.version, **more}}
        if (method, path) == ("POST", "agendaevents"):
            return self._add(body)
        if (method, first) == ("PUT", "agendaevents"):
            return self._change(rest_of, body)
        if first == "documents":
            return self._document(rest_of, query if method == "GET" else body)
        if rest_of.endswith("/fixedamountdiscounts"):
            return self._not_empty(self.discounts.get(int(rest_of.partition("/")[0]), []))
        if path == "categories":
            self._must("users")
            return self._not_empty([{"id": str(at), "label": name} for at, name in enumerate(self.tags, 1)])
        if first == "users":
            self._must("users")
        if path == "users/info":
            return self.users[1]
        if path in lists and method == "GET":
            return self._listed(path, lists[path], query)
        if first == "agendaevents":
            return next(one for one in self.events if one["id"] == rest_of)
        raise Wrong(404, f"Not Found: {path}")

    def _must(self, right: str) -> None:
        if right not in self.rights:
            raise Wrong(401 if self.old else 403, "Unauthorized" if self.old else "Forbidden: Not allowed")

    def _not_empty(self, found: list[Row], always: bool = False) -> list[Row]:
        if not found and (self.old or always):
            raise Wrong(404, "Not Found: No records found")
        return found

    def _listed(self, path: str, table: list[Row], query: Mapping[str, str]) -> list[Row]:
        found = table
        if path == "thirdparties" and "category" in query:
            # But of customers alone, Dolibarr asks for those of suppliers as well, and here there are none.
            members = [*self.tags.values()][int(query["category"]) - 1] if query["mode"] == "1" else []
            found = [row for row in found if int(row["id"]) in members]
        if path == "invoices":
            found = self._seen(found, query)
        holds = meant(query["sqlfilters"], self.uid and not self.old) if "sqlfilters" in query else bool
        found = [row for row in found if holds(row)]
        found = sorted(found, key=lambda row: int(row["id"]), reverse=query.get("sortorder") == "DESC")
        limit = int(query.get("limit", 100))
        found = found[:limit] if limit > 0 else found
        found = [{name: row[name] for name in row if name != "date_closing"} for row in found]
        if "properties" in query and not self.old:
            names = query["properties"].split(",")
            found = [{name: row[name] for name in names if name in row} for row in found]
        return self._not_empty(found, path == "thirdparties")

    def _seen(self, found: list[Row], query: Mapping[str, str]) -> list[Row]:
        if "thirdparty_ids" in query:
            wanted = set(query["thirdparty_ids"].split(","))
            return [row for row in found if row["socid"] in wanted]
        return found if "customers" in self.rights else []

    def _add(self, body: Row) -> int:
        owner = body["userownerid"]
        if owner != ROBOT and "others" not in self.rights:
            text = f"Insufficient rights to create an Agenda Event for owner id {owner} Your id is {ROBOT}"
            raise Wrong(401 if self.old else 403, text)
        if "type_code" not in body:
            raise Wrong(500, "Error creating event", "ErrorActionCommBadType") if self.old else Wrong(400, "type_code")
        options = body.get("array_options", {}) if self.uid else {}
        key = options.get(f"options_{UID}")
        if key and any(one["array_options"].get(f"options_{UID}") == key for one in self.events):
            text = f"Duplicate entry '{key}' for key 'uk_actioncomm_extrafields_{UID}'"
            raise Wrong(500, "Internal Server Error: Error creating event", text)
        told = {name: re.sub(r"<.*?>", "", str(body[name])) for name in body if name.startswith("email_")}
        number = len(self.events) + 1
        row = {**body, **told, "id": str(number), "percentage": str(body["percentage"])}
        self.events.append({**row, "array_options": {f"options_{UID}": key} if self.uid else {}})
        return number

    def _change(self, number: str, body: Row) -> Row | bool:
        event = next(one for one in self.events if one["id"] == number)
        assert body["userownerid"] == event["userownerid"], "Dolibarr wants it repeated"
        assert not [name for name in body if name.startswith("email_")], "Dolibarr does not change these"
        options = body.get("array_options", {})
        if options and not self.uid:
            return False  # with status 200
        event.update(body, percentage=str(body["percentage"]), array_options={**event["array_options"], **options})
        return event

    def _document(self, path: str, told: Mapping[str, str]) -> Row:
        name = told["original_file"]
        if path == "builddoc":
            self._must("build")
            if name.partition("/")[0] not in {row["ref"] for row in self.invoices}:
                raise Wrong(404, "Not Found: Invoice not found")
            self.documents[name] = b"%PDF-1.7 built"
        elif name not in self.documents:
            raise Wrong(404, "Not Found: File not found")
        return {"filename": name, "encoding": "base64", "content": b64encode(self.documents[name]).decode()}


def meant(filters: str, uid: bool = True) -> Test:
    """What sqlfilters hold for; raises Wrong for what Dolibarr does not take."""
    leaves: list[Test] = []

    def leaf(found: re.Match[str]) -> str:
        leaves.append(_leaf(found[1], found[2], found[3], found[4], uid))
        return str(len(leaves) - 1)

    left = _LEAF.sub(leaf, filters)
    words = _WORD.findall(left)
    if "".join(words) != left.replace(" ", ""):
        raise Wrong(400, f"Bad Request: Bad syntax of the search string: {filters}")
    test = _alternatives(words, leaves)
    assert not words, filters
    return test


def _alternatives(words: list[str], leaves: Sequence[Test]) -> Test:
    tests = [_together(words, leaves)]
    while words[:1] == ["or"]:
        del words[0]
        tests.append(_together(words, leaves))
    return lambda row: any(test(row) for test in tests)


def _together(words: list[str], leaves: Sequence[Test]) -> Test:
    tests: list[Test] = []
    while not tests or words[:1] == ["and"]:
        if tests:
            del words[0]
        word = words.pop(0)
        if word == "(":
            tests.append(_alternatives(words, leaves))
            assert words.pop(0) == ")"
        else:
            tests.append(leaves[int(word)])
    return lambda row: all(test(row) for test in tests)


def _leaf(table: str, column: str, operator: str, wanted: str, uid: bool) -> Test:
    name = COLUMNS.get(column, column)
    if not (name in KNOWN if table == "t" else uid and column == UID):
        raise Wrong(
            503, f"Service Unavailable: Error when retrieve list : Unknown column '{table}.{column}' in 'WHERE'"
        )

    def value(row: Row) -> Any:
        return row["array_options"].get(f"options_{column}") if table == "ef" else row.get(name)

    if operator == "in":
        among = {one.strip("'").replace("@", "") for one in wanted.split(",")}
        return lambda row: str(value(row)) in among
    if operator == "=":
        return lambda row: str(value(row)) == wanted.strip("'")
    if operator == ">":
        return lambda row: int(value(row)) > int(wanted)
    if operator in (">=", "<"):
        day = wanted.strip("'")
        return lambda row: bool(value(row)) and (value(row) >= day if operator == ">=" else value(row) < day)
    if operator == "like":
        pattern = re.compile(".*".join(map(re.escape, wanted.strip("'").split("%"))) + r"\Z", re.IGNORECASE)
        return lambda row: bool(pattern.match(str(value(row))))
    raise Wrong(400, f"Bad Request: {operator}")
