/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/inbound_clusters.h - inbound|PORT||: from a sidecar to its
 * own application.
 *
 * Source: ISTIO.md 4.1, 5.3.
 */
#pragma once

#include "config/translate/clusters.h"

void inbound_clusters_add(struct translation *t, struct cluster_list *list);
