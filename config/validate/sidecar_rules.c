/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/sidecar_rules.c - see rules.h; ISTIO.md 9.6.
 */
#include "base/check.h"
#include "config/resource/label.h"
#include "config/validate/field.h"
#include "config/validate/route.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/tls.h"
#include "config/validate/traffic_policy.h"
#include "config/validate/word.h"

#define UNIX_PREFIX STR("unix://")

/* What the TLS settings of a Gateway have and an ingress listener may not. */
static const struct {
    struct str field;
    enum diag_id id;
} INGRESS_EXCLUDES[] = {
    {STR_INIT("subjectAltNames"), DIAG_V_SIDECAR_SAN},
    {STR_INIT("httpsRedirect"), DIAG_V_SIDECAR_REDIRECT},
    {STR_INIT("credentialName"), DIAG_V_SIDECAR_CREDENTIAL},
    {STR_INIT("credentialNames"), DIAG_V_SIDECAR_CREDENTIALS},
    {STR_INIT("tlsCertificates"), DIAG_V_SIDECAR_CERTIFICATES},
};

/* Ports, sockets: what listeners must not share. */
struct taken {
    struct text_list ports, sockets;
};

/* Not absent, "", false or empty. */
static bool is_set(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);

    if (!view_is_present(&field))
        return false;
    switch (field.node->kind) {
    case NODE_BOOL:
        return field.node->boolean;
    case NODE_STRING:
        return field.node->text.len > 0;
    case NODE_LIST:
    case NODE_MAP:
        return field.node->count > 0;
    case NODE_NULL:
    case NODE_INT:
    case NODE_FLOAT:
        return true;
    }
    UNREACHABLE("node kind");
}

static void check_port_words(const struct view *port, bool has_number)
{
    struct str name = field_text(port, STR("name"));

    if (name.len > 0)
        (void)word_say(port, word_port_name(name));
    (void)word_say(port, word_protocol(field_text(port, STR("protocol"))));
    if (has_number)
        word_check_port(port, field_number(port, STR("number")));
}

static void claim_port(const struct view *port, struct taken *taken)
{
    struct str number = field_of_number(port, field_number(port, STR("number")));

    if (text_list_has(&taken->ports, number))
        say(port, DIAG_V_SIDECAR_PORT_TWICE);
    text_list_add(&taken->ports, number, port->reading->arena);
}

/* Host and port of "host:port", "[::1]:port", ":port"; false when neither. */
static bool split_endpoint(struct str text, struct str *host, struct str *port)
{
    size_t colon = str_find_last(text, ':');

    if (colon == STR_NONE)
        return false;
    *host = str_slice(text, 0, colon);
    *port = str_from(text, colon + 1);
    if (host->len >= 2 && host->ptr[0] == '[' && host->ptr[host->len - 1] == ']') {
        *host = str_slice(*host, 1, host->len - 1);
        return true;
    }
    return str_find(*host, ':') == STR_NONE;
}

static void check_default_endpoint(const struct view *listener)
{
    static const struct str HOSTS[] = {STR_INIT(""), STR_INIT("127.0.0.1"), STR_INIT("0.0.0.0"),
                                       STR_INIT("::1"), STR_INIT("::")};
    struct view field = view_field(listener, STR("defaultEndpoint"));
    struct str text = field_own_text(&field);
    struct str host = STR_EMPTY, port = STR_EMPTY;
    int64_t number;
    bool is_local = false;

    if (text.len == 0)
        return;
    if (str_has_prefix(text, UNIX_PREFIX)) {
        (void)word_say(&field, word_unix_path(str_from(text, UNIX_PREFIX.len)));
        return;
    }
    if (!split_endpoint(text, &host, &port)) {
        bool has_colon = str_find(text, ':') != STR_NONE;
        say_text(&field, has_colon ? DIAG_V_SIDECAR_COLONS : DIAG_V_SIDECAR_NO_PORT, text);
        host = port = STR_EMPTY;
    }
    for (size_t i = 0; i < COUNT_OF(HOSTS); i++)
        is_local |= str_eq(HOSTS[i], host);
    if (!is_local)
        say(&field, DIAG_V_SIDECAR_ENDPOINT);
    if (str_to_i64(port, INT64_MIN, INT64_MAX, &number))
        word_check_port(&field, number);
    else
        say_text(&field, DIAG_V_SIDECAR_ENDPOINT_PORT, port);
}

