/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c: what a verb writes is none of what it reads: the files and folders that its command line names are
 * gathered, and each output is held against them before the work. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/file.h"
#include "gossamer/train.h"

static void take(cli_inputs *in, const char *path, size_t length) {
    char **more = realloc(in->path, (size_t)(in->n + 1) * sizeof *more), *copy = strndup(path, length);
    if (more) in->path = more;
    if (more && copy)
        in->path[in->n++] = copy;
    else
        free(copy), in->failed = true;
}

void cli_inputs_add(cli_inputs *in, const char *path) {
    if (path && *path) take(in, path, strlen(path));
}

void cli_inputs_add_list(cli_inputs *in, const char *list) {
    cli_inputs_add(in, list); /* a file may have commas in its name */
    for (const char *at = list; at && *at;) {
        const size_t n = strcspn(at, ","), name = strcspn(at, "=");
        if (n > 0) take(in, at, n);
        if (name + 1 < n) take(in, at + name + 1, n - name - 1);
        at += n + (at[n] == ',');
    }
}

void cli_inputs_add_config(cli_inputs *in, const goss_config *c) {
    const char *key;
    for (int i = 0; (key = goss_train_input(c, i)); i++) cli_inputs_add(in, goss_config_text(c, key));
}

static goss_status check(const char *path, const char *results, const cli_inputs *in, goss_error *err) {
    if (in->failed) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    return goss_output_check(path, results, (const char *const *)in->path, in->n, err);
}

goss_status cli_check_output(const char *option, const char *path, const char *results, const cli_inputs *in,
                             goss_error *err) {
    return path ? goss_error_prefix(err, check(path, results, in, err), "%s", option) : GOSS_OK;
}

void cli_inputs_free(cli_inputs *in) {
    for (int i = 0; i < in->n; i++) free(in->path[i]);
    free(in->path);
    *in = (cli_inputs){0};
}
