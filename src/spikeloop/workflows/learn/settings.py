"""What ``spikeloop learn`` can be set to."""

from dataclasses import dataclass, field
from typing import Literal

from spikeloop.data.checks import require, require_seed
from spikeloop.data.settings import require_settings
from spikeloop.evaluate.draws import require_confidence, require_count
from spikeloop.learn.tasks.digits import PoissonDigits
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.tasks.timing import PatternTiming

Form = Literal["softplus", "absolute", "projection", "exponentiated_gradient", "interneurons"]


@dataclass(frozen=True)
class TrainingSettings:
    """The network, how it is trained, and how it is tested."""

    ie_ratio: float | None = 0.5
    """Share of the units, and of the inputs, that inhibit: 0 to 1 (Dale's law); of interneurons,
    how many there are for each unit. None: any unit may excite some and inhibit others."""
    form: Form = "softplus"
    """How weights are kept from changing their sign; with interneurons, all units excite and what
    inhibits stands between the layers."""
    placed: Literal["spread", "first"] = "spread"
    """Inhibitory units lie among the others, or come first."""
    hidden: int = 30
    """Spiking neurons between inputs and readout."""
    tau_ms: float = 2.0
    """Membrane time constant of the neurons, at first."""
    train_tau: bool = True
    """Whether each neuron finds its own time constant."""
    recurrent: bool = False
    """Whether the neurons hear each other."""
    longest_delay_ms: float = 0.0
    """Each synapse from the inputs finds its own delay, up to this; 0: there are none."""
    learning_rate: float = 0.1
    """Of the first epochs; it falls to 0."""
    max_epochs: int = 100
    """Epochs of 64 steps, of 64 trials each."""
    fresh: bool = True
    """Whether each epoch has new trials; if not, their noise is learned by heart."""
    n_draws: int = 5
    """Data sets of new trials to test on."""
    n_trials: int = 1000
    """Trials in each of them."""
    confidence: float = 0.95
    """Probability that an interval aims to cover."""
    seed: int = 0
    """Start of all random numbers."""

    def __post_init__(self) -> None:
        require_settings(self)
        require_seed(self.seed)
        require(
            self.ie_ratio is None or 0 <= self.ie_ratio <= 1,
            f"ie_ratio={self.ie_ratio}: it is a share of the units, from 0 to 1.",
        )
        require_count("hidden", self.hidden)
        require_count("max_epochs", self.max_epochs)
        require_count("n_draws", self.n_draws, 2)
        require_count("n_trials", self.n_trials)
        require_confidence(self.confidence)


@dataclass(frozen=True)
class LocalizationConfig(TrainingSettings):
    """Where does a sound come from? Two ears hear a tone, one a little later."""

    task: SoundLocalization = field(default_factory=SoundLocalization)
    """The sound, the ears, and what is to be told."""


@dataclass(frozen=True)
class TimingConfig(TrainingSettings):
    """Which pattern of spike times was it? Rates say nothing."""

    task: PatternTiming = field(default_factory=PatternTiming)
    """The patterns."""


@dataclass(frozen=True)
class DigitsConfig(TrainingSettings):
    """Which digit is it? Handwritten images, as Poisson spikes."""

    task: PoissonDigits = field(default_factory=PoissonDigits)
    """The images, and how they are coded."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.task.part == "train",
            f"part={self.task.part!r}: networks learn from the images for training, and are tested "
            "on the others. Leave part out.",
        )


@dataclass(frozen=True)
class SweepConfig:
    """Dale's law at many shares of inhibitory units, and time constants, several networks each."""

    ie_ratios: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """Shares of inhibitory units to try."""
    taus_ms: tuple[float, ...] = (2.0, 10.0)
    """Membrane time constants to try; training leaves them as they are."""
    n_networks: int = 3
    """Networks at each point, which differ in where weights start."""
    unconstrained: bool = True
    """Whether networks without a constraint are trained beside them."""
    form: Literal["softplus", "absolute", "projection", "exponentiated_gradient"] = "softplus"
    """How weights are kept from changing their sign."""
    hidden: int = 30
    """Spiking neurons between inputs and readout."""
    learning_rate: float = 0.1
    """Of the first epochs; it falls to 0."""
    max_epochs: int = 60
    """Epochs of 64 steps, of 64 trials each."""
    n_trials: int = 5000
    """Trials to test each network on."""
    confidence: float = 0.95
    """Probability that an interval aims to cover."""
    task: SoundLocalization = field(default_factory=SoundLocalization)
    """The sound, the ears, and what is to be told."""
    seed: int = 0
    """Start of all random numbers."""

    def __post_init__(self) -> None:
        require_settings(self)
        require_seed(self.seed)
        require(len(self.ie_ratios) > 0, "ie_ratios is empty: give one share at least.")
        require(
            all(0 <= ratio <= 1 for ratio in self.ie_ratios),
            f"ie_ratios={self.ie_ratios}: they are shares of the units, from 0 to 1.",
        )
        require(
            len(set(self.ie_ratios)) == len(self.ie_ratios)
            and len(set(self.taus_ms)) == len(self.taus_ms),
            f"ie_ratios={self.ie_ratios}, taus_ms={self.taus_ms}: give each once.",
        )
        require(
            len(self.taus_ms) > 0 and min(self.taus_ms) >= self.task.dt_ms,
            f"taus_ms={self.taus_ms}: give one or more, none shorter than a tick of "
            f"{self.task.dt_ms:g} ms.",
        )
        for name in ("hidden", "max_epochs", "n_trials"):
            require_count(name, getattr(self, name))
        require_count("n_networks", self.n_networks, 2)
        require_confidence(self.confidence)


LearnConfig = LocalizationConfig | TimingConfig | DigitsConfig
