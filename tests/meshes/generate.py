# SPDX-License-Identifier: Apache-2.0
"""Small meshes from a seed: a few services, and rules that get in each other's way."""
import json
import random

import entrances
import further
import laboratory
import policies
import traffic
import wider
from words import EXTERNAL, NAMESPACES, chance, maybe, meta, one, some

PORTS = [("http", 80), ("http-web", 8080), ("grpc-api", 7070), ("http2", 8082), ("tcp-raw", 9000), ("tls-web", 8443), ("https", 443),
         ("mongo", 27017), ("web", 5000), ("", 8000), ("udp-dns", 53), ("redis-x", 6379), ("mysql", 3306)]
SHARED_NUMBERS = [80, 80, 8080, 9000]
APPLICATION_PROTOCOLS = ["http", "grpc", "tcp", "https", "kubernetes.io/h2c", "tls", "HTTP"]


class Mesh:
    """Documents (the rules among them), and the proxies that are asked for."""

    def __init__(self, documents, proxies):
        self.documents, self.proxies = documents, proxies

    def text(self):
        """JSON is YAML; a document on a line reads well enough."""
        return "---\n".join(json.dumps(d) + "\n" for d in self.documents)


def service_ports(r):
    ports = []
    for name, number in some(r, PORTS, r.choice([1, 1, 1, 2, 3])):
        port = {"port": r.choice(SHARED_NUMBERS) if chance(r, 0.3) else number}
        if name:
            port["name"] = name
        if name.startswith("udp"):
            port["protocol"] = "UDP"
        maybe(r, 0.3, port, "targetPort", lambda: r.choice([8080, 9090, port["port"], "named"]))
        maybe(r, 0.12, port, "appProtocol", lambda: r.choice(APPLICATION_PROTOCOLS))
        if port["port"] not in [p["port"] for p in ports]:
            ports.append(port)
    for n, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            port["name"] = "p%d" % n
    return ports


def service(r, name, namespace):
    spec = {"ports": service_ports(r), "selector": {"app": name}}
    out = {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, namespace), "spec": spec}
    kind = r.random()
    if kind < 0.12:
        spec["clusterIP"] = "None"
    elif kind < 0.16:
        spec.update(type="ExternalName", externalName=r.choice(EXTERNAL))
        del spec["selector"]
    elif kind < 0.2:
        spec["selector"] = {"app": "nobody"}
    if chance(r, 0.1):
        out["metadata"]["annotations"] = {"networking.istio.io/exportTo": r.choice([".", "*", "~", "shop", "default,shop"])}
    maybe(r, 0.2, out["metadata"], "labels", lambda: {"app": name})
    maybe(r, 0.05, spec, "publishNotReadyAddresses", lambda: True)
    return out


def deployment(r, name, namespace, version):
    labels = {"app": name, "version": version}
    if chance(r, 0.08):
        labels["sidecar.istio.io/inject"] = "false"
    maybe(r, 0.15, labels, "istio-locality", lambda: r.choice(["eu.a", "us.b.1", "eu.c"]))
    template = {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "app", "ports": [{"name": "named", "containerPort": 7777, "protocol": "TCP"}]}]}}
    maybe(r, 0.2, template["spec"], "serviceAccountName", lambda: name)
    spec = {"selector": {"matchLabels": {"app": name, "version": version}}, "template": template}
    maybe(r, 0.3, spec, "replicas", lambda: r.choice([0, 2]))
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("%s-%s" % (name, version), namespace), "spec": spec}


def workloads(r):
    out, services = [], []
    for name in some(r, ["a", "b", "c"], r.choice([1, 2, 2, 3])):
        namespaces = [one(r, ["default", "default", "shop"])]
        if chance(r, 0.15):
            namespaces = NAMESPACES
        for namespace in namespaces:
            new = service(r, name, namespace)
            services.append(new)
            out.append(new)
            for version in some(r, ["v1", "v2"], r.choice([1, 1, 2])):
                out.append(deployment(r, name, namespace, version))
    out.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("client", "default"),
                "spec": {"selector": {"matchLabels": {"app": "client"}}, "template": {
                    "metadata": {"labels": {"app": "client", "version": "v1"}}, "spec": {"containers": [{"name": "app", "image": "app"}]}}}})
    return out, services


