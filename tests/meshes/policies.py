# SPDX-License-Identifier: Apache-2.0
"""Sidecars, and what is said about security."""
from words import NAMESPACES, chance, istio, maybe, one, some


def selector(r, field):
    return {field: {"app": one(r, ["client", "a", "b"])}}


def sidecar(r, name, hosts):
    namespace = one(r, ["default", "default", "shop", "istio-system"])
    spec = {}
    if namespace != "istio-system":
        maybe(r, 0.4, spec, "workloadSelector", lambda: selector(r, "labels"))
    if chance(r, 0.85) or "workloadSelector" in spec:
        spec["egress"] = []
        for n in range(r.choice([1, 1, 2])):
            listener = {"hosts": some(r, ["./*", "shop/*", "*/*", "default/a.default.svc.cluster.local", "*/*.example.com", "~/*", "istio-system/*", "shop/b.shop.svc.cluster.local"], r.choice([1, 1, 2]))}
            if n == 0 and chance(r, 0.3):
                listener["port"] = {"number": one(r, [80, 9000, 8443]), "protocol": one(r, ["HTTP", "TCP", "TLS"]), "name": "p"}
                maybe(r, 0.4, listener, "bind", lambda: one(r, ["127.0.0.1", "0.0.0.0"]))
            spec["egress"].append(listener)
        if len(spec["egress"]) == 2 and "port" not in spec["egress"][0]:
            del spec["egress"][1]
    if chance(r, 0.25) and "workloadSelector" in spec:
        spec["ingress"] = [{"port": {"number": one(r, [80, 8080, 9080]), "protocol": one(r, ["HTTP", "TCP", "GRPC"]), "name": "in"},
                            "defaultEndpoint": one(r, ["127.0.0.1:8080", "0.0.0.0:9999", "127.0.0.1:80"])}]
    maybe(r, 0.3 if "egress" in spec else 1, spec, "outboundTrafficPolicy", lambda: {"mode": one(r, ["REGISTRY_ONLY", "ALLOW_ANY"])})
    maybe(r, 0.1, spec, "inboundConnectionPool", lambda: {"http": {"http1MaxPendingRequests": 7}})
    return [istio("Sidecar", "networking", r, name, namespace, spec)]


def peer_authentication(r, name, hosts):
    namespace = one(r, NAMESPACES + ["istio-system"])
    spec = {}
    maybe(r, 0.85, spec, "mtls", lambda: {"mode": one(r, ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"])})
    if namespace != "istio-system" and chance(r, 0.6):
        spec["selector"] = selector(r, "matchLabels")
        maybe(r, 0.5, spec, "portLevelMtls", lambda: {str(hosts.port(r)): {"mode": one(r, ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"])}})
    return [istio("PeerAuthentication", "security", r, name, namespace, spec)]


def authorization(r, name, hosts):
    rule = {}
    maybe(r, 0.6, rule, "from", lambda: [{"source": one(r, [{"principals": ["cluster.local/ns/default/sa/a"]}, {"namespaces": ["shop"]}, {"ipBlocks": ["10.0.0.0/8"]},
                                                              {"requestPrincipals": ["*"]}, {"notNamespaces": ["x"], "principals": ["*"]}])}])
    maybe(r, 0.6, rule, "to", lambda: [{"operation": one(r, [{"paths": ["/a*", "*/b"]}, {"methods": ["GET"]}, {"ports": ["80"]}, {"hosts": ["a*"], "notPaths": ["/x"]}])}])
    maybe(r, 0.3, rule, "when", lambda: [one(r, [{"key": "request.headers[x-user]", "values": ["x"]}, {"key": "source.namespace", "notValues": ["x"]},
                                                 {"key": "destination.port", "values": ["80"]}, {"key": "connection.sni", "values": ["*.example.com"]}])])
    spec = {"action": one(r, ["ALLOW", "ALLOW", "DENY", "AUDIT"])}
    maybe(r, 0.9, spec, "rules", lambda: [rule])
    if spec["action"] == "DENY" and not rule:
        spec["rules"] = [{}]
    maybe(r, 0.4, spec, "selector", lambda: selector(r, "matchLabels"))
    return [istio("AuthorizationPolicy", "security", r, name, one(r, NAMESPACES + ["istio-system"]), spec)]


def request_authentication(r, name, hosts):
    rule = {"issuer": one(r, ["i1", "i2"]), "jwks": '{"keys":[]}'}
    maybe(r, 0.3, rule, "audiences", lambda: ["x"])
    maybe(r, 0.3, rule, "fromHeaders", lambda: [{"name": "x-jwt", "prefix": "Bearer "}])
    maybe(r, 0.2, rule, "fromParams", lambda: ["token"])
    maybe(r, 0.3, rule, "forwardOriginalToken", lambda: True)
    maybe(r, 0.2, rule, "outputPayloadToHeader", lambda: "x-payload")
    spec = {"jwtRules": [rule]}
    maybe(r, 0.4, spec, "selector", lambda: selector(r, "matchLabels"))
    return [istio("RequestAuthentication", "security", r, name, one(r, NAMESPACES + ["istio-system"]), spec)]
