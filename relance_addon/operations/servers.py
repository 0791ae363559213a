"""Our own mail servers, as relance.toml names them: where messages leave, and where those that come back are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from relance_addon.core.errors import InputError
from relance_addon.hosts.secrets import Secret
from relance_addon.operations.config import Bounces, Config

if TYPE_CHECKING:
    from relance_addon.mail.mailbox import Place
    from relance_addon.mail.smtp import Connection


def smtp(config: Config) -> Connection:
    """A connection to [mail].smtp, not open yet. Raises InputError when the password is not where it should be."""
    from relance_addon.mail.smtp import Connection, read_url

    mail = config.file.mail
    server = read_url(mail.smtp)
    if mail.password is not None:
        password = _revealed(config, mail.password, "mail.password")
        server = server._replace(user=mail.user or server.user, password=password)
    return Connection(server, mail.timeout, _ca(config))


def mailbox(config: Config, bounces: Bounces) -> Place:
    """The folder of [mail.bounces], not open yet. Raises InputError as ``smtp`` does."""
    from relance_addon.mail.mailbox import Place, read_url

    password = _revealed(config, bounces.password, "mail.bounces.password")
    server = read_url(bounces.imap)._replace(user=bounces.user, password=password)
    return Place(server, bounces.folder, config.file.mail.timeout, _ca(config))


def _revealed(config: Config, secret: Secret, key: str) -> str:
    try:
        return secret.reveal(config.folder, key)
    except InputError as error:
        raise InputError(*map(config.located, error.problems)) from None


def _ca(config: Config) -> Path | None:
    ca = config.file.mail.ca
    return None if ca is None else config.folder / ca
