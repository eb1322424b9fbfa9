/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/workload_read.c - workloads, their behaviour, clients.
 */
#include "testbed/runner/want_read.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/profile/profile.h"
#include "testbed/world/queue.h"

static const struct field_row WORKLOAD_ROWS[] = {
    {"service", FIELD_USED},     {"namespace", FIELD_USED},
    {"labels", FIELD_USED},      {"serviceAccount", FIELD_USED},
    {"replicas", FIELD_USED},    {"sidecar", FIELD_USED},
    {"ports", FIELD_USED},       {"pods", FIELD_USED},
    {"status", FIELD_USED},      {"reason", FIELD_USED},
    {"headers", FIELD_USED},     {"body", FIELD_USED},
    {"bodySize", FIELD_USED},    {"latency", FIELD_USED},
    {"bodyLatency", FIELD_USED}, {"framing", FIELD_USED},
    {"trailers", FIELD_USED},    {"connection", FIELD_USED},
    {"interim", FIELD_USED},     {"echo", FIELD_USED},
    {"websocket", FIELD_USED},   {"raw", FIELD_USED},
    {"then", FIELD_USED},        {"refuse", FIELD_USED},
    {"drop", FIELD_USED},        {"absent", FIELD_USED},
    {"act", FIELD_USED},         {"script", FIELD_USED},
    {"perPod", FIELD_USED},      {"cert", FIELD_USED},
    {"tls", FIELD_USED},         {"propagates", FIELD_USED},
    {"calls", FIELD_USED},       {"trickle", FIELD_USED},
    {"concurrency", FIELD_USED}, {"queue", FIELD_USED},
    {"listen", FIELD_USED},      {"interimHeaders", FIELD_USED},
    {"trustDomain", FIELD_USED}, {"minTls", FIELD_USED},
    {"maxTls", FIELD_USED},      {"http2", FIELD_USED},
    {"pod", FIELD_IGNORED},      {"workload", FIELD_IGNORED}, /* of `set` */
};

static const char *const ACTS[] = {"answer",
                                   "close-before-headers",
                                   "reset-before-headers",
                                   "close-in-headers",
                                   "close-mid-body",
                                   "reset-mid-body",
                                   "garbage",
                                   "never",
                                   "accept-close",
                                   "accept-reset",
                                   NULL};

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

void act_read(const struct view *view, enum answer_act *out)
{
    struct str name = want_scalar(view, STR("answer"));
    for (int i = 0; ACTS[i] != NULL; i++) {
        if (str_eq(name, str_of(ACTS[i]))) {
            *out = (enum answer_act)i;
            return;
        }
    }
    view_complain(view, DIAG_BAD_CHOICE, name,
                  STR("close-before-headers, reset-before-headers, close-in-headers, "
                      "close-mid-body, reset-mid-body, garbage, never, accept-close or "
                      "accept-reset"));
}

static void framing_read(const struct view *view, struct answer *out)
{
    static const char *const FRAMINGS[] = {"length", "chunked", "close", NULL};
    static const char *const THENS[] = {"keep", "close", "reset", NULL};
    out->framing =
        (enum answer_framing)view_choice(view, STR("framing"), FRAMINGS, (int)out->framing);
    out->then = (enum raw_then)view_choice(view, STR("then"), THENS, (int)out->then);
    struct view connection = view_field(view, STR("connection"));
    struct str word = want_scalar(&connection, STR_EMPTY);
    if (str_eq(word, STR("close")))
        out->is_closing = true;
    else if (word.len > 0)
        view_complain(&connection, DIAG_BAD_CHOICE, word, STR("close"));
}

/* {bytes: N, every: 100ms}: the body comes drop by drop. */
static void trickle_read(const struct view *view, struct answer *out)
{
    static const struct field_row ROWS[] = {{"bytes", FIELD_USED}, {"every", FIELD_USED}};
    struct view trickle = view_map(view, STR("trickle"));
    if (!view_is_present(&trickle))
        return;
    view_check_fields(&trickle, ROWS, COUNT_OF(ROWS));
    out->trickle_bytes = (uint32_t)view_i64(&trickle, STR("bytes"), 1, INT32_MAX, 1);
    out->trickle_every_ns = view_duration_ns(&trickle, STR("every"), 100 * NS_MS);
}

