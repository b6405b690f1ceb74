/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c: lists a folder. readdir returns NULL at the end and on an error alike; errno tells them apart. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

goss_status goss__folder_each(const char *path, goss__folder_fn visit, void *context, goss_error *err) {
    DIR *dir = opendir(path);
    if (!dir) return goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    goss_status status = GOSS_OK;
    while (status == GOSS_OK) {
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e) {
            if (errno) status = goss_error_set(err, GOSS_E_IO, "%s: listing failed: %s", path, strerror(errno));
            break;
        }
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) status = visit(context, e->d_name, err);
    }
    closedir(dir);
    return status;
}
