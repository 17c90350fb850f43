"""Names and codes of medicines → their ingredients.

Strengths go to the names they stand with: each to its own in “Oxycodone 5 MG / Acetaminophen 325 MG”, in turn in
“Percocet 5/325”.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from typing import Any, NamedTuple

from eutonia.knowledge.spelling import SHORTEST_ABROAD, Token, bones, key, tokens
from eutonia.knowledge.treatments import Drug, DrugClass, MedicineWords, OtherNames, Product


class Ingredient(NamedTuple):
    """One drug of a medicine, with its mg per unit, or per hour from a patch, where told."""

    drug: str
    mg: float | None = None
    mg_per_hour: float | None = None


class Recognised(NamedTuple):
    """What a medicine is made of."""

    ingredients: tuple[Ingredient, ...]
    is_other: bool = False
    """Known, and none of its ingredients matters to any rule."""
    route: str | None = None
    brand: str = ""
    """The trade names that the text uses: what comes under two of them is two products."""
    unapproved_name: bool = False
    unread: tuple[str, ...] = ()
    """Further ingredients that are not known."""
    coded: frozenset[str] = frozenset()
    """Where code and text name different drugs, those of the code; the ingredients of both are given."""

    @property
    def contradicts(self) -> bool:
        return bool(self.coded)


class Name(NamedTuple):
    """What a name stands for: the drugs, with fixed strengths where it has them; None for other ingredients."""

    parts: tuple[tuple[str | None, float | None], ...]
    unapproved: bool = False
    brand: bool = False
    """Whether it is a trade name."""


LONGEST_NAME = 8
"""Words of the longest name."""
LEAST_BARE_MG = 20
"""A number without a unit is a strength where the drug comes in it, or from here on."""


class Found(NamedTuple):
    """A name in a text: first and last token."""

    first: int
    last: int
    name: Name
    text: str


@dataclass(frozen=True, slots=True)
class MedicineIndex:
    """All names and codes of the knowledge, ready to be looked up."""

    names: Mapping[str, Name]
    spelled: Mapping[str, str]
    """Name without spaces and marks → as it is written."""
    abroad: Mapping[str, Name]
    """What the spellings of an international name share → the drug."""
    codes: Mapping[str, Recognised]
    atc: Mapping[str, Recognised]
    classes: Mapping[str, frozenset[str]]
    """Drug or therapy → classes it belongs to at any dose, wider ones included."""
    dose_classes: Mapping[str, tuple[tuple[frozenset[str], float | None, float | None], ...]]
    """Drug → classes that it belongs to up to, or above, so many mg a day."""
    strengths: Mapping[str, frozenset[float]]
    words: MedicineWords | None

    def read(self, text: str) -> Recognised | None:
        """The ingredients that a text names; None where it names none that is known."""
        parts = tokens(text)
        found = self._not_denied(parts, self._names_in(parts))
        if not found:
            return None
        slots = self._with_strengths(parts, found)
        unread = self._unread(parts, found)
        if unread:  # a strength may be that of the part that is not known
            slots = [(d, None, None) for d, _, _ in slots]
        drugs = tuple(Ingredient(d, mg, rate) for d, mg, rate in slots if d is not None)
        return Recognised(
            ingredients=drugs,
            is_other=not drugs,
            route=self._route(parts, found),
            brand="+".join(sorted({f.text for f in found if f.name.brand})),
            unapproved_name=any(f.name.unapproved for f in found),
            unread=unread,
        )

    def called(self, spelled: str) -> Name | None:
        """What a name without spaces and marks stands for; an international name in other languages, too."""
        found = self.names.get(spelled)
        if found is None and len(spelled) >= SHORTEST_ABROAD:
            return self.abroad.get(bones(spelled))
        return found

    def route_of(self, text: str) -> str | None:
        """The route that the words of a text tell."""
        return self._route(tokens(text), ())

    # --- names ------------------------------------------------------------------------------------

    def _names_in(self, parts: Sequence[Token]) -> list[Found]:
        """The longest names, left to right, with the salt words behind them."""
        found: list[Found] = []
        at = 0
        while at < len(parts):
            hit = self._name_at(parts, at)
            if hit is None:
                at += 1
                continue
            last = self._past_salts(parts, hit)
            found.append(hit._replace(last=last))
            at = last + 1
        return found

    def _name_at(self, parts: Sequence[Token], first: int) -> Found | None:
        if parts[first].kind not in ("word", "number"):
            return None
        best, spelled, count = None, "", 0
        for last in range(first, len(parts)):
            token = parts[last]
            if token.kind == "mark" and token.text in "-#":
                continue
            if token.kind not in ("word", "number") or count == LONGEST_NAME:
                break
            spelled, count = spelled + token.text, count + 1
            name = self.called(spelled) if count == 1 else self.names.get(spelled)
            if name is not None and any(c.isalpha() for c in spelled):
                best = Found(first, last, name, spelled)
        return best

    def _past_salts(self, parts: Sequence[Token], hit: Found) -> int:
        words = self.words
        if words is None or hit.text in {key(name) for name in words.not_salts_after}:
            return hit.last
        last = hit.last
        while last + 1 < len(parts) and parts[last + 1].text in words.salts:
            last += 1
        return last

    def _not_denied(self, parts: Sequence[Token], found: Iterable[Found]) -> list[Found]:
        return [f for f in found if not self._denied(parts, f)]

    def _denied(self, parts: Sequence[Token], hit: Found) -> bool:
        """Whether the text says that it is not taken: no aspirin, aspirin-free."""
        if self.words is None:
            return False
        before = []
        for token in reversed(parts[max(0, hit.first - 4) : hit.first]):
            if token.kind == "strength" or (token.kind == "mark" and token.text != "-"):
                break
            before.append(token.text)
        behind = [t.text for t in parts[hit.last + 1 : hit.last + 3] if t.text != "-"]
        return any(w in self.words.not_before for w in before) or behind[:1] in (
            [word] for word in self.words.not_behind
        )

    def _unread(self, parts: Sequence[Token], found: Sequence[Found]) -> tuple[str, ...]:
        """Words that stand where an ingredient would: alone between the slashes of a combination."""
        taken = {i for f in found for i in range(f.first, f.last + 1)}
        unread, depth, opens = [], 0, True
        for at, token in enumerate(parts):
            if token.text in ("(", "[", ")", "]"):
                depth += 1 if token.text in "([" else -1
            if token.text in ("/", "+", "&"):
                opens = True
                continue
            if token.kind != "word" or at in taken:
                opens = opens and at not in taken
                continue
            between = at > 0 and parts[at - 1].text in ("/", "+", "&")
            before = at + 1 < len(parts) and parts[at + 1].text in ("/", "+", "&") and at == 0
            followed = at + 1 == len(parts) or parts[at + 1].kind != "word" or self._known(parts[at + 1].text)
            if (
                depth == 0
                and (between or before)
                and followed
                and len(token.text) > 4
                and not self._known(token.text)
            ):
                unread.append(token.text)
        return tuple(unread)

    def _known(self, word: str) -> bool:
        w = self.words
        return w is not None and (
            word in w.salts
            or word in w.counted
            or word in w.fillers
            or any(word in r for r in w.routes.values())
        )

    # --- strengths --------------------------------------------------------------------------------

    def _with_strengths(
        self, parts: Sequence[Token], found: Sequence[Found]
    ) -> list[tuple[str | None, float | None, float | None]]:
        """Each ingredient once, with the strength that stands with it."""
        starts = {f.first: f for f in found}
        inside = {i for f in found for i in range(f.first, f.last + 1)}
        events: list[tuple[str, Any]] = []
        for at, token in enumerate(parts):
            if at in starts:
                events.append(("name", starts[at]))
            elif at not in inside and self._is_strength(parts, at, found):
                events.append(("strength", token))
        runs = [(kind, [event for _, event in group]) for kind, group in groupby(events, key=lambda e: e[0])]
        given: dict[str | None, tuple[float | None, float | None]] = {}
        fixed: dict[str | None, float | None] = {}
        before = bool(runs) and runs[0][0] == "strength"
        for number, (kind, run) in enumerate(runs):
            if kind != "name":
                continue
            slots = list(dict.fromkeys(d for f in run for d, _ in f.name.parts))
            if any(d is None for d in slots):  # unnamed ingredients keep their places
                slots = [d for f in run for d, _ in f.name.parts]
            for d, mg in ((d, mg) for f in run for d, mg in f.name.parts):
                fixed.setdefault(d, mg)
            near = number - 1 if before else number + 1
            strengths = runs[near][1] if 0 <= near < len(runs) else []
            if len(strengths) < len(slots) and not (len(strengths) == 1 and len(set(slots)) == 1):
                strengths = strengths if len(slots) == 1 else []
            for d, token in zip(slots, self._in_order(slots, strengths), strict=False):
                if token.mg is not None and d not in given:
                    given[d] = (None, token.mg) if token.per_hour else (token.mg, None)
        every = dict.fromkeys(d for f in found for d, _ in f.name.parts)
        told = bool(given)
        return [
            (d, *given.get(d, (fixed.get(d) if not told or len(every) > 1 else None, None))) for d in every
        ]

    def _in_order(self, slots: Sequence[str | None], strengths: Sequence[Token]) -> Sequence[Token]:
        """The strengths of a product in the order of its ingredients: as written, unless another order has more
        of the strengths that the drugs come in (co-codamol 30/500, codeine/acetaminophen 30-300)."""
        if not 1 < len(slots) == len(strengths) < 5:
            return strengths

        def known(order: Sequence[Token]) -> int:
            return sum(t.mg in self.strengths.get(d or "", ()) for d, t in zip(slots, order, strict=True))

        return max(permutations(strengths), key=known)

    def _is_strength(self, parts: Sequence[Token], at: int, found: Sequence[Found]) -> bool:
        token = parts[at]
        if token.kind == "strength":
            return True
        drugs = {d for f in found for d, _ in f.name.parts}
        if token.kind == "list":
            return len(drugs) > 1 and not self._counts(parts, at, small=True)
        if token.kind != "number" or len(drugs) != 1 or self._counts(parts, at):
            return False
        if any(t.kind == "strength" for t in parts) or not any(f.last == at - 1 for f in found):
            return False
        (drug,) = drugs
        known = self.strengths.get(drug or "", frozenset())
        return token.mg is not None and (token.mg in known or token.mg >= LEAST_BARE_MG)

    def _counts(self, parts: Sequence[Token], at: int, small: bool = False) -> bool:
        """Whether the number at `at` counts tablets, days or times."""
        if small and (parts[at].mg or 0) > 4:
            return False
        behind = next((t for t in parts[at + 1 : at + 4] if t.kind not in ("list",)), None)
        return behind is not None and self.words is not None and behind.text in self.words.counted

    # --- route ------------------------------------------------------------------------------------

    def _route(self, parts: Sequence[Token], found: Sequence[Found]) -> str | None:
        """The route that the words tell."""
        inside = {i for f in found for i in range(f.first, f.last + 1)}
        said = {t.text for i, t in enumerate(parts) if t.kind == "word" and i not in inside}
        for route, words in (self.words.routes if self.words else {}).items():
            if not said.isdisjoint(words):
                return route
        if any(t.kind == "strength" and t.text.endswith("%") for t in parts):
            return "topical"
        return "transdermal" if any(t.per_hour for t in parts) else None


# --- building ---------------------------------------------------------------------------------------


def _by_atc(drugs: Mapping[str, Drug], products: Mapping[str, Product]) -> dict[str, Recognised]:
    """ATC code → what it says is in a medicine; of a combination its strengths are not told."""
    single = {code: Recognised((Ingredient(drug.id),)) for drug in drugs.values() for code in drug.atc}
    several = {
        code: Recognised(tuple(Ingredient(name) for name in product.ingredients))
        for product in products.values()
        for code in product.atc
    }
    return single | several


def build_index(
    drugs: Mapping[str, Drug],
    products: Mapping[str, Product],
    recognised: Mapping[str, OtherNames],
    classes: Mapping[str, DrugClass],
    therapies: Mapping[str, Any],
    words: MedicineWords | None,
) -> MedicineIndex:
    """Turn the knowledge of medicines into the index."""
    spelled: dict[str, str] = {}
    names: dict[str, Name] = {}

    def add(name: Name, *all_written: str) -> None:
        for written in all_written:
            if names.setdefault(key(written), name) is name:
                spelled[key(written)] = written

    for drug in drugs.values():
        name = Name(((drug.id, None),))
        add(name, drug.title, drug.id, *drug.synonyms)
        add(name._replace(brand=True), *drug.brands)
        add(name._replace(unapproved=True, brand=True), *drug.unapproved_names)
    abroad = {
        bones(written): names[key(written)]
        for drug in drugs.values()
        for written in (drug.title, drug.id, *drug.synonyms)
        if key(written).isalpha() and len(key(written)) >= SHORTEST_ABROAD
    }
    for product in products.values():
        name = Name((*product.ingredients.items(), *((None, None) for _ in product.others)))
        add(name._replace(brand=True), *product.brands)
        add(name, *product.synonyms)
    for others in recognised.values():
        add(Name(((None, None),)), *others.names)
    empty = MedicineIndex(
        names=names,
        spelled=spelled,
        abroad=abroad,
        codes={},
        atc=_by_atc(drugs, products),
        classes={t.id: wider(t.classes, classes) for t in (*therapies.values(), *drugs.values())},
        dose_classes={
            drug.id: tuple((wider((c.name,), classes), c.up_to_mg, c.above_mg) for c in drug.dose_classes)
            for drug in drugs.values()
            if drug.dose_classes
        },
        strengths={drug.id: frozenset(drug.strengths_mg) for drug in drugs.values()},
        words=words,
    )
    codes: dict[str, Recognised] = {}
    for drug in drugs.values():
        if drug.rxcui:
            codes[drug.rxcui] = Recognised((Ingredient(drug.id),))
    coded: list[Drug | Product | OtherNames] = [*drugs.values(), *products.values(), *recognised.values()]
    for entry in coded:
        named = entry.clinical_drugs if isinstance(entry, Drug) else entry.rxcui
        for code, written in named.items():
            codes[code] = _meant(empty, entry, written)
    return MedicineIndex(**{f: getattr(empty, f) for f in MedicineIndex.__slots__} | {"codes": codes})


def _meant(index: MedicineIndex, entry: Drug | Product | OtherNames, written: str) -> Recognised:
    """The ingredients of a coded product: those of its file, with strengths and route as its name tells."""
    own = (entry.id,) if isinstance(entry, Drug) else tuple(getattr(entry, "ingredients", ()))
    read = index.read(written) or Recognised(())
    told = {i.drug: i for i in read.ingredients}
    fixed = getattr(entry, "ingredients", {})
    parts = tuple(told.get(drug) or Ingredient(drug, fixed.get(drug)) for drug in own)
    return read._replace(ingredients=parts, is_other=not parts, unread=())


def wider(names: Iterable[str], classes: Mapping[str, DrugClass]) -> frozenset[str]:
    """The classes and all that they are part of."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen and name in classes:
            seen.add(name)
            waiting.extend(classes[name].part_of)
    return frozenset(seen)
