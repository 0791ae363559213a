"""Text from HTML, and HTML from text."""

from __future__ import annotations

import re
from html import escape, unescape

# Bounded repeats: what is malformed costs no more than what is well formed.
_TOKEN = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20}+)((?:[^<>\"']|\"[^\"]{0,2000}\"|'[^']{0,2000}'){0,400}+)>|([^<]+)|<"
)
_UNSEEN = (("<!--", "-->"), ("<head", "</head>"), ("<style", "</style>"), ("<script", "</script>"), ("<!", ">"))
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_COLSPAN = re.compile(r"\bcolspan\s*=\s*[\"']?([1-9])[\"'\s]", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]»”’]")
_PARAGRAPHS = frozenset(("p", "div", "table", "ul", "ol", "h1", "h2", "h3", "h4", "blockquote", "hr", "section"))
_BLANKS = re.compile(r"\n[ ]*(?:\n[ ]*){2,}")
_OPEN = re.compile(r"<([a-zA-Z][^\s/>]{0,20})")
_BY_THEMSELVES = "area|base|br|col|dd|dt|hr|img|input|li|link|meta|option|p|tbody|td|tfoot|th|thead|tr|wbr"
_ATTRIBUTES = r"(?:\s+[\w:-]+(?:=(?:\"[^\"<>\0]*+\"|'[^'<>\0]*+'|[^\s\"'<>=`\0]++))?)*+\s*+/?"
_ALONES = rf"(?:</?(?:{_BY_THEMSELVES})\b{_ATTRIBUTES}>[^<]*+)*+"
_CLOSED = re.compile(
    rf"<(?!(?:{_BY_THEMSELVES})\b)([a-zA-Z]\w{{0,20}}+){_ATTRIBUTES}>[^<]*+{_ALONES}</\1\s*>", re.IGNORECASE
)
_ALONE = frozenset(_BY_THEMSELVES.split("|"))
_FORMATTING = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)
COLUMN_GAP = "  "
MAX_OPEN = 300
"""Tags that may be left open, or nest without end: parsers go down one level for each."""
MAX_ELEMENTS = 1_000_000
"""Elements that parsing may make: an open <b> is made again in every paragraph that follows."""
MAX_STYLING = 20_000_000
"""Style rules times elements that may be matched."""


def too_tangled(html: str) -> str:
    """Why this HTML would take too long to parse and to style; nothing when it does not."""
    # The libraries that do both have no limits of their own, and end the whole process when they go too deep.
    if html.count("{") * html.count("<") > MAX_STYLING:
        return "has too many style rules for so many elements; have fewer"
    left = html
    for _ in range(8):
        # Not to nothing: what stands around must not grow together into other tags.
        left, count = _CLOSED.subn("\0", left)
        if not count:
            break
    names = [name.lower() for name in _OPEN.findall(left)]
    if sum(name not in _ALONE for name in names) > MAX_OPEN:
        return "leaves too many tags open, or nests them too deep; close them"
    formatting = sum(name in _FORMATTING for name in names)
    if (formatting + 1) * html.count("<") > MAX_ELEMENTS:
        return "leaves tags such as <b> or <a> open, or has too many tags; close them"
    return ""


def from_html(html: str) -> str:
    """The text of an HTML message: paragraphs apart, links as ``label <address>``, tables as aligned lines."""
    writer = _Writer()
    for closing, name, attributes, text in _TOKEN.findall(_seen(html)):
        if text:
            writer.text(text)
        elif name:
            if closing:
                writer.end(name.lower())
            else:
                writer.start(name.lower(), attributes)
    return writer.result()


def _seen(html: str) -> str:
    """The HTML without comments, styles and the like."""
    for opening, closing in _UNSEEN:
        start = html.find(opening)
        if start < 0:
            continue
        kept, end = [], 0
        while start >= 0:
            kept.append(html[end:start])
            end = html.find(closing, start)
            end = len(html) if end < 0 else end + len(closing)
            start = html.find(opening, end)
        html = "".join((*kept, html[end:]))
    return html


