"""What happens when in each capture of the edge, and the faults that do it."""

import os
import random
import signal
import time

from plan import GRACE_SECS, Phase, Scenario, fault
from site_base import Load
from sites.edge import EDGE, Edge, schedule, send

PROBES = [
    "/.env",
    "/wp-login.php",
    "/admin/",
    "/.git/config",
    "/phpmyadmin/",
    "/backup.zip",
    "/server-status",
    "/api/v1/users",
    "/old/",
    "/test.php",
]

SURGE, SURGE_SEED = 9.0, 9


def reload_haproxy(site, seconds):
    """HAProxy takes up its configuration anew, as after any change of it."""
    site.reload_haproxy()
    time.sleep(seconds)


def restart_web(site, seconds):
    """One Apache is restarted gracefully, as after a rotation of its logs."""
    site.webs[2].process.send_signal(signal.SIGUSR1)
    time.sleep(seconds)


def harmless_scan(_, seconds):
    """Somebody tries paths that others have left open; there is nothing to be found."""
    source, until = random.Random(3), time.monotonic() + seconds
    scan = Load(
        [
            (n / 20, "203.0.113.250", source.choice(PROBES) + f"?{n}", "Mozilla/5.0 zgrab/0.x", False)
            for n in range(int(20 * (seconds - 2)))
        ],
        send,
        8,
    )
    scan.start()
    scan.join()
    time.sleep(max(0.0, until - time.monotonic()))


def traffic_surge(site, seconds):
    """Several times the visitors come; the slow page takes more threads than there are."""
    until = time.monotonic() + seconds
    surge = Load(schedule(SURGE_SEED, SURGE * site.scenario.requests_per_sec, seconds), send)
    surge.start()
    time.sleep(max(0.0, until - time.monotonic()))
    surge.stopping.set()


def certificate_expired(site, seconds):
    """The certificate of the site has just expired; in the end it is renewed."""
    time.sleep(seconds)
    site.make_certificate(time.time() + 60 * 86_400)
    site.reload_haproxy()


def wrong_certificate(site, seconds):
    """A certificate of another name is put in place; in the end the right one comes back."""
    until = time.monotonic() + seconds
    site.make_certificate(time.time() + 60 * 86_400, "warehouse.example")
    site.reload_haproxy()
    time.sleep(max(0.0, until - time.monotonic()))
    site.make_certificate(time.time() + 60 * 86_400)
    site.reload_haproxy()


def node_dead(site, seconds):
    """One of the three web servers is killed, and started again in the end."""
    for process in site.web_processes(2):
        os.kill(process, signal.SIGKILL)
    site.webs[2].process.wait()
    time.sleep(seconds)
    (EDGE / "web-2.pid").unlink(missing_ok=True)
    site.webs[2].start()


def traffic_gone(site, seconds):
    """No visitor finds the site any more, as after a mistake in its DNS; the monitor goes by address."""
    site.visitors.muted.set()
    time.sleep(seconds)
    site.visitors.muted.clear()


def learning(seconds):
    part = seconds // 3
    return (Phase(part), Phase(part, reload_haproxy), Phase(seconds - 2 * part, restart_web))


SITE = Edge
SCENARIOS = {
    "edge-overload": Scenario(
        "Somebody scans for open paths; later several times the usual visitors come, and a third of the answers are 503.",
        307,
        9.0,
        (
            *learning(420),
            fault(harmless_scan, "haproxy", 60, "zgrab"),
            Phase(GRACE_SECS),
            fault(traffic_surge, "haproxy", 100, r" 503 |AH00484|AH10159"),
            Phase(150),
        ),
    ),
    "edge-certificate": Scenario(
        "The certificate of the site expires and is renewed; later all visitors stay away for a while.",
        311,
        9.0,
        (
            *learning(420),
            fault(certificate_expired, "haproxy", 120, "SSL handshake failure"),
            Phase(160),
            fault(traffic_gone, "haproxy", 120, ""),
            Phase(90),
        ),
        {"expires_secs": 420},
    ),
    "edge-mistakes": Scenario(
        "HAProxy gets a certificate of another name for a while; later one of three web servers is killed.",
        313,
        9.0,
        (
            *learning(420),
            fault(wrong_certificate, "haproxy", 100, "SSL handshake failure"),
            Phase(160),
            fault(node_dead, "web-2-access", 100, "Server web/web-2 is DOWN| SC-- "),
            Phase(110),
        ),
        split="train",
    ),
}
