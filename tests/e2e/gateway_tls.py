"""Callers of gateways, for mtls-matrix: every mode of a server, every fault of a caller's
certificate, versions of both sides, every kind of SNI, and plain HTTP.

What is expected is said here once more, on its own, from the modes and faults: a test holds it
against what is computed, and both against what became of the connection.
"""
import json

SNI = {"match": "shop.example.com", "wildcard": "x.wild.example.com", "none": None, "wrong": "other.test",
       "auto": "outbound_.80_._.shop.default.svc.cluster.local"}
FAULTS = ["right", "expired", "not-yet-valid", "wrong-ca", "self-signed", "wrong-san", "none"]
VERSIONS = {"any": (2, 3), "1.2": (2, 2), "1.3": (3, 3)}
TLS_WORDS = {"any": {}, "1.2": {"maxProtocolVersion": "TLSV1_2"}, "1.3": {"minProtocolVersion": "TLSV1_3"}}
CALLER_WORDS = {"any": "", "1.2": ", maxTls: '1.2'", "1.3": ", minTls: '1.3'"}
BECAUSE = {"expired": "certificate-expired", "not-yet-valid": "certificate-not-yet-valid", "wrong-ca": "certificate-wrong-authority",
           "self-signed": "certificate-self-signed", "wrong-san": "certificate-wrong-name"}
NAMES = {"MUTUAL": "client", "OPTIONAL_MUTUAL": "client", "ISTIO_MUTUAL": "spiffe://cluster.local/ns/default/sa/client"}
ENDED = ["connection_reset", "connection_closed"]


class Port:
    """One port of the gateway, with one server."""

    def __init__(self, number, mode, version="any", is_star=False, has_names=True):
        self.number, self.mode, self.version, self.is_star = number, mode, version, is_star
        self.has_names = has_names and mode in NAMES

    def server(self):
        hosts = ["*"] if self.is_star else ["*.local"] if self.mode == "AUTO_PASSTHROUGH" else [SNI["match"], "*.wild.example.com"]
        protocol = {"httpsRedirect": "HTTP", "plain": "HTTP", "PASSTHROUGH": "TLS", "AUTO_PASSTHROUGH": "TLS"}.get(self.mode, "HTTPS")
        server = {"port": {"number": self.number, "name": f"p-{self.number}", "protocol": protocol}, "hosts": hosts}
        if self.mode == "httpsRedirect":
            server["tls"] = {"httpsRedirect": True}
        elif self.mode != "plain":
            server["tls"] = {"mode": self.mode, **TLS_WORDS[self.version]}
            if self.mode in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
                server["tls"]["credentialName"] = f"cert-{self.number}"
            if self.has_names:
                server["tls"]["subjectAltNames"] = [NAMES[self.mode]]
        return server

    def takes(self, caller):
        """Is there a filter chain for it?"""
        if self.mode == "AUTO_PASSTHROUGH":
            return caller.sni == "auto" and caller.mode == "ISTIO_MUTUAL"
        return self.is_star or caller.sni in ("match", "wildcard")


def ports():
    out, modes = [], ["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"]
    for mode in modes:
        for version in VERSIONS:
            out.append(Port(8400 + len(out), mode, version))
    for mode in modes:
        out.append(Port(8400 + len(out), mode, is_star=True, has_names=False))
    for mode in ("ISTIO_MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH", "httpsRedirect", "plain"):
        out.append(Port(8400 + len(out), mode))
    return out


PORTS = ports()


class Caller:
    """Who calls: with TLS of a mode, a certificate, versions and a name; or (mode None) in the clear."""

    def __init__(self, mode, fault="none", version="any", sni="match"):
        self.mode, self.fault, self.version, self.sni = mode, fault, version, sni
        self.name = "plain" if mode is None else f"{mode}-{fault}-{version}-{sni}".lower().replace("_", "-").replace(".", "")

    def yaml(self):
        words = "via: gateway, gateway: istio-system/public"
        if self.mode is None:
            return f"    {self.name}: {{{words}}}"
        tls = [f"mode: {self.mode}"]
        if SNI[self.sni]:
            tls.append(f"sni: {SNI[self.sni]}")
        if self.mode != "SIMPLE":
            tls.append(f"cert: {self.fault}")
        return f"    {self.name}: {{{words}, tls: {{{', '.join(tls)}}}{CALLER_WORDS[self.version]}}}"


