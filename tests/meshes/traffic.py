# SPDX-License-Identifier: Apache-2.0
"""VirtualServices, DestinationRules and ServiceEntries."""
from words import EXTERNAL, NAMESPACES, STARS, chance, istio, maybe, one, some

SUBSETS = ["v1", "v2", "v3"]
PATHS = ["/", "/a", "/a/", "/a/b", "/b", "/api", "/A"]
REGEXES = [".*", "/a.*", "/(a|b)/[0-9]+", "v[12]", "^x$"]
HEADERS = ["x-user", "cookie", ":authority", "x-version", "User-Agent"]
EXPORTS = [["."], ["*"], ["shop"], ["default"], ["shop", "other"]]


class Hosts:
    """The names that rules use: short, half and whole ones of the services, others' and stars."""

    def __init__(self, r, services):
        self.services = services
        self.entries = []  # hosts of ServiceEntries

    def service_host(self, r, namespace):
        s = one(r, self.services)["metadata"]
        whole = "%s.%s.svc.cluster.local" % (s["name"], s["namespace"])
        if s["namespace"] == namespace:
            return one(r, [whole, whole, s["name"]])
        return one(r, [whole, whole, whole, "%s.%s" % (s["name"], s["namespace"])])

    def destination_host(self, r, namespace):
        what = r.random()
        if what < 0.8 or not self.entries:
            return self.service_host(r, namespace)
        return one(r, self.entries) if what < 0.96 else "nowhere.example.net"

    def virtual_host(self, r, namespace):
        what = r.random()
        if what < 0.7:
            return self.service_host(r, namespace)
        if what < 0.85:
            return one(r, self.entries or EXTERNAL)
        return one(r, EXTERNAL + STARS)

    def port(self, r):
        return one(r, one(r, self.services)["spec"]["ports"])["port"]


def text_match(r, words):
    kind = one(r, ["exact", "exact", "prefix", "prefix", "regex"])
    return {kind: one(r, REGEXES if kind == "regex" else words)}


def http_match(r, hosts, gateways):
    m = {}
    maybe(r, 0.6, m, "uri", lambda: text_match(r, PATHS))
    maybe(r, 0.25, m, "headers", lambda: {h: text_match(r, ["x", "y", "z"]) if chance(r, 0.9) else {} for h in some(r, HEADERS, r.choice([1, 1, 2]))})
    maybe(r, 0.08, m, "withoutHeaders", lambda: {one(r, HEADERS): text_match(r, ["x", "y"]) if chance(r, 0.8) else {}})
    maybe(r, 0.08, m, "queryParams", lambda: {one(r, ["q", "p"]): text_match(r, ["1", "x"])})
    maybe(r, 0.1, m, "method", lambda: text_match(r, ["GET", "POST"]))
    maybe(r, 0.08, m, "authority", lambda: text_match(r, ["api.example.com", "a"]))
    maybe(r, 0.05, m, "scheme", lambda: text_match(r, ["http", "https"]))
    maybe(r, 0.12, m, "port", lambda: hosts.port(r))
    maybe(r, 0.1, m, "sourceLabels", lambda: {"app": one(r, ["client", "a"])})
    maybe(r, 0.07, m, "sourceNamespace", lambda: one(r, NAMESPACES))
    maybe(r, 0.1, m, "gateways", lambda: [one(r, (gateways or ["mesh"]) + ["mesh"])])
    if "uri" in m and "regex" not in m["uri"]:
        maybe(r, 0.1, m, "ignoreUriCase", lambda: True)
    maybe(r, 0.1, m, "name", lambda: "m")
    return m or {"uri": {"prefix": "/"}}


def destination(r, hosts, namespace):
    d = {"host": hosts.destination_host(r, namespace)}
    maybe(r, 0.45, d, "subset", lambda: one(r, SUBSETS))
    maybe(r, 0.25, d, "port", lambda: {"number": hosts.port(r)})
    return d


