# SPDX-License-Identifier: Apache-2.0
"""Who may what, with all its fields: PeerAuthentications, AuthorizationPolicies of every action, RequestAuthentications, and what they are attached to."""
import further
from words import NAMESPACES, chance, istio, maybe, one, some

API = "gateway.networking.k8s.io"
MODES = ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"]
PRINCIPALS = ["cluster.local/ns/default/sa/a", "td.example/ns/shop/sa/b", "old.example/ns/default/sa/default", "*/sa/b", "cluster.local/*", "*", "*/ns/shop/sa/b"]
TEXTS = ["x", "x*", "*x", "*"]
ADDRESSES = ["10.0.0.0/8", "1.2.3.4", "2001:db8::/32", "fd00::1"]
SOURCES = {"principals": PRINCIPALS, "requestPrincipals": ["i1/sub", "*", "i1/*", "*/sub"], "namespaces": ["shop", "de*", "*lt", "*"], "ipBlocks": ADDRESSES,
           "remoteIpBlocks": ADDRESSES, "serviceAccounts": ["a", "shop/b"], "trustDomains": ["cluster.local", "td.example", "*.example", "td*"]}
OPERATIONS = {"hosts": ["a.example.com", "*.example.com", "a*", "*", "A.B:80"], "ports": ["80", "8080", "9000"], "methods": ["GET", "P*", "*T", "*"],
              "paths": ["/a", "/a*", "*/b", "*", "/a/{*}/b", "/{**}", "/x/{*}", "/a/{*}/{**}"]}
CONDITIONS = {"request.headers[x-user]": TEXTS, "request.headers[:path]": TEXTS, "source.ip": ADDRESSES, "remote.ip": ADDRESSES, "source.namespace": ["shop", "de*"], "source.principal": PRINCIPALS,
              "source.serviceAccount": ["a", "shop/b"], "source.trustDomain": ["cluster.local", "td*"], "request.auth.principal": ["i1/sub", "*"], "request.auth.audiences": TEXTS,
              "request.auth.presenter": TEXTS, "request.auth.claims[groups]": TEXTS, "request.auth.claims[a][b]": TEXTS, "destination.ip": ADDRESSES, "destination.port": ["80", "8080"],
              "connection.sni": ["a.example.com", "*.example.com"], "experimental.envoy.filters.network.mysql_proxy[db.table]": ["[x*]", "y"],
              "experimental.envoy.filters.http.x[y]": ["[z]"]}
OF_PEERS = {"principals", "requestPrincipals", "namespaces", "serviceAccounts", "trustDomains"}
OF_PEERS_WHEN = {"source.namespace", "source.principal", "source.serviceAccount", "source.trustDomain"}


def both_ways(r, fields):
    """Some of the fields, each as it is or as its `not`."""
    out = {}
    for field in some(r, sorted(fields), r.choice([1, 1, 2, 3])):
        name = field if chance(r, 0.65) else "not" + field[0].upper() + field[1:]
        out[name] = some(r, fields[field], r.choice([1, 1, 2]))
    return out


def source(r, is_custom):
    out = both_ways(r, {k: v for k, v in SOURCES.items() if not is_custom or k not in OF_PEERS})
    if any("erviceAccounts" in k for k in out):
        out = {k: v for k, v in out.items() if "rincipals" not in k and "amespaces" not in k or "equest" in k}
    return out


def condition(r, is_custom):
    keys = [k for k in CONDITIONS if not is_custom or k not in OF_PEERS_WHEN and not k.startswith("request.auth")]
    out = {"key": one(r, keys)}
    which = r.choice(["values", "notValues", "both"])
    for field in ("values", "notValues"):
        if which in (field, "both"):
            out[field] = some(r, CONDITIONS[out["key"]], r.choice([1, 2]))
    return out


