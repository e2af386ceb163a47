"""How long models of images take for many images and many units.

    python benchmarks/speed/encode.py

Images are noise with the spectrum of natural images, 56 x 56; responses are Poisson. Models are
timed after a fit to a few of the images, which compiles what is compiled. "Nothing scales worse
than linearly in units": the time for 1,000 units is held against ten times that for 100.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, measure, publish, time_row

from spikeloop import encode
from spikeloop.encode.image_data import ImageData

N_IMAGES, N_UNITS, SIDE = 10_000, 1_000, 56


def noise_images(n_images):
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    amplitude = 1 / np.maximum(frequency, 1 / SIDE)
    white = np.fft.rfft2(rng.standard_normal((n_images, SIDE, SIDE)))
    pixels = np.fft.irfft2(white * amplitude, s=(SIDE, SIDE))
    return (0.5 + 0.2 * pixels / pixels.std()).astype(np.float32)


def responses_to(pixels, n_units):
    """Return counts of units that each rectify a random filter of a few pixels."""
    rng = np.random.default_rng(1)
    filters = np.zeros((SIDE * SIDE, n_units))
    for unit in range(n_units):
        filters[rng.integers(SIDE * SIDE, size=5), unit] = rng.standard_normal(5)
    drive = (pixels.reshape(len(pixels), -1) - 0.5) @ filters
    rates = 2 + 4 * np.maximum(drive, 0) / drive.std(axis=0)
    return rng.poisson(rates).astype(float)


def timed(model, pixels, counts, repeats):
    data = ImageData(pixels, counts, np.ones(len(pixels), dtype=int))
    nothing = data.select(np.array([], dtype=int))
    return measure(partial(model.fit_images, data, nothing, seed=0), repeats=repeats, warmup=0)


def main():
    pixels = noise_images(N_IMAGES)
    counts = responses_to(pixels, N_UNITS)
    few = slice(0, 1000)
    for name, model in (("gabor", encode.GaborBank()), ("ridge", encode.Ridge())):
        timed(model, pixels[few], counts[few], 1)
        whole = timed(model, pixels, counts, 1)
        limit_s = 60.0
        publish([time_row(f"speed/encode/{name}_10000_images_1000_units", limit_s, whole)])
    for name, model in (
        ("ridge", encode.Ridge()),
        ("smooth", encode.SmoothRidge()),
        ("ln", encode.LinearNonlinear()),
        ("lnp", encode.LinearNonlinearPoisson()),
        ("gabor", encode.GaborBank()),
        ("scattering", encode.ScatteringKernel()),
    ):
        times_s = {}
        for n_units in (100, 1000):
            timed(model, pixels[few], counts[few, :n_units], 1)
            times_s[n_units] = timed(model, pixels[few], counts[few, :n_units], 3).median_s
        ratio = times_s[1000] / times_s[100]
        label = f"speed/encode/{name}_1000_over_100_units"
        peers = {"seconds for 1000": times_s[1000]}
        publish([Row(label, "<= 10", ratio, "", ratio <= 10, peers=peers)])


if __name__ == "__main__":
    main()
