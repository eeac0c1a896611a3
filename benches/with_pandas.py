#!/usr/bin/env python3
"""What one would write without kycmart: every file read with json, provider and result code counted with pandas.

It does less: no duplicates, no jobs, no meaning of codes, no receipts, no availability, no reject list. Reads plain and
gzipped files; .zst needs the package zstandard and is left out (and counted) without it.
"""

import csv
import gzip
import json
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pandas

try:
    import zstandard
except ImportError:
    zstandard = None

csv.field_size_limit(sys.maxsize)


def text_of(path):
    if path.suffix == ".gz":
        return gzip.open(path, "rt", errors="replace", newline="")
    if path.suffix == ".zst":
        return zstandard.open(path, "rt", errors="replace", newline="") if zstandard else None
    return open(path, errors="replace", newline="")


def rows(path, stream):
    """The stored rows of a file: envelopes or bare payloads."""
    kind = path.name.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[-1]
    if kind == "ndjson":
        yield from stream
    elif kind == "csv":
        yield from (row.get("payload") or row.get("body") for row in csv.DictReader(stream))
    else:
        yield stream.read()


def body_of(row):
    """The payload in a row, or None where it cannot be read."""
    for _ in range(3):
        if isinstance(row, dict) and "body" in row:
            row = row["body"]
        elif isinstance(row, str):
            try:
                row = json.loads(row)
            except ValueError:
                row = dict(parse_qsl(row)) or None
        else:
            break
    return row if isinstance(row, dict) else None


def statement(body):
    """Provider and result code, as far as a short script knows them."""
    if "ResultCode" in body or "SmileJobID" in body:
        return "smile_id", body.get("ResultCode")
    if isinstance(body.get("result"), dict):
        return "smile_id", body["result"].get("ResultCode")
    if isinstance(body.get("data"), dict):
        return "advance_ai", body["data"].get("overallResult")
    for name in ("verificationStatus", "transactionResult", "status"):
        if name in body:
            return "jumio" if name != "status" else "smile_id", body[name]
    if isinstance(body.get("decision"), dict):
        return "jumio", body["decision"].get("type")
    return None, None


def main():
    found, unread, left_out = [], 0, 0
    for path in sorted(p for p in Path(sys.argv[1]).rglob("*") if p.is_file()):
        stream = text_of(path)
        if stream is None:
            left_out += 1
            continue
        with stream:
            for row in rows(path, stream):
                body = body_of(row)
                if body is None:
                    unread += 1
                else:
                    found.append((path.stem, *map(str, statement(body))))
    frame = pandas.DataFrame(found, columns=["file", "provider", "code"])
    print(frame.groupby(["provider", "code"]).size().sort_values(ascending=False).to_string())
    print(f"{len(frame)} payloads, {unread} unread, {left_out} files left out", file=sys.stderr)


if __name__ == "__main__":
    main()
