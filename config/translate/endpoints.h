/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/endpoints.h - the endpoints of one port of a service, with
 * the workload each belongs to.
 */
#pragma once

#include "config/translate/context.h"

/* Those whose pod has all the labels of `subset` (NULL: all). */
void endpoints_translate(struct translation *t, const struct service *service, uint32_t port_index,
                         const struct label_list *subset, struct cluster *out);

/* SPIFFE names of all the service's pods, sorted, in the snapshot. */
const struct str *endpoints_identities(struct translation *t, const struct service *service,
                                       uint32_t *count);

/* Every endpoint of the port has a sidecar, and there is one. */
bool endpoints_are_injected(const struct service *service, uint32_t port_index);
