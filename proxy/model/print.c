/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print.c - see print.h.
 */
#include "proxy/model/print.h"

#include "proxy/model/print_parts.h"

void print_listeners(const struct snapshot *snapshot, struct json *json)
{
    json_begin_array(json);
    for (uint32_t i = 0; i < snapshot->listener_count; i++)
        print_listener(json, &snapshot->listeners[i]);
    json_end_array(json);
}

void print_routes(const struct snapshot *snapshot, struct json *json)
{
    json_begin_array(json);
    for (uint32_t i = 0; i < snapshot->route_config_count; i++)
        print_route_config(json, &snapshot->route_configs[i]);
    json_end_array(json);
}

void print_clusters(const struct snapshot *snapshot, struct json *json)
{
    json_begin_array(json);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++)
        print_cluster(json, &snapshot->clusters[i]);
    json_end_array(json);
}

void print_endpoints(const struct snapshot *snapshot, struct json *json)
{
    json_begin_array(json);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        if (snapshot->clusters[i].type == CLUSTER_EDS)
            print_load_assignment(json, &snapshot->clusters[i]);
    }
    json_end_array(json);
}

void print_all(const struct snapshot *snapshot, struct json *json)
{
    json_begin_object(json);
    json_key(json, STR("listeners"));
    print_listeners(snapshot, json);
    json_key(json, STR("routes"));
    print_routes(snapshot, json);
    json_key(json, STR("clusters"));
    print_clusters(snapshot, json);
    json_key(json, STR("endpoints"));
    print_endpoints(snapshot, json);
    json_end_object(json);
}
