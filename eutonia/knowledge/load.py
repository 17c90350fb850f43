"""Read, check and freeze the knowledge files; keep an exact copy in the user's cache."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eutonia.errors import KnowledgeError

if TYPE_CHECKING:
    from eutonia.knowledge.articles import Claim
    from eutonia.knowledge.common import Source
    from eutonia.knowledge.evidence import (
        Intervention,
        NaturalCourse,
        Outcome,
        Population,
        Profile,
        PublishedPool,
        Trial,
    )
    from eutonia.knowledge.pharmacology import (
        Ancestry,
        ClockTimes,
        ModelPart,
        Modulator,
        Observation,
        Posterior,
        ReceptorSite,
        Substance,
        TherapyCourse,
    )
    from eutonia.knowledge.safety import Feature, Rule, UnitSpellings, ValueSet
    from eutonia.knowledge.tapers import Schedule, TaperPolicy
    from eutonia.knowledge.treatments import (
        Advice,
        Covariate,
        Drug,
        DrugClass,
        OtherNames,
        PatientQuestion,
        Product,
        Therapy,
    )

ROOT = Path(__file__).parent

SECTIONS: Mapping[str, str] = {
    "sources": "common.Source",
    "units": "safety.UnitSpellings",
    "value_sets": "safety.ValueSet",
    "record_words": "senses.RecordWords",
    "classes": "treatments.DrugClass",
    "drugs": "treatments.Drug",
    "products": "treatments.Product",
    "recognised": "treatments.OtherNames",
    "medicine_words": "treatments.MedicineWords",
    "therapies": "treatments.Therapy",
    "advice": "treatments.Advice",
    "lessons": "teaching.Lesson",
    "exposure_lengths": "exposures.ExposureLength",
    "substances": "pharmacology.Substance",
    "receptor_sites": "pharmacology.ReceptorSite",
    "modulators": "pharmacology.Modulator",
    "ancestries": "pharmacology.Ancestry",
    "therapy_courses": "pharmacology.TherapyCourse",
    "observations": "pharmacology.Observation",
    "posteriors": "pharmacology.Posterior",
    "clock_times": "pharmacology.ClockTimes",
    "model": "pharmacology.ModelPart",
    "covariates": "treatments.Covariate",
    "patient_questions": "treatments.PatientQuestion",
    "features": "safety.Feature",
    "rules": "safety.Rule",
    "languages": "articles.Language",
    "wording": "articles.Wording",
    "claims": "articles.Claim",
    "omissions": "articles.Omission",
    "populations": "evidence.Population",
    "interventions": "evidence.Intervention",
    "outcomes": "evidence.Outcome",
    "trials": "evidence.Trial",
    "profiles": "evidence.Profile",
    "courses": "evidence.NaturalCourse",
    "published_pools": "evidence.PublishedPool",
    "tapers": "tapers.Schedule",
    "taper_policies": "tapers.TaperPolicy",
}
"""Folder below knowledge/ → the type of its entries, by name: a type is imported with the first entry of it."""


class Knowledge:
    """What `load()` found, read-only: each section maps entry ids to entries.

    A test may make one of its own: `Knowledge({"rules": {...}, "features": {...}})`.
    Sections are fetched when first asked for; `version` names the exact content.
    """

    def __init__(
        self,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        version: str = "unversioned",
        fetch: Callable[[str], Mapping[str, Any]] | None = None,
    ) -> None:
        self.version = version
        self._sections = dict(sections or {})
        self._fetch = fetch or (lambda _: {})

    def section(self, name: str) -> Mapping[str, Any]:
        if name not in self._sections:
            self._sections[name] = MappingProxyType(dict(self._fetch(name)))
        return self._sections[name]

    @property
    def sources(self) -> Mapping[str, Source]:
        return self.section("sources")

    @property
    def units(self) -> Mapping[str, UnitSpellings]:
        return self.section("units")

    @property
    def value_sets(self) -> Mapping[str, ValueSet]:
        return self.section("value_sets")

    @property
    def classes(self) -> Mapping[str, DrugClass]:
        return self.section("classes")

    @property
    def drugs(self) -> Mapping[str, Drug]:
        return self.section("drugs")

    @property
    def products(self) -> Mapping[str, Product]:
        return self.section("products")

    @property
    def recognised(self) -> Mapping[str, OtherNames]:
        return self.section("recognised")

    @property
    def therapies(self) -> Mapping[str, Therapy]:
        return self.section("therapies")

    @property
    def advice(self) -> Mapping[str, Advice]:
        return self.section("advice")

    @property
    def substances(self) -> Mapping[str, Substance]:
        return self.section("substances")

    @property
    def receptor_sites(self) -> Mapping[str, ReceptorSite]:
        return self.section("receptor_sites")

    @property
    def modulators(self) -> Mapping[str, Modulator]:
        return self.section("modulators")

    @property
    def ancestries(self) -> Mapping[str, Ancestry]:
        return self.section("ancestries")

    @property
    def therapy_courses(self) -> Mapping[str, TherapyCourse]:
        return self.section("therapy_courses")

    @property
    def observations(self) -> Mapping[str, Observation]:
        return self.section("observations")

    @property
    def posteriors(self) -> Mapping[str, Posterior]:
        return self.section("posteriors")

    @property
    def clock_times(self) -> Mapping[str, ClockTimes]:
        return self.section("clock_times")

    @property
    def model(self) -> Mapping[str, ModelPart]:
        return self.section("model")

    @property
    def patient_questions(self) -> Mapping[str, PatientQuestion]:
        return self.section("patient_questions")

    @property
    def covariates(self) -> Mapping[str, Covariate]:
        return self.section("covariates")

    @property
    def features(self) -> Mapping[str, Feature]:
        return self.section("features")

    @property
    def claims(self) -> Mapping[str, Claim]:
        return self.section("claims")

    @property
    def rules(self) -> Mapping[str, Rule]:
        return self.section("rules")

    @property
    def trials(self) -> Mapping[str, Trial]:
        return self.section("trials")

    @property
    def interventions(self) -> Mapping[str, Intervention]:
        return self.section("interventions")

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        return self.section("outcomes")

    @property
    def populations(self) -> Mapping[str, Population]:
        return self.section("populations")

    @property
    def profiles(self) -> Mapping[str, Profile]:
        return self.section("profiles")

    @property
    def published_pools(self) -> Mapping[str, PublishedPool]:
        return self.section("published_pools")

    @property
    def courses(self) -> Mapping[str, NaturalCourse]:
        return self.section("courses")

    @property
    def tapers(self) -> Mapping[str, Schedule]:
        return self.section("tapers")

    @property
    def taper_policies(self) -> Mapping[str, TaperPolicy]:
        return self.section("taper_policies")


@cache
def load(root: Path = ROOT) -> Knowledge:
    """Load the knowledge below `root`, checked.

    Raises KnowledgeError, naming file, place and remedy, at the first file that is wrong.
    """
    version = _version(root)
    folder = cache_folder() / version
    if not is_ours(folder):
        from eutonia.knowledge.build import build  # pydantic and yaml: only when something changed

        sections = build(dict(_contents(root)))
        _store(folder, sections)
        return Knowledge(
            {name: MappingProxyType(entries) for name, entries in sections.items()}, version=version
        )
    return Knowledge(version=version, fetch=lambda name: _read(folder, name, root))


RACE_NS = 2_000_000_000
"""A file changed so shortly ago may change again without a new time stamp."""


def _version(root: Path) -> str:
    """The version of the content below `root`: as noted for these very files, or read from them.

    Every change to a file, even one that keeps its size and puts its date back, gives it a new change time
    (`st_ctime`), which nobody can set; so what is noted under all names, sizes and times is exact.
    """
    state, newest = _state(root)
    note = cache_folder() / "seen" / state
    if is_ours(note):
        with suppress(OSError):
            return note.read_text()
    version = _digest(dict(_contents(root)))
    if time.time_ns() - newest > RACE_NS and _state(root)[0] == state:
        with suppress(OSError):
            note.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            draft = note.with_name(f"{state}.{os.getpid()}")
            draft.write_text(version)
            draft.chmod(0o600)
            draft.replace(note)
            _prune(note.parent, keep=64)
    return version


def _state(root: Path) -> tuple[str, int]:
    """Names, sizes, places on disk and times of all files that matter, as a digest; and the newest time."""
    digest = hashlib.blake2b(os.fsencode(os.path.abspath(root)), digest_size=10)
    newest = 0
    for path, status in _statuses([ROOT, *(os.path.join(root, section) for section in SECTIONS)]):
        times = status.st_mtime_ns, status.st_ctime_ns
        digest.update(f"{path}\0{status.st_size},{status.st_ino},{times}".encode(errors="surrogateescape"))
        newest = max(newest, *times)
    return digest.hexdigest(), newest


def _statuses(folders: Iterable[str | Path]) -> Iterator[tuple[str, os.stat_result]]:
    """The code of this package, and every file below the sections, in order."""
    for folder in folders:
        with suppress(FileNotFoundError), os.scandir(folder) as found:
            for entry in sorted(found, key=lambda each: each.name):
                if entry.name.endswith(".py" if folder is ROOT else ".yaml"):
                    yield entry.path, entry.stat()
                elif folder is not ROOT and entry.is_dir():
                    yield from _statuses([entry.path])


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    for section in SECTIONS:
        for folder, folders, names in os.walk(root / section):
            folders.sort()
            for name in sorted(names):
                if name.endswith(".yaml"):
                    path = os.path.join(folder, name)
                    with open(path, "rb") as file:
                        yield os.path.relpath(path, root), file.read()


def _digest(files: Mapping[str, bytes]) -> str:
    """Name the content of all knowledge files and of the code that reads them."""
    digest = hashlib.blake2b(digest_size=10)
    for code in sorted(ROOT.glob("*.py")):
        digest.update(code.read_bytes())
    for path, content in files.items():
        digest.update(f"\0{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where copies are kept: `EUTONIA_CACHE`, or the user's cache."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("EUTONIA_CACHE") or user_cache_path("eutonia"))


def is_ours(folder: Path) -> bool:
    """Whether a complete copy lies there that nobody else could have written."""
    try:
        status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _store(folder: Path, sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Write all sections, then move them into place at once; a cache that cannot be written is no loss."""
    with suppress(OSError):
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        draft.mkdir(parents=True, mode=0o700)
        for name, entries in sections.items():
            (draft / f"{name}.pickle").write_bytes(pickle.dumps(entries, protocol=pickle.HIGHEST_PROTOCOL))
        try:
            draft.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(draft, ignore_errors=True)
        _prune(folder.parent)


def _prune(parent: Path, keep: int = 16) -> None:
    """Leave the newest copies. A process that still reads an older one builds anew."""
    kept_apart = ("seen", "results")
    copies = sorted(
        (p for p in parent.iterdir() if p.name not in kept_apart),
        key=lambda p: p.stat().st_mtime,
        reverse=True,
    )
    for copy in copies[keep:]:
        if copy.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
        else:
            copy.unlink(missing_ok=True)


def _read(folder: Path, section: str, root: Path) -> Mapping[str, Any]:
    """One section of a copy; built again where the copy was cleared away or is damaged."""
    try:
        entries: Mapping[str, Any] = pickle.loads((folder / f"{section}.pickle").read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError):
        from eutonia.knowledge.build import build

        files = dict(_contents(root))
        if _digest(files) != folder.name:
            raise KnowledgeError(str(root), "has changed since it was loaded. Start again.") from None
        entries = build(files)[section]
    return entries
