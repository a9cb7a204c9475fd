"""A booking office over many days, in little time: real servers whose clocks run fast, by libfaketime.

nginx, the service `booking`, PostgreSQL, cron and rsyslog; the load has a day, a week and a lunch hour.
Each server reads its own fast clock; what they wait for on the network takes its real time.
"""

import datetime
import math
import os
import random
import shutil
import socket
import subprocess
import time

from machine import LOG, PROGRAMS, PYTHON, ROOT, own_dev, own_file, own_folder, run
from process import Server
from site_base import Load, Site, poisson
from sites.shop import POSTGRES_BIN

DAY, HOUR = 86_400, 3600
# On the fast clock, from the start of the servers to the midnight at which the capture begins.
SETTLING = HOUR
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
# A Monday, midnight.
BEGIN = datetime.datetime(2026, 11, 2, tzinfo=datetime.timezone.utc).timestamp()
# Share of the busiest hour, by the hour of the day.
# fmt: off
DAY_CURVE = (
    0.14, 0.09, 0.06, 0.05, 0.05, 0.07, 0.14, 0.28, 0.52, 0.74, 0.86, 0.88,
    0.72, 0.76, 0.88, 0.90, 0.84, 0.80, 0.86, 1.0, 0.96, 0.74, 0.46, 0.25,
)
# fmt: on
WEEKEND = 0.65
CITIES = ["Lyon", "Porto", "Gent", "Graz", "Brno", "Turku", "Bergen"]
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "BookingApp/3.1 (iOS 17.5)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
]

