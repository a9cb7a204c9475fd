"""Writes what a capture leaves: compressed logs, labels.csv, meta.json; and reads it back for a look."""

import collections
import csv
import datetime
import json
import re
import shutil
import subprocess

TIME = re.compile(
    r"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?)"
    r"|(?P<access>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d)"
    r"|(?P<error>^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)"
    r"|(?P<redis>\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d+)"
    r"|(?P<tomcat>\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d\.\d+)"
    r"|(?P<apache>\w{3} \d\d \d\d:\d\d:\d\d\.\d+ \d{4})"
    r"|(?P<mariadb>^\d{4}-\d\d-\d\d [ \d]\d:\d\d:\d\d)"
    r"|(?P<glog>^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+)"
    r"|(?P<syslog>^\w{3} [ \d]\d \d\d:\d\d:\d\d)"
)
SHAPES = {
    "access": "%d/%b/%Y:%H:%M:%S", "error": "%Y/%m/%d %H:%M:%S", "redis": "%d %b %Y %H:%M:%S.%f",
    "tomcat": "%d-%b-%Y %H:%M:%S.%f", "apache": "%b %d %H:%M:%S.%f %Y", "mariadb": "%Y-%m-%d %H:%M:%S",
}


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def snapshot(logs):
    """Copies the logs as they are now, up to the last whole line of each."""
    copies = logs.parent / "taken"
    copies.mkdir()
    for log in logs.glob("*.log"):
        text = log.read_bytes()
        (copies / log.name).write_bytes(text[: text.rfind(b"\n") + 1])
    return copies


def write(out, logs, site, name, seed, spans):
    """Packs a finished capture; `spans` holds (phase, start, end) in seconds since 1970."""
    scenario = site.scenario
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    counts = {}
    for log in sorted(log for log in logs.glob("*.log") if log.stat().st_size):
        counts[log.stem] = log.read_bytes().count(b"\n")
        subprocess.run(["zstd", "-q", "--ultra", "-22", str(log), "-o", str(out / f"{log.name}.zst")], check=True)
    with open(out / "labels.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["start", "end", "service", "kind"])
        rows.writerows([rfc3339(a), rfc3339(b), phase.service, phase.kind] for phase, a, b in spans if phase.kind)
    meta = {
        "name": name, "about": scenario.about, "split": scenario.split, "seed": seed,
        "requests_per_sec": scenario.requests_per_sec, **({"speed": scenario.speed} if scenario.speed != 1 else {}),
        "start": rfc3339(spans[0][1]), "end": rfc3339(spans[-1][2]),
        "learn_until": rfc3339(next(a for phase, a, _ in spans if phase.kind)),
        "phases": [{"kind": phase.kind or phase.action.__name__, "start": rfc3339(a), "end": rfc3339(b),
                    "telling": phase.telling} for phase, a, b in spans],
        "lines": counts, "versions": site.versions(),
    }
    (out / "meta.json").write_text(json.dumps(meta, indent=2) + "\n")


def lines_of(out, year):
    """Yields (service, seconds since 1970, line) of each line; one without a time has that of the line before."""
    for packed in sorted(out.glob("*.log.zst")):
        text = subprocess.run(["zstd", "-dcq", str(packed)], stdout=subprocess.PIPE, check=True).stdout
        seconds = 0.0
        for line in text.decode().splitlines():
            seconds = time_of(line, year) or seconds
            yield packed.name.removesuffix(".log.zst"), seconds, line


def time_of(line, year):
    found = TIME.search(line[:120])
    if not found:
        return None
    kind, text = found.lastgroup, found.group()
    if kind == "iso":
        moment = datetime.datetime.fromisoformat(text.replace(",", "."))
    elif kind == "glog":
        moment = datetime.datetime.strptime(f"{year} {text[1:]}", "%Y %m%d %H:%M:%S.%f")
    elif kind == "syslog":
        moment = datetime.datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S")
    else:
        moment = datetime.datetime.strptime(text, SHAPES[kind])
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def moment_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def told(out, lines=None):
    """For each phase that has one, by its start, the seconds from there to its first telling line."""
    meta = json.loads((out / "meta.json").read_text())
    lines = lines or list(lines_of(out, meta["start"][:4]))
    return {start: seconds for start, (seconds, _, _) in telling_lines(meta, lines)}


def telling_lines(meta, lines):
    """Yields the start of a phase with (seconds after it, service, line) of the first line that shows the phase."""
    for phase in meta["phases"]:
        # A server that writes whole seconds may date a line just before the start.
        start = moment_of(phase["start"])
        shown = [entry for entry in lines if entry[1] >= start - 1 and re.search(phase["telling"], entry[2])] if phase["telling"] else []
        if shown:
            service, seconds, line = min(shown, key=lambda entry: entry[1])
            yield phase["start"], (seconds - start, service, line)


def look(out):
    """Prints the lines per minute, or two hours, of each service, and for each label the first telling line."""
    meta = json.loads((out / "meta.json").read_text())
    lines = list(lines_of(out, meta["start"][:4]))
    begin, end = moment_of(meta["start"]), moment_of(meta["end"])
    column = 60 if end - begin < 7200 else 7200
    minutes = collections.defaultdict(collections.Counter)
    for service, seconds, _ in lines:
        minutes[service][int((seconds - begin) // column)] += 1
    for service, counts in minutes.items():
        print(f"{service:14}", *(f"{counts[minute]:5}" for minute in range(max(counts) + 1)))
    kinds = {phase["start"]: phase["kind"] for phase in meta["phases"]}
    for start, (seconds, service, line) in telling_lines(meta, lines):
        print(f"{kinds[start]}: {seconds:+.1f} s, {service}: {line[:200]}")
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"{len(lines)} lines, {size} bytes packed")
