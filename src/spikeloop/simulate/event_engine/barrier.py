"""A place where the threads of a compiled loop wait for each other."""

import os

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from spikeloop.simulate.event_engine.columns import inlined

SPINS = 4000
"""How often a thread looks before it lets others have the core: some microseconds."""

_sched_yield = types.ExternalFunction("sched_yield", types.int32())


@intrinsic
def _look(typing_context, array):
    """Return ``array[1]`` as other threads have left it."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, array, arguments[0], 1)
        return builder.load_atomic(place, ordering="acquire", align=8)

    return types.int64(array), generate


@intrinsic
def _come(typing_context, array):
    """Add 1 to ``array[0]`` and return what it was before, while no other thread does."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, array, arguments[0], 0)
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", place, one, ordering="seq_cst")

    return types.int64(array), generate


@intrinsic
def _open(typing_context, array):
    """Set ``array[0]`` to 0 and add 1 to ``array[1]``, for all to see."""

    def generate(context, builder, signature, arguments):
        zero, one = ir.Constant(ir.IntType(64), 0), ir.Constant(ir.IntType(64), 1)
        for k, operation, value in ((0, "xchg", zero), (1, "add", one)):
            place = _place(context, builder, array, arguments[0], k)
            builder.atomic_rmw(operation, place, value, ordering="seq_cst")
        return context.get_dummy_value()

    return types.void(array), generate


@inlined
def _give_way():
    if _POSIX:
        _sched_yield()


_POSIX = os.name == "posix"


@inlined
def wait_for_all(barrier, n_threads):
    """Return when `n_threads` threads have called this; `barrier` is two int64, 0 at first."""
    turn = _look(barrier)
    if _come(barrier) == n_threads - 1:
        _open(barrier)
        return
    spins = 0
    while _look(barrier) == turn:
        spins += 1
        if spins > SPINS:
            _give_way()


def _place(context, builder, kind, array, k: int):
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [ir.Constant(ir.IntType(64), k)])
