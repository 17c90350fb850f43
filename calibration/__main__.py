"""Fit again: `python -m calibration`. Some minutes; writes eutonia/knowledge/posteriors and docs/reference.

The same seed gives the same draws on any number of workers. Run it after changing a figure that is fitted, an
observation marked `used_for_fitting`, or the equations.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from calibration.fit import Budget, fit
from calibration.pages import write_pages, written
from eutonia.files import write_file
from eutonia.knowledge import load

POSTERIOR = Path("eutonia/knowledge/posteriors/carisoprodol.yaml")


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    asked.add_argument("--seed", type=int, default=20260)
    asked.add_argument(
        "--steps", type=int, default=2500, help="of each of four chains, beside those thrown away"
    )
    asked.add_argument("--draws", type=int, default=400, help="draws to ship")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument(
        "--made", type=date.fromisoformat, default=None, help="date to write; today's where absent"
    )
    given = asked.parse_args()
    root = Path(__file__).parent.parent
    knowledge = load()
    with progress() as told:
        fitted = fit(knowledge, Budget(given.steps, given.draws), given.seed, given.workers, told)
    target = root / POSTERIOR
    target.parent.mkdir(exist_ok=True)
    write_file(target, written(fitted, given.made or date.today()).encode())
    write_pages(fitted, root / "docs" / "reference")
    chains = fitted.chains
    print(f"R-hat at most {chains.rhat.max():.3f}; at least {chains.effective.min():.0f} independent draws; "
          f"{chains.accepted:.0%} of steps taken.")  # fmt: skip


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A bar for each part of the work; nothing where output is not a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def told(part: str, share: float) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(part, total=1.0)
            bar.advance(tasks[part], share)  # type: ignore[arg-type]

        yield told


if __name__ == "__main__":
    main()
