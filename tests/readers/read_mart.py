"""What foreign readers see in a mart: `python read_mart.py MART` prints it as JSON; tests/it/readers.rs compares.

Four readers read every table: polars, deltalake, duckdb over the files that deltalake lists, and pyarrow over the files
that the log lists as `replay` reads it. For each: the types, and number and digests of the rows that count. A digest
does not depend on the order of rows and loses nothing: SHA-256 over the sorted rows, each the texts of its cells in the
order of the column names (see `cells`; tests/it/readers/canonical.rs writes the same texts).

`problems` holds what is wrong by itself: statistics that contradict a file, a partition column that a file lacks, a log
that two readers read differently, rows that a reader loses when it skips files by their statistics.
"""

import functools
import hashlib
import json
import os
import struct
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable

# Which rows count: those of listed batches, but none of an erased payload: an erasure that was killed leaves some until the
# next command that writes. A tombstone itself counts whatever batch it names.
LISTED = "batch_id IN (SELECT batch_id FROM batches)"
NOT_ERASED = "payload_key NOT IN (SELECT payload_key FROM tombstones)"
ARROW_TYPES = {
    "string": pa.string(),
    "long": pa.int64(),
    "integer": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp_ntz": pa.timestamp("us"),
}
DUCKDB_TYPES = {"string": "VARCHAR", "long": "BIGINT", "timestamp_ntz": "TIMESTAMP"}


def main(mart):
    tables = sorted(log.parent.name for log in mart.glob("*/_delta_log"))
    print(json.dumps({table: seen(mart, table) for table in tables}, sort_keys=True))


def seen(mart, table):
    log = replay(mart / table)
    delta = DeltaTable(str(mart / table))
    readers = {name: read(mart, table) for name, read in READERS.items()}
    return {
        "version": delta.version(),
        "checkpoint": log["checkpoint"],
        "history": [entry.get("engineInfo") for entry in delta.history()],
        "partitions": delta.metadata().partition_columns,
        "not_nullable": [field["name"] for field in log["schema"] if not field["nullable"]],
        "files": len(log["files"]),
        "all_rows": sum(pq.read_metadata(mart / table / path).num_rows for path in log["files"]),
        "readers": {name: summary(rows) for name, rows in readers.items()},
        "problems": check_log(mart / table, delta, log)
        + check_files(mart / table, delta, log)
        + check_skipping(mart / table),
    }


# The readers: each answers with the rows that count, as an Arrow table.


def by_polars(mart, table):
    def scan(name):
        return pl.scan_delta(str(mart / name))

    rows = scan(table)
    if table != "tombstones":
        rows = rows.join(scan("batches").select("batch_id"), on="batch_id", how="semi")
        if "payload_key" in rows.collect_schema():
            rows = rows.join(scan("tombstones").select("payload_key"), on="payload_key", how="anti")
    return rows.collect().to_arrow()


def by_deltalake(mart, table):
    rows = with_deltalake(mart / table).to_table()
    if table != "tombstones":
        listed = with_deltalake(mart / "batches").to_table()["batch_id"]
        rows = rows.filter(pc.is_in(rows["batch_id"], listed))
        if "payload_key" in rows.column_names:
            erased = with_deltalake(mart / "tombstones").to_table()["payload_key"]
            rows = rows.filter(pc.invert(pc.is_in(rows["payload_key"], erased)))
    return rows


@functools.cache
def with_deltalake(table):
    return DeltaTable(str(table)).to_pyarrow_dataset()


def by_duckdb(mart, table):
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in {table, "batches", "tombstones"}:
        delta = DeltaTable(str(mart / name))
        fields = json.loads(delta.schema().to_json())["fields"]
        typed = [(field["name"], DUCKDB_TYPES.get(field["type"], field["type"])) for field in fields]
        # An empty table of this schema, so that columns that no file has yet, and tables without files, are there.
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in typed)})")
        if delta.file_uris():
            files = connection.read_parquet(delta.file_uris(), union_by_name=True, hive_partitioning=False)
            files.create_view("files", replace=True)
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM files")
    rows = connection.table(table)
    if table != "tombstones":
        rows = rows.filter(f"{LISTED} AND {NOT_ERASED}" if "payload_key" in rows.columns else LISTED)
    return rows.to_arrow_table()


