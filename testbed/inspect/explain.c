/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/explain.c - from a URL to a call, from an outcome to words.
 */
#include "testbed/inspect/explain.h"

#include "base/check.h"
#include "base/json.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/inspect/story.h"

struct url {
    struct str host; /* with its port if it has one */
    uint32_t port;   /* 0: not said */
    struct str path;
};

static bool parse_url(struct str text, struct url *out, struct str *why)
{
    struct str scheme = STR("http://");
    if (str_has_prefix_ci(text, STR("https://"))) {
        *why = STR("https is not built yet; ask with http://");
        return false;
    }
    if (str_has_prefix_ci(text, scheme))
        text = str_from(text, scheme.len);
    size_t slash = 0;
    while (slash < text.len && text.ptr[slash] != '/' && text.ptr[slash] != '?')
        slash++;
    out->host = str_slice(text, 0, slash);
    out->path = slash < text.len ? str_from(text, slash) : STR("/");
    out->port = 0;
    size_t colon = str_find_last(out->host, ':');
    uint64_t port = 0;
    if (colon != STR_NONE && str_find(out->host, ']') == STR_NONE) {
        if (!str_to_u64(str_from(out->host, colon + 1), 65535, &port) || port == 0) {
            *why = STR("the URL's port is no number from 1 to 65535");
            return false;
        }
        out->port = (uint32_t)port;
    }
    if (out->host.len == 0)
        *why = STR("the URL names no host; write http://SERVICE:PORT/PATH");
    return out->host.len > 0;
}

/* Calls `found` for each object, those in Lists too. */
static const struct node *find_workload(const struct node *object, struct str name,
                                        struct str namespace)
{
    const struct node *items = node_get(object, STR("items"));
    for (uint32_t i = 0; items != NULL && items->kind == NODE_LIST && i < items->count; i++) {
        const struct node *found = find_workload(items->items[i], name, namespace);
        if (found != NULL)
            return found;
    }
    static const struct str KINDS[] = {STR_INIT("Deployment"), STR_INIT("StatefulSet"),
                                       STR_INIT("DaemonSet"), STR_INIT("ReplicaSet"),
                                       STR_INIT("Pod")};
    const struct node *kind = node_get(object, STR("kind"));
    const struct node *meta = node_get(object, STR("metadata"));
    const struct node *own_name = node_get(meta, STR("name"));
    const struct node *own_namespace = node_get(meta, STR("namespace"));
    if (kind == NULL || own_name == NULL || !str_eq(own_name->text, name))
        return NULL;
    struct str in = own_namespace != NULL ? own_namespace->text : STR("default");
    if (!str_eq(in, namespace))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (str_eq(kind->text, KINDS[i]))
            return object;
    return NULL;
}

/* "reviews-v1-0" is a pod of "reviews-v1". */
static struct str without_index(struct str pod)
{
    size_t dash = str_find_last(pod, '-');
    uint64_t index;
    if (dash == STR_NONE || !str_to_u64(str_from(pod, dash + 1), 99999, &index))
        return pod;
    return str_slice(pod, 0, dash);
}

static void take_labels(const struct node *workload, struct arena *arena, struct client_spec *out)
{
    const struct node *template = node_get(node_get(workload, STR("spec")), STR("template"));
    const struct node *meta = node_get(template != NULL ? template : workload, STR("metadata"));
    const struct node *labels = node_get(meta, STR("labels"));
    if (labels == NULL || labels->kind != NODE_MAP)
        return;
    out->labels = ARENA_ARRAY(arena, struct label, labels->count);
    for (uint32_t i = 0; i < labels->count; i++)
        out->labels[out->label_count++] =
            (struct label){labels->entries[i].key, labels->entries[i].value->text};
}

