"""Measuring: ``python -m tests.benchmarks`` from the root of the repository. Figures are in docs/measured.md."""
