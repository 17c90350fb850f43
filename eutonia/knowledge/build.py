"""Knowledge files → checked entries. Runs only when a file or this code changed.

Strict, because leniency is how such systems go wrong: an unknown key is an error, and so is a reference to
nothing. Every error names the file, the place in it, and the remedy.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import PurePath
from typing import Annotated, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from eutonia.errors import KnowledgeError
from eutonia.knowledge.codes import build_index
from eutonia.knowledge.common import Citation
from eutonia.knowledge.evidence_checks import references
from eutonia.knowledge.grammar import names_in, parsed
from eutonia.knowledge.load import SECTIONS
from eutonia.knowledge.medicines import build_index as build_medicine_index
from eutonia.knowledge.safety import Feature

Entries = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """YAML with `true` and `false` as its only truth values, and no key twice."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key “{key}” stands twice", node.start_mark
            )
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def build(files: Mapping[str, bytes]) -> dict[str, Entries]:
    """Turn file contents (path below knowledge/ → bytes) into sections of checked entries."""
    readers = {name: _adapter(kind) for name, kind in SECTIONS.items()}
    sections: dict[str, Entries] = {name: {} for name in SECTIONS}
    for path, content in files.items():
        section = PurePath(path).parts[0]
        entry_id = PurePath(path).stem
        if entry_id in sections[section]:
            raise KnowledgeError(
                path, f"another file of {section}/ is called {entry_id} too. Rename one of them."
            )
        sections[section][entry_id] = _entry(path, entry_id, content, readers[section])
    _check(sections, {(PurePath(p).parts[0], PurePath(p).stem): p for p in files})
    sections["code_index"] = {
        "all": build_index(sections["value_sets"].values(), sections["record_words"].values())
    }
    sections["medicine_index"] = {
        "all": build_medicine_index(
            sections["drugs"],
            sections["products"],
            sections["recognised"],
            sections["classes"],
            sections["therapies"],
            sections["medicine_words"].get("words"),
        )
    }
    return sections


def _adapter(kind: str) -> TypeAdapter[Any]:
    module, name = kind.split(".")
    found: Any = getattr(import_module(f"eutonia.knowledge.{module}"), name)
    read_as: Any = Annotated[found, Field(discriminator="kind")] if found is Feature else found
    return TypeAdapter[Any](read_as)


def _entry(path: str, entry_id: str, content: bytes, reader: TypeAdapter[Any]) -> Any:
    try:
        data = yaml.load(content, _Loader)
    except yaml.YAMLError as error:
        raise KnowledgeError(path, f"is not valid YAML: {error}. Mend the file.") from None
    if not isinstance(data, dict):
        raise KnowledgeError(path, "must be a mapping of keys to values.")
    try:
        return reader.validate_python({"id": entry_id, **data})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise KnowledgeError(f"{path}, {place}", f"{first['msg']} (found {first['input']!r:.80}).") from None


def _check(sections: dict[str, Entries], paths: dict[tuple[str, str], str]) -> None:
    for name, entries in sections.items():
        for entry in entries.values():
            where = paths[name, entry.id]
            _check_references(where, name, entry, sections)
            if name in CHECKS:
                CHECKS[name](where, entry, sections)


def _check_references(where: str, section: str, entry: Any, sections: dict[str, Entries]) -> None:
    for citation in _citations(entry):
        _known(where, "source", citation.key, sections["sources"], "sources/")
    for at, what, name, among in references(section, entry):
        _known(f"{where}, {at}", what, name, sections[among], f"{among}/")


def _check_value_sets(where: str, entry: Any, sections: dict[str, Entries]) -> None:
    for place in ("value_sets", "includes"):
        for name in getattr(entry, place, ()):
            _known(f"{where}, {place}", "value set", name, sections["value_sets"], "value_sets/")


