"""What drives each unit, how reliably, and which units are worth modelling.

In: `SpikeTrains` with a `TimeSeries`, or `Responses` with `Images`. Out: a frozen result per verb.
Each verb reads ``result = verb(data, method, *, seed)``, where the method is a frozen dataclass of
settings that stands in the same file.
May import: `evaluate`, `data`, `numerics`, `errors`.
"""
