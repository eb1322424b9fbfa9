# SPDX-License-Identifier: Apache-2.0
"""What a cluster and its MeshConfig say beside rules: nodes, sick pods, kinds of Services and of ServiceEntries, fields of MeshConfig."""
import traffic
from words import EXTERNAL, NAMESPACES, chance, istio, maybe, meta, one, some


def nodes(r, documents):
    labels = {"topology.kubernetes.io/region": one(r, ["eu", "us"]), "topology.kubernetes.io/zone": "a"}
    maybe(r, 0.4, labels, "topology.istio.io/subzone", lambda: "1")
    documents.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0", "labels": labels}})
    documents.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"topology.kubernetes.io/region": "us", "topology.kubernetes.io/zone": "b"}}})
    for d in documents:
        if d["kind"] == "Deployment" and chance(r, 0.4):
            d["spec"]["template"]["spec"]["nodeName"] = "node-1"


def service_kinds(r, documents):
    for d in documents:
        if d["kind"] != "Service" or "selector" not in d["spec"]:
            continue
        spec = d["spec"]
        maybe(r, 0.15, spec, "sessionAffinity", lambda: "ClientIP")
        # Not PreferSameNode: the proxies that the oracle is asked for do not say where they run.
        maybe(r, 0.2, spec, "trafficDistribution", lambda: one(r, ["PreferClose", "PreferSameZone", "PreferClose"]))
        if spec.get("clusterIP") != "None":
            maybe(r, 0.15, spec, "externalIPs", lambda: ["7.7.7.7"])
            maybe(r, 0.15, spec, "type", lambda: one(r, ["NodePort", "LoadBalancer"]))
        if chance(r, 0.1):
            d["metadata"].setdefault("annotations", {})["networking.istio.io/traffic-distribution"] = "PreferClose"
        maybe(r, 0.1, d["metadata"], "creationTimestamp", lambda: "202%d-01-01T00:00:00Z" % r.randrange(6))


def sick_pod(r, documents):
    apps = [d["spec"]["selector"]["app"] for d in documents if d["kind"] == "Service" and "selector" in d["spec"]]
    status = one(r, [{"conditions": [{"type": "Ready", "status": "False"}]}, {"phase": "Failed"}, {"phase": "Pending"}, {"phase": "Succeeded"}])
    documents.append({"apiVersion": "v1", "kind": "Pod", "metadata": meta("sick", one(r, NAMESPACES), labels={"app": one(r, apps or ["a"]), "version": "v1"}),
                      "spec": {"containers": [{"name": "app", "image": "app"}]}, "status": status})


def entry(r, name, hosts):
    """Of each resolution, with what only some of them may have."""
    resolution = one(r, ["NONE", "STATIC", "STATIC", "DNS", "DNS_ROUND_ROBIN"])
    protocols = [("http", "HTTP", 80), ("https", "HTTPS", 443), ("tls", "TLS", 8443), ("grpc", "GRPC", 7070), ("h2", "HTTP2", 8082), ("mongo", "MONGO", 27017), ("tcp", "TCP", 9000), ("mysql", "MYSQL", 3306),
                 ("redis", "REDIS", 6379), ("any", "", 8088)]
    ports = []
    for p, q, n in some(r, protocols, r.choice([1, 2, 3])):
        port = {"number": n, "name": p, "protocol": q} if q else {"number": n, "name": p}
        maybe(r, 0.2, port, "targetPort", lambda: one(r, [9999, n]))
        ports.append(port)
    spec = {"hosts": [one(r, ["ext.example.net", "*.wild.example.net", EXTERNAL[0], "a.default.svc.cluster.local", "deep.ext.example.net"])], "ports": ports, "resolution": resolution}
    if spec["hosts"][0].startswith("*") and resolution == "STATIC":
        spec["resolution"] = "NONE"
    maybe(r, 0.5, spec, "location", lambda: one(r, ["MESH_EXTERNAL", "MESH_INTERNAL"]))
    if any(p["name"] in ("tcp", "mongo", "mysql", "redis") for p in ports) or chance(r, 0.3):
        spec["addresses"] = [one(r, ["240.0.1.1", "240.0.1.2"])]
    if spec["resolution"] == "STATIC" and chance(r, 0.25):
        spec["endpoints"] = [{"address": "unix:///var/run/x.sock"}]
        spec["ports"] = ports[:1]
        spec["ports"][0].pop("targetPort", None)
    elif spec["resolution"] in ("STATIC", "DNS") and (chance(r, 0.8) or spec["hosts"][0].startswith("*")):
        spec["endpoints"] = [endpoint(r, n, spec, ports) for n in range(r.choice([1, 2, 3]))]
    elif spec["hosts"][0].startswith("*"):
        spec["resolution"] = "NONE"
    out = istio("ServiceEntry", "networking", r, name, one(r, NAMESPACES), spec)
    maybe(r, 0.3, out["metadata"], "labels", lambda: {"version": "v1", "app": "ext"})
    out["metadata"]["creationTimestamp"] = "201%d-03-01T00:00:%02dZ" % (r.randrange(6), len(hosts.entries))
    hosts.entries += spec["hosts"]
    return out


