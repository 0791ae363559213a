"""Check: connect to each host, and say what is fine and what is to be mended."""

from __future__ import annotations

from relance_addon.core.errors import HostError, InputError
from relance_addon.hosts.port import Finding
from relance_addon.operations.config import NO_SENDER
from relance_addon.operations.desk import Desk


def check(desk: Desk, host: str | None = None) -> list[tuple[str, Finding]]:
    """Findings by host. Of one host that cannot be reached, raises HostError; of several, says so and goes on."""
    names = [host] if host else list(desk.config.file.hosts)
    if not names:
        raise InputError(f"{desk.config.source}: no host; write a [hosts.NAME] table")
    desk.open_journal()
    found = [(name, finding) for name in names for finding in _host(desk, name, alone=host is not None)]
    return [*found, *(("", finding) for finding in _ours(desk))]


def _host(desk: Desk, name: str, alone: bool) -> list[Finding]:
    from relance_addon.journal import hosts

    connector = desk.connector(name)
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
