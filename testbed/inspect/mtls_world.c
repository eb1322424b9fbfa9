/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls_world.c - see mtls_world.h.
 */
#include "testbed/inspect/mtls_world.h"

#include "base/buf.h"
#include "testbed/inspect/asker.h"
#include "testbed/world/jobs.h"

#define RULES_BYTES_MAX (16u << 20)
#define RULES_FILE STR("(subsets)")

struct builder {
    struct world_spec spec;
    struct arena *arena;
    struct client_spec *clients;
    uint32_t client_count, client_capacity;
};

/* --- what is left of the manifests ------------------------------------------ */

static bool is_leading_elsewhere(struct str kind)
{
    static const struct str KINDS[] = {STR_INIT("VirtualService"), STR_INIT("HTTPRoute"),
                                       STR_INIT("GRPCRoute"),      STR_INIT("TCPRoute"),
                                       STR_INIT("TLSRoute"),       STR_INIT("Ingress"),
                                       STR_INIT("EnvoyFilter")};
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (str_eq(kind, KINDS[i]))
            return true;
    }
    return false;
}

static bool is_told(const struct manifests *all, uint32_t index, struct str host)
{
    const struct node *rule = all->items[index];
    for (uint32_t i = 0; i < index; i++) {
        const struct node *other = all->items[i];
        struct str other_host = manifest_text(node_get(other, STR("spec")), STR("host"));
        if (str_eq(manifest_kind(other), STR("DestinationRule")) && str_eq(other_host, host) &&
            str_eq(manifest_namespace(other), manifest_namespace(rule)))
            return true;
    }
    return false;
}

static enum rc write_subset(const struct node *subset, struct str host, struct buf *out)
{
    struct str name = manifest_text(subset, STR("name"));
    if (name.len == 0)
        return RC_OK;
    return buf_format(out,
                      "  - match: [{headers: {" MTLS_SUBSET_HEADER ": {exact: \"%.*s\"}}}]\n"
                      "    route: [{destination: {host: \"%.*s\", subset: \"%.*s\"}}]\n",
                      STR_FMT(name), STR_FMT(host), STR_FMT(name));
}

/* The way to a DestinationRule's subsets. */
static enum rc write_rule(const struct node *rule, struct str host, struct buf *out)
{
    const struct node *subsets = node_get(node_get(rule, STR("spec")), STR("subsets"));
    enum rc rc =
        buf_format(out,
                   "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
                   "metadata: {name: \"subsets-of-%.*s\", namespace: \"%.*s\"}\n"
                   "spec:\n  hosts: [\"%.*s\"]\n  http:\n",
                   STR_FMT(manifest_name(rule)), STR_FMT(manifest_namespace(rule)), STR_FMT(host));
    for (uint32_t i = 0; i < subsets->count && rc == RC_OK; i++)
        rc = write_subset(subsets->items[i], host, out);
    if (rc == RC_OK)
        rc = buf_format(out, "  - route: [{destination: {host: \"%.*s\"}}]\n", STR_FMT(host));
    return rc;
}

static void add_rules(struct builder *builder, const struct manifests *all, struct documents *kept)
{
    struct buf text;
    struct diag_list unheard;
    enum rc rc = RC_OK;
    buf_init(&text, RULES_BYTES_MAX);
    for (uint32_t i = 0; i < all->count && rc == RC_OK; i++) {
        const struct node *rule = all->items[i];
        const struct node *spec = node_get(rule, STR("spec"));
        const struct node *subsets = node_get(spec, STR("subsets"));
        struct str host = manifest_text(spec, STR("host"));
        bool is_rule = str_eq(manifest_kind(rule), STR("DestinationRule")) && subsets != NULL &&
                       subsets->kind == NODE_LIST && subsets->count > 0;
        if (is_rule && str_find(host, '*') == STR_NONE && !is_told(all, i, host))
            rc = write_rule(rule, host, &text);
    }
    diag_list_init(&unheard, builder->arena);
    tree_read(RULES_FILE, arena_str(builder->arena, buf_str(&text)), builder->arena, kept,
              &unheard);
    buf_fini(&text);
}

static struct documents keep_documents(struct builder *builder)
{
    struct manifests all = manifests_of(&builder->spec.documents, builder->arena);
    struct documents kept = {0};
    for (uint32_t i = 0; i < all.count; i++) {
        if (!is_leading_elsewhere(manifest_kind(all.items[i])))
            documents_add(&kept, (struct node *)all.items[i], builder->arena);
    }
    add_rules(builder, &all, &kept);
    return kept;
}

