"""Looking at texts before they are used: unknown names, macros and templates, loops without end, internals.

Names are looked for in the text itself, so that a branch that no sample takes is seen too; then every text is tried
with sample messages, in every language it is written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import meta, nodes

from relance_addon.core.errors import InputError
from relance_addon.core.program import Program, Step, Trigger
from relance_addon.core.toml import nearest
from relance_addon.mail.engine import Source, unknown_name
from relance_addon.mail.library import Library, Template, read, split, where
from relance_addon.mail.macros import MACROS
from relance_addon.mail.objects import (
    NAMES,
    ClientObject,
    InstalmentObject,
    InvoiceObject,
    SenderObject,
    StepObject,
)
from relance_addon.mail.render import DEFAULT, Renderer, body_of, subject_of
from relance_addon.mail.sample import TODAY, messages
from relance_addon.mail.sandbox import TICK

_SINGLE: dict[str, type] = {
    "invoice": InvoiceObject,
    "client": ClientObject,
    "sender": SenderObject,
    "step": StepObject,
}
_KEEPING = (TICK, "list", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique")
"""Filters that leave the items of a list what they are."""
_MANY: dict[str, type] = {"invoices": InvoiceObject, "instalments": InstalmentObject}
_WORDS = {
    InvoiceObject: "an invoice",
    InstalmentObject: "an instalment",
    ClientObject: "the client",
    SenderObject: "the sender",
    StepObject: "the step",
}


class Fault(NamedTuple):
    """What is wrong with a step's text: program and step counted from 0 as given, the key, and the reason."""

    program: int
    step: int
    key: str
    text: str


def check(programs: Sequence[Program], library: Library, language: str) -> list[Fault]:
    """The faults of all texts that programs use. ``language`` is used where a text is not there in another one."""
    renderer = Renderer(library, language)
    return [
        Fault(index, number, key, text)
        for index, program in enumerate(programs)
        for number, step in enumerate(program.steps)
        for key, text in _step(renderer, program, number, step)
    ]


def check_library(library: Library, language: str) -> list[str]:
    """The faults of every template of a library, as lines that name file and line."""
    renderer = Renderer(library, language)
    return [
        fault
        for name in library.names()
        for code in sorted(library.languages(name))
        for fault in _template(renderer, name, code)
    ]


def check_file(path: Path, library: Library, language: str) -> list[str]:
    """The faults of one file that is, or may become, a template of a library."""
    try:
        subject, body = split(read(path), where(path))
    except InputError as error:
        return [str(error)]
    template = Template(path.stem, language, path, subject, body, path.suffix == ".html")
    return _tried(_Single(library, language, template), template, language)


class _Single(Renderer):
    """Renders one template, whatever a step names."""

    def __init__(self, library: Library, language: str, template: Template) -> None:
        super().__init__(library, language)
        self.template = template

    def named(self, name: str, language: str) -> Template:
        return self.template


def _step(renderer: Renderer, program: Program, number: int, step: Step) -> Iterator[tuple[str, str]]:
    """Key and reason of each fault of a step, each once."""
    library = renderer.library
    typed = [("subject", step.subject), ("body", step.body)]
    seen: set[tuple[str, str]] = set()
    for key, text in typed:
        if text is not None:
            seen.update((key, reason) for reason in _static(renderer, renderer.language, Source(text, False, "", key)))
    name = step.template or DEFAULT
    key = "template" if step.template else "body"
    codes = sorted(library.languages() | {renderer.language})
    if step.body is None or step.subject is None:
        used = name if step.body is None else DEFAULT
        for code in codes:
            try:
                template = library.find(used, code, renderer.language)
            except InputError as error:
                seen.add((key, str(error)))
                break
            seen.update((key, reason) for reason in _statics(renderer, template))
    yield from sorted(seen)
    if seen:
        return
    for code in codes:
        for message in messages(program, number + 1, code):
            try:
                renderer.render(message, TODAY, {})
            except InputError as error:
                problem = error.problems[0]
                typed_key = problem.key if problem.where.startswith("program ") else ""
                fault = (typed_key or key, problem.text if typed_key else str(problem))
                if fault not in seen:
                    seen.add(fault)
                    yield fault


