"""A machine apart for one capture: own network, mounts, processes and host name, so that paths and ports are neutral.

Captures can run side by side, and whatever they started ends with them.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path("/srv/shop")
LOG = ROOT / "log"
PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
HOST_NAME = "shop-1"
PYTHON = "/usr/bin/python3"
INSIDE = "SHOP_CAPTURE_INSIDE"


def enter():
    """Starts this program again inside namespaces of its own; returns only there."""
    if os.environ.get(INSIDE):
        furnish()
        return
    if os.geteuid() != 0:
        sys.exit("the capture starts servers under their own users and mounts folders: run it as root")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        kafka = {name: os.environ[name] for name in ("LOGWAKE_KAFKA_DIR",) if name in os.environ}
        environment = {**kafka, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", INSIDE: folder}
        flags = ["--mount", "--uts", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
        command = ["unshare", *flags, PYTHON, *sys.argv]
        sys.exit(subprocess.run(command, env=environment).returncode)


def furnish():
    """Puts an empty folder at `ROOT`, names the host, brings the loopback interface up."""
    ROOT.mkdir(parents=True, exist_ok=True)
    os.chmod(os.environ[INSIDE], 0o755)
    run("mount", "--bind", os.environ[INSIDE], str(ROOT))
    run("hostname", HOST_NAME)
    run("ip", "link", "set", "lo", "up")
    for name in ("log", "app", "www", "nginx", "redis", "postgres"):
        (ROOT / name).mkdir()
    LOG.chmod(0o777)


def own_dev():
    """Gives the namespace a /dev of its own, in which a syslog daemon can have its socket."""
    dev = ROOT / "dev"
    dev.mkdir()
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(dev))
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (dev / name).touch()
        run("mount", "--bind", f"/dev/{name}", str(dev / name))
    for name in ("shm", "pts"):
        (dev / name).mkdir()
    run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(dev / "shm"))
    run("mount", "--bind", "/dev/pts", str(dev / "pts"))
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
        ("ptmx", "pts/ptmx"),
    ):
        (dev / name).symlink_to(target)
    run("mount", "--rbind", str(dev), "/dev")


def own_file(path, text):
    """Puts `text` where the servers of this namespace look for `path`; the machine's own file stays as it is."""
    mine = ROOT / "etc" / path.lstrip("/").replace("/", "-")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text(text)
    run("mount", "--bind", str(mine), path)
    return mine


def own_folder(path, mode=0o755):
    """Puts an empty folder over `path`."""
    run("mount", "-t", "tmpfs", "-o", f"mode={mode:o}", "tmpfs", path)


def mount_small(path, size, owner):
    """Mounts a file system of `size` (as `128m`) that a test can fill."""
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid={owner}", "tmpfs", str(path))


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout
