/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/load_balancer.c - see load_balancer.h.
 */
#include "config/validate/load_balancer.h"

#include "base/check.h"
#include "config/resource/label.h"
#include "config/validate/field.h"
#include "config/validate/word.h"

#define MAGLEV_TABLE_MAX 5000011
#define LOCALITY_PARTS 3u

static const struct str TOPOLOGY[] = {
    STR_INIT("topology.kubernetes.io/region"),
    STR_INIT("topology.kubernetes.io/zone"),
    STR_INIT("topology.istio.io/subzone"),
};

/* The two kinds of settings, and how each says the same. */
struct failover_words {
    enum diag_id same, not_region, wildcard;
};

static const struct failover_words LOCALITY_WORDS = {DIAG_V_FAILOVER_SAME, DIAG_V_FAILOVER_REGION,
                                                     DIAG_V_FAILOVER_WILDCARD};
static const struct failover_words ZONE_WORDS = {DIAG_V_ZONE_SAME, DIAG_V_ZONE_REGION,
                                                 DIAG_V_ZONE_WILDCARD};

static bool is_prime(int64_t number)
{
    if (number > 0 && number < 4)
        return true;
    if (number % 2 == 0)
        return false;
    for (int64_t factor = 3; factor * factor <= number; factor += 2)
        if (number % factor == 0)
            return false;
    return true;
}

static bool is_topology(struct str label)
{
    for (size_t i = 0; i < COUNT_OF(TOPOLOGY); i++)
        if (str_eq(TOPOLOGY[i], label))
            return true;
    return false;
}

static void check_cookie(const struct view *cookie)
{
    struct view attributes = view_field(cookie, STR("attributes"));
    struct text_list seen = {0};

    if (!view_is_present(cookie))
        return;
    if (field_text(cookie, STR("name")).len == 0)
        say(cookie, DIAG_V_COOKIE_NAME);
    for (uint32_t i = 0; i < view_count(&attributes); i++) {
        struct view item = view_item(&attributes, i);
        struct str name = field_text(&item, STR("name"));
        if (name.len == 0)
            say(&item, DIAG_V_COOKIE_ATTRIBUTE);
        else if (text_list_has(&seen, name))
            say_text(&item, DIAG_V_COOKIE_TWICE, name);
        else
            text_list_add(&seen, name, cookie->reading->arena);
    }
}

static void check_hash(const struct view *hash)
{
    struct view cookie = view_field(hash, STR("httpCookie"));
    struct view ring = view_field(hash, STR("minimumRingSize"));
    struct view maglev = view_field(hash, STR("maglev"));
    int64_t ring_size = field_own_number(&ring);

    check_cookie(&cookie);
    if (ring_size != 0) {
        say(&ring, DIAG_V_RING_SIZE);
        if (view_is_present(&maglev) || field_has(hash, STR("ringHash")))
            say(&ring, DIAG_V_RING_AND_HASH);
    }
    if (!view_is_present(&maglev))
        return;
    int64_t table_size = field_number(&maglev, STR("tableSize"));
    if (table_size == 0)
        say(&maglev, DIAG_V_MAGLEV_UNSET);
    if (table_size >= MAGLEV_TABLE_MAX)
        say(&maglev, DIAG_V_MAGLEV_LARGE);
    if (!is_prime(table_size))
        say(&maglev, DIAG_V_MAGLEV_PRIME);
}

/* How many of region, zone and subzone; 0 when one is empty. */
static uint32_t split_locality(struct str locality, struct str parts[LOCALITY_PARTS])
{
    uint32_t count = 0;
    struct str rest = locality;

    while (rest.ptr != NULL) {
        parts[count] = count + 1 < LOCALITY_PARTS ? str_cut(&rest, '/') : rest;
        if (parts[count].len == 0)
            return 0;
        if (++count == LOCALITY_PARTS)
            break;
    }
    return count;
}

/* A locality that means a whole region (zone) and one within it overlap; so do
 * two equal ones, and "*" with everything after it. A wildcard within a
 * region is a zone like another, as Istio counts. */
static bool is_overlapping(struct str earlier, struct str later)
{
    struct str a[LOCALITY_PARTS], b[LOCALITY_PARTS];
    uint32_t a_count = split_locality(earlier, a);
    uint32_t b_count = split_locality(later, b);

    if (str_eq(earlier, STR("*")))
        return true;
    if (a_count == 0 || b_count == 0 || !str_eq(a[0], b[0]))
        return false;
    if (a_count == 1 || b_count == 1)
        return true;
    if (str_eq(a[1], STR("*")))
        return true;
    if (!str_eq(a[1], b[1]))
        return false;
    if (a_count == 2 || b_count == 2)
        return true;
    return str_eq(a[2], STR("*")) || str_eq(a[2], b[2]);
}

