/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1.c - HTTP/1.x read as Envoy's parser reads it: blank lines, the
 * first line, the fields, the body, the end.
 *
 * The first line is judged as soon as it is there, the fields when all of them
 * are. A head that arrives whole is read where it lies; pieces are put together
 * in `scratch`. Either way it is copied once, into the message's arena.
 */
#include "proxy/http/h1.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/http/h1_chunk.h"
#include "proxy/http/h1_head.h"
#include "proxy/http/h1_text.h"
#include "proxy/model/limits.h"

enum place {
    PLACE_BLANK,       /* nothing of the message was seen */
    PLACE_BLANK_LINES, /* it has begun, with blank lines perhaps */
    PLACE_FIRST_BYTE,
    PLACE_FIRST_LINE,
    PLACE_FIELDS,
    PLACE_BODY,
    PLACE_TRAILERS,
    PLACE_END, /* H1_END is to be told */
    PLACE_FAILED,
};

struct h1_parser {
    enum h1_side side;
    struct h1_settings settings;
    struct arena *arena;
    struct str request_method; /* of the request that a response answers */
    enum place place;
    enum h1_mark mark;
    struct buf scratch; /* pieces of the text under way */
    size_t text_bytes;  /* of the head, or of the trailers, so far */
    struct str target;
    bool is_unclean; /* the first line has control characters */
    bool is_bare;    /* HTTP/0.9: the first line is all there is */
    struct request_head *request;
    struct response_head *response;
    struct header_list *headers, trailers;
    enum body_framing framing;
    uint64_t left_bytes; /* BODY_LENGTH */
    struct h1_chunk chunk;
    struct h1_refusal refusal; /* of PLACE_FAILED */
};

/* --- texts in pieces ------------------------------------------------------ */

static bool refuse(struct h1_parser *parser, struct h1_refusal refusal)
{
    parser->place = PLACE_FAILED;
    parser->refusal = refusal;
    return false;
}

static bool refuse_codec(struct h1_parser *parser)
{
    return refuse(parser, h1_refuse(400, STR("http1.codec_error")));
}

/* Takes `size` bytes off *input for the text under way. */
static bool take_piece(struct h1_parser *parser, struct str *input, size_t size, struct str *piece)
{
    *piece = str_slice(*input, 0, size);
    *input = str_from(*input, size);
    parser->text_bytes += size;
    if (parser->text_bytes > parser->settings.head_bytes_max)
        return refuse(parser, h1_refuse(431, STR("http1.headers_too_large")));
    return true;
}

/* The text ends after `size` bytes of *input. */
static bool take_text(struct h1_parser *parser, struct str *input, size_t size, struct str *text)
{
    if (!take_piece(parser, input, size, text))
        return false;
    if (buf_size(&parser->scratch) == 0)
        return true;
    enum rc rc = buf_append(&parser->scratch, *text);
    ASSERT(rc == RC_OK); /* head_bytes_max holds */
    *text = buf_str(&parser->scratch);
    return true;
}

/* It goes on after *input. */
static bool keep_piece(struct h1_parser *parser, struct str *input)
{
    struct str piece;
    if (!take_piece(parser, input, input->len, &piece))
        return false;
    enum rc rc = buf_append(&parser->scratch, piece);
    ASSERT(rc == RC_OK); /* the same */
    return true;
}

/* --- the first line ------------------------------------------------------- */

static enum http_version version_of(struct str text)
{
    /* To Envoy everything that is not 1.1 is 1.0. */
    return str_eq(text, STR("HTTP/1.1")) ? HTTP_1_1 : HTTP_1_0;
}

static bool take_request_line(struct h1_parser *parser, struct h1_first_line line)
{
    struct request_head *head = ARENA_NEW(parser->arena, struct request_head);
    bool is_connect = str_eq(line.first, STR("CONNECT"));
    if (!h1_head_has_known_method(line.first) || !h1_text_is_target(line.second, is_connect) ||
        (line.third.len > 0 && !h1_text_is_version(line.third)))
        return false;
    head->method = arena_str(parser->arena, line.first);
    head->version = version_of(line.third);
    parser->target = arena_str(parser->arena, line.second);
    parser->is_bare = line.third.len == 0;
    parser->request = head;
    parser->headers = &head->headers;
    return true;
}

