/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/subset_findings.c - DestinationRules: certificates that nobody
 * checks, subsets without pods, hosts that are not there.
 */
#include "config/analyze/known.h"

#define KIND STR("DestinationRule")

/* The mode when the server's certificate is not verified, else empty. */
static struct str unverified_mode(const struct view *tls, bool has_selector)
{
    struct str mode = field_text(tls, STR("mode"));
    bool is_tls = str_eq(mode, STR("SIMPLE")) || str_eq(mode, STR("MUTUAL"));
    bool has_credential = has_selector && field_text(tls, STR("credentialName")).len > 0;

    return is_tls && field_text(tls, STR("caCertificates")).len == 0 && !has_credential ? mode
                                                                                        : STR_EMPTY;
}

static struct str name_and_namespace(const struct analysis *analysis, const struct object *object)
{
    return arena_format(analysis->arena, "%.*s in namespace %.*s",
                        STR_FMT(context_name(analysis, object)), STR_FMT(object->namespace));
}

static void check_ports(struct analysis *analysis, const struct object *object,
                        const struct view *spec)
{
    struct view policy = view_field(spec, STR("trafficPolicy"));
    struct view ports = view_field(&policy, STR("portLevelSettings"));
    bool has_selector = field_has(spec, STR("workloadSelector"));

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view item = view_item(&ports, i);
        struct view tls = view_field(&item, STR("tls"));
        struct view port = view_field(&item, STR("port"));
        struct str mode = unverified_mode(&tls, has_selector);
        if (mode.len == 0)
            continue;
        struct str host = arena_format(analysis->arena, "%.*s at port number:%lld",
                                       STR_FMT(field_text(spec, STR("host"))),
                                       (long long)field_number(&port, STR("number")));
        report(analysis, object, &tls, DIAG_A_IST0129,
               (struct words3){name_and_namespace(analysis, object), mode, host});
    }
}

void subset_analyze_certificates(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view policy = view_field(&spec, STR("trafficPolicy"));
        struct view tls = view_field(&policy, STR("tls"));
        struct str mode = unverified_mode(&tls, field_has(&spec, STR("workloadSelector")));
        if (mode.len > 0)
            report(analysis, object, &tls, DIAG_A_IST0128,
                   (struct words3){name_and_namespace(analysis, object), mode,
                                   field_text(&spec, STR("host"))});
        check_ports(analysis, object, &spec);
    }
}

/* region, zone, subzone of the pod's node, and the node's name. */
static bool has_topology(const struct analysis *analysis, const struct analysis_pod *pod,
                         struct str label, struct str value)
{
    struct str node_name = node_text(node_get(pod->spec, STR("nodeName")));
    const struct object *node = context_find(analysis, STR(""), STR("Node"),
                                             (struct words3){STR_EMPTY, node_name, STR_EMPTY});

    if (str_eq(label, STR("kubernetes.io/hostname")))
        return value.len > 0 && str_eq(value, node_name);
    bool is_topology = str_has_prefix(label, STR("topology.kubernetes.io/")) ||
                       str_eq(label, STR("topology.istio.io/subzone"));
    return is_topology && node != NULL && value.len > 0 &&
           str_eq(context_label(node->labels, label), value);
}

static bool selects_pod(const struct analysis *analysis, const struct node *labels,
                        const struct analysis_pod *pod)
{
    if (labels == NULL || labels->kind != NODE_MAP)
        return true;
    for (uint32_t i = 0; i < labels->count; i++) {
        struct str name = labels->entries[i].key;
        struct str value = node_text(labels->entries[i].value);
        const struct node *own = node_get(pod->labels, name);
        bool is_own = own != NULL && str_eq(node_text(own), value);
        if (!is_own && !has_topology(analysis, pod, name, value))
            return false;
    }
    return true;
}

static bool has_pod(const struct analysis *analysis, const struct node *labels,
                    const struct node *more)
{
    for (uint32_t i = 0; i < analysis->pod_count; i++)
        if (selects_pod(analysis, labels, &analysis->pods[i]) &&
            selects_pod(analysis, more, &analysis->pods[i]))
            return true;
    return false;
}

void subset_analyze_pods(struct analysis *analysis)
{
    struct known_list known = known_hosts(analysis);
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view host = view_field(&spec, STR("host"));
        struct view subsets = view_field(&spec, STR("subsets"));
        const struct object *target =
            known_find(analysis, &known, &spec,
                       (struct words3){object->namespace, field_own_text(&host), STR_EMPTY});
        if (target == NULL) {
            report(analysis, object, NULL, DIAG_A_IST0174,
                   (struct words3){field_own_text(&host), STR_EMPTY, STR_EMPTY});
            continue;
        }
        const struct node *selector = node_get(target->spec, STR("workloadSelector"));
        for (uint32_t k = 0; k < view_count(&subsets); k++) {
            struct view subset = view_item(&subsets, k);
            struct view labels = view_field(&subset, STR("labels"));
            if (!has_pod(analysis, labels.node, node_get(selector, STR("labels"))))
                report(analysis, object, NULL, DIAG_A_IST0173,
                       (struct words3){field_text(&subset, STR("name")), STR_EMPTY, STR_EMPTY});
        }
    }
}