def header_operations(r):
    out = {}
    for side in some(r, ["request", "response"], r.choice([1, 2])):
        ops = out[side] = {}
        maybe(r, 0.6, ops, "set", lambda: {one(r, ["x-set", "Host", ":authority", "x-b"]) if side == "request" else "x-set": one(r, ["1", "%REQ(x)%", "100%%"])})
        maybe(r, 0.4, ops, "add", lambda: {"x-add": "2", "x-add-b": "3"})
        maybe(r, 0.4, ops, "remove", lambda: ["x-gone", "x-away"])
    return out


def weighted(r, hosts, namespace, with_headers=True):
    count = r.choice([1, 1, 1, 2, 3])
    shares = {1: [[100], [0], None], 2: [[90, 10], [0, 100], [1, 1]], 3: [[1, 2, 3], [0, 50, 50]]}
    weights = one(r, shares[count])
    out = []
    for n in range(count):
        d = {"destination": destination(r, hosts, namespace)}
        if weights:
            d["weight"] = weights[n]
        if with_headers:
            maybe(r, 0.1, d, "headers", lambda: header_operations(r))
        out.append(d)
    if sum(d.get("weight", 0) for d in out) == 0:
        for d in out:
            d.pop("weight", None)
        del out[1:]
    return out


def fault(r):
    out = {}
    if chance(r, 0.6):
        out["delay"] = {"fixedDelay": "%ds" % r.randrange(1, 9)}
        maybe(r, 0.7, out["delay"], "percentage", lambda: {"value": one(r, [0, 0.1, 12.5, 100])})
    if chance(r, 0.6) or not out:
        out["abort"] = {one(r, ["httpStatus", "httpStatus"]): one(r, [400, 503])}
        if chance(r, 0.2):
            out["abort"] = {"grpcStatus": "UNAVAILABLE"}
        maybe(r, 0.7, out["abort"], "percentage", lambda: {"value": one(r, [0, 0.1, 12.5, 100])})
    return out


def retries(r):
    out = {"attempts": r.choice([0, 1, 3])}
    if out["attempts"]:
        maybe(r, 0.5, out, "perTryTimeout", lambda: "2s")
        maybe(r, 0.5, out, "retryOn", lambda: one(r, ["5xx", "gateway-error,503", "503,504,reset", "retriable-status-codes", "", "connect-failure"]))
        maybe(r, 0.2, out, "retryRemoteLocalities", lambda: chance(r, 0.5))
        maybe(r, 0.2, out, "backoff", lambda: "1s")
        maybe(r, 0.2, out, "retryIgnorePreviousHosts", lambda: chance(r, 0.5))
    return out


def cors(r):
    out = {}
    maybe(r, 0.7, out, "allowOrigins", lambda: [text_match(r, ["https://x.com", "*", "http://y"]) for _ in range(r.choice([1, 2]))])
    maybe(r, 0.4, out, "allowMethods", lambda: ["GET", "PUT"])
    maybe(r, 0.4, out, "allowHeaders", lambda: ["x-a", "x-b"])
    maybe(r, 0.3, out, "exposeHeaders", lambda: ["x-c"])
    maybe(r, 0.4, out, "maxAge", lambda: "24h")
    maybe(r, 0.4, out, "allowCredentials", lambda: chance(r, 0.7))
    maybe(r, 0.2, out, "unmatchedPreflights", lambda: one(r, ["FORWARD", "IGNORE"]))
    return out


def rewrite(r):
    if chance(r, 0.2):
        return {"uriRegexRewrite": {"match": "^/a/(.*)$", "rewrite": "/b/\\1"}}
    out = {}
    maybe(r, 0.6, out, "uri", lambda: one(r, ["/", "/new", "/new/"]))
    if chance(r, 0.5) or not out:
        out["authority"] = "new.example.com"
    return out


