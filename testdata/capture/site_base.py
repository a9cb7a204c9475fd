"""What a capture needs of a set of servers; each module in `sites/` makes one."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pack


class Site:
    """Servers that log into `machine.LOG`; `scenario.settings` are for the site alone."""

    supervise_secs = 5.0

    def __init__(self, scenario):
        self.scenario, self.settings = scenario, scenario.settings
        self.random = random.Random(scenario.seed)

    def start(self):
        raise NotImplementedError

    def load(self, seed, seconds):
        """The load of a capture: a `Load` not yet started."""
        raise NotImplementedError

    def supervise(self):
        """Is called every few seconds; starts again what should be."""

    def stop(self):
        """Ends what must end by itself; all else ends with the namespaces."""

    def now(self):
        """The time on the clocks of this site, seconds since 1970."""
        return time.time()

    def versions(self):
        raise NotImplementedError


class Load(threading.Thread):
    """Sends a schedule of (offset, *request) in real time until it ends or is told to stop; while `muted`, nothing.

    Open loop: a request goes out at its time whether or not earlier ones were answered, as with real customers.
    """

    def __init__(self, requests, send, senders=300):
        super().__init__(name="load", daemon=True)
        self.requests, self.send, self.senders = requests, send, senders
        self.stopping, self.muted = threading.Event(), threading.Event()
        self.late_secs_max = 0.0

    def run(self):
        started = time.monotonic()
        with ThreadPoolExecutor(self.senders) as senders:
            for at, *request in self.requests:
                wait = started + at - time.monotonic()
                if wait > 0 and self.stopping.wait(wait) or self.stopping.is_set():
                    return
                self.late_secs_max = max(self.late_secs_max, -wait)
                if not self.muted.is_set():
                    senders.submit(self.send, *request)


class Watch:
    """Waits for what a server says in its log from now on."""

    def __init__(self, log):
        self.log, self.begin = log, log.stat().st_size

    def time_of(self, words, seconds=60):
        """The time of the first line with `words`, nothing where it does not come."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with open(self.log, "rb") as file:
                file.seek(self.begin)
                for line in file.read().decode(errors="replace").splitlines():
                    if words in line:
                        return pack.time_of(line, time.gmtime().tm_year)
            time.sleep(0.1)
        return None


def poisson(source, rate_of, rate_max, seconds):
    """Times of a Poisson process whose rate at t is `rate_of(t)`, at most `rate_max`, by thinning."""
    now = 0.0
    while (now := now + source.expovariate(rate_max)) < seconds:
        if source.random() * rate_max < rate_of(now):
            yield now
