"""The vector step of the multi-spin kernel, written as LLVM instructions.

LLVM's own vectoriser gives up on this loop (too many arrays that might overlap), which costs a
factor of three; as vectors of LANES words the step runs on any processor that LLVM knows.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from optimodels.families.ising.engine.acceptance import STAGE
from optimodels.families.ising.engine.layout import LANES

#: Rows of the buffer (ROWS x LANES words): the three words of SFC64's state, the number of
#: neighbours up in binary, those that need a test, what is left undecided, the flips, and
#: eight rows of byte counters of the flips (row j: replicas j, 8 + j, ..).
STATE, UP, ALIKE, UNDECIDED, FLIPS, COUNTS, ROWS = 0, 3, 6, 7, 8, 9, 17

_WORD, _INDEX = ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_WORD, LANES)


class _Block:
    """The instructions on the rows of one buffer."""

    def __init__(self, builder: Any, buffer: Any) -> None:
        self.builder, self.buffer = builder, buffer

    def constant(self, value: int) -> Any:
        return ir.Constant(_VECTOR, [value] * LANES)

    def spread(self, word: Any) -> Any:
        """Return the vector with one word in every lane."""
        empty = ir.Constant(_VECTOR, ir.Undefined)
        one = self.builder.insert_element(empty, word, ir.Constant(_INDEX, 0))
        zeros = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, empty, zeros)

    def _row(self, number: int) -> Any:
        place = self.builder.gep(self.buffer, [ir.Constant(_WORD, number * LANES)])
        return self.builder.bitcast(place, _VECTOR.as_pointer())

    def load(self, number: int) -> Any:
        vector = self.builder.load(self._row(number))
        vector.align = 8  # an array of words, not of vectors
        return vector

    def store(self, vector: Any, number: int) -> None:
        self.builder.store(vector, self._row(number)).align = 8

    def left(self, vector: Any, bits: int) -> Any:
        return self.builder.shl(vector, self.constant(bits))

    def right(self, vector: Any, bits: int) -> Any:
        return self.builder.lshr(vector, self.constant(bits))


@intrinsic  # type: ignore[untyped-decorator]
def decide(typing_context: Any, buffer: Any, digits: Any, counter: Any) -> Any:
    """Draw STAGE words in each lane and decide the flips of LANES places (64 replicas each).

    ``buffer`` (ROWS * LANES,): reads STATE, UP and ALIKE, writes STATE, UNDECIDED, FLIPS and
    COUNTS. ``digits`` (STAGE, 5): `acceptance.bit_tables`. ``counter``: that of SFC64.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, table = (
            context.make_array(kind)(context, builder, array).data
            for kind, array in zip(signature.args[:2], arguments[:2], strict=True)
        )
        block = _Block(builder, rows)
        a, b, c = (block.load(STATE + row) for row in range(3))
        n0, n1, n2 = (block.load(UP + row) for row in range(3))
        terms = (None, n0, n1, builder.and_(n0, n1), n2)
        undecided = block.load(ALIKE)
        flips = builder.not_(undecided)
        count = block.spread(arguments[2])
        for place in range(STAGE):
            # SFC64 (Doty-Humphrey 2010).
            drawn = builder.add(builder.add(a, b), count)
            count = builder.add(count, block.constant(1))
            a = builder.xor(b, block.right(b, 11))
            b = builder.add(c, block.left(c, 3))
            c = builder.add(builder.or_(block.left(c, 24), block.right(c, 40)), drawn)
            digit = None
            for term, factor in enumerate(terms):
                at = builder.gep(table, [ir.Constant(_WORD, 5 * place + term)])
                part = block.spread(builder.load(at))
                part = part if factor is None else builder.and_(part, factor)
                digit = part if digit is None else builder.xor(digit, part)
            # Where the digits differ it is decided: accepted if that of the probability is 1.
            different = builder.and_(undecided, builder.xor(drawn, digit))
            flips = builder.or_(flips, builder.and_(different, digit))
            undecided = builder.xor(undecided, different)
        for row, vector in enumerate((a, b, c)):
            block.store(vector, STATE + row)
        block.store(undecided, UNDECIDED)
        block.store(flips, FLIPS)
        for row in range(8):
            ones = builder.and_(block.right(flips, row), block.constant(0x0101010101010101))
            block.store(builder.add(block.load(COUNTS + row), ones), COUNTS + row)
        return context.get_dummy_value()

    return types.void(buffer, digits, counter), generate
