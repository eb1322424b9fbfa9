/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1.c - llhttp, pulled: one event for each call.
 *
 * Every callback that makes an event pauses llhttp, so nothing is parsed that
 * was not asked for; texts that arrive in pieces are put together in `scratch`.
 */
#include "proxy/http/h1.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/http/h1_head.h"

struct h1_parser {
    llhttp_t llhttp;
    enum h1_side side;
    struct h1_settings settings;
    struct arena *arena;
    struct str request_method; /* of the request that a response answers */
    struct str piece;          /* of the text under way: still in the input */
    struct buf scratch;        /* pieces from earlier inputs */
    struct str target, name;
    struct request_head *request;
    struct response_head *response;
    struct header_list *headers, trailers;
    struct h1_event event; /* what the callback made */
    bool has_event;
    bool is_started, is_head_done, is_value, has_transfer_encoding;
    uint32_t head_bytes, header_count;
    struct h1_refusal refusal; /* why a callback refused */
};

static struct h1_parser *parser_of(llhttp_t *llhttp)
{
    return llhttp->data;
}

static int pause_with(struct h1_parser *parser, enum h1_event_kind kind)
{
    ASSERT(!parser->has_event);
    parser->has_event = true;
    parser->event.kind = kind;
    return HPE_PAUSED;
}

static int refuse(struct h1_parser *parser, struct h1_refusal refusal)
{
    parser->refusal = refusal;
    return HPE_USER;
}

/* --- texts in pieces ------------------------------------------------------ */

static int add_piece(struct h1_parser *parser, const char *at, size_t length)
{
    parser->head_bytes += (uint32_t)length;
    if (parser->head_bytes > parser->settings.head_bytes_max)
        return refuse(parser, h1_refuse(431, STR("http1.headers_too_large")));
    if (parser->piece.len == 0 && buf_size(&parser->scratch) == 0) {
        parser->piece = (struct str){at, length};
        return 0;
    }
    if (buf_append(&parser->scratch, parser->piece) != RC_OK ||
        buf_append(&parser->scratch, (struct str){at, length}) != RC_OK)
        return refuse(parser, h1_refuse(431, STR("http1.headers_too_large")));
    parser->piece = STR_EMPTY;
    return 0;
}

/* The input is about to go: what hangs on it moves to scratch. */
static void keep_piece(struct h1_parser *parser)
{
    if (parser->piece.len > 0 && buf_append(&parser->scratch, parser->piece) != RC_OK)
        parser->refusal = h1_refuse(431, STR("http1.headers_too_large"));
    parser->piece = STR_EMPTY;
}

/* The whole text, valid until the next piece. */
static struct str take_text(struct h1_parser *parser)
{
    struct str text = buf_size(&parser->scratch) > 0 ? buf_str(&parser->scratch) : parser->piece;
    return text;
}

static void drop_text(struct h1_parser *parser)
{
    parser->piece = STR_EMPTY;
    buf_clear(&parser->scratch);
}

/* --- callbacks ------------------------------------------------------------ */

static int on_message_begin(llhttp_t *llhttp)
{
    struct h1_parser *parser = parser_of(llhttp);
    if (parser->is_started)
        return 0;
    parser->is_started = true;
    if (parser->side == H1_REQUESTS) {
        parser->request = ARENA_NEW(parser->arena, struct request_head);
        parser->headers = &parser->request->headers;
    } else {
        parser->response = ARENA_NEW(parser->arena, struct response_head);
        parser->headers = &parser->response->headers;
    }
    header_list_init(parser->headers, parser->arena);
    header_list_init(&parser->trailers, parser->arena);
    return pause_with(parser, H1_STARTED);
}

static int on_text(llhttp_t *llhttp, const char *at, size_t length)
{
    return add_piece(parser_of(llhttp), at, length);
}

static int on_url_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = parser_of(llhttp);
    parser->target = arena_str(parser->arena, take_text(parser));
    drop_text(parser);
    return 0;
}

static int on_status_complete(llhttp_t *llhttp)
{
    /* The phrase is not passed on: Envoy writes its own (ENVOY.md 1.2). */
    drop_text(parser_of(llhttp));
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
    parser_of(llhttp)->is_value = true;
    return add_piece(parser_of(llhttp), at, length);
}

static int on_header_field_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = parser_of(llhttp);
    parser->name = arena_str_lower(parser->arena, take_text(parser));
    parser->is_value = true;
    drop_text(parser);
    if (++parser->header_count > parser->settings.header_count_max)
        return refuse(parser, h1_refuse(431, STR("http1.too_many_headers")));
    return 0;
}

