/* SPDX-License-Identifier: Apache-2.0 */
/* image_predict.c: gossamer predict for images: one line or JSON object each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "class_answer.h"
#include "data_kinds.h"

/* Images are collected until a batch is full. */
enum { BATCH = 256 };

typedef struct predictor {
    const goss_network *network;
    goss_image_format format;
    bool json;
    size_t image;      /* elements per image */
    float *pixels;     /* [BATCH, image] */
    float *p, *unsure; /* [BATCH, classes], [BATCH] */
    char *name[BATCH]; /* owned */
    int waiting;
    int bad; /* images and paths that could not be read */
} predictor;

static goss_status flush(predictor *d, goss_error *err) {
    size_t classes = (size_t)goss_network_classes(d->network);
    bool ensemble = goss_network_members(d->network) > 1;
    goss_status s = GOSS_OK;
    if (d->waiting) s = goss_network_predict(d->network, d->pixels, d->waiting, d->p, d->unsure, NULL, err);
    for (int i = 0; i < d->waiting; i++) {
        if (s == GOSS_OK)
            cli_put_answer(d->network, d->name[i], d->p + (size_t)i * classes, ensemble ? d->unsure[i] : -1, d->json);
        free(d->name[i]);
    }
    d->waiting = 0;
    return s;
}

/* A bad image or path is reported at once; the others are still classified. With --json it has an object as well, in
 * input order. */
static goss_status report_bad(predictor *d, const char *name, const goss_error *e, goss_error *err) {
    if (d->json) {
        GOSS_TRY(flush(d, err));
        cli_put_unread(name, e);
    }
    fflush(stdout);
    cli_fail(e);
    d->bad++;
    return GOSS_OK;
}

/* Adds the image behind the collected ones; `read` is the status of reading it. */
static goss_status take(predictor *d, const char *name, goss_status read, const goss_error *e, goss_error *err) {
    if (read == GOSS_E_NOMEM) {
        *err = *e;
        return read;
    }
    if (read != GOSS_OK) return report_bad(d, name, e, err);
    if (goss_image_is_flat(d->pixels + (size_t)d->waiting * d->image, &d->format))
        cli_tell("warning: %s: one flat colour (blank, or ink in the background colour)", name);
    if (!(d->name[d->waiting] = strdup(name))) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    d->waiting++;
    return d->waiting == BATCH ? flush(d, err) : GOSS_OK;
}

static goss_status predict_stdin(predictor *d, goss_error *err) {
    enum { CHUNK = 1 << 16, MOST = 1 << 29 };
    static const char name[] = "standard input";
    char *data = NULL;
    size_t size = 0, n;
    do {
        char *grown = realloc(data, size + CHUNK);
        if (!grown || size > MOST) {
            free(grown ? grown : data);
            return goss_error_set(err, GOSS_E_NOMEM, "%s: no room for more than %zu bytes", name, size);
        }
        data = grown;
        n = fread(data + size, 1, CHUNK, stdin);
        size += n;
    } while (n > 0);
    goss_error e;
    goss_status read = ferror(stdin) ? goss_error_set(&e, GOSS_E_IO, "%s: %s", name, strerror(errno))
                                     : goss_image_decode_memory(data, size, name, &d->format,
                                                                d->pixels + (size_t)d->waiting * d->image, &e);
    free(data);
    return take(d, "-", read, &e, err);
}

static goss_status predict_path(predictor *d, const char *path, goss_error *err) {
    goss_image_files *files;
    goss_error e;
    if (goss_image_files_open(path, &files, &e) != GOSS_OK) return report_bad(d, path, &e, err);
    goss_status s = GOSS_OK;
    for (int i = 0; i < goss_image_files_count(files) && s == GOSS_OK; i++) {
        float *to = d->pixels + (size_t)d->waiting * d->image;
        goss_status read = goss_image_files_decode(files, i, &d->format, to, &e);
        s = take(d, goss_image_files_name(files, i), read, &e, err);
    }
    goss_image_files_close(files);
    return s;
}

static goss_status predict(predictor *d, char **paths, int count, goss_error *err) {
    goss_image_format f = d->format = goss_network_image(d->network);
    d->image = (size_t)f.height * (size_t)f.width * (size_t)f.channels;
    d->pixels = calloc(BATCH, d->image * sizeof *d->pixels);
    d->p = calloc(BATCH, (size_t)goss_network_classes(d->network) * sizeof *d->p);
    d->unsure = calloc(BATCH, sizeof *d->unsure);
    goss_status s = d->pixels && d->p && d->unsure ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (int i = 0; i < count && s == GOSS_OK; i++)
        s = strcmp(paths[i], "-") == 0 ? predict_stdin(d, err) : predict_path(d, paths[i], err);
    goss_status last = s == GOSS_OK ? flush(d, err) : s;
    for (int i = 0; i < d->waiting; i++) free(d->name[i]);
    free(d->pixels), free(d->p), free(d->unsure);
    return last;
}

int predict_images(const goss_network *n, const cli_verb *verb, const predict_request *q) {
    predictor d = {.network = n, .json = q->json};
    goss_error err;
    (void)verb;
    const int status = predict(&d, q->inputs, q->n, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    return status == EXIT_DONE && d.bad ? EXIT_ERROR : status;
}
