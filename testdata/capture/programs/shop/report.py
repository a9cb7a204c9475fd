"""A reporting job with a leak: it opens a database connection for each slice of its report and closes none."""

import threading
import time

import psycopg2

THREADS = 4


def report_slices():
    held = []
    while True:
        try:
            connection = psycopg2.connect(
                host="127.0.0.1", user="report", dbname="shop", application_name="sales-report"
            )
            connection.cursor().execute("SELECT count(*), sum(total) FROM orders WHERE id %% 100 = %s", (len(held),))
            held.append(connection)
            time.sleep(0.4)
        except psycopg2.OperationalError:
            time.sleep(0.1)


if __name__ == "__main__":
    for _ in range(THREADS):
        threading.Thread(target=report_slices).start()
