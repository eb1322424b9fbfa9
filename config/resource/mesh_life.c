/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh_life.c - what is told a mesh besides its documents; see
 * mesh.h.
 */
#include "config/resource/mesh.h"

#include "config/resource/mesh_types.h"
#include "config/resource/meta.h"

void mesh_set_config(struct mesh *mesh, const struct node *document)
{
    struct reading reading = {.arena = mesh->arena,
                              .diags = mesh->diags,
                              .unknown_field = UNKNOWN_WARN,
                              .object = STR("MeshConfig")};
    struct view root = view_of(&reading, document);

    ASSERT(!mesh->is_complete);
    mesh_config_default(&mesh->config);
    mesh_config_read(&root, &mesh->config);
}

void mesh_set_access_log(struct mesh *mesh, const struct mesh_access_log *said)
{
    struct mesh_config *config = &mesh->config;

    ASSERT(!mesh->is_complete);
    if (said->has_file) {
        config->access_log_file = said->file;
        config->access_log_origin = (struct origin){0};
    } else if (said->has_format && config->access_log_file.len == 0) {
        /* Who says how lines look wants to see some. */
        config->access_log_file = STR("/dev/stdout");
    }
    if (said->has_format) {
        config->access_log_format = said->format;
        config->access_log_encoding = said->is_json ? LOG_JSON : LOG_TEXT;
        config->access_log_format_origin = config->access_log_origin = (struct origin){0};
    }
    if (said->is_output_taken && str_eq(config->access_log_file, STR("/dev/stdout")))
        config->access_log_file = STR("/dev/stderr");
}

struct pod *mesh_add_pod(struct mesh *mesh, struct str namespace, struct str name)
{
    ASSERT(!mesh->is_complete);
    struct pod *pod = ARENA_PUSH(mesh->arena, mesh->pods, mesh->pods_count, mesh->pods_capacity);
    pod->meta.name = arena_str(mesh->arena, name);
    pod->meta.namespace = arena_str(mesh->arena, namespace);
    pod->meta.created_ns = META_CREATED_NS;
    pod->workload = pod->meta.name;
    pod->service_account = STR("default");
    pod->is_ready = true;
    pod->is_added = true;
    return pod;
}

bool mesh_workload(const struct mesh *mesh, struct str namespace, struct str name,
                   struct label **labels, uint32_t *label_count, struct str *service_account,
                   uint32_t *replica_count)
{
    for (uint32_t i = mesh->workloads_count; i > 0; i--) {
        const struct workload *workload = &mesh->workloads[i - 1];
        if (workload->meta.is_replaced || !str_eq(workload->meta.name, name) ||
            !str_eq(workload->meta.namespace, namespace))
            continue;
        *labels = workload->template.labels;
        *label_count = workload->template.label_count;
        *service_account = workload->service_account;
        *replica_count = workload->replica_count;
        return true;
    }
    return false;
}

void mesh_skip_derived_pods(struct mesh *mesh)
{
    ASSERT(!mesh->is_complete);
    mesh->is_skipping_derived_pods = true;
}
