/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_gate.c - a listener for inbound traffic at a port of its
 * own, without the mesh's redirect: what looks at the port that was dialled is
 * decided here.
 */
#include "base/check.h"
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

/* Envoy looks at the port first, and never comes back to the others. */
bool bootstrap_gate_takes(const struct bootstrap_job *job, const struct json_value *chains,
                          const struct json_value *chain)
{
    bool has_own = false;
    if (job->gate == NULL)
        return true;
    for (uint32_t i = 0; i < chains->count && !has_own; i++)
        has_own = is_dialled(&chains->items[i], job->gate->port);
    return has_own ? is_dialled(chain, job->gate->port) : is_for_any_port(chain);
}

void bootstrap_gate_match(struct bootstrap_job *job, const struct json_value *match)
{
    static const struct str PORT = STR_INIT("destinationPort");
    json_key(job->json, STR("filterChainMatch"));
    json_begin_object(job->json);
    bootstrap_copy_others(job->json, match, &PORT, job->gate != NULL ? 1 : 0);
    json_end_object(job->json);
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
