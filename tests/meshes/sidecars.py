# SPDX-License-Identifier: Apache-2.0
"""Sidecars with all that they may say, what PeerAuthentication says of their ports, and DestinationRules for some workloads only."""
import traffic
from words import NAMESPACES, chance, istio, maybe, one, some

HOSTS = ["./*", "shop/*", "*/*", "default/a.default.svc.cluster.local", "*/*.example.com", "~/*", "istio-system/*", "shop/b.shop.svc.cluster.local",
         "~shop/*", "~default/c.default.svc.cluster.local", "*/api.example.com", "./b.default.svc.cluster.local"]
EGRESS = ["HTTP", "TCP", "TLS", "HTTPS", "GRPC", "HTTP2", "MONGO", "HTTP_PROXY"]
INGRESS = ["HTTP", "TCP", "GRPC", "HTTPS", "TLS", "HTTP2", "MONGO"]


def pool(r):
    return one(r, [{"http": {"http1MaxPendingRequests": 7}}, {"tcp": {"maxConnections": 3, "connectTimeout": "4s"}}, {"http": {"maxRequestsPerConnection": 2, "idleTimeout": "8s"}},
                   {"tcp": {"tcpKeepalive": {"time": "9s"}, "idleTimeout": "3s"}, "http": {"http2MaxRequests": 5, "h2UpgradePolicy": "UPGRADE"}}])


def egress_listener(r, n, is_last, number):
    out = {"hosts": some(r, HOSTS, r.choice([1, 1, 2, 3]))}
    if is_last and chance(r, 0.7):
        return out
    if chance(r, 0.12):
        out["port"] = {"number": 0, "protocol": one(r, ["HTTP", "TCP"]), "name": "u%d" % n}
        out["bind"] = "unix:///var/run/%d.sock" % n
        return out
    out["port"] = {"number": number, "protocol": one(r, EGRESS), "name": "p%d" % n}
    maybe(r, 0.4, out, "bind", lambda: one(r, ["127.0.0.1", "0.0.0.0", "127.0.0.5", "::1"]))
    maybe(r, 0.25, out, "captureMode", lambda: one(r, ["NONE", "IPTABLES", "DEFAULT"]))
    if out.get("bind") == "0.0.0.0" and chance(r, 0.5):
        out["captureMode"] = "NONE"
    return out


def ingress_listener(r, n, number):
    out = {"port": {"number": number, "protocol": one(r, INGRESS), "name": "in%d" % n}}
    maybe(r, 0.9, out, "defaultEndpoint", lambda: one(r, ["127.0.0.1:8080", "0.0.0.0:9999", "127.0.0.1:80", "unix:///var/run/app.sock", "[::1]:8080", "[::]:9090"]))
    maybe(r, 0.2, out, "bind", lambda: one(r, ["127.0.0.1", "0.0.0.0", "127.128.0.1"]))
    maybe(r, 0.25, out, "captureMode", lambda: one(r, ["NONE", "IPTABLES"]))
    maybe(r, 0.2, out, "connectionPool", lambda: pool(r))
    return out


def sidecar(r, name, namespace):
    spec = {}
    if namespace != "istio-system":
        maybe(r, 0.6, spec, "workloadSelector", lambda: {"labels": one(r, [{"app": "client"}, {"app": "a"}, {"app": "b"}, {"version": "v1"}, {"app": "client", "version": "v1"}])})
    if chance(r, 0.8):
        count = r.choice([1, 2, 2, 3])
        numbers = some(r, [80, 9000, 8443, 8080, 443, 7070], count)
        spec["egress"] = [egress_listener(r, n, n == count - 1, numbers[n]) for n in range(count)]
    if namespace != "istio-system" and "workloadSelector" in spec:
        count = r.choice([0, 1, 2, 2, 3])
        numbers = some(r, [80, 8080, 9080, 9000, 443, 7777], count)
        spec["ingress"] = [ingress_listener(r, n, numbers[n]) for n in range(count)]
    for field in ("egress", "ingress"):
        if not spec.get(field):
            spec.pop(field, None)
    maybe(r, 0.4 if "egress" in spec or "ingress" in spec else 1, spec, "outboundTrafficPolicy", lambda: outbound(r))
    maybe(r, 0.2, spec, "inboundConnectionPool", lambda: pool(r))
    return istio("Sidecar", "networking", r, name, namespace, spec)


def outbound(r):
    mode = one(r, ["REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY"])
    out = {"mode": mode}
    if mode == "ALLOW_ANY" and chance(r, 0.5):
        proxy = out["egressProxy"] = {"host": one(r, ["a.default.svc.cluster.local", "b.shop.svc.cluster.local", "nowhere.example.net", "api.example.com"])}
        maybe(r, 0.8, proxy, "port", lambda: {"number": one(r, [80, 8080, 9000])})
        maybe(r, 0.3, proxy, "subset", lambda: "v1")
    return out


def port_policy(r, name):
    spec = {"selector": {"matchLabels": one(r, [{"app": "client"}, {"app": "a"}, {"app": "b"}, {"version": "v1"}])}}
    maybe(r, 0.6, spec, "mtls", lambda: {"mode": one(r, ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"])})
    spec["portLevelMtls"] = {str(p): {"mode": one(r, ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"])}
                             for p in some(r, [80, 8080, 9080, 9000, 443, 7777, 9999], r.choice([1, 2, 3]))}
    return istio("PeerAuthentication", "security", r, name, one(r, NAMESPACES), spec)


def selected_rule(r, name, hosts):
    """Several for one host: for all workloads, and for some."""
    host, namespace = hosts.destination_host(r, "default"), one(r, ["default", "default", "shop"])
    out = []
    for n in range(r.choice([1, 2, 3])):
        spec = {"host": host if "." in host else host + ".default.svc.cluster.local"}
        maybe(r, 0.8, spec, "trafficPolicy", lambda: traffic.with_ports(r, hosts, traffic.policy(r)))
        maybe(r, 0.6, spec, "subsets", lambda: [{"name": s, "labels": {"version": s}} for s in some(r, traffic.SUBSETS, r.choice([1, 2]))])
        maybe(r, 0.7, spec, "workloadSelector", lambda: {"matchLabels": one(r, [{"app": "client"}, {"app": "a"}, {"version": "v1"}, {"istio": "ingressgateway"}])})
        maybe(r, 0.15, spec, "exportTo", lambda: ["."])
        out.append(istio("DestinationRule", "networking", r, "%s-%d" % (name, n), namespace, spec))
    return out


def add(r, documents, hosts):
    for n in range(r.choice([1, 1, 2, 3])):
        documents.append(sidecar(r, "w%d" % n, one(r, ["default", "default", "default", "shop", "istio-system"])))
    if chance(r, 0.5):
        documents.append(port_policy(r, "wp"))
    if chance(r, 0.4):
        documents += selected_rule(r, "wd", hosts)
