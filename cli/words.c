/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words.c - reading the command line.
 */
#include "cli/words.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/command.h"
#include "testbed/world/files.h"

#define DIAG_TEXT_MAX (1u << 20)
#define NEAR_DISTANCE 2u

static const char *const COMMON[] = {"-f",      "--filename", "--profile", "--seed",
                                     "--color", "-o",         "--output",  "--engine",
                                     "-q",      "-v",         "--strict"};

void words_init(struct words *words, const char *command)
{
    *words = (struct words){.command = command};
    arena_init(&words->arena, 64 * 1024, 0);
    diag_list_init(&words->diags, &words->arena);
}

void words_fini(struct words *words)
{
    arena_fini(&words->arena);
}

int words_complain(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "pocketmesh %s: ", words->command);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    words->is_wrong = true;
    return EXIT_CODE_INPUT;
}

static void take_profile(struct words *words, struct str value)
{
    words->profile = profile_find(value);
    if (words->profile != NULL)
        return;
    uint32_t count;
    (void)profile_at(0, &count);
    struct str names = STR_EMPTY;
    for (uint32_t i = 0; i < count; i++)
        names = arena_format(&words->arena, "%.*s%s%.*s", STR_FMT(names), i > 0 ? ", " : "",
                             STR_FMT(profile_at(i, &count)->name));
    words_complain(words, "no profile is named \"%.*s\"; there are %.*s", STR_FMT(value),
                   STR_FMT(names));
}

static void take_colour(struct words *words, struct str value)
{
    if (str_eq(value, STR("always")))
        words->colour = COLOUR_ALWAYS;
    else if (str_eq(value, STR("never")))
        words->colour = COLOUR_NEVER;
    else if (!str_eq(value, STR("auto")))
        words_complain(words, "--color is auto, always or never, not \"%.*s\"", STR_FMT(value));
}

static void take_engine(struct words *words, struct str value)
{
    bool has_envoy = strcmp(words->command, "test") == 0 || strcmp(words->command, "mtls") == 0;
    words->is_live = str_eq(value, STR("live"));
    words->is_envoy = has_envoy && str_eq(value, STR("envoy"));
    if (!words->is_live && !words->is_envoy && !str_eq(value, STR("sim")))
        words_complain(words, "--engine is sim%s, not \"%.*s\"",
                       has_envoy ? ", live or envoy" : " or live", STR_FMT(value));
}

static void take_manifest(struct words *words, struct str value)
{
    *ARENA_PUSH(&words->arena, words->manifests, words->manifest_count, words->manifest_capacity) =
        value;
    words->rerun =
        arena_format(&words->arena, "%.*s -f %.*s", STR_FMT(words->rerun), STR_FMT(value));
}

static void take_common(struct words *words, struct str name, struct str value)
{
    if (str_eq(name, STR("-f")) || str_eq(name, STR("--filename"))) {
        take_manifest(words, value);
    } else if (str_eq(name, STR("--profile"))) {
        take_profile(words, value);
        words->rerun = arena_format(&words->arena, "%.*s --profile %.*s", STR_FMT(words->rerun),
                                    STR_FMT(value));
    } else if (str_eq(name, STR("--seed"))) {
        words->has_seed = str_to_u64(value, INT64_MAX, &words->seed);
        if (!words->has_seed)
            words_complain(words, "--seed is a number, not \"%.*s\"", STR_FMT(value));
    } else if (str_eq(name, STR("--color"))) {
        take_colour(words, value);
    } else if (str_eq(name, STR("--engine"))) {
        take_engine(words, value);
    } else {
        words->output = value;
    }
}

static bool is_common_with_value(struct str name)
{
    static const char *const NAMES[] = {"-f",      "--filename", "--profile", "--seed",
                                        "--color", "-o",         "--output",  "--engine"};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (str_eq(name, str_of(NAMES[i])))
            return true;
    return false;
}

static bool take_flag(struct words *words, struct str name)
{
    if (str_eq(name, STR("-q")))
        words->is_quiet = true;
    else if (str_eq(name, STR("-v")))
        words->is_verbose = true;
    else if (str_eq(name, STR("--strict")))
        words->is_strict = true;
    else
        return false;
    return true;
}

static void unknown_option(struct words *words, struct str name, const struct words_option *options,
                           uint32_t option_count)
{
    for (uint32_t i = 0; i < option_count + COUNT_OF(COMMON); i++) {
        const char *known = i < option_count ? options[i].name : COMMON[i - option_count];
        if (name.len > 2 &&
            str_edit_distance(name, str_of(known), NEAR_DISTANCE) <= NEAR_DISTANCE) {
            words_complain(words, "there is no option %.*s; did you mean %s?", STR_FMT(name),
                           known);
            return;
        }
    }
    words_complain(words, "there is no option %.*s; `pocketmesh help %s` lists them", STR_FMT(name),
                   words->command);
}

