"""Scores: how reliable a unit is, how good a prediction can be, how near an estimate is to truth.

In: plain arrays, most often repeats (stimulus, repeat, unit) padded with NaN. Out: arrays of
scores (unit,). None is clipped: a score outside its range is news.
May import: `data`, `numerics`, `errors`.
"""
