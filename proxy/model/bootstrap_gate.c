/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_gate.c - a listener at a port of its own, without the mesh's
 * redirect: what looks at the address and port that were dialled is decided here.
 */
#include "base/check.h"
#include "base/ip.h"
#include "proxy/model/bootstrap_inside.h"

static uint64_t number_of(const struct json_value *object, struct str key)
{
    const struct json_value *value = json_get(object, key);
    uint64_t number = 0;
    return value != NULL && str_to_u64(value->text, UINT32_MAX, &number) ? number : 0;
}

static bool is_dialled(const struct json_value *chain, uint32_t port)
{
    const struct json_value *match = json_get(chain, STR("filterChainMatch"));
    return match != NULL && number_of(match, STR("destinationPort")) == port;
}

static bool is_for_any_port(const struct json_value *chain)
{
    const struct json_value *match = json_get(chain, STR("filterChainMatch"));
    return match == NULL || json_get(match, STR("destinationPort")) == NULL;
}

static bool is_of_port(const struct bootstrap_job *job, const struct json_value *chains,
                       const struct json_value *chain)
{
    bool has_own = false;
    for (uint32_t i = 0; i < chains->count && !has_own; i++)
        has_own = is_dialled(&chains->items[i], job->gate->port);
    return has_own ? is_dialled(chain, job->gate->port) : is_for_any_port(chain);
}

/* How long the chain's longest range is that holds the target, plus 1; 0: it has no range. */
enum { IN_NO_RANGE = -1 };
static int range_of(const struct bootstrap_job *job, const struct json_value *chain)
{
    const struct json_value *match = json_get(chain, STR("filterChainMatch"));
    const struct json_value *ranges = match != NULL ? json_get(match, STR("prefixRanges")) : NULL;
    struct ip target, prefix;
    int best = IN_NO_RANGE;
    if (ranges == NULL || ranges->count == 0)
        return 0;
    for (uint32_t i = 0; i < ranges->count && ip_parse(job->gate->target, &target); i++) {
        uint32_t bits = (uint32_t)number_of(&ranges->items[i], STR("prefixLen"));
        if (ip_parse(bootstrap_text(&ranges->items[i], STR("addressPrefix")), &prefix) &&
            ip_has_prefix(&target, &prefix, bits) && (int)bits + 1 > best)
            best = (int)bits + 1;
    }
    return best;
}

/* Envoy looks at the port first, then at the address, and never comes back to the others. */
bool bootstrap_gate_takes(const struct bootstrap_job *job, const struct json_value *chains,
                          const struct json_value *chain)
{
    int best = 0;
    if (job->gate == NULL)
        return true;
    if (!is_of_port(job, chains, chain))
        return false;
    if (job->gate->target.len == 0)
        return true;
    for (uint32_t i = 0; i < chains->count; i++) {
        int range = range_of(job, &chains->items[i]);
        if (is_of_port(job, chains, &chains->items[i]) && range > best)
            best = range;
    }
    return range_of(job, chain) == best;
}

bool bootstrap_gate_leads(const struct bootstrap_job *job, const struct json_value *listener)
{
    const struct json_value *chains = json_get(listener, STR("filterChains"));
    for (uint32_t i = 0; chains != NULL && i < chains->count; i++) {
        if (bootstrap_gate_takes(job, chains, &chains->items[i]))
            return true;
    }
    return json_get(listener, STR("defaultFilterChain")) != NULL;
}

void bootstrap_gate_match(struct bootstrap_job *job, const struct json_value *match)
{
    static const struct str DECIDED[] = {STR_INIT("destinationPort"), STR_INIT("prefixRanges")};
    bool has_target = job->gate != NULL && job->gate->target.len > 0;
    json_key(job->json, STR("filterChainMatch"));
    json_begin_object(job->json);
    bootstrap_copy_others(job->json, match, DECIDED, job->gate == NULL ? 0 : has_target ? 2 : 1);
    json_end_object(job->json);
}

/* First of a chain's: tells clusters that follow the original destination where it is. */
void bootstrap_gate_destination(struct bootstrap_job *job)
{
    struct json *json = job->json;
    if (job->gate == NULL || job->gate->at.len == 0)
        return;
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("envoy.filters.network.set_filter_state"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 STR("type.googleapis.com/"
                     "envoy.extensions.filters.network.set_filter_state.v3.Config"));
    json_key(json, STR("onNewConnection"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("objectKey"),
                 STR("envoy.network.transport_socket.original_dst_address"));
    json_key(json, STR("formatString"));
    json_begin_object(json);
    json_key(json, STR("textFormatSource"));
    json_begin_object(json);
    json_key_str(json, STR("inlineString"),
                 arena_format(job->arena, "%.*s:%u", STR_FMT(job->gate->at), job->gate->at_port));
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
}

/* A ListenerFilterChainMatchPredicate, of which the port is all that istiod asks. */
static bool is_met(const struct json_value *predicate, uint32_t port)
{
    const struct json_value *range = json_get(predicate, STR("destinationPortRange"));
    const struct json_value *either = json_get(predicate, STR("orMatch"));
    const struct json_value *rules = either != NULL ? json_get(either, STR("rules")) : NULL;
    if (range != NULL)
        return number_of(range, STR("start")) <= port && port < number_of(range, STR("end"));
    for (uint32_t i = 0; rules != NULL && i < rules->count; i++) {
        if (is_met(&rules->items[i], port))
            return true;
    }
    return false;
}

/* A listener's filter. Nobody tells the original destination at a gate. */
bool bootstrap_gate_skips(const struct bootstrap_job *job, const struct json_value *filter)
{
    const struct json_value *disabled = json_get(filter, STR("filterDisabled"));
    if (job->gate == NULL)
        return false;
    return str_eq(bootstrap_text(filter, STR("name")),
                  STR("envoy.filters.listener.original_dst")) ||
           (disabled != NULL && is_met(disabled, job->gate->port));
}

/* A Permission that asks for the port becomes its answer. */
static bool answer_port(struct bootstrap_job *job, struct str key, const struct json_value *value)
{
    struct json *json = job->json;
    uint64_t port = 0;
    if (!str_eq(key, STR("destinationPort")) || !str_to_u64(value->text, UINT16_MAX, &port))
        return false;
    if (port == job->gate->port) {
        json_key_bool(json, STR("any"), true);
        return true;
    }
    json_key(json, STR("notRule"));
    json_begin_object(json);
    json_key_bool(json, STR("any"), true);
    json_end_object(json);
    return true;
}

void bootstrap_gate_filter(struct bootstrap_job *job, struct str type,
                           const struct json_value *config)
{
    if (job->gate != NULL && str_has_suffix(type, STR(".RBAC")))
        bootstrap_copy_rewriting(job, config, answer_port);
    else
        bootstrap_copy(job->json, config);
}