static void check_ingress_tls(const struct view *listener, const struct view *port)
{
    struct view tls = view_field(listener, STR("tls"));
    struct str mode = field_choice(&tls, STR("mode"), SCHEMA_ENUM_SERVER_TLS_SETTINGS_TLS_MODE);

    if (!view_is_present(&tls))
        return;
    for (size_t i = 0; i < COUNT_OF(INGRESS_EXCLUDES); i++)
        if (is_set(&tls, INGRESS_EXCLUDES[i].field))
            say(&tls, INGRESS_EXCLUDES[i].id);
    if (str_eq(mode, STR("ISTIO_MUTUAL")) || str_eq(mode, STR("AUTO_PASSTHROUGH")))
        say_text(&tls, DIAG_V_SIDECAR_TLS_MODE, mode);
    if (word_protocol_kind(field_text(port, STR("protocol"))) != WORD_PROTOCOL_TLS)
        say(&tls, DIAG_V_SERVER_TLS_OTHER);
    tls_check_server(&tls);
}

static void check_ingress(const struct view *listener, struct taken *taken)
{
    struct view port = view_field(listener, STR("port"));
    struct view bind = view_field(listener, STR("bind"));
    struct view pool = view_field(listener, STR("connectionPool"));

    if (!view_is_present(listener)) {
        say(listener, DIAG_V_SIDECAR_INGRESS_NULL);
        return;
    }
    if (!view_is_present(&port)) {
        say(listener, DIAG_V_SIDECAR_INGRESS_PORT);
        return;
    }
    if (field_number(&port, STR("targetPort")) > 0)
        say(&port, DIAG_V_SIDECAR_TARGET_PORT);
    check_port_words(&port, true);
    if (field_own_text(&bind).len > 0)
        (void)word_say(&bind, word_ip(field_own_text(&bind)));
    claim_port(&port, taken);
    check_default_endpoint(listener);
    check_ingress_tls(listener, &port);
    traffic_policy_check_pool(&pool);
    struct str protocol = field_text(&port, STR("protocol"));
    if (field_has(&pool, STR("http")) && word_protocol_kind(protocol) != WORD_PROTOCOL_HTTP)
        diag_add(pool.reading->diags, DIAG_V_SIDECAR_POOL, view_origin(&pool), view_path(&pool),
                 field_of_number(&port, field_number(&port, STR("number"))),
                 field_quoted(&port, field_text(&port, STR("name"))), protocol);
}

static void check_egress_port(const struct view *listener, const struct view *port,
                              struct taken *taken)
{
    struct view bind_field = view_field(listener, STR("bind"));
    struct str bind = field_own_text(&bind_field);
    struct str mode = field_choice(listener, STR("captureMode"), SCHEMA_ENUM_CAPTURE_MODE);
    int64_t number = field_number(port, STR("number"));

    if (field_number(port, STR("targetPort")) > 0)
        say(port, DIAG_V_SIDECAR_TARGET_PORT);
    check_port_words(port, number != 0);
    if (number != 0) {
        if (bind.len > 0)
            (void)word_say(&bind_field, word_ip(bind));
        claim_port(port, taken);
        return;
    }
    if (!str_has_prefix(bind, UNIX_PREFIX))
        say(port, DIAG_V_SIDECAR_PORT_ZERO);
    else
        (void)word_say(&bind_field, word_unix_path(str_from(bind, UNIX_PREFIX.len)));
    if (!str_eq(mode, STR("DEFAULT")) && !str_eq(mode, STR("NONE")))
        say(listener, DIAG_V_SIDECAR_CAPTURE);
    if (text_list_has(&taken->sockets, bind))
        say(&bind_field, DIAG_V_SIDECAR_SOCKET_TWICE);
    text_list_add(&taken->sockets, bind, listener->reading->arena);
}

/* Hosts seen so far of one listener: "namespace" and "namespace/host". */
struct egress_hosts {
    struct text_list namespaces, hosts;
};

static bool has_of_namespace(const struct egress_hosts *seen, struct str namespace)
{
    return text_list_has(&seen->namespaces, namespace);
}

