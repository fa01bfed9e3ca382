"""What clinicians did with cards, kept in SQLite: bounded, in whole requests or not at all, exported and then cleared.

Only what the specification sends is kept: which card, the outcome, the suggestions taken, the reason and the comment.
The same entry sent again (a client that got no answer) is kept once. A store that is locked or full is an error to the
client, who may send again; nothing is thrown away to make room.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from guidelog.files import PRIVATE

from .cards import Issued

MOST_ENTRIES = 1000
MOST_SUGGESTIONS = 100
LONGEST = 1000
LONGEST_COMMENT = 4000
BUSY_SECONDS = 2.0

_TABLE = """
create table if not exists feedback (
    digest text primary key, received text not null, service text not null, card text not null,
    outcome text not null, suggestions text not null, reason text, comment text, happened text not null
) without rowid
"""
_ISSUED = """
create table if not exists issued (
    card text primary key, intervention text not null, status text not null, rules text not null,
    guideline text not null, version text not null, service text not null, first text not null, times integer not null
) without rowid
"""
_COLUMNS = "received, service, card, outcome, suggestions, reason, comment, happened"


class Malformed(Exception):
    """The feedback is not what the specification asks for (400)."""


class StoreBusy(Exception):
    """The store is locked or cannot be reached now (503); to be sent again."""


class StoreFull(Exception):
    """There is no room left (507)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one card."""

    card: str
    outcome: str
    suggestions: tuple[str, ...]
    reason: dict[str, str] | None
    comment: str | None
    happened: str


def read_feedback(body: bytes) -> tuple[Entry, ...]:
    """The entries in a request body. Raises Malformed."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("the body is not JSON") from None
    entries = request.get("feedback") if isinstance(request, dict) else None
    if not isinstance(entries, list):
        raise Malformed("`feedback` is missing or not a list")
    if len(entries) > MOST_ENTRIES:
        raise Malformed(f"there are more than {MOST_ENTRIES:,} entries")
    return tuple(_entry(entry) for entry in entries)


def _entry(entry: Any) -> Entry:
    if not isinstance(entry, dict):
        raise Malformed("an entry of `feedback` is not an object")
    outcome = entry.get("outcome")
    if outcome not in ("accepted", "overridden"):
        raise Malformed("`outcome` is neither `accepted` nor `overridden`")
    accepted = entry.get("acceptedSuggestions", [])
    if not isinstance(accepted, list) or not all(isinstance(a, dict) for a in accepted):
        raise Malformed("`acceptedSuggestions` is not a list of objects")
    if len(accepted) > MOST_SUGGESTIONS or (outcome == "accepted" and not accepted):
        raise Malformed("`acceptedSuggestions` is empty or too long")
    suggestions = tuple(_uuid(a.get("id"), "`acceptedSuggestions.id`") for a in accepted)
    reason, comment = _override(entry.get("overrideReason"))
    return Entry(_uuid(entry.get("card"), "`card`"), outcome, suggestions, reason, comment, _instant(entry))


def _override(given: Any) -> tuple[dict[str, str] | None, str | None]:
    if given is None:
        return None, None
    if not isinstance(given, dict):
        raise Malformed("`overrideReason` is not an object")
    coding, comment = given.get("reason"), given.get("userComment")
    if comment is not None and (not isinstance(comment, str) or len(comment) > LONGEST_COMMENT):
        raise Malformed(f"`userComment` is not text of at most {LONGEST_COMMENT:,} characters")
    if coding is None:
        return None, comment
    kept = {k: coding[k] for k in ("system", "code", "display") if k in coding} if isinstance(coding, dict) else {}
    if not kept.get("code") or not all(isinstance(v, str) and len(v) <= LONGEST for v in kept.values()):
        raise Malformed("`overrideReason.reason` is not a coding")
    return kept, comment


def _uuid(value: Any, what: str) -> str:
    try:
        if isinstance(value, str) and len(value) == 36:
            return str(uuid.UUID(value))
    except ValueError:
        pass
    raise Malformed(f"{what} is not a UUID")


def _instant(entry: dict[str, Any]) -> str:
    text = entry.get("outcomeTimestamp")
    try:
        if isinstance(text, str) and len(text) <= 40 and text[10:11] in "Tt":
            found = datetime.fromisoformat(text.upper())
            if found.tzinfo is not None:
                return found.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    raise Malformed("`outcomeTimestamp` is not a date and time with a time zone")