/* --- who calls --------------------------------------------------------------- */

static bool has_client(const struct builder *builder, struct str name)
{
    for (uint32_t i = 0; i < builder->client_count; i++) {
        if (str_eq(builder->clients[i].name, name))
            return true;
    }
    return false;
}

static void add_client(struct builder *builder, struct client_spec client)
{
    if (client.caller_count == 0)
        client.caller_count = 1;
    if (!has_client(builder, client.name))
        *ARENA_PUSH(builder->arena, builder->clients, builder->client_count,
                    builder->client_capacity) = client;
}

/* The workload of a pod: a gateway by the name of its Gateway, "NAMESPACE/NAME". */
static struct client_spec client_of(const struct builder *builder, const struct world *seen,
                                    const struct world_pod *pod)
{
    const struct pod *resource = mesh_pod_find(seen->mesh, pod->namespace, pod->kube_name);
    struct client_spec out = {.via = VIA_NONE};
    if (resource != NULL)
        out = asker_of_pod(seen->mesh, resource);
    if (out.via == VIA_GATEWAY) {
        out.name = arena_format(builder->arena, "%.*s/%.*s", STR_FMT(out.gateway_namespace),
                                STR_FMT(out.gateway_name));
        return out;
    }
    if (pod->client != UINT32_MAX)
        out = seen->clients[pod->client].spec;
    if (!pod->has_sidecar)
        out.via = VIA_NONE;
    struct str name = pod->workload.len > 0 ? pod->workload : pod->kube_name;
    bool is_home = str_eq(pod->namespace, seen->spec.namespace);
    out.name =
        is_home ? name
                : arena_format(builder->arena, "%.*s.%.*s", STR_FMT(name), STR_FMT(pod->namespace));
    out.namespace = pod->namespace;
    out.address = STR_EMPTY; /* the pod's own is its own */
    return out;
}

/* False: the manifests have errors. All of them are looked at, also what is left out. */
static bool add_clients(struct builder *builder, struct diag_list *diags)
{
    struct world_spec spec = builder->spec;
    for (uint32_t i = 0; i < spec.client_count; i++)
        add_client(builder, spec.clients[i]);
    spec.client_count = 0;
    struct world *seen = world_new(&spec, builder->arena, diags);
    if (seen == NULL)
        return false;
    for (uint32_t i = 0; i < seen->pod_count; i++)
        add_client(builder, client_of(builder, seen, &seen->pods[i]));
    world_free(seen);
    add_client(builder, (struct client_spec){.name = STR(MTLS_NO_SIDECAR), .via = VIA_NONE});
    return true;
}

static bool is_wanted(const struct mtls_callers *callers, struct str name)
{
    for (uint32_t i = 0; i < callers->wanted_count; i++) {
        if (str_eq(callers->wanted[i], name))
            return true;
    }
    return callers->wanted_count == 0;
}

static void choose_clients(struct builder *builder, struct mtls_callers *callers)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < callers->wanted_count; i++) {
        if (callers->nobody.len == 0 && !has_client(builder, callers->wanted[i]))
            callers->nobody = callers->wanted[i];
    }
    for (uint32_t i = 0; i < builder->client_count; i++) {
        struct client_spec client = builder->clients[i];
        callers->known = arena_format(builder->arena, "%.*s%s%.*s", STR_FMT(callers->known),
                                      i > 0 ? ", " : "", STR_FMT(client.name));
        if (is_wanted(callers, client.name))
            builder->clients[count++] = client;
    }
    builder->client_count = count;
}

struct world *mtls_world_new(const struct world_spec *spec, struct mtls_callers *callers,
                             struct arena *arena, struct diag_list *diags)
{
    struct builder builder = {.spec = *spec, .arena = arena};
    struct diag_list unheard; /* it was said of all documents */
    diag_list_init(&unheard, arena);
    jobs_add_workloads(&builder.spec.documents, arena);
    if (!add_clients(&builder, diags))
        return NULL;
    choose_clients(&builder, callers);
    builder.spec.documents = keep_documents(&builder);
    builder.spec.clients = builder.clients;
    builder.spec.client_count = builder.client_count;
    return world_new(&builder.spec, arena, &unheard);
}
