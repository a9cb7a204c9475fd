"""A mail host: Postfix takes mail, Dovecot serves it by IMAP, both log through rsyslog in the traditional format.

Clients have documentation addresses (RFC 5737) of their own on the loopback interface.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

from machine import LOG, ROOT, own_dev, own_file, own_folder, run
from plan import GRACE_SECS, Phase, Scenario, fault
from process import Server
from site_base import Load, Site, poisson

HOST = "192.0.2.1"
USERS = 60
SMTP_PROCESSES = 14
MAIN_CF = f"""compatibility_level = 3.6
myhostname = mail.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1, {HOST}
inet_protocols = ipv4
mynetworks = 127.0.0.1
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = mail.example
virtual_mailbox_maps = texthash:/etc/postfix/users
virtual_mailbox_base = {ROOT}/mail
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_minimum_uid = 8
virtual_mailbox_limit = 0
maillog_file =
"""
DOVECOT_CONF = f"""protocols = imap
listen = {HOST}
base_dir = {ROOT}/dovecot
mail_location = maildir:{ROOT}/mail/%n
ssl = no
disable_plaintext_auth = no
first_valid_uid = 8
syslog_facility = mail
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {ROOT}/mail-users
}}
userdb {{
  driver = static
  args = uid=8 gid=8 home={ROOT}/mail/%n
}}
"""
RSYSLOG_CONF = f"""module(load="imuxsock" sysSock.rateLimit.interval="0")
global(workDirectory="{ROOT}/rsyslog")
*.* action(type="omfile" file="{LOG}/mail.log" template="RSYSLOG_TraditionalFileFormat")
"""


class Mail(Site):
    def start(self):
        for address in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"):
            run("ip", "address", "add", address.replace(".0/", ".1/"), "dev", "lo")
        own_dev()
        own_file("/etc/hosts", f"127.0.0.1 localhost\n{HOST} mail.example\n")
        own_file("/etc/resolv.conf", "")
        for folder in ("rsyslog", "mail", "dovecot"):
            (ROOT / folder).mkdir()
        os.chown(ROOT / "mail", 8, 8)
        (ROOT / "rsyslog/rsyslog.conf").write_text(RSYSLOG_CONF)
        Server(
            "rsyslog", "root", ["rsyslogd", "-n", "-i", f"{ROOT}/rsyslog/pid", "-f", f"{ROOT}/rsyslog/rsyslog.conf"]
        ).start()
        time.sleep(1.0)
        self.start_postfix()
        (ROOT / "mail-users").write_text("".join(f"u{n}:secret-{n}\n" for n in range(1, USERS + 1)))
        self.set_dovecot("")
        self.dovecot = Server("dovecot", "root", ["dovecot", "-F", "-c", f"{ROOT}/dovecot.conf"])
        self.dovecot.start()
        time.sleep(3.0)
        # The log begins in mid-life: rsyslog's first lines are about itself.
        os.truncate(LOG / "mail.log", 0)

    def start_postfix(self):
        files = {path.name: path.read_bytes() for path in pathlib.Path("/etc/postfix").iterdir() if path.is_file()}
        own_folder("/etc/postfix"), own_folder("/var/spool/postfix"), own_folder("/var/lib/postfix")
        for name, text in files.items():
            pathlib.Path("/etc/postfix", name).write_bytes(text)
        master = (
            files["master.cf"]
            .decode()
            .replace(
                "smtp      inet  n       -       y       -       -       smtpd",
                f"smtp      inet  n       -       n       -       {SMTP_PROCESSES}      smtpd",
            )
        )
        pathlib.Path("/etc/postfix/master.cf").write_text(master.replace("       y       ", "       n       "))
        pathlib.Path("/etc/postfix/main.cf").write_text(MAIN_CF)
        pathlib.Path("/etc/postfix/users").write_text(
            "".join(f"u{n}@mail.example u{n}/\n" for n in range(1, USERS + 1))
        )
        shutil.chown("/var/lib/postfix", "postfix", "postfix")
        run("postfix", "start", stderr=subprocess.STDOUT)

    def set_dovecot(self, more):
        (ROOT / "dovecot.conf").write_text(DOVECOT_CONF + more)

    def load(self, seed, seconds):
        return Load(schedule(seed, self.scenario.requests_per_sec, seconds), send)

    def versions(self):
        return {
            name: run("dpkg-query", "-W", "-f", "${Version}", name) for name in ("postfix", "dovecot-imapd", "rsyslog")
        }


def schedule(seed, rate, seconds):
    """What clients do: (offset, protocol, address, user, text)."""
    source, requests = random.Random(seed), []
    for at in poisson(source, lambda at: rate, rate, seconds):
        client, user, draw = source.randint(1, 250), source.randint(1, USERS), source.random()
        address = f"198.51.100.{client}" if client % 3 else f"203.0.113.{client}"
        if source.random() < 0.45:
            requests.append(
                (at, "smtp", address, user if draw > 0.04 else user + 100, "a letter\r\n" * source.randint(3, 80))
            )
        else:
            requests.append((at, "imap", address, user, f"secret-{user if draw > 0.03 else 0}"))
    return requests


def send(protocol, address, user, text):
    with contextlib.suppress(OSError):
        with socket.create_connection((HOST, 25 if protocol == "smtp" else 143), 20.0, (address, 0)) as connection:
            stream = connection.makefile("rwb")
            stream.readline()
            for line in smtp_lines(user, text) if protocol == "smtp" else imap_lines(user, text):
                stream.write(line.encode() + b"\r\n")
                stream.flush()
                while (answer := stream.readline()) and (answer[3:4] == b"-" or answer[:2] == b"* "):
                    pass
                if answer[:1] in b"45" or b" NO " in answer:
                    return


def smtp_lines(user, text):
    return [
        "EHLO client.example",
        f"MAIL FROM:<friend{len(text) % 90}@client.example>",
        f"RCPT TO:<u{user}@mail.example>",
        "DATA",
        f"Subject: a letter\r\n\r\n{text}.",
        "QUIT",
    ]


def imap_lines(user, password):
    return [f"a login u{user} {password}", "b select inbox", "c fetch 1:5 flags", "d logout"]


def reload_postfix(_, seconds):
    run("postfix", "reload", stderr=subprocess.STDOUT)
    time.sleep(seconds)


def reload_dovecot(site, seconds):
    site.dovecot.process.send_signal(signal.SIGHUP)
    time.sleep(seconds)


def harmless_flood(site, seconds):
    """Debug logging of Dovecot is switched on: many times the lines, nothing wrong."""
    site.set_dovecot("auth_debug = yes\nmail_debug = yes\nauth_verbose = yes\n")
    site.dovecot.process.send_signal(signal.SIGHUP)
    time.sleep(seconds)
    site.set_dovecot("")
    site.dovecot.process.send_signal(signal.SIGHUP)


def connection_exhaustion(_, seconds):
    """Many clients open connections to the SMTP server and hold them: none is left for the others."""
    until, source = time.monotonic() + seconds, random.Random(5)

    def hold():
        while time.monotonic() < until - 2:
            with (
                contextlib.suppress(OSError),
                socket.create_connection((HOST, 25), 30.0, (f"203.0.113.{source.randint(2, 249)}", 0)) as held,
            ):
                held.recv(200)
                time.sleep(max(0.0, min(source.uniform(15, 25), until - time.monotonic())))

    for _ in range(3 * SMTP_PROCESSES):
        threading.Thread(target=hold, daemon=True).start()
        time.sleep(0.1)
    time.sleep(max(0.0, until - time.monotonic()))


def learning(seconds):
    part = seconds // 3
    return (Phase(part), Phase(part, reload_postfix), Phase(seconds - 2 * part, reload_dovecot))


SITE = Mail
SCENARIOS = {
    "mail-connections": Scenario(
        "Debug logging of Dovecot is on for a while; later many clients hold connections to Postfix until it has none left.",
        701,
        4.0,
        (
            *learning(420),
            fault(harmless_flood, "dovecot", 60, "Debug:"),
            Phase(GRACE_SECS),
            fault(connection_exhaustion, "smtpd", 110, "reached its process limit"),
            Phase(150),
        ),
    ),
}
