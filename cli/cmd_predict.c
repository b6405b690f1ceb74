/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c: gossamer predict: predictions for images or rows, one line or JSON object each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/model.h"
#include "table_net.h"

/* uncertainty < 0: the network is not an ensemble. */
static void print_json(const goss_network *n, const char *input, const float *p, int best, float uncertainty) {
    printf("{\"input\": ");
    cli_json_name(input);
    printf(", \"class\": ");
    cli_json_name(goss_network_class_name(n, best));
    printf(", \"probability\": %.6f", (double)p[best]);
    if (uncertainty >= 0) printf(", \"uncertainty\": %.6f", (double)uncertainty);
    printf(", \"probabilities\": {");
    for (int i = 0; i < goss_network_classes(n); i++) {
        printf("%s", i ? ", " : "");
        cli_json_name(goss_network_class_name(n, i));
        printf(": %.6f", (double)p[i]);
    }
    printf("}}\n");
}

static void print(const goss_network *n, const char *input, const float *p, float uncertainty, bool json) {
    int best = 0;
    for (int i = 1; i < goss_network_classes(n); i++)
        if (p[i] > p[best]) best = i;
    if (json) {
        print_json(n, input, p, best, uncertainty);
        return;
    }
    cli_put_name(input, 0);
    putchar('\t');
    cli_put_name(goss_network_class_name(n, best), 0);
    printf("\t%.4f", (double)p[best]);
    if (uncertainty >= 0) printf("\t%.4f", (double)uncertainty);
    printf("\n");
}

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
            print(d->network, d->name[i], d->p + (size_t)i * classes, ensemble ? d->unsure[i] : -1, d->json);
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
        printf("{\"input\": ");
        cli_json_name(name);
        printf(", \"error\": ");
        cli_json_text(e->text);
        printf("}\n");
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

static int predict_images(const goss_network *n, char **path, int count, bool json) {
    predictor d = {.network = n, .json = json};
    goss_error err;
    const int status = predict(&d, path, count, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    return status == EXIT_DONE && d.bad ? EXIT_ERROR : status;
}

static int predict_table(const goss_network *n, const cli_table_prediction *what) {
    goss_error err;
    if (cli_predict_table(n, what, &err) != GOSS_OK) return cli_fail(&err);
    if (what->out) cli_put_path(what->out);
    return cli_close_stdout();
}

int cmd_predict(int argc, char **argv) {
    bool json = false;
    const char *out = NULL;
    const cli_option options[] = {
        CLI_TEXT("o", "OUT.csv", &out, "table: the file to write (standard output)"),
        CLI_FLAG("json", &json,
                 "one JSON object per image or row: input, class, probability, probabilities (or error)"),
    };
    const cli_verb v = {
        .name = "predict",
        .usage = "NET IMAGE|FOLDER|ZIP|TABLE|-... [-o OUT.csv] [--json]",
        .doc = "Classifies images with a network written by gossamer adapt: files, all images of a folder or a .zip, "
               "or -\nfor standard input. Prints a line per image: file, class, probability, separated by tabs; for an "
               "ensemble also\nthe uncertainty: the disagreement of its networks in nats. Unreadable images are "
               "reported on standard\nerror, with --json on standard output too; the others are classified, and the "
               "status is 1.\nIn names, tab is written \\t, line feed \\n, backslash \\\\, other control characters "
               "and invalid UTF-8\n\\xE9; with --json only backslash and invalid UTF-8.\nWith a network for tables: "
               "writes the rows of a table as csv with an additional column prediction (and\nprobability; or low and "
               "high, a 95 % interval by an ensemble's networks). A target column is kept and not used.",
        .options = options,
        .n_options = 2,
        .min_words = 2,
        .max_words = -1};
    int words = cli_parse(&v, argc, argv), status;
    if (words < 0) return cli_close_stdout();
    goss_error err;
    goss_network *n;
    cli_log_to_stderr();
    if (goss_network_load(argv[1], &n, &err) != GOSS_OK) return cli_fail(&err);
    const bool table = cli_is_table_model(goss_network_data(n));
    if (out && (json || !table))
        cli_usage(&v, json ? "-o writes csv, and --json is for standard output" : "-o is for networks of tables");
    if (table && words > 2) cli_usage(&v, "\"%s\": one table at a time, or a folder of them", argv[3]);
    if (out && strcmp(out, "-") == 0) out = NULL;
    status = table ? predict_table(n, &(cli_table_prediction){argv[1], argv[2], out, json})
                   : predict_images(n, argv + 2, words - 1, json);
    goss_network_free(n);
    return status;
}