static bool choose_client(const struct explain_question *question, struct arena *arena,
                          struct client_spec *out, struct str *why)
{
    *out = (struct client_spec){.name = STR("client"), .namespace = question->namespace};
    if (question->from.len == 0)
        return true;
    struct str from = question->from;
    out->name = from;
    size_t slash = str_find(from, '/');
    if (slash != STR_NONE) {
        out->via = VIA_GATEWAY;
        out->gateway_namespace = str_slice(from, 0, slash);
        out->gateway_name = str_from(from, slash + 1);
        return true;
    }
    size_t dot = str_find(from, '.');
    if (dot != STR_NONE) {
        out->namespace = str_from(from, dot + 1);
        from = str_slice(from, 0, dot);
    }
    const struct node *workload = NULL;
    for (uint32_t i = 0; i < question->documents.count && workload == NULL; i++) {
        workload = find_workload(question->documents.items[i], from, out->namespace);
        if (workload == NULL)
            workload = find_workload(question->documents.items[i], without_index(from),
                                     out->namespace);
    }
    if (workload == NULL) {
        *why = arena_format(arena,
                            "no workload or pod \"%.*s\" in namespace %.*s; --from also takes "
                            "NAMESPACE/GATEWAY, and without it a client without labels asks",
                            STR_FMT(from), STR_FMT(out->namespace));
        return false;
    }
    take_labels(workload, arena, out);
    return true;
}

bool explain_prepare(const struct explain_question *question, struct arena *arena,
                     struct diag_list *diags, struct world **world, struct call *call,
                     struct str *why)
{
    struct url url;
    struct client_spec client;
    *world = NULL;
    *why = STR_EMPTY;
    if (!parse_url(question->url, &url, why) || !choose_client(question, arena, &client, why))
        return false;
    struct client_spec *clients = ARENA_NEW(arena, struct client_spec);
    *clients = client;
    struct world_spec spec = {.documents = question->documents,
                              .clients = clients,
                              .client_count = 1,
                              .namespace = question->namespace,
                              .has_sidecar_default = true,
                              .profile = question->profile};
    *world = world_new(&spec, arena, diags);
    /* A gateway's first port is its own; everything else means 80. */
    uint32_t port = url.port != 0 ? url.port : client.via == VIA_GATEWAY ? 0 : 80;
    *call = (struct call){.has_authority = true,
                          .authority = url.host,
                          .port = port,
                          .method = question->method,
                          .uri = url.path,
                          .headers = question->headers,
                          .header_count = question->header_count,
                          .body = question->body};
    return *world != NULL;
}

/* --- words ------------------------------------------------------------------ */

static struct str client_words(const struct world *world, struct arena *arena)
{
    const struct client_spec *client = &world->clients[0].spec;
    if (client->via == VIA_GATEWAY)
        return arena_format(arena, "the gateway %.*s", STR_FMT(client->name));
    if (client->label_count == 0)
        return arena_format(arena, "a client in namespace %.*s", STR_FMT(client->namespace));
    return client->name;
}

static struct str answered_by(const struct world *world, const struct outcome *outcome,
                              struct arena *arena)
{
    if (outcome->sighting_count == 0 || outcome->pod == UINT32_MAX)
        return STR_EMPTY;
    return arena_format(arena, ", by %.*s", STR_FMT(world->pods[outcome->pod].name));
}

static struct str end_words(const struct world *world, const struct outcome *outcome,
                            struct arena *arena)
{
    struct str took = duration_text(outcome->duration_ns / NS_US * NS_US, arena);
    if (!outcome->has_response) {
        if (!outcome->has_record && outcome->error == CALL_CONNECTION_REFUSED)
            return STR("connection refused: no listener of the proxy has this port");
        return arena_format(arena, "%.*s after %.*s", STR_FMT(call_error_name(outcome->error)),
                            STR_FMT(took));
    }
    return arena_format(arena, "%u %.*s after %.*s%.*s", outcome->status,
                        STR_FMT(outcome->reason), STR_FMT(took),
                        STR_FMT(answered_by(world, outcome, arena)));
}

