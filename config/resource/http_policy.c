/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/http_policy.c - how a rule treats a request on its way:
 * retries, faults, mirrors.
 *
 * Source: ISTIO.md 2.13, 2.16, 2.17, 9.3.
 */
#include "config/resource/host.h"
#include "config/resource/syntax.h"
#include "config/resource/virtual_service.h"

static const struct field_row RETRIES_ROWS[] = {
    {"attempts", FIELD_USED},
    {"perTryTimeout", FIELD_USED},
    {"retryOn", FIELD_USED},
    {"retryRemoteLocalities", FIELD_USED},
    {"retryIgnorePreviousHosts", FIELD_USED},
    {"backoff", FIELD_USED},
};
static const struct field_row FAULT_ROWS[] = {{"delay", FIELD_USED}, {"abort", FIELD_USED}};
static const struct field_row DELAY_ROWS[] = {{"percent", FIELD_USED},
                                              {"percentage", FIELD_USED},
                                              {"fixedDelay", FIELD_USED},
                                              {"exponentialDelay", FIELD_USED}};
static const struct field_row ABORT_ROWS[] = {{"percentage", FIELD_USED},
                                              {"httpStatus", FIELD_USED},
                                              {"grpcStatus", FIELD_USED},
                                              {"http2Error", FIELD_USED}};
static const struct field_row PERCENT_ROWS[] = {{"value", FIELD_USED}};
static const struct field_row MIRROR_ROWS[] = {{"destination", FIELD_USED},
                                               {"percentage", FIELD_USED}};

/* In the order of their codes. */
static const struct str GRPC_STATUSES[] = {
    STR_INIT("OK"),
    STR_INIT("CANCELLED"),
    STR_INIT("UNKNOWN"),
    STR_INIT("INVALID_ARGUMENT"),
    STR_INIT("DEADLINE_EXCEEDED"),
    STR_INIT("NOT_FOUND"),
    STR_INIT("ALREADY_EXISTS"),
    STR_INIT("PERMISSION_DENIED"),
    STR_INIT("RESOURCE_EXHAUSTED"),
    STR_INIT("FAILED_PRECONDITION"),
    STR_INIT("ABORTED"),
    STR_INIT("OUT_OF_RANGE"),
    STR_INIT("UNIMPLEMENTED"),
    STR_INIT("INTERNAL"),
    STR_INIT("UNAVAILABLE"),
    STR_INIT("DATA_LOSS"),
    STR_INIT("UNAUTHENTICATED"),
};

static const struct str RETRY_CONDITIONS[] = {
    STR_INIT("5xx"),
    STR_INIT("gateway-error"),
    STR_INIT("reset"),
    STR_INIT("reset-before-request"),
    STR_INIT("connect-failure"),
    STR_INIT("retriable-4xx"),
    STR_INIT("refused-stream"),
    STR_INIT("retriable-status-codes"),
    STR_INIT("retriable-headers"),
    STR_INIT("envoy-ratelimited"),
    STR_INIT("http3-post-connect-failure"),
    STR_INIT("cancelled"),
    STR_INIT("deadline-exceeded"),
    STR_INIT("internal"),
    STR_INIT("resource-exhausted"),
    STR_INIT("unavailable"),
};

static bool is_retry_condition(struct str item)
{
    uint64_t status;

    if (str_to_u64(item, 999, &status) && status >= 100)
        return true;
    for (size_t i = 0; i < COUNT_OF(RETRY_CONDITIONS); i++) {
        if (str_eq(item, RETRY_CONDITIONS[i]))
            return true;
    }
    return false;
}

static void check_retry_on(const struct view *view, struct str text)
{
    struct str rest = text;

    while (rest.ptr != NULL) {
        struct str item = str_cut(&rest, ',');
        if (!is_retry_condition(item))
            view_complain(view, DIAG_RETRY_ON, item, STR_EMPTY);
    }
}

