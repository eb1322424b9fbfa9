/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution_record.c - values from times, sizes and what the exchange
 * came to.
 */
#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/clock_text.h"
#include "proxy/core/substitution_row.h"

void substitution_read_nothing(const struct substitution_question *q)
{
    (void)q;
}

void substitution_read_empty(const struct substitution_question *q)
{
    substitution_text(q, STR_EMPTY);
}

static void moment(const struct substitution_question *q, int64_t at_ns)
{
    struct str format =
        q->substitution->argument.len > 0 ? q->substitution->argument : CLOCK_TEXT_DEFAULT;
    size_t size = clock_text(format, q->facts->epoch_seconds * NS_SECOND + at_ns, q->value->scratch,
                             sizeof(q->value->scratch));
    substitution_text(q, (struct str){q->value->scratch, size});
}

void substitution_read_start_time(const struct substitution_question *q)
{
    moment(q, substitution_record(q)->started_ns);
}

void substitution_read_emit_time(const struct substitution_question *q)
{
    if (q->facts->is_over)
        moment(q, substitution_record(q)->finished_ns);
}

static void between(const struct substitution_question *q, int64_t from_ns, int64_t to_ns)
{
    if (to_ns > 0 && from_ns >= 0 && to_ns >= from_ns)
        substitution_number(q, (to_ns - from_ns) / NS_MS);
}

void substitution_read_duration(const struct substitution_question *q)
{
    if (q->facts->is_over)
        substitution_number(
            q, (substitution_record(q)->finished_ns - substitution_record(q)->started_ns) / NS_MS);
}

void substitution_read_request_duration(const struct substitution_question *q)
{
    between(q, substitution_record(q)->started_ns, substitution_record(q)->request_ended_ns);
}

void substitution_read_request_tx_duration(const struct substitution_question *q)
{
    between(q, substitution_record(q)->started_ns, substitution_record(q)->request_sent_ns);
}

void substitution_read_response_duration(const struct substitution_question *q)
{
    between(q, substitution_record(q)->started_ns, substitution_record(q)->response_started_ns);
}

void substitution_read_response_tx_duration(const struct substitution_question *q)
{
    if (q->facts->is_over && substitution_record(q)->response_started_ns > 0)
        between(q, substitution_record(q)->response_started_ns,
                substitution_record(q)->finished_ns);
}

/* 0: it has not come, or is not known here. */
static int64_t time_point(const struct record *record, struct str name)
{
    if (str_eq(name, STR("DS_RX_BEG")))
        return ns_max(record->started_ns, 1);
    if (str_eq(name, STR("DS_RX_END")))
        return record->request_ended_ns;
    if (str_eq(name, STR("US_TX_END")))
        return record->request_sent_ns;
    if (str_eq(name, STR("US_RX_BEG")))
        return record->response_started_ns;
    if (str_eq(name, STR("DS_TX_BEG")))
        return record->response_forwarded_ns;
    if (str_eq(name, STR("DS_TX_END")))
        return record->response_forwarded_ns > 0 ? record->finished_ns : 0;
    return 0;
}

void substitution_read_common_duration(const struct substitution_question *q)
{
    struct str unit = q->substitution->argument;
    struct str from = str_cut(&unit, ':');
    struct str to = str_cut(&unit, ':');
    int64_t from_ns = time_point(substitution_record(q), from);
    int64_t to_ns = time_point(substitution_record(q), to);
    if (from_ns == 0 || to_ns < from_ns)
        return;
    int64_t unit_ns = str_eq(unit, STR("ns")) ? 1 : str_eq(unit, STR("us")) ? NS_US : NS_MS;
    substitution_number(q, (to_ns - from_ns) / unit_ns);
}

static struct str protocol_name(enum http_version version)
{
    switch (version) {
    case HTTP_1_0:
        return STR("HTTP/1.0");
    case HTTP_1_1:
        return STR("HTTP/1.1");
    case HTTP_2:
        return STR("HTTP/2");
    }
    UNREACHABLE("http_version");
}

void substitution_read_protocol(const struct substitution_question *q)
{
    if (!substitution_record(q)->is_tcp)
        substitution_text(q, protocol_name(substitution_record(q)->version));
}

void substitution_read_upstream_protocol(const struct substitution_question *q)
{
    const struct record_upstream *upstream = &substitution_record(q)->upstream;
    if (!substitution_record(q)->is_tcp && upstream->connection_id != 0)
        substitution_text(q, upstream->is_h2 ? STR("HTTP/2") : STR("HTTP/1.1"));
}

void substitution_read_response_code(const struct substitution_question *q)
{
    /* Before the end, the status of the head that is being changed. */
    bool is_begun = !q->facts->is_over && q->facts->response != NULL;
    substitution_number(q, is_begun ? q->facts->response->status : substitution_record(q)->status);
}

void substitution_read_connection_termination_details(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->termination);
}

void substitution_read_response_code_details(const struct substitution_question *q)
{
    substitution_word(q, substitution_record(q)->details);
    if (str_eq(q->substitution->argument, STR("ALLOW_WHITESPACES")))
        q->value->coding = CODING_PLAIN;
}

static void join_flags(const struct substitution_question *q, bool is_long)
{
    const struct record *record = substitution_record(q);
    struct substitution_value *value = q->value;
    size_t size = 0;
    for (uint32_t i = 0; i < record->flag_count; i++) {
        struct str flag = is_long ? reason_flag_long(record->flags[i]) : record->flags[i];
        if (size + flag.len + 1 > sizeof(value->scratch))
            break;
        if (i > 0)
            value->scratch[size++] = ',';
        memcpy(value->scratch + size, flag.ptr, flag.len);
        size += flag.len;
    }
    substitution_text(q, size > 0 ? (struct str){value->scratch, size} : STR("-"));
}

void substitution_read_response_flags(const struct substitution_question *q)
{
    join_flags(q, false);
}

void substitution_read_response_flags_long(const struct substitution_question *q)
{
    join_flags(q, true);
}

void substitution_read_bytes_received(const struct substitution_question *q)
{
    substitution_number(q, (int64_t)substitution_record(q)->bytes_received);
}

void substitution_read_bytes_sent(const struct substitution_question *q)
{
    substitution_number(q, (int64_t)substitution_record(q)->bytes_sent);
}

void substitution_read_route_name(const struct substitution_question *q)
{
    if (substitution_record(q)->route != NULL)
        substitution_text_unless_empty(q, substitution_record(q)->route->name);
}

void substitution_read_filter_chain_name(const struct substitution_question *q)
{
    if (substitution_record(q)->downstream.chain != NULL)
        substitution_text_unless_empty(q, substitution_record(q)->downstream.chain->name);
}

void substitution_read_requested_server_name(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->downstream.server_name);
}

void substitution_read_hostname(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, q->facts->hostname);
}

void substitution_read_access_log_type(const struct substitution_question *q)
{
    substitution_text(q, substitution_record(q)->is_tcp ? STR("TcpConnectionEnd")
                                                        : STR("DownstreamEnd"));
}
