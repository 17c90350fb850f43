"""The phrases of prescriptions: which words mean an amount, a frequency, a length, a route.

`RULES` is one table, in order: the first that fits at a place is taken. There are no drug names here.
"""

from __future__ import annotations

import re
from datetime import date

from eutonia.dosing.saying import (
    CLOCK,
    Says,
    amount,
    clocks,
    days_in,
    every,
    fixed,
    length,
    limit,
    often,
    pair,
    strengths,
    time_of_day,
)  # fmt: skip
from eutonia.dosing.words import FORM, NAME_OF, OF_A_LENGTH, ROUTES, UNIT

_N = r"(\d+(?:\.\d+)?)"
_RANGE = rf"{_N}(?:\s*(?:-|to|or)\s*{_N})?"
_PER = r"(?:\s*(?:/|per|a|an|each|every|in a|in the|in|within)\s*|\s+)"
_SPAN = (
    r"(days?|daily|d|nights?|nightly|weeks?|weekly|wks?|w|fortnights?|fortnightly|months?|monthly|mos?"
    r"|24\s*-?\s*(?:hours?|hrs?|h))"
)
_LENGTH = r"(days?|d|nights?|weeks?|wks?|wk|w|fortnights?|months?|mos?|years?|yrs?)"
_INTERVAL = r"(hours?|hrs?|hr|h|minutes?|mins?|min|days?|d|nights?|weeks?|wks?|wk|w|fortnights?|months?|mo)"
_MOST = r"(?:a )?max(?:imum)?\.?(?: of)?|not? (?:more|longer) than|(?:less|fewer) than|under|up to|at most"
_DATE = r"(\d{4}-\d{2}-\d{2})"


RULES: list[tuple[str, str, Says]] = []
"""Kind of phrase, how it is written, what it says. The first that fits at a place is taken."""


def _rule(kind: str, pattern: str, says: Says) -> None:
    RULES.append((kind, rf"(?:{pattern})(?![\w%])", says))


# --- what is dispensed, and limits -------------------------------------------------------------------
_rule(
    "limit",
    r"(?:\(?\s*(?:max(?:imum)?\.?|not to exceed|do not exceed|no more than|nte|limit)(?:\s+of)?\s*:?\s*)"
    rf"{_N}\s*"
    rf"({UNIT}|{FORM}|x|times)?{_PER}{_SPAN}",
    limit,
)
_COUNTED = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_rule(
    "limit",
    r"(?:max(?:imum)?\.?(?:\s+of)?|not? more than|do not (?:exceed|take more than)|at most)"
    rf"\s+(once|twice|thrice){_PER}{_SPAN}",
    lambda m: (_COUNTED[m[1].casefold()], "times", days_in(m[2])),
)
_rule(
    "refills",
    rf"(?:with\s+|x\s*)?(?:(?:{_N}|(?:no|0|zero))\s+refill(?:s|\(s\))?|(?:refills?|rf)\s*[:x#]?\s*{_N})",
    lambda m: float(m[1] or m[2] or 0),
)
_rule(
    "supply",
    rf"(?:with\s+)?(?:an?\s+)?{_N}\s*-?\s*{_LENGTH}'?s?'?\s+supply",
    lambda m: float(m[1]) * days_in(m[2]),
)
_rule(
    "quantity",
    rf"(?:#\s*|(?:disp(?:ense)?|qty|quantity|total of)\s*[:.]?\s*#?\s*){_N}(?:\s*(?:{FORM}))?",
    lambda m: float(m[1]),
)
_rule("quantity", rf"{_N}\s*(?:{FORM})\s*[,;.]?\s*(?=(?:with\s+)?(?:\d+|no)\s+refill)", lambda m: float(m[1]))