/* percentage: {value: 12.5}; false when it is not there. */
static bool read_percentage(const struct view *parent, struct str name, double *out)
{
    struct view map = view_map(parent, name);

    if (!view_is_present(&map))
        return false;
    view_check_fields(&map, PERCENT_ROWS, COUNT_OF(PERCENT_ROWS));
    *out = view_number(&map, STR("value"), 0);
    struct view value = view_field(&map, STR("value"));
    if (*out < 0 || *out > 100 || (*out > 0 && *out < 0.0001))
        view_complain(view_is_present(&value) ? &value : &map, DIAG_PERCENTAGE, STR_EMPTY,
                      STR_EMPTY);
    return true;
}

static int64_t read_checked_duration(const struct view *parent, struct str name)
{
    struct view field = view_field(parent, name);

    if (!view_is_present(&field))
        return 0;
    int64_t ns = view_own_duration_ns(&field, 1000000);
    syntax_check_duration(&field, ns);
    return ns;
}

static void read_delay(const struct view *fault, struct http_fault *out)
{
    struct view delay = view_map(fault, STR("delay"));

    if (!view_is_present(&delay))
        return;
    out->has_delay = true;
    view_check_fields(&delay, DELAY_ROWS, COUNT_OF(DELAY_ROWS));
    struct view exponential = view_field(&delay, STR("exponentialDelay"));
    if (view_is_present(&exponential))
        view_complain(&exponential, DIAG_FAULT_EXPONENTIAL, STR_EMPTY, STR_EMPTY);
    else
        out->delay_ns = read_checked_duration(&delay, STR("fixedDelay"));
    struct view fixed = view_field(&delay, STR("fixedDelay"));
    if (!view_is_present(&fixed) && !view_is_present(&exponential))
        view_complain(&delay, DIAG_FAULT_DELAY_MISSING, STR_EMPTY, STR_EMPTY);
    out->is_delay_millionths = read_percentage(&delay, STR("percentage"), &out->delay_percent);
    if (!out->is_delay_millionths)
        out->delay_percent = (double)view_i64(&delay, STR("percent"), 0, 100, 0);
}

static void read_grpc_status(const struct view *abort, struct http_fault *out)
{
    struct view field = view_field(abort, STR("grpcStatus"));

    if (!view_is_present(&field))
        return;
    struct str text = view_own_str(&field, STR_EMPTY);
    for (uint32_t i = 0; i < COUNT_OF(GRPC_STATUSES); i++) {
        if (str_eq(text, GRPC_STATUSES[i])) {
            out->has_grpc_status = true;
            out->grpc_status = i;
            return;
        }
    }
    view_complain(&field, DIAG_FAULT_GRPC_STATUS, text, STR_EMPTY);
}

static void read_abort(const struct view *fault, struct http_fault *out)
{
    struct view abort = view_map(fault, STR("abort"));

    if (!view_is_present(&abort))
        return;
    out->has_abort = true;
    view_check_fields(&abort, ABORT_ROWS, COUNT_OF(ABORT_ROWS));
    out->has_abort_share = read_percentage(&abort, STR("percentage"), &out->abort_percent);
    struct view status = view_field(&abort, STR("httpStatus"));
    struct view http2 = view_field(&abort, STR("http2Error"));
    if (view_is_present(&status)) {
        out->abort_status = (uint32_t)view_own_i64(&status, 0, UINT32_MAX, 0);
        if (out->abort_status < 200 || out->abort_status > 600)
            view_complain(&status, DIAG_FAULT_STATUS, STR_EMPTY, STR_EMPTY);
    }
    if (view_is_present(&http2))
        view_complain(&http2, DIAG_FAULT_HTTP2, STR_EMPTY, STR_EMPTY);
    read_grpc_status(&abort, out);
    struct view grpc = view_field(&abort, STR("grpcStatus"));
    if (!view_is_present(&status) && !view_is_present(&http2) && !view_is_present(&grpc))
        view_complain(&abort, DIAG_FAULT_ABORT_EMPTY, STR_EMPTY, STR_EMPTY);
}

static void read_mirror(const struct view *destination, struct str namespace,
                        struct http_mirror *out)
{
    destination_read(destination, namespace, &out->destination);
}

static void read_old_mirror(const struct view *rule, struct str namespace,
                            struct http_mirror_list *out)
{
    struct view destination = view_map(rule, STR("mirror"));
    struct view old = view_field(rule, STR("mirrorPercent"));
    struct http_mirror mirror = {0};

