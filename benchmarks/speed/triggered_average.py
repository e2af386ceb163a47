"""Triggered averages: the H1 neuron, and a movie of 40,000 frames seen by 135 units.

Both are timed on one thread of linear algebra, in a process of their own whose peak memory is told.
The H1 row holds everything: average, ensemble SD, standard error and 500 circular shifts. The movie
has 900 pixels and 20 lags, with the ensemble SD. Peers do the average alone: a NumPy loop over
spikes, and pynapple where it is installed; on the movie they see one frame in 40 and their time is
multiplied by 40.

    python benchmarks/speed/triggered_average.py
"""

import resource
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, Timing, measure, publish, time_row

from spikeloop.characterize.triggered_average import SpikeTriggeredAverage, triggered_average
from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.numerics.parallel import map_tasks

H1 = Path(__file__).parents[3] / "shared" / "data" / "h1_fly" / "c1p8.mat"
N_FRAMES, N_PIXELS, N_UNITS, N_LAGS, FRAME_HZ = 40_000, 900, 135, 20, 30.0
PEER_SHARE = 40


def h1() -> tuple[SpikeTrains, TimeSeries]:
    from scipy.io import loadmat

    arrays = loadmat(H1)
    times_s = (np.flatnonzero(arrays["rho"]) + 0.5) / 500
    spikes = SpikeTrains.from_units({0: times_s}, Epochs([0.0], [1200.0]))
    return spikes, TimeSeries(arrays["stim"], sample_rate_hz=500.0)


def movie(n_frames: int) -> tuple[SpikeTrains, TimeSeries]:
    rng = np.random.default_rng(0)
    duration_s, n_spikes = n_frames / FRAME_HZ, 10 * n_frames
    times_s = np.sort(rng.uniform(0, duration_s, n_spikes))
    unit = rng.integers(0, N_UNITS, n_spikes)
    spikes = SpikeTrains(times_s, unit, np.arange(N_UNITS), Epochs([0.0], [duration_s]))
    frames = rng.standard_normal((n_frames, N_PIXELS), dtype=np.float32)
    return spikes, TimeSeries(frames, FRAME_HZ)


def loop_over_spikes(spikes: SpikeTrains, stimulus: TimeSeries, n_lags: int) -> np.ndarray:
    sums = np.zeros((spikes.n_units, n_lags, stimulus.values.shape[1]))
    samples = np.floor(spikes.times_s * stimulus.sample_rate_hz).astype(int)
    for sample, unit in zip(samples, spikes.unit_index, strict=True):
        if sample >= n_lags - 1:
            sums[unit] += stimulus.values[sample - n_lags + 1 : sample + 1]
    return sums


def pynapple_times(spikes: SpikeTrains, stimulus: TimeSeries, n_lags: int) -> float | None:
    try:
        import pynapple as nap
    except ImportError:
        return None
    rate_hz = stimulus.sample_rate_hz
    times_s = (np.arange(stimulus.n_samples) + 0.5) / rate_hz
    support = nap.IntervalSet(0, stimulus.stop_s)
    feature = nap.TsdFrame(t=times_s, d=stimulus.values, time_support=support)
    group = nap.TsGroup(
        {u: nap.Ts(spikes.of_unit(u), time_support=support) for u in range(spikes.n_units)},
        time_support=support,
    )
    window = ((n_lags - 1) / rate_hz, 0.0)

    def run() -> object:
        return nap.compute_event_triggered_average(feature, group, 1 / rate_hz, window)

    return measure(run, repeats=1).median_s


def time_one(name: str) -> tuple[Timing, float, dict[str, float]]:
    """Return our times, the peak memory in GB, and the peers' seconds."""
    if name == "h1":
        data, peer_data, share, n_lags = h1(), h1(), 1, 150
        method = SpikeTriggeredAverage()
    else:
        data, peer_data, share, n_lags = movie(N_FRAMES), movie(N_FRAMES // PEER_SHARE), 40, N_LAGS
        method = SpikeTriggeredAverage(window_s=(-(N_LAGS - 1) / FRAME_HZ, 0.0), n_shifts=0)
    timing = measure(lambda: triggered_average(*data, method, seed=0), repeats=5)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_gb = peak / (1e9 if sys.platform == "darwin" else 1e6)
    loop = measure(lambda: loop_over_spikes(*peer_data, n_lags), repeats=1, warmup=0)
    peers = {"numpy_loop_over_spikes": share * loop.median_s}
    pynapple_s = pynapple_times(*peer_data, n_lags)
    if pynapple_s is not None:
        peers["pynapple"] = share * pynapple_s
    return timing, peak_gb, peers


def main() -> None:
    names = ["h1", "movie"] if H1.exists() else ["movie"]
    measured = dict(zip(names, map_tasks(time_one, names, executor="process:1"), strict=True))
    rows = []
    if "h1" in measured:
        timing, _, peers = measured["h1"]
        rows.append(time_row("speed/triggered_average_h1", 0.2, timing, **peers))
    timing, peak_gb, peers = measured["movie"]
    rows.append(time_row("speed/triggered_average_movie", 5.0, timing, **peers))
    rows.append(Row("speed/triggered_average_movie_memory", "< 2", peak_gb, "GB", peak_gb < 2))
    publish(rows)


if __name__ == "__main__":
    main()
