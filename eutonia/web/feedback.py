"""What became of the cards: kept durably, without anything of the patient.

A row is a card's UUID, what was done, when, and the coded reason. Comments are free text and may name a patient:
they are not kept. An answer 200 means that the row is on the disk (SQLite, WAL, synchronous FULL).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Protocol
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from eutonia.errors import InputError, NotAvailable


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Reason(_Part):
    code: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9.\-]*$")
    system: str = Field("", max_length=200)


class OverrideReason(_Part):
    reason: Reason | None = None
    userComment: str | None = None


class Accepted(_Part):
    id: UUID


def _written(value: Any) -> Any:
    """A moment of these centuries, as text: a bare number would be taken for seconds since 1970."""
    if not isinstance(value, str) or value[:2] not in ("19", "20", "21"):
        raise ValueError("a moment as text is needed, 2026-11-25T10:00:00Z")
    return value


class Feedback(_Part):
    """One thing that was done with one card."""

    card: UUID
    outcome: Literal["accepted", "overridden"]
    acceptedSuggestions: list[Accepted] | None = None
    overrideReason: OverrideReason | None = None
    outcomeTimestamp: Annotated[datetime, BeforeValidator(_written)]

    @model_validator(mode="after")
    def _says_what_was_accepted(self) -> Feedback:
        if self.outcome == "accepted" and not self.acceptedSuggestions:
            raise ValueError("acceptedSuggestions is required where the outcome is accepted")
        return self

    @property
    def reason(self) -> str:
        return (
            self.overrideReason.reason.code if self.overrideReason and self.overrideReason.reason else ""
        ) or ""


class FeedbackRequest(_Part):
    feedback: Annotated[list[Feedback], Field(min_length=1, max_length=1000)]


class Row(NamedTuple):
    """What is kept of one piece of feedback."""

    card: str
    outcome: str
    at: str
    service: str
    rule: str
    reason: str


class Rate(NamedTuple):
    """How often the cards of one rule were accepted or overridden."""

    rule: str
    accepted: int
    overridden: int
    reasons: Mapping[str, int]

    @property
    def override_rate(self) -> float:
        return self.overridden / (self.accepted + self.overridden)


class Store(Protocol):
    """Where feedback is kept."""

    remote: bool
    """Whether an answer may have to be waited for: then it is asked in a thread."""

    def add(self, rows: Sequence[Row]) -> None:
        """Keep rows durably; the same card, outcome and time are kept once."""

    def counts(self) -> Iterable[tuple[str, str, str, int]]:
        """Rule, outcome, reason and how often."""

    def first_sight(self, issuer: str, token_id: str, until: float, now: float) -> bool:
        """Whether a token is seen for the first time; it is remembered until it expires."""

    def close(self) -> None:
        """Let go of files and connections."""


def rates(store: Store) -> list[Rate]:
    """The rates of every rule with feedback, the most overridden first."""
    found: dict[str, dict[str, Any]] = {}
    for rule, outcome, reason, number in store.counts():
        rule_counts = found.setdefault(rule, {"accepted": 0, "overridden": 0, "reasons": {}})
        rule_counts[outcome] += number
        if outcome == "overridden":
            reasons = rule_counts["reasons"]
            reasons[reason or "none given"] = reasons.get(reason or "none given", 0) + number
    listed = [Rate(rule, **numbers) for rule, numbers in found.items()]
    return sorted(listed, key=lambda r: (-r.override_rate, -(r.accepted + r.overridden), r.rule))


TABLES = (
    "CREATE TABLE IF NOT EXISTS feedback (card TEXT NOT NULL, outcome TEXT NOT NULL, at TEXT NOT NULL, "
    "service TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (card, outcome, at))",
    "CREATE TABLE IF NOT EXISTS seen_tokens (issuer TEXT NOT NULL, token_id TEXT NOT NULL, until DOUBLE PRECISION "
    "NOT NULL, PRIMARY KEY (issuer, token_id))",
)


FORGET_EVERY = 30.0
"""Seconds after which tokens that have expired are forgotten."""


class SqliteStore:
    """One file, shared by the worker processes of a machine."""

    remote = False

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path = folder / "feedback.sqlite3"
            self._lock = threading.Lock()
            self._file = self._open(self._path, "FULL")
            # Tokens are remembered for minutes, and with the power their file may be lost: nobody waits for the disk.
            self._tokens = self._open_or_anew(folder / "tokens.sqlite3")
            self._forget_at = 0.0
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"The feedback store in {folder} cannot be opened: {error}. Set EUTONIA_DATA to a folder to write in."
            ) from None

    @staticmethod
    def _open(path: Path, synchronous: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        for table in TABLES:
            connection.execute(table)
        return connection

    @classmethod
    def _open_or_anew(cls, path: Path) -> sqlite3.Connection:
        """The file of tokens; one that a loss of power has left unreadable is begun anew."""
        try:
            connection = cls._open(path, "OFF")
            connection.execute("SELECT count(*) FROM seen_tokens")
            return connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                each.unlink(missing_ok=True)
            return cls._open(path, "OFF")

    def add(self, rows: Sequence[Row]) -> None:
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                self._file.executemany("INSERT OR IGNORE INTO feedback VALUES (?, ?, ?, ?, ?, ?)", rows)
            except sqlite3.Error:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def counts(self) -> Iterable[tuple[str, str, str, int]]:
        with (
            self._lock,
            closing(
                self._file.execute("SELECT rule, outcome, reason, count(*) FROM feedback GROUP BY 1, 2, 3")
            ) as found,
        ):
            return list(found)

    def first_sight(self, issuer: str, token_id: str, until: float, now: float) -> bool:
        with self._lock:
            if now > self._forget_at:
                self._tokens.execute("DELETE FROM seen_tokens WHERE until < ?", (now,))
                self._forget_at = now + FORGET_EVERY
            new = self._tokens.execute(
                "INSERT OR IGNORE INTO seen_tokens VALUES (?, ?, ?)", (issuer, token_id, until)
            )
            return new.rowcount == 1

    def close(self) -> None:
        with self._lock:
            self._file.close()
            self._tokens.close()


class PostgresStore:
    """A PostgreSQL database, shared by several machines."""

    remote = True

    def __init__(self, url: str) -> None:
        try:
            import psycopg
            from psycopg_pool import ConnectionPool
        except ImportError:
            raise NotAvailable(
                "EUTONIA_FEEDBACK_URL needs psycopg. Install it with `pip install eutonia[postgresql]`."
            ) from None
        self._forget_at = 0.0
        try:
            with psycopg.connect(url, connect_timeout=10) as connection:
                # Workers that start together would make the same table at once, and one of them would fail.
                connection.execute("SELECT pg_advisory_xact_lock(hashtext('eutonia'))")
                for table in TABLES:
                    connection.execute(table)
            self._pool = ConnectionPool(url, min_size=1, max_size=4, timeout=10.0, open=True)
        except psycopg.Error:
            raise InputError(
                "EUTONIA_FEEDBACK_URL: the database cannot be used. Check the address and rights."
            ) from None

    def add(self, rows: Sequence[Row]) -> None:
        with self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            cursor.executemany(
                "INSERT INTO feedback VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", rows
            )

    def counts(self) -> Iterable[tuple[str, str, str, int]]:
        with self._pool.connection() as connection:
            query = "SELECT rule, outcome, reason, count(*) FROM feedback GROUP BY 1, 2, 3"
            return list(connection.execute(query).fetchall())

    def first_sight(self, issuer: str, token_id: str, until: float, now: float) -> bool:
        with self._pool.connection() as connection:
            if now > self._forget_at:
                connection.execute("DELETE FROM seen_tokens WHERE until < %s", (now,))
                self._forget_at = now + FORGET_EVERY
            new = connection.execute(
                "INSERT INTO seen_tokens VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (issuer, token_id, until),
            )
            return bool(new.rowcount == 1)

    def close(self) -> None:
        self._pool.close()


def open_store(folder: Path, url: str) -> Store:
    """The configured store. Raises InputError where it cannot be opened."""
    if not url:
        return SqliteStore(folder)
    if not url.startswith(("postgresql://", "postgres://")):
        raise InputError(
            "EUTONIA_FEEDBACK_URL is no PostgreSQL URL. Write it like postgresql://user@host/name."
        )
    return PostgresStore(url)
