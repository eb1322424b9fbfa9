/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/cluster_findings.c - what a dump of a cluster shows: conditions
 * of status, CRDs, webhooks; and fields that Istio gave up.
 */
#include "base/check.h"
#include "config/analyze/context.h"
#include "config/resource/host.h"

#define ADMISSION STR("admissionregistration.k8s.io")
#define MUTATING STR("MutatingWebhookConfiguration")
#define VALIDATING STR("ValidatingWebhookConfiguration")
#define REVISION STR("istio.io/rev")

/* A condition that is bad news when it is False. */
static const struct {
    struct str group, kind, type;
} CONDITIONS[] = {
    {STR_INIT(""), STR_INIT("Service"), STR_INIT("istio.io/WaypointBound")},
    {STR_INIT("networking.istio.io"), STR_INIT("ServiceEntry"), STR_INIT("istio.io/WaypointBound")},
    {STR_INIT("networking.istio.io"), STR_INIT("WorkloadEntry"),
     STR_INIT("istio.io/WaypointBound")},
    {STR_INIT("security.istio.io"), STR_INIT("AuthorizationPolicy"), STR_INIT("ZtunnelAccepted")},
    {STR_INIT("security.istio.io"), STR_INIT("AuthorizationPolicy"), STR_INIT("WaypointAccepted")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("Gateway"), STR_INIT("Accepted")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("Gateway"), STR_INIT("Programmed")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("Gateway"), STR_INIT("ResolvedRefs")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("HTTPRoute"), STR_INIT("Accepted")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("HTTPRoute"), STR_INIT("Programmed")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("HTTPRoute"), STR_INIT("ResolvedRefs")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("GRPCRoute"), STR_INIT("Accepted")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("GRPCRoute"), STR_INIT("Programmed")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("GRPCRoute"), STR_INIT("ResolvedRefs")},
};

static const struct str REMOVED[] = {STR_INIT("ClusterRbacConfig"), STR_INIT("RbacConfig"),
                                     STR_INIT("ServiceRole"), STR_INIT("ServiceRoleBinding")};

/* Gateway API CRDs and the oldest bundle that Istio takes. */
static const struct {
    struct str name;
    int64_t version[3];
} MINIMA[] = {
#include "config/analyze/gateway_api.def"
};

static bool is_negative(const struct object *object, struct str type)
{
    for (size_t i = 0; i < COUNT_OF(CONDITIONS); i++)
        if (object_is(object, CONDITIONS[i].group, CONDITIONS[i].kind) &&
            str_eq(CONDITIONS[i].type, type))
            return true;
    return false;
}

static void check_conditions(struct analysis *analysis, const struct object *object,
                             const struct node *list)
{
    for (uint32_t i = 0; list != NULL && list->kind == NODE_LIST && i < list->count; i++) {
        struct str type = node_text(node_get(list->items[i], STR("type")));
        struct str status = node_text(node_get(list->items[i], STR("status")));
        struct str reason = node_text(node_get(list->items[i], STR("reason")));
        struct str message = node_text(node_get(list->items[i], STR("message")));
        bool is_partial = str_eq(object->kind, STR("AuthorizationPolicy")) &&
                          str_eq(type, STR("WaypointAccepted")) &&
                          str_eq(reason, STR("PartiallyInvalid"));
        bool is_bad = is_negative(object, type) && str_eq(status, STR("False"));
        if (is_bad || is_partial)
            report(analysis, object, NULL, DIAG_A_IST0171, (struct words3){type, reason, message});
    }
}

void cluster_analyze_conditions(struct analysis *analysis)
{
    for (uint32_t i = 0; i < analysis->objects.count; i++) {
        const struct object *object = &analysis->objects.items[i];
        const struct node *status = node_get(object->root, STR("status"));
        const struct node *parents = node_get(status, STR("parents"));
        if (status == NULL)
            continue;
        check_conditions(analysis, object, node_get(status, STR("conditions")));
        for (uint32_t k = 0; parents != NULL && parents->kind == NODE_LIST && k < parents->count;
             k++)
            check_conditions(analysis, object, node_get(parents->items[k], STR("conditions")));
    }
}

static void deprecated(struct analysis *analysis, const struct object *object,
                       const struct view *at, struct str what)
{
    report(analysis, object, NULL, DIAG_A_IST0002, (struct words3){what, STR_EMPTY, STR_EMPTY});
    if (at != NULL && view_is_present(at)) {
        struct diag *diag = &analysis->findings[analysis->finding_count - 1].diag;
        diag->origin = view_origin(at);
        diag->path = view_path(at);
    }
}

