"""Three brokers of Apache Kafka in one cluster, and two JVM services on it: orders sends, billing reads.

The packages of Kafka come from `scripts/kafka install`.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from machine import LOG, PROGRAMS, ROOT, mount_small, run
from plan import GRACE_SECS, Phase, Scenario, fault
from process import Server
from site_base import Load, Site

NODES = (1, 2, 3)
LIB = ROOT / "kafka/lib"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
JAVA = [
    "/usr/bin/java",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
    "-cp",
    f"{LIB}/*",
]
BROKERS = "127.0.0.1:9092"


def packages():
    """The folder with the packages of Kafka, as `scripts/kafka` leaves it."""
    folder = os.environ.get("LOGWAKE_KAFKA_DIR") or pathlib.Path(__file__).resolve().parents[3] / "target/kafka"
    return sorted(pathlib.Path(folder).glob("lib-*"))[-1]


def java(log4j, heap, *words):
    return [*JAVA[:-2], f"-Xmx{heap}", f"-Dlog4j2.configurationFile=file:{ROOT}/kafka/{log4j}", *JAVA[-2:], *words]


class Cluster(Site):
    """The brokers log to kafka-N.log."""

    def start(self):
        LIB.mkdir(parents=True)
        run("mount", "--bind", str(packages()), str(LIB))
        for path in (PROGRAMS / "kafka").iterdir():
            shutil.copy(path, ROOT / "kafka" / path.name)
        self.nodes = {node: self.node(node) for node in NODES}
        for node in self.nodes.values():
            node.start()
        self.wait()
        self.topic("orders")
        self.services = {
            "orders": self.service("orders", "orders", str(self.scenario.seed), str(self.scenario.requests_per_sec)),
            "billing": self.service("billing", "billing", "1"),
        }
        for service in self.services.values():
            service.start()
        time.sleep(25.0)
        # The logs begin in mid-life: the start of a JVM on a busy machine takes a while.
        for log in LOG.glob("*.log"):
            os.truncate(log, 0)

    def node(self, node):
        folder, settings = ROOT / f"kafka/node-{node}", (PROGRAMS / "kafka/server.properties").read_text()
        folder.mkdir()
        mount_small(folder, "96m", 0)
        for name, value in (("NODE", node), ("PORT", 9091 + node), ("CONTROLLER", 9191 + node)):
            settings = settings.replace(f"@{name}@", str(value))
        (ROOT / f"kafka/server-{node}.properties").write_text(settings)
        run(
            *java(
                "log4j2.properties",
                "128m",
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                CLUSTER,
                "--config",
                f"{ROOT}/kafka/server-{node}.properties",
            ),
            stderr=subprocess.STDOUT,
        )
        command = java("log4j2.properties", "256m", "kafka.Kafka", f"{ROOT}/kafka/server-{node}.properties")
        return Server(f"kafka-{node}", "root", command, LOG / f"kafka-{node}.log")

    def wait(self):
        command = java(
            "log4j2.properties",
            "128m",
            "org.apache.kafka.tools.ClusterTool",
            "list-endpoints",
            "--bootstrap-server",
            BROKERS,
        )
        for _ in range(40):
            listed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
            if all(f"{9091 + node}" in listed for node in NODES):
                return
            time.sleep(1.0)
        raise SystemExit("the brokers did not come up")

    def topic(self, *words):
        action = ["--create", "--partitions", "6"] if len(words) == 1 else list(words[1:])
        run(
            *java(
                "log4j2.properties",
                "128m",
                "org.apache.kafka.tools.TopicCommand",
                "--bootstrap-server",
                BROKERS,
                *action,
                "--topic",
                words[0],
            ),
            stderr=subprocess.STDOUT,
        )

    def service(self, log, *words):
        return Server(
            log,
            "root",
            java("service-log4j2.properties", "128m", f"{ROOT}/kafka/Orders.java", *words),
            LOG / f"{log}.log",
        )

    def load(self, seed, seconds):
        """The orders come from the service `orders` itself, by the seed of the scenario."""
        return Load([], None)

    def versions(self):
        return {
            "kafka": next(path.stem.removeprefix("kafka-clients-") for path in LIB.glob("kafka-clients-*")),
            "java": subprocess.run(["java", "-version"], stderr=subprocess.PIPE, text=True).stderr.splitlines()[0],
        }


def make_topic(site, seconds):
    """A topic of another team comes and goes."""
    until = time.monotonic() + seconds
    site.topic("returns")
    time.sleep(max(0.0, until - time.monotonic() - 20))
    site.topic("returns", "--delete")
    time.sleep(max(0.0, until - time.monotonic()))


def restart_billing(site, seconds):
    """A new release of billing: the old one leaves the group, the new one joins."""
    until = time.monotonic() + seconds
    site.services["billing"].stop()
    site.services["billing"].start()
    time.sleep(max(0.0, until - time.monotonic()))


def harmless_rebalance(site, seconds):
    """A second instance of billing joins its group for a while and leaves it again."""
    until = time.monotonic() + seconds
    second = site.service("billing", "billing", "2")
    second.start()
    time.sleep(max(0.0, until - time.monotonic() - 20))
    second.stop()
    time.sleep(max(0.0, until - time.monotonic()))


def node_dead(site, seconds):
    """One of three brokers is killed and stays away for a while."""
    site.nodes[2].stop(signal.SIGKILL)
    time.sleep(seconds)
    site.nodes[2].start()


def hung_node(site, seconds):
    """One of three brokers is frozen: connections to it stay open and nothing comes back."""
    site.nodes[3].process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    site.nodes[3].process.send_signal(signal.SIGCONT)


def disk_full(site, seconds):
    """The disk of one broker fills up; it is freed, and the broker started again."""
    path, until = ROOT / "kafka/node-1/copy.tar", time.monotonic() + seconds
    with open(path, "ab", buffering=0) as filler:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                while filler.write(bytes(65536)) == 65536:
                    pass
            time.sleep(0.1)
    path.unlink()
    if site.nodes[1].ended():
        site.nodes[1].start()


def learning(seconds):
    part = seconds // 4
    return (Phase(2 * part), Phase(part, make_topic), Phase(seconds - 3 * part, restart_billing))


SITE = Cluster
SCENARIOS = {
    "broker-dead": Scenario(
        "A consumer group rebalances for a new instance; later one of three Kafka brokers is killed and comes back.",
        211,
        12.0,
        (
            *learning(420),
            fault(harmless_rebalance, "billing", 100, "Adding newly assigned partitions"),
            Phase(GRACE_SECS),
            fault(
                node_dead,
                "kafka-2",
                120,
                r"Node may not be available|Node 2 disconnected|Fencing broker 2|Shrinking ISR",
            ),
            Phase(120),
        ),
    ),
    "broker-disk": Scenario(
        "The disk of one of three Kafka brokers fills up; the broker gives up, is freed and started again.",
        223,
        12.0,
        (*learning(420), fault(disk_full, "kafka-1", 100, "No space left on device"), Phase(130)),
    ),
    "broker-frozen": Scenario(
        "One of three Kafka brokers freezes and comes back.",
        227,
        12.0,
        (
            *learning(420),
            fault(
                hung_node,
                "kafka-3",
                110,
                "Fencing broker 3|Disconnecting from node 3|request timeout|Node 3 disconnected|Shrinking ISR",
            ),
            Phase(140),
        ),
        split="train",
    ),
}
