"""A server process of a site, which may be stopped and started again."""

import os
import pwd
import signal
import subprocess

from machine import ROOT


class Server:
    """`user` is the account it runs under; with `log`, what it prints goes there."""

    def __init__(self, name, user, command, log=None, environment=None):
        self.name, self.user, self.command, self.log = name, user, command, log
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self):
        output = open(self.log, "ab") if self.log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            self.command, user=self.user, group=pwd.getpwnam(self.user).pw_gid, extra_groups=[], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment,
        )

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=30)

    def ended(self):
        return self.process.poll() is not None
