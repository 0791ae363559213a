"""Texts made ahead: those of the next messages, while the host is busy with the ones before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

from relance_addon.core.errors import RelanceError
from relance_addon.core.group import Message
from relance_addon.mail.render import Rendered

Render = Callable[[Message], Rendered]
Texts = dict[int, tuple[Message, Rendered]]


class Ahead:
    """Renders messages in a thread of its own. A message that turned out otherwise has no text here.

    Whoever renders besides has asked for a text first: only then has the thread come to its end.
    """

    def __init__(self, render: Render) -> None:
        """``render``: of a message without payment links, which the host alone can make."""
        self._render = render
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._going: Future[Texts] | None = None
        self._made: Texts = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, messages: Sequence[Message]) -> None:
        """Begin with these; texts of earlier ones are forgotten."""
        self._going = self._pool.submit(self._texts, [one for one in messages if not one.step.payment_link])

    def text(self, message: Message) -> Rendered | None:
        """The text of this very message, as it was begun; waits for all that was begun."""
        if self._going is not None:
            self._made, self._going = self._going.result(), None
        begun, rendered = self._made.get(message.number, (None, None))
        return rendered if begun is message else None

    def _texts(self, messages: Sequence[Message]) -> Texts:
        made: Texts = {}
        for message in messages:
            with suppress(RelanceError):  # told when the message is composed
                made[message.number] = message, self._render(message)
        return made