static bool take_status_line(struct h1_parser *parser, struct h1_first_line line)
{
    struct response_head *head = ARENA_NEW(parser->arena, struct response_head);
    struct str digits = str_from(line.second, str_has_prefix(line.second, STR("+")) ? 1 : 0);
    uint64_t status;
    if (!h1_text_is_version(line.first) || !str_to_u64(digits, LIMIT_STATUS, &status))
        return false;
    head->status = (uint32_t)status; /* <= LIMIT_STATUS; Envoy takes those below 100, too */
    head->version = version_of(line.first);
    parser->response = head;
    parser->headers = &head->headers;
    return true;
}

/* A line that is no line: to Envoy's parser it is the characters of a head that
 * are wrong first, when all of it has come. `after`: what came with the line; of
 * a longer read Envoy sees so much at once. */
static bool refuse_line(struct h1_parser *parser, struct str text, struct str after)
{
    enum h1_mark mark = H1_MARK_LF;
    size_t size = 0;
    after = str_slice(after, 0, text.len < LIMIT_READ_BYTES ? LIMIT_READ_BYTES - text.len : 0);
    bool is_bare = parser->side == H1_REQUESTS && h1_text_first_line(text).third.len == 0;
    bool is_whole = is_bare || h1_text_find_end(&mark, after, &size);
    if (is_whole && (!h1_text_is_clean(text) || !h1_text_is_clean(str_slice(after, 0, size))))
        return refuse(parser, h1_refuse(400, STR("http1.invalid_characters")));
    return refuse_codec(parser);
}

static bool take_first_line(struct h1_parser *parser, struct str text, struct str after)
{
    struct h1_first_line line = h1_text_first_line(text);
    bool is_taken = parser->side == H1_REQUESTS ? take_request_line(parser, line)
                                                : take_status_line(parser, line);
    parser->is_unclean = !h1_text_is_clean(text);
    if (!is_taken)
        (void)refuse_line(parser, text, after);
    buf_clear(&parser->scratch);
    if (!is_taken)
        return false;
    header_list_init(parser->headers, parser->arena);
    parser->headers->is_response = parser->side == H1_RESPONSES;
    header_list_init(&parser->trailers, parser->arena);
    parser->mark = H1_MARK_LF;
    parser->place = PLACE_FIELDS;
    return true;
}

/* No blank and no control character; a response's is known. */
static bool check_first_byte(struct h1_parser *parser, char c)
{
    bool is_response = parser->side == H1_RESPONSES;
    if ((unsigned char)c <= ' ' || (is_response && c != 'H'))
        return refuse_codec(parser);
    parser->place = PLACE_FIRST_LINE;
    return true;
}

/* --- the fields ----------------------------------------------------------- */

static void note_framing(struct h1_framing_words *words, struct str name, struct str raw)
{
    if (str_eq(name, STR("content-length"))) {
        words->length_count++;
        words->is_length_bad |= !str_to_u64(raw, UINT64_MAX, &words->length);
    } else if (str_eq(name, STR("transfer-encoding"))) {
        words->is_chunked |= str_eq_ci(raw, STR("chunked"));
    }
}

/* Of the names that Envoy knows there is one line at most (ENVOY.md 1.2). It is
 * made at the end, so that many short ones do not cost their sum again and again. */
static void join_fields(struct h1_parser *parser)
{
    struct header_list *headers = parser->headers;
    for (uint32_t i = 0; i < headers->count; i++)
        if (header_is_inline(headers, headers->items[i].name))
            header_join(headers, headers->items[i].name);
    if (parser->side == H1_REQUESTS)
        header_join(headers, STR("host"));
}

static void take_host(struct h1_parser *parser)
{
    struct header_list *headers = parser->headers;
    struct request_head *head = parser->request;
    head->has_authority = header_get(headers, STR("host"), &head->authority);
    header_remove(headers, STR("host"));
}

/* Envoy counts what is left when lines are joined. Of those that it joins there
 * may be as many as a head has room for. */
struct line_count {
    uint32_t all, plain; /* plain: counted when there are more than the most of all */
    uint32_t judged;     /* plain, two lines ago: Envoy counts a line when the next is read */
    bool is_illegal;     /* a name, before there were too many */
    bool is_past;        /* there were too many before a name that is illegal */
};

/* Names of which there is one line at most. */
static bool is_joined(const struct header_list *list, struct str name)
{
    return header_is_inline(list, name) || str_eq(name, STR("host"));
}

