"""Embed the claims' wordings for the second look: python tools/embed_wordings.py [--write].

`--write` renews eutonia/claims/wordings.npz, a byte a number. Without it, says how many wordings it lacks; these are
embedded when they are first needed, at some seconds of each run.
"""

import argparse
from pathlib import Path

import numpy as np

from eutonia.claims import likeness
from eutonia.claims.concepts import Lexicon
from eutonia.knowledge import load

FILE = Path(likeness.__file__).parent / likeness.VECTORS


def wordings() -> list[str]:
    return sorted({words for claim in load().claims.values() for _, words in likeness.sides(claim)})


def missing() -> list[str]:
    with np.load(FILE) as data:
        known = set(data["keys"].tolist())
    return [words for words in wordings() if likeness.key(words) not in known]


def write() -> None:
    knowledge, texts = load(), wordings()
    lexicon = Lexicon(knowledge.section("wording").values(), knowledge.section("languages")["english"])
    vectors = likeness.embed([likeness.normal(words, lexicon) for words in texts])
    scaled = np.round(127 * vectors / np.abs(vectors).max(axis=1, keepdims=True)).astype(np.int8)
    np.savez_compressed(FILE, keys=np.array([likeness.key(words) for words in texts]), vectors=scaled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="renew the file")
    if parser.parse_args().write:
        write()
        print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")
    else:
        print(f"{len(missing())} wordings are not embedded yet")


if __name__ == "__main__":
    main()
