/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/domains.h - under which names a service's virtual host is
 * reached from the proxy's namespace.
 *
 * Source: ISTIO.md 2.5.
 */
#pragma once

#include "config/translate/context.h"

struct domain_list {
    struct str *items;
    bool *is_short; /* made by shortening the full name */
    uint32_t count, capacity, short_capacity;
};

/* Full name, short forms, names of ExternalName services that stand for it,
 * addresses; in the scratch arena. With a port other than 0 each is followed by
 * itself with ":PORT". */
void domains_of_service(struct translation *t, const struct service *service, uint32_t port,
                        struct domain_list *out);

/* Names of ExternalName services that stand for it, whole and short, to `out`. */
void domains_add_aliases(struct translation *t, const struct service *service,
                         struct text_list *out);
