/* SPDX-License-Identifier: Apache-2.0
 *
 * base/regex.cc - the one place that knows RE2, and the one that is C++.
 *
 * RE2's options are its defaults, as in Envoy's google_re2; only its logging
 * is off, because its complaints are answered to the caller.
 */
#include <re2/re2.h>

#include <cstring>
#include <string>

extern "C" {
#include "base/regex.h"
}

struct regex {
    RE2 compiled;
    struct regex *next;
    regex(struct str pattern, struct regex *older);
};

namespace
{

re2::StringPiece piece(struct str s)
{
    return re2::StringPiece(s.ptr, s.len);
}

RE2::Options quiet_options()
{
    RE2::Options options;
    options.set_log_errors(false);
    return options;
}

struct str copy(struct arena *arena, const std::string &text)
{
    struct str s = {text.data(), text.size()};
    return arena_str(arena, s);
}

} // namespace

regex::regex(struct str pattern, struct regex *older)
    : compiled(piece(pattern), quiet_options()), next(older)
{
}

struct regex *regex_new(struct regex_set *set, struct str pattern, struct arena *arena,
                        struct str *why)
{
    struct regex *made = new struct regex(pattern, set->first);
    if (!made->compiled.ok()) {
        *why = copy(arena, made->compiled.error());
        delete made;
        return nullptr;
    }
    set->first = made;
    return made;
}

void regex_set_free(struct regex_set *set)
{
    while (set->first != nullptr) {
        struct regex *next = set->first->next;
        delete set->first;
        set->first = next;
    }
}

bool regex_matches_whole(const struct regex *regex, struct str text)
{
    return regex->compiled.Match(piece(text), 0, text.len, RE2::ANCHOR_BOTH, nullptr, 0);
}

bool regex_matches_part(const struct regex *regex, struct str text)
{
    return regex->compiled.Match(piece(text), 0, text.len, RE2::UNANCHORED, nullptr, 0);
}

struct str regex_quoted(struct str text, struct arena *arena)
{
    std::string out;
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("\\.+*?()|[]{}^$", text.ptr[i]) != nullptr && text.ptr[i] != '\0')
            out += '\\';
        out += text.ptr[i];
    }
    return copy(arena, out);
}

struct str regex_replace_all(const struct regex *regex, struct str text, struct str replacement,
                             struct arena *arena)
{
    std::string result(text.ptr == nullptr ? "" : text.ptr, text.len);
    if (RE2::GlobalReplace(&result, regex->compiled, piece(replacement)) == 0)
        return text;
    return copy(arena, result);
}