static void claim_host(const struct view *item, struct str own_namespace, struct egress_hosts *seen)
{
    struct arena *arena = item->reading->arena;
    struct str text = field_own_text(item);
    size_t slash = str_find(text, '/');

    if (slash == STR_NONE || str_has_prefix(text, STR("~")))
        return;
    struct str namespace = str_slice(text, 0, slash);
    struct str host = str_from(text, slash + 1);
    if (str_eq(namespace, STR(".")))
    namespace = own_namespace;
    struct str full = arena_format(arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(host));
    struct str all = arena_concat(arena, namespace, STR("/*"));
    bool is_all = str_eq(host, STR("*"));
    if (is_all ? has_of_namespace(seen, namespace)
               : text_list_has(&seen->hosts, full) || text_list_has(&seen->hosts, all))
        say_text(item, DIAG_V_SIDECAR_HOST_TWICE, text);
    if (!text_list_has(&seen->namespaces, namespace))
        text_list_add(&seen->namespaces, namespace, arena);
    text_list_add(&seen->hosts, full, arena);
}

static void check_egress_hosts(const struct view *listener, struct str own_namespace)
{
    struct view hosts = view_field(listener, STR("hosts"));
    struct egress_hosts seen = {0};

    if (view_count(&hosts) == 0)
        say(listener, DIAG_V_SIDECAR_HOSTS);
    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view item = view_item(&hosts, i);
        claim_host(&item, own_namespace, &seen);
        word_check_scoped_host(&item, field_own_text(&item), false);
    }
    if (text_list_has(&seen.hosts, STR("*/*")) && seen.namespaces.count != 1)
        say(&hosts, DIAG_V_SIDECAR_HOST_ALL);
}

static void check_egress(const struct view *list, struct str own_namespace)
{
    struct taken taken = {0};
    bool has_catch_all = false;

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view listener = view_item(list, i);
        struct view port = view_field(&listener, STR("port"));
        if (!view_is_present(&listener)) {
            say(&listener, DIAG_V_SIDECAR_EGRESS_NULL);
            continue;
        }
        if (view_is_present(&port))
            check_egress_port(&listener, &port, &taken);
        else if (has_catch_all)
            say(&listener, DIAG_V_SIDECAR_CATCH_ALL_TWICE);
        else if (i + 1 == view_count(list))
            has_catch_all = true;
        else
            say(&listener, DIAG_V_SIDECAR_CATCH_ALL_LAST);
        check_egress_hosts(&listener, own_namespace);
    }
}

static void check_outbound(const struct view *policy)
{
    struct view proxy = view_field(policy, STR("egressProxy"));
    struct view host = view_field(&proxy, STR("host"));
    struct str mode = field_choice(policy, STR("mode"), SCHEMA_ENUM_OUTBOUND_TRAFFIC_POLICY_MODE);

    if (!view_is_present(policy))
        return;
    if (str_eq(mode, STR("ALLOW_ANY_DYNAMIC_DNS"))) {
        say(policy, DIAG_V_SIDECAR_DYNAMIC_DNS);
        return;
    }
    if (!view_is_present(&proxy))
        return;
    if (!str_eq(mode, STR("ALLOW_ANY"))) {
        say(&proxy, DIAG_V_SIDECAR_PROXY_MODE);
        return;
    }
    (void)word_say(&host, word_fqdn(field_own_text(&host)));
    if (field_has(&proxy, STR("port")))
        route_check_destination(&proxy);
    else
        say(&proxy, DIAG_V_SIDECAR_PROXY_PORT);
}

void sidecar_rules(const struct view *spec, const struct judged *object)
{
    struct view ingress = view_field(spec, STR("ingress"));
    struct view egress = view_field(spec, STR("egress"));
    struct view outbound = view_field(spec, STR("outboundTrafficPolicy"));
    struct view pool = view_field(spec, STR("inboundConnectionPool"));
    struct taken taken = {0};

    uint32_t first = spec->reading->diags->count;
    if (!selector_check_workload(spec, DIAG_V_SIDECAR_SELECTOR))
        return;
    if (view_count(&egress) == 0 && view_count(&ingress) == 0 && !view_is_present(&outbound) &&
        !view_is_present(&pool)) {
        field_lose_warnings(spec, first); /* as istiod does */
        say(spec, DIAG_V_SIDECAR_EMPTY);
        return;
    }
    for (uint32_t i = 0; i < view_count(&ingress); i++) {
        struct view listener = view_item(&ingress, i);
        check_ingress(&listener, &taken);
    }
    traffic_policy_check_pool(&pool);
    check_egress(&egress, object->namespace);
    check_outbound(&outbound);
}
