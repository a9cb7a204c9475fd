"""The faults, and the harmless events that look like some. Each does its work, holds for its time and undoes itself."""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import time

import psycopg2

from machine import PYTHON, ROOT
from process import Server
from site_base import Load
from sites.shop import POSTGRES_BIN
from sites.shop_load import schedule, send

CRASHES = 10
RUSH_SEED, RUSH_PER_SEC = 7, 9.0


def reload_nginx(shop, seconds):
    shop.reload_nginx()
    time.sleep(seconds)


def deploy_catalog(shop, seconds):
    shop.deploy("catalog", "1.8.1")
    time.sleep(seconds - 2)


def connection_exhaustion(_, seconds):
    """A reporting job opens database connections and closes none."""
    report = Server("report", "www-data", [PYTHON, f"{ROOT}/app/report.py"])
    report.start()
    time.sleep(seconds)
    report.stop()


def slow_dependency(shop, seconds):
    """Redis is frozen: it accepts connections and never answers."""
    shop.redis.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    shop.redis.process.send_signal(signal.SIGCONT)


def dependency_down(shop, seconds):
    """Redis is killed and stays away for a while."""
    shop.redis.stop(signal.SIGKILL)
    time.sleep(seconds)
    shop.redis.start()


def backend_crash(shop, seconds):
    """PostgreSQL backends are killed, as by a kernel out of memory; each time the server resets all the others."""
    for _ in range(CRASHES):
        with contextlib.suppress(IndexError, ProcessLookupError):
            os.kill(random.choice(backends(shop)), signal.SIGKILL)
        time.sleep(seconds / CRASHES)


def backends(shop):
    children = pathlib.Path(f"/proc/{shop.postgres.process.pid}/task/{shop.postgres.process.pid}/children").read_text()
    found = [int(pid) for pid in children.split()]
    return [pid for pid in found if b"postgres: shop shop" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]


def disk_full(_, seconds):
    """A file beside the database grows until its disk is full, and takes each byte that comes free again."""
    path, until = ROOT / "postgres/copy.tar", time.monotonic() + seconds
    with open(path, "ab", buffering=0) as filler:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                while filler.write(bytes(65536)) == 65536:
                    pass
            time.sleep(0.1)
    path.unlink()


def lock_wait(_, seconds):
    """A migration takes an exclusive lock on the orders and does not come to its end."""
    migration = psycopg2.connect(host="127.0.0.1", user="postgres", dbname="shop", application_name="migration")
    migration.cursor().execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    time.sleep(seconds)
    migration.rollback()
    migration.close()


def hung_service(shop, seconds):
    """The catalog is frozen: connections to it open and nothing comes back."""
    catalog = shop.services["catalog"].process
    catalog.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    catalog.send_signal(signal.SIGCONT)


def broken_config(shop, seconds):
    """nginx is given a configuration with a misspelt directive, then one that names the wrong port of checkout."""
    path = ROOT / "nginx/nginx.conf"
    right = path.read_text()
    path.write_text(right.replace("proxy_pass http://checkout", "proxy_pas http://checkout"))
    shop.reload_nginx()
    time.sleep(10)
    path.write_text(right.replace("127.0.0.1:8081", "127.0.0.1:8018"))
    shop.reload_nginx()
    time.sleep(seconds - 10)
    path.write_text(right)
    shop.reload_nginx()


def bad_deploy(shop, seconds):
    """A version of checkout that fails at some vouchers goes live and is rolled back."""
    shop.deploy("checkout", "2.4.0")
    time.sleep(seconds - 2)
    shop.deploy("checkout", "2.3.1")


def harmless_flood(shop, seconds):
    """Debug logging of the catalog is switched on: many more lines, nothing wrong."""
    shop.services["catalog"].process.send_signal(signal.SIGUSR1)
    time.sleep(seconds)
    shop.services["catalog"].process.send_signal(signal.SIGUSR1)


def harmless_restart(shop, seconds):
    """Checkout is started anew at the same version, as for a change of its settings."""
    shop.deploy("checkout", "2.3.1")
    time.sleep(seconds - 2)


def harmless_rush(_, seconds):
    """More customers come than usual, and all are served."""
    rush = Load(schedule(RUSH_SEED, RUSH_PER_SEC, seconds), send)
    rush.start()
    rush.join()


def harmless_backup(_, seconds):
    """The database is dumped and Redis saves on request."""
    for _ in range(3):
        subprocess.run([f"{POSTGRES_BIN}/pg_dump", "-h", "127.0.0.1", "-U", "postgres", "-f", f"{ROOT}/dump.sql", "shop"])
        subprocess.run(["redis-cli", "BGSAVE"], stdout=subprocess.DEVNULL)
        time.sleep(seconds / 3)
