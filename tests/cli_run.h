/* SPDX-License-Identifier: Apache-2.0 */
/* cli_run.h: the command run as a user would, in the scratch folder of the tiny set: the gossamer beside this test's
 * own folder. */
#ifndef GOSS_CLI_RUN_H
#define GOSS_CLI_RUN_H

#include <libgen.h>
#include <sys/wait.h>

#include "test.h"
#include "tiny_set.h"

static char *out_text, *err_text;

static inline const char *command(void) {
    static char path[600];
    if (!path[0]) {
        char self[512] = "";
        if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) exit(99);
        snprintf(path, sizeof path, "'%s/../gossamer'", dirname(self));
    }
    return path;
}

/* Runs `gossamer ARGUMENTS` in the scratch folder; returns its exit status, or 1000 + the signal that ended it. */
static inline int run(const char *arguments) {
    char line[3000];
    size_t n;
    tiny_set(); /* whichever test is the first to run */
    snprintf(line, sizeof line, "cd %s && %s %s >out 2>err", tiny_dir, command(), arguments);
    int status = system(line);
    free(out_text), free(err_text);
    out_text = tiny_read(tiny_path("out"), &n), err_text = tiny_read(tiny_path("err"), &n);
    if (err_text) t_lacks(err_text);
    return WIFEXITED(status) && WEXITSTATUS(status) < 128 ? WEXITSTATUS(status) : 1000 + WEXITSTATUS(status) % 128;
}

/* gossamer check tells what is wrong on stdout. */
#define RUN(status, ...)                                                                                               \
    do {                                                                                                               \
        int t_got = run(__VA_ARGS__);                                                                                  \
        const char *t_said = err_text && *err_text ? err_text : out_text;                                              \
        if (t_got != (status)) T_FAIL("%s: status %d: %.300s", __VA_ARGS__, t_got, t_said ? t_said : "");              \
    } while (0)
#define SAYS(text, part)                                                                                               \
    do {                                                                                                               \
        if (!(text) || !strstr((text), (part)))                                                                        \
            T_FAIL("\"%.300s\" does not say \"%s\"", (text) ? (text) : "", (part));                                    \
    } while (0)

static const char settings[] =
    "tiny-images-idx3-ubyte data.height=8 data.width=8 data.invert=no 'model.backbone=mlp 32 16' train.ways=5 "
    "train.queries=4 validate.every=20 validate.episodes=20 validate.ways=3 validate.queries=4 data.hold_out=0.3 "
    "optimizer.rate=0.01";

static inline int train(const char *dir, const char *more) {
    char line[1500];
    snprintf(line, sizeof line, "train data.path=%s run.dir=%s %s", settings, dir, more);
    return run(line);
}

static inline void write_file(const char *name, const void *data, size_t n) {
    FILE *f = fopen(tiny_path(name), "wb");
    if (!f || fwrite(data, 1, n, f) != n) exit(99);
    fclose(f);
}

/* The number behind a key, in JSON that was printed, from a place on. */
static inline double json_number(const char *from, const char *key) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *at = from ? strstr(from, quoted) : NULL;
    if (!at) T_FAIL("no %s in %.300s", key, from ? from : "");
    return strtod(at + strlen(quoted), NULL);
}

/* The object of that name in the JSON that was printed last. */
static inline const char *json_named(const char *name) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "{\"name\": \"%s\"", name);
    const char *at = out_text ? strstr(out_text, quoted) : NULL;
    if (!at) T_FAIL("no %s in %.600s", name, out_text ? out_text : "");
    return at;
}

/* The value of the method of that name there. */
static inline double value_of(const char *name) { return json_number(json_named(name), "value"); }

/* Accuracy of the method of that name in the JSON that eval wrote last; -1: none. */
static inline double accuracy_of(const char *name) {
    char key[64];
    snprintf(key, sizeof key, "{\"name\": \"%s\", \"accuracy\": ", name);
    const char *at = out_text ? strstr(out_text, key) : NULL;
    return at ? strtod(at + strlen(key), NULL) : -1;
}
#endif
