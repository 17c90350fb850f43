"""How fast an article is checked: python benchmarks/claims.py [--copies N]

Prints the seconds of a cold start (a new process that checks one sentence), and the sentences per second of a warm one:
on the labelled sentences of the tests, nearly all of which make a claim, and on the good articles, as ordinary text.
Twice and ten times the text shows that time grows with its length.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import yaml

from eutonia.claims import check

DATA = Path(__file__).parents[1] / "tests" / "data"


def cold(words: str) -> float:
    """Seconds of a new process, Python's own start included; the best of five."""
    code = f"from eutonia.claims import check; check({words!r})"
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def labelled() -> str:
    data = yaml.safe_load((DATA / "claims_labelled.yaml").read_text())
    says = [words for family in data["families"].values() for group in family.values() for words in group]
    return "\n\n".join(says + data["none"])


def articles() -> str:
    return "\n\n".join(path.read_text() for path in sorted((DATA / "good_articles").glob("*.md")))


def warm(text: str, copies: int) -> tuple[int, float]:
    """Sentences checked, and seconds they took."""
    start = time.perf_counter()
    return check("\n\n".join([text] * copies)).sentences, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--copies", type=int, default=10)
    copies = parser.parse_args().copies
    print(f"cold start: {cold('Soma is safe.'):.2f} s")
    for name, text in (("labelled sentences", labelled()), ("good articles", articles())):
        check(text)
        for number in (1, 2, copies):
            sentences, seconds = warm(text, number)
            speed = f"{sentences / seconds:,.0f} per second"
            print(f"{name}, {number} times: {sentences} sentences in {seconds:.2f} s, {speed}")


if __name__ == "__main__":
    main()