# What a daemon does by the clock would come hundreds of times as often: the waits are long.
POSTGRES_CONF = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 40
shared_buffers = 32MB
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_connections = on
log_disconnections = on
log_checkpoints = on
log_autovacuum_min_duration = 0
checkpoint_timeout = 1h
checkpoint_completion_target = 0.0
bgwriter_delay = 10s
wal_writer_delay = 10s
autovacuum_naptime = 3h
fsync = off
"""
SCHEMA = """
CREATE ROLE booking LOGIN;
CREATE ROLE backup LOGIN SUPERUSER;
CREATE TABLE rooms (id int PRIMARY KEY, city text, price int);
CREATE TABLE bookings (id serial PRIMARY KEY, room int, guest int, night int);
CREATE TABLE rates (code int PRIMARY KEY, value float);
SELECT setseed(0.5);
INSERT INTO rooms SELECT n, (ARRAY['Lyon','Porto','Gent','Graz','Brno','Turku','Bergen'])[1 + n % 7], 4000 + (random() * 20000)::int FROM generate_series(1, 700) n;
INSERT INTO rates SELECT n, 1 + random() FROM generate_series(1, 34) n;
CREATE INDEX ON bookings (room, night);
CREATE INDEX ON bookings (guest);
CREATE MATERIALIZED VIEW nights AS SELECT night, count(*) FROM bookings GROUP BY night;
GRANT ALL ON ALL TABLES IN SCHEMA public TO booking;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO booking;
"""
RSYSLOG_CONF = f"""
module(load="imuxsock" sysSock.useSysTimeStamp="off")
global(workDirectory="{ROOT}/rsyslog")
*.* action(type="omfile" file="{LOG}/syslog.log")
"""
JOBS = """MAILTO=""
PATH=/usr/sbin:/usr/bin:/sbin:/bin
*/30 * * * * root /srv/shop/app/rates
45 4 * * * root /srv/shop/app/report
30 2 * * * root /srv/shop/app/backup
"""


def level(seconds):
    """The load at a time since the first Monday, as a share of the busiest hour."""
    hour = seconds % DAY / 3600
    before, after = DAY_CURVE[int(hour)], DAY_CURVE[(int(hour) + 1) % 24]
    curve = before + (after - before) * (hour % 1)
    return curve * (WEEKEND if seconds // DAY % 7 >= 5 else 1.0) * (1 + 0.05 * math.sin(seconds / 4000))


class Office(Site):
    """All servers of the office. Settings: `first_day` of the week, 0 for Monday; `lost`, the job that goes missing."""

    def __init__(self, scenario):
        super().__init__(scenario)
        self.first = BEGIN + DAY * self.settings.get("first_day", 0)
        self.started = time.time()
        self.servers = []

    def now(self):
        return self.first - SETTLING + (time.time() - self.started) * self.scenario.speed

    def load(self, seed, seconds):
        """Visits at the pace of the day; `seconds` are those of the fast clock."""
        source, speed, begin = random.Random(seed), self.scenario.speed, self.first - BEGIN
        visits = poisson(
            source,
            lambda at: self.scenario.requests_per_sec * level(begin + at),
            self.scenario.requests_per_sec * 1.05,
            seconds,
        )
        requests = [(at / speed, user, path) for start in visits for at, user, path in visit(source, start)]
        requests += [(at / speed, 0, "/health") for at in range(150, int(seconds), 600)]
        return Load(sorted(request for request in requests if request[0] < seconds / speed), send, 24)

    def server(self, name, user, command, log=None, **environment):
        """Starts a server whose clock begins where that of the site is."""
        moment = datetime.datetime.fromtimestamp(round(self.now()), datetime.timezone.utc)
        fake = {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME": f"@{moment:%Y-%m-%d %H:%M:%S} x{self.scenario.speed:g}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
        server = Server(name, user, command, log, {**fake, **environment})
        server.start()
        self.servers.append(server)
        return server

    def start(self):
        for name in ("booking.py", "backup", "report", "rates"):
            shutil.copy(PROGRAMS / "booking" / name, ROOT / "app" / name)
        shutil.copy(PROGRAMS / "booking/nginx.conf", ROOT / "nginx/nginx.conf")
        for name in ("backup", "rsyslog", "www/assets"):
            (ROOT / name).mkdir()
        (ROOT / "www/assets/site.css").write_text("/* the look of the office */\n" * 30)
        (ROOT / "rsyslog/rsyslog.conf").write_text(RSYSLOG_CONF)
        self.create_database()
        own_dev()
        own_folder("/etc/cron.d"), own_folder("/var/spool/cron/crontabs"), own_folder("/run")
        own_file("/etc/crontab", "")
        self.set_jobs(JOBS)
        self.started = time.time()
        self.server(
            "rsyslog", "root", ["rsyslogd", "-n", "-i", f"{ROOT}/rsyslog/pid", "-f", f"{ROOT}/rsyslog/rsyslog.conf"]
        )
        self.server(
            "postgres", "postgres", [f"{POSTGRES_BIN}/postgres", "-D", f"{ROOT}/postgres/data"], LOG / "postgres.log"
        )
        time.sleep(1.0)
        self.server(
            "booking", "www-data", [PYTHON, "-u", f"{ROOT}/app/booking.py"], LOG / "booking.log", VERSION="2.0.4"
        )
        self.server("cron", "root", ["cron", "-f"])
        self.server("nginx", "root", ["nginx", "-c", f"{ROOT}/nginx/nginx.conf", "-g", "daemon off;"])
        time.sleep(max(0.0, self.started + SETTLING / self.scenario.speed - time.time()))
        # The logs begin at midnight, after the start of the servers, some of which name the machine's kernel.
        for log in LOG.glob("*.log"):
            os.truncate(log, 0)

    def create_database(self):
        data = ROOT / "postgres/data"
        shutil.chown(ROOT / "postgres", "postgres")
        run(
            f"{POSTGRES_BIN}/initdb",
            "-D",
            str(data),
            "-A",
            "trust",
            "--encoding=UTF8",
            user="postgres",
            cwd="/",
            stderr=subprocess.STDOUT,
        )
        with open(data / "postgresql.conf", "a") as conf:
            conf.write(POSTGRES_CONF)
        single = [f"{POSTGRES_BIN}/postgres", "--single", "-j", "-D", str(data)]
        for database, text in (
            ("postgres", "CREATE DATABASE booking;\n\n"),
            ("booking", SCHEMA.replace(";\n", ";\n\n")),
        ):
            run(*single, database, input=text, user="postgres", cwd="/", stderr=subprocess.STDOUT)

    def set_jobs(self, text):
        with open("/etc/cron.d/booking", "w") as jobs:
            jobs.write(text)
        # cron looks at the time of change, which must be one of its own clock.
        os.utime("/etc/cron.d/booking", (self.now(), self.now()))
        os.utime("/etc/cron.d", (self.now(), self.now()))

    def versions(self):
        return {
            "postgres": run(f"{POSTGRES_BIN}/postgres", "--version").strip(),
            "nginx": subprocess.run(["nginx", "-v"], stderr=subprocess.PIPE, text=True).stderr.strip(),
            **{
                name: run("dpkg-query", "-W", "-f", "${Version}", name)
                for name in ("cron", "rsyslog", "faketime", "python3")
            },
        }


def visit(source, at):
    """The requests of one visit: (time, user, path)."""
    user, city = source.randint(1, 600), source.choice(CITIES)
    yield at, user, "/assets/site.css"
    yield at, user, f"/rooms?city={city if source.random() > 0.01 else 'Atlantis'}"
    for _ in range(source.randint(0, 3)):
        at += source.expovariate(1 / 60)
        yield at, user, f"/room?id={source.randint(1, 700) if source.random() > 0.02 else source.randint(701, 800)}"
    if source.random() < 0.3:
        at += source.expovariate(1 / 90)
        yield at, user, f"/book?room={source.randint(1, 700)}&guest={user}&night={source.randint(1, 60)}"
    if source.random() < 0.15:
        yield at + 40, user, f"/bookings?guest={user}"
    if source.random() < 0.03:
        yield at + 50, user, source.choice(["/assets/favicon.ico", "/assets/robots.txt"])


def send(user, path):
    head = (
        f"{'POST' if path.startswith('/book?') else 'GET'} {path} HTTP/1.1\r\nHost: booking.example\r\nConnection: close\r\nContent-Length: 0\r\n"
        f"User-Agent: {BROWSERS[user % 3] if user else 'HealthCheck/1.0'}\r\nX-Forwarded-For: 198.51.100.{1 + user % 250}\r\n\r\n"
    )
    try:
        with socket.create_connection(("127.0.0.1", 8080), 5.0) as connection:
            connection.sendall(head.encode())
            while connection.recv(65536):
                pass
    except OSError:
        pass
