"""What became of messages after they were posted, person by person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relance_addon.connectors.odoo.traces import look_up
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.hosts.port import DeliveryEvent


def events(transport: Transport, message_ids: Sequence[str], mails: bool) -> Iterator[DeliveryEvent]:
    """The state of every copy, as of the message's own time: Odoo keeps no other. Raises HostError."""
    for message_id, trace in look_up(transport, message_ids, mails).items():
        for copy in trace.copies:
            if copy.state == "cancelled":
                continue
            yield DeliveryEvent(message_id, copy.state, trace.at, copy.recipient, copy.error)
