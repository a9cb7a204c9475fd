"""A Kerberos realm: MIT's krb5kdc, whose clock can be stepped by libfaketime, and a portal whose users log in by it."""

import shutil
import subprocess
import time

from machine import LOG, PROGRAMS, PYTHON, ROOT, own_file, run
from plan import GRACE_SECS, Phase, Scenario, fault
from process import Server
from site_base import Load, Site

REALM = ROOT / "realm"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
JUMP = "+23m"
# The portal does not take over the time of the KDC, as where a service has a clock that it trusts.
KRB5_CONF = f"""[libdefaults]
default_realm = SHOP.EXAMPLE
dns_lookup_kdc = false
dns_lookup_realm = false
rdns = false
dns_canonicalize_hostname = false
kdc_timesync = 0
[realms]
SHOP.EXAMPLE = {{
  kdc = 127.0.0.1
}}
[logging]
kdc = FILE:{LOG}/krb5kdc.log
"""
KDC_CONF = f"""[kdcdefaults]
kdc_listen = 127.0.0.1:88
kdc_tcp_listen = 127.0.0.1:88
[realms]
SHOP.EXAMPLE = {{
  database_name = {REALM}/principal
  key_stash_file = {REALM}/stash
  max_life = 10h
}}
"""


class Realm(Site):
    def start(self):
        REALM.mkdir()
        REALM.chmod(0o777)
        own_file("/etc/hosts", "127.0.0.1 localhost shop-1\n")
        shutil.copy(PROGRAMS / "realm/portal.py", ROOT / "app/portal.py")
        (REALM / "krb5.conf").write_text(KRB5_CONF)
        (REALM / "kdc.conf").write_text(KDC_CONF)
        self.environment = {"KRB5_CONFIG": f"{REALM}/krb5.conf", "KRB5_KDC_PROFILE": f"{REALM}/kdc.conf"}
        settings = {"env": {"PATH": "/usr/sbin:/usr/bin", **self.environment}, "stderr": subprocess.STDOUT}
        run("kdb5_util", "create", "-s", "-P", "a master key", **settings)
        users = [f'addprinc -pw "a right one" +requires_preauth u{n}' for n in range(1, 61)]
        services = [f"addprinc -randkey nfs/files-{n}.example" for n in range(1, 4)]
        run("kadmin.local", input="\n".join(users + services) + "\n", **settings)
        self.set_clock("+0")
        clock = {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": f"{REALM}/clock",
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        Server("krb5kdc", "root", ["krb5kdc", "-n"], environment={**self.environment, **clock}).start()
        time.sleep(1.0)
        words = [str(self.scenario.seed), str(self.scenario.requests_per_sec)]
        Server(
            "portal", "www-data", [PYTHON, "-u", f"{ROOT}/app/portal.py", *words], LOG / "portal.log", self.environment
        ).start()

    def set_clock(self, offset):
        """Steps the clock of the KDC; it notices within a second."""
        (REALM / "clock").write_text(offset + "\n")

    def load(self, seed, seconds):
        """The logins come from the portal itself, by the seed of the scenario."""
        return Load([], None)

    def versions(self):
        return {
            name: run("dpkg-query", "-W", "-f", "${Version}", name) for name in ("krb5-kdc", "krb5-user", "faketime")
        }


def harmless_clock_step(site, seconds):
    """The clock of the KDC is stepped back by two seconds, and after a while forward again."""
    site.set_clock("-2")
    time.sleep(seconds)
    site.set_clock("+0")


def clock_jump(site, seconds):
    """The clock of the KDC jumps ahead by 23 minutes: no login is valid any more, until the clock is set right."""
    site.set_clock(JUMP)
    time.sleep(seconds)
    site.set_clock("+0")


def clock_back(site, seconds):
    """The clock of the KDC falls back by twelve minutes."""
    site.set_clock("-12m")
    time.sleep(seconds)
    site.set_clock("+0")


def add_users(site, seconds):
    """New users get accounts."""
    until = time.monotonic() + seconds
    run(
        "kadmin.local",
        input="".join(f'addprinc -pw "a right one" +requires_preauth u{n}\n' for n in range(100, 110)),
        env={"PATH": "/usr/sbin:/usr/bin", **site.environment},
        stderr=subprocess.STDOUT,
    )
    time.sleep(max(0.0, until - time.monotonic()))


SITE = Realm
SCENARIOS = {
    "clock-jump": Scenario(
        "The clock of a Kerberos KDC is stepped by two seconds, which harms nobody; later it jumps ahead by 23 minutes, and every login is refused.",
        601,
        3.0,
        (
            Phase(280),
            Phase(140, add_users),
            fault(harmless_clock_step, "krb5kdc", 60, ""),
            Phase(GRACE_SECS),
            fault(clock_jump, "krb5kdc", 100, "[Cc]lock skew too great"),
            Phase(150),
        ),
    ),
    "clock-back": Scenario(
        "The clock of a Kerberos KDC falls back by twelve minutes, and every login is refused.",
        607,
        3.0,
        (Phase(280), Phase(140, add_users), fault(clock_back, "krb5kdc", 100, "[Cc]lock skew too great"), Phase(140)),
        split="train",
    ),
}
