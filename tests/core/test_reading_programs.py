"""programs.toml: what may stand in it, and the one line that says what is wrong with anything else."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from relance_addon.core import program
from relance_addon.core.errors import InputError
from relance_addon.core.offset import Offset
from relance_addon.core.program import Program

HEAD = '[[programs]]\nname = "standard"\ndefault = true\n'  # lines 1 to 3
STEP = '[[programs.steps]]\nname = "a"\ntrigger = { after_due = 3 }\n'  # lines 4 to 6

CONTRACT = """
[[programs]]
name = "standard"
label = "Relance standard"
default = true
group = "step"
calendar = "FR"
minimum = "10.00"
quiet_days = 0
after_manual = 7
since = 2026-01-01
pin = false
when = { country = ["FR"], tag = ["public"] }

[[programs.steps]]
name = "Premier rappel"
trigger = { after_due = 3 }
channel = "mail"
sender = "salesperson"
to = ["billing"]
cc = []
bcc = []
subject = "Facture #REF# : rappel"
template = "first"
attach = ["invoice"]
payment_link = true
"""


def read(text: str, *roles: str) -> tuple[Program, ...]:
    return program.read(text, "programs.toml", roles)


def faults(text: str, *roles: str) -> list[str]:
    with pytest.raises(InputError) as raised:
        read(text, *roles)
    return [str(problem) for problem in raised.value.problems]


def test_the_program_of_the_contract() -> None:
    (found,) = read(CONTRACT)
    assert (found.name, found.label, found.default, found.group) == ("standard", "Relance standard", True, "step")
    assert (found.calendar, found.minimum, found.since) == ("FR", Decimal("10.00"), date(2026, 1, 1))
    assert (found.quiet_days, found.after_manual, found.pin, found.version) == (0, 7, False, 0)
    (step,) = found.steps
    assert (step.name, step.trigger.kind, step.trigger.offset) == ("Premier rappel", "after_due", Offset(3))
    assert (step.sender, step.to, step.attach, step.payment_link) == ("salesperson", ("billing",), ("invoice",), True)


def test_what_is_left_out_has_the_values_of_the_contract() -> None:
    (found,) = read('[[programs]]\nname = "x"\n' + STEP)
    assert (found.default, found.group, found.calendar, found.minimum, found.since) == (False, "step", None, None, None)
    assert (found.quiet_days, found.after_manual, found.pin, found.when) == (0, 7, False, None)
    step = found.steps[0]
    assert (step.channel, step.sender, step.to, step.cc, step.bcc) == ("mail", "accounting", ("billing",), (), ())
    assert (step.subject, step.template, step.body, step.attach, step.payment_link) == (None, None, None, (), False)


def test_programs_keep_the_order_of_the_file() -> None:
    text = "".join(f'[[programs]]\nname = "{name}"\n{STEP}' for name in "cab")
    assert [one.name for one in read(text)] == ["c", "a", "b"]


def test_a_version_is_made_of_everything_but_being_the_default() -> None:
    (found,) = read(CONTRACT)
    content = json.loads(json.dumps(found.content()))
    assert "default" not in content
    again = Program.model_validate(content)
    assert again.content() == content
    assert (again.steps, again.since, again.minimum, again.when) == (
        found.steps,
        found.since,
        found.minimum,
        found.when,
    )
    at = again.at(4, True)
    assert (at.version, at.default, again.version, again.default) == (4, True, 0, False)


TRIGGERS = [
    ("{ after_due = 3 }", ("after_due", Offset(3))),
    ("{ after_due = -7 }", ("after_due", Offset(-7))),
    ('{ after_due = "2 weeks" }', ("after_due", Offset(14))),
    ('{ after_due = "1 week" }', ("after_due", Offset(7))),
    ('{ after_issue = "-1 month" }', ("after_issue", Offset(0, -1))),
    ('{ after_issue = "10 days" }', ("after_issue", Offset(10))),
    ("{ after_issue = 0 }", ("after_issue", Offset(0))),
]


@pytest.mark.parametrize(("text", "expected"), TRIGGERS)
def test_a_trigger(text: str, expected: tuple[str, Offset]) -> None:
    trigger = read(HEAD + STEP.replace("{ after_due = 3 }", text))[0].steps[0].trigger
    assert (trigger.kind, trigger.offset) == expected
    assert read(HEAD + STEP.replace("{ after_due = 3 }", text))[0].steps[0].trigger.model_dump().keys() == {expected[0]}


def test_roles_of_the_configuration_are_known() -> None:
    assert read(HEAD + STEP + 'to = ["manager", "Ann <ann@x.example>"]\n', "manager")[0].steps[0].to[0] == "manager"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert read("\ufeff" + HEAD + STEP)[0].name == "standard"
    assert read((HEAD + STEP).replace("\n", "\r\n"))[0].name == "standard"
    assert faults("\ufeff" + HEAD + "pin = 3\n" + STEP) == ["programs.toml:4: programs.1.pin: must be true or false"]


P, S = "programs.toml:4: programs.1.", "programs.toml:7: programs.1.steps.1."
WRONG_IN_PROGRAM = [
    ('labell = "x"', P + "labell: unknown key; did you mean 'label'?"),
    ("zzz = 1", P + "zzz: unknown key"),
    ("version = 3", P + "version: unknown key"),
    ("label = 3", P + "label: must be text in quotes"),
    ('group = "steps"', P + "group: must be 'invoice', 'step' or 'client'"),
    ('calendar = "fr"', P + "calendar: no calendar for 'fr'; did you mean 'FR'?"),
    ('calendar = "XX"', P + "calendar: no calendar for 'XX'"),
    ('minimum = "ten"', P + "minimum: 'ten' is no amount; write it as in \"10.00\""),
    ("minimum = true", P + 'minimum: must be an amount such as "10.00"'),
    ("minimum = -1", P + "minimum: must be zero or more"),
    ('minimum = "NaN"', P + "minimum: must be zero or more"),
    ('quiet_days = "3"', P + "quiet_days: must be a whole number"),
    ("quiet_days = 1.5", P + "quiet_days: must be a whole number"),
    ("quiet_days = true", P + "quiet_days: must be a whole number"),
    ("quiet_days = -1", P + "quiet_days: must be 0 or more"),
    ("after_manual = 100000000", P + "after_manual: must be 36500 or less"),
    ('since = "yesterday"', P + "since: must be a date such as 2026-01-01"),
    ("since = 2026-01-01T00:00:00", P + "since: must be a date such as 2026-01-01"),
    ("since = 2026", P + "since: must be a date such as 2026-01-01"),
    ("pin = 1", P + "pin: must be true or false"),
    ('when = ["FR"]', P + "when: must be a table"),
    ('when = { country = "FR" }', P + "when.country: must be a list"),
    ('when = { countri = ["FR"] }', P + "when.countri: unknown key; did you mean 'country'?"),
    ("when = { tag = [1] }", P + "when.tag.1: must be text in quotes"),
    ("default = false", "programs.toml:4: default: stands here a second time"),
    ("x =", "programs.toml:4: x: Invalid value"),
]
WRONG_IN_STEP = [
    ('channel = "letter"', S + "channel: 'letter' is not there yet; use 'mail' or 'activity'"),
    ('channel = "sms"', S + "channel: must be 'mail' or 'activity'"),
    ('subjct = "x"', S + "subjct: unknown key; did you mean 'subject'?"),
    ('sender = "saleperson"', S + "sender: 'saleperson' is neither a role nor an address; did you mean 'salesperson'?"),
    ('sender = "billing"', S + "sender: 'billing' is a role of the client, it cannot send"),
    ('sender = "client"', S + "sender: 'client' is a role of the client, it cannot send"),
    ('sender = ["a@x.example"]', S + "sender: must be text in quotes"),
    ('sender = ""', S + "sender: '' is neither a role nor an address"),
    ('to = "billing"', S + "to: must be a list"),
    ('to = ["biling"]', S + "to: 'biling' is neither a role nor an address; did you mean 'billing'?"),
    ("to = [3]", S + "to.1: must be text in quotes"),
    ('cc = ["a@x.example, b@x.example"]', S + "cc: 'a@x.example, b@x.example' is neither a role nor an address"),
    ('bcc = ["manager"]', S + "bcc: 'manager' is neither a role nor an address"),
    ('attach = "invoice"', S + "attach: must be a list"),
    (
        'attach = ["invoices"]',
        S + "attach: 'invoices' is not 'invoice' or 'schedule' (with '?' for: only if it can be had)",
    ),
    ('payment_link = "yes"', S + "payment_link: must be true or false"),
    ("subject = 3", S + "subject: must be text in quotes"),
    ('subject = """a\nb"""', S + "subject: a subject is one line"),
    ('subject = ""', S + "subject: must not be empty"),
    ('body = " "', S + "body: must not be empty"),
    (
        'template = "x"\nbody = "y"',
        "programs.toml:4: programs.1.steps.1: has both template and body; keep one",
    ),
    (
        '[[programs.steps]]\nname = "a"\ntrigger = { after_due = 9 }',
        "programs.toml:8: programs.1.steps.2.name: two steps are called 'a'; a step is known by its name",
    ),
    (
        '[[programs.steps]]\nname = "b"\ntrigger = { after_previous = 0 }',
        "programs.toml:9: programs.1.steps.2.trigger: after_previous is at least one day",
    ),
    ('[[programs.steps]]\nname = "b"', "programs.toml:7: programs.1.steps.2.trigger: missing"),
    ("[[programs.steps]]\ntrigger = { after_due = 9 }", "programs.toml:7: programs.1.steps.2.name: missing"),
]
T = "programs.toml:6: programs.1.steps.1.trigger: "
EXPECTED = 'is no number of days, nor text such as "2 weeks" or "-1 month"'
WRONG_TRIGGERS = [
    ("3", T + "must be a table such as { after_due = 3 }"),
    ("{}", T + "must have exactly one of after_due, after_issue, after_previous"),
    ("{ after_due = 3, after_issue = 4 }", T + "must have exactly one of after_due, after_issue, after_previous"),
    ("{ after_du = 3 }", T + "unknown key 'after_du'; did you mean 'after_due'?"),
    ('{ after_due = "3" }', T + f"'3' {EXPECTED}"),
    ('{ after_due = "2 years" }', T + f"'2 years' {EXPECTED}"),
    ("{ after_due = 1.5 }", T + f"1.5 {EXPECTED}"),
    ("{ after_due = true }", T + f"true {EXPECTED}"),
    ("{ after_due = 99999 }", T + "more than a hundred years"),
    ("{ after_previous = 3 }", T + "the first step cannot be after_previous: nothing comes before it"),
]
WRONG_FILES = [
    ("", "programs.toml:1: programs: no program; write [[programs]]"),
    ('[programs]\nname = "x"\n', "programs.toml:1: programs: must be a list of tables; write [[programs]]"),
    (HEAD, "programs.toml:1: programs.1.steps: missing"),
    (HEAD + "steps = []\n", "programs.toml:4: programs.1.steps: must not be empty"),
    (
        HEAD + STEP.replace("[[", "[").replace("]]", "]"),
        "programs.toml:4: programs.1.steps: must be a list of tables; write [[programs.steps]]",
    ),
    ("programme = 1\n" + HEAD + STEP, "programs.toml:1: programme: unknown key; did you mean 'programs'?"),
    ("[[programs]]\n" + STEP, "programs.toml:1: programs.1.name: missing"),
    (HEAD.replace("standard", "none") + STEP, "programs.toml:2: programs.1.name: 'none' cannot name a program"),
    (HEAD.replace("standard", "Inherit") + STEP, "programs.toml:2: programs.1.name: 'Inherit' cannot name a program"),
    (HEAD.replace("standard", "") + STEP, "programs.toml:2: programs.1.name: must not be empty"),
    (
        HEAD + STEP + HEAD.replace("standard", "other") + STEP,
        "programs.toml:9: programs.2.default: two programs are the default; keep one",
    ),
    (
        HEAD + STEP + '[[programs]]\nname = "standard"\n' + STEP,
        "programs.toml:8: programs.2.name: two programs are called 'standard'",
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((HEAD + line + "\n" + STEP, expected) for line, expected in WRONG_IN_PROGRAM),
        *((HEAD + STEP + line + "\n", expected) for line, expected in WRONG_IN_STEP),
        *((HEAD + STEP.replace("{ after_due = 3 }", value), expected) for value, expected in WRONG_TRIGGERS),
        *WRONG_FILES,
    ],
    ids=lambda value: value.rpartition(": ")[2] if value.startswith("programs.toml:") else "",
)
def test_one_line_names_the_file_the_line_the_key_and_what_to_mend(text: str, expected: str) -> None:
    assert faults(text) == [expected]


def test_all_subdivisions_are_named_when_one_is_unknown() -> None:
    (found,) = faults(HEAD + 'calendar = "FR-XX"\n' + STEP)
    assert found.startswith(P + "calendar: FR has no subdivision 'XX'; it has 57, 6AE, ")


def test_every_fault_has_a_line_of_its_own() -> None:
    text = HEAD + "pin = 3\n" + STEP + 'channel = "fax"\n[[programs]]\nname = "y"\n[[programs.steps]]\nnam = "b"\n'
    assert sorted(faults(text)) == [
        "programs.toml:11: programs.2.steps.1.name: missing",
        "programs.toml:11: programs.2.steps.1.trigger: missing",
        "programs.toml:12: programs.2.steps.1.nam: unknown key; did you mean 'name'?",
        "programs.toml:4: programs.1.pin: must be true or false",
        "programs.toml:8: programs.1.steps.1.channel: must be 'mail' or 'activity'",
    ]


def test_text_over_several_lines_hides_no_key() -> None:
    text = HEAD + STEP + 'body = """\nto = ["x"]\n[[programs]]\n"""\nto = ["nobody"]\n'
    assert faults(text) == [
        "programs.toml:11: programs.1.steps.1.to: 'nobody' is neither a role nor an address",
    ]
