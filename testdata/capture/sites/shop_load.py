"""The load on the shop: visits of simulated customers, fixed by a seed before the first request is sent."""

import json
import math
import random
import socket

USERS = 400
WORDS = ["mug", "lamp", "chair", "desk", "book", "plant", "clock", "scarf"]
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "ShopApp/5.2.0 (Android 14)",
]
CLIENT_TIMEOUT_SECS = 6.0
REQUESTS_PER_VISIT = 8.2
WOBBLE, WOBBLE_SECS = 0.12, 420.0


def visit(random_source, user):
    """The requests of one visit: (pause before it in seconds, method, path, body)."""
    draw = random_source.random

    def item():
        return min(5000, 1 + int(random_source.paretovariate(0.9) * 3))

    yield 0.0, "GET", "/app.css", None
    for _ in range(random_source.randint(1, 3)):
        yield random_source.expovariate(1 / 3), "GET", f"/catalog/items?page={1 + int(abs(random_source.gauss(0, 6)))}", None
    if draw() < 0.3:
        yield random_source.expovariate(1 / 4), "GET", f"/catalog/search?q={random_source.choice(WORDS)}", None
    for _ in range(random_source.randint(1, 4)):
        yield random_source.expovariate(1 / 4), "GET", f"/catalog/item/{item()}", None
    if draw() < 0.02:
        yield 1.0, "GET", f"/catalog/item/{random_source.randint(5001, 6000)}", None
    if draw() < 0.03:
        yield 0.2, "GET", random_source.choice(["/favicon.ico", "/robots.txt", "/apple-touch-icon.png"]), None
    if draw() > 0.55:
        return
    for _ in range(random_source.randint(1, 3)):
        body = {"user": user, "item": item(), "count": random_source.randint(1, 3)}
        yield random_source.expovariate(1 / 4), "POST", "/checkout/cart", body
    if draw() < 0.7:
        order = {"user": user}
        if draw() < 0.3:
            order["voucher"] = random_source.choice(["WELCOME", "SPRING", "FRIEND"])
        if draw() < 0.03:
            order["card"] = "expired"
        yield random_source.expovariate(1 / 5), "POST", "/checkout/order", order
    yield random_source.expovariate(1 / 3), "GET", f"/checkout/orders?user={user}", None


def schedule(seed, rate, seconds):
    """All requests of a capture, ordered by time: (offset, user, method, path, body, abort)."""
    random_source = random.Random(seed)
    requests, now = [], -30.0
    while now < seconds:
        wobble = 1 + WOBBLE * math.sin(2 * math.pi * now / WOBBLE_SECS)
        now += random_source.expovariate(rate * wobble / REQUESTS_PER_VISIT)
        user, at = random_source.randint(1, USERS), now
        for pause, method, path, body in visit(random_source, user):
            at += pause
            requests.append((at, user, method, path, body, random_source.random() < 0.002))
    for at in range(0, int(seconds), 10):
        requests.append((at + 0.5, 0, "GET", "/checkout/health", None, False))
        requests.append((at + 5.5, 0, "GET", "/catalog/health", None, False))
    requests = [request for request in requests if 0 <= request[0] < seconds]
    return sorted(requests, key=lambda request: request[:4])


def address_of(user):
    """A documentation address (RFC 5737), the same for a user at each visit."""
    return f"198.51.100.{1 + user % 250}" if user % 3 else f"203.0.113.{1 + user % 250}"


def send(user, method, path, body, abort):
    payload = json.dumps(body).encode() if body else b""
    browser = BROWSERS[user % len(BROWSERS)] if user else "HealthCheck/1.0"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: {browser}\r\nConnection: close\r\n"
        f"X-Forwarded-For: {address_of(user)}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    try:
        with socket.create_connection(("127.0.0.1", 8080), CLIENT_TIMEOUT_SECS) as connection:
            connection.sendall(head.encode() + payload)
            while not abort and connection.recv(65536):
                pass
    except OSError:
        pass
