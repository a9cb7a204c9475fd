"""The service `checkout`: carts in Redis, orders in PostgreSQL, prices from the service `catalog`. Logs plain text.

From version 2.4.0 on it applies vouchers, with a mistake: not every voucher has a discount.
"""

import http.client
import json
import logging
import os
import time

from service import Refused, every, log_to_stderr, serve
from stores import Pool, Redis

VOUCHERS = {"WELCOME": {"discount": 5}, "SPRING": {"percent": 10}, "FRIEND": {"percent": 15}}

log = logging.getLogger("checkout")
orders_log = logging.getLogger("checkout.orders")
pool = Pool("checkout", log)
redis = Redis()
version = tuple(int(part) for part in os.environ["SHOP_VERSION"].split("."))


def add_to_cart(params):
    user, item, count = params["user"], params["item"], params["count"]
    held = redis("HINCRBY", f"cart:{user}", item, count)
    redis("EXPIRE", f"cart:{user}", 600)
    log.info("cart of user %d: added %d of item %d, now %d", user, count, item, held)
    return 200, {"item": item, "count": held}


def prices_of(items):
    connection = http.client.HTTPConnection("127.0.0.1", 8082, timeout=2)
    connection.request("GET", "/catalog/price?items=" + ",".join(items))
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"catalog answered {answer.status} when asked for {len(items)} prices")
    return json.loads(answer.read())


def voucher_discount(code, total):
    if version < (2, 4, 0) or code is None:
        return 0
    return min(VOUCHERS[code]["discount"] * 100, total)


def place_order(params):
    user, started = params["user"], time.monotonic()
    flat = redis("HGETALL", f"cart:{user}")
    cart = sorted((int(item), int(count)) for item, count in zip(flat[::2], flat[1::2]))
    if not cart:
        orders_log.info("order of user %d refused: the cart is empty", user)
        raise Refused(409, "empty cart")
    prices = prices_of([str(item) for item, _ in cart])
    total = sum(prices[str(item)] * count for item, count in cart)
    total -= voucher_discount(params.get("voucher"), total)
    if params.get("card") == "expired":
        orders_log.warning("payment of user %d over %d.%02d EUR declined: card expired", user, *divmod(total, 100))
        raise Refused(402, "payment declined")
    order = insert_order(user, total, cart, prices)
    redis("DEL", f"cart:{user}")
    elapsed = 1000 * (time.monotonic() - started)
    orders_log.info("order %d placed: user %d, %d items, %d.%02d EUR, %d ms", order, user, len(cart),
                    *divmod(total, 100), elapsed)
    return 201, {"order": order, "total": total}


def insert_order(user, total, cart, prices):
    with pool.connection() as cursor:
        cursor.execute("INSERT INTO orders (user_id, total) VALUES (%s, %s) RETURNING id", (user, total))
        order = cursor.fetchone()[0]
        for item, count in cart:
            cursor.execute("INSERT INTO order_lines VALUES (%s, %s, %s, %s)", (order, item, count, prices[str(item)]))
            cursor.execute("UPDATE items SET stock = stock - %s WHERE id = %s", (count, item))
    return order


def list_orders(params):
    with pool.connection() as cursor:
        cursor.execute("SELECT id, total FROM orders WHERE user_id = %s ORDER BY id DESC LIMIT 5", (params["user"],))
        rows = cursor.fetchall()
    orders_log.info("listed %d orders of user %s", len(rows), params["user"])
    return 200, {"orders": rows}


def health(_):
    with pool.connection() as cursor:
        cursor.execute("SELECT 1")
    return 200, {"status": "ok", "redis": redis("PING")}


ROUTES = {
    ("POST", "/checkout/cart"): add_to_cart,
    ("POST", "/checkout/order"): place_order,
    ("GET", "/checkout/orders"): list_orders,
    ("GET", "/checkout/health"): health,
}


def route(method, path, params):
    if (method, path) not in ROUTES:
        log.info("no route for %s %s", method, path)
        raise Refused(404, "not found")
    return ROUTES[method, path](params)


def settle_orders():
    started = time.monotonic()
    with pool.connection() as cursor:
        cursor.execute("UPDATE orders SET settled = true WHERE NOT settled")
        settled = cursor.rowcount
    log.info("settled %d orders in %d ms", settled, 1000 * (time.monotonic() - started))


def main():
    log_to_stderr(as_json=False)
    every(3, pool.expire, log)
    every(15, settle_orders, log)
    serve("checkout", 8081, route, log)


if __name__ == "__main__":
    main()
