"""Commands by which a person sends: send, test-message."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relance_addon.cli.options import (
    DEFAULT_CONFIG,
    Config,
    Day,
    Format,
    Host,
    Shown,
    confirmed,
    desk,
    example,
    finish,
)

if TYPE_CHECKING:
    from relance_addon.core.outgoing import Outgoing
    from relance_addon.operations.send import Ready

_SUFFIXES = (".html", ".eml")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=example(
            "relance send acme --invoice FA-0017 --step 2",
            "relance send acme --invoice FA-0017 --invoice FA-0018 --attach invoice --attach schedule --payment-link",
            "relance send acme --client 42 --subject 'Votre compte' --body-file mot.txt --preview mot.html",
        )
    )(send)
    app.command("test-message", epilog=example("relance test-message acme standard 2 --to me@acme.example"))(trial)


def send(
    host: Host,
    invoice: Annotated[
        list[str] | None,
        typer.Option(
            "--invoice", metavar="INVOICE", help="A number, or id:…; several of one client.", show_default=False
        ),
    ] = None,
    client: Annotated[
        str, typer.Option("--client", metavar="CLIENT", help="All its overdue invoices.", show_default=False)
    ] = "",
    step: Annotated[
        str,
        typer.Option(
            "--step",
            metavar="STEP",
            help="A step of their program, by name or number: it goes on from there.",
            show_default=False,
        ),
    ] = "",
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="NAME",
            help="A text of the library; 'default' where nothing is said.",
            show_default=False,
        ),
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="S", help="A subject of one's own.", show_default=False)
    ] = None,
    body_file: Annotated[
        Path | None,
        typer.Option("--body-file", metavar="F", help="A text of one's own; - is standard input.", show_default=False),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--sender", metavar="S", help="Who writes: a role or address.", show_default=False)
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="A", help="Recipients: roles and addresses, instead of the step's.", show_default=False
        ),
    ] = None,
    cc: Annotated[list[str] | None, typer.Option("--cc", metavar="A", help="Copies.", show_default=False)] = None,
    bcc: Annotated[
        list[str] | None, typer.Option("--bcc", metavar="A", help="Blind copies.", show_default=False)
    ] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option(
            "--attach",
            metavar="invoice|schedule",
            help="What to attach; with ? only if it can be had.",
            show_default=False,
        ),
    ] = None,
    payment_link: Annotated[bool, typer.Option("--payment-link", help="With the payment link.")] = False,
    override_hold: Annotated[
        str | None,
        typer.Option("--override-hold", metavar="REASON", help="Send it in spite of a hold.", show_default=False),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview", metavar="FILE", help="Write it to FILE.html or FILE.eml, and send nothing.", show_default=False
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """A reminder by hand, shown and confirmed; whether automatic reminders are on or not.

    A step counts: its program goes on from it. Anything else is no step, and delays the next one by the program's
    after_manual.
    """
    from relance_addon.cli import show
    from relance_addon.operations import send as operation
    from relance_addon.operations.by_hand import Request

    if client and invoice:
        raise typer.BadParameter("--client and --invoice exclude each other")
    if preview is not None and preview.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"--preview: {preview} ends neither in .html nor in .eml")
    opened = desk(config, day)
    request = Request(
        tuple(invoice or ()), client, step, template, subject, _text(body_file) if body_file else None, sender,
        tuple(to or ()), tuple(cc or ()), tuple(bcc or ()), tuple(attach or ()), payment_link, override_hold,
    )  # fmt: skip
    ready = operation.prepare(opened, host, request)
    numbers = ", ".join(claim.number for claim in ready.outgoing.claims)
    if preview is not None:
        operation.write_preview(opened, host, ready, preview)
        row = _row(ready) | {"key": None, "message_id": None, "state": "preview"}
        line = f"{preview}: written; nothing was sent"
    else:
        dated = f"dated {opened.today}, which is {show.count(opened.ahead, 'day')} ahead" if opened.ahead else ""
        if dated:
            show.say(dated)
        if not yes:
            _show(ready)
            if not confirmed(f"Send this about {numbers}{dated and ', ' + dated}?"):
                show.say("nothing was sent")
                return
        outcome = operation.send(opened, host, ready)
        row = _row(ready) | {"state": outcome.state, "error": outcome.error or None}
        line = f"{numbers}: {outcome.state} ({outcome.key})"
    if shown is Format.json:
        show.items("send", [row])
    else:
        show.write(show.clean(line))
    finish(opened)


def trial(
    host: Host,
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's name.", show_default=False)],
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step, by name or number.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who gets it.", show_default=False)],
    invoice: Annotated[
        str,
        typer.Option(
            "--invoice",
            metavar="INVOICE",
            help="A number, or id:…; by default one that follows the program.",
            show_default=False,
        ),
    ] = "",
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """One step of a program, made from a real invoice and sent to oneself by [mail].smtp; it counts for nothing."""
    from relance_addon.cli import show
    from relance_addon.operations import trial as operation

    opened = desk(config, day)
    message, sent = operation.trial(opened, host, program, step, to, invoice)
    (claim,) = sent.claims
    row = {
        "program": claim.program,
        "version": claim.version,
        "step": claim.step,
        "step_name": claim.step_name,
        "invoice": claim.invoice,
        "number": claim.number,
        "language": message.language,
        "sender": str(sent.sender),
        **_written(sent),
        "message_id": sent.message_id,
    }
    if shown is Format.json:
        show.items("test-message", [row])
    else:
        show.write(
            show.clean(
                f"step {claim.step} {claim.step_name!r} of {claim.program}, made from {claim.number}: "
                f"sent to {sent.to[0]}"
            )
        )
    finish(opened)


def _text(path: Path) -> str:
    """The text of a file, or of standard input."""
    from relance_addon.core.errors import InputError

    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"--body-file: {path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"--body-file: {path}: is not UTF-8") from None


def _row(ready: Ready) -> dict[str, Any]:
    outgoing, first = ready.outgoing, ready.outgoing.claims[0]
    row = {
        "key": outgoing.key,
        "state": None,
        "message_id": outgoing.message_id,
        "invoices": list(outgoing.invoices),
        "numbers": [claim.number for claim in outgoing.claims],
        "client": outgoing.client,
        "program": first.program or None,
        "step": first.step or None,
        "step_name": first.step_name or None,
        "channel": outgoing.channel,
        "sender": str(outgoing.sender),
        **_written(outgoing),
        "error": None,
    }
    return row | ({"redirected_to": outgoing.redirected_to} if outgoing.redirected_to else {})


def _written(outgoing: Outgoing) -> dict[str, Any]:
    people = {"to": outgoing.to, "cc": outgoing.cc, "bcc": outgoing.bcc}
    return {
        **{key: [str(one) for one in addresses] for key, addresses in people.items()},
        "subject": outgoing.subject,
        "attachments": [document.name for document in outgoing.attachments],
    }


def _show(ready: Ready) -> None:
    """The message as it will leave, on standard error."""
    from relance_addon.cli import show

    row = _row(ready)
    program, step = row["program"], row["step_name"]
    row["counts_as"] = f"step {row['step']} {step!r} of {program}" if step else "no step"
    if row["channel"] == "activity":
        row["sender"] = f"{row['sender']} (activity)"
    labels = {
        "sender": "From", "to": "To", "cc": "Cc", "bcc": "Bcc", "redirected_to": "All of it goes to",
        "subject": "Subject", "attachments": "Attached", "counts_as": "Counts as",
    }  # fmt: skip
    for key, label in labels.items():
        value = row.get(key)
        if value:
            text = ", ".join(value) if isinstance(value, list) else value
            typer.echo(f"{label}: {show.clean(text)}", err=True)
    typer.echo(f"\n{show.clean(ready.outgoing.text, keep=chr(10))}", err=True)
