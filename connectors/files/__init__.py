"""A folder of CSV files as a host. ``docs/files.md`` is its manual."""
