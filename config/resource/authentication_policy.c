/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/authentication_policy.c - see authentication_policy.h.
 */
#include "config/resource/authentication_policy.h"

static const struct field_row SPEC_ROWS[] = {
    {"targets", FIELD_USED},
    {"peers", FIELD_USED},
    {"peerIsOptional", FIELD_NO_EFFECT},
    {"origins", FIELD_NO_EFFECT},
    {"originIsOptional", FIELD_NO_EFFECT},
    {"principalBinding", FIELD_NO_EFFECT},
};
static const struct field_row TARGET_ROWS[] = {
    {"name", FIELD_USED}, {"ports", FIELD_USED}, {"labels", FIELD_NO_EFFECT}};
static const struct field_row PORT_ROWS[] = {{"number", FIELD_USED}, {"name", FIELD_USED}};
static const struct field_row PEER_ROWS[] = {{"mtls", FIELD_USED}, {"jwt", FIELD_NO_EFFECT}};
static const struct field_row MTLS_ROWS[] = {{"mode", FIELD_USED}, {"allowTls", FIELD_NO_EFFECT}};

static void read_target(const struct view *view, struct authentication_target *out)
{
    struct view ports = view_list(view, STR("ports"));

    view_check_fields(view, TARGET_ROWS, COUNT_OF(TARGET_ROWS));
    out->name = view_str(view, STR("name"), STR_EMPTY);
    out->port_count = view_count(&ports);
    out->ports = ARENA_ARRAY(view->reading->arena, struct authentication_port, out->port_count);
    for (uint32_t i = 0; i < out->port_count; i++) {
        struct view port = view_item(&ports, i);
        view_check_fields(&port, PORT_ROWS, COUNT_OF(PORT_ROWS));
        out->ports[i].number = (uint32_t)view_i64(&port, STR("number"), 1, UINT16_MAX, 0);
        out->ports[i].name = view_str(&port, STR("name"), STR_EMPTY);
    }
}

/* `mtls: {}`, and `mtls:` with nothing behind it, is STRICT. */
static enum mtls_mode read_peer(const struct view *peer)
{
    static const char *const NAMES[] = {"STRICT", "PERMISSIVE", NULL};
    struct view mtls = view_map(peer, STR("mtls"));

    view_check_fields(peer, PEER_ROWS, COUNT_OF(PEER_ROWS));
    if (peer->node == NULL || node_get(peer->node, STR("mtls")) == NULL)
        return MTLS_MODE_DISABLE;
    if (!view_is_present(&mtls))
        return MTLS_MODE_STRICT;
    view_check_fields(&mtls, MTLS_ROWS, COUNT_OF(MTLS_ROWS));
    return view_choice(&mtls, STR("mode"), NAMES, 0) == 0 ? MTLS_MODE_STRICT : MTLS_MODE_PERMISSIVE;
}

void authentication_policy_read(const struct view *spec, struct authentication_policy *out)
{
    struct view targets = view_list(spec, STR("targets"));
    struct view peers = view_list(spec, STR("peers"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    out->target_count = view_count(&targets);
    out->targets =
        ARENA_ARRAY(spec->reading->arena, struct authentication_target, out->target_count);
    for (uint32_t i = 0; i < out->target_count; i++) {
        struct view target = view_item(&targets, i);
        read_target(&target, &out->targets[i]);
    }
    out->mode = MTLS_MODE_DISABLE;
    for (uint32_t i = 0; i < view_count(&peers) && out->mode == MTLS_MODE_DISABLE; i++) {
        struct view peer = view_item(&peers, i);
        out->mode = read_peer(&peer);
    }
}
