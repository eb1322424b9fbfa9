/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/annotation_findings.c - Istio's annotations on Kubernetes' objects:
 * unknown, misplaced, deprecated, alpha, or with a value that means nothing.
 */
#include "base/check.h"
#include "config/analyze/context.h"
#include "config/validate/word.h"

static const struct annotation_row {
    struct str name, kinds;
    bool is_alpha, is_deprecated;
} ANNOTATIONS[] = {
#define ANNOTATION(text, kinds, is_alpha, is_deprecated) \
    {STR_INIT(text), STR_INIT(kinds), is_alpha, is_deprecated},
#include "config/analyze/annotation.def"
#undef ANNOTATION
};

static const struct {
    struct str group, kind;
} KINDS[] = {
    {STR_INIT(""), STR_INIT("Namespace")},
    {STR_INIT(""), STR_INIT("Service")},
    {STR_INIT(""), STR_INIT("Pod")},
    {STR_INIT("apps"), STR_INIT("Deployment")},
};

/* Written by istiod itself. */
static const struct str IGNORED[] = {
    STR_INIT("sidecar.istio.io/status"),
    STR_INIT("gateway.istio.io/controller-version"),
    STR_INIT("istio.io/rev"),
};

/* Written by the injector, unless the CNI plugin takes its part. */
static const struct str INJECTED[] = {
    STR_INIT("sidecar.istio.io/interceptionMode"),
    STR_INIT("traffic.sidecar.istio.io/includeInboundPorts"),
    STR_INIT("traffic.sidecar.istio.io/excludeInboundPorts"),
    STR_INIT("traffic.sidecar.istio.io/includeOutboundIPRanges"),
};

enum value_rule { VALUE_ANY, VALUE_PORTS, VALUE_RANGES, VALUE_MODE, VALUE_NUMBER, VALUE_BOOL };

static const struct {
    struct str name;
    enum value_rule rule;
} VALUES[] = {
    {STR_INIT("sidecar.istio.io/interceptionMode"), VALUE_MODE},
    {STR_INIT("status.sidecar.istio.io/port"), VALUE_NUMBER},
    {STR_INIT("readiness.status.sidecar.istio.io/initialDelaySeconds"), VALUE_NUMBER},
    {STR_INIT("readiness.status.sidecar.istio.io/periodSeconds"), VALUE_NUMBER},
    {STR_INIT("readiness.status.sidecar.istio.io/failureThreshold"), VALUE_NUMBER},
    {STR_INIT("traffic.sidecar.istio.io/includeOutboundIPRanges"), VALUE_RANGES},
    {STR_INIT("traffic.sidecar.istio.io/excludeOutboundIPRanges"), VALUE_RANGES},
    {STR_INIT("traffic.sidecar.istio.io/includeInboundPorts"), VALUE_PORTS},
    {STR_INIT("traffic.sidecar.istio.io/excludeInboundPorts"), VALUE_PORTS},
    {STR_INIT("traffic.sidecar.istio.io/includeOutboundPorts"), VALUE_PORTS},
    {STR_INIT("traffic.sidecar.istio.io/excludeOutboundPorts"), VALUE_PORTS},
    {STR_INIT("sidecar.istio.io/enableCoreDump"), VALUE_BOOL},
};

static bool is_one_of(struct str text, const struct str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(texts[i], text))
            return true;
    return false;
}

static bool is_istio(struct str name)
{
    struct str domain = str_slice(name, 0, str_find(name, '/'));

    return str_eq(name, STR("kubernetes.io/ingress.class")) ||
           str_has_suffix(domain, STR("istio.io"));
}

static const struct annotation_row *find_row(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(ANNOTATIONS); i++)
        if (str_eq(ANNOTATIONS[i].name, name))
            return &ANNOTATIONS[i];
    return NULL;
}

static bool has_kind(struct str kinds, struct str kind)
{
    while (kinds.ptr != NULL)
        if (str_eq(str_trim(str_cut(&kinds, ',')), kind))
            return true;
    return false;
}

/* What is wrong with the first bad item of a list, or empty. */
static struct str list_error(struct analysis *analysis, struct str value, bool is_ports)
{
    uint64_t number;

    if (value.len == 0 || str_eq(value, STR("*")))
        return STR_EMPTY;
    while (value.ptr != NULL) {
        struct str item = str_trim(str_cut(&value, ','));
        if (is_ports && item.len > 0 && !str_to_u64(item, UINT16_MAX, &number))
            return arena_format(analysis->arena,
                                "portList must be list of valid ports: \"%.*s\" is no port",
                                STR_FMT(item));
        if (!is_ports && (str_find(item, '/') == STR_NONE || !word_is_fine(word_subnet(item))))
            return arena_format(analysis->arena,
                                "failed parsing cidr '%.*s': invalid CIDR address: %.*s",
                                STR_FMT(item), STR_FMT(item));
    }
    return STR_EMPTY;
}

