"""What a receptor refuses, and how it decays."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.neurons import Alpha, Exponential, Jump


@pytest.mark.parametrize("kind", [Exponential, Alpha])
@pytest.mark.parametrize("tau_ms", [0.0, -1.0, np.nan, np.inf])
def test_time_constants_are_above_zero(kind, tau_ms):
    with pytest.raises(InvalidInputError, match=f"tau_ms={tau_ms}: it must be above 0"):
        kind(tau_ms)


@pytest.mark.parametrize("kind", [Exponential, Alpha])
def test_reversal_potentials_are_finite(kind):
    with pytest.raises(InvalidInputError, match="reversal=nan: give a potential, one for all"):
        kind(5.0, reversal=np.nan)


def test_unknown_integrators():
    with pytest.raises(InvalidInputError, match="integrator='rk4': choose euler or exact"):
        Exponential(integrator="rk4")


def test_decays():
    assert Exponential(5.0).decay(0.5) == pytest.approx(np.exp(-0.1))
    assert Exponential(5.0, integrator="euler").decay(0.5) == pytest.approx(0.9)


def test_conductances_have_a_reversal_potential():
    assert [Exponential(reversal=0.0).is_conductance, Exponential().is_conductance] == [True, False]
    assert [Alpha(reversal=-80.0).is_conductance, Alpha().is_conductance] == [True, False]
    assert not Jump().is_conductance
