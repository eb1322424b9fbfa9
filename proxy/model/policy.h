/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/policy.h - what routes and clusters prescribe, one struct each.
 *
 * Named after Envoy's messages. A policy pointer that is NULL means that the
 * field is absent from the configuration.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/regex.h"
#include "base/str.h"

/* Values that nobody wrote: a profile's default decided them. */
enum default_value {
    DEFAULT_TIMEOUT = 1u << 0,
    DEFAULT_RETRY = 1u << 1,
    DEFAULT_UNKNOWN_HOST = 1u << 2, /* passed on, or not */
    DEFAULT_MIRROR_HOST = 1u << 3,
    DEFAULT_LB = 1u << 4,
    DEFAULT_CONNECT_TIMEOUT = 1u << 5,
    DEFAULT_MAX_CONNECTIONS = 1u << 6,
    DEFAULT_MAX_PENDING = 1u << 7,
    DEFAULT_MAX_REQUESTS = 1u << 8,
    DEFAULT_MAX_RETRIES = 1u << 9,
    DEFAULT_PANIC = 1u << 10,
    DEFAULT_MTLS = 1u << 11,
    DEFAULT_PROTOCOL = 1u << 12, /* of a port that says none */
};

/* What a dynamic forward proxy looked up; all of one name are one. */
struct dns_cache {
    struct str name;
    uint32_t host_count_max; /* 0: Envoy's 1024 */
    bool is_ipv6;            /* dns_lookup_family V6_ONLY, else V4_ONLY */
};

enum string_match_kind {
    STRING_EXACT,
    STRING_PREFIX,
    STRING_SUFFIX,
    STRING_CONTAINS,
    STRING_REGEX,   /* RE2, the whole text */
    STRING_PRESENT, /* any value, also an empty one */
};

struct string_matcher {
    enum string_match_kind kind;
    struct str value;      /* the pattern's text for STRING_REGEX */
    bool is_ignoring_case; /* never for STRING_REGEX */
    const struct regex *regex;
};

/* ENVOY.md 2.3 */
struct header_matcher {
    struct str name;    /* lower case, or a pseudo-header */
    struct str written; /* as the user wrote it; for the print-out */
    struct string_matcher match;
    bool is_inverted;                 /* invert_match */
    bool is_missing_treated_as_empty; /* treat_missing_header_as_empty */
    struct origin origin;
};

/* ENVOY.md 2.4 */
struct query_matcher {
    struct str name;
    struct string_matcher match;
    struct origin origin;
};

enum path_match_kind { PATH_PREFIX, PATH_EXACT, PATH_REGEX, PATH_SEPARATED_PREFIX };

struct path_matcher {
    enum path_match_kind kind;
    struct str value;
    bool is_ignoring_case;   /* case_sensitive: false */
    bool has_case_sensitive; /* istiod wrote case_sensitive: true (for the print-out) */
    const struct regex *regex;
    struct origin origin;
};

enum append_action { APPEND_OR_ADD, OVERWRITE_OR_ADD };

struct header_mutation {
    struct str name;    /* lower case */
    struct str written; /* as the user wrote it; for the print-out */
    struct str value;   /* a format string: %REQ(X)%, %% */
    enum append_action action;
    struct origin origin;
};

/* request_headers_to_add/remove and response_headers_to_add/remove. */
struct header_mutations {
    const struct header_mutation *add;
    uint32_t add_count;
    const struct str *remove;         /* lower case */
    const struct str *remove_written; /* as the user wrote them, for the print-out; or NULL */
    uint32_t remove_count;
};

struct fraction {
    uint32_t numerator;
    uint32_t denominator; /* 100, 10000 or 1000000 */
};

