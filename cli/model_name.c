/* SPDX-License-Identifier: Apache-2.0 */
/* model_name.c: models that come with the program, by their names. They are beside the program: in models/ of the clone
 * whose build folder it is in, or in share/gossamer/models below the prefix that it is installed in. NAME.safetensors
 * may have NAME-numbers.safetensors beside it, which is for tables with a number to predict. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static bool is_there(const char *path) { return access(path, R_OK) == 0; }

static const char *const below[] = {"../models", "../share/gossamer/models"};

/* Whether it may be the name of such a model. */
static bool is_name(const char *text) { return *text && !strpbrk(text, "/.") && !is_there(text); }

/* The folder of the program; false: the system does not say. */
static bool program_folder(char *out, size_t size) {
    const ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n <= 0) return false;
    out[n] = 0;
    char *end = strrchr(out, '/');
    if (end) *end = 0;
    return end != NULL;
}

const char *cli_model_path(const char *name, char out[CLI_MODEL_PATH]) {
    char folder[CLI_MODEL_PATH / 2];
    if (!is_name(name) || !program_folder(folder, sizeof folder)) return name;
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        const int n = snprintf(out, CLI_MODEL_PATH, "%s/%s/%s.safetensors", folder, below[i], name);
        if (n > 0 && n < CLI_MODEL_PATH && is_there(out)) return out;
    }
    return name;
}

bool cli_model_beside(const char *path, char out[CLI_MODEL_PATH]) {
    static const char ending[] = ".safetensors";
    const size_t n = strlen(path), end = sizeof ending - 1;
    if (n < end || strcmp(path + n - end, ending) != 0) return false;
    const int size = snprintf(out, CLI_MODEL_PATH, "%.*s-numbers%s", (int)(n - end), path, ending);
    return size > 0 && size < CLI_MODEL_PATH && is_there(out);
}

void cli_model_missing(const char *path) {
    char folder[CLI_MODEL_PATH / 2];
    if (!is_name(path) || !program_folder(folder, sizeof folder)) return;
    cli_tell(
        "%s is neither a file nor a model that comes with the program: there is no %s.safetensors in %s/%s or %s/%s",
        path, path, folder, below[0], folder, below[1]);
}