# --- how often ----------------------------------------------------------------------------------------
_rule(
    "divided",
    rf"(?:in|divided(?:\s+(?:in|into))?|split(?:\s+(?:in|into))?)\s+{_N}\s+"
    r"(?:(?:divided|equal|separate|split)\s+)?(?:doses|parts|portions)",
    lambda m: float(m[1]),
)
_PARTS = {"b": 2.0, "t": 3.0, "q": 4.0}
_rule(
    "divided",
    r"(?:in\s+)?(?:divided|split)(?:\s+doses)?(?:\s*,?\s*(?:as|given))?\s+(b\.?i\.?d|t\.?i\.?d|t\.?d\.?s|q\.?i\.?d|q\.?d\.?s)\.?",
    lambda m: _PARTS[m[1][0].casefold()],
)
_rule("divided", rf"(?:in\s+)?(?:divided|split)(?:\s+doses)?\s+{_N}\s*(?:x|times?){_PER}{_SPAN}",
      lambda m: float(m[1]))  # fmt: skip
_rule("often", rf"(?:up to\s+|at most\s+|about\s+)?{_RANGE}\s*(?:x|times?){_PER}{_SPAN}", often)
_rule(
    "often",
    rf"x\s*{_RANGE}\s*(?:/|per|a|each|every)\s*{_SPAN}|x\s*{_RANGE}\s+(daily)",
    lambda m: often(m) if m[3] else pair(m, 4),
)
_rule(
    "every",
    r"(?:once\s+)?(?:every|each|per|a|q|/)\s*-?\s*(week|wk)|(?:once\s+)?weekly|qw",
    fixed((168.0, 168.0)),
)
_rule(
    "every",
    r"(?:once\s+)?(?:every|each|per|a|q|/)\s*-?\s*(month|mo)|(?:once\s+)?monthly",
    fixed((720.0, 720.0)),
)
_rule("often", rf"{_RANGE}\s*/\s*{_SPAN}", often)
_rule(
    "often",
    rf"(?:up to\s+|at most\s+)?(once|twice|thrice){_PER}{_SPAN}",
    lambda m: (_COUNTED[m[1].casefold()] / days_in(m[2]),) * 2,
)
_rule(
    "every",
    r"(?:once\s+)?(?:every|each|q)[\s.-]*(?:other|2nd|second|alternate)[\s-]*(day|night|week)s?",
    lambda m: (48 * days_in(m[1]),) * 2,
)
_rule("every", r"(?:once\s+)?every\s+(?:3rd|third)\s+(?:day|night)", fixed((72.0, 72.0)))
_rule("every", r"(?:on\s+)?alternat(?:e|ing)\s+(?:days|nights)|q\.?o\.?d\.?", fixed((48.0, 48.0)))
_rule("every", rf"(?:once\s+)?(?:every|each|q\.?)\s*{_RANGE}\s*-?\s*{_INTERVAL}(?:\s+apart)?", every)
_rule("every", rf"q\.?\s?{_RANGE}", pair)
_rule("every", rf"{_RANGE}\s*-?\s*(hour)ly", every)
_rule("every", r"(?:once\s+)?(?:every|each|q)\s*(?:hour|hr|h)|hourly", fixed((1.0, 1.0)))
_rule(
    "often",
    r"(bid|tid|b\.i\.d\.?|t\.i\.d\.?)\s*(?:-|to|or)\s*(tid|qid|t\.i\.d|q\.i\.d)\.?",
    lambda m: (_PARTS[m[1][0].casefold()], _PARTS[m[2][0].casefold()]),
)
_rule("often", r"b\.?i\.?d\.?|b\.?d\.?|twice", fixed((2.0, 2.0)))
_rule("often", r"t\.?i\.?d\.?|t\.?d\.?s\.?|thrice", fixed((3.0, 3.0)))
_rule("often", r"q\.?i\.?d\.?|q\.?d\.?s\.?", fixed((4.0, 4.0)))
_rule("slot", r"(?:q\.?\s*h\.?\s*s\.?|h\.s\.?|hs|nightly|nocte)(?:\s+at bedtime)?", fixed("bedtime"))
_rule(
    "slot",
    r"(?:once\s+)?(?:(?:\d+\s*(?:hours?|hrs?|h|minutes|mins?)\s+)?before\s+"
    r"|(?:last thing\s+)?(?:at|every|each|in the|q|by)\s+)?"
    r"(?:going to\s+)?(?:bed-?\s?time|bed|nights?)"
    r"(?:\s+time)?",
    fixed("bedtime"),
)
_rule(
    "slot",
    r"q\.?\s*a\.?m\.?|(?:once\s+)?(?:(?:every|in the|in|first thing(?: in the)?|each|q|with|at|before|after)\s+)?"
    r"(?:mornings?|mane|breakfast|a\.?m\.?)",
    fixed("morning"),
)
_rule(
    "slot", r"(?:(?:at|with|before|after|every|each|q)\s+)?(?:noon|midday|lunch(?:\s?time)?)", fixed("noon")
)
_rule("slot", r"(?:in the\s+|every\s+|each\s+)?afternoons?", fixed("afternoon"))
_rule(
    "slot",
    r"(?:q\.?\s*|in\s+(?:the\s+)?)p\.?m\.?|(?:once\s+)?(?:(?:every|in the|each|q|with|at|before|after)\s+)?"
    r"(?:evenings?(?:\s+meal)?|supper|dinner|p\.m\.)",
    fixed("evening"),
)
_rule(
    "often",
    r"(?:once\s+)?(?:daily|every\s*day|each day|per day|a day|q\.?\s?d(?:ay|aily)?\.?|o\.?d\.?|/\s*d(?:ay)?)",
    fixed((1.0, 1.0)),
)
_PIECES = r"(\d(?:\.\d+)?)"
_rule(
    "pattern",
    rf"{_PIECES}-{_PIECES}-{_PIECES}(?:-{_PIECES})?",
    lambda m: tuple(float(d) for d in m.groups() if d),
)

