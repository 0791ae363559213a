"""What texts cannot do: reach internals, or use up time or memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from mail_samples import TODAY, invoice, message

from relance_addon.core.errors import InputError
from relance_addon.mail.check import check_file
from relance_addon.mail.library import Library, shipped
from relance_addon.mail.render import Renderer
from relance_addon.mail.text import from_html

Say = Callable[..., str]

LOOPS = {
    "a long range": "{% for i in range(100000) %}x{% endfor %}",
    "nested loops": "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "loops with tests": "{% for i in range(1000) %}{% for j in range(1000) if false %}{% endfor %}{% endfor %}",
    "a recursive loop": "{% for i in invoices recursive %}{{ loop(invoices) }}{% endfor %}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macros that call twice": "{% macro a() %}{% endmacro %}"
    + "".join(
        f"{{% macro {new}() %}}{{{{ {old}() }}}}{{{{ {old}() }}}}{{% endmacro %}}"
        for old, new in zip("abcdefghijklmnopqr", "bcdefghijklmnopqrs", strict=True)
    )
    + "{{ s() }}",
    "calls in a loop": "{% macro m(x) %}{% for i in range(1000) %}{% endfor %}{% endmacro %}"
    "{% for i in range(1000) %}{{ m(i) }}{% endfor %}",
    "a block of itself": "{% block a %}{{ self.a() }}{% endblock %}",
    "filters in a loop": "{% for i in range(1000) %}{{ range(1000)|sum }}{% endfor %}",
    "sorting in a loop": "{% set l = range(1000)|list %}{% for i in range(1000) %}"
    + "{{ l|sort|length }}" * 100
    + "{% endfor %}",
    "comparing lists of lists": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40
    + "{{ a == b }}",
    "searching long texts": "{% set x %}"
    + "a" * 20000
    + "{% endset %}{% for i in range(1000) %}"
    + "{{ (x ~ 'b') in (x ~ x) }}" * 20
    + "{% endfor %}",
    "stripping long texts": "{% set x %}" + "b" * 90000 + "{% endset %}{% set y %}" + "a" * 90000 + "b{% endset %}"
    "{% for i in range(1000) %}{{ x.strip(y) }}{% endfor %}",
    "trimming long texts": "{% set x %}" + "b" * 90000 + "{% endset %}{{ 'b'|trim(x) }}",
    "unfinished tags": "{% raw %}" * 28000,
    "deep nesting": "".join("{% for i in range(1) %}" for _ in range(40)) + "x" + "{% endfor %}" * 40,
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep conditions": "{% if true %}" * 500 + "x" + "{% endif %}" * 500,
}
MEMORY = {
    "a repeated text": "{{ 'a' * 1000000000 }}",
    "a repeated list": "{{ [1] * 1000000000 }}",
    "a doubled text": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
    "an added text": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 40 + "{{ x }}",
    "a captured text": "{% set x %}aaaaaaaaaa{% endset %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40 + "{{ x }}",
    "a doubled list": "{% set x = [1] %}" + "{% set x = x + x %}" * 40 + "{{ x|length }}",
    "nested lists": "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x|join }}",
    "a long output": "{% for i in range(1000) %}" + "a" * 5000 + "{% endfor %}",
    "a kept list": "{% set ns = namespace(l=[]) %}{% set x %}" + "a" * 90000 + "{% endset %}"
    "{% for i in range(1000) %}{% set ns.l = ns.l + [x ~ i] %}{% endfor %}{{ ns.l|length }}",
    "a kept list of slices": "{% set ns = namespace(l=[]) %}{% set x %}" + "a" * 90000 + "{% endset %}"
    "{% for i in range(1000) %}{% set ns.l = ns.l + [x[i:]] %}{% endfor %}{{ ns.l|length }}",
    "a power": "{{ 10 ** 10 ** 10 }}",
    "a product": "{% set x = 10 ** 20 %}" + "{% set x = x * x %}" * 30 + "{{ x }}",
    "an exponent": "{{ 2 ** 1000000000 }}",
    "padding": "{{ 'a'.ljust(1000000000) }}",
    "centring": "{{ 'a'|center(1000000000) }}",
    "zeros": "{{ '1'.zfill(1000000000) }}",
    "tabs": "{{ '\t'.expandtabs(1000000000) }}",
    "a width of format": "{{ '{:>1000000000}'.format(1) }}",
    "a width of %": "{{ '%1000000000d' % 1 }}",
    "a format filter": "{{ '%1000000000d'|format(1) }}",
    "a joined text": "{% set x %}" + "a" * 50000 + "{% endset %}{{ range(1000)|join(x) }}",
    "a method that joins": "{{ ','.join(['a']) }}",
    "a replaced text": "{% set x %}" + "a" * 50000 + "{% endset %}{{ x|replace('a', x) }}",
    "replacing nothing": "{% set x %}" + "a" * 50000 + "{% endset %}{{ x|replace('', x) }}",
    "a rounded number": "{{ 1.5|round(1000000000) }}",
    "a strftime": "{{ today.strftime('%1000000000d') }}",
    "a summed list": "{{ [[1], [1]]|sum(start=[]) }}",
    "indentation": "{{ 'a'|indent(1000000000) }}",
}
INTERNALS = {
    "an unknown test in a branch": "{% if false %}{{ 1 is foo }}{% endif %}x",
    "a class": "{{ ''.__class__ }}",
    "a class by item": "{{ ''['__class__'] }}",
    "a class by joined item": "{{ ''['__cla' ~ 'ss__'] }}",
    "a class by filter": "{{ ''|attr('__class__') }}",
    "a class by attribute": "{{ ['']|map(attribute='__class__')|list }}",
    "a class by format": "{{ '{0.__class__}'.format(1) }}",
    "a class by macro": "{% macro m() %}{% endmacro %}{{ m.__init__ }}",
    "globals of a function": "{{ money.__globals__ }}",
    "what a function belongs to": "{{ money.__self__ }}",
    "globals of a function without underscores": "{{ money.func_globals }}",
    "the environment": "{{ self._TemplateReference__context }}",
    "an undefined's insides": "{{ ((client.foo)|default('x')).__class__ }}",
    "a file": "{% include '/etc/passwd' %}",
    "a file above": "{% include '../../pyproject.toml' %}",
    "another language by its path": "{% include '../en/_end.html' %}",
    "a template by list": "{% include ['/etc/passwd', '../x.html'] %}",
    "a parent": "{% extends '../../_layout.html' %}",
    "an import": "{% import '/etc/passwd' as p %}{{ p }}",
    "escaping": "{% autoescape false %}{{ client.name }}{% endautoescape %}",
    "a safe filter": "{{ client.name|safe }}",
    "all arguments": "{% macro m() %}{{ varargs }}{% endmacro %}{{ m(1) }}",
    "unpacked arguments": "{{ money(*[1, 'EUR']) }}",
    "a generator's frame": "{{ (invoices|map(attribute='number')).gi_frame }}",
    "a changed list": "{{ invoices.append(1) }}",
    "a changed table": "{{ totals.clear() }}",
}


@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS.keys())
def test_a_text_cannot_loop_for_long(say: Say, body: str) -> None:
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        say(body)
    assert time.process_time() - start < 5
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body", MEMORY.values(), ids=MEMORY.keys())
def test_a_text_cannot_fill_the_memory(say: Say, body: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            say(body)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body", INTERNALS.values(), ids=INTERNALS.keys())
def test_a_text_cannot_reach_internals(say: Say, body: str) -> None:
    with pytest.raises(InputError) as caught:
        say(body)
    assert "\n" not in str(caught.value)


def test_the_same_text_fails_in_the_same_way_every_time(say: Say) -> None:
    reasons = set()
    for _ in range(3):
        with pytest.raises(InputError) as caught:
            say(LOOPS["nested loops"])
        reasons.add(str(caught.value))
    assert len(reasons) == 1


def test_one_message_does_not_use_up_the_next_ones_limits(renderer: Renderer) -> None:
    long = message(body="{% for i in range(900) %}{% for j in range(50) %}{% endfor %}{% endfor %}x")
    for _ in range(5):
        assert renderer.render(long, TODAY, {}).text == "x\n"


def test_a_thousand_invoices_are_within_the_limits(renderer: Renderer) -> None:
    many = [invoice(str(number), payment_link=f"https://pay.example/{number}") for number in range(1000)]
    rendered = renderer.render(message(many, template="statement", payment_link=True), TODAY, {})
    assert "FA-0999" in rendered.text
    assert "FA-0999" in rendered.html


TANGLED = {
    "formatting left open": "".join(f"<b c={number}>" for number in range(40)) + "<p>x" * 30000,
    "deep elements": "<div>" * 20000 + "x",
    "deep elements that are closed": "<div>" * 20000 + "x" + "</div>" * 20000,
    "deep tables": "<table><tr><td>" * 10000 + "x",
    "elements that cross": "<div><table></div></table>x" * 20000,
    "tags in attributes": "<strong title='></strong>'>x" * 20000,
    "tags in broken attributes": '<i a"><div><div>x"></i>' * 20000,
    "tags that grow together": "<di<b></b>v></div>x" * 20000,
}


@pytest.mark.parametrize("html", TANGLED.values(), ids=TANGLED.keys())
def test_tags_that_nest_or_multiply_are_refused_before_they_are_parsed(write: Callable[..., Path], html: str) -> None:
    text = f"Subject: x\ny{{% for i in range(2) %}}{html[:150_000]}{{% endfor %}}"
    mine = Renderer(Library(write("x.html", text), shipped()), "fr")
    with pytest.raises(InputError, match=r"templates/fr/x.html: (leaves|nests)"):
        mine.render(message(template="x"), TODAY, {})


def test_styles_that_cannot_be_read_are_refused(write: Callable[..., Path]) -> None:
    mine = Renderer(Library(write("x.html", "Subject: x\n<link rel=stylesheet href=x>y"), shipped()), "fr")
    assert mine.render(message(template="x"), TODAY, {}).text == "y\n"


def test_too_many_style_rules_are_refused(write: Callable[..., Path]) -> None:
    styled = f"Subject: x\n<style>{'a b{}' * 20000}</style>y{'<i></i>' * 20000}"
    mine = Renderer(Library(write("x.html", styled), shipped()), "fr")
    with pytest.raises(InputError, match="too many style rules"):
        mine.render(message(template="x"), TODAY, {})


@pytest.mark.parametrize(
    "piece", ['<a "', "<!--", "<style", "<a '", "<", "<p", "<td", "</table>", "<table>", "&", "<a href=", "<!"]
)
def test_malformed_html_is_turned_to_text_as_fast_as_well_formed(piece: str) -> None:
    start = time.process_time()
    from_html(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 3


def test_a_text_in_html_takes_in_no_part_that_is_not_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "fr"
    folder.mkdir()
    (folder / "_foot.txt").write_text("{{ client.name }}")
    for say in ('"_foot.txt"', '["_foot.txt"]', '"_foot" ~ ".txt"'):
        (folder / "mine.html").write_text(f"Subject: x\n<p>{{% include {say} %}}</p>")
        (fault,) = check_file(folder / "mine.html", Library(tmp_path, shipped()), "fr")
        assert "HTML" in fault, fault
