"""CSV files to invoices, clients, contacts and instalments: the contract's section on the folder, line by line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from files_samples import HEADER, TODAY, Sample

from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Contact, Instalment

FULL = (
    "id,client,issue_date,residual,number,status,due_date,total,currency,salesperson,payment_link,pdf,program,"
    "hold_until,settled_date"
)
GOOD = "1,3,2026-10-01,100.00"


def refused(sample: Sample, **settings: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        sample.pull(**settings)  # type: ignore[arg-type]
    return str(caught.value).split("\n")


# What is read


def test_four_columns_are_enough(sample: Sample) -> None:
    sample.invoices("17,3,2026-10-01,1200.00")
    pulled = sample.pull()
    (one,) = pulled.invoices
    assert (one.id, one.number, one.client, one.status) == ("17", "17", "3", "open")
    assert (one.issue_date, one.due_date) == (date(2026, 10, 1), None)
    assert (one.total, one.residual, one.currency) == (Decimal("1200.00"), Decimal("1200.00"), "EUR")
    assert (one.salesperson, one.payment_link, one.pdf, one.program, one.held_until) == (None, "", "", "", None)
    assert one.instalments == ()
    assert not one.invalid
    assert pulled.problems == []
    assert pulled.full


def test_every_column(sample: Sample) -> None:
    (sample.folder / "pdf").mkdir()
    (sample.folder / "pdf" / "a.pdf").write_bytes(b"%PDF-1.7")
    sample.invoices(
        "17,3,2026-10-01,12.50,FA-17,Disputed,2026-10-31,20,usd,Anne Roux <anne@acme.example>,"
        "https://pay.example/17,pdf/a.pdf,douce,always,",
        header=FULL,
    )
    (one,) = sample.pull().invoices
    assert (one.number, one.status, one.due_date) == ("FA-17", "disputed", date(2026, 10, 31))
    assert (one.total, one.residual, one.currency) == (Decimal("20"), Decimal("12.50"), "USD")
    assert one.salesperson == Address("Anne Roux", "anne@acme.example")
    assert (one.payment_link, one.pdf, one.program) == ("https://pay.example/17", "pdf/a.pdf", "douce")
    assert one.held_until == date.max


def test_only_what_is_owed_is_pulled_and_any_status_is_read(sample: Sample) -> None:
    states = ["draft", "open", "", "PAID", "cancelled", " disputed ", "written_off"]
    sample.invoices(*(f"{n},3,2026-10-01,5,{state}" for n, state in enumerate(states)), header=HEADER + ",status")
    pulled = sample.pull()
    assert pulled.ids == ["0", "1", "2", "5"]
    page = sample.connect().read([str(n) for n in range(8)], TODAY)
    assert [one.status for one in page.invoices] == [
        "draft", "open", "open", "paid", "cancelled", "disputed", "written_off",
    ]  # fmt: skip
    assert list(page.gone) == ["7"]


def test_a_draft_may_have_no_issue_date_and_nothing_else_may(sample: Sample) -> None:
    sample.invoices("1,3,,5,draft", "2,3,,5,open", header=HEADER + ",status")
    pulled = sample.pull()
    assert pulled["1"].issue_date is None
    assert not pulled["1"].invalid
    assert pulled["2"].invalid
    assert pulled.told == ["data/invoices.csv:3: issue_date: missing: only a draft may have none"]


def test_a_residual_below_zero_is_the_engines_to_judge(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,-5.00")
    assert sample.pull()["1"].residual == Decimal("-5.00")
    assert sample.pull().problems == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_semicolons_decimal_commas_other_dates_and_encodings(sample: Sample, encoding: str) -> None:
    sample.write(
        "invoices", "id;client;issue_date;residual", '1;3;01/10/2026;"1 200,50"', encoding=encoding, end="\r\n"
    )
    sample.write("clients", "id;name;credit", "3;Élodie & fils;1 000,00 usd", encoding=encoding, end="\r\n")
    settings = {} if encoding.startswith("utf-8") else {"encoding": encoding}
    pulled = sample.pull(decimal=",", dates="%d/%m/%Y", **settings)
    assert pulled["1"].residual == Decimal("1200.50")
    assert pulled["1"].issue_date == date(2026, 10, 1)
    assert pulled.clients["3"].name == "Élodie & fils"
    assert pulled.clients["3"].credits == {"USD": Decimal("1000.00")}
    assert pulled.problems == []


def test_names_in_any_script(sample: Sample) -> None:
    names = ["شركة النور", "株式会社", "Ærø 🚲 Bike", "O'Neill", 'Le "Zinc"']
    sample.write(
        "clients", "id\tname", *('{}\t"{}"'.format(n, name.replace('"', '""')) for n, name in enumerate(names))
    )
    sample.invoices(*(f"{n},{n},2026-10-01,5" for n in range(len(names))))
    assert [one.name for one in sample.pull().clients.values()] == names


def test_clients_and_their_contacts(sample: Sample) -> None:
    sample.invoices(GOOD)
    sample.write(
        "clients",
        "id,name,email,language,country,tags,program,hold_until,credit",
        '3,"Dupont\nSA",Dupont <d@d.example>,fr_BE,be,public  vip public,none,2026-12-24,120.50',
        "4,,,,,,,,-3",
    )
    sample.write(
        "contacts",
        "client,name,email,roles",
        "3,Zoé,z@d.example,Billing accounting",
        "3,,plain@d.example,",
    )
    clients = sample.pull().clients
    one = clients["3"]
    assert (one.name, one.email, one.language, one.country) == ("Dupont SA", "d@d.example", "fr_BE", "BE")
    assert (one.tags, one.program, one.held_until) == (("public", "vip"), "none", date(2026, 12, 24))
    assert one.credits == {"EUR": Decimal("120.50")}
    assert one.contacts == (
        Contact("Zoé", "z@d.example", ("billing", "accounting")), Contact("", "plain@d.example", ()),
    )  # fmt: skip
    assert (clients["4"].name, clients["4"].email, clients["4"].credits) == ("4", "", {})


def test_instalments_in_order_of_their_dates(sample: Sample) -> None:
    sample.invoices(GOOD, "2,3,2026-10-01,5")
    sample.write(
        "instalments", "invoice,due_date,amount,residual", "1,2026-12-31,50,50", "1,2026-10-31,50,0", "2,2026-12-01,,5"
    )
    pulled = sample.pull()
    assert pulled["1"].instalments == (
        Instalment(date(2026, 10, 31), Decimal(50), Decimal(0)),
        Instalment(date(2026, 12, 31), Decimal(50), Decimal(50)),
    )  # fmt: skip
    assert pulled["2"].instalments == (Instalment(date(2026, 12, 1), Decimal(5), Decimal(5)),)


# By the date of settlement


def test_without_a_status_the_date_of_settlement_decides(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,2026-11-21", "2,3,2026-10-01,5,2026-11-22", "3,3,2026-10-01,5,",
                    "4,3,2026-11-21,5,", "5,3,2026-11-22,5,2026-12-01", header=HEADER + ",settled_date")  # fmt: skip
    assert sample.pull().ids == ["2", "3", "4"]
    page = sample.connect().read(["1", "2", "3", "4", "5"], TODAY)
    assert [(one.id, one.status) for one in page.invoices] == [
        ("1", "paid"),
        ("2", "open"),
        ("3", "open"),
        ("4", "open"),
    ]
    assert list(page.gone) == ["5"]
    assert sample.pull(date(2026, 11, 22)).ids == ["3", "4", "5"]
    assert sample.pull(date(2026, 9, 30)).ids == []


def test_a_status_wins_over_a_date_of_settlement(sample: Sample) -> None:
    sample.invoices("1,3,2026-12-01,5,2026-10-02,open", header=HEADER + ",settled_date,status")
    assert [one.status for one in sample.pull().invoices] == ["open"]


def test_the_day_counts_for_the_cursor_only_where_settlement_decides(sample: Sample) -> None:
    sample.invoices(GOOD)
    cursor = sample.pull().cursor
    assert not sample.pull(date(2026, 11, 22), cursor).full
    sample.invoices(GOOD + ",", header=HEADER + ",settled_date")
    cursor = sample.pull().cursor
    assert not sample.pull(TODAY, cursor).full
    assert sample.pull(date(2026, 11, 22), cursor).full


# Clients of the invoices' own columns


def test_without_a_file_clients_are_made_of_the_invoices_columns(sample: Sample) -> None:
    sample.invoices(
        "1,3,2026-10-01,5,Dupont,d@d.example,fr,FR,vip,12 USD,douce,always",
        "2,3,2026-10-01,5,Durand,other@d.example,en,GB,,,,",
        "3,4,2026-10-01,5,,,,,,,,",
        header=HEADER + ",client_name,email,language,country,tags,credit,program,hold_until",
    )
    pulled = sample.pull()
    one = pulled.clients["3"]
    assert (one.name, one.email, one.language, one.country) == ("Dupont", "d@d.example", "fr", "FR")
    assert (one.tags, one.credits) == (("vip",), {"USD": Decimal(12)})
    assert (one.program, one.held_until) == ("", None), "these are the invoice's own"
    assert (pulled["1"].program, pulled["1"].held_until) == ("douce", date.max)
    assert pulled.clients["4"].name == "4"
    assert list(sample.connect().read(["2"], TODAY).clients) == [one], "the first line wins there too"


def test_a_mapped_client_reads_the_invoices_columns(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,Dupont,strict", header=HEADER + ",Nom,Scenario")
    mapping = {"client": {"name": "Nom", "email": {"template": "{client}@x.example"}, "program": "Scenario"}}
    one = sample.pull(mapping=mapping).clients["3"]
    assert (one.name, one.email, one.program) == ("Dupont", "3@x.example", "strict")


def test_a_wrong_address_in_an_invoices_own_columns_is_told_once(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,nowhere", "2,3,2026-10-01,5,nowhere", header=HEADER + ",email")
    pulled = sample.pull()
    assert pulled.told == ["data/invoices.csv:2: email: 'nowhere' is no mail address"]
    assert pulled.clients["3"].invalid
    assert pulled.ids == ["1", "2"]
    assert sample.pull().told == pulled.told, "and again by the next pull"
    connector = sample.connect()
    connector.read(["2"], TODAY)
    assert sample.pull().told == pulled.told, "and after it was read"


def test_clients_of_paid_invoices_alone_are_not_told(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,paid", "2,4,2026-10-01,5,open", header=HEADER + ",status")
    assert set(sample.pull().clients) == {"4"}


def test_contacts_without_a_file_of_clients(sample: Sample) -> None:
    sample.invoices(GOOD)
    sample.write("contacts", "client,name,email,roles", "3,Zoé,z@d.example,billing")
    assert sample.pull().clients["3"].contacts[0].email == "z@d.example"


# Malformed lines

WRONG = {
    "a day that is none": ("due_date", "2026-02-30", "'2026-02-30' is no date (YYYY-MM-DD)"),
    "another form of date": ("issue_date", "01/10/2026", "'01/10/2026' is no date (YYYY-MM-DD)"),
    "no issue date": ("issue_date", "", "missing: only a draft may have none"),
    "no amount": ("residual", "", "missing"),
    "an exponent": ("residual", "1e3", "'1e3' is no amount"),
    "not a number": ("residual", "NaN", "'NaN' is no amount"),
    "a currency sign": ("total", "12 €", "'12 €' is no amount"),
    "a decimal comma":
        ("total", '"12,50"', "'12,50' is no amount: the decimal mark is \".\" (decimal = \",\" changes it)"),
    "an unknown status": ("status", "opne", "unknown status 'opne'; did you mean 'open'?"),
    "a status of another tongue":
        ("status", "¿?", "unknown status '¿?'; known: draft, open, paid, cancelled, disputed, written_off"),
    "no client": ("client", "", "missing"),
    "a currency of two letters": ("currency", "EU", "'EU' is no currency (three letters)"),
    "a salesperson without address": ("salesperson", "Anne", "'Anne' is no mail address"),
    "a salesperson with a line break":
        ("salesperson", '"a@b.example\nBcc: c@d.example"', "a line break in an address"),
    "a link that runs code":
        ("payment_link", "javascript:alert(1)", "'javascript:alert(1)' is no http:// or https:// link"),
    "a pdf above the folder": ("pdf", "../../etc/passwd", "'../../etc/passwd' is no path in the folder"),
    "a pdf by its whole path": ("pdf", "/etc/passwd", "'/etc/passwd' is no path in the folder"),
    "a pdf through another folder": ("pdf", "a/../../b.pdf", "'a/../../b.pdf' is no path in the folder"),
    "a hold that is neither": ("hold_until", "soon", "'soon' is no date (YYYY-MM-DD), nor always"),
}  # fmt: skip


@pytest.mark.parametrize(("field", "cell", "text"), WRONG.values(), ids=WRONG.keys())
def test_a_malformed_cell_is_told_and_its_invoice_is_invalid(sample: Sample, field: str, cell: str, text: str) -> None:
    cells = {"id": "1", "client": "3", "issue_date": "2026-10-01", "residual": "5", field: cell}
    columns = FULL.removesuffix(",settled_date").split(",")
    sample.invoices("0,3,2026-10-01,5" + "," * (len(columns) - 4), ",".join(cells.get(one, "") for one in columns),
                    "2,3,2026-10-01,5" + "," * (len(columns) - 4), header=",".join(columns))  # fmt: skip
    pulled = sample.pull()
    assert pulled.told == [f"data/invoices.csv:3: {field}: {text}"]
    assert pulled["1"].invalid == f"{field}: {text}"
    assert pulled.ids == ["0", "1", "2"], "the other lines are used"
    assert not pulled["0"].invalid
    assert not pulled["2"].invalid
    assert pulled.cursor == "", "so that it is said again"
    page = sample.connect().read(["1"], TODAY)
    assert [str(one) for one in page.problems] == pulled.told
    assert list(page.invoices) == [pulled["1"]]


def test_what_can_be_read_of_a_malformed_line_is_kept(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5.00,2026-02-30,usd", header=HEADER + ",due_date,currency")
    one = sample.pull()["1"]
    assert (one.client, one.issue_date, one.residual, one.currency) == ("3", date(2026, 10, 1), Decimal("5.00"), "USD")


def test_several_things_wrong_on_one_line(sample: Sample) -> None:
    sample.invoices("1,3,soon,much")
    pulled = sample.pull()
    assert pulled.told == [
        "data/invoices.csv:2: issue_date: 'soon' is no date (YYYY-MM-DD)",
        "data/invoices.csv:2: residual: 'much' is no amount",
    ]  # fmt: skip
    assert pulled["1"].invalid.count("; ") == 1


def test_a_malformed_line_that_is_paid_is_told_and_not_pulled(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,paid,soon", header=HEADER + ",status,due_date")
    pulled = sample.pull()
    assert pulled.ids == []
    assert len(pulled.problems) == 1


def test_too_few_and_too_many_cells_a_stray_quote_a_nul_and_bad_bytes(sample: Sample) -> None:
    path = sample.invoices(
        GOOD, "2,3,2026-10-01", "3,3,2026-10-01,5,6", '4,"3,2026-10-01,5', "5,3,2026-10-01,\0", "6,3"
    )
    path.write_bytes(path.read_bytes() + b"7,\xe9,2026-10-01,5\n8,3,2026-10-01,5\n")
    pulled = sample.pull()
    assert [one.partition(": ")[0] for one in pulled.told] == [f"data/invoices.csv:{n}" for n in (3, 4, 5, 6, 7, 8)]
    assert {one.id for one in pulled.invoices if one.invalid} == set("234567")
    assert {one.id for one in pulled.invoices if not one.invalid} == set("18")
    assert pulled["2"].invalid == "3 cells where the header has 4"


def test_a_line_without_id_is_told(sample: Sample) -> None:
    sample.invoices(",3,2026-10-01,5", '"a\nb",3,2026-10-01,5', GOOD)
    pulled = sample.pull()
    assert pulled.ids == ["1"]
    assert [str(one.where) + " " + one.key for one in pulled.problems] == [
        "data/invoices.csv:2 id",
        "data/invoices.csv:3 id",
    ]


def test_empty_lines_are_passed_over(sample: Sample) -> None:
    sample.invoices("", GOOD, "", ",,,", "2,3,2026-10-01,x")
    pulled = sample.pull()
    assert pulled.ids == ["1", "2"]
    assert pulled.problems[0].where == "data/invoices.csv:6"


def test_the_line_told_is_the_physical_one(sample: Sample) -> None:
    sample.invoices('1,3,2026-10-01,5,"one\n\ntwo"', '2,3,2026-10-01,x,"a\nb"', header=HEADER + ",number")
    pulled = sample.pull()
    assert pulled["1"].number == "one two"
    assert pulled.problems[0].where == "data/invoices.csv:5"
    assert sample.connect().locate("invoice", ["1", "2", "3"]) == {
        "1": "data/invoices.csv:2",
        "2": "data/invoices.csv:5",
    }


def test_of_a_duplicate_the_first_line_stands(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5", "1,3,2026-10-01,7", "1,3,2026-10-01,5", " 1 ,3,2026-10-01,5")
    pulled = sample.pull()
    assert [one.residual for one in pulled.invoices] == [Decimal(5)]
    text = "id: '1' stands on an earlier line already, which is the one used"
    assert pulled.told == [f"data/invoices.csv:{n}: {text}" for n in (3, 4, 5)]
    assert sample.connect().read(["1"], TODAY).invoices[0].residual == Decimal(5)


def test_a_client_that_is_not_in_the_file(sample: Sample) -> None:
    sample.write("clients", "id,name", "3,Dupont")
    sample.invoices("1,99,2026-10-01,5", "2,3,2026-10-01,5")
    pulled = sample.pull()
    assert pulled.told == ["data/invoices.csv:2: client: no client '99' in data/clients.csv"]
    assert pulled["1"].invalid
    assert not pulled["2"].invalid


def test_malformed_clients(sample: Sample) -> None:
    sample.invoices(*(f"{n},{n},2026-10-01,5" for n in range(1, 7)))
    sample.write(
        "clients",
        "id,name,email,hold_until,credit",
        "1,A,nowhere,,",
        "2,B,,tomorrow,",
        "3,C,,,much",
        "4,D",
        "5,E,,,",
        "5,F,,,",
        ",G,,,",
    )
    pulled = sample.pull()
    assert pulled.told == [
        "data/clients.csv:2: email: 'nowhere' is no mail address",
        "data/clients.csv:3: hold_until: 'tomorrow' is no date (YYYY-MM-DD), nor always",
        "data/clients.csv:4: credit: 'much' is no amount, nor amount and currency",
        "data/clients.csv:5: 2 cells where the header has 5",
        "data/clients.csv:7: id: '5' stands on an earlier line already, which is the one used",
        "data/clients.csv:8: id: missing",
        "data/invoices.csv:7: client: no client '6' in data/clients.csv",
    ]
    assert [bool(pulled.clients[n].invalid) for n in "12345"] == [True, True, True, True, False]
    assert pulled.clients["5"].name == "E"
    assert not pulled["1"].invalid, "the invoice itself is sound"


def test_nonsense_in_language_or_country_is_not_malformed(sample: Sample) -> None:
    sample.invoices(GOOD)
    sample.write("clients", "id,language,country", "3,klingon,Frankreich")
    assert sample.pull().problems == []


def test_malformed_contacts_are_left_out(sample: Sample) -> None:
    sample.invoices(GOOD)
    sample.write("clients", "id", "3")
    sample.write(
        "contacts", "client,name,email,roles", "3,A,nowhere,", "3,B,,", "9,C,c@x.example,", "3,D", "3,E,e@x.example,"
    )
    pulled = sample.pull()
    assert [one.name for one in pulled.clients["3"].contacts] == ["E"]
    assert pulled.told == [
        "data/contacts.csv:2: email: 'nowhere' is no mail address",
        "data/contacts.csv:3: email: missing",
        "data/contacts.csv:4: client: no client '9' in data/clients.csv",
        "data/contacts.csv:5: 2 cells where the header has 4",
    ]
    assert not pulled.clients["3"].invalid


def test_a_malformed_instalment_makes_its_invoice_invalid(sample: Sample) -> None:
    sample.invoices(GOOD, "2,3,2026-10-01,5", "3,3,2026-10-01,5")
    sample.write(
        "instalments",
        "invoice,due_date,amount,residual",
        "1,soon,5,5",
        "1,2026-12-01,5,5",
        "2,2026-12-01,5",
        "404,2026-12-01,5,5",
    )
    pulled = sample.pull()
    assert pulled.told == [
        "data/instalments.csv:2: due_date: 'soon' is no date (YYYY-MM-DD)",
        "data/instalments.csv:4: 3 cells where the header has 4",
        "data/instalments.csv:5: invoice: no invoice '404' in data/invoices.csv",
    ]
    assert pulled["1"].invalid == "instalments: data/instalments.csv:2: due_date: 'soon' is no date (YYYY-MM-DD)"
    assert pulled["2"].invalid
    assert not pulled["3"].invalid
    assert sample.connect().read(["1"], TODAY).invoices[0].invalid


# Files and columns that are missing


def test_a_missing_folder_or_file_is_an_input_error(sample: Sample) -> None:
    assert refused(sample) == ["data/invoices.csv: no such file"]
    assert refused(sample, path="nowhere") == ["nowhere: no such folder"]
    sample.invoices(GOOD)
    assert refused(sample, path="data", files={"clients": "tiers.csv", "contacts": "personnes.csv"}) == [
        "data/tiers.csv: no such file", "data/personnes.csv: no such file",
    ]  # fmt: skip


def test_files_under_other_names(sample: Sample) -> None:
    sample.write("receivables", HEADER, "1,3,2026-10-01,x")
    pulled = sample.pull(files={"invoices": "receivables.csv"})
    assert pulled.problems[0].where == "data/receivables.csv:2"


def test_a_missing_column_is_an_input_error_with_near_names(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5", header="Id,client,issue_dat,montant")
    sample.write("clients", "name,mail", "Dupont,x")
    sample.write("contacts", "client,email", "3,x")
    sample.write("instalments", "invoice,due_date", "3,x")
    assert refused(sample) == [
        "data/invoices.csv:1: id: no column 'id'; did you mean 'Id'?",
        "data/invoices.csv:1: issue_date: no column 'issue_date'; did you mean 'issue_dat'?",
        "data/invoices.csv:1: residual: no column 'residual'; its columns: Id, client, issue_dat, montant",
        "data/clients.csv:1: id: no column 'id'; its columns: name, mail",
        "data/instalments.csv:1: residual: no column 'residual'; its columns: invoice, due_date",
    ]


def test_a_column_that_the_user_mapped_has_to_be_there(sample: Sample) -> None:
    sample.invoices(GOOD)
    told = refused(sample, mapping={"invoice": {"due_date": "DueDate"}})
    assert told == ["data/invoices.csv:1: due_date: no column 'DueDate'; its columns: id, client, issue_date, residual"]
    told = refused(sample, mapping={"client": {"email": {"template": "{mail}"}}})
    assert told[0].startswith("data/invoices.csv:1: email: no column 'mail'")


def test_a_column_that_stands_twice_is_an_input_error(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,6,7,8", header=HEADER + ",residual,x,x")
    assert refused(sample) == ["data/invoices.csv:1: the column 'residual' stands there twice"]


def test_a_required_field_mapped_to_nowhere(sample: Sample) -> None:
    sample.invoices(GOOD)
    assert refused(sample, mapping={"invoice": {"residual": ""}}) == [
        "data/invoices.csv:1: residual: must be mapped to a column"
    ]


def test_an_optional_field_mapped_to_nowhere_is_not_read(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,whatever", header=HEADER + ",status")
    assert sample.pull(mapping={"invoice": {"status": ""}}).problems == []


def test_a_wrong_mapping_is_told_before_any_file_is_opened(sample: Sample) -> None:
    with pytest.raises(
        InputError, match=r"hosts\.demo\.mapping\.invoice\.due_dat: unknown field; did you mean 'due_date'\?"
    ):
        sample.connect(mapping={"invoice": {"due_dat": "x"}})


# PDFs


def test_pdfs_are_those_that_are_there_and_are_pdfs(sample: Sample) -> None:
    (sample.folder / "pdf").mkdir()
    (sample.folder / "pdf" / "1.pdf").write_bytes(b"%PDF-1.7 ...")
    (sample.folder / "2.pdf").write_bytes(b"<html>")
    (sample.folder / "é 5.pdf").write_bytes(b"%PDF")
    sample.invoices("1,3,2026-10-01,5,FA/2026 1,pdf/1.pdf", "2,3,2026-10-01,5,,2.pdf", "3,3,2026-10-01,5,,3.pdf",
                    "4,3,2026-10-01,5,,pdf", "5,3,2026-10-01,5,,./é 5.pdf", header=HEADER + ",number,pdf")  # fmt: skip
    pulled = sample.pull()
    assert [one.pdf for one in pulled.invoices] == ["pdf/1.pdf", "2.pdf", "", "", "é 5.pdf"]
    found = sample.connect().pdfs(pulled.invoices)
    assert {key: (one.name, one.mime) for key, one in found.items()} == {
        "1": ("FA-2026-1.pdf", "application/pdf"), "5": ("5.pdf", "application/pdf"),
    }  # fmt: skip
    assert found["1"].content == b"%PDF-1.7 ..."
    assert [one.pdf for one in sample.connect().read(["1", "3"], TODAY).invoices] == ["pdf/1.pdf", ""]


def test_a_pdf_that_comes_or_goes_is_seen_by_the_next_pull(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,1.pdf", header=HEADER + ",pdf")
    cursor = sample.pull().cursor
    assert not sample.pull(cursor=cursor).full
    (sample.folder / "1.pdf").write_bytes(b"%PDF")
    again = sample.pull(cursor=cursor)
    assert again.full
    assert again["1"].pdf == "1.pdf"


def test_links_are_those_of_the_file(sample: Sample) -> None:
    sample.invoices("1,3,2026-10-01,5,https://pay.example/1", "2,3,2026-10-01,5,", header=HEADER + ",payment_link")
    assert sample.connect().links(sample.pull().invoices) == {"1": "https://pay.example/1"}


@pytest.mark.parametrize(("cell", "until", "program"), [("yes", date.max, "none"), ("no", None, ""), ("", None, "")])
def test_a_column_of_the_companys_own_excludes_an_invoice_or_a_client(
    sample: Sample, cell: str, until: date | None, program: str
) -> None:
    mapping = {
        "hold_until": {"from": "excluded", "map": {"yes": "always"}, "default": ""},
        "program": {"from": "excluded", "map": {"yes": "none"}, "default": ""},
    }
    sample.invoices(f"17,1,2026-10-01,100,{cell}", header=HEADER + ",excluded")
    sample.write("clients", "id,excluded", f"1,{cell}")
    pulled = sample.pull(mapping={"invoice": mapping, "client": mapping})
    for one in (pulled["17"], pulled.clients["1"]):
        assert (one.held_until, one.program) == (until, program)
    assert pulled.told == []


def test_what_was_settled_is_told_with_its_day_from_its_own_lines(sample: Sample) -> None:
    sample.write("clients", "id,name", "1,Dupont", "2,Smith")
    sample.invoices(
        "1,1,2026-10-01,100,2026-11-02",
        "2,1,2026-10-01,100,2026-10-15",
        "3,2,2026-10-01,100,",
        "4,2,2026-10-01,wrong,2026-11-02",
        "1,2,2026-10-01,100,2026-11-09",
        "5,2,2026-10-01,100,2027-01-31",
        "6,9,2026-10-01,100,2026-11-02",
        header=HEADER + ",settled_date",
    )
    connector = sample.connect()
    (page,) = connector.past(date(2026, 10, 15), TODAY)
    assert page.settled == {"1": date(2026, 11, 2), "5": date(2027, 1, 31)}
    assert [one.id for one in page.invoices] == ["1", "5"]
    assert [one.name for one in page.clients] == ["Dupont", "Smith"]
    assert connector.capabilities.settled


def test_settled_invoices_come_by_pages_with_clients_made_of_their_columns(sample: Sample) -> None:
    sample.invoices(
        *(f"{number},C{number % 3},2026-10-01,100,2026-11-02" for number in range(2500)),
        header=HEADER + ",settled_date",
    )
    pages = list(sample.connect().past(date(2026, 10, 15), TODAY))
    assert [len(page.invoices) for page in pages] == [1000, 1000, 500]
    assert all({one.id for one in page.clients} == {"C0", "C1", "C2"} for page in pages)


def test_a_mapped_constant_beside_the_date_of_settlement_stays_in_its_place(sample: Sample) -> None:
    sample.invoices("1,1,2026-10-01,100,2026-11-02", header=HEADER + ",paid_on")
    mapping = {"invoice": {"settled_date": "paid_on", "currency": {"value": "USD"}, "number": {"template": "F{id}"}}}
    (page,) = sample.connect(mapping=mapping).past(date(2026, 10, 15), TODAY)
    assert [(one.number, one.currency) for one in page.invoices] == [("F1", "USD")]


def test_without_dates_of_settlement_nothing_is_told_of_the_past(sample: Sample) -> None:
    sample.invoices("1,1,2026-10-01,100")
    connector = sample.connect()
    assert [page.invoices for page in connector.past(date(2026, 1, 1), TODAY)] == [[]]
    assert not connector.capabilities.settled
