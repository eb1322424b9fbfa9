/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/sidecar.c - see sidecar.h.
 */
#include "config/resource/sidecar.h"

static const struct field_row SPEC_ROWS[] = {
    {"workloadSelector", FIELD_USED},
    {"ingress", FIELD_USED},
    {"egress", FIELD_USED},
    {"outboundTrafficPolicy", FIELD_USED},
    {"inboundConnectionPool", FIELD_USED},
};
static const struct field_row SELECTOR_ROWS[] = {{"labels", FIELD_USED}};
static const struct field_row EGRESS_ROWS[] = {
    {"port", FIELD_USED}, {"bind", FIELD_USED}, {"captureMode", FIELD_USED}, {"hosts", FIELD_USED}};
static const struct field_row INGRESS_ROWS[] = {
    {"port", FIELD_USED},           {"bind", FIELD_USED},
    {"captureMode", FIELD_USED},    {"defaultEndpoint", FIELD_USED},
    {"connectionPool", FIELD_USED}, {"tls", FIELD_USED},
};
static const struct field_row OUTBOUND_ROWS[] = {
    {"mode", FIELD_USED}, {"egressProxy", FIELD_USED}, {"tls", FIELD_NO_EFFECT}};

static enum capture_mode read_capture(const struct view *item)
{
    static const char *const MODES[] = {"DEFAULT", "IPTABLES", "NONE", NULL};
    static const enum capture_mode MEANINGS[] = {CAPTURE_DEFAULT, CAPTURE_IPTABLES, CAPTURE_NONE};

    return MEANINGS[view_choice(item, STR("captureMode"), MODES, 0)];
}

/* Listeners where no redirect leads; tests dial what a redirect would catch. */
static struct str read_bind(const struct view *item, enum capture_mode capture)
{
    struct view bind = view_field(item, STR("bind")), mode = view_field(item, STR("captureMode"));

    if (view_is_present(&bind))
        view_complain(&bind, DIAG_NOT_ACTED_ON, STR("bind"), STR_EMPTY);
    if (capture == CAPTURE_NONE)
        view_complain(&mode, DIAG_NOT_ACTED_ON, STR("captureMode"), STR_EMPTY);
    return view_str(item, STR("bind"), STR_EMPTY);
}

static void read_egress(const struct view *item, struct sidecar_egress *out)
{
    struct view port = view_map(item, STR("port"));
    struct view hosts = view_list(item, STR("hosts"));

    view_check_fields(item, EGRESS_ROWS, COUNT_OF(EGRESS_ROWS));
    out->origin = view_origin(item);
    out->has_port = view_is_present(&port);
    out->port = (uint32_t)view_i64(&port, STR("number"), 0, 65535, 0);
    out->protocol = view_str(&port, STR("protocol"), STR_EMPTY);
    out->is_http_proxy = str_eq_ci(out->protocol, STR("HTTP_PROXY"));
    out->capture = read_capture(item);
    out->bind = read_bind(item, out->capture);
    out->hosts = text_list_read(&hosts);
}

static void read_ingress(const struct view *item, struct sidecar_ingress *out)
{
    struct view port = view_map(item, STR("port"));

    view_check_fields(item, INGRESS_ROWS, COUNT_OF(INGRESS_ROWS));
    out->origin = view_origin(item);
    out->port = (uint32_t)view_i64(&port, STR("number"), 0, 65535, 0);
    out->name = view_str(&port, STR("name"), STR_EMPTY);
    out->protocol = view_str(&port, STR("protocol"), STR_EMPTY);
    out->capture = read_capture(item);
    out->bind = read_bind(item, out->capture);
    struct view endpoint = view_field(item, STR("defaultEndpoint"));
    out->default_endpoint = view_str(item, STR("defaultEndpoint"), STR_EMPTY);
    if (str_has_prefix(out->default_endpoint, STR("unix://")))
        view_complain(&endpoint, DIAG_NOT_ACTED_ON, STR("a unix socket"), STR_EMPTY);
    out->pool = connection_pool_read(item);
    struct view tls = view_map(item, STR("tls"));
    out->tls = server_tls_read(&tls);
    out->tls_origin = view_origin(&tls);
}

static const struct field_row PROXY_ROWS[] = {
    {"host", FIELD_USED}, {"subset", FIELD_USED}, {"port", FIELD_USED}};

static struct egress_proxy read_egress_proxy(const struct view *policy)
{
    struct view proxy = view_map(policy, STR("egressProxy"));
    struct view port = view_map(&proxy, STR("port"));

    if (!view_is_present(&proxy))
        return (struct egress_proxy){.port = 0};
    view_check_fields(&proxy, PROXY_ROWS, COUNT_OF(PROXY_ROWS));
    return (struct egress_proxy){
        .host = view_str(&proxy, STR("host"), STR_EMPTY),
        .subset = view_str(&proxy, STR("subset"), STR_EMPTY),
        .port = (uint32_t)view_i64(&port, STR("number"), 0, 65535, 0),
    };
}

static void read_outbound(const struct view *spec, struct sidecar *out)
{
    static const char *const MODES[] = {"REGISTRY_ONLY", "ALLOW_ANY", NULL};
    struct view policy = view_map(spec, STR("outboundTrafficPolicy"));

    if (!view_is_present(&policy))
        return;
    view_check_fields(&policy, OUTBOUND_ROWS, COUNT_OF(OUTBOUND_ROWS));
    out->outbound = view_choice(&policy, STR("mode"), MODES, 0) == 0 ? OUTBOUND_REGISTRY_ONLY
                                                                     : OUTBOUND_ALLOW_ANY;
    out->egress_proxy = read_egress_proxy(&policy);
}

void sidecar_read(const struct view *spec, struct sidecar *out)
{
    struct view selector = view_map(spec, STR("workloadSelector"));
    struct view egress = view_list(spec, STR("egress"));
    struct view ingress = view_list(spec, STR("ingress"));
    struct view pool = view_map(spec, STR("inboundConnectionPool"));
    struct arena *arena = spec->reading->arena;

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    if (view_is_present(&selector)) {
        view_check_fields(&selector, SELECTOR_ROWS, COUNT_OF(SELECTOR_ROWS));
        struct view labels = view_map(&selector, STR("labels"));
        out->selector = label_list_read(&labels);
        out->has_selector = out->selector.count > 0;
    }
    out->egress_count = view_count(&egress);
    out->egress = ARENA_ARRAY(arena, struct sidecar_egress, out->egress_count);
    for (uint32_t i = 0; i < out->egress_count; i++) {
        struct view item = view_item(&egress, i);
        read_egress(&item, &out->egress[i]);
    }
    out->ingress_count = view_count(&ingress);
    out->ingress = ARENA_ARRAY(arena, struct sidecar_ingress, out->ingress_count);
    for (uint32_t i = 0; i < out->ingress_count; i++) {
        struct view item = view_item(&ingress, i);
        read_ingress(&item, &out->ingress[i]);
    }
    if (view_is_present(&pool))
        out->pool = connection_pool_of(&pool);
    read_outbound(spec, out);
}

bool sidecar_ingress_place(const struct sidecar_ingress *ingress, struct str *address,
                           uint32_t *port)
{
    size_t colon = str_find_last(ingress->default_endpoint, ':');
    uint64_t number;

    if (colon == STR_NONE ||
        !str_to_u64(str_from(ingress->default_endpoint, colon + 1), 65535, &number))
        return false;
    *address = str_slice(ingress->default_endpoint, 0, colon);
    *port = (uint32_t)number;
    return true;
}
