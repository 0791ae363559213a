"""A mail server in memory, as hosts are given one that cannot send."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.conformance import Arrived


class PostOffice:
    """A Mailer that answers as it is told, by key; what is not told is sent.

    ``sent`` are the keys that came, ``came`` the messages.
    """

    def __init__(self, **answers: tuple[str, str]) -> None:
        self.answers = {key: Posted(key, *told) for key, told in answers.items()}  # type: ignore[arg-type]
        self.came: list[Outgoing] = []
        self.before: Callable[[Outgoing], None] = lambda message: None

    @property
    def sent(self) -> list[str]:
        return [one.key for one in self.came]

    def send(self, messages: Sequence[Outgoing]) -> list[Posted]:
        for one in messages:
            self.before(one)
        self.came += messages
        return [self.answers.get(one.key, Posted(one.key, "sent")) for one in messages]

    def left(self, key: str) -> int:
        """How many times it left."""
        refused = key in self.answers and self.answers[key].state == "failed"
        return 0 if refused else self.sent.count(key)

    def arrived(self, message: Outgoing) -> Arrived:
        """What came of a mail, or of what is none."""
        came = [one for one in self.came if one.key == message.key]
        return (
            Arrived.by_mail(came[0].mime, [one for some in came[0].recipients for one in some]) if came else Arrived()
        )

    def close(self) -> None:
        """Nothing to let go of."""
