/* SPDX-License-Identifier: Apache-2.0 */
/* class_list.h: what the makers of class lists share. */
#ifndef GOSS_DATA_CLASS_LIST_H
#define GOSS_DATA_CLASS_LIST_H

#include "gossamer/data.h"

/* An empty list with room for `count` classes. */
GOSS_MUST_USE goss_status goss__class_list_alloc(goss_class_list *out, int count, goss_error *err);
#endif