/* Whom the application asks: [{request, ignoreErrors}], `propagates` beside it. */
static void hops_read(const struct view *view, struct answer *out)
{
    static const struct field_row ROWS[] = {{"request", FIELD_USED}, {"ignoreErrors", FIELD_USED}};
    struct view names = view_field(view, STR("propagates"));
    if (view_is_present(&names)) {
        out->propagate_count = want_list_count(&names);
        out->propagates = ARENA_ARRAY(arena_of(view), struct str, out->propagate_count);
    }
    for (uint32_t i = 0; i < want_list_count(&names); i++) {
        struct view item = want_list_item(&names, i);
        out->propagates[i] = want_scalar(&item, STR_EMPTY);
    }
    struct view list = view_field(view, STR("calls"));
    if (!view_is_present(&list))
        return;
    struct hop_call *hops = NULL;
    uint32_t count = 0, capacity = 0;
    for (uint32_t i = 0; i < want_list_count(&list); i++) {
        struct view item = want_list_item(&list, i);
        view_check_fields(&item, ROWS, COUNT_OF(ROWS));
        struct view request = view_field(&item, STR("request"));
        uint32_t call_count;
        struct call *calls = calls_read(&request, &(struct call_defaults){0}, &call_count);
        for (uint32_t k = 0; k < call_count; k++)
            *ARENA_PUSH(arena_of(view), hops, count, capacity) = (struct hop_call){
                .call = calls[k],
                .is_ignoring_errors = view_bool(&item, STR("ignoreErrors"), false)};
    }
    out->calls = hops;
    out->call_count = count;
}

/* What an interim answer says before the answer. */
static void interim_read(const struct view *view, struct answer *out)
{
    struct view interim = view_field(view, STR("interim"));
    if (view_is_present(&interim))
        out->interim_count = 0;
    for (uint32_t i = 0; i < want_list_count(&interim); i++) {
        struct view item = want_list_item(&interim, i);
        if (out->interim_count == COUNT_OF(out->interim)) {
            view_complain(&item, DIAG_BAD_CHOICE, STR("interim"), STR("at most 4 of them"));
            return;
        }
        out->interim[out->interim_count++] = (uint32_t)view_own_i64(&item, 100, 199, 103);
    }
    struct view headers = view_map(view, STR("interimHeaders"));
    if (view_is_present(&headers))
        out->interim_headers = want_sent_headers(&headers, &out->interim_header_count);
}

/* What the map says, over what `out` says already. */
static void answer_read(const struct view *view, struct answer *out)
{
    out->status = (uint32_t)view_i64(view, STR("status"), 100, 999, out->status);
    struct view reason = view_field(view, STR("reason"));
    out->reason = want_bytes(&reason, out->reason);
    struct view headers = view_map(view, STR("headers"));
    if (view_is_present(&headers))
        out->headers = want_sent_headers(&headers, &out->header_count);
    struct view trailers = view_map(view, STR("trailers"));
    if (view_is_present(&trailers))
        out->trailers = want_sent_headers(&trailers, &out->trailer_count);
    struct view body = view_field(view, STR("body"));
    out->body = want_bytes(&body, out->body);
    int64_t size = view_i64(view, STR("bodySize"), 0, INT64_C(1) << 40, -1);
    if (size >= 0) {
        out->has_body_size = true;
        out->body_size = (uint64_t)size;
    }
    struct view latency = view_field(view, STR("latency"));
    if (view_is_present(&latency))
        latency_read(&latency, &out->latency);
    out->body_latency_ns = view_duration_ns(view, STR("bodyLatency"), out->body_latency_ns);
    trickle_read(view, out);
    hops_read(view, out);
    framing_read(view, out);
    out->is_echo = view_bool(view, STR("echo"), out->is_echo);
    out->is_websocket = view_bool(view, STR("websocket"), out->is_websocket);
    struct view raw = view_field(view, STR("raw"));
    out->has_raw |= view_is_present(&raw);
    out->raw = want_bytes(&raw, out->raw);
    struct view act = view_field(view, STR("act"));
    if (view_is_present(&act))
        act_read(&act, &out->act);
    interim_read(view, out);
}

