"""`eutonia validate`."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from eutonia.cli import main
from eutonia.knowledge import Knowledge
from eutonia.report.validation_page import as_page, strip
from eutonia.simulation import validation
from eutonia.simulation.validation import Validation, compare


def test_every_observation_names_a_quantity_that_the_simulation_gives(knowledge: Knowledge) -> None:
    """Two small studies of each; the figures themselves are read in `eutonia validate`."""
    for observation in knowledge.observations.values():
        if observation.until in ("50 days", "94 days", "182 days"):
            continue
        for found in compare(observation, knowledge, studies=2):
            assert found.model is not None, (observation.id, found.quantity)


@pytest.fixture(scope="module")
def result(knowledge: Knowledge) -> Iterator[Validation]:
    """Two observations of all, in two small studies each."""
    few = {
        k: o
        for k, o in knowledge.observations.items()
        if k in ("carisoprodol-single-350", "meprobamate-oral")
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(validation, "STUDIES", 2)
        yield validation.validate(Knowledge({**{s: knowledge.section(s) for s in (
            "substances", "receptor_sites", "modulators", "ancestries", "therapy_courses", "model", "clock_times",
            "drugs", "products", "therapies")}, "observations": few}))  # fmt: skip


def test_a_fitted_figure_is_never_shown_as_validation(result: Validation) -> None:
    assert result.held_apart == 2
    assert len(result.findings) == 10


def test_the_page_shows_each_finding_with_its_source_and_needs_no_script(
    knowledge: Knowledge, result: Validation
) -> None:
    page = as_page(result, knowledge)
    assert page.count('data-label="Published"') == len(result.findings)
    assert page.count('<svg class="strip s1"') == result.held_apart
    assert knowledge.sources["soma_us_label"].title in page
    assert "<script" not in page
    assert "width=device-width" in page


def test_a_strip_is_centred_on_what_was_published_and_ends_at_five_times_it(result: Validation) -> None:
    figures = {"published": 2.0, "model": 2.0, "model_p5": 0.01, "model_p95": 10.0}
    each = result.findings[0].model_copy(update=figures)
    assert strip(each) == (0.0, 50.0, 100.0)
    assert strip(each.model_copy(update={"published": 0.0})) is None
    assert strip(each.model_copy(update={"model": None})) is None


def test_the_command_is_listed() -> None:
    result = CliRunner().invoke(main, ["validate", "--help"])
    assert result.exit_code == 0
    assert "whether it was fitted" in result.stdout
