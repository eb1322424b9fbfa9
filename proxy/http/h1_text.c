/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_text.c - lines, words and characters.
 */
#include "proxy/http/h1_text.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110 5.6.2: letters, digits and !#$%&'*+-.^_`|~, a bit for each below 128. */
static bool is_token_char(char c)
{
    static const uint64_t TOKEN[2] = {UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe)};
    unsigned code = (unsigned char)c;
    return code < 128 && (TOKEN[code / 64] >> (code % 64) & 1) != 0;
}

/* Everything up to the blank separates words, as Envoy's parser has it. */
static bool is_gap(char c)
{
    return (unsigned char)c <= ' ';
}

static bool is_trimmed(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str trim(struct str text)
{
    while (text.len > 0 && is_trimmed(text.ptr[0]))
        text = str_from(text, 1);
    while (text.len > 0 && is_trimmed(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool h1_text_find_end(enum h1_mark *mark, struct str text, size_t *size)
{
    size_t at = 0;
    while (at < text.len) {
        if (*mark == H1_MARK_NONE) {
            size_t feed = str_find(str_from(text, at), '\n');
            if (feed == STR_NONE)
                return false;
            at += feed + 1;
            *mark = H1_MARK_LF;
            continue;
        }
        char c = text.ptr[at++];
        if (c == '\n') {
            *size = at;
            return true;
        }
        *mark = c == '\r' && *mark == H1_MARK_LF ? H1_MARK_CR : H1_MARK_NONE;
    }
    return false;
}

/* Without a branch, so that the compiler takes a block's bytes side by side. */
static unsigned char find_dirt(const unsigned char *bytes, size_t size)
{
    unsigned char dirt = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = bytes[i];
        unsigned char is_low = c < ' ', is_deleted = c == 0x7f;
        unsigned char is_no_tab = c != '\t', is_no_cr = c != '\r', is_no_lf = c != '\n';
        dirt |= (unsigned char)((is_low & is_no_tab & is_no_cr & is_no_lf) | is_deleted);
    }
    return dirt;
}

/* Every byte of a head goes through it. */
bool h1_text_is_clean(struct str text)
{
    enum { BLOCK = 16 };
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    if (text.len < BLOCK)
        return find_dirt(bytes, text.len) == 0;
    unsigned char dirt = find_dirt(bytes + text.len - BLOCK, BLOCK); /* what the blocks leave */
    for (size_t at = 0; text.len - at >= BLOCK; at += BLOCK)
        dirt |= find_dirt(bytes + at, BLOCK);
    return dirt == 0;
}

static struct str take_word(struct str *rest)
{
    while (rest->len > 0 && is_gap(rest->ptr[0]))
        *rest = str_from(*rest, 1);
    size_t size = 0;
    while (size < rest->len && !is_gap(rest->ptr[size]))
        size++;
    struct str word = str_slice(*rest, 0, size);
    *rest = str_from(*rest, size);
    return word;
}

struct h1_first_line h1_text_first_line(struct str line)
{
    struct h1_first_line out;
    out.first = take_word(&line);
    out.second = take_word(&line);
    while (line.len > 0 && is_gap(line.ptr[0]))
        line = str_from(line, 1);
    while (line.len > 0 && is_gap(line.ptr[line.len - 1]))
        line.len--;
    out.third = line;
    return out;
}

/* The line with those that continue it, without the LF of the last. */
static struct str take_folded_line(struct str *rest)
{
    size_t end = 0;
    for (;;) {
        size_t feed = str_find(str_from(*rest, end), '\n');
        if (feed == STR_NONE) {
            end = rest->len;
            break;
        }
        end += feed + 1;
        if (end == rest->len || (rest->ptr[end] != ' ' && rest->ptr[end] != '\t'))
            break;
    }
    struct str line = str_slice(*rest, 0, end);
    *rest = str_from(*rest, end);
    return line;
}

bool h1_text_next_field(struct str *rest, struct h1_field *field)
{
    if (rest->len == 0 || rest->ptr[0] == '\n' || str_has_prefix(*rest, STR("\r\n"))) {
        *rest = STR_EMPTY;
        return false;
    }
    struct str whole = *rest;
    struct str line = take_folded_line(rest);
    size_t colon = 0;
    field->is_legal = true;
    for (; colon < line.len; colon++) {
        bool is_beyond = (unsigned char)line.ptr[colon] >= 0x80;
        if (!is_beyond && !is_token_char(line.ptr[colon]))
            break;
        field->is_legal = field->is_legal && !is_beyond;
    }
    if (colon == 0 || colon == line.len || line.ptr[colon] != ':') {
        *rest = whole;
        return false;
    }
    field->name = str_slice(line, 0, colon);
    field->raw = trim(str_from(line, colon + 1));
    return true;
}

struct str h1_text_lower(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = str_lower_char(text[i]);
    return (struct str){text, size};
}

struct str h1_text_unfold(char *text, size_t size)
{
    if (size == 0 || (memchr(text, '\r', size) == NULL && memchr(text, '\n', size) == NULL))
        return (struct str){text, size};
    size_t kept = 0;
    for (size_t i = 0; i < size; i++)
        if (text[i] != '\r' && text[i] != '\n')
            text[kept++] = text[i];
    return (struct str){text, kept};
}

bool h1_text_is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char(text.ptr[i]))
            return false;
    return text.len > 0;
}

bool h1_text_is_version(struct str text)
{
    return text.len == 8 && str_has_prefix(text, STR("HTTP/")) && is_digit(text.ptr[5]) &&
           text.ptr[6] == '.' && is_digit(text.ptr[7]);
}

static bool is_path_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '!' || text.ptr[i] > '~')
            return false;
    return true;
}

static bool is_host_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alpha(text.ptr[i]) && !is_digit(text.ptr[i]) &&
            str_find(STR("!$%&'()*+,-.:;=@[]_~"), text.ptr[i]) == STR_NONE)
            return false;
    return !str_contains(text, STR("@@"));
}

/* Takes "scheme://" off. */
static bool take_scheme(struct str *target)
{
    size_t size = 0;
    while (size < target->len &&
           (is_alpha(target->ptr[size]) ||
            (size > 0 &&
             (is_digit(target->ptr[size]) || str_find(STR("+-."), target->ptr[size]) != STR_NONE))))
        size++;
    if (size == 0 || !str_has_prefix(str_from(*target, size), STR("://")))
        return false;
    *target = str_from(*target, size + 3);
    return true;
}

bool h1_text_is_target(struct str target, bool is_connect)
{
    if (target.len == 0)
        return false;
    if (target.ptr[0] == '/' || target.ptr[0] == '*')
        return is_path_text(target);
    if (!is_connect && !take_scheme(&target))
        return false;
    size_t host = 0;
    while (host < target.len && target.ptr[host] != '/' && target.ptr[host] != '?')
        host++;
    return is_host_text(str_slice(target, 0, host)) && is_path_text(str_from(target, host));
}
