/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/peer_authentication.c - see peer_authentication.h.
 *
 * Source: ISTIO.md 6.1, 9.7.
 */
#include "config/resource/peer_authentication.h"

#include "config/resource/syntax.h"

static const struct field_row SPEC_ROWS[] = {
    {"selector", FIELD_USED}, {"mtls", FIELD_USED}, {"portLevelMtls", FIELD_USED}};
static const struct field_row SELECTOR_ROWS[] = {{"matchLabels", FIELD_USED}};
static const struct field_row MTLS_ROWS[] = {{"mode", FIELD_USED}};

static enum mtls_mode read_mode(const struct view *mtls)
{
    static const char *const NAMES[] = {"UNSET", "DISABLE", "PERMISSIVE", "STRICT", NULL};
    static const enum mtls_mode MODES[] = {MTLS_MODE_UNSET, MTLS_MODE_DISABLE, MTLS_MODE_PERMISSIVE,
                                           MTLS_MODE_STRICT};

    if (!view_is_present(mtls))
        return MTLS_MODE_UNSET;
    view_check_fields(mtls, MTLS_ROWS, COUNT_OF(MTLS_ROWS));
    return MODES[view_choice(mtls, STR("mode"), NAMES, 0)];
}

static struct origin mode_origin(const struct view *mtls)
{
    struct view mode = view_field(mtls, STR("mode"));
    return view_origin(&mode);
}

static void read_port(const struct view *entry, struct peer_authentication *out)
{
    uint64_t number = 0;

    if (!str_to_u64(entry->key, UINT16_MAX, &number) || number == 0) {
        syntax_check_port(entry, -1);
        return;
    }
    out->ports[out->port_count++] = (struct port_mtls){
        .port = (uint32_t)number, .mode = read_mode(entry), .origin = mode_origin(entry)};
}

void peer_authentication_read(const struct view *spec, struct peer_authentication *out)
{
    struct view selector = view_map(spec, STR("selector"));
    struct view labels = view_map(&selector, STR("matchLabels"));
    struct view mtls = view_map(spec, STR("mtls"));
    struct view ports = view_map(spec, STR("portLevelMtls"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    if (view_is_present(&selector))
        view_check_fields(&selector, SELECTOR_ROWS, COUNT_OF(SELECTOR_ROWS));
    out->selector = label_list_read(&labels);
    out->mode = read_mode(&mtls);
    out->mode_origin = mode_origin(&mtls);
    out->ports = ARENA_ARRAY(spec->reading->arena, struct port_mtls, view_count(&ports));
    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view entry = view_entry(&ports, i);
        read_port(&entry, out);
    }
}
