"""Bounces: read in our own mailbox what became of the messages that left by our own SMTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from relance_addon.core.errors import HostError, InputError
from relance_addon.core.outgoing import Mark
from relance_addon.core.records import Happened
from relance_addon.operations import servers
from relance_addon.operations.desk import Desk

LOOK_BACK: Final = timedelta(days=14)
"""How long before the last run a mail may have come and still be looked at: a mailbox may be out of reach for days."""


def bounces(desk: Desk, marks: Sequence[Mark], last: date) -> list[Happened]:
    """What the mailbox says of these messages, read since before the ``last`` run. It never stops anything.

    A mailbox that cannot be read is reported, and so is a mail about one of ours that says nothing.
    """
    ours = {mark.message_id for mark in marks if mark.channel == "mail"}
    settings = desk.config.file.mail.bounces
    if settings is None or not ours:
        return []
    from relance_addon.mail import mailbox
    from relance_addon.mail.bounces import read

    try:
        place = servers.mailbox(desk.config, settings)
        received, problems = mailbox.read(place, last - LOOK_BACK)
    except (HostError, InputError) as error:
        desk.report(f"mail.bounces: {error}")
        return []
    for problem in problems:
        desk.report(problem)
    events: list[Happened] = []
    for one in received:
        reading = read(one.raw, ours, one.arrived)
        if reading.problem:
            desk.report(f"{place.server}: {place.folder}: the mail of {one.arrived:%Y-%m-%d %H:%M}: {reading.problem}")
        events += reading.events
    return events
