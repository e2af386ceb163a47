"""The H1 neuron's spike-triggered average beside the values that its source experiment printed.

python benchmarks/accuracy/triggered_average.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop.characterize.triggered_average import SpikeTriggeredAverage, triggered_average
from spikeloop.data import Epochs, SpikeTrains, TimeSeries

H1 = Path(__file__).parents[3] / "shared" / "data" / "h1_fly" / "c1p8.mat"
PRINTED = [-0.33083048, -0.29083503, -0.23076012, -0.24636984, -0.10962767]


def main() -> None:
    if not H1.exists():
        sys.exit(f"The recording is not here: {H1.name}, wanted in ../shared/data/h1_fly.")
    from scipy.io import loadmat

    arrays = loadmat(H1)
    times_s = (np.flatnonzero(arrays["rho"]) + 0.5) / 500
    spikes = SpikeTrains.from_units({"h1": times_s}, Epochs([0.0], [1200.0]))
    stimulus = TimeSeries(arrays["stim"], sample_rate_hz=500.0)
    result = triggered_average(spikes, stimulus, SpikeTriggeredAverage(), seed=0)
    n_windows = int(result.n_spikes[0])
    rows = [Row("accuracy/h1_windows", "53583", n_windows, "windows", n_windows == 53_583)]
    for i, printed in enumerate(PRINTED):
        got = float(result.average[0, i, 0])
        met = abs(got - printed) <= 1e-6
        wanted = f"{printed:.8f} to 1e-6"
        rows.append(Row(f"accuracy/h1_average_{i}", wanted, got, "stimulus unit", met))
    before = SpikeTriggeredAverage(window_s=(-0.300, -0.002), n_shifts=0)
    peak = float(triggered_average(spikes, stimulus, before, seed=0).average.max())
    met = abs(peak - 29.47) <= 0.005
    rows.append(Row("accuracy/h1_peak", "29.47 to 0.005", peak, "stimulus unit", met))
    publish(rows)


if __name__ == "__main__":
    main()