def by_pyarrow(mart, table):
    def dataset(name):
        log = replay(mart / name)
        schema = pa.schema([(field["name"], ARROW_TYPES[field["type"]]) for field in log["schema"]])
        return ds.dataset([str(mart / name / path) for path in log["files"]], schema=schema, format="parquet")

    def values(name, column):
        return dataset(name).to_table(columns=[column])[column].to_pylist()

    rows = dataset(table)
    if table != "tombstones":
        rows = rows.filter(pc.field("batch_id").isin(values("batches", "batch_id")))
        if "payload_key" in rows.schema.names:
            erased = pa.array(values("tombstones", "payload_key"), pa.string())
            rows = rows.filter(~pc.field("payload_key").isin(erased))
    return rows.to_table()


READERS = {"polars": by_polars, "deltalake": by_deltalake, "duckdb": by_duckdb, "pyarrow": by_pyarrow}


def replay(table, from_checkpoint=True):
    """A table's log, read without a Delta library: the newest checkpoint and the commits after it."""
    log = table / "_delta_log"
    state = {"files": {}, "schema": None, "checkpoint": None, "version": None}
    checkpoints = sorted(log.glob("*.checkpoint*")) if from_checkpoint else []
    if checkpoints:
        newest = checkpoints[-1]
        assert newest.name == f"{newest.name[:20]}.checkpoint.parquet", f"a checkpoint of another kind: {newest.name}"
        state["checkpoint"] = state["version"] = int(newest.name[:20])
        apply(state, pq.read_table(newest).to_pylist())
    for commit in sorted(log.glob("[0-9]" * 20 + ".json")):
        if state["checkpoint"] is None or int(commit.stem) > state["checkpoint"]:
            state["version"] = int(commit.stem)
            apply(state, map(json.loads, commit.read_text().splitlines()))
    return state


def apply(state, actions):
    for action in actions:
        if action.get("add"):
            assert not action["add"].get("deletionVector"), "a deletion vector"
            state["files"][unquote(action["add"]["path"])] = dict(action["add"]["partitionValues"])
        elif action.get("remove"):
            state["files"].pop(unquote(action["remove"]["path"]), None)
        elif action.get("metaData"):
            state["schema"] = json.loads(action["metaData"]["schemaString"])["fields"]


# What a reader saw.


def summary(rows):
    rows = rows.select(sorted(rows.column_names))
    columns = {name: cells(rows[name]) for name in rows.column_names}
    return {
        "rows": rows.num_rows,
        "digest": digest(" ".join(row) for row in zip(*columns.values())),
        "column_digests": {name: digest(texts) for name, texts in columns.items()},
        "types": {name: type_name(rows[name].type) for name in rows.column_names},
        "with_null": [name for name in rows.column_names if rows[name].null_count],
    }


def digest(texts):
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()


def cells(column):
    """The cells' texts: N for NULL, T with length in bytes and text, I with the number, F with the bits of a float,
    B with 0 or 1, M with microseconds."""
    kind = type_name(column.type)
    if kind == "timestamp_ntz":
        column = column.cast(pa.int64())
    write = {
        "string": lambda value: f"T{len(value.encode())}:{value}",
        "long": lambda value: f"I{value}",
        "integer": lambda value: f"I{value}",
        "double": lambda value: f"F{struct.pack('>d', value).hex()}",
        "boolean": lambda value: f"B{int(value)}",
        "timestamp_ntz": lambda value: f"M{value}",
    }[kind]
    return ["N" if value is None else write(value) for value in column.to_pylist()]


