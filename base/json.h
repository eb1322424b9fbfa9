/* SPDX-License-Identifier: Apache-2.0
 *
 * base/json.h - a JSON writer into a buffer, and a reader into an arena.
 *
 * The writer puts commas, quotes and escapes; with indent_width 0 it writes
 * one line. It asserts that the calls nest (a key before each value of an
 * object, every begin has its end). The buffer's limit makes it "full": then
 * it writes nothing more and json_is_full answers true.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "base/str.h"

#define JSON_DEPTH_MAX 128 /* deeper than any document of ours, of Envoy's or of YAML here */

struct json {
    struct buf *out;
    uint32_t indent_width;
    uint32_t depth;
    bool has_items[JSON_DEPTH_MAX];
    bool is_object[JSON_DEPTH_MAX];
    bool has_key; /* a key was written, its value not yet */
    bool is_full;
};

void json_init(struct json *json, struct buf *out, uint32_t indent_width);
void json_begin_object(struct json *json);
void json_end_object(struct json *json);
void json_begin_array(struct json *json);
void json_end_array(struct json *json);
void json_key(struct json *json, struct str key);
void json_str(struct json *json, struct str value);
void json_i64(struct json *json, int64_t value);
void json_u64(struct json *json, uint64_t value);
/* Shortest decimal that reads back the same; whole numbers without a point. */
void json_double(struct json *json, double value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
bool json_is_full(const struct json *json);

/* Key and value in one call. */
void json_key_str(struct json *json, struct str key, struct str value);
void json_key_i64(struct json *json, struct str key, int64_t value);
void json_key_bool(struct json *json, struct str key, bool value);

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    struct str text; /* string content unescaped; number as written; true/false */
    double number;
    struct json_value *items; /* array items or object values */
    struct str *keys;         /* object keys, as many as items */
    uint32_t count;
};

/* Reads one document (RFC 8259, UTF-8). RC_BAD with *where = byte offset. */
enum rc json_read(struct str text, struct arena *arena, struct json_value *out,
                  size_t *where) MUST_USE;
/* The same as protobuf reads JSON (JsonStringToMessage): texts and names may stand in single
 * quotes, names in none, a comma may follow the last item, texts may have control
 * characters; but nothing stands twice in an object, no number is without end, and no
 * container is in a hundred others. */
enum rc json_read_protobuf(struct str text, struct arena *arena, struct json_value *out,
                           size_t *where) MUST_USE;
/* The value of an object's key, or NULL. */
const struct json_value *json_get(const struct json_value *object, struct str key);

/* When `text` starts with two \u escapes that are one code point together (RFC
 * 8259 section 7): the bytes they take, and *code. Else 0. */
size_t json_surrogates(struct str text, uint32_t *code);

/* What was read, written again: numbers as doubles. As deep as json_read allows. */
void json_value_write(struct json *json, const struct json_value *value);