static void check_crd(struct analysis *analysis, const struct object *object)
{
    struct str group = node_text(node_get(object->spec, STR("group")));
    struct str kind = node_text(node_get(node_get(object->spec, STR("names")), STR("kind")));

    for (size_t i = 0; i < COUNT_OF(REMOVED); i++)
        if (str_eq(group, STR("rbac.istio.io")) && str_eq(kind, REMOVED[i]))
            deprecated(analysis, object, NULL,
                       arena_format(analysis->arena, "Custom resource type %.*s %.*s is removed",
                                    STR_FMT(group), STR_FMT(kind)));
}

void cluster_analyze_deprecations(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0;
         (object = context_next(analysis, ISTIO_GROUP, STR("VirtualService"), &i));) {
        struct view spec = context_spec(analysis, object);
        struct view rules = view_field(&spec, STR("http"));
        for (uint32_t k = 0; k < view_count(&rules); k++) {
            struct view rule = view_item(&rules, k);
            struct view fault = view_field(&rule, STR("fault"));
            struct view delay = view_field(&fault, STR("delay"));
            struct view percent = view_field(&delay, STR("percent"));
            if (field_own_number(&percent) > 0)
                deprecated(analysis, object, &percent,
                           STR("HTTPRoute.fault.delay.percent is deprecated; use "
                               "HTTPRoute.fault.delay.percentage"));
        }
    }
    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, STR("Sidecar"), &i));) {
        struct view spec = context_spec(analysis, object);
        struct view policy = view_field(&spec, STR("outboundTrafficPolicy"));
        struct view proxy = view_field(&policy, STR("egressProxy"));
        if (view_is_present(&proxy))
            deprecated(analysis, object, &proxy, STR("OutboundTrafficPolicy.EgressProxy ignored"));
    }
    for (uint32_t i = 0; (object = context_next(analysis, STR("apiextensions.k8s.io"),
                                                STR("CustomResourceDefinition"), &i));)
        check_crd(analysis, object);
}

/* The host of https://host:port/path. */
static struct str url_host(struct str url)
{
    size_t slashes = str_find_str(url, STR("://"));
    struct str rest = slashes == STR_NONE ? url : str_from(url, slashes + 3);

    rest = str_slice(rest, 0, str_find(rest, '/'));
    if (str_has_prefix(rest, STR("[")))
        return str_slice(rest, 1, str_find(rest, ']'));
    return str_slice(rest, 0, str_find(rest, ':'));
}

static bool is_url(struct str url)
{
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= 0x20 || url.ptr[i] == 0x7f)
            return false;
    return !str_has_prefix(url, STR(":"));
}

static void check_webhook_urls(struct analysis *analysis, const struct object *object)
{
    const struct node *webhooks = node_get(object->root, STR("webhooks"));

    for (uint32_t i = 0; webhooks != NULL && webhooks->kind == NODE_LIST && i < webhooks->count;
         i++) {
        const struct node *client = node_get(webhooks->items[i], STR("clientConfig"));
        const struct node *written = node_get(client, STR("url"));
        const struct node *url = written != NULL && written->kind == NODE_NULL ? NULL : written;
        struct str name = node_text(node_get(webhooks->items[i], STR("name")));
        struct str text = node_text(url);
        if (url != NULL && !is_url(text))
            report(analysis, object, NULL, DIAG_A_IST0163,
                   (struct words3){text, name, STR("was provided in an invalid format")});
        else if (url != NULL && host_is_ip(url_host(text)))
            report(analysis, object, NULL, DIAG_A_IST0164, (struct words3){text, name, STR_EMPTY});
        else if (url == NULL && node_get(client, STR("service")) == NULL)
            report(analysis, object, NULL, DIAG_A_IST0163,
                   (struct words3){STR_EMPTY, name, STR("is blank")});
    }
}

void cluster_analyze_external(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ADMISSION, VALIDATING, &i));)
        if (str_eq(object->name, STR("istiod-default-validator")) ||
            str_has_prefix(object->name, STR("istio-validator")))
            check_webhook_urls(analysis, object);
    for (uint32_t i = 0; (object = context_next(analysis, ADMISSION, MUTATING, &i));)
        if (str_has_prefix(object->name, STR("istio-sidecar-injector")))
            check_webhook_urls(analysis, object);
}

/* "v1.4.0-rc.1" -> 1, 4, 0 */
static bool read_version(struct str text, int64_t out[3], struct str *plain)
{
    struct str rest = str_from(text, str_has_prefix(text, STR("v")) ? 1 : 0);

    *plain = rest;
    rest = str_slice(rest, 0, str_find(rest, '-'));
    for (int i = 0; i < 3; i++)
        if (rest.ptr == NULL || !str_to_i64(str_cut(&rest, '.'), 0, 1000000, &out[i]))
            return false;
    return true;
}

