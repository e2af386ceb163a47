"""The event engine: a network as arrays, and a compiled loop that does nothing where nothing fires.

Start reading in `engine.py`; the loop over time is in `kernel.py`.
"""
