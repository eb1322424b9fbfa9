/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/port_findings.c - Gateways: their pods, ports, certificates and
 * secrets; Services: the names of their ports.
 */
#include "base/base64.h"
#include "base/check.h"
#include "config/analyze/certificate.h"
#include "config/analyze/context.h"
#include "config/validate/word.h"

#define KIND STR("Gateway")

static void report_selector(struct analysis *analysis, const struct object *object,
                            const struct view *selector)
{
    struct view at = context_first_pair(selector);

    report(analysis, object, &at, DIAG_A_IST0101,
           (struct words3){STR("selector"), context_selector_text(analysis, selector->node),
                           STR_EMPTY});
}

static bool has_port(const struct analysis *analysis, const struct analysis_pod *pod,
                     int64_t number)
{
    const struct object *service;

    for (uint32_t i = 0; (service = context_next(analysis, STR(""), STR("Service"), &i));) {
        const struct node *selector = node_get(service->spec, STR("selector"));
        const struct node *ports = node_get(service->spec, STR("ports"));
        if (!str_eq(service->namespace, pod->namespace) ||
            !context_selects(selector, pod->labels) || ports == NULL)
            continue;
        for (uint32_t k = 0; ports->kind == NODE_LIST && k < ports->count; k++) {
            const struct node *port = node_get(ports->items[k], STR("port"));
            const struct node *target = node_get(ports->items[k], STR("targetPort"));
            struct str protocol = node_text(node_get(ports->items[k], STR("protocol")));
            bool is_tcp = protocol.len == 0 || str_eq(protocol, STR("TCP"));
            if (is_tcp && ((port != NULL && port->integer == number) ||
                           (target != NULL && target->integer == number)))
                return true;
        }
    }
    return false;
}

void port_analyze_gateways(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view selector = view_field(&spec, STR("selector"));
        struct view servers = view_field(&spec, STR("servers"));
        bool has_pod = false;
        for (uint32_t p = 0; p < analysis->pod_count; p++)
            has_pod |= context_selects(selector.node, analysis->pods[p].labels);
        if (!has_pod) {
            report_selector(analysis, object, &selector);
            continue;
        }
        for (uint32_t k = 0; k < view_count(&servers); k++) {
            struct view server = view_item(&servers, k);
            struct view port = view_field(&server, STR("port"));
            int64_t number = field_number(&port, STR("number"));
            bool is_there = !view_is_present(&port);
            for (uint32_t p = 0; !is_there && p < analysis->pod_count; p++)
                is_there = context_selects(selector.node, analysis->pods[p].labels) &&
                           has_port(analysis, &analysis->pods[p], number);
            struct view at = context_first_pair(&selector);
            if (!is_there)
                report(analysis, object, &at, DIAG_A_IST0162,
                       (struct words3){field_of_number(&spec, number),
                                       context_selector_text(analysis, selector.node), STR_EMPTY});
        }
    }
}

static bool is_same_certificate(const struct view *a, const struct view *b)
{
    struct str a_name = field_text(a, STR("credentialName"));
    struct str b_name = field_text(b, STR("credentialName"));
    struct str a_file = field_text(a, STR("serverCertificate"));
    struct str a_key = field_text(a, STR("privateKey"));

    if (a_name.len > 0 || b_name.len > 0)
        return str_eq(a_name, b_name);
    return a_file.len > 0 && a_key.len > 0 &&
           str_eq(a_file, field_text(b, STR("serverCertificate"))) &&
           str_eq(a_key, field_text(b, STR("privateKey")));
}

static void compare_certificates(struct analysis *analysis, const struct object *object,
                                 const struct object *other)
{
    struct view a_spec = context_spec(analysis, object);
    struct view b_spec = context_spec(analysis, other);
    struct view a_servers = view_field(&a_spec, STR("servers"));
    struct view b_servers = view_field(&b_spec, STR("servers"));
    struct view root = context_root(analysis, object);
    struct view metadata = view_field(&root, STR("metadata"));
    struct view at = view_field(&metadata, STR("name"));

    for (uint32_t a = 0; a < view_count(&a_servers); a++) {
        for (uint32_t b = 0; b < view_count(&b_servers); b++) {
            struct view a_server = view_item(&a_servers, a), b_server = view_item(&b_servers, b);
            struct view a_tls = view_field(&a_server, STR("tls"));
            struct view b_tls = view_field(&b_server, STR("tls"));
            if (!view_is_present(&a_tls) || !view_is_present(&b_tls) ||
                !is_same_certificate(&a_tls, &b_tls))
                continue;
            struct str names = arena_format(analysis->arena, "[%.*s %.*s]",
                                            STR_FMT(context_name(analysis, object)),
                                            STR_FMT(context_name(analysis, other)));
            report(analysis, object, &at, DIAG_A_IST0138,
                   (struct words3){names, STR_EMPTY, STR_EMPTY});
        }
    }
}

