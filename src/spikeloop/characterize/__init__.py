"""What drives each unit, how reliably, and which units are worth modelling.

In: `SpikeTrains` with a `TimeSeries`, or `Responses` with `Images`. Out: a frozen result per verb.
Each verb reads ``result = verb(data, method, *, seed)``, where the method is a frozen dataclass of
settings that stands in the same file.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `triggered_average.py`.
"""

from spikeloop.characterize.counting import count_spikes
from spikeloop.characterize.image_average import (
    ImageAverage,
    ImageTriggeredAverage,
    frames,
    image_triggered_average,
)
from spikeloop.characterize.raster_order import OrderedRaster, RasterOrder, order_raster
from spikeloop.characterize.reliability import Reliability, ReliabilityTable, measure_reliability
from spikeloop.characterize.selection import SelectedUnits, UnitSelection, select_units
from spikeloop.characterize.triggered_average import (
    SpikeTriggeredAverage,
    TriggeredAverage,
    triggered_average,
)
from spikeloop.characterize.triggered_covariance import (
    SpikeTriggeredCovariance,
    TriggeredCovariance,
    triggered_covariance,
)

__all__ = [
    "ImageAverage",
    "ImageTriggeredAverage",
    "OrderedRaster",
    "RasterOrder",
    "Reliability",
    "ReliabilityTable",
    "SelectedUnits",
    "SpikeTriggeredAverage",
    "SpikeTriggeredCovariance",
    "TriggeredAverage",
    "TriggeredCovariance",
    "UnitSelection",
    "count_spikes",
    "frames",
    "image_triggered_average",
    "measure_reliability",
    "order_raster",
    "select_units",
    "triggered_average",
    "triggered_covariance",
]
