/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/route_action.c - see route_part.h: faults, mirrors, redirects,
 * direct responses, retries.
 */
#include "base/check.h"
#include "config/validate/field.h"
#include "config/validate/route.h"
#include "config/validate/route_part.h"
#include "config/validate/word.h"

#define BODY_BYTES_MAX (1024u * 1024)
#define BODY_BYTES_MANY (100u * 1024)

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

static const struct str RETRY_POLICIES[] = {
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

/* Ranges of statuses that have a name in Go's net/http. */
static const struct {
    int64_t first, last;
} STATUSES[] = {{100, 103}, {200, 208}, {226, 226}, {300, 305}, {307, 308}, {400, 418},
                {421, 426}, {428, 429}, {431, 431}, {451, 451}, {500, 508}, {510, 511}};

static bool is_one_of(struct str text, const struct str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(texts[i], text))
            return true;
    return false;
}

static bool is_status(struct str text)
{
    int64_t status;

    if (!str_to_i64(text, 0, 999, &status))
        return false;
    for (size_t i = 0; i < COUNT_OF(STATUSES); i++)
        if (status >= STATUSES[i].first && status <= STATUSES[i].last)
            return true;
    return false;
}

static void check_percentage(const struct view *owner)
{
    struct view percentage = view_field(owner, STR("percentage"));
    double value = field_double(&percentage, STR("value"));

    if (value < 0 || value > 100 || (value > 0 && value < 0.0001))
        say_text(&percentage, DIAG_V_FRACTION, field_of_double(&percentage, value));
}

static void check_http_status(const struct view *view, int64_t status)
{
    if (status < 200 || status > 600)
        say_number(view, DIAG_V_HTTP_STATUS, status);
}

/* One that says nothing is a warning of istiod's, which gets lost on its way. */
static void check_abort(const struct view *abort)
{
    struct view http = view_field(abort, STR("httpStatus"));
    struct view grpc = view_field(abort, STR("grpcStatus"));

    if (!view_is_present(abort))
        return;
    check_percentage(abort);
    if (field_has(abort, STR("http2Error")))
        say(abort, DIAG_V_ABORT_HTTP2);
    else if (view_is_present(&grpc)) {
        if (!is_one_of(field_own_text(&grpc), GRPC_STATUSES, COUNT_OF(GRPC_STATUSES)))
            say_text(&grpc, DIAG_V_GRPC_STATUS, field_quoted(&grpc, field_own_text(&grpc)));
    } else if (view_is_present(&http)) {
        check_http_status(&http, field_own_number(&http));
    }
}

static void check_delay(const struct view *delay)
{
    struct view exponential = view_field(delay, STR("exponentialDelay"));

    if (!view_is_present(delay))
        return;
    check_percentage(delay);
    if (view_is_present(&exponential)) {
        word_check_duration(delay, STR("exponentialDelay"));
        say(&exponential, DIAG_V_DELAY_EXPONENTIAL);
    } else {
        word_check_duration(delay, STR("fixedDelay"));
    }
}

/* %f */
static struct str fixed(const struct view *view, double number)
{
    return arena_format(view->reading->arena, "%f", number);
}

static void check_mirror(const struct view *mirror)
{
    struct view destination = view_field(mirror, STR("destination"));
    struct view percentage = view_field(mirror, STR("percentage"));
    double value = field_double(&percentage, STR("value"));

    if (!view_is_present(mirror)) {
        say(mirror, DIAG_V_MIRROR_NULL);
        return;
    }
    if (!view_is_present(&destination)) {
        say(mirror, DIAG_V_MIRROR_DESTINATION);
        return;
    }
    route_check_destination(&destination);
    if (value > 100)
        say_text(&percentage, DIAG_V_MIRRORS_MAX, fixed(&percentage, value));
    if (value < 0)
        say_text(&percentage, DIAG_V_MIRRORS_MIN, fixed(&percentage, value));
}

static bool is_prefix_missing(const struct view *route)
{
    struct view matches = view_field(route, STR("match"));

    for (uint32_t i = 0; i < view_count(&matches); i++) {
        struct view match = view_item(&matches, i);
        struct view uri = view_field(&match, STR("uri"));
        if (view_is_present(&uri) &&
            (!field_has(&uri, STR("prefix")) || field_has(&uri, STR("regex"))))
            return true;
    }
    return false;
}

void route_part_check_fault(const struct view *route)
{
    struct view fault = view_field(route, STR("fault"));
    struct view abort = view_field(&fault, STR("abort"));
    struct view delay = view_field(&fault, STR("delay"));

    if (!view_is_present(&fault))
        return;
    if (!view_is_present(&abort) && !view_is_present(&delay))
        say(&fault, DIAG_V_FAULT_EMPTY);
    check_abort(&abort);
    check_delay(&delay);
}