def type_name(arrow):
    """The log's word for an Arrow type; Arrow has several layouts of text."""
    if pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow):
        arrow = pa.string()
    return {kind: word for word, kind in ARROW_TYPES.items()}.get(arrow, str(arrow))


# What is wrong by itself.


def check_log(table, delta, log):
    problems = []
    if sorted(delta.file_uris()) != sorted(str(table / path) for path in log["files"]):
        problems.append("deltalake lists other files than the log replayed here")
    if delta.version() != log["version"]:
        problems.append("deltalake opens another version than the log replayed here")
    if [(field["name"], field["type"]) for field in log["schema"]] != [
        (field["name"], field["type"]) for field in json.loads(delta.schema().to_json())["fields"]
    ]:
        problems.append("deltalake sees other columns than the log replayed here")
    if (table / "_delta_log" / f"{0:020}.json").exists() and replay(table, False)["files"] != log["files"]:
        problems.append("the checkpoint lists other files than the commits before it")
    return problems


def check_files(table, delta, log):
    problems = []
    logged = {field["name"]: ARROW_TYPES[field["type"]] for field in log["schema"]}
    for add in pa.table(delta.get_add_actions(flatten=True)).to_pylist():
        path = unquote(add["path"])
        rows = pq.ParquetFile(table / path).read()
        wrong = check_statistics(rows, add)
        if (table / path).stat().st_size != add["size_bytes"]:
            wrong.append("its size is not the log's")
        if rows.num_rows != add["num_records"]:
            wrong.append(f"{rows.num_rows} rows, the log says {add['num_records']}")
        for name in rows.column_names:
            if logged.get(name) != rows[name].type:
                wrong.append(f"{name} is {rows[name].type}, in the log {logged.get(name)}")
        for name, value in log["files"][path].items():
            if name not in rows.column_names or set(rows[name].to_pylist()) != {value}:
                wrong.append(f"the partition column {name} is not in the file as the log has it")
            if add[f"partition.{name}"] != value:
                wrong.append(f"deltalake sees another value of the partition column {name}")
        problems += [f"{path}: {what}" for what in wrong]
    return problems


def check_statistics(rows, add):
    wrong = []
    for name in rows.column_names:
        values = [value for value in rows[name].to_pylist() if value is not None]
        lowest, highest = add.get(f"min.{name}"), add.get(f"max.{name}")
        if add.get(f"null_count.{name}") not in (None, len(rows) - len(values)):
            wrong.append(f"{len(rows) - len(values)} NULLs in {name}, the log says {add[f'null_count.{name}']}")
        if not values and (lowest, highest) != (None, None):
            wrong.append(f"{name} is all NULL and has a minimum or maximum in the log")
        if values and lowest is not None and lowest > min(values):
            wrong.append(f"the minimum of {name} is below the log's")
        if values and highest is not None and highest < in_log(max(values)):
            wrong.append(f"the maximum of {name} is above the log's")
    return wrong


def in_log(value):
    """Delta cuts times in statistics to milliseconds; whoever skips files by them knows (see `check_skipping`)."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


def check_skipping(table):
    """Rows at the largest time of every time column, found by filters that may skip files."""
    problems = []
    polars, dataset = pl.scan_delta(str(table)), with_deltalake(table)
    names = [field.name for field in dataset.schema if pa.types.is_timestamp(field.type)]
    for name, times in zip(names, dataset.to_table(columns=names).columns):
        latest = pc.max(times)
        if latest.is_valid:
            expected = pc.sum(pc.equal(times, latest)).as_py()
            by_polars = polars.filter(pl.col(name) >= latest.as_py()).select(pl.len()).collect().item()
            by_dataset = dataset.count_rows(filter=pc.field(name) >= latest)
            if (by_polars, by_dataset) != (expected, expected):
                problems.append(f"{name} >= its maximum: {expected} rows, polars {by_polars}, pyarrow {by_dataset}")
    return problems


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
    # Four libraries with threads of their own are loaded; taking them down together now and then aborts, when all is said.
    sys.stdout.flush()
    os._exit(0)
