"""The servers of the shop, each writing its log in its own format: PostgreSQL, Redis, nginx and the two services."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

from machine import LOG, PROGRAMS, PYTHON, ROOT, mount_small, run
from process import Server
from site_base import Load, Site
from sites.shop_load import schedule, send

POSTGRES_BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]

POSTGRES_CONF = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 40
superuser_reserved_connections = 0
shared_buffers = 32MB
min_wal_size = 4MB
max_wal_size = 24MB
checkpoint_timeout = 90s
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_connections = on
log_disconnections = on
log_checkpoints = on
log_lock_waits = on
log_temp_files = 0
log_min_duration_statement = 30ms
log_autovacuum_min_duration = 0
autovacuum_naptime = 45s
"""

SCHEMA = """
CREATE ROLE shop LOGIN;
CREATE ROLE report LOGIN;
CREATE TABLE items (id int PRIMARY KEY, name text, description text, price int, stock int);
CREATE TABLE orders (id serial PRIMARY KEY, user_id int, total int, settled bool DEFAULT false);
CREATE TABLE order_lines (order_id int, item_id int, count int, price int);
SELECT setseed(0.5);
INSERT INTO items SELECT n, 'item ' || n, (ARRAY['mug','lamp','chair','desk','book','plant','clock','scarf'])[1 + n % 8]
  || ' ' || md5(n::text), 199 + (random() * 9000)::int, 100000 FROM generate_series(1, 5000) n;
INSERT INTO orders (user_id, total, settled) SELECT 1 + n % 400, 1000 + n % 7000, true FROM generate_series(1, 20000) n;
INSERT INTO order_lines SELECT n / 2, 1 + (n * 37) % 5000, 1 + n % 3, 199 + n % 9000 FROM generate_series(2, 40001) n;
CREATE INDEX ON orders (user_id);
CREATE INDEX ON orders (id) WHERE NOT settled;
GRANT ALL ON ALL TABLES IN SCHEMA public TO shop, report;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO shop;
"""

REDIS_CONF = f"""
bind 127.0.0.1
port 6379
dir {ROOT}/redis
logfile {LOG}/redis.log
loglevel verbose
save 60 200
maxmemory 64mb
maxmemory-policy allkeys-lru
"""


def app(name, version):
    command = [PYTHON, f"{ROOT}/app/{name}.py"]
    return Server(name, "www-data", command, LOG / f"{name}.log", {"SHOP_VERSION": version})


class Shop(Site):
    """All servers together."""

    def __init__(self, scenario):
        super().__init__(scenario)
        self.postgres = Server("postgres", "postgres", [f"{POSTGRES_BIN}/postgres", "-D", f"{ROOT}/postgres/data"],
                               LOG / "postgres.log")
        self.redis = Server("redis", "redis", ["redis-server", f"{ROOT}/redis/redis.conf"])
        self.nginx = Server("nginx", "root", ["nginx", "-c", f"{ROOT}/nginx/nginx.conf", "-g", "daemon off;"])
        self.services = {"checkout": app("checkout", "2.3.1"), "catalog": app("catalog", "1.8.0")}

    def start(self):
        for source in (PROGRAMS / "shop").glob("*.py"):
            shutil.copy(source, ROOT / "app" / source.name)
        for name in ("app.css", "logo.svg"):
            (ROOT / "www" / name).write_text("/* the look of the shop */\n" * 40)
        shutil.copy(PROGRAMS / "shop/nginx.conf", ROOT / "nginx/nginx.conf")
        self.create_database()
        (ROOT / "redis/redis.conf").write_text(REDIS_CONF)
        shutil.chown(ROOT / "redis", "redis")
        self.redis.start()
        for service in self.services.values():
            service.start()
        time.sleep(1.0)
        self.nginx.start()
        # The first lines of nginx name the kernel of the machine; its log begins after them.
        time.sleep(0.5)
        os.truncate(LOG / "nginx-error.log", 0)

    def create_database(self):
        account = pwd.getpwnam("postgres")
        mount_small(ROOT / "postgres", self.settings.get("database_disk", "160m"), account.pw_uid)
        data = ROOT / "postgres/data"
        run(f"{POSTGRES_BIN}/initdb", "-D", str(data), "-A", "trust", "--wal-segsize=1", "--encoding=UTF8",
            user="postgres", cwd="/", stderr=subprocess.STDOUT)
        with open(data / "postgresql.conf", "a") as conf:
            conf.write(POSTGRES_CONF + self.settings.get("database_settings", ""))
        # The schema goes in with the single-user server, so that the log begins with the first real start.
        single = [f"{POSTGRES_BIN}/postgres", "--single", "-j", "-D", str(data)]
        for database, text in (("postgres", "CREATE DATABASE shop;\n\n"), ("shop", SCHEMA.replace(";\n", ";\n\n"))):
            run(*single, database, input=text, user="postgres", cwd="/", stderr=subprocess.STDOUT)
        self.postgres.start()
        time.sleep(1.5)

    def load(self, seed, seconds):
        return Load(schedule(seed, self.scenario.requests_per_sec, seconds), send)

    def deploy(self, name, version):
        """Starts the new version beside the old one, then stops the old one."""
        old, self.services[name] = self.services[name], app(name, version)
        self.services[name].start()
        time.sleep(2.0)
        old.stop()

    def reload_nginx(self):
        self.nginx.process.send_signal(signal.SIGHUP)

    def supervise(self):
        """Starts PostgreSQL again where it has given up, as a service manager would."""
        if self.postgres.ended():
            self.postgres.start()

    def stop(self):
        self.nginx.stop(signal.SIGQUIT)
        for service in self.services.values():
            service.stop()
        self.redis.stop()
        self.postgres.stop(signal.SIGINT)

    def versions(self):
        return {
            "postgres": run(f"{POSTGRES_BIN}/postgres", "--version").strip(),
            "redis": run("redis-server", "--version").split(" sha")[0],
            "nginx": subprocess.run(["nginx", "-v"], stderr=subprocess.PIPE, text=True).stderr.strip(),
            "python": run(PYTHON, "--version").strip(),
        }
