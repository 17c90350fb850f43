"""The result as an xarray Dataset, and as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.errors import InputError

if TYPE_CHECKING:
    import xarray

    from eutonia.simulation.results import Outcome

MODEL = "eutonia/model/1"

VARIABLES = {
    "drive": ("kT", "net GABAergic drive"),
    "sedation": ("1", "sedation, 0 to 100"),
    "impairment": ("1", "impairment of skills, 0 to 100"),
    "relief": ("1", "pain taken away, points of 100"),
    "tolerance": ("kT", "adaptation of the brain that opposes the drug"),
    "withdrawal": ("kT", "severity of withdrawal"),
    "pain": ("1", "pain, 0 to 100"),
    "ventilation": ("1", "ventilation as a fraction of that at rest"),
}
"""Courses → unit and long name."""

QUANTITIES = {
    "peak_drive": ("kT", "highest net drive"),
    "peak_sedating": ("kT", "highest drive of all sedatives together"),
    "peak_sedation": ("1", "highest sedation, 0 to 100"),
    "peak_impairment": ("1", "highest impairment, 0 to 100"),
    "hours_impaired": ("h", "time impaired"),
    "hours_impaired_a_day": ("h", "time impaired in a day with doses"),
    "morning_impairment": ("1", "highest impairment on a morning after doses, 0 to 100"),
    "peak_relief": ("1", "most pain taken away, points of 100"),
    "mean_relief": ("1", "pain taken away on average while doses are taken, points of 100"),
    "hours_relieved": ("h", "time with relief that is noticed"),
    "onset_h": ("h", "time to relief that is noticed"),
    "min_ventilation": ("1", "lowest ventilation as a fraction of that at rest"),
    "probability_drowsy": ("1", "chance of drowsiness over the course"),
    "probability_dizzy": ("1", "chance of dizziness over the course"),
    "withdrawal_peak": ("kT", "highest severity of withdrawal"),
    "withdrawal_score": ("1", "highest withdrawal score, 0 to 50"),
    "withdrawal_peak_day": ("d", "time of the highest withdrawal after the last dose"),
    "withdrawal_onset_h": ("h", "time from the last dose to withdrawal that is felt"),
    "probability_any": ("1", "chance of any withdrawal"),
    "probability_seizure": ("1", "chance of a seizure in withdrawal"),
    "probability_hallucinosis": ("1", "chance of hallucinosis in withdrawal"),
    "pain_baseline": ("1", "pain at the start, 0 to 100"),
}

EXPOSURE = {
    "cmax_mg_l": ("mg/L", "highest level"),
    "tmax_h": ("h", "time of the highest level after the dose before it"),
    "auc_mg_h_l": (
        "mg.h/L",
        "area under the level, to infinity after one dose, else over a dosing interval at the end",
    ),
    "half_life_h": ("h", "half-life"),
    "trough_mg_l": ("mg/L", "lowest level in the dosing interval at the end"),
    "mean_mg_l": ("mg/L", "mean level in the dosing interval at the end"),
}

DOSES = {"doses_taken": ("1", "doses taken from the start of the plan")}


def to_dataset(outcome: Outcome) -> xarray.Dataset:
    """The courses, with units, long names and assumptions."""
    import xarray

    data: dict[str, Any] = {
        "concentration": (
            ("patient", "substance", "time"),
            outcome.level,
            {"units": "mg/L", "long_name": "total concentration in plasma"},
        )
    }
    for name, (unit, words) in VARIABLES.items():
        data[name] = (("patient", "time"), outcome.courses[name], {"units": unit, "long_name": words})
    course = xarray.Dataset(data, coords=_coordinates(outcome, times=True), attrs=_attributes(outcome))
    return course.transpose("patient", "time", "substance")


def summary_dataset(outcome: Outcome) -> xarray.Dataset:
    """One row of quantities a patient; what `simulate --json` sums up."""
    import xarray

    p = outcome.per_patient
    data: dict[str, Any] = {
        name: ("patient", p[name], {"units": unit, "long_name": words})
        for name, (unit, words) in QUANTITIES.items()
    }
    for key, (unit, words) in (EXPOSURE | DOSES).items():
        rows = [p[f"{name}/{key}"] for name in outcome.substances]
        values = np.stack(rows, axis=1) if rows else np.empty((len(p["peak_drive"]), 0))
        data[key] = (("patient", "substance"), values, {"units": unit, "long_name": words})
    for label, values in p["pain_at"].items():
        words = f"pain after {label}, 0 to 100"
        data[f"pain_{label.replace(' ', '_')}"] = ("patient", values, {"units": "1", "long_name": words})
    return xarray.Dataset(data, coords=_coordinates(outcome, times=False), attrs=_attributes(outcome))


def _coordinates(outcome: Outcome, *, times: bool) -> dict[str, Any]:
    patients = np.arange(len(outcome.per_patient["peak_drive"]))
    coordinates: dict[str, Any] = {
        "patient": ("patient", patients, {"units": "1", "long_name": "number of the patient"}),
        "substance": (
            "substance",
            np.array(outcome.substances, dtype=str),
            {"units": "", "long_name": "substance"},
        ),
    }
    if times:
        coordinates["time"] = ("time", outcome.times, {"units": "h", "long_name": "time from the first dose"})
    return coordinates


def _attributes(outcome: Outcome) -> dict[str, Any]:
    doses = [
        (r.substance, time, amount)
        for r in outcome.schedule.regimens
        for time, amount in zip(r.times, r.amounts, strict=True)
        if time >= 0.0
    ]
    return {
        "model": MODEL,
        "assumptions": list(outcome.assumptions),
        "clock_at_start": outcome.schedule.clock,
        "dose_substance": [substance for substance, _, _ in doses],
        "dose_time": [time for _, time, _ in doses],
        "dose_mg": [amount for *_, amount in doses],
    }


def write(outcome: Outcome, path: str) -> None:
    """Write the courses to a .nc, .parquet or .csv file. Raises InputError for any other ending."""
    from eutonia.files import write_file

    kind = Path(path).suffix.lower()
    if kind == ".nc":
        write_file(path, _netcdf(outcome))
    elif kind in (".parquet", ".csv"):
        write_file(path, _table(outcome, kind))
    else:
        raise InputError(f"Cannot write {path}: its name must end in .nc, .parquet or .csv.")


def _netcdf(outcome: Outcome) -> bytes:
    course = to_dataset(outcome)
    for name, separator in (("assumptions", "\n"), ("dose_substance", ",")):
        course.attrs[name] = separator.join(course.attrs[name])
    return bytes(course.to_netcdf(engine="scipy", format="NETCDF3_64BIT"))


def _table(outcome: Outcome, kind: str) -> bytes:
    """One row a patient and time; a column for each level and each effect."""
    from io import BytesIO

    import polars as pl

    patients, times = outcome.courses["drive"].shape
    columns: dict[str, Any] = {
        "patient": np.repeat(np.arange(patients), times),
        "time_h": np.tile(outcome.times, patients),
    }
    for n, name in enumerate(outcome.substances):
        columns[f"{name}_mg_l"] = outcome.level[:, n].ravel()
    for name in VARIABLES:
        columns[name] = outcome.courses[name].ravel()
    buffer = BytesIO()
    table = pl.DataFrame(columns)
    if kind == ".csv":
        table.write_csv(buffer)
    else:
        table.write_parquet(buffer)
    return buffer.getvalue()
