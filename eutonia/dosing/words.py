"""The words of prescriptions: units, forms, routes and lengths, as people write them. No drug names."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNITS = {
    "mg": ("mg", "mgs", "milligram", "milligrams", "milligramme", "milligrammes"),
    "g": ("g", "gm", "gms", "gram", "grams"),
    "ug": ("mcg", "ug", "µg", "μg", "microgram", "micrograms"),
    "mL": ("ml", "mls", "cc", "milliliter", "milliliters", "millilitre", "millilitres"),
    "mg/kg": ("mg/kg",),
    "meq": ("meq",),
    "unit": ("unit", "units", "u", "iu"),
    "min": ("min", "mins", "minute", "minutes"),
}
"""Measured units, as they are written here → as people write them."""


_BREWED, _STRONG = "beer lager ale stout cider", "whisky whiskey vodka gin rum brandy tequila liquor spirits"
POURED = (
    ("drink", "glass glasses", f"wine {_BREWED}"),
    ("drink", "can cans bottle bottles", _BREWED),
    ("drink", "shot shots measure measures", _STRONG),
    ("pint", "pint pints", _BREWED),
    ("six-pack", "6-pack 6-packs", "beer"),
    ("bottle of wine", "bottle bottles", "wine"),
)
"""Amounts of alcohol → the vessels and drinks that people call them by: `glasses of wine`, `glass wine`."""


def _drinks(amount: str) -> tuple[str, ...]:
    """Each vessel of each drink that comes to `amount`."""
    return tuple(
        f"{v}{of}{d}"
        for name, vessels, drinks in POURED
        if name == amount
        for v in vessels.split()
        for of in (" of ", " ")
        for d in drinks.split()
    )


DRINKS = {
    "drink": (
        *("drink", "drinks", "standard drink", "standard drinks", "alcoholic drink", "alcoholic drinks"),
        *("beer", "beers", "lagers", "cocktail", "cocktails", "glass of champagne", "glasses of champagne"),
        *_drinks("drink"),
    ),
    "pint": _drinks("pint"),
    "six-pack": ("6-pack", "6-packs", "6 pack", "6 packs", *_drinks("six-pack")),
    "bottle of wine": _drinks("bottle of wine"),
}
"""Amounts of alcohol, as its substance counts them → as people call them."""

FORMS = {
    "tablet": ("tablet", "tablets", "tab", "tabs", "tab(s)", "tablet(s)", "tbl", "pill", "pills",
               "caplet", "caplets"),
    "capsule": ("capsule", "capsules", "cap", "caps", "capsule(s)", "cap(s)", "softgel", "softgels"),
    "patch": ("patch", "patches"),
    "drop": ("drop", "drops", "gtt", "gtts"),
    "puff": ("puff", "puffs", "inhalation", "inhalations", "spray", "sprays", "nebule", "neb", "nev", "vial"),
    "application": ("application", "applications"),
    "packet": ("packet", "packets", "sachet", "sachets", "powder", "powders"),
    "suppository": ("suppository", "suppositories"),
    "injection": ("injection", "injections", "shot", "shots"),
    "film": ("film", "films", "strip", "strips"),
    "lozenge": ("lozenge", "lozenges", "troche", "troches"),
    "teaspoon": ("teaspoon", "teaspoons", "tsp", "tsps"),
    "tablespoon": ("tablespoon", "tablespoons", "tbsp"),
    **DRINKS,
    "session": ("session", "sessions", "treatment", "treatments", "visit", "visits"),
    "dose": ("dose", "doses"),
    "inch": ("inch", "inches"),
}  # fmt: skip
"""Counted units: what one takes, in ones."""

DAYS = {"d": 1.0, "w": 7.0, "f": 14.0, "m": 30.0, "y": 365.0, "h": 1 / 24, "n": 1.0}
"""Days in a day (or night), week, fortnight, month, year, hour, by first letter."""

OF_A_LENGTH = {"7": 1.0, "52": 7.0, "12": 30.0}
"""Days in one of so many parts of a week or a year, as British prescriptions count: `5/7`, `2/52`, `1/12`."""

ROUTES = {
    "oral": r"by mouth|per os|p\.?o\.?|orally|oral|via oral route|swish ?/ ?spit|swish and (?:spit|swallow)",
    "sublingual": r"sublingual(?:ly)?|s\.?l\.?|under the tongue",
    "buccal": r"buccal(?:ly)?",
    "intravenous": r"intravenous(?:ly)?|i\.?v\.?",
    "intramuscular": r"intramuscular(?:ly)?|i\.?m\.?",
    "subcutaneous": r"subcutaneous(?:ly)?|sub-?q|s\.?q\.?|s\.?c\.?|under the skin",
    "transdermal": r"transdermal(?:ly)?|to (?:the )?skin|on (?:the )?skin",
    "topical": r"topical(?:ly)?|(?:thin layer )?to (?:the )?(?:affected|painful|sore) areas?"
    r"(?: of (?:the )?skin)?"
    r"|(?:thin layer )?to (?:the )?(?:face|scalp|back|neck|knee|shoulder)",
    "rectal": r"rectal(?:ly)?|per rectum|p\.?r\.?",
    "vaginal": r"vaginal(?:ly)?|per vagina(?:m)?",
    "nasal": r"nasal(?:ly)?|intranasal(?:ly)?|(?:in|per|each|in each) nostrils?(?: each)?",
    "ophthalmic": r"(?:in|to|into) (?:the |each |both |affected |left |right )*eyes?"
    r"|(?:in )?(?:o\.d\.|os|ou)|in od",
    "otic": r"(?:in|to|into) (?:the |each |both |affected |left |right )*ears?",
    "inhalation": r"inhal(?:ed|ation|ally)|via (?:inhaler|nebuli[sz]er)",
}


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(w) for w in sorted(set(words), key=len, reverse=True))


def _forms() -> str:
    """What is poured by vessels and drinks, for a pattern of two hundred phrases compiles three times as long."""
    poured = {w for amount in DRINKS for w in _drinks(amount)}
    parts = [f"(?:{_either(v.split())})(?: of)? (?:{_either(d.split())})" for _, v, d in POURED]
    return "|".join([*parts, _either({w for words in FORMS.values() for w in words} - poured)])


UNIT, FORM = _either(w for words in UNITS.values() for w in words), _forms()
NAME_OF = {word: name for table in (UNITS, FORMS) for name, words in table.items() for word in words}
