"""Figures, and one self-contained report.

In: plain arrays and nouns. Out: matplotlib axes, or an HTML page that opens offline.
May import: `evaluate`, `data`, `numerics`, `errors`; the only room that knows matplotlib.
"""
