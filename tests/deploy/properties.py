"""What every overlay promises. Each property yields what is wrong with a cluster."""

import re


# Made outside, by the commands of docs/kubernetes.md; config maps with the files that are in them.
OUTER_SECRETS = {"keyway-database", "keyway-master-keys", "keyway-vault-tls", "keyway-router-tls", "postgres-tls", "keyway-nats", "nats-tls"}
OUTER_MAPS = {"keyway-switches": {"switches.json"}, "keyway-prices": {"prices.json"}}
SERVICES = {"keyway-vault": 7109, "keyway-router": 7119}
PRIVATE = {"0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8"}
PRIVATE_6 = {"::1/128", "fc00::/7", "fe80::/10"}
DRAIN = 25  # server.drain, unless the configuration says otherwise


def same(found, wanted, what):
    if found != wanted:
        yield f"{what} is {found!r}, not {wanted!r}"


def pods_are_restricted(cluster):
    labels = cluster.get("Namespace", "keyway")["metadata"]["labels"]
    yield from same(labels.get("pod-security.kubernetes.io/enforce"), "restricted", "pod security of the namespace")
    for name, template in cluster.pods():
        spec = template["spec"]
        outer = spec.get("securityContext", {})
        yield from same(outer.get("runAsNonRoot"), True, f"{name}: runAsNonRoot")
        yield from same(outer.get("seccompProfile", {}).get("type"), "RuntimeDefault", f"{name}: seccomp")
        yield from same(spec.get("automountServiceAccountToken"), False, f"{name}: the account's own token")
        yield from same(spec.get("enableServiceLinks"), False, f"{name}: service links")
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            yield from same(spec.get(key, False), False, f"{name}: {key}")
        for container in spec["containers"] + spec.get("initContainers", []):
            inner = container.get("securityContext", {})
            yield from same(inner.get("readOnlyRootFilesystem"), True, f"{name}: readOnlyRootFilesystem")
            yield from same(inner.get("allowPrivilegeEscalation"), False, f"{name}: allowPrivilegeEscalation")
            yield from same(inner.get("capabilities", {}).get("drop"), ["ALL"], f"{name}: dropped capabilities")
            if "memory" not in container.get("resources", {}).get("limits", {}):
                yield f"{name}: no memory limit"
            if ":" not in container["image"] or container["image"].endswith(":latest"):
                yield f"{name}: the image {container['image']} names no version"


def services_are_probed(cluster):
    for name, port in SERVICES.items():
        (container,) = cluster.pod(name)["containers"]
        ports = {p["name"]: p["containerPort"] for p in container["ports"]}
        yield from same(ports.get("operations"), port, f"{name}: the operations port")
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            asked = container.get(probe, {}).get("httpGet", {})
            yield from same(asked.get("path"), path, f"{name}: path of the {probe}")
            yield from same(asked.get("port"), "operations", f"{name}: port of the {probe}")


def stops_wait_for_calls(cluster):
    for name in SERVICES:
        spec = cluster.pod(name)
        (container,) = spec["containers"]
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if pause < 3:
            yield f"{name}: endpoints may still name a pod that stops"
        drain = cluster.config(name).get("server", {}).get("drain", f"{DRAIN}s")
        needed = pause + int(drain.removesuffix("s")) + 10
        if spec.get("terminationGracePeriodSeconds", 30) < needed:
            yield f"{name}: killed before the drain ends; {needed} s are needed"


def one_goes_at_a_time(cluster):
    for name in SERVICES:
        deployment = cluster.get("Deployment", name)["spec"]
        yield from same(deployment["strategy"]["rollingUpdate"]["maxUnavailable"], 0, f"{name}: maxUnavailable")
        budget = cluster.get("PodDisruptionBudget", name)["spec"]
        yield from same(budget.get("maxUnavailable"), 1, f"{name}: disruptions at once")
        yield from same(budget["selector"], deployment["selector"], f"{name}: pods of the disruption budget")
    if cluster.get("Deployment", "keyway-vault")["spec"].get("replicas", 1) < 2:
        yield "one vault only"
    scaler = cluster.get("HorizontalPodAutoscaler", "keyway-router")["spec"]
    yield from same(scaler["scaleTargetRef"]["name"], "keyway-router", "what is scaled")
    if scaler.get("minReplicas", 1) < 2:
        yield "one router only"
    if "replicas" in cluster.get("Deployment", "keyway-router")["spec"]:
        yield "replicas of the router are set beside its autoscaler"


def nothing_is_reachable_unless_said(cluster):
    policy = cluster.get("NetworkPolicy", "default-deny")["spec"]
    yield from same(policy["podSelector"], {}, "pods of the default policy")
    yield from same(sorted(policy["policyTypes"]), ["Egress", "Ingress"], "ways of the default policy")
    if policy.get("ingress") or policy.get("egress"):
        yield "the default policy allows something"