_rule("awake", r"(?:while|when)\s+awake|w\.?a\.?", fixed(True))

# --- when and how long --------------------------------------------------------------------------------
_rule("clock", rf"(?:at|@)?\s*{CLOCK}(?:\s*(?:,|and|&|, and)\s*(?:at\s+)?{CLOCK})*", clocks)
_HOUR = r"(?:[01]\d|2[0-3])[0-5]\d"
_rule(
    "clock",
    rf"(?:at|@)\s*{_HOUR}(?:\s*(?:,|and|&|, and)\s*(?:at\s+)?{_HOUR})*(?!\s*(?:{UNIT}|{FORM})\b)",
    lambda m: tuple(sorted({time_of_day(t) for t in re.findall(_HOUR, m[0])})),
)
_rule("clock", r"at\s+midnight", fixed(("00:00",)))
_rule(
    "start_date",
    rf"(?:start(?:ing)?|from|beginning|on|effective|as of)\s+(?:on\s+)?{_DATE}",
    lambda m: date.fromisoformat(m[1]),
)
_rule(
    "end_date",
    rf"(?:until|till|through|thru|to|up to|ending|stop(?:ping)?)\s+(?:on\s+)?{_DATE}",
    lambda m: date.fromisoformat(m[1]),
)
_rule(
    "day_span",
    rf"(?:on\s+|from\s+|for\s+)?days?\s+{_N}\s*(?:-|to|until|through)\s*(?:day\s+)?{_N}",
    lambda m: (float(m[1]), float(m[2])),
)
_rule("day_span", rf"(?:on\s+)?day\s+{_N}(?!\s*(?:supply|course))", lambda m: (float(m[1]), float(m[1])))
_rule(
    "day_span",
    rf"(?:in\s+|on\s+|during\s+|for\s+)?weeks?\s+{_N}(?:\s*(?:-|to|and|through)\s*{_N})?",
    lambda m: (7 * float(m[1]) - 6, 7 * float(m[2] or m[1])),
)
_rule(
    "start_day",
    rf"(?:start(?:ing)?|from|beginning)\s+(?:on\s+|from\s+|with\s+)?day\s+{_N}(?:\s+on(?:wards?)?)?",
    lambda m: max(float(m[1]) - 1, 0.0),
)
_rule("start_day", rf"after\s+{_N}\s*{_LENGTH}", lambda m: float(m[1]) * days_in(m[2]))
_rule("start_day", r"start(?:ing)?\s+(?:today|now)|today|now", fixed(0.0))
_rule("start_day", r"(?:start(?:ing)?\s+|from\s+)?tomorrow", fixed(1.0))
_rule("end_day", rf"(?:until|till|through|to)\s+day\s+{_N}", lambda m: float(m[1]))
_rule(
    "length",
    r"(?:(?:for|x)\s*)?(\d{1,2})\s?/\s?(7|52|12)(?![\d./-])(?!\s*(?:mg|mcg|g)\b)",
    lambda m: float(m[1]) * OF_A_LENGTH[m[2]],
)
_rule(
    "length",
    rf"(?:(?:for|x|over|during|within)\s*)?(?:(?:the\s+)?(?:next|last|past)\s+|a total of\s+"
    rf"|(?:{_MOST})\s+|(?:about|roughly|around|approximately|nearly|almost)\s+)?"
    rf"{_RANGE}\s*-?\s*{_LENGTH}(?:'s?|\s+(?:only|in total|total|course))?",
    length,
)
_rule("length", rf"(?:for|x)\s*{_RANGE}\s*(?:hours?|hrs?|h)", lambda m: pair(m)[1] / 24)
_rule("length", rf"(?:for|over)\s+(?:an?|the (?:next|last|past))\s+{_LENGTH}", lambda m: days_in(m[1]))
_rule(
    "doses",
    r"(?:as\s+)?(?:a\s+)?(?:single|one|1)[\s-]*(?:oral[\s-]+)?(?:dose|time)(?:\s+only)?|stat|once(?:\s+only)?"
    r"|(?:all\s+)?at once|in (?:one|a single|1) go",
    fixed(1.0),
)
_rule("spread", rf"over\s+(?:an?|(?!24){_N})\s*(?:hours?|hrs?|h)", lambda m: float(m[1] or 1.0))
_rule("doses", rf"(?:for\s+|x\s*){_N}\s*(?:doses?|more|times)", lambda m: float(m[1]))
_rule("times_over", rf"x\s*{_N}", lambda m: float(m[1]))
_rule("ongoing", r"long[\s-]term|ongoing|indefinitely|chronic(?:ally)?", fixed(True))

