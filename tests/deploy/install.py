"""What an installation needs to come up and stay up: files where they are looked for, room, certificates, eyes."""

import json

from properties import OUTER_MAPS, SERVICES, same

# Files of the secrets that are made outside.
FILES = {
    "keyway-vault-tls": {"tls.crt", "tls.key", "ca.crt"},
    "keyway-router-tls": {"tls.crt", "tls.key", "ca.crt"},
}
OURS = ("Deployment keyway-vault", "Deployment keyway-router", "Job keyway-migrate-vault", "Job keyway-migrate-router", "CronJob keyway-restore")


def ours(cluster):
    return [(name, template["spec"]) for name, template in cluster.pods() if name in OURS]


def files_of(cluster, volume):
    """Names of the files in a volume; None where only the one who makes the secret knows."""
    if "configMap" in volume:
        name = volume["configMap"]["name"]
        if name in OUTER_MAPS:
            return OUTER_MAPS[name]
        return set(cluster.get("ConfigMap", name)["data"])
    if "secret" in volume:
        items = volume["secret"].get("items")
        return {item["path"] for item in items} if items else FILES.get(volume["secret"]["secretName"])
    return {s["serviceAccountToken"]["path"] for s in volume["projected"]["sources"]}


def paths(settings):
    for value in settings.values() if isinstance(settings, dict) else settings:
        if isinstance(value, (dict, list)):
            yield from paths(value)
        elif isinstance(value, str) and value.startswith("/"):
            yield value


def every_file_that_is_named_is_mounted(cluster):
    for name, spec in ours(cluster):
        (container,) = spec["containers"]
        args = container["args"]
        wanted = {argument for argument in args if argument.startswith("/")}
        wanted.add("/etc/keyway/database/ca.crt")  # which the URLs name
        kind, short = name.split()
        if kind == "Deployment":
            part = short.removeprefix("keyway-")
            yield from same(args, ["--config", f"/etc/keyway/config/{part}.toml"], f"{name}: arguments")
            wanted |= set(paths(cluster.config(short)))
        elif kind == "CronJob":
            yield from same(args, ["restore", "--config", "/etc/keyway/config/vault.toml"], f"{name}: arguments")
            wanted |= set(paths(cluster.config("keyway-vault")))
        else:
            part = short.removeprefix("keyway-migrate-")
            folder = f"/etc/keyway/database/{part}"
            asked = [part, "--url-file", f"{folder}-url", "--password-file", f"{folder}-password"]
            yield from same(args, asked, f"{name}: arguments")
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
        for path in sorted(wanted):
            folder, _, file = path.rpartition("/")
            found = mounts.get(folder)
            known = found and files_of(cluster, found)
            if path not in mounts and (found is None or (known is not None and file not in known)):
                yield f"{name}: {path} is not mounted"
        for mount in container["volumeMounts"]:
            yield from same(mount.get("readOnly"), True, f"{name}: {mount['name']} read-only")


def urls_of_databases_come_from_the_secret(cluster):
    pods = dict(ours(cluster))
    for name, variable, key in (("Deployment keyway-vault", "KEYWAY_VAULT__DATABASE__URL", "vault-url"),
                                ("CronJob keyway-restore", "KEYWAY_VAULT__DATABASE__URL", "vault-url"),
                                ("Deployment keyway-router", "KEYWAY_ROUTER__LEDGER__URL", "router-url")):
        env = {e["name"]: e.get("valueFrom", {}).get("secretKeyRef") for e in pods[name]["containers"][0]["env"]}
        yield from same(env.get(variable), {"name": "keyway-database", "key": key}, f"{name}: {variable}")


def pods_can_read_their_secrets_and_nobody_else(cluster):
    for name, spec in ours(cluster):
        outer = spec["securityContext"]
        ids = [outer.get(key) for key in ("runAsUser", "runAsGroup", "fsGroup")]
        yield from same(ids, [65532] * 3, f"{name}: user, group and group of its volumes")
        for volume in spec["volumes"]:
            mode = volume.get("secret", volume.get("projected", {"defaultMode": 0o440})).get("defaultMode")
            yield from same(mode, 0o440, f"{name}: mode of {volume['name']}")


def pods_have_accounts_of_their_own(cluster):
    for name, spec in ours(cluster):
        kind, short = name.split()
        wanted = {"Job": "keyway-migrate", "CronJob": "keyway-vault"}.get(kind, short)
        yield from same(spec.get("serviceAccountName"), wanted, f"{name}: account")
        account = cluster.get("ServiceAccount", wanted)
        yield from same(account.get("automountServiceAccountToken"), False, f"{wanted}: tokens unasked")


def replicas_are_apart_and_have_room(cluster):
    for name in SERVICES:
        spec = cluster.pod(name)
        (spread,) = spec["topologySpreadConstraints"]
        yield from same(spread["topologyKey"], "kubernetes.io/hostname", f"{name}: spread over")
        yield from same(spread["labelSelector"], cluster.get("Deployment", name)["spec"]["selector"], f"{name}: what is spread")
    for name, spec in ours(cluster):
        yield from same(set(spec["containers"][0]["resources"].get("requests", {})), {"cpu", "memory"}, f"{name}: room asked for")
    scaler = cluster.get("HorizontalPodAutoscaler", "keyway-router")["spec"]
    metrics = [(metric["resource"]["name"], metric["resource"]["target"]) for metric in scaler.get("metrics", [])]
    yield from same(metrics, [("cpu", {"type": "Utilization", "averageUtilization": 60})], "what the autoscaler looks at")
    if scaler["maxReplicas"] <= scaler["minReplicas"]:
        yield "the autoscaler has no room"
    if scaler.get("behavior", {}).get("scaleDown", {}).get("stabilizationWindowSeconds", 0) < 300:
        yield "routers go as soon as the load does, and their streams with them"