void port_analyze_certificates(struct analysis *analysis)
{
    const struct object *object, *other;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        const struct node *selector = node_get(object->spec, STR("selector"));
        for (uint32_t k = 0; (other = context_next(analysis, ISTIO_GROUP, KIND, &k));)
            if (other != object &&
                context_selects(selector, node_get(other->spec, STR("selector"))))
                compare_certificates(analysis, object, other);
    }
}

/* The bytes of one of a Secret's fields; empty: none, or no base64. */
static struct str secret_value(const struct analysis *analysis, const struct object *secret,
                               struct str name)
{
    struct str data = node_text(node_get(node_get(secret->root, STR("data")), name));
    struct str out = node_text(node_get(node_get(secret->root, STR("stringData")), name));

    if (data.len > 0 && !base64_decode(data, analysis->arena, &out))
        return STR_EMPTY;
    return out;
}

/* A certificate that is valid now, and a key, whatever it holds. The first pair
 * that is there counts. */
static bool is_certificate(const struct analysis *analysis, const struct object *secret)
{
    static const struct str NAMES[][2] = {{STR_INIT("cert"), STR_INIT("key")},
                                          {STR_INIT("tls.crt"), STR_INIT("tls.key")}};

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        struct str certificate = secret_value(analysis, secret, NAMES[i][0]);
        struct str key = secret_value(analysis, secret, NAMES[i][1]);
        if (certificate.len > 0 && key.len > 0)
            return certificate_is_valid(certificate, analysis->now_ns, analysis->arena);
    }
    return false;
}

static void check_secret(struct analysis *analysis, const struct object *object,
                         const struct view *server, struct str namespace)
{
    struct view tls = view_field(server, STR("tls"));
    struct view field = view_field(&tls, STR("credentialName"));
    struct str name = field_own_text(&field);
    size_t slash = str_find(name, '/');

    if (name.len == 0)
        return;
    struct str in = slash == STR_NONE ? namespace : str_slice(name, 0, slash);
    struct str plain = slash == STR_NONE ? name : str_from(name, slash + 1);
    const struct object *secret =
        context_find(analysis, STR(""), STR("Secret"), (struct words3){in, plain, STR_EMPTY});
    if (secret == NULL)
        report(analysis, object, &field, DIAG_A_IST0101,
               (struct words3){STR("credentialName"), name, STR_EMPTY});
    else if (!is_certificate(analysis, secret))
        report(analysis, object, &field, DIAG_A_IST0161,
               (struct words3){object->name, namespace, STR_EMPTY});
}

void port_analyze_secrets(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view selector = view_field(&spec, STR("selector"));
        struct view servers = view_field(&spec, STR("servers"));
        const struct analysis_pod *pod = NULL;
        for (uint32_t p = 0; pod == NULL && p < analysis->pod_count; p++)
            if (context_selects(selector.node, analysis->pods[p].labels))
                pod = &analysis->pods[p];
        if (pod == NULL) {
            report_selector(analysis, object, &selector);
            continue;
        }
        for (uint32_t k = 0; k < view_count(&servers); k++) {
            struct view server = view_item(&servers, k);
            check_secret(analysis, object, &server, pod->namespace);
        }
    }
}

/* One selector, or a pod that both select. */
static bool share_pod(const struct analysis *analysis, const struct object *a,
                      const struct object *b)
{
    const struct node *a_selector = node_get(a->spec, STR("selector"));
    const struct node *b_selector = node_get(b->spec, STR("selector"));
    struct str a_text = context_selector_text(analysis, a_selector);
    struct str b_text = context_selector_text(analysis, b_selector);

    if (str_eq(a_text, b_text))
        return true;
    if (!str_contains(a_text, b_text) && !str_contains(b_text, a_text))
        return false;
    for (uint32_t i = 0; i < analysis->pod_count; i++)
        if (context_selects(a_selector, analysis->pods[i].labels) &&
            context_selects(b_selector, analysis->pods[i].labels))
            return true;
    return false;
}

static bool has_equal_host(const struct view *a, const struct view *b)
{
    struct view a_hosts = view_field(a, STR("hosts"));
    struct view b_hosts = view_field(b, STR("hosts"));

    if (!str_eq(field_text(a, STR("bind")), field_text(b, STR("bind"))))
        return false;
    for (uint32_t i = 0; i < view_count(&a_hosts); i++) {
        struct view a_item = view_item(&a_hosts, i);
        for (uint32_t k = 0; k < view_count(&b_hosts); k++) {
            struct view b_item = view_item(&b_hosts, k);
            if (str_eq(field_own_text(&a_item), field_own_text(&b_item)))
                return true;
        }
    }
    return false;
}

