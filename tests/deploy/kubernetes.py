"""The Kubernetes overlays keep their promises, and this check sees when one does not.

Renders each overlay with kustomize, validates it against the schemas of Kubernetes, and looks at
every property. Then it takes each property away, in every way that `removals.py` lists, and every
document and every field, and must notice each time. Ends with one line; exit code 1 if anything is wrong.

    kubernetes.py FOLDER_OF_OVERLAYS [OVERLAY...]
"""

import copy
import sys
from pathlib import Path

import kubernetes_validate

import install
import pages
import reach
from cluster import Cluster, Missing, render
from fields import is_harmless, removals
from removals import REMOVALS, WHERE_MONITORED

KUBERNETES = "1.34"
PROPERTIES = [*REMOVALS, *reach.ALL, *install.ALL, *pages.ALL]


def complaints(holds, cluster):
    try:
        return list(holds(cluster))
    except (Missing, KeyError, IndexError, ValueError, TypeError, StopIteration) as error:
        return [f"{type(error).__name__}: {error}"]


def validated(documents):
    """Against the schemas of Kubernetes; other kinds have their own."""
    for document in documents:
        if not document["apiVersion"].startswith(("cert-manager.io/", "monitoring.coreos.com/")):
            try:
                kubernetes_validate.validate(document, KUBERNETES, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{document['kind']} {document['metadata']['name']}: {error.message}"


def unnoticed(documents):
    """What can be taken away without anybody missing it."""
    for gone, left in removals(documents):
        if is_harmless(gone) or any(complaints(holds, Cluster(left)) for holds in PROPERTIES):
            continue
        (changed,) = [d for d in left if f"{d['kind']} {d['metadata']['name']}" == " ".join(gone.split()[:2])] or [None]
        if changed is None or not list(validated([changed])):
            yield gone


def check(folder: Path) -> tuple[list[str], int]:
    documents = render(folder)
    wrong = list(validated(documents))
    for holds in PROPERTIES:
        wrong += [f"{holds.__name__}: {text}" for text in complaints(holds, Cluster(documents))]
    tried = 0
    for holds, changes in REMOVALS.items():
        if Cluster(documents).all("ServiceMonitor"):
            changes = changes + WHERE_MONITORED.get(holds, [])
        for number, change in enumerate(changes):
            without = Cluster(copy.deepcopy(documents))
            change(without)
            tried += 1
            if not complaints(holds, without):
                wrong.append(f"{holds.__name__}: removal {number} is not noticed")
    wrong += [f"nobody misses {gone}" for gone in unnoticed(documents)]
    tried += sum(not is_harmless(gone) for gone, _ in removals(documents))
    return [f"{folder.name}: {text}" for text in wrong], tried


def main(folder: str, *names: str) -> int:
    folders = [Path(folder) / name for name in names] or sorted(p for p in Path(folder).iterdir() if p.is_dir())
    wrong, removals = [], 0
    for overlay in folders:
        found, tried = check(overlay)
        wrong += found
        removals += tried
    print("\n".join(wrong))
    print(f"{len(folders)} overlays, {len(PROPERTIES)} properties, {removals} removals tried, {len(wrong)} wrong")
    return 1 if wrong or not folders else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
