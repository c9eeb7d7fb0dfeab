"""What docs/kubernetes.md and the runbooks tell to do in a cluster fits what the overlays make."""

import re
from pathlib import Path

from properties import OUTER_MAPS, OUTER_SECRETS, same

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHELL = re.compile(r"^( *)```sh( cluster)?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Of the overlay `dev`, a loop makes them; of the other, cert-manager.
BY_A_LOOP = {"keyway-vault-tls", "keyway-router-tls", "postgres-tls", "nats-tls"}


def commands():
    """Every line for a cluster with its page, continued lines as one."""
    for page in [DOCS / "kubernetes.md", *sorted((DOCS / "runbooks").glob("*.md"))]:
        for block in SHELL.finditer(page.read_text()):
            for line in block[3].replace("\\\n", " ").splitlines():
                yield page.name, line.strip()


def mounted(cluster, kind, name):
    """Names of the files that pods take from a secret or a config map; None where they take all."""
    for _, template in cluster.pods():
        for volume in template["spec"].get("volumes", []):
            if kind == "configmap" and volume.get("configMap", {}).get("name") == name:
                yield None
            if kind == "secret" and volume.get("secret", {}).get("secretName") == name:
                yield {item["key"] for item in volume["secret"]["items"]} if "items" in volume["secret"] else None


def in_variables(cluster, secret):
    """The keys of a secret that containers take as variables."""
    for _, template in cluster.pods():
        for variable in [v for c in template["spec"]["containers"] for v in c.get("env", [])]:
            source = variable.get("valueFrom", {}).get("secretKeyRef", {})
            if source.get("name") == secret:
                yield source["key"]


def made():
    """What each line makes: page, kind, name, its files."""
    for page, line in commands():
        found = re.search(r"create (configmap|secret) (?:generic )?(keyway-\S+)", line)
        if found:
            yield page, found[1], found[2], set(re.findall(r"--from-(?:file|literal)=([^=\s]+)", line))


def what_a_page_makes_is_what_pods_take(cluster):
    for page, kind, name, files in made():
        if not list(mounted(cluster, kind, name)):
            yield f"{page}: no pod takes the {kind} {name}"
        if not OUTER_MAPS.get(name, set()) <= files:
            yield f"{page}: {name} is made without {sorted(OUTER_MAPS[name] - files)}"


def an_installation_makes_all_that_pods_take(cluster):
    lines = [row for row in made() if row[0] == "kubernetes.md"]
    for kind, names in (("secret", OUTER_SECRETS - BY_A_LOOP), ("configmap", set(OUTER_MAPS))):
        for name in sorted(names):
            wanted = set().union(*filter(None, mounted(cluster, kind, name)), in_variables(cluster, name))
            if not any(row[2] == name and wanted <= row[3] for row in lines):
                yield f"kubernetes.md: no line makes the {kind} {name} with {sorted(wanted)}"


def what_a_page_runs_is_in_the_image(cluster):
    """An image is a binary in its root, with no path to look for others and no shell."""
    seen = set()
    for page, line in commands():
        for name, command in re.findall(r"exec deployment/(\S+) -- (\S+)", line):
            image = cluster.pod(name)["containers"][0]["image"]
            yield from same(command, "/" + image.rpartition("/")[2].partition(":")[0], f"{page}: what is run in {name}")
            seen.add(name)
    yield from same(seen, {"keyway-vault", "keyway-router"}, "where pages run something")


def as_many_vaults_come_back_as_went(cluster):
    for page, line in commands():
        for count in re.findall(r"scale \S+ --replicas=(\S+)", line):
            if count not in ("0", '"$replicas"'):
                yield f"{page}: {count} vaults, whatever the overlay says"


def jobs_that_are_made_of_others_have_them(cluster):
    made = {name for _, line in commands() for name in re.findall(r"--from=cronjob/(\S+)", line)}
    yield from same(made, {c["metadata"]["name"] for c in cluster.all("CronJob")}, "what jobs are made of")
    for page, line in commands():
        for label, name in re.findall(r"--selector (\S+)=(\S+)", line):
            if not any(d["metadata"].get("labels", {}).get(label) == name for d in cluster.documents):
                yield f"{page}: nothing has the label {label}={name}"


ALL = [
    what_a_page_makes_is_what_pods_take,
    an_installation_makes_all_that_pods_take,
    what_a_page_runs_is_in_the_image,
    as_many_vaults_come_back_as_went,
    jobs_that_are_made_of_others_have_them,
]