def _check_classes(where: str, entry: Any, sections: dict[str, Entries]) -> None:
    by_dose = [dose_class.name for dose_class in getattr(entry, "dose_classes", ())]
    for name in (*getattr(entry, "classes", ()), *getattr(entry, "part_of", ()), *by_dose):
        _known(where, "class", name, sections["classes"], "classes/")


def _check_product(where: str, product: Any, sections: dict[str, Entries]) -> None:
    for drug in product.ingredients:
        _known(where, "drug", drug, sections["drugs"], "drugs/")


def _check_exposure_length(where: str, length: Any, sections: dict[str, Entries]) -> None:
    if length.of:
        treatments = {**sections["drugs"], **sections["classes"]}
        _known(where, "drug or class", length.of, treatments, "drugs/ and classes/")


def _check_substance(where: str, substance: Any, sections: dict[str, Entries]) -> None:
    product = substance.kinetics.metabolite
    if product is not None:
        _known(f"{where}, metabolite", "substance", product.substance, sections["substances"], "substances/")
    binding = substance.effects.gaba
    if binding is not None:
        _known(f"{where}, gaba", "site", binding.site, sections["receptor_sites"], "receptor_sites/")


def _check_posterior(where: str, posterior: Any, sections: dict[str, Entries]) -> None:
    for observation in posterior.fitted_to:
        _known(f"{where}, fitted_to", "observation", observation, sections["observations"], "observations/")
    if len({len(values) for values in posterior.draws.values()}) != 1:
        raise KnowledgeError(
            where, "has not the same number of draws of each name. Run python -m calibration."
        )
    twice = [
        name
        for other in sections["posteriors"].values()
        for name in posterior.draws
        if other is not posterior and name in other.draws
    ]
    if twice:
        raise KnowledgeError(where, f"{twice[0]} is drawn in another file too. Fit it in one block.")


def _citations(entry: Any) -> Iterable[Any]:
    """Every citation anywhere in an entry."""
    if isinstance(entry, Citation):
        yield entry
    elif isinstance(entry, tuple):
        for part in entry:
            yield from _citations(part)
    elif isinstance(entry, dict):
        yield from _citations(tuple(entry.values()))
    elif is_dataclass(entry):
        for part in fields(entry):
            yield from _citations(getattr(entry, part.name))


def _check_rule(where: str, rule: Any, sections: dict[str, Entries]) -> None:
    urgent = rule.urgent if isinstance(rule.urgent, tuple) else ()
    for place, lines in (("when", rule.when), ("unless", rule.unless), ("urgent", urgent)):
        for number, line in enumerate(lines):
            _check_condition(f"{where}, {place}[{number}]", line, sections["features"])
    for other in rule.replaces:
        _known(f"{where}, replaces", "rule", other, sections["rules"], "rules/")


def _check_condition(where: str, line: str, features: Entries) -> None:
    bare = re.sub(r"'[^']*'", "''", line)
    hidden = re.search(r"\b(?:IS|NULL|COALESCE|IFNULL|NULLIF|CASE)\b", bare, re.IGNORECASE)
    if hidden:
        raise KnowledgeError(
            where,
            f"“{hidden[0]}” would turn unknown into known. Use AND, OR, NOT and comparisons.",
        )
    try:
        names = names_in(parsed(line))
    except ValueError as error:
        raise KnowledgeError(where, f"“{line}” is not a SQL condition ({error}).") from None
    for name in names:
        _known(where, "feature", name, features, "knowledge/features/")


def _check_taper(where: str, entry: Any, sections: dict[str, Entries]) -> None:
    treatments = {**sections["drugs"], **sections["classes"]}
    for name in getattr(entry, "drugs", (entry.id,)):
        _known(where, "drug or class", name, treatments, "drugs/ and classes/")
    for place in ("when", "unless", "needed", "refer_when"):
        for number, line in enumerate(getattr(entry, place, ())):
            _check_condition(f"{where}, {place}[{number}]", line, sections["features"])
    for rule in (*getattr(entry, "refer", ()), *getattr(entry, "first", ())):
        _known(where, "rule", rule, sections["rules"], "rules/")


