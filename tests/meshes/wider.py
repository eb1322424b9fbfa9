# SPDX-License-Identifier: Apache-2.0
"""What is added to every other mesh, from luck of its own: IPv6, a second gateway, more of Sidecars, of the Gateway API and of the cluster."""
import cluster
import egress
import further
import kinds
import sidecars
import sixes
from words import chance, some


def cluster_more(r, documents, hosts):
    if chance(r, 0.4):
        cluster.nodes(r, documents)
    if chance(r, 0.4):
        cluster.service_kinds(r, documents)
    if chance(r, 0.2):
        cluster.sick_pod(r, documents)
    for n in range(r.choice([0, 1, 1, 2])):
        documents.append(cluster.entry(r, "c%d" % n, hosts))
    if chance(r, 0.4):
        further.set_mesh(documents, cluster.settings(r))


def add(r, documents, proxies, hosts):
    if not chance(r, 0.5):
        return
    makers = {"sidecars": lambda: sidecars.add(r, documents, hosts), "egress": lambda: egress.add(r, documents, proxies), "kinds": lambda: kinds.add(r, documents, proxies, hosts),
              "cluster": lambda: cluster_more(r, documents, hosts), "sixes": lambda: sixes.add(r, documents)}
    chosen = some(r, sorted(makers), r.choice([1, 1, 2]))
    for name in sorted(chosen):
        makers[name]()
