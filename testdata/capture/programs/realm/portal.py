"""The service `portal`: each login gets a Kerberos ticket for its user and one for the file server. Logs like Go's `log`.

`portal SEED PER_SEC`; the programs `kinit` and `kvno` do the work, so what fails is said in their words.
"""

import os
import random
import subprocess
import sys
import threading
import time


def log(message):
    now = time.time()
    stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
    sys.stderr.write(f"{stamp} portal: {message}\n")


def call(cache, text, *command):
    environment = {**os.environ, "KRB5CCNAME": f"FILE:{cache}"}
    done = subprocess.run(
        command, input=text, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return "" if done.returncode == 0 else done.stdout.strip().splitlines()[-1]


def login(number, user, password):
    cache, started = f"/srv/shop/realm/cache-{number}", time.monotonic()
    failure = call(cache, password + "\n", "kinit", user)
    if not failure:
        failure = call(cache, "", "kvno", "-q", f"nfs/files-{1 + number % 3}.example")
    if failure:
        log(f"login of {user} refused: {failure}")
    else:
        log(f"login of {user} from 198.51.100.{1 + number % 250} took {1000 * (time.monotonic() - started):.0f} ms")
    if os.path.exists(cache):
        os.unlink(cache)


def main(seed, per_sec):
    source, due, number = random.Random(seed), time.monotonic(), 0
    log("portal 4.4.1 takes logins")
    while True:
        number, due = number + 1, due + source.expovariate(per_sec)
        time.sleep(max(0.0, due - time.monotonic()))
        user, password, draw = f"u{source.randint(1, 60)}", "a right one", source.random()
        if draw < 0.025:
            password = "a wrong one"
        elif draw < 0.035:
            user = f"u{source.randint(61, 80)}"
        if source.random() < 0.1:
            log(f"session of u{source.randint(1, 60)} ended")
        threading.Thread(target=login, args=(number, user, password)).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
