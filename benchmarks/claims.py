"""How fast an article is checked: python benchmarks/claims.py [--copies N]

Prints the seconds of a cold start (a new process that checks one sentence) and the sentences per second of a warm one,
on the labelled sentences of the tests, on one core.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import yaml

from eutonia.claims import check

LABELLED = Path(__file__).parents[1] / "tests" / "data" / "claims_labelled.yaml"


def cold() -> float:
    """Seconds of a new process, Python's own start included; the best of five."""
    code = "from eutonia.claims import check; check('Soma is safe.')"
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def warm(copies: int) -> tuple[int, float]:
    """Sentences checked, and CPU seconds they took."""
    data = yaml.safe_load(LABELLED.read_text())
    says = [words for family in data["families"].values() for group in family.values() for words in group]
    text = "\n\n".join((says + data["none"]) * copies)
    check("Soma is safe.")
    start = time.process_time()
    return check(text).sentences, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--copies", type=int, default=10)
    sentences, seconds = warm(parser.parse_args().copies)
    print(f"cold start: {cold():.2f} s")
    print(
        f"warm: {sentences} sentences in {seconds:.2f} s of one core, {sentences / seconds:,.0f} per second"
    )


if __name__ == "__main__":
    main()
