/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/locality.h - where endpoints are, seen from the proxy: order,
 * priorities (failover) and weights (distribute) of a cluster's endpoints.
 *
 * Source: ISTIO.md 3.6.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/translate/context.h"

/* "region/zone/subzone"; parts may be missing. Borrows the text. */
struct locality locality_of(struct str text);

/* By the pod's label istio-locality, "region.zone.subzone", in the snapshot. */
struct locality locality_of_labels(struct translation *t, const struct label *labels,
                                   uint32_t label_count);

/* Endpoints by the names of their localities; those of one stay as they are. */
void locality_sort(struct endpoint *endpoints, uint32_t count);

/* What the setting in force (NULL: none) makes of the cluster's endpoints, which
 * are sorted. Failover needs the cluster's outlier detection. */
void locality_apply(struct translation *t, const struct locality_setting *setting,
                    struct cluster *cluster);
