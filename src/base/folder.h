/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h: listing the names in a folder. */
#ifndef GOSS_BASE_FOLDER_H
#define GOSS_BASE_FOLDER_H

#include "gossamer/status.h"

typedef goss_status (*goss__folder_fn)(void *context, const char *name, goss_error *err);

/* Calls visit for each name except "." and "..", in the file system's order, until a call fails, and returns its
 * status. Errors: GOSS_E_IO: the folder cannot be opened or read. */
GOSS_MUST_USE goss_status goss__folder_each(const char *path, goss__folder_fn visit, void *context, goss_error *err);
#endif