static bool is_older(const int64_t a[3], const int64_t b[3])
{
    for (int i = 0; i < 3; i++)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

void cluster_analyze_versions(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR("apiextensions.k8s.io"),
                                                STR("CustomResourceDefinition"), &i));) {
        struct str bundle =
            context_label(object->annotations, STR("gateway.networking.k8s.io/bundle-version"));
        int64_t version[3] = {0};
        struct str plain;
        for (size_t k = 0; k < COUNT_OF(MINIMA); k++) {
            const int64_t *minimum = MINIMA[k].version;
            if (!str_eq(MINIMA[k].name, object->name) || !read_version(bundle, version, &plain) ||
                !is_older(version, minimum))
                continue;
            report(analysis, object, NULL, DIAG_A_IST0176,
                   (struct words3){object->name, plain,
                                   arena_format(analysis->arena, "%d.%d.%d", (int)minimum[0],
                                                (int)minimum[1], (int)minimum[2])});
        }
    }
}

/* --- injection webhooks ---------------------------------------------------- */

struct hook {
    const struct object *object;
    const struct node *node;
    struct str full_name; /* configuration/webhook */
};

struct hook_list {
    struct hook *items;
    uint32_t count, capacity;
};

/* A pair of label sets that is asked about: at most two labels in each. */
struct label_pair {
    struct str inject, revision; /* empty: not there */
};

static void add_revision(struct text_list *list, struct str revision, struct arena *arena)
{
    if (revision.len > 0 && !text_list_has(list, revision))
        text_list_add(list, revision, arena);
}

static void add_selector_revisions(struct text_list *list, const struct node *selector,
                                   struct arena *arena)
{
    const struct node *expressions = node_get(selector, STR("matchExpressions"));

    add_revision(list, context_label(node_get(selector, STR("matchLabels")), REVISION), arena);
    for (uint32_t i = 0;
         expressions != NULL && expressions->kind == NODE_LIST && i < expressions->count; i++) {
        const struct node *values = node_get(expressions->items[i], STR("values"));
        if (!str_eq(node_text(node_get(expressions->items[i], STR("key"))), REVISION))
            continue;
        for (uint32_t k = 0; values != NULL && values->kind == NODE_LIST && k < values->count; k++)
            add_revision(list, node_text(values->items[k]), arena);
    }
}

static struct hook_list collect_hooks(struct analysis *analysis, struct text_list *revisions)
{
    struct hook_list list = {0};
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ADMISSION, MUTATING, &i));) {
        const struct node *webhooks = node_get(object->root, STR("webhooks"));
        struct text_list own = {0};
        bool is_istio = false;
        uint32_t count = webhooks != NULL && webhooks->kind == NODE_LIST ? webhooks->count : 0;
        add_revision(&own, context_label(object->labels, REVISION), analysis->arena);
        for (uint32_t k = 0; k < count; k++) {
            const struct node *hook = webhooks->items[k];
            is_istio |= str_has_suffix(node_text(node_get(hook, STR("name"))), STR("istio.io"));
            add_selector_revisions(&own, node_get(hook, STR("namespaceSelector")), analysis->arena);
            add_selector_revisions(&own, node_get(hook, STR("objectSelector")), analysis->arena);
        }
        if (own.count == 0 && !is_istio)
            continue;
        for (uint32_t k = 0; k < own.count; k++)
            add_revision(revisions, own.items[k], analysis->arena);
        for (uint32_t k = 0; k < count; k++)
            *ARENA_PUSH(analysis->arena, list.items, list.count, list.capacity) = (struct hook){
                object, webhooks->items[k],
                arena_format(analysis->arena, "%.*s/%.*s", STR_FMT(object->name),
                             STR_FMT(node_text(node_get(webhooks->items[k], STR("name")))))};
    }
    return list;
}

/* The label's value under `pair`; *found false when it is not there. */
static struct str pair_value(const struct label_pair *pair, struct str inject_name,
                             struct str label, bool *found)
{
    struct str value = str_eq(label, inject_name) ? pair->inject
                       : str_eq(label, REVISION)  ? pair->revision
                                                  : STR_EMPTY;

    *found = value.len > 0;
    return value;
}

static bool matches(const struct node *selector, const struct label_pair *pair,
                    struct str inject_name)
{
    const struct node *labels = node_get(selector, STR("matchLabels"));
    const struct node *expressions = node_get(selector, STR("matchExpressions"));
    bool has;

