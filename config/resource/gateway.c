/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/gateway.c - see gateway.h.
 *
 * Source: ISTIO.md 5.7, 9.5.
 */
#include "config/resource/gateway.h"

#include "config/resource/host.h"
#include "config/resource/syntax.h"

static const struct field_row SPEC_ROWS[] = {{"servers", FIELD_USED}, {"selector", FIELD_USED}};
static const struct field_row SERVER_ROWS[] = {
    {"port", FIELD_USED}, {"bind", FIELD_USED},    {"hosts", FIELD_USED},
    {"tls", FIELD_USED},  {"name", FIELD_IGNORED}, {"defaultEndpoint", FIELD_NO_EFFECT},
};
static const struct field_row PORT_ROWS[] = {{"number", FIELD_USED},
                                             {"protocol", FIELD_USED},
                                             {"name", FIELD_USED},
                                             {"targetPort", FIELD_USED}};

static struct str upper(struct str text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len);

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return (struct str){out, text.len};
}

static bool is_one_of(struct str text, const struct str *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++) {
        if (str_eq(text, names[i]))
            return true;
    }
    return false;
}

static bool is_http(struct str protocol)
{
    static const struct str NAMES[] = {STR_INIT("HTTP"), STR_INIT("HTTP2"), STR_INIT("GRPC"),
                                       STR_INIT("GRPC-WEB")};

    return is_one_of(protocol, NAMES, COUNT_OF(NAMES));
}

static bool is_tls(struct str protocol)
{
    return str_eq(protocol, STR("HTTPS")) || str_eq(protocol, STR("TLS"));
}

static bool is_known(struct str protocol)
{
    static const struct str NAMES[] = {STR_INIT("TCP"), STR_INIT("MONGO"), STR_INIT("REDIS"),
                                       STR_INIT("MYSQL")};

    return is_http(protocol) || is_tls(protocol) || is_one_of(protocol, NAMES, COUNT_OF(NAMES));
}

static void read_port(const struct view *server, struct gateway_server *out)
{
    struct view port = view_map(server, STR("port"));

    if (!view_is_present(&port)) {
        view_complain(server, DIAG_GATEWAY_PORT_MISSING, STR_EMPTY, STR_EMPTY);
        return;
    }
    view_check_fields(&port, PORT_ROWS, COUNT_OF(PORT_ROWS));
    struct view number_field = view_field(&port, STR("number"));
    int64_t number = view_i64(&port, STR("number"), INT64_MIN, INT64_MAX, 0);
    syntax_check_port(view_is_present(&number_field) ? &number_field : &port, number);
    out->port = number > 0 && number <= 65535 ? (uint32_t)number : 0;
    out->port_name = view_str(&port, STR("name"), STR_EMPTY);
    if (out->port_name.len == 0)
        view_complain(&port, DIAG_GATEWAY_PORT_NAME, STR_EMPTY, STR_EMPTY);
    struct view target = view_field(&port, STR("targetPort"));
    if (view_is_present(&target))
        view_complain(&target, DIAG_GATEWAY_PORT_TARGET, STR_EMPTY, STR_EMPTY);
    struct view protocol = view_field(&port, STR("protocol"));
    out->protocol = upper(view_str(&port, STR("protocol"), STR_EMPTY), server->reading->arena);
    const struct view *place = view_is_present(&protocol) ? &protocol : &port;
    if (!is_known(out->protocol))
        view_complain(place, DIAG_GATEWAY_PROTOCOL, out->protocol, STR_EMPTY);
}

static void check_host(const struct view *item, struct str host)
{
    if (str_eq(host, STR("*")) || host_is_ip(host))
        return;
    if (str_find(host, '.') == STR_NONE)
        view_complain(item, DIAG_GATEWAY_HOST_SHORT, host, STR_EMPTY);
    else if (host_is_wildcard(host) && host.ptr[1] != '.')
        view_complain(item, DIAG_GATEWAY_HOST_PARTIAL, host, STR_EMPTY);
    else
        syntax_check_wildcard_domain(item, host);
}

