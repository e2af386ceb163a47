"""``spikeloop learn [TASK] --out DIR``."""

import sys

from spikeloop.cli.kinds import Kind, KindsCommand

_SETTINGS = "spikeloop.workflows.learn.settings"
_RUN = "spikeloop.workflows.learn.run:run_learn"

KINDS = {
    "localization": Kind(
        "where a sound comes from, by the phase difference of two ears (the default)",
        "Train spiking neurons to locate a sound from the spikes of two auditory nerves, with or "
        "without Dale's law, and judge them by the ideal observer.",
        f"{_SETTINGS}:LocalizationConfig",
        _RUN,
    ),
    "timing": Kind(
        "which pattern of spike times it was: rates say nothing",
        "Train spiking neurons to tell patterns of spike times apart that have the same rates.",
        f"{_SETTINGS}:TimingConfig",
        _RUN,
    ),
    "digits": Kind(
        "which handwritten digit it was, as Poisson spikes",
        "Train spiking neurons to read handwritten digits whose pixels fire as Poisson trains.",
        f"{_SETTINGS}:DigitsConfig",
        _RUN,
    ),
    "sweep": Kind(
        "sound localization at many shares of inhibitory units, and time constants",
        "Train many networks at once, and show what Dale's law costs at each share of inhibitory "
        "units.",
        f"{_SETTINGS}:SweepConfig",
        "spikeloop.workflows.learn.sweep:run_sweep",
    ),
}
"""What follows ``spikeloop learn``."""

COMMAND = KindsCommand(
    "learn",
    about="Train spiking networks on a task, with or without Dale's law, beside the ideal "
    "observer;\neach makes a results folder with a report.",
    noun="task",
    verb="learn",
    example="spikeloop learn --ie-ratio 0.5 --out learn-results",
    kinds=KINDS,
    default="localization",
)


def main(words: list[str]) -> int:
    """Train networks; the path of the results folder goes to stdout."""
    code, out = COMMAND.run(words)
    if out is not None:
        sys.stdout.write(f"{out}\n")
    return code
