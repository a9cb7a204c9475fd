"""A lending library: Apache httpd before Tomcat, a JVM, with a servlet of our own, and MariaDB behind it."""

import contextlib
import math
import os
import random
import shutil
import socket
import subprocess
import time

from machine import LOG, PROGRAMS, ROOT, run
from process import Server
from site_base import Load, Site, poisson

HOME, BASE = "/usr/share/tomcat10", ROOT / "tomcat"
HEAP = "160m"
WORDS = ["river", "winter", "stone", "garden", "letter", "shadow"]
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Kiosk/2.2",
    "LibraryApp/1.8 (iOS 17.5)",
]
MARIADB_CONF = f"""[mariadbd]
user=mysql
datadir={ROOT}/mariadb/data
socket={ROOT}/mariadb/socket
pid-file={ROOT}/mariadb/pid
bind-address=127.0.0.1
port=3306
log_error={LOG}/mariadb.log
log_warnings=4
slow_query_log=1
slow_query_log_file={LOG}/mariadb-slow.log
long_query_time=0.008
max_connections=40
innodb_buffer_pool_size=32M
innodb_log_file_size=8M
innodb_flush_log_at_trx_commit=2
"""
SCHEMA = """CREATE DATABASE library; USE library;
CREATE USER library@localhost IDENTIFIED BY 'library'; GRANT ALL ON library.* TO library@localhost;
CREATE TABLE books (id INT PRIMARY KEY, title VARCHAR(80), kind VARCHAR(10), reader INT);
INSERT INTO books SELECT seq, CONCAT('the ', ELT(1 + seq MOD 6, 'river', 'winter', 'stone', 'garden', 'letter', 'shadow'), ' ', MD5(seq)),
  ELT(1 + seq MOD 9, 'novel', 'novel', 'picture', 'novel', 'music', 'novel', 'audio', 'picture', 'novel'), NULL FROM seq_1_to_20000;
"""


