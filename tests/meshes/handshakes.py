# SPDX-License-Identifier: Apache-2.0
"""TLS with all its fields: servers of gateways and of Sidecars, DestinationRules on every level, Ingresses, Secrets, and what a MeshConfig says for all."""
import entrances
import further
import traffic
from words import EXTERNAL, NAMESPACES, chance, istio, maybe, meta, one, some

SERVER_MODES = ["SIMPLE", "SIMPLE", "MUTUAL", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL", "PASSTHROUGH", "AUTO_PASSTHROUGH"]
VERSIONS = ["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]
CIPHERS = ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-SHA", "nonsense", "ECDHE-RSA-CHACHA20-POLY1305"]
SECRETS = ["cred", "cred-0", "cred-1", "cert"]


def own_certificates(r, tls):
    """One of the ways in which a server gets its certificate."""
    is_mutual = "MUTUAL" in tls["mode"]
    way = one(r, ["credential", "credential", "names", "files", "pairs", "authority"])
    if way == "credential":
        tls["credentialName"] = one(r, SECRETS + ["nobody"])
    elif way == "names":
        tls["credentialNames"] = some(r, SECRETS, r.choice([1, 2]))
    elif way == "files":
        tls.update(serverCertificate="/c.pem", privateKey="/k.pem")
    elif way == "pairs":
        tls["tlsCertificates"] = [{"serverCertificate": "/c%d.pem" % n, "privateKey": "/k%d.pem" % n} for n in range(r.choice([1, 2]))]
    else:
        tls.update(credentialName=one(r, SECRETS), caCertCredentialName="cred-ca")
    if way in ("files", "pairs"):
        if is_mutual or chance(r, 0.2):
            tls["caCertificates"] = "/ca.pem"
        if is_mutual:
            maybe(r, 0.2, tls, "caCrl", lambda: "/crl.pem")


def server_tls(r, modes):
    tls = {"mode": one(r, modes)}
    if tls["mode"] in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
        own_certificates(r, tls)
    maybe(r, 0.25, tls, "subjectAltNames", lambda: some(r, ["one.example.com", "spiffe://x/y", "*.wild.example.com"], r.choice([1, 2])))
    maybe(r, 0.1, tls, "verifyCertificateSpki", lambda: ["NvqYIYSbgK2vCJpQhObf77vv+bQWtc5ek5RIOwPiC9A="])
    maybe(r, 0.1, tls, "insecureSkipVerify", lambda: chance(r, 0.7))
    maybe(r, 0.1, tls, "verifyCertificateHash", lambda: ["df6ff72fe9116521268f6f2dd4966f51df479883fe7037b39f75916ac3049d1a"])
    maybe(r, 0.25, tls, "minProtocolVersion", lambda: one(r, VERSIONS))
    maybe(r, 0.2, tls, "maxProtocolVersion", lambda: one(r, VERSIONS[3:]))
    maybe(r, 0.25, tls, "cipherSuites", lambda: some(r, CIPHERS, r.choice([1, 2, 3])))
    return tls


def server(r, n):
    protocol = one(r, ["HTTPS", "HTTPS", "TLS", "HTTP"])
    number = one(r, {"HTTPS": [443, 443, 8443], "TLS": [443, 15443], "HTTP": [80]}[protocol])
    out = {"port": {"number": number, "name": "h%d" % n, "protocol": protocol}, "hosts": some(r, EXTERNAL + ["*", "*.example.com", "shop/*"], r.choice([1, 1, 2]))}
    if protocol != "HTTP":
        out["tls"] = server_tls(r, SERVER_MODES if protocol == "TLS" else SERVER_MODES[:6] + ["PASSTHROUGH"])
    else:
        maybe(r, 0.5, out, "tls", lambda: {"httpsRedirect": chance(r, 0.7)})
    return out


def gateway_pair(r, name, hosts):
    namespace = one(r, NAMESPACES + ["istio-system"])
    selector = one(r, [{"istio": "ingressgateway"}, {"istio": "ingressgateway"}, {}])
    spec = dict({"servers": [server(r, n) for n in range(r.choice([1, 2, 3]))]}, **({"selector": selector} if selector else {}))
    out = [istio("Gateway", "networking", r, name, namespace, spec)]
    if chance(r, 0.7):
        out += traffic.virtual_service(r, name + "-v", hosts, ["%s/%s" % (namespace, name)], [one(r, EXTERNAL + ["*.example.com"])])
    return out


def client_tls(r, namespace):
    tls = {"mode": one(r, ["DISABLE", "ISTIO_MUTUAL", "SIMPLE", "SIMPLE", "MUTUAL", "MUTUAL"])}
    if tls["mode"] in ("SIMPLE", "MUTUAL"):
        way = one(r, ["credential", "files", "configmap"])
        if way == "files":
            if tls["mode"] == "MUTUAL":
                tls.update(clientCertificate="/c.pem", privateKey="/k.pem")
            maybe(r, 0.6, tls, "caCertificates", lambda: one(r, ["/ca.pem", "system"]))
            if "caCertificates" in tls:
                maybe(r, 0.25, tls, "caCrl", lambda: "/crl.pem")
        else:
            tls["credentialName"] = one(r, SECRETS + ["nobody"]) if way == "credential" else "configmap://%s/roots" % namespace
        if "caCertificates" not in tls and "credentialName" not in tls:
            maybe(r, 0.3, tls, "insecureSkipVerify", lambda: True)
    if tls["mode"] != "DISABLE":
        maybe(r, 0.35, tls, "sni", lambda: one(r, ["sni.example.com", "*.example.com"]))
        if "insecureSkipVerify" not in tls:
            maybe(r, 0.3, tls, "subjectAltNames", lambda: some(r, ["one", "spiffe://cluster.local/ns/default/sa/a", "*.two"], r.choice([1, 2])))
    return tls


def client_policy(r, hosts, namespace):
    out = {}
    maybe(r, 0.7, out, "tls", lambda: client_tls(r, namespace))
    maybe(r, 0.5, out, "portLevelSettings", lambda: [{"port": {"number": n}, "tls": client_tls(r, namespace)} for n in sorted({hosts.port(r) for _ in range(r.choice([1, 2]))})])
    return out or {"tls": client_tls(r, namespace)}


def destination_rule(r, name, hosts):
    namespace = one(r, NAMESPACES + ["istio-system"])
    spec = {"host": hosts.destination_host(r, namespace)}
    maybe(r, 0.7, spec, "trafficPolicy", lambda: client_policy(r, hosts, namespace))
    if chance(r, 0.6):
        spec["subsets"] = [dict({"name": s, "labels": {"version": s}}, **({"trafficPolicy": client_policy(r, hosts, namespace)} if chance(r, 0.6) else {})) for s in some(r, traffic.SUBSETS, r.choice([1, 2]))]
    maybe(r, 0.4, spec, "workloadSelector", lambda: {"matchLabels": one(r, [{"app": "client"}, {"app": "a"}, {"istio": "ingressgateway"}])})
    return istio("DestinationRule", "networking", r, name, namespace, spec)


def sidecar(r, name):
    """istiod looks at this TLS only with a flag, which is off."""
    tls = {"mode": one(r, ["SIMPLE", "MUTUAL"]), "serverCertificate": "/c.pem", "privateKey": "/k.pem"}
    if tls["mode"] == "MUTUAL":
        tls["caCertificates"] = "/ca.pem"
    port = {"number": one(r, [8080, 8443, 9443]), "protocol": one(r, ["HTTPS", "TLS"]), "name": "secure"}
    spec = {"workloadSelector": {"labels": {"app": one(r, ["client", "a", "b"])}}, "ingress": [{"port": port, "defaultEndpoint": "127.0.0.1:8080", "tls": tls}]}
    return istio("Sidecar", "networking", r, name, one(r, NAMESPACES), spec)


def ingress(r, name, hosts):
    """Hosts of one secret, of several, of none; a secret without hosts."""
    s = one(r, hosts.services)
    backend = {"service": {"name": s["metadata"]["name"], "port": {"number": one(r, s["spec"]["ports"])["port"]}}}
    rules = [{"host": h, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}} for h in some(r, EXTERNAL + ["*.example.com"], r.choice([1, 2]))]
    tls = [dict({"secretName": one(r, SECRETS)} if chance(r, 0.85) else {}, **({"hosts": some(r, EXTERNAL + ["*.example.com"], r.choice([1, 2]))} if chance(r, 0.8) else {}))
           for _ in range(r.choice([1, 1, 2, 3]))]
    out = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(name, s["metadata"]["namespace"]), "spec": {"rules": rules, "tls": tls}}
    out["metadata"].update(annotations={"kubernetes.io/ingress.class": "istio"}, creationTimestamp="202%d-01-01T00:00:00Z" % r.randrange(6))
    return out


