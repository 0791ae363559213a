"""A connector to a running host as the conformance suite wants it: in the suite's own ids, numbers and keys.

A running host gives its records ids and numbers of its own, and keeps what earlier runs left there; between its
connector and the suite stands one who knows which is which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import ClassVar

from relance_addon.core.model import Invoice, Problem
from relance_addon.core.outgoing import Document, Mark, Outgoing, Posted
from relance_addon.hosts.port import (
    Capabilities,
    Connector,
    DeliveryEvent,
    Finding,
    Found,
    HostSettings,
    Kind,
    MappedField,
    Page,
    PastPage,
    Pull,
)

_NOWHERE = 900_000_000
"""What the suite names, and nobody put there, has ids from here on."""


class Names:
    """What the suite's ids and keys are on a host. ``run`` is in every key: no run before used it."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.bills: dict[str, Invoice] = {}
        self.ids: dict[str, int] = {}
        self.partners: dict[str, int] = {}
        self._met: dict[str, str] = {}

    def id(self, bill: str) -> int:
        return self.ids.get(bill, _NOWHERE + int(bill))

    def bill(self, number: str) -> str:
        """What the suite calls an invoice, also one that is gone."""
        self._met.update({str(mine): one for one, mine in self.ids.items()})
        return self._met.get(number) or str(int(number) - _NOWHERE)

    def message(self, one: Outgoing) -> Outgoing:
        """A message as it is for this host."""
        mark = self.mark(one.mark)
        claims = tuple(
            claim._replace(invoice=str(self.id(claim.invoice)), client=str(self.partners[claim.client]))
            for claim in one.claims
        )
        client = str(self.partners[one.client])
        subject = f"{one.subject} {self.run}"
        return replace(one, key=mark.key, message_id=mark.message_id, claims=claims, client=client, subject=subject)

    def mark(self, one: Mark) -> Mark:
        ids = tuple(str(self.id(number)) for number in one.invoices)
        return Mark(f"{one.key}-{self.run}", one.message_id.replace("@", f"-{self.run}@"), one.channel, ids)

    def key(self, key: str) -> str:
        return key.removesuffix(f"-{self.run}")

    def numbers(self, bills: Sequence[str]) -> Sequence[str]:
        """The numbers that the host gave to invoices."""
        raise NotImplementedError


class Translated:
    """A connector in the suite's own ids, numbers and keys."""

    Settings: ClassVar[type[HostSettings]] = HostSettings

    def __init__(self, connector: Connector, names: Names) -> None:
        self._connector, self._names = connector, names

    @property
    def capabilities(self) -> Capabilities:
        return self._connector.capabilities

    @property
    def problems(self) -> Sequence[Problem]:
        return self._connector.problems

    def pull(self, cursor: str, today: date) -> Pull:
        pull = self._connector.pull(cursor, today)
        return Pull((self._page(page) for page in pull.pages), pull.full)

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        for page in self._connector.past(since, today):
            ours = self._page(Page(page.invoices, page.clients))
            yield PastPage(ours.invoices, ours.clients, {self._names.bill(one): on for one, on in page.settled.items()})

    def read(self, invoices: Sequence[str], today: date) -> Page:
        return self._page(self._connector.read([str(self._names.id(one)) for one in invoices], today))

    def numbered(self, number: str) -> Sequence[str]:
        names = self._names.numbers([one.id for one in self._names.bills.values() if one.number == number])
        return [self._names.bill(one) for name in names or [number] for one in self._connector.numbered(name)]

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        found = self._connector.locate(kind, [str(self._names.id(one)) for one in ids])
        return {self._names.bill(one): place for one, place in found.items()}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        found = self._connector.pdfs(self._invoices(invoices))
        return {self._names.bill(one): document for one, document in found.items()}

    def links(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        return {self._names.bill(one): link for one, link in self._connector.links(self._invoices(invoices)).items()}

    def lanes(self, wanted: int) -> int:
        return self._connector.lanes(wanted)

    def release(self, messages: Sequence[Outgoing]) -> None:
        self._connector.release([self._names.message(one) for one in messages])

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        posted = self._connector.post([self._names.message(one) for one in messages])
        return [one._replace(key=self._names.key(one.key)) for one in posted]

    def finish(self) -> Sequence[Problem]:
        return self._connector.finish()

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        found = self._connector.find([self._names.mark(one) for one in marks]).values()
        return {self._names.key(one.key): one._replace(key=self._names.key(one.key)) for one in found}

    def events(self, marks: Sequence[Mark]) -> Iterable[DeliveryEvent]:
        return self._connector.events([self._names.mark(one) for one in marks])

    def check(self, today: date) -> list[Finding]:
        return self._connector.check(today)

    def fields(self, today: date) -> list[MappedField]:
        return self._connector.fields(today)

    def close(self) -> None:
        self._connector.close()

    def _page(self, page: Page) -> Page:
        clients = {str(number): one for one, number in self._names.partners.items()}
        bills = self._names.bills
        return page._replace(
            invoices=[
                replace(
                    one,
                    id=self._names.bill(one.id),
                    number=bills[self._names.bill(one.id)].number,
                    client=clients[one.client],
                )
                for one in page.invoices
            ],
            clients=[replace(one, id=clients[one.id]) for one in page.clients],
            gone=[self._names.bill(one) for one in page.gone],
        )

    def _invoices(self, invoices: Sequence[Invoice]) -> list[Invoice]:
        return [replace(one, id=str(self._names.id(one.id))) for one in invoices]
