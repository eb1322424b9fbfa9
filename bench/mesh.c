/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/mesh.c - the mesh that whole-request benchmarks play.
 */
#include "bench/mesh.h"

#include "config/yaml/tree.h"

static const struct str MESH =
    STR_INIT("apiVersion: v1\n"
             "kind: Service\n"
             "metadata: {name: reviews}\n"
             "spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}\n"
             "---\n"
             "apiVersion: networking.istio.io/v1\n"
             "kind: DestinationRule\n"
             "metadata: {name: reviews}\n"
             "spec:\n"
             "  host: reviews\n"
             "  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]\n"
             "---\n"
             "apiVersion: networking.istio.io/v1\n"
             "kind: VirtualService\n"
             "metadata: {name: reviews}\n"
             "spec:\n"
             "  hosts: [reviews]\n"
             "  http:\n"
             "  - match: [{headers: {end-user: {exact: jason}}}]\n"
             "    route: [{destination: {host: reviews, subset: v2}}]\n"
             "  - route:\n"
             "    - {destination: {host: reviews, subset: v1}, weight: 90}\n"
             "    - {destination: {host: reviews, subset: v2}, weight: 10}\n");

static struct label version_labels[2][2] = {
    {{STR_INIT("app"), STR_INIT("reviews")}, {STR_INIT("version"), STR_INIT("v1")}},
    {{STR_INIT("app"), STR_INIT("reviews")}, {STR_INIT("version"), STR_INIT("v2")}},
};

struct world *mesh_of_text(struct str manifests, struct arena *arena, struct diag_list *diags)
{
    struct workload_spec *workloads = ARENA_ARRAY(arena, struct workload_spec, 2);
    for (uint32_t i = 0; i < 2; i++) {
        workloads[i] = (struct workload_spec){
            .name = i == 0 ? STR("reviews-v1") : STR("reviews-v2"),
            .labels = version_labels[i],
            .label_count = 2,
            .replicas = 2,
            .behaviour = behaviour_default(),
        };
    }
    struct client_spec *client = ARENA_NEW(arena, struct client_spec);
    *client = (struct client_spec){.name = STR("productpage"), .via = VIA_SIDECAR};
    struct world_spec spec = {
        .workloads = workloads, .workload_count = 2, .clients = client, .client_count = 1};
    tree_read(STR("bench"), manifests, arena, &spec.documents, diags);
    return world_new(&spec, arena, diags);
}

struct world *mesh_of_bench(struct arena *arena, struct diag_list *diags)
{
    return mesh_of_text(MESH, arena, diags);
}
