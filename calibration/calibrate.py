# ruff: noqa: E501  (lines of a page)
"""Fit the typical patient to the studies marked `used_for_fitting`, and write draws of what remains possible.

    python -m calibration.calibrate [worlds]

A *world* is one draw of all that we are unsure of (the `uncertainty` of each figure: the prior). In each world every
study is run with simulated patients, and the world is weighed by how near its results come to the printed ones, within
their standard errors. Worlds are then drawn by weight: 200 of them are the posterior that eutonia ships. The weights are
tempered until enough worlds carry them, so that the bands stay wide where the search was thin.

Writes eutonia/simulation/posterior.csv and docs/reference/calibration.md.
"""

import sys
from pathlib import Path

import numpy as np

from eutonia.knowledge import load
from eutonia.simulation import outcome
from eutonia.simulation.population import Draws, Individuals, Patients
from eutonia.simulation.system import build_system

ROOT = Path(__file__).parent.parent

STUDIES = {
    # observation: (patients in each world, relative or absolute standard error where none is printed)
    "carisoprodol-single-350": 24,
    "carisoprodol-drowsiness-250": 24,
    "carisoprodol-drowsiness-350": 24,
    "relaxants-pain": 24,
    "meprobamate-withdrawal-3-2": 16,
    "meprobamate-withdrawal-6-4": 16,
    "carisoprodol-high-dose-stop": 16,
    "carisoprodol-label-stop": 16,
}
KEPT, LEAST = 200, 120.0
"""Draws that are shipped, and worlds (effective) that must carry the weight."""


class Recorder(Individuals):
    """Notes which figures are uncertain, and by how much."""

    def typical(self, name: str, uncertainty: float):  # type: ignore[no-untyped-def]
        NAMES[name] = uncertainty
        return self.constant(0.0)


NAMES: dict[str, float] = {}


def error(finding, number: int | None) -> float:  # type: ignore[no-untyped-def]
    """Standard error of a printed figure."""
    if finding.spread is not None:
        return float(finding.spread / np.sqrt(number or 24))
    if finding.interval is not None:
        return float((finding.interval[1] - finding.interval[0]) / 3.3)
    if finding.statistic == "fraction":
        return float(max(np.sqrt(finding.value * (1 - finding.value) / (number or 24)), 0.02))
    return 0.2 * abs(finding.value)


def main(worlds: int) -> None:
    knowledge = load()
    build_system(Recorder(Patients(1, {}, 0, uncertain=True), knowledge), ["carisoprodol"])
    names = {name: sd for name, sd in NAMES.items() if sd > 0.0 and not name.startswith("population/")}
    seed = 20260
    score = np.zeros(worlds)
    results = []
    for key, size in STUDIES.items():
        study = knowledge.observations[key]
        patients = Patients(
            worlds * size, dict(study.patients), seed, uncertain=True, together=size, world=seed
        )
        found = outcome(list(study.plan), patients=patients, until=study.until, courses=False, knowledge=knowledge,
                        posterior={}).per_patient  # fmt: skip
        for finding in study.findings:
            if not finding.used_for_fitting:
                continue
            values = np.asarray(found[finding.quantity], float).reshape(worlds, size)
            with np.errstate(all="ignore"):
                center = np.nanmedian(values, 1) if finding.statistic == "median" else np.nanmean(values, 1)
            center = np.where(np.isfinite(center), center, finding.value * 3)
            wide = error(finding, study.number_studied)
            score += -0.5 * ((center - finding.value) / wide) ** 2
            results.append((study.title, finding, wide, center))
        print(f"{key}: done", flush=True)
    weight, power = tempered(score)
    draw = np.random.default_rng(1).choice(worlds, KEPT, p=weight)
    deviations = {name: sd * Draws(seed, 0, worlds).normal(f"typical/{name}") for name, sd in names.items()}
    table = np.stack([deviations[name][draw] for name in names], axis=1)
    target = ROOT / "eutonia" / "simulation" / "posterior.csv"
    np.savetxt(target, table, fmt="%.4f", delimiter=",", header=",".join(names), comments="")
    page(names, deviations, results, weight, power, worlds)


def tempered(score: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights of worlds, and the power of the likelihood at which enough of them count."""
    for power in np.geomspace(1.0, 0.01, 60):
        weight = np.exp(power * (score - score.max()))
        weight /= weight.sum()
        if 1.0 / (weight**2).sum() >= LEAST:
            break
    return weight, float(power)


def page(names, deviations, results, weight, power, worlds) -> None:  # type: ignore[no-untyped-def]
    effective = 1.0 / (weight**2).sum()
    lines = [
        "# Calibration", "",
        "Written by `python -m calibration.calibrate`. Prior: the `uncertainty` of each figure. Posterior: worlds weighed by the "
        "studies below. Nothing here is validation.", "",
        f"{worlds} worlds; {effective:.0f} of them, effectively, carry the weight, at a likelihood raised to {power:.2f} "
        "(below 1, the bands are wider than the data would allow).", "",
        "## Fit", "", "| study | figure | printed | standard error | prior mean (90 %) | posterior mean (90 %) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for title, finding, wide, center in results:
        low, high = np.percentile(center, (5, 95))
        order = np.argsort(center)
        cumulative = np.cumsum(weight[order])
        p5, p95 = (center[order][np.searchsorted(cumulative, q)] for q in (0.05, 0.95))
        lines.append(
            f"| {title} | {finding.quantity} | {finding.value:g} {finding.unit if finding.unit != '1' else ''} | {wide:.2g} "
            f"| {center.mean():.3g} ({low:.3g} to {high:.3g}) | {(weight * center).sum():.3g} ({p5:.3g} to {p95:.3g}) |"
        )
    lines += ["", "## Figures of the typical patient", "",
              "As deviations on the scale on which each is drawn (mostly the logarithm). The data tell nothing of a figure whose "
              "posterior is as wide as its prior.", "",
              "| figure | prior sd | posterior mean | posterior sd | learned |", "| --- | --- | --- | --- | --- |"]  # fmt: skip
    blind = []
    for name, sd in names.items():
        mean = float((weight * deviations[name]).sum())
        after = float(np.sqrt((weight * (deviations[name] - mean) ** 2).sum()))
        learned = 1.0 - after / sd
        if learned < 0.1:
            blind.append(name)
        lines.append(f"| {name} | {sd:.2f} | {mean:+.3f} | {after:.3f} | {max(learned, 0.0):.0%} |")
    lines += ["", "## What the data cannot tell", "", ", ".join(blind) + ".", ""]
    (ROOT / "docs" / "reference" / "calibration.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