def _check_covariate(where: str, covariate: Any, sections: dict[str, Entries]) -> None:
    for name in filter(None, (covariate.feature, *(case.when for case in covariate.cases))):
        _known(where, "feature", name, sections["features"], "knowledge/features/")


def _check_feature(where: str, feature: Any, sections: dict[str, Entries]) -> None:
    if feature.absent == "no" and not feature.why:
        raise KnowledgeError(where, "says that absence means no, but not why. Add `why`.")
    if feature.absent == "unknown" and not (feature.ask or feature.asks):
        raise KnowledgeError(
            where, "has no question to ask when it is unknown. Add `ask`, or `asks` with another feature."
        )
    if feature.asks:
        _known(f"{where}, asks", "feature", feature.asks, sections["features"], "knowledge/features/")
    _check_value_sets(where, feature, sections)
    groups = getattr(feature, "all_of", ()) or (
        getattr(feature, "any_of", ()) or getattr(feature, "about", ()),
    )
    treatments = {**sections["drugs"], **sections["classes"], **sections["therapies"]}
    for name in (name for group in groups for name in group):
        _known(where, "drug, class or therapy", name, treatments, "drugs/, classes/ and therapies/")


def _check_shared_concepts(where: str, family: Any, sections: dict[str, Entries]) -> None:
    """A concept whose words stand in several families behaves the same in each."""
    for name, concept in family.concepts.items():
        for other in sections["wording"].values():
            shared = other.concepts.get(name, concept)
            if (shared.polar, shared.swallows) != (concept.polar, concept.swallows):
                raise KnowledgeError(
                    where, f"“{name}” differs in polar or swallows from that in {other.id}. Say the same."
                )


def _check_says(where: str, entry: Any, sections: dict[str, Entries]) -> None:
    """Every word that a claim looks for is defined. (Its rules are checked by the tests, which can say more.)"""
    families = sections["wording"].values()
    topics = {topic for family in families for topic in family.topics}
    concepts = {concept for family in families for concept in family.concepts} | {"compared"}
    if entry.about != "any":
        _known(f"{where}, about", "topic", entry.about, dict.fromkeys(topics), "wording/")
    for line in (*entry.says, *getattr(entry, "or_says", ()), *getattr(entry, "unless", ())):
        for written in re.split(r"[|&]", line):
            name = written.strip().lstrip("-±")
            if re.fullmatch(r"\w+ *(?:<=|>=|=|<|>) *[\d.]+", name):
                continue
            is_topic = name.startswith(("@", "than:", "two:"))
            known = topics if is_topic else concepts
            _known(
                where,
                "topic" if is_topic else "concept",
                re.sub("^(?:@|than:|two:)", "", name),
                dict.fromkeys(known),
                "wording/",
            )


def _known(where: str, what: str, name: str, among: Mapping[str, Any], folder: str) -> None:
    if name in among:
        return
    close = get_close_matches(name, among, n=1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    raise KnowledgeError(where, f"unknown {what} “{name}”.{hint} They are the files in {folder}")


CHECKS: Mapping[str, Callable[[str, Any, dict[str, Entries]], None]] = {
    "rules": _check_rule,
    "features": _check_feature,
    "value_sets": _check_value_sets,
    "populations": _check_value_sets,
    "covariates": _check_covariate,
    "claims": _check_says,
    "omissions": _check_says,
    "wording": _check_shared_concepts,
    "drugs": _check_classes,
    "therapies": _check_classes,
    "classes": _check_classes,
    "products": _check_product,
    "exposure_lengths": _check_exposure_length,
    "tapers": _check_taper,
    "taper_policies": _check_taper,
    "substances": _check_substance,
    "posteriors": _check_posterior,
}
"""Section → what has to hold of each of its entries: the file, the entry, all sections."""
