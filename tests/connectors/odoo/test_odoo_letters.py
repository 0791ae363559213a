"""What the chatter of an invoice shows of a reminder."""

from __future__ import annotations

import pytest

from relance_addon.connectors.odoo.letters import paragraphs
from relance_addon.mail.text import from_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Bonjour,\n\nMerci\nde payer.\n", "<p>Bonjour,</p><p>Merci<br>de payer.</p>"),
        ("Dupont & Fils <b>", "<p>Dupont &amp; Fils &lt;b&gt;</p>"),
        ("Facture  Échéance\nFA-17    1er mai", "<p>Facture · Échéance<br>FA-17 · 1er mai</p>"),
        ("Payer <https://a.example/?a=1&b=2>", '<p><a href="https://a.example/?a=1&amp;b=2">Payer</a></p>'),
        ("Voir <https://a.example> ou non", "<p>Voir &lt;https://a.example&gt; ou non</p>"),
        ("Écrire à <compta@a.example>", "<p>Écrire à &lt;compta@a.example&gt;</p>"),
    ],
)
def test_text_is_readable_on_an_invoice(text: str, html: str) -> None:
    assert paragraphs(text) == html


def test_nothing_in_an_address_or_a_name_becomes_markup() -> None:
    html = paragraphs('Payer "><b>x</b> <https://a.example/?"onclick=alert(1)>')
    assert html.count("<") == html.count(">") == 4
    assert '"onclick' not in html


def test_the_table_and_the_link_of_a_mail_are_known_again_in_its_text() -> None:
    text = from_html(
        "<table><tr><th>Facture</th><th>À régler</th></tr><tr><td>FA-17</td><td>12 €</td></tr></table>"
        '<p><a href="https://pay.example/17">Régler en ligne</a></p>'
    )
    assert paragraphs(text) == (
        '<p>Facture · À régler<br>FA-17 · 12 €</p><p><a href="https://pay.example/17">Régler en ligne</a></p>'
    )
