/* SPDX-License-Identifier: Apache-2.0 */
/* data_tables.c: gossamer data tables: random tables of the prior (gossamer/prior.h) as csv files, to look at. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data_made.h"
#include "gossamer/prior.h"
#include "gossamer/table.h"

enum { PATH_ROOM = 4096 };

typedef struct request {
    const char *out;
    int count;
    uint64_t first;
    goss_prior_options prior;
} request;

typedef struct room {
    float *x, *y;
    goss_prior_column *column;
} room;

/* "24..128", or one number for both. */
static goss_status read_range(const char *text, int most, int *low, int *high, goss_error *err) {
    char end;
    int n = sscanf(text, "%d..%d%c", low, high, &end);
    if (n == 1 && sscanf(text, "%d%c", low, &end) == 1) *high = *low, n = 2;
    if (n == 2 && *low >= 1 && *high >= *low && *high <= most) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is no number from 1 to %d, and no range of them, as 50..200",
                          text, most);
}

static goss_status read_rows(const char *text, void *to, goss_error *err) {
    goss_prior_options *o = to, none;
    if (!o) o = &none;
    return read_range(text, GOSS_PRIOR_MOST_ROWS, &o->least_rows, &o->rows, err);
}

static goss_status read_columns(const char *text, void *to, goss_error *err) {
    goss_prior_options *o = to, none;
    if (!o) o = &none;
    return read_range(text, GOSS_PRIOR_MOST_COLUMNS, &o->least_columns, &o->columns, err);
}

/* ---- one table ---- */

/* a, b, ... z, ba, bb: no number, so that a reader takes it for a category. */
static void put_level(goss_csv *csv, int code, char first) {
    char text[8] = {0};
    int n = 0;
    if (code >= 26) text[n++] = (char)(first + code / 26);
    text[n] = (char)(first + code % 26);
    goss_csv_text(csv, text);
}

/* The seven digits that a float has. */
static double shortened(float v) {
    if (v == 0) return 0;
    const double unit = pow(10, floor(log10(fabs((double)v))) - 6);
    return unit < 1 ? round((double)v / unit) / round(1 / unit) : round((double)v / unit) * unit;
}

static void put_cell(goss_csv *csv, const goss_prior_column *c, float v) {
    if (isnan(v))
        goss_csv_text(csv, "");
    else if (c->kind == GOSS_PRIOR_CATEGORY)
        put_level(csv, (int)v, 'a');
    else
        goss_csv_number(csv, shortened(v));
}

static void put_table(goss_csv *csv, const goss_prior_table *t, int stride) {
    char name[16];
    for (int j = 0; j < t->columns; j++) {
        snprintf(name, sizeof name, "x%d", j + 1);
        goss_csv_text(csv, name);
    }
    goss_csv_text(csv, "y");
    goss_csv_row(csv);
    for (int i = 0; i < t->rows; i++) {
        for (int j = 0; j < t->columns; j++) put_cell(csv, &t->column[j], t->x[(size_t)i * (size_t)stride + (size_t)j]);
        if (t->classes)
            put_level(csv, (int)t->y[i], 'A');
        else
            goss_csv_number(csv, shortened(t->y[i]));
        goss_csv_row(csv);
    }
}

static goss_status write_table(const char *path, const goss_prior_table *t, int stride, goss_error *err) {
    goss_csv *csv;
    GOSS_TRY(goss_csv_create(path, &csv, err));
    put_table(csv, t, stride);
    return goss_csv_close(csv, err);
}

static void tell(const char *file, uint64_t k, const goss_prior_table *t) {
    int discrete = 0, missing = 0;
    char target[40] = "a number";
    for (int j = 0; j < t->columns; j++) discrete += t->column[j].levels > 0, missing += t->column[j].missing;
    if (t->classes) snprintf(target, sizeof target, "%d classes", t->classes);
    cli_tell("%s: table %llu, %s, %d rows, %d columns (%d of levels, %d with missing values), %s", file,
             (unsigned long long)k, goss_prior_family_at(t->family)->name, t->rows, t->columns, discrete, missing,
             target);
}

/* ---- all tables ---- */

