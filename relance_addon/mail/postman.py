"""The mailer of hosts that cannot send: messages by our own SMTP, with an outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from relance_addon.core.errors import HostError, RelanceError
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.core.records import Happened
from relance_addon.mail.smtp import Connection, InDoubtError, LogInError, told_of

LOSSES: Final = 2
"""Connections lost, or not had, one after the other until the rest is left for the next run."""


class Postman:
    """Hands messages over one connection, kept until ``close``. Nothing is opened before the first message.

    ``connection`` makes that connection; it may raise InputError, for a secret that is not where it should be.
    ``return_path`` is the address that bounces go to, by default the sender's.
    """

    def __init__(self, connection: Callable[[], Connection], return_path: str = "") -> None:
        self._make = connection
        self._return_path = return_path
        self._connection: Connection | None = None
        self._refused: list[Happened] = []
        self._lost = 0
        self._last = ""

    def send(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """One outcome per message, in order; never raises.

        An error before the server takes the message is ``failed``, one after it ``in_doubt``. Where the server cannot
        be reached or lets nobody in, the rest is ``failed`` without having been tried; once that, or a connection lost,
        has happened twice in a row, everything is until ``close``: a dead server is not waited for again and again.
        """
        posted: list[Posted] = []
        for message in messages:
            try:
                connection = self._connected()
                posted.append(self._post(connection, message))
            except RelanceError as error:
                rest = messages[len(posted) :]
                return posted + [Posted(one.key, "failed", str(error), tried=False) for one in rest]
            self._lost = 0 if connection.is_open else self._lost + 1
            self._last = posted[-1].error
        return posted

    def refusals(self) -> list[Happened]:
        """The recipients refused of messages that left, since this was last asked."""
        refused, self._refused = self._refused, []
        return refused

    def close(self) -> None:
        """Say goodbye to the server."""
        self._lost = 0
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> Connection:
        """A connection that the server answers on. Raises RelanceError: nothing was tried."""
        if self._lost >= LOSSES:
            raise HostError(f"not tried: {self._last}")
        try:
            if self._connection is None:
                self._connection = self._make()
            self._connection.connect()
            return self._connection
        except Exception as error:
            self._lost += 1
            self._last = str(error)
            if isinstance(error, RelanceError):
                raise
            raise HostError(f"{type(error).__name__}: {error}") from error

    def _post(self, connection: Connection, message: Outgoing) -> Posted:
        to, *others = ([address.email for address in group] for group in message.recipients)
        origin = self._return_path or message.sender.email
        try:
            refused = connection.send(origin, to, message.mime, [email for group in others for email in group])
        except LogInError:
            raise
        except InDoubtError as error:
            return Posted(message.key, "in_doubt", str(error))
        except HostError as error:
            return Posted(message.key, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - whatever happened, it may have left
            connection.close()
            return Posted(message.key, "in_doubt", f"{type(error).__name__}: {error}")
        self._refused += [
            Happened(message.message_id, "failed", message.sent_at, who, answer) for who, answer in refused.items()
        ]
        return Posted(message.key, "sent", told_of(refused))
