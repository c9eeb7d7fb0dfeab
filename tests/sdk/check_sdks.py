#!/usr/bin/env python3
"""Reads the simulator's replies with the providers' own SDKs.

    KEYWAY_SIM_BIN=target/debug/provider-sim python3 tests/sdk/check_sdks.py
    KEYWAY_SIM=127.0.0.1:7129 python3 tests/sdk/check_sdks.py

With KEYWAY_SIM_BIN it starts that program on a free port and stops it; with KEYWAY_SIM it uses one
that runs (with a token factor of 1), and leaves it without rules. Exit code 0: all checks passed.

Every reply goes through the SDK's own HTTP, framing, types and errors; what it saw is compared with
the counting rule (a token for every four bytes begun, three more for a message).
"""
import os
import subprocess
import sys
import traceback
from importlib.metadata import version

import sdk_anthropic  # noqa: F401  each import adds its checks
import sdk_exa  # noqa: F401
import sdk_google  # noqa: F401
import sdk_journal  # noqa: F401
import sdk_mistral  # noqa: F401
import sdk_openai  # noqa: F401
import sdk_openai_responses  # noqa: F401
import sdk_stored  # noqa: F401
from simulator import ADDRESS, CHECKS, control

SDKS = ("openai", "anthropic", "google-genai", "mistralai", "exa-py")


def started():
    """The simulator's address, and the process if it is ours."""
    address = os.environ.get("KEYWAY_SIM")
    if address:
        return address, None
    binary = os.environ.get("KEYWAY_SIM_BIN")
    if not binary:
        sys.exit("set KEYWAY_SIM_BIN to the provider-sim program, or KEYWAY_SIM to the address of one that runs")
    args = [binary, "--listen", "127.0.0.1:0", "--parent-stdin"]
    child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return child.stdout.readline().split()[-1], child


def main():
    address, child = started()
    ADDRESS.append(f"http://{address}")
    failed = 0
    try:
        for function in CHECKS:
            control("reset", {})
            try:
                function()
                print(f"ok      {function.__name__}")
            except Exception:
                failed += 1
                print(f"FAILED  {function.__name__}")
                traceback.print_exc()
        control("reset", {})
    finally:
        if child:
            child.stdin.close()
            code = child.wait(timeout=20)
            if code != 0:
                failed += 1
                print(f"FAILED  the simulator ended with {code} when its standard input closed")
    versions = ", ".join(f"{name} {version(name)}" for name in SDKS)
    print(f"{len(CHECKS) - min(failed, len(CHECKS))} passed, {failed} failed ({versions})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
