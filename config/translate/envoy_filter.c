/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/envoy_filter.c - see envoy_filter.h.
 *
 * Source: pilot/pkg/model/push_context.go EnvoyFilters, envoyfilter.go proxyMatch.
 */
#include "config/translate/envoy_filter.h"

#include "base/regex.h"
#include "config/translate/patch_match.h"
#include "proxy/model/print.h"

#define PRINT_BYTES_MAX ((size_t)1 << 30)
#define VERSION_BYTES_MAX 1024u /* istiod takes a longer expression for no match */

struct filter_list {
    const struct envoy_filter **items;
    uint32_t count, capacity;
};

static bool is_before(const struct translation *t, const struct envoy_filter *a,
                      const struct envoy_filter *b)
{
    bool is_root_a = str_eq(a->meta.namespace, t->mesh->config.root_namespace);
    bool is_root_b = str_eq(b->meta.namespace, t->mesh->config.root_namespace);

    if (a->priority != b->priority)
        return a->priority < b->priority;
    return is_root_a && !is_root_b;
}

/* Those of the root namespace and of the proxy's own that select it, in the order in
 * which they would be applied; the mesh has them by age and name. */
static struct filter_list find_filters(struct translation *t)
{
    struct filter_list out = {0};

    for (uint32_t i = 0; i < t->mesh->envoy_filters_count; i++) {
        const struct envoy_filter *filter = &t->mesh->envoy_filters[i];
        bool is_near = str_eq(filter->meta.namespace, t->mesh->config.root_namespace) ||
                       str_eq(filter->meta.namespace, t->proxy->namespace);
        if (!is_near || !target_refs_select(&filter->targets, &filter->selector, t->proxy->labels,
                                            t->proxy->label_count))
            continue;
        (void)ARENA_PUSH(&t->scratch, out.items, out.count, out.capacity);
        uint32_t place = out.count - 1;
        for (; place > 0 && is_before(t, filter, out.items[place - 1]); place--)
            out.items[place] = out.items[place - 1];
        out.items[place] = filter;
    }
    return out;
}

static bool is_version(struct translation *t, struct str expression)
{
    struct regex_set set = {0};
    struct str why;

    if (expression.len > VERSION_BYTES_MAX)
        return false;
    const struct regex *regex = regex_new(&set, expression, &t->scratch, &why);
    /* istiod takes what is no expression for none. */
    bool is_it = regex == NULL || regex_matches_part(regex, t->profile->istio_version);
    regex_set_free(&set);
    return is_it;
}

/* What a proxy says of itself, as far as it is known without running it. */
static bool has_metadata(const struct translation *t, struct str name, struct str value)
{
    const struct label known[] = {
        {STR("CLUSTER_ID"), STR("Kubernetes")},
        {STR("NAMESPACE"), t->proxy->namespace},
        {STR("NAME"), t->proxy->name},
        {STR("SERVICE_ACCOUNT"), t->proxy->service_account},
        {STR("ISTIO_VERSION"), t->profile->istio_version},
        {STR("MESH_ID"), t->mesh->config.trust_domain},
        {STR("INTERCEPTION_MODE"), STR("REDIRECT")},
    };
    const struct str *its = label_find(known, COUNT_OF(known), name);

    return its != NULL && str_eq(*its, value);
}

static bool is_for_proxy(struct translation *t, const struct envoy_patch *patch)
{
    if (patch->version.len > 0 && !is_version(t, patch->version))
        return false;
    for (uint32_t i = 0; i < patch->metadata.count; i++) {
        if (!has_metadata(t, patch->metadata.items[i].name, patch->metadata.items[i].value))
            return false;
    }
    return true;
}

static bool is_said(const struct translation *t, const struct envoy_patch *patch)
{
    for (uint32_t i = 0; i < t->diags->count; i++) {
        const struct diag *diag = &t->diags->items[i];
        if (diag->id == DIAG_ENVOY_FILTER_PATCH && diag->origin.line == patch->origin.line &&
            diag->origin.column == patch->origin.column &&
            str_eq(diag->origin.file, patch->origin.file) && str_eq(diag->path, patch->path))
            return true;
    }
    return false;
}

static void complain(struct translation *t, const struct envoy_filter *filter,
                     struct patch_ground *ground)
{
    for (uint32_t i = 0; i < filter->patch_count; i++) {
        const struct envoy_patch *patch = &filter->patches[i];
        if (!is_for_proxy(t, patch) || !patch_matches(ground, patch))
            continue;
        if (patch->value_name.len > 0)
            text_list_add(&ground->added, patch->value_name, &t->scratch);
        if (!is_said(t, patch))
            (void)diag_add(t->diags, DIAG_ENVOY_FILTER_PATCH, patch->origin, patch->path,
                           patch->words, patch->context_words, STR_EMPTY);
    }
}

void envoy_filter_complain(struct translation *t)
{
    struct filter_list filters = find_filters(t);
    struct buf text;
    struct json json;
    struct json_value all;
    size_t where = 0;

    if (filters.count == 0)
        return;
    buf_init(&text, PRINT_BYTES_MAX);
    json_init(&json, &text, 0);
    print_all(t->snapshot, &json);
    if (!json_is_full(&json) && json_read(buf_str(&text), &t->scratch, &all, &where) == RC_OK) {
        struct patch_ground ground = {
            .all = &all, .is_gateway = t->proxy->type == PROXY_ROUTER, .arena = &t->scratch};
        for (uint32_t i = 0; i < filters.count; i++)
            complain(t, filters.items[i], &ground);
    }
    buf_fini(&text);
}
