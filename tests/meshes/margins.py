# SPDX-License-Identifier: Apache-2.0
"""What hardly anybody writes, and what must change nothing: networks, ambient labels, ProxyConfigs, pods' own settings, EnvoyFilters of others."""
from words import NAMESPACES, istio, maybe, meta, one, some


def network_entries(r, documents):
    for n in range(r.choice([1, 2])):
        spec = {"labels": {"app": one(r, ["a", "b", "c", "vm"]), "version": one(r, ["v1", "v2"])}}
        spec["address"] = one(r, ["2.2.3.%d" % (n + 1), "vm%d.example.net" % n, "2001:db8:9::%d" % (n + 1)])
        maybe(r, 0.5, spec, "network", lambda: one(r, ["net-1", "net-2"]))
        maybe(r, 0.5, spec, "locality", lambda: one(r, ["eu/a/1", "us", "eu.a"]))
        maybe(r, 0.3, spec, "weight", lambda: one(r, [1, 9]))
        maybe(r, 0.3, spec, "serviceAccount", lambda: "vm")
        maybe(r, 0.3, spec["labels"], "security.istio.io/tlsMode", lambda: one(r, ["istio", "disabled"]))
        maybe(r, 0.2, spec["labels"], "topology.istio.io/network", lambda: "net-3")
        documents.append(istio("WorkloadEntry", "networking", r, "m%d" % n, one(r, NAMESPACES), spec))


def templates(documents):
    return [d["spec"]["template"] for d in documents if d["kind"] == "Deployment" and "gateway" not in d["metadata"]["name"]]


def ambient_labels(r, documents):
    """Nobody captures for these pods and there is no waypoint: they are pods like others. Not networking.istio.io/tunnel, which means HBONE."""
    for template in templates(documents):
        labels = template["metadata"]["labels"]
        maybe(r, 0.3, labels, "istio.io/dataplane-mode", lambda: one(r, ["ambient", "none"]))
        maybe(r, 0.2, labels, "topology.istio.io/network", lambda: one(r, ["net-1", "net-2"]))
    for d in documents:
        if d["kind"] == "Service":
            maybe(r, 0.2, d["metadata"].setdefault("labels", {}), "istio.io/use-waypoint", lambda: one(r, ["waypoint", "none"]))


def proxy_configs(r, documents):
    """What only an injected pod is told; istiod's answers do not depend on it."""
    for n in range(r.choice([1, 2])):
        spec = {"concurrency": one(r, [0, 2])}
        maybe(r, 0.4, spec, "selector", lambda: {"matchLabels": {"app": one(r, ["client", "a"])}})
        maybe(r, 0.4, spec, "environmentVariables", lambda: {"SOME": "thing"})
        maybe(r, 0.3, spec, "image", lambda: {"imageType": "distroless"})
        documents.append({"apiVersion": "networking.istio.io/v1beta1", "kind": "ProxyConfig", "metadata": meta("pc%d" % n, one(r, NAMESPACES + ["istio-system"])), "spec": spec})


def pod_settings(r, documents):
    for template in templates(documents):
        notes = {}
        maybe(r, 0.3, notes, "proxy.istio.io/config", lambda: one(r, ["concurrency: 2", "holdApplicationUntilProxyStarts: true", "drainDuration: 9s"]))
        maybe(r, 0.2, notes, "traffic.sidecar.istio.io/excludeInboundPorts", lambda: "9999")
        maybe(r, 0.2, notes, "traffic.sidecar.istio.io/includeOutboundIPRanges", lambda: "10.0.0.0/8")
        maybe(r, 0.2, notes, "sidecar.istio.io/rewriteAppHTTPProbers", lambda: "true")
        if notes:
            template["metadata"]["annotations"] = notes


def envoy_filters(r, documents):
    """Patches of no proxy here; istiod applies others, pocketmesh names them (tests/config/translate)."""
    patch = {"operation": "MERGE", "value": {"connect_timeout": "1s"}}
    match = one(r, [{"context": "SIDECAR_OUTBOUND", "cluster": {"service": "nobody.example.net"}}, {"context": "ANY", "proxy": {"proxyVersion": "^1\\.4\\..*"}},
                    {"context": "SIDECAR_INBOUND", "cluster": {"portNumber": 4242}}])
    spec = {"configPatches": [{"applyTo": "CLUSTER", "match": match, "patch": patch}]}
    maybe(r, 0.3, spec, "workloadSelector", lambda: {"labels": {"app": "nobody"}})
    maybe(r, 0.3, spec, "priority", lambda: 10)
    documents.append({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": meta("patches", one(r, NAMESPACES + ["istio-system"])), "spec": spec})


def add(r, documents):
    makers = [lambda: network_entries(r, documents), lambda: ambient_labels(r, documents), lambda: proxy_configs(r, documents), lambda: pod_settings(r, documents),
              lambda: envoy_filters(r, documents)]
    for make in some(r, makers, r.choice([1, 2, 3])):
        make()
