"""Several running hosts at a time: those that variables name, as in books.py, and who may write there.

``RELANCE_LIVE_DOLIBARR_ADMIN`` is an administrator's key of Dolibarr. Odoo is written to by the user who is named,
Tryton by the administrator of the tests' own company.
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import odoorpc
import requests
from tryton_company import password
from tryton_rpc import Client

_LOGIN: Final = 'database = "{database}"\nuser = "{user}"\npassword = {{ file = "{kind}.secret" }}'
_ACCOUNTS: Final = {"odoo": _LOGIN, "dolibarr": 'key = {{ file = "{kind}.secret" }}', "tryton": _LOGIN}
KINDS: Final = tuple(_ACCOUNTS)


def named() -> list[str]:
    """The kinds of host that a variable names."""
    return [kind for kind in KINDS if _address(kind).hostname]


def table(kind: str) -> str:
    """``[hosts.KIND]`` of a configuration that has ``secret`` beside it, in ``KIND.secret``."""
    there = _address(kind)
    account = _ACCOUNTS[kind].format(kind=kind, database=there.path.strip("/"), user=unquote(there.username or ""))
    return f'[hosts.{kind}]\nconnector = "{kind}"\nurl = "{_url(kind)}"\n{account}\n'


def secret(kind: str) -> str:
    """The password or the key of who reads."""
    there = _address(kind)
    return unquote(there.password or there.username or "")


def odoo() -> Any:
    """``call(model, method, *arguments, **named)`` of odoorpc's own."""
    there = _address("odoo")
    client = odoorpc.ODOO(there.hostname, protocol="jsonrpc", port=there.port, timeout=300)
    client.login(there.path.strip("/"), unquote(there.username or ""), secret("odoo"))
    return lambda model, method, *arguments, **named: client.execute_kw(model, method, list(arguments), named)


def dolibarr() -> Any:
    """``call(path, **query)``: a plain GET of Dolibarr's REST interface, or with a body a POST, by an administrator."""
    session = requests.Session()
    session.headers["DOLAPIKEY"] = os.environ["RELANCE_LIVE_DOLIBARR_ADMIN"]

    def call(path: str, body: Any = None, **query: Any) -> Any:
        method = "GET" if body is None else "POST"
        there = f"{_url('dolibarr')}/api/index.php/{path}"
        answer = session.request(method, there, params=query, json=body, timeout=300)
        if not answer.ok:
            raise SystemExit(f"{method} {path} {body or ''}: {answer.status_code}\n{answer.text[:500]}")
        return answer.json()

    return call


def tryton() -> Client:
    """Tryton's JSON-RPC, as its administrator."""
    return Client(_url("tryton"), _address("tryton").path.strip("/"), "admin", password("admin"))


def _address(kind: str) -> SplitResult:
    return urlsplit(os.environ.get(f"RELANCE_LIVE_{kind.upper()}", ""))


def _url(kind: str) -> str:
    there = _address(kind)
    return f"{there.scheme}://{there.hostname}:{there.port}"