/* What the first `count` lines are when lines are joined. */
static uint32_t entries_of(const struct header_list *list, uint32_t count)
{
    uint32_t entries = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = 0;
        while (first < i && !str_eq(list->items[first].name, list->items[i].name))
            first++;
        entries += first == i || !is_joined(list, list->items[i].name);
    }
    return entries;
}

static void judge_name(struct line_count *count, uint32_t most, const struct header_list *list,
                       const struct h1_field *field)
{
    if (!field->is_legal && !count->is_illegal && count->judged <= most) {
        bool is_too_many = list->count > 0 && entries_of(list, list->count - 1) > most;
        count->is_illegal = !is_too_many;
        count->is_past = is_too_many;
    }
    count->judged = count->is_past ? UINT32_MAX : count->plain;
}

static bool is_one_too_many(struct line_count *count, uint32_t most, bool is_trailers,
                            const struct header_list *list, struct str name)
{
    if (++count->all <= most)
        return false;
    for (uint32_t i = 0; count->all == most + 1 && i < list->count; i++)
        count->plain += is_trailers || !is_joined(list, list->items[i].name);
    count->plain += is_trailers || !is_joined(list, name);
    return count->plain > most;
}

/* Every field of `text`, which is copied. */
static bool take_fields(struct h1_parser *parser, struct str text, struct h1_framing_words *words)
{
    bool is_head = parser->place != PLACE_TRAILERS;
    if (!h1_text_is_clean(text) || (is_head && parser->is_unclean))
        return refuse(parser, h1_refuse(400, STR("http1.invalid_characters")));
    char *block = arena_alloc(parser->arena, text.len + 1); /* the text may be empty */
    struct str rest = {block, text.len};
    if (text.len > 0)
        memcpy(block, text.ptr, text.len);
    struct h1_field field;
    struct line_count count = {0};
    uint32_t most = parser->settings.header_count_max;
    bool has_twins = false; /* two lines of one name */
    bool is_trailers = parser->place == PLACE_TRAILERS;
    struct header_list *list = is_trailers ? &parser->trailers : parser->headers;
    while (h1_text_next_field(&rest, &field)) {
        struct str name = h1_text_lower(block + (field.name.ptr - block), field.name.len);
        note_framing(words, name, field.raw);
        judge_name(&count, most, list, &field);
        if (is_one_too_many(&count, most, is_trailers, list, name))
            continue;
        has_twins = has_twins || header_is_present(list, name);
        header_append_line(list, name,
                           h1_text_unfold(block + (field.raw.ptr - block), field.raw.len));
    }
    buf_clear(&parser->scratch);
    if (rest.len > 0 || count.is_illegal ||
        (is_head && (words->length_count > 1 || words->is_length_bad)))
        return refuse_codec(parser);
    if (has_twins && is_head)
        join_fields(parser);
    if (count.plain > most || list->count > most || count.is_past)
        return refuse(parser, h1_refuse(431, STR("http1.too_many_headers")));
    if (is_head && parser->side == H1_REQUESTS)
        take_host(parser);
    return true;
}

static bool has_no_body(const struct h1_parser *parser)
{
    if (parser->side == H1_REQUESTS)
        return false;
    uint32_t status = parser->response->status;
    return status / 100 == 1 || status == 204 || status == 304 ||
           str_eq(parser->request_method, STR("HEAD"));
}

static enum body_framing framing_of(const struct h1_parser *parser,
                                    const struct h1_framing_words *words)
{
    if (has_no_body(parser))
        return BODY_NONE;
    if (parser->side == H1_REQUESTS && str_eq(parser->request->method, STR("CONNECT")))
        return BODY_UNTIL_CLOSE; /* bytes both ways: it never completes */
    if (words->is_chunked)
        return BODY_CHUNKED;
    if (words->length_count > 0)
        return words->length > 0 ? BODY_LENGTH : BODY_NONE;
    return parser->side == H1_REQUESTS ? BODY_NONE : BODY_UNTIL_CLOSE;
}

