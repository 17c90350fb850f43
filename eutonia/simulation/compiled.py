"""The compiled engine as machine code in the user's cache: written once by the compiler, run without loading it.

Numba takes half a second to import, LLVM alone a few hundredths. So what Numba has compiled is kept as an object file
that needs nothing of it, and LLVM loads that into a new process. The file lies in the user's cache, never in the
package, which may be read-only; its folder is named after the source and the compiler, itself after the processor and
the kinds of the arguments. A file that is not whole is taken for absent, and made again.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from platformdirs import user_cache_path

SOURCES = ("adaptation", "kinetics", "layout", "rows", "steps", "lane_states", "lane_folds", "lanes")
"""Modules of this package that are compiled."""

NAME = "eutonia_march"
"""The one function of an object file."""

_FUNCTIONS = ("exp", "exp2", "expm1", "log", "log1p", "log2", "pow", "sqrt", "cbrt", "fabs")
C_LIBRARY = frozenset([*_FUNCTIONS, *(f"{name}f" for name in _FUNCTIONS), "memcpy", "memmove", "memset"])
"""What any process finds of itself."""

Kernel = Callable[..., None]

_loaded: dict[str, Kernel] = {}
_loading = Lock()
_at_hand: list[bool] = []


@cache
def folder() -> Path:
    """Where machine code of this very source, by this very compiler, is kept."""
    from llvmlite import __version__  # type: ignore[import-untyped]

    digest = hashlib.blake2b(__version__.encode(), digest_size=8)
    for name in SOURCES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    home = Path(os.environ.get("EUTONIA_CACHE") or user_cache_path("eutonia"))
    return home.with_name(f"{home.name}-compiled") / digest.hexdigest()


def ready() -> bool:
    """Whether it has been compiled before, in double precision, so that nobody waits for it."""
    return loaded() or (any(folder().glob("*.o")) and any(folder().glob(f"{_processor()}-double-*.o")))


def loaded() -> bool:
    """Whether this process has it already."""
    return any(_width(kinds) == "double" for kinds in _loaded)


def announce() -> None:
    """Tell a person at a terminal why the first simulation of many patients takes so long."""
    if sys.stderr.isatty():
        print("Compiling the simulation once for this machine: about a minute.", file=sys.stderr)


def keep_at_hand() -> None:
    """From now on, in this process, even one patient is simulated by the compiled engine: it has been loaded."""
    _at_hand.append(True)


def at_hand() -> bool:
    """Whether `keep_at_hand` was called: a service answers many, and loads it once."""
    return bool(_at_hand)


def kernel(arguments: Sequence[Any]) -> Kernel:
    """The compiled march for arguments of these kinds: from this process, the cache, or the compiler."""
    kinds = ",".join(_kind(each) for each in arguments)
    with _loading:
        if kinds not in _loaded:
            digest = hashlib.blake2b(kinds.encode(), digest_size=8).hexdigest()
            place = folder() / f"{_processor()}-{_width(kinds)}-{digest}.o"
            code = _read(place)
            _loaded[kinds] = _runs(code) if code is not None else _compiled(arguments, place)
        return _loaded[kinds]


def _width(kinds: str) -> str:
    return "single" if "f4" in kinds else "double"


def _kind(argument: Any) -> str:
    if isinstance(argument, np.ndarray):
        return f"{argument.dtype.str}{argument.ndim}"
    return f"({','.join(map(_kind, argument))})" if isinstance(argument, tuple) else "i"


# --- compile ----------------------------------------------------------------------------------------


def _compiled(arguments: Sequence[Any], place: Path) -> Kernel:
    announce()
    from eutonia.simulation.lanes import compiled

    made, symbol, assembly = compiled(arguments)
    code = _alone(assembly, symbol)
    if code is None:  # it leans on something of the compiler, which therefore has to stay
        return made  # type: ignore[no-any-return]
    _write(place, code)
    return _runs(code)


def _alone(assembly: str, symbol: str) -> bytes | None:
    """Machine code of the function `symbol` and what it calls; None where that is more than the C library has."""
    llvm = _llvm()
    module = llvm.parse_assembly(assembly)
    for thing in [*module.functions, *module.global_variables]:
        if thing.name == symbol:
            thing.name, thing.linkage = NAME, "external"
        elif not thing.is_declaration:
            thing.linkage = "internal"
    machine = _machine()
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    outside = [thing.name for thing in module.functions if thing.is_declaration]
    outside += [thing.name for thing in module.global_variables if thing.is_declaration]
    if not all(name.startswith("llvm.") or name in C_LIBRARY for name in outside):
        return None
    return bytes(machine.emit_object(module))


# --- keep -------------------------------------------------------------------------------------------


def _write(place: Path, code: bytes) -> None:
    """Keep machine code, whole or not at all; where nothing can be written, each process compiles anew."""
    import tempfile

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(_seal(code) + code)
        Path(file.name).replace(place)
    except OSError:
        pass


def _read(place: Path) -> bytes | None:
    try:
        whole = place.read_bytes()
    except OSError:
        return None
    seal, code = whole[:16], whole[16:]
    return code if code and seal == _seal(code) else None


def _seal(code: bytes) -> bytes:
    return hashlib.blake2b(code, digest_size=16).digest()


# --- run --------------------------------------------------------------------------------------------


@cache
def _llvm() -> Any:
    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def _machine() -> Any:
    llvm = _llvm()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(llvm.get_host_cpu_name(), _features(), opt=3, jit=True)


def _features() -> str:
    return str(_llvm().get_host_cpu_features().flatten())


@cache
def _processor() -> str:
    llvm = _llvm()
    text = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {_features()}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _runs(code: bytes) -> Kernel:
    """Machine code as a function of arrays, whole numbers and tuples of them; other threads run meanwhile."""
    llvm = _llvm()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    march = ctypes.CFUNCTYPE(ctypes.c_int32)(engine.get_function_address(NAME))

    def run(*arguments: Any, engine: Any = engine) -> None:  # keeps the engine, whose memory the code lies in
        nothing, error = ctypes.c_void_p(), ctypes.c_void_p()
        plain = [each for argument in arguments for each in _plain(argument)]
        if march(ctypes.byref(nothing), ctypes.byref(error), *plain):
            raise RuntimeError("The compiled simulation failed.")

    return run


def _plain(argument: Any) -> Iterator[Any]:
    """An argument as the compiler hands it on: an array is six numbers and more, after two that are for its owner."""
    if isinstance(argument, tuple):
        for each in argument:
            yield from _plain(each)
    elif isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous
        yield from (None, None, ctypes.c_ssize_t(argument.size), ctypes.c_ssize_t(argument.itemsize))
        yield ctypes.c_void_p(argument.ctypes.data)
        yield from map(ctypes.c_ssize_t, (*argument.shape, *argument.strides))
    else:
        yield ctypes.c_ssize_t(argument)
