"""Who reaches whom, beyond what `properties.py` says of the vault's ports and the way out."""

from properties import SERVICES, same

NAME = "app.kubernetes.io/name"
DATABASE = {"keyway-vault", "keyway-router", "keyway-migrate"}


def pod(name):
    return {"podSelector": {"matchLabels": {NAME: name}}}


def namespaces(mark):
    return {"namespaceSelector": {"matchLabels": {f"keyway.dev/{mark}": "true"}}}


def policies_hold_for_their_pods(cluster):
    labelled = {template["metadata"]["labels"].get(NAME) for _, template in cluster.pods()}
    own = {s["metadata"]["name"] for s in cluster.all("StatefulSet")}
    yield from same(labelled, DATABASE | own, "names of the pods")
    for name in sorted(DATABASE | own):
        policy = cluster.get("NetworkPolicy", name)["spec"]
        yield from same(policy["podSelector"], pod(name)["podSelector"], f"{name}: pods of its policy")
        yield from same(sorted(policy["policyTypes"]), ["Egress", "Ingress"], f"{name}: ways of its policy")
    for name in own:
        if cluster.get("NetworkPolicy", name)["spec"]["egress"]:
            yield f"{name} may go out"


def each_port_has_its_callers(cluster):
    wanted = {
        "keyway-vault": [(7101, [{**namespaces("admin"), "podSelector": {"matchLabels": {"keyway.dev/admin": "true"}}}]),
                         (7102, [pod("keyway-router")]), (7109, [namespaces("monitoring")])],
        "keyway-router": [(7103, [namespaces("client")]), (7119, [namespaces("monitoring")])],
        "keyway-migrate": [],
    }
    if cluster.all("StatefulSet"):
        wanted["nats"] = [(4222, [pod("keyway-router"), namespaces("billing")])]
        names = {"key": NAME, "operator": "In", "values": ["keyway-vault", "keyway-router", "keyway-migrate"]}
        wanted["postgres"] = [(5432, [{"podSelector": {"matchExpressions": [names]}}])]
    for name, callers in wanted.items():
        rules = cluster.get("NetworkPolicy", name)["spec"]["ingress"]
        found = [([p["port"] for p in rule["ports"]], rule["from"]) for rule in rules]
        asked = [([port], who) for port, who in callers]
        yield from same(sorted(found, key=str), sorted(asked, key=str), f"{name}: who reaches which port")


def every_pod_reaches_what_it_needs(cluster):
    needed = {"keyway-vault": {5432}, "keyway-migrate": {5432}, "keyway-router": {7102, 5432, 4222, 443}}
    for name, ports in needed.items():
        rules = cluster.get("NetworkPolicy", name)["spec"]["egress"]
        yield from same({p["port"] for rule in rules for p in rule["ports"]}, ports, f"{name}: ports that it goes to")
        if not all(rule.get("to") for rule in rules):
            yield f"{name}: goes everywhere by some port"
        for port, own in ((5432, "postgres"), (4222, "nats")):
            if port in ports and cluster.all("StatefulSet"):
                ways = [rule["to"] for rule in rules if port in [p["port"] for p in rule["ports"]]]
                yield from same(ways, [[pod(own)]], f"{name}: where it finds {own}")
    rules = cluster.get("NetworkPolicy", "keyway-router")["spec"]["egress"]
    ways = {port["port"]: rule["to"] for rule in rules for port in rule["ports"]}
    yield from same(ways.get(7102), [pod("keyway-vault")], "where the router finds the vault")
    yield from same(sorted(way["ipBlock"]["cidr"] for way in ways.get(443, [])), ["0.0.0.0/0", "::/0"], "the way out")
    servers = next(e["value"] for e in cluster.pod("keyway-router")["containers"][0]["env"] if e["name"].endswith("RELAY__URL"))
    yield from same(len(ways.get(4222, [])), len(servers.split(",")), "ways to NATS servers")
    names = cluster.get("NetworkPolicy", "names")["spec"]
    yield from same(names["podSelector"], {}, "who may ask for names")
    yield from same(names["policyTypes"], ["Egress"], "ways of the policy for names")
    asked = [(p["protocol"], p["port"]) for rule in names["egress"] for p in rule["ports"]]
    yield from same(sorted(asked), [("TCP", 53), ("UDP", 53)], "how names are asked for")
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
              "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    yield from same([rule["to"] for rule in names["egress"]], [[system]], "who is asked for names")


def services_lead_to_their_ports(cluster):
    for name, port, to in (("keyway-router", 7103, "keyway-router"), ("keyway-vault-admin", 7101, "keyway-vault"),
                           ("keyway-vault-data", 7102, "keyway-vault")):
        service = cluster.get("Service", name)["spec"]
        yield from same([p["port"] for p in service["ports"]], [port], f"{name}: ports")
        yield from same(service["selector"].get(NAME), to, f"{name}: its pods")
    for name, port in SERVICES.items():
        service = cluster.get("Service", f"{name}-operations")["spec"]
        yield from same([p["port"] for p in service["ports"]], [port], f"{name}-operations: ports")
        yield from same(service["selector"].get(NAME), name, f"{name}-operations: its pods")
        found = (service.get("clusterIP"), service.get("publishNotReadyAddresses"))
        yield from same(found, ("None", True), f"{name}-operations: each pod by itself, the one that is not ready too")
    for name, port in (("nats", 4222), ("postgres", 5432)):
        if cluster.all("StatefulSet"):
            service = cluster.get("Service", name)["spec"]
            yield from same([p["port"] for p in service["ports"]], [port], f"{name}: ports")


ALL = [
    policies_hold_for_their_pods,
    each_port_has_its_callers,
    every_pod_reaches_what_it_needs,
    services_lead_to_their_ports,
]
