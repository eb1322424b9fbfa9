/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/observe.c - see observe.h.
 *
 * Source: ISTIO.md 5.5.
 */
#include "config/translate/observe.h"

#include "base/check.h"
#include "base/json.h"
#include "config/translate/settings.h"

static const struct str TEXT = STR_INIT(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
    "\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" "
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% "
    "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n");

static const struct str JSON = STR_INIT(
    "{\"start_time\":\"%START_TIME%\",\"route_name\":\"%ROUTE_NAME%\","
    "\"method\":\"%REQ(:METHOD)%\",\"path\":\"%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%\","
    "\"protocol\":\"%PROTOCOL%\",\"response_code\":\"%RESPONSE_CODE%\","
    "\"response_flags\":\"%RESPONSE_FLAGS%\","
    "\"response_code_details\":\"%RESPONSE_CODE_DETAILS%\","
    "\"connection_termination_details\":\"%CONNECTION_TERMINATION_DETAILS%\","
    "\"bytes_received\":\"%BYTES_RECEIVED%\",\"bytes_sent\":\"%BYTES_SENT%\","
    "\"duration\":\"%DURATION%\","
    "\"upstream_service_time\":\"%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%\","
    "\"x_forwarded_for\":\"%REQ(X-FORWARDED-FOR)%\",\"user_agent\":\"%REQ(USER-AGENT)%\","
    "\"request_id\":\"%REQ(X-REQUEST-ID)%\",\"authority\":\"%REQ(:AUTHORITY)%\","
    "\"upstream_host\":\"%UPSTREAM_HOST%\",\"upstream_cluster\":\"%UPSTREAM_CLUSTER_RAW%\","
    "\"upstream_local_address\":\"%UPSTREAM_LOCAL_ADDRESS%\","
    "\"downstream_local_address\":\"%DOWNSTREAM_LOCAL_ADDRESS%\","
    "\"downstream_remote_address\":\"%DOWNSTREAM_REMOTE_ADDRESS%\","
    "\"requested_server_name\":\"%REQUESTED_SERVER_NAME%\","
    "\"upstream_transport_failure_reason\":\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"}");

struct str observe_default_format(enum access_log_encoding encoding)
{
    switch (encoding) {
    case ACCESS_LOG_TEXT:
        return TEXT;
    case ACCESS_LOG_JSON:
        return JSON;
    }
    UNREACHABLE("access_log_encoding");
}

static bool is_json_object(struct translation *t, struct str text)
{
    struct json_value value;
    size_t where;

    return json_read(text, &t->scratch, &value, &where) == RC_OK && value.kind == JSON_OBJECT;
}

/* istiod ends a text line, and takes its own format for one that is no JSON. */
static struct str format_of(struct translation *t, enum access_log_encoding encoding)
{
    const struct mesh_config *config = &t->mesh->config;
    struct str format = config->access_log_format;

    if (format.len == 0)
        return observe_default_format(encoding);
    if (encoding == ACCESS_LOG_TEXT)
        return format.ptr[format.len - 1] == '\n'
                   ? context_keep(t, format)
                   : context_keep(t, arena_concat(&t->scratch, format, STR("\n")));
    if (is_json_object(t, format))
        return context_keep(t, format);
    diag_add(t->diags, DIAG_ACCESS_LOG_NO_JSON, config->access_log_format_origin,
             STR("accessLogFormat"), STR_EMPTY, STR_EMPTY, STR_EMPTY);
    return JSON;
}

static struct access_log_list access_logs(struct translation *t)
{
    const struct mesh_config *config = &t->mesh->config;

    if (config->access_log_file.len == 0)
        return (struct access_log_list){0};
    struct access_log *log = ARENA_NEW(t->arena, struct access_log);
    log->path = context_keep(t, config->access_log_file);
    log->encoding = config->access_log_encoding == LOG_JSON ? ACCESS_LOG_JSON : ACCESS_LOG_TEXT;
    log->format = format_of(t, log->encoding);
    log->origin =
        context_keep_origin(t, config->access_log_format.len > 0 ? config->access_log_format_origin
                                                                 : config->access_log_origin);
    return (struct access_log_list){log, 1};
}

static struct str stat_prefix(struct translation *t, const struct listener *listener)
{
    bool is_inbound = listener->direction == TRAFFIC_INBOUND;

    return context_keep(t, arena_format(&t->scratch, "%s_%.*s_%u;",
                                        is_inbound ? "inbound" : "outbound",
                                        STR_FMT(listener->address), listener->port));
}

struct observer {
    struct translation *t;
    struct access_log_list logs;
};

/* Copies of the chains: what is in a snapshot is not written to any more. */
static const struct filter_chain *observed(struct observer *observer,
                                           const struct listener *listener,
                                           const struct filter_chain *chains, uint32_t count)
{
    struct translation *t = observer->t;
    struct filter_chain *out = ARENA_ARRAY(t->arena, struct filter_chain, count);

    for (uint32_t i = 0; i < count; i++) {
        out[i] = chains[i];
        settings_apply(t, &out[i]);
        out[i].http.access_logs = observer->logs;
        out[i].tcp.access_logs = observer->logs;
        if (out[i].kind == CHAIN_HTTP && out[i].http.stat_prefix.len == 0)
            out[i].http.stat_prefix = stat_prefix(t, listener);
    }
    return out;
}

void observe_listeners(struct translation *t)
{
    struct observer observer = {t, access_logs(t)};
    uint32_t count = t->snapshot->listener_count;
    struct listener *out = ARENA_ARRAY(t->arena, struct listener, count);

    for (uint32_t i = 0; i < count; i++) {
        const struct listener *from = &t->snapshot->listeners[i];
        out[i] = *from;
        out[i].chains = observed(&observer, from, from->chains, from->chain_count);
        if (from->default_chain != NULL)
            out[i].default_chain = observed(&observer, from, from->default_chain, 1);
    }
    t->snapshot->listeners = out;
}
