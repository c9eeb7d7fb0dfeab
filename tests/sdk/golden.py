#!/usr/bin/env python3
"""Works out what answers of providers cost, in another language, and compares.

    python3 tests/sdk/golden.py --table router/golden/invoices.md     the arithmetic and the amounts typed in there
    … | python3 tests/sdk/golden.py                                   JSON lines of the product's own figures

A line of JSON has `provider`, `endpoint`, `model`, `answer` (what the provider says, in its own words) and
what the product made of it: `usage` (disjoint parts; absent is not known), `usd` (list price, `unpriced` or `unknown`).
Nothing here shares code with the product: the rules are those of the providers' references, amounts are exact fractions.
"""
import argparse
import ast
import json
import sys
from fractions import Fraction
from pathlib import Path

from recompute import ORDINARY, price_rows, row_of, wire

ROOT = Path(__file__).resolve().parents[2]
BASE_VALUES = {"", "standard", "default", "global", "none", "not_available"}


class Nonsense(Exception):
    """The report contradicts itself."""


def count(report, *path):
    """A count, or None where it is absent or null."""
    for name in path:
        report = (report or {}).get(name)
    if report is None:
        return None
    if type(report) is not int or report < 0:
        raise Nonsense(f"{path[-1]} is {report}")
    return report


def known(*counts):
    counts = [one for one in counts if one is not None]
    return sum(counts) if counts else None


def left(total, *parts):
    """What is left of a total that includes the parts."""
    if total is None:
        return None
    rest = total - sum(part or 0 for part in parts)
    if rest < 0:
        raise Nonsense("parts exceed their total")
    return rest


def within(part, whole):
    if part is not None and whole is not None and part > whole:
        raise Nonsense("a part exceeds its whole")


def openai(answer, endpoint):
    report = answer.get("usage")
    if report is None:
        return None, answer.get("service_tier"), {}
    prompt, completion = ("input", "output") if endpoint == "responses" else ("prompt", "completion")
    whole_in, whole_out = count(report, f"{prompt}_tokens"), count(report, f"{completion}_tokens")
    total, details = count(report, "total_tokens"), f"{prompt}_tokens_details"
    cached, written = count(report, details, "cached_tokens"), count(report, details, "cache_write_tokens")
    audio_in, audio_out = count(report, details, "audio_tokens"), count(report, f"{completion}_tokens_details", "audio_tokens")
    reasoning = count(report, f"{completion}_tokens_details", "reasoning_tokens")
    left(total, whole_in, whole_out)
    within(reasoning, whole_out)
    return {
        "input_tokens": left(whole_in, cached, written, audio_in),
        "cache_read_tokens": cached,
        "cache_write_tokens": written,
        "input_audio_tokens": audio_in,
        "output_tokens": left(whole_out, audio_out),
        "output_audio_tokens": audio_out,
        "reasoning_tokens": reasoning,
    }, answer.get("service_tier"), {}


def anthropic(answer, _endpoint):
    report = answer.get("usage")
    if report is None:
        return None, None, {}
    written = count(report, "cache_creation_input_tokens")
    short, hour = (count(report, "cache_creation", f"ephemeral_{life}_input_tokens") for life in ("5m", "1h"))
    output, thinking = count(report, "output_tokens"), count(report, "output_tokens_details", "thinking_tokens")
    within(thinking, output)
    if written is not None:
        rest = left(written, hour)
        within(short, rest)
        short = rest
    return {
        "input_tokens": count(report, "input_tokens"),
        "cache_read_tokens": count(report, "cache_read_input_tokens"),
        "cache_write_tokens": short,
        "cache_write_1h_tokens": hour,
        "output_tokens": output,
        "reasoning_tokens": thinking,
        "server_tool_requests": count(report, "server_tool_use", "web_search_requests"),
    }, report.get("service_tier"), {name: report[name] for name in ("inference_geo", "speed") if report.get(name) is not None}


