"""Text from HTML, and HTML from text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relance_addon.mail.text import from_html, to_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<br>Two</p>", "One\nTwo"),
        ("<h1>Title</h1>\n<p>  much \n space </p>", "Title\n\nmuch space"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("a <b>bold</b> word", "a bold word"),
        ('<a href="https://x.example/?a=1&amp;b=2">Pay</a>.', "Pay <https://x.example/?a=1&b=2>."),
        ("<a href='https://x.example'>https://x.example</a>", "https://x.example"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="https://x.example"><img src="y"></a>', "<https://x.example>"),
        ('<a href="#top">up</a>', "up"),
        ("&lt;b&gt; &amp; 1&nbsp;200 &eacute;", "<b> & 1\xa0200 é"),
        ("<!-- no --><style>no</style><script>no</script>yes", "yes"),
        ("<!DOCTYPE html><html><head><title>no</title></head><body>yes</body></html>", "yes"),
        ('<p title="a > b">x</p>', "x"),
        ("1 < 2", "1 2"),
        ("<table><tr><td><p>One</p><p>Two</p></td></tr></table>", "One\n\nTwo"),
        (
            "<table><tr><th>No</th><th>Sum</th></tr><tr><td>A</td><td>1,5</td></tr><tr><td>Bcd</td><td>20,5</td></tr></table>",
            "No    Sum\nA     1,5\nBcd  20,5",
        ),
        ("<table><tr><td>A<br>b</td><td>C</td></tr></table>", "A, b  C"),
        (
            '<table><tr><td>A</td><td>B</td><td>1</td></tr><tr><td colspan="2">T</td><td>22</td></tr></table>',
            "A  B   1\nT     22",
        ),
        ("<table><tr><td>left open", "left open"),
        ("</td></table></a>x", "x"),
        ("", ""),
    ],
)
def test_html_is_read_as_a_person_would(html: str, text: str) -> None:
    assert from_html(html) == text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\n\nb", "<p>a</p>\n<p>b</p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ('<b> & "c"', "<p>&lt;b&gt; &amp; &quot;c&quot;</p>"),
        ("see http://x.fr/?a&b, or", '<p>see <a href="http://x.fr/?a&amp;b">http://x.fr/?a&amp;b</a>, or</p>'),
        ("javascript:alert(1)", "<p>javascript:alert(1)</p>"),
    ],
)
def test_typed_text_becomes_paragraphs_and_links(text: str, html: str) -> None:
    assert to_html(text) == html


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=60))
def test_text_made_to_html_and_back_is_the_same(text: str) -> None:
    assert from_html(to_html(text)) == text