class Library(Site):
    supervise_secs = 2.0

    def start(self):
        for folder in ("conf", "lib", "logs", "work", "temp", "webapps/ROOT/WEB-INF/classes"):
            (BASE / folder).mkdir(parents=True)
        for name in ("server.xml", "logging.properties", "context.xml"):
            shutil.copy(PROGRAMS / "library" / name, BASE / "conf" / name)
        for name in ("web.xml", "catalina.properties"):
            shutil.copy(f"/etc/tomcat10/{name}", BASE / "conf" / name)
        shutil.copy("/usr/share/java/mariadb-java-client.jar", BASE / "lib")
        self.create_database()
        self.build("3.1.4")
        run("chown", "-R", "tomcat", str(BASE))
        self.tomcat = self.tomcat_of(HEAP)
        self.tomcat.start()
        shutil.copy(PROGRAMS / "library/apache.conf", BASE / "apache.conf")
        Server("apache", "root", ["apache2", "-f", f"{BASE}/apache.conf", "-DFOREGROUND"]).start()
        time.sleep(15.0)
        # The logs begin in mid-life: the start of a JVM on a busy machine takes a while.
        for log in LOG.glob("*.log"):
            os.truncate(log, 0)

    def create_database(self):
        folder = ROOT / "mariadb"
        folder.mkdir()
        shutil.chown(folder, "mysql", "mysql")
        (folder / "my.cnf").write_text(MARIADB_CONF)
        run(
            "mariadb-install-db",
            f"--defaults-file={folder}/my.cnf",
            "--skip-test-db",
            user="mysql",
            cwd="/",
            stderr=subprocess.STDOUT,
        )
        self.mariadb = Server("mariadb", "mysql", ["mariadbd", f"--defaults-file={folder}/my.cnf"])
        self.mariadb.start()
        for _ in range(60):
            time.sleep(0.5)
            with contextlib.suppress(subprocess.CalledProcessError):
                run("mariadb", f"--socket={folder}/socket", "-e", "SELECT 1", user="mysql", stderr=subprocess.STDOUT)
                break
        run("mariadb", f"--socket={folder}/socket", "-u", "mysql", input=SCHEMA, user="mysql")

    def build(self, version):
        """Compiles a version of the servlet; 3.2.0 has lost what to do with a kind that is not in its table."""
        source = (PROGRAMS / "library/Library.java").read_text().replace('"3.1.4"', f'"{version}"')
        if version == "3.2.0":
            source = source.replace("DAYS.getOrDefault(kind, 28)", "DAYS.get(kind)")
        (BASE / "Library.java").write_text(source)
        run(
            "javac",
            "-J-XX:+UseSerialGC",
            "-cp",
            f"{HOME}/lib/servlet-api.jar",
            "-d",
            str(BASE / "webapps/ROOT/WEB-INF/classes"),
            str(BASE / "Library.java"),
        )
        (BASE / "webapps/ROOT/WEB-INF/web.xml").write_text(
            f"<web-app><display-name>library {version}</display-name></web-app>\n"
        )

    def tomcat_of(self, heap):
        command = [
            "java",
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Djava.util.logging.config.file={BASE}/conf/logging.properties",
            "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
            f"-Dcatalina.home={HOME}",
            f"-Dcatalina.base={BASE}",
            f"-Djava.io.tmpdir={BASE}/temp",
            "-cp",
            f"{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar",
            "org.apache.catalina.startup.Bootstrap",
            "start",
        ]
        return Server("tomcat", "tomcat", command, LOG / "tomcat.log")

    def deploy(self, version):
        """Tomcat looks every ten seconds whether web.xml is newer, and reloads the application."""
        self.build(version)

    def replace_tomcat(self, other):
        old, self.tomcat = self.tomcat, None
        if not old.ended():
            old.stop()
        other.start()
        self.tomcat = other

    def supervise(self):
        if self.tomcat and self.tomcat.ended():
            self.tomcat.start()

    def load(self, seed, seconds):
        return Load(schedule(seed, self.scenario.requests_per_sec, seconds), send)

    def versions(self):
        return {
            name: run("dpkg-query", "-W", "-f", "${Version}", name)
            for name in ("apache2", "tomcat10", "mariadb-server", "libmariadb-java")
        } | {"java": subprocess.run(["java", "-version"], stderr=subprocess.PIPE, text=True).stderr.splitlines()[0]}


def schedule(seed, rate, seconds):
    """Requests of readers: (offset, reader, path)."""
    source, requests, lent = random.Random(seed), [(at + 0.5, 0, "/health") for at in range(0, int(seconds), 10)], []
    for at in poisson(source, lambda at: rate / 4 * (1 + 0.12 * math.sin(at / 67)), rate / 4 * 1.12, seconds):
        reader = source.randint(1, 400)
        requests.append((at, reader, f"/search?q={source.choice(WORDS)}+{source.randint(0, 99):02d}"))
        for _ in range(source.randint(1, 3)):
            at += source.expovariate(1 / 3)
            requests.append((at, reader, f"/book?id={source.randint(1, 20000 if source.random() < 0.97 else 30000)}"))
        if source.random() < 0.6:
            lent.append(source.randint(1, 20000) if source.random() < 0.95 or not lent else source.choice(lent))
            requests.append((at + 2, reader, f"/lend?id={lent[-1]}&reader={reader}"))
        if lent and source.random() < 0.4:
            requests.append((at + 4, reader, f"/return?id={source.choice(lent)}"))
        if source.random() < 0.03:
            requests.append((at + 1, reader, source.choice(["/favicon.ico", "/robots.txt", "/old/catalogue"])))
    return sorted(request for request in requests if request[0] < seconds)


def send(reader, path):
    address = f"198.51.100.{1 + reader % 250}" if reader % 3 else f"203.0.113.{1 + reader % 250}"
    head = (
        f"GET {path} HTTP/1.1\r\nHost: library.example\r\nConnection: close\r\nX-Forwarded-For: {address}\r\n"
        f"User-Agent: {BROWSERS[reader % 3] if reader else 'HealthCheck/1.0'}\r\n\r\n"
    )
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 8000), 10.0) as connection:
        connection.sendall(head.encode())
        while connection.recv(65536):
            pass
