/* SPDX-License-Identifier: Apache-2.0 */
/* pass_names.h: the names that GOSSAMER_DISABLE takes. */
#ifndef GOSS_TEST_PASS_NAMES_H
#define GOSS_TEST_PASS_NAMES_H

#include <stdio.h>

#include "base/disable.h"
#include "rewrite/rewriter.h"
#include "test.h"

/* Every name by itself, joined. */
static inline void every_name(char *list, size_t size) {
    size_t at = 0;
    for (int i = 0; goss__pass_name(i); i++) at += (size_t)snprintf(list + at, size - at, "%s,", goss__pass_name(i));
    for (int i = 0; goss__rule_name(i); i++) at += (size_t)snprintf(list + at, size - at, "%s,", goss__rule_name(i));
    T_CHECK(at < size);
}

#endif
