"""What happens when in each capture of the booking office, and what goes wrong there."""

import time

from plan import Phase, Scenario
from sites.booking import DAY, HOUR, JOBS, Office

# Between a quiet span and a fault, so that no page of the one is counted in the other.
APART = 600


def lose_job(site, seconds):
    """A change of the table of jobs takes one out of it."""
    site.set_jobs("".join(line for line in JOBS.splitlines(True) if site.settings["lost"] not in line))
    time.sleep(seconds)


def job_missing(site, seconds):
    """The job should have begun with this phase; in the morning somebody puts it back."""
    time.sleep(seconds)
    site.set_jobs(JOBS)


SITE = Office
SCENARIOS = {
    "nightly-job": Scenario(
        "Ten days of a booking office; in the ninth night the backup of 02:30 is missing, since a change of the evening before took it out of the table of jobs.",
        101,
        0.010,
        (
            Phase(7 * DAY),
            Phase(DAY + 16 * HOUR, kind="quiet_days"),
            Phase(10 * HOUR + HOUR // 2 - APART, lose_job, "quiet_evening"),
            Phase(APART),
            Phase(6 * HOUR, job_missing, "job_missing", "backup"),
            Phase(APART),
            Phase(15 * HOUR + HOUR // 2 - APART, kind="quiet_day_after"),
        ),
        {"lost": "backup"},
        speed=300.0,
    ),
    "quiet-days": Scenario(
        "Nine days of a booking office, from a Thursday: nights, a weekend, nothing wrong.",
        103,
        0.010,
        (Phase(3 * DAY), Phase(6 * DAY, kind="quiet_days")),
        {"first_day": 3},
        speed=300.0,
    ),
    "nightly-report": Scenario(
        "Nine days of a booking office, from a Tuesday; in the eighth night the report of 04:45 is missing.",
        107,
        0.013,
        (
            Phase(6 * DAY),
            Phase(DAY + 15 * HOUR, kind="quiet_days"),
            Phase(13 * HOUR + 3 * HOUR // 4 - APART, lose_job, "quiet_evening"),
            Phase(APART),
            Phase(4 * HOUR, job_missing, "job_missing", "report"),
            Phase(APART),
            Phase(15 * HOUR + HOUR // 4 - APART, kind="quiet_day_after"),
        ),
        {"first_day": 1, "lost": "report"},
        speed=300.0,
        split="train",
    ),
}