def callers(cluster, port):
    """Who may reach a port of the vault."""
    for policy in cluster.all("NetworkPolicy"):
        selector = policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        if selector not in (None, "keyway-vault"):
            continue
        for rule in policy["spec"].get("ingress", []):
            if port in [p["port"] for p in rule.get("ports", [])] or "ports" not in rule:
                yield from rule.get("from", [{}])


def only_routers_reach_the_data_plane(cluster):
    wanted = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "keyway-router"}}}
    yield from same(list(callers(cluster, 7102)), [wanted], "who reaches the data plane")


def only_admins_reach_the_admin_port(cluster):
    mark = {"matchLabels": {"keyway.dev/admin": "true"}}
    wanted = {"namespaceSelector": mark, "podSelector": mark}
    yield from same(list(callers(cluster, 7101)), [wanted], "who reaches the admin port")


def only_routers_leave_the_cluster(cluster):
    seen = False
    for policy in cluster.all("NetworkPolicy"):
        name = policy["metadata"]["name"]
        for rule in policy["spec"].get("egress", []):
            for way in rule.get("to", [{}]):
                block = way.get("ipBlock", {})
                if not way or (block and not re.search(r"/(32|128)$", block["cidr"])):
                    yield from same(name, "keyway-router", f"whose policy leaves by {way or 'any way'}")
                    yield from same([p["port"] for p in rule.get("ports", [])], [443], f"{name}: ports to outside")
                    private = PRIVATE_6 if ":" in block.get("cidr", "") else PRIVATE
                    if not private <= set(block.get("except", [])):
                        yield f"{name}: private addresses are not left out of {block.get('cidr')}"
                    seen = True
    if not seen:
        yield "nobody reaches a provider"


def routers_publish_the_bill_over_tls(cluster):
    spec = cluster.pod("keyway-router")
    (container,) = spec["containers"]
    env = {e["name"].removeprefix("KEYWAY_ROUTER__RELAY__"): e.get("value") for e in container["env"]}
    servers = (env.get("URL") or "").split(",")
    for server in servers:
        if not re.fullmatch(r"tls://[^/@]+:4222", server):
            yield f"the billing stream goes to {server!r}"
    replicas = int(env.get("REPLICAS") or 0)
    own = any(s["metadata"]["name"] == "nats" for s in cluster.all("StatefulSet"))
    yield from same((replicas, len(servers) >= replicas), (1 if own else 3, True), "replicas of the billing stream")
    mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
    volumes = {v["name"]: v for v in spec["volumes"]}
    for setting, key in (("CREDENTIALS_FILE", "login"), ("TLS__CA", "ca.crt")):
        folder, _, file = (env.get(setting) or "").rpartition("/")
        secret = volumes.get(mounts.get(folder), {}).get("secret", {})
        if secret.get("secretName") != "keyway-nats" or file not in [i["path"] for i in secret.get("items", [])]:
            yield f"{setting} does not come from the secret keyway-nats"
    ways = cluster.get("NetworkPolicy", "keyway-router")["spec"]["egress"]
    if not any(p["port"] == 4222 for rule in ways for p in rule.get("ports", [])):
        yield "the router does not reach NATS"
    if own:
        (rule,) = cluster.get("NetworkPolicy", "nats")["spec"]["ingress"]
        wanted = [
            {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "keyway-router"}}},
            {"namespaceSelector": {"matchLabels": {"keyway.dev/billing": "true"}}},
        ]
        yield from same(rule.get("from"), wanted, "who reaches NATS")


def routers_show_a_token_for_the_vault_only(cluster):
    spec = cluster.pod("keyway-router")
    sources = [s for v in spec["volumes"] for s in v.get("projected", {}).get("sources", [])]
    tokens = [s["serviceAccountToken"] for s in sources if "serviceAccountToken" in s]
    issuer = cluster.config("keyway-vault")["kubernetes"]["cluster"]
    yield from same([t.get("audience") for t in tokens], [issuer["audience"]], "audience of the router's token")
    yield from same([t.get("expirationSeconds", 0) <= 3600 for t in tokens], [True], "a life of an hour at most")
    account = f"keyway:{spec['serviceAccountName']}="
    if not any(router.startswith(account) for router in issuer["routers"]):
        yield f"the vault does not list {account}"
    file = cluster.config("keyway-router")["vault"]["token_file"]
    mounts = {m["name"]: m["mountPath"] for m in spec["containers"][0]["volumeMounts"]}
    yield from same(file, f"{mounts.get('vault-token')}/token", "the token's file")


def only_the_vault_has_the_master_keys(cluster):
    having = []
    for name, template in cluster.pods():
        for volume in template["spec"].get("volumes", []):
            secret = volume.get("secret", {})
            if secret.get("secretName") == "keyway-master-keys":
                having.append(name)
                yield from same(secret.get("defaultMode"), 0o440, f"{name}: mode of the master keys")
        for container in template["spec"]["containers"]:
            for variable in container.get("env", []) + container.get("envFrom", []):
                if "keyway-master-keys" in str(variable):
                    yield f"{name}: the master key is in the environment"
    yield from same(having, ["Deployment keyway-vault", "CronJob keyway-restore"], "who has the master keys")
    config = cluster.config("keyway-vault")["master_key"]
    mounts = {m["name"]: m for m in cluster.pod("keyway-vault")["containers"][0]["volumeMounts"]}
    yield from same(mounts.get("master-keys", {}).get("mountPath"), config["directory"], "folder of the master keys")
    yield from same(config.get("group_readable"), True, "master_key.group_readable")


