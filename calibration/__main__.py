"""Fit again: `python -m calibration`. Some minutes; writes eutonia/knowledge/posteriors and docs/reference.

The same seed gives the same draws with any number of workers (on one machine, with one version of each library). Run it
after changing a figure that is fitted, an observation marked `used_for_fitting`, or the equations. Needs
`pip install 'eutonia[calibration]'`.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

POSTERIOR = Path("eutonia/knowledge/posteriors/carisoprodol.yaml")


def main() -> None:
    from calibration.fit import Budget, fit
    from calibration.pages import write_pages, written
    from eutonia.files import write_file
    from eutonia.knowledge import load

    usual = Budget()
    asked = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    asked.add_argument("--seed", type=int, default=20260)
    asked.add_argument("--draws", type=int, default=usual.draws, help="of each of four chains")
    asked.add_argument("--worlds", type=int, default=usual.worlds, help="weighted by the reports of effect")
    asked.add_argument(
        "--truths", type=int, default=usual.truths, help="studies simulated to test the method"
    )
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument(
        "--made", type=date.fromisoformat, default=None, help="date to write; today's where absent"
    )
    given = asked.parse_args()
    root = Path(__file__).parent.parent
    budget = Budget(draws=given.draws, worlds=given.worlds, truths=given.truths)
    with progress() as told:
        fitted = fit(load(), budget, given.seed, given.workers, told)
    if fitted.faults:
        sys.exit(f"Nothing is written: {'; '.join(fitted.faults)}. Ask for more --draws or --worlds.")
    target = root / POSTERIOR
    target.parent.mkdir(exist_ok=True)
    write_file(target, written(fitted, given.made or date.today()).encode())
    write_pages(fitted, root / "docs" / "reference")
    chains = fitted.chains
    print(f"R-hat at most {chains.rhat.max():.3f}; at least {chains.effective.min():.0f} independent draws; "
          f"{chains.diverged} divergent; worlds worth {fitted.worth:.0f} draws.")  # fmt: skip


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