static const struct words_option *find_option(struct str name, const struct words_option *options,
                                              uint32_t option_count)
{
    for (uint32_t i = 0; i < option_count; i++)
        if (str_eq(name, str_of(options[i].name)))
            return &options[i];
    return NULL;
}

static void hand_over(const struct words_option *option, void *user, struct str value)
{
    if (option->place != NULL)
        *option->place = value;
    else if (option->take != NULL)
        option->take(user, value);
    else
        option->flag(user, value);
}

bool words_read(struct words *words, int argc, char **argv, const struct words_option *options,
                uint32_t option_count, void *user)
{
    for (int i = 1; i < argc; i++) {
        struct str word = str_of(argv[i]);
        if (word.len < 2 || word.ptr[0] != '-') {
            *ARENA_PUSH(&words->arena, words->plain, words->plain_count, words->plain_capacity) =
                word;
            continue;
        }
        struct str value = STR_EMPTY;
        size_t equals = str_has_prefix(word, STR("--")) ? str_find(word, '=') : STR_NONE;
        struct str name = equals == STR_NONE ? word : str_slice(word, 0, equals);
        const struct words_option *option = find_option(name, options, option_count);
        bool wants = option != NULL ? option->flag == NULL : is_common_with_value(name);
        if (wants && equals != STR_NONE) {
            value = str_from(word, equals + 1);
        } else if (wants && i + 1 < argc) {
            value = str_of(argv[++i]);
        } else if (wants) {
            words_complain(words, "%.*s needs a value", STR_FMT(name));
            continue;
        }
        if (!wants && equals != STR_NONE)
            words_complain(words, "%.*s takes no value", STR_FMT(name));
        else if (option != NULL)
            hand_over(option, user, value);
        else if (wants)
            take_common(words, name, value);
        else if (!take_flag(words, name))
            unknown_option(words, name, options, option_count);
    }
    return !words->is_wrong;
}

void words_documents(struct words *words, struct documents *out)
{
    for (uint32_t i = 0; i < words->manifest_count; i++)
        files_read(words->manifests[i], STR_EMPTY, &words->arena, out, &words->diags);
}

/* The same mesh is read for each test: a diagnostic is printed once. */
static bool was_said(const struct words *words, uint32_t index)
{
    const struct diag *diag = &words->diags.items[index];
    for (uint32_t i = 0; i < index; i++) {
        const struct diag *other = &words->diags.items[i];
        bool is_same = other->id == diag->id && other->origin.line == diag->origin.line &&
                       other->origin.column == diag->origin.column &&
                       str_eq(other->origin.file, diag->origin.file) &&
                       str_eq(other->path, diag->path);
        for (uint32_t arg = 0; arg < DIAG_ARGS_MAX; arg++)
            is_same = is_same && str_eq(other->args[arg], diag->args[arg]);
        if (is_same)
            return true;
    }
    return false;
}

bool words_report(struct words *words)
{
    if (words->is_strict)
        diag_list_raise_warnings(&words->diags);
    struct buf out;
    buf_init(&out, DIAG_TEXT_MAX);
    bool has_colour = words_has_colour(words, stderr);
    for (uint32_t i = words->reported_count; i < words->diags.count; i++) {
        const struct diag *diag = &words->diags.items[i];
        if ((words->is_quiet && diag->severity != DIAG_ERROR) || was_said(words, i))
            continue;
        if (diag_print(diag, has_colour, &out) != RC_OK)
            break;
    }
    words->reported_count = words->diags.count;
    struct str text = buf_str(&out);
    if (text.len > 0)
        fwrite(text.ptr, 1, text.len, stderr);
    buf_fini(&out);
    return words->diags.error_count > 0;
}

bool words_has_colour(const struct words *words, FILE *stream)
{
    switch (words->colour) {
    case COLOUR_ALWAYS:
        return true;
    case COLOUR_NEVER:
        return false;
    case COLOUR_AUTO:
        break;
    }
    const char *no_colour = getenv("NO_COLOR");
    return isatty(fileno(stream)) != 0 && (no_colour == NULL || no_colour[0] == 0);
}

void words_ignored(uint32_t count)
{
    if (count > 0)
        fprintf(stderr, "%u object%s of other kinds %s ignored\n", count, count == 1 ? "" : "s",
                count == 1 ? "is" : "are");
}

bool words_write(struct buf *out)
{
    struct str text = buf_str(out);
    size_t written = text.len > 0 ? fwrite(text.ptr, 1, text.len, stdout) : 0;
    bool is_done = written == text.len && fflush(stdout) == 0;
    buf_clear(out);
    return is_done;
}
