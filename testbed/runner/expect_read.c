/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/expect_read.c - `expect` and `stats`.
 */
#include "testbed/runner/want_read.h"

#include "base/check.h"

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

/* As a log has them: exactly these. False: it is no such word. */
static bool flags_are_logged(const struct view *view, struct want_flags *out)
{
    struct str rest = view->node->kind == NODE_STRING ? want_scalar(view, STR("-")) : STR_EMPTY;
    if (str_find(rest, ',') == STR_NONE)
        return false;
    out->is_exact = true;
    out->items = ARENA_ARRAY(arena_of(view), struct str, rest.len);
    while (rest.ptr != NULL)
        out->items[out->count++] = str_trim(str_cut(&rest, ','));
    return true;
}

static void flags_read(const struct view *view, struct want_flags *out)
{
    if (!view_is_present(view))
        return;
    out->is_given = true;
    out->origin = view_origin(view);
    struct view list = *view;
    if (flags_are_logged(view, out))
        return;
    if (view->node->kind == NODE_MAP) {
        static const struct field_row ROWS[] = {{"exactly", FIELD_USED}};
        view_check_fields(view, ROWS, COUNT_OF(ROWS));
        list = view_field(view, STR("exactly"));
        out->is_exact = true;
    }
    out->count = want_list_count(&list);
    out->items = ARENA_ARRAY(arena_of(view), struct str, out->count);
    for (uint32_t i = 0; i < out->count; i++) {
        struct view item = want_list_item(&list, i);
        out->items[i] = want_scalar(&item, STR("-"));
    }
}

static void response_read(const struct view *view, struct regex_set *regexes,
                          struct want_response *out)
{
    static const struct field_row ROWS[] = {
        {"status", FIELD_USED},  {"reason", FIELD_USED},           {"body", FIELD_USED},
        {"headers", FIELD_USED}, {"absentHeaders", FIELD_USED},    {"trailers", FIELD_USED},
        {"interim", FIELD_USED}, {"duration", FIELD_USED},         {"flags", FIELD_USED},
        {"details", FIELD_USED}, {"transportFailure", FIELD_USED},
    };
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->is_given = true;
    out->origin = view_origin(view);
    struct view status = view_field(view, STR("status"));
    want_numbers_read(&status, &out->status);
    struct view reason = want_nullable(view, STR("reason"));
    want_text_read(&reason, regexes, &out->reason);
    struct view body = view_field(view, STR("body"));
    want_text_read(&body, regexes, &out->body);
    struct view details = want_nullable(view, STR("details"));
    want_text_read(&details, regexes, &out->details);
    struct view failure = want_nullable(view, STR("transportFailure"));
    want_text_read(&failure, regexes, &out->transport_failure);
    struct view headers = view_field(view, STR("headers"));
    struct view absent = view_field(view, STR("absentHeaders"));
    want_headers_read(&headers, &absent, regexes, &out->headers);
    struct view trailers = view_field(view, STR("trailers"));
    want_headers_read(&trailers, NULL, regexes, &out->trailers);
    struct view duration = view_field(view, STR("duration"));
    want_duration_read(&duration, &out->duration);
    struct view flags = view_field(view, STR("flags"));
    flags_read(&flags, &out->flags);
    struct view interim = view_field(view, STR("interim"));
    out->has_interim = view_is_present(&interim);
    out->interim_count = want_list_count(&interim);
    out->interim = ARENA_ARRAY(arena_of(view), uint32_t, out->interim_count);
    for (uint32_t i = 0; i < out->interim_count; i++) {
        struct view item = want_list_item(&interim, i);
        out->interim[i] = (uint32_t)view_own_i64(&item, 100, 199, 100);
    }
}

static void errors_read(const struct view *view, struct expect *out)
{
    if (view->node == NULL)
        return;
    out->has_error = true;
    out->error_origin = view_origin(view);
    uint32_t count = view->node->kind == NODE_NULL ? 1 : want_list_count(view);
    out->errors = ARENA_ARRAY(arena_of(view), enum call_error, count);
    out->error_count = count;
    for (uint32_t i = 0; i < count && view->node->kind != NODE_NULL; i++) {
        struct view item = want_list_item(view, i);
        struct str name = want_scalar(&item, STR_EMPTY);
        bool is_known = name.len == 0;
        for (int error = CALL_OK; error <= CALL_INVALID_RESPONSE; error++) {
            if (!str_eq(call_error_name((enum call_error)error), name))
                continue;
            out->errors[i] = (enum call_error)error;
            is_known = true;
        }
        if (!is_known)
            view_complain(&item, DIAG_BAD_CHOICE, name,
                          STR("connection_closed, connection_reset, connection_refused, "
                              "incomplete_response, no_response, cancelled or tls_handshake"));
    }
}