/* `is_closing`: Connection said close, before what it nominates was removed. */
static void make_head_event(const struct h1_parser *parser, bool is_upgrade, bool is_closing,
                            struct h1_event *event)
{
    *event = (struct h1_event){.kind = H1_HEAD,
                               .request = parser->request,
                               .response = parser->response,
                               .framing = parser->framing,
                               .is_upgrade = is_upgrade};
    enum http_version version =
        parser->request != NULL ? parser->request->version : parser->response->version;
    event->is_close_nominated =
        is_closing || h1_head_has_token(parser->headers, STR("proxy-connection"), STR("close"));
    event->is_end = event->framing == BODY_NONE;
    event->is_keep_alive =
        !event->is_close_nominated && event->framing != BODY_UNTIL_CLOSE &&
        (version == HTTP_1_1 ||
         h1_head_has_token(parser->headers, STR("connection"), STR("keep-alive")));
}

static struct h1_refusal check_head(struct h1_parser *parser, const struct h1_framing_words *words,
                                    bool *is_upgrade)
{
    if (parser->side == H1_RESPONSES) {
        *is_upgrade = h1_head_is_upgrade(parser->headers);
        return h1_head_check_response(parser->response, words);
    }
    struct h1_head_question asked = {.target = parser->target,
                                     .words = words,
                                     .is_accepting_http10 = parser->settings.is_accepting_http10,
                                     .is_refusing_https = parser->settings.is_refusing_https};
    return h1_head_check_request(parser->request, &asked, is_upgrade);
}

static bool take_head(struct h1_parser *parser, struct str text, struct h1_event *event)
{
    struct h1_framing_words words = {0};
    if (!take_fields(parser, text, &words))
        return false;
    bool is_upgrade = false;
    bool is_closing = h1_head_has_token(parser->headers, STR("connection"), STR("close"));
    struct h1_refusal refusal = check_head(parser, &words, &is_upgrade);
    if (refusal.status != 0)
        return refuse(parser, refusal);
    parser->framing = framing_of(parser, &words);
    parser->left_bytes = words.length;
    parser->chunk = (struct h1_chunk){.place = CHUNK_SIZE};
    parser->place = parser->framing == BODY_NONE ? PLACE_END : PLACE_BODY;
    make_head_event(parser, is_upgrade, is_closing, event);
    return true;
}

/* --- the body ------------------------------------------------------------- */

static void begin_trailers(struct h1_parser *parser)
{
    parser->place = PLACE_TRAILERS;
    parser->mark = H1_MARK_LF;
    parser->text_bytes = 0;
}

/* True: *event is told. */
static bool take_chunks(struct h1_parser *parser, struct str *input, struct h1_event *event)
{
    struct str data = STR_EMPTY;
    switch (h1_chunk_next(&parser->chunk, input, &data)) {
    case CHUNK_MORE:
        return false;
    case CHUNK_GAVE:
        *event = (struct h1_event){.kind = H1_DATA, .data = data};
        return true;
    case CHUNK_LAST:
        begin_trailers(parser);
        return false;
    case CHUNK_BAD:
        refuse_codec(parser);
        return false;
    }
    UNREACHABLE("h1_chunk_answer");
}

static bool take_body(struct h1_parser *parser, struct str *input, struct h1_event *event)
{
    if (parser->framing == BODY_CHUNKED)
        return take_chunks(parser, input, event);
    size_t size = input->len;
    if (parser->framing == BODY_LENGTH && parser->left_bytes < size)
        size = (size_t)parser->left_bytes; /* fits: < size */
    *event = (struct h1_event){.kind = H1_DATA, .data = str_slice(*input, 0, size)};
    *input = str_from(*input, size);
    if (parser->framing == BODY_LENGTH) {
        parser->left_bytes -= size;
        if (parser->left_bytes == 0)
            parser->place = PLACE_END;
    }
    return true;
}

/* --- one step ------------------------------------------------------------- */

/* Blank lines may stand before a request, and nothing before a response. They
 * begin it: to Envoy the first byte does, whatever it is. */
static void skip_blank_lines(struct h1_parser *parser, struct str *input)
{
    while (parser->side == H1_REQUESTS && input->len > 0 &&
           (input->ptr[0] == '\r' || input->ptr[0] == '\n'))
        *input = str_from(*input, 1);
    if (input->len > 0)
        parser->place = PLACE_FIRST_BYTE;
}

static void take_line(struct h1_parser *parser, struct str *input)
{
    size_t feed = str_find(*input, '\n');
    struct str text;
    if (feed == STR_NONE)
        (void)keep_piece(parser, input);
    else if (take_text(parser, input, feed + 1, &text))
        (void)take_first_line(parser, text, *input);
}

