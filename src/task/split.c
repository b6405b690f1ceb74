/* SPDX-License-Identifier: Apache-2.0 */
/* split.c: which samples and which tasks are for what, whatever kind of data they are. */
#include "task/split.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "gossamer/table_task.h"

goss_status goss__split_check(const double share[3], const char *things, goss_error *err) {
    const double sum = share[0] + share[1] + share[2];
    if (share[0] > 0 && share[1] >= 0 && share[2] >= 0 && fabs(sum - 1) <= 1e-3) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "shares %g, %g, %g of the %s to train, validate and test on: their sum is 1, and the first "
                          "is above 0",
                          share[0], share[1], share[2], things);
}

void goss__split_cut(const double share[3], const uint32_t *place, int n, uint8_t *part) {
    const int train = (int)lround(share[0] * n), validate = (int)lround((share[0] + share[1]) * n);
    for (int i = 0; i < n; i++)
        part[place[i]] = i < train ? GOSS_PART_TRAIN : i < validate ? GOSS_PART_VALIDATE : GOSS_PART_TEST;
}

void goss__split_cut_fold(int fold, int folds, const double share[3], const uint32_t *place, int n, uint8_t *part) {
    const int first = (int)lround((double)n * (fold - 1) / folds), end = (int)lround((double)n * fold / folds);
    const int left = n - (end - first), train = (int)lround(share[0] / (share[0] + share[1]) * left);
    for (int i = 0; i < n; i++) /* beginning behind the part that is for testing */
        part[place[(end + i) % n]] = i < train ? GOSS_PART_TRAIN : i < left ? GOSS_PART_VALIDATE : GOSS_PART_TEST;
}

/* ---- lists ---- */

static goss_status unknown_task(const char *path, int line, const char *name, const char *const *names, int n,
                                goss_error *err) {
    goss__str near = {0};
    goss__near_names(&near, name, names, n);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "%s:%d: there is no task \"%.100s\"%s", path, line, name,
                                   near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

/* Blanks around the name do not count. */
static char *trimmed(char *line) {
    static const char blanks[] = " \t\r\n";
    line += strspn(line, blanks);
    for (size_t n = strlen(line); n > 0 && strchr(blanks, line[n - 1]); n--) line[n - 1] = 0;
    return line;
}

static int find(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static goss_status read_lines(const char *path, FILE *f, const char *const *names, int n, uint8_t use, uint8_t *uses,
                              goss_error *err) {
    char *line = NULL;
    size_t room = 0;
    goss_status s = GOSS_OK;
    for (int at = 1; s == GOSS_OK && getline(&line, &room, f) >= 0; at++) {
        char *name = trimmed(line);
        if (!*name || *name == '#') continue;
        const int task = find(names, n, name);
        if (task < 0)
            s = unknown_task(path, at, name, names, n, err);
        else if (uses[task] != 0 && uses[task] != use)
            s = goss_error_set(err, GOSS_E_ARGUMENT, "%s:%d: task \"%.100s\" is also in the list of tasks to train on",
                               path, at, name);
        else if (uses[task] == use)
            s = goss_error_set(err, GOSS_E_ARGUMENT, "%s:%d: task \"%.100s\" came before", path, at, name);
        else
            uses[task] = use;
    }
    if (s == GOSS_OK && ferror(f)) s = goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    free(line);
    return s;
}

goss_status goss__task_list_read(const char *path, const char *const *names, int n, uint8_t use, uint8_t *uses,
                                 goss_error *err) {
    FILE *f = fopen(path, "re");
    if (!f) return goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    goss_status s = read_lines(path, f, names, n, use, uses, err);
    fclose(f);
    if (s == GOSS_OK && !memchr(uses, use, (size_t)n))
        s = goss_error_set(err, GOSS_E_ARGUMENT, "%s: names no task", path);
    return s;
}
