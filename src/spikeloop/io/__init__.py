"""Files in, nouns out, and the other way round.

In: NWB, MATLAB, npz, folders of published data, objects of other packages. Out: an `Experiment`, or
a file. A bad file is refused whole, with the offending place named; nothing is unpickled or run.
May import: `evaluate`, `data`, `numerics`, `errors`.
"""
