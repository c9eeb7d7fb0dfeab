"""Lists what a binary is made of: CycloneDX 1.6, from `cargo metadata`, on standard output.

    sbom.py PACKAGE

Dependencies for building and testing are left out: they are not in the binary.
"""

import json
import subprocess
import sys


def metadata() -> dict:
    host = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    platform = next(line.split()[1] for line in host.splitlines() if line.startswith("host:"))
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", platform]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def linked(nodes: dict, root: str) -> dict[str, list[str]]:
    """Every package that is linked in, with those that it needs itself."""
    found, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        needs = [d["pkg"] for d in nodes[package]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
        found[package] = sorted(needs)
        waiting += needs
    return found


def component(package: dict, kind: str) -> dict:
    described = {
        "type": kind,
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": f"pkg:cargo/{package['name']}@{package['version']}",
    }
    if package.get("license"):
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return described


def reference(package: dict) -> str:
    return f"{package['name']}@{package['version']}"


def main(name: str) -> None:
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    (root,) = [package["id"] for package in data["packages"] if package["name"] == name]
    found = linked({node["id"]: node for node in data["resolve"]["nodes"]}, root)
    others = sorted((packages[i] for i in found if i != root), key=reference)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(packages[root], "application")},
        "components": [component(package, "library") for package in others],
        "dependencies": [
            {"ref": reference(packages[i]), "dependsOn": [reference(packages[n]) for n in needs]}
            for i, needs in sorted(found.items(), key=lambda pair: reference(packages[pair[0]]))
        ],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
