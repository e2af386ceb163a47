"""Models of the H1 neuron: bits per spike, and correlation with the smoothed spike train.

python benchmarks/accuracy/encode_h1.py

Bins of 2 ms; the first 80 % of the time to learn from, a tenth of all for validation, the last 20 %
for the test. Bits per spike are of the conditional intensity, given the spikes before each bin,
against the mean rate of the time learned from. Three correlations with the spike train smoothed by
a Gaussian of 10 ms:

* `free`: of what the stimulus alone lets expect (the mean of 50 simulations that feed their own
  spikes back, where a model has a history), smoothed likewise. This is what models are judged by.
* `free_raw`: of the same, not smoothed.
* `given_spikes`: of the conditional intensity, smoothed likewise. An intensity that knows the
  spikes falls after each: the better it predicts the next bin, the less it resembles the train.

Since the quadratic GLM and the correlation were chosen with the last 20 % in view, three models are
compared once more on the first 20 %, learned from the rest.
"""

import sys
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode import Evaluation, evaluate_series
from spikeloop.encode.splits import TimeSplit, split_time
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.poisson_glm import PoissonGLM, quadratic_glm
from spikeloop.evaluate import bits_per_spike, paired_bootstrap, pooled_correlation

H1 = Path(__file__).parents[3] / "shared" / "data" / "h1_fly" / "c1p8.mat"
RATE_HZ, BLOCK_S, SMOOTH_S = 500.0, 10.0, 0.010
PAST_BINS = 2000  # shown before the test starts, so that simulations have settled
MODELS = {
    "ln": TemporalLinearNonlinear(),
    "glm": PoissonGLM(),
    "glm_quadratic": quadratic_glm(),
    "mid": MaximallyInformative(),
    "network": DilatedNetwork(),
}
CONTESTS = [
    ("glm", "ln"),
    ("glm_quadratic", "ln"),
    ("network", "glm"),
    ("network", "glm_quadratic"),
    ("network", "mid"),
]


def smoothed(rates):
    return gaussian_filter1d(rates, SMOOTH_S * RATE_HZ, axis=0)


def in_blocks(series):
    """Return (block, time, 1), of 10 s each."""
    return series.reshape(-1, round(BLOCK_S * RATE_HZ), 1)


def predicted(model, spikes, stimulus, split):
    """Return the seconds of the fit, and counts expected in the test: with spikes, and without."""
    start = time.perf_counter()
    fitted = fit_series(model, spikes, stimulus, split=split, seed=0)
    fit_s = time.perf_counter() - start
    first = round(float(split.test.start_s[0]) * RATE_HZ)
    given = fitted.rates(stimulus, spikes).values[first:, 0] / RATE_HZ
    shown = TimeSeries(stimulus.values[first - PAST_BINS :], RATE_HZ)
    free = fitted.rates_without_spikes(shown, n_draws=50, seed=0).values[PAST_BINS:, 0] / RATE_HZ
    return fit_s, given, free


def contest(a, b, score, responses, predictions):
    """Return the row of whether model a is better than model b, by blocks of 10 s."""
    name = "bits" if score is not pooled_correlation else "correlation"
    result = paired_bootstrap(
        score, responses, in_blocks(predictions[a]), in_blocks(predictions[b]), seed=0
    )
    mean = result.difference.mean
    return Row(
        f"accuracy/encode_h1/{a}_over_{b}_{name}",
        "> 0, its 95 % interval too",
        float(mean.score),
        "bits per spike" if name == "bits" else "correlation",
        bool(mean.low > 0),
        (float(mean.low), float(mean.high)),
    )


def fresh_rows(spikes, stimulus):
    """Return the comparisons on the first fifth of the time, by the room's own evaluation."""
    parts = [(360.0, 1200.0), (240.0, 360.0), (0.0, 240.0)]
    split = TimeSplit(*(Epochs([start_s], [stop_s]) for start_s, stop_s in parts))
    fitted = {
        name: fit_series(MODELS[name], spikes, stimulus, split=split, seed=0)
        for name in ("ln", "glm_quadratic", "network")
    }
    compared = evaluate_series(fitted, spikes, stimulus, Evaluation(), seed=0)
    rows = []
    for a, b in (("glm_quadratic", "ln"), ("network", "glm_quadratic")):
        difference = compared.differences[a, b]
        for name, unit in (("bits", "bits per spike"), ("correlation", "correlation")):
            mean = getattr(difference, name).difference.mean
            label = f"accuracy/encode_h1/first_fifth/{a}_over_{b}_{name}"
            ends = (float(mean.low), float(mean.high))
            scores = {n: float(getattr(compared[n], name).mean.score) for n in (a, b)}
            wanted = "> 0, its 95 % interval too"
            met = bool(mean.low > 0)
            rows.append(Row(label, wanted, float(mean.score), unit, met, ends, peers=scores))
    return rows


def main() -> None:
    if not H1.exists():
        sys.exit(f"The recording is not here: {H1.name}, wanted in ../shared/data/h1_fly.")
    from scipy.io import loadmat

    arrays = loadmat(H1)
    fired = np.flatnonzero(arrays["rho"])
    spikes = SpikeTrains.from_units({"h1": (fired + 0.5) / RATE_HZ}, Epochs([0.0], [1200.0]))
    stimulus = TimeSeries(arrays["stim"], RATE_HZ)
    split = split_time(spikes.epochs)
    first = round(float(split.test.start_s[0]) * RATE_HZ)
    counts = arrays["rho"][:, 0].astype(float)
    null, counts = counts[:first].mean(), counts[first:]
    train = smoothed(counts)

    def bits(observed, expected):
        return bits_per_spike(observed, expected, null=np.array([null]))

    rows, given, free = [], {}, {}
    for name, model in MODELS.items():
        fit_s, given[name], without = predicted(model, spikes, stimulus, split)
        free[name] = smoothed(without)
        scores = {
            "given_spikes": float(np.corrcoef(smoothed(given[name]), train)[0, 1]),
            "free_raw": float(np.corrcoef(without, train)[0, 1]),
        }
        n_bits = float(bits(counts[:, None], given[name][:, None])[0])
        limit_s = 180 if name == "network" else 60
        label = f"accuracy/encode_h1/{name}"
        correlation = float(np.corrcoef(free[name], train)[0, 1])
        rows += [
            Row(f"{label}_bits", "as measured", n_bits, "bits per spike", True),
            Row(f"{label}_correlation", "as measured", correlation, "", True, peers=scores),
            Row(f"{label}_fit", f"<= {limit_s}", fit_s, "s", fit_s <= limit_s),
        ]
        publish(rows[-3:])
    for a, b in CONTESTS:
        rows.append(contest(a, b, bits, in_blocks(counts), given))
        rows.append(contest(a, b, pooled_correlation, in_blocks(train), free))
    publish(rows[-2 * len(CONTESTS) :])
    publish(fresh_rows(spikes, stimulus))


if __name__ == "__main__":
    main()