def rule(r, is_custom):
    out = {}
    maybe(r, 0.6, out, "from", lambda: [{"source": source(r, is_custom)} for _ in range(r.choice([1, 1, 2]))])
    maybe(r, 0.6, out, "to", lambda: [{"operation": both_ways(r, OPERATIONS)} for _ in range(r.choice([1, 1, 2]))])
    maybe(r, 0.4, out, "when", lambda: [condition(r, is_custom) for _ in range(r.choice([1, 1, 2]))])
    return out


def attach(r, spec, namespace, documents):
    """To all workloads of the namespace, to some, or to Gateways and Services by name."""
    gateways = [d for d in documents if d["kind"] == "Gateway" and d["apiVersion"].startswith(API) and d["metadata"]["namespace"] == namespace]
    what = r.random()
    if what < 0.4:
        spec["selector"] = {"matchLabels": one(r, [{"app": "client"}, {"app": "a"}, {"app": "b"}, {"version": "v1"}, {"istio": "ingressgateway"}, {"gateway.networking.k8s.io/gateway-name": "web"}])}
    elif what < 0.6:
        targets = [{"group": API, "kind": "Gateway", "name": g["metadata"]["name"]} for g in gateways] + [{"group": "", "kind": "Service", "name": "a"},
                   {"group": API, "kind": "Gateway", "name": "nobody"}]
        if namespace == "istio-system":
            targets.append({"group": API, "kind": "GatewayClass", "name": "istio"})
        if chance(r, 0.25):
            spec["targetRef"] = one(r, targets)
        else:
            spec["targetRefs"] = some(r, targets, r.choice([1, 1, 2]))


def authorization(r, name, documents):
    namespace = one(r, NAMESPACES + ["istio-system"])
    action = one(r, ["ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM", ""])
    spec = {"rules": [rule(r, action == "CUSTOM") for _ in range(r.choice([1, 1, 2, 3]))]}
    if action:
        spec["action"] = action
    if action == "CUSTOM":
        spec["provider"] = {"name": one(r, ["ext-http", "ext-http", "ext-grpc", "ext-nobody"])}
    elif action != "DENY" and chance(r, 0.1):
        del spec["rules"]
    attach(r, spec, namespace, documents)
    return istio("AuthorizationPolicy", "security", r, name, namespace, spec)


def provider(r, name, field):
    out = {"service": one(r, ["a.default.svc.cluster.local", "default/a.default.svc.cluster.local", "api.example.com", "nowhere.example.net"]), "port": one(r, [80, 8080, 9000])}
    maybe(r, 0.4, out, "timeout", lambda: "2s")
    maybe(r, 0.3, out, "failOpen", lambda: chance(r, 0.5))
    maybe(r, 0.3, out, "statusOnError", lambda: one(r, ["503", "401"]))
    maybe(r, 0.2, out, "clearRouteCache", lambda: True)
    maybe(r, 0.3, out, "includeRequestBodyInCheck", lambda: one(r, [{"maxRequestBytes": 1024}, {"maxRequestBytes": 9, "allowPartialMessage": True, "packAsBytes": True}]))
    if field == "envoyExtAuthzHttp":
        maybe(r, 0.4, out, "pathPrefix", lambda: "/check")
        maybe(r, 0.4, out, "includeRequestHeadersInCheck", lambda: one(r, [["x-user"], ["x-*", "*-id"], ["*"]]))
        maybe(r, 0.3, out, "includeAdditionalHeadersInCheck", lambda: {"x-more": "1", "x-also": "2"})
        maybe(r, 0.3, out, "headersToUpstreamOnAllow", lambda: ["authorization", "x-*"])
        maybe(r, 0.3, out, "headersToDownstreamOnDeny", lambda: ["set-cookie"])
        maybe(r, 0.3, out, "headersToDownstreamOnAllow", lambda: ["x-allowed"])
    return {"name": name, field: out}


def providers(r):
    return [provider(r, "ext-http", "envoyExtAuthzHttp"), provider(r, "ext-grpc", "envoyExtAuthzGrpc")][:r.choice([1, 2, 2])]


