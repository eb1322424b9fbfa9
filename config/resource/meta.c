/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/meta.c - see meta.h.
 */
#include "config/resource/meta.h"

#include "base/ns.h"

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month <= 2 ? year - 1 : year; /* years begin in March */
    int64_t era = shifted / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static bool number_at(struct str text, size_t from, size_t to, uint64_t max, int64_t *out)
{
    uint64_t number;

    if (text.len < to || !str_to_u64(str_slice(text, from, to), max, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* "Z" or "+02:00" after the seconds (and their fraction, which is dropped). */
static bool zone_of(struct str rest, int64_t *out_s)
{
    int64_t hours, minutes;

    while (rest.len > 0 && (rest.ptr[0] == '.' || (rest.ptr[0] >= '0' && rest.ptr[0] <= '9')))
        rest = str_from(rest, 1);
    *out_s = 0;
    if (str_eq(rest, STR("Z")) || str_eq(rest, STR("z")))
        return true;
    if (rest.len != 6 || (rest.ptr[0] != '+' && rest.ptr[0] != '-'))
        return false;
    if (!number_at(rest, 1, 3, 23, &hours) || !number_at(rest, 4, 6, 59, &minutes))
        return false;
    *out_s = (hours * 60 + minutes) * 60 * (rest.ptr[0] == '-' ? -1 : 1);
    return true;
}

/* "2023-11-14T22:13:20Z" in ns since 1970; false when it is none. */
static bool time_parse(struct str text, int64_t *out_ns)
{
    int64_t year, month, day, hour, minute, second, zone_s;

    if (!number_at(text, 0, 4, 2200, &year) || !number_at(text, 5, 7, 12, &month) ||
        !number_at(text, 8, 10, 31, &day) || !number_at(text, 11, 13, 23, &hour) ||
        !number_at(text, 14, 16, 59, &minute) || !number_at(text, 17, 19, 60, &second))
        return false;
    if (year < 1970 || month < 1 || day < 1 || !zone_of(str_from(text, 19), &zone_s))
        return false;
    int64_t seconds =
        days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone_s;
    *out_ns = seconds * NS_SECOND;
    return true;
}

void meta_read(const struct view *root, struct object_meta *out)
{
    struct view meta = view_map(root, STR("metadata"));
    struct view labels = view_map(&meta, STR("labels"));
    struct view annotations = view_map(&meta, STR("annotations"));

    *out = (struct object_meta){.origin = view_origin(root), .created_ns = META_CREATED_NS};
    out->name = label_text_field(&meta, STR("name"), STR_EMPTY);
    out->namespace = label_text_field(&meta, STR("namespace"), STR_EMPTY);
    if (out->namespace.len == 0)
        out->namespace = STR("default");
    struct label_list list = label_list_read(&labels);
    out->labels = list.items;
    out->label_count = list.count;
    list = label_list_read(&annotations);
    out->annotations = list.items;
    out->annotation_count = list.count;
    struct str created = view_str(&meta, STR("creationTimestamp"), STR_EMPTY);
    if (created.len > 0)
        (void)time_parse(created, &out->created_ns);
}

int meta_order(const struct object_meta *a, const struct object_meta *b)
{
    if (a->created_ns != b->created_ns)
        return a->created_ns < b->created_ns ? -1 : 1;
    int order = str_order(a->name, b->name);
    return order != 0 ? order : str_order(a->namespace, b->namespace);
}
