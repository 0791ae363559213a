"""Where mail is handed over or read: an address such as ``smtp+starttls://host:587``."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.core.toml import nearest


class Server(NamedTuple):
    """A server, and as whom to log in (nobody, without a user). Printed, it never shows the password."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<{self}>"

    @property
    def in_clear(self) -> bool:
        """Whether a password would cross a network unencrypted."""
        return self.scheme in ("smtp", "imap") and self.host not in ("localhost", "127.0.0.1", "::1")


def read_url(url: str, ports: Mapping[str, int], kind: str) -> Server:
    """Read an address whose schemes and usual ports are ``ports``; ``kind`` is what a person calls it, such as SMTP.

    Raises InputError, which never repeats the password.
    """
    first = next(iter(ports))
    wrong = f"the {kind} address is not as in {first}://host:{ports[first]}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InputError(wrong) from None
    if parts.scheme not in ports:
        raise InputError(
            f"unknown scheme {parts.scheme!r} of an {kind} address{nearest(parts.scheme, ports)}; known are "
            + ", ".join(f"{scheme}://" for scheme in ports)
        )
    if not parts.hostname or parts.path.strip("/") or parts.query or port == 0:
        raise InputError(wrong)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.scheme, parts.hostname, port or ports[parts.scheme], user, password)


def trust(ca: Path | None, key: str = "mail.ca") -> ssl.SSLContext:
    """Certificates checked against the system's authorities and those in the file ``ca`` (PEM).

    Raises InputError, about ``key``, when that file cannot be used.
    """
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError:
            raise InputError(Problem("", key, f"{ca} is no file of certificates in PEM")) from None
        except OSError as error:
            raise InputError(Problem("", key, f"cannot read the file {ca}: {error.strerror}")) from None
    return context


def distrusted(error: ssl.SSLError) -> str:
    """What is wrong with the encryption, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or error.reason
        return f"its certificate cannot be trusted: {reason}; an authority of your own goes into a file, named by ca"
    if error.reason == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS on that port; another scheme or port may be meant"
    return f"no encryption: {error.reason or error}"