static enum rc write_flags(const struct outcome *outcome, struct buf *out)
{
    struct str rest = outcome->flags;
    while (rest.ptr != NULL) {
        struct str flag = str_cut(&rest, ',');
        struct str meaning = story_flag_meaning(flag);
        if (meaning.len == 0)
            continue;
        enum rc rc = buf_format(out, "     %.*s  %.*s\n", STR_FMT(flag), STR_FMT(meaning));
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc explain_write(const struct world *world, const struct call *call,
                      const struct outcome *outcome, const struct explain_style *style,
                      struct arena *scratch, struct buf *out)
{
    const char *bold = style->has_colour ? "\033[1m" : "";
    const char *plain = style->has_colour ? "\033[0m" : "";
    enum rc rc = buf_format(out, "%s%.*s http://%.*s%.*s%s  from %.*s\n", bold,
                            STR_FMT(call->method), STR_FMT(call->authority), STR_FMT(call->uri),
                            plain, STR_FMT(client_words(world, scratch)));
    struct story_options options = {.has_colour = style->has_colour,
                                    .indent = STR("  "),
                                    .world = world,
                                    .profile = world->spec.profile->name};
    if (rc == RC_OK && outcome->trace != NULL)
        rc = story_write(outcome->trace, &options, scratch, out);
    bool is_good = outcome->has_response && outcome->status < 400;
    const char *colour = !style->has_colour ? "" : is_good ? "\033[32m" : "\033[31m";
    if (rc == RC_OK)
        rc = buf_format(out, "%s=> %.*s%s", colour,
                        STR_FMT(end_words(world, outcome, scratch)), plain);
    if (rc == RC_OK && outcome->has_record)
        rc = buf_format(out, "; flags %.*s, details %.*s", STR_FMT(outcome->flags),
                        STR_FMT(outcome->record.details.len > 0 ? outcome->record.details
                                                                : STR("-")));
    if (rc == RC_OK)
        rc = buf_append(out, STR("\n"));
    return rc == RC_OK && outcome->has_record ? write_flags(outcome, out) : rc;
}

static void json_headers(struct json *json, const struct header *headers, uint32_t count)
{
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_str(json, headers[i].name);
        json_str(json, headers[i].value);
        json_end_array(json);
    }
    json_end_array(json);
}

static void json_response(struct json *json, const struct outcome *outcome)
{
    json_key(json, STR("response"));
    json_begin_object(json);
    json_key_i64(json, STR("status"), outcome->status);
    json_key_str(json, STR("reason"), outcome->reason);
    json_key(json, STR("headers"));
    json_headers(json, outcome->headers, outcome->header_count);
    json_key_str(json, STR("body"), outcome->body);
    json_end_object(json);
}

static void json_record(struct json *json, const struct record *record, struct str flags)
{
    json_key_str(json, STR("flags"), flags);
    json_key_str(json, STR("details"), record->details);
    json_key_str(json, STR("cluster"), record->cluster_name);
    json_key_i64(json, STR("attempts"), record->attempt_count);
    if (record->route == NULL)
        return;
    json_key_str(json, STR("rule"), record->route->name);
    json_key_str(json, STR("file"), record->route->origin.file);
    json_key_i64(json, STR("line"), record->route->origin.line);
    json_key_i64(json, STR("column"), record->route->origin.column);
}

enum rc explain_write_json(const struct world *world, const struct call *call,
                           const struct outcome *outcome, const struct explain_style *style,
                           struct arena *scratch, struct buf *out)
{
    struct json json;
    json_init(&json, out, 2);
    json_begin_object(&json);
    json_key_str(&json, STR("method"), call->method);
    json_key_str(&json, STR("authority"), call->authority);
    json_key_str(&json, STR("uri"), call->uri);
    json_key_str(&json, STR("engine"), style->engine_name);
    json_key_str(&json, STR("profile"), world->spec.profile->name);
    json_key_str(&json, STR("error"), call_error_name(outcome->error));
    json_key_i64(&json, STR("durationNs"), outcome->duration_ns);
    if (outcome->has_response)
        json_response(&json, outcome);
    if (outcome->has_record)
        json_record(&json, &outcome->record, outcome->flags);
    if (outcome->pod != UINT32_MAX)
        json_key_str(&json, STR("pod"), world->pods[outcome->pod].name);
    if (outcome->trace != NULL) {
        struct story_options options = {.world = world, .profile = world->spec.profile->name};
        json_key(&json, STR("story"));
        story_write_json(outcome->trace, &options, scratch, &json);
    }
    json_end_object(&json);
    return json_is_full(&json) ? RC_FULL : buf_append(out, STR("\n"));
}
