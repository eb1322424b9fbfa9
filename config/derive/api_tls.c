/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_tls.c - what a listener of the Gateway API says of TLS,
 * and whether the certificates it names may be used.
 */
#include "config/derive/gateway_api.h"

#define CERTIFICATES_MAX 2u

/* Does the text of a Secret's field look like PEM? data is base64. */
static bool looks_like_pem(const struct view *secret, struct str name)
{
    struct view data = view_map(secret, STR("data"));
    struct view plain = view_map(secret, STR("stringData"));

    return str_has_prefix(view_str(&data, name, STR_EMPTY), STR("LS0tLS1CRUdJTi")) ||
           str_has_prefix(view_str(&plain, name, STR_EMPTY), STR("-----BEGIN "));
}

static bool is_usable_secret(const struct entrance *secret)
{
    struct entrance_view view;
    struct view *root = &entrance_view_init(secret, &view)->root;

    return (looks_like_pem(root, STR("tls.crt")) && looks_like_pem(root, STR("tls.key"))) ||
           (looks_like_pem(root, STR("cert")) && looks_like_pem(root, STR("key")));
}

/* "kubernetes-gateway://ns/name"; empty: not to be used, which was said. */
static struct str credential_of(const struct api_gateway *gateway, const struct view *reference)
{
    const struct mesh *mesh = gateway->api->mesh;
    struct str own = gateway->owner->meta.namespace;
    struct str namespace = label_text_field(reference, STR("namespace"), own);
    struct str name = label_text_field(reference, STR("name"), STR_EMPTY);
    struct str full = arena_format(mesh->arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));

    if (!str_eq(view_str(reference, STR("kind"), STR("Secret")), STR("Secret")) ||
        view_str(reference, STR("group"), STR_EMPTY).len > 0) {
        view_complain(reference, DIAG_API_CERTIFICATE_KIND, STR_EMPTY, STR_EMPTY);
        return STR_EMPTY;
    }
    const struct entrance *secret = entrance_find(mesh, ENTRANCE_SECRET, namespace, name);
    if (secret == NULL || !is_usable_secret(secret)) {
        view_complain(reference,
                      secret == NULL ? DIAG_API_CERTIFICATE_MISSING : DIAG_API_CERTIFICATE_BAD,
                      full, STR_EMPTY);
        return STR_EMPTY;
    }
    if (!str_eq(namespace, own) && !api_is_granted(mesh, api_kind_name(gateway->owner->kind), own,
                                                   STR("Secret"), namespace, name)) {
        view_complain(reference, DIAG_API_NOT_GRANTED, full, own);
        return STR_EMPTY;
    }
    return arena_format(mesh->arena, "kubernetes-gateway://%.*s", STR_FMT(full));
}

/* False: there is no certificate to serve with, so no listener either. */
static bool put_certificates(const struct api_gateway *gateway, const struct maker *maker,
                             const struct view *tls, struct node *out)
{
    struct view references = view_list(tls, STR("certificateRefs"));
    struct node *list = make_list(maker);

    if (view_count(&references) > CERTIFICATES_MAX) {
        view_complain(&references, DIAG_API_CERTIFICATES, STR_EMPTY, STR_EMPTY);
        return false;
    }

    for (uint32_t i = 0; i < view_count(&references); i++) {
        struct view item = view_item(&references, i);
        struct str credential = credential_of(gateway, &item);
        if (credential.len > 0)
            (void)make_push(maker, list, make_text(maker, credential));
    }
    if (list->count == 0)
        return false;
    if (list->count == 1)
        (void)make_put(maker, out, STR("credentialName"), list->items[0]);
    else
        (void)make_put(maker, out, STR("credentialNames"), list);
    return true;
}

/* What the Gateway says of clients' certificates, of a port or of all; views know
 * those they are of. */
struct validation {
    struct view tls, frontend, ports, item, chosen, validation;
};

static const struct view *validation_init(struct validation *out, const struct api_gateway *gateway,
                                          uint32_t port)
{
    out->tls = view_map(&gateway->view.spec, STR("tls"));
    out->frontend = view_map(&out->tls, STR("frontend"));
    out->ports = view_list(&out->frontend, STR("perPort"));
    out->chosen = view_map(&out->frontend, STR("default"));
    for (uint32_t i = 0; i < view_count(&out->ports); i++) {
        out->item = view_item(&out->ports, i);
        if (view_i64(&out->item, STR("port"), 0, 65535, 0) == (int64_t)port) {
            out->chosen = view_map(&out->item, STR("tls"));
            break;
        }
    }
    out->validation = view_map(&out->chosen, STR("validation"));
    return &out->validation;
}

