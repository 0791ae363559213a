"""What the rules say to people, in French and in English: phrases side by side, dates and amounts by Babel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from relance_addon.core.model import Address
from relance_addon.core.phrases import PHRASES
from relance_addon.core.program import Trigger

LANGUAGES: Final = ("fr", "en")

REASONS: Final[dict[str, dict[str, str]]] = {
    "fr": {
        "invalid": "données inutilisables",
        "draft": "brouillon",
        "disputed": "en litige",
        "paid": "payée",
        "cancelled": "annulée",
        "written_off": "irrécouvrable",
        "no_program": "aucun programme",
        "invoice_held": "facture suspendue",
        "client_held": "client suspendu",
        "in_doubt": "dernier message incertain",
        "failed": "trois tentatives échouées",
        "completed": "toutes les étapes sont passées",
        "not_due_yet": "pas encore la date",
        "non_working_day": "jour non ouvré",
        "covered_by_credit": "couverte par un avoir ou un paiement du client",
        "no_recipient": "aucun destinataire",
        "below_minimum": "sous le montant minimum",
        "quiet_period": "client relancé il y a peu",
        "limit_reached": "limite de messages atteinte",
        "inactive": "relances automatiques désactivées",
        "due": "à relancer",
    },
    "en": {
        "invalid": "unusable data",
        "draft": "draft",
        "disputed": "disputed",
        "paid": "paid",
        "cancelled": "cancelled",
        "written_off": "written off",
        "no_program": "no program",
        "invoice_held": "invoice on hold",
        "client_held": "client on hold",
        "in_doubt": "last message in doubt",
        "failed": "three attempts failed",
        "completed": "no step left",
        "not_due_yet": "not due yet",
        "non_working_day": "no working day",
        "covered_by_credit": "covered by the client's credit",
        "no_recipient": "no recipient",
        "below_minimum": "below the minimum",
        "quiet_period": "client reminded lately",
        "limit_reached": "limit of messages reached",
        "inactive": "automatic reminders are off",
        "due": "due",
    },
}
"""Each reason in one short phrase, by language."""


class Words:
    """The phrases of one language; French for any that is not English."""

    def __init__(self, language: str) -> None:
        self.language = "en" if language.lower().startswith("en") else "fr"
        self._texts = PHRASES[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """A phrase with its values in place."""
        return self._texts[key].format_map(values)

    def reason(self, reason: str) -> str:
        """A reason in one short phrase."""
        return REASONS[self.language][reason]

    def day(self, day: date, style: Literal["long", "full"] = "long") -> str:
        """A date, in Babel's ``long`` style or the one given (``full`` names the day of the week)."""
        return format_date(day, style, self.language)

    def amount(self, amount: Decimal, currency: str) -> str:
        """An amount in its currency."""
        return str(format_currency(amount, currency, locale=self.language))

    def number(self, number: Decimal) -> str:
        """An amount in no particular currency."""
        return str(format_decimal(number, "#,##0.00", self.language))

    def span(self, count: int, unit: str = "day") -> str:
        """A number of days or months, without its sign."""
        return self(unit if abs(count) == 1 else unit + "s", n=abs(count))

    def trigger(self, trigger: Trigger) -> str:
        """When a step is due: ``3 days after the due date``."""
        days, months = trigger.offset
        span = self.span(months, "month") if months else self.span(days)
        place = trigger.kind.removeprefix("after_")
        if not days and not months:
            return self(f"at_{place}")
        return self(f"{'before' if days + months < 0 else 'after'}_{place}", span=span)

    def people(self, people: Iterable[str | Address]) -> str:
        """Roles in words and addresses, joined by commas."""
        names = [self._texts.get(f"role_{one}", str(one)) for one in people]
        return ", ".join(names) or self("nobody")

    def one_of(self, values: Sequence[str]) -> str:
        """Values joined by "or"."""
        return self("or").join(values)
