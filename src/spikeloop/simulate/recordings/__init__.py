"""Extracellular recordings whose truth is known.

Start reading in `recording.py`.
"""
