"""Experiments whose truth is known.

In: a method with its settings, and a seed. Out: an `Experiment` as a recording would give it, and
the truth behind it.
May import: `evaluate`, `data`, `numerics`, `errors`.
"""
