"""Messages to subjects, texts and HTML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import css_inline
from markupsafe import Markup

from relance_addon.core.decide import Decision
from relance_addon.core.errors import InputError
from relance_addon.core.group import Message
from relance_addon.core.model import Problem
from relance_addon.mail.engine import Engine, Source, Text
from relance_addon.mail.library import SUBJECT, Library, Template, split, where
from relance_addon.mail.objects import schedule_values, values
from relance_addon.mail.text import from_html, to_html, too_tangled

DEFAULT = "default"
"""The template of a step that names none and has no body."""
LAYOUT = "_layout.html"
SCHEDULE = "_schedule.html"

_DOCUMENT = re.compile(r"\s*(<!doctype|<html)", re.IGNORECASE)
_UNSAFE_IN_NAMES = re.compile(r"[^\w.-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_MISLEADING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


class Rendered(NamedTuple):
    """What a message says. ``text`` is never blank; ``html`` is a whole document."""

    subject: str
    text: str
    html: str


class Renderer:
    """Renders messages with the texts of a library. ``language`` is used where a text is not there in the message's.

    Compiled texts are kept: use one renderer for many messages, in one thread at a time.
    """

    def __init__(self, library: Library, language: str) -> None:
        self.library = library
        self.language = language
        self._engines: dict[str, Engine] = {}
        # Nothing is fetched: styles are those that stand in the text.
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)

    def render(self, message: Message, today: date, links: Mapping[str, str], preview: bool = False) -> Rendered:
        """Subject, text and HTML of a message on a day; ``links`` are payment links by invoice id.

        With ``preview``, the HTML shows sender, recipients and subject above the text. Raises InputError for a text
        that cannot be rendered, or that says nothing.
        """
        subject, engine, body = self._texts(message)
        objects = values(message, today, links, engine.formats)
        heading = one_line(self._say(engine, subject, objects))
        said = _CONTROLS.sub("", engine.run(body, objects)).lstrip("\n")
        if body.source.html:
            content, text = said, from_html(said)
        else:
            content, text = to_html(said), said.rstrip()
        if not text.strip():
            raise InputError(Problem(body.source.where, body.source.key, "says nothing: the message would be empty"))
        safe = Markup(content)  # noqa: S704 - what stands in it was escaped
        frame = {"content": safe, "title": heading, "preview": _people(message) if preview else None}
        return Rendered(heading, f"{text}\n", self._document(engine, body, content, {**objects, **frame}))

    def subject(self, message: Message, today: date, links: Mapping[str, str]) -> str:
        """The subject alone, as in ``render``."""
        text, engine, _ = self._texts(message, body=False)
        return one_line(self._say(engine, text, values(message, today, links, engine.formats, text.names)))

    def schedule(self, decision: Decision, language: str, today: date) -> tuple[str, str, bytes]:
        """The payment schedule of one invoice: name, MIME type and content of an HTML file that stands alone."""
        engine, name, body = self._schedule(language)
        objects = schedule_values(decision, today, engine.formats)
        objects["title"] = one_line(engine.run(name, objects))
        html = self._inline(_CONTROLS.sub("", engine.run(body, objects)), body.source)
        return _file_name(objects["title"]), "text/html", html.encode()

    def schedule_name(self, decision: Decision, language: str, today: date) -> str:
        """The file name of the payment schedule, without making it."""
        engine, name, _ = self._schedule(language)
        return _file_name(one_line(engine.run(name, schedule_values(decision, today, engine.formats))))

    def engine(self, language: str) -> Engine:
        """The engine of a language."""
        engine = self._engines.get(language)
        if engine is None:
            engine = self._engines[language] = Engine(self.library, language, self.language)
        return engine

    def named(self, name: str, language: str) -> Template:
        """The template of a name, in the language or in the renderer's. Raises InputError."""
        return self.library.find(name, language, self.language)

    def sources(self, message: Message) -> tuple[str, Source, Source]:
        """The language that a message is written in, and its subject and body before anything is filled in."""
        step = message.step
        template = None
        if step.body is None or step.subject is None:
            named = DEFAULT if step.body is not None else step.template or DEFAULT
            template = self.named(named, message.language)
        language = template.language if template is not None and step.body is None else message.language
        place = f"program {message.program.name!r}, step {step.name!r}"
        subject = subject_of(template) if template is not None else Source("", False, place)
        if step.subject is not None:
            subject = Source(step.subject, False, place, "subject")
        if step.body is not None:
            return language, subject, Source(step.body, False, place, "body")
        assert template is not None
        return language, subject, body_of(template)

    def _texts(self, message: Message, body: bool = True) -> tuple[Text, Engine, Text]:
        language, subject_source, body_source = self.sources(message)
        engine = self.engine(language)
        subject = engine.compile(subject_source)
        return subject, engine, engine.compile(body_source) if body else subject

    def _say(self, engine: Engine, subject: Text, objects: Mapping[str, Any]) -> str:
        said = engine.run(subject, objects)
        if not said.strip():
            raise InputError(Problem(subject.source.where, subject.source.key or "subject", "the subject is empty"))
        return said

    def _document(self, engine: Engine, body: Text, content: str, objects: Mapping[str, Any]) -> str:
        if not _DOCUMENT.match(content):
            content = engine.run(engine.compile(self._part(LAYOUT, engine.language)[0]), objects)
        return self._inline(content, body.source)

    def _inline(self, html: str, source: Source) -> str:
        """The document with its styles in its tags. Raises InputError when it cannot be made."""
        reason = too_tangled(html)
        if reason:
            raise InputError(Problem(source.where, source.key, reason))
        try:
            return self._inliner.inline(html)
        except css_inline.InlineError as error:
            raise InputError(Problem(source.where, source.key, f"styles: {error}")) from None

    def _schedule(self, language: str) -> tuple[Engine, Text, Text]:
        source, language = self._part(SCHEDULE, language)
        engine = self.engine(language)
        first, body = split(source.text, source.where)
        name = Source(first, False, source.where, SUBJECT.rstrip(":").lower())
        return engine, engine.compile(name), engine.compile(Source(body, True, source.where, line=2))

    def _part(self, file: str, language: str) -> tuple[Source, str]:
        for wanted in (language, self.language):
            found = self.library.part(file, wanted)
            if found is not None:
                return Source(found[0], True, where(found[1])), wanted
        raise InputError(f"{file} is not in the library")


def subject_of(template: Template) -> Source:
    """The subject of a template, before anything is filled in."""
    return Source(template.subject, False, f"{template.where}:1", "subject")


def body_of(template: Template) -> Source:
    """The body of a template, before anything is filled in."""
    return Source(template.body, template.html, template.where, line=2)


def one_line(text: str) -> str:
    """The text on one line, without control characters and without marks that turn the writing direction around."""
    return " ".join(_MISLEADING.sub("", _CONTROLS.sub(" ", text)).split())


def _people(message: Message) -> dict[str, str]:
    people = message.people
    return {"from": str(people.sender)} | {
        key: ", ".join(map(str, addresses))
        for key, addresses in (("to", people.to), ("cc", people.cc), ("bcc", people.bcc))
    }


def _file_name(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return f"{_UNSAFE_IN_NAMES.sub('-', plain).strip('-.')[:80] or 'schedule'}.html"