def mesh_config(r):
    lines = {}
    maybe(r, 0.3, lines, "outboundTrafficPolicy", lambda: {"mode": r.choice(["REGISTRY_ONLY", "ALLOW_ANY"])})
    maybe(r, 0.15, lines, "enableAutoMtls", lambda: False)
    maybe(r, 0.2, lines, "defaultVirtualServiceExportTo", lambda: [r.choice([".", "*"])])
    maybe(r, 0.2, lines, "defaultDestinationRuleExportTo", lambda: [r.choice([".", "*"])])
    maybe(r, 0.2, lines, "defaultServiceExportTo", lambda: [r.choice([".", "*"])])
    maybe(r, 0.2, lines, "protocolDetectionTimeout", lambda: r.choice(["0s", "5s"]))
    maybe(r, 0.2, lines, "defaultHttpRetryPolicy", lambda: {"attempts": r.choice([0, 3])})
    maybe(r, 0.2, lines, "connectTimeout", lambda: "3s")
    maybe(r, 0.2, lines, "pathNormalization", lambda: {"normalization": r.choice(["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"])})
    maybe(r, 0.2, lines, "h2UpgradePolicy", lambda: "UPGRADE")
    maybe(r, 0.15, lines, "rootNamespace", lambda: "shop")
    maybe(r, 0.2, lines, "tcpKeepalive", lambda: {"time": "10s", "probes": 3})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("istio", "istio-system"), "data": {"mesh": json.dumps(lines)}}


def rules(r, hosts):
    """What is said about the services; a seed leans to two or three kinds, so that they meet."""
    makers = [(5, traffic.virtual_service), (4, traffic.destination_rule), (3, traffic.service_entry), (3, entrances.gateway_pair),
              (2, policies.sidecar), (2, policies.peer_authentication), (1, entrances.ingress), (2, entrances.http_route_pair),
              (1, traffic.delegate_pair), (1, policies.authorization), (1, policies.request_authentication)]
    weights = [w for w, _ in makers]
    liked = r.choices([m for _, m in makers], weights, k=r.choice([1, 2, 3, 4]))
    out = []
    for n in range(r.choice([1, 2, 3, 4, 5, 6])):
        out += r.choice(liked)(r, "r%d" % n, hosts)
    return out


def mesh_at(seed, index):
    r = random.Random("%d/%d" % (seed, index))
    documents, services = workloads(r)
    proxies = [{"name": "client-0", "namespace": "default", "type": "sidecar"}]
    server = next((d for d in documents if d["kind"] == "Deployment" and d["spec"].get("replicas") != 0 and d["metadata"]["name"] != "client"
                   and "sidecar.istio.io/inject" not in d["spec"]["template"]["metadata"]["labels"]), None)
    if server:
        proxies.append({"name": server["metadata"]["name"] + "-0", "namespace": server["metadata"]["namespace"], "type": "sidecar"})
    hosts = traffic.Hosts(r, services)
    said = rules(r, hosts)
    if chance(r, 0.35) or any(d["kind"] in ("Gateway", "Ingress") for d in said):
        documents += entrances.workload(r)
        proxies.append({"name": "istio-ingressgateway-0", "namespace": "istio-system", "type": "router"})
    for d in said:
        if d["kind"] == "Gateway" and d["apiVersion"].startswith("gateway.") and d["metadata"]["name"] not in [p["name"] for p in proxies]:
            proxies.append({"name": d["metadata"]["name"] + "-istio-0", "namespace": d["metadata"]["namespace"], "type": "router"})
    if chance(r, 0.12):
        documents.append(mesh_config(r))
    documents += said
    further.add(random.Random("%d/%d/further" % (seed, index)), documents)
    wider.add(random.Random("%d/%d/wider" % (seed, index)), documents, proxies, hosts)
    laboratory.add(random.Random("%d/%d/laboratory" % (seed, index)), documents, proxies, hosts)
    for d in documents:
        if d["kind"] == "Ingress" or d["kind"].endswith("Route"):  # without an age it would be the oldest; no API server leaves one so
            d["metadata"].setdefault("creationTimestamp", "2023-11-14T22:13:20Z")
    return Mesh(documents, proxies)
