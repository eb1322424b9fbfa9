/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/selection.h - which VirtualServices count for a proxy and
 * gateway, in which order.
 *
 * Source: ISTIO.md 2.1, 2.3.
 */
#pragma once

#include "config/translate/scope.h"

struct selection {
    const struct virtual_service **items;
    uint32_t count, capacity;
};

/* `gateway` is "mesh" or "ns/name". The namespace's private ones, then those
 * exported to it by name, then the public ones. */
struct selection selection_for(struct translation *t, struct str gateway);

/* Those of the mesh that a scope lets in, in the same order. */
struct selection selection_for_scope(struct translation *t, const struct scope *scope);

/* For each service of the scope, then for each alias, the VirtualService with
 * the most specific host for it, or NULL. */
const struct virtual_service **selection_best(struct translation *t, const struct scope *scope,
                                              const struct selection *selection);
