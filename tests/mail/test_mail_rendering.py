"""Subjects, texts and HTML of messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import TODAY, invoice, message

from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Instalment
from relance_addon.mail.library import Library, shipped
from relance_addon.mail.render import Renderer, one_line

Say = Callable[..., str]
Write = Callable[..., Path]
LINKED = {"payment_link": "https://pay.example/17?a=1&b=2"}
SEVERAL = (invoice("17"), invoice("18", due_date=date(2026, 9, 15)), invoice("19", currency="CHF"))
PARTS = (
    Instalment(date(2026, 10, 1), Decimal("400"), Decimal("0")),
    Instalment(date(2026, 11, 1), Decimal("400"), Decimal("400")),
    Instalment(date(2026, 12, 1), Decimal("400"), Decimal("400")),
)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("template", Library(shipped()).names())
def test_shipped_templates_say_number_amount_and_link(renderer: Renderer, template: str, language: str) -> None:
    one = message([invoice(**LINKED)], language, template=template, payment_link=True)
    rendered = renderer.render(one, TODAY, {})
    money = "1\u202f200,00\xa0€" if language == "fr" else "€1,200.00"
    assert "FA-0017" in rendered.text
    assert money in rendered.text
    assert "<https://pay.example/17?a=1&b=2>" in rendered.text
    assert 'href="https://pay.example/17?a=1&amp;b=2"' in rendered.html
    assert f'lang="{language}"' in rendered.html
    assert "None" not in rendered.text + rendered.html + rendered.subject
    assert "<style>" not in rendered.html.replace("\n", "")


@pytest.mark.parametrize("template", Library(shipped()).names())
def test_a_button_stays_readable_where_a_host_drops_shorthand(renderer: Renderer, template: str) -> None:
    # Odoo keeps background-color and drops background: the link was white on white.
    html = renderer.render(message([invoice(**LINKED)], template=template, payment_link=True), TODAY, {}).html
    assert "background-color: #14508c" in html
    assert "background:" not in html


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("template", Library(shipped()).names())
def test_shipped_templates_add_up_per_currency_only(renderer: Renderer, template: str, language: str) -> None:
    text = renderer.render(message(SEVERAL, language, template=template), TODAY, {}).text
    totals = {"fr": ("2\u202f400,00\xa0€", "1\u202f200,00\xa0CHF"), "en": ("€2,400.00", "CHF1,200.00")}[language]
    assert all(total in text for total in totals)
    assert "3" + totals[0][1:] not in text


@pytest.mark.parametrize(
    ("template", "language", "one", "many"),
    [
        ("default", "fr", "la facture suivante reste à régler", "les factures suivantes restent à régler"),
        ("second", "fr", "procéder à son règlement", "procéder à leur règlement"),
        ("final", "fr", "la facture suivante est toujours impayée", "les factures suivantes sont toujours impayées"),
        ("default", "en", "the following invoice has", "the following invoices have"),
        ("notice", "en", "the following invoice was", "the following invoices were"),
    ],
)
def test_one_is_singular_and_many_are_plural(
    renderer: Renderer, template: str, language: str, one: str, many: str
) -> None:
    assert one in renderer.render(message((), language, template=template), TODAY, {}).text
    assert many in renderer.render(message(SEVERAL, language, template=template), TODAY, {}).text


@pytest.mark.parametrize(
    ("days", "text"), [(1, "1 jour de retard"), (2, "2 jours de retard"), (0, "retard"), (-3, "retard")]
)
def test_a_day_late_is_singular_and_no_day_is_not_said(renderer: Renderer, days: int, text: str) -> None:
    due = date.fromordinal(TODAY.toordinal() - days)
    said = renderer.render(message([invoice(due_date=due)]), TODAY, {}).text
    assert (text in said) is (days > 0)


def test_a_table_becomes_aligned_lines(renderer: Renderer) -> None:
    two = message([invoice(), invoice("118", total=Decimal(80), residual=Decimal(80))])
    text = renderer.render(two, TODAY, {}).text
    table = [line for line in text.splitlines() if "€" in line]
    assert len(table) == 3
    assert len({len(line) for line in table}) == 1


def test_an_instalment_is_what_is_asked_for_and_the_rest_is_named(renderer: Renderer) -> None:
    one = invoice(instalments=PARTS, residual=Decimal(800))
    asked = message([one])
    decision = asked.decisions[0]._replace(residual=Decimal(400), due=date(2026, 11, 1))
    text = renderer.render(asked._replace(decisions=(decision,)), TODAY, {}).text
    assert "400,00\xa0€" in text
    assert "sur 800,00\xa0€ restants" in text
    assert "payable en 3 échéances" in text


def test_links_are_only_in_templates_when_the_step_asks_for_them(renderer: Renderer) -> None:
    assert "https" not in renderer.render(message([invoice(**LINKED)]), TODAY, {}).text


def test_a_link_that_is_missing_leaves_no_button(renderer: Renderer) -> None:
    rendered = renderer.render(message(payment_link=True), TODAY, {})
    assert "Régler en ligne" not in rendered.text
    assert 'class="pay' not in rendered.html


def test_a_typed_body_is_text_and_paragraphs(renderer: Renderer) -> None:
    body = "Bonjour #CLIENT#,\n\n1 < 2 & #REF#\nhttps://pay.example/x?a=1&b=2.\n"
    rendered = renderer.render(message(client="A & <b>", body=body), TODAY, {})
    assert rendered.text == "Bonjour A & <b>,\n\n1 < 2 & FA-0017\nhttps://pay.example/x?a=1&b=2.\n"
    assert "Bonjour A &amp; &lt;b&gt;,</p>" in rendered.html
    assert "1 &lt; 2 &amp; FA-0017<br>" in rendered.html
    assert ">https://pay.example/x?a=1&amp;b=2</a>." in rendered.html


def test_a_client_named_like_a_script_is_text_everywhere_but_in_html(renderer: Renderer) -> None:
    name = "<script>alert('x')</script> & Co"
    for step in ({"template": "first"}, {"body": "Bonjour #CLIENT#"}):
        one = message([invoice(number="<b>17</b>")], client=name, subject="#CLIENT# #REF#", **step)
        rendered = renderer.render(one, TODAY, {}, preview=True)
        assert rendered.subject == f"{name} <b>17</b>"
        assert "<script" not in rendered.html
        assert "<b>17" not in rendered.html
        assert "&lt;b&gt;17" in rendered.html or "body" in step
    assert f"Bonjour {name}" in rendered.text


@pytest.mark.parametrize("name", ["A\r\nBcc: x@y.example", "A\nB", "A\u2028B", "A\x00B", "A\u0085B", "A\u202eB"])
def test_line_breaks_and_controls_in_names_do_not_reach_the_subject(renderer: Renderer, name: str) -> None:
    subject = renderer.render(message(client=name, subject="X #CLIENT#", body="y"), TODAY, {}).subject
    assert len(subject.splitlines()) == 1
    assert subject.isprintable()


@pytest.mark.parametrize("name", ["شركة الأمل", "Café 👩‍👩‍👧 & Fils", "株式会社", "Ünïcødé"])
def test_names_of_any_script_are_kept(renderer: Renderer, name: str) -> None:
    rendered = renderer.render(message(client=name, subject="#CLIENT#", body="#CLIENT#"), TODAY, {})
    assert rendered.subject == name
    assert rendered.text == f"{name}\n"


def test_the_subject_is_the_steps_else_the_templates(renderer: Renderer) -> None:
    assert renderer.subject(message(subject="#REF# !", template="first"), TODAY, {}) == "FA-0017 !"
    assert renderer.subject(message(template="first"), TODAY, {}) == "Facture FA-0017 : rappel"
    assert renderer.subject(message(), TODAY, {}) == "Facture FA-0017 : rappel de paiement"
    assert renderer.subject(message(body="x"), TODAY, {}) == "Facture FA-0017 : rappel de paiement"
    assert renderer.subject(message(SEVERAL), TODAY, {}) == "Factures FA-0017, FA-0018, FA-0019 : rappel de paiement"
    assert renderer.subject(message(SEVERAL * 2), TODAY, {}) == "6 factures : rappel de paiement"


@pytest.mark.parametrize("template", Library(shipped()).names())
def test_the_subject_alone_is_that_of_the_message(renderer: Renderer, template: str) -> None:
    for one in (message(template=template), message(SEVERAL, "en", template=template)):
        assert renderer.subject(one, TODAY, {}) == renderer.render(one, TODAY, {}).subject


def test_a_language_without_texts_falls_back_to_the_companys(renderer: Renderer) -> None:
    french = renderer.render(message(), TODAY, {})
    assert renderer.render(message((), "de"), TODAY, {}).text == french.text
    assert renderer.render(message((), "xx"), TODAY, {}) == french
    assert Renderer(renderer.library, "en").render(message((), "de"), TODAY, {}).subject.startswith("Invoice")


def test_a_typed_body_is_written_with_the_formats_of_its_language(say: Say) -> None:
    assert say("#SOLDE# #ECHEANCE#", language="de", subject="x") == "1.200,00\xa0€ 1. November 2026"
    assert say("#SOLDE#", language="xx", subject="x") == "1\u202f200,00\xa0€"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ money(invoice.residual, invoice.currency) }}", "1\u202f200,00\xa0€"),
        ("{{ invoice.residual|money(invoice.currency) }}", "1\u202f200,00\xa0€"),
        ("{{ totals|money }}", "1\u202f200,00\xa0€"),
        ("{{ date(invoice.due_date) }} {{ today }}", "1 novembre 2026 21 novembre 2026"),
        ("{{ invoice.due_date.year }}", "2026"),
        ("{{ (today - invoice.due_date).days }}", "20"),
        ("{{ invoice.residual * 0.1 }}", "120,00"),
        ("{{ invoices|sum(attribute='residual') }}", "1\u202f200,00"),
        ("{% for one in invoices %}{{ loop.index }}/{{ loop.length }}{% endfor %}", "1/1"),
        ("{{ invoices|map(attribute='number')|join(' et ') }}", "FA-0017"),
        ("{{ client.name|upper }} {{ client.country }}", "DUPONT SA FR"),
        ("{{ client.name.split(' ')[0] }}", "Dupont"),
        ("{{ sender.name }} {{ sender.email }} {{ company }}", "Comptabilité compta@acme.example Comptabilité"),
        ("{{ step.name }} {{ step.number }} {{ language }}", "s 1 fr"),
        ("{% set ns = namespace(n=0) %}{% for o in invoices %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('a') }}", "<a>"),
        ("{% for code, sum in totals.items() %}{{ code }}{% endfor %}", "EUR"),
        ("{{ 'x' if invoice.payment_link else 'y' }}", "y"),
    ],
)
def test_expressions_on_the_objects_of_a_message(say: Say, body: str, text: str) -> None:
    assert say(body) == text


def test_nothing_is_never_written_as_none(say: Say) -> None:
    assert say("[#DATE#{{ invoice.issue_date }}{{ date(invoice.issue_date) }}]", invoice(issue_date=None)) == "[]"


def test_errors_name_file_and_line(write: Write) -> None:
    write("a.html", "Subject: x\n<p>\n{{ client.nom }}\n</p>")
    write("b.html", "Subject: #REV#\nx")
    write("c.html", "Subject: x\n\n{% if %}")
    write("_part.html", "\n\n#NOTHING#")
    write("e.html", "Subject: x\n\n{% include '_part.html' %}")
    mine = Renderer(Library(write("d.txt", "Subject: x\n\n\n{{ nothing }}"), shipped()), "fr")
    for name, error in {
        "a": "templates/fr/a.html:3: the client has no 'nom'",
        "b": "templates/fr/b.html:1: subject: unknown macro #REV#",
        "c": "templates/fr/c.html:3: ",
        "d": "templates/fr/d.txt:4: unknown name 'nothing'; known are",
        "e": "templates/fr/_part.html:3: unknown macro #NOTHING#",
    }.items():
        with pytest.raises(InputError) as caught:
            mine.render(message(template=name), TODAY, {})
        assert str(caught.value).startswith(error)


def test_errors_in_typed_texts_name_program_step_and_line(renderer: Renderer) -> None:
    with pytest.raises(InputError) as caught:
        renderer.render(message(subject="x", body="a\nb {{ invoice.totl }}"), TODAY, {})
    assert str(caught.value) == "program 'p', step 's': body: line 2: the invoice has no 'totl'; did you mean 'total'?"


def test_ones_own_parts_and_layout_come_first(write: Write) -> None:
    write("_end.html", "<p>Bien à vous</p>")
    folder = write("x.html", 'Subject: x\n<p>y</p>{% include "_end.html" %}')
    (folder / "_layout.html").write_text("<html><body><h1>Acme</h1>{{ content }}</body></html>")
    rendered = Renderer(Library(folder, shipped()), "fr").render(message(template="x"), TODAY, {})
    assert rendered.text == "y\n\nBien à vous\n"
    assert "<h1>Acme</h1><p>y</p><p>Bien à vous</p>" in rendered.html


def test_a_template_that_is_a_whole_document_gets_no_layout(write: Write) -> None:
    folder = write("x.html", "Subject: x\n<!DOCTYPE html><html><head><title>no</title></head><body><p>y</body></html>")
    rendered = Renderer(Library(folder, shipped()), "fr").render(message(template="x"), TODAY, {})
    assert rendered.text == "y\n"
    assert rendered.html.count("<html") == 1
    assert "table" not in rendered.html


def test_styles_are_inlined_and_nothing_is_fetched(write: Write, tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("p { color: red }")
    links = f'<link rel="stylesheet" href="{tmp_path}/x.css"><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
    style = "<style>p { color: blue } @media print { p { color: black } }</style>"
    folder = write("x.html", f"Subject: x\n<!DOCTYPE html><html><head>{links}{style}</head><body><p>y</p></body>")
    html = Renderer(Library(folder, shipped()), "fr").render(message(template="x"), TODAY, {}).html
    assert '<p style="color: blue;">' in html
    assert "@media print" in html
    assert "red" not in html


def test_a_preview_shows_who_writes_to_whom(renderer: Renderer) -> None:
    one = message(sender=Address("Anne <x>", "anne@acme.example"))
    html = renderer.render(one, TODAY, {}, preview=True).html
    assert "Anne &lt;x&gt; &lt;anne@acme.example&gt;" in html
    assert "a@dupont.example" in html
    assert "anne@acme.example" in renderer.render(one, TODAY, {}).html
    assert "a@dupont.example" not in renderer.render(one, TODAY, {}).html


def test_the_schedule_shows_every_due_date_paid_or_not(renderer: Renderer) -> None:
    decision = message([invoice(instalments=PARTS, residual=Decimal(800))]).decisions[0]
    name, mime, content = renderer.schedule(decision, "fr", TODAY)
    assert (name, mime) == ("échéancier-FA-0017.html", "text/html")
    assert renderer.schedule_name(decision, "fr", TODAY) == name
    html = content.decode()
    assert all(day in html for day in ("1 octobre 2026", "1 novembre 2026", "1 décembre 2026"))
    assert html.count("400,00&nbsp;€") == 5
    assert "réglé" in html
    name, _, content = renderer.schedule(decision, "en", TODAY)
    assert name == "schedule-FA-0017.html"
    assert "October 1, 2026" in content.decode()


def test_the_schedule_of_an_invoice_without_instalments_is_its_due_date(renderer: Renderer) -> None:
    decision = message([invoice(number="FA/17 <é>")]).decisions[0]
    name, _, content = renderer.schedule(decision, "de", TODAY)
    assert name == "échéancier-FA-17-é.html"
    assert "1 novembre 2026" in content.decode()
    assert "FA/17 &lt;é&gt;" in content.decode()


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_names_say_the_subject_is_one_line_and_html_has_no_new_tags(client: str, number: str) -> None:
    renderer = _SHARED
    one = message([invoice(number=number or "1")], client=client or "x", template="first", subject="x #CLIENT# #REF#")
    rendered = renderer.render(one, TODAY, {})
    assert "\n" not in rendered.subject
    assert one_line(rendered.subject) == rendered.subject
    assert rendered.html.count("<") == _PLAIN.html.count("<")
    rendered.html.encode()
    rendered.text.encode()
    rendered.subject.encode()


_SHARED = Renderer(Library(shipped()), "fr")
_PLAIN = _SHARED.render(message(template="first"), TODAY, {})
