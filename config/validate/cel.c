/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/cel.c - see cel.h.
 *
 * Operands and operators alternate, so no tree is needed: a stack of open
 * brackets, and whether a value is wanted next. "? :" is a bracket that closes
 * itself: its ":" must come before what encloses it ends.
 */
#include "config/validate/cel.h"

#include "base/check.h"

#define DEPTH_MAX 250u /* CEL's own limit of recursion */

struct scan {
    struct str text;
    size_t at;
    char stack[DEPTH_MAX]; /* ( [ { ? and : (of a map's entry) */
    size_t depth;
    bool wants_value;
    bool has_items; /* something stands in the innermost bracket */
    const char *error;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct scan *scan, size_t ahead)
{
    return scan->at + ahead < scan->text.len ? scan->text.ptr[scan->at + ahead] : '\0';
}

static void fail(struct scan *scan, const char *error)
{
    if (scan->error == NULL)
        scan->error = error;
}

static void push(struct scan *scan, char bracket)
{
    if (scan->depth == DEPTH_MAX) {
        fail(scan, "expression recursion limit exceeded: 250");
        return;
    }
    scan->stack[scan->depth++] = bracket;
}

static char top(const struct scan *scan)
{
    return scan->depth == 0 ? '\0' : scan->stack[scan->depth - 1];
}

static void skip_blanks(struct scan *scan)
{
    for (;;) {
        char c = peek(scan, 0);
        if (c == '/' && peek(scan, 1) == '/') {
            while (scan->at < scan->text.len && peek(scan, 0) != '\n')
                scan->at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            scan->at++;
        } else {
            return;
        }
    }
}

/* '...', "...", and three of each; raw strings have no escapes. */
static void scan_string(struct scan *scan, bool is_raw)
{
    char quote = peek(scan, 0);
    bool is_triple = peek(scan, 1) == quote && peek(scan, 2) == quote;

    scan->at += is_triple ? 3 : 1;
    for (; scan->at < scan->text.len; scan->at++) {
        char c = peek(scan, 0);
        if (c == '\\' && !is_raw)
            scan->at++;
        else if (c == '\n' && !is_triple)
            break;
        else if (c == quote && (!is_triple || (peek(scan, 1) == quote && peek(scan, 2) == quote))) {
            scan->at += is_triple ? 3 : 1;
            return;
        }
    }
    fail(scan, "Syntax error: token recognition error: a string has no end");
}

static void scan_number(struct scan *scan)
{
    bool is_hex = peek(scan, 0) == '0' && (peek(scan, 1) == 'x' || peek(scan, 1) == 'X');

    scan->at += is_hex ? 2 : 0;
    while (is_digit(peek(scan, 0)) || (is_letter(peek(scan, 0)) && peek(scan, 0) != '_') ||
           (peek(scan, 0) == '.' && is_digit(peek(scan, 1))) ||
           ((peek(scan, 0) == '+' || peek(scan, 0) == '-') && !is_hex &&
            (scan->text.ptr[scan->at - 1] == 'e' || scan->text.ptr[scan->at - 1] == 'E')))
        scan->at++;
}

/* A name; `in` between two values is an operator. */
static struct str scan_name(struct scan *scan)
{
    size_t from = scan->at;

    while (is_letter(peek(scan, 0)) || is_digit(peek(scan, 0)))
        scan->at++;
    return str_slice(scan->text, from, scan->at);
}

static bool is_string_prefix(const struct scan *scan, size_t *length)
{
    size_t n = 0;

    while (n < 2 && str_find(STR("rRbB"), peek(scan, n)) != STR_NONE && peek(scan, n) != '\0')
        n++;
    *length = n;
    return peek(scan, n) == '"' || peek(scan, n) == '\'';
}

static void scan_value(struct scan *scan)
{
    char c = peek(scan, 0);
    size_t prefix_len;

    scan->has_items = true;
    if (is_string_prefix(scan, &prefix_len)) {
        bool is_raw = str_find_str(str_slice(scan->text, scan->at, scan->at + prefix_len),
                                   STR("r")) != STR_NONE;
        scan->at += prefix_len;
        scan_string(scan, is_raw);
        scan->wants_value = false;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(scan, 1)))) {
        scan_number(scan);
        scan->wants_value = false;
    } else if (is_letter(c) || (c == '.' && is_letter(peek(scan, 1)))) {
        scan->at += c == '.' ? 1 : 0;
        if (str_eq(scan_name(scan), STR("in")))
            fail(scan, "Syntax error: mismatched input 'in'");
        scan->wants_value = false;
    } else if (c == '(' || c == '[' || c == '{') {
        scan->at++;
        push(scan, c);
        scan->has_items = false;
    } else if (c == '!' || c == '-') {
        scan->at++;
    } else {
        fail(scan, c == '\0' ? "Syntax error: mismatched input '<EOF>' expecting an expression"
                             : "Syntax error: extraneous input, expecting an expression");
    }
}