def redirect(r):
    out = {}
    maybe(r, 0.6, out, "uri", lambda: one(r, ["/to", "%PREFIX()%"]))
    maybe(r, 0.5, out, "authority", lambda: "to.example.com")
    maybe(r, 0.4, out, "scheme", lambda: "https")
    if not out:
        out["uri"] = "/to"
    maybe(r, 0.4, out, "redirectCode", lambda: one(r, [301, 302, 303, 307, 308]))
    if chance(r, 0.4):
        out.update(one(r, [{"port": 8443}, {"derivePort": "FROM_PROTOCOL_DEFAULT"}, {"derivePort": "FROM_REQUEST_PORT"}]))
    return out


def http_route(r, hosts, namespace, gateways, is_last):
    h = {}
    maybe(r, 0.3, h, "name", lambda: one(r, ["first", "second"]))
    if not is_last or chance(r, 0.4):
        h["match"] = [http_match(r, hosts, gateways) for _ in range(r.choice([1, 1, 2]))]
    kind = r.random()
    if kind < 0.08:
        h["redirect"] = redirect(r)
    elif kind < 0.13:
        h["directResponse"] = {"status": one(r, [200, 404, 503])}
        maybe(r, 0.6, h["directResponse"], "body", lambda: one(r, [{"string": "hello"}, {"bytes": "aGVsbG8="}]))
    else:
        h["route"] = weighted(r, hosts, namespace)
        maybe(r, 0.2, h, "rewrite", lambda: rewrite(r))
        maybe(r, 0.2, h, "timeout", lambda: one(r, ["5s", "0.5s"]))
        maybe(r, 0.25, h, "retries", lambda: retries(r))
        if chance(r, 0.12):
            h["mirror"] = destination(r, hosts, namespace)
            maybe(r, 0.6, h, "mirrorPercentage", lambda: {"value": one(r, [0, 0.5, 50, 100])})
        elif chance(r, 0.08):
            h["mirrors"] = [{"destination": destination(r, hosts, namespace)} for _ in range(r.choice([1, 2]))]
            maybe(r, 0.5, h["mirrors"][0], "percentage", lambda: {"value": one(r, [0, 0.5, 50])})
    if "route" in h:
        maybe(r, 0.12, h, "fault", lambda: fault(r))
    maybe(r, 0.1, h, "corsPolicy", lambda: cors(r))
    maybe(r, 0.15, h, "headers", lambda: header_operations(r))
    return h


def stream_match(r, hosts, gateways, names=None):
    m = {"sniHosts": names} if names else {}
    maybe(r, 0.4, m, "port", lambda: hosts.port(r))
    maybe(r, 0.15, m, "destinationSubnets", lambda: [one(r, ["10.0.0.0/8", "127.64.0.0/10"])])
    maybe(r, 0.15, m, "sourceLabels", lambda: {"app": one(r, ["client", "a"])})
    maybe(r, 0.1, m, "sourceNamespace", lambda: one(r, NAMESPACES))
    maybe(r, 0.1, m, "gateways", lambda: [one(r, (gateways or ["mesh"]) + ["mesh"])])
    return m


def gateways_of(r, hosts):
    known = getattr(hosts, "gateways", [])
    if not known or chance(r, 0.5):
        return None if chance(r, 0.8) else ["mesh"]
    return some(r, known, r.choice([1, 1, 2])) + (["mesh"] if chance(r, 0.4) else [])


def disjoint(names):
    """A VirtualService may not have hosts that overlap."""
    out = []
    for name in dict.fromkeys(names):
        if not any(covers(a, b) for other in out for a, b in ((name, other), (other, name))):
            out.append(name)
    return out


def covers(star, name):
    return star.startswith("*") and name.endswith(star[1:])


