"""Every property with the changes that take it away. A check that does not see one of them is no check."""

import properties


def drop(*path):
    """Takes one field out of a document found by kind and name."""

    def change(cluster):
        kind, name, *keys = path
        at = cluster.get(kind, name)
        for key in keys[:-1]:
            at = at[key]
        del at[keys[-1]]

    return change


def put(value, *path):
    def change(cluster):
        kind, name, *keys = path
        at = cluster.get(kind, name)
        for key in keys[:-1]:
            at = at.setdefault(key, {}) if isinstance(at, dict) else at[key]
        at[keys[-1]] = value

    return change


def add(value, *path):
    def change(cluster):
        kind, name, *keys = path
        at = cluster.get(kind, name)
        for key in keys[:-1]:
            at = at[key]
        at.setdefault(keys[-1], []).append(value)

    return change


def text(old, new, name):
    """Changes a configuration."""

    def change(cluster):
        data = cluster.get("ConfigMap", name)["data"]
        (file,) = data
        assert old in data[file], f"{name} does not hold {old}"
        data[file] = data[file].replace(old, new)

    return change


def unset(variable, value=None):
    """Takes a variable from the router, or gives it another value."""

    def change(cluster):
        (container,) = cluster.pod("keyway-router")["containers"]
        (found,) = [e for e in container["env"] if e["name"] == variable]
        if value is None:
            container["env"].remove(found)
        else:
            found["value"] = value

    return change


def closed(port):
    """Takes the ways to a port from the router."""

    def change(cluster):
        spec = cluster.get("NetworkPolicy", "keyway-router")["spec"]
        spec["egress"] = [r for r in spec["egress"] if port not in [p["port"] for p in r["ports"]]]

    return change


def gone(kind, name):
    return lambda cluster: cluster.remove(kind, name)


POD = ("spec", "template", "spec")
BOX = (*POD, "containers", 0)
VAULT, ROUTER = ("Deployment", "keyway-vault"), ("Deployment", "keyway-router")
OUT = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443, "protocol": "TCP"}]}


def loosened(who):
    return [
        drop(*who, *POD, "securityContext", "runAsNonRoot"),
        drop(*who, *POD, "securityContext", "seccompProfile"),
        drop(*who, *POD, "automountServiceAccountToken"),
        drop(*who, *POD, "enableServiceLinks"),
        put(True, *who, *POD, "hostNetwork"),
        drop(*who, *BOX, "securityContext", "readOnlyRootFilesystem"),
        put(True, *who, *BOX, "securityContext", "allowPrivilegeEscalation"),
        drop(*who, *BOX, "securityContext", "capabilities"),
        drop(*who, *BOX, "resources", "limits"),
        put("keyway:latest", *who, *BOX, "image"),
    ]


def unprobed(who):
    return [drop(*who, *BOX, probe) for probe in ("startupProbe", "livenessProbe", "readinessProbe")]


def hurried(who):
    return [drop(*who, *BOX, "lifecycle"), put(30, *who, *POD, "terminationGracePeriodSeconds")]


