/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/gateway_rules.c - see rules.h; ISTIO.md 9.5.
 */
#include "base/check.h"
#include "config/resource/label.h"
#include "config/resource/syntax.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/tls.h"
#include "config/validate/word.h"

#define UNIX_PREFIX STR("unix://")

/* A message as Go prints it: number:80  protocol:"HTTP"  name:"http". */
static struct str port_text(const struct view *port)
{
    static const struct str NAMES[] = {STR_INIT("protocol"), STR_INIT("name")};
    struct arena *arena = port->reading->arena;
    int64_t number = field_number(port, STR("number"));
    int64_t target = field_number(port, STR("targetPort"));
    struct str text = STR_EMPTY;

    if (number != 0)
        text = arena_format(arena, "number:%lld", (long long)number);
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        struct str value = field_text(port, NAMES[i]);
        if (value.len > 0)
            text = arena_format(arena, "%.*s%s%.*s:\"%.*s\"", STR_FMT(text),
                                text.len > 0 ? "  " : "", STR_FMT(NAMES[i]), STR_FMT(value));
    }
    if (target != 0)
        text = arena_format(arena, "%.*s%starget_port:%lld", STR_FMT(text),
                            text.len > 0 ? "  " : "", (long long)target);
    return text;
}

/* True when the port is fine. */
static bool check_port(const struct view *port, struct str bind)
{
    struct str protocol = field_text(port, STR("protocol"));
    int64_t number = field_number(port, STR("number"));
    bool is_fine = true;

    if (!view_is_present(port)) {
        say(port, DIAG_V_SERVER_PORT);
        return false;
    }
    if (word_protocol_kind(protocol) == WORD_PROTOCOL_UNSUPPORTED) {
        say_text(port, DIAG_V_SERVER_PROTOCOL, field_quoted(port, protocol));
        is_fine = false;
    }
    if ((number > 0 || !str_has_prefix(bind, UNIX_PREFIX)) && !word_is_port(number)) {
        say_number(port, DIAG_V_PORT_RANGE, number);
        is_fine = false;
    }
    if (field_number(port, STR("targetPort")) > 0) {
        say(port, DIAG_V_SERVER_TARGET_PORT);
        is_fine = false;
    }
    if (field_text(port, STR("name")).len == 0) {
        say_text(port, DIAG_V_SERVER_PORT_NAME, port_text(port));
        is_fine = false;
    }
    return is_fine;
}

static void check_bind(const struct view *server, const struct view *port)
{
    struct view field = view_field(server, STR("bind"));
    struct str bind = field_own_text(&field);

    if (str_has_prefix(bind, UNIX_PREFIX)) {
        (void)word_say(&field, word_unix_path(str_from(bind, UNIX_PREFIX.len)));
        if (field_number(port, STR("number")) != 0)
            say_text(port, DIAG_V_SERVER_UNIX_PORT, port_text(port));
    } else if (bind.len > 0) {
        (void)word_say(&field, word_ip(bind));
    }
}

static void check_protocol_and_tls(const struct view *port, const struct view *tls)
{
    enum word_protocol_kind kind = word_protocol_kind(field_text(port, STR("protocol")));
    struct str mode = field_choice(tls, STR("mode"), SCHEMA_ENUM_SERVER_TLS_SETTINGS_TLS_MODE);
    bool has_files = field_text(tls, STR("caCertificates")).len > 0 ||
                     field_text(tls, STR("privateKey")).len > 0 ||
                     field_text(tls, STR("serverCertificate")).len > 0;

    if (kind == WORD_PROTOCOL_TLS) {
        if (!view_is_present(tls))
            say(port, DIAG_V_SERVER_NEEDS_TLS);
        return;
    }
    if (!view_is_present(tls))
        return;
    if (kind != WORD_PROTOCOL_HTTP)
        say(tls, DIAG_V_SERVER_TLS_OTHER);
    else if ((!str_eq(mode, STR("PASSTHROUGH")) && !str_eq(mode, STR("AUTO_PASSTHROUGH"))) ||
             has_files)
        say(tls, DIAG_V_SERVER_TLS_HTTP);
}

static void check_server(const struct view *server)
{
    struct view hosts = view_field(server, STR("hosts"));
    struct view port = view_field(server, STR("port"));
    struct view tls = view_field(server, STR("tls"));

    if (view_count(&hosts) == 0)
        say(server, DIAG_V_SERVER_HOSTS);
    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view host = view_item(&hosts, i);
        word_check_scoped_host(&host, field_own_text(&host), true);
    }
    bool is_port_fine = check_port(&port, field_text(server, STR("bind")));
    check_bind(server, &port);
    tls_check_server(&tls);
    if (is_port_fine)
        check_protocol_and_tls(&port, &tls);
}

static void check_port_names(const struct view *servers)
{
    struct text_list names = {0};

    for (uint32_t i = 0; i < view_count(servers); i++) {
        struct view server = view_item(servers, i);
        struct view port = view_field(&server, STR("port"));
        struct view tls = view_field(&server, STR("tls"));
        struct str name = field_text(&port, STR("name"));
        if (!view_is_present(&port))
            continue;
        if (text_list_has(&names, name))
            say_text(&port, DIAG_V_SERVER_PORT_TWICE, name);
        text_list_add(&names, name, servers->reading->arena);
        if (word_protocol_kind(field_text(&port, STR("protocol"))) != WORD_PROTOCOL_HTTP &&
            field_is_true(&tls, STR("httpsRedirect")))
            say(&tls, DIAG_V_SERVER_REDIRECT);
    }
}

void gateway_rules(const struct view *spec, const struct judged *object)
{
    struct view servers = view_field(spec, STR("servers"));

    if (!syntax_is_label(object->name))
        say_text(spec, DIAG_V_GATEWAY_OBJECT_NAME, field_quoted(spec, object->name));
    if (view_count(&servers) == 0)
        say(spec, DIAG_V_GATEWAY_SERVERS);
    for (uint32_t i = 0; i < view_count(&servers); i++) {
        struct view server = view_item(&servers, i);
        if (view_is_present(&server)) {
            check_server(&server);
        } else {
            say(&server, DIAG_V_SERVER_NULL);
            say(&server, DIAG_V_SERVER_NIL);
        }
    }
    check_port_names(&servers);
}
