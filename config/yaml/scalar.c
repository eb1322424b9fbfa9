/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/scalar.c - go-yaml v2's resolve(), re-told.
 *
 * Source: go.yaml.in/yaml/v2 resolve.go as used by sigs.k8s.io/yaml 1.6, and
 * measured against it.
 */
#include "config/yaml/scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"

struct word {
    struct str text;
    enum node_kind kind;
    bool boolean;
    double number;
};

/* Three spellings each: lower, Capitalised, UPPER; nothing between. */
static const struct word WORDS[] = {
#define THREE(a, b, c, ...)                                 \
    {STR_INIT(a), __VA_ARGS__}, {STR_INIT(b), __VA_ARGS__}, \
    {                                                       \
        STR_INIT(c), __VA_ARGS__                            \
    }
    {STR_INIT(""), NODE_NULL, false, 0},
    {STR_INIT("~"), NODE_NULL, false, 0},
    THREE("null", "Null", "NULL", NODE_NULL, false, 0),
    {STR_INIT("y"), NODE_BOOL, true, 0},
    {STR_INIT("Y"), NODE_BOOL, true, 0},
    THREE("yes", "Yes", "YES", NODE_BOOL, true, 0),
    THREE("on", "On", "ON", NODE_BOOL, true, 0),
    THREE("true", "True", "TRUE", NODE_BOOL, true, 0),
    {STR_INIT("n"), NODE_BOOL, false, 0},
    {STR_INIT("N"), NODE_BOOL, false, 0},
    THREE("no", "No", "NO", NODE_BOOL, false, 0),
    THREE("off", "Off", "OFF", NODE_BOOL, false, 0),
    THREE("false", "False", "FALSE", NODE_BOOL, false, 0),
    THREE(".nan", ".NaN", ".NAN", NODE_FLOAT, false, NAN),
    THREE(".inf", ".Inf", ".INF", NODE_FLOAT, false, INFINITY),
    THREE("+.inf", "+.Inf", "+.INF", NODE_FLOAT, false, INFINITY),
    THREE("-.inf", "-.Inf", "-.INF", NODE_FLOAT, false, -INFINITY),
#undef THREE
};

/* Most texts are no such word, as their length or first letter shows. */
static bool could_be_word(struct str text)
{
    enum { WORD_BYTES_MAX = 5 };
    return text.len == 0 ||
           (text.len <= WORD_BYTES_MAX && strchr("~nNyYoOtTfF.+-", text.ptr[0]) != NULL);
}

static const struct word *find_word(struct str text)
{
    if (!could_be_word(text))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (str_eq(WORDS[i].text, text))
            return &WORDS[i];
    return NULL;
}

