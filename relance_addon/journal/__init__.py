"""The journal: what was pulled, planned, claimed, sent, and what became of it. The only place that knows Django.

``database.connect`` comes first; the other modules are functions that take and give core's dataclasses.
"""
