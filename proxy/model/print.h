/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print.h - a snapshot as Envoy's proto JSON, as istiod sends it.
 */
#pragma once

#include "base/json.h"
#include "proxy/model/snapshot.h"

void print_listeners(const struct snapshot *snapshot, struct json *json);
void print_routes(const struct snapshot *snapshot, struct json *json);
void print_clusters(const struct snapshot *snapshot, struct json *json);
void print_endpoints(const struct snapshot *snapshot, struct json *json);
/* {"listeners": [], "routes": [], "clusters": [], "endpoints": []} */
void print_all(const struct snapshot *snapshot, struct json *json);
