"""Captures the logs of a small shop while faults are injected into it.

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
    parser.add_argument("scenario", nargs="?", help="a name from scenarios.py")
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
    # Imported late: they need psycopg2, which the Python outside the namespaces may lack.
    from load import Load, schedule
    from scenarios import SCENARIOS
    from servers import LOG, Shop, versions

    scenario = SCENARIOS[args.scenario]
    seed = scenario.seed if args.seed is None else args.seed
    out = args.out or pathlib.Path(__file__).resolve().parent.parent / "incidents" / args.scenario
    load = Load(schedule(seed, scenario.requests_per_sec, scenario.seconds() / args.hurry))
    shop = Shop(scenario.database_disk, scenario.database_settings)
    shop.start()
    watch = threading.Event()
    threading.Thread(target=supervise, args=(shop, watch), daemon=True).start()
    load.start()
    spans = [act(shop, phase, phase.seconds / args.hurry) for phase in scenario.phases]
    # The logs are taken in mid-life: no line of the shutdown is in the capture.
    logs = pack.snapshot(LOG)
    load.stopping.set()
    load.join()
    watch.set()
    shop.stop()
    pack.write(out, logs, scenario, args.scenario, seed, spans, versions())
    pack.look(out)
    print(f"requests sent at most {load.late_secs_max:.2f} s late")


def act(shop, phase, seconds):
    start = time.time()
    print(f"{pack.rfc3339(start)} {phase.kind or phase.action.__name__} for {seconds:.0f} s", flush=True)
    phase.action(shop, seconds)
    return phase, start, time.time()


def supervise(shop, done):
    while not done.wait(5.0):
        shop.supervise()


if __name__ == "__main__":
    main()
