/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_h1.c - what strangers send: requests and responses in pieces
 * whose sizes the first bytes say. Nothing crashes, every head is legal, and
 * the events come in the order of a message.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proxy/http/h1.h"
#include "proxy/http/h1_head.h"
#include "proxy/http/path.h"
#include "tests/fuzz/replay.h"

/* Where in a message the reader is. */
enum place { PLACE_BEFORE, PLACE_STARTED, PLACE_BODY, PLACE_OVER };

static enum place step(enum place place, const struct h1_event *event, struct arena *arena)
{
    switch (event->kind) {
    case H1_MORE:
    case H1_TRAILERS:
        return place;
    case H1_STARTED:
        ASSERT(place == PLACE_BEFORE);
        return PLACE_STARTED;
    case H1_HEAD:
        ASSERT(place == PLACE_STARTED);
        if (event->request != NULL) {
            struct str path;
            ASSERT(h1_head_has_known_method(event->request->method));
            if (event->request->path.len > 0 && event->request->path.ptr[0] == '/' &&
                path_normalize(event->request->path, arena, &path))
                ASSERT(path.ptr[0] == '/');
        }
        return PLACE_BODY;
    case H1_DATA:
        ASSERT(place == PLACE_BODY && event->data.len > 0);
        return place;
    case H1_END:
        ASSERT(place == PLACE_BODY);
        return PLACE_BEFORE;
    case H1_ERROR:
        ASSERT(event->status >= 400);
        return PLACE_OVER;
    }
    UNREACHABLE("h1_event_kind");
}

static void read_all(enum h1_side side, struct str text, size_t piece_bytes)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct h1_settings settings = {.head_bytes_max = 8192, .header_count_max = 50};
    struct h1_parser *parser = h1_parser_new(side, settings);
    h1_begin(parser, &arena, STR("GET"));
    enum place place = PLACE_BEFORE;
    while (text.len > 0 && place != PLACE_OVER) {
        struct str piece = str_slice(text, 0, piece_bytes);
        text = str_from(text, piece.len);
        struct h1_event event = {.kind = H1_STARTED};
        while (event.kind != H1_MORE && place != PLACE_OVER) {
            (void)h1_next(parser, &piece, &event);
            place = step(place, &event, &arena);
            if (event.kind == H1_END)
                h1_begin(parser, &arena, STR("GET"));
        }
    }
    struct h1_event event;
    if (place != PLACE_OVER)
        (void)h1_eof(parser, &event);
    h1_parser_free(parser);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    enum h1_side side = bytes[0] % 2 == 0 ? H1_REQUESTS : H1_RESPONSES;
    struct str text = {(const char *)bytes + 2, size - 2};
    read_all(side, text, (size_t)bytes[1] + 1);
    return 0;
}
