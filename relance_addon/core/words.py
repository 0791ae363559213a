"""What the rules say to people, in French and in English: phrases side by side, dates and amounts by Babel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from relance_addon.core.model import Address
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

TEXTS: Final[dict[str, dict[str, str]]] = {
    "fr": {
        # amounts of time
        "day": "{n} jour",
        "days": "{n} jours",
        "month": "{n} mois",
        "months": "{n} mois",
        "after_due": "{span} après l'échéance",
        "before_due": "{span} avant l'échéance",
        "at_due": "le jour de l'échéance",
        "after_issue": "{span} après la date de facture",
        "before_issue": "{span} avant la date de facture",
        "at_issue": "à la date de facture",
        "after_previous": "{span} après la relance précédente",
        # people and attachments
        "role_billing": "les contacts de facturation du client",
        "role_client": "l'adresse du client",
        "role_salesperson": "le commercial de la facture",
        "role_accounting": "la comptabilité",
        "invoice": "la facture",
        "invoice?": "la facture si elle existe en PDF",
        "schedule": "l'échéancier",
        "schedule?": "l'échéancier s'il y en a un",
        "nobody": "personne",
        # recap
        "program": "Programme « {label} » ({name})",
        "version": "{program}, version {version}.",
        "unversioned": "{program}.",
        "for_default": "Pour : toutes les factures qui n'en ont pas d'autre.",
        "for_segment": "Pour : les clients dont {conditions}.",
        "for_both": "Pour : les clients dont {conditions}, et toutes les factures qui n'ont pas d'autre programme.",
        "for_chosen": "Pour : les factures et les clients pour lesquels il est choisi.",
        "since": "Seulement les factures émises à partir du {day}.",
        "condition_country": "le pays est {values}",
        "condition_tag": "une étiquette est {values}",
        "condition_language": "la langue est {values}",
        "condition_client": "l'identifiant est {values}",
        "everyone": "rien n'est exigé",
        "or": " ou ",
        "and": " et ",
        "group_step": "Messages : un par client et par étape.",
        "group_client": "Messages : un par client, avec le texte de l'étape la plus avancée.",
        "group_invoice": "Messages : un par facture.",
        "calendar_none": "Calendrier : aucun, les relances partent tous les jours.",
        "calendar_client": "Calendrier : les jours ouvrés du pays du client.",
        "calendar_code": "Calendrier : les jours ouvrés ({code}).",
        "minimum": "Montant minimum d'un message : {amount}.",
        "quiet": "Silence : rien d'automatique à un client qui a reçu un message dans les {span} d'avant.",
        "after_manual": "Après un message écrit à la main, l'étape suivante attend {span}.",
        "after_manual_none": "Un message écrit à la main ne retarde aucune étape.",
        "pin": "Chaque facture garde la version qu'elle a rencontrée d'abord.",
        "step": "{number}. {name} : {when}, {how}.",
        "by_mail": "par courriel",
        "by_activity": "par une activité",
        "sender": "De : {people}.",
        "person": "Pour : {people}.",
        "to": "À : {people}.",
        "cc": "Cc : {people}.",
        "bcc": "Cci : {people}.",
        "subject": "Objet : « {subject} ».",
        "subject_of_template": "Objet : celui du modèle.",
        "template": "Texte : modèle « {name} ».",
        "body": "Texte : celui du programme.",
        "attach": "Pièces jointes : {items}.",
        "payment_link": "Avec le lien de paiement.",
        # worked example
        "example": "{day} : {name}, {when}",
        "example_moved": "{day} : {name}, {when} (le {from_day} n'est pas un jour ouvré)",
        # explain: the invoice
        "head": "Facture {number} de {client} : {status}.",
        "head_no_client": "Facture {number} : {status}.",
        "status_draft": "brouillon",
        "status_open": "ouverte",
        "status_paid": "payée",
        "status_cancelled": "annulée",
        "status_disputed": "en litige",
        "status_written_off": "irrécouvrable",
        "late": "Échue le {day}, {span} de retard.",
        "due_today": "Échéance aujourd'hui, {day}.",
        "early": "Échéance le {day}, dans {span}.",
        "no_due_date": "Sans échéance : la date de facture en tient lieu.",
        "provisional": "Dates provisoires : elles suivront la date de facture définitive.",
        "residual": "Reste dû : {residual} sur {total}.",
        "nothing_left": "Rien ne reste dû : elle compte comme payée.",
        "instalment": "Échéance en cours : n° {rank} sur {count}, du {day} ; demandé : {asked}.",
        # explain: the program
        "unusable": "Inutilisable : {detail}.",
        "rule_invoice": "Programme : {program}, celui de la facture.",
        "rule_applied": "Programme : {program}, appliqué à cette facture.",
        "rule_client": "Programme : {program}, celui du client.",
        "rule_chosen": "Programme : {program}, choisi pour ce client.",
        "rule_segment": "Programme : {program}, le premier dont les conditions conviennent au client.",
        "rule_default": "Programme : {program}, par défaut.",
        "named_version": "« {name} », version {version}",
        "named": "« {name} »",
        "passed_over": "Le programme « {name} » est laissé de côté : il vaut pour les factures émises à partir du {day}.",
        "none_invoice": "Programme : aucun, la facture n'en veut pas.",
        "none_applied": "Programme : aucun, retiré pour cette facture.",
        "none_client": "Programme : aucun, le client n'en veut pas.",
        "none_chosen": "Programme : aucun, retiré pour ce client.",
        "none_default": "Programme : aucun ne s'applique et il n'y en a pas par défaut.",
        "restarted": "Le programme a été recommencé pour cette facture.",
        # explain: what was sent
        "nothing_sent": "Aucune relance envoyée.",
        "sent_automatic": "Étape {number} « {name} » envoyée le {day}.",
        "sent_manual": "Étape {number} « {name} » envoyée à la main le {day}.",
        "sent_unknown": "Étape « {name} », que le programme n'a plus, envoyée le {day}.",
        "sent_other": "Étape « {name} » du programme « {program} » envoyée le {day}, dans un cycle précédent.",
        "sent_by_hand": "Message écrit à la main envoyé le {day}.",
        "passed": "Étape {number} « {name} » : passée, une étape d'après est déjà partie.",
        "dropped": "Étape {number} « {name} » : retirée pour cette facture.",
        "lapsed": "Étape {number} « {name} » : caduque, l'échéance est venue avant qu'elle parte.",
        # explain: the next step
        "next": "Étape suivante : {number} « {name} », le {day}.",
        "by_base": "Sa date : {when}, soit le {day}.",
        "by_previous": "Sa date : {span} après la relance du {sent}, soit le {day}.",
        "by_spacing": "Sa date : {when}, soit le {base}, mais l'étape {sent_number} est partie le {sent} : "
        "leur écart ({span}) est gardé, ce qui mène au {day}.",
        "by_hand": "Sa date est fixée à la main.",
        "floor_next_day": "Pas avant le {day}, lendemain de la dernière relance.",
        "floor_new_cycle": "Un nouveau cycle commence : pas avant le {day}, 7 jours après la dernière relance.",
        "floor_after_manual": "Pas avant le {day}, {span} après le message écrit à la main.",
        "moved_later": "Le {from_day} n'est pas un jour ouvré : reportée au {day}.",
        "moved_earlier": "Le {from_day} n'est pas un jour ouvré : avancée au {day}.",
        # explain: what speaks against it
        "host_holds_invoice": "Facture suspendue dans l'ERP {until}.",
        "here_holds_invoice": "Facture suspendue {until}.",
        "host_holds_client": "Client suspendu dans l'ERP {until}.",
        "here_holds_client": "Client suspendu {until}.",
        "until": "jusqu'au {day} inclus",
        "for_good": "sans limite",
        "doubt": "On ne sait pas si le dernier message est parti : c'est à une personne de trancher.",
        "attempts": "Tentatives échouées à cette étape : {n} sur {most}.",
        "credit": "Avoirs et paiements non affectés du client : {credit} ; échu avant aujourd'hui : {owed}.",
        "bounced": "Adresses écartées, leurs messages sont revenus : {people}.",
        "no_people": "Personne à qui écrire : {people} ne donne aucune adresse utilisable.",
        "message_to": "De : {sender}. À : {to}.",
        "below": "Le total de son message n'atteint pas {amount}.",
        "quiet_since": "Dernier message automatique à ce client le {day} ; silence jusqu'au {until} inclus.",
        "quiet_run": "Un autre message de ce jour passe avant pour ce client.",
        "limit": "Pas plus de {n} messages par exécution ; les échéances les plus anciennes passent d'abord.",
        "with_others": "Part avec : {numbers}.",
        "alone": "Part seule.",
        "text_of": "Texte de l'étape {number} « {name} », la plus avancée du message.",
        "retry": "Le message du dernier essai est envoyé de nouveau, tel quel.",
        # explain: the decision
        "send": "Décision : à envoyer aujourd'hui ({reason}).",
        "wait": "Décision : attendre ({reason}).",
        "skip": "Décision : rien ({reason}).",
        "next_date": "Prochaine date : {day}.",
    },
    "en": {
        "day": "{n} day",
        "days": "{n} days",
        "month": "{n} month",
        "months": "{n} months",
        "after_due": "{span} after the due date",
        "before_due": "{span} before the due date",
        "at_due": "on the due date",
        "after_issue": "{span} after the issue date",
        "before_issue": "{span} before the issue date",
        "at_issue": "on the issue date",
        "after_previous": "{span} after the previous reminder",
        "role_billing": "the client's billing contacts",
        "role_client": "the client's address",
        "role_salesperson": "the invoice's salesperson",
        "role_accounting": "accounting",
        "invoice": "the invoice",
        "invoice?": "the invoice if there is a PDF of it",
        "schedule": "the payment schedule",
        "schedule?": "the payment schedule if there is one",
        "nobody": "nobody",
        "program": "Program “{label}” ({name})",
        "version": "{program}, version {version}.",
        "unversioned": "{program}.",
        "for_default": "For: all invoices that have no other.",
        "for_segment": "For: clients whose {conditions}.",
        "for_both": "For: clients whose {conditions}, and all invoices that have no other program.",
        "for_chosen": "For: the invoices and clients that it is chosen for.",
        "since": "Only invoices issued from {day} on.",
        "condition_country": "country is {values}",
        "condition_tag": "tags include {values}",
        "condition_language": "language is {values}",
        "condition_client": "id is {values}",
        "everyone": "nothing is asked of",
        "or": " or ",
        "and": " and ",
        "group_step": "Messages: one per client and step.",
        "group_client": "Messages: one per client, with the text of the furthest step.",
        "group_invoice": "Messages: one per invoice.",
        "calendar_none": "Calendar: none, reminders leave every day.",
        "calendar_client": "Calendar: the working days of the client's country.",
        "calendar_code": "Calendar: working days ({code}).",
        "minimum": "Smallest total of a message: {amount}.",
        "quiet": "Quiet: nothing automatic to a client who had a message in the {span} before.",
        "after_manual": "After a message written by hand, the next step waits {span}.",
        "after_manual_none": "A message written by hand delays no step.",
        "pin": "Each invoice keeps the version that it first met.",
        "step": "{number}. {name}: {when}, {how}.",
        "by_mail": "by mail",
        "by_activity": "by an activity",
        "sender": "From: {people}.",
        "person": "For: {people}.",
        "to": "To: {people}.",
        "cc": "Cc: {people}.",
        "bcc": "Bcc: {people}.",
        "subject": "Subject: “{subject}”.",
        "subject_of_template": "Subject: the template's.",
        "template": "Text: template “{name}”.",
        "body": "Text: the program's own.",
        "attach": "Attached: {items}.",
        "payment_link": "With the payment link.",
        "example": "{day}: {name}, {when}",
        "example_moved": "{day}: {name}, {when} ({from_day} is no working day)",
        "head": "Invoice {number} of {client}: {status}.",
        "head_no_client": "Invoice {number}: {status}.",
        "status_draft": "draft",
        "status_open": "open",
        "status_paid": "paid",
        "status_cancelled": "cancelled",
        "status_disputed": "disputed",
        "status_written_off": "written off",
        "late": "Due on {day}, {span} late.",
        "due_today": "Due today, {day}.",
        "early": "Due on {day}, in {span}.",
        "no_due_date": "No due date: the issue date stands for it.",
        "provisional": "Dates are provisional: they will follow the final issue date.",
        "residual": "Left to pay: {residual} of {total}.",
        "nothing_left": "Nothing is left to pay: it counts as paid.",
        "instalment": "Current instalment: no. {rank} of {count}, due on {day}; asked for: {asked}.",
        "unusable": "Unusable: {detail}.",
        "rule_invoice": "Program: {program}, the invoice's own.",
        "rule_applied": "Program: {program}, applied to this invoice.",
        "rule_client": "Program: {program}, the client's.",
        "rule_chosen": "Program: {program}, chosen for this client.",
        "rule_segment": "Program: {program}, the first whose conditions fit the client.",
        "rule_default": "Program: {program}, by default.",
        "named_version": "“{name}”, version {version}",
        "named": "“{name}”",
        "passed_over": "Program “{name}” is passed over: it is for invoices issued from {day} on.",
        "none_invoice": "Program: none, as the invoice says.",
        "none_applied": "Program: none, taken off this invoice.",
        "none_client": "Program: none, as the client says.",
        "none_chosen": "Program: none, taken off this client.",
        "none_default": "Program: none applies, and there is no default.",
        "restarted": "The program was restarted for this invoice.",
        "nothing_sent": "No reminder sent.",
        "sent_automatic": "Step {number} “{name}” sent on {day}.",
        "sent_manual": "Step {number} “{name}” sent by hand on {day}.",
        "sent_unknown": "Step “{name}”, which the program no longer has, sent on {day}.",
        "sent_other": "Step “{name}” of program “{program}” sent on {day}, in an earlier cycle.",
        "sent_by_hand": "Message written by hand sent on {day}.",
        "passed": "Step {number} “{name}”: passed over, a later one has left.",
        "dropped": "Step {number} “{name}”: dropped for this invoice.",
        "lapsed": "Step {number} “{name}”: lapsed, the due date came before it left.",
        "next": "Next step: {number} “{name}”, on {day}.",
        "by_base": "Its date: {when}, that is {day}.",
        "by_previous": "Its date: {span} after the reminder of {sent}, that is {day}.",
        "by_spacing": "Its date: {when}, that is {base}, but step {sent_number} left on {sent}: "
        "their spacing ({span}) is kept, which leads to {day}.",
        "by_hand": "Its date is set by hand.",
        "floor_next_day": "Not before {day}, the day after the last reminder.",
        "floor_new_cycle": "A new cycle begins: not before {day}, 7 days after the last reminder.",
        "floor_after_manual": "Not before {day}, {span} after the message written by hand.",
        "moved_later": "{from_day} is no working day: put off to {day}.",
        "moved_earlier": "{from_day} is no working day: brought forward to {day}.",
        "host_holds_invoice": "Invoice on hold in the ERP {until}.",
        "here_holds_invoice": "Invoice on hold {until}.",
        "host_holds_client": "Client on hold in the ERP {until}.",
        "here_holds_client": "Client on hold {until}.",
        "until": "up to and including {day}",
        "for_good": "for good",
        "doubt": "Nobody knows whether the last message left: a person has to settle it.",
        "attempts": "Failed attempts at this step: {n} of {most}.",
        "credit": "The client's credit notes and unallocated payments: {credit}; due before today: {owed}.",
        "bounced": "Addresses left out, their messages came back: {people}.",
        "no_people": "Nobody to write to: {people} gives no usable address.",
        "message_to": "From: {sender}. To: {to}.",
        "below": "The total of its message does not reach {amount}.",
        "quiet_since": "Last automatic message to this client on {day}; quiet up to and including {until}.",
        "quiet_run": "Another message of this day goes first for this client.",
        "limit": "No more than {n} messages per run; the oldest due dates go first.",
        "with_others": "Leaves together with: {numbers}.",
        "alone": "Leaves by itself.",
        "text_of": "Text of step {number} “{name}”, the furthest in the message.",
        "retry": "The message of the last attempt is sent again as it was.",
        "send": "Decision: send today ({reason}).",
        "wait": "Decision: wait ({reason}).",
        "skip": "Decision: nothing ({reason}).",
        "next_date": "Next date: {day}.",
    },
}


class Words:
    """The phrases of one language; French for any that is not English."""

    def __init__(self, language: str) -> None:
        self.language = "en" if language.lower().startswith("en") else "fr"
        self._texts = TEXTS[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """A phrase with its values in place."""
        return self._texts[key].format_map(values)

    def reason(self, reason: str) -> str:
        """A reason in one short phrase."""
        return REASONS[self.language][reason]

    def day(self, day: date, style: str = "long") -> str:
        """A date, in Babel's ``long`` style or the one given (``full`` names the day of the week)."""
        return format_date(day, style, self.language)  # type: ignore[arg-type]

    def amount(self, amount: Decimal, currency: str) -> str:
        """An amount in its currency."""
        return format_currency(amount, currency, locale=self.language)

    def number(self, number: Decimal) -> str:
        """An amount in no particular currency."""
        return format_decimal(number, "#,##0.00", self.language)

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
