"""The mailer of hosts that cannot send: messages by our own SMTP, with an outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from relance_addon.core.errors import HostError, RelanceError
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.mail.smtp import Connection, InDoubtError, LogInError, told_of

LOSSES: Final = 2
"""Connections lost one after the other until the rest of a batch is left for the next run."""


class Postman:
    """Hands messages over one connection, kept until ``close``. Nothing is opened before the first message.

    ``connection`` makes that connection; it may raise InputError, for a secret that is not where it should be.
    ``return_path`` is the address that bounces go to, by default the sender's.
    """

    def __init__(self, connection: Callable[[], Connection], return_path: str = "") -> None:
        self._make = connection
        self._return_path = return_path
        self._connection: Connection | None = None

    def send(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """One outcome per message, in order; never raises.

        An error before the server takes the message is ``failed``, one after it ``in_doubt``. Where the server cannot
        be reached, lets nobody in, or hangs up twice in a row, the rest is ``failed`` without having been tried.
        """
        posted: list[Posted] = []
        losses = 0
        for message in messages:
            try:
                if losses == LOSSES:
                    raise HostError(f"not tried: {posted[-1].error}")
                connection = self._connected()
                posted.append(self._post(connection, message))
            except RelanceError as error:
                rest = messages[len(posted) :]
                return posted + [Posted(one.key, "failed", str(error), tried=False) for one in rest]
            losses = 0 if connection.is_open else losses + 1
        return posted

    def close(self) -> None:
        """Say goodbye to the server."""
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> Connection:
        """A connection that the server answers on. Raises RelanceError: nothing was tried."""
        try:
            if self._connection is None:
                self._connection = self._make()
            self._connection.connect()
        except RelanceError:
            raise
        except Exception as error:
            raise HostError(f"{type(error).__name__}: {error}") from error
        return self._connection

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
        return Posted(message.key, "sent", told_of(refused), refused=tuple(refused.items()))
