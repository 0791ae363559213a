"""Faults of others that texts can have, named after them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mail_samples import TODAY, message, program

from relance_addon.core.errors import InputError
from relance_addon.mail.check import Fault, check, check_file
from relance_addon.mail.library import Library, shipped
from relance_addon.mail.render import Renderer

LIBRARY = Library(shipped())


def faults(**step: str) -> list[Fault]:
    return check([program(name="ok"), program(**step)], LIBRARY, "fr")


def test_unknown_template_unknown_tag() -> None:
    """Dolibarr's job sends the default text, and __INVOICE_DUE_DATE__ as it stands."""
    assert faults(template="frist") == [Fault(1, 0, "template", "unknown template 'frist'; did you mean 'first'?")]
    assert faults(subject="#SODLE#") == [Fault(1, 0, "subject", "unknown macro #SODLE#; did you mean #SOLDE#?")]
    assert faults(body="a\n#INVOICE_DUE_DATE#") == [
        Fault(1, 0, "body", "line 2: unknown macro #INVOICE_DUE_DATE#; write ## for a #")
    ]


@pytest.mark.parametrize(("language", "word"), [("fr", "Bonjour"), ("en", "Hello"), ("de", "Bonjour")])
def test_language(renderer: Renderer, language: str, word: str) -> None:
    """OCA's credit control and Tryton write in English to French clients."""
    assert renderer.render(message((), language), TODAY, {}).text.startswith(word)


@pytest.mark.parametrize("body", ["{# #}", "{{ '' }}", "{% if false %}x{% endif %}", "\xa0 {{ ' ' }}\n"])
def test_a_body_is_never_empty(renderer: Renderer, body: str) -> None:
    """18 % of Tryton's mails had an empty body."""
    with pytest.raises(InputError, match="the message would be empty"):
        renderer.render(message(body=body), TODAY, {})
    assert [fault.key for fault in faults(body=body)] == ["body"]


def test_a_template_that_says_nothing_is_refused(write: Callable[..., Path]) -> None:
    folder = write("x.html", "Subject: x\n<p> &nbsp;<br></p><!-- note -->")
    with pytest.raises(InputError, match=r"templates/fr/x.html: says nothing"):
        Renderer(Library(folder, shipped()), "fr").render(message(template="x"), TODAY, {})


def test_an_undefined_name_is_found_in_a_branch_that_no_sample_takes() -> None:
    never = "{% if invoice.days_late > 100000 %}{{ BODY }}{% endif %}x"
    assert faults(body=never.replace("BODY", "clinet"))[0].text == "unknown name 'clinet'; did you mean 'client'?"
    assert faults(body=never.replace("BODY", "client.nam"))[0].text == "the client has no 'nam'; did you mean 'name'?"
    loop = "{% for one in invoices|sort(attribute='due_date') %}{{ one.nmber }}{% endfor %}"
    assert faults(body=never.replace("{{ BODY }}", loop))[0].text == "an invoice has no 'nmber'; did you mean 'number'?"


def test_names_that_a_text_gives_itself_are_known() -> None:
    body = "{% set late = invoice %}{% macro m(client) %}{{ client }}{% endmacro %}{{ late.number }}{{ m('x') }}"
    assert faults(body=body) == []


def test_a_text_that_only_fails_for_several_invoices_is_found() -> None:
    body = "{% if invoices|length > 1 %}{{ invoices[0].foo }}{% endif %}x"
    assert faults(body=body)[0].text.startswith("the invoice has no 'foo'")


def test_a_text_that_loops_without_end_is_found() -> None:
    body = "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}"
    assert [fault.key for fault in faults(body=body)] == ["body"]


def test_a_template_is_checked_in_every_language_it_is_written_in(write: Callable[..., Path]) -> None:
    write("x.txt", "Subject: x\nok")
    folder = write("x.txt", "Subject: x\n#NO#", "en")
    found = check([program(template="x")], Library(folder, shipped()), "fr")
    assert found == [Fault(0, 0, "template", "templates/en/x.txt:2: unknown macro #NO#; write ## for a #")]


def test_a_template_that_the_companys_language_lacks_is_found(write: Callable[..., Path]) -> None:
    folder = write("x.txt", "Subject: x\nok", "en")
    found = check([program(template="x")], Library(folder, shipped()), "fr")
    assert found == [Fault(0, 0, "template", "template 'x' is written in en, not in fr")]


def test_one_file_can_be_checked_by_itself(write: Callable[..., Path]) -> None:
    folder = write("x.txt", "Subject: #REF#\n{{ client.nmae }}")
    [fault] = check_file(folder / "fr" / "x.txt", LIBRARY, "fr")
    assert fault == "templates/fr/x.txt:2: the client has no 'nmae'; did you mean 'name'?"
    assert check_file(shipped() / "en" / "notice.html", LIBRARY, "en") == []
    assert check_file(folder / "fr" / "none.txt", LIBRARY, "fr")
