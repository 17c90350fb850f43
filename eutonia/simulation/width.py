"""One source for both widths of floating-point numbers.

To the compiler a written number is of double precision, and so is whatever it touches. Here, where a function is
compiled for arguments of single precision, the numbers written in it become single as well.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import ir
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.untyped_passes import IRProcessing


def _single(argument: Any) -> bool:
    return bool(getattr(argument, "dtype", argument) == types.float32)


@register_pass(mutates_CFG=False, analysis_only=False)
class _Narrow(FunctionPass):
    _name = "narrow_written_numbers"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        if not any(map(_single, state.args)):
            return False
        for block in state.func_ir.blocks.values():
            for line in block.find_insts(ir.Assign):
                found = line.value
                if isinstance(found, ir.Const | ir.Global | ir.FreeVar) and isinstance(found.value, float):
                    line.value = ir.Const(np.float32(found.value), line.loc)
        return True


class Widths(CompilerBase):
    """The usual way of compiling, with that change."""

    def define_pipelines(self) -> list[Any]:
        usual = DefaultPassBuilder.define_nopython_pipeline(self.state)
        usual.add_pass_after(_Narrow, IRProcessing)
        usual.finalize()
        return [usual]