/* False: clients could not be checked as is asked for, so there is no listener. */
static bool put_validation(const struct api_gateway *gateway, const struct maker *maker,
                           const struct view *validation, struct str option, struct node *out)
{
    static const char *const MODES[] = {"AllowValidOnly", "AllowInsecureFallback", NULL};
    const struct mesh *mesh = gateway->api->mesh;
    struct view references = view_list(validation, STR("caCertificateRefs"));
    bool is_insecure = view_choice(validation, STR("mode"), MODES, 0) == 1;
    struct str own = gateway->owner->meta.namespace;

    if (view_count(&references) == 0)
        return true;
    struct view reference = view_item(&references, 0);
    struct api_authorities found = api_authorities_of(mesh, &reference, own);
    struct str full =
        arena_format(mesh->arena, "%.*s/%.*s", STR_FMT(found.namespace), STR_FMT(found.name));
    if (view_count(&references) > 1)
        found.why_not = "only one can be used";
    if (found.why_not != NULL) {
        view_complain(&reference, DIAG_API_AUTHORITIES, full, str_of(found.why_not));
        return false;
    }
    bool is_secret = str_eq(found.kind, STR("Secret"));
    if (!str_eq(found.namespace, own) &&
        !api_is_granted(mesh, api_kind_name(gateway->owner->kind), own, found.kind, found.namespace,
                        found.name)) {
        view_complain(&reference, DIAG_API_NOT_GRANTED, full, own);
        return false;
    }
    /* A word in the listener's own options stays, but for what is not asked of it. */
    bool is_optional = is_insecure;
    if (str_eq(option, STR("MUTUAL")) || str_eq(option, STR("OPTIONAL_MUTUAL"))) {
        is_optional = str_eq(option, STR("OPTIONAL_MUTUAL"));
        is_insecure = false;
    }
    make_put_text(maker, out, STR("mode"), is_optional ? STR("OPTIONAL_MUTUAL") : STR("MUTUAL"));
    (void)make_put(maker, out, STR("insecureSkipVerify"), make_bool(maker, is_insecure));
    make_put_text(maker, out, STR("caCertCredentialName"),
                  arena_format(mesh->arena, "%s://%.*s-cacert",
                               is_secret ? "kubernetes-gateway" : "configmap", STR_FMT(full)));
    return true;
}

static bool put_termination(const struct api_gateway *gateway, const struct maker *maker,
                            const struct view *tls, uint32_t port, struct node *out)
{
    struct validation room;
    const struct view *validation = validation_init(&room, gateway, port);
    struct view options = view_map(tls, STR("options"));
    struct str mode = view_str(&options, STR("gateway.istio.io/tls-terminate-mode"), STR_EMPTY);

    if (str_eq(mode, STR("ISTIO_MUTUAL"))) {
        make_put_text(maker, out, STR("mode"), mode);
        return true;
    }
    if (str_eq(mode, STR("ISTIO_SIMPLE"))) {
        make_put_text(maker, out, STR("mode"), STR("SIMPLE"));
        make_put_text(maker, out, STR("credentialName"), STR("builtin://"));
        return true;
    }
    bool is_mutual = str_eq(mode, STR("MUTUAL")) || str_eq(mode, STR("OPTIONAL_MUTUAL"));
    struct view references = view_list(validation, STR("caCertificateRefs"));
    if (view_count(&references) == 0)
        make_put_text(maker, out, STR("mode"), is_mutual ? mode : STR("SIMPLE"));
    return put_certificates(gateway, maker, tls, out) &&
           put_validation(gateway, maker, validation, mode, out);
}

static void put_ciphers(const struct maker *maker, const struct view *tls, struct node *out)
{
    struct view options = view_map(tls, STR("options"));
    struct str rest = view_str(&options, STR("gateway.istio.io/tls-cipher-suites"), STR_EMPTY);

    if (rest.len == 0)
        return;
    struct node *list = make_put_list(maker, out, STR("cipherSuites"));
    while (rest.ptr != NULL) {
        struct str item = str_trim(str_cut(&rest, ','));
        if (item.len > 0)
            (void)make_push(maker, list, make_text(maker, item));
    }
}

bool api_tls_convert(const struct api_gateway *gateway, const struct maker *maker,
                     const struct view *listener, struct node *server, uint32_t port)
{
    static const char *const MODES[] = {"Terminate", "Passthrough", NULL};
    struct view tls = view_map(listener, STR("tls"));

    if (!view_is_present(&tls))
        return true;
    struct node *out = make_put_map(maker, server, STR("tls"));
    if (view_choice(&tls, STR("mode"), MODES, 0) == 1)
        make_put_text(maker, out, STR("mode"), STR("PASSTHROUGH"));
    else if (!put_termination(gateway, maker, &tls, port, out))
        return false;
    put_ciphers(maker, &tls, out);
    return true;
}
