"""`eutonia validate`."""

from click.testing import CliRunner

from eutonia.cli import main
from eutonia.knowledge import Knowledge
from eutonia.simulation.validation import compare


def test_every_observation_names_a_quantity_that_the_simulation_gives(knowledge: Knowledge) -> None:
    """Two small studies of each; the figures themselves are read in `eutonia validate`."""
    for observation in knowledge.observations.values():
        if observation.until in ("50 days", "94 days", "182 days"):
            continue
        for found in compare(observation, knowledge, studies=2):
            assert found.model is not None, (observation.id, found.quantity)


def test_a_fitted_figure_is_never_shown_as_validation(knowledge: Knowledge, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from eutonia.simulation import validation

    monkeypatch.setattr(validation, "STUDIES", 2)
    few = {
        k: o
        for k, o in knowledge.observations.items()
        if k in ("carisoprodol-single-350", "meprobamate-oral")
    }
    result = validation.validate(Knowledge({**{s: knowledge.section(s) for s in (
        "substances", "receptor_sites", "modulators", "ancestries", "therapy_courses", "model", "clock_times",
        "drugs", "products", "therapies")}, "observations": few}))  # fmt: skip
    assert result.held_apart == 2
    assert len(result.findings) == 10


def test_the_command_is_listed() -> None:
    result = CliRunner().invoke(main, ["validate", "--help"])
    assert result.exit_code == 0
    assert "whether it was fitted" in result.stdout
