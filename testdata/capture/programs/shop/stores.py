"""The stores behind the services: a pool of PostgreSQL connections and a small Redis client over a raw socket."""

import contextlib
import random
import socket
import threading
import time

import psycopg2

POOL_MAX = 8
CONNECTION_AGE_MAX_SECS = 12.0
CONNECT_ATTEMPTS = 3


class PoolTimeout(Exception):
    """All connections stayed in use for longer than a request may wait."""


class Pool:
    """Lends out database connections, newest first, and replaces each when it has grown old."""

    def __init__(self, name, log):
        self.name, self.log = name, log
        self.idle = []
        self.lock = threading.Lock()
        self.slots = threading.BoundedSemaphore(POOL_MAX)

    @contextlib.contextmanager
    def connection(self):
        if not self.slots.acquire(timeout=2.0):
            raise PoolTimeout(f"no database connection came free in 2.0 s, {POOL_MAX} in use")
        try:
            lent, expires = self.take()
            try:
                with lent:
                    yield lent.cursor()
            except psycopg2.Error:
                lent.close()
                raise
            with self.lock:
                self.idle.append((lent, expires))
        finally:
            self.slots.release()

    def take(self):
        with self.lock:
            for position in reversed(range(len(self.idle))):
                if time.monotonic() < self.idle[position][1]:
                    return self.idle.pop(position)
        return self.connect(), time.monotonic() + random.uniform(0.6, 1.0) * CONNECTION_AGE_MAX_SECS

    def connect(self):
        for attempt in range(1, CONNECT_ATTEMPTS + 1):
            try:
                return psycopg2.connect(
                    host="127.0.0.1", user="shop", dbname="shop", application_name=self.name, connect_timeout=2
                )
            except psycopg2.OperationalError as error:
                if attempt == CONNECT_ATTEMPTS:
                    raise
                self.log.warning("database connection attempt %d of %d failed: %s", attempt, CONNECT_ATTEMPTS,
                                 str(error).strip())
                time.sleep(0.25 * attempt)

    def expire(self):
        """Closes the idle connections that have grown old; a housekeeping task."""
        now = time.monotonic()
        with self.lock:
            old = [entry for entry in self.idle if now >= entry[1]]
            self.idle = [entry for entry in self.idle if now < entry[1]]
        for lent, _ in old:
            lent.close()


class RedisError(Exception):
    """Redis answered with an error or not at all."""


class Redis:
    """One connection a thread; commands are sent as RESP arrays."""

    def __init__(self, port=6379, timeout_secs=0.5):
        self.port, self.timeout_secs = port, timeout_secs
        self.local = threading.local()

    def __call__(self, *words):
        stream = self.stream()
        try:
            parts = [str(word).encode() for word in words]
            stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            stream.flush()
            return self.reply(stream)
        except (OSError, EOFError) as error:
            self.local.stream = None
            raise RedisError(f"redis {words[0]} failed: {error}") from error

    def stream(self):
        stream = getattr(self.local, "stream", None)
        if stream is None or time.monotonic() > self.local.expires:
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
            self.local.stream = None
            try:
                connection = socket.create_connection(("127.0.0.1", self.port), self.timeout_secs)
            except OSError as error:
                raise RedisError(f"redis connection to 127.0.0.1:{self.port} failed: {error}") from error
            self.local.expires = time.monotonic() + random.uniform(40, 80)
            stream = self.local.stream = connection.makefile("rwb")
            connection.close()
        return stream

    def reply(self, stream):
        line = stream.readline()
        if not line:
            raise EOFError("connection closed by the server")
        kind, rest = line[:1], line[1:].strip()
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(f"redis answered: {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2].decode()
        return [self.reply(stream) for _ in range(int(rest))]
