/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/rbac.c - see rbac.h.
 */
#include "proxy/core/rbac.h"

#include "base/check.h"
#include "base/ip.h"
#include "proxy/core/jwt.h"
#include "proxy/core/matcher.h"

/* --- one question ------------------------------------------------------------ */

static bool is_in_range(struct str address, const struct cidr *range)
{
    struct ip one, other;

    return ip_parse(address, &one) && ip_parse(range->address, &other) &&
           ip_has_prefix(&one, &other, range->bits);
}

static bool is_header_met(const struct rbac_node *node, const struct request_head *head)
{
    struct matcher_met met;
    struct header_matcher matcher = {.name = node->header, .match = node->text};

    return head != NULL && matcher_header(&matcher, head, &met);
}

static bool is_path_met(const struct string_matcher *text, const struct request_head *head)
{
    return head != NULL && head->path.len > 0 &&
           matcher_string(text, matcher_bare_path(head->path));
}

/* The letters that a segment of a path may have (RFC 3986's pchar). */
static bool is_segment_letter(char c)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_letter || str_find(STR("-._~%!$&'()+,;:@="), c) != STR_NONE;
}

/* How much of the text an operator can take at most. */
static size_t reach(struct str text, bool is_any)
{
    size_t size = 0;
    while (size < text.len &&
           (is_segment_letter(text.ptr[size]) || (is_any && text.ptr[size] == '/')))
        size++;
    return size;
}

/* "*" takes letters of one segment, at least one; "**" any of them and slashes. As much as
 * can be, then less. Deep as there are stars, and a star does not leave its segment. */
static bool is_template_met(struct str pattern, struct str path)
{
    while (pattern.len > 0 && pattern.ptr[0] != '*') {
        if (path.len == 0 || path.ptr[0] != pattern.ptr[0])
            return false;
        pattern = str_from(pattern, 1);
        path = str_from(path, 1);
    }
    if (pattern.len == 0)
        return path.len == 0;
    bool is_any = str_has_prefix(pattern, STR("**"));
    size_t least = is_any ? 0 : 1;
    pattern = str_from(pattern, is_any ? 2 : 1);
    for (size_t size = reach(path, is_any) + 1; size-- > least;) {
        if (is_template_met(pattern, str_from(path, size)))
            return true;
    }
    return false;
}

/* A name of the peer's certificate. */
static bool is_peer_met(const struct string_matcher *text, const struct certificate *peer)
{
    if (peer == NULL)
        return false;
    for (uint32_t i = 0; i < peer->uri_count; i++) {
        if (matcher_string(text, peer->uris[i]))
            return true;
    }
    for (uint32_t i = 0; i < peer->name_count; i++) {
        if (matcher_string(text, peer->names[i]))
            return true;
    }
    return matcher_string(text, peer->subject);
}

/* --- claims -------------------------------------------------------------------- */

static bool is_text_met(const struct json_value *value, const struct metadata_matcher *matcher,
                        bool is_list)
{
    for (uint32_t i = 0; i < matcher->value_count; i++) {
        bool is_of_list = matcher->kind == METADATA_MIXED && matcher->are_lists[i];
        if (is_of_list == is_list && matcher_string(&matcher->values[i], value->text))
            return true;
    }
    return false;
}

static bool is_value_met(const struct json_value *value, const struct metadata_matcher *matcher)
{
    if (value->kind == JSON_STRING)
        return is_text_met(value, matcher, false);
    if (value->kind != JSON_ARRAY || matcher->kind == METADATA_TEXT)
        return false;
    for (uint32_t i = 0; i < value->count; i++) {
        const struct json_value *item = &value->items[i];
        if (item->kind == JSON_STRING &&
            is_text_met(item, matcher, matcher->kind == METADATA_MIXED))
            return true;
    }
    return false;
}

/* Only a token's payload is ever there: "payload", then the claim. */
static bool is_claim_met(const struct metadata_matcher *matcher, const struct json_value *claims)
{
    if (!str_eq(matcher->filter, STR("envoy.filters.http.jwt_authn")) ||
        !str_eq(matcher->path[0], STR("payload")))
        return false;
    const struct json_value *at = jwt_claim(claims, matcher->path + 1, matcher->path_count - 1);
    return at != NULL && is_value_met(at, matcher);
}

/* --- trees --------------------------------------------------------------------- */