def _template(renderer: Renderer, name: str, language: str) -> list[str]:
    try:
        template = renderer.library.find(name, language, language)
    except InputError as error:
        return [str(error)]
    return _tried(renderer, template, language)


def _tried(renderer: Renderer, template: Template, language: str) -> list[str]:
    faults = _statics(renderer, template)
    if faults:
        return faults
    step = Step(name="x", trigger=Trigger.model_validate({"after_due": 3}), template=template.name, payment_link=True)
    program = Program(name="x", steps=(step,))
    for message in messages(program, 1, language):
        try:
            renderer.render(message, TODAY, {})
        except InputError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


def _statics(renderer: Renderer, template: Template) -> list[str]:
    """The faults that a template shows without being run, with file and line."""
    return [
        fault
        for source in (subject_of(template), body_of(template))
        for fault in _static(renderer, template.language, source)
    ]


def _static(renderer: Renderer, language: str, source: Source) -> list[str]:
    try:
        tree = renderer.engine(language).tree(source)
    except InputError as error:
        return [error.problems[0].text if source.key and not source.where else str(error)]
    faults = []
    undeclared = meta.find_undeclared_variables(tree)
    for name in sorted(undeclared):
        if name not in NAMES and not name.startswith("_"):
            line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
            faults.append(_placed(source, line, unknown_name(name)))
        elif name.startswith("_") and name[1:] not in MACROS:
            faults.append(_placed(source, 1, unknown_name(name)))
    faults += [_placed(source, line, reason) for line, reason in _attributes(tree)]
    return faults


def _placed(source: Source, line: int, reason: str) -> str:
    if not source.key:
        return f"{source.where}:{line}: {reason}"
    if not source.where:
        return f"line {line}: {reason}" if "\n" in source.text.strip() else reason
    return f"{source.where}: {source.key}: {reason}"


def _attributes(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Line and reason of each attribute that its object does not have, where the object is known from the text."""
    loops: dict[str, set[type | None]] = {}
    for loop in tree.find_all(nodes.For):
        kind = _listed(loop.iter)
        for name in (loop.target, *loop.target.find_all(nodes.Name)):
            if isinstance(name, nodes.Name):
                loops.setdefault(name.name, set()).add(kind if name is loop.target else None)
    makers = (nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.With, nodes.CallBlock, nodes.Import, nodes.FromImport)
    inside = (name for node in tree.find_all(makers) for name in node.find_all(nodes.Name))
    made = {name.name for name in inside if name.ctx != "load"}
    known = {name: kind for name, kind in _SINGLE.items() if name not in loops and name not in made}
    for target, kinds in loops.items():
        only = next(iter(kinds))
        if len(kinds) == 1 and only is not None and target not in made:
            known[target] = only
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name in known:
            kind = known[node.node.name]
            slots: tuple[str, ...] = kind.__slots__  # type: ignore[attr-defined]  # every class of _SINGLE has slots
            if node.attr not in slots:
                near = nearest(node.attr, slots) or "; it has " + ", ".join(slots)
                yield node.lineno, f"{_WORDS[kind]} has no {node.attr!r}{near}"


def _listed(node: nodes.Node) -> type | None:
    """What a loop over this goes through, when it is invoices or instalments."""
    while isinstance(node, nodes.Filter) and node.node is not None and node.name in _KEEPING:
        node = node.node
    if isinstance(node, nodes.Name):
        return _MANY.get(node.name) if node.name == "invoices" else None
    return _MANY["instalments"] if isinstance(node, nodes.Getattr) and node.attr == "instalments" else None
