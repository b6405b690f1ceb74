/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h: the names in a folder, one mechanism for all who list one. */
#ifndef GOSS_BASE_FOLDER_H
#define GOSS_BASE_FOLDER_H

#include "gossamer/status.h"

typedef goss_status (*goss__folder_fn)(void *context, const char *name, goss_error *err);

/* Calls visit for each name but "." and "..", in the file system's order, until one call fails; returns what it
 * returned. Errors: GOSS_E_IO where the folder cannot be opened or its listing breaks off. */
GOSS_MUST_USE goss_status goss__folder_each(const char *path, goss__folder_fn visit, void *context, goss_error *err);
#endif
