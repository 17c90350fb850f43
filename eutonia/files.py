"""Files are written whole or not at all."""

import os
from pathlib import Path

from eutonia.errors import InputError


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a whole file or none: into a neighbour first, then moved into place."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(f"Cannot write {path}: {error.strerror}. Choose another place.") from None