static int64_t port_of(const struct view *server)
{
    struct view port = view_field(server, STR("port"));

    return field_number(&port, STR("number"));
}

static bool is_in_conflict(struct analysis *analysis, const struct object *other,
                           const struct view *server)
{
    struct view spec = context_spec(analysis, other);
    struct view servers = view_field(&spec, STR("servers"));

    for (uint32_t i = 0; i < view_count(&servers); i++) {
        struct view their = view_item(&servers, i);
        if (port_of(&their) == port_of(server) && has_equal_host(server, &their))
            return true;
    }
    return false;
}

static void check_conflict(struct analysis *analysis, const struct object *object,
                           const struct view *server)
{
    struct view hosts = view_field(server, STR("hosts"));
    struct text_list names = {0}, host_names = {0};
    const struct object *other;

    for (uint32_t i = 0; (other = context_next(analysis, ISTIO_GROUP, KIND, &i));)
        if (other != object && share_pod(analysis, object, other) &&
            is_in_conflict(analysis, other, server))
            text_list_add(&names, context_name(analysis, other), analysis->arena);
    if (names.count == 0)
        return;
    for (uint32_t i = 0; i < view_count(&hosts); i++) {
        struct view item = view_item(&hosts, i);
        text_list_add(&host_names, field_own_text(&item), analysis->arena);
    }
    context_sort(&names);
    struct str port = arena_format(analysis->arena, "%lld, hosts %.*s", (long long)port_of(server),
                                   STR_FMT(context_listed(analysis, &host_names, STR(","))));
    report(analysis, object, NULL, DIAG_A_IST0145,
           (struct words3){context_listed(analysis, &names, STR(",")),
                           context_selector_text(analysis, node_get(object->spec, STR("selector"))),
                           port});
}

void port_analyze_conflicts(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view servers = view_field(&spec, STR("servers"));
        for (uint32_t k = 0; k < view_count(&servers); k++) {
            struct view server = view_item(&servers, k);
            check_conflict(analysis, object, &server);
        }
    }
}

/* Ports that everybody knows, and UDP, need no name. */
static bool is_unsupported(const struct view *port)
{
    struct view app = view_field(port, STR("appProtocol"));
    struct str name = field_text(port, STR("name"));
    struct str app_name = field_own_text(&app);
    int64_t number = field_number(port, STR("port"));

    if (str_eq(field_text(port, STR("protocol")), STR("UDP")))
        return false;
    if (view_is_present(&app)) {
        struct str kubernetes = STR("kubernetes.io/");
        if (str_has_prefix(app_name, kubernetes) || str_eq(app_name, STR("grpc")))
            return false;
        return word_protocol_kind(app_name) == WORD_PROTOCOL_UNSUPPORTED;
    }
    if (str_has_prefix(name, STR("grpc-web")))
        return false;
    if (word_protocol_kind(str_slice(name, 0, str_find(name, '-'))) != WORD_PROTOCOL_UNSUPPORTED)
        return false;
    return number != 25 && number != 53 && number != 3306 && number != 27017;
}

static void check_names(struct analysis *analysis, const struct object *object)
{
    struct view spec = context_spec(analysis, object);
    struct view ports = view_field(&spec, STR("ports"));
    bool is_external = str_eq(field_text(&spec, STR("type")), STR("ExternalName"));

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view port = view_item(&ports, i);
        struct view at = view_field(&port, STR("port"));
        struct view target = view_field(&port, STR("targetPort"));
        struct str name = field_text(&port, STR("name"));
        bool is_tcp = is_external && str_eq(name, STR("tcp"));
        if (!is_unsupported(&port) && !is_tcp)
            continue;
        struct str target_text = node_text(target.node);
        if (is_external)
            report(analysis, object, &at, DIAG_A_IST0150, (struct words3){0});
        else
            report(analysis, object, &at, DIAG_A_IST0118,
                   (struct words3){name, node_text(at.node),
                                   target_text.len > 0 ? target_text : STR("0")});
    }
}

void port_analyze_names(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR(""), STR("Service"), &i));) {
        bool is_managed = str_has_prefix(
            context_label(object->labels, STR("gateway.istio.io/managed")), STR("istio.io-"));
        if (!context_is_control_plane(object) && !is_managed)
            check_names(analysis, object);
    }
}
