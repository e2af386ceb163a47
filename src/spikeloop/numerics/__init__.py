"""Arithmetic on arrays; knows no neuroscience.

In and out: NumPy arrays. Each file is one subject, imported by its own name:
`binning` (counts in windows and bins), `parallel` (`map_tasks`), and others beside them.
May import: `spikeloop.errors` alone.
Start reading in `binning.py`.
"""
