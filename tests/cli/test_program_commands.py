"""Programs: what a file may say, versions, recap, export, copy, delete, and which program a client follows."""

from __future__ import annotations

import pytest
from company import PROGRAMS, Company

from relance_addon.hosts.fake import client, invoice

HEAD = '[[programs]]\nname = "other"\n[[programs.steps]]\nname = "a"\ntrigger = { after_due = 3 }\n'
FAULTS = {
    "an unknown macro": ('body = "#SOLDEE#"', "programs.toml:6: programs.1.steps.1.body: ", "#SOLDE#"),
    "an unknown macro in the subject": ('subject = "#REFF#"', "programs.toml:6: programs.1.steps.1.subject: ", "#REF#"),
    "an undefined name": ('body = "{{ nobody }}"', "programs.toml:6: programs.1.steps.1.body: ", "nobody"),
    "an undefined attribute": ('body = "{{ client.shoe }}"', "programs.toml:6: programs.1.steps.1.body: ", "shoe"),
    "an undefined name in a branch": (
        'body = "{% if false %}{{ nobody }}{% endif %}"',
        "programs.toml:6: programs.1.steps.1.body: ",
        "nobody",
    ),
    "an expression that is left open": ('body = "{{ client.name"', "programs.toml:6: programs.1.steps.1.body: ", ""),
    "a text that loops": (
        'body = "{% for a in range(99999999) %}x{% endfor %}"',
        "programs.toml:6: programs.1.steps.1.body: ",
        "",
    ),
    "a text that reaches for internals": (
        'body = "{{ client.__class__.__mro__ }}"',
        "programs.toml:6: programs.1.steps.1.body: ",
        "",
    ),
    "an unknown template": ('template = "frist"', "programs.toml:6: programs.1.steps.1.template: ", "first"),
    "an empty body": ('body = "  "', "programs.toml:6: programs.1.steps.1.body: ", "empty"),
    "a subject of two lines": ('subject = "a\\nb"', "programs.toml:6: programs.1.steps.1.subject: ", "one line"),
    "template and body": ('template = "first"\nbody = "x"', "programs.toml:3: programs.1.steps.1: ", "both"),
    "an unknown role": ('to = ["biling"]', "programs.toml:6: programs.1.steps.1.to: ", "'billing'"),
    "an unknown attachment": ('attach = ["facture"]', "programs.toml:6: programs.1.steps.1.attach", "'invoice'"),
    "a letter": ('channel = "letter"', "programs.toml:6: programs.1.steps.1.channel: ", "not there yet"),
    "an unknown key": ('sujet = "x"', "programs.toml:6: programs.1.steps.1.sujet: ", "unknown key"),
    "two triggers": (
        '[[programs.steps]]\nname = "b"\ntrigger = { after_due = 1, after_issue = 2 }',
        "programs.toml:8: programs.1.steps.2.trigger: ",
        "exactly one",
    ),
    "no trigger": ('[[programs.steps]]\nname = "b"', "programs.toml:6: programs.1.steps.2.trigger: ", "missing"),
    "a reminder the same day as the one before": (
        '[[programs.steps]]\nname = "b"\ntrigger = { after_previous = 0 }',
        "programs.toml:8: programs.1.steps.2.trigger: ",
        "at least one day",
    ),
    "a span that is none": (
        '[[programs.steps]]\nname = "b"\ntrigger = { after_due = "2 wekes" }',
        "programs.toml:8: programs.1.steps.2.trigger: ",
        "",
    ),
    "two steps of one name": (
        '[[programs.steps]]\nname = "a"\ntrigger = { after_due = 5 }',
        "programs.toml:7: programs.1.steps.2.name: ",
        "'a'",
    ),
    "text that is no TOML": ("[[programs", "programs.toml:6: ", ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_with_a_fault_stores_nothing(name: str, files: Company) -> None:
    """Unknown template, unknown tag, and the like: Dolibarr's job sends the default text, or the tag as it stands."""
    lines, place, told = FAULTS[name]
    files.write("programs.toml", HEAD + lines + "\n")
    said = files("programs apply programs.toml", status=2)
    assert said.out == ""
    assert said.lines[0].startswith(f"relance: {place}")
    assert told in said.lines[0]
    assert [one["name"] for one in files("programs list", form="json").items] == ["standard"]


def test_one_wrong_program_keeps_the_right_ones_out_too(files: Company) -> None:
    files.write("programs.toml", PROGRAMS.replace("standard", "fine") + HEAD + 'body = "#NOBODY#"\n')
    files("programs apply programs.toml", status=2)
    assert [one["name"] for one in files("programs list", form="json").items] == ["standard"]


def test_a_first_step_after_nothing_is_refused(files: Company) -> None:
    files.write("programs.toml", HEAD.replace("after_due", "after_previous"))
    assert "nothing comes before it" in files("programs apply programs.toml", status=2).err


def test_a_file_that_is_not_there_is_status_2(files: Company) -> None:
    assert files("programs apply none.toml", status=2).err == (
        "relance: none.toml: cannot be read: No such file or directory\n"
    )


def test_an_unchanged_file_makes_no_new_version(files: Company) -> None:
    assert files("programs apply programs.toml").out == "standard: version 1, unchanged\n"
    files.write("programs.toml", PROGRAMS.replace("after_due = 3", "after_due = 4"))
    assert files("programs apply programs.toml").out == "standard: version 2, changed\n"
    assert files("programs apply programs.toml", form="json").items == [
        {"name": "standard", "change": "unchanged", "version": 2, "moved": 0, "kept": 0}
    ]


def test_comments_and_another_order_of_keys_are_no_change(files: Company) -> None:
    files.write(
        "programs.toml",
        "# hello\n" + PROGRAMS.replace('name = "standard"\ndefault = true', 'default = true\nname = "standard"'),
    )
    assert files("programs apply programs.toml").out == "standard: version 1, unchanged\n"


def test_going_back_to_an_older_text_is_a_new_version(files: Company) -> None:
    for text, version in ((PROGRAMS.replace("= 3", "= 4"), 2), (PROGRAMS, 3)):
        files.write("programs.toml", text)
        assert files("programs apply programs.toml", form="json").items[0]["version"] == version


EVERY_KEY = """\
[[programs]]
name = "all"
label = "Tout \\"entier\\""
default = true
group = "client"
calendar = "FR-6AE"
minimum = "10.00"
quiet_days = 3
after_manual = 5
since = 2026-01-01
pin = true
when = { country = ["FR"], tag = ["public"] }

[[programs.steps]]
name = "Un"
trigger = { after_due = "-1 month" }
channel = "mail"
sender = "salesperson"
to = ["billing", "Anne <anne@x.example>"]
cc = ["manager"]
bcc = ["accounting"]
subject = "Facture #REF# ## {{ client.name }}"
body = '''
Bonjour,
#SOLDE#
'''
attach = ["invoice?", "schedule"]
payment_link = true

[[programs.steps]]
name = "Deux"
trigger = { after_issue = "2 weeks" }
template = "first"

[[programs.steps]]
name = "Trois"
trigger = { after_previous = 1 }
channel = "activity"
"""


def test_what_is_exported_and_applied_again_is_unchanged(files: Company) -> None:
    files.write("programs.toml", EVERY_KEY + PROGRAMS.replace("default = true\n", ""))
    files("programs apply programs.toml")
    files.write("again.toml", files("programs export").out)
    assert [one["change"] for one in files("programs apply again.toml", form="json").items] == ["unchanged"] * 2
    assert [one["default"] for one in files("programs list", form="json").items] == [True, False]
    assert [one["name"] for one in files("programs export all", form="json").items] == ["all"]


def test_a_copy_is_another_program_that_is_not_the_default(files: Company) -> None:
    assert files("programs copy standard dupont").out == "dupont: version 1, a copy of standard\n"
    rows = {one["name"]: one for one in files("programs list", form="json").items}
    assert (rows["dupont"]["default"], rows["dupont"]["steps"]) == (False, 3)


@pytest.mark.parametrize("new", ["standard", "none", "inherit", "' '"])
def test_a_copy_needs_a_name_of_its_own(files: Company, new: str) -> None:
    said = files(f"programs copy standard {new}", status=2)
    assert (len(said.lines), "a fault of relance" in said.err) == (1, False)


@pytest.mark.parametrize("command", ["copy standrad new", "delete standrad --yes", "recap standrad", "export standrad"])
def test_an_unknown_program_is_refused_naming_the_nearest(files: Company, command: str) -> None:
    said = files(f"programs {command}", status=2, form="")
    assert said.err == "relance: no program 'standrad'; did you mean 'standard'?\n"


def test_the_default_cannot_be_deleted_before_another_is(files: Company) -> None:
    said = files("programs delete standard --yes", status=2)
    assert said.lines[-1] == "relance: program 'standard' is the default; make another one the default first"
    files.write("other.toml", HEAD.replace('name = "other"', 'name = "other"\ndefault = true'))
    files("programs apply other.toml")
    assert files("programs delete standard --yes").out == "standard: deleted\n"
    assert [one["name"] for one in files("programs list", form="json").items] == ["other"]


def test_deleting_says_what_used_it_and_asks(files: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    files("programs copy standard dupont")
    files("client acme 1 --program dupont")
    for answer, left in (("n\n", True), ("", True), ("y\n", False)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        said = files("programs delete dupont", status=0 if answer else 2)
        assert said.lines[0] == "relance: dupont is used by 1 client and 0 plans, and sent 0 reminders"
        assert ("dupont" in files("programs list").out) == left
    assert files("simulate acme").json["decisions"][0]["program"] == "standard"


def test_a_deleted_program_can_be_applied_again(files: Company) -> None:
    files.write("other.toml", HEAD)
    for version in (1, 1):
        assert files("programs apply other.toml").out == f"other: version {version}, new\n"
        files("programs delete other --yes")


def test_a_new_default_replaces_the_old_one(files: Company) -> None:
    files.write("other.toml", HEAD.replace('name = "other"', 'name = "other"\ndefault = true'))
    files("programs apply other.toml")
    rows = files("programs list", form="json").items
    assert {one["name"]: one["default"] for one in rows} == {"other": True, "standard": False}


# Who follows which


def program_of(company: Company, invoice: str = "17") -> str | None:
    rows = company("simulate acme", status=None).json["decisions"]
    return next(one["program"] for one in rows if one["invoice"] == invoice)


def test_a_client_follows_the_program_chosen_for_it_or_none_or_what_it_inherits(files: Company) -> None:
    files("programs copy standard dupont")
    assert files("client acme 1 --program dupont").out == "acme: client 1 follows dupont\n"
    assert program_of(files) == "dupont"
    files("client acme 1 --program none")
    assert files("simulate acme").reasons == {"17": "no_program"}
    files("client acme 1 --program inherit")
    assert program_of(files) == "standard"


def test_an_unknown_program_or_client_changes_nothing(files: Company) -> None:
    assert "did you mean 'standard'?" in files("client acme 1 --program standrad", status=2).err
    assert files("client acme 99 --program none", status=2).err == (
        "relance: no client '99' on acme; give the host's id of a client\n"
    )
    assert program_of(files) == "standard"


def test_a_program_that_the_host_has_for_a_client_is_changed_there(files: Company) -> None:
    files.csv("clients", "1,Dupont SA,compta@dupont.example,fr,FR,,standard,,")
    files("sync acme")
    assert files("client acme 1 --program none", status=2).err == (
        "relance: client 1 has the program 'standard' on the host, which goes first: change it there\n"
    )
    assert program_of(files) == "standard"


def test_invoices_follow_the_current_version(files: Company) -> None:
    files("simulate acme")
    files.write("programs.toml", PROGRAMS.replace("= 3", "= 40"))
    files("programs apply programs.toml")
    (decision,) = files("run acme").json["decisions"]
    assert (decision["version"], decision["date"]) == (2, "2026-12-10")


def test_pinned_invoices_keep_the_version_they_first_met(files: Company) -> None:
    pinned = PROGRAMS.replace("default = true", "default = true\npin = true")
    files.programs(pinned)
    files("run acme")
    files.programs(pinned.replace("= 10", "= 20"))
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", "18,1,2026-11-18,2026-11-19,5.00")
    rows = {one["invoice"]: one for one in files("run acme").json["decisions"]}
    assert {key: one["version"] for key, one in rows.items()} == {"17": 2, "18": 3}
    assert rows["17"]["date"] == "2026-12-01"


def test_templates_are_listed_and_shown(files: Company) -> None:
    rows = {one["name"]: one["languages"] for one in files("templates list", form="json").items}
    assert rows["first"] == rows["default"] == ["en", "fr"]
    assert files("templates show first --language en").out.startswith("Subject: ")
    (shown,) = files("templates show first", form="json").items
    assert (shown["name"], shown["language"]) == ("first", "fr")
    assert "did you mean 'first'?" in files("templates show frist", status=2).err


def test_ones_own_templates_come_first(files: Company) -> None:
    files.configure(("[relance]", '[relance]\ntemplates = "templates"'))
    files.write("templates/fr/first.txt", "Subject: Le mien #REF#\nBonjour\n")
    assert files("templates show first").out == "Subject: Le mien #REF#\nBonjour\n\n"
    files.programs(
        PROGRAMS.replace(
            'subject = "Rappel #REF#"\nbody = "Bonjour #CLIENT#, #SOLDE# dus depuis le #ECHEANCE#."',
            'template = "first"',
        )
    )
    files("run acme")
    assert [mail["Subject"] for mail in files.mails().values()] == ["Le mien 17"]


def test_a_folder_of_templates_that_is_not_there_is_named_by_its_key(files: Company) -> None:
    files.configure(("[relance]", '[relance]\ntemplates = "modeles"'))
    assert files("templates list", status=2).err == (
        "relance: relance.toml:2: relance.templates: modeles: no such folder\n"
    )


# Edits


def edited(files: Company, text: str = PROGRAMS.replace("after_due = 3", "after_due = 30")) -> str:
    files.csv(
        "invoices",
        "17,1,2026-10-01,2026-10-31,100.00",
        "18,1,2026-11-18,2026-11-30,5.00",
        "19,2,2026-11-18,2026-12-05,5.00",
    )
    files("sync acme")
    files.write("edited.toml", text)
    return "programs diff edited.toml"


def test_diff_lists_what_an_edit_would_move_and_stores_nothing(files: Company) -> None:
    command = edited(files)
    for _ in range(2):
        items = files(f"{command} --date 2026-11-21", form="json").items
        assert items[0] == {
            "host": "acme",
            "invoice": "17",
            "number": "17",
            "client": "1",
            "client_name": "Dupont SA",
            "instalment": 1,
            "step_name": "Rappel",
            "change": "moves",
            "fields": [],
            "before": "2026-11-03",
            "program_before": "standard",
            "version_before": 1,
            "after": "2026-11-30",
            "program_after": "standard",
            "version_after": 2,
        }
        assert len(items) == 9
    assert [one["version"] for one in files("programs list", form="json").items] == [1]
    shown = files(f"{command} --date 2026-11-21").out.splitlines()
    assert shown[0] == "standard: version 2, changed"
    assert shown[-1] == "planned reminders: 9 move; of 3 invoices"


def test_diff_and_apply_are_what_the_next_simulation_shows(files: Company) -> None:
    command = edited(files, PROGRAMS.replace("after_due = 3", "after_due = 1").replace('"Relance"', '"Autre"'))
    before = {one["invoice"]: one["date"] for one in files("simulate acme").json["decisions"]}
    items = files(f"{command} --date 2026-11-21", form="json").items
    moved = {one["invoice"]: one["after"] for one in items if one["step_name"] == "Rappel"}
    assert {one["change"] for one in items if one["step_name"] == "Autre"} == {"appears"}
    assert {one["change"] for one in items if one["step_name"] == "Relance"} == {"vanishes"}
    files("programs apply edited.toml")
    after = {one["invoice"]: one["date"] for one in files("simulate acme").json["decisions"]}
    assert {**before, **moved} == after != before


def test_an_unchanged_file_has_no_difference(files: Company) -> None:
    assert files(f"{edited(files, PROGRAMS)} --date 2026-11-21").out.splitlines() == [
        "standard: version 1, unchanged",
        "",
        "planned reminders: none changes",
    ]


def test_diff_refuses_what_apply_refuses_and_an_unknown_host(files: Company) -> None:
    files.write("programs.toml", HEAD + 'body = "#NOBODY#"\n')
    assert files("programs diff programs.toml", status=2).lines[0].startswith("relance: programs.toml:6: ")
    assert "hosts.acne: no such host; did you mean 'acme'?" in files(f"{edited(files)} --host acne", status=2).err


def test_diff_says_where_nothing_was_pulled_yet(files: Company) -> None:
    files.write("edited.toml", PROGRAMS.replace("= 3", "= 4"))
    said = files("programs diff edited.toml", form="json")
    assert (said.items, said.err) == ([], "relance: acme: no unpaid invoice as last pulled\n")


def pinned_at_first(files: Company) -> str:
    """Invoice 17 keeps version 2 of a program with ``pin``; how that file reads."""
    text = PROGRAMS.replace("default = true", "default = true\npin = true")
    files.programs(text)
    files("simulate acme")
    return text


def test_pinned_plans_keep_their_version_or_are_moved(files: Company) -> None:
    text = pinned_at_first(files).replace("= 3", "= 40")
    files.write("edited.toml", text)
    assert files("programs diff edited.toml --date 2026-11-21", form="json").items == []
    items = files("programs diff edited.toml --pinned move --date 2026-11-21", form="json").items
    assert (items[0]["step_name"], items[0]["after"]) == ("Rappel", "2026-12-10")
    assert files("programs apply edited.toml").out == (
        "standard: version 3, changed; pinned plans that keep an older version: 1\n"
    )
    assert files("simulate acme").json["decisions"][0]["version"] == 2
    assert files("programs apply edited.toml --pinned move").out == (
        "standard: version 3, unchanged; pinned plans moved to it: 1\n"
    )
    (decision,) = files("simulate acme").json["decisions"]
    assert (decision["version"], decision["date"]) == (3, "2026-12-10")
    assert files("programs apply edited.toml --pinned move", form="json").items == [
        {"name": "standard", "change": "unchanged", "version": 3, "moved": 0, "kept": 0}
    ]


def test_a_plan_that_is_moved_keeps_what_was_made_by_hand_of_steps_that_are_still_there(files: Company) -> None:
    from relance_addon.journal import history, models

    text = pinned_at_first(files)
    changes = {"Rappel": {"on": "2026-12-24"}, "Relance": {"sender": "manager"}}
    models.Plan.objects.update(dropped=["Dernier rappel", "Relance"], changes=changes)
    files.write("edited.toml", text.replace('"Relance"', '"Autre"'))
    files("programs apply edited.toml --pinned move")
    plan = history.adaptations("acme")["17"]
    assert (plan.version, plan.dropped, list(plan.changes)) == (3, {"Dernier rappel"}, ["Rappel"])
    assert files("simulate acme").json["decisions"][0]["date"] == "2026-12-24"


def test_deleting_names_what_used_it_and_pinned_plans_go_on(files: Company) -> None:
    pinned_at_first(files)
    files("run acme")
    files.write("other.toml", HEAD.replace('name = "other"', 'name = "other"\ndefault = true'))
    files("programs apply other.toml")
    files.csv(
        "clients", "1,Dupont SA,compta@dupont.example,fr,FR,,,,", "2,Smith Ltd,ap@smith.example,en,GB,,standard,,"
    )
    files.csv(
        "invoices",
        "17,1,2026-10-01,2026-10-31,100.00,",
        "18,2,2026-10-01,2026-10-31,9.00,standard",
        header="id,client,issue_date,due_date,residual,program",
    )
    files("sync acme")
    files("client acme 1 --program standard")
    assert files("programs delete standard --yes").lines == [
        "relance: standard is used by 1 client and 1 plan, and sent 1 reminder",
        "relance: acme: chosen for client 1 (Dupont SA)",
        "relance: acme: named on the host for client 2 (Smith Ltd)",
        "relance: acme: in the plan of invoice 17",
        "relance: acme: named on the host for invoice 18",
        "relance: acme: reminders sent: 1",
    ]
    rows = {one["invoice"]: one for one in files("simulate acme --date 2026-11-22", status=1).json["decisions"]}
    assert (rows["17"]["program"], rows["17"]["version"], rows["17"]["step"]) == ("standard", 2, 2)
    assert rows["18"]["reason"] == "invalid"


def test_a_message_that_failed_is_no_reminder_sent(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake.host.answer("17", "failed", "550")
    fake("run acme", status=1)
    assert [one["reminders"] for one in fake("programs list --format json").items] == [0]
    fake("client acme 1 --program standard")
    told = fake("programs delete standard --yes", status=2).lines
    assert told[0] == "relance: standard is used by 1 client and 0 plans, and sent 0 reminders"
    assert not any("reminders sent" in line for line in told)


def test_of_many_users_the_first_are_named_and_the_others_counted(files: Company) -> None:
    pinned_at_first(files)
    files.csv("invoices", *(f"{number},1,2026-10-01,2026-10-31,1.00" for number in range(1, 13)))
    files("simulate acme")
    files.write("other.toml", HEAD.replace('name = "other"', 'name = "other"\ndefault = true'))
    files("programs apply other.toml")
    assert files("programs delete standard --yes").lines[1] == (
        "relance: acme: in the plan of invoices 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more"
    )
