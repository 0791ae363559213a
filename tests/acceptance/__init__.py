"""Whole months of days on whole ledgers. ``python -m tests.acceptance receivables.csv`` runs a real one."""
