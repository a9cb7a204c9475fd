"""Captures the logs of real servers while faults are injected into them.

usage: python3 testdata/capture SCENARIO [--seed N] [--out FOLDER] [--hurry DIVISOR]
       python3 testdata/capture --look FOLDER
"""

import argparse
import pathlib
import threading
import time

import machine
import pack


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", help="the name of a capture; one that nobody has lists them")
    parser.add_argument("--seed", type=int, help="seed of the load, default the scenario's own")
    parser.add_argument("--out", type=pathlib.Path, help="default testdata/incidents/SCENARIO")
    parser.add_argument("--hurry", type=float, default=1.0, help="divide all phases by this, to try things out")
    parser.add_argument("--look", type=pathlib.Path, metavar="FOLDER", help="only read a finished capture")
    args = parser.parse_args()
    if args.look:
        return pack.look(args.look)
    machine.enter()
    capture(args)


def capture(args):
    # Imported late: the Python outside the namespaces may lack what the sites need.
    import scenarios

    scenario, site_of = scenarios.find(args.scenario)
    seed = scenario.seed if args.seed is None else args.seed
    out = args.out or pathlib.Path(__file__).resolve().parent.parent / "incidents" / args.scenario
    site = site_of(scenario)
    load = site.load(seed, scenario.seconds() / args.hurry)
    site.start()
    watch = threading.Event()
    threading.Thread(target=supervise, args=(site, watch), daemon=True).start()
    load.start()
    spans = play(site, scenario.phases, args.hurry * scenario.speed)
    # The logs are taken in mid-life: no line of the shutdown is in the capture.
    logs = pack.snapshot(machine.LOG)
    load.stopping.set()
    load.join()
    watch.set()
    site.stop()
    pack.write(out, logs, site, args.scenario, seed, spans)
    pack.look(out)
    print(f"requests sent at most {load.late_secs_max:.2f} s late")


def play(site, phases, haste):
    """Plays the phases at their planned times; returns each with its start and end on the clocks of the site.

    Where the work of an action takes a while, it returns when its fault began in truth.
    """
    began, planned, spans = time.monotonic(), 0.0, []
    for phase in phases:
        planned += phase.seconds / haste
        start = site.now()
        print(f"{pack.rfc3339(start)} {phase.kind or phase.action.__name__} for {phase.seconds} s", flush=True)
        truth = phase.action(site, max(0.0, began + planned - time.monotonic()))
        spans.append((phase, truth or start, site.now()))
    return spans


def supervise(site, done):
    while not done.wait(site.supervise_secs):
        site.supervise()


if __name__ == "__main__":
    main()