static void script_read(const struct view *view, struct behaviour *out)
{
    out->script_count = want_list_count(view);
    out->script = ARENA_ARRAY(arena_of(view), struct answer, out->script_count);
    for (uint32_t i = 0; i < out->script_count; i++) {
        struct view item = want_list_item(view, i);
        struct answer *answer = &out->script[i];
        *answer = out->answer;
        if (item.node->kind == NODE_MAP) {
            view_check_fields(&item, WORKLOAD_ROWS, COUNT_OF(WORKLOAD_ROWS));
            answer_read(&item, answer);
        } else if (item.node->kind == NODE_INT) {
            answer->status = (uint32_t)view_own_i64(&item, 100, 999, 200);
        } else {
            act_read(&item, &answer->act);
        }
    }
}

/* ADDRESS:PORT of this machine. */
static void listen_read(const struct view *view, struct behaviour *out)
{
    struct str text = want_scalar(view, STR_EMPTY);
    if (text.len == 0)
        return;
    size_t colon = str_find_last(text, ':');
    uint64_t port = 0;
    if (colon == STR_NONE || !str_has_prefix(text, STR("127.")) ||
        !str_to_u64(str_from(text, colon + 1), UINT16_MAX, &port) || port == 0) {
        view_complain(view, DIAG_BAD_CHOICE, text, STR("127.0.0.1:PORT"));
        return;
    }
    out->listen_address = str_slice(text, 0, colon);
    out->listen_port = (uint32_t)port;
}

/* One text or several. NULL: nothing is said. */
static struct str *texts_read(const struct view *view, uint32_t *count)
{
    *count = want_list_count(view);
    if (*count == 0)
        return NULL;
    struct str *out = ARENA_ARRAY(arena_of(view), struct str, *count);
    for (uint32_t i = 0; i < *count; i++) {
        struct view item = want_list_item(view, i);
        out[i] = want_scalar(&item, STR_EMPTY);
    }
    return out;
}

/* tls: {names, ca, expired}: the application itself ends TLS. */
static void end_read(const struct view *view, struct behaviour_tls *out)
{
    static const struct field_row ROWS[] = {
        {"names", FIELD_USED}, {"ca", FIELD_USED}, {"expired", FIELD_USED}};
    static const char *const AUTHORITIES[] = {AUTHORITY_PUBLIC, AUTHORITY_STRANGER, NULL};
    struct view tls = view_map(view, STR("tls"));
    if (!view_is_present(&tls))
        return;
    view_check_fields(&tls, ROWS, COUNT_OF(ROWS));
    out->is_set = true;
    out->is_expired = view_bool(&tls, STR("expired"), false);
    out->authority = str_of(AUTHORITIES[view_choice(&tls, STR("ca"), AUTHORITIES, 0)]);
    struct view names = view_field(&tls, STR("names"));
    out->names = texts_read(&names, &out->name_count);
    if (!view_is_present(&names)) {
        out->names = ARENA_NEW(arena_of(view), struct str);
        out->names[0] = STR("localhost");
        out->name_count = 1;
    }
}

/* cert: what is wrong with the certificate of the proxy beside it. */
static enum certificate_fault fault_read(const struct view *view)
{
    static const char *const FAULTS[] = {"right",    "expired",     "not-yet-valid", "wrong-san",
                                         "wrong-ca", "self-signed", "none",          NULL};
    return (enum certificate_fault)view_choice(view, STR("cert"), FAULTS, CERTIFICATE_RIGHT);
}

static struct str version_read(const struct view *view, struct str name)
{
    static const struct {
        struct str said, meant;
    } WORDS[] = {{STR_INIT("1.2"), STR_INIT("TLSv1_2")}, {STR_INIT("1.3"), STR_INIT("TLSv1_3")}};
    struct view field = view_field(view, name);
    struct str text = want_scalar(&field, STR_EMPTY);
    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (str_eq(text, WORDS[i].said) || str_eq_ci(text, WORDS[i].meant))
            return WORDS[i].meant;
    }
    if (view_is_present(&field))
        view_complain(&field, DIAG_BAD_CHOICE, text, STR("1.2, 1.3"));
    return STR_EMPTY;
}

