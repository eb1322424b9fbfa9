/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/route.c - see route.h: destinations, TLS and TCP rules; what
 * an HTTP rule may combine. Its parts are in route_part.c.
 */
#include "config/validate/route.h"

#include "base/check.h"
#include "config/resource/host.h"
#include "config/resource/syntax.h"
#include "config/validate/field.h"
#include "config/validate/route_part.h"
#include "config/validate/word.h"

/* What a redirect (a direct response) shuts out, in Istio's order. */
static const struct {
    struct str field;
    enum diag_id with_redirect, with_response;
} EXCLUDES[] = {
    {STR_INIT("fault"), DIAG_V_FAULT_AND_REDIRECT, DIAG_V_FAULT_AND_RESPONSE},
    {STR_INIT("rewrite"), DIAG_V_REWRITE_AND_REDIRECT, DIAG_V_REWRITE_AND_RESPONSE},
};

static void check_weights(const struct view *list)
{
    int64_t total = 0;

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        struct view destination = view_field(&item, STR("destination"));
        if (!view_is_present(&item)) {
            say(&item, DIAG_V_WEIGHT_NIL);
            continue;
        }
        if (!view_is_present(&destination))
            say(&item, DIAG_V_DESTINATION_MISSING);
        route_part_check_headers(&item);
        route_check_destination(&destination);
        int64_t weight = field_number(&item, STR("weight"));
        if (weight < 0)
            say_number(&item, DIAG_V_WEIGHT_NEGATIVE, weight);
        total += weight;
    }
    if (view_count(list) > 1 && total == 0)
        say(list, DIAG_V_WEIGHT_SUM);
}

static void check_subnets(const struct view *match)
{
    struct view subnets = view_field(match, STR("destinationSubnets"));
    struct view port = view_field(match, STR("port"));
    struct view labels = view_field(match, STR("sourceLabels"));
    struct view gateways = view_field(match, STR("gateways"));

    for (uint32_t i = 0; i < view_count(&subnets); i++) {
        struct view item = view_item(&subnets, i);
        (void)word_say(&item, word_subnet(field_own_text(&item)));
    }
    if (field_own_number(&port) != 0)
        word_check_port(&port, field_own_number(&port));
    word_check_labels(&labels);
    word_check_gateways(&gateways);
}

/* "a, b" */
static struct str joined_hosts(const struct view *spec)
{
    struct view hosts = view_field(spec, STR("hosts"));
    struct str text = STR_EMPTY;

    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view item = view_item(&hosts, i);
        text = arena_format(spec->reading->arena, "%.*s%s%.*s", STR_FMT(text), i == 0 ? "" : ", ",
                            STR_FMT(field_own_text(&item)));
    }
    return text;
}

static void check_sni_host(const struct view *item, const struct view *spec)
{
    struct view hosts = view_field(spec, STR("hosts"));
    struct str sni = field_own_text(item);
    struct word_fault wrong =
        route_is_for_gateways(spec) ? word_gateway_domain(sni, true) : word_wildcard_domain(sni);

    if (!word_is_fine(wrong)) {
        if (host_is_ip(sni))
            say_text(item, DIAG_V_SNI_IP, field_quoted(item, sni));
        else
            (void)word_say(item, wrong);
        return;
    }
    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view host = view_item(&hosts, i);
        if (host_is_within(sni, field_own_text(&host)))
            return;
    }
    view_complain(item, DIAG_V_SNI_NOT_SUBSET, field_quoted(item, sni), joined_hosts(spec));
}

static void check_tls_match(const struct view *match, const struct view *spec)
{
    struct view hosts = view_field(match, STR("sniHosts"));

    if (!view_is_present(match)) {
        say(match, DIAG_V_TLS_MATCH_NULL);
        return;
    }
    if (view_count(&hosts) == 0)
        say(match, DIAG_V_TLS_MATCH_SNI);
    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view item = view_item(&hosts, i);
        check_sni_host(&item, spec);
    }
    check_subnets(match);
}

/* A rule that hands over to a delegate. */
static void check_root(const struct view *route)
{
    struct str name = field_text(route, STR("name"));

    if (field_has(route, STR("redirect")))
        say_text(route, DIAG_V_ROOT_REDIRECT, name);
    if (field_has(route, STR("route")))
        say_text(route, DIAG_V_ROOT_ROUTE, name);
}