EVERY = [VAULT, ROUTER, ("Job", "keyway-migrate-vault"), ("Job", "keyway-migrate-router")]
REMOVALS = {
    properties.pods_are_restricted: [drop("Namespace", "keyway", "metadata", "labels", "pod-security.kubernetes.io/enforce")]
    + [change for who in EVERY for change in loosened(who)],
    properties.services_are_probed: [*unprobed(VAULT), *unprobed(ROUTER), put("calls", *ROUTER, *BOX, "readinessProbe", "httpGet", "port")],
    properties.stops_wait_for_calls: [*hurried(VAULT), *hurried(ROUTER), text("[log]", '[server]\ndrain = "120s"\n[log]', "keyway-router")],
    properties.one_goes_at_a_time: [
        gone("PodDisruptionBudget", "keyway-vault"),
        gone("PodDisruptionBudget", "keyway-router"),
        gone("HorizontalPodAutoscaler", "keyway-router"),
        put(1, "HorizontalPodAutoscaler", "keyway-router", "spec", "minReplicas"),
        put(1, *VAULT, "spec", "replicas"),
        put(1, *ROUTER, "spec", "strategy", "rollingUpdate", "maxUnavailable"),
        put({"matchLabels": {"a": "b"}}, "PodDisruptionBudget", "keyway-router", "spec", "selector"),
    ],
    properties.nothing_is_reachable_unless_said: [
        gone("NetworkPolicy", "default-deny"),
        put(["Ingress"], "NetworkPolicy", "default-deny", "spec", "policyTypes"),
        put([{}], "NetworkPolicy", "default-deny", "spec", "ingress"),
    ],
    properties.only_routers_reach_the_data_plane: [
        gone("NetworkPolicy", "keyway-vault"),
        add({"podSelector": {}}, "NetworkPolicy", "keyway-vault", "spec", "ingress", 0, "from"),
        add({}, "NetworkPolicy", "keyway-vault", "spec", "ingress"),
        put([{}], "NetworkPolicy", "names", "spec", "ingress"),
    ],
    properties.only_admins_reach_the_admin_port: [
        drop("NetworkPolicy", "keyway-vault", "spec", "ingress", 1, "from", 0, "podSelector"),
        drop("NetworkPolicy", "keyway-vault", "spec", "ingress", 1, "from"),
    ],
    properties.only_routers_leave_the_cluster: [
        add(OUT, "NetworkPolicy", "keyway-vault", "spec", "egress"),
        add({}, "NetworkPolicy", "keyway-migrate", "spec", "egress"),
        add(OUT, "NetworkPolicy", "keyway-router", "spec", "egress"),
        gone("NetworkPolicy", "keyway-router"),
    ],
    properties.routers_publish_the_bill_over_tls: [
        unset("KEYWAY_ROUTER__RELAY__URL"),
        unset("KEYWAY_ROUTER__RELAY__TLS__CA"),
        unset("KEYWAY_ROUTER__RELAY__CREDENTIALS_FILE"),
        unset("KEYWAY_ROUTER__RELAY__REPLICAS", "2"),
        unset("KEYWAY_ROUTER__RELAY__URL", "nats://nats.keyway.svc:4222"),
        unset("KEYWAY_ROUTER__RELAY__URL", "tls://keyway:secret@nats.keyway.svc:4222"),
        drop(*ROUTER, *POD, "volumes", 6, "secret", "items", 0),
        put("other", *ROUTER, *POD, "volumes", 6, "secret", "secretName"),
        closed(4222),
    ],
    properties.routers_show_a_token_for_the_vault_only: [
        drop(*ROUTER, *POD, "volumes", 2, "projected", "sources", 0, "serviceAccountToken", "audience"),
        put(86400, *ROUTER, *POD, "volumes", 2, "projected", "sources", 0, "serviceAccountToken", "expirationSeconds"),
        put("other", *ROUTER, *POD, "serviceAccountName"),
        text('audience = "keyway-vault"', 'audience = "anything"', "keyway-vault"),
    ],
    properties.only_the_vault_has_the_master_keys: [
        put(0o444, *VAULT, *POD, "volumes", 3, "secret", "defaultMode"),
        add({"name": "m", "secret": {"secretName": "keyway-master-keys", "defaultMode": 0o440}}, *ROUTER, *POD, "volumes"),
        add({"name": "K", "valueFrom": {"secretKeyRef": {"name": "keyway-master-keys", "key": "1"}}}, *VAULT, *BOX, "env"),
        text("group_readable = true\n\n#", "group_readable = false\n\n#", "keyway-vault"),
    ],
    properties.nobody_has_anothers_password: [
        drop(*VAULT, *POD, "volumes", 4, "secret", "items"),
        add({"key": "vault-password", "path": "p"}, *ROUTER, *POD, "volumes", 3, "secret", "items"),
    ],
    properties.schemas_are_changed_by_jobs: [
        gone("Job", "keyway-migrate-vault"),
        gone("Job", "keyway-migrate-router"),
        drop("Job", "keyway-migrate-router", "spec", "ttlSecondsAfterFinished"),
    ],
    properties.everything_named_is_there: [
        gone("ConfigMap", "keyway-vault"),
        lambda c: c.documents.append({"kind": "ConfigMap", "metadata": {"name": "keyway-switches"}}),
        gone("ServiceAccount", "keyway-router"),
        put("nothing", *VAULT, *POD, "volumes", 2, "secret", "secretName"),
        put({"a": "b"}, "Service", "keyway-router", "spec", "selector"),
        put("nothing", "Service", "keyway-router", "spec", "ports", 0, "targetPort"),
    ],
    properties.no_secret_is_committed: [lambda c: c.documents.append({"kind": "Secret", "metadata": {"name": "s"}})],
    properties.the_way_to_the_vault_is_tls: [
        text("https://", "http://", "keyway-router"),
        text("keyway-vault-data.", "keyway-vault-other.", "keyway-router"),
        text("tls.certificate", "tls.client_ca", "keyway-vault"),
        text("[server]", "[server]\ninsecure = true", "keyway-router"),
    ],
    properties.figures_are_read: [],
}
WHERE_MONITORED = {
    properties.figures_are_read: [
        gone("PrometheusRule", "keyway"),
        drop("Service", "keyway-vault-operations", "metadata", "labels", "keyway.dev/metrics"),
    ],
}