    if (view_is_present(&old)) {
        mirror.has_percent = true;
        mirror.percent = (double)view_own_i64(&old, 0, UINT32_MAX, 0);
        if (mirror.percent > 100)
            view_complain(&old, DIAG_PERCENTAGE, STR_EMPTY, STR_EMPTY);
        view_complain(&old, DIAG_MIRROR_PERCENT_OLD, STR_EMPTY, STR_EMPTY);
    }
    if (read_percentage(rule, STR("mirrorPercentage"), &mirror.percent)) {
        mirror.has_percent = true;
        mirror.is_millionths = true;
    }
    if (!view_is_present(&destination))
        return;
    read_mirror(&destination, namespace, &mirror);
    *ARENA_PUSH(rule->reading->arena, out->items, out->count, out->capacity) = mirror;
}

const struct http_retries *http_retries_read(const struct view *retries)
{
    struct http_retries *out = ARENA_NEW(retries->reading->arena, struct http_retries);
    struct view retry_on = view_field(retries, STR("retryOn"));
    struct view per_try = view_field(retries, STR("perTryTimeout"));
    struct view remote = view_field(retries, STR("retryRemoteLocalities"));
    struct view previous = view_field(retries, STR("retryIgnorePreviousHosts"));

    out->origin = view_origin(retries);
    view_check_fields(retries, RETRIES_ROWS, COUNT_OF(RETRIES_ROWS));
    out->attempts = view_i64(retries, STR("attempts"), INT32_MIN, INT32_MAX, 0);
    out->retry_on = view_own_str(&retry_on, STR_EMPTY);
    out->per_try_timeout_ns = read_checked_duration(retries, STR("perTryTimeout"));
    out->backoff_ns = read_checked_duration(retries, STR("backoff"));
    out->has_remote_localities = view_is_present(&remote);
    out->is_remote_localities = view_own_bool(&remote, false);
    out->has_ignore_previous_hosts = view_is_present(&previous);
    out->is_ignoring_previous_hosts = view_own_bool(&previous, false);
    if (out->attempts < 0)
        view_complain(retries, DIAG_RETRIES_NEGATIVE, STR_EMPTY, STR_EMPTY);
    if (out->attempts == 0 &&
        (view_is_present(&per_try) || out->retry_on.len > 0 || out->has_remote_localities))
        view_complain(retries, DIAG_RETRIES_OFF_BUT_SAID, STR_EMPTY, STR_EMPTY);
    if (out->retry_on.len > 0)
        check_retry_on(&retry_on, out->retry_on);
    return out;
}

const struct http_fault *http_fault_read(const struct view *fault)
{
    struct http_fault *out = ARENA_NEW(fault->reading->arena, struct http_fault);

    out->origin = view_origin(fault);
    view_check_fields(fault, FAULT_ROWS, COUNT_OF(FAULT_ROWS));
    read_delay(fault, out);
    read_abort(fault, out);
    if (!out->has_delay && !out->has_abort)
        view_complain(fault, DIAG_FAULT_EMPTY, STR_EMPTY, STR_EMPTY);
    return out;
}

void http_mirrors_read(const struct view *rule, struct str namespace, struct http_mirror_list *out)
{
    struct view list = view_list(rule, STR("mirrors"));

    read_old_mirror(rule, namespace, out);
    if (view_count(&list) > 0 && out->count > 0)
        view_complain(&list, DIAG_MIRROR_TWICE, STR_EMPTY, STR_EMPTY);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct http_mirror mirror = {.is_millionths = true};
        view_check_fields(&item, MIRROR_ROWS, COUNT_OF(MIRROR_ROWS));
        mirror.has_percent = read_percentage(&item, STR("percentage"), &mirror.percent);
        struct view destination = view_map(&item, STR("destination"));
        if (!view_is_present(&destination)) {
            view_complain(&item, DIAG_DESTINATION_MISSING, STR_EMPTY, STR_EMPTY);
            continue;
        }
        read_mirror(&destination, namespace, &mirror);
        *ARENA_PUSH(rule->reading->arena, out->items, out->count, out->capacity) = mirror;
    }
}
