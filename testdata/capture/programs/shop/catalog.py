"""The service `catalog`: items from PostgreSQL behind a cache in Redis. Logs JSON in the names of ECS.

SIGUSR1 turns debug logging on and off: many more lines, nothing wrong.
"""

import json
import logging
import signal
import time

from service import Refused, every, log_to_stderr, serve
from stores import Pool, Redis, RedisError

PAGE_ITEMS = 20

log = logging.getLogger("catalog")
cache_log = logging.getLogger("catalog.cache")
pool = Pool("catalog", log)
redis = Redis()


def cached(key, seconds, load):
    """Answers from the cache, else from `load`; a broken cache costs time, never the answer."""
    try:
        held = redis("GET", key)
        cache_log.debug("probe %s: %s", key, "hit" if held else "miss")
        if held:
            return json.loads(held), True
    except RedisError as error:
        cache_log.warning("cache read of %s failed, reading from the database: %s", key, error)
        return load(), False
    value = load()
    redis("SETEX", key, seconds, json.dumps(value))
    cache_log.debug("stored %s for %d s", key, seconds)
    return value, False


def query(text, values=()):
    started = time.monotonic()
    with pool.connection() as cursor:
        cursor.execute(text, values)
        rows = cursor.fetchall()
    log.debug("query returned %d rows in %.1f ms", len(rows), 1000 * (time.monotonic() - started))
    return rows


def list_page(params):
    page, started = int(params.get("page", 1)), time.monotonic()
    text = "SELECT id, name, price FROM items ORDER BY id LIMIT %s OFFSET %s"
    rows, hit = cached(f"page:{page}", 20, lambda: query(text, (PAGE_ITEMS, PAGE_ITEMS * (page - 1))))
    for row in rows:
        log.debug("rendering item %d of page %d", row[0], page)
    log.info("listed page %d: %d items, cache %s, %.1f ms", page, len(rows), "hit" if hit else "miss",
             1000 * (time.monotonic() - started))
    return 200, {"items": rows}


def show_item(item):
    rows, hit = cached(f"item:{item}", 30, lambda: query("SELECT * FROM items WHERE id = %s", (item,)))
    if not rows:
        log.info("item %d not found", item)
        raise Refused(404, "no such item")
    log.info("showed item %d, cache %s", item, "hit" if hit else "miss")
    return 200, {"item": rows[0]}


def search(params):
    word, started = params.get("q", ""), time.monotonic()
    rows = query("SELECT id, name FROM items WHERE description LIKE %s LIMIT 50", (f"%{word}%",))
    log.info('search for "%s" found %d items in %.1f ms', word, len(rows), 1000 * (time.monotonic() - started))
    return 200, {"items": rows}


def price(params):
    items = [int(item) for item in params["items"].split(",")]
    rows = query("SELECT id, price FROM items WHERE id = ANY(%s)", (items,))
    log.info("priced %d items for checkout", len(rows))
    return 200, {str(item): value for item, value in rows}


def health(_):
    return 200, {"status": "ok", "items": query("SELECT count(*) FROM items")[0][0]}


def route(method, path, params):
    if path.startswith("/catalog/item/") and path[14:].isdigit():
        return show_item(int(path[14:]))
    routes = {"/catalog/items": list_page, "/catalog/search": search, "/catalog/price": price, "/catalog/health": health}
    if method != "GET" or path not in routes:
        log.info("no route for %s %s", method, path)
        raise Refused(404, "not found")
    return routes[path](params)


def refresh_popular():
    started = time.monotonic()
    rows = query(
        "SELECT i.id, i.name, sum(l.count) FROM order_lines l JOIN items i ON i.id = l.item_id "
        "GROUP BY i.id, i.name ORDER BY 3 DESC LIMIT 50"
    )
    redis("SETEX", "popular", 60, json.dumps([[row[0], row[1]] for row in rows]))
    log.info("refreshed %d popular items in %.1f ms", len(rows), 1000 * (time.monotonic() - started))


def toggle_debug(*_):
    debug = logging.getLogger().level == logging.DEBUG
    log.info("log level set to %s", "INFO" if debug else "DEBUG")
    logging.getLogger().setLevel(logging.INFO if debug else logging.DEBUG)


def main():
    log_to_stderr(as_json=True)
    signal.signal(signal.SIGUSR1, toggle_debug)
    every(3, pool.expire, log)
    every(12, refresh_popular, log)
    serve("catalog", 8082, route, log)


if __name__ == "__main__":
    main()
