"""Where the rooms meet: whole jobs, from an input to a results folder with a report.

In: a frozen config. Out: a results folder.
May import: every room below.
"""
