# SPDX-License-Identifier: Apache-2.0
"""Gateways with their routes, of Istio's API, of Kubernetes' Ingress and of the Gateway API."""
import traffic
from words import EXTERNAL, NAMESPACES, chance, istio, maybe, meta, one, some

GATEWAY_HOSTS = ["*", "*.example.com", "api.example.com", "www.example.com", "default/*", "./*", "shop/api.example.com", "*/www.example.com"]


def workload(r):
    labels = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
    ports = [{"name": "http2", "port": 80, "targetPort": r.choice([80, 8080])}, {"name": "https", "port": 443, "targetPort": r.choice([443, 8443])},
             {"name": "tcp", "port": 31400}]
    return [{"apiVersion": "v1", "kind": "Service", "metadata": meta("istio-ingressgateway", "istio-system", labels=labels),
             "spec": {"type": "LoadBalancer", "selector": labels, "ports": ports}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("istio-ingressgateway", "istio-system"),
             "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
                 "containers": [{"name": "istio-proxy", "image": "auto"}]}}}}]


def server(r, n):
    protocol = one(r, ["HTTP", "HTTP", "HTTP", "HTTPS", "HTTPS", "TLS", "TCP", "GRPC", "HTTP2"])
    number = one(r, {"HTTP": [80, 80, 8080, 31400], "HTTPS": [443, 443, 8443], "TLS": [443, 15443], "TCP": [31400, 9000]}.get(protocol, [80, 7070]))
    out = {"port": {"number": number, "name": "%s-%d" % (protocol.lower(), n), "protocol": protocol}, "hosts": some(r, GATEWAY_HOSTS, r.choice([1, 1, 2]))}
    if protocol in ("HTTPS", "TLS"):
        mode = one(r, ["SIMPLE", "SIMPLE", "MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL"])
        tls = out["tls"] = {"mode": mode}
        if mode in ("SIMPLE", "MUTUAL"):
            tls["credentialName"] = "cred-%d" % n
            maybe(r, 0.2, tls, "minProtocolVersion", lambda: "TLSV1_3")
            maybe(r, 0.1, tls, "cipherSuites", lambda: ["ECDHE-RSA-AES128-GCM-SHA256"])
            maybe(r, 0.2, tls, "subjectAltNames", lambda: ["x"])
    elif protocol != "TCP":
        maybe(r, 0.2, out, "tls", lambda: {"httpsRedirect": True})
    maybe(r, 0.15, out, "name", lambda: "s%d" % n)
    maybe(r, 0.06, out, "bind", lambda: "127.0.0.9")
    return out


def gateway(r, name, namespace):
    servers, ports = [], set()
    for n in range(r.choice([1, 1, 2, 3])):
        servers.append(server(r, n))
    spec = {"selector": {"istio": "ingressgateway"}, "servers": servers}
    return istio("Gateway", "networking", r, name, namespace, spec)


def gateway_pair(r, name, hosts):
    namespace = one(r, ["default", "istio-system", "shop"])
    hosts.gateways = getattr(hosts, "gateways", []) + ["%s/%s" % (namespace, name)]
    out = [gateway(r, name, namespace)]
    for n in range(r.choice([0, 1, 1, 2])):
        names = some(r, EXTERNAL + ["*", "*.example.com"], r.choice([1, 1, 2]))
        gateways = some(r, hosts.gateways, r.choice([1, 1, 2])) + (["mesh"] if chance(r, 0.2) else [])
        out += traffic.virtual_service(r, "%s-v%d" % (name, n), hosts, gateways, names)
    return out


def ingress(r, name, hosts):
    namespace = one(r, NAMESPACES)
    mine = [s for s in hosts.services if s["metadata"]["namespace"] == namespace] or hosts.services

    def backend():
        s = one(r, mine)
        port = one(r, s["spec"]["ports"])
        named = {"name": port["name"]} if port.get("name") and chance(r, 0.4) else {"number": port["port"]}
        return {"service": {"name": s["metadata"]["name"], "port": named}}

    spec = {"rules": []}
    for _ in range(r.choice([1, 2])):
        rule = {"http": {"paths": [{"path": one(r, ["/", "/a", "/a/b", "/a/"]), "pathType": one(r, ["Prefix", "Exact", "ImplementationSpecific"]), "backend": backend()}
                                   for _ in range(r.choice([1, 2]))]}}
        maybe(r, 0.7, rule, "host", lambda: one(r, EXTERNAL + ["*.example.com"]))
        spec["rules"].append(rule)
    maybe(r, 0.3, spec, "defaultBackend", backend)
    maybe(r, 0.3, spec, "tls", lambda: [{"hosts": ["api.example.com"], "secretName": "cred"}])
    out = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(name, namespace), "spec": spec}
    if chance(r, 0.7):
        out["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "istio"}
        return [out]
    spec["ingressClassName"] = "istio"
    return [{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "istio"},
             "spec": {"controller": "istio.io/ingress-controller"}}, out]


