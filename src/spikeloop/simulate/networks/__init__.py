"""Networks of neurons: what they are made of, and the verb that runs them.

Start reading in `network.py`, then `simulate_network.py`.
"""
