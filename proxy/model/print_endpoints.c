/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_endpoints.c - ClusterLoadAssignment.
 */
#include "proxy/model/print_parts.h"

static void print_endpoint_metadata(struct json *json, const struct endpoint *endpoint)
{
    if (!endpoint->is_tls_mode_istio && endpoint->workload.len == 0)
        return;
    json_key(json, STR("metadata"));
    json_begin_object(json);
    json_key(json, STR("filterMetadata"));
    json_begin_object(json);
    if (endpoint->is_tls_mode_istio) {
        json_key(json, STR("envoy.transport_socket_match"));
        json_begin_object(json);
        json_key_str(json, STR("tlsMode"), STR("istio"));
        json_end_object(json);
    }
    if (endpoint->workload.len > 0) {
        json_key(json, STR("istio"));
        json_begin_object(json);
        json_key_str(json, STR("workload"), endpoint->workload);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

static void print_endpoint(struct json *json, const struct endpoint *endpoint)
{
    json_begin_object(json);
    json_key(json, STR("endpoint"));
    json_begin_object(json);
    json_key(json, STR("address"));
    print_address(json, endpoint->address, endpoint->port);
    json_end_object(json);
    if (!endpoint->has_no_status)
        json_key_str(json, STR("healthStatus"), endpoint_health_name(endpoint->health));
    print_endpoint_metadata(json, endpoint);
    json_key_i64(json, STR("loadBalancingWeight"), endpoint->weight);
    json_end_object(json);
}

static bool is_same_locality(const struct endpoint *a, const struct endpoint *b)
{
    return a->priority == b->priority && str_eq(a->locality.region, b->locality.region) &&
           str_eq(a->locality.zone, b->locality.zone) &&
           str_eq(a->locality.subzone, b->locality.subzone);
}

static void print_locality(struct json *json, const struct cluster *cluster,
                           const struct locality_endpoints *group)
{
    json_begin_object(json);
    json_key(json, STR("locality"));
    json_begin_object(json);
    if (group->locality.region.len > 0)
        json_key_str(json, STR("region"), group->locality.region);
    if (group->locality.zone.len > 0)
        json_key_str(json, STR("zone"), group->locality.zone);
    if (group->locality.subzone.len > 0)
        json_key_str(json, STR("subZone"), group->locality.subzone);
    json_end_object(json);
    if (group->count > 0) {
        json_key(json, STR("lbEndpoints"));
        json_begin_array(json);
        for (uint32_t i = 0; i < group->count; i++)
            print_endpoint(json, &cluster->endpoints[group->from + i]);
        json_end_array(json);
    }
    if (group->priority != 0)
        json_key_i64(json, STR("priority"), group->priority);
    if (group->weight != 0)
        json_key_i64(json, STR("loadBalancingWeight"), group->weight);
    json_end_object(json);
}

/* Endpoints [from, to) of one locality, whose weight nobody has said. */
static void print_found(struct json *json, const struct cluster *cluster, uint32_t from,
                        uint32_t to)
{
    const struct endpoint *first = &cluster->endpoints[from];
    struct locality_endpoints group = {.locality = first->locality,
                                       .priority = first->priority,
                                       .weight = first->locality_weight,
                                       .from = from,
                                       .count = to - from};

    for (uint32_t i = from; i < to && first->locality_weight == 0; i++)
        group.weight += cluster->endpoints[i].weight;
    print_locality(json, cluster, &group);
}

void print_lone_endpoint(struct json *json, struct str address, uint32_t port)
{
    json_begin_object(json);
    json_key(json, STR("lbEndpoints"));
    json_begin_array(json);
    json_begin_object(json);
    json_key(json, STR("endpoint"));
    json_begin_object(json);
    json_key(json, STR("address"));
    print_address(json, address, port);
    json_end_object(json);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

/* Of the application behind an inbound listener nothing but the address is said. */
static void print_own_application(struct json *json, const struct endpoint *endpoint)
{
    json_key(json, STR("endpoints"));
    json_begin_array(json);
    print_lone_endpoint(json, endpoint->address, endpoint->port);
    json_end_array(json);
}

void print_load_assignment(struct json *json, const struct cluster *cluster)
{
    json_begin_object(json);
    json_key_str(json, STR("clusterName"), cluster->name);
    if (cluster->is_inbound && cluster->endpoint_count > 0) {
        print_own_application(json, &cluster->endpoints[0]);
    } else if (cluster->localities != NULL && cluster->locality_count > 0) {
        json_key(json, STR("endpoints"));
        json_begin_array(json);
        for (uint32_t i = 0; i < cluster->locality_count; i++)
            print_locality(json, cluster, &cluster->localities[i]);
        json_end_array(json);
    } else if (cluster->endpoint_count > 0) {
        json_key(json, STR("endpoints"));
        json_begin_array(json);
        uint32_t from = 0;
        for (uint32_t i = 1; i <= cluster->endpoint_count; i++) {
            if (i < cluster->endpoint_count &&
                is_same_locality(&cluster->endpoints[from], &cluster->endpoints[i]))
                continue;
            print_found(json, cluster, from, i);
            from = i;
        }
        json_end_array(json);
    }
    json_end_object(json);
}
