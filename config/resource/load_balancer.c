/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/load_balancer.c - loadBalancer of a policy, and the locality
 * setting that MeshConfig has, too.
 *
 * Source: ISTIO.md 3.6.
 */
#include "config/resource/destination_rule.h"

static const struct field_row LB_ROWS[] = {
    {"simple", FIELD_USED},
    {"consistentHash", FIELD_USED},
    {"localityLbSetting", FIELD_USED},
    {"zoneAwareLbSetting", FIELD_USED},
    {"warmupDurationSecs", FIELD_USED},
    {"warmup", FIELD_USED},
};
static const struct field_row HASH_ROWS[] = {
    {"httpHeaderName", FIELD_USED},         {"httpCookie", FIELD_USED}, {"useSourceIp", FIELD_USED},
    {"httpQueryParameterName", FIELD_USED}, {"ringHash", FIELD_USED},   {"maglev", FIELD_USED},
    {"minimumRingSize", FIELD_USED},
};
static const struct field_row COOKIE_ROWS[] = {
    {"name", FIELD_USED}, {"path", FIELD_USED}, {"ttl", FIELD_USED}, {"attributes", FIELD_USED}};
static const struct field_row WARMUP_ROWS[] = {
    {"duration", FIELD_USED}, {"minimumPercent", FIELD_USED}, {"aggression", FIELD_USED}};
static const struct field_row LOCALITY_ROWS[] = {
    {"distribute", FIELD_USED},
    {"failover", FIELD_USED},
    {"failoverPriority", FIELD_USED},
    {"enabled", FIELD_USED},
};

static const struct field_row ZONE_ROWS[] = {
    {"enabled", FIELD_USED},
    {"failover", FIELD_USED},
    {"failoverPriority", FIELD_USED},
    {"minClusterSize", FIELD_USED},
};

static void read_cookie(const struct view *hash, struct consistent_hash *out)
{
    struct view cookie = view_map(hash, STR("httpCookie"));

    if (!view_is_present(&cookie))
        return;
    view_check_fields(&cookie, COOKIE_ROWS, COUNT_OF(COOKIE_ROWS));
    struct view ttl = view_field(&cookie, STR("ttl"));
    struct view attributes = view_list(&cookie, STR("attributes"));
    out->by = HASH_BY_COOKIE;
    out->name = view_str(&cookie, STR("name"), STR_EMPTY);
    out->cookie_path = view_str(&cookie, STR("path"), STR_EMPTY);
    out->has_cookie_ttl = view_is_present(&ttl);
    if (out->has_cookie_ttl)
        out->cookie_ttl_ns = view_own_duration_ns(&ttl, 0);
    for (uint32_t i = 0; i < view_count(&attributes); i++) {
        struct view item = view_item(&attributes, i);
        *ARENA_PUSH(hash->reading->arena, out->cookie_attributes.items,
                    out->cookie_attributes.count, out->cookie_attributes.capacity) =
            (struct label){.name = view_str(&item, STR("name"), STR_EMPTY),
                           .value = view_str(&item, STR("value"), STR_EMPTY)};
    }
}

static void read_key(const struct view *hash, struct consistent_hash *out)
{
    struct view header = view_field(hash, STR("httpHeaderName"));
    struct view query = view_field(hash, STR("httpQueryParameterName"));

    if (view_is_present(&header)) {
        out->by = HASH_BY_HEADER;
        out->name = view_own_str(&header, STR_EMPTY);
    }
    read_cookie(hash, out);
    if (view_bool(hash, STR("useSourceIp"), false))
        out->by = HASH_BY_SOURCE;
    if (view_is_present(&query)) {
        out->by = HASH_BY_QUERY;
        out->name = view_own_str(&query, STR_EMPTY);
    }
}

static void read_algorithm(const struct view *hash, struct consistent_hash *out)
{
    struct view ring = view_map(hash, STR("ringHash"));
    struct view maglev = view_map(hash, STR("maglev"));
    const struct view *of_size = hash;
    struct str name = STR("minimumRingSize");

    if (view_is_present(&maglev)) {
        out->algorithm = HASH_ALGORITHM_MAGLEV;
        of_size = &maglev;
        name = STR("tableSize");
    } else if (view_is_present(&ring)) {
        out->algorithm = HASH_ALGORITHM_RING;
        of_size = &ring;
    }
    out->size = (uint64_t)view_i64(of_size, name, 0, INT64_MAX, 0);
}

static const struct consistent_hash *read_hash(const struct view *lb)
{
    struct view hash = view_map(lb, STR("consistentHash"));

    if (!view_is_present(&hash))
        return NULL;
    view_check_fields(&hash, HASH_ROWS, COUNT_OF(HASH_ROWS));
    struct consistent_hash *out = ARENA_NEW(lb->reading->arena, struct consistent_hash);
    out->origin = view_origin(&hash);
    read_key(&hash, out);
    read_algorithm(&hash, out);
    return out;
}

