"""relance-addon: reminders of unpaid invoices for ERPs. Pull, decide, claim, post, record."""

__version__ = "0.1.0"
