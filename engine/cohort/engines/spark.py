"""Running a query on Spark: which tables go into one query, the session, and what went wrong in a line.

Nothing here looks at a row: the query is SQL from beginning to end, and its answers are Parquet that Spark writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from guidelog.diagnostics import InputError

from ..rows.layout import Layout
from ..rows.tables import Table


def alike(tables: Sequence[Table], layouts: Sequence[Layout]) -> list[tuple[list[Table], Layout]]:
    """Neighbours of the same columns and types together: a query is planned once for all parts of a folder."""
    found = []
    listed = [(table, (layout, pq.read_schema(table.path))) for table, layout in zip(tables, layouts, strict=True)]
    for (layout, _), group in groupby(listed, lambda item: item[1]):
        found.append(([table for table, _ in group], layout))
    return found


def on_spark(text: str, tables: Sequence[Table], folder: Path) -> None:
    """Run a query over tables, called `patients`, into Parquet files of a folder. Raises InputError (GL705, GL715)."""
    with spark_session() as spark:
        from pyspark.errors import PySparkException

        try:
            spark.read.parquet(*(str(Path(t.path).resolve()) for t in tables)).createOrReplaceTempView("patients")
            spark.sql(text).write.mode("overwrite").parquet(str(folder.resolve()))
        except PySparkException as error:
            reason = (str(error).splitlines() or ["unknown error"])[0].lower()
            raise InputError.of("GL705", f"`{tables[0].name}` cannot be answered: {reason}") from None


@contextmanager
def spark_session() -> Iterator[Any]:
    """The Spark session of whoever runs this (spark-submit, a notebook), or a local one for the time being.

    Raises InputError (GL715) where PySpark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputError.of(
            "GL715", "`--engine spark` needs PySpark", hint="install the extra: pip install 'guidelog[spark]'"
        ) from None
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    try:
        builder = SparkSession.builder.appName("guidelog").config("spark.ui.enabled", "false")
        spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    except Exception as error:  # noqa: BLE001 - PySpark raises what it likes when there is no Java
        raise InputError.of(
            "GL715",
            f"Spark does not start: {(str(error).splitlines() or ['?'])[0].lower()}",
            hint="it needs Java 17 or newer",
        ) from None
    try:
        yield spark
    finally:
        spark.stop()