def jwt_rule(r):
    out = {"issuer": one(r, ["i1", "i2", "https://issuer.example.com"]), "jwks": one(r, ['{"keys":[]}', '{"keys":[{"kty":"oct","k":"eA","kid":"1"}]}'])}
    maybe(r, 0.3, out, "audiences", lambda: some(r, ["x", "y"], r.choice([1, 2])))
    maybe(r, 0.3, out, "fromHeaders", lambda: some(r, [{"name": "x-jwt", "prefix": "Bearer "}, {"name": "x-other"}, {"name": "X-Upper", "prefix": "T"}], r.choice([1, 2])))
    maybe(r, 0.2, out, "fromParams", lambda: some(r, ["token", "t"], r.choice([1, 2])))
    maybe(r, 0.2, out, "fromCookies", lambda: some(r, ["session", "s"], r.choice([1, 2])))
    maybe(r, 0.3, out, "forwardOriginalToken", lambda: chance(r, 0.7))
    maybe(r, 0.2, out, "outputPayloadToHeader", lambda: "x-payload")
    maybe(r, 0.3, out, "outputClaimToHeaders", lambda: some(r, [{"header": "x-sub", "claim": "sub"}, {"header": "x-nested", "claim": "a.b"}], r.choice([1, 2])))
    maybe(r, 0.2, out, "timeout", lambda: one(r, ["3s", "0.5s"]))
    maybe(r, 0.25, out, "spaceDelimitedClaims", lambda: one(r, [["roles"], ["scope", "roles"], ["permission"]]))
    return out


def request_authentication(r, name, documents):
    namespace = one(r, NAMESPACES + ["istio-system"])
    spec = {}
    maybe(r, 0.9, spec, "jwtRules", lambda: [jwt_rule(r) for _ in range(r.choice([1, 1, 2, 3]))])
    attach(r, spec, namespace, documents)
    return istio("RequestAuthentication", "security", r, name, namespace, spec)


def peer_authentication(r, name):
    """On every level, several on one: the oldest counts."""
    namespace = one(r, NAMESPACES + ["istio-system"])
    spec = {}
    maybe(r, 0.85, spec, "mtls", lambda: {"mode": one(r, MODES)})
    if chance(r, 0.5):
        spec["selector"] = {"matchLabels": one(r, [{"app": "client"}, {"app": "a"}, {"app": "b"}, {"version": "v1"}, {"istio": "ingressgateway"}])}
        maybe(r, 0.6, spec, "portLevelMtls", lambda: {str(p): {"mode": one(r, MODES)} for p in some(r, [80, 8080, 9000, 9090, 443, 7777], r.choice([1, 2]))})
    return istio("PeerAuthentication", "security", r, name, namespace, spec)


def claim_match(r, documents):
    """A route of a gateway by what a token says."""
    gateways = [d["spec"] for d in documents if d["kind"] == "VirtualService" and "mesh" not in d["spec"].get("gateways", ["mesh"])]
    for match in [m for spec in gateways for route in spec.get("http", []) for m in route.get("match", [])]:
        if chance(r, 0.4):
            key = "@request.auth.claims" + one(r, [".groups", ".a.b", "[a][b]", ".sub"])
            match.setdefault("headers", {})[key] = one(r, [{"exact": "x"}, {"prefix": "x"}, {"regex": "x.*"}, {}])


def add(r, documents):
    makers = [lambda n: authorization(r, n, documents), lambda n: authorization(r, n, documents), lambda n: request_authentication(r, n, documents), lambda n: peer_authentication(r, n)]
    made = [r.choice(makers)("i%d" % n) for n in range(r.choice([1, 2, 3, 4, 6]))]
    documents += made
    if any(d["spec"].get("action") == "CUSTOM" for d in made):
        further.set_mesh(documents, {"extensionProviders": providers(r)})
    if any(d["kind"] == "RequestAuthentication" for d in made):
        claim_match(r, documents)