/* minTls, maxTls: what is older, or newer, is not spoken. */
static struct version_bounds versions_read(const struct view *view)
{
    return (struct version_bounds){.min = version_read(view, STR("minTls")),
                                   .max = version_read(view, STR("maxTls"))};
}

/* tls: {mode, sni, cert, names}: how a caller speaks to a gateway. */
static void caller_tls_read(const struct view *view, struct client_tls_spec *out)
{
    static const struct field_row ROWS[] = {
        {"mode", FIELD_USED}, {"sni", FIELD_USED}, {"cert", FIELD_USED}, {"names", FIELD_USED}};
    static const char *const MODES[] = {"SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};
    struct view tls = view_map(view, STR("tls"));
    if (!view_is_present(&tls))
        return;
    view_check_fields(&tls, ROWS, COUNT_OF(ROWS));
    struct view names = view_field(&tls, STR("names")), cert = view_field(&tls, STR("cert"));
    out->is_set = true;
    out->origin = view_origin(&tls);
    out->mode = (enum caller_tls_mode)view_choice(&tls, STR("mode"), MODES, CALLER_TLS_SIMPLE);
    out->sni = view_str(&tls, STR("sni"), STR_EMPTY);
    out->has_sni = out->sni.len > 0;
    out->fault = fault_read(&tls);
    out->names = texts_read(&names, &out->name_count);
    if (out->mode == CALLER_TLS_SIMPLE && (view_is_present(&names) || view_is_present(&cert)))
        view_complain(view_is_present(&cert) ? &cert : &names, DIAG_TEST_NO_CERTIFICATE, STR_EMPTY,
                      STR_EMPTY);
}

struct behaviour behaviour_spec_read(const struct view *view)
{
    struct behaviour out = behaviour_default();
    answer_read(view, &out.answer);
    struct view script = view_field(view, STR("script"));
    struct view per_pod = view_field(view, STR("perPod"));
    if (view_is_present(&per_pod)) {
        out.is_script_per_pod = true;
        script_read(&per_pod, &out);
    } else if (view_is_present(&script)) {
        script_read(&script, &out);
    }
    out.is_refusing = view_bool(view, STR("refuse"), false);
    out.is_dropping = view_bool(view, STR("drop"), false);
    out.is_absent = view_bool(view, STR("absent"), false);
    out.worker_count = (uint32_t)view_i64(view, STR("concurrency"), 1, QUEUE_WORKERS_MAX, 0);
    out.waiting_max =
        (uint32_t)view_i64(view, STR("queue"), 0, QUEUE_WAITING_MAX, QUEUE_WAITING_MAX);
    struct view http2 = view_field(view, STR("http2"));
    if (view_is_present(&http2))
        out.http2 = view_bool(view, STR("http2"), false) ? HTTP2_SPOKEN : HTTP2_UNKNOWN;
    struct view listen = view_field(view, STR("listen"));
    listen_read(&listen, &out);
    end_read(view, &out.tls);
    return out;
}

static struct label *labels_read(const struct view *view, uint32_t *count)
{
    *count = view_is_present(view) ? view_count(view) : 0;
    struct label *labels = ARENA_ARRAY(arena_of(view), struct label, *count);
    for (uint32_t i = 0; i < *count; i++) {
        struct view entry = view_entry(view, i);
        labels[i] = (struct label){entry.key, want_scalar(&entry, STR_EMPTY)};
    }
    return labels;
}

static void pods_read(const struct view *view, const struct view *workload,
                      struct workload_spec *out)
{
    out->pod_count = view_is_present(view) ? view_count(view) : 0;
    out->pods = ARENA_ARRAY(arena_of(view), struct pod_spec, out->pod_count);
    for (uint32_t i = 0; i < out->pod_count; i++) {
        struct view entry = view_entry(view, i);
        uint64_t index = 0;
        if (!str_to_u64(entry.key, UINT32_MAX, &index))
            view_complain(&entry, DIAG_TEST_BAD_NUMBER, entry.key, STR_EMPTY);
        view_check_fields(&entry, WORKLOAD_ROWS, COUNT_OF(WORKLOAD_ROWS));
        struct view merged = entry;
        merged.node = nodes_merged(workload->node, entry.node, arena_of(view));
        out->pods[i].index = (uint32_t)index;
        out->pods[i].behaviour = behaviour_spec_read(&merged);
    }
}

void workload_spec_read(const struct view *view, struct workload_spec *out)
{
    *out = (struct workload_spec){.name = view->key, .origin = view_origin(view)};
    out->behaviour = behaviour_default();
    if (!view_is_present(view))
        return;
    view_check_fields(view, WORKLOAD_ROWS, COUNT_OF(WORKLOAD_ROWS));
    if (view->node->kind != NODE_MAP)
        return;
    out->namespace = view_str(view, STR("namespace"), STR_EMPTY);
    out->service = view_str(view, STR("service"), STR_EMPTY);
    out->service_account = view_str(view, STR("serviceAccount"), STR_EMPTY);
    out->fault = fault_read(view);
    out->trust_domain = view_str(view, STR("trustDomain"), STR_EMPTY);
    out->versions = versions_read(view);
    out->replicas = (uint32_t)view_i64(view, STR("replicas"), 1, 1000, 0);
    struct view labels = view_map(view, STR("labels"));
    out->labels = labels_read(&labels, &out->label_count);
    struct view sidecar = view_field(view, STR("sidecar"));
    out->has_sidecar_word = view_is_present(&sidecar);
    out->has_sidecar = view_own_bool(&sidecar, true);
    struct view ports = view_field(view, STR("ports"));
    out->port_count = want_list_count(&ports);
    out->ports = ARENA_ARRAY(arena_of(view), uint32_t, out->port_count);
    for (uint32_t i = 0; i < out->port_count; i++) {
        struct view item = want_list_item(&ports, i);
        out->ports[i] = (uint32_t)view_own_i64(&item, 1, 65535, 80);
    }
    out->behaviour = behaviour_spec_read(view);
    struct view pods = view_map(view, STR("pods"));
    pods_read(&pods, view, out);
}

void client_spec_read(const struct view *view, struct client_spec *out)
{
    static const struct field_row ROWS[] = {
        {"via", FIELD_USED},         {"namespace", FIELD_USED},
        {"labels", FIELD_USED},      {"serviceAccount", FIELD_USED},
        {"gateway", FIELD_USED},     {"address", FIELD_USED},
        {"cert", FIELD_USED},        {"tls", FIELD_USED},
        {"trustDomain", FIELD_USED}, {"minTls", FIELD_USED},
        {"maxTls", FIELD_USED},
    };
    static const char *const VIAS[] = {"sidecar", "gateway", "none", NULL};
    *out = (struct client_spec){.name = view->key, .origin = view_origin(view)};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->via = (enum client_via)view_choice(view, STR("via"), VIAS, VIA_SIDECAR);
    out->namespace = view_str(view, STR("namespace"), STR_EMPTY);
    out->service_account = view_str(view, STR("serviceAccount"), STR_EMPTY);
    out->address = view_str(view, STR("address"), STR_EMPTY);
    out->fault = fault_read(view);
    out->trust_domain = view_str(view, STR("trustDomain"), STR_EMPTY);
    out->versions = versions_read(view);
    caller_tls_read(view, &out->tls);
    struct view labels = view_map(view, STR("labels"));
    out->labels = labels_read(&labels, &out->label_count);
    struct view gateway = view_field(view, STR("gateway"));
    struct str text = want_scalar(&gateway, STR_EMPTY);
    size_t slash = str_find(text, '/');
    if (slash != STR_NONE) {
        out->gateway_namespace = str_slice(text, 0, slash);
        out->gateway_name = str_from(text, slash + 1);
    } else if (text.len > 0 || out->via == VIA_GATEWAY) {
        view_complain(view_is_present(&gateway) ? &gateway : view, DIAG_TEST_BAD_GATEWAY, text,
                      STR_EMPTY);
    }
}
