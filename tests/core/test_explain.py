"""Programs and decisions in words: what is given, and the exact sentences, in both languages."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from core_samples import POLICY, adapted, client, invoice, money, on, outcome, program, reminded

from relance_addon.core import words
from relance_addon.core.decide import REASONS
from relance_addon.core.explain import circumstances, example, explain, recap
from relance_addon.core.model import Address, Attempt, Client, History, Invoice, StepChange
from relance_addon.core.phrases import PHRASES
from relance_addon.core.program import Book, Program

STANDARD = program("D-7 D+3 D+15 P+10", calendar="FR", version=2)


def plain(lines: Iterable[str]) -> list[str]:
    """Without the narrow and fixed spaces that amounts are written with."""
    return [line.replace("\u202f", " ").replace("\u00a0", " ") for line in lines]


def why(
    made: Invoice | list[Invoice],
    today: str,
    programs: Program | list[Program] = STANDARD,
    language: str = "en",
    clients: Iterable[Client] = (),
    **keys: Any,
) -> list[str]:
    """The explanation of the first invoice given."""
    all_of = [made] if isinstance(made, Invoice) else made
    all_programs = [programs] if isinstance(programs, Program) else programs
    policy = replace(POLICY, per_run=keys.pop("per_run", None))
    history = keys.pop("history", History())
    for key, name in (("sent", "reminders"), ("plan", "adaptations")):
        if key in keys:
            history = replace(history, **{name: {all_of[0].id: keys.pop(key)}})
    known = {one.client: client(one.client) for one in all_of} | {one.id: one for one in clients}
    found = outcome(all_of, all_programs, today, clients, history, policy, **keys)
    made_of = explain(all_of[0].id, found, known, Book(all_programs), history, on(today), policy, language)
    assert made_of.decision is found.decisions[0]
    return plain(made_of.lines)


class TestWords:
    def test_every_reason_has_words_in_both_languages(self) -> None:
        assert {language: set(said) for language, said in words.REASONS.items()} == {
            "fr": set(REASONS),
            "en": set(REASONS),
        }
        assert all(said for of in words.REASONS.values() for said in of.values())

    def test_both_languages_say_the_same_with_the_same_values(self) -> None:
        def values(text: str) -> set[str]:
            return {name for _, name, _, _ in string.Formatter().parse(text) if name}

        assert list(PHRASES["fr"]) == list(PHRASES["en"])
        differ = [key for key, text in PHRASES["fr"].items() if values(text) != values(PHRASES["en"][key])]
        assert differ == []

    @pytest.mark.parametrize("language", ["fr", "en"])
    def test_no_two_reasons_have_the_same_words(self, language: str) -> None:
        assert len(set(words.REASONS[language].values())) == len(REASONS)


TRIGGERS = [
    # step, in French, in English
    ("D+3", "3 jours après l'échéance", "3 days after the due date"),
    ("D+1", "1 jour après l'échéance", "1 day after the due date"),
    ("D+0", "le jour de l'échéance", "on the due date"),
    ("D-7", "7 jours avant l'échéance", "7 days before the due date"),
    ("D+2w", "14 jours après l'échéance", "14 days after the due date"),
    ("D+2m", "2 mois après l'échéance", "2 months after the due date"),
    ("D-1m", "1 mois avant l'échéance", "1 month before the due date"),
    ("I+30", "30 jours après la date de facture", "30 days after the issue date"),
    ("I+0", "à la date de facture", "on the issue date"),
    ("I-2", "2 jours avant la date de facture", "2 days before the issue date"),
    ("I+1m", "1 mois après la date de facture", "1 month after the issue date"),
]


@pytest.mark.parametrize(("step", "french", "english"), TRIGGERS)
def test_when_a_step_is_due(step: str, french: str, english: str) -> None:
    made = program(step)
    assert recap(made, "fr")[-1].startswith(f"1. a : {french}, par courriel. ")
    assert recap(made, "en")[-1].startswith(f"1. a: {english}, by mail. ")


class TestRecap:
    def test_a_program_with_nothing_but_its_steps(self) -> None:
        assert recap(program("D+3 P+10", version=0), "fr") == [
            "Programme « standard » (standard).",
            "Pour : toutes les factures qui n'en ont pas d'autre.",
            "Messages : un par client et par étape.",
            "Calendrier : aucun, les relances partent tous les jours.",
            "Après un message écrit à la main, l'étape suivante attend 7 jours.",
            "1. a : 3 jours après l'échéance, par courriel. De : la comptabilité. À : les contacts de facturation du "
            "client. Objet et texte : modèle « default ».",
            "2. b : 10 jours après la relance précédente, par courriel. De : la comptabilité. À : les contacts de "
            "facturation du client. Objet et texte : modèle « default ».",
        ]

    FULL = program(
        "D-7 D+15",
        name="public",
        label="Organismes publics",
        default=False,
        version=4,
        group="client",
        calendar="FR-6AE",
        minimum="1000",
        quiet_days=1,
        after_manual=0,
        since="2026-01-01",
        pin=True,
        when={"country": ["FR", "BE"], "tag": ["public"]},
        names=["Courtoisie", "Relance"],
        each={
            "Courtoisie": {
                "sender": "salesperson",
                "to": ["billing", "Ann <ann@x.example>"],
                "cc": ["client"],
                "bcc": ["manager"],
                "subject": "Facture #REF#",
                "template": "first",
                "attach": ["invoice", "schedule?"],
                "payment_link": True,
            },
            "Relance": {"channel": "activity", "sender": "salesperson", "body": "Appeler #CLIENT#"},
        },
    )

    def test_a_program_with_everything(self) -> None:
        assert plain(recap(self.FULL, "fr")) == [
            "Programme « Organismes publics » (public), version 4.",
            "Pour : les clients dont le pays est FR ou BE et une étiquette est public.",
            "Seulement les factures émises à partir du 1 janvier 2026.",
            "Messages : un par client, avec le texte de l'étape la plus avancée.",
            "Calendrier : les jours ouvrés (FR-6AE).",
            "Montant minimum d'un message : 1 000,00.",
            "Silence : 1 jour entre deux messages automatiques à un même client.",
            "Un message écrit à la main ne retarde aucune étape.",
            "Chaque facture garde la version qu'elle a rencontrée d'abord.",
            "1. Courtoisie : 7 jours avant l'échéance, par courriel. De : le commercial de la facture. "
            "À : les contacts de facturation du client, Ann <ann@x.example>. Cc : l'adresse du client. Cci : manager. "
            "Objet : « Facture #REF# ». Texte : modèle « first ». "
            "Pièces jointes : la facture, l'échéancier s'il y en a un. Avec le lien de paiement.",
            "2. Relance : 15 jours après l'échéance, par une activité. Pour : le commercial de la facture. "
            "Objet : celui du modèle « default ». Texte : celui du programme.",
        ]

    def test_the_same_in_english(self) -> None:
        assert plain(recap(self.FULL, "en")) == [
            "Program “Organismes publics” (public), version 4.",
            "For: clients whose country is FR or BE and tags include public.",
            "Only invoices issued from January 1, 2026 on.",
            "Messages: one per client, with the text of the furthest step.",
            "Calendar: working days (FR-6AE).",
            "Smallest total of a message: 1,000.00.",
            "Quiet: 1 day between two automatic messages to a client.",
            "A message written by hand delays no step.",
            "Each invoice keeps the version that it first met.",
            "1. Courtoisie: 7 days before the due date, by mail. From: the invoice's salesperson. "
            "To: the client's billing contacts, Ann <ann@x.example>. Cc: the client's address. Bcc: manager. "
            "Subject: “Facture #REF#”. Text: template “first”. "
            "Attached: the invoice, the payment schedule if there is one. With the payment link.",
            "2. Relance: 15 days after the due date, by an activity. For: the invoice's salesperson. "
            "Subject: that of template “default”. Text: the program's own.",
        ]

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ({"default": True}, "For: all invoices that have no other."),
            ({"default": False}, "For: the invoices and clients that it is chosen for."),
            ({"default": False, "when": {"language": ["fr"]}}, "For: clients whose language is fr."),
            ({"default": False, "when": {"client": ["1", "2"]}}, "For: clients whose id is 1 or 2."),
            ({"default": False, "when": {}}, "For: every client."),
            (
                {"default": True, "when": {"tag": ["vip"]}},
                "For: clients whose tags include vip, and all invoices that have no other program.",
            ),
        ],
    )
    def test_for_whom(self, keys: dict[str, Any], expected: str) -> None:
        assert recap(program(**keys), "en")[1] == expected

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ({"group": "invoice"}, "Messages : un par facture."),
            ({"calendar": "client"}, "Calendrier : les jours ouvrés du pays du client."),
        ],
    )
    def test_other_choices(self, keys: dict[str, Any], expected: str) -> None:
        assert expected in recap(program(**keys), "fr")


class TestExample:
    def test_every_step_on_its_day(self) -> None:
        assert example(program("D-7 D+3 P+10"), "fr", on("02-01"), on("03-01")) == [
            ("a", on("02-22"), "dimanche 22 février 2026 : a, 7 jours avant l'échéance"),
            ("b", on("03-04"), "mercredi 4 mars 2026 : b, 3 jours après l'échéance"),
            ("c", on("03-14"), "samedi 14 mars 2026 : c, 10 jours après la relance précédente"),
        ]

    def test_with_a_calendar(self) -> None:
        assert [
            words for _, _, words in example(program("D-7 P+12", calendar="FR"), "en", on("02-01"), on("03-01"))
        ] == [
            "Friday, February 20, 2026: a, 7 days before the due date (Sunday, February 22, 2026 is no working day)",
            "Wednesday, March 4, 2026: b, 12 days after the previous reminder",
        ]

    def test_with_the_clients_calendar(self) -> None:
        steps = program("D+3", calendar="client")
        days = [example(steps, "en", on("06-01"), on("07-11"), country=country)[0][1] for country in ("FR", "DE")]
        assert days == [on("07-15"), on("07-14")]

    def test_a_courtesy_note_from_before_the_invoice_leaves_on_the_day_it_is_issued(self) -> None:
        assert [(name, day) for name, day, _ in example(program("D-7 D+3"), "fr", on("03-01"), on("03-05"))] == [
            ("a", on("03-01")),
            ("b", on("03-11")),
        ]

    def test_due_on_the_day_it_is_issued_there_is_no_courtesy_note(self) -> None:
        assert [name for name, _, _ in example(program("D-7 D+3"), "fr", on("03-01"), on("03-01"))] == ["b"]

    def test_from_today_on(self) -> None:
        found = example(program("D+3 D+15"), "fr", on("02-01"), on("03-01"), today=on("04-01"))
        assert [(name, day) for name, day, _ in found] == [("a", on("04-01")), ("b", on("04-13"))]

    def test_an_invoice_due_never(self) -> None:
        assert len(example(program("D+3 P+10", calendar="FR"), "fr", on("02-01"), date.max)) == 2


class TestExplain:
    def test_a_first_step_to_come(self) -> None:
        assert why(invoice(), "03-02", language="fr") == [
            "Facture FA-17 de Client 1 : ouverte.",
            "Échue le 1 mars 2026, 1 jour de retard.",
            "Reste dû : 100,00 € sur 100,00 €.",
            "Programme : « standard », version 2, par défaut.",
            "Aucune relance envoyée.",
            "Étape 1 « a » : caduque, l'échéance est venue avant qu'elle parte.",
            "Étape suivante : 2 « b », le 4 mars 2026.",
            "Sa date : 3 jours après l'échéance, soit le 4 mars 2026.",
            "De : Comptabilité <compta@acme.example>. À : Client 1 <client1@x.example>.",
            "Décision : attendre (pas encore la date).",
            "Prochaine date : 4 mars 2026.",
        ]

    def test_a_reminder_that_leaves_with_others(self) -> None:
        assert why([invoice(), invoice("18"), invoice("19")], "03-04") == [
            "Invoice FA-17 of Client 1: open.",
            "Due on March 1, 2026, 3 days late.",
            "Left to pay: €100.00 of €100.00.",
            "Program: “standard”, version 2, by default.",
            "No reminder sent.",
            "Step 1 “a”: lapsed, the due date came before it left.",
            "Next step: 2 “b”, on March 4, 2026.",
            "Its date: 3 days after the due date, that is March 4, 2026.",
            "From: Comptabilité <compta@acme.example>. To: Client 1 <client1@x.example>.",
            "Leaves together with: FA-18, FA-19.",
            "Decision: send today (due).",
        ]

    def test_a_late_reminder_delays_the_next(self) -> None:
        assert why(invoice(), "03-20", sent=reminded("b 03-12"))[4:] == [
            "Step 2 “b” sent on March 12, 2026.",
            "Step 1 “a”: passed over, a later one has left.",
            "Next step: 3 “c”, on March 24, 2026.",
            "Its date: 15 days after the due date, that is March 16, 2026, but step 2 left on March 12, 2026: "
            "their spacing (12 days) is kept, which leads to March 24, 2026.",
            "From: Comptabilité <compta@acme.example>. To: Client 1 <client1@x.example>.",
            "Decision: wait (not due yet).",
            "Next date: March 24, 2026.",
        ]

    def test_two_holds_an_instalment_and_a_message_by_hand_in_french(self) -> None:
        made = invoice(instalments=[("03-01", 50, 50), ("04-01", 50, 50)], held_until="03-31")
        history = History(client_holds={"1": date.max}, reminders={"17": reminded("a 02-20", "b 03-04", "- 03-21")})
        assert why(made, "03-22", language="fr", history=history)[1:] == [
            "Échue le 1 mars 2026, 21 jours de retard.",
            "Reste dû : 100,00 € sur 100,00 €.",
            "Échéance en cours : n° 1 sur 2, du 1 mars 2026 ; demandé : 50,00 €.",
            "Programme : « standard », version 2, par défaut.",
            "Étape 1 « a » envoyée le 20 février 2026.",
            "Étape 2 « b » envoyée le 4 mars 2026.",
            "Message écrit à la main envoyé le 21 mars 2026.",
            "Étape suivante : 3 « c », le 30 mars 2026.",
            "Sa date : 15 jours après l'échéance, soit le 16 mars 2026.",
            "Pas avant le 28 mars 2026, 7 jours après le message écrit à la main.",
            "Le samedi 28 mars 2026 n'est pas un jour ouvré : reportée au lundi 30 mars 2026.",
            "Facture suspendue dans l'ERP jusqu'au 31 mars 2026 inclus.",
            "Client suspendu sans limite.",
            "De : Comptabilité <compta@acme.example>. À : Client 1 <client1@x.example>.",
            "Décision : rien (facture suspendue).",
        ]

    def test_a_draft(self) -> None:
        assert why(invoice(status="draft", due=None), "02-02", program("D+3"))[:7] == [
            "Invoice FA-17 of Client 1: draft.",
            "Due on February 1, 2026, 1 day late.",
            "No due date: the issue date stands for it.",
            "Dates are provisional: they will follow the final issue date.",
            "Left to pay: €100.00 of €100.00.",
            "Program: “standard”, version 1, by default.",
            "No reminder sent.",
        ]

    def test_a_paid_invoice(self) -> None:
        assert why(invoice(residual=0, total=100), "03-20", sent=reminded("b 03-04")) == [
            "Invoice FA-17 of Client 1: open.",
            "Due on March 1, 2026.",
            "Left to pay: €0.00 of €100.00.",
            "Nothing is left to pay: it counts as paid.",
            "Program: “standard”, version 2, by default.",
            "Step 2 “b” sent on March 4, 2026.",
            "Decision: nothing (paid).",
        ]

    def test_unusable_data(self) -> None:
        assert why(invoice(program="standart"), "03-20") == [
            "Invoice FA-17 of Client 1: open.",
            "Unusable: program: unknown program 'standart'; did you mean 'standard'?",
            "Decision: nothing (unusable data).",
        ]

    def test_an_unknown_client(self) -> None:
        from relance_addon.core.group import decide

        book = Book([STANDARD])
        found = decide([invoice()], {}, book, History(), on("03-20"), POLICY)
        lines = explain("17", found, {}, book, History(), on("03-20"), POLICY, "en").lines
        assert lines[0] == "Invoice FA-17: open."

    def test_an_invoice_that_nothing_was_decided_for(self) -> None:
        found = outcome([], STANDARD, "03-20")
        with pytest.raises(KeyError):
            explain("17", found, {}, Book([STANDARD]), History(), on("03-20"), POLICY, "en")

    def test_any_other_language_is_french(self) -> None:
        assert why(invoice(), "03-02", language="de") == why(invoice(), "03-02", language="fr")
        assert why(invoice(), "03-02", language="en_GB") == why(invoice(), "03-02", language="en")


STRICT = program(name="strict", default=False)
NEW = program(name="new", default=False, since="2026-02-15")
VIP = program(name="vip", default=False, when={"tag": ["vip"]})

PRECEDENCE = [
    # what is said, about which invoice, client, plan
    (["Program: “standard”, version 2, by default."], {}, {}, None),
    (["Program: “strict”, version 1, the invoice's own in the ERP."], {"program": "strict"}, {"tags": ("vip",)}, None),
    (["Program: “strict”, version 1, applied to this invoice."], {}, {}, adapted(program="strict")),
    (["Program: “strict”, version 1, the client's in the ERP."], {}, {"program": "strict"}, None),
    (["Program: “vip”, version 1, the first whose conditions fit the client."], {}, {"tags": ("vip",)}, None),
    (
        [
            "Program “new” is passed over: it is for invoices issued from February 15, 2026 on.",
            "Program: “vip”, version 1, the first whose conditions fit the client.",
        ],
        {},
        {"program": "new", "tags": ("vip",)},
        None,
    ),
    (["Program: none, as the invoice says in the ERP."], {"program": "none"}, {}, None),
    (["Program: none, taken off this invoice."], {}, {}, adapted(program="none")),
    (["Program: none, as the client says in the ERP."], {}, {"program": "none"}, None),
]


@pytest.mark.parametrize(("expected", "of_invoice", "of_client", "plan"), PRECEDENCE)
def test_which_program_and_by_which_rule(
    expected: list[str], of_invoice: dict[str, Any], of_client: dict[str, Any], plan: Any
) -> None:
    keys = {} if plan is None else {"plan": plan}
    lines = why(invoice(**of_invoice), "03-02", [STRICT, NEW, VIP, STANDARD], clients=[client(**of_client)], **keys)
    assert [line for line in lines if line.startswith("Program")] == expected


def test_a_program_chosen_here_for_the_client() -> None:
    chosen = History(client_programs={"1": "strict"})
    assert "Program: “strict”, version 1, chosen for this client." in why(
        invoice(), "03-02", [STRICT, STANDARD], history=chosen
    )
    none = History(client_programs={"1": "none"})
    assert "Program: none, taken off this client." in why(invoice(), "03-02", [STRICT, STANDARD], history=none)


PINNED = [
    # what is said after the program's line, the plan, the versions that are kept
    (["The invoice stays at this version."], "applied to this invoice", adapted(program="strict", version=1), STRICT),
    (
        ["The invoice stays at this version; the program is at version 2."],
        "applied to this invoice",
        adapted(program="strict", version=1),
        STRICT.at(2, False),
    ),
    (
        ["The invoice stays at this version."],
        "which this invoice keeps",
        adapted(program="strict", version=1),
        STRICT.model_copy(update={"pin": True}),
    ),
    ([], "applied to this invoice", adapted(program="strict"), STRICT),
]


@pytest.mark.parametrize(("expected", "rule", "plan", "current"), PINNED)
def test_which_version_is_kept(expected: list[str], rule: str, plan: Any, current: Program) -> None:
    found = outcome(invoice(), [current, STANDARD], "03-02", history=History(adaptations={"17": plan}), kept=[STRICT])
    known = ({"1": client()}, Book([current, STANDARD], [STRICT]), History(adaptations={"17": plan}), on("03-02"))
    lines = explain("17", found, *known, POLICY, "en").lines
    assert [line for line in lines if "version" in line] == [f"Program: “strict”, version 1, {rule}.", *expected]


@pytest.mark.parametrize(
    ("expected", "of_invoice", "of_client", "keys"),
    [
        (
            "“vip”, applied here to the invoice, does not count: the ERP goes first.",
            {"program": "strict"},
            {},
            {"plan": adapted(program="vip")},
        ),
        (
            "“vip”, chosen here for the client, does not count: the ERP goes first.",
            {},
            {"program": "strict"},
            {"history": History(client_programs={"1": "vip"})},
        ),
    ],
)
def test_what_was_said_here_in_vain_is_told(
    expected: str, of_invoice: dict[str, Any], of_client: dict[str, Any], keys: dict[str, Any]
) -> None:
    made = invoice(**of_invoice)
    assert expected in why(made, "03-02", [STRICT, VIP, STANDARD], clients=[client(**of_client)], **keys)
    assert not any("does not count" in line for line in why(made, "03-02", [STRICT, VIP, STANDARD]))


def test_the_circumstances_of_a_plan_are_the_same_words() -> None:
    made, history = invoice(held_until="03-09"), History(adaptations={"17": adapted(program="strict", version=1)})
    found = outcome(made, [STRICT, STANDARD], "03-02", history=history)
    known = ({"1": client()}, Book([STRICT, STANDARD]), history, on("03-02"))
    assert plain(circumstances(found.decisions[0], *known, "en")) == [
        "Invoice FA-17 of Client 1: open.",
        "Due on March 1, 2026, 1 day late.",
        "Left to pay: €100.00 of €100.00.",
        "Program: “strict”, version 1, applied to this invoice.",
        "The invoice stays at this version.",
        "Invoice on hold in the ERP up to and including March 9, 2026.",
        "Decision: nothing (invoice on hold).",
    ]
    nobody = outcome(invoice(client="9"), STANDARD, "03-02", clients=[client("9", invalid="email: wrong")])
    assert circumstances(nobody.decisions[0], {}, Book([STANDARD]), History(), on("03-02"), "en") == (
        "Invoice FA-17 of Client 9: open.",
        "Unusable: email: wrong",
        "Decision: nothing (unusable data).",
    )


def test_no_default() -> None:
    assert "Program: none applies, and there is no default." in why(invoice(), "03-02", STRICT)


DATES = [
    # program, sent, plan, today, the lines from "Next step" on to the recipients
    (
        "D+3 P+10",
        ("a 03-09",),
        None,
        [
            "Next step: 2 “b”, on March 19, 2026.",
            "Its date: 10 days after the reminder of March 9, 2026, that is March 19, 2026.",
        ],
    ),
    (
        "D+3 P+1m P+5",
        ("a 03-31",),
        adapted("b"),
        [
            "Next step: 3 “c”, on May 5, 2026.",
            "Its date: 1 month + 5 days after the reminder of March 31, 2026, that is May 5, 2026.",
        ],
    ),
    (
        "D+3 D+15",
        ("a 03-09",),
        adapted(dates={"b": "03-11"}),
        ["Next step: 2 “b”, on March 11, 2026.", "Its date is set by hand."],
    ),
    (
        "D+3 D+15",
        ("a 03-09",),
        adapted(dates={"b": "03-05"}),
        [
            "Next step: 2 “b”, on March 10, 2026.",
            "Its date is set by hand.",
            "Not before March 10, 2026, the day after the last reminder.",
        ],
    ),
    (
        "D+3 D+15",
        ("a 03-09",),
        adapted(restart=1),
        [
            "Next step: 1 “a”, on March 16, 2026.",
            "Its date: 3 days after the due date, that is March 4, 2026.",
            "A new cycle begins: not before March 16, 2026, 7 days after the last reminder.",
        ],
    ),
    (
        "D+3 D+15",
        ("- 03-03",),
        None,
        [
            "Next step: 1 “a”, on March 10, 2026.",
            "Its date: 3 days after the due date, that is March 4, 2026.",
            "Not before March 10, 2026, 7 days after the message written by hand.",
        ],
    ),
]


@pytest.mark.parametrize(("steps", "sent", "plan", "expected"), DATES)
def test_how_the_date_was_worked_out(steps: str, sent: tuple[str, ...], plan: Any, expected: list[str]) -> None:
    keys = {} if plan is None else {"plan": plan}
    lines = why(invoice(), "03-04", program(steps), sent=reminded(*sent), **keys)
    start = next(number for number, line in enumerate(lines) if line.startswith("Next step"))
    end = next(number for number, line in enumerate(lines) if line.startswith("From:"))
    assert lines[start:end] == expected


def test_a_courtesy_note_brought_forward() -> None:
    lines = why(invoice(due="03-15"), "03-02", program("D-7 D+3", calendar="FR"))
    assert "Sunday, March 8, 2026 is no working day: brought forward to Friday, March 6, 2026." in lines


SENT = [
    ("Step 1 “a” sent on March 4, 2026.", reminded("a 03-04")),
    ("Step 1 “a” sent by hand on March 4, 2026.", reminded("a 03-04", origin="manual")),
    ("Step “z”, which the program no longer has, sent on March 4, 2026.", reminded("z 03-04")),
    ("Step “a” of program “other” sent on March 4, 2026, in an earlier cycle.", reminded("a 03-04", program="other")),
    ("Message written by hand sent on March 4, 2026.", reminded("- 03-04")),
]


@pytest.mark.parametrize(("expected", "sent"), SENT)
def test_what_was_sent(expected: str, sent: Any) -> None:
    assert expected in why(invoice(), "03-20", program(), sent=sent)


CYCLE = "0.1.0.standard"
OBSTACLES: list[tuple[str, list[str], str, dict[str, Any]]] = [
    # today, what is said after how the date was worked out, in which language, about what
    ("03-20", ["Step 2 “b”: dropped for this invoice."], "en", {"sent": reminded("a 03-04"), "plan": adapted("b")}),
    (
        "03-20",
        [
            "Nobody knows whether the last message left: a person has to settle it.",
            "Decision: nothing (last message in doubt).",
        ],
        "en",
        {"history": History(in_doubt=frozenset({"17"}))},
    ),
    (
        "03-20",
        ["Failed attempts at this step: 3 of 3.", "Decision: nothing (three attempts failed)."],
        "en",
        {"history": History(attempts={"17": (Attempt(CYCLE, "a", 3, "m1"),)})},
    ),
    (
        "03-20",
        ["Failed attempts at this step: 1 of 3.", "The message of the last attempt is sent again as it was."],
        "en",
        {"history": History(attempts={"17": (Attempt(CYCLE, "a", 1, "m1"),)})},
    ),
    (
        "03-20",
        [
            "Avoirs et paiements non affectés du client : 500,00 € ; échu avant aujourd'hui : 100,00 €.",
            "Décision : rien (couverte par un avoir ou un paiement du client).",
        ],
        "fr",
        {"clients": [client(credit={"EUR": 500})]},
    ),
    (
        "03-20",
        ["Nobody to write to: no usable address (the client's billing contacts).", "Decision: nothing (no recipient)."],
        "en",
        {"clients": [client(email="")]},
    ),
    (
        "03-20",
        [
            "Adresses écartées, leurs messages sont revenus : Client 1 <client1@x.example>.",
            "Personne à qui écrire : aucune adresse utilisable (les contacts de facturation du client).",
        ],
        "fr",
        {"history": History(bounced=frozenset({"client1@x.example"}))},
    ),
    (
        "03-20",
        ["The total of its message does not reach 1,000.00.", "Decision: nothing (below the minimum)."],
        "en",
        {"programs": program(minimum="1000")},
    ),
    (
        "03-20",
        [
            "Last automatic message to this client on March 18, 2026; quiet up to and including March 23, 2026.",
            "Decision: wait (client reminded lately).",
            "Next date: March 24, 2026.",
        ],
        "en",
        {"programs": program(quiet_days=5), "history": History(messaged={"1": on("03-18")})},
    ),
    (
        "03-20",
        [
            "No more than 0 messages per run; the oldest due dates go first.",
            "Decision: wait (limit of messages reached).",
        ],
        "en",
        {"per_run": 0},
    ),
    (
        "03-21",
        ["Décision : attendre (jour non ouvré).", "Prochaine date : 23 mars 2026."],
        "fr",
        {"programs": program(calendar="FR")},
    ),
    (
        "03-20",
        [
            "Invoice on hold in the ERP up to and including March 31, 2026.",
            "Decision: nothing (invoice on hold).",
            "Next date: April 1, 2026.",
        ],
        "en",
        {"made": invoice(held_until="03-31")},
    ),
    (
        "03-20",
        ["Client on hold in the ERP for good.", "Decision: nothing (client on hold)."],
        "en",
        {"clients": [client(held_until=date.max)]},
    ),
    (
        "03-20",
        ["Step 1 “a” sent on March 4, 2026.", "Decision: nothing (no step left)."],
        "en",
        {"programs": program("D+3"), "sent": reminded("a 03-04")},
    ),
    (
        "03-20",
        ["For: Comptabilité <compta@acme.example>.", "Leaves by itself."],
        "en",
        {"programs": program("D+3", step={"channel": "activity"})},
    ),
    (
        "03-20",
        ["From: Max <max@acme.example>. To: Client 1 <client1@x.example>. Cc: boss@x.example. Bcc: new@x.example."],
        "en",
        {
            "made": invoice(salesperson=Address("Max", "max@acme.example")),
            "plan": adapted(
                changes={"a": StepChange(sender="salesperson", cc=("boss@x.example",), bcc=("new@x.example",))}
            ),
        },
    ),
    (
        "03-20",
        ["Leaves together with: FA-18.", "Text of step 2 “b”, the furthest in the message."],
        "en",
        {
            "made": [invoice(), invoice("18")],
            "programs": program(group="client"),
            "history": History(reminders={"18": reminded("a 03-04")}),
        },
    ),
]


@pytest.mark.parametrize(("today", "expected", "language", "keys"), OBSTACLES)
def test_what_speaks_against_it(today: str, expected: list[str], language: str, keys: dict[str, Any]) -> None:
    keys = {"programs": program(), "made": invoice(), **keys}
    lines = why(keys.pop("made"), today, keys.pop("programs"), language, **keys)
    assert [line for line in lines if line in expected] == expected


def test_another_message_of_the_day_goes_first() -> None:
    both = [invoice(due="03-03"), invoice("18")]
    lines = why(both, "03-20", program(group="invoice", quiet_days=3))
    assert lines[-2:] == [
        "Another message of this day goes first for this client.",
        "Decision: wait (client reminded lately).",
    ]


def test_the_lines_never_change_the_decision() -> None:
    made = [invoice(str(number), residual=money(number)) for number in range(3)]
    first, second = (why(made, "03-20") for _ in range(2))
    assert first == second
