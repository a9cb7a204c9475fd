"""What happens when in a capture: phases of a scenario, played on a site (a set of servers and the load on them)."""

import dataclasses
import time
from typing import Callable


# A page counts for a span until so long after its end: harmless spans end that long before a fault.
GRACE_SECS = 130


def steady(_, seconds):
    time.sleep(seconds)


@dataclasses.dataclass(frozen=True)
class Phase:
    """A span of a capture. With a `kind` it gets a label; `telling` is a regex for the first line that shows it."""

    seconds: int
    action: Callable = steady
    kind: str = ""
    service: str = ""
    telling: str = ""


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`settings` are the site's own; `speed` is how many seconds pass on its clocks in one of ours.

    Thresholds may be looked at with captures of the split `train`, never with those of `evaluate`.
    """

    about: str
    seed: int
    requests_per_sec: float
    phases: tuple
    settings: dict = dataclasses.field(default_factory=dict)
    speed: float = 1.0
    split: str = "evaluate"

    def seconds(self):
        return sum(phase.seconds for phase in self.phases)


def fault(action, service, seconds, telling):
    """A phase labelled with the name of its action."""
    return Phase(seconds, action, action.__name__, service, telling)
