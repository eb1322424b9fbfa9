/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/path.c - segments, dots, slashes and escapes.
 */
#include "proxy/http/path.h"

#include <string.h>

static struct str before_query(struct str path)
{
    size_t query = str_find(path, '?');
    return query == STR_NONE ? path : str_slice(path, 0, query);
}

/* The byte that "%XY" at `at` stands for, or -1. */
static int escaped_byte(struct str text, size_t at)
{
    if (at + 2 >= text.len || text.ptr[at] != '%')
        return -1;
    int high = str_hex_digit(text.ptr[at + 1]), low = str_hex_digit(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Written plainly wherever they come escaped. */
static bool is_unreserved(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c > 0 && strchr("-_.~", c) != NULL);
}

/* Escaped wherever they come plainly. */
static bool is_foreign(unsigned char c)
{
    return c <= 0x20 || c >= 0x7f || strchr("\"#<>?^`{|}", c) != NULL;
}

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

/* 0: an ordinary segment; 1 or 2: "." or "..", also escaped, or plain and with
 * parameters ("..;x"). */
static int dot_count(struct str segment)
{
    int dots = 0;
    bool is_plain = true;
    for (size_t i = 0; i < segment.len;) {
        if (segment.ptr[i] == ';' && is_plain && (dots == 1 || dots == 2))
            return dots;
        if (segment.ptr[i] == '.') {
            i++;
        } else if (escaped_byte(segment, i) == '.') {
            i += 3;
            is_plain = false;
        } else {
            return 0;
        }
        if (++dots > 2)
            return 0;
    }
    return dots;
}

struct writer {
    char *ptr;
    size_t len;
    size_t broken; /* where the last "%" stands that begins no escape; or STR_NONE */
};

static void put_escaped(struct writer *out, unsigned char c)
{
    static const char HEX[] = "0123456789ABCDEF";
    out->ptr[out->len++] = '%';
    out->ptr[out->len++] = HEX[c >> 4];
    out->ptr[out->len++] = HEX[c & 15];
}

/* "%%341" must not become "%41": an escape that was none is not completed by what
 * is unescaped behind it, the "%" is escaped then. `c` was just written plainly;
 * `next` comes after it, 0 at the segment's end. */
static void guard_broken_escape(struct writer *out, char c, char next)
{
    if (out->broken == STR_NONE || out->broken + 3 < out->len)
        return;
    bool is_next_needed = out->broken + 2 == out->len;
    char first = out->ptr[out->broken + 1];
    char second = is_next_needed ? next : out->ptr[out->broken + 2];
    if (str_hex_digit(first) < 0 || str_hex_digit(second) < 0)
        return;
    out->ptr[out->broken + 1] = '2';
    out->ptr[out->broken + 2] = '5';
    out->len = out->broken + 3;
    if (!is_next_needed)
        out->ptr[out->len++] = first;
    out->ptr[out->len++] = c;
}

/* False: an escaped NUL. */
static bool put_escape(struct writer *out, struct str segment, size_t at)
{
    int byte = escaped_byte(segment, at);
    if (byte == 0)
        return false;
    if (byte < 0) {
        out->broken = out->len;
        out->ptr[out->len++] = '%';
    } else if (is_unreserved(byte)) {
        out->ptr[out->len++] = (char)byte;
        guard_broken_escape(out, (char)byte, at + 3 < segment.len ? segment.ptr[at + 3] : '\0');
    } else {
        memcpy(out->ptr + out->len, segment.ptr + at, 3);
        out->len += 3;
    }
    return true;
}

static bool put_segment(struct writer *out, struct str segment)
{
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.ptr[i];
        if (c == '%') {
            bool is_escape = escaped_byte(segment, i) >= 0;
            if (!put_escape(out, segment, i))
                return false;
            i += is_escape ? 2 : 0;
        } else if (is_foreign(c)) {
            put_escaped(out, c);
        } else {
            out->ptr[out->len++] = (char)c;
        }
    }
    return true;
}

/* The last segment goes, with its slash; never above the root. */
static void pop_segment(struct writer *out)
{
    out->broken = STR_NONE;
    if (out->len <= 1)
        return;
    out->len--;
    while (out->ptr[out->len - 1] != '/')
        out->len--;
}

/* Nothing to do for most paths. */
static bool is_normal(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '%' || c == '\\' || (c == '.' && i > 0 && path.ptr[i - 1] == '/') ||
            is_foreign((unsigned char)c))
            return false;
    }
    return true;
}

bool path_normalize(struct str path, struct arena *arena, struct str *out)
{
    struct str bare = before_query(path);
    if (is_normal(bare)) {
        *out = path;
        return true;
    }
    struct writer writer = {.ptr = arena_alloc(arena, bare.len * 3 + path.len + 1),
                            .broken = STR_NONE};
    writer.ptr[writer.len++] = '/';
    size_t at = 1;
    while (at <= bare.len) {
        size_t end = at;
        while (end < bare.len && !is_separator(bare.ptr[end]))
            end++;
        struct str segment = str_slice(bare, at, end);
        int dots = dot_count(segment);
        if (dots == 2) {
            pop_segment(&writer);
        } else if (dots == 0) {
            if (!put_segment(&writer, segment))
                return false;
            if (end < bare.len)
                writer.ptr[writer.len++] = '/';
        }
        at = end + 1;
    }
    struct str query = str_from(path, bare.len);
    if (query.len > 0)
        memcpy(writer.ptr + writer.len, query.ptr, query.len);
    *out = (struct str){writer.ptr, writer.len + query.len};
    return true;
}

struct str path_merge_slashes(struct str path, struct arena *arena)
{
    struct str bare = before_query(path);
    if (str_find_str(bare, STR("//")) == STR_NONE)
        return path;
    char *ptr = arena_alloc(arena, path.len);
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        bool is_repeated = i < bare.len && i > 0 && path.ptr[i] == '/' && path.ptr[i - 1] == '/';
        if (!is_repeated)
            ptr[len++] = path.ptr[i];
    }
    return (struct str){ptr, len};
}

struct str path_unescape_slashes(struct str path, struct arena *arena)
{
    struct str bare = before_query(path);
    if (str_find(bare, '%') == STR_NONE)
        return path;
    char *ptr = arena_alloc(arena, path.len);
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        int byte = i < bare.len ? escaped_byte(bare, i) : -1;
        bool is_slash = byte == '/' || byte == '\\';
        ptr[len++] = is_slash ? (char)byte : path.ptr[i];
        if (is_slash)
            i += 2;
    }
    return (struct str){ptr, len};
}
