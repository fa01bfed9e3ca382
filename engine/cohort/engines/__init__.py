"""Engines that answer many patients: vectors of bits, SQL on DuckDB and Spark."""
