"""What the logs in tests/logs hold, counted without the lab: the numbers that tests/logs.rs expects.

    python3 lab/tests/count_logs.py

Each log is read by the shortest program that reads this one log. Printed are the requests, the clients, the nanoseconds
from the first to the last, and how many requests the rule "3/1s, 5/1m" grants (windows half-open, refusals not
recorded): one limiter for all, and one for each client.
"""

import csv
import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

LOGS = Path(__file__).parent / "logs"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def nanos(time):
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def granted(requests):
    grants = []
    for at, _ in requests:
        if all(sum(at - it < window for it in grants) < limit for limit, window in ((3, 10**9), (5, 60 * 10**9))):
            grants.append(at)
    return len(grants)


def told(name, requests):
    requests.sort(key=lambda request: request[0])
    clients = sorted({client for _, client in requests})
    alone = sum(granted([it for it in requests if it[1] == client]) for client in clients)
    print(name, len(requests), len(clients), requests[-1][0] - requests[0][0], granted(requests), alone)


def access(name, client):
    found = []
    for line in (LOGS / name).read_text().splitlines():
        stamp = re.search(r"\[(.*?)\]", line)
        if stamp:
            found.append((nanos(datetime.strptime(stamp[1], "%d/%b/%Y:%H:%M:%S %z")), line.split()[client]))
    told(name, found)


access("common.log", 0)
access("combined.log", 0)
access("vhost.log", 1)

iso = lambda text: nanos(datetime.fromisoformat(text.replace("Z", "+00:00")))
alb = re.findall(r"^\S+ \S+ \S+ (\S+):\d+ .*? \d+ (\S+Z) ", (LOGS / "alb.log").read_text(), re.M)
told("alb.log", [(iso(at), client) for client, at in alb])

lines = [line.split("\t") for line in (LOGS / "cloudfront.log").read_text().splitlines()[2:]]
told("cloudfront.log", [(iso(f"{it[0]}T{it[1]}Z"), it[4]) for it in lines])

lines = [line.split() for line in (LOGS / "iis.log").read_text().splitlines() if not line.startswith("#")]
told("iis.log", [(iso(f"{it[0]}T{it[1]}Z"), it[8] if len(it) == 11 else it[2]) for it in lines])

rows = list(csv.DictReader((LOGS / "named.csv").open(newline=""), skipinitialspace=True))
# Seven decimals are more than datetime knows.
stamp = lambda text: (text if "+" in text else text + "+00:00").replace("9600", "96").replace("0000+", "+")
told("named.csv", [(iso(stamp(it["Started At"])), it["Customer Name"]) for it in rows])

rows = csv.DictReader((LOGS / "millis.tsv").open(), delimiter="\t")
told("millis.tsv", [(round(float(it["timestamp"]) * 10) * 100_000, it["user_id"]) for it in rows])

rows = [json.loads(line) for line in (LOGS / "nested.jsonl").open()]
told("nested.jsonl", [(round(it["ts"] * 1000) * 10**6, it["request"]["remote_ip"]) for it in rows])

rows = [json.loads(line) for line in (LOGS / "dotted.jsonl").open()]
told("dotted.jsonl", [(iso(it["@timestamp"].replace(",", ".").replace(".5", ".500").replace(".75", ".750")), it["source.ip"]) for it in rows])