/* "./h" is the own namespace's, of "star slash h" only h is left. */
static void read_host(const struct view *item, struct str own_namespace, struct gateway_host *out)
{
    struct str text = view_own_str(item, STR_EMPTY);
    size_t slash = str_find(text, '/');

    out->host = text;
    if (slash != STR_NONE) {
        out->namespace = str_slice(text, 0, slash);
        out->host = str_from(text, slash + 1);
        bool is_any = str_eq(out->namespace, STR("*"));
        if (out->namespace.len == 0 || out->host.len == 0)
            view_complain(item, DIAG_GATEWAY_HOST_HALF, text, STR_EMPTY);
        else if (!is_any && !str_eq(out->namespace, STR(".")) && !syntax_is_label(out->namespace))
            view_complain(item, DIAG_GATEWAY_HOST_NAMESPACE, out->namespace, STR_EMPTY);
        if (is_any)
            out->namespace = STR_EMPTY;
        else if (str_eq(out->namespace, STR(".")))
            out->namespace = own_namespace;
    }
    check_host(item, out->host);
    out->text = out->namespace.len > 0 ? arena_format(item->reading->arena, "%.*s/%.*s",
                                                      STR_FMT(out->namespace), STR_FMT(out->host))
                                       : out->host;
}

static void read_tls(const struct view *server, struct gateway_server *out)
{
    struct view tls = view_map(server, STR("tls"));

    if (!view_is_present(&tls)) {
        if (is_tls(out->protocol))
            view_complain(server, DIAG_GATEWAY_TLS_MISSING, STR_EMPTY, STR_EMPTY);
        return;
    }
    out->tls = server_tls_read(&tls);
    out->is_redirecting_to_https = out->tls->is_redirecting_to_https;
    bool has_more =
        tls.node->count > 1 ||
        (tls.node->count == 1 && !str_eq(tls.node->entries[0].key, STR("httpsRedirect")));
    if (!is_tls(out->protocol) && has_more)
        view_complain(&tls, DIAG_GATEWAY_TLS_PLAIN, out->protocol, STR_EMPTY);
}

static void read_server(const struct view *server, struct str own_namespace,
                        struct gateway_server *out)
{
    struct view hosts = view_list(server, STR("hosts"));
    struct view bind = view_field(server, STR("bind"));

    out->origin = view_origin(server);
    view_check_fields(server, SERVER_ROWS, COUNT_OF(SERVER_ROWS));
    read_port(server, out);
    out->host_count = view_count(&hosts);
    out->hosts = ARENA_ARRAY(server->reading->arena, struct gateway_host, out->host_count);
    for (uint32_t i = 0; i < out->host_count; i++) {
        struct view item = view_item(&hosts, i);
        read_host(&item, own_namespace, &out->hosts[i]);
    }
    if (out->host_count == 0)
        view_complain(server, DIAG_GATEWAY_NO_HOSTS, STR_EMPTY, STR_EMPTY);
    out->bind = view_str(server, STR("bind"), STR_EMPTY);
    if (out->bind.len > 0 && !host_is_ip(out->bind))
        view_complain(&bind, DIAG_GATEWAY_BIND, out->bind, STR_EMPTY);
    read_tls(server, out);
}

bool gateway_server_is_http(const struct gateway_server *server)
{
    return is_http(server->protocol);
}

bool gateway_server_is_tls(const struct gateway_server *server)
{
    return server->tls != NULL && !is_http(server->protocol);
}

bool gateway_server_is_https_ended(const struct gateway_server *server)
{
    return str_eq(server->protocol, STR("HTTPS")) && server->tls != NULL &&
           !server_tls_is_passthrough(server->tls);
}

void gateway_read(const struct view *spec, struct gateway *out)
{
    struct view servers = view_list(spec, STR("servers"));
    struct view selector = view_map(spec, STR("selector"));
    struct text_list names = {0};

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    out->selector = label_list_read(&selector);
    if (view_count(&servers) == 0)
        view_complain(spec, DIAG_GATEWAY_NO_SERVERS, STR_EMPTY, STR_EMPTY);
    out->servers = ARENA_ARRAY(spec->reading->arena, struct gateway_server, view_count(&servers));
    for (uint32_t i = 0; i < view_count(&servers); i++) {
        struct view item = view_item(&servers, i);
        struct gateway_server server = {0};
        read_server(&item, out->meta.namespace, &server);
        if (server.port_name.len > 0 && text_list_has(&names, server.port_name))
            view_complain(&item, DIAG_GATEWAY_PORT_NAME_TWICE, server.port_name, STR_EMPTY);
        text_list_add(&names, server.port_name, spec->reading->arena);
        out->servers[out->server_count++] = server;
    }
}
