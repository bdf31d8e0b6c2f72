"""How are bytes of a scan read eight at a time? Words that need no alignment, and places of bytes in them.

The first byte of a word stands in its lowest bits. A mask of bytes has the highest bit of each byte that is
meant, and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from meterhouse.sources.filesystem.compiled import inlined


def _word_at(typing_context: Any, data: Any, index: Any) -> Any:
    """The eight bytes of `data` from `index`, the first in the lowest bits. They must lie within it."""
    signature = types.uint64(data, types.intp)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        start = builder.gep(array.data, [arguments[1]])
        word = ir.IntType(64)
        return builder.load(builder.bitcast(start, word.as_pointer()), align=1, typ=word)

    return signature, generate


def _put_word(typing_context: Any, data: Any, index: Any, word: Any) -> Any:
    """Write eight bytes to `data` from `index`. They must lie within it."""
    signature = types.void(data, types.intp, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        start = builder.gep(array.data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(start, ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return signature, generate


def _of_one_word(instruction: Callable[[Any, Any], Any], kind: Any) -> Any:
    """An intrinsic that is one instruction on one word."""

    def typed(typing_context: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return instruction(builder, arguments[0])

        return kind(types.uint64), generate

    return intrinsic(typed)


_POISON = ir.Constant(ir.IntType(1), 1)  # of a word without bits it doesn't matter what comes

word_at: Any = intrinsic(_word_at)
put_word: Any = intrinsic(_put_word)
trailing_zeros: Any = _of_one_word(lambda builder, word: builder.cttz(word, _POISON), types.int64)
leading_zeros: Any = _of_one_word(lambda builder, word: builder.ctlz(word, _POISON), types.int64)
ones_in: Any = _of_one_word(lambda builder, word: builder.ctpop(word), types.int64)
turned_round: Any = _of_one_word(lambda builder, word: builder.bswap(word), types.uint64)

_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH = np.uint64(0x8080808080808080)
_EACH = np.uint64(0x0101010101010101)
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


@inlined
def bytes_that_are(word: Any, byte: Any) -> Any:
    """The mask of the bytes of `word` that equal `byte`, exactly."""
    others = word ^ (byte * _EACH)
    return ~(((others & _LOW) + _LOW) | others) & _HIGH


@inlined
def first_bytes(count: int) -> Any:
    """All bits of the first `count` bytes of a word; 0 to 8."""
    return _FULL if count >= 8 else (np.uint64(1) << np.uint64(8 * count)) - np.uint64(1)
