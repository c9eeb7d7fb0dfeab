#!/usr/bin/env python3
"""Recomputes usage events from the price files and the simulator's journal, with exact decimals.

    grpcurl … BillingService/ListUsage | python3 tests/sdk/recompute.py \\
        --journal .keyway/provider-sim.journal [--prices router/pricing/prices] [--multiplier 1] \\
        [--require openai:OWN --require openai:HOSTED]

Standard input (or --events FILE): what grpcurl prints of ListUsage or StreamUsage, or one event.
For each CALL event of type keyway.usage.v1 with basis PROVIDER_REPORTED it finds the request in the journal (same
provider and model, read between the event's start and its settlement), takes the counts or the cost
that the simulator reported, and the price from the files, and compares usage, list price and charge.
--prices may be given again: rows of later files win. --require fails unless such an event was
compared. Exit code 0: everything that was compared is equal, and something was.

Nothing here shares code with the product or with the simulator.
"""
import argparse
import json
import sys
from datetime import datetime
from fractions import Fraction
from pathlib import Path

PICO = 10**12
ORDINARY = {"", "default", "standard", "auto", "unspecified"}
# What a search is called whose path says so.
KINDS = {"/contents": "contents", "/answer": "answer"}
ROOT = Path(__file__).resolve().parents[2]
COUNTS = {
    "inputTokens": "input",
    "cacheReadTokens": "cache_read",
    "cacheWriteTokens": "cache_write",
    "cacheWrite1hTokens": "cache_write_1h",
    "outputTokens": "output",
    "reasoningTokens": "reasoning",
}


def documents(text):
    """All JSON documents of a text, one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


def events_in(value):
    if isinstance(value, dict):
        if "eventId" in value:
            yield value
        else:
            for inner in value.values():
                yield from events_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from events_in(inner)


def price_rows(paths):
    rows = {}
    for path in map(Path, paths):
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            for row in json.loads(file.read_text(encoding="utf-8")):
                rows[row["provider"], row["model"]] = row
    return rows


def row_of(rows, provider, names):
    for name in names:
        if (provider, name) in rows:
            return rows[provider, name]
        for (owner, _), row in rows.items():
            if owner == provider and name in row.get("aliases", ()):
                return row
    raise LookupError(f"no price for {provider} {names}")


def journal(path):
    """Requests that were answered with figures which were sent, by the order of reading."""
    entries = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        line = json.loads(line)
        entries.setdefault(line["seq"], {}).update(line)
    return [e for e in entries.values() if e.get("reported") and e.get("usage_sent")]


def micros(stamp):
    whole, _, rest = stamp.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 10**6 + int((rest + "000000")[:6])


def tail(name, provider):
    """A model's name without its provider."""
    return name.removeprefix(f"{provider}/")


def find(entries, used, event):
    start, end = micros(event["startedAt"]), micros(event["settledAt"])
    model = tail(event["requestedModel"], event["provider"])
    for entry in entries:
        if entry["seq"] in used or entry["provider"] != event["provider"]:
            continue
        asked = entry["model"] or KINDS.get(entry["path"]) or json.loads(entry["body"] or "{}").get("type") or "auto"
        if start <= entry["time_us"] <= end and asked == model:
            used.add(entry["seq"])
            return entry
    raise LookupError("the journal has no such request")


def token_price(row, counts, tier, dimensions):
    rates = row
    if tier.lower() not in ORDINARY:
        rates = row["service_tiers"][tier.lower()]
    prompt = counts["input"] + counts["cache_read"] + counts["cache_write"] + counts["cache_write_1h"]
    for step in sorted(rates.get("tiers", ()), key=lambda step: step["above_tokens"]):
        if prompt > step["above_tokens"]:
            rates = step
    fresh = rates["input"]
    write = rates.get("cache_write") or fresh
    each = {
        "input": fresh,
        "cache_read": rates.get("cache_read") or fresh,
        "cache_write": write,
        "cache_write_1h": rates.get("cache_write_1h") or write,
        "output": rates.get("output") or row["output"],
    }
    total = sum(Fraction(price) * counts[part] for part, price in each.items()) / 10**6
    for name, value in dimensions.items():
        total *= Fraction(row.get("multipliers", {}).get(f"{name}:{value}", "1"))
    return total


