"""The command line: a thin skin over operations. A module here imports nothing heavy before its command runs."""
