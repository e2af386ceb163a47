"""How a compiled loop reads and writes the columns of a group of neurons.

The loop over neurons is fast only if LLVM turns it into vector instructions, and it does so only
if it knows that no two columns overlap. NumPy arrays do not say so; these intrinsics do: each
column is an alias scope of its own. They also leave out what indexing costs in numba, the test for
negative indices. No bounds are checked: the engine makes the columns, of equal lengths.
"""

from functools import partial

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from spikeloop.numerics.symbols import own_symbol


def inlined(function, *, always: bool = False):
    """Compile a function for compiled code: what Python needs to call it is left out."""
    return njit(
        error_model="numpy",
        nogil=True,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        forceinline=always,
        _nrt=False,
    )(own_symbol(function))


in_place = partial(inlined, always=True)
"""For large functions that are called in each tick: to hand over the arrays of a network takes
longer than all else that a tick costs besides its neurons."""


def reader(first: int, count: int):
    """Return an intrinsic ``read(columns, i)`` for `count` columns from the one at `first` on.

    A column is an array, of which element i is read, or a scalar, which is the same for all i.
    """
    chosen = range(first, first + count)

    @intrinsic
    def read(typing_context, columns, index):
        kinds = [columns[k] for k in chosen]
        result = types.Tuple([getattr(kind, "dtype", kind) for kind in kinds])

        def generate(context, builder, signature, arguments):
            values = []
            for k in chosen:
                value = builder.extract_value(arguments[0], k)
                if isinstance(columns[k], types.Array):
                    place = _place(context, builder, columns[k], value, arguments[1])
                    value = builder.load(place)
                    _say_alone(builder, value, k, len(columns))
                values.append(value)
            return context.make_tuple(builder, result, values)

        return result(columns, index), generate

    return read


def writer(first: int, count: int):
    """Return an intrinsic ``write(columns, i, values)`` for `count` columns from `first` on."""

    @intrinsic
    def write(typing_context, columns, index, values):
        def generate(context, builder, signature, arguments):
            for position, k in enumerate(range(first, first + count)):
                value = builder.extract_value(arguments[2], position)
                value = context.cast(builder, value, values[position], columns[k].dtype)
                array = builder.extract_value(arguments[0], k)
                place = _place(context, builder, columns[k], array, arguments[1])
                _say_alone(builder, builder.store(value, place), k, len(columns))
            return context.get_dummy_value()

        return types.void(columns, index, values), generate

    return write


@intrinsic
def element(typing_context, array, index):
    """Return ``array[index]`` of a contiguous array; `index` must not be negative."""

    def generate(context, builder, signature, arguments):
        return builder.load(_place(context, builder, array, *arguments))

    return array.dtype(array, index), generate


@intrinsic
def add_to(typing_context, array, index, value):
    """Do ``array[index] += value`` on a contiguous float array; `index` must not be negative."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, array, *arguments[:2])
        builder.store(builder.fadd(builder.load(place), arguments[2]), place)
        return context.get_dummy_value()

    return types.void(array, index, value), generate


def _place(context, builder, kind: types.Array, array, index):
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _say_alone(builder, instruction, column: int, n_columns: int) -> None:
    """Mark a memory access as one to `column`, which shares nothing with the other columns."""
    module = builder.module
    domain = module.add_metadata([ir.MetaDataString(module, "spikeloop columns")])
    scopes = [
        module.add_metadata([ir.MetaDataString(module, f"column {k}"), domain])
        for k in range(n_columns)
    ]
    own = module.add_metadata([scopes[column]])
    others = module.add_metadata([scope for k, scope in enumerate(scopes) if k != column])
    instruction.set_metadata("alias.scope", own)
    instruction.set_metadata("noalias", others)
