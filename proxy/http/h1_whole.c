/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_whole.c - see h1_whole.h.
 */
#include "proxy/http/h1_whole.h"

#include <string.h>

#include "base/check.h"
#include "proxy/model/limits.h"

static bool is_plain_head(const struct h1_event *event)
{
    if (event->is_upgrade || (event->framing != BODY_NONE && event->framing != BODY_LENGTH))
        return false;
    if (event->response != NULL)
        return event->response->version == HTTP_1_1 && event->response->status >= 200;
    const struct request_head *request = event->request;
    return request->version == HTTP_1_1 && str_has_prefix(request->path, STR("/")) &&
           !str_eq(request->method, STR("CONNECT"));
}

static bool read_all(struct h1_parser *parser, struct str input, struct h1_read *out)
{
    struct h1_event event;
    if (h1_next(parser, &input, &event) != H1_STARTED ||
        h1_next(parser, &input, &event) != H1_HEAD || !is_plain_head(&event))
        return false;
    out->request = event.request;
    out->response = event.response;
    out->is_end = event.is_end;
    out->is_keep_alive = event.is_keep_alive;
    out->is_close_nominated = event.is_close_nominated;
    if (!event.is_end) {
        if (h1_next(parser, &input, &event) != H1_DATA)
            return false;
        out->body = event.data;
    }
    return h1_next(parser, &input, &event) == H1_END && input.len == 0;
}

/* A target in another form may mean something else to another connection manager. */
static bool has_origin_form(enum h1_side side, struct str bytes)
{
    size_t blank = str_find(bytes, ' ');
    return side == H1_RESPONSES ||
           (blank != STR_NONE && str_has_prefix(str_from(bytes, blank + 1), STR("/")));
}

bool h1_read_whole(struct h1_read *whole, enum h1_side side, struct str bytes, struct arena *arena)
{
    *whole = (struct h1_read){.bytes = bytes};
    if (bytes.len > H1_WHOLE_BYTES_MAX || !has_origin_form(side, bytes))
        return false;
    struct h1_parser *parser =
        h1_parser_new(side, (struct h1_settings){.head_bytes_max = LIMIT_REQUEST_HEAD_BYTES,
                                                 .header_count_max = LIMIT_HEADER_COUNT});
    h1_begin(parser, arena, side == H1_REQUESTS ? STR_EMPTY : STR("GET"));
    bool is_read = read_all(parser, bytes, whole);
    h1_parser_free(parser);
    return is_read;
}

static void copy_list(struct header_list *out, const struct header_list *from, struct arena *arena,
                      uint32_t spare)
{
    *out = *from;
    out->arena = arena;
    out->capacity = from->count + spare;
    out->items = arena_raw(arena, out->capacity * sizeof(*out->items));
    if (from->count > 0)
        memcpy(out->items, from->items, from->count * sizeof(*out->items));
}

struct request_head *h1_read_request(const struct h1_read *whole, struct arena *arena,
                                     uint32_t spare)
{
    ASSERT(whole->request != NULL);
    struct request_head *head = arena_raw(arena, sizeof(*head));
    *head = *whole->request;
    copy_list(&head->headers, &whole->request->headers, arena, spare);
    return head;
}

struct response_head *h1_read_response(const struct h1_read *whole, struct arena *arena,
                                       uint32_t spare)
{
    ASSERT(whole->response != NULL);
    struct response_head *head = arena_raw(arena, sizeof(*head));
    *head = *whole->response;
    copy_list(&head->headers, &whole->response->headers, arena, spare);
    return head;
}

enum rc h1_sent_write(const struct h1_sent *sent, struct buf *out)
{
    struct h1_out framing = sent->framing;
    enum rc rc = sent->request != NULL
                     ? h1_write_request(out, sent->request, sent->has_body, &framing)
                     : h1_write_response(out, sent->response, sent->has_body, sent->is_closing,
                                         false, &framing);
    return rc == RC_OK ? h1_write_data(out, &framing, sent->body) : rc;
}
