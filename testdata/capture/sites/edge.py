"""The edge of a parcel service: HAProxy ends TLS and balances over three Apache httpd with a slow page.

Clients have documentation addresses (RFC 5737) of their own on the loopback interface and check the certificate.
"""

import contextlib
import datetime
import math
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time

from machine import LOG, PROGRAMS, ROOT, run
from process import Server
from site_base import Load, Site, poisson

EDGE = ROOT / "edge"
ADDRESS = ("192.0.2.1", 443)
WEBS = (1, 2, 3)
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "ParcelApp/7.4 (Android 14)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "python-requests/2.31.0",
]
PAGES = ["/", "/style.css", "/track.js", "/prices.html", "/depots.html"]
CA_CONF = """[ca]
default_ca=own
[own]
database=index
serial=serial
new_certs_dir=.
default_md=sha256
policy=any
unique_subject=no
[any]
commonName=supplied
"""


class Edge(Site):
    """Settings: `expires_secs`, when the first certificate expires, in seconds from the begin of the load."""

    def start(self):
        EDGE.mkdir()
        for address in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"):
            run("ip", "address", "add", address.replace(".0/", ".1/"), "dev", "lo")
        shutil.copy(PROGRAMS / "edge/haproxy.cfg", EDGE / "haproxy.cfg")
        shutil.copy(PROGRAMS / "edge/quote", ROOT / "app/quote")
        for page in PAGES:
            (ROOT / "www" / (page[1:] or "index.html")).write_text("a page of the parcel service\n" * 60)
        (ROOT / "www/health").write_text("ok\n")
        self.webs = {node: self.web(node) for node in WEBS}
        self.make_authority()
        expires = math.ceil(time.time() + 4 + self.settings.get("expires_secs", 86_400))
        self.make_certificate(expires)
        self.haproxy = Server(
            "haproxy",
            "root",
            ["haproxy", "-W", "-f", f"{EDGE}/haproxy.cfg", "-p", f"{EDGE}/haproxy.pid"],
            LOG / "haproxy.log",
        )
        self.haproxy.start()
        # The load begins so that the certificate expires to the second.
        time.sleep(max(0.0, expires - self.settings.get("expires_secs", 86_400) - time.time()))
        self.checks.start()

    def web(self, node):
        (EDGE / f"web-{node}.conf").write_text((PROGRAMS / "edge/apache.conf").read_text().replace("@NODE@", str(node)))
        (EDGE / f"run-{node}").mkdir()
        server = Server(f"web-{node}", "root", ["apache2", "-f", f"{EDGE}/web-{node}.conf", "-DFOREGROUND"])
        server.start()
        return server

    def make_authority(self):
        (EDGE / "index").touch()
        (EDGE / "serial").write_text("1000\n")
        (EDGE / "ca.conf").write_text(CA_CONF)
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=Parcel CA",
            "-days",
            "30",
            cwd=EDGE,
            stderr=subprocess.STDOUT,
        )
        run(
            "openssl",
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "site.key",
            "-out",
            "site.csr",
            "-subj",
            "/CN=parcel.example",
            cwd=EDGE,
            stderr=subprocess.STDOUT,
        )

    def make_certificate(self, expires, name="parcel.example"):
        end = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
        run(
            "openssl",
            "ca",
            "-batch",
            "-config",
            "ca.conf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
            "-in",
            "site.csr",
            "-out",
            "site.crt",
            "-subj",
            f"/CN={name}",
            "-startdate",
            f"{end - datetime.timedelta(days=90):%Y%m%d%H%M%SZ}",
            "-enddate",
            f"{end:%Y%m%d%H%M%SZ}",
            "-notext",
            cwd=EDGE,
            stderr=subprocess.STDOUT,
        )
        (EDGE / "site.pem").write_text((EDGE / "site.crt").read_text() + (EDGE / "site.key").read_text())

    def web_processes(self, node):
        """The master of a web server and all its children."""
        master = self.webs[node].process.pid
        children = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def reload_haproxy(self):
        self.haproxy.process.send_signal(signal.SIGUSR2)

    def load(self, seed, seconds):
        self.checks = Load(
            [(at, "192.0.2.10", "/health", "Monitor/2.1", True) for at in range(2, int(seconds), 5)], send, 4
        )
        self.visitors = Load(schedule(seed, self.scenario.requests_per_sec, seconds), send)
        return self.visitors

    def versions(self):
        return {name: run("dpkg-query", "-W", "-f", "${Version}", name) for name in ("haproxy", "apache2", "openssl")}


def schedule(seed, rate, seconds):
    """Requests of visitors: (offset, address, path, browser, whether it checks the certificate)."""
    source, requests = random.Random(seed), []
    for at in poisson(source, lambda at: rate / 5 * (1 + 0.12 * math.sin(at / 67)), rate / 5 * 1.12, seconds):
        user = source.randint(1, 240)
        address = f"198.51.100.{user}" if user % 3 else f"203.0.113.{user}"
        checks = user % 13 != 0
        for _ in range(source.randint(1, 5)):
            requests.append((at, address, source.choice(PAGES), BROWSERS[user % 4], checks))
            at += source.expovariate(1 / 2)
        for _ in range(source.randint(0, 4)):
            requests.append((at, address, f"/quote?parcel={source.randint(1, 9999)}", BROWSERS[user % 4], checks))
            at += source.expovariate(1 / 3)
        if source.random() < 0.06:
            requests.append(
                (
                    at,
                    address,
                    source.choice(["/favicon.ico", "/robots.txt", "/apps/old.html"]),
                    BROWSERS[user % 4],
                    checks,
                )
            )
    return sorted(request for request in requests if request[0] < seconds)


def send(address, path, browser, checks):
    context = ssl.create_default_context(cafile=f"{EDGE}/ca.pem")
    if not checks:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = f"GET {path} HTTP/1.1\r\nHost: parcel.example\r\nUser-Agent: {browser}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):
        with (
            socket.create_connection(ADDRESS, 6.0, (address, 0)) as plain,
            context.wrap_socket(plain, server_hostname="parcel.example") as secure,
        ):
            secure.sendall(head.encode())
            while secure.recv(65536):
                pass
