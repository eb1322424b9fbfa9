# SPDX-License-Identifier: Apache-2.0
"""What the makers of meshes share."""
NAMESPACES = ["default", "shop"]
EXTERNAL = ["api.example.com", "www.example.com", "db.example.org"]
STARS = ["*.example.com", "*.default.svc.cluster.local", "*"]


def one(r, choices):
    return r.choice(choices)


def some(r, choices, count):
    return r.sample(choices, min(count, len(choices)))


def chance(r, share):
    return r.random() < share


def maybe(r, share, into, field, make):
    """The field, now and then."""
    if chance(r, share):
        into[field] = make()


def meta(name, namespace, **more):
    return dict({"name": name, "namespace": namespace}, **more)


def istio(kind, group, r, name, namespace, spec):
    out = {"apiVersion": "%s.istio.io/v1" % group, "kind": kind, "metadata": meta(name, namespace), "spec": spec}
    if chance(r, 0.2):
        out["metadata"]["creationTimestamp"] = "202%d-01-01T00:00:00Z" % r.randrange(6)
    return out
