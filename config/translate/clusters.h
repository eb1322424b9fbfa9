/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/clusters.h - clusters and endpoints: what CDS and EDS say to
 * this proxy. A cluster for every port and subset of every service it sees.
 */
#pragma once

#include "config/translate/context.h"

/* outbound|PORT|SUBSET|HOST, in the snapshot. */
struct str cluster_name(struct translation *t, uint32_t port, struct str subset, struct str host);

void clusters_translate(struct translation *t);
