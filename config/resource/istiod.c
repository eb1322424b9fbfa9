/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/istiod.c - see istiod.h.
 */
#include "config/resource/istiod.h"

#include "base/check.h"
#include "config/resource/label.h"

#define CONTAINER STR("discovery")

/* Go's strconv.ParseBool; what is neither is what it was. */
static bool truth_of(struct str text, bool otherwise)
{
    static const struct {
        struct str text;
        bool is_so;
    } WORDS[] = {
        {STR_INIT("1"), true},      {STR_INIT("t"), true},      {STR_INIT("T"), true},
        {STR_INIT("true"), true},   {STR_INIT("TRUE"), true},   {STR_INIT("True"), true},
        {STR_INIT("0"), false},     {STR_INIT("f"), false},     {STR_INIT("F"), false},
        {STR_INIT("false"), false}, {STR_INIT("FALSE"), false}, {STR_INIT("False"), false},
    };

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (str_eq(text, WORDS[i].text))
            return WORDS[i].is_so;
    }
    return otherwise;
}

static void read_environment(const struct view *container, struct istiod *out)
{
    struct view list = view_list(container, STR("env"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        if (str_eq(view_str(&item, STR("name"), STR_EMPTY), STR("ENABLE_TLS_ON_SIDECAR_INGRESS")))
            out->is_ending_sidecar_tls =
                truth_of(view_str(&item, STR("value"), STR_EMPTY), out->is_ending_sidecar_tls);
    }
}

void istiod_read(const struct object_meta *meta, const struct view *spec, struct istiod *out)
{
    const struct str *app = label_find(meta->labels, meta->label_count, STR("app"));
    struct view template = view_map(spec, STR("template"));
    struct view pod = view_map(&template, STR("spec"));
    struct view containers = view_list(&pod, STR("containers"));

    if (app == NULL || !str_eq(*app, STR("istiod")))
        return;
    for (uint32_t i = 0; i < view_count(&containers); i++) {
        struct view container = view_item(&containers, i);
        if (str_eq(view_str(&container, STR("name"), STR_EMPTY), CONTAINER))
            read_environment(&container, out);
    }
}
