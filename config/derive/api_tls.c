/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_tls.c - what a listener of the Gateway API says of TLS,
 * and whether the certificates it names may be used.
 */
#include "config/derive/gateway_api.h"

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
    struct str own = gateway->entrance->meta.namespace;
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
    if (!str_eq(namespace, own) &&
        !api_is_granted(mesh, STR("Gateway"), own, STR("Secret"), namespace, name)) {
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

static bool put_termination(const struct api_gateway *gateway, const struct maker *maker,
                            const struct view *tls, struct node *out)
{
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
    make_put_text(maker, out, STR("mode"), is_mutual ? mode : STR("SIMPLE"));
    return put_certificates(gateway, maker, tls, out);
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
                     const struct view *listener, struct node *server)
{
    static const char *const MODES[] = {"Terminate", "Passthrough", NULL};
    struct view tls = view_map(listener, STR("tls"));
    struct str protocol = view_str(listener, STR("protocol"), STR_EMPTY);

    if (!view_is_present(&tls)) {
        if (!str_eq(protocol, STR("HTTPS")) && !str_eq(protocol, STR("TLS")))
            return true;
        view_complain(listener, DIAG_API_TLS_MISSING, protocol, STR_EMPTY);
        return false;
    }
    struct node *out = make_put_map(maker, server, STR("tls"));
    if (view_choice(&tls, STR("mode"), MODES, 0) == 1)
        make_put_text(maker, out, STR("mode"), STR("PASSTHROUGH"));
    else if (!put_termination(gateway, maker, &tls, out))
        return false;
    put_ciphers(maker, &tls, out);
    return true;
}