def agreed(one, other):
    """2 or 3; None: nothing in common."""
    newest = min(one[1], other[1])
    return newest if newest >= max(one[0], other[0]) else None


def refused_by(caller, port):
    """How the server finds what the caller shows; None: it will do."""
    # Envoy takes nobody without a certificate where it has a list of names.
    required = port.mode in ("MUTUAL", "ISTIO_MUTUAL", "AUTO_PASSTHROUGH") or port.has_names
    if port.mode in ("SIMPLE", "PASSTHROUGH"):
        return None
    if caller.mode == "SIMPLE" or caller.fault == "none":
        return "certificate-required" if required else None
    if caller.fault == "self-signed":
        return BECAUSE["self-signed"]
    authority = "ISTIO_MUTUAL" if port.mode in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH") else "MUTUAL"
    if caller.fault == "wrong-ca" or caller.mode != authority:
        return BECAUSE["wrong-ca"]
    if caller.fault == "wrong-san":
        return BECAUSE["wrong-san"] if port.has_names else None
    return BECAUSE.get(caller.fault)


def is_refusing(caller, port):
    """Who calls as a sidecar does believes the mesh alone; who calls by name, the public authority."""
    is_mesh = port.mode in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH")
    return not is_mesh if caller.mode == "ISTIO_MUTUAL" else is_mesh and caller.sni != "none"


def fails(because, error, **more):
    return {"error": error, "callerTls": {"verdict": "refused", "because": because}, "upstream": [], **more}


def in_the_clear(port):
    if port.mode in ("httpsRedirect", "plain"):
        status = 301 if port.mode == "httpsRedirect" else 200
        details = "direct_response" if port.mode == "httpsRedirect" else "via_upstream"
        return {"response": {"status": status, "flags": "-", "details": details}}
    return fails("server-requires-tls", ENDED)


def expected(caller, port):
    if caller.mode is None:
        return in_the_clear(port)
    if port.mode in ("httpsRedirect", "plain"):
        return fails("server-speaks-plaintext", "tls_handshake", response={"flags": "DPE", "details": "http1.codec_error"})
    if not port.takes(caller):
        return fails("no-server", ENDED)
    version = agreed(VERSIONS[caller.version], VERSIONS[port.version])
    if version is None:
        return fails("no-common-version", "tls_handshake")
    is_mesh = port.mode in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH")
    if is_refusing(caller, port):
        return fails("certificate-wrong-authority", "tls_handshake")
    because = refused_by(caller, port)
    if because is not None:
        return fails(because, ENDED if version == 3 else "tls_handshake")
    shown = caller.mode != "SIMPLE" and caller.fault != "none" and port.mode not in ("SIMPLE", "PASSTHROUGH")
    out = {"callerTls": {"verdict": "mutual TLS" if shown else "TLS", "version": f"TLSv1.{version}"},
           "response": {"status": 200, "flags": "-"}}
    if port.mode not in ("PASSTHROUGH", "AUTO_PASSTHROUGH"):
        out["response"]["details"] = "via_upstream"
        who = "stranger" if caller.fault == "wrong-san" else "client"
        value = {"contains": f"sa/{who}" if is_mesh else f"DNS={who}"} if shown else {"present": False}
        out["upstream"] = [{"request": {"headers": {"x-forwarded-client-cert": value}}}]
    return out


def counted(caller, port):
    """Which of the counters of whoever ends TLS move; for AUTO_PASSTHROUGH that is a pod's sidecar."""
    if port.mode in ("PASSTHROUGH", "httpsRedirect", "plain"):
        return []
    want = expected(caller, port)["callerTls"]
    because = want.get("because")
    if because is None:
        return ["handshake"] + (["no_certificate"] if want["verdict"] == "TLS" else [])
    if because == "no-server" or (because == "server-requires-tls" and not port.is_star):
        return [] # no filter chain, no TLS
    if because in ("no-common-version", "server-requires-tls") or is_refusing(caller, port):
        return ["connection_error"]
    if because == "certificate-required":
        return ["fail_verify_no_cert"]
    return ["fail_verify_san" if because == BECAUSE["wrong-san"] else "fail_verify_error"]