static struct str value_error(struct analysis *analysis, struct str name, struct str value)
{
    enum value_rule rule = VALUE_ANY;
    uint64_t number;

    for (size_t i = 0; i < COUNT_OF(VALUES); i++)
        if (str_eq(VALUES[i].name, name))
            rule = VALUES[i].rule;
    switch (rule) {
    case VALUE_ANY:
        return STR_EMPTY;
    case VALUE_PORTS:
        return list_error(analysis, value, true);
    case VALUE_RANGES:
        return list_error(analysis, value, false);
    case VALUE_MODE:
        if (str_eq(value, STR("REDIRECT")) || str_eq(value, STR("TPROXY")) ||
            str_eq(value, STR("NONE")))
            return STR_EMPTY;
        return arena_format(analysis->arena,
                            "interceptionMode invalid, use REDIRECT,TPROXY,NONE: "
                            "%.*s",
                            STR_FMT(value));
    case VALUE_NUMBER:
        if (str_to_u64(value, UINT32_MAX, &number))
            return STR_EMPTY;
        return arena_format(analysis->arena,
                            "value \"%.*s\" is invalid: strconv.ParseUint: parsing \"%.*s\": "
                            "invalid syntax",
                            STR_FMT(value), STR_FMT(value));
    case VALUE_BOOL:
        if (str_eq_ci(value, STR("true")) || str_eq_ci(value, STR("false")))
            return STR_EMPTY;
        return arena_format(analysis->arena, "strconv.ParseBool: parsing \"%.*s\": invalid syntax",
                            STR_FMT(value));
    }
    UNREACHABLE("value rule");
}

static void check(struct analysis *analysis, const struct object *object, const struct view *entry)
{
    static const struct str INJECT = STR_INIT("sidecar.istio.io/inject");
    const struct annotation_row *row = find_row(entry->key);
    struct str name = entry->key;

    if (row == NULL) {
        report(analysis, object, entry, DIAG_A_IST0108,
               (struct words3){name, STR_EMPTY, STR_EMPTY});
        return;
    }
    bool is_inject = str_eq(name, INJECT);
    if (row->is_deprecated && !(is_inject && node_get(object->labels, INJECT) != NULL))
        report(analysis, object, entry, DIAG_A_IST0135,
               (struct words3){name,
                               is_inject ? STR(" in favor of the \"sidecar.istio.io/inject\" label")
                                         : STR_EMPTY,
                               STR_EMPTY});
    if (has_kind(row->kinds, STR("Any")))
        return;
    if (!has_kind(row->kinds, object->kind)) {
        report(analysis, object, entry, DIAG_A_IST0107,
               (struct words3){name, row->kinds, STR_EMPTY});
        return;
    }
    struct str error = value_error(analysis, name, field_own_text(entry));
    if (error.len > 0)
        report(analysis, object, entry, DIAG_A_IST0125, (struct words3){name, error, STR_EMPTY});
}

/* Without istio-init the CNI plugin redirects, and what it needs is annotated. */
static bool has_cni(const struct object *object)
{
    const struct node *list = node_get(object->spec, STR("initContainers"));

    if (!str_eq(object->kind, STR("Pod")))
        return false;
    for (uint32_t i = 0; list != NULL && list->kind == NODE_LIST && i < list->count; i++)
        if (str_eq(node_text(node_get(list->items[i], STR("name"))), STR("istio-init")))
            return false;
    return true;
}

static void check_alpha(struct analysis *analysis, const struct object *object,
                        const struct view *entry)
{
    const struct annotation_row *row = find_row(entry->key);

    if (row == NULL || !row->is_alpha ||
        (has_cni(object) && is_one_of(entry->key, INJECTED, COUNT_OF(INJECTED))))
        return;
    report(analysis, object, entry, DIAG_A_IST0136,
           (struct words3){entry->key, STR_EMPTY, STR_EMPTY});
}

static void for_each(struct analysis *analysis,
                     void (*check_one)(struct analysis *, const struct object *,
                                       const struct view *))
{
    for (uint32_t i = 0; i < analysis->objects.count; i++) {
        const struct object *object = &analysis->objects.items[i];
        bool is_asked = false;
        for (size_t k = 0; k < COUNT_OF(KINDS); k++)
            is_asked |= object_is(object, KINDS[k].group, KINDS[k].kind);
        struct view root = context_root(analysis, object);
        struct view metadata = view_field(&root, STR("metadata"));
        struct view annotations = view_field(&metadata, STR("annotations"));
        for (uint32_t k = 0; is_asked && k < view_count(&annotations); k++) {
            struct view entry = view_entry(&annotations, k);
            if (is_istio(entry.key) && !is_one_of(entry.key, IGNORED, COUNT_OF(IGNORED)))
                check_one(analysis, object, &entry);
        }
    }
}

void annotation_analyze(struct analysis *analysis)
{
    for_each(analysis, check);
}

void annotation_analyze_alpha(struct analysis *analysis)
{
    for_each(analysis, check_alpha);
}