/* True: *event is told. */
static bool take_block(struct h1_parser *parser, struct str *input, struct h1_event *event)
{
    size_t size = 0;
    struct str text;
    if (!h1_text_find_end(&parser->mark, *input, &size)) {
        (void)keep_piece(parser, input);
        return false;
    }
    if (!take_text(parser, input, size, &text))
        return false;
    if (parser->place == PLACE_FIELDS)
        return take_head(parser, text, event);
    struct h1_framing_words ignored = {0};
    if (take_fields(parser, text, &ignored))
        parser->place = PLACE_END;
    return false;
}

static void make_failure(struct h1_parser *parser, struct h1_event *event)
{
    /* A request that was refused has no method yet, to those who log it. */
    bool is_body = parser->framing != BODY_NONE;
    *event = (struct h1_event){.kind = H1_ERROR,
                               .request = is_body ? parser->request : NULL,
                               .status = parser->refusal.status,
                               .details = parser->refusal.details,
                               .body = parser->refusal.body};
}

/* True: *event is told; false: the place has changed, or the input is used up. */
static bool take_step(struct h1_parser *parser, struct str *input, struct h1_event *event)
{
    switch (parser->place) {
    case PLACE_BLANK:
        *event = (struct h1_event){.kind = H1_STARTED};
        parser->place = PLACE_BLANK_LINES;
        return true;
    case PLACE_BLANK_LINES:
        skip_blank_lines(parser, input);
        return false;
    case PLACE_FIRST_BYTE:
        (void)check_first_byte(parser, input->ptr[0]);
        return false;
    case PLACE_FIRST_LINE:
        take_line(parser, input);
        if (parser->is_bare && parser->place == PLACE_FIELDS)
            return take_head(parser, STR_EMPTY, event);
        return false;
    case PLACE_FIELDS:
    case PLACE_TRAILERS:
        return take_block(parser, input, event);
    case PLACE_BODY:
        return take_body(parser, input, event);
    case PLACE_END:
        *event = (struct h1_event){.kind = H1_END, .trailers = &parser->trailers};
        return true;
    case PLACE_FAILED:
        make_failure(parser, event);
        return true;
    }
    UNREACHABLE("place");
}

/* --- the doors ------------------------------------------------------------ */

struct h1_parser *h1_parser_new(enum h1_side side, struct h1_settings settings)
{
    struct h1_parser *parser = calloc(1, sizeof(*parser));
    if (parser == NULL)
        check_out_of_memory(sizeof(*parser));
    parser->side = side;
    parser->settings = settings;
    buf_init(&parser->scratch, settings.head_bytes_max);
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
    parser->arena = arena;
    parser->request_method = request_method;
    parser->place = PLACE_BLANK;
    parser->mark = H1_MARK_NONE;
    parser->text_bytes = 0;
    parser->target = STR_EMPTY;
    parser->is_bare = parser->is_unclean = false;
    parser->request = NULL;
    parser->response = NULL;
    parser->headers = NULL;
    parser->framing = BODY_NONE;
    parser->refusal = (struct h1_refusal){0};
    buf_clear(&parser->scratch);
}

enum h1_event_kind h1_next(struct h1_parser *parser, struct str *input, struct h1_event *event)
{
    ASSERT(parser->arena != NULL);
    while (input->len > 0 || parser->place == PLACE_END || parser->place == PLACE_FAILED)
        if (take_step(parser, input, event))
            return event->kind;
    *event = (struct h1_event){.kind = H1_MORE};
    return H1_MORE;
}

enum h1_event_kind h1_eof(struct h1_parser *parser, struct h1_event *event)
{
    bool is_until_close = parser->place == PLACE_BODY && parser->framing == BODY_UNTIL_CLOSE;
    if (parser->place == PLACE_BLANK || parser->place == PLACE_END || is_until_close) {
        *event = (struct h1_event){.kind = H1_END, .trailers = &parser->trailers};
        return H1_END;
    }
    if (parser->place != PLACE_FAILED)
        refuse_codec(parser);
    make_failure(parser, event);
    return H1_ERROR;
}

bool h1_is_started(const struct h1_parser *parser)
{
    return parser->place != PLACE_BLANK;
}