void route_part_check_mirrors(const struct view *route)
{
    struct view percent = view_field(route, STR("mirrorPercent"));
    struct view percentage = view_field(route, STR("mirrorPercentage"));
    struct view mirrors = view_field(route, STR("mirrors"));
    double value = field_double(&percentage, STR("value"));

    if (view_is_present(&percent)) {
        if (field_own_number(&percent) > 100)
            say_number(&percent, DIAG_V_MIRROR_PERCENT_MAX, field_own_number(&percent));
        say(&percent, DIAG_V_MIRROR_PERCENT);
    }
    if (value > 100)
        say_text(&percentage, DIAG_V_MIRROR_PERCENTAGE_MAX, fixed(&percentage, value));
    if (value < 0)
        say_text(&percentage, DIAG_V_MIRROR_PERCENTAGE_MIN, fixed(&percentage, value));
    for (uint32_t i = 0; i < view_count(&mirrors); i++) {
        struct view mirror = view_item(&mirrors, i);
        check_mirror(&mirror);
    }
}

/* Only the first thing is said, as Istio does. */
void route_part_check_redirect(const struct view *route)
{
    struct view redirect = view_field(route, STR("redirect"));
    struct str scheme = field_text(&redirect, STR("scheme"));
    int64_t code = field_number(&redirect, STR("redirectCode"));
    int64_t port = field_number(&redirect, STR("port"));
    bool has_uri = field_text(&redirect, STR("uri")).len > 0;
    bool has_prefix = field_text(&redirect, STR("prefixRewrite")).len > 0;
    bool has_port = field_has(&redirect, STR("port")) || field_has(&redirect, STR("derivePort"));

    if (!view_is_present(&redirect))
        return;
    if (has_uri && has_prefix)
        say(&redirect, DIAG_V_REDIRECT_TWICE);
    else if (has_prefix && is_prefix_missing(route))
        say(&redirect, DIAG_V_REDIRECT_PREFIX);
    else if (!has_uri && !has_prefix && !has_port && scheme.len == 0 &&
             field_text(&redirect, STR("authority")).len == 0)
        say(&redirect, DIAG_V_REDIRECT_EMPTY);
    else if (code != 0 && (code < 300 || code > 399))
        say_number(&redirect, DIAG_V_REDIRECT_CODE, code);
    else if (scheme.len > 0 && !str_eq(scheme, STR("http")) && !str_eq(scheme, STR("https")))
        say(&redirect, DIAG_V_REDIRECT_SCHEME);
    else if (port > 0)
        word_check_port(&redirect, port);
}

void route_part_check_response(const struct view *route)
{
    struct view response = view_field(route, STR("directResponse"));
    struct view body = view_field(&response, STR("body"));
    size_t bytes = field_text(&body, STR("string")).len;

    if (!view_is_present(&response))
        return;
    if (field_has(&body, STR("bytes"))) /* base64: three bytes in four letters */
        bytes = field_text(&body, STR("bytes")).len / 4 * 3;
    if (bytes > BODY_BYTES_MAX)
        say(&body, DIAG_V_BODY_TOO_LARGE);
    else if (bytes > BODY_BYTES_MANY)
        say(&body, DIAG_V_BODY_LARGE);
    check_http_status(&response, field_number(&response, STR("status")));
}

void route_part_check_retries(const struct view *route)
{
    struct view retries = view_field(route, STR("retries"));
    struct view retry_on = view_field(&retries, STR("retryOn"));
    int64_t attempts = field_number(&retries, STR("attempts"));
    struct str rest = field_own_text(&retry_on);

    if (!view_is_present(&retries))
        return;
    if (attempts < 0)
        say(&retries, DIAG_V_ATTEMPTS_NEGATIVE);
    if (attempts == 0 && (field_has(&retries, STR("perTryTimeout")) || rest.len > 0 ||
                          field_has(&retries, STR("retryRemoteLocalities"))))
        say(&retries, DIAG_V_ATTEMPTS_ZERO);
    word_check_duration(&retries, STR("perTryTimeout"));
    while (rest.len > 0 && rest.ptr != NULL) {
        struct str policy = str_cut(&rest, ',');
        if (!is_status(policy) && !is_one_of(policy, RETRY_POLICIES, COUNT_OF(RETRY_POLICIES)))
            say_text(&retry_on, DIAG_V_RETRY_ON, field_quoted(&retry_on, policy));
    }
    word_check_duration(&retries, STR("backoff"));
}