# --- as needed, and why -------------------------------------------------------------------------------
_rule(
    "prn",
    r"p\.?r\.?n\.?|(?:as|if|when|only (?:as|if|when))\s+(?:needed|required|necessary)|on demand",
    fixed(True),
)
_REASON = (
    r"pain|spasms?|spasticity|sleep|insomnia|anxiety|headaches?|migraines?|aches?|strains?|sprains?|stiffness|"
    r"tightness|soreness|injury|fever|infection|cough|itch(?:ing)?|nausea|vomiting|allerg(?:y|ies)|"
    r"blood pressure|hypertension|depression|constipation|heartburn|wheez(?:e|ing)|asthma|angina|"
    r"cramps?|swelling"
)
_rule(
    "why",
    rf"(?:for|to (?:treat|relieve|ease|help(?: with)?))\s+(?:[a-z]+\s+){{0,3}}?(?:{_REASON})"
    rf"(?:\s*(?:or|and|/)\s*(?:[a-z]+\s+){{0,2}}?(?:{_REASON}))*",
    fixed(True),
)

# --- with food ------------------------------------------------------------------------------------------
_rule(
    "meals",
    r"(?:(?:immediately|right|\d+\s*(?:minutes|mins?|hours?|hrs?))\s+)?(?:with|after|before|at)\s+"
    r"(?:(?:all|the)\s+)?(?:(?:3\s+)?meals|(?:each|every)\s+meal|meal\s?times)|a\.?c\.?|p\.c\.|(?<!\d)(?<!\d\s)pc",
    fixed(True),
)
_rule(
    "food",
    r"(?:(?:immediately|right|\d+\s*(?:minutes|mins?|hours?|hrs?))\s+)?(?:with|without|after|before|between)\s+"
    r"(?:or without\s+)?(?:a\s+|each\s+|every\s+|the\s+)?"
    r"(?:(?:high[\s-]fat|low[\s-]fat|fatty|light|heavy|standard)\s+)?"
    r"(?:food|meals?|milk|snacks?|water|(?:full\s+)?glass of water)|on an empty stomach",
    fixed(True),
)

