"""Two services on RabbitMQ, logging as glog does: `intake SEED PER_SEC` publishes in batches, `printer` consumes.

A batch has a connection of its own, as of a script that runs, publishes and ends.
"""

import gc
import os
import random
import sys
import threading
import time

import pika
from pika.exceptions import AMQPError

QUEUE = "labels"


def log(level, line, message):
    now = time.time()
    stamp = time.strftime("%m%d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
    sys.stderr.write(f"{level}{stamp} {threading.get_native_id():7d} {line}] {message}\n")


def connect(user):
    return pika.BlockingConnection(
        pika.ConnectionParameters(
            host="127.0.0.1",
            credentials=pika.PlainCredentials(user, f"{user}-secret"),
            blocked_connection_timeout=4,
            socket_timeout=5,
            client_properties={"connection_name": f"{user}-{os.getpid()}"},
        )
    )


def publish(batch, size, rude):
    started = time.monotonic()
    try:
        connection = connect("intake")
        channel = connection.channel()
        channel.confirm_delivery()
        for number in range(size):
            channel.basic_publish("", QUEUE, f"parcel {batch}-{number}".encode(), mandatory=True)
        if rude:
            log("W", "intake.py:41", f"batch {batch} of {size} parcels sent, its connection was never closed")
            del channel, connection
            gc.collect()
        else:
            connection.close()
            log(
                "I",
                "intake.py:44",
                f"batch {batch} of {size} parcels sent in {1000 * (time.monotonic() - started):.0f} ms",
            )
    except (AMQPError, OSError) as error:
        log("E", "intake.py:46", f"batch {batch} of {size} parcels failed: {type(error).__name__}: {error}")


def intake(seed, per_sec):
    source, batch, due = random.Random(seed), 0, time.monotonic()
    log("I", "intake.py:51", "intake 1.9.0 started")
    while True:
        batch, due = batch + 1, due + source.expovariate(per_sec)
        time.sleep(max(0.0, due - time.monotonic()))
        size, rude = source.randint(1, 5), source.random() < 0.01
        if source.random() < 0.03:
            log(
                "W",
                "intake.py:57",
                f"parcel of customer {source.randint(1, 900)} has no house number, left for a clerk",
            )
        threading.Thread(target=publish, args=(batch, size, rude)).start()


def printer():
    log("I", "printer.py:22", "printer 0.7.2 started")

    def take(channel, method, _, body):
        time.sleep(0.01)
        channel.basic_ack(method.delivery_tag)
        log("I", "printer.py:27", f"label of {body.decode()} printed")

    while True:
        try:
            channel = connect("printer").channel()
            channel.queue_declare(QUEUE, durable=True)
            channel.basic_qos(prefetch_count=20)
            channel.basic_consume(QUEUE, take)
            log("I", "printer.py:35", f"waiting for parcels in queue {QUEUE}")
            channel.start_consuming()
        except (AMQPError, OSError) as error:
            log("E", "printer.py:38", f"lost the broker: {type(error).__name__}: {error}")
            time.sleep(2)


if __name__ == "__main__":
    printer() if sys.argv[1] == "printer" else intake(int(sys.argv[2]), float(sys.argv[3]))
