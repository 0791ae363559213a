"""Whole commands on a running host: what they cost, and what is left when they or the host break down.

Nothing here is collected by pytest: each needs a server of its own that may be filled with reminders.
"""
