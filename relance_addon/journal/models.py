"""The tables. Amounts and the host's dates are kept as text, exactly as the host gave them; addresses as JSON lists."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Host(models.Model):
    """What is known of a host as a whole."""

    name = models.CharField(max_length=120, unique=True)
    activated = models.BooleanField(default=False)
    cursor = models.TextField(default="")
    settings = models.CharField(max_length=64, default="")
    last_run = models.DateField(null=True)


class Client(models.Model):
    """A client as last pulled."""

    host = models.CharField(max_length=120)
    ref = models.TextField()
    name = models.TextField()
    data = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["host", "ref"], name="one_client"),)


class Invoice(models.Model):
    """An invoice as last pulled. ``present`` is false once the host no longer says that it is owed."""

    host = models.CharField(max_length=120)
    ref = models.TextField()
    number = models.TextField()
    client = models.TextField()
    status = models.CharField(max_length=12)
    issue_date = models.CharField(max_length=10)
    due_date = models.CharField(max_length=10)
    total = models.CharField(max_length=40)
    residual = models.CharField(max_length=40)
    currency = models.CharField(max_length=8)
    salesperson = models.TextField()
    payment_link = models.TextField()
    pdf = models.TextField()
    program = models.TextField()
    held_until = models.CharField(max_length=10)
    instalments = models.TextField()
    invalid = models.TextField()
    contacts = models.TextField()
    present = models.BooleanField(default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["host", "ref"], name="one_invoice"),)
        indexes = (models.Index(fields=["host", "number"], name="invoice_number"),)


class Program(models.Model):
    """A program by name; ``current`` is the number of its newest version."""

    name = models.CharField(max_length=120, unique=True)
    position = models.IntegerField()
    default = models.BooleanField(default=False)
    current = models.IntegerField()
    deleted = models.BooleanField(default=False)


class Version(models.Model):
    """One immutable version of a program."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    content = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["program", "number"], name="one_version"),)


class ClientProgram(models.Model):
    """The program that was chosen for a client; ``none`` for none."""

    host = models.CharField(max_length=120)
    client = models.TextField()
    program = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["host", "client"], name="one_program_per_client"),)


class Plan(models.Model):
    """The hand-made part of an invoice's plan, and the version it is pinned to (0: none)."""

    host = models.CharField(max_length=120)
    invoice = models.TextField()
    program = models.TextField(default="")
    version = models.IntegerField(default=0)
    restart = models.IntegerField(default=0)
    instalment = models.IntegerField(default=0)
    dropped = models.JSONField(default=list)
    changes = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["host", "invoice"], name="one_plan"),)


class Hold(models.Model):
    """Nothing goes out for this client or invoice, up to and including ``until`` (null: for good).

    ``amount`` in ``currency`` is what was promised, empty for nothing in particular; ``owed`` is what was due by then.
    ``kept_at`` or ``broken_at`` is when it was first found that the promised day had passed, with or without payment.
    """

    host = models.CharField(max_length=120)
    client = models.TextField(default="")
    invoice = models.TextField(default="")
    kind = models.CharField(max_length=12)
    until = models.DateField(null=True)
    reason = models.TextField()
    amount = models.CharField(max_length=40, default="")
    currency = models.CharField(max_length=8, default="")
    owed = models.CharField(max_length=40, default="")
    made_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)
    broken_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["host", "lifted_at"], name="hold_in_force"),)


class Run(models.Model):
    """One automatic run; ``ended_at`` is null while it lasts or when it died."""

    host = models.CharField(max_length=120)
    day = models.DateField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    totals = models.JSONField(default=dict)


class Simulation(models.Model):
    """A simulation that was saved to be run: what was decided to be sent, as JSON. ``run`` is the one that sent it."""

    host = models.CharField(max_length=120)
    day = models.DateField()
    made_at = models.DateTimeField()
    content = models.TextField()
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="simulations")


class Message(models.Model):
    """One message: claimed before it leaves, then sent, queued, failed or in doubt. ``mime`` is exactly what left.

    A failed one is ``dropped`` once other messages have taken up all of its claims.
    ``reason`` says why one by hand left in spite of a hold.
    """

    host = models.CharField(max_length=120)
    key = models.CharField(max_length=64)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="messages")
    origin = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    error = models.TextField(default="")
    channel = models.CharField(max_length=12)
    client = models.TextField()
    day = models.DateField()
    sent_at = models.DateTimeField()
    message_id = models.CharField(max_length=255, db_index=True)
    subject = models.TextField()
    sender = models.TextField()
    to = models.JSONField()
    cc = models.JSONField()
    bcc = models.JSONField()
    redirected_to = models.TextField(default="")
    attachments = models.JSONField()
    mime = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    reason = models.TextField(default="")
    last_event = models.CharField(max_length=12)
    last_event_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["host", "key"], name="one_message"),)
        indexes = (
            models.Index(fields=["host", "state"], name="message_state"),
            models.Index(fields=["host", "client", "day"], name="message_client"),
        )


class Reminder(models.Model):
    """One invoice in one message: the claim. No two are the same step of the same cycle of an invoice."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="reminders")
    host = models.CharField(max_length=120)
    key = models.CharField(max_length=64)
    invoice = models.TextField()
    number = models.TextField()
    client = models.TextField()
    client_name = models.TextField()
    program = models.TextField()
    version = models.IntegerField()
    step = models.IntegerField()
    step_name = models.CharField(max_length=120)
    instalment = models.IntegerField()
    restart = models.IntegerField()
    cycle = models.TextField()
    origin = models.CharField(max_length=12)
    day = models.DateField()
    residual = models.CharField(max_length=40)
    currency = models.CharField(max_length=8)
    failures = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["host", "invoice", "cycle", "step_name"], name="one_claim"),
            models.UniqueConstraint(
                fields=["host", "invoice", "day"], condition=Q(origin="automatic"), name="one_automatic_a_day"
            ),
        )
        indexes = (models.Index(fields=["host", "client"], name="reminder_client"),)


class Event(models.Model):
    """What became of a message, for one recipient (empty: for all); ``reported`` by the host, or our own outcome."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    event = models.CharField(max_length=12)
    at = models.DateTimeField()
    recipient = models.CharField(max_length=254, default="")
    detail = models.TextField(default="")
    reported = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["message", "event", "at", "recipient", "reported"], name="one_event"),
        )