def counters(callers):
    out = dict.fromkeys(("connection_error", "handshake", "no_certificate", "fail_verify_no_cert", "fail_verify_error", "fail_verify_san"), 0)
    for caller in callers:
        for port in PORTS:
            for name in counted(caller, port):
                out[name] += 1
    return {f"ssl.{name}": count for name, count in out.items()}


def manifests():
    shop = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"},
            "spec": {"selector": {"app": "shop"}, "ports": [{"name": "http", "port": 80}]}}
    plain = json.loads(json.dumps(shop).replace("shop", "plain"))
    secure = json.loads(json.dumps(shop).replace("shop", "secure").replace("80", "443").replace('"http"', '"tls"'))
    strict = {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": {"name": "strict"},
              "spec": {"mtls": {"mode": "STRICT"}}}
    gateway = {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "public", "namespace": "istio-system"},
               "spec": {"selector": {"istio": "ingressgateway"}, "servers": [port.server() for port in PORTS]}}
    hosts = [SNI["match"], "*.wild.example.com"]
    to = "default.svc.cluster.local"
    routes = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "routes"},
              "spec": {"hosts": hosts + ["other.test"], "gateways": ["istio-system/public"],
                       "http": [{"route": [{"destination": {"host": f"plain.{to}"}}]}],
                       "tls": [{"match": [{"sniHosts": hosts}], "route": [{"destination": {"host": f"secure.{to}"}}]}]}}
    return "\n---\n".join(json.dumps(item) for item in (shop, plain, secure, strict, gateway, routes)) + "\n"


def test(callers, name, config):
    """A RouteTest: all of these callers at all ports, on one gateway each."""
    lines = ["apiVersion: pocketmesh/v1", "kind: RouteTest", f"metadata: {{name: {name}}}", "spec:", f"  config: [{config}]",
             "  profile: istio-latest", f"  defaults: {{from: {callers[0].name}}}", "  workloads:",
             "    shop: {service: shop, labels: {app: shop}}", "    plain: {service: plain, labels: {app: plain}, sidecar: false}",
             "    secure: {service: secure, labels: {app: secure}, sidecar: false, tls: {names: ['*.example.com']}}", "  clients:"]
    lines += [caller.yaml() for caller in callers] + ["tests:", f"  - name: {name}", "    cases:"]
    for caller in callers:
        for port in PORTS:
            authority = SNI["match"] if caller.sni in ("none", "auto") else SNI[caller.sni]
            case = {"from": caller.name, "request": {"uri": f"/{port.mode}-{port.version}{'-star' if port.is_star else ''}",
                                                     "port": port.number, "authority": authority},
                    "expect": expected(caller, port)}
            lines.append(f"      - {json.dumps(case)}")
    lines.append(f"    expect: {json.dumps({'stats': {'listener': counters(callers)}})}")
    return "\n".join(lines) + "\n"


def groups():
    """Callers that share a file, by its name."""
    out = {"plain": [Caller(None)]}
    for mode in ("SIMPLE", "MUTUAL", "ISTIO_MUTUAL"):
        for fault in FAULTS if mode != "SIMPLE" else ["none"]:
            out[f"{mode}-{fault}".lower().replace("_", "-")] = [
                Caller(mode, fault, version, sni) for version in VERSIONS for sni in SNI]
    return out


def sample():
    """Of them: so many that a process for each gateway is bearable."""
    out = {"plain": [Caller(None)]}
    for version, sni in (("any", "match"), ("1.2", "wildcard"), ("1.3", "none"), ("any", "wrong")):
        out[f"simple-{version}-{sni}"] = [Caller("SIMPLE", "none", version, sni)]
    for mode, sni in (("MUTUAL", "match"), ("ISTIO_MUTUAL", "match"), ("ISTIO_MUTUAL", "auto")):
        for fault in FAULTS:
            out[f"{mode}-{fault}-{sni}".lower().replace("_", "-")] = [Caller(mode, fault, version, sni) for version in ("any", "1.2")]
    return out
