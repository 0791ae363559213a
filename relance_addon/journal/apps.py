"""The Django app."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """The journal, under the label ``journal``."""

    name = "relance_addon.journal"
    label = "journal"
    default_auto_field = "django.db.models.BigAutoField"
