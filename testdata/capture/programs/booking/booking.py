"""The service `booking`: rooms and bookings from PostgreSQL. Logs logfmt.

Its clock may run fast: durations are taken from the monotonic clock, nothing waits for a time of day.
"""

import http.server
import os
import queue
import sys
import threading
import time
from urllib.parse import parse_qsl, urlsplit

import psycopg2

WORKERS = 6
USES_MAX = 40


def log(level, message, **fields):
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    rest = "".join(f" {name}={value}" for name, value in fields.items())
    sys.stderr.write(f'time={stamp} level={level} msg="{message}"{rest}\n')


class Database:
    """One connection a thread, replaced when it has been used often."""

    def __init__(self):
        self.local = threading.local()

    def __call__(self, text, values=()):
        held = getattr(self.local, "held", None)
        if held is None or self.local.uses >= USES_MAX or held.closed:
            if held is not None:
                held.close()
            held = psycopg2.connect(host="127.0.0.1", user="booking", dbname="booking", application_name="booking")
            self.local.held, self.local.uses = held, 0
        self.local.uses += 1
        with held, held.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall()


query = Database()


def list_rooms(params):
    started = time.perf_counter()
    rows = query("SELECT id, price FROM rooms WHERE city = %s ORDER BY price LIMIT 20", (params.get("city"),))
    if not rows:
        log("info", "no rooms in city", city=params.get("city"))
        return 404, b"{}"
    log("info", "rooms listed", city=params["city"], rooms=len(rows), ms=int(1000 * (time.perf_counter() - started)))
    return 200, repr(rows).encode()


def show_room(params):
    rows = query("SELECT * FROM rooms WHERE id = %s", (int(params.get("id", 0)),))
    if not rows:
        log("info", "room not found", room=params.get("id"))
        return 404, b"{}"
    log("info", "room shown", room=params["id"])
    return 200, repr(rows).encode()


def book(params):
    room, guest, night = int(params["room"]), int(params["guest"]), int(params["night"])
    taken = query("SELECT count(*) FROM bookings WHERE room = %s AND night = %s", (room, night))[0][0]
    if taken:
        log("warn", "room is taken", room=room, night=night, guest=guest)
        return 409, b'{"error": "taken"}'
    number = query("INSERT INTO bookings (room, guest, night) VALUES (%s, %s, %s) RETURNING id", (room, guest, night))[
        0
    ][0]
    log("info", "booked", booking=number, room=room, guest=guest, nights=1)
    return 200, b"{}"


def bookings_of(params):
    rows = query(
        "SELECT id, room, night FROM bookings WHERE guest = %s ORDER BY id DESC LIMIT 10", (int(params["guest"]),)
    )
    log("info", "bookings listed", guest=params["guest"], bookings=len(rows))
    return 200, repr(rows).encode()


def health(_):
    query("SELECT 1")
    return 200, b'{"status": "ok"}'


ROUTES = {"/rooms": list_rooms, "/room": show_room, "/book": book, "/bookings": bookings_of, "/health": health}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        try:
            status, body = ROUTES[url.path](dict(parse_qsl(url.query)))
        except psycopg2.Error as error:
            log("error", "database failed", path=url.path, error=repr(str(error).strip()))
            status, body = 500, b"{}"
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 8090), Handler)
        self.jobs = queue.Queue()
        for _ in range(WORKERS):
            threading.Thread(target=self.work, daemon=True).start()

    def process_request(self, request, client_address):
        self.jobs.put((request, client_address))

    def work(self):
        while True:
            request, client_address = self.jobs.get()
            try:
                self.finish_request(request, client_address)
            except OSError:
                log("info", "client went away")
            finally:
                self.shutdown_request(request)


if __name__ == "__main__":
    log("info", "booking starts", version=os.environ["VERSION"], workers=WORKERS)
    server = Server()
    while True:
        server._handle_request_noblock()