/* What may not stand together. */
static void check_conflicts(const struct view *route, bool is_delegate)
{
    bool has_redirect = field_has(route, STR("redirect"));
    bool has_response = field_has(route, STR("directResponse"));
    bool has_route = field_count(route, STR("route")) > 0;

    if (!is_delegate && field_has(route, STR("delegate"))) {
        check_root(route);
        return;
    }
    if (is_delegate && field_has(route, STR("delegate")))
        say(route, DIAG_V_DELEGATE_OF_DELEGATE);
    if (has_redirect || has_response) {
        if (has_route)
            say(route, has_redirect ? DIAG_V_ROUTE_AND_REDIRECT : DIAG_V_ROUTE_AND_RESPONSE);
        for (size_t i = 0; i < COUNT_OF(EXCLUDES); i++)
            if (field_has(route, EXCLUDES[i].field))
                say(route, has_redirect ? EXCLUDES[i].with_redirect : EXCLUDES[i].with_response);
        if (has_redirect && has_response)
            say(route, DIAG_V_RESPONSE_AND_REDIRECT);
    } else if (!has_route) {
        say(route, DIAG_V_ROUTE_REQUIRED);
    }
    if (field_has(route, STR("mirror")) && field_count(route, STR("mirrors")) > 0)
        say(route, DIAG_V_MIRROR_AND_MIRRORS);
}

bool route_is_for_gateways(const struct view *spec)
{
    struct view gateways = view_field(spec, STR("gateways"));

    for (uint32_t i = 0; i < view_count(&gateways); i++) {
        struct view item = view_item(&gateways, i);
        if (str_eq(field_own_text(&item), STR("mesh")))
            return false;
    }
    return view_count(&gateways) > 0;
}

bool route_is_claim(struct str header)
{
    static const struct str PREFIX = STR_INIT("@request.auth.claims");

    if (!str_has_prefix_ci(header, PREFIX) || header.len < PREFIX.len + 2)
        return false;
    struct str rest = str_from(header, PREFIX.len);
    if (rest.ptr[0] == '.')
        return true;
    return rest.ptr[0] == '[' && rest.ptr[rest.len - 1] == ']' && rest.len > 2;
}

void route_check_destination(const struct view *destination)
{
    struct view host = view_field(destination, STR("host"));
    struct view subset = view_field(destination, STR("subset"));
    struct view port = view_field(destination, STR("port"));

    if (!view_is_present(destination))
        return;
    if (str_eq(field_own_text(&host), STR("*")))
        say(&host, DIAG_V_DESTINATION_STAR);
    else
        (void)word_say(&host, word_wildcard_domain(field_own_text(&host)));
    if (field_own_text(&subset).len > 0 && !syntax_is_label(field_own_text(&subset)))
        say_text(&subset, DIAG_V_SUBSET_NAME, field_own_text(&subset));
    if (view_is_present(&port))
        word_check_port(&port, field_number(&port, STR("number")));
}

void route_check_tls(const struct view *route, const struct view *spec)
{
    struct view matches = view_field(route, STR("match"));
    struct view list = view_field(route, STR("route"));

    if (!view_is_present(route))
        return;
    if (view_count(&matches) == 0)
        say(route, DIAG_V_TLS_ROUTE_MATCH);
    for (uint32_t i = 0; i < view_count(&matches); i++) {
        struct view match = view_item(&matches, i);
        check_tls_match(&match, spec);
    }
    if (view_count(&list) == 0)
        say(route, DIAG_V_TLS_ROUTE_REQUIRED);
    check_weights(&list);
}

void route_check_tcp(const struct view *route)
{
    struct view matches = view_field(route, STR("match"));
    struct view list = view_field(route, STR("route"));

    if (!view_is_present(route))
        return;
    for (uint32_t i = 0; i < view_count(&matches); i++) {
        struct view match = view_item(&matches, i);
        uint32_t first = route->reading->diags->count;
        if (view_is_present(&match))
            check_subnets(&match);
        else
            say(&match, DIAG_V_TCP_MATCH_NIL);
        field_lose_warnings(route, first); /* as istiod does */
    }
    if (view_count(&list) == 0)
        say(route, DIAG_V_TCP_ROUTE_REQUIRED);
    check_weights(&list);
}

void route_check_http(const struct view *route, bool is_delegate)
{
    struct view mirror = view_field(route, STR("mirror"));
    struct view list = view_field(route, STR("route"));

    check_conflicts(route, is_delegate);
    route_part_check_matches(route);
    route_part_check_headers(route);
    route_part_check_cors(route);
    route_part_check_fault(route);
    route_part_check_mirrors(route);
    route_check_destination(&mirror);
    route_part_check_redirect(route);
    route_part_check_response(route);
    route_part_check_retries(route);
    route_part_check_rewrite(route);
    check_weights(&list);
    word_check_duration(route, STR("timeout"));
}