def endpoint(r, n, spec, ports):
    out = {"address": "3.3.4.%d" % (n + 1) if spec["resolution"] == "STATIC" or chance(r, 0.3) else "f%d.example.net" % n}
    maybe(r, 0.3, out, "ports", lambda: {one(r, ports)["name"]: 5555})
    maybe(r, 0.3, out, "labels", lambda: {"version": one(r, traffic.SUBSETS), "security.istio.io/tlsMode": "istio"})
    maybe(r, 0.3, out, "locality", lambda: one(r, ["eu/a", "us/b/1", "eu"]))
    maybe(r, 0.2, out, "weight", lambda: one(r, [0, 1, 5]))
    maybe(r, 0.2, out, "serviceAccount", lambda: "ext")
    maybe(r, 0.1, out, "network", lambda: "net-2")
    return out


def settings(r):
    lines = {}
    maybe(r, 0.2, lines, "tlsDefaults", lambda: one(r, [{"minProtocolVersion": "TLSV1_3"}, {"ecdhCurves": ["P-256"]}, {"cipherSuites": ["ECDHE-RSA-AES256-GCM-SHA384"]}]))
    maybe(r, 0.2, lines, "meshMTLS", lambda: {"cipherSuites": ["ECDHE-ECDSA-AES256-GCM-SHA384"]})
    maybe(r, 0.2, lines, "ingressService", lambda: one(r, ["istio-ingressgateway", "web"]))
    maybe(r, 0.2, lines, "ingressSelector", lambda: one(r, ["ingressgateway", "egressgateway"]))
    maybe(r, 0.2, lines, "ingressControllerMode", lambda: one(r, ["OFF", "DEFAULT", "STRICT"]))
    maybe(r, 0.2, lines, "ingressClass", lambda: one(r, ["istio", "nginx"]))
    maybe(r, 0.2, lines, "verifyCertificateAtClient", lambda: chance(r, 0.5))
    maybe(r, 0.2, lines, "serviceSettings", lambda: [{"settings": {"clusterLocal": True}, "hosts": ["*.default.svc.cluster.local"]}])
    maybe(r, 0.25, lines, "accessLogFile", lambda: one(r, ["/dev/stdout", "/tmp/log", ""]))
    maybe(r, 0.2, lines, "accessLogEncoding", lambda: one(r, ["JSON", "TEXT"]))
    maybe(r, 0.2, lines, "accessLogFormat", lambda: one(r, ["%PROTOCOL% %RESPONSE_CODE%\n", '{"path": "%REQ(:PATH)%"}']))
    maybe(r, 0.2, lines, "defaultHttpRetryPolicy", lambda: one(r, [{"attempts": 5, "retryOn": "5xx,503"}, {"attempts": 1, "perTryTimeout": "1s"}, {}]))
    maybe(r, 0.2, lines, "defaultConfig", lambda: one(r, [{"gatewayTopology": {"numTrustedProxies": 2}}, {"concurrency": 4}, {"proxyHeaders": {"server": {"value": "me"}}},
                                                         {"proxyHeaders": {"attemptCount": {"disabled": True}}}]))
    maybe(r, 0.2, lines, "enablePrometheusMerge", lambda: False)
    maybe(r, 0.2, lines, "enableTracing", lambda: True)
    maybe(r, 0.15, lines, "proxyListenPort", lambda: 15011)
    maybe(r, 0.15, lines, "proxyInboundListenPort", lambda: 15016)
    maybe(r, 0.15, lines, "disableEnvoyListenerLog", lambda: True)
    maybe(r, 0.15, lines, "connectTimeout", lambda: one(r, ["7s", "0.5s"]))
    maybe(r, 0.2, lines, "localityLbSetting", lambda: {"failoverPriority": ["topology.kubernetes.io/region", "version"]})
    maybe(r, 0.15, lines, "trustDomain", lambda: "td.example")
    maybe(r, 0.15, lines, "outboundTrafficPolicy", lambda: {"mode": one(r, ["REGISTRY_ONLY", "ALLOW_ANY"])})
    maybe(r, 0.15, lines, "inboundTrafficPolicy", lambda: {"mode": one(r, ["PASSTHROUGH", "LOCALHOST"])})
    maybe(r, 0.15, lines, "pathNormalization", lambda: {"normalization": one(r, ["NONE", "DECODE_AND_MERGE_SLASHES"])})
    return lines
