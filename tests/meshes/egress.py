# SPDX-License-Identifier: Apache-2.0
"""A second gateway: traffic that leaves the mesh through it, and Gateways that mean both."""
import traffic
from words import EXTERNAL, NAMESPACES, chance, istio, maybe, meta, one, some

NAME = "istio-egressgateway"
HOST = NAME + ".istio-system.svc.cluster.local"


def workload():
    labels = {"app": NAME, "istio": "egressgateway"}
    ports = [{"name": "http2", "port": 80, "targetPort": 8080}, {"name": "https", "port": 443, "targetPort": 8443}, {"name": "tls", "port": 15443}]
    return [{"apiVersion": "v1", "kind": "Service", "metadata": meta(NAME, "istio-system", labels=labels), "spec": {"selector": labels, "ports": ports}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(NAME, "istio-system"),
             "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "istio-proxy", "image": "auto"}]}}}}]


def entry(r, host):
    resolution = one(r, ["DNS", "DNS", "NONE", "STATIC", "DNS_ROUND_ROBIN"])
    kinds = [("http", "HTTP", 80), ("tls", "TLS", 443), ("https", "HTTPS", 8443), ("tcp", "TCP", 9000)]
    spec = {"hosts": [host], "resolution": resolution, "location": "MESH_EXTERNAL",
            "ports": [{"number": n, "name": p, "protocol": q} for p, q, n in some(r, kinds, r.choice([1, 2, 3]))]}
    if resolution == "STATIC":
        spec["endpoints"] = [{"address": "3.3.3.9"}]
    out = istio("ServiceEntry", "networking", r, "e-" + host.split(".")[0], one(r, NAMESPACES), spec)
    out["metadata"]["creationTimestamp"] = "2019-02-01T00:00:00Z"
    return out


def server(r, n, host):
    kind = one(r, ["HTTP", "HTTP", "PASSTHROUGH", "HTTPS", "TLS", "TCP"])
    port = {"HTTP": ("HTTP", one(r, [80, 8080])), "PASSTHROUGH": ("TLS", 443), "HTTPS": ("HTTPS", one(r, [443, 80])), "TLS": ("TLS", 15443), "TCP": ("TCP", 9000)}[kind]
    out = {"port": {"number": port[1], "name": "%s-%d" % (kind.lower(), n), "protocol": port[0]}, "hosts": [one(r, [host, host, "*"])]}
    if kind != "HTTP" and kind != "TCP":
        out["tls"] = {"mode": "PASSTHROUGH" if kind == "PASSTHROUGH" else "ISTIO_MUTUAL"}
    return out


def route(r, name, host, gateway):
    """The mesh to the gateway, the gateway to the host."""
    namespace = one(r, NAMESPACES + ["istio-system"])
    spec = {"hosts": [host], "gateways": ["mesh", gateway]}
    to_gateway = {"destination": {"host": HOST, "port": {"number": one(r, [80, 443, 15443])}}}
    maybe(r, 0.4, to_gateway["destination"], "subset", lambda: "ext")
    to_host = {"destination": {"host": host}}
    maybe(r, 0.7, to_host["destination"], "port", lambda: {"number": one(r, [80, 443, 8443])})
    kind = one(r, ["http", "http", "tls", "tcp", "both"])
    if kind in ("http", "both"):
        spec["http"] = [{"match": [{"gateways": ["mesh"], "port": 80}], "route": [to_gateway]},
                        {"match": [{"gateways": [gateway], "port": one(r, [80, 443, 8080])}], "route": [to_host]}]
        maybe(r, 0.2, spec["http"][1], "rewrite", lambda: {"authority": "new.example.com"})
        if chance(r, 0.3):
            del spec["http"][0]["match"][0]["port"]
    if kind in ("tls", "both"):
        spec["tls"] = [{"match": [{"gateways": ["mesh"], "port": 443, "sniHosts": [host]}], "route": [to_gateway]},
                       {"match": [{"gateways": [gateway], "port": one(r, [443, 15443]), "sniHosts": [host]}], "route": [to_host]}]
    if kind == "tcp":
        spec["tcp"] = [{"match": [{"gateways": ["mesh"], "port": 443}], "route": [to_gateway]},
                       {"match": [{"gateways": [gateway], "port": one(r, [443, 15443, 9000])}], "route": [to_host]}]
        maybe(r, 0.2, spec["tcp"][0]["match"][0], "destinationSubnets", lambda: ["240.0.0.0/8"])
    maybe(r, 0.1, spec, "exportTo", lambda: [one(r, [".", "*"])])
    return istio("VirtualService", "networking", r, name, namespace, spec)


def add(r, documents, proxies):
    documents += workload()
    proxies.append({"name": NAME + "-0", "namespace": "istio-system", "type": "router"})
    host = one(r, EXTERNAL[:2])
    if chance(r, 0.8):
        documents.append(entry(r, host))
    namespace = one(r, NAMESPACES + ["istio-system"])
    for n in range(r.choice([1, 1, 2])):
        selector = one(r, [{"istio": "egressgateway"}, {"istio": "egressgateway"}, {"app": NAME}, {}])
        servers = [server(r, k, host) for k in range(r.choice([1, 2, 3]))]
        documents.append(istio("Gateway", "networking", r, "eg%d" % n, namespace, dict({"servers": servers}, **({"selector": selector} if selector else {}))))
        for k in range(r.choice([0, 1, 1, 2])):
            documents.append(route(r, "ev%d-%d" % (n, k), host, "%s/eg%d" % (namespace, n)))
    if chance(r, 0.6):
        spec = {"host": HOST, "subsets": [{"name": "ext"}]}
        maybe(r, 0.5, spec["subsets"][0], "trafficPolicy", lambda: {"tls": {"mode": "ISTIO_MUTUAL", "sni": host}, "loadBalancer": {"simple": "ROUND_ROBIN"}})
        documents.append(istio("DestinationRule", "networking", r, "ed", one(r, NAMESPACES + ["istio-system"]), spec))
    if chance(r, 0.5):
        spec = {"host": host, "trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, "tls": traffic.client_tls(r)}]}}
        documents.append(istio("DestinationRule", "networking", r, "eo", one(r, NAMESPACES), spec))
