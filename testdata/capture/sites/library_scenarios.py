"""What happens when in each capture of the library, and the faults that do it."""

import subprocess
import time

from machine import LOG, ROOT, run
from plan import GRACE_SECS, Phase, Scenario, fault
from site_base import Watch
from sites.library import Library


def redeploy(site, seconds):
    """The same version is deployed anew, as for a change of its pictures."""
    until = time.monotonic() + seconds
    site.deploy("3.1.4")
    time.sleep(max(0.0, until - time.monotonic()))


def analyse(_, seconds):
    """The database counts its rows anew, as it does each night."""
    until = time.monotonic() + seconds
    run("mariadb", f"--socket={ROOT}/mariadb/socket", "-e", "ANALYZE TABLE library.books", user="mysql")
    time.sleep(max(0.0, until - time.monotonic()))


def harmless_redeploy(site, seconds):
    redeploy(site, seconds)


def harmless_backup(_, seconds):
    """The database is dumped twice."""
    until = time.monotonic() + seconds
    for _ in range(2):
        run(
            "mariadb-dump",
            f"--socket={ROOT}/mariadb/socket",
            "--result-file",
            f"{ROOT}/dump.sql",
            "library",
            user="root",
        )
        time.sleep(max(0.0, until - time.monotonic()) / 3)
    time.sleep(max(0.0, until - time.monotonic()))


def bad_deploy(site, seconds):
    """A version that fails at audio books goes live and is rolled back."""
    until, watch = time.monotonic() + seconds, Watch(LOG / "tomcat.log")
    site.deploy("3.2.0")
    began = watch.time_of("library 3.2.0 is ready")
    time.sleep(max(0.0, until - time.monotonic() - 12))
    site.deploy("3.1.4")
    time.sleep(max(0.0, until - time.monotonic()))
    return began


def slow_dependency(_, seconds):
    """A clerk's tool holds the table of books locked and does not come to its end."""
    locker = subprocess.Popen(
        ["mariadb", f"--socket={ROOT}/mariadb/socket"], stdin=subprocess.PIPE, user="mysql", text=True
    )
    locker.stdin.write("LOCK TABLES library.books WRITE;\n")
    locker.stdin.flush()
    time.sleep(seconds)
    locker.stdin.close()
    locker.wait()


def crash_loop(site, seconds):
    """Tomcat is restarted with too little memory for its covers: it dies while it starts, again and again."""
    until, right, wrong = time.monotonic() + seconds, site.tomcat, site.tomcat_of("28m")
    site.replace_tomcat(wrong)
    time.sleep(max(0.0, until - time.monotonic()))
    site.replace_tomcat(right)


def learning(seconds):
    part = seconds // 3
    return (Phase(part), Phase(part, redeploy), Phase(seconds - 2 * part, analyse))


SITE = Library
SCENARIOS = {
    "library-release": Scenario(
        "The library is deployed anew at the same version; later a version that fails at some books goes live; later a table stays locked.",
        503,
        9.0,
        (
            *learning(420),
            fault(harmless_redeploy, "tomcat", 60, "Reloading Context"),
            Phase(GRACE_SECS),
            fault(bad_deploy, "tomcat", 100, "NullPointerException"),
            Phase(170),
            fault(
                slow_dependency,
                "mariadb",
                80,
                "Cannot get a connection|Timeout waiting for idle|timeout specified has expired",
            ),
            Phase(110),
        ),
    ),
    "library-crashes": Scenario(
        "Tomcat is restarted with too little memory, dies while it starts, and is started again and again.",
        509,
        9.0,
        (*learning(420), fault(crash_loop, "tomcat", 100, "OutOfMemoryError"), Phase(150)),
    ),
    "library-quiet": Scenario(
        "Nothing goes wrong; the database is dumped, the library is deployed anew at the same version.",
        521,
        8.0,
        (
            *learning(420),
            Phase(180, kind="quiet_steady"),
            fault(harmless_backup, "mariadb", 60, ""),
            Phase(120, kind="quiet_after_backup"),
            fault(harmless_redeploy, "tomcat", 60, "Reloading Context"),
            Phase(240, kind="quiet_after_redeploy"),
        ),
    ),
}
