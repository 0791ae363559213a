"""Check: connect to each host, and say what is fine and what is to be mended."""

from __future__ import annotations

from relance_addon.core.errors import HostError, InputError, RelanceError, Unreachable
from relance_addon.hosts.port import Connector, Finding
from relance_addon.mail.server import Server
from relance_addon.operations import servers
from relance_addon.operations.config import NO_SENDER, Bounces
from relance_addon.operations.desk import Desk


def check(desk: Desk, host: str | None = None) -> list[tuple[str, Finding]]:
    """Findings by host. Of one host that cannot be reached, raises HostError; of several, says so and goes on."""
    names = [host] if host else list(desk.config.file.hosts)
    if not names:
        raise InputError(f"{desk.config.source}: no host; write a [hosts.NAME] table")
    desk.open_journal()
    connectors = {name: desk.connector(name) for name in names}
    found = [
        (name, finding) for name, one in connectors.items() for finding in _host(desk, name, one, host is not None)
    ]
    posting = any(not one.capabilities.send_mail for one in connectors.values())
    return [*found, *(("", finding) for finding in (*_ours(desk), *(_mail(desk) if posting else ())))]


def _host(desk: Desk, name: str, connector: Connector, alone: bool) -> list[Finding]:
    from relance_addon.journal import hosts

    try:
        found = connector.check(desk.today)
    except (HostError, InputError) as error:
        if alone:
            raise
        return [
            Finding("error", "connection", str(error), "see that the host is there, and that its settings are right")
        ]
    finally:
        connector.close()
    if connector.capabilities.only_contacts and desk.config.file.mail.redirect_to:
        text = "this host mails only to people it knows"
        found.append(Finding("warning", "redirect_to", text, "make that address a contact there"))
    if connector.capabilities.dated_notes:
        found.append(Finding("ok", "activities", "are notes with a date: this host has no to-dos, and reminds nobody"))
    if not hosts.state(name).activated:
        found.append(Finding("warning", "automatic reminders", "off", f"relance activate {name}"))
    return found


def _ours(desk: Desk) -> list[Finding]:
    from relance_addon.journal import programs

    book, mail = programs.book(), desk.config.file.mail
    found = [Finding("ok", "journal", desk.config.file.relance.journal)]
    if not book.programs:
        found.append(Finding("warning", "programs", "none", "relance programs apply programs.toml"))
    elif book.default is None:
        found.append(Finding("warning", "programs", "no default: only clients that one is chosen for are reminded"))
    else:
        found.append(Finding("ok", "programs", f"{len(book.programs)}, the default is {book.default.name}"))
    if desk.config.roles["accounting"] == NO_SENDER:
        found.append(Finding("warning", "sender", f"nobody: {NO_SENDER.email} would write", "set mail.sender"))
    if mail.redirect_to:
        text = f"every message goes to {mail.redirect_to} instead of the client, and counts"
        found.append(Finding("warning", "redirect_to", text, "take mail.redirect_to out when you are done trying"))
    return found


def _mail(desk: Desk) -> list[Finding]:
    """Our own servers, for a host that cannot send: both are connected to, nothing is sent."""
    found = _smtp(desk)
    settings = desk.config.file.mail.bounces
    return found if settings is None else [*found, *_bounces(desk, settings)]


def _smtp(desk: Desk) -> list[Finding]:
    try:
        with servers.smtp(desk.config) as connection:
            connection.connect()
            server = connection.server
    except (HostError, InputError) as error:
        return [_broken("smtp", error, "mail.smtp, mail.user and mail.password")]
    text = f"{server} answers, logged in as {server.user}" if server.user else f"{server} answers, without a log-in"
    return [Finding("ok", "smtp", text), *_in_clear("smtp", server)]


def _bounces(desk: Desk, settings: Bounces) -> list[Finding]:
    from relance_addon.mail import mailbox

    try:
        place = servers.mailbox(desk.config, settings)
        held = mailbox.count(place)
    except (HostError, InputError) as error:
        return [_broken("bounces", error, "the keys of mail.bounces")]
    text = f"{place.server} answers, {held} mails in {place.folder}"
    return [Finding("ok", "bounces", text), *_in_clear("bounces", place.server)]


def _broken(subject: str, error: RelanceError, keys: str) -> Finding:
    if isinstance(error, Unreachable):
        return Finding("error", subject, str(error), "see that the server runs, and that its address is right")
    return Finding("error", subject, str(error), f"look at {keys}")


def _in_clear(subject: str, server: Server) -> list[Finding]:
    if not (server.user and server.in_clear):
        return []
    text = f"the password goes to {server.host} unencrypted"
    return [Finding("warning", subject, text, f"write {server.scheme}s:// or {server.scheme}+starttls://")]
