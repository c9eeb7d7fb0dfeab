"""Takes away every field of every document, one at a time: each must be missed, or stand here with the reason why not."""

import re

# Kind, name and path of a field, as `Deployment keyway-vault spec.replicas`; what is below goes with it.
HARMLESS = {
    r"(?!Namespace |ConfigMap keyway-board-)\S+ \S+ metadata(\.labels(\.app\.kubernetes\.io/(name|part-of))?)?": "for people who look",
    r"Namespace keyway metadata\.labels\.(app\.kubernetes\.io/part-of|pod-security\.kubernetes\.io/(audit|warn))": "enforced all the same",
    r"Deployment \S+ spec\.strategy\.(type|rollingUpdate\.maxSurge)": "as it is by default",
    r"Deployment \S+ spec\.template\.spec\.containers\.0\.\w+Probe\.(periodSeconds|timeoutSeconds|failureThreshold)": "a matter of pace",
    r"Deployment keyway-router spec\.template\.spec\.volumes\.2\.projected\.sources\.0\.serviceAccountToken\.expirationSeconds": "an hour by default",
    r"HorizontalPodAutoscaler keyway-router spec\.(scaleTargetRef\.apiVersion|behavior\.scaleDown\.policies)": "a matter of pace",
    r"NetworkPolicy \S+ spec\.(in|e)gress\.\d\.ports\.0\.protocol": "TCP by default",
    r"NetworkPolicy (nats|postgres|keyway-migrate) spec\.(in|e)gress": "nothing, if it is not said",
    r"Certificate \S+ spec\.privateKey(\.(algorithm|size))?": "cert-manager has a default",
    r"PrometheusRule keyway spec": "e2e::monitoring looks at each alert",
    r"StatefulSet (nats|postgres) .*": "servers to try it with; `pods_are_restricted` looks at their rights all the same",
    r"ConfigMap (nats-config|postgres-setup) data.*": "the same",
    r"Service (nats|postgres) spec\.clusterIP": "the same",
    r"Service keyway-\w+-operations spec\.ports\.0\.targetPort": "the port's own number by default",
    r"ConfigMap keyway-cluster-keys-\w+ data": "e2e::external::token shows what the file does",
}
# Without these there is no document.
IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}


def paths(node, at=()):
    """Every field below a node, the outer ones first."""
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*at, key)
        yield from paths(node[key], (*at, key))


def without(node, path):
    """A copy of a document without one field; what is on no way to it is not copied."""
    key, *rest = path
    copied = node.copy()
    if rest:
        copied[key] = without(node[key], rest)
    else:
        del copied[key]
    return copied


def removals(documents):
    """Each document and each of its fields: the name of what is gone, and the documents that are left."""
    for at, document in enumerate(documents):
        name = f"{document['kind']} {document['metadata']['name']}"
        yield name, documents[:at] + documents[at + 1 :]
        for path in paths(document):
            if path not in IDENTITY:
                yield f"{name} {'.'.join(map(str, path))}", [*documents[:at], without(document, path), *documents[at + 1 :]]


def is_harmless(gone):
    return any(re.fullmatch(rf"{pattern}(\..*)?", gone) for pattern in HARMLESS)