/* Says the first thing that is wrong, as Istio does. */
static void check_localities(const struct view *view, const struct text_list *localities)
{
    struct str parts[LOCALITY_PARTS];

    for (uint32_t i = 0; i < localities->count; i++) {
        struct str locality = localities->items[i];
        size_t star = str_find(locality, '*');
        if (star != STR_NONE && star + 1 != locality.len) {
            say_text(view, DIAG_V_LOCALITY_WILDCARD, locality);
            return;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (is_overlapping(localities->items[k], locality)) {
                say_text(view, DIAG_V_LOCALITY_OVERLAP, locality);
                return;
            }
        }
        if (split_locality(locality, parts) == 0) {
            say_text(view, DIAG_V_LOCALITY_EMPTY, locality);
            return;
        }
    }
}

/* False when Istio looks no further. */
static bool check_weights(const struct view *distribute)
{
    struct view to = view_field(distribute, STR("to"));
    struct text_list localities = {0};
    int64_t total = 0;

    for (uint32_t i = 0; i < view_count(&to); i++) {
        struct view entry = view_entry(&to, i);
        int64_t weight = field_own_number(&entry);
        text_list_add(&localities, entry.key, to.reading->arena);
        if (weight <= 0 || weight > 100) {
            say(&entry, DIAG_V_LOCALITY_WEIGHT);
            return false;
        }
        total += weight;
    }
    if (total != 100) {
        say_number(&to, DIAG_V_LOCALITY_SUM, total);
        return false;
    }
    check_localities(&to, &localities);
    return true;
}

static void check_failover(const struct view *settings, bool has_outlier,
                           const struct failover_words *words)
{
    struct view failover = view_field(settings, STR("failover"));

    if ((view_count(&failover) > 0 || field_count(settings, STR("failoverPriority")) > 0) &&
        !has_outlier)
        say(settings, DIAG_V_FAILOVER_OUTLIER);
    for (uint32_t i = 0; i < view_count(&failover); i++) {
        struct view item = view_item(&failover, i);
        struct str from = field_text(&item, STR("from"));
        struct str to = field_text(&item, STR("to"));
        if (str_eq(from, to))
            say(&item, words->same);
        if (str_find(from, '/') != STR_NONE || str_find(to, '/') != STR_NONE)
            say(&item, words->not_region);
        if (str_find(from, '*') != STR_NONE || str_find(to, '*') != STR_NONE)
            say(&item, words->wildcard);
    }
}

static void check_locality(const struct view *settings, bool has_outlier)
{
    struct view distribute = view_field(settings, STR("distribute"));
    struct view priority = view_field(settings, STR("failoverPriority"));
    bool has_failover = field_count(settings, STR("failover")) > 0;
    struct text_list sources = {0};

    if (!view_is_present(settings))
        return;
    if (view_count(&distribute) > 0 && has_failover) {
        say(settings, DIAG_V_DISTRIBUTE_FAILOVER);
        return;
    }
    for (uint32_t i = 0; has_failover && i < view_count(&priority); i++) {
        struct view item = view_item(&priority, i);
        if (is_topology(field_own_text(&item))) {
            say_text(&item, DIAG_V_FAILOVER_TOPOLOGY, field_own_text(&item));
            return;
        }
    }
    for (uint32_t i = 0; i < view_count(&distribute); i++) {
        struct view item = view_item(&distribute, i);
        text_list_add(&sources, field_text(&item, STR("from")), settings->reading->arena);
        if (!check_weights(&item))
            return;
    }
    check_localities(&distribute, &sources);
    check_failover(settings, has_outlier, &LOCALITY_WORDS);
}

static void check_zones(const struct view *settings, bool has_outlier)
{
    struct view priority = view_field(settings, STR("failoverPriority"));

    if (!view_is_present(settings))
        return;
    for (uint32_t i = 0; i < view_count(&priority); i++) {
        struct view item = view_item(&priority, i);
        if (is_topology(field_own_text(&item)))
            say_text(&item, DIAG_V_ZONE_TOPOLOGY, field_own_text(&item));
    }
    check_failover(settings, has_outlier, &ZONE_WORDS);
}

static void check_warmup(const struct view *warmup)
{
    struct view aggression = view_field(warmup, STR("aggression"));

    if (!view_is_present(warmup))
        return;
    if (!field_has(warmup, STR("duration")))
        say(warmup, DIAG_V_WARMUP_DURATION);
    word_check_duration(warmup, STR("duration"));
    if (field_double(warmup, STR("minimumPercent")) > 100)
        say(warmup, DIAG_V_WARMUP_PERCENT);
    if (view_is_present(&aggression) && view_own_number(&aggression, 0) <= 0)
        say(&aggression, DIAG_V_WARMUP_AGGRESSION);
}

void load_balancer_check(const struct view *settings, bool has_outlier)
{
    struct view hash = view_field(settings, STR("consistentHash"));
    struct view locality = view_field(settings, STR("localityLbSetting"));
    struct view zones = view_field(settings, STR("zoneAwareLbSetting"));
    struct view warmup = view_field(settings, STR("warmup"));

    if (!view_is_present(settings))
        return;
    if (view_is_present(&hash))
        check_hash(&hash);
    if (view_is_present(&locality) && view_is_present(&zones))
        say(settings, DIAG_V_LOCALITY_AND_ZONES);
    check_locality(&locality, has_outlier);
    check_zones(&zones, has_outlier);
    check_warmup(&warmup);
}
