"""Models of images that are fitted in closed form, or to a convex cost.

Start reading in `linear.py`, then `gabor_bank.py`.
"""
