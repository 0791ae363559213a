"""The host under test, as the suite reaches it behind its connector's back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from relance_addon.core.model import Address, Client, Invoice
from relance_addon.hosts.port import Connector, Mailer, Outgoing, Surroundings

Fault = Literal["refuse", "lose_answers", "garble", "forbid"]
FAULTS: Final[frozenset[Fault]] = frozenset(get_args(Fault))
"""What can go wrong on a host, by the methods of a subject that let it."""


class Arrived(NamedTuple):
    """What came of a message; None for what the subject cannot tell.

    ``people`` are the addresses that got it, one for each copy; ``shown`` are those that any of them sees. ``files``
    are the contents of its attachments, by name. ``invoices`` are those (ids) that it stands on.
    """

    people: Sequence[str] | None = None
    shown: Collection[str] | None = None
    files: Mapping[str, bytes] | None = None
    invoices: Collection[str] | None = None

    @classmethod
    def by_mail(cls, mime: bytes, people: Iterable[Address], invoices: Collection[str] | None = None) -> Arrived:
        """What came of a MIME message that was delivered to these people."""
        read = message_from_bytes(mime, policy=policy.default)
        heads = [str(head) for name in ("to", "cc", "bcc") for head in read.get_all(name, ())]
        files = {str(part.get_filename()): part.get_content() for part in read.iter_attachments()}
        return cls([one.email for one in people], {email for _, email in getaddresses(heads)}, files, invoices)


class Subject(ABC):
    """A host under test: how its connector is made, and what the suite has to do behind the connector's back.

    ``settings`` are what ``[hosts.NAME]`` says besides ``connector``; relative paths start at ``folder``. ``secrets``
    are the passwords and keys that it is configured with, in clear. ``mailer`` is for hosts that cannot send.
    """

    connector: ClassVar[type[Connector]]
    settings: Mapping[str, Any] = {}
    secrets: Sequence[str] = ()
    mailer: Mailer | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def connect(self) -> Connector:
        """A new connector to the same host, as a new process would have it."""
        settings = self.connector.Settings.model_validate({"connector": "tested", **self.settings})
        around = Surroundings(self.folder, ZoneInfo("Europe/Paris"), "EUR", "fr", self.mailer)
        return self.connector("tested", settings, around)

    @abstractmethod
    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        """Let the host hold exactly these from now on. What is as it was is left alone."""

    @abstractmethod
    def left(self, message: Outgoing) -> int:
        """How many times that message left, or stands on the host. Answered whatever was made to fail."""

    @abstractmethod
    def cut(self) -> None:
        """Let the host be out of reach from now on."""

    def settle(self, invoices: Sequence[str], on: date) -> date:
        """Let these be paid in full on that day; the day that the host takes it for, where it is another.

        For hosts that are ``settled`` among their capabilities.
        """
        raise NotImplementedError

    def arrived(self, message: Outgoing) -> Arrived:
        """What came of a message, as far as that can be told."""
        return Arrived()

    # What goes wrong, as far as ``faults`` of the test class names it

    def refuse(self, message: Outgoing) -> Outgoing:
        """Let the host refuse this one message when it is posted; the message, or one like it that is refused."""
        raise NotImplementedError

    def lose_answers(self, after: int) -> None:
        """From now on let the host do what it is asked, and let no answer come back but the first ``after``."""
        raise NotImplementedError

    def garble(self) -> None:
        """From now on let answers come as no host of its kind would write them: half of one, a page for people."""
        raise NotImplementedError

    def forbid(self) -> str:
        """Take the rights to see invoices and to write anything from the user; a word that its errors have to name."""
        raise NotImplementedError

    def mend(self) -> None:
        """Let answers come again. With ``lose_answers`` only."""
        raise NotImplementedError