class _Writer:
    """Lines in the making. A table of one column is layout; a table of more is aligned."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.cells: list[list[str]] = []
        self.spans: list[int] = []
        self.links: list[tuple[str, int]] = []

    @property
    def here(self) -> list[str]:
        return self.cells[-1] if self.cells else self.out

    def text(self, text: str) -> None:
        words = _SPACES.sub(" ", unescape(text) if "&" in text else text)
        here = self.here
        if words[0] == " " and (not here or here[-1][-1:] in "\n "):
            words = words[1:]
        if words:
            here.append(words)

    def start(self, name: str, attributes: str) -> None:
        if name == "br":
            self.here.append("\n")
        elif name == "a":
            found = _HREF.search(attributes)
            self.links.append((unescape(found[1] or found[2] or "") if found else "", len(self.here)))
        elif name == "li":
            self.here.append("\n- ")
        elif name == "tr" and self.tables:
            self.tables[-1].append([])
        elif name in ("td", "th"):
            span = _COLSPAN.search(attributes)
            self.cells.append([])
            self.spans.append(int(span[1]) if span else 1)
        elif name in _PARAGRAPHS:
            self.here.append("\n\n")
        if name == "table":
            self.tables.append([])

    def end(self, name: str) -> None:
        if name == "a" and self.links:
            self._link(*self.links.pop())
        elif name in ("td", "th") and self.cells:
            cell, span = _tidy("".join(self.cells.pop())), self.spans.pop()
            if self.tables and self.tables[-1]:
                self.tables[-1][-1] += (cell, *[""] * (span - 1))
            else:
                self.here.append(cell)
        elif name == "table" and self.tables:
            self.here.append(f"\n\n{_aligned(self.tables.pop())}\n\n")
        elif name in _PARAGRAPHS:
            self.here.append("\n\n")

    def _link(self, address: str, start: int) -> None:
        here = self.here
        label = "".join(here[start:]).strip()
        if address and address not in (label, f"mailto:{label}") and not address.startswith("#"):
            del here[start:]
            here.append(f"{label} <{address}>" if label else f"<{address}>")

    def result(self) -> str:
        while self.tables or self.cells:
            if self.cells:
                self.end("td")
            else:
                self.end("table")
        return _tidy("".join(self.out))


def _tidy(text: str) -> str:
    lines = (line.strip(" ") if "  " not in line.strip(" ") else line.rstrip(" ") for line in text.split("\n"))
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip("\n ")


def _aligned(rows: list[list[str]]) -> str:
    rows = [row for row in rows if any(row)]
    if not rows:
        return ""
    if max(map(len, rows)) == 1 or any("\n\n" in cell for row in rows for cell in row):
        return "\n\n".join("\n\n".join(filter(None, row)) for row in rows)
    rows = [[cell.replace("\n", ", ") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(max(map(len, rows)))]
    right = [all(_amount(row[column]) for row in rows[1:] if column < len(row)) for column in range(len(widths))]
    return "\n".join(
        COLUMN_GAP.join(
            cell.rjust(widths[column]) if column and right[column] else cell.ljust(widths[column])
            for column, cell in enumerate(row)
        ).rstrip()
        for row in rows
    )


def _amount(cell: str) -> bool:
    return not cell or (cell.upper() == cell and any(map(str.isdigit, cell)) and sum(map(str.isalpha, cell)) <= 3)


def to_html(text: str) -> str:
    """Typed text as HTML: escaped, blank lines part paragraphs, links can be clicked."""
    blocks = (block.strip("\n") for block in re.split(r"\n[ \t]*\n", text.strip()))
    return "\n".join(f"<p>{_linked(block)}</p>" for block in blocks if block)


def _linked(block: str) -> str:
    parts: list[str] = []
    end = 0
    for found in _LINK.finditer(block):
        address = escape(found[0])
        parts += (escape(block[end : found.start()]), f'<a href="{address}">{address}</a>')
        end = found.end()
    parts.append(escape(block[end:]))
    return "".join(parts).replace("\n", "<br>\n")
