"""What numba makes of a neuron, and what it says when it cannot."""

import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from scipy.special import erf

from spikeloop.errors import InvalidInputError
from spikeloop.neurons import LIF, Inputs, Izhikevich, Neuron
from spikeloop.neurons.compiled import compile_neuron

RATE = 0.5
COEFFICIENTS = (1.0, 2)


def relaxed(v, goal):
    return goal + (v - goal) * jnp.exp(-RATE * COEFFICIENTS[1])


def decay(state, inputs, p, dt_ms):
    (v,) = state
    return (relaxed(v, 3) + inputs.current * dt_ms,)


def spiked(state, p):
    return state[0] >= p.threshold


def reset(state, p):
    return (0,)


def made_of(step, spiked=spiked, reset=reset, parameters=("threshold",)):
    return Neuron({"v": 0.0}, dict.fromkeys(parameters, 1.0), step, spiked, reset)


def test_a_neuron_of_ones_own_with_functions_and_numbers_from_outside():
    scale = 2.0
    compiled = compile_neuron(made_of(lambda s, i, p, dt: (scale * decay(s, i, p, dt)[0],)))
    compiled.check()
    (v,) = compiled.step((7.0,), Inputs(1.0, 0.0, 0.5), (1.0,), 0.1)
    assert v == pytest.approx(2 * (3 + 4 * np.exp(-1) + 0.1), rel=1e-6)
    assert compiled.spiked((1.0,), (1.0,)) is True
    assert compiled.spiked((0.9,), (1.0,)) is False
    assert compiled.reset((1.0,), (1.0,)) == (0.0,)


def test_numbers_are_float32_whatever_comes_in():
    compiled = compile_neuron(LIF(integrator="euler").neuron())
    p = (20.0, -65.0, -50.0, -65.0, 1.0)
    want = np.float32(-65) + np.float32(0.1) / np.float32(20) * np.float32(3)
    assert compiled.step((-65.0,), (3.0, 0, 0), p, 0.1) == (want,)


def test_a_neuron_without_parameters():
    compiled = compile_neuron(made_of(decay, lambda state, p: state[0] > 1, reset, ()))
    compiled.check()
    assert compiled.spiked((2.0,), ()) is True


def test_equal_code_is_compiled_once():
    one, other = compile_neuron(LIF().neuron()), compile_neuron(LIF(tau_ms=10.0).neuron())
    assert one is other
    assert one is not compile_neuron(LIF(reset="subtraction").neuron())


def leak(rate, helper=relaxed, power=2):
    def step(state, inputs, p, dt_ms):
        return (helper(state[0], rate) ** 1.5,)

    return compile_neuron(made_of(step)).fingerprint


def test_fingerprints_tell_what_the_code_depends_on(monkeypatch):
    def other(v, goal):
        return goal + (v - goal) * jnp.exp(-RATE * COEFFICIENTS[0])

    def constant(number):
        code = f"lambda state, inputs, p, dt_ms: (state[0] * {number},)"
        return compile_neuron(made_of(eval(code))).fingerprint  # noqa: S307 - our own constant

    base = leak(1.0)
    assert base == leak(1.0)
    different = {base, leak(2.0), leak(1), leak(1.0, helper=other)}
    different |= {constant("0.5"), constant("0.25"), constant("1"), constant("1.0")}
    monkeypatch.setitem(globals(), "RATE", 0.25)
    different.add(leak(1.0))
    assert len(different) == 9


def test_fingerprints_tell_names_apart():
    def fingerprint(state, parameters):
        neuron = Neuron(
            dict.fromkeys(state, 0.0),
            dict.fromkeys(parameters, 0.0),
            lambda state, inputs, p, dt_ms: state,
            lambda state, p: state[0] > 1,
            lambda state, p: state,
        )
        return compile_neuron(neuron).fingerprint

    assert len({fingerprint("v", "ab"), fingerprint("v", "ba"), fingerprint("vw", "ab")}) == 3


