/* SPDX-License-Identifier: Apache-2.0 */
/* rating_run.h: what the tests of gossamer's verbs on ratings and on clicks share: files to read, figures reported. */
#ifndef GOSS_TEST_RATING_RUN_H
#define GOSS_TEST_RATING_RUN_H

#include <sys/stat.h>

#include "cli_run.h"
#include "rating_world.h"

static inline void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static inline void make_world(const char *name, const world *w) {
    mkdir(tiny_path(name), 0700);
    world_write(w, tiny_path(name));
}

/* A number of a method in the JSON that eval printed; -1: there is none. */
static inline double number_of(const char *method, const char *key) {
    char start[80];
    snprintf(start, sizeof start, "{\"name\": \"%s\"", method);
    const char *at = out_text ? strstr(out_text, start) : NULL;
    snprintf(start, sizeof start, "\"%s\": ", key);
    at = at ? strstr(at, start) : NULL;
    return at ? strtod(at + strlen(start), NULL) : -1;
}
#endif
