"""Courses and episodes of muscle relaxants, and the days on which they are judged.

A course is use without a break longer than the grace period of the features; an episode joins courses whose gap
is at most 30 days (OMOP's drug era). Index dates are the first and last day of each course, each day in it on which
another medicine is begun, and `as_of` for persons in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.features.chart import GRACE_DAYS

if TYPE_CHECKING:
    from eutonia.screening.engine import Engine

ERA_GAP_DAYS = 30
"""The gap that OMOP's drug eras bridge."""


def stage_courses(engine: Engine) -> None:
    """Leaves `episode` and `course`, each row with its first and last day."""
    rows = (
        "OVER (PARTITION BY person_id, therapy ORDER BY start_day, nth ROWS BETWEEN UNBOUNDED PRECEDING AND"
    )
    over, so_far = f"{rows} 1 PRECEDING)", f"{rows} CURRENT ROW)"
    engine.make(
        "relaxant_use",
        f"""
        SELECT *, SUM(new_episode) {so_far} AS episode, SUM(new_course) {so_far} AS course FROM (
            SELECT *, CASE WHEN start_day - MAX(end_day) {over} <= {ERA_GAP_DAYS} THEN 0 ELSE 1 END AS new_episode,
                   CASE WHEN start_day - MAX(end_day) {over} <= {GRACE_DAYS} THEN 0 ELSE 1 END AS new_course
            FROM (
                SELECT x.person_id, p.name AS therapy, x.nth, x.start_day, x.end_day,
                       x.measured_by = 'usual-length' AS assumed
                FROM exposure AS x JOIN part AS p ON p.drug = x.drug WHERE p.relaxant
            ) AS u
        ) AS v
        """,
    )
    engine.make(
        "episode",
        "SELECT person_id, therapy, episode, MIN(start_day) AS first_day, MAX(end_day) AS last_day FROM relaxant_use "
        "GROUP BY person_id, therapy, episode",
    )
    # The length of a course that ends with a supply of assumed length is not known.
    engine.make(
        "course",
        "SELECT person_id, therapy, episode, course, MIN(start_day) AS first_day, MAX(end_day) AS last_day, "
        "COALESCE(MAX(CASE WHEN NOT assumed THEN end_day END) = MAX(end_day), FALSE) AS length_known "
        "FROM relaxant_use GROUP BY person_id, therapy, episode, course",
    )


def stage_index(engine: Engine, as_of: int, since: int | None) -> None:
    """Leaves `index_date`: one row for each person, therapy and day that is judged."""
    in_course = "c.first_day < d.day AND d.day <= c.last_day"
    engine.make(
        "begun",
        f"""
        SELECT person_id, treatment, start_day AS day FROM (
            SELECT x.person_id, p.name AS treatment, x.start_day, MAX(x.end_day) OVER (
                PARTITION BY x.person_id, p.name ORDER BY x.start_day, x.nth
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM exposure AS x JOIN (SELECT DISTINCT person_id FROM course) AS e ON e.person_id = x.person_id
            JOIN part AS p ON p.drug = x.drug WHERE p.watched
        ) AS b WHERE before IS NULL OR start_day > before + {GRACE_DAYS}
        """,
    )
    asked = f"AND day >= {since}" if since is not None else ""
    engine.make(
        "index_date",
        f"""
        SELECT i.person_id, i.therapy, i.day, i.action, i.days, e.first_day AS episode_first,
               e.last_day AS episode_last, seen.person_id IS NOT NULL AS observed
        FROM (
            SELECT person_id, therapy, episode, day, MAX(action) AS action, MAX(days) AS days FROM (
                SELECT person_id, therapy, episode, first_day AS day, 'start' AS action,
                       CASE WHEN length_known THEN last_day - first_day + 1 END AS days FROM course
                UNION ALL
                SELECT c.person_id, c.therapy, c.episode, d.day, 'continue' AS action,
                       CASE WHEN length_known THEN last_day - d.day + 1 END AS days
                FROM course AS c
                JOIN begun AS d ON d.person_id = c.person_id AND {in_course} AND d.treatment <> c.therapy
                UNION ALL
                SELECT person_id, therapy, episode, last_day AS day, 'continue' AS action,
                       CASE WHEN length_known THEN 1 END AS days
                FROM course WHERE last_day > first_day AND last_day <= {as_of}
                UNION ALL
                SELECT c.person_id, c.therapy, c.episode, d.day, 'continue' AS action,
                       CASE WHEN length_known THEN last_day - d.day + 1 END AS days
                FROM course AS c JOIN (SELECT {as_of} AS day) AS d ON {in_course}
            ) AS a WHERE TRUE {asked} GROUP BY person_id, therapy, episode, day
        ) AS i JOIN episode AS e ON e.person_id = i.person_id AND e.therapy = i.therapy AND e.episode = i.episode
        LEFT JOIN (
            SELECT DISTINCT i.person_id, i.day FROM (
                SELECT person_id, first_day AS day FROM course UNION SELECT person_id, day FROM begun
                UNION SELECT person_id, last_day AS day FROM course
                UNION SELECT person_id, {as_of} AS day FROM course
            ) AS i JOIN observed AS o ON o.person_id = i.person_id AND i.day BETWEEN o.first_day AND o.last_day
        ) AS seen ON seen.person_id = i.person_id AND seen.day = i.day
        """,
    )
