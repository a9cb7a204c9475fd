"""A parcel office on RabbitMQ: one node, a service that publishes and one that consumes."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

from machine import LOG, PROGRAMS, PYTHON, ROOT, mount_small, own_file, run
from plan import GRACE_SECS, Phase, Scenario, fault
from process import Server
from site_base import Load, Site, Watch

CONF = """
listeners.tcp.1 = 127.0.0.1:5672
disk_free_limit.absolute = 60MB
log.console = false
collect_statistics_interval = 30000
vm_memory_high_watermark.absolute = 512MB
"""
ENVIRONMENT = {
    "RABBITMQ_NODENAME": "rabbit@shop-1",
    "RABBITMQ_MNESIA_BASE": f"{ROOT}/rabbitmq/mnesia",
    "RABBITMQ_LOGS": f"{LOG}/rabbitmq.log",
    "RABBITMQ_CONFIG_FILE": f"{ROOT}/rabbitmq/rabbitmq.conf",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{ROOT}/rabbitmq/plugins",
    "RABBITMQ_PID_FILE": f"{ROOT}/rabbitmq/pid",
    "HOME": f"{ROOT}/rabbitmq",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
    "ERL_EPMD_ADDRESS": "127.0.0.1",
}
SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


class Office(Site):
    def start(self):
        own_file("/etc/hosts", "127.0.0.1 localhost shop-1\n")
        (ROOT / "rabbitmq").mkdir()
        shutil.copy(PROGRAMS / "parcels/parcels.py", ROOT / "app/parcels.py")
        (ROOT / "rabbitmq/rabbitmq.conf").write_text(CONF)
        (ROOT / "rabbitmq/plugins").write_text("[].\n")
        shutil.chown(ROOT / "rabbitmq", "rabbitmq", "rabbitmq")
        (ROOT / "rabbitmq/mnesia").mkdir()
        mount_small(ROOT / "rabbitmq/mnesia", "160m", os.stat(ROOT / "rabbitmq").st_uid)
        self.rabbit = Server("rabbitmq", "rabbitmq", [SERVER], environment=ENVIRONMENT)
        self.rabbit.start()
        self.wait()
        for user in ("intake", "printer"):
            self.control("add_user", user, f"{user}-secret")
            self.control("set_permissions", user, ".*", ".*", ".*")
        self.printer = Server(
            "printer", "www-data", [PYTHON, "-u", f"{ROOT}/app/parcels.py", "printer"], LOG / "printer.log"
        )
        self.printer.start()
        time.sleep(2.0)
        # The log of RabbitMQ begins after its start, which names the machine's memory and release.
        os.truncate(LOG / "rabbitmq.log", 0)
        words = ["intake", str(self.scenario.seed), str(self.scenario.requests_per_sec)]
        Server("intake", "www-data", [PYTHON, "-u", f"{ROOT}/app/parcels.py", *words], LOG / "intake.log").start()

    def wait(self):
        for _ in range(40):
            with contextlib.suppress(subprocess.CalledProcessError):
                return self.control("await_startup", "--timeout", "60", stderr=subprocess.STDOUT)
            time.sleep(1.0)
        raise SystemExit("RabbitMQ did not come up")

    def control(self, *words, **options):
        return run(CONTROL, *words, user="rabbitmq", cwd="/", env={**os.environ, **ENVIRONMENT}, **options)

    def load(self, seed, seconds):
        """The parcels come from the service `intake`, by the seed of the scenario."""
        return Load([], None)

    def versions(self):
        names = ("rabbitmq-server", "erlang-base", "python3-pika")
        return {name: run("dpkg-query", "-W", "-f", "${Version}", name) for name in names}


def restart_printer(site, seconds):
    """A new release of the printer: its connection closes, a new one opens."""
    site.printer.stop()
    site.printer.start()
    time.sleep(seconds)


def add_team(site, seconds):
    """An operator makes a virtual host and a user for another team."""
    until = time.monotonic() + seconds
    site.control("add_vhost", "returns")
    site.control("add_user", "returns", "returns-secret")
    time.sleep(max(0.0, until - time.monotonic()))


def authentication_failures(site, seconds):
    """The password of intake is changed at the broker; the service has the old one until it is set back."""
    until, watch = time.monotonic() + seconds, Watch(LOG / "rabbitmq.log")
    site.control("change_password", "intake", "another")
    began = watch.time_of("Successfully changed password")
    time.sleep(max(0.0, until - time.monotonic() - 4))
    site.control("change_password", "intake", "intake-secret")
    return began


def disk_full(_, seconds):
    """The disk of the broker fills up below its limit: it blocks all publishers."""
    path, until = ROOT / "rabbitmq/mnesia/copy.tar", time.monotonic() + seconds
    with open(path, "wb", buffering=0) as filler, contextlib.suppress(OSError):
        for _ in range(120 * 16):
            filler.write(bytes(65536))
    time.sleep(max(0.0, until - time.monotonic()))
    path.unlink()


def hung_consumer(site, seconds):
    """The printer is frozen: it holds what it was given, and nothing more is delivered."""
    site.printer.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    site.printer.process.send_signal(signal.SIGCONT)


def harmless_team(site, seconds):
    """Another team's user gets permissions, declares a queue and is removed again."""
    until = time.monotonic() + seconds
    site.control("add_user", "stock", "stock-secret")
    site.control("set_permissions", "stock", "^stock", "^stock", "^stock")
    time.sleep(seconds / 3)
    site.control("delete_user", "stock")
    time.sleep(max(0.0, until - time.monotonic()))


def learning(seconds):
    part = seconds // 3
    return (Phase(part), Phase(part, restart_printer), Phase(seconds - 2 * part, add_team))


SITE = Office
SCENARIOS = {
    "queue-faults": Scenario(
        "A user is added and removed; the password of the publisher is changed under it; later the broker's disk fills and it blocks all publishers.",
        401,
        3.0,
        (
            *learning(420),
            fault(harmless_team, "rabbitmq", 60, "Created user 'stock'"),
            Phase(GRACE_SECS),
            fault(authentication_failures, "rabbitmq", 100, "PLAIN login refused: user 'intake'"),
            Phase(170),
            fault(disk_full, "rabbitmq", 90, "disk resource limit alarm set|Free disk space is insufficient"),
            Phase(120),
        ),
    ),
    "queue-stuck": Scenario(
        "The consumer of a queue freezes and comes back.",
        409,
        3.0,
        (*learning(420), fault(hung_consumer, "printer", 120, ""), Phase(140)),
        split="train",
    ),
}
