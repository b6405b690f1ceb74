/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: how the library writes files, and whether it could.
 *
 * Every file is written whole or not at all: to a temporary one in the same folder that then takes its place, so that a
 * reader, a crash or a kill at any moment finds the old file or the new one. Links are followed: what a link leads to
 * is replaced, the link stays. A file that is replaced keeps its mode, and its owner where the system allows; its other
 * hard links keep the old content. A device that takes characters and a FIFO are written to; a block device is refused.
 * Temporary files are named .NAME.gossamer-XXXXXXXXXXXXXXXX, are never opened through a link, and are locked while
 * their writer lives: the next write into the folder removes those of writers that were killed. */
#ifndef GOSSAMER_FILE_H
#define GOSSAMER_FILE_H

#include <stddef.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a model or a network can be written to `path`, to be asked before the work whose result it takes. Writes
 * nothing. inputs [n]: the files and folders that the work reads; NULL entries are passed over.
 * Errors: GOSS_E_IO: no such folder, a folder itself, no permission. GOSS_E_ARGUMENT: it is one of the inputs, whatever
 * names and links lead to it, or lies in one; or a file is there that is recognised as something else than a
 * safetensors file (an image, an archive, a text ...), which is then left alone. */
GOSS_API GOSS_MUST_USE goss_status goss_output_check(const char *path, const char *const *inputs, int n,
                                                     goss_error *err);

/* Writes a file as above. Errors: GOSS_E_IO. */
GOSS_API GOSS_MUST_USE goss_status goss_file_write(const char *path, const void *data, size_t size, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