static const struct warmup *read_warmup(const struct view *lb)
{
    struct view warmup = view_map(lb, STR("warmup"));
    struct view old = view_field(lb, STR("warmupDurationSecs"));

    if (!view_is_present(&warmup) && !view_is_present(&old))
        return NULL;
    struct warmup *out = ARENA_NEW(lb->reading->arena, struct warmup);
    if (!view_is_present(&warmup)) {
        out->duration_ns = view_own_duration_ns(&old, 0);
        return out;
    }
    view_check_fields(&warmup, WARMUP_ROWS, COUNT_OF(WARMUP_ROWS));
    out->has_shape = true;
    out->duration_ns = view_duration_ns(&warmup, STR("duration"), 0);
    out->percent_min = view_number(&warmup, STR("minimumPercent"), 10);
    out->aggression = view_number(&warmup, STR("aggression"), 1);
    return out;
}

static void read_distribute(const struct view *item, struct locality_distribute *out)
{
    struct view to = view_map(item, STR("to"));

    out->from = view_str(item, STR("from"), STR_EMPTY);
    out->share_count = view_count(&to);
    out->shares = ARENA_ARRAY(item->reading->arena, struct locality_share, out->share_count);
    for (uint32_t i = 0; i < out->share_count; i++) {
        struct view entry = view_entry(&to, i);
        struct locality_share share = {.to = entry.key,
                                       .percent = (uint32_t)view_own_i64(&entry, 0, UINT32_MAX, 0)};
        uint32_t place = i;
        for (; place > 0 && str_order(out->shares[place - 1].to, share.to) > 0; place--)
            out->shares[place] = out->shares[place - 1];
        out->shares[place] = share;
    }
}

/* What both settings have. */
static void read_failover(const struct view *view, struct locality_setting *out)
{
    struct view failover = view_list(view, STR("failover"));
    struct view priority = view_list(view, STR("failoverPriority"));

    out->is_off = !view_bool(view, STR("enabled"), true);
    out->failover_count = view_count(&failover);
    out->failover =
        ARENA_ARRAY(view->reading->arena, struct locality_failover, out->failover_count);
    for (uint32_t i = 0; i < out->failover_count; i++) {
        struct view item = view_item(&failover, i);
        out->failover[i].from = view_str(&item, STR("from"), STR_EMPTY);
        out->failover[i].to = view_str(&item, STR("to"), STR_EMPTY);
    }
    out->failover_priority = text_list_read(&priority);
}

static const struct locality_setting *read_zone_aware(const struct view *view)
{
    struct locality_setting *out = ARENA_NEW(view->reading->arena, struct locality_setting);
    struct view size = view_field(view, STR("minClusterSize"));

    view_check_fields(view, ZONE_ROWS, COUNT_OF(ZONE_ROWS));
    out->is_zone_aware = out->is_forced = true;
    read_failover(view, out);
    out->has_size_min = view_is_present(&size);
    out->size_min = (uint32_t)view_i64(view, STR("minClusterSize"), 0, UINT32_MAX, 0);
    return out;
}

const struct locality_setting *locality_setting_read(const struct view *parent)
{
    struct view zones = view_map(parent, STR("zoneAwareLbSetting"));
    struct view view = view_map(parent, STR("localityLbSetting"));
    struct arena *arena = parent->reading->arena;

    if (view_is_present(&view))
        view_check_fields(&view, LOCALITY_ROWS, COUNT_OF(LOCALITY_ROWS));
    if (view_is_present(&zones))
        return read_zone_aware(&zones);
    if (!view_is_present(&view))
        return NULL;
    struct locality_setting *out = ARENA_NEW(arena, struct locality_setting);
    struct view distribute = view_list(&view, STR("distribute"));
    read_failover(&view, out);
    out->distribute_count = view_count(&distribute);
    out->distribute = ARENA_ARRAY(arena, struct locality_distribute, out->distribute_count);
    for (uint32_t i = 0; i < out->distribute_count; i++) {
        struct view item = view_item(&distribute, i);
        read_distribute(&item, &out->distribute[i]);
    }
    return out;
}

void load_balancer_read(const struct view *policy, struct load_balancer *out)
{
    static const char *const NAMES[] = {"UNSPECIFIED", "LEAST_CONN",    "RANDOM", "PASSTHROUGH",
                                        "ROUND_ROBIN", "LEAST_REQUEST", NULL};
    static const enum simple_lb MEANINGS[] = {
        SIMPLE_LB_UNSET,       SIMPLE_LB_LEAST_REQUEST, SIMPLE_LB_RANDOM,
        SIMPLE_LB_PASSTHROUGH, SIMPLE_LB_ROUND_ROBIN,   SIMPLE_LB_LEAST_REQUEST,
    };
    struct view lb = view_map(policy, STR("loadBalancer"));

    if (!view_is_present(&lb))
        return;
    view_check_fields(&lb, LB_ROWS, COUNT_OF(LB_ROWS));
    out->is_set = true;
    struct view simple = view_field(&lb, STR("simple"));
    out->origin = view_origin(view_is_present(&simple) ? &simple : &lb);
    out->simple = MEANINGS[view_choice(&lb, STR("simple"), NAMES, 0)];
    out->hash = read_hash(&lb);
    out->warmup = read_warmup(&lb);
    out->locality = locality_setting_read(&lb);
}
