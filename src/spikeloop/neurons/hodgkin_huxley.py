"""The neuron of Hodgkin and Huxley, with the channels of Traub and Miles."""

from dataclasses import dataclass

from spikeloop.neurons.functions import absolute, exp, expm1, where
from spikeloop.neurons.model import Neuron, Value, require_above_zero


@dataclass(frozen=True)
class HodgkinHuxley:
    r"""Hodgkin and Huxley's neuron with the sodium and potassium channels of Traub and Miles.

    .. math::
        C v' = g_L (E_L - v) + g_{Na} m^3 h (E_{Na} - v) + g_K n^4 (E_K - v) + I - G v

    in mV, ms, pF, nS and pA, and :math:`x' = \alpha_x(v) (1 - x) - \beta_x(v) x` for each gate
    :math:`x` of m, h and n. The step is exponential Euler, exact where the other variables stand
    still, and the gates leap half a tick ahead of the potential: each then sees the other in the
    middle of its own step, which makes the error of second order (Hines 1984). A spike is an upward
    crossing of `v_threshold`; nothing is reset. The last state variable is the potential before the
    step, by which a crossing is known.

    Source: Traub and Miles 1991, Neuronal Networks of the Hippocampus, with the numbers of the
    benchmark COBAHH in Brette et al. 2007, Journal of Computational Neuroscience 23:349, but for
    `v_leak`, which is -60 mV there: with that a neuron fires without any input. The neuron starts
    at rest.

    >>> list(HodgkinHuxley().neuron().state)
    ['v', 'm', 'h', 'n', 'v_before']
    """

    capacitance_pF: Value = 200.0
    """Of the membrane."""
    leak_nS: Value = 10.0
    """Conductance of the leak."""
    sodium_nS: Value = 20000.0
    """Conductance of all sodium channels when open."""
    potassium_nS: Value = 6000.0
    """Conductance of all potassium channels when open."""
    v_leak: Value = -65.0
    """Reversal potential of the leak, in mV."""
    v_sodium: Value = 50.0
    """Reversal potential of sodium, in mV."""
    v_potassium: Value = -90.0
    """Reversal potential of potassium, in mV."""
    v_shift: Value = -63.0
    """Where the channels stand on the axis of the potential, in mV: sets the threshold."""
    v_threshold: Value = -20.0
    """A spike is counted where the potential rises through it, in mV."""
    v_start: Value = -64.765
    """Potential at the start, in mV."""
    m_start: Value = 0.01023
    """Activation of sodium at the start."""
    h_start: Value = 0.99741
    """What is not inactivated of sodium at the start."""
    n_start: Value = 0.02817
    """Activation of potassium at the start."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        names = (
            *("capacitance_pF", "leak_nS", "sodium_nS", "potassium_nS"),
            *("v_leak", "v_sodium", "v_potassium", "v_shift", "v_threshold"),
        )
        require_above_zero(self, "capacitance_pF", "leak_nS")
        return Neuron(
            state={
                "v": self.v_start,
                "m": self.m_start,
                "h": self.h_start,
                "n": self.n_start,
                "v_before": self.v_start,
            },
            parameters={name: getattr(self, name) for name in names},
            step=_step,
            spiked=_spiked,
            reset=_reset,
            time_constants_ms={"sodium_activation_ms": 0.1},
        )


def _step(state, inputs, p, dt_ms):
    v, m, h, n, _ = state
    sodium = p.sodium_nS * m**3 * h
    potassium = p.potassium_nS * n**4
    total = p.leak_nS + sodium + potassium + inputs.conductance
    drive = p.leak_nS * p.v_leak + sodium * p.v_sodium + potassium * p.v_potassium
    v_after = v + (v - (drive + inputs.current) / total) * expm1(-dt_ms * total / p.capacitance_pF)
    x = v_after - p.v_shift
    m_after = _gate(m, 1.28 / _exprel((13 - x) / 4), 1.4 / _exprel((x - 40) / 5), dt_ms)
    h_after = _gate(h, 0.128 * exp((17 - x) / 18), 4 / (1 + exp((40 - x) / 5)), dt_ms)
    n_after = _gate(n, 0.16 / _exprel((15 - x) / 5), 0.5 * exp((10 - x) / 40), dt_ms)
    return v_after, m_after, h_after, n_after, v


def _gate(x, opening, closing, dt_ms):
    """Return a gate after a step in which its rates, per ms, stay the same."""
    rate = opening + closing
    return x + (x - opening / rate) * expm1(-dt_ms * rate)


def _exprel(x):
    """Return (exp(x) - 1) / x, by its series where x is near 0."""
    near = absolute(x) < 0.01
    elsewhere = where(near, 1.0, x)
    return where(near, 1 + x * (0.5 + x / 6), expm1(elsewhere) / elsewhere)


def _spiked(state, p):
    return (state[0] >= p.v_threshold) & (state[4] < p.v_threshold)


def _reset(state, p):
    return state
