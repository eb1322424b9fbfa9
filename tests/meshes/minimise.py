# SPDX-License-Identifier: Apache-2.0
"""The smallest mesh that still shows a difference of the same kind: documents, then fields, then items go."""
import copy

from generate import Mesh

TRIALS_MAX = 250
KEPT = {"apiVersion", "kind", "metadata", "name", "spec", "host", "hosts"}


def places(value, path=()):
    """Every field and item of a document, outer ones first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        if isinstance(value, list) or key not in KEPT or len(path) > 1 and key == "name":
            yield path + (key,)
        yield from places(inner, path + (key,))


def without(document, path):
    out = copy.deepcopy(document)
    inner = out
    try:
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    return out


def smaller(mesh):
    for i in reversed(range(len(mesh.documents))):
        yield Mesh(mesh.documents[:i] + mesh.documents[i + 1:], mesh.proxies)
    for i in reversed(range(len(mesh.documents))):
        for path in places(mesh.documents[i]):
            less = without(mesh.documents[i], path)
            if less is not None:
                yield Mesh(mesh.documents[:i] + [less] + mesh.documents[i + 1:], mesh.proxies)


def minimise(mesh, still_differs):
    """`still_differs(mesh)` asks both; the smallest mesh found."""
    trials, is_shrinking = 0, True
    while is_shrinking and trials < TRIALS_MAX:
        is_shrinking = False
        for other in smaller(mesh):
            trials += 1
            if trials >= TRIALS_MAX:
                break
            if still_differs(other):
                mesh, is_shrinking = other, True
                break
    return mesh
