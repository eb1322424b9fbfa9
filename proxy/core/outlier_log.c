/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier_log.c - see outlier_log.h.
 */
#include "proxy/core/outlier_log.h"

#include <stdio.h>

#include "base/check.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/ns.h"

#define TIME_BYTES_MAX 64
#define NUMBER_BYTES_MAX 24

/* The name of the type, in capitals as enumerations are. */
static void put_type(struct json *json, enum ejection_type type)
{
    char text[TIME_BYTES_MAX];
    struct str word = ejection_type_word(type);
    ASSERT(word.len < sizeof(text));
    for (size_t i = 0; i < word.len; i++)
        text[i] = (char)(word.ptr[i] >= 'a' && word.ptr[i] <= 'z' ? word.ptr[i] - 'a' + 'A'
                                                                  : word.ptr[i]);
    json_key_str(json, STR("type"), (struct str){text, word.len});
}

/* A Timestamp: as many digits of the second's fraction as say something, in threes. */
static void put_time(struct json *json, int64_t at_ns)
{
    char text[TIME_BYTES_MAX], fraction[16] = "";
    int64_t seconds = at_ns / NS_SECOND;
    int64_t part_ns = at_ns % NS_SECOND;
    struct civil date = civil_of_day(seconds / CIVIL_DAY_SECONDS);
    int of_day = (int)(seconds % CIVIL_DAY_SECONDS);
    if (part_ns % NS_US != 0)
        (void)snprintf(fraction, sizeof(fraction), ".%09d", (int)part_ns);
    else if (part_ns % NS_MS != 0)
        (void)snprintf(fraction, sizeof(fraction), ".%06d", (int)(part_ns / NS_US));
    else if (part_ns != 0)
        (void)snprintf(fraction, sizeof(fraction), ".%03d", (int)(part_ns / NS_MS));
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)date.year,
                   (int)date.month, (int)date.day, of_day / 3600, of_day / 60 % 60, of_day % 60,
                   fraction);
    json_key_str(json, STR("timestamp"), str_of(text));
}

static void put_address(struct json *json, const struct outlier_event *event)
{
    char text[OUTLIER_LOG_LINE_BYTES_MAX / 4];
    bool is_v6 = str_find(event->address, ':') != STR_NONE;
    (void)snprintf(text, sizeof(text), is_v6 ? "[%.*s]:%u" : "%.*s:%u", STR_FMT(event->address),
                   event->port);
    json_key_str(json, STR("upstream_url"), str_of(text));
}

static void put_number(struct json *json, struct str key, double value)
{
    json_key(json, key);
    json_double(json, value);
}

/* What an ejection was decided by. */
static void put_grounds(struct json *json, const struct outlier_event *event)
{
    switch (event->type) {
    case EJECTION_CONSECUTIVE_5XX:
    case EJECTION_CONSECUTIVE_GATEWAY_FAILURE:
    case EJECTION_CONSECUTIVE_LOCAL_ORIGIN_FAILURE:
        json_key(json, STR("eject_consecutive_event"));
        json_begin_object(json);
        json_end_object(json);
        return;
    case EJECTION_SUCCESS_RATE:
    case EJECTION_SUCCESS_RATE_LOCAL_ORIGIN:
        json_key(json, STR("eject_success_rate_event"));
        json_begin_object(json);
        /* These are whole numbers in the message. */
        put_number(json, STR("host_success_rate"), (uint32_t)event->host_success_rate);
        put_number(json, STR("cluster_average_success_rate"),
                   (uint32_t)event->average_success_rate);
        put_number(json, STR("cluster_success_rate_ejection_threshold"),
                   (uint32_t)event->success_rate_threshold);
        json_end_object(json);
        return;
    case EJECTION_FAILURE_PERCENTAGE:
    case EJECTION_FAILURE_PERCENTAGE_LOCAL_ORIGIN:
        json_key(json, STR("eject_failure_percentage_event"));
        json_begin_object(json);
        put_number(json, STR("host_success_rate"), (uint32_t)event->host_success_rate);
        json_end_object(json);
        return;
    case EJECTION_TYPE_COUNT:
        break;
    }
    UNREACHABLE("ejection_type");
}

enum rc outlier_log_line(const struct outlier_event *event, struct buf *out)
{
    struct json json;
    char seconds[NUMBER_BYTES_MAX];
    json_init(&json, out, 0);
    json_begin_object(&json);
    put_type(&json, event->type);
    put_time(&json, event->at_ns);
    if (event->since_last_action_ns != NS_NEVER) {
        (void)snprintf(seconds, sizeof(seconds), "%lld",
                       (long long)(event->since_last_action_ns / NS_SECOND));
        json_key_str(&json, STR("secs_since_last_action"), str_of(seconds));
    }
    json_key_str(&json, STR("cluster_name"), event->cluster);
    put_address(&json, event);
    json_key_str(&json, STR("action"), event->is_ejection ? STR("EJECT") : STR("UNEJECT"));
    json_key_i64(&json, STR("num_ejections"), event->num_ejections);
    json_key_bool(&json, STR("enforced"), event->is_enforced);
    if (event->is_ejection)
        put_grounds(&json, event);
    json_end_object(&json);
    return json_is_full(&json) ? RC_FULL : buf_append(out, STR("\n"));
}