def secrets(r):
    """Their bytes are nobody's certificate: a translation names them and does not look."""
    keys = [{"tls.crt": "eA==", "tls.key": "eA=="}, {"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="}, {"cert": "eA==", "key": "eA==", "cacert": "eA=="}, {"cacert": "eA=="}]
    return [{"apiVersion": "v1", "kind": "Secret", "metadata": meta(name, one(r, NAMESPACES + ["istio-system"])), "type": "Opaque", "data": one(r, keys)}
            for name in some(r, SECRETS + ["cred-cacert", "cred-ca"], r.choice([1, 2, 3]))]


def mesh_tls(r):
    lines = {}
    maybe(r, 0.5, lines, "meshMTLS", lambda: one(r, [{"minProtocolVersion": "TLSV1_3"}, {"minProtocolVersion": "TLSV1_2", "cipherSuites": CIPHERS[:2]}, {}]))
    maybe(r, 0.5, lines, "tlsDefaults", lambda: one(r, [{"minProtocolVersion": "TLSV1_3"}, {"cipherSuites": CIPHERS[:3]}, {"ecdhCurves": ["P-256", "P-384"], "minProtocolVersion": "TLSV1_2"}]))
    maybe(r, 0.4, lines, "trustDomain", lambda: one(r, ["td.example", "cluster.local"]))
    maybe(r, 0.4, lines, "trustDomainAliases", lambda: some(r, ["old.example", "older.example", "cluster.local"], r.choice([1, 2])))
    maybe(r, 0.2, lines, "enableAutoMtls", lambda: False)
    return lines


def add(r, documents, proxies, hosts):
    makers = [lambda n: gateway_pair(r, n, hosts), lambda n: [destination_rule(r, n, hosts)], lambda n: [destination_rule(r, n, hosts)], lambda n: [sidecar(r, n)], lambda n: [ingress(r, n, hosts)]]
    made = []
    for n in range(r.choice([1, 2, 3, 4])):
        made += r.choice(makers)("t%d" % n)
    if chance(r, 0.5):
        made += secrets(r)
    documents += made
    if any(d["kind"] in ("Gateway", "Ingress") for d in made) and not any(p["name"] == "istio-ingressgateway-0" for p in proxies):
        documents += entrances.workload(r)
        proxies.append({"name": "istio-ingressgateway-0", "namespace": "istio-system", "type": "router"})
    if chance(r, 0.4):
        further.set_mesh(documents, mesh_tls(r))

