"""What happens when in each capture of the shop. All of them served to set thresholds: they are for training."""

from plan import Phase, Scenario, fault
from sites import shop_faults as faults
from sites.shop import Shop

SITE = Shop


def learning(seconds):
    """A steady phase with two events of ordinary operation in it."""
    part = seconds // 3
    return (Phase(part), Phase(part, faults.reload_nginx), Phase(seconds - 2 * part, faults.deploy_catalog))


SCENARIOS = {
    "connection-exhaustion": Scenario(
        "A reporting job takes all connections of PostgreSQL; both services fail, nginx answers 500 and 504.",
        11, 34.0,
        (*learning(690), fault(faults.connection_exhaustion, "postgres", 110, "too many clients already"), Phase(240)),
        split="train",
    ),
    "redis-faults": Scenario(
        "Redis freezes for a while; later it is killed and comes back a minute later.",
        23, 14.0,
        (*learning(420), fault(faults.slow_dependency, "redis", 80, "redis .* failed"), Phase(160),
         fault(faults.dependency_down, "redis", 60, "redis connection to"), Phase(120)),
        split="train",
    ),
    "postgres-faults": Scenario(
        "Backends of PostgreSQL are killed; later the disk of the database fills up.",
        37, 14.0,
        (*learning(420), fault(faults.backend_crash, "postgres", 60, "terminated by signal 9"), Phase(160),
         fault(faults.disk_full, "postgres", 80, "No space left on device"), Phase(140)),
        # Little memory and frequent checkpoints: the database asks its disk for space every few seconds.
        settings={"database_settings": "work_mem = 64kB\ncheckpoint_timeout = 30s\n"},
        split="train",
    ),
    "bad-releases": Scenario(
        "nginx gets a broken configuration, then one with a wrong upstream; later checkout gets a release with a mistake.",
        41, 14.0,
        (*learning(420), fault(faults.broken_config, "nginx-error", 75, "unknown directive"), Phase(160),
         fault(faults.bad_deploy, "checkout", 90, "KeyError"), Phase(120)),
        split="train",
    ),
    "stalls": Scenario(
        "A migration locks the orders; later the catalog freezes.",
        53, 14.0,
        (*learning(420), fault(faults.lock_wait, "postgres", 75, "still waiting for"), Phase(160),
         fault(faults.hung_service, "catalog", 70, "upstream timed out|timed out"), Phase(120)),
        split="train",
    ),
    "quiet-rush": Scenario(
        "Nothing goes wrong; checkout is restarted, and for a while half as many customers again come.",
        79, 14.0,
        (*learning(420), Phase(60, kind="quiet_steady"),
         fault(faults.harmless_restart, "checkout", 90, "checkout 2.3.1 is stopping"), Phase(30, kind="quiet_after_restart"),
         fault(faults.harmless_rush, "nginx-access", 90, ""), Phase(60, kind="quiet_after_rush")),
        split="train",
    ),
    "quiet": Scenario(
        "Nothing goes wrong; debug logging of the catalog is on for a while, and a backup runs.",
        67, 14.0,
        (*learning(420), Phase(90, kind="quiet_steady"),
         fault(faults.harmless_flood, "catalog", 60, "log level set to DEBUG"), Phase(60, kind="quiet_after_flood"),
         fault(faults.harmless_backup, "postgres", 45, "pg_dump"), Phase(60, kind="quiet_after_backup")),
        split="train",
    ),
}
