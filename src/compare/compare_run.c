/* SPDX-License-Identifier: Apache-2.0 */
/* compare_run.c: every row is opened without training it, so that a mistake in the last one is not found after an hour;
 * then cells without a result run. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "base/str.h"
#include "compare/compare.h"

#define RANKS "compare.ranks: " /* what a trial says of patterns begins so */

typedef struct running {
    goss_compare *c;
    const goss_compare_options *o;
    int *cell; /* [n] numbers of the cells that are to run */
    int n, done, failed;
    double start;
    goss__str told;    /* warnings so far, each once */
    goss__str without; /* keys that rows do not look at */
    int models;        /* rows that are trained */
    bool looking;
    goss_status status; /* of a look: the first job that failed, whichever ended first */
    int bad;
    char error[1200];
} running;

/* ---- warnings of many processes ---- */

/* A key that one model does not look at is no mistake: the file serves them all. One that none looks at is. */
static bool counts(running *r, const char *line, size_t n) {
    const char *end = strstr(line, " has no effect");
    if (!end || end > line + n) return true;
    if (!r->looking || strncmp(line, "method.joint", strlen("method.joint")) == 0)
        return false; /* reported already; set by the protocol */
    goss__str_add(&r->without, "\n");
    goss__str_addn(&r->without, line, n);
    if (strncmp(line, RANKS, strlen(RANKS)) == 0) return false; /* an error, in the end */
    int said = 0;
    const size_t size = (size_t)(end - line);
    for (const char *at = r->without.data; at && (at = strchr(at, '\n')); at++)
        said += strncmp(at + 1, line, size) == 0 && strncmp(at + 1 + size, " has no effect", 14) == 0;
    return said == r->models * r->c->folds; /* a look is a cell of the first seed */
}

static void pass_on(running *r, const char *warnings) {
    char line[2100];
    for (const char *at = warnings; *at; at += *at == '\n') {
        const size_t n = strcspn(at, "\n");
        snprintf(line, sizeof line, "\n%.*s\n", (int)n, at);
        at += n;
        if ((r->told.data && strstr(r->told.data, line)) || !counts(r, line + 1, n)) continue;
        goss__str_add(&r->told, line);
        goss__log(GOSS_LOG_WARN, "%.*s", (int)n, line + 1);
    }
}

/* ---- the look ---- */

static goss_status look(void *context, int i, goss_error *err) {
    const running *r = context;
    const goss__cell cell = goss__cell_at(r->c, i);
    return goss_error_prefix(err, goss__cell_look(r->c, &cell, err), "%s", cell.row->name);
}

static void looked(void *context, int i, goss_status status, const char *text, const char *warnings) {
    running *r = context;
    pass_on(r, warnings);
    if (status == GOSS_OK || (r->status != GOSS_OK && r->bad < i)) return;
    r->status = status, r->bad = i;
    snprintf(r->error, sizeof r->error, "%s", text);
}

static int jobs_of(const goss_compare *c) { return c->set.jobs > 0 ? c->set.jobs : goss__cpu_count(); }

/* A value that some rows publish is a column that the others leave empty; one that no row does is a mistake. */
static goss_status look_at_ranks(const running *r, goss_error *err) {
    char line[200];
    for (int i = 0; r->without.data && i < r->c->ranks.n; i++) {
        int said = 0;
        const char *first = NULL;
        snprintf(line, sizeof line, "\n" RANKS "%s has no effect: ", r->c->ranks.pattern[i]);
        for (const char *at = r->without.data; (at = strstr(at, line)); at += strlen(line), said++)
            first = first ? first : at + strlen(line);
        if (said == r->models * r->c->folds)
            return goss_error_set(err, GOSS_E_ARGUMENT, RANKS "%.*s", (int)strcspn(first, "\n"), first);
    }
    return GOSS_OK;
}

/* The first cells are those of the first seed: every row. */
static goss_status look_at_rows(running *r, goss_error *err) {
    const goss__work w = {r->c->rows * r->c->folds, jobs_of(r->c), look, looked, r, r->o->stop};
    GOSS_TRY(goss__work_run(&w, err));
    return r->status == GOSS_OK ? look_at_ranks(r, err) : goss_error_set(err, r->status, "%s", r->error);
}

/* ---- what is there already ---- */

static bool has_results(const goss_compare *c) {
    static const char *const folders[] = {"cells", "tries"};
    bool any = false;
    for (int i = 0; i < 2; i++) {
        char *path = goss__path_join(goss_compare_folder(c), folders[i]);
        any |= path && goss__path_exists(path);
        goss__free(path);
    }
    return any;
}

