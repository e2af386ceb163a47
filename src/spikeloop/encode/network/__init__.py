"""Convolutional networks that predict all units at once, of one session or of many.

In: images beside mean counts. Out: parameters by names, and loss curves.
Start reading in `model.py`: what the network is. `stack.py` is its core, `readouts.py` what each
unit makes of it, `sessions.py` how it is trained, `epochs.py` what is compiled.
"""
