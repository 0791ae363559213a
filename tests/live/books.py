"""A folder of configuration for a running host, and a bare connection beside it.

``RELANCE_LIVE_ODOO=http://user:password@host:port/database`` names an Odoo, ``RELANCE_LIVE_TRYTON`` a Tryton in the
same way, and ``RELANCE_LIVE_DOLIBARR=http://key@host:port`` a Dolibarr. ``RELANCE_LIVE_SMTP`` is our own mail server
(``smtp://127.0.0.1:25``), by which Dolibarr is written from, and Tryton with ``RELANCE_LIVE_TRYTON_MAIL=smtp``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import unquote, urlsplit

import odoorpc
import requests
from tryton_rpc import Client

RELANCE = Path(sys.executable).with_name("relance")
KIND = next((one for one in ("odoo", "tryton") if f"RELANCE_LIVE_{one.upper()}" in os.environ), "dolibarr")
ADDRESS = urlsplit(os.environ.get(f"RELANCE_LIVE_{KIND.upper()}", ""))
URL = f"{ADDRESS.scheme}://{ADDRESS.hostname}:{ADDRESS.port or 8069}"
_MAIL = os.environ.get("RELANCE_LIVE_TRYTON_MAIL", "tryton")
_USER = unquote(ADDRESS.username or "")
# Tryton sends from the address of its user alone.
_ALONE = (KIND, _MAIL) == ("tryton", "tryton")
SENDER = f"{_USER}@acme.example" if _ALONE else "compta@acme.example"
SALESPERSON = "accounting" if _ALONE else "salesperson"
"""Who stands for the salesperson as a sender."""
_CONFIG = """
[mail]
smtp = "{smtp}"
sender = "Comptabilité <{sender}>"
{limits}
[hosts.{host}]
connector = "{kind}"
url = "{url}"
timeout = {timeout}
{account}
{more}
"""
_ACCOUNTS = {
    "odoo": 'database = "{database}"\nuser = "{user}"\npassword = {{ file = "secret" }}',
    "dolibarr": 'key = {{ file = "secret" }}',
    "tryton": 'database = "{database}"\nuser = "{user}"\npassword = {{ file = "secret" }}\nmail = "{mail}"',
}


class Ran:
    """A command that ended: its status, its output and the seconds it took."""

    def __init__(self, status: int, output: str, errors: str, seconds: float) -> None:
        self.status, self.output, self.errors, self.seconds = status, output, errors, seconds

    @property
    def json(self) -> Any:
        """The output, as JSON."""
        return json.loads(self.output)


class Books:
    """A folder with one host of a name of its own, so that no key of an earlier one is met again."""

    def __init__(
        self, path: Path, host: str, programs: str, limit: int = 0, more: str = "", url: str = "", timeout: float = 60
    ) -> None:
        if not ADDRESS.hostname:
            raise SystemExit("name a server: RELANCE_LIVE_ODOO=http://user:password@host:port/database, or another")
        self.path, self.host = path, host
        path.mkdir(parents=True)
        password = unquote(ADDRESS.password or "")
        config = _CONFIG.format(
            smtp=os.environ.get("RELANCE_LIVE_SMTP", "smtp://127.0.0.1:25"),
            host=host,
            kind=KIND,
            url=url or URL,
            sender=SENDER,
            account=_ACCOUNTS[KIND].format(database=ADDRESS.path.strip("/"), user=_USER, mail=_MAIL),
            limits=f"\n[limits]\nper_run = {limit}\n" if limit else "",
            timeout=timeout,
            more=more,
        )
        (path / "relance.toml").write_text(config, "utf-8")
        (path / "secret").write_text(password or _USER, "utf-8")
        (path / "programs.toml").write_text(programs, "utf-8")
        self("programs", "apply", "programs.toml")
        self("activate", host)

    def __call__(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> Ran:
        """Run a command to its end; its status must be one of those allowed."""
        start = perf_counter()
        done = subprocess.run([RELANCE, *arguments], cwd=self.path, capture_output=True, text=True, check=False)
        ran = Ran(done.returncode, done.stdout, done.stderr, perf_counter() - start)
        if ran.status not in allowed:
            raise SystemExit(f"relance {' '.join(arguments)}: status {ran.status}\n{ran.output}\n{ran.errors}")
        return ran

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [RELANCE, *arguments], cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The items that a command shows as JSON."""
        found: list[dict[str, Any]] = self(*arguments, "--format", "json").json["items"]
        return found


def bare() -> Any:
    """``call(model, method, *arguments, **named)`` of odoorpc's own, logged in as the same user."""
    odoo = odoorpc.ODOO(ADDRESS.hostname, protocol="jsonrpc", port=ADDRESS.port or 8069, timeout=300)
    odoo.login(ADDRESS.path.strip("/"), unquote(ADDRESS.username or ""), unquote(ADDRESS.password or ""))
    return lambda model, method, *arguments, **named: odoo.execute_kw(model, method, list(arguments), named)


def tryton(user: str = "", password: str = "") -> Client:
    """Somebody of Tryton's, the same user by default, by no code of the connector's."""
    password = password or unquote(ADDRESS.password or "")
    return Client(URL, ADDRESS.path.strip("/"), user or _USER, password)


def rest() -> Any:
    """``call(path, **query)``: a plain GET of Dolibarr's REST interface with the same key."""
    session = requests.Session()
    session.headers["DOLAPIKEY"] = unquote(ADDRESS.username or "")

    def call(path: str, **query: Any) -> Any:
        answer = session.get(f"{URL}/api/index.php/{path}", params=query, timeout=300)
        answer.raise_for_status()
        return answer.json()

    return call


def events_under_way() -> set[str]:
    """The Message-IDs of the mails of which Dolibarr's agenda says that they are still under way."""
    rows = rest()("agendaevents", limit=0, sqlfilters="(t.code:=:'AC_BILL_SENTBYMAIL') and (t.percent:=:0)")
    return {f"<{row['email_msgid']}>" for row in rows if row["email_msgid"]}


def received(sink: Path) -> Counter[tuple[str, str]]:
    """How often each (Message-ID, recipient) reached the folder that a test mail server writes its mails to.

    Each file begins with the line ``X-Envelope-To``, the recipients separated by commas.
    """
    for path in sink.glob("*.eml"):
        if path.name not in _SEEN:
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            recipients = str(mail["X-Envelope-To"]).split(",")
            _SEEN[path.name] = [(message_id(mail), one.strip()) for one in recipients]
    return Counter(one for each in _SEEN.values() for one in each)


def message_id(mail: EmailMessage) -> str:
    """Ours: Tryton gives mails ids of its own, and keeps our key in their text."""
    body = mail.get_body(("html",)) if KIND == "tryton" else None
    key = re.search(r"<!-- relance:(\w+):\d+ -->", body.get_content()) if body else None
    return f"<relance.{key[1]}@acme.example>" if key else str(mail["Message-ID"]).strip()


_SEEN: dict[str, list[tuple[str, str]]] = {}