def api_listener(r, n):
    protocol = one(r, ["HTTP", "HTTP", "HTTPS", "TLS", "TCP"])
    out = {"name": "l%d" % n, "port": {"HTTP": one(r, [80, 8080]), "HTTPS": 443, "TLS": 8443, "TCP": 9000}[protocol], "protocol": protocol}
    if protocol != "TCP":
        maybe(r, 0.5, out, "hostname", lambda: one(r, EXTERNAL[:2] + ["*.example.com"]))
    if protocol in ("HTTPS", "TLS"):
        out["tls"] = {"mode": "Terminate", "certificateRefs": [{"name": "cert"}]} if protocol == "HTTPS" or chance(r, 0.4) else {"mode": "Passthrough"}
    maybe(r, 0.5, out, "allowedRoutes", lambda: {"namespaces": {"from": one(r, ["All", "Same"])}})
    return out


def api_backend(r, hosts, namespace):
    s = one(r, hosts.services)
    ref = {"name": s["metadata"]["name"], "port": one(r, s["spec"]["ports"])["port"]}
    if s["metadata"]["namespace"] != namespace:
        ref["namespace"] = s["metadata"]["namespace"]
    maybe(r, 0.3, ref, "weight", lambda: one(r, [0, 1, 10]))
    return ref


def api_filters(r, hosts, namespace):
    changes = {"set": [{"name": "x-set", "value": "1"}], "add": [{"name": "x-add", "value": "2"}], "remove": ["x-gone"]}
    choices = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {k: changes[k] for k in some(r, list(changes), 2)}},
               {"type": "ResponseHeaderModifier", "responseHeaderModifier": {k: changes[k] for k in some(r, list(changes), 1)}},
               {"type": "URLRewrite", "urlRewrite": one(r, [{"hostname": "new.example.com"}, {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/x"}},
                                                            {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}}])},
               {"type": "RequestMirror", "requestMirror": {"backendRef": {k: v for k, v in api_backend(r, hosts, namespace).items() if k != "weight"}}}]
    return some(r, choices, r.choice([1, 2]))


def api_match(r):
    m = {}
    maybe(r, 0.6, m, "path", lambda: {"type": one(r, ["PathPrefix", "Exact"]), "value": one(r, ["/", "/a", "/a/b", "/b/"])})
    maybe(r, 0.25, m, "headers", lambda: [{"name": "x-user", "value": "x"}])
    maybe(r, 0.2, m, "method", lambda: one(r, ["GET", "POST"]))
    maybe(r, 0.15, m, "queryParams", lambda: [{"name": "q", "value": "1"}])
    return m


def api_route(r, name, hosts, gateway_name, gateway_namespace, listeners):
    namespace = one(r, NAMESPACES)
    kind = one(r, ["HTTPRoute"] * 7 + ["TCPRoute", "TLSRoute", "GRPCRoute"])
    parent = {"name": gateway_name, "namespace": gateway_namespace}
    maybe(r, 0.4, parent, "sectionName", lambda: one(r, listeners)["name"])
    spec = {"parentRefs": [parent], "rules": []}
    if kind == "HTTPRoute" and chance(r, 0.25):
        s = one(r, hosts.services)["metadata"]
        spec["parentRefs"] = [{"group": "", "kind": "Service", "name": s["name"], "namespace": s["namespace"]}]
    elif kind != "TCPRoute":
        maybe(r, 0.6, spec, "hostnames", lambda: some(r, EXTERNAL + ["*.example.com"], r.choice([1, 2])))
    for _ in range(r.choice([1, 1, 2]) if kind in ("HTTPRoute", "GRPCRoute") else 1):
        rule = {"backendRefs": [api_backend(r, hosts, namespace) for _ in range(r.choice([1, 1, 2]))]}
        if kind == "HTTPRoute":
            maybe(r, 0.7, rule, "matches", lambda: [api_match(r) for _ in range(r.choice([1, 2]))])
            maybe(r, 0.3, rule, "filters", lambda: api_filters(r, hosts, namespace))
            maybe(r, 0.15, rule, "timeouts", lambda: {"request": "5s", "backendRequest": "2s"})
            if chance(r, 0.1):
                rule = {"filters": [{"type": "RequestRedirect", "requestRedirect": one(r, [{"scheme": "https", "statusCode": 301}, {"hostname": "to.example.com", "port": 8080},
                                                                                           {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}}])}]}
        if kind == "GRPCRoute":
            maybe(r, 0.6, rule, "matches", lambda: [{"method": {"service": "pkg.S", "method": one(r, ["Get", "Put"])}}])
        spec["rules"].append(rule)
    version = {"HTTPRoute": "v1", "GRPCRoute": "v1"}.get(kind, "v1alpha2" if kind == "TCPRoute" else "v1")
    return {"apiVersion": "gateway.networking.k8s.io/" + version, "kind": kind, "metadata": meta(name, namespace), "spec": spec}


def http_route_pair(r, name, hosts):
    namespace = one(r, NAMESPACES)
    known = getattr(hosts, "api_gateway", None)
    out = []
    if known is None:
        listeners = [api_listener(r, n) for n in range(r.choice([1, 1, 2]))]
        hosts.api_gateway = known = ("web", namespace, listeners)
        out.append({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": meta("web", namespace),
                    "spec": {"gatewayClassName": "istio", "listeners": listeners}})
        if chance(r, 0.3):
            to, route = one(r, NAMESPACES), one(r, NAMESPACES)
            out.append({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": meta("grant", to),
                        "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": route}], "to": [{"group": "", "kind": "Service"}]}})
    for n in range(r.choice([1, 1, 2])):
        out.append(api_route(r, "%s-h%d" % (name, n), hosts, *known))
    return out