static bool read_digits(struct str s, uint32_t base, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint32_t digit = (uint32_t)str_hex_digit(s.ptr[i]); /* none: more than any base */
        if (digit >= base || value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    *out = value;
    return s.len > 0;
}

/* Go's ParseInt with base 0: 0x, 0o, 0b, and a bare 0 for octal. */
static bool read_size(struct str s, uint64_t *out)
{
    static const struct {
        struct str prefix;
        uint32_t base;
    } BASES[] = {{STR_INIT("0x"), 16}, {STR_INIT("0o"), 8}, {STR_INIT("0b"), 2}};
    for (size_t i = 0; i < COUNT_OF(BASES); i++)
        if (str_has_prefix_ci(s, BASES[i].prefix))
            return read_digits(str_from(s, 2), BASES[i].base, out);
    bool is_octal = s.len > 1 && s.ptr[0] == '0';
    return read_digits(s, is_octal ? 8 : 10, out);
}

static bool resolve_integer(struct node *node, struct str text)
{
    bool is_negative = str_has_prefix(text, STR("-"));
    bool has_sign = is_negative || str_has_prefix(text, STR("+"));
    uint64_t size;
    if (!read_size(str_from(text, has_sign ? 1 : 0), &size))
        return false;
    if (size <= (uint64_t)INT64_MAX) {
        node->kind = NODE_INT;
        node->integer = is_negative ? -(int64_t)size : (int64_t)size;
        node->number = (double)node->integer;
        return true;
    }
    if (is_negative && size == (uint64_t)INT64_MAX + 1) {
        node->kind = NODE_INT;
        node->integer = INT64_MIN;
        node->number = (double)INT64_MIN;
        return true;
    }
    /* Unsigned ones up to 2^64 are numbers too, which no field here can hold. */
    if (has_sign)
        return false;
    node->kind = NODE_FLOAT;
    node->number = (double)size;
    return true;
}

static size_t digits_at(struct str s, size_t at)
{
    size_t count = 0;
    while (at + count < s.len && s.ptr[at + count] >= '0' && s.ptr[at + count] <= '9')
        count++;
    return count;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_decimal(struct str s)
{
    size_t at = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t whole_count = digits_at(s, at);
    size_t fraction_count = 0;
    at += whole_count;
    if (at < s.len && s.ptr[at] == '.') {
        fraction_count = digits_at(s, at + 1);
        at += 1 + fraction_count;
    }
    if (whole_count + fraction_count == 0)
        return false;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+'))
            at++;
        size_t exponent_count = digits_at(s, at);
        if (exponent_count == 0)
            return false;
        at += exponent_count;
    }
    return at == s.len;
}

static bool resolve_decimal(struct node *node, struct str text, struct arena *arena)
{
    if (!is_decimal(text))
        return false;
    double number = strtod(arena_str(arena, text).ptr, NULL);
    if (isinf(number)) /* does not fit: Go leaves it text */
        return false;
    node->kind = NODE_FLOAT;
    node->number = number;
    return true;
}

static struct str without_underscores(struct str s, struct arena *arena)
{
    if (str_find(s, '_') == STR_NONE)
        return s;
    char *plain = arena_alloc(arena, s.len);
    size_t length = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '_')
            plain[length++] = s.ptr[i];
    return (struct str){plain, length};
}

static bool could_be_number(struct str s)
{
    char c = s.len == 0 ? '\0' : s.ptr[0];
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
}

void scalar_resolve(struct node *node, struct arena *arena)
{
    const struct word *word = find_word(node->text);
    if (word != NULL) {
        node->kind = word->kind;
        node->boolean = word->boolean;
        node->number = word->number;
        return;
    }
    node->kind = NODE_STRING;
    if (!could_be_number(node->text))
        return;
    if (node->text.ptr[0] == '.') {
        (void)resolve_decimal(node, node->text, arena);
        return;
    }
    struct str plain = without_underscores(node->text, arena);
    if (!resolve_integer(node, plain))
        (void)resolve_decimal(node, plain, arena);
}

bool scalar_resolve_as(struct node *node, struct str tag, struct arena *arena)
{
    node->kind = NODE_STRING;
    if (!str_has_prefix(tag, STR(SCALAR_TAG_PREFIX))) {
        node->is_quoted = true;
        return true;
    }
    struct str name = str_from(tag, sizeof(SCALAR_TAG_PREFIX) - 1);
    if (str_eq(name, STR("str")) || str_eq(name, STR("timestamp"))) {
        node->is_quoted = true;
        return true;
    }
    scalar_resolve(node, arena);
    if (str_eq(name, STR("int")))
        return node->kind == NODE_INT;
    if (str_eq(name, STR("float")))
        return node->kind == NODE_INT || node->kind == NODE_FLOAT;
    if (str_eq(name, STR("bool")))
        return node->kind == NODE_BOOL;
    if (str_eq(name, STR("null")))
        return node->kind == NODE_NULL;
    return false;
}

struct str scalar_key(const struct node *node, struct arena *arena)
{
    switch (node->kind) {
    case NODE_STRING:
        return node->text;
    case NODE_BOOL:
        return node->boolean ? STR("true") : STR("false");
    case NODE_INT:
        return arena_format(arena, "%lld", (long long)node->integer);
    case NODE_FLOAT: {
        struct buf room;
        struct json json;
        buf_init(&room, 64);
        json_init(&json, &room, 0);
        json_double(&json, node->number);
        struct str key = arena_str(arena, buf_str(&room));
        buf_fini(&room);
        return key;
    }
    case NODE_NULL:
    case NODE_LIST:
    case NODE_MAP:
        break;
    }
    UNREACHABLE("no key");
}
