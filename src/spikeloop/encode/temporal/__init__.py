"""Models of spikes driven by a continuous stimulus.

Start reading in `fit_series.py`; `poisson_glm.py` is the model to know first.
"""
