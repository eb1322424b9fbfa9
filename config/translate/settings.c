/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/settings.c - see settings.h.
 */
#include "config/translate/settings.h"

#define ANNOTATION STR("proxy.istio.io/config")

/* The oldest of the namespace's that is for everyone there. */
static void take_namespace(struct translation *t, struct str namespace)
{
    for (uint32_t i = 0; i < t->mesh->proxy_configs_count; i++) {
        const struct proxy_config *config = &t->mesh->proxy_configs[i];
        if (!config->has_selector && str_eq(config->meta.namespace, namespace)) {
            proxy_settings_take(&config->environment, &t->settings);
            return;
        }
    }
}

static void take_selecting(struct translation *t)
{
    for (uint32_t i = 0; i < t->mesh->proxy_configs_count; i++) {
        const struct proxy_config *config = &t->mesh->proxy_configs[i];
        if (config->selector.count > 0 && str_eq(config->meta.namespace, t->proxy->namespace) &&
            label_is_subset(config->selector.items, config->selector.count, t->proxy->labels,
                            t->proxy->label_count)) {
            proxy_settings_take(&config->environment, &t->settings);
            return;
        }
    }
}

static bool is_said(const struct translation *t, const struct origin *origin, struct str text)
{
    for (uint32_t i = 0; i < t->diags->count; i++) {
        const struct diag *diag = &t->diags->items[i];
        if (diag->id == DIAG_PROXY_CONFIG && diag->origin.line == origin->line &&
            str_eq(diag->origin.file, origin->file) && str_eq(diag->args[0], text))
            return true;
    }
    return false;
}

/* The text is a document of its own: what is wrong with it is said of the pod. */
static void take_annotation(struct translation *t)
{
    const struct pod *pod = mesh_pod_find(t->mesh, t->proxy->namespace, t->proxy->name);
    const struct str *text =
        pod == NULL ? NULL
                    : label_find(pod->meta.annotations, pod->meta.annotation_count, ANNOTATION);
    struct diag_list found;

    if (text == NULL)
        return;
    diag_list_init(&found, &t->scratch);
    proxy_settings_read_text(*text, &t->scratch, &found, &t->settings);
    for (uint32_t i = 0; i < found.count; i++) {
        struct str words = diag_text(&found.items[i], &t->scratch);
        if (!is_said(t, &pod->meta.origin, words))
            (void)diag_add(t->diags, DIAG_PROXY_CONFIG, pod->meta.origin,
                           STR("metadata.annotations"), words, STR_EMPTY, STR_EMPTY);
    }
}

void settings_find(struct translation *t)
{
    struct str root = t->mesh->config.root_namespace;

    t->settings = t->mesh->config.settings;
    take_namespace(t, root);
    if (!str_eq(root, t->proxy->namespace))
        take_namespace(t, t->proxy->namespace);
    take_annotation(t);
    take_selecting(t);
}

void settings_apply(const struct translation *t, struct filter_chain *chain)
{
    const struct proxy_settings *settings = &t->settings;

    chain->http.is_accepting_http10 |= settings->is_accepting_http10;
    if (settings->idle_timeout_ns > 0) {
        chain->http.idle_timeout_ns = settings->idle_timeout_ns;
        if (chain->tcp.idle_timeout_ns == 0 && !str_has_suffix(chain->name, STR("-blackhole")))
            chain->tcp.idle_timeout_ns = settings->idle_timeout_ns;
    }
}
