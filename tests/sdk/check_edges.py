#!/usr/bin/env python3
"""Calls Keyway with the providers' own SDKs, as an application does that changed one line.

    KEYWAY_EDGE=http://127.0.0.1:7103 KEYWAY_CALL_TOKEN=… KEYWAY_SIM=127.0.0.1:7129 python3 tests/sdk/check_edges.py

The provider behind Keyway is the simulator (with a token factor of 1). What the SDKs make of its
answers directly, they must make of them through Keyway; so these are the checks of check_sdks.py, and
those that only make sense through Keyway. Exit code 0: all checks passed.
"""
import os
import sys
import traceback

import sdk_anthropic  # noqa: F401  each import adds its checks
import sdk_exa  # noqa: F401
import sdk_google  # noqa: F401
import sdk_mistral  # noqa: F401
import sdk_openai  # noqa: F401
import sdk_openai_responses  # noqa: F401
from simulator import ADDRESS, CHECKS, control


def main():
    if not os.environ.get("KEYWAY_EDGE") or not os.environ.get("KEYWAY_CALL_TOKEN"):
        sys.exit("set KEYWAY_EDGE, KEYWAY_CALL_TOKEN and KEYWAY_SIM")
    ADDRESS.append(f"http://{os.environ['KEYWAY_SIM']}")
    only = sys.argv[1:]
    failed = 0
    checks = [function for function in CHECKS if not only or function.__name__ in only]
    for function in checks:
        control("reset", {})
        try:
            function()
            print(f"ok      {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc()
    control("reset", {})
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