def test_fingerprints_are_the_same_in_another_process():
    code = (
        "from spikeloop.neurons import AdEx, LIF\n"
        "from spikeloop.neurons.compiled import compile_neuron\n"
        "print(compile_neuron(LIF().neuron()).fingerprint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == compile_neuron(LIF().neuron()).fingerprint


def test_importing_a_neuron_imports_neither_jax_nor_numba():
    code = (
        "import sys, spikeloop.neurons as n; n.AdEx().neuron()\n"
        "print([name for name in ('jax', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def step_erf(state, inputs, p, dt_ms):
    return (erf(state[0]),)


def step_scipy(state, inputs, p, dt_ms):
    return (scipy.special.erf(state[0]),)


def step_relu(state, inputs, p, dt_ms):
    return (jax.nn.relu(state[0]),)


def step_builtin(state, inputs, p, dt_ms):
    return (max(state[0], 0.0),)


def step_misspelt(state, inputs, p, dt_ms):
    return (jnp.expp(state[0]),)


def step_undefined(state, inputs, p, dt_ms):
    return (expp(state[0]),)  # noqa: F821 - the point of it


def step_recursive(state, inputs, p, dt_ms):
    return step_recursive(state, inputs, p, dt_ms)


def step_object(state, inputs, p, dt_ms):
    return (SETTINGS["tau"] * state[0],)


SETTINGS = {"tau": 3.0}


def step_short(state, inputs, p):
    return state


def line_of(function):
    return function.__code__.co_firstlineno + 1


UNKNOWN = {  # function, what numba does not know, as it is written
    step_erf: "erf",
    step_scipy: r"scipy\.special\.erf",
    step_relu: r"jax\.nn\.relu",
    step_builtin: "max",
    step_object: "SETTINGS",
}


@pytest.mark.parametrize("step", UNKNOWN, ids=lambda step: step.__name__)
def test_a_name_that_numba_does_not_know(step):
    message = (
        rf"{step.__name__} \(test_compiled.py, line {line_of(step)}\) uses {UNKNOWN[step]}, which "
        r"numba does not know\. Write it with arithmetic, .* of jax\.numpy: abs, .*, where\."
    )
    with pytest.raises(InvalidInputError, match=message):
        compile_neuron(made_of(step))


REFUSED = {  # function, the message
    step_misspelt: r"there is no jnp\.expp\. Define it, or correct its name",
    step_undefined: r"there is no expp\. Define it, or correct its name",
    step_recursive: "calls itself, which neither engine can do",
    step_short: r"takes \(state, inputs, p\): it must take \(state, inputs, p, dt_ms\)",
    jax.jit(decay): "is no plain Python function: give one made with def or lambda",
    partial(decay): "is no plain Python function: give one made with def or lambda",
}


@pytest.mark.parametrize("step", REFUSED, ids=lambda step: REFUSED[step][:12])
def test_what_is_refused_at_once(step):
    with pytest.raises(InvalidInputError, match=REFUSED[step]):
        compile_neuron(made_of(step))


def step_of_two(state, inputs, p, dt_ms):
    return state[0], state[0]


def step_list(state, inputs, p, dt_ms):
    return [state[0]]


def step_number(state, inputs, p, dt_ms):
    return state[0]


def step_string(state, inputs, p, dt_ms):
    return ("v",)


def step_sum(state, inputs, p, dt_ms):
    return (state[0] + "v",)


def step_typo(state, inputs, p, dt_ms):
    return (state[0] * p.tau,)


def step_typo_within(state, inputs, p, dt_ms):
    return (relaxed_by(state[0], p),)


def relaxed_by(v, p):
    return v * p.tau


def step_input(state, inputs, p, dt_ms):
    return (state[0] * inputs.curent,)


def step_import(state, inputs, p, dt_ms):
    import jax.numpy as xp

    return (xp.exp(state[0]),)


def step_unpack(state, inputs, p, dt_ms):
    v, u = state
    return (v + u,)


def step_method(state, inputs, p, dt_ms):
    return (state[0].sum(),)


STATE = "it must return a tuple with a number for each state variable, v"
TAU = "uses 'tau', which is none of the parameters: these are threshold. Correct its name"
MESSAGES = {
    step_of_two: f"returns 2 values: {STATE}",
    step_list: rf"returns list\(float32\).*: {STATE}",
    step_number: f"returns float32: {STATE}",
    step_string: f"returns unicode_type for v: {STATE}",
    step_sum: r"cannot be compiled by numba: there is no add\(float32, .*\)\. Write it with",
    step_typo: rf"line {line_of(step_typo)}\) {TAU}",
    step_typo_within: rf"line {line_of(relaxed_by)}\) {TAU}",
    step_input: "uses 'curent', which is none of the inputs: these are current, conductance, ",
    step_import: rf"line {line_of(step_import)}\) cannot be compiled by numba: .*IMPORT_NAME",
    step_unpack: r"cannot be compiled by numba: .*expected 2, got 1.*\. Write it with",
    step_method: "cannot be compiled by numba: Unknown attribute 'sum' of type float32. Write it",
}


@pytest.mark.parametrize("step", MESSAGES, ids=lambda step: step.__name__)
def test_what_is_refused_when_it_is_compiled(step):
    compiled = compile_neuron(made_of(step))
    with pytest.raises(InvalidInputError, match=f"^step {step.__name__} .*{MESSAGES[step]}"):
        compiled.check()


def test_other_functions_than_step():
    with pytest.raises(
        InvalidInputError, match=r"reset .* takes \(state\): it must take \(state, "
    ):
        compile_neuron(made_of(decay, reset=lambda state: state))
    compiled = compile_neuron(made_of(decay, spiked=lambda state, p: state))
    with pytest.raises(InvalidInputError, match=r"spiked .* must return whether there is a spike"):
        compiled.check()


def test_the_same_functions_do_for_jax():
    neuron = made_of(decay)
    given = Inputs(jnp.float32(1), None, None)
    (want,) = neuron.step((jnp.float32(7),), given, SimpleNamespace(threshold=1.0), 0.1)
    assert compile_neuron(neuron).step((7.0,), (1, 0, 0), (1,), 0.1)[0] == pytest.approx(want)


def test_the_potential_may_be_a_whole_number_at_the_reset():
    assert compile_neuron(Izhikevich().neuron()).reset((1, 2), (0, 0, 3, 4, 5)) == (3.0, 6.0)
