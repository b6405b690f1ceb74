/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: atomic file output.
 *
 * Every file is written completely or not at all: to a temporary file in the same folder, which is synced and then
 * renamed over the target. A reader, a crash or a kill at any moment finds either the old file or the new one.
 * Symbolic links are followed: the file they lead to is replaced and the link stays. A replaced file keeps its mode,
 * and its owner where the system allows; its other hard links keep the old content. Character devices and FIFOs are
 * written to directly; block devices are refused. Temporary files are named .NAME.gossamer-XXXXXXXXXXXXXXXX, are never
 * opened through a link, and are locked while their writer lives: the next write into the folder removes those left by
 * writers that were killed. docs/file-format.md has the details. Everything that the library writes is written so:
 * models, networks, checkpoints, programs, tables, a run's files.
 *
 *     const char *const read[] = {"model.safetensors", "samples"};
 *     GOSS_TRY(goss_output_check("adapted.safetensors", read, 2, err));        // refuses before the work, not after it
 *     ...
 *     GOSS_TRY(goss_network_save(network, "adapted.safetensors", err)); */
#ifndef GOSSAMER_FILE_H
#define GOSSAMER_FILE_H

#include <stddef.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checks whether a model or a network can be written to `path`, before the work whose result goes there. Writes
 * nothing. inputs [n]: the files and folders that the work reads; NULL entries are skipped.
 * Errors: GOSS_E_IO: no such folder, `path` is a folder, no permission. GOSS_E_ARGUMENT: `path` is one of the inputs,
 * by whatever names and links, or lies inside one; or there is a file that is recognised as something other than
 * safetensors (an image, an archive, a text ...), which is not overwritten. GOSS_E_NOMEM. Threads: any. */
GOSS_API GOSS_MUST_USE goss_status goss_output_check(const char *path, const char *const *inputs, int n,
                                                     goss_error *err);

/* The same for a result that is no model: a table, a drawing, a picture, a configuration. ending: ".csv", ".svg",
 * ".png" or ".ini"; an earlier result whose name ends so and whose content is of that kind (csv, ini: a text; svg: a
 * text or XML; png: a PNG image) is replaced, and an empty file. NULL: any file that is there is replaced, but for the
 * inputs.
 * Errors: as goss_output_check; GOSS_E_ARGUMENT: there is a file of another ending or content. Threads: any. */
GOSS_API GOSS_MUST_USE goss_status goss_output_check_as(const char *path, const char *ending, const char *const *inputs,
                                                        int n, goss_error *err);

/* Writes `size` bytes to `path`, atomically, as described above. On an error the old file is unchanged, unless `path`
 * is a device or a FIFO, which may have received part of the data. data may be NULL if size is 0. A new file gets the
 * mode that the process's umask leaves of 0666.
 * Errors: GOSS_E_IO: the folder does not exist, permission, disk full, a block device; GOSS_E_NOMEM. Threads:
 * any; of several writers to one path the last rename wins, whole. */
GOSS_API GOSS_MUST_USE goss_status goss_file_write(const char *path, const void *data, size_t size, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
