"""An HTTP server in this process that answers like Odoo until a test says otherwise, over /jsonrpc and JSON-2."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from relance_addon.connectors.odoo.settings import Settings

PASSWORD = "s3cret-api-key"
TLS = Path(__file__).parent / "tls"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers log-ins like an Odoo of that version, and the calls after them as a test says.

    ``prefix`` is a path that a proxy puts before Odoo's own; ``tls`` makes it an https server for 127.0.0.1, with a
    certificate of an authority that nobody knows (tls/ca.pem).
    """

    def __init__(self, version: int = 18, prefix: str = "", tls: bool = False) -> None:
        self.version = version
        self.answer: Answer = result([])
        self.logged_in: Answer = result(6)
        self.login = "relance"
        self.keys = {PASSWORD}
        self.about: Answer | None = None
        self.sessions: Answer = html(404)
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5
            wbufsize = -1  # Head and body at once, or the system holds the body back.

            def do_GET(self) -> None:
                server.note(self, None)
                version = {"version": f"{server.version}.0", "version_info": [server.version, 0]}
                if self.path == f"{prefix}/web/session/logout":
                    server.sessions(self)
                    return
                speaks = server.version >= 19 and self.path == f"{prefix}/web/version"
                (server.about or (body(version) if speaks else html(404)))(self)

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.note(self, asked)
                path = self.path.removeprefix(prefix)
                if not self.path.startswith(prefix + "/"):
                    html(404)(self)
                elif path.startswith("/json/2/"):
                    server.json2(self, path.removeprefix("/json/2/"))
                elif path in ("/jsonrpc", "/web/webclient/version_info"):
                    server.jsonrpc(self, path, asked["params"])

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem")
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.http.server_port}{prefix}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def paths(self) -> list[str]:
        return [path for _, path, *_ in self.seen]

    @property
    def asked(self) -> Any:
        """The body of the last request."""
        return self.seen[-1][3]

    def note(self, handler: BaseHTTPRequestHandler, asked: Any) -> None:
        self.seen.append((handler.command, handler.path, dict(handler.headers), asked))

    def jsonrpc(self, handler: BaseHTTPRequestHandler, path: str, asked: dict[str, Any]) -> None:
        if path.endswith("version_info"):
            result({"server_version": f"{self.version}.0"})(handler)
        elif asked["method"] == "login":
            self.logged_in(handler)
        elif asked["method"] == "execute":
            result({"lang": "fr_FR"})(handler)
        else:
            self.answer(handler)

    def json2(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        if self.version < 19:
            html(200 if self.version == 18 else 404)(handler)
        elif handler.headers["Authorization"].removeprefix("bearer ") not in self.keys:
            error("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401)(handler)
        elif handler.headers["X-Odoo-Database"] != "acme":
            html(404)(handler)
        elif method == "res.users/context_get":
            result({"lang": "fr_FR", "tz": False, "uid": 6})(handler)
        elif method == "res.users/read":
            result([{"id": 6, "login": self.login}])(handler)
        else:
            self.answer(handler)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """That server, until the end of the block."""
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()


def settings(url: str, **more: Any) -> Settings:
    """What a configuration says of a server at that address."""
    said = {
        "connector": "odoo",
        "url": url,
        "database": "acme",
        "user": "relance",
        "password": {"env": "UNUSED"},
        "company": 1,
        "timeout": 0.3,
    }
    return Settings.model_validate({**said, **more})


def send(handler: BaseHTTPRequestHandler, status: int, kind: str, content: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


def body(value: Any, status: int = 200) -> Answer:
    return lambda handler: send(handler, status, "application/json", json.dumps(value).encode())


def result(value: Any) -> Answer:
    """What a method answers, in the words of the protocol that asks."""
    return lambda handler: body(value if "/json/2/" in handler.path else {"jsonrpc": "2.0", "result": value})(handler)


def error(name: str, message: str, status: int = 500) -> Answer:
    """An error of Odoo's: JSON-2 has a status of its own for it."""
    data = {"name": name, "message": message, "arguments": [], "context": {}, "debug": "…"}
    told = {"jsonrpc": "2.0", "error": {"code": 200, "message": "Odoo Server Error", "data": data}}
    return lambda handler: (body(data, status) if "/json/2/" in handler.path else body(told))(handler)


def html(status: int) -> Answer:
    return lambda handler: send(handler, status, "text/html", b"<html><body>Sign in</body></html>")


def redirect(to: str, status: int = 301) -> Answer:
    return lambda handler: send(handler, status, "text/html", b"<html></html>", Location=to)


def half(handler: BaseHTTPRequestHandler) -> None:
    """JSON that ends too early."""
    send(handler, 200, "application/json", b'{"jsonrpc": "2.0", "result": [{"id"')


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Less than what was promised."""
    handler.close_connection = True
    send(handler, 200, "application/json", b'{"result', **{"Content-Length": "1000"})


def slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
