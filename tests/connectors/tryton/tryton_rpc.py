"""Tryton's JSON-RPC as a client of its own speaks it, with no code of the connector's.

::

    admin = Client("http://127.0.0.1:8000", "relance", "admin", password("admin"))
    admin.rows("account.invoice", ["number", "party.rec_name"], ["state", "=", "posted"])
    with admin.wizard("account.invoice.pay", "account.invoice", 42) as go:
        go("choice", start={"amount": Decimal("10"), "date": date(2026, 11, 21), …})
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import requests

Row = dict[str, Any]
_TIMEOUT: Final = 600
_WARNINGS: Final = 1000
"""So many are answered in one call at most."""


class Told(Exception):  # noqa: N818 - it says what came
    """An error that Tryton tells: its kind (``UserError``, say, or what broke) and its texts."""

    def __init__(self, kind: str, texts: list[str]) -> None:
        super().__init__(kind, *texts)
        self.kind, self.texts = kind, texts


class Client:
    """Somebody who has logged in; ``context`` goes with each call, ``series`` is the server's: 8.0, say."""

    def __init__(self, url: str, database: str, user: str, password: str) -> None:
        self._http = requests.Session()
        self.series = self._series(url)
        self._url = url + ("/{}/" if self.series == "7.0" else "/{}/rpc/").format(database)
        self.user, session, *_ = self._ask(self._url, "common.db.login", [user, {"password": password}, "en"])
        self._http.headers["Authorization"] = "Session " + b64encode(f"{user}:{self.user}:{session}".encode()).decode()
        self.context: Row = {}
        self.refresh()

    def refresh(self) -> None:
        """Learn anew of which company one is."""
        self.context = self.call("model.res.user.get_preferences", True)

    def call(self, method: str, *params: Any, **context: Any) -> Any:
        """What a method answers; what it warns of is done nevertheless."""
        told = [*params] if method.startswith("common.") else [*params, {**self.context, **context}]
        for _ in range(_WARNINGS):
            try:
                return self._ask(self._url, method, told)
            except Told as error:
                if error.kind != "UserWarning":
                    raise
                self.call("model.res.user.warning.skip", error.texts[0], False)
        raise AssertionError(f"{method}: no end of warnings")

    def ids(self, model: str, *clauses: list[Any]) -> list[int]:
        """The records of a model to which all clauses apply, by id."""
        found: list[int] = self.call(f"model.{model}.search", [*clauses], 0, None, [["id", "ASC"]])
        return found

    def rows(self, model: str, fields: list[str], *clauses: list[Any]) -> list[Row]:
        """Fields of those records."""
        order = [["id", "ASC"]]
        found: list[Row] = self.call(f"model.{model}.search_read", [*clauses], 0, None, order, fields)
        return found

    def create(self, model: str, *values: Row) -> list[int]:
        """New records, in one call."""
        made: list[int] = self.call(f"model.{model}.create", [*values]) if values else []
        return made

    def one(self, model: str, **values: Any) -> int:
        """A new record."""
        (made,) = self.create(model, values)
        return made

    @contextmanager
    def wizard(self, name: str, model: str = "", *records: int) -> Iterator[Callable[..., Row]]:
        """``go(state, view={…})`` of a wizard, opened on records or on none."""
        active = {"active_model": model, "active_id": records[0], "active_ids": [*records]} if records else {}
        session, *_ = self.call(f"wizard.{name}.create", **active)

        def go(state: str, **views: Row) -> Row:
            said: Row = self.call(f"wizard.{name}.execute", session, views, state, **active)
            return said

        yield go
        self.call(f"wizard.{name}.delete", session)

    def _series(self, url: str) -> str:
        for path in ("/rpc/", "/"):  # the latter up to 7.0
            try:
                return str(self._ask(url + path, "common.server.version", []))[:3]
            except requests.HTTPError:
                continue
        raise AssertionError(f"{url}: no Tryton")

    def _ask(self, url: str, method: str, params: list[Any]) -> Any:
        body = json.dumps({"id": 0, "method": method, "params": params}, default=_coded)
        answer = self._http.post(url, body, headers={"Content-Type": "application/json"}, timeout=_TIMEOUT)
        answer.raise_for_status()
        said = json.loads(answer.content, object_hook=_meant)
        if "error" in said:
            kind, texts = said["error"]
            # A third text may be a domain with all that it names: pages of it.
            raise Told(kind, texts[:2] if isinstance(texts, list) else [texts])
        return said["result"]


def _coded(value: Any) -> Row:
    if isinstance(value, datetime):
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(value, name) for name in names}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, timedelta):
        return {"__class__": "timedelta", "seconds": value.total_seconds()}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, bytes):
        return {"__class__": "bytes", "base64": b64encode(value).decode()}
    raise TypeError(value)


def _meant(value: Row) -> Any:
    kind = value.pop("__class__", "")
    if kind == "Decimal":
        return Decimal(value["decimal"])
    if kind == "bytes":
        return b64decode(value["base64"])
    return {"date": date, "datetime": datetime, "timedelta": timedelta}.get(kind, dict)(**value)