static void destination_read(const struct view *view, struct regex_set *regexes, struct expect *out)
{
    static const struct field_row ROWS[] = {
        {"host", FIELD_USED}, {"subset", FIELD_USED}, {"port", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->has_destination = true;
    struct view host = view_field(view, STR("host"));
    want_text_read(&host, regexes, &out->host);
    struct view subset = view_field(view, STR("subset"));
    want_text_read(&subset, regexes, &out->subset);
    struct view port = view_field(view, STR("port"));
    want_text_read(&port, regexes, &out->port);
}

static void decision_read(const struct view *view, struct regex_set *regexes, struct expect *out)
{
    static const struct field_row ROWS[] = {{"rule", FIELD_USED}, {"virtualService", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view rule = view_field(view, STR("rule"));
    want_text_read(&rule, regexes, &out->rule);
    struct view service = view_field(view, STR("virtualService"));
    want_text_read(&service, regexes, &out->virtual_service);
}

static void seen_request_read(const struct view *view, struct regex_set *regexes,
                              struct want_seen *out)
{
    static const struct field_row ROWS[] = {
        {"uri", FIELD_USED},      {"method", FIELD_USED},        {"authority", FIELD_USED},
        {"headers", FIELD_USED},  {"absentHeaders", FIELD_USED}, {"body", FIELD_USED},
        {"trailers", FIELD_USED}, {"sni", FIELD_USED},
    };
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view uri = view_field(view, STR("uri"));
    want_text_read(&uri, regexes, &out->uri);
    struct view method = view_field(view, STR("method"));
    want_text_read(&method, regexes, &out->method);
    struct view authority = view_field(view, STR("authority"));
    want_text_read(&authority, regexes, &out->authority);
    struct view body = view_field(view, STR("body"));
    want_text_read(&body, regexes, &out->body);
    struct view server_name = view_field(view, STR("sni"));
    want_text_read(&server_name, regexes, &out->server_name);
    struct view headers = view_field(view, STR("headers"));
    struct view absent = view_field(view, STR("absentHeaders"));
    want_headers_read(&headers, &absent, regexes, &out->headers);
    struct view trailers = view_field(view, STR("trailers"));
    want_headers_read(&trailers, NULL, regexes, &out->trailers);
}

static void seen_read(const struct view *view, struct regex_set *regexes, struct want_seen *out)
{
    static const struct field_row ROWS[] = {
        {"pod", FIELD_USED}, {"workload", FIELD_USED}, {"request", FIELD_USED}};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->origin = view_origin(view);
    struct view pod = view_field(view, STR("pod"));
    want_text_read(&pod, regexes, &out->pod);
    struct view workload = view_field(view, STR("workload"));
    want_text_read(&workload, regexes, &out->workload);
    struct view request = view_field(view, STR("request"));
    seen_request_read(&request, regexes, out);
}

/* N, or {of: N, share: P}. */
static void count_read(const struct view *view, struct want_count *out)
{
    if (!view_is_present(view))
        return;
    *out = (struct want_count){.is_given = true, .origin = view_origin(view)};
    if (view->node->kind != NODE_MAP) {
        out->value = (uint64_t)view_own_i64(view, 0, INT64_MAX, 0);
        return;
    }
    static const struct field_row ROWS[] = {{"of", FIELD_USED}, {"share", FIELD_USED}};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view share = view_field(view, STR("share"));
    out->is_share = true;
    out->of = (uint64_t)view_i64(view, STR("of"), 1, INT64_MAX, 1);
    out->share = want_percent(&share, want_scalar(&share, STR("0%")));
}

static void upstream_read(const struct view *view, struct regex_set *regexes,
                          struct want_upstream *out)
{
    if (!view_is_present(view))
        return;
    out->origin = view_origin(view);
    if (view->node->kind == NODE_MAP) {
        static const struct field_row ROWS[] = {{"requests", FIELD_USED}};
        view_check_fields(view, ROWS, COUNT_OF(ROWS));
        struct view requests = view_field(view, STR("requests"));
        count_read(&requests, &out->requests);
        return;
    }
    if (view->node->kind != NODE_LIST) {
        view_complain(view, DIAG_WRONG_TYPE, STR("a list, or a map with `requests`"),
                      node_kind_name(view->node->kind));
        return;
    }
    out->is_list = true;
    out->count = view_count(view);
    out->items = ARENA_ARRAY(arena_of(view), struct want_seen, out->count);
    for (uint32_t i = 0; i < out->count; i++) {
        struct view item = view_item(view, i);
        seen_read(&item, regexes, &out->items[i]);
    }
}

static void mirror_read(const struct view *view, struct regex_set *regexes,
                        struct want_upstream *out)
{
    static const struct field_row ROWS[] = {
        {"workload", FIELD_USED}, {"count", FIELD_USED}, {"request", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->origin = view_origin(view);
    out->count = 1;
    out->items = ARENA_ARRAY(arena_of(view), struct want_seen, 1);
    out->items[0].origin = out->origin;
    struct view workload = view_field(view, STR("workload"));
    want_text_read(&workload, regexes, &out->items[0].workload);
    struct view request = view_field(view, STR("request"));
    seen_request_read(&request, regexes, &out->items[0]);
    struct view count = view_field(view, STR("count"));
    count_read(&count, &out->requests);
}

static void hosts_read(const struct view *view, struct expect *out)
{
    if (!view_is_present(view))
        return;
    out->hosts_count = view_count(view);
    out->hosts = ARENA_ARRAY(arena_of(view), struct want_hosts, out->hosts_count);
    for (uint32_t i = 0; i < out->hosts_count; i++) {
        struct view entry = view_entry(view, i);
        struct str text = want_scalar(&entry, STR_EMPTY);
        struct str whole = text;
        struct want_hosts *hosts = &out->hosts[i];
        *hosts = (struct want_hosts){.workload = entry.key, .origin = view_origin(&entry)};
        hosts->order = want_order_cut(&text);
        size_t blank = str_find(text, ' ');
        struct str number = blank == STR_NONE ? text : str_slice(text, 0, blank);
        bool is_good = str_to_u64(number, UINT32_MAX, &hosts->value);
        is_good &= blank != STR_NONE && str_eq(str_trim(str_from(text, blank)), STR("distinct"));
        if (!is_good)
            view_complain(&entry, DIAG_TEST_BAD_HOSTS, whole, STR_EMPTY);
    }
}

void stats_read(const struct view *view, struct want_stat **stats, uint32_t *count)
{
    if (!view_is_present(view))
        return;
    uint32_t capacity = *count;
    for (uint32_t c = 0; c < view_count(view); c++) {
        struct view cluster = view_entry(view, c);
        for (uint32_t i = 0; view_is_present(&cluster) && i < view_count(&cluster); i++) {
            struct view entry = view_entry(&cluster, i);
            struct want_number number;
            want_number_read(&entry, &number);
            *ARENA_PUSH(arena_of(view), *stats, *count, capacity) =
                (struct want_stat){.cluster = cluster.key,
                                   .counter = entry.key,
                                   .order = number.order,
                                   .value = number.value,
                                   .origin = view_origin(&entry)};
        }
    }
}

static void event_read(const struct view *view, struct regex_set *regexes, struct want_event *out)
{
    static const struct field_row ROWS[] = {{"type", FIELD_USED},
                                            {"pod", FIELD_USED},
                                            {"reason", FIELD_USED},
                                            {"at", FIELD_USED},
                                            {"times", FIELD_USED}};
    static const char *const KINDS[] = {"eject", "uneject", NULL};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    *out = (struct want_event){.origin = view_origin(view)};
    struct view type = view_field(view, STR("type"));
    out->has_kind = view_is_present(&type);
    out->kind = (enum play_event_kind)view_choice(view, STR("type"), KINDS, PLAY_EJECT);
    struct view pod = view_field(view, STR("pod"));
    want_text_read(&pod, regexes, &out->pod);
    struct view reason = view_field(view, STR("reason"));
    want_text_read(&reason, regexes, &out->reason);
    struct view at = view_field(view, STR("at"));
    want_duration_read(&at, &out->at);
    struct view times = view_field(view, STR("times"));
    out->times = (struct want_number){.order = WANT_EQUAL, .value = 1};
    if (view_is_present(&times))
        want_number_read(&times, &out->times);
}

static void events_read(const struct view *view, struct regex_set *regexes, struct want_events *out)
{
    if (!view_is_present(view))
        return;
    *out = (struct want_events){
        .is_given = true, .count = want_list_count(view), .origin = view_origin(view)};
    out->items = ARENA_ARRAY(arena_of(view), struct want_event, out->count);
    for (uint32_t i = 0; i < out->count; i++) {
        struct view item = want_list_item(view, i);
        event_read(&item, regexes, &out->items[i]);
    }
}

void expect_whole_read(const struct view *view, struct regex_set *regexes, struct suite_test *out)
{
    static const struct field_row ROWS[] = {{"stats", FIELD_USED}, {"events", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view want = view_field(view, STR("stats"));
    stats_read(&want, &out->stats, &out->stat_count);
    struct view events = view_field(view, STR("events"));
    events_read(&events, regexes, &out->events);
}

/* Of a caller's own it may say the version, too. */
static void tls_read(const struct view *view, bool is_callers, struct regex_set *regexes,
                     struct want_tls *out)
{
    static const struct field_row ROWS[] = {{"client", FIELD_USED},  {"server", FIELD_USED},
                                            {"verdict", FIELD_USED}, {"because", FIELD_USED},
                                            {"blame", FIELD_USED},   {"version", FIELD_USED}};
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS) - (is_callers ? 0 : 1));
    struct view version = want_nullable(view, STR("version"));
    *out = (struct want_tls){.is_given = true, .origin = view_origin(view)};
    struct view client = view_field(view, STR("client")), server = view_field(view, STR("server"));
    struct view verdict = view_field(view, STR("verdict"));
    struct view because = want_nullable(view, STR("because"));
    struct view blame = view_field(view, STR("blame"));
    want_text_read(&client, regexes, &out->client);
    want_text_read(&server, regexes, &out->server);
    want_text_read(&verdict, regexes, &out->verdict);
    want_text_read(&because, regexes, &out->because);
    if (is_callers)
        want_text_read(&version, regexes, &out->version);
    out->blame = want_scalar(&blame, STR_EMPTY);
    out->blame_origin = view_origin(&blame);
}

void expect_read(const struct view *view, struct regex_set *regexes, struct expect *out)
{
    static const struct field_row ROWS[] = {
        {"response", FIELD_USED},     {"error", FIELD_USED},     {"destination", FIELD_USED},
        {"decision", FIELD_USED},     {"attempts", FIELD_USED},  {"upstream", FIELD_USED},
        {"distribution", FIELD_USED}, {"mirror", FIELD_USED},    {"attemptHosts", FIELD_USED},
        {"samePod", FIELD_USED},      {"stats", FIELD_USED},     {"events", FIELD_USED},
        {"tls", FIELD_USED},          {"breaker", FIELD_USED},   {"windows", FIELD_USED},
        {"thresholds", FIELD_USED},   {"callerTls", FIELD_USED},
    };
    out->origin = view_origin(view);
    if (!view_is_present(view))
        return;
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view response = view_field(view, STR("response"));
    response_read(&response, regexes, &out->response);
    struct view error = want_nullable(view, STR("error"));
    errors_read(&error, out);
    struct view destination = view_field(view, STR("destination"));
    destination_read(&destination, regexes, out);
    struct view decision = view_field(view, STR("decision"));
    decision_read(&decision, regexes, out);
    struct view attempts = view_field(view, STR("attempts"));
    want_numbers_read(&attempts, &out->attempts);
    struct view upstream = view_field(view, STR("upstream"));
    upstream_read(&upstream, regexes, &out->upstream);
    struct view mirror = view_field(view, STR("mirror"));
    mirror_read(&mirror, regexes, &out->mirror);
    struct view distribution = view_field(view, STR("distribution"));
    out->distribution_count = want_list_count(&distribution);
    out->distributions =
        ARENA_ARRAY(arena_of(view), struct want_distribution, out->distribution_count);
    for (uint32_t i = 0; i < out->distribution_count; i++) {
        struct view item = want_list_item(&distribution, i);
        distribution_read(&item, &out->distributions[i]);
    }
    struct view hosts = view_field(view, STR("attemptHosts"));
    hosts_read(&hosts, out);
    struct view same = view_field(view, STR("samePod"));
    out->has_same_pod = view_is_present(&same);
    out->same_pod = view_own_bool(&same, true);
    struct view stats = view_field(view, STR("stats"));
    stats_read(&stats, &out->stats, &out->stat_count);
    struct view events = view_field(view, STR("events"));
    events_read(&events, regexes, &out->events);
    struct view tls = view_field(view, STR("tls"));
    tls_read(&tls, false, regexes, &out->tls);
    struct view callers = view_field(view, STR("callerTls"));
    tls_read(&callers, true, regexes, &out->caller_tls);
    over_time_read(view, regexes, out);
}