def virtual_service(r, name, hosts, gateways=None, names=None):
    namespace = one(r, NAMESPACES)
    gateways = gateways or gateways_of(r, hosts)
    names = names or list(dict.fromkeys(hosts.virtual_host(r, namespace) for _ in range(r.choice([1, 1, 2]))))
    if "*" in names and "mesh" in (gateways or ["mesh"]):
        names = ["*.example.com" if n == "*" else n for n in names]
    spec = {"hosts": disjoint(names)}
    if gateways:
        spec["gateways"] = gateways
    kind = r.random()
    if kind < 0.75:
        count = r.choice([1, 1, 2, 3])
        spec["http"] = [http_route(r, hosts, namespace, gateways, n == count - 1) for n in range(count)]
    if kind >= 0.7 and kind < 0.9:
        spec["tcp"] = [stream_route(r, hosts, namespace, gateways) for _ in range(r.choice([1, 1, 2]))]
    if kind >= 0.85:
        spec["tls"] = [stream_route(r, hosts, namespace, gateways, [n]) for n in spec["hosts"] if "." in n or kind > 0.9]
        if not spec["tls"]:
            del spec["tls"]
            spec["tcp"] = [stream_route(r, hosts, namespace, gateways)]
    maybe(r, 0.15, spec, "exportTo", lambda: one(r, EXPORTS))
    return [istio("VirtualService", "networking", r, name, namespace, spec)]


def stream_route(r, hosts, namespace, gateways, names=None):
    out = {"route": weighted(r, hosts, namespace, False)}
    if names or chance(r, 0.5):
        out["match"] = [stream_match(r, hosts, gateways, names) for _ in range(r.choice([1, 1, 2]))]
    return out


def delegate_pair(r, name, hosts):
    root = virtual_service(r, name, hosts)[0]
    other = one(r, NAMESPACES)
    for kind in ("tcp", "tls"):
        root["spec"].pop(kind, None)
    handed = {"match": [{"uri": {"prefix": one(r, PATHS)}}], "delegate": {"name": name + "-d", "namespace": other}}
    maybe(r, 0.3, handed["match"][0], "headers", lambda: {"x-user": {"exact": "x"}})
    maybe(r, 0.2, handed, "timeout", lambda: "7s")
    maybe(r, 0.2, handed, "headers", lambda: header_operations(r))
    root["spec"]["http"] = [handed] + root["spec"].get("http", [])
    routes = [http_route(r, hosts, other, None, n == 1) for n in range(2)]
    for h in routes:
        for m in h.get("match", []):
            for field in ("gateways", "sourceNamespace"):
                m.pop(field, None)
    return [root, istio("VirtualService", "networking", r, name + "-d", other, {"http": routes})]


def client_tls(r):
    mode = one(r, ["DISABLE", "ISTIO_MUTUAL", "SIMPLE", "MUTUAL"])
    out = {"mode": mode}
    if mode == "MUTUAL":
        out.update(one(r, [{"credentialName": "cred"}, {"clientCertificate": "/c.pem", "privateKey": "/k.pem", "caCertificates": "/ca.pem"}]))
    if mode in ("SIMPLE", "MUTUAL"):
        maybe(r, 0.4, out, "sni", lambda: "sni.example.com")
        maybe(r, 0.3, out, "subjectAltNames", lambda: ["one", "two"])
        if "subjectAltNames" not in out and "caCertificates" not in out:
            maybe(r, 0.2, out, "insecureSkipVerify", lambda: True)
    if mode == "SIMPLE" and "insecureSkipVerify" not in out:
        maybe(r, 0.3, out, "caCertificates", lambda: "/ca.pem")
    return out


