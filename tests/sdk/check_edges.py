#!/usr/bin/env python3
"""Calls Keyway with the providers' own SDKs, as an application does that changed one line.

    . .keyway/keyway.env
    KEYWAY_EDGE=http://$KEYWAY_ROUTER KEYWAY_EXPECT_SOURCE=hosted python3 tests/sdk/check_edges.py

The provider behind Keyway is the simulator (with a token factor of 1). What the SDKs make of its
answers directly, they must make of them through Keyway; so these are the checks of check_sdks.py, and
those of sdk_edges.py. Left out are checks that need another key at the provider, since the key is
Keyway's business here. KEYWAY_EXPECT_SOURCE says whose key the calls are served with: hosted or own.
Exit code 0: all checks passed.
"""
import os
import sys
import time
import traceback

import sdk_anthropic  # noqa: F401  each import adds its checks
import sdk_compatible  # noqa: F401
import sdk_edges  # noqa: F401
import sdk_exa  # noqa: F401
import sdk_google  # noqa: F401
import sdk_langchain  # noqa: F401
import sdk_mistral  # noqa: F401
import sdk_openai  # noqa: F401
import sdk_openai_responses  # noqa: F401
import sdk_shapes  # noqa: F401
from simulator import ADDRESS, CHECKS, control


# Checks that choose the provider's key, or have it rested for what the provider said of it.
KEYS = {"openai_errors", "anthropic_errors", "google_errors", "mistral_errors", "exa_errors", "openai_response_ends"}
# On the platform's key the provider's own words are not for the caller.
OWN_ONLY = {"google_calls_and_the_way_back"}


def runs(name):
    hosted = os.environ.get("KEYWAY_EXPECT_SOURCE", "hosted") == "hosted"
    return name not in KEYS and not (hosted and name in OWN_ONLY)


def main():
    if not os.environ.get("KEYWAY_EDGE") or not os.environ.get("KEYWAY_CALL_TOKEN"):
        sys.exit("set KEYWAY_EDGE, KEYWAY_CALL_TOKEN and KEYWAY_SIM")
    ADDRESS.append(f"http://{os.environ['KEYWAY_SIM']}")
    only = sys.argv[1:]
    failed = 0
    checks = [function for function in CHECKS if runs(function.__name__) and (not only or function.__name__ in only)]
    for function in checks:
        control("reset", {})
        begun = time.monotonic()
        try:
            function()
            print(f"ok      {function.__name__} ({time.monotonic() - begun:.1f} s)")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc()
    control("reset", {})
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