static void close_bracket(struct scan *scan, char closing)
{
    char opening = closing == ')' ? '(' : closing == ']' ? '[' : '{';

    if (top(scan) == ':')
        scan->depth--;
    if (top(scan) != opening) {
        fail(scan, "Syntax error: mismatched bracket");
        return;
    }
    scan->depth--;
    scan->at++;
    scan->wants_value = false;
    scan->has_items = true;
}

/* Longer operators before those that begin them. */
static bool scan_operator(struct scan *scan)
{
    static const struct str OPERATORS[] = {
        STR_INIT("||"), STR_INIT("&&"), STR_INIT("=="), STR_INIT("!="), STR_INIT("<="),
        STR_INIT(">="), STR_INIT("<"),  STR_INIT(">"),  STR_INIT("+"),  STR_INIT("-"),
        STR_INIT("*"),  STR_INIT("/"),  STR_INIT("%"),
    };
    struct str rest = str_from(scan->text, scan->at);

    for (size_t i = 0; i < COUNT_OF(OPERATORS); i++) {
        if (!str_has_prefix(rest, OPERATORS[i]))
            continue;
        scan->at += OPERATORS[i].len;
        scan->wants_value = true;
        return true;
    }
    if (str_has_prefix(rest, STR("in")) && !is_letter(peek(scan, 2)) && !is_digit(peek(scan, 2))) {
        scan->at += 2;
        scan->wants_value = true;
        return true;
    }
    return false;
}

/* What may follow a value. */
static void scan_after(struct scan *scan)
{
    char c = peek(scan, 0);

    if (c == '.' && is_letter(peek(scan, 1))) {
        scan->at++;
        (void)scan_name(scan);
    } else if (c == '(' || c == '[' || c == '{') {
        scan->at++;
        push(scan, c);
        scan->wants_value = true;
        scan->has_items = false;
    } else if (c == ')' || c == ']' || c == '}') {
        close_bracket(scan, c);
    } else if (c == '?') {
        scan->at++;
        push(scan, '?');
        scan->wants_value = true;
    } else if (c == ':' && (top(scan) == '?' || top(scan) == '{')) {
        scan->at++;
        if (top(scan) == '?')
            scan->depth--;
        else
            push(scan, ':');
        scan->wants_value = true;
    } else if (c == ',' && scan->depth > 0 && top(scan) != '?') {
        scan->at++;
        if (top(scan) == ':')
            scan->depth--;
        scan->wants_value = true;
    } else if (!scan_operator(scan)) {
        fail(scan, "Syntax error: extraneous input, expecting an operator or the end");
    }
}

/* "()", "[]", "{}", and a comma before "]" or "}". */
static bool is_empty_close(const struct scan *scan, char c)
{
    if (!scan->wants_value || scan->depth == 0)
        return false;
    if (c == ')')
        return top(scan) == '(' && !scan->has_items;
    char before = '\0';
    for (size_t i = scan->at; i > 0 && before == '\0'; i--)
        if (scan->text.ptr[i - 1] != ' ')
            before = scan->text.ptr[i - 1];
    return (c == ']' && top(scan) == '[' && (before == ',' || !scan->has_items)) ||
           (c == '}' && top(scan) == '{' && (before == ',' || !scan->has_items));
}

struct cel_answer cel_check(struct str text)
{
    struct scan scan = {.text = text, .wants_value = true};

    for (;;) {
        skip_blanks(&scan);
        size_t here = scan.at;
        char c = peek(&scan, 0);
        bool is_end = scan.at >= text.len;
        if (is_end && !scan.wants_value && scan.depth == 0)
            return (struct cel_answer){.is_fine = true};
        if (is_end && !scan.wants_value)
            fail(&scan, "Syntax error: mismatched input '<EOF>' expecting a closing bracket");
        else if (!is_end && is_empty_close(&scan, c))
            close_bracket(&scan, c);
        else if (scan.wants_value)
            scan_value(&scan);
        else
            scan_after(&scan);
        if (scan.error != NULL)
            return (struct cel_answer){.error = scan.error, .column = here + 1};
    }
}