/* ENVOY.md 3.3; how it is carried out is the exchange's part. */
struct retry_policy {
    struct str retry_on; /* as in the configuration */
    uint32_t conditions; /* the same, read: bits of retry_on.h */
    uint32_t num_retries;
    int64_t per_try_timeout_ns;      /* 0: none */
    int64_t per_try_idle_timeout_ns; /* 0: none; Istio never sets it */
    int64_t backoff_base_ns;         /* 0: Envoy's 25 ms */
    int64_t backoff_max_ns;          /* 0: ten times the base */
    const uint32_t *status_codes;    /* retriable_status_codes */
    uint32_t status_code_count;
    const struct str *header_names; /* retriable_headers; lower case */
    uint32_t header_name_count;
    bool has_previous_hosts; /* retry_host_predicate previous_hosts */
    uint32_t host_selection_attempts_max;
    bool has_previous_priorities;
    struct origin origin;
};

/* ENVOY.md 4 */
struct fault_policy {
    bool has_delay;
    int64_t delay_ns;
    struct fraction delay_share;
    bool has_abort;
    bool has_abort_share;  /* else nothing is aborted */
    uint32_t abort_status; /* 0: grpc_status */
    bool has_grpc_status;
    uint32_t grpc_status;
    struct fraction abort_share;
    struct origin origin;
};

/* ENVOY.md 16.1; texts are as the headers have them. */
struct cors_policy {
    const struct string_matcher *origins; /* exact "*": any */
    uint32_t origin_count;
    struct str methods, headers; /* "*": what was asked for; empty: no header */
    struct str exposed, max_age; /* empty: no header */
    bool has_credentials;        /* said; for the print-out */
    bool is_allowing_credentials;
    bool is_passing_unmatched; /* forward_not_matching_preflights */
    struct origin origin;
};

struct mirror_policy {
    struct str cluster;
    bool has_host_suffix; /* "-shadow"; else disable_shadow_host_suffix_append */
    bool has_share;
    struct fraction share;
    struct origin origin;
};

/* ENVOY.md 5.4 */
enum hash_key_kind { HASH_HEADER, HASH_COOKIE, HASH_SOURCE_IP, HASH_QUERY };

struct cookie_attribute {
    struct str name, value;
};

struct hash_policy {
    enum hash_key_kind kind;
    struct str name;
    struct str cookie_path;
    bool has_cookie_ttl;
    int64_t cookie_ttl_ns;
    const struct cookie_attribute *attributes;
    uint32_t attribute_count;
    bool is_terminal;
    struct origin origin;
};

enum lb_policy {
    LB_ROUND_ROBIN,
    LB_LEAST_REQUEST,
    LB_RANDOM,
    LB_RING_HASH,
    LB_MAGLEV,
    LB_CLUSTER_PROVIDED, /* ORIGINAL_DST */
};

#define BREAKER_UNLIMITED UINT32_MAX

/* circuit_breakers.thresholds, default priority. */
struct breaker_limits {
    uint32_t max_connections, max_pending_requests, max_requests, max_retries;
};

enum outlier_number {
#define OUTLIER(name, json, default) OUTLIER_##name,
#include "proxy/model/outlier.def"
#undef OUTLIER
    OUTLIER_NUMBER_COUNT,
};

/* outlier_detection; ENVOY.md 7.1. What is not said is Envoy's. */
struct outlier_detection {
    uint32_t numbers[OUTLIER_NUMBER_COUNT]; /* those that are said */
    uint32_t said;                          /* their bits */
    int64_t interval_ns;                    /* 0: Envoy's 10 s */
    int64_t base_ejection_ns;               /* 0: Envoy's 30 s */
    int64_t max_ejection_ns;                /* 0: Envoy's 300 s, or the base if that is more */
    int64_t max_ejection_jitter_ns;
    bool is_splitting_origins; /* split_external_local_origin_errors */
    bool is_always_ejecting_one;
    struct origin origin;
};

void outlier_say(struct outlier_detection *outlier, enum outlier_number number, uint32_t value);
bool outlier_says(const struct outlier_detection *outlier, enum outlier_number number);
/* What is said, or Envoy's default. */
uint32_t outlier_number(const struct outlier_detection *outlier, enum outlier_number number);