static goss_status same_data(void *context, int i, goss_error *err) {
    const running *r = context;
    return goss__draw_check(r->c, 1 + i / r->c->folds, 1 + i % r->c->folds, err);
}

/* Results of a table that has been changed since would be shown as those of the present one, or mixed with them. */
static goss_status look_at_results(running *r, goss_error *err) {
    const goss__work w = {r->c->seeds * r->c->folds, jobs_of(r->c), same_data, looked, r, r->o->stop};
    if (!has_results(r->c)) return GOSS_OK;
    GOSS_TRY(goss__work_run(&w, err));
    return r->status == GOSS_OK ? GOSS_OK : goss_error_set(err, r->status, "%s", r->error);
}

/* ---- cells ---- */

static goss_status work(void *context, int i, goss_error *err) {
    const running *r = context;
    const goss__cell cell = goss__cell_at(r->c, r->cell[i]);
    return goss__cell_run(r->c, &cell, r->o->stop, err);
}

static void worked(void *context, int i, goss_status status, const char *text, const char *warnings) {
    running *r = context;
    const goss__cell cell = goss__cell_at(r->c, r->cell[i]);
    pass_on(r, warnings);
    if (status == GOSS_E_INTERRUPTED) return;
    r->done++;
    r->failed += status != GOSS_OK;
    const goss_compare_progress p = {.done = r->done,
                                     .cells = r->n,
                                     .row = cell.row->name,
                                     .seed = cell.seed,
                                     .seconds = goss__now() - r->start,
                                     .error = status == GOSS_OK ? NULL : text};
    if (r->o->progress) r->o->progress(r->o->context, &p);
}

/* Of this share, those without a result. */
static goss_status choose(running *r, goss_error *err) {
    const int all = goss_compare_cells(r->c), shards = r->o->shards > 0 ? r->o->shards : 1;
    int stale = 0;
    r->cell = goss__calloc((size_t)all + 1, sizeof *r->cell);
    if (!r->cell) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d cells", all);
    for (int i = r->o->shards > 0 ? r->o->shard - 1 : 0; i < all; i += shards) {
        const goss__cell cell = goss__cell_at(r->c, i);
        goss__result result;
        bool found;
        GOSS_TRY(goss__result_read(r->c, &cell, &result, &found, err));
        stale += result.stale;
        goss__result_free(&result);
        if (!found) r->cell[r->n++] = i;
    }
    if (stale > 0)
        goss__log(GOSS_LOG_WARN,
                  "%d results in %s/cells are of other settings and will be replaced: name another compare.dir to keep "
                  "both",
                  stale, goss_compare_folder(r->c));
    return GOSS_OK;
}

static goss_status make_folder(const goss_compare *c, const char *name, goss_error *err) {
    char *path = goss__path_join(goss_compare_folder(c), name);
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a path");
    goss_status s = goss_error_prefix(err, goss__mkdirs(path, err), "compare.dir");
    goss__free(path);
    return s;
}

static goss_status run(running *r, goss_error *err) {
    GOSS_TRY(choose(r, err));
    r->looking = true;
    GOSS_TRY(look_at_results(r, err));
    if (r->n == 0) return GOSS_OK;
    GOSS_TRY(look_at_rows(r, err));
    r->looking = false;
    GOSS_TRY(make_folder(r->c, "cells", err));
    GOSS_TRY(make_folder(r->c, "tries", err));
    r->start = goss__now();
    const goss__work w = {r->n, jobs_of(r->c), work, worked, r, r->o->stop};
    return goss__work_run(&w, err);
}

goss_status goss_compare_run(goss_compare *c, const goss_compare_options *options, int *failed, goss_error *err) {
    static const goss_compare_options none;
    running r = {.c = c, .o = options ? options : &none};
    for (int i = 0; i < c->rows; i++) r.models += !c->row[i].closed;
    *failed = 0;
    if (r.o->shards < 0 || (r.o->shards > 0 && (r.o->shard < 1 || r.o->shard > r.o->shards)))
        return goss_error_set(err, GOSS_E_ARGUMENT, "shard %d of %d: shards count from 1", r.o->shard, r.o->shards);
    goss_status s = run(&r, err);
    *failed = r.failed;
    goss__free(r.cell);
    goss__str_free(&r.told), goss__str_free(&r.without);
    return s;
}
