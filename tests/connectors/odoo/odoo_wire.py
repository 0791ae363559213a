"""A whole Odoo 18 in memory, asked over JSON-RPC (through ``responses``): its books, its post office, its log-in.

::

    odoo = Wire(books, office)
    with odoo.open():
        ...                        # a connector at ADDRESS, with PASSWORD
    odoo.state = "garbled"         # or "down", "forbidding"; "fine" again
    odoo.answers = 3               # how many more calls are answered; what is asked after them is done all the same
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, Literal

import requests
import responses
from odoo_books import Books
from odoo_samples import PostOffice

from relance_addon.core.errors import Refused

ADDRESS: Final = "https://odoo.example"
# It looks like an API key, with which nobody logs in to Odoo's web pages.
PASSWORD: Final = "5ec2e7a91c0de5ec2e7a91c0de5ec2e7a91c0de5"
LOOKED_AT: Final[dict[str, Any]] = {
    "account.move.line.has_access": True,
    "res.partner.has_access": True,
    "account.payment.has_access": True,
    "account.move.get_base_url": ADDRESS,
    "ir.actions.report.get_wkhtmltopdf_state": "ok",
    "ir.mail_server.search_read": [],
    "ir.module.module.search_read": [],
    "res.company.search_read": [{"id": 1, "name": "ACME", "default_from_email": False}],
    "res.users.apikeys.search_read": [],
}
"""What only a check asks for."""
GARBLED: Final = ("<html><body>Sign in</body></html>", '{"jsonrpc": "2.0", "result": [{"id"')
"""What is no answer of Odoo's, and half of one."""
WRITES: Final = ("create", "load", "send")
_USER: Final = 6


class Wire:
    """Answers what is asked of ADDRESS while it is open, one call after the other."""

    def __init__(self, books: Books, office: PostOffice) -> None:
        self.books, self.office = books, office
        self.state: Literal["fine", "down", "garbled", "forbidding"] = "fine"
        self.answers = sys.maxsize
        self.asked = 0
        self._one = Lock()

    @contextmanager
    def open(self) -> Iterator[None]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.add(responses.GET, f"{ADDRESS}/web/version", status=404)
            mock.add_callback(responses.POST, re.compile(re.escape(ADDRESS) + "/.*"), self._answer)
            yield

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        with self._one:
            self.asked += 1
            if self.state == "down":
                raise _broken(requests.ConnectionError(), ConnectionRefusedError(111, "Connection refused"))
            if self.state == "garbled":
                return 200, {}, GARBLED[self.asked % 2]
            said = self._said(str(request.path_url), json.loads(request.body or "")["params"])
            self.answers -= 1
            if self.answers < 0:
                raise _broken(requests.ReadTimeout(), TimeoutError())
            return 200, {}, json.dumps({"jsonrpc": "2.0", **said})

    def _said(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("version_info"):
            return {"result": {"server_version": f"{self.office.version}.0"}}
        if asked["method"] == "login":
            return {"result": _USER if asked["args"][2] == PASSWORD else False}
        if asked["method"] == "execute":
            return {"result": {"lang": "fr_FR"}}
        assert asked["args"][:3] == ["acme", _USER, PASSWORD]
        model, method, given, named = asked["args"][3:]
        if self.state == "forbidding" and (model.startswith("account.") or method in WRITES):
            return _error("odoo.exceptions.AccessError", "You are not allowed to access this.")
        if method == "create":
            ids, named = None, {**named, "vals_list": given[-1]}
        else:
            ids = given[0] if given else None
        try:
            return {"result": self.call(model, method, ids, **named)}
        except Refused as error:
            return _error("odoo.exceptions.UserError", str(error))

    def call(self, model: str, method: str, ids: list[int] | None, **named: Any) -> Any:
        name = f"{model}.{method}"
        if name in LOOKED_AT:
            return LOOKED_AT[name]
        if model == "res.users" and named.get("fields") == ["tz"]:
            return [{"id": _USER, "tz": "Europe/Paris"}]
        looks_for_people = model == "res.partner" and "email_normalized" in (named.get("fields") or ())
        if name in self.office.script and (model != "res.partner" or looks_for_people):
            del named["context"]
            return self.office.call(model, method, ids, **named)
        return self.books.call(model, method, ids, **named)


def _error(name: str, message: str) -> dict[str, Any]:
    data = {"name": name, "message": message, "arguments": [], "context": {}, "debug": "…"}
    return {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}


def _broken(error: requests.RequestException, cause: OSError) -> requests.RequestException:
    """What requests makes of the network's own error."""
    error.__cause__ = cause
    return error