static bool is_met(const struct rbac_node *node, const struct rbac_facts *facts)
{
    switch (node->kind) {
    case RBAC_ANY:
        return true;
    case RBAC_ALL_OF:
        for (uint32_t i = 0; i < node->child_count; i++) {
            if (!is_met(&node->children[i], facts))
                return false;
        }
        return true;
    case RBAC_ONE_OF:
        for (uint32_t i = 0; i < node->child_count; i++) {
            if (is_met(&node->children[i], facts))
                return true;
        }
        return false;
    case RBAC_NOT:
        return !is_met(node->children, facts);
    case RBAC_HEADER:
        return is_header_met(node, facts->head);
    case RBAC_URL_PATH:
        return is_path_met(&node->text, facts->head);
    case RBAC_URI_TEMPLATE:
        return facts->head != NULL &&
               is_template_met(node->text.value, matcher_bare_path(facts->head->path));
    case RBAC_DESTINATION_IP:
        return is_in_range(facts->local_address, &node->range);
    case RBAC_DESTINATION_PORT:
        return facts->local_port == node->port;
    case RBAC_SERVER_NAME:
        return matcher_string(&node->text, facts->server_name);
    case RBAC_AUTHENTICATED:
        return is_peer_met(&node->text, facts->peer);
    case RBAC_DIRECT_REMOTE_IP:
        return is_in_range(facts->direct_address, &node->range);
    case RBAC_REMOTE_IP:
        return is_in_range(facts->remote_address, &node->range);
    case RBAC_METADATA:
        return is_claim_met(node->metadata, facts->claims);
    }
    UNREACHABLE("rbac_kind");
}

static bool is_any_met(const struct rbac_node *nodes, uint32_t count,
                       const struct rbac_facts *facts)
{
    for (uint32_t i = 0; i < count; i++) {
        if (is_met(&nodes[i], facts))
            return true;
    }
    return false;
}

/* Envoy keeps policies by name, in the order of bytes. */
static const struct rbac_policy *find_policy(const struct rbac_rules *rules,
                                             const struct rbac_facts *facts)
{
    const struct rbac_policy *found = NULL;

    for (uint32_t i = 0; i < rules->policy_count; i++) {
        const struct rbac_policy *policy = &rules->policies[i];
        if ((found == NULL || str_order(policy->name, found->name) < 0) &&
            is_any_met(policy->permissions, policy->permission_count, facts) &&
            is_any_met(policy->principals, policy->principal_count, facts))
            found = policy;
    }
    return found;
}

struct rbac_facts rbac_facts_of(const struct record_downstream *down)
{
    return (struct rbac_facts){
        .peer = down->tls != NULL ? down->tls->peer : NULL,
        .server_name = down->server_name,
        .direct_address = down->direct_address,
        .remote_address = down->remote_address,
        .local_address = down->local_address,
        .local_port = down->local_port,
    };
}

struct rbac_verdict rbac_judge(const struct rbac_rules *rules, const struct rbac_facts *facts)
{
    if (!rules->is_there)
        return (struct rbac_verdict){.is_allowed = true};
    struct rbac_verdict out = {.policy = find_policy(rules, facts)};
    switch (rules->action) {
    case RBAC_ALLOW:
        out.is_allowed = out.policy != NULL;
        return out;
    case RBAC_DENY:
        out.is_allowed = out.policy == NULL;
        return out;
    case RBAC_LOG:
        out.is_allowed = true;
        return out;
    }
    UNREACHABLE("rbac_action");
}

struct str rbac_details(const struct rbac_verdict *verdict, struct arena *arena)
{
    struct str name = verdict->policy != NULL ? verdict->policy->name : STR("none");

    return arena_format(arena, "rbac_access_denied_matched_policy[%.*s]", STR_FMT(name));
}

struct rbac_finding rbac_find(const struct rbac *rbac, const struct rbac_facts *facts)
{
    return (struct rbac_finding){.rules = rbac_judge(&rbac->rules, facts),
                                 .shadow = rbac_judge(&rbac->shadow, facts)};
}

void rbac_count(const struct rbac *rbac, const struct rbac_finding *finding, uint64_t *counters)
{
    if (rbac->rules.is_there)
        counters[finding->rules.is_allowed ? STAT_RBAC_allowed : STAT_RBAC_denied]++;
    if (!rbac->shadow.is_there || rbac->kind == RBAC_SHADOW_NONE)
        return;
    uint32_t pair = 2 * (uint32_t)(rbac->kind - RBAC_SHADOW_ALLOW);
    counters[STAT_RBAC_dry_run_allow_allowed + pair + !finding->shadow.is_allowed]++;
}

const struct rbac *access_filter(const struct security *security, enum access_stage stage,
                                 uint32_t index)
{
    switch (stage) {
    case ACCESS_CUSTOM:
        return index < security->custom_count ? &security->customs[index].rbac : NULL;
    case ACCESS_RULES:
        return index < security->rbac_count ? &security->rbacs[index] : NULL;
    }
    UNREACHABLE("access_stage");
}
