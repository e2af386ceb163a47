"""The scan engine: a network as a `jax.lax.scan`, for batches, gradients and accelerators.

Start reading in `engine.py`; one tick is in `step.py`.
"""
