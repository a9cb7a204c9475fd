"""What the two services of the shop share: an HTTP server with a fixed set of workers, set-up of logging, a life cycle.

It knows neither what the services sell nor which fault is being injected.
"""

import http.server
import json
import logging
import os
import queue
import signal
import socket
import socketserver
import sys
import threading
import time
import traceback
from urllib.parse import parse_qsl, urlsplit

WORKERS = 8
QUEUE_MAX = 48


class Refused(Exception):
    """A request that gets a plain refusal: no traceback, nothing is wrong with the service."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class EcsFormatter(logging.Formatter):
    """One JSON object per line with the field names of the Elastic Common Schema."""

    def format(self, record):
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "@timestamp": f"{seconds}.{int(record.msecs):03d}Z",
            "log.level": record.levelname.lower(),
            "message": record.getMessage(),
            "ecs.version": "1.6.0",
            "service.name": record.name.split(".")[0],
            "log.logger": record.name,
            "process.thread.name": record.threadName,
        }
        if record.exc_info:
            kind, error, trace = record.exc_info
            entry["error.type"] = kind.__name__
            entry["error.message"] = str(error).strip()
            entry["error.stack_trace"] = "".join(traceback.format_exception(kind, error, trace))
        return json.dumps(entry)


def log_to_stderr(as_json):
    logging.Formatter.converter = time.gmtime
    plain = logging.Formatter("%(asctime)s %(levelname)s [%(threadName)s] %(name)s: %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(EcsFormatter() if as_json else plain)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class Server(socketserver.TCPServer):
    """Hands each connection to one of a fixed set of workers and drops what the queue cannot hold."""

    request_queue_size = 64

    def __init__(self, port, handler, log):
        self.allow_reuse_address = True
        self.log = log
        self.jobs = queue.Queue(QUEUE_MAX)
        self.workers = [threading.Thread(target=self.work, name=f"worker-{n + 1}") for n in range(WORKERS)]
        super().__init__(("127.0.0.1", port), handler)
        for worker in self.workers:
            worker.start()

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()

    def process_request(self, request, client_address):
        try:
            self.jobs.put_nowait((request, client_address))
        except queue.Full:
            self.log.warning("request queue is full (%d waiting), connection dropped", QUEUE_MAX)
            self.shutdown_request(request)

    def work(self):
        while (job := self.jobs.get()) is not None:
            try:
                self.finish_request(*job)
            except (BrokenPipeError, ConnectionResetError):
                self.log.info("client closed the connection before the answer")
            finally:
                self.shutdown_request(job[0])

    def drain(self):
        self.timeout = 0
        for _ in range(5):
            self.handle_request()
        for _ in self.workers:
            self.jobs.put(None)
        for worker in self.workers:
            worker.join()


def handler_of(route, log):
    """Makes the request handler that turns `route(method, path, params)` into HTTP answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            params = json.loads(self.rfile.read(length)) if length else dict(parse_qsl(url.query))
            started = time.monotonic()
            try:
                status, reply = route(self.command, url.path, params)
            except Refused as refusal:
                status, reply = refusal.status, {"error": str(refusal)}
            except Exception:
                elapsed = 1000 * (time.monotonic() - started)
                log.exception("%s %s failed after %d ms", self.command, url.path, elapsed)
                status, reply = 500, {"error": "internal error"}
            body = json.dumps(reply).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    return Handler


def every(seconds, task, log):
    """Runs a housekeeping task for ever, in a thread of its own."""

    def loop():
        while True:
            time.sleep(seconds)
            try:
                task()
            except Exception:
                log.exception("housekeeping task %s failed", task.__name__)

    threading.Thread(target=loop, name="housekeeping", daemon=True).start()


def serve(name, port, route, log):
    """Serves until SIGTERM, then finishes what is queued."""
    server = Server(port, handler_of(route, log), log)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    log.info("%s %s listening on 127.0.0.1:%d with %d workers", name, os.environ["SHOP_VERSION"], port, WORKERS)
    server.serve_forever(poll_interval=0.1)
    log.info("%s %s is stopping", name, os.environ["SHOP_VERSION"])
    server.drain()
    log.info("%s %s stopped", name, os.environ["SHOP_VERSION"])
    sys.exit(0)
