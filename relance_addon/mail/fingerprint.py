"""What a text is made of, as a fingerprint: two that are equal were written with the same words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from jinja2 import meta

from relance_addon.core.errors import InputError
from relance_addon.core.group import Message
from relance_addon.mail.engine import Source
from relance_addon.mail.library import where
from relance_addon.mail.render import LAYOUT, SCHEDULE, Renderer

UNUSABLE = "unusable"
"""The fingerprint of a text that cannot be made."""


def fingerprints(renderer: Renderer, messages: Sequence[Message]) -> dict[int, str]:
    """The fingerprint of what each message's text is made of, by message number; of nothing that is filled in."""
    known: dict[tuple[str, Source, Source, bool], str] = {}
    found = {}
    for message in messages:
        try:
            texts = (*renderer.sources(message), any(one.startswith("schedule") for one in message.step.attach))
            if texts not in known:
                known[texts] = _fingerprint(renderer, *texts)
            found[message.number] = known[texts]
        except InputError:
            found[message.number] = UNUSABLE
    return found


def _fingerprint(renderer: Renderer, language: str, subject: Source, body: Source, schedule: bool) -> str:
    parts: dict[str, str] = {}
    wanted = _included(renderer, language, subject) | _included(renderer, language, body) | {LAYOUT}
    wanted |= {SCHEDULE} if schedule else set()
    while wanted:
        name = wanted.pop()
        found = renderer.library.part(name, language) or renderer.library.part(name, renderer.language)
        if found is not None:
            text, path = found
            parts[name] = text
            wanted |= _included(renderer, language, Source(text, True, where(path))) - set(parts)
    facts = [language, subject.text, body.text, body.html, sorted(parts.items())]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _included(renderer: Renderer, language: str, source: Source) -> set[str]:
    """The names of the parts that a text includes; all there are where it works a name out."""
    names = set(meta.find_referenced_templates(renderer.engine(language).tree(source)))
    if None in names:
        names |= set(renderer.library.parts(language))
    return {name for name in names if name is not None}
