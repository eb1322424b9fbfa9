/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_parts.c - see print_parts.h.
 */
#include "proxy/model/print_parts.h"

#include <string.h>

#include "base/ns.h"

#define DURATION_CHARS 32u

/* Writes `value` with at least `digits` digits; the number of characters. */
static size_t put_number(char *out, uint64_t value, uint32_t digits)
{
    char reversed[DURATION_CHARS];
    size_t count = 0;

    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || count < digits);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

void print_duration(struct json *json, struct str key, int64_t ns)
{
    char text[DURATION_CHARS];

    ASSERT(ns >= 0);
    uint64_t fraction = (uint64_t)(ns % NS_SECOND);
    size_t length = put_number(text, (uint64_t)(ns / NS_SECOND), 1);
    if (fraction != 0) {
        uint32_t digits = 9;
        while (digits > 3 && fraction % 1000 == 0) {
            fraction /= 1000;
            digits -= 3;
        }
        text[length++] = '.';
        length += put_number(text + length, fraction, digits);
    }
    text[length++] = 's';
    json_key_str(json, key, (struct str){text, length});
}

void print_string_matcher(struct json *json, const struct string_matcher *match)
{
    json_begin_object(json);
    switch (match->kind) {
    case STRING_EXACT:
        json_key_str(json, STR("exact"), match->value);
        break;
    case STRING_PREFIX:
        json_key_str(json, STR("prefix"), match->value);
        break;
    case STRING_SUFFIX:
        json_key_str(json, STR("suffix"), match->value);
        break;
    case STRING_CONTAINS:
        json_key_str(json, STR("contains"), match->value);
        break;
    case STRING_REGEX:
        json_key(json, STR("safeRegex"));
        json_begin_object(json);
        json_key_str(json, STR("regex"), match->value);
        json_end_object(json);
        break;
    case STRING_PRESENT:
        break;
    }
    if (match->is_ignoring_case)
        json_key_bool(json, STR("ignoreCase"), true);
    json_end_object(json);
}

void print_fraction(struct json *json, struct str key, struct fraction fraction)
{
    json_key(json, key);
    json_begin_object(json);
    if (fraction.denominator == 10000)
        json_key_str(json, STR("denominator"), STR("TEN_THOUSAND"));
    else if (fraction.denominator == 1000000)
        json_key_str(json, STR("denominator"), STR("MILLION"));
    if (fraction.numerator != 0)
        json_key_i64(json, STR("numerator"), fraction.numerator);
    json_end_object(json);
}

void print_address(struct json *json, struct str address, uint32_t port)
{
    json_begin_object(json);
    if (str_has_prefix(address, STR("unix://"))) {
        json_key(json, STR("pipe"));
        json_begin_object(json);
        json_key_str(json, STR("path"), str_from(address, strlen("unix://")));
        json_end_object(json);
        json_end_object(json);
        return;
    }
    json_key(json, STR("socketAddress"));
    json_begin_object(json);
    json_key_str(json, STR("address"), address);
    json_key_i64(json, STR("portValue"), port);
    json_end_object(json);
    json_end_object(json);
}

void print_route_metadata(struct json *json, struct str config)
{
    json_key(json, STR("metadata"));
    json_begin_object(json);
    json_key(json, STR("filterMetadata"));
    json_begin_object(json);
    json_key(json, STR("istio"));
    json_begin_object(json);
    json_key_str(json, STR("config"), config);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

void print_dns_cache(struct json *json, const struct dns_cache *cache)
{
    json_key(json, STR("dnsCacheConfig"));
    json_begin_object(json);
    json_key_str(json, STR("name"), cache->name);
    json_key_str(json, STR("dnsLookupFamily"), cache->is_ipv6 ? STR("V6_ONLY") : STR("V4_ONLY"));
    if (cache->host_count_max != 0)
        json_key_i64(json, STR("maxHosts"), cache->host_count_max);
    json_end_object(json);
}