goss_status cli_make_folder(const char *path, goss_error *err) {
    if (mkdir(path, 0777) == 0) return GOSS_OK;
    if (errno != EEXIST) return goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    DIR *d = opendir(path);
    if (!d) return goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    int files = 0;
    errno = 0; /* readdir returns NULL at the end and on an error alike */
    for (struct dirent *e; (e = readdir(d));) files += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    const int why = errno;
    closedir(d);
    if (why) return goss_error_set(err, GOSS_E_IO, "%s: cannot be listed: %s", path, strerror(why));
    if (files == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: has files already: name another folder", path);
}

static goss_status write_all(const request *q, goss_prior *prior, const room *r, goss_error *err) {
    char path[PATH_ROOM];
    for (int i = 0; i < q->count; i++) {
        goss_prior_table t = {.x = r->x, .y = r->y, .column = r->column};
        const int n = snprintf(path, sizeof path, "%s/table-%05d.csv", q->out, i + 1);
        if (n < 0 || n >= PATH_ROOM) return goss_error_set(err, GOSS_E_ARGUMENT, "-o: the path is too long");
        goss_prior_draw(prior, q->first + (uint64_t)i, &t);
        GOSS_TRY(write_table(path, &t, q->prior.columns, err));
        tell(path, q->first + (uint64_t)i, &t);
    }
    return GOSS_OK;
}

static goss_status run(const request *q, goss_error *err) {
    goss_prior *prior;
    room r;
    GOSS_TRY(goss_prior_create(&q->prior, &prior, err));
    const size_t rows = (size_t)q->prior.rows, columns = (size_t)q->prior.columns;
    r = (room){calloc(rows * columns, sizeof(float)), calloc(rows, sizeof(float)), calloc(columns, sizeof *r.column)};
    goss_status s = r.x && r.y && r.column ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    if (s == GOSS_OK) s = cli_make_folder(q->out, err);
    if (s == GOSS_OK) s = write_all(q, prior, &r, err);
    free(r.x), free(r.y), free(r.column);
    goss_prior_free(prior);
    return s;
}

/* The help lists the families. */
static const char *families_help(void) {
    static char text[1200];
    size_t at = (size_t)snprintf(text, sizeof text, "families and how often each is drawn, as mlp=2,tree; all:");
    const goss_prior_family *f;
    for (int i = 0; (f = goss_prior_family_at(i)) && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "\n%27s%s=%g: %s", "", f->name, f->weight, f->doc);
    return text;
}

int data_tables(int argc, char **argv) {
    goss_error err;
    request q = {.prior = goss_prior_defaults()};
    const cli_option options[] = {
        CLI_TEXT("o", "DIR", &q.out, "folder to write: DIR/table-00001.csv, ...; created"),
        CLI_INT("count", "N", &q.count, "10", 1, 99999, "number of tables"),
        CLI_INT("first", "K", &q.first, "0", 0, 9007199254740991, "number of the first: table K is always the same"),
        CLI_INT("seed", "S", &q.prior.seed, "1", 0, 9007199254740991, "another seed, other tables"),
        CLI_FORM("rows", "N or N..M", read_rows, &q.prior, "rows of a table (50..200)"),
        CLI_FORM("columns", "N or N..M", read_columns, &q.prior, "columns of a table, without the target (2..20)"),
        CLI_INT("classes", "N", &q.prior.classes, "10", 2, 10, "most classes of a target"),
        CLI_REAL("regression", "X", &q.prior.regression, "0", 0, 1, "share of tables whose target is a number"),
        CLI_REAL("missing", "X", &q.prior.missing, "0.3", 0, 1, "share of tables with missing values"),
        CLI_REAL("categorical", "X", &q.prior.categorical, "0.3", 0, 1,
                 "mean share of columns that are categories or levels"),
        CLI_TEXT("families", "A=W,B,...", &q.prior.families, families_help()),
    };
    const cli_verb v = {.name = "data",
                        .usage = "tables -o DIR [options]",
                        .doc = "Draws random tables from the prior that networks over tables are trained on "
                               "(data.kind = prior), as csv\nfiles: columns x1, x2, ..., target y; an empty cell is a "
                               "missing value.",
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .min_words = 1,
                        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!q.out) cli_usage(&v, "-o is missing");
    cli_log_to_stderr();
    if (run(&q, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(q.out);
    return cli_close_stdout();
}
