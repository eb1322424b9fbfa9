# SPDX-License-Identifier: Apache-2.0
"""IPv6: Services, pods, entries and endpoints of both families, or of the other one. istiod's ISTIO_DUAL_STACK stays what it is by default."""
from words import chance, meta, one


def cluster_addresses(r, spec, n):
    four, six = "10.96.0.%d" % n, "fd00:10::%d" % n
    kind = one(r, ["six", "four-six", "four-six", "six-four"])
    addresses = {"six": [six], "four-six": [four, six], "six-four": [six, four]}[kind]
    spec["clusterIP"] = addresses[0]
    spec["clusterIPs"] = addresses
    spec["ipFamilies"] = ["IPv6" if ":" in a else "IPv4" for a in addresses]
    spec["ipFamilyPolicy"] = "SingleStack" if len(addresses) == 1 else one(r, ["PreferDualStack", "RequireDualStack"])


def pod(name, namespace, labels, address):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(name, namespace, labels=labels),
            "spec": {"containers": [{"name": "app", "image": "app", "ports": [{"name": "named", "containerPort": 7777, "protocol": "TCP"}]}]},
            "status": {"podIP": address}}


def add_pods(r, documents):
    """The first Deployment's pods at addresses of their own; sometimes the client's."""
    for n, d in enumerate([d for d in documents if d["kind"] == "Deployment" and "gateway" not in d["metadata"]["name"]]):
        name, labels = d["metadata"]["name"], d["spec"]["template"]["metadata"]["labels"]
        if d["spec"].get("replicas") == 0 or not chance(r, 0.35):
            continue
        made = pod(name + "-0", d["metadata"]["namespace"], labels, "fd00:20::%x" % (n + 10))
        account = d["spec"]["template"]["spec"].get("serviceAccountName")
        if account:
            made["spec"]["serviceAccountName"] = account
        documents[documents.index(d)] = made


def entry_addresses(r, spec):
    if spec.get("addresses") and chance(r, 0.6):
        dns = str(spec.get("resolution", "")).startswith("DNS")
        spec["addresses"] = one(r, [["2001:db8::1"], ["240.0.0.1", "2001:db8::1"], ["2001:db8::1", "2001:db8::2"], ["2001:db8::1", "240.0.0.2"]] +
                                ([] if dns else [["2001:db8:1::/64"], ["2001:db8::1/128", "10.1.0.0/16"]]))
    for n, end in enumerate(spec.get("endpoints", [])):
        if end["address"][0].isdigit() and chance(r, 0.5):
            end["address"] = "2001:db8:3::%d" % (n + 1)


def gateways(r, d):
    for server in d["spec"].get("servers", []):
        if chance(r, 0.15):
            server["bind"] = one(r, ["::1", "fd00::9"])


def add(r, documents):
    n = 5
    for d in documents:
        spec = d.get("spec", {})
        if d["kind"] == "Service" and "selector" in spec and spec.get("clusterIP") != "None" and chance(r, 0.5):
            n += 1
            cluster_addresses(r, spec, n)
        elif d["kind"] == "ServiceEntry":
            entry_addresses(r, spec)
        elif d["kind"] == "WorkloadEntry" and chance(r, 0.4):
            spec["address"] = "2001:db8:2::2"
        elif d["kind"] == "Endpoints":
            for subset in d["subsets"]:
                subset["addresses"][0]["ip"] = "fd00:30::1"
        elif d["kind"] == "Gateway" and not d["apiVersion"].startswith("gateway."):
            gateways(r, d)
    add_pods(r, documents)
