"""How fast a recording of 384 channels is made, with each option alone and with all of them.

Run ``python benchmarks/speed/recording.py``. Speed is seconds of recording per second of one core.
SpikeInterface, if it is installed, adds templates and noise (without colour in time) to a recording
of the same size in the same run, and so do we, without any option.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop.data import Recording
from spikeloop.numerics.parallel import one_blas_thread
from spikeloop.simulate import (
    AmplitudeModel,
    Background,
    DriftModel,
    Firing,
    Interference,
    Noise,
    RecordingModel,
    TemplateGenerator,
    generate_templates,
    probe_contacts,
    record,
    renewal_spikes,
    simulate_drift,
)

DURATION_S = 20.0
STEP = 60_000  # samples read at a time: two seconds
N_UNITS = 300
CLEAN = RecordingModel.clean()
INTERFERENCE = Interference(artefact_rate_hz=0.5, hum_uV=5.0)
ALL = RecordingModel(interference=INTERFERENCE)


def main():
    contacts_um = probe_contacts("neuropixels")
    units = generate_templates(contacts_um, TemplateGenerator(n_units=N_UNITS), seed=1)
    spikes = renewal_spikes(N_UNITS, DURATION_S, Firing(rate_hz=6.0), seed=1)
    wave = DriftModel(wave_um=20.0, wave_period_s=10.0, nonrigidity=0.5)
    drift = simulate_drift(DURATION_S, (0.0, 3820.0), wave, seed=1)
    print(f"{N_UNITS} units, {len(spikes.times_s) / DURATION_S:.0f} spikes per second")
    cases = {
        "spikes alone": (CLEAN, None),
        "varying amplitudes": (replace(CLEAN, amplitudes=AmplitudeModel()), None),
        "drift": (CLEAN, drift),
        "noise": (replace(CLEAN, noise=Noise()), None),
        "background": (replace(CLEAN, background=Background()), None),
        "interference": (replace(CLEAN, interference=INTERFERENCE), None),
    }
    for name, (method, moving) in cases.items():
        made = record(spikes, units, method, drift=moving, seed=1).recording
        print(f"  {name}: {statistics.median(speeds(made)):.1f} x real time")
    whole = record(spikes, units, ALL, drift=drift, seed=1).recording
    with one_blas_thread():
        got = speeds(whole)
    met = statistics.median(got) >= 1
    row = Row("speed/record_384_channels", ">= 1", statistics.median(got), "x real time", met)
    row.spread = (min(got), max(got))
    publish([row, beside_spikeinterface(units, spikes)])


def beside_spikeinterface(units, spikes) -> Row:
    """Return the speed of what SpikeInterface makes too: templates on samples, white noise."""
    method = replace(CLEAN, noise=Noise(7.0, 0.0), subsample=False)
    got = speeds(record(spikes, units.templates(), method, seed=1).recording)
    peers = spikeinterface_speed(units, spikes)
    if not peers:
        print("SpikeInterface is not installed: no peer in this run")
    median = statistics.median(got)
    met = all(median >= peer for peer in peers.values())
    name = "speed/record_templates_and_white_noise"
    return Row(
        name, ">= SpikeInterface", median, "x real time", met, (min(got), max(got)), None, peers
    )


def speeds(recording: Recording) -> list[float]:
    """Return how many seconds of recording a second of CPU makes, for each of several pieces."""
    return timed(lambda start: recording.read(start, start + STEP), recording.sample_rate_hz)


def timed(read: Callable[[int], np.ndarray], sample_rate_hz: float) -> list[float]:
    read(0)  # compiles, or loads what was compiled
    speeds_ = []
    for start in range(0, 5 * STEP, STEP):
        cpu_s = time.process_time()
        read(start)
        speeds_.append(STEP / sample_rate_hz / (time.process_time() - cpu_s))
    return speeds_


def spikeinterface_speed(units, spikes) -> dict[str, float]:
    if find_spec("spikeinterface") is None:
        return {}
    from spikeinterface.core import NumpySorting
    from spikeinterface.generation import InjectTemplatesRecording, NoiseGeneratorRecording

    rate_hz, n_samples = units.sample_rate_hz, int(DURATION_S * units.sample_rate_hz)
    noise = NoiseGeneratorRecording(
        num_channels=len(units.contacts_um),
        sampling_frequency=rate_hz,
        durations=[DURATION_S],
        noise_levels=7.0,
        seed=1,
        strategy="on_the_fly",
    )
    samples = np.minimum(np.rint(spikes.times_s * rate_hz).astype(int), n_samples - 1)
    sorting = NumpySorting.from_samples_and_labels([samples], [spikes.unit_index], rate_hz)
    injected = InjectTemplatesRecording(
        sorting, units.waveforms_uV(), nbefore=units.peak_sample, parent_recording=noise
    )
    got = timed(
        lambda start: injected.get_traces(start_frame=start, end_frame=start + STEP), rate_hz
    )
    return {"SpikeInterface": statistics.median(got)}


if __name__ == "__main__":
    main()
