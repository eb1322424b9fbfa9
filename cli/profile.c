/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/profile.c - `pocketmesh profile`: what each profile decides where nobody
 * wrote anything.
 */
#include "config/profile/profile.h"

#include "base/json.h"
#include "cli/command.h"
#include "cli/words.h"

#define OUTPUT_BYTES_MAX (64u * 1024)
#define JSON_INDENT 2u

static enum rc write_text(struct words *words, const struct profile *profile, struct buf *out)
{
    struct profile_setting setting;
    enum rc rc =
        buf_format(out, "%s%.*s%s\n", buf_str(out).len > 0 ? "\n" : "", STR_FMT(profile->name),
                   profile == profile_default() ? " (the default)" : "");

    for (uint32_t i = 0; rc == RC_OK && profile_setting(profile, i, &words->arena, &setting); i++)
        rc = buf_format(out, "  %-36.*s%.*s\n", STR_FMT(setting.name), STR_FMT(setting.words));
    return rc;
}

static void write_json(struct words *words, const struct profile *profile, struct json *json)
{
    struct profile_setting setting;

    json_key(json, profile->name);
    json_begin_object(json);
    for (uint32_t i = 0; profile_setting(profile, i, &words->arena, &setting); i++)
        json_key_str(json, setting.name, setting.words);
    json_end_object(json);
}

static bool is_asked(const struct words *words, const struct profile *profile)
{
    for (uint32_t i = 0; i < words->plain_count; i++) {
        if (str_eq(words->plain[i], profile->name))
            return true;
    }
    return words->plain_count == 0;
}

static void check_names(struct words *words)
{
    for (uint32_t i = 0; i < words->plain_count; i++) {
        if (profile_find(words->plain[i]) == NULL)
            words_complain(words,
                           "there is no profile %.*s; there are pocketmesh, istio-1.0 and "
                           "istio-latest",
                           STR_FMT(words->plain[i]));
    }
    if (words->output.len > 0 && !str_eq(words->output, STR("json")) &&
        !str_eq(words->output, STR("text")))
        words_complain(words, "-o is text or json, not %.*s", STR_FMT(words->output));
}

static int print_profiles(struct words *words)
{
    struct buf out;
    struct json json;
    enum rc rc = RC_OK;
    uint32_t count;
    const struct profile *profile;
    bool is_json = str_eq(words->output, STR("json"));

    buf_init(&out, OUTPUT_BYTES_MAX);
    json_init(&json, &out, JSON_INDENT);
    if (is_json)
        json_begin_object(&json);
    for (uint32_t i = 0; (profile = profile_at(i, &count)) != NULL; i++) {
        if (!is_asked(words, profile))
            continue;
        if (is_json)
            write_json(words, profile, &json);
        else if (rc == RC_OK)
            rc = write_text(words, profile, &out);
    }
    if (is_json) {
        json_end_object(&json);
        rc = json_is_full(&json) ? RC_FULL : buf_append(&out, STR("\n"));
    }
    bool is_written = rc == RC_OK && words_write(&out);
    buf_fini(&out);
    return is_written ? EXIT_CODE_FINE : EXIT_CODE_SURROUNDINGS;
}

int cmd_profile(int argc, char **argv)
{
    struct words words;
    int code = EXIT_CODE_INPUT;

    words_init(&words, "profile");
    if (words_read(&words, argc, argv, NULL, 0, NULL)) {
        check_names(&words);
        if (!words.is_wrong)
            code = print_profiles(&words);
    }
    words_fini(&words);
    return code;
}
