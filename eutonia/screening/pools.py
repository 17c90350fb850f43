"""What is taken at each index date: the pools of `Chart` (current, planned, past) as tables.

used       index × entry of the medication list or plan: in use, or of a drug that matters when it is over
line       index × entry × ingredient
taken      the current pool (each product once) and the plan, with doses
mixed      distinct ingredients that are not topical: now ('c'), and once the plan is carried out ('a')
run        courses of the drugs that a feature follows, joined over its gap
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.features.chart import GRACE_DAYS

if TYPE_CHECKING:
    from eutonia.screening.engine import Engine


def make_lines(engine: Engine) -> None:
    """Entries known at each index date, with what of them is in use and what is the plan.

    The plan is the exposures that begin on the first day of a course, or the latest one in use, continued.
    """
    engine.make(
        "used",
        f"""
        SELECT u.*, of_therapy AND action = 'start' AND start_day = day AS starts FROM (
            SELECT i.index_id, i.day, i.action, x.nth, x.drug, x.start_day, x.end_day, x.provider,
                   x.dose, x.unit, x.times, q.drug IS NOT NULL AS of_therapy,
                   CASE WHEN x.stopped AND NOT (i.action = 'start' AND x.start_day = i.day AND q.drug IS NOT NULL)
                        THEN x.end_day > i.day ELSE x.end_day + {GRACE_DAYS} >= i.day END AS in_use
            FROM idx AS i JOIN (
                SELECT e.*, l.drug IS NOT NULL AS lasts FROM exposure AS e LEFT JOIN (
                    SELECT DISTINCT p.drug FROM part AS p JOIN lasting AS l ON l.treatment = p.treatment
                ) AS l ON l.drug = e.drug
            ) AS x ON x.person_id = i.person_id AND x.start_day <= i.day
                AND (x.lasts OR x.end_day + {GRACE_DAYS} >= i.day)
            LEFT JOIN part AS q ON q.drug = x.drug AND q.name = i.therapy
        ) AS u
        """,
    )
    tablets = "CASE u.unit WHEN 'mg' THEN u.dose * p.share WHEN 'tablet' THEN u.dose * p.strength END"
    engine.make(
        "line",
        f"""
        SELECT l.*, k.bit FROM (
            SELECT u.index_id, u.day, u.action, u.nth, u.start_day, u.end_day, u.provider, u.in_use, u.starts,
                   n.nth IS NOT NULL AS goes_on_with, u.drug, p.part, p.treatment, p.alike,
                   CASE WHEN u.unit = 'tablet' AND u.dose <> 0 THEN p.rate * u.dose ELSE p.rate END AS per_hour,
                   {tablets} AS mg, {tablets} * u.times AS daily
            FROM used AS u JOIN part AS p ON p.drug = u.drug LEFT JOIN (
                SELECT index_id, MAX(nth) AS nth FROM used WHERE of_therapy AND in_use AND action = 'continue'
                GROUP BY index_id
            ) AS n ON n.index_id = u.index_id AND n.nth = u.nth
        ) AS l JOIN kind AS k ON k.treatment = l.treatment AND (k.whole OR (k.unknown AND l.daily IS NULL)
            OR (NOT k.unknown AND l.daily > k.above AND l.daily <= k.up_to))
        """,
    )
    engine.make(
        "unrecognised",
        "SELECT u.index_id, COUNT(DISTINCT d.name) AS n FROM used AS u JOIN drug AS d ON d.drug = u.drug "
        "WHERE u.in_use AND NOT d.recognised GROUP BY u.index_id",
    )


def make_pools(engine: Engine) -> None:
    """What is taken now, planned, and was taken, by person and index date."""
    _make_current_use(engine)
    _make_planned(engine)
    _make_taken(engine)
    _make_planned_kinds(engine)
    engine.make(
        "past_use",
        "SELECT index_id, day, nth, part, treatment, start_day, end_day, mg, daily, bit FROM line "
        "WHERE NOT in_use AND NOT starts",
    )


def _make_current_use(engine: Engine) -> None:
    """What is in use, each product once: as it was ordered last, since it was ordered first."""
    engine.make(
        "current_use",
        """
        SELECT index_id, day, action, nth, part, treatment, per_hour, mg, daily, bit, first_start AS start_day
        FROM (
            SELECT *, MIN(start_day) OVER (PARTITION BY index_id, alike) AS first_start,
                   ROW_NUMBER() OVER (PARTITION BY index_id, alike ORDER BY nth DESC) AS back
            FROM line WHERE in_use AND NOT starts
        ) AS c WHERE back = 1
        """,
    )


def _make_planned(engine: Engine) -> None:
    """One plan item per product; a continued one states no dose of its own and keeps that of the list."""
    engine.make(
        "planned",
        """
        SELECT l.index_id, l.day, l.action, l.nth, l.part, l.treatment,
               CASE WHEN l.action = 'start' THEN l.per_hour ELSE r.rate END AS per_hour,
               CASE WHEN l.action = 'start' THEN l.mg END AS mg_stated,
               CASE WHEN l.action = 'start' THEN l.mg ELSE c.mg END AS mg,
               CASE WHEN l.action = 'start' THEN l.daily ELSE c.daily END AS daily,
               CASE WHEN l.action = 'start' THEN l.bit ELSE k.bit END AS bit
        FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY index_id, drug, treatment ORDER BY nth DESC) AS back
            FROM line WHERE starts OR goes_on_with
        ) AS l
        LEFT JOIN (
            SELECT index_id, treatment, MAX(mg) AS mg, CASE WHEN COUNT(daily) = COUNT(*) THEN SUM(daily) END AS daily
            FROM current_use GROUP BY index_id, treatment
        ) AS c ON c.index_id = l.index_id AND c.treatment = l.treatment
        JOIN part AS r ON r.part = l.part
        JOIN kind AS k ON k.treatment = l.treatment AND (k.whole OR k.unknown)
        WHERE l.back = 1
        """,
    )


def _make_taken(engine: Engine) -> None:
    """Both together, by pool; and the kinds of each ingredient that are taken now (c) and after the plan (a)."""
    engine.make(
        "taken",
        """
        SELECT c.index_id, c.day, 'c' AS pool, c.action, c.nth, c.part, c.treatment, c.start_day, c.per_hour, c.mg,
               c.daily, c.mg AS mg_stated, c.bit, p.treatment IS NULL AS goes_on
        FROM current_use AS c LEFT JOIN (
            SELECT DISTINCT index_id, treatment FROM planned WHERE action = 'continue'
        ) AS p ON p.index_id = c.index_id AND p.treatment = c.treatment
        UNION ALL
        SELECT index_id, day, 'p' AS pool, action, nth, part, treatment, CAST(NULL AS INTEGER) AS start_day,
               per_hour, mg, daily, mg_stated, bit, TRUE AS goes_on
        FROM planned
        """,
    )
    engine.make(
        "mixed",
        """
        SELECT index_id, moment, treatment, BIT_OR(bit) AS bits FROM (
            SELECT t.index_id, m.moment, t.treatment, t.bit FROM taken AS t JOIN part AS p ON p.part = t.part
            JOIN (SELECT 'c' AS moment UNION ALL SELECT 'a' AS moment) AS m
              ON (m.moment = 'c' AND t.pool = 'c') OR (m.moment = 'a' AND t.goes_on)
            WHERE p.route <> 'topical'
        ) AS m GROUP BY index_id, moment, treatment
        """,
    )


def _make_planned_kinds(engine: Engine) -> None:
    """The ingredients of the plan as words, which hardly ever are more than one."""
    engine.make(
        "plan_kind",
        "SELECT p.index_id, k.written FROM planned AS p JOIN kind AS k ON k.treatment = p.treatment AND k.bit = p.bit",
    )
    some = "SELECT index_id FROM plan_kind GROUP BY index_id HAVING MIN(written) <> MAX(written)"
    engine.make(
        "planned_kinds",
        f"""
        SELECT index_id, MIN(written) AS planned FROM plan_kind GROUP BY index_id HAVING MIN(written) = MAX(written)
        UNION ALL
        SELECT index_id, STRING_AGG(written, ' ' ORDER BY written) AS planned FROM (
            SELECT DISTINCT k.index_id, k.written FROM plan_kind AS k JOIN ({some}) AS s ON s.index_id = k.index_id
        ) AS w GROUP BY index_id
        """,
    )


def make_runs(engine: Engine) -> None:
    """Courses as `dosing.runs` joins them, for each follower in the table `follower` (run, treatment, bit, gap)."""
    rows = "ORDER BY first_day, last_day, goes_on ROWS BETWEEN UNBOUNDED PRECEDING AND"
    order = f"OVER (PARTITION BY index_id, run {rows}"
    engine.make(
        "run",
        f"""
        SELECT index_id, day, run, MIN(first_day) AS first_day, MAX(last_day) AS last_day, BOOL_OR(goes_on) AS goes_on
        FROM (
            SELECT *, SUM(fresh) {order} CURRENT ROW) AS island FROM (
                SELECT *, CASE WHEN first_day - MAX(last_day) {order} 1 PRECEDING) <= gap THEN 0 ELSE 1 END AS fresh
                FROM (
                    SELECT l.index_id, l.day, f.run, f.gap, l.start_day AS first_day, l.in_use AS goes_on,
                           CASE WHEN l.in_use THEN l.day ELSE LEAST(l.end_day, l.day) END AS last_day
                    FROM line AS l JOIN follower AS f ON f.treatment = l.treatment AND f.bit = l.bit WHERE NOT l.starts
                ) AS a
            ) AS b
        ) AS c GROUP BY index_id, day, run, island
        """,
    )
