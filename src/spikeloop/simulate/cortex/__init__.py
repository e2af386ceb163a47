"""A visual cortex whose receptive fields are known.

Start reading in `virtual_cortex.py`.
"""