def google(answer, _endpoint):
    report = answer.get("usageMetadata")
    if report is None:
        return None, None, {}

    def audio(name):
        return known(*(count(part, "tokenCount") for part in report.get(name) or () if part["modality"] == "AUDIO"))

    prompt, cached = count(report, "promptTokenCount"), count(report, "cachedContentTokenCount")
    candidates, thoughts = count(report, "candidatesTokenCount"), count(report, "thoughtsTokenCount")
    total = count(report, "totalTokenCount")
    whole_in = known(prompt, count(report, "toolUsePromptTokenCount"))
    if candidates is not None and thoughts is not None and total == known(whole_in, candidates):
        whole_out = candidates
    else:
        whole_out = known(candidates, thoughts)
    if whole_out is None and total is not None and total == whole_in:
        whole_out = 0
    left(total, whole_in, whole_out)
    within(thoughts, whole_out)
    audio_in, audio_cached, audio_out = audio("promptTokensDetails"), audio("cacheTokensDetails"), audio("candidatesTokensDetails")
    within(audio_cached, cached)
    within(audio_cached, audio_in)
    fresh_audio = left(audio_in, audio_cached)
    return {
        "input_tokens": left(whole_in, cached, fresh_audio),
        "cache_read_tokens": left(cached, audio_cached),
        "input_audio_tokens": fresh_audio,
        "cache_read_audio_tokens": audio_cached,
        "output_tokens": left(whole_out, audio_out),
        "output_audio_tokens": audio_out,
        "reasoning_tokens": thoughts,
    }, report.get("serviceTier"), {}


def mistral(answer, _endpoint):
    report = answer.get("usage")
    if report is None:
        return None, None, {}
    prompt, completion, total = (count(report, f"{name}_tokens") for name in ("prompt", "completion", "total"))
    spellings = [
        count(report, "prompt_tokens_details", "cached_tokens"),
        count(report, "prompt_token_details", "cached_tokens"),
        count(report, "num_cached_tokens"),
    ]
    cached = next((one for one in spellings if one is not None), None)
    left(total, prompt, completion)
    seconds = report.get("prompt_audio_seconds") or 0
    return {
        "input_tokens": left(prompt, cached),
        "cache_read_tokens": cached,
        "output_tokens": completion,
    }, report.get("service_tier"), {"prompt_audio_seconds": str(seconds)} if seconds else {}


TOKENS = {"openai": openai, "anthropic": anthropic, "google": google, "mistral": mistral}


def token_price(row, usage, tier, dimensions):
    """USD, or None where a price is missing."""
    tier, rates = (tier or "").lower(), row
    if tier not in ORDINARY:
        rates = row.get("service_tiers", {}).get(tier)
        if rates is None:
            return None
    parts = {name: used or 0 for name, used in usage.items()}
    get = lambda name: parts.get(name, 0)
    prompt = sum(get(name) for name in parts if name not in ("output_tokens", "output_audio_tokens", "reasoning_tokens", "server_tool_requests"))
    bounds = sorted(rates.get("tiers") or (), key=lambda step: step["above_tokens"])
    if not bounds and any(prompt > step["above_tokens"] for step in row.get("tiers") or ()):
        return None
    prices = rates
    for step in bounds:
        if prompt > step["above_tokens"]:
            prices = step
    price = lambda name: None if prices.get(name) is None else Fraction(prices[name])
    fresh = price("input")
    out = price("output") if price("output") is not None else Fraction(row["output"])
    or_else = lambda *choices: next(one for one in choices if one is not None)
    write = or_else(price("cache_write"), fresh)
    audio = price("input_audio")
    cached_audio = price("cache_read_audio")
    if cached_audio is None:
        cached_audio = audio if audio is not None else or_else(price("cache_read"), fresh)
    total = (
        get("input_tokens") * fresh
        + get("cache_read_tokens") * or_else(price("cache_read"), fresh)
        + get("cache_write_tokens") * write
        + get("cache_write_1h_tokens") * or_else(price("cache_write_1h"), write)
        + get("input_audio_tokens") * or_else(audio, fresh)
        + get("cache_read_audio_tokens") * cached_audio
        + get("output_tokens") * out
        + get("output_audio_tokens") * or_else(price("output_audio"), out)
    ) / 10**6
    if get("server_tool_requests"):
        if row.get("per_server_tool_request") is None:
            return None
        total += get("server_tool_requests") * Fraction(row["per_server_tool_request"])
    for name, value in dimensions.items():
        factor = row.get("multipliers", {}).get(f"{name}:{value}")
        if factor is None and value not in BASE_VALUES:
            return None
        total *= Fraction(factor or 1)
    return total


