"""How are bytes of a scan read eight at a time? Loads that need no alignment, and where words differ."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic


def _word_at(typing_context: Any, data: Any, index: Any) -> Any:
    """The eight bytes of `data` from `index`, the first in the lowest bits. They must lie within it."""
    signature = types.uint64(data, types.intp)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        start = builder.gep(array.data, [arguments[1]])
        word = ir.IntType(64)
        return builder.load(builder.bitcast(start, word.as_pointer()), align=1, typ=word)

    return signature, generate


def _trailing_zeros(typing_context: Any, value: Any) -> Any:
    """Number of zero bits below the lowest one bit of `value`, which isn't zero."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, generate


word_at: Any = intrinsic(_word_at)
trailing_zeros: Any = intrinsic(_trailing_zeros)
