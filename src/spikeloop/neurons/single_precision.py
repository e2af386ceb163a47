"""A numba decorator under which all arithmetic is done in float32, as JAX does it.

Python's numbers are weak in JAX: in ``0.04 * v`` the constant takes the precision of ``v``. In
numba it is a float64 and makes the product one too, which halves the lanes of a vector and rounds
otherwise. Here constants are float32, and an operation with a float on either side is one of
float32 numbers. Integers among themselves, such as indices, stay integers.
"""

import operator
from functools import cache

import numpy as np
from numba import njit, types
from numba.core import ir, ir_utils
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.untyped_passes import InlineClosureLikes
from numba.extending import intrinsic

from spikeloop.numerics.symbols import own_symbol

_TO_FLOAT = {operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv}
_TO_FLOAT |= {operator.mod, operator.pow}
_TO_BOOL = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
_LARGEST_POWER = 16  # integer powers up to it are multiplications, as in JAX


@register_pass(mutates_CFG=False, analysis_only=False)
class _RetypeNumbers(FunctionPass):
    """Make constants float32, and give each operation to one that keeps it so."""

    _name = "spikeloop_retype_numbers"

    def __init__(self):
        FunctionPass.__init__(self)

    def run_pass(self, state):
        for block in state.func_ir.blocks.values():
            block.body = [new for old in block.body for new in _retyped(old, state.func_ir)]
        state.typingctx.refresh()  # operations may have been made since the compilation began
        state.targetctx.refresh()
        state.func_ir._definitions = ir_utils.build_definitions(state.func_ir.blocks)
        return True


class _SinglePrecision(CompilerBase):
    def define_pipelines(self):
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_RetypeNumbers, InlineClosureLikes)
        passes.finalize()
        return [passes]


def single_precision(function, *, for_python: bool = True):
    """Compile `function` with numba so that its floats are float32, to be inlined where called.

    Each operation is rounded by itself, so that all processors give the same bits. A function that
    is not `for_python` compiles three times as fast, and may be called from compiled code only.
    """
    return njit(
        error_model="numpy",
        nogil=True,
        forceinline=True,
        no_cpython_wrapper=not for_python,
        no_cfunc_wrapper=True,
        pipeline_class=_SinglePrecision,
    )(own_symbol(function))


@intrinsic
def as_float(typing_context, x):
    """Return `x` as a float32."""
    if not isinstance(x, types.Number | types.Boolean):
        return None
    return types.float32(types.float32), lambda context, builder, signature, arguments: arguments[0]


def _retyped(statement, func_ir) -> list:
    """Return the statements that stand for one."""
    value = getattr(statement, "value", None)
    if isinstance(value, ir.Const | ir.Global | ir.FreeVar) and type(value.value) is float:
        statement.value = ir.Const(np.float32(value.value), statement.loc)
    if not isinstance(value, ir.Expr) or value.op not in ("binop", "inplace_binop"):
        return [statement]
    operation = value.fn if value.op == "binop" else value.immutable_fn
    if operation not in _TO_FLOAT | _TO_BOOL:
        return [statement]
    arguments, function = [value.lhs, value.rhs], _float32_operation(operation)
    if operation is operator.pow:
        exponent = ir_utils.guard(ir_utils.find_const, func_ir, value.rhs)
        if type(exponent) is int and 0 < abs(exponent) <= _LARGEST_POWER:
            arguments, function = [value.lhs], _power(exponent)
    loc, scope = statement.loc, statement.target.scope
    name = scope.redefine("float32_operation", loc)
    statement.value = ir.Expr.call(name, arguments, (), loc)
    return [ir.Assign(ir.Global(operation.__name__, function, loc), name, loc), statement]


@cache
def _float32_operation(operation):
    """Return `operation` as an intrinsic on float32, if one of its two arguments is a float."""

    def operate(typing_context, x, y):
        kinds = (types.unliteral(x), types.unliteral(y))
        numbers = all(isinstance(kind, types.Number | types.Boolean) for kind in kinds)
        if numbers and (
            operation is operator.truediv or any(isinstance(kind, types.Float) for kind in kinds)
        ):
            kinds = (types.float32, types.float32)
        signature = typing_context.resolve_function_type(operation, kinds, {})
        if signature is None:
            return None

        def generate(context, builder, signature, arguments):
            return context.get_function(operation, signature)(builder, arguments)

        return signature, generate

    operate.__name__ = operation.__name__  # for messages
    return intrinsic(operate)


@cache
def _power(exponent: int):
    """Return the intrinsic that multiplies a number with itself, in the order in which JAX does."""

    @intrinsic
    def power(typing_context, x):
        def generate(context, builder, signature, arguments):
            (square,), result, rest = arguments, None, abs(exponent)
            while rest:
                if rest & 1:
                    result = square if result is None else builder.fmul(result, square)
                rest >>= 1
                square = builder.fmul(square, square) if rest else square
            if exponent < 0:
                result = builder.fdiv(context.get_constant(types.float32, 1.0), result)
            return result

        return types.float32(types.float32), generate

    return power