static void add_header(struct h1_parser *parser, struct str value)
{
    struct request_head *head = parser->request;
    if (parser->is_head_done) {
        header_append_line(&parser->trailers, parser->name, value);
        return;
    }
    if (str_eq(parser->name, STR("transfer-encoding")))
        parser->has_transfer_encoding = true;
    if (parser->side == H1_REQUESTS && str_eq(parser->name, STR("host"))) {
        head->authority =
            head->has_authority
                ? arena_format(parser->arena, "%.*s,%.*s", STR_FMT(head->authority), STR_FMT(value))
                : value;
        head->has_authority = true;
        return;
    }
    header_add(parser->headers, parser->name, value);
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = parser_of(llhttp);
    struct str value = arena_str(parser->arena, str_trim(take_text(parser)));
    drop_text(parser);
    parser->is_value = false;
    add_header(parser, value);
    return 0;
}

/* Exactly "chunked", or nothing (ENVOY.md 1.2). */
static bool has_plain_transfer_encoding(const struct h1_parser *parser)
{
    struct str value;
    return !header_get(parser->headers, STR("transfer-encoding"), &value) ||
           str_eq_ci(value, STR("chunked"));
}

static enum http_version version_of(const llhttp_t *llhttp)
{
    return llhttp->http_minor >= 1 ? HTTP_1_1 : HTTP_1_0;
}

static struct h1_refusal check_request(struct h1_parser *parser)
{
    llhttp_t *llhttp = &parser->llhttp;
    struct request_head *head = parser->request;
    head->method = str_of(llhttp_method_name((llhttp_method_t)llhttp->method));
    head->version = version_of(llhttp);
    if (!h1_head_has_known_method(head->method))
        return h1_refuse(400, STR("http1.codec_error"));
    bool is_11 = llhttp->http_major == 1 && llhttp->http_minor == 1;
    bool is_10 = llhttp->http_major == 1 && llhttp->http_minor == 0;
    if (!is_11 && !(is_10 && parser->settings.is_accepting_http10))
        return h1_refuse(426, STR("low_version"));
    struct h1_refusal refusal = h1_head_target(head, parser->target);
    if (refusal.status != 0)
        return refusal;
    if (!has_plain_transfer_encoding(parser) ||
        (parser->has_transfer_encoding && str_eq(head->method, STR("CONNECT"))))
        return h1_refuse(501, STR("http1.invalid_transfer_encoding"));
    if (head->has_authority && !h1_head_has_legal_authority(head->authority))
        return h1_refuse(400, STR("http.invalid_authority"));
    return h1_head_connection(head);
}

/* Upgrade: h2c is ignored, the request served as it is. */
static bool take_upgrade(struct h1_parser *parser)
{
    struct str upgrade;
    bool is_upgrade = header_get(parser->headers, STR("upgrade"), &upgrade) &&
                      h1_head_has_token(parser->headers, STR("connection"), STR("upgrade"));
    if (!is_upgrade || parser->side == H1_RESPONSES)
        return is_upgrade;
    if (!str_eq_ci(upgrade, STR("h2c")))
        return true;
    header_remove(parser->headers, STR("upgrade"));
    header_remove(parser->headers, STR("http2-settings"));
    return false;
}

static bool has_no_body(const struct h1_parser *parser)
{
    if (parser->side == H1_REQUESTS)
        return false;
    uint32_t status = parser->response->status;
    return status < 200 || status == 204 || status == 304 ||
           str_eq(parser->request_method, STR("HEAD"));
}

static enum body_framing framing_of(const struct h1_parser *parser)
{
    const llhttp_t *llhttp = &parser->llhttp;
    if (has_no_body(parser))
        return BODY_NONE;
    if ((llhttp->flags & F_CHUNKED) != 0)
        return BODY_CHUNKED;
    if ((llhttp->flags & F_CONTENT_LENGTH) != 0)
        return llhttp->content_length > 0 ? BODY_LENGTH : BODY_NONE;
    return parser->side == H1_REQUESTS ? BODY_NONE : BODY_UNTIL_CLOSE;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = parser_of(llhttp);
    struct h1_event *event = &parser->event;
    *event = (struct h1_event){0};
    parser->is_head_done = true;
    if (parser->side == H1_REQUESTS) {
        struct h1_refusal refusal = check_request(parser);
        if (refusal.status != 0)
            return refuse(parser, refusal);
    } else {
        parser->response->status = llhttp->status_code;
        parser->response->version = version_of(llhttp);
        if (!has_plain_transfer_encoding(parser))
            return refuse(parser, h1_refuse(502, STR("http1.invalid_transfer_encoding")));
    }
    event->request = parser->request;
    event->response = parser->response;
    event->is_upgrade = take_upgrade(parser);
    event->is_close_nominated =
        h1_head_has_token(parser->headers, STR("connection"), STR("close")) ||
        h1_head_has_token(parser->headers, STR("proxy-connection"), STR("close"));
    event->framing = framing_of(parser);
    event->is_end = event->framing == BODY_NONE;
    event->is_keep_alive =
        !event->is_close_nominated && event->framing != BODY_UNTIL_CLOSE &&
        (version_of(llhttp) == HTTP_1_1 ||
         h1_head_has_token(parser->headers, STR("connection"), STR("keep-alive")));
    /* What follows an upgrade is not llhttp's: the caller takes the bytes. */
    llhttp->upgrade = 0;
    if (has_no_body(parser))
        llhttp->flags |= F_SKIPBODY;
    return pause_with(parser, H1_HEAD);
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct h1_parser *parser = parser_of(llhttp);
    if (length == 0)
        return 0;
    parser->event = (struct h1_event){.data = {at, length}};
    return pause_with(parser, H1_DATA);
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct h1_parser *parser = parser_of(llhttp);
    parser->event = (struct h1_event){.trailers = &parser->trailers};
    return pause_with(parser, H1_END);
}

