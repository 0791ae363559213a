"""Pure rules: no I/O, no clock, no Django. Imports only core."""
