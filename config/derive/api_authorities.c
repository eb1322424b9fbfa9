/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_authorities.c - ConfigMaps and Secrets that are named as
 * authorities, to check certificates with.
 *
 * Source: pilot/pkg/config/kube/gateway/conversion.go buildCaCertificateReference,
 * pilot/pkg/credentials/kube/secrets.go ExtractRoot.
 */
#include "config/derive/gateway_api.h"

/* data, and of a Secret what was written in plain text. */
static bool has_authorities(const struct entrance *entrance)
{
    static const struct str NAMES[] = {STR_INIT("cacert"), STR_INIT("ca.crt")};
    static const struct str PLACES[] = {STR_INIT("data"), STR_INIT("stringData")};
    struct entrance_view view;
    struct view *root = &entrance_view_init(entrance, &view)->root;

    for (size_t i = 0; i < COUNT_OF(PLACES); i++) {
        struct view data = view_map(root, PLACES[i]);
        for (size_t k = 0; k < COUNT_OF(NAMES); k++) {
            if (view_str(&data, NAMES[k], STR_EMPTY).len > 0)
                return true;
        }
    }
    return false;
}

struct api_authorities api_authorities_of(const struct mesh *mesh, const struct view *reference,
                                          struct str own_namespace)
{
    struct api_authorities out = {
        .namespace = label_text_field(reference, STR("namespace"), own_namespace),
        .name = label_text_field(reference, STR("name"), STR_EMPTY),
        .kind = view_str(reference, STR("kind"), STR_EMPTY),
    };
    bool is_secret = str_eq(out.kind, STR("Secret"));

    if (view_str(reference, STR("group"), STR_EMPTY).len > 0 ||
        (!is_secret && !str_eq(out.kind, STR("ConfigMap")))) {
        out.why_not = "it is neither a ConfigMap nor a Secret";
        return out;
    }
    const struct entrance *found = entrance_find(
        mesh, is_secret ? ENTRANCE_SECRET : ENTRANCE_CONFIG_MAP, out.namespace, out.name);
    if (found == NULL)
        out.why_not = "it is not there";
    else if (!has_authorities(found))
        out.why_not = "it has neither ca.crt nor cacert";
    return out;
}
