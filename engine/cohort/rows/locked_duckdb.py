"""DuckDB for tables that somebody sent: it may read the files that it is told of, write into one folder, and no more.

No extension is installed or loaded, no variable of Python is taken for a table, the configuration is locked. A name of
a file is a name: what DuckDB would read as a pattern is written so that it matches this file alone. Of a database only
base tables are read, because a view may say anything, such as the contents of another file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import duckdb

from guidelog.diagnostics import InputError

MEMORY = 1 << 30
"""Bytes that a connection may take where the run does not say."""
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "enable_external_file_cache": "false",
}
"""Whatever a connection is for."""


@contextmanager
def locked(
    files: Iterable[str] = (), databases: Iterable[str] = (), *, folder: Path | None = None, memory: int = MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in memory, which reads these files and databases and writes into `folder`."""
    with duckdb.connect(config=CONFIG) as connection:
        for path in databases:
            attach = f"ATTACH {quoted(absolute(path))} AS {identifier(alias_of(path))} (READ_ONLY, TYPE duckdb)"
            connection.execute(attach)
        paths = [form for path in files for form in dict.fromkeys((absolute(path), literal(path)))]
        connection.execute(f"SET allowed_paths = [{', '.join(map(quoted, paths))}]")
        if folder is not None:
            connection.execute(f"SET allowed_directories = [{quoted(absolute(folder) + '/')}]")
        connection.execute(f"SET temp_directory = {quoted('' if folder is None else absolute(folder))}")
        connection.execute(f"SET memory_limit = '{memory}B'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def base_table(connection: duckdb.DuckDBPyConnection, path: str, name: str) -> str:
    """A table of an attached database, as the database spells it. Raises InputError (GL705) for a view or nothing."""
    alias = alias_of(path)
    tables = [
        str(row[0])
        for row in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'main'", [alias]
        ).fetchall()
    ]
    if name in tables:
        return name
    views = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal", [alias]
    ).fetchall()
    if (name,) in views:
        hint = "make a table of it: CREATE TABLE ... AS SELECT"
        raise InputError.of("GL705", f"`{name}` in `{path}` is a view, and only tables are read", hint=hint)
    listed = f"there are: {', '.join(f'`{t}`' for t in sorted(tables)[:20])}" if tables else "it has no tables"
    raise InputError.of("GL705", f"`{path}` has no table `{name}`", hint=f"--table NAME says which; {listed}")


def alias_of(path: str | Path) -> str:
    """What an attached database is called in a connection."""
    return "data_" + blake2b(absolute(path).encode(errors="surrogateescape"), digest_size=8).hexdigest()


def absolute(path: str | Path) -> str:
    """The path from the root on, so that nothing in it can be taken for a protocol; links are left alone."""
    return str(Path(path).absolute())


def literal(path: str | Path) -> str:
    """A path that matches itself alone where patterns are understood."""
    return re.sub(r"([*?\[])", r"[\1]", absolute(path))


def quoted(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def first_line(error: BaseException) -> str:
    """What went wrong, on one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error).splitlines() or ["unknown error"])[0].lower()