/* --- the doors ------------------------------------------------------------ */

static const llhttp_settings_t CALLBACKS = {
    .on_message_begin = on_message_begin,
    .on_url = on_text,
    .on_url_complete = on_url_complete,
    .on_status = on_text,
    .on_status_complete = on_status_complete,
    .on_header_field = on_text,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* What Envoy answers to what llhttp refused. */
static struct h1_refusal refusal_of(const struct h1_parser *parser, llhttp_errno_t error)
{
    if (parser->refusal.status != 0)
        return parser->refusal;
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return h1_refuse(501, STR("http1.invalid_transfer_encoding"));
    if (error == HPE_UNEXPECTED_CONTENT_LENGTH && parser->has_transfer_encoding)
        return h1_refuse(400, STR("http1.content_length_and_chunked_not_allowed"));
    if (error == HPE_INVALID_HEADER_TOKEN && parser->is_value)
        return h1_refuse(400, STR("http1.invalid_characters"));
    return h1_refuse(400, STR("http1.codec_error"));
}

static enum h1_event_kind fail(struct h1_parser *parser, llhttp_errno_t error,
                               struct h1_event *event)
{
    struct h1_refusal refusal = refusal_of(parser, error);
    parser->is_started = true;
    *event = (struct h1_event){.kind = H1_ERROR,
                               .request = parser->request,
                               .status = refusal.status,
                               .details = refusal.details,
                               .body = refusal.body};
    return H1_ERROR;
}

struct h1_parser *h1_parser_new(enum h1_side side, struct h1_settings settings)
{
    struct h1_parser *parser = calloc(1, sizeof(*parser));
    if (parser == NULL)
        check_out_of_memory(sizeof(*parser));
    parser->side = side;
    parser->settings = settings;
    buf_init(&parser->scratch, (size_t)settings.head_bytes_max + 1);
    llhttp_init(&parser->llhttp, side == H1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &CALLBACKS);
    parser->llhttp.data = parser;
    return parser;
}

void h1_parser_free(struct h1_parser *parser)
{
    if (parser == NULL)
        return;
    buf_fini(&parser->scratch);
    free(parser);
}

void h1_begin(struct h1_parser *parser, struct arena *arena, struct str request_method)
{
    llhttp_reset(&parser->llhttp);
    parser->arena = arena;
    parser->request_method = request_method;
    parser->target = parser->name = STR_EMPTY;
    parser->request = NULL;
    parser->response = NULL;
    parser->headers = NULL;
    parser->has_event = parser->is_started = parser->is_head_done = parser->is_value = false;
    parser->has_transfer_encoding = false;
    parser->head_bytes = parser->header_count = 0;
    parser->refusal = (struct h1_refusal){0};
    drop_text(parser);
}

enum h1_event_kind h1_next(struct h1_parser *parser, struct str *input, struct h1_event *event)
{
    ASSERT(parser->arena != NULL);
    const char *start = input->len > 0 ? input->ptr : "";
    llhttp_errno_t error = llhttp_execute(&parser->llhttp, start, input->len);
    if (error == HPE_OK) {
        keep_piece(parser);
        *input = STR_EMPTY;
        if (parser->refusal.status != 0)
            return fail(parser, HPE_USER, event);
        *event = (struct h1_event){.kind = H1_MORE};
        return H1_MORE;
    }
    if (error != HPE_PAUSED || !parser->has_event)
        return fail(parser, error, event);
    const char *stop = llhttp_get_error_pos(&parser->llhttp);
    ASSERT(stop >= start && stop <= start + input->len);
    *input = str_from(*input, (size_t)(stop - start));
    llhttp_resume(&parser->llhttp);
    parser->has_event = false;
    *event = parser->event;
    return event->kind;
}

enum h1_event_kind h1_eof(struct h1_parser *parser, struct h1_event *event)
{
    if (!parser->is_started) {
        *event = (struct h1_event){.kind = H1_END};
        return H1_END;
    }
    llhttp_errno_t error = llhttp_finish(&parser->llhttp);
    if (parser->has_event && parser->event.kind == H1_END) {
        parser->has_event = false;
        *event = parser->event;
        return H1_END;
    }
    return fail(parser, error, event);
}

bool h1_is_started(const struct h1_parser *parser)
{
    return parser->is_started;
}