def request_price(row, reported):
    if row["unit"] == "per_page":
        return Fraction(row["per_page"]) * reported["pages"]
    total = Fraction(row["per_request"])
    extra = max(0, reported["results"] - row.get("included_results", reported["results"]))
    total += Fraction(row.get("per_extra_result", "0")) * extra
    return total + Fraction(row.get("per_summary", "0")) * reported["summaries"]


def wire(amount):
    """USD with twelve decimals; halves go to the even neighbour, as Python's round does."""
    pico = round(amount * PICO)
    sign, pico = ("-" if pico < 0 else ""), abs(pico)
    return f"{sign}{pico // PICO}.{pico % PICO:012d}"


def expected(event, entry, rows):
    """Usage fields and the list price that follow from the journal."""
    reported, provider = entry["reported"], entry["provider"]
    if "cost_usd" in reported:
        cost = Fraction(reported["cost_usd"])
        table = request_price(row_of(rows, provider, [reported["row"]]), reported)
        if wire(cost) != wire(table):
            raise ValueError(f"the simulator reported {wire(cost)}, the price file says {wire(table)}")
        usage = {
            "contents": {"contentPages": reported["pages"]},
            "answer": {},
        }.get(reported["row"], {"searchResults": reported["results"], "summaries": reported["summaries"]})
        return usage, cost
    counts = reported["counts"]
    names = [reported["served_model"], tail(event["requestedModel"], provider)]
    dimensions = {name: reported["usage"][name] for name in ("inference_geo", "speed") if name in reported["usage"]}
    price = token_price(row_of(rows, provider, names), counts, reported.get("service_tier") or "", dimensions)
    return {name: counts[part] for name, part in COUNTS.items()}, price


def compare(event, entry, rows, multiplier):
    usage, price = expected(event, entry, rows)
    source = event["source"].removeprefix("SOURCE_")
    charge = Fraction(0) if source == "OWN" else price * multiplier
    wrong = []
    for name, count in usage.items():
        told = int(event.get("usage", {}).get(name, 0))
        if told != count:
            wrong.append(f"{name} is {told}, the simulator reported {count}")
    for name, amount in (("listPriceUsd", price), ("chargeUsd", charge)):
        if event.get(name) != wire(amount):
            wrong.append(f"{name} is {event.get(name)}, recomputed {wire(amount)}")
    return source, wire(price), wire(charge), wrong


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", help="file with events; without it standard input")
    parser.add_argument("--journal", required=True)
    parser.add_argument("--prices", action="append", help="price file or folder; default router/pricing/prices")
    parser.add_argument("--multiplier", default="1", help="the operator's factor on hosted calls")
    parser.add_argument("--require", action="append", default=[], metavar="PROVIDER:SOURCE")
    return parser.parse_args()


def main():
    options = arguments()
    text = Path(options.events).read_text(encoding="utf-8") if options.events else sys.stdin.read()
    rows = price_rows(options.prices or [ROOT / "router" / "pricing" / "prices"])
    entries, used, seen, failed = journal(options.journal), set(), set(), 0
    try:
        read = list(documents(text))
    except json.JSONDecodeError as error:
        print(f"FAILED  the events are no JSON ({error}): {text[:200]}")
        return 1
    events = [event for document in read for event in events_in(document)]
    for event in sorted(events, key=lambda event: micros(event.get("startedAt", "1970-01-01T00:00:00Z"))):
        basis = event.get("basis", "").removeprefix("BASIS_")
        kind = event.get("kind", "").removeprefix("EVENT_KIND_").removeprefix("KIND_")
        if event.get("type") != "keyway.usage.v1" or basis != "PROVIDER_REPORTED" or kind != "CALL":
            continue
        what = f"{event['eventId']} {event['provider']} {event['requestedModel']}"
        try:
            entry = find(entries, used, event)
            source, price, charge, wrong = compare(event, entry, rows, Fraction(options.multiplier))
        except (LookupError, ValueError) as error:
            failed += 1
            print(f"FAILED  {what}: {error}")
            continue
        seen.add(f"{event['provider']}:{source}")
        failed += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok    '}  {what} {source}: list {price}, charge {charge}", *wrong, sep="\n        " if wrong else "")
    missing = sorted(set(options.require) - seen)
    if missing or not seen:
        failed += 1
        print(f"FAILED  nothing was compared for {', '.join(missing) or 'any provider'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
