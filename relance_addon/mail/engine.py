"""One language's template engine: texts compiled once, run within limits, faults told with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from jinja2 import FunctionLoader, TemplateSyntaxError, meta
from jinja2 import Template as Compiled
from jinja2.exceptions import TemplateNotFound, UndefinedError

from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.core.toml import nearest
from relance_addon.mail.formats import formats
from relance_addon.mail.library import MAX_SIZE, SUBJECT, Library, where
from relance_addon.mail.macros import UnknownMacroError, expand
from relance_addon.mail.objects import NAMES
from relance_addon.mail.sandbox import Sandbox

_UNDEFINED = re.compile(r"'(\w+)' is undefined\Z")
_KEPT = 500


class Source(NamedTuple):
    """A text to compile. ``where`` and ``key`` name it in errors; it begins on line ``line`` there."""

    text: str
    html: bool
    where: str
    key: str = ""
    line: int = 1


class Text(NamedTuple):
    """A compiled text and the names it uses."""

    compiled: Compiled
    source: Source
    names: frozenset[str]


class Engine:
    """Compiles and runs the texts of one language. One thread at a time."""

    def __init__(self, library: Library, language: str, default: str) -> None:
        self.library = library
        self.language = language
        self.formats = formats(language, default)
        functions: dict[str, Callable[..., str]] = {"money": self.formats.money, "date": self.formats.day}
        self.sandbox = Sandbox(
            self.formats.written,
            functions,
            loader=FunctionLoader(self._load),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            auto_reload=False,
        )
        self._texts: dict[Source, Text] = {}

    def compile(self, source: Source) -> Text:
        """The compiled text, from memory when it was met before. Raises InputError."""
        text = self._texts.get(source)
        if text is None:
            if len(self._texts) >= _KEPT:
                self._texts.clear()
            text = self._texts[source] = self._compile(source)
        return text

    def run(self, text: Text, values: Mapping[str, Any]) -> str:
        """What the text says of these values. Raises InputError naming the line and the fault."""
        self.sandbox.start()
        try:
            context = text.compiled.new_context(dict(values))
            return "".join(text.compiled.root_render_func(context))
        except Exception as error:  # noqa: BLE001 - whatever a text does is the text's fault
            raise self._fault(text.source, error) from None

    def tree(self, source: Source) -> Any:
        """The syntax tree, for those who look before running. Raises InputError."""
        try:
            return self.sandbox.parse(self._expanded(source), _name(source), source.where)
        except Exception as error:  # noqa: BLE001 - whatever a text does is the text's fault
            raise self._fault(source, error) from None

    def _compile(self, source: Source) -> Text:
        names = frozenset(meta.find_undeclared_variables(self.tree(source)))
        try:
            code = self.sandbox.compile(self._expanded(source), _name(source), source.where)
            compiled = Compiled.from_code(self.sandbox, code, self.sandbox.make_globals(None))
        except Exception as error:  # noqa: BLE001 - whatever a text does is the text's fault
            raise self._fault(source, error) from None
        return Text(compiled, source, names)

    def _expanded(self, source: Source) -> str:
        if len(source.text) > MAX_SIZE:
            raise ValueError(f"is longer than {MAX_SIZE} characters")
        return "\n" * (source.line - 1) + expand(source.text)

    def _load(self, name: str) -> tuple[str, str, None] | None:
        found = self.library.part(name, self.language)
        if found is None:
            return None
        text, path = found
        if text.startswith(SUBJECT):
            # Blanked, so that the lines below keep their numbers.
            text = text[text.find("\n") :] if "\n" in text else ""
        try:
            return expand(text), where(path), None
        except UnknownMacroError as error:
            raise TemplateSyntaxError(str(error), error.line, name, where(path)) from None

    def _fault(self, source: Source, error: BaseException) -> InputError:
        """One line for a person: where, what, and what to do."""
        if isinstance(error, InputError):
            return error
        file, line = source.where, 0
        if isinstance(error, TemplateSyntaxError):
            file, line = error.filename or file, error.lineno
        elif isinstance(error, UnknownMacroError):
            line = error.line + source.line - 1
        else:
            file, line = _place(error.__traceback__, file)
        text = self._reason(error)
        if source.key and file == source.where:
            many = "\n" in source.text.strip()
            return InputError(Problem(file, source.key, f"line {line}: {text}" if many and line else text))
        return InputError(Problem(f"{file}:{max(line, 1)}", "", text))

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, TemplateNotFound):
            name = str(error.name)
            return f"includes {name!r}, which is not in the library{nearest(name, self.library.parts(self.language))}"
        if isinstance(error, RecursionError):
            return "calls itself without end, or nests too deep"
        if isinstance(error, MemoryError) or (
            isinstance(error, SyntaxError) and not isinstance(error, TemplateSyntaxError)
        ):
            return "is nested too deep; make it simpler"
        text = (getattr(error, "message", None) or str(error) or type(error).__name__).split("\n")[0]
        undefined = _UNDEFINED.match(text)
        if isinstance(error, UndefinedError) and undefined:
            return unknown_name(undefined[1])
        return text


def unknown_name(name: str) -> str:
    """The reason why a name that there is none of cannot be used."""
    return f"unknown name {name!r}{nearest(name, NAMES) or '; known are ' + ', '.join(sorted(NAMES))}"


def _name(source: Source) -> str:
    return "text.html" if source.html else "text.txt"


def _place(traceback: TracebackType | None, file: str) -> tuple[str, int]:
    """File and line of the innermost text in a traceback."""
    line = 0
    while traceback is not None:
        compiled = traceback.tb_frame.f_globals.get("__jinja_template__")
        if compiled is not None:
            file, line = compiled.filename or file, compiled.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return file, line
