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
 *     GOSS_TRY(goss_output_check("adapted.safetensors", GOSS_OUTPUT_MODEL, read, 2, err)); // before the work
 *     ...
 *     GOSS_TRY(goss_network_save(network, "adapted.safetensors", err)); */
#ifndef GOSSAMER_FILE_H
#define GOSSAMER_FILE_H

#include <stddef.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As `results` below: a model, a network, an agent. */
#define GOSS_OUTPUT_MODEL ".safetensors"

/* Checks whether a result can be written to `path`, before the work that it is of. Writes nothing. inputs [n]: the
 * files and folders that the work reads, which are never written over; NULL entries are skipped. results: what an
 * earlier result looks like, which is replaced, while any other file is not; words with blanks between:
 *   .csv .svg .png ...   a name that ends so, and that content (csv, ini, vec: a text; svg: a text or XML; png: a PNG
 *                        image) or none
 *   NAME                 a text, whatever the file is called, whose first line has a column of that name
 * GOSS_OUTPUT_MODEL alone: a file of any name that is not recognised as something else (an image, an archive, a text
 * ...). NULL: any file that is no input.
 * Errors: GOSS_E_IO: no such folder, `path` is a folder, no permission. GOSS_E_ARGUMENT: `path` is one of the inputs,
 * by whatever names and links, or lies inside one; or there is a file that is no earlier result. GOSS_E_NOMEM. Threads:
 * any. */
GOSS_API GOSS_MUST_USE goss_status goss_output_check(const char *path, const char *results, const char *const *inputs,
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