    for (uint32_t i = 0; labels != NULL && labels->kind == NODE_MAP && i < labels->count; i++) {
        struct str value = pair_value(pair, inject_name, labels->entries[i].key, &has);
        if (!has || !str_eq(value, node_text(labels->entries[i].value)))
            return false;
    }
    for (uint32_t i = 0;
         expressions != NULL && expressions->kind == NODE_LIST && i < expressions->count; i++) {
        const struct node *item = expressions->items[i];
        const struct node *values = node_get(item, STR("values"));
        struct str operator= node_text(node_get(item, STR("operator")));
        struct str value =
            pair_value(pair, inject_name, node_text(node_get(item, STR("key"))), &has);
        bool is_listed = false;
        for (uint32_t k = 0; has && values != NULL && k < values->count; k++)
            is_listed |= str_eq(node_text(values->items[k]), value);
        bool is_fine = str_eq(operator, STR("In"))       ? is_listed
                       : str_eq(operator, STR("NotIn"))  ? !is_listed
                       : str_eq(operator, STR("Exists")) ? has
                                                         : !has;
        if (!is_fine)
            return false;
    }
    return true;
}

static void check_overlap(struct analysis *analysis, const struct hook_list *hooks,
                          const struct label_pair *namespace, const struct label_pair *pod)
{
    struct text_list names = {0};
    bool *is_match = ARENA_ARRAY(analysis->arena, bool, hooks->count);

    for (uint32_t i = 0; i < hooks->count; i++) {
        is_match[i] = matches(node_get(hooks->items[i].node, STR("namespaceSelector")), namespace,
                              STR("istio-injection")) &&
                      matches(node_get(hooks->items[i].node, STR("objectSelector")), pod,
                              STR("sidecar.istio.io/inject"));
        if (is_match[i] && !text_list_has(&names, hooks->items[i].full_name))
            text_list_add(&names, hooks->items[i].full_name, analysis->arena);
    }
    for (uint32_t i = 0; names.count > 1 && i < hooks->count; i++) {
        struct text_list others = {0};
        for (uint32_t k = 0; k < names.count; k++)
            if (!str_eq(names.items[k], hooks->items[i].full_name))
                text_list_add(&others, names.items[k], analysis->arena);
        context_sort(&others);
        if (is_match[i])
            report(
                analysis, hooks->items[i].object, NULL, DIAG_A_IST0139,
                (struct words3){arena_format(analysis->arena,
                                             "Webhook overlaps with others: [%.*s]. This may cause "
                                             "injection to occur twice.",
                                             STR_FMT(context_listed(analysis, &others, STR(" ")))),
                                STR_EMPTY, STR_EMPTY});
    }
}

static void check_hook_service(struct analysis *analysis, const struct hook *hook)
{
    const struct node *service =
        node_get(node_get(hook->node, STR("clientConfig")), STR("service"));
    struct words3 key = {node_text(node_get(service, STR("namespace"))),
                         node_text(node_get(service, STR("name"))), STR_EMPTY};

    if (service != NULL && context_find(analysis, STR(""), STR("Service"), key) == NULL)
        report(analysis, hook->object, NULL, DIAG_A_IST0139,
               (struct words3){arena_format(analysis->arena,
                                            "Injector refers to a control plane service that does "
                                            "not exist: %.*s/%.*s.",
                                            STR_FMT(key.a), STR_FMT(key.b)),
                               STR_EMPTY, STR_EMPTY});
}

void cluster_analyze_webhooks(struct analysis *analysis)
{
    static const struct str NAMESPACE[] = {STR_INIT(""), STR_INIT("enabled"), STR_INIT("disabled")};
    static const struct str POD[] = {STR_INIT(""), STR_INIT("true"), STR_INIT("false")};
    struct text_list revisions = {0};

    text_list_add(&revisions, STR_EMPTY, analysis->arena);
    struct hook_list hooks = collect_hooks(analysis, &revisions);
    uint32_t set_count = revisions.count * COUNT_OF(POD);
    for (uint32_t n = 0; n < set_count * set_count; n++) {
        uint32_t a = n / set_count, b = n % set_count;
        struct label_pair namespace = {NAMESPACE[a % 3], revisions.items[a / 3]};
        struct label_pair pod = {POD[b % 3], revisions.items[b / 3]};
        check_overlap(analysis, &hooks, &namespace, &pod);
    }
    for (uint32_t i = 0; i < hooks.count; i++)
        check_hook_service(analysis, &hooks.items[i]);
}