def load_balancer(r):
    what = r.random()
    if what < 0.4:
        out = {"simple": one(r, ["ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "PASSTHROUGH", "LEAST_CONN"])}
        if out["simple"] in ("ROUND_ROBIN", "LEAST_REQUEST"):
            maybe(r, 0.3, out, "warmup", lambda: {"duration": "30s", "minimumPercent": 10})
    elif what < 0.8:
        out = {"consistentHash": one(r, [{"httpHeaderName": "x-user"}, {"useSourceIp": True}, {"httpQueryParameterName": "q"},
                                         {"httpCookie": {"name": "c", "ttl": "0s"}}, {"httpCookie": {"name": "c"}}])}
        maybe(r, 0.4, out["consistentHash"], "ringHash", lambda: {"minimumRingSize": 64})
        if "ringHash" not in out["consistentHash"]:
            maybe(r, 0.3, out["consistentHash"], "maglev", lambda: {"tableSize": 101})
    else:
        out = {"localityLbSetting": one(r, [{"enabled": True, "failoverPriority": ["version"]}, {"enabled": False},
                                            {"distribute": [{"from": "eu/*", "to": {"eu/*": 80, "us/*": 20}}]}])}
    return out


def policy(r):
    out = {}
    maybe(r, 0.3, out, "tls", lambda: client_tls(r))
    maybe(r, 0.3, out, "loadBalancer", lambda: load_balancer(r))
    if chance(r, 0.3):
        pool = out["connectionPool"] = {"tcp": {"maxConnections": 7}} if chance(r, 0.3) else {"http": {"maxRetries": 5}}
        maybe(r, 0.6, pool, "tcp", lambda: one(r, [{"maxConnections": 5}, {"connectTimeout": "2s"}, {"tcpKeepalive": {"time": "7s"}}, {"maxConnectionDuration": "9s"}, {"idleTimeout": "4s"}]))
        maybe(r, 0.6, pool, "http", lambda: one(r, [{"http1MaxPendingRequests": 4}, {"http2MaxRequests": 6}, {"maxRequestsPerConnection": 1}, {"maxRetries": 2},
                                                     {"idleTimeout": "9s"}, {"h2UpgradePolicy": "UPGRADE"}, {"useClientProtocol": True}, {"h2UpgradePolicy": "DO_NOT_UPGRADE"}]))
    maybe(r, 0.25, out, "outlierDetection", lambda: one(r, [{"consecutive5xxErrors": 2}, {"consecutiveGatewayErrors": 3, "interval": "2s"}, {"consecutive5xxErrors": 0},
                                                             {"splitExternalLocalOriginErrors": True, "consecutiveLocalOriginFailures": 4}, {"minHealthPercent": 20, "baseEjectionTime": "9s"}]))
    if chance(r, 0.1):
        out.update(one(r, [{"tunnel": {"protocol": "CONNECT", "targetHost": "t.example.com", "targetPort": 443}}, {"proxyProtocol": {"version": "V1"}},
                           {"proxyProtocol": {"version": "V2"}}]))
    return out or {"loadBalancer": {"simple": "RANDOM"}}


def with_ports(r, hosts, traffic_policy):
    if chance(r, 0.3):
        traffic_policy["portLevelSettings"] = []
        for number in {hosts.port(r) for _ in range(r.choice([1, 2]))}:
            level = {k: v for k, v in policy(r).items() if k not in ("tunnel", "proxyProtocol")}
            traffic_policy["portLevelSettings"].append(dict(level or {"tls": {"mode": "DISABLE"}}, port={"number": number}))
    return traffic_policy


def destination_rule(r, name, hosts):
    namespace = one(r, NAMESPACES + ["istio-system"])
    host = hosts.destination_host(r, namespace) if chance(r, 0.85) else one(r, STARS[:2] + EXTERNAL)
    spec = {"host": host}
    maybe(r, 0.6, spec, "trafficPolicy", lambda: with_ports(r, hosts, policy(r)))
    if chance(r, 0.7):
        spec["subsets"] = []
        for subset in some(r, SUBSETS, r.choice([1, 2, 3])):
            s = {"name": subset, "labels": {"version": subset}}
            maybe(r, 0.1, s, "labels", lambda: {})
            maybe(r, 0.3, s, "trafficPolicy", lambda: with_ports(r, hosts, policy(r)))
            spec["subsets"].append(s)
    maybe(r, 0.2, spec, "exportTo", lambda: one(r, EXPORTS))
    if "exportTo" not in spec:
        maybe(r, 0.12, spec, "workloadSelector", lambda: {"matchLabels": {"app": one(r, ["client", "a"])}})
    return [istio("DestinationRule", "networking", r, name, namespace, spec)]


def service_entry(r, name, hosts):
    namespace = one(r, NAMESPACES)
    names = some(r, EXTERNAL + ["*.example.com", "db.default.svc.cluster.local"], r.choice([1, 1, 2]))
    resolution = one(r, ["NONE", "STATIC", "STATIC", "DNS", "DNS", "DNS_ROUND_ROBIN"])
    if any(n.startswith("*") for n in names) and resolution.startswith("DNS"):
        resolution = one(r, ["NONE", "STATIC"])
    spec = {"hosts": names, "resolution": resolution, "ports": []}
    kinds = [("http", "HTTP", 80), ("https", "HTTPS", 443), ("tls", "TLS", 8443), ("tcp", "TCP", 9000), ("grpc", "GRPC", 7070), ("mongo", "MONGO", 27017), ("http-b", "HTTP", 8080)]
    for port_name, protocol, number in some(r, kinds, r.choice([1, 1, 2])):
        port = {"number": number, "name": port_name, "protocol": protocol}
        maybe(r, 0.2, port, "targetPort", lambda: 9999)
        spec["ports"].append(port)
    if any(p["protocol"] in ("TCP", "MONGO") for p in spec["ports"]):
        del names[1:]
    maybe(r, 0.6, spec, "location", lambda: one(r, ["MESH_EXTERNAL", "MESH_EXTERNAL", "MESH_INTERNAL"]))
    maybe(r, 0.3, spec, "addresses", lambda: some(r, ["240.0.0.1", "240.0.0.2", "10.1.0.0/16"][:2 if resolution.startswith("DNS") else 3], r.choice([1, 2])))
    maybe(r, 0.15, spec, "exportTo", lambda: one(r, EXPORTS))
    out = [istio("ServiceEntry", "networking", r, name, namespace, spec)]
    # Of two of one host and age istiod takes the one or the other.
    out[0]["metadata"]["creationTimestamp"] = "202%d-02-01T00:00:%02dZ" % (r.randrange(6), len(hosts.entries))
    if resolution == "STATIC" and chance(r, 0.3):
        spec["workloadSelector"] = {"labels": {"app": one(r, ["vm", "a", "client"])}}
        entry = {"address": "2.2.2.2", "labels": {"app": "vm", "version": "v1"}}
        maybe(r, 0.3, entry, "ports", lambda: {spec["ports"][0]["name"]: 6666})
        maybe(r, 0.3, entry, "serviceAccount", lambda: "vm")
        maybe(r, 0.3, entry, "weight", lambda: 3)
        out.append(istio("WorkloadEntry", "networking", r, name + "-vm", namespace, entry))
    elif resolution == "STATIC" or resolution.startswith("DNS") and (chance(r, 0.4) or any(n.startswith("*") for n in names)):
        spec["endpoints"] = []
        for n in range(r.choice([1, 2]) if resolution != "DNS_ROUND_ROBIN" else 1):
            end = {"address": "3.3.3.%d" % (n + 1) if resolution == "STATIC" or chance(r, 0.3) else "e%d.example.net" % n}
            maybe(r, 0.2, end, "ports", lambda: {spec["ports"][0]["name"]: 5555})
            maybe(r, 0.3, end, "labels", lambda: {"version": one(r, SUBSETS)})
            maybe(r, 0.2, end, "locality", lambda: "eu/a")
            maybe(r, 0.2, end, "weight", lambda: 2)
            spec["endpoints"].append(end)
    maybe(r, 0.15, spec, "subjectAltNames", lambda: ["spiffe://x/y"])
    hosts.entries += names
    return out
