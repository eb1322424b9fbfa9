# SPDX-License-Identifier: Apache-2.0
"""More of the Gateway API: a second Gateway, routes of every kind, to more than one parent, to the mesh, to other namespaces with and without a grant."""
import entrances
from words import EXTERNAL, NAMESPACES, chance, maybe, meta, one, some

GROUP = "gateway.networking.k8s.io"


def namespaces(r):
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": {"team": one(r, ["x", "y"])}}} for n in NAMESPACES]


def listener(r, n):
    protocol = one(r, ["HTTP", "HTTPS", "TLS", "TLS", "TCP", "HTTP"])
    out = {"name": "m%d" % n, "port": {"HTTP": one(r, [80, 8080]), "HTTPS": one(r, [443, 8443]), "TLS": one(r, [8443, 443]), "TCP": one(r, [9000, 80])}[protocol], "protocol": protocol}
    if protocol != "TCP":
        maybe(r, 0.5, out, "hostname", lambda: one(r, EXTERNAL[:2] + ["*.example.com"]))
    if protocol in ("HTTPS", "TLS"):
        mode = "Terminate" if protocol == "HTTPS" or chance(r, 0.4) else "Passthrough"
        out["tls"] = {"mode": mode}
        if mode == "Terminate":
            refs = out["tls"]["certificateRefs"] = [{"name": "cert"}]
            maybe(r, 0.3, refs[0], "namespace", lambda: one(r, NAMESPACES))
            maybe(r, 0.15, out["tls"], "options", lambda: {"gateway.istio.io/tls-terminate-mode": one(r, ["MUTUAL", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"])})
    maybe(r, 0.6, out, "allowedRoutes", lambda: allowed(r, protocol))
    return out


def allowed(r, protocol):
    out = {"namespaces": {"from": one(r, ["All", "Same", "Selector"])}}
    if out["namespaces"]["from"] == "Selector":
        out["namespaces"]["selector"] = {"matchLabels": {"team": "x"}}
    kinds = {"HTTP": ["HTTPRoute", "GRPCRoute"], "HTTPS": ["HTTPRoute", "GRPCRoute"], "TLS": ["TLSRoute", "TCPRoute"], "TCP": ["TCPRoute"]}[protocol]
    maybe(r, 0.25, out, "kinds", lambda: [{"kind": one(r, kinds)}])
    return out


def gateway(r, name, namespace):
    spec = {"gatewayClassName": "istio", "listeners": [listener(r, n) for n in range(r.choice([1, 2, 3]))]}
    return {"apiVersion": GROUP + "/v1", "kind": "Gateway", "metadata": meta(name, namespace), "spec": spec}


def grant(r, n):
    to = one(r, [{"group": "", "kind": "Service"}, {"group": "", "kind": "Secret"}])
    maybe(r, 0.3, to, "name", lambda: one(r, ["a", "b", "cert"]))
    kind = "Gateway" if to["kind"] == "Secret" else one(r, ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"])
    return {"apiVersion": GROUP + "/v1beta1", "kind": "ReferenceGrant", "metadata": meta("g%d" % n, one(r, NAMESPACES)),
            "spec": {"from": [{"group": GROUP, "kind": kind, "namespace": one(r, NAMESPACES)}], "to": [to]}}


def parents(r, hosts, gateways, kind):
    out = []
    for _ in range(r.choice([1, 1, 1, 2])):
        if kind != "TLSRoute" and chance(r, 0.25):
            s = one(r, hosts.services)
            ref = {"group": "", "kind": "Service", "name": s["metadata"]["name"], "namespace": s["metadata"]["namespace"]}
            maybe(r, 0.4, ref, "port", lambda: one(r, s["spec"]["ports"])["port"])
        else:
            g = one(r, gateways)
            ref = {"name": g["metadata"]["name"], "namespace": g["metadata"]["namespace"]}
            maybe(r, 0.4, ref, "sectionName", lambda: one(r, g["spec"]["listeners"])["name"])
            if "sectionName" not in ref:
                maybe(r, 0.2, ref, "port", lambda: one(r, g["spec"]["listeners"])["port"])
        if ref not in out:
            out.append(ref)
    return out


def backend(r, hosts, namespace, kind):
    if chance(r, 0.1):
        return {"group": "networking.istio.io", "kind": "Hostname", "name": one(r, (hosts.entries or []) + EXTERNAL[:1] + ["a.default.svc.cluster.local"]), "port": one(r, [80, 443, 8080])}
    ref = entrances.api_backend(r, hosts, namespace)
    if chance(r, 0.05):
        ref["name"] = "nobody"
    if kind in ("HTTPRoute", "GRPCRoute") and chance(r, 0.2):
        ref["filters"] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-back", "value": "1"}]}}]
    return ref


def http_rule(r, hosts, namespace, rule):
    maybe(r, 0.7, rule, "matches", lambda: [match(r) for _ in range(r.choice([1, 2]))])
    maybe(r, 0.3, rule, "filters", lambda: entrances.api_filters(r, hosts, namespace))
    maybe(r, 0.15, rule, "timeouts", lambda: one(r, [{"request": "5s"}, {"backendRequest": "2s"}, {"request": "0s"}, {"request": "9s", "backendRequest": "500ms"}]))
    maybe(r, 0.15, rule, "retry", lambda: one(r, [{"attempts": 2}, {"attempts": 3, "codes": [500, 503]}, {"codes": [502], "backoff": "100ms"}]))
    maybe(r, 0.1, rule, "name", lambda: "rule")
    if chance(r, 0.1):
        rule["filters"] = [{"type": "CORS", "cors": one(r, [{"allowOrigins": ["https://x.com"]}, {"allowOrigins": ["*"], "allowMethods": ["GET", "*"], "maxAge": 60},
                                                            {"allowOrigins": ["https://*.x.com", "http://y"], "allowCredentials": True, "allowHeaders": ["x-a"], "exposeHeaders": ["x-b"]}])}]
    if chance(r, 0.12):
        del rule["backendRefs"]
        redirect = one(r, [{"scheme": "https"}, {"hostname": "to.example.com", "port": 8080, "statusCode": 301}, {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/y"}},
                           {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}, "scheme": "http"}, {"port": 443}])
        rule["filters"] = [{"type": "RequestRedirect", "requestRedirect": redirect}]


def match(r):
    m = entrances.api_match(r)
    if chance(r, 0.15):
        m["path"] = {"type": "RegularExpression", "value": one(r, ["/a.*", "/(x|y)"])}
    if chance(r, 0.15):
        m["headers"] = [{"name": "x-user", "type": "RegularExpression", "value": "v[12]"}, {"name": "Host", "value": "x"}][:r.choice([1, 2])]
    if chance(r, 0.1):
        m["queryParams"] = [{"name": "q", "type": "RegularExpression", "value": "x.*"}]
    return m


def grpc_rule(r, rule):
    maybe(r, 0.7, rule, "matches", lambda: [one(r, [{"method": {"service": "pkg.S", "method": "Get"}}, {"method": {"service": "pkg.S"}}, {"method": {"method": "Put"}},
                                                    {"method": {"type": "RegularExpression", "service": "pkg.*", "method": "G.*"}}, {"headers": [{"name": "x-user", "value": "x"}]}])])
    maybe(r, 0.25, rule, "filters", lambda: [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "x-add", "value": "2"}]}}])


def route(r, name, hosts, gateways):
    kind = one(r, ["HTTPRoute", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "TLSRoute"])
    namespace = one(r, NAMESPACES)
    spec = {"parentRefs": parents(r, hosts, gateways, kind), "rules": []}
    if kind == "TLSRoute" or kind != "TCPRoute" and chance(r, 0.5):
        spec["hostnames"] = some(r, EXTERNAL[:2] + ["*.example.com", "*.www.example.com"], r.choice([1, 1, 2]))
    for _ in range(r.choice([1, 1, 2]) if kind in ("HTTPRoute", "GRPCRoute") else 1):
        rule = {"backendRefs": [backend(r, hosts, namespace, kind) for _ in range(r.choice([1, 1, 2]))]}
        if kind == "HTTPRoute":
            http_rule(r, hosts, namespace, rule)
        elif kind == "GRPCRoute":
            grpc_rule(r, rule)
        spec["rules"].append(rule)
    out = {"apiVersion": GROUP + "/" + {"TCPRoute": "v1alpha2"}.get(kind, "v1"), "kind": kind, "metadata": meta(name, namespace), "spec": spec}
    if chance(r, 0.2):
        out["metadata"]["creationTimestamp"] = "202%d-01-01T00:00:00Z" % r.randrange(6)
    return out


def add(r, documents, proxies, hosts):
    gateways = [d for d in documents if d["kind"] == "Gateway" and d["apiVersion"].startswith(GROUP)]
    for n in range(r.choice([1, 1, 2])):
        new = gateway(r, "api%d" % n, one(r, NAMESPACES))
        gateways.append(new)
        documents.append(new)
        proxies.append({"name": "api%d-istio-0" % n, "namespace": new["metadata"]["namespace"], "type": "router"})
    for n in range(r.choice([1, 2, 3, 4])):
        documents.append(route(r, "k%d" % n, hosts, gateways))
    for n in range(r.choice([0, 0, 1, 2])):
        documents.append(grant(r, n))
    if any(l.get("allowedRoutes", {}).get("namespaces", {}).get("from") == "Selector" for g in gateways for l in g["spec"]["listeners"]):
        documents += namespaces(r)
