/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/schema.h - does an object's spec have the shape of its
 * protobuf message?
 *
 * What istiod's reader of JSON would refuse: unknown fields, values of another
 * type, names that a choice does not have. Everything is said at once, in
 * the reader's words. The table is Istio's API as of the recorded version.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/yaml/view.h"

enum schema_message {
    SCHEMA_NONE,
#define MESSAGE(id, full_name) SCHEMA_##id,
#define FIELD(name, shape, type)
#define CHOICE(name, shape, id)
#define CHILD(name, shape, id)
#define ENUM(id, full_name, names)
#include "config/validate/schema.def"
#undef MESSAGE
#undef FIELD
#undef CHOICE
#undef CHILD
#undef ENUM
    SCHEMA_MESSAGE_COUNT,
};

enum schema_enum {
    SCHEMA_ENUM_NONE,
#define MESSAGE(id, full_name)
#define FIELD(name, shape, type)
#define CHOICE(name, shape, id)
#define CHILD(name, shape, id)
#define ENUM(id, full_name, names) SCHEMA_ENUM_##id,
#include "config/validate/schema.def"
#undef MESSAGE
#undef FIELD
#undef CHOICE
#undef CHILD
#undef ENUM
    SCHEMA_ENUM_COUNT,
};

enum schema_shape {
    SCHEMA_ONE,
    SCHEMA_LIST,
    SCHEMA_MAP,
    SCHEMA_MAP_OF_NUMBERS, /* whose keys are numbers */
};

enum schema_type {
    SCHEMA_BOOL,
    SCHEMA_INT32,
    SCHEMA_INT64,
    SCHEMA_UINT32,
    SCHEMA_UINT64,
    SCHEMA_DOUBLE,
    SCHEMA_FLOAT,
    SCHEMA_STRING,
    SCHEMA_BYTES,
    SCHEMA_DURATION,
    SCHEMA_STRUCT, /* any map */
    SCHEMA_ANY,
    SCHEMA_CHOICE,
    SCHEMA_CHILD,
    SCHEMA_HEAD, /* of the table only: a message begins */
};

struct schema_field {
    struct str name;
    enum schema_shape shape;
    enum schema_type type;
    uint32_t target; /* the child's message or the choice's enum */
};

/* The fields of a message, and how many. */
const struct schema_field *schema_fields(enum schema_message message, uint32_t *count);

/* Says what does not fit; `is_strict` false: unknown fields are no matter, as
 * where istiod reads what a cluster has stored. True: nothing was wrong. */
bool schema_check(const struct view *spec, enum schema_message message, bool is_strict);

/* The name of a choice's value, given by name or by number; empty when there is
 * none of that number. */
struct str schema_choice_name(enum schema_enum id, const struct node *node);