class FeedbackStore:
    """The SQLite file. Each call opens it anew, so that any thread or process may use it.

    Raises StoreBusy where the file cannot be opened.
    """

    def __init__(self, path: Path, most_rows: int = 100_000, seconds: float = BUSY_SECONDS) -> None:
        self.path, self._most, self._seconds = path, most_rows, seconds
        self._opening = threading.Lock()

    def add(self, service: str, entries: Sequence[Entry]) -> None:
        """Keep all entries or none. Raises StoreBusy, StoreFull."""
        received = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            (
                _digest(service, e),
                received,
                service,
                e.card,
                e.outcome,
                json.dumps(e.suggestions),
                json.dumps(e.reason) if e.reason else None,
                e.comment,
                e.happened,
            )
            for e in entries
        ]
        try:
            with closing(self._open()) as database:
                database.execute("begin immediate")
                (count,) = database.execute("select count(*) from feedback").fetchone()
                database.executemany("insert or ignore into feedback values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
                (after,) = database.execute("select count(*) from feedback").fetchone()
                if after > self._most and after > count:
                    raise StoreFull
                database.execute("commit")
        except sqlite3.Error as error:
            raise _store_error(error) from None

    def issue(self, service: str, cards: Sequence[Issued]) -> None:
        """Count cards that are sent: what each was about, nothing of a patient. A store that is busy misses a count."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            (c.card, c.intervention, c.status, json.dumps(c.rules), c.guideline, c.version, service, at) for c in cards
        ]
        try:
            with closing(self._open()) as database:
                database.executemany(
                    "insert into issued values (?, ?, ?, ?, ?, ?, ?, ?, 1)"
                    " on conflict (card) do update set times = times + 1",
                    rows,
                )
        except sqlite3.Error:
            return

    def report(self) -> list[dict[str, Any]]:
        """What became of each piece of advice: how often given, accepted, overridden, and why. Raises StoreBusy."""
        try:
            with closing(self._open()) as database:
                database.row_factory = sqlite3.Row
                issued = {row["card"]: dict(row) for row in database.execute("select * from issued")}
                given = list(database.execute("select card, outcome, reason from feedback"))
        except sqlite3.Error as error:
            raise _store_error(error) from None
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for card, about in issued.items():
            key = about["guideline"], about["version"], about["intervention"], about["status"]
            row = found.setdefault(key, _empty(*key))
            row["issued"] += about["times"]
            row["rules"] = sorted({*row["rules"], *json.loads(about["rules"])})
            for entry in given:
                if entry["card"] == card:
                    _count(row, entry)
        unknown = [entry for entry in given if entry["card"] not in issued]
        if unknown:
            row = found.setdefault(("",), _empty("", "", "", ""))
            for entry in unknown:
                _count(row, entry)
        return [found[key] for key in sorted(found)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """All entries, in order of arrival. Raises StoreBusy."""
        try:
            with closing(self._open()) as database:
                for row in database.execute(f"select {_COLUMNS} from feedback order by received, digest"):  # noqa: S608
                    data = dict(zip(_COLUMNS.split(", "), row, strict=True))
                    data["suggestions"] = json.loads(data["suggestions"])
                    data["reason"] = json.loads(data["reason"]) if data["reason"] else None
                    yield data
        except sqlite3.Error as error:
            raise _store_error(error) from None

    def forget(self, rows: Sequence[dict[str, Any]]) -> int:
        """Take out what was exported; how many were. Raises StoreBusy."""
        digests = [(_digest(row["service"], _entry_of(row)),) for row in rows]
        try:
            with closing(self._open()) as database:
                database.execute("begin immediate")
                before = database.total_changes
                database.executemany("delete from feedback where digest = ?", digests)
                database.execute("commit")
                return database.total_changes - before
        except sqlite3.Error as error:
            raise _store_error(error) from None

    def _open(self) -> sqlite3.Connection:
        _keep_private(self.path)
        database = sqlite3.connect(self.path, timeout=self._seconds, isolation_level=None)
        try:
            with self._opening:  # SQLite does not wait for the lock when the mode is changed
                if database.execute("pragma journal_mode").fetchone() != ("wal",):
                    database.execute("pragma journal_mode = wal")
                database.execute(_TABLE)
                database.execute(_ISSUED)
            database.execute("pragma synchronous = full")
        except sqlite3.Error:
            database.close()
            raise
        return database


def _keep_private(path: Path) -> None:
    """The file for its owner alone, made so before SQLite makes it; what SQLite puts beside it has the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))
        if path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid():
            path.chmod(PRIVATE)
    except OSError:
        raise StoreBusy from None


def _empty(guideline: str, version: str, intervention: str, status: str) -> dict[str, Any]:
    about = {"guideline": guideline, "version": version, "intervention": intervention, "status": status}
    return about | {"rules": [], "issued": 0, "accepted": 0, "overridden": 0, "reasons": {}}


def _count(row: dict[str, Any], entry: sqlite3.Row) -> None:
    """Count one entry of feedback."""
    row[entry["outcome"]] += 1
    if entry["reason"]:
        reason = json.loads(entry["reason"])
        name = str(reason.get("display") or reason.get("code"))
        row["reasons"][name] = row["reasons"].get(name, 0) + 1


def _store_error(error: sqlite3.Error) -> Exception:
    return StoreFull() if "full" in str(error) else StoreBusy()


def _entry_of(row: dict[str, Any]) -> Entry:
    return Entry(row["card"], row["outcome"], tuple(row["suggestions"]), row["reason"], row["comment"], row["happened"])


def _digest(service: str, entry: Entry) -> str:
    content = [service, entry.card, entry.outcome, list(entry.suggestions), entry.reason, entry.comment, entry.happened]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