def nobody_has_anothers_password(cluster):
    allowed = {
        "keyway-vault": {"vault-password", "vault-url", "ca.crt"},
        "keyway-router": {"router-password", "router-url", "ca.crt"},
    }
    for which in ("vault", "router"):
        (volume,) = cluster.get("Job", f"keyway-migrate-{which}")["spec"]["template"]["spec"]["volumes"]
        seen = {item["key"] for item in volume["secret"].get("items", [])}
        yield from same(seen, allowed[f"keyway-{which}"], f"what the job of {which} sees of keyway-database")
    pods = [(name, cluster.pod(name), keys) for name, keys in allowed.items()]
    restore = cluster.get("CronJob", "keyway-restore")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for name, spec, keys in [*pods, ("keyway-restore", restore, allowed["keyway-vault"])]:
        for volume in spec["volumes"]:
            if volume.get("secret", {}).get("secretName") == "keyway-database":
                items = volume["secret"].get("items")
                if items is None or not {item["key"] for item in items} <= keys:
                    yield f"{name}: sees more of keyway-database than {sorted(keys)}"
        for variable in spec["containers"][0].get("env", []):
            key = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key")
            if key and key not in keys:
                yield f"{name}: {variable['name']} holds {key}"


def schemas_are_changed_by_jobs(cluster):
    for which in ("vault", "router"):
        job = cluster.get("Job", f"keyway-migrate-{which}")["spec"]
        yield from same(job["template"]["spec"]["containers"][0]["args"][0], which, f"what the job of {which} changes")
        if "ttlSecondsAfterFinished" not in job:
            yield f"the job of {which} stays, and can't be applied again"


def everything_named_is_there(cluster):
    maps = {m["metadata"]["name"] for m in cluster.all("ConfigMap")}
    for name in maps & set(OUTER_MAPS):
        yield f"every apply would put {name} back as it is here"
    maps |= set(OUTER_MAPS)
    secrets = OUTER_SECRETS | {c["spec"]["secretName"] for c in cluster.all("Certificate")}
    accounts = {a["metadata"]["name"] for a in cluster.all("ServiceAccount")}
    for name, template in cluster.pods():
        spec = template["spec"]
        if spec.get("serviceAccountName", "default") not in accounts | {"default"}:
            yield f"{name}: no account {spec['serviceAccountName']}"
        volumes = {v["name"] for v in spec.get("volumes", [])}
        for volume in spec.get("volumes", []):
            if "configMap" in volume and volume["configMap"]["name"] not in maps:
                yield f"{name}: no config map {volume['configMap']['name']}"
            if "secret" in volume and volume["secret"]["secretName"] not in secrets:
                yield f"{name}: no secret {volume['secret']['secretName']}"
        for container in spec["containers"]:
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes and not name.startswith("StatefulSet"):
                    yield f"{name}: no volume {mount['name']}"
    for service in cluster.all("Service"):
        wanted = service["spec"]["selector"].items()
        pods = [t for _, t in cluster.pods() if wanted <= t["metadata"]["labels"].items()]
        if not pods:
            yield f"Service {service['metadata']['name']} selects no pod"
            continue
        ports = {p["name"] for c in pods[0]["spec"]["containers"] for p in c["ports"]}
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["name"])
            if target not in ports:
                yield f"Service {service['metadata']['name']}: no port {target}"


def no_secret_is_committed(cluster):
    for secret in cluster.all("Secret"):
        yield f"Secret {secret['metadata']['name']} is in the repository"


def the_way_to_the_vault_is_tls(cluster):
    endpoint = cluster.config("keyway-router")["vault"]["endpoint"]
    host = re.fullmatch(r"https://([^:/]+):7102", endpoint)
    if not host:
        yield f"the router's vault.endpoint is {endpoint}"
        return
    cluster.get("Service", host[1].split(".")[0])
    names = [n for c in cluster.all("Certificate") for n in c["spec"].get("dnsNames", [])]
    if names and host[1] not in names:
        yield f"no certificate names {host[1]}"
    for name in SERVICES:
        server = cluster.config(name)["server"]
        if server.get("insecure") or "certificate" not in server.get("tls", {}):
            yield f"{name} speaks plain text"


def figures_are_read(cluster):
    if not cluster.all("ServiceMonitor"):
        return
    wanted = cluster.all("ServiceMonitor")[0]["spec"]["selector"]["matchLabels"].items()
    read = {s["spec"]["selector"]["app.kubernetes.io/name"] for s in cluster.all("Service") if wanted <= s["metadata"].get("labels", {}).items()}
    yield from same(read, set(SERVICES), "whose figures are read")
    if not cluster.all("PrometheusRule"):
        yield "there are no alerts"