# --- how much -----------------------------------------------------------------------------------------
_rule("ratio", rf"{_N}(?:\s*(?:{UNIT}))?(?:\s*[/-]\s*{_N}){{1,3}}\s*(?:mg|mcg|g)(?!\s*/)", strengths)
_rule(
    "ratio",
    rf"{_N}\s*(?:{UNIT})\s*/\s*(?:{_N}\s*)?(?:ml|mg|g|actuat|actuation|puff|h|hr|hour)",
    lambda m: m[0],
)
_rule(
    "ratio",
    r"\d+(?:\.\d+)?\s*%(?=\W|$)|(?<!\d)\d{2,3}(?:-\d{2,3}){2}(?![\d-])|\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)+",
    lambda m: m[0],
)
_rule(
    "several",
    rf"{_N}\s*x\s*{_N}\s*-?\s*({UNIT})",
    lambda m: (float(m[1]), float(m[2]), NAME_OF[m[3].casefold()]),
)
_rule(
    "several",
    rf"{_N}\s*-?\s*({UNIT})\s*x\s*{_N}\s*(?!doses?\b)(?:{FORM})",
    lambda m: (float(m[3]), float(m[1]), NAME_OF[m[2].casefold()]),
)
_rule(
    "worth",
    rf"{_N}\s*-?\s*({UNIT})\s*=\s*{_N}\s*({FORM})",
    lambda m: (float(m[3]), float(m[3]), NAME_OF[m[4].casefold()], float(m[1]), NAME_OF[m[2].casefold()]),
)
_rule(
    "worth",
    rf"{_RANGE}\s*-?\s*({FORM})\s*(?:=\s*{_N}\s*({UNIT})|\(\s*=?\s*{_N}\s*({UNIT})\s*(?:in\s+)?total\s*\)?)",
    lambda m: (
        *pair(m),
        NAME_OF[m[3].casefold()],
        float(m[4] or m[6]),
        NAME_OF[(m[5] or m[7]).casefold()],
    ),
)
_rule(
    "mass",
    rf"{_RANGE}\s*-?\s*({UNIT})(?:\s*/\s*(?:tab(?:let)?|cap(?:sule)?|pill)s?)?",
    lambda m: (*amount(m), NAME_OF[m[3].casefold()]),
)
_rule(
    "count",
    rf"{_RANGE}\s*-?\s*(?:standard\s+)?({FORM})(?:\s+each)?",
    lambda m: (*amount(m), NAME_OF[m[3].casefold()]),
)
_rule("count", rf"an?\s+({FORM}|{UNIT})", lambda m: (1.0, 1.0, NAME_OF[m[1].casefold()]))
_rule(
    "form",
    rf"(?:(?:extended|delayed|sustained|immediate)[\s-]release\s+)?(?:oral\s+)?(?:{FORM})",
    lambda m: m[0],
)
for _name, _pattern in ROUTES.items():
    _rule("route", _pattern, fixed(_name))
_rule("bare", _RANGE, amount)
_rule("bare", f"{_N}()", pair)

# --- words that say nothing about the dose ------------------------------------------------------------
_rule(
    "directed",
    r"as directed(?: by (?:the )?(?:doctor|physician|prescriber))?|as prescribed|ut dict\.?|u\.?d\.?|"
    r"per (?:label|package|protocol|sliding scale)|sliding scale|in office|"
    r"hold\s+(?:for|if)\s+(?:[a-z]+\s+){0,2}?(?:sedat|drows|somnolen|sleep|dizz)[a-z]*",
    fixed(True),
)
_rule("no", r"do not|don't|dont|not|never|no|avoid|without", fixed(True))
_rule(
    "filler",
    r"to(?=\s+\d)|take|takes|taking|taken|apply|use|inject|inhale|swallow|chew|place|put|insert|instill|"
    r"patient (?:to|should)|"
    r"sig|rx|please|the|of|a|an|each|per|at a time|dose|once(?=\s+(?:at|in|on))|"
    r"and|&|\+|plus|or|then|only|total|"
    r"per dose|/\s*dose|=|around the clock|atc|(?:er|xr|sr|cr|mr|xl|ec|dr|odt)|"
    r"continuously|sparingly|thin layer|generously",
    fixed(True),
)
