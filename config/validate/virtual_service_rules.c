/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/virtual_service_rules.c - see rules.h; ISTIO.md 9.3.
 */
#include "config/resource/host.h"
#include "config/validate/field.h"
#include "config/validate/reachability.h"
#include "config/validate/route.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/word.h"

/* Without hosts it is a delegate. */
static void check_delegate(const struct view *spec)
{
    if (field_count(spec, STR("gateways")) > 0)
        say(spec, DIAG_V_DELEGATE_GATEWAYS);
    if (field_count(spec, STR("tls")) > 0)
        say(spec, DIAG_V_DELEGATE_TLS);
    if (field_count(spec, STR("tcp")) > 0)
        say(spec, DIAG_V_DELEGATE_TCP);
}

/* "[a b]" */
static struct str gateways_text(const struct view *spec)
{
    struct view gateways = view_field(spec, STR("gateways"));
    struct str text = STR("[");

    for (uint32_t i = 0; i < view_count(&gateways); i++) {
        struct view item = view_item(&gateways, i);
        text = arena_format(spec->reading->arena, "%.*s%s%.*s", STR_FMT(text), i == 0 ? "" : " ",
                            STR_FMT(field_own_text(&item)));
    }
    return arena_concat(spec->reading->arena, text, STR("]"));
}

static void check_claims_of(const struct view *headers, const struct view *spec)
{
    for (uint32_t i = 0; i < view_count(headers); i++) {
        struct view entry = view_entry(headers, i);
        if (route_is_claim(entry.key))
            view_complain(&entry, DIAG_V_CLAIM_MESH, entry.key, gateways_text(spec));
    }
}

/* Claims of a token are known to gateways only. */
static void check_claims(const struct view *spec)
{
    struct view routes = view_field(spec, STR("http"));

    for (uint32_t i = 0; i < view_count(&routes); i++) {
        struct view route = view_item(&routes, i);
        struct view matches = view_field(&route, STR("match"));
        for (uint32_t k = 0; k < view_count(&matches); k++) {
            struct view match = view_item(&matches, k);
            struct view headers = view_field(&match, STR("headers"));
            struct view without = view_field(&match, STR("withoutHeaders"));
            check_claims_of(&headers, spec);
            check_claims_of(&without, spec);
        }
    }
}

static bool has_sni(const struct view *spec)
{
    struct view routes = view_field(spec, STR("tls"));

    for (uint32_t i = 0; i < view_count(&routes); i++) {
        struct view route = view_item(&routes, i);
        struct view matches = view_field(&route, STR("match"));
        for (uint32_t k = 0; k < view_count(&matches); k++) {
            struct view match = view_item(&matches, k);
            if (field_count(&match, STR("sniHosts")) > 0)
                return true;
        }
    }
    return false;
}

static bool check_host(const struct view *item, bool is_for_gateways, bool is_sni)
{
    struct str host = field_own_text(item);
    struct word_fault wrong =
        is_for_gateways ? word_gateway_domain(host, is_sni) : word_wildcard_domain(host);

    if (!word_is_fine(wrong))
        return host_is_ip(host) || word_say(item, wrong);
    if (!is_for_gateways && str_eq(host, STR("*"))) {
        say(item, DIAG_V_HOST_STAR);
        return false;
    }
    return true;
}

static void check_hosts(const struct view *spec, bool is_for_gateways)
{
    struct view hosts = view_field(spec, STR("hosts"));
    bool is_sni = has_sni(spec);
    bool are_fine = true;

    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view item = view_item(&hosts, i);
        are_fine &= check_host(&item, is_for_gateways, is_sni);
    }
    for (uint32_t i = 0; are_fine && i < view_count(&hosts); i++) {
        struct view a = view_item(&hosts, i);
        for (uint32_t k = i + 1; k < view_count(&hosts); k++) {
            struct view b = view_item(&hosts, k);
            if (host_matches(field_own_text(&a), field_own_text(&b)))
                view_complain(&b, DIAG_V_HOSTS_TWICE, field_own_text(&a), field_own_text(&b));
        }
    }
}

void virtual_service_rules(const struct view *spec, const struct judged *object)
{
    struct view gateways = view_field(spec, STR("gateways"));
    struct view http = view_field(spec, STR("http"));
    struct view tls = view_field(spec, STR("tls"));
    struct view tcp = view_field(spec, STR("tcp"));
    bool is_delegate = field_count(spec, STR("hosts")) == 0;
    bool is_for_gateways = route_is_for_gateways(spec);

    if (is_delegate)
        check_delegate(spec);
    word_check_gateways(&gateways);
    if (!is_for_gateways)
        check_claims(spec);
    check_hosts(spec, is_for_gateways);
    if (view_count(&http) == 0 && view_count(&tcp) == 0 && view_count(&tls) == 0)
        say(spec, DIAG_V_NO_RULES);
    for (uint32_t i = 0; i < view_count(&http); i++) {
        struct view route = view_item(&http, i);
        if (view_is_present(&route))
            route_check_http(&route, is_delegate);
        else
            say(&route, DIAG_V_HTTP_NULL);
    }
    for (uint32_t i = 0; i < view_count(&tls); i++) {
        struct view route = view_item(&tls, i);
        route_check_tls(&route, spec);
    }
    for (uint32_t i = 0; i < view_count(&tcp); i++) {
        struct view route = view_item(&tcp, i);
        route_check_tcp(&route);
    }
    selector_check_export_to(spec, (struct selector_scope){.namespace = object->namespace});
    reachability_check(&http, true);
    reachability_check(&tcp, false);
    reachability_check(&tls, false);
}
