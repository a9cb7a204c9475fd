#!/usr/bin/env python3
"""Run Drain3 and Logwake on the same lines, one after the other, and print the ratio of their speeds.

    python3 -m venv /tmp/drain3 && /tmp/drain3/bin/pip install drain3
    cargo build --release -p logwake
    zstdcat testdata/incidents/*/catalog.log.zst >/tmp/lines.log
    /tmp/drain3/bin/python benches/beside_drain3.py /tmp/lines.log

Drain3 is timed over `add_log_message` alone: lines lie in memory, nothing is written.
Logwake is timed as a whole: its start, reading, masking, merging and a line of JSON with the values of the variables for
each line, so its figure is the lower one. `--with target/release/examples/annotate_lines` takes the example of
logwake-models instead, which writes no values (`cargo build --release -p logwake-models --example annotate_lines`).

Both use one core. Rounds alternate, so that what else the machine does meets both; the fastest of each counts.
"""
import argparse
import logging
import pathlib
import subprocess
import sys
import time

# The masks of Drain3's own documentation (its examples/drain3.ini).
EDGES = r"((?<=[^A-Za-z0-9])|^)({})((?=[^A-Za-z0-9])|$)"
MASKS = [
    (EDGES.format(r"([0-9a-f]{2,}:){3,}([0-9a-f]{2,})"), "ID"),
    (EDGES.format(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"), "IP"),
    (EDGES.format(r"([0-9a-f]{6,} ?){3,}"), "SEQ"),
    (EDGES.format(r"([0-9A-F]{4} ?){4,}"), "SEQ"),
    (EDGES.format(r"0x[a-f0-9A-F]+"), "HEX"),
    (EDGES.format(r"[\-\+]?\d+"), "NUM"),
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("file", type=pathlib.Path, help="lines, unpacked")
    arguments.add_argument("--with", dest="program", default="target/release/logwake", help="logwake, or annotate_lines")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--no-masks", action="store_true", help="Drain3 as it comes, without masks")
    given = arguments.parse_args()
    lines = given.file.read_text(encoding="utf-8", errors="replace").splitlines()
    size = given.file.stat().st_size
    if not lines:
        sys.exit(f"{given.file} has no lines")
    theirs, ours = [], []
    for _ in range(given.rounds):
        seconds, clusters = run_drain3(lines, not given.no_masks)
        theirs.append(seconds)
        ours.append(run_logwake(given.program, given.file))
    print(f"{given.file}: {len(lines):,} lines, {size / 1e6:.1f} MB, fastest of {given.rounds} rounds each")
    tell("drain3", min(theirs), lines, size, f", {clusters} clusters")
    tell("logwake", min(ours), lines, size, "")
    print(f"logwake is {min(theirs) / min(ours):.1f} times as fast")


def tell(name, seconds, lines, size, more):
    print(f"{name:8} {seconds:8.3f} s {len(lines) / seconds:12,.0f} lines/s {size / seconds / 1e6:8.1f} MB/s{more}")


def run_drain3(lines, masked):
    try:
        from drain3 import TemplateMiner
        from drain3.masking import MaskingInstruction
        from drain3.template_miner_config import TemplateMinerConfig
    except ImportError:
        sys.exit("drain3 is not installed; see --help")
    logging.disable(logging.INFO)
    config = TemplateMinerConfig()
    config.profiling_enabled = False
    if masked:
        config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS]
    miner = TemplateMiner(config=config)
    begin = time.perf_counter()
    for line in lines:
        miner.add_log_message(line)
    return time.perf_counter() - begin, len(miner.drain.clusters)


def run_logwake(program, path):
    arguments = [] if pathlib.Path(program).name == "annotate_lines" else ["annotate", "--format", "plain", "-"]
    with path.open("rb") as lines:
        begin = time.perf_counter()
        subprocess.run([program, *arguments], stdin=lines, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begin


if __name__ == "__main__":
    main()