def tokens(rows, line):
    try:
        usage, tier, dimensions = TOKENS[line["provider"]](line["answer"], line["endpoint"])
    except Nonsense:
        return None, "unpriced"
    usage = {name: used for name, used in (usage or {}).items() if used is not None}
    try:
        row = row_of(rows, line["provider"], [line["answer"].get("model", line["model"]), line["model"]])
    except LookupError:
        return usage, "unpriced"
    if not usage:
        return usage, "unknown"
    amount = token_price(row, usage, tier, dimensions)
    return usage, "unpriced" if amount is None else wire(amount)


def search(rows, line):
    said, model = line["answer"], line["model"]
    results, summaries = said.get("results", 0), said.get("summaries", 0)
    pages = said.get("texts", 0) + said.get("highlights", 0) + summaries
    if model == "contents":
        usage, amount = {"requests": 1, "content_pages": pages}, pages * Fraction(rows["exa", "contents"]["per_page"])
    elif model == "answer":
        usage, amount = {"requests": 1}, Fraction(rows["exa", "answer"]["per_request"])
    else:
        row = rows["exa", f"search:{model}"]
        usage = {"requests": 1, "search_results": results, "summaries": summaries}
        amount = Fraction(row["per_request"]) + summaries * Fraction(row["per_summary"])
        amount += max(0, results - row["included_results"]) * Fraction(row["per_extra_result"])
    told = (said.get("costDollars") or {}).get("total")
    if told is not None:
        # A JSON number by its text, as it stands on the wire.
        if told.startswith("-"):
            return None, "unpriced"
        amount = Fraction(told)
    return usage, wire(amount)


def work_out(rows, line):
    return (search if line["provider"] == "exa" else tokens)(rows, line)


def read(text):
    """JSON whose amounts stay text."""
    value = json.loads(text, parse_float=str)
    cost = value["answer"].get("costDollars")
    if cost and cost.get("total") is not None:
        cost["total"] = str(cost["total"])
    return value


def check_table(rows, path):
    seen, failed, sum_of_lines = 0, 0, Fraction(0)
    for row in Path(path).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if not row.startswith("|") or cells[0] in ("provider", "---"):
            continue
        if cells[1] == "total":
            if Fraction(cells[6]) != sum_of_lines:
                failed += 1
                print(f"FAILED  the lines sum to {wire(sum_of_lines)}, typed in is {cells[6]}")
            continue
        provider, case, endpoint, model, answer, arithmetic, usd = cells
        line = read(json.dumps({"provider": provider, "endpoint": endpoint, "model": model}).replace("}", f', "answer": {answer}}}'))
        _usage, told = work_out(rows, line)
        by_hand = usd
        if arithmetic:
            by_hand = wire(evaluate(arithmetic))
            sum_of_lines += Fraction(by_hand)
        seen += 1
        if not told == usd == by_hand:
            failed += 1
            print(f"FAILED  {provider}, {case}: typed in {usd}, the arithmetic gives {by_hand}, worked out {told}")
    return seen, failed


def evaluate(text):
    """Sums and products of decimals, exactly."""
    def of(node):
        match node:
            case ast.Expression():
                return of(node.body)
            case ast.BinOp(op=ast.Add()):
                return of(node.left) + of(node.right)
            case ast.BinOp(op=ast.Mult()):
                return of(node.left) * of(node.right)
            case ast.BinOp(op=ast.Div()):
                return of(node.left) / of(node.right)
            case ast.Constant():
                return Fraction(ast.get_source_segment(source, node))
            case ast.Name(id="M"):
                return Fraction(10**6)
        raise ValueError(text)

    source = text.replace("×", "*")
    return of(ast.parse(source, mode="eval"))


def check_lines(rows, lines):
    seen, failed = 0, 0
    for text in lines:
        line = read(text)
        usage, usd = work_out(rows, line)
        seen += 1
        # Of a report that contradicts itself nothing is compared but that it has no price.
        if usd != line["usd"] or (usage is not None and usage != line["usage"]):
            failed += 1
            print(f"FAILED  {text.strip()}\n        worked out: {usd} {usage}")
    return seen, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table")
    options = parser.parse_args()
    rows = price_rows([ROOT / "router" / "pricing" / "prices"])
    seen, failed = check_table(rows, options.table) if options.table else check_lines(rows, sys.stdin)
    print(f"{seen} worked out again, {failed} of them differ")
    return 1 if failed or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
