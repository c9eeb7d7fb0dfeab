#!/usr/bin/env python3
"""Reads Keyway's billing stream from NATS JetStream into SQLite, each event once for ever.

JetStream delivers at least once, and a replay may come months later: what makes a sum exact is that the
id of every event is kept beside its amount, in the transaction that counts it, and that a message is
acknowledged only after that. An id that comes again with another body is never counted and ends the
program, because somebody else published under it.

Needs nats-py. The login comes from the environment: KEYWAY_NATS_LOGIN=user:password. For a tls:// server
of your own CA, SSL_CERT_FILE names that CA's file.
Exit codes: 0 done, 3 an id came with two bodies, 1 anything else.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sqlite3
import sys
from decimal import Decimal

import nats

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    source    TEXT NOT NULL,
    id        TEXT NOT NULL,
    body      TEXT NOT NULL, -- SHA-256: the same id must bring the same bytes
    type      TEXT NOT NULL,
    workspace TEXT NOT NULL,
    period    TEXT NOT NULL,
    charge    INTEGER, -- pico-USD; NULL is not known, which is not zero
    list      INTEGER,
    PRIMARY KEY (source, id)
) STRICT;
"""


class Conflict(Exception):
    """One id, two bodies."""


def pico(amount):
    """An amount of the wire as an integer, exactly; floats would not do."""
    return None if amount is None else int(Decimal(amount).scaleb(12))


def store(database, body):
    """Counts a message unless it was counted before. Returns whether it is new."""
    event = json.loads(body)
    data, digest = event["data"], hashlib.sha256(body).hexdigest()
    key = (event["source"], event["id"])
    with database:
        known = database.execute("SELECT body FROM events WHERE source = ? AND id = ?", key).fetchone()
        if known is None:
            database.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*key, digest, event["type"], event.get("subject", ""), data.get("period", ""),
                 pico(data.get("chargeUsd")), pico(data.get("listPriceUsd"))),
            )
        elif known[0] != digest:
            raise Conflict(event["id"])
    return known is None


def sums(database):
    """Events, charge and list price by workspace. Added here: 64 bits are too few for a sum of pico-USD."""
    totals = {}
    for workspace, charge, list_price in database.execute("SELECT workspace, charge, list FROM events WHERE type <> 'keyway.key.v1'"):
        total = totals.setdefault(workspace, {"events": 0, "charge_pico": 0, "list_pico": 0})
        total["events"] += 1
        total["charge_pico"] += charge or 0
        total["list_pico"] += list_price or 0
    return totals


async def consume(arguments, database):
    user, _, password = os.environ.get("KEYWAY_NATS_LOGIN", "").partition(":")
    login = {"user": user, "password": password} if password else {}
    connection = await nats.connect(arguments.nats, max_reconnect_attempts=-1, **login)
    subscription = await connection.jetstream().pull_subscribe(
        "", durable=arguments.consumer, stream=arguments.stream
    )
    try:
        while True:
            try:
                messages = await subscription.fetch(100, timeout=arguments.until_idle or 30)
            except asyncio.TimeoutError:
                if arguments.until_idle:
                    return
                continue
            for message in messages:
                store(database, message.data)
                await message.ack()
    finally:
        await connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nats", default="nats://127.0.0.1:4222")
    parser.add_argument("--stream", default="KEYWAY_BILLING")
    parser.add_argument("--consumer", default="reference")
    parser.add_argument("--database", required=True)
    parser.add_argument("--until-idle", type=float, help="end after so many seconds without a message")
    arguments = parser.parse_args()
    database = sqlite3.connect(arguments.database)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
    try:
        asyncio.run(consume(arguments, database))
    except Conflict as conflict:
        print(f"{conflict}: this id came before with another body; it was not counted", file=sys.stderr)
        return 3
    print(json.dumps(sums(database), sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
