"""What a file about evidence refers to, and what a trial must hold to be usable."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from eutonia.errors import KnowledgeError
from eutonia.knowledge.evidence import Contrast, NaturalCourse, Outcome, Profile, Result, Span, Told, Trial


class Reference(NamedTuple):
    """A name in an entry, which has to be a file of a section."""

    at: str
    what: str
    name: str
    section: str


def references(section: str, entry: Any) -> Iterator[Reference]:
    """Every name that an entry of `section` refers to. Raises KnowledgeError where a trial contradicts itself."""
    if section == "populations":
        for name in (*entry.covers, *entry.near):
            yield Reference("covers or near", "population", name, "populations")
    elif section == "interventions":
        for name in (*entry.part_of, *entry.default_comparators):
            yield Reference("part_of or default_comparators", "intervention", name, "interventions")
    elif section == "outcomes":
        _check_stand_in(entry)
    elif section == "courses":
        yield from _course(entry)
    elif section == "profiles":
        yield from _profile(entry)
    elif section == "published_pools":
        for name, among in (
            (entry.therapy, "interventions"),
            (entry.comparator, "interventions"),
            (entry.condition, "populations"),
            (entry.outcome, "outcomes"),
        ):
            yield Reference("therapy, comparator, condition or outcome", among[:-1], name, among)
    elif section == "trials":
        yield from _trial(entry)


def _check_stand_in(outcome: Outcome) -> None:
    """A mean rating in place of a share is weighed on a scale of its own."""
    weighed = outcome.instead_important and outcome.instead_tau_prior
    if outcome.instead and outcome.measure == "RR" and not weighed:
        raise KnowledgeError(
            f"outcomes/{outcome.id}.yaml",
            "lets a mean rating stand in for a share. Add `instead_important` and `instead_tau_prior`.",
        )


def _course(course: NaturalCourse) -> Iterator[Reference]:
    for name in course.conditions:
        yield Reference("conditions", "population", name, "populations")


def _profile(profile: Profile) -> Iterator[Reference]:
    yield Reference("file name", "intervention", profile.id, "interventions")
    for name in (*profile.not_with, *profile.with_care):
        yield Reference("not_with or with_care", "intervention", name, "interventions")
    for part in fields(profile):
        told = getattr(profile, part.name)
        if isinstance(told, Span | Told):
            if not told.sources and not told.trials:
                raise KnowledgeError(
                    f"profiles/{profile.id}.yaml, {part.name}", "says something without a source."
                )
            for trial in told.trials:
                yield Reference(part.name, "trial", trial, "trials")


def _trial(trial: Trial) -> Iterator[Reference]:
    yield Reference("population", "population", trial.population, "populations")
    for other in trial.same_people_as:
        yield Reference("same_people_as", "trial", other, "trials")
    for letter, arm in trial.arms.items():
        for name in filter(None, (arm.treatment, arm.added_to)):
            yield Reference(f"arms.{letter}", "intervention", name, "interventions")
    for number, result in enumerate(trial.results):
        _check_result(f"trials/{trial.id}.yaml, results[{number}]", trial, result)
    for number, contrast in enumerate(trial.contrasts):
        _check_contrast(f"trials/{trial.id}.yaml, contrasts[{number}]", contrast)
        for name in filter(None, (contrast.treatment, contrast.comparator, contrast.added_to)):
            yield Reference(f"contrasts[{number}]", "intervention", name, "interventions")


def _check_result(where: str, trial: Trial, result: Result) -> None:
    if result.arm not in trial.arms:
        raise KnowledgeError(where, f"there is no arm {result.arm}. Arms are: {', '.join(trial.arms)}.")
    if result.mean is not None and result.kind in ("endpoint", "change", "improvement"):
        if result.scale is None or not result.better:
            raise KnowledgeError(where, "a mean needs `scale` and `better`, or nobody can tell what it says.")
        _check_scale(where, result.scale)
    if result.events is not None and (result.n is None or not 0 <= result.events <= result.n):
        raise KnowledgeError(where, f"{result.events} events need an `n` of at least as many.")
    for name in ("sd", "se"):
        value = getattr(result, name)
        if value is not None and value <= 0:
            raise KnowledgeError(where, f"{name} is {value}; it must be above 0.")


def _check_contrast(where: str, contrast: Contrast) -> None:
    if contrast.measure == "MD":
        if contrast.scale is None or not contrast.better:
            raise KnowledgeError(where, "a difference of means needs `scale` and `better`.")
        _check_scale(where, contrast.scale)
    elif contrast.effect <= 0:
        raise KnowledgeError(
            where, f"a {contrast.measure} of {contrast.effect} cannot be; it must be above 0."
        )
    if contrast.ci is not None and not contrast.ci[0] <= contrast.effect <= contrast.ci[1]:
        raise KnowledgeError(where, "the effect lies outside its own confidence interval. Check the figures.")
    if contrast.treatment == contrast.comparator:
        raise KnowledgeError(where, f"compares {contrast.treatment} with itself.")


def _check_scale(where: str, scale: tuple[float, float]) -> None:
    if not scale[0] < scale[1]:
        raise KnowledgeError(where, f"the scale {scale} must run from its least to its greatest value.")
