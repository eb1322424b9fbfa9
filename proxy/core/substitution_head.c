/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution_head.c - values from the heads of request and response.
 */
#include <stdio.h>

#include "base/check.h"
#include "proxy/core/local_reply.h"
#include "proxy/core/substitution_row.h"

void substitution_read_request_header(const struct substitution_question *q)
{
    const struct request_head *head = q->facts->request;
    struct str value;
    if (head == NULL)
        return;
    if (request_head_get(head, q->substitution->argument, &value) ||
        (q->substitution->other.len > 0 && request_head_get(head, q->substitution->other, &value)))
        substitution_text(q, value);
}

static bool response_value(const struct substitution_question *q, struct str name,
                           struct str *value)
{
    const struct response_head *head = q->facts->response;
    if (!str_eq(name, STR(":status")))
        return name.len > 0 && header_get(&head->headers, name, value);
    int size = snprintf(q->value->scratch, sizeof(q->value->scratch), "%u", head->status);
    *value = (struct str){q->value->scratch, (size_t)size};
    return true;
}

void substitution_read_response_header(const struct substitution_question *q)
{
    struct str value;
    if (q->facts->response != NULL && (response_value(q, q->substitution->argument, &value) ||
                                       response_value(q, q->substitution->other, &value)))
        substitution_text(q, value);
}

void substitution_read_trailer(const struct substitution_question *q)
{
    const struct header_list *trailers = substitution_record(q)->trailers;
    struct str value;
    if (trailers != NULL && (header_get(trailers, q->substitution->argument, &value) ||
                             header_get(trailers, q->substitution->other, &value)))
        substitution_text(q, value);
}

/* The client's path, before any rewriting, or the one that went upstream. */
static bool path_of(const struct substitution_question *q, struct str which, struct str *path)
{
    const struct request_head *head = q->facts->request;
    if (head == NULL)
        return false;
    bool has_original = header_get(&head->headers, STR("x-envoy-original-path"), path);
    if (str_eq(which, STR("ORIG")))
        return has_original;
    if (!has_original || str_eq(which, STR("PATH")))
        *path = head->path;
    return path->len > 0;
}

void substitution_read_path(const struct substitution_question *q)
{
    struct str which = q->substitution->argument;
    struct str form = str_cut(&which, ':');
    struct str value;
    if (!path_of(q, which, &value))
        return;
    substitution_text(q, str_eq(form, STR("NQ")) ? str_cut(&value, '?') : value);
}

static bool query_of(const struct substitution_question *q, struct str *query)
{
    if (!path_of(q, STR("ORIG_OR_PATH"), query))
        return false;
    (void)str_cut(query, '?');
    *query = str_slice(*query, 0, str_find(*query, '#'));
    return query->ptr != NULL;
}

void substitution_read_query_param(const struct substitution_question *q)
{
    struct str query;
    if (!query_of(q, &query))
        return;
    while (query.ptr != NULL) {
        struct str value = str_cut(&query, '&');
        struct str name = str_cut(&value, '=');
        if (!str_eq(name, q->substitution->argument))
            continue;
        substitution_text(q, value);
        q->value->coding = CODING_PERCENT;
        return;
    }
}

void substitution_read_query_params(const struct substitution_question *q)
{
    struct str query;
    if (!query_of(q, &query))
        return;
    substitution_text(q, query);
    if (str_eq(q->substitution->argument, STR("DECODED")))
        q->value->coding = CODING_PERCENT;
}

void substitution_read_stream_id(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, substitution_record(q)->request_id);
}

/* ENVOY.md 14.5: what the trailers say, or the headers, else what the status means. */
static bool grpc_code(const struct substitution_question *q, uint32_t *code)
{
    const struct response_head *response = q->facts->response;
    struct str said;
    uint64_t value;
    if (q->facts->request == NULL || !request_head_is_grpc(q->facts->request) || response == NULL)
        return false;
    const struct header_list *trailers = substitution_record(q)->trailers;
    bool is_said = ((trailers != NULL && header_get(trailers, STR("grpc-status"), &said)) ||
                    header_get(&response->headers, STR("grpc-status"), &said)) &&
                   str_to_u64(said, UINT32_MAX, &value);
    *code = is_said ? (uint32_t)value : local_reply_grpc_status(response->status);
    return true;
}

void substitution_read_grpc_status_number(const struct substitution_question *q)
{
    uint32_t code;
    if (grpc_code(q, &code))
        substitution_number(q, code);
}

void substitution_read_grpc_status(const struct substitution_question *q)
{
    static const struct {
        struct str camel, snake;
    } names[] = {
        {STR_INIT("OK"), STR_INIT("OK")},
        {STR_INIT("Canceled"), STR_INIT("CANCELLED")},
        {STR_INIT("Unknown"), STR_INIT("UNKNOWN")},
        {STR_INIT("InvalidArgument"), STR_INIT("INVALID_ARGUMENT")},
        {STR_INIT("DeadlineExceeded"), STR_INIT("DEADLINE_EXCEEDED")},
        {STR_INIT("NotFound"), STR_INIT("NOT_FOUND")},
        {STR_INIT("AlreadyExists"), STR_INIT("ALREADY_EXISTS")},
        {STR_INIT("PermissionDenied"), STR_INIT("PERMISSION_DENIED")},
        {STR_INIT("ResourceExhausted"), STR_INIT("RESOURCE_EXHAUSTED")},
        {STR_INIT("FailedPrecondition"), STR_INIT("FAILED_PRECONDITION")},
        {STR_INIT("Aborted"), STR_INIT("ABORTED")},
        {STR_INIT("OutOfRange"), STR_INIT("OUT_OF_RANGE")},
        {STR_INIT("Unimplemented"), STR_INIT("UNIMPLEMENTED")},
        {STR_INIT("Internal"), STR_INIT("INTERNAL")},
        {STR_INIT("Unavailable"), STR_INIT("UNAVAILABLE")},
        {STR_INIT("DataLoss"), STR_INIT("DATA_LOSS")},
        {STR_INIT("Unauthenticated"), STR_INIT("UNAUTHENTICATED")},
    };
    uint32_t code;
    if (!grpc_code(q, &code))
        return;
    if (code >= COUNT_OF(names) || str_eq(q->substitution->argument, STR("NUMBER")))
        substitution_number(q, code);
    else
        substitution_text(q, str_eq(q->substitution->argument, STR("SNAKE_STRING"))
                                 ? names[code].snake
                                 : names[code].camel);
}
