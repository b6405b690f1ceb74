/* SPDX-License-Identifier: Apache-2.0 */
/* region_arg.c: the operation of a body's arguments. Apart from region.c, which builds on emit: emit refers to it. */
#include "graph/region.h"

static const goss__attr_field arg_fields[] = {GOSS__FIELD(arg, index, INT)};
GOSS__DEFINE_ATTRS(arg, arg_fields);
const goss__op goss__op_arg = {.name = "arg", .attrs = &goss__arg_attrs, .no_gradient = true, .leaf = true};
