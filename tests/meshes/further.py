# SPDX-License-Identifier: Apache-2.0
"""What is added to every third mesh, from luck of its own: the rest of a mesh stays what its seed says."""
import json

from words import NAMESPACES, chance, istio, maybe, meta, one, some


def dynamic_entry(r, name):
    """A wildcard whose hosts proxies look up."""
    ports = [("http", "HTTP", 80), ("tls", "TLS", 443), ("grpc", "GRPC", 7070), ("http-b", "HTTP", 8080), ("tcp", "TCP", 9000)]
    spec = {"hosts": [one(r, ["*.example.com", "*.example.org"])], "resolution": "DYNAMIC_DNS",
            "ports": [{"number": n, "name": p, "protocol": q} for p, q, n in some(r, ports[:4], r.choice([1, 2]))]}
    maybe(r, 0.5, spec, "location", lambda: "MESH_EXTERNAL")
    maybe(r, 0.2, spec, "exportTo", lambda: [one(r, [".", "*"])])
    out = [istio("ServiceEntry", "networking", r, name, one(r, NAMESPACES), spec)]
    if chance(r, 0.5):
        policy = {"tls": one(r, [{"mode": "SIMPLE"}, {"mode": "SIMPLE", "sni": "sni.example.com"}, {"mode": "ISTIO_MUTUAL"}, {"mode": "DISABLE"},
                                 {"mode": "SIMPLE", "subjectAltNames": ["one"]}])}
        out.append(istio("DestinationRule", "networking", r, name, out[0]["metadata"]["namespace"], {"host": spec["hosts"][0], "trafficPolicy": policy}))
    return out


def workload_entry(r, name):
    """An endpoint that is no pod, for Services and ServiceEntries alike."""
    spec = {"address": one(r, ["2.2.2.3", "2.2.2.4"]), "labels": {"app": one(r, ["a", "b", "vm"]), "version": one(r, ["v1", "v2"])}}
    maybe(r, 0.3, spec, "serviceAccount", lambda: "vm")
    maybe(r, 0.3, spec, "weight", lambda: 2)
    maybe(r, 0.3, spec, "locality", lambda: one(r, ["eu/a", "us/b/1"]))
    maybe(r, 0.3, spec, "ports", lambda: {one(r, ["http", "http-web", "tcp-raw"]): 6667})
    return [istio("WorkloadEntry", "networking", r, name, one(r, NAMESPACES), spec)]


def slices(r, name):
    """A Service without selector, whose endpoints somebody wrote down."""
    namespace = one(r, NAMESPACES)
    ports = [{"name": "http", "port": 8080}] if chance(r, 0.6) else [{"name": "http", "port": 8080}, {"name": "tcp", "port": 9001}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, namespace), "spec": {"ports": [dict(p, port=p["port"]) for p in ports]}}
    ends = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta(name, namespace),
            "subsets": [{"addresses": [{"ip": "10.9.0.1"}, {"ip": "10.9.0.2"}][:r.choice([1, 2])], "ports": ports}]}
    if chance(r, 0.3):
        ends["subsets"][0]["notReadyAddresses"] = [{"ip": "10.9.0.3"}]
    return [service, ends]


def mesh_settings(r):
    """Fields of MeshConfig that the first generator does not know."""
    lines = {}
    maybe(r, 0.3, lines, "outboundTrafficPolicy", lambda: {"mode": one(r, ["REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"])})
    maybe(r, 0.3, lines, "trustDomain", lambda: "td.example")
    maybe(r, 0.3, lines, "trustDomainAliases", lambda: ["old.example"])
    maybe(r, 0.3, lines, "localityLbSetting", lambda: one(r, [{"enabled": False}, {"failover": [{"from": "eu", "to": "us"}]},
                                                              {"distribute": [{"from": "eu/*", "to": {"eu/*": 80, "us/*": 20}}]}]))
    maybe(r, 0.3, lines, "meshMTLS", lambda: {"minProtocolVersion": "TLSV1_3"})
    maybe(r, 0.2, lines, "proxyHttpPort", lambda: 15002)
    maybe(r, 0.2, lines, "dnsRefreshRate", lambda: "9s")
    maybe(r, 0.2, lines, "inboundTrafficPolicy", lambda: {"mode": one(r, ["PASSTHROUGH", "LOCALHOST"])})
    maybe(r, 0.2, lines, "accessLogFile", lambda: "/dev/stdout")
    return lines


def set_mesh(documents, lines):
    known = next((d for d in documents if d["kind"] == "ConfigMap"), None)
    if known is None:
        documents.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("istio", "istio-system"), "data": {"mesh": json.dumps(lines)}})
    else:
        known["data"]["mesh"] = json.dumps(dict(json.loads(known["data"]["mesh"]), **lines))


def add(r, documents):
    if not chance(r, 0.33):
        return
    for n, make in enumerate(some(r, [dynamic_entry, workload_entry, slices], r.choice([0, 1, 1, 2]))):
        documents += make(r, "f%d" % n)
    if chance(r, 0.4):
        set_mesh(documents, mesh_settings(r))
