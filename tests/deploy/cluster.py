"""What kustomize makes of an overlay, by kind and name."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml


def render(folder: Path) -> list[dict]:
    out = subprocess.run(["kustomize", "build", str(folder)], check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(out) if document]


class Cluster:
    """What an overlay makes, by kind and name."""

    def __init__(self, documents: list[dict]):
        self.documents = documents

    def all(self, kind: str) -> list[dict]:
        return [document for document in self.documents if document["kind"] == kind]

    def get(self, kind: str, name: str) -> dict:
        for document in self.all(kind):
            # A config map's name ends in the hash of its content.
            if re.fullmatch(re.escape(name) + r"(-[a-z0-9]{10})?", document["metadata"]["name"]):
                return document
        raise Missing(f"there is no {kind} {name}")

    def pods(self) -> list[tuple[str, dict]]:
        kinds = ("Deployment", "StatefulSet", "Job", "CronJob")
        found = [(f"{kind} {d['metadata']['name']}", d["spec"]) for kind in kinds for d in self.all(kind)]
        return [(name, spec.get("jobTemplate", {}).get("spec", spec)["template"]) for name, spec in found]

    def remove(self, kind: str, name: str) -> None:
        self.documents.remove(self.get(kind, name))

    def pod(self, name: str) -> dict:
        return self.get("Deployment", name)["spec"]["template"]["spec"]

    def config(self, name: str) -> dict:
        (text,) = self.get("ConfigMap", name)["data"].values()
        return tomllib.loads(text)


class Missing(Exception):
    pass
