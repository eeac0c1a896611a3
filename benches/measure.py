#!/usr/bin/env python3
"""Time and peak memory of kycmart on an invented archive, beside a pandas script over the same files.

Needs Python 3.9 and the built program; pandas only for the comparison (skipped where it is missing). Figures of one
run belong together: the script prints ratios, because seconds depend on the machine and on what else it does.

  python3 benches/measure.py --kycmart target/release/kycmart --folder /tmp/bench --payloads 200000 --limits 500MB
"""

import argparse
import filecmp
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

FORMATS = (".csv", ".parquet")


def run(command):
    """Runs a program; returns its seconds and its peak resident memory in MB. Ends the script if the program fails."""
    start = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{said}")
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit / 1e6


def row(what, measured, base=None):
    seconds, megabytes = measured
    ratios = f"{seconds / base[0]:8.2f} {megabytes / base[1]:8.2f}" if base else f"{'1':>8} {'1':>8}"
    print(f"{what:42} {seconds:9.1f} s {megabytes:8.0f} MB {ratios}", flush=True)


def same_reports(left, right):
    """Whether two runs wrote the same bytes."""
    names = sorted(path.name for path in left.iterdir() if path.suffix in FORMATS)
    _, different, missing = filecmp.cmpfiles(left, right, names, shallow=False)
    return bool(names) and not different and not missing


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kycmart", default="target/release/kycmart", help="the program")
    parser.add_argument("--folder", required=True, type=Path, help="where archives, marts and reports go; kept for the next run")
    parser.add_argument("--payloads", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=30, help="days that the archive covers")
    parser.add_argument("--photo-bytes", type=int, default=0, help="size of the photos in ID lookups")
    parser.add_argument("--limits", nargs="*", default=[], help="values of limits.memory to try, such as 500MB 1GB")
    parser.add_argument("--against", help="another build of kycmart, to compare its report with")
    parser.add_argument("--pandas", action="store_true", help="compare with benches/with_pandas.py")
    chosen = parser.parse_args()

    name = f"{chosen.payloads}-{chosen.days}-{chosen.photo_bytes}"
    archive, mart = chosen.folder / f"archive-{name}", chosen.folder / f"mart-{name}"
    key = chosen.folder / "pseudonym.key"
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if not archive.exists():
        run([chosen.kycmart, "sample", "--out", archive, "--payloads", chosen.payloads, "--days", chosen.days,
             "--photo-bytes", chosen.photo_bytes])
    if not key.exists():
        key.write_text(secrets.token_hex(32))
        key.chmod(0o600)
    print(f"{chosen.payloads} payloads of {chosen.days} days, {size(archive):.0f} MB of files as stored\n")
    print(f"{'':42} {'time':>11} {'peak':>11} {'x time':>8} {'x peak':>8}")

    shutil.rmtree(mart, ignore_errors=True)
    ingest = run([chosen.kycmart, "ingest", archive, "--mart", mart, "--key-file", key])
    row("ingest", ingest)
    out = chosen.folder / f"out-{name}"
    report = run([chosen.kycmart, "report", "--mart", mart, "--out", out])
    row("report, no limit named", report)
    wanted = [(f"report, limits.memory={limit}", chosen.kycmart, ["--set", f"limits.memory={limit}"]) for limit in chosen.limits]
    if chosen.against:
        wanted.append((f"report by {chosen.against}", chosen.against, []))
    for number, (what, program, options) in enumerate(wanted):
        other = chosen.folder / f"out-{name}-{number}"
        row(what, run([program, *options, "report", "--mart", mart, "--out", other]), report)
        print(f"{'':4}the same bytes: {'yes' if same_reports(out / 'latest/circulation', other / 'latest/circulation') else 'NO'}")
    if chosen.pandas:
        both = (ingest[0] + report[0], max(ingest[1], report[1]))
        row("ingest and report", both)
        row("pandas, counting codes only", run([sys.executable, Path(__file__).with_name("with_pandas.py"), archive]), both)
    print(f"\nmart: {size(mart):.0f} MB")


if __name__ == "__main__":
    main()
