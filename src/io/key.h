/* SPDX-License-Identifier: Apache-2.0 */
/* key.h: the value of one key. */
#ifndef GOSS_IO_KEY_H
#define GOSS_IO_KEY_H

#include "gossamer/config.h"

/* What a text says, as a number: of a word its place among the choices, of another text 0. Errors: GOSS_E_ARGUMENT: not
 * of the key's type, out of its range, none of its choices. */
GOSS_MUST_USE goss_status goss__key_value(const goss_key *k, const char *text, double *number, goss_error *err);
bool goss__key_is_number(goss_key_type type);
/* "from 1 to 10", "at least 1": into out, which it returns. */
const char *goss__key_range(const goss_key *k, char *out, size_t size);
/* Puts a value, as a text and as that number, where the key is bound to. */
GOSS_MUST_USE goss_status goss__key_bind(const goss_key *k, const char *text, double number, void *settings,
                                         goss_error *err);
#endif
