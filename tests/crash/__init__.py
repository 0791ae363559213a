"""Runs that are killed, and runs at once: ``python -m tests.crash 200`` from the root of the repository.

Real processes on a real folder of files; what left is read from the files themselves, never from the journal.
"""