def jobs_try_again_and_stop(cluster):
    for which in ("vault", "router"):
        job = cluster.get("Job", f"keyway-migrate-{which}")["spec"]
        yield from same(job["template"]["spec"].get("restartPolicy"), "OnFailure", f"the job of {which}: after a failure")
        yield from same(job.get("backoffLimit"), 10, f"the job of {which}: tries")


def a_restore_is_made_by_hand_alone_and_once(cluster):
    once = cluster.get("CronJob", "keyway-restore")["spec"]
    yield from same(once.get("suspend"), True, "keyway-restore: suspended")
    job = once["jobTemplate"]["spec"]
    if job.get("backoffLimit") != 0 or job["template"]["spec"].get("restartPolicy") != "Never":
        yield "a restore that failed is tried again before anybody has read why"
    if "ttlSecondsAfterFinished" not in job:
        yield "the job of a restore stays, and there is no second one"
    yield from same(job["template"]["spec"]["containers"][0]["image"], cluster.pod("keyway-vault")["containers"][0]["image"], "image of a restore")
    selected = [s["metadata"]["name"] for s in cluster.all("Service") if s["spec"]["selector"].items() <= job["template"]["metadata"]["labels"].items()]
    yield from same(selected, [], "Services that lead to a restore")


def operators_change_switches_and_prices_while_routers_run(cluster):
    config, spec = cluster.config("keyway-router"), cluster.pod("keyway-router")
    mounts = {mount["mountPath"]: mount for mount in spec["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for name, path in (("keyway-switches", config["switches"]["file"]), ("keyway-prices", config["prices"]["overlay"])):
        folder, _, file = path.rpartition("/")
        mount = mounts[folder]
        found = volumes[mount["name"]].get("configMap", {}).get("name")
        yield from same((found, {file}), (name, OUTER_MAPS[name]), f"where {path} comes from")
        if "subPath" in mount:
            yield f"{path} never changes: kubelet does not follow a subPath"


def certificates_are_made_and_renewed(cluster):
    if cluster.all("StatefulSet"):
        return  # to try it: a throw-away CA
    issuers = {i["metadata"]["name"]: i["spec"] for i in cluster.all("Issuer")}
    yield from same(issuers, {"keyway-self": {"selfSigned": {}}, "keyway-ca": {"ca": {"secretName": "keyway-ca"}}}, "issuers")
    authority = cluster.get("Certificate", "keyway-ca")["spec"]
    found = [authority.get(key) for key in ("isCA", "secretName", "commonName", "duration", "issuerRef")]
    yield from same(found, [True, "keyway-ca", "keyway-ca", "43800h", {"name": "keyway-self"}], "the authority")
    wanted = {
        "keyway-vault": (["server auth"], ["keyway-vault-admin.keyway.svc", "keyway-vault-data.keyway.svc"]),
        "keyway-router": (["server auth", "client auth"], ["keyway-router.keyway.svc"]),
    }
    for name, (usages, names) in wanted.items():
        spec = cluster.get("Certificate", name)["spec"]
        yield from same(spec["secretName"], f"{name}-tls", f"{name}: where its certificate goes")
        yield from same(spec["issuerRef"], {"name": "keyway-ca"}, f"{name}: who signs")
        yield from same((spec["usages"], spec["dnsNames"]), (usages, names), f"{name}: what its certificate is for")
        yield from same((spec["duration"], spec["renewBefore"]), ("720h", "240h"), f"{name}: life of its certificate")
        yield from same(spec["privateKey"].get("rotationPolicy"), "Always", f"{name}: a new key with each certificate")
    uris = cluster.get("Certificate", "keyway-router")["spec"].get("uris", [])
    yield from same(len(uris), 1, "URI names of the router's certificate")


def somebody_looks_at_production(cluster):
    if cluster.all("StatefulSet"):
        return
    monitor = cluster.get("ServiceMonitor", "keyway")["spec"]
    ends = [(end["port"], end.get("path"), end.get("interval")) for end in monitor["endpoints"]]
    yield from same(ends, [("operations", "/metrics", "15s")], "what is read")
    if not monitor["selector"].get("matchLabels"):
        yield "figures of everything are read"
    for name in SERVICES:
        part = name.removeprefix("keyway-")
        board = cluster.get("ConfigMap", f"keyway-board-{part}")
        yield from same(board["metadata"]["labels"].get("grafana_dashboard"), "1", f"mark of the board of {part}")
        panels = json.loads(board["data"][f"{part}.json"]).get("panels")
        if not panels or not all(panel.get("targets") for panel in panels):
            yield f"the board of {part} is empty, or a part of it"
    rules = cluster.get("PrometheusRule", "keyway")["spec"]["groups"]
    for rule in [rule for group in rules for rule in group["rules"]]:
        if "alert" in rule and not (rule.get("expr") and rule.get("annotations", {}).get("summary")):
            yield f"the alert {rule['alert']} says nothing"


ALL = [
    every_file_that_is_named_is_mounted,
    urls_of_databases_come_from_the_secret,
    pods_can_read_their_secrets_and_nobody_else,
    pods_have_accounts_of_their_own,
    replicas_are_apart_and_have_room,
    jobs_try_again_and_stop,
    a_restore_is_made_by_hand_alone_and_once,
    operators_change_switches_and_prices_while_routers_run,
    certificates_are_made_and_renewed,
    somebody_looks_at_production,
]
