# SPDX-License-Identifier: Apache-2.0
"""What is added to every other mesh, from luck of its own: identities, TLS, and what stands at the margins."""
import handshakes
import identities
import margins
from words import chance, some


def add(r, documents, proxies, hosts):
    if not chance(r, 0.5):
        return
    makers = {"handshakes": lambda: handshakes.add(r, documents, proxies, hosts), "identities": lambda: identities.add(r, documents), "margins": lambda: margins.add(r, documents)}
    for name in sorted(some(r, sorted(makers), r.choice([1, 1, 2]))):
        makers[name]()
