/* SPDX-License-Identifier: Apache-2.0 */
/* table_draw.c: the tasks of a table as a task source. All rows are encoded when it is opened; a draw chooses places in
 * a task and copies. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "task/table_task.h"

typedef struct one {
    const char *name;
    int first, n; /* into rows; the pool of support rows comes first */
    int pool;     /* size of the support pool; behind it: queries of another part */
    uint64_t key; /* of its draws */
    int64_t id;
    int32_t task; /* its number in the table */
} one;

typedef struct source {
    goss_table_source_options o;
    one *task;                 /* [tasks] */
    int tasks, width, answers; /* answers: numbers of a target */
    int listed;                /* tasks that were asked for: numbers are below it */
    bool ordered, apart;       /* apart: queries come from another part than support sets */
    float *x, *y;              /* [rows, width], [rows, answers] */
    int32_t *row;              /* [rows] in the table */
    int32_t *length;           /* [rows] of sequences; NULL: there are none */
    float *descriptor;         /* [tasks, described width] */
    int described;
    goss__ahead ahead;      /* of targets of several horizons */
    float *scale;           /* mean and deviation [2 numbers of a target], without classes */
    uint32_t *place, *turn; /* scratch: [rows of the largest task], [tasks] */
} source;

static void free_source(void *context) {
    source *s = context;
    goss__free(s->task), goss__free(s->x), goss__free(s->y), goss__free(s->row), goss__free(s->descriptor);
    goss__free(s->length), goss__free(s->scale);
    goss__ahead_close(&s->ahead);
    goss__free(s->place), goss__free(s->turn);
    goss__free(s);
}

goss_table_source_options goss_table_source_defaults(void) {
    return (goss_table_source_options){.support = 5, .query_part = GOSS_PART_TRAIN, .thin = 0.5, .seed = 1};
}

/* ---- drawing ---- */

/* Every task occurs once an epoch, in shuffled order. */
static const one *task_of(const source *s, uint64_t k) {
    const uint64_t n = (uint64_t)s->tasks;
    if (!s->o.shuffle) return &s->task[k % n];
    goss__rng rng = goss__rng_make(s->o.seed, goss__hash64(&(uint64_t){k / n}, sizeof k, 11));
    for (int i = 0; i < s->tasks; i++) s->turn[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, s->turn, (uint32_t)n, (uint32_t)(k % n) + 1);
    return &s->task[s->turn[k % n]];
}

static int smaller(int a, int b) { return a < b ? a : b; }

static int support_size(const source *s, const one *t, goss__rng *rng) {
    const int least = s->o.support, most = smaller(s->o.most_support, s->apart ? t->pool : t->pool - 1);
    return most > least ? least + (int)goss__rng_below(rng, (uint32_t)(most - least + 1)) : least;
}

static void copy(const source *s, const one *t, const uint32_t *place, int n, float *x, float *y, int32_t *length,
                 int32_t *rows) {
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)t->first + place[i], w = (size_t)s->width;
        if (x) memcpy(x + (size_t)i * w, s->x + at * w, w * sizeof *x);
        const size_t a = (size_t)s->answers;
        if (y) memcpy(y + (size_t)i * a, s->y + at * a, a * sizeof *y);
        if (length && s->length) length[i] = s->length[at];
        if (rows) rows[i] = s->row[at];
    }
}

/* Subsamples the pool with a keep probability that is itself drawn, at least `least` rows; preserves their order. */
static int thin(const one *t, int least, uint32_t *place, goss__rng *rng) {
    const double chance = 0.2 + 0.8 * goss__rng_uniform(rng);
    int n = 0;
    for (int i = 0; i < t->pool; i++) {
        const bool needed = t->pool - i <= least - n;
        if (goss__rng_uniform(rng) < chance || needed) place[n++] = (uint32_t)i;
    }
    return n;
}

/* The pool's rows in the order of this draw: support first. Where the order is given, there is little variety: so some
 * training draws are of a task that misses rows, and some take any rows for support. Returns how many there are. */
static int arrange(const source *s, const one *t, int supports, uint32_t *place, bool *drawn, goss__rng *rng) {
    const double what = s->o.shuffle && s->ordered && !s->apart ? goss__rng_uniform(rng) : 1;
    int n = t->pool;
    *drawn = !s->ordered || what < s->o.any;
    if (what >= s->o.any && what < s->o.any + s->o.thin) return thin(t, supports + 1, place, rng);
    for (int i = 0; i < n; i++) place[i] = (uint32_t)i;
    if (*drawn) goss__rng_shuffle(rng, place, (uint32_t)n, (uint32_t)n);
    return n;
}

/* Of the n rows in `place`, as many as are wanted are drawn to the front where there are more. */
static int limit_queries(const source *s, uint32_t *place, int n, bool drawn, goss__rng *rng) {
    const int most = s->o.queries > 0 ? smaller(s->o.queries, n) : n;
    if (most < n && !drawn) goss__rng_shuffle(rng, place, (uint32_t)n, (uint32_t)most);
    return most;
}

static void draw(const goss_task_source *source_, uint64_t k, goss_task *out) {
    const source *s = source_->context;
    const one *t = task_of(s, k);
    /* By the task's name and its own draw: the same whatever other tasks there are. */
    goss__rng rng = goss__rng_make(s->o.seed, goss__hash64(&(uint64_t){k / (uint64_t)s->tasks}, sizeof k, t->key));
    uint32_t *place = s->place;
    bool drawn;
    out->supports = support_size(s, t, &rng);
    int n = arrange(s, t, out->supports, place, &drawn, &rng) - out->supports;
    copy(s, t, place, out->supports, out->support, out->support_target, out->support_length, out->support_rows);
    goss__ahead_forget(&s->ahead, t->first, place, out->supports, out->support_target);
    place += out->supports;
    if (s->apart) {
        place = s->place, n = t->n - t->pool, drawn = false;
        for (int i = 0; i < n; i++) place[i] = (uint32_t)(t->pool + i);
    }
    out->queries = limit_queries(s, place, n, drawn, &rng);
    copy(s, t, place, out->queries, out->query, out->query_target, out->query_length, out->query_rows);
    if (out->descriptor && s->described)
        memcpy(out->descriptor, s->descriptor + (size_t)(t - s->task) * (size_t)s->described,
               (size_t)s->described * sizeof *out->descriptor);
    out->id = t->id;
}

static const char *name(const goss_task_source *source_, uint64_t k) { return task_of(source_->context, k)->name; }

/* ---- opening ---- */

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the tasks of a table");
}

/* The task's rows that take part, those for support sets first. */
static void take_rows(source *s, const goss_table_tasks *t, int task, one *out, int first) {
    int n;
    const int32_t *rows = goss_table_tasks_rows(t, task, &n);
    *out = (one){.name = goss_table_tasks_name(t, task), .first = first, .task = task};
    for (int i = 0; i < n; i++)
        if (goss_table_tasks_part(t, task, i) == GOSS_PART_TRAIN) s->row[first + out->n++] = rows[i];
    out->pool = out->n;
    for (int i = 0; s->apart && i < n; i++)
        if (goss_table_tasks_part(t, task, i) == s->o.query_part) s->row[first + out->n++] = rows[i];
    out->key = goss__hash64(out->name, strlen(out->name), 12);
}

static goss_row_part queries_of(const goss_table_tasks *t, goss_row_part asked) {
    return t->by_role ? GOSS_PART_TEST : asked;
}

bool goss_table_tasks_enough(const goss_table_tasks *t, int task, int support, goss_row_part query_part) {
    const goss_row_part queries = queries_of(t, query_part);
    int rows, pool = 0, others = 0;
    (void)goss_table_tasks_rows(t, task, &rows);
    for (int i = 0; i < rows; i++) {
        const goss_row_part part = goss_table_tasks_part(t, task, i);
        pool += part == GOSS_PART_TRAIN, others += part == queries;
    }
    return queries == GOSS_PART_TRAIN ? pool > support : pool >= support && others > 0;
}

/* Chooses tasks and lays out their rows. */
static int choose_tasks(source *s, const goss_table_tasks *t, int *skipped) {
    int rows = 0;
    const int n = s->o.tasks ? s->o.n_tasks : goss_table_tasks_count(t);
    *skipped = 0, s->listed = n;
    for (int i = 0; i < n; i++) {
        one *next = &s->task[s->tasks];
        const int task = s->o.tasks ? s->o.tasks[i] : i;
        if (!goss_table_tasks_enough(t, task, s->o.support, s->o.query_part)) {
            ++*skipped;
            continue;
        }
        take_rows(s, t, task, next, rows);
        next->id = s->o.numbers ? s->o.numbers[i] : s->o.number ? i : -1;
        s->tasks++, rows += next->n;
    }
    return rows;
}

static goss_status describe(source *s, const goss_table_tasks *t, goss_error *err) {
    if (!s->o.descriptors) return GOSS_OK;
    s->described = goss_descriptors_width(s->o.descriptors);
    s->descriptor = goss__calloc((size_t)s->tasks * (size_t)s->described, sizeof *s->descriptor);
    int32_t *tasks = goss__calloc((size_t)s->tasks, sizeof *tasks);
    for (int i = 0; tasks && i < s->tasks; i++) tasks[i] = s->task[i].task;
    const goss_status status = s->descriptor && tasks ? goss_descriptors_apply_each(s->o.descriptors, s->o.described, t,
                                                                                    tasks, s->tasks, s->descriptor, err)
                                                      : no_memory(err);
    goss__free(tasks);
    return status;
}

static void tell_cut(const goss_table_transform *f, const goss_encoding_report *r, int rows) {
    goss_text_shape text;
    if (r->cut && goss_encoding_texts(f->inputs, &text))
        goss__log(GOSS_LOG_INFO, "%lld of %d texts have more than %d tokens: further ones are cut off",
                  (long long)r->cut, rows, text.steps);
}

/* What a part of a task's rows does not know. */
static void forget(source *s) {
    for (int i = 0; i < s->tasks; i++) {
        const one *t = &s->task[i];
        float *y = s->y + (size_t)t->first * (size_t)s->answers;
        goss__ahead_forget(&s->ahead, t->first, NULL, t->pool, y);
        goss__ahead_forget(&s->ahead, t->first + t->pool, NULL, t->n - t->pool,
                           y + (size_t)t->pool * (size_t)s->answers);
    }
}

static goss_status fill(source *s, const goss_table_tasks *t, const goss_table_transform *f, int *skipped,
                        goss_error *err) {
    const size_t all = (size_t)t->groups.first[t->groups.count] + 1;
    const int n = s->o.tasks ? s->o.n_tasks : goss_table_tasks_count(t);
    s->task = goss__calloc((size_t)n + 1, sizeof *s->task);
    s->row = goss__calloc(all, sizeof *s->row);
    if (!s->task || !s->row) return no_memory(err);
    const int rows = choose_tasks(s, t, skipped);
    int most = 0;
    for (int i = 0; i < s->tasks; i++) most = s->task[i].n > most ? s->task[i].n : most;
    if (s->tasks == 0 && t->by_role)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: none of the %d tasks has %d rows of support and one of a query",
                              goss_table_path(t->table), n, s->o.support);
    if (s->tasks == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: none of the %d tasks has more than %d rows, which support and a query need",
                              goss_table_path(t->table), n, s->o.support);
    s->x = goss__calloc((size_t)rows * (size_t)s->width, sizeof *s->x),
    s->y = goss__calloc((size_t)rows * (size_t)s->answers, sizeof *s->y);
    s->place = goss__calloc((size_t)most, sizeof *s->place), s->turn = goss__calloc((size_t)s->tasks, sizeof *s->turn);
    if (!s->x || !s->y || !s->place || !s->turn) return no_memory(err);
    goss_encoding_report report;
    GOSS_TRY(goss_table_transform_apply(f, t->table, s->row, rows, s->x, &report, err));
    tell_cut(f, &report, rows);
    GOSS_TRY(goss_table_transform_targets(f, t->table, s->row, rows, s->y, err));
    GOSS_TRY(goss__ahead_open(&s->ahead, f, t->table, s->row, rows, err));
    forget(s);
    if (goss__transform_has_steps(f)) {
        s->length = goss__calloc((size_t)rows, sizeof *s->length);
        if (!s->length) return no_memory(err);
        goss_encoding_lengths(f->inputs, s->x, rows, s->length);
    }
    return describe(s, t, err);
}

/* Whether none of the tasks is new. */
static bool all_known(const source *s) {
    for (int i = 0; i < s->tasks; i++)
        if (s->task[i].id < 0) return false;
    return true;
}

static goss_task_spec spec_of(source *s, const goss_table_transform *f) {
    int supports = 0, queries = 0;
    for (int i = 0; i < s->tasks; i++) {
        const one *t = &s->task[i];
        const int most = smaller(s->o.most_support, s->apart ? t->pool : t->pool - 1);
        const int left = s->apart ? t->n - t->pool : t->n - s->o.support;
        supports = most > supports ? most : supports, queries = left > queries ? left : queries;
    }
    const int outputs = goss_table_transform_outputs(f);
    goss_task_spec spec = {.objective = goss_table_transform_objective(f),
                           .outputs = outputs,
                           .shared_classes = goss_table_transform_classes(f) > 0,
                           .partial = s->ahead.outputs > 1,
                           .supports = supports,
                           .queries = s->o.queries > 0 ? smaller(queries, s->o.queries) : queries,
                           .descriptor = s->described,
                           .known = all_known(s),
                           .ids = s->o.numbers  ? s->o.ids
                                  : s->o.number ? s->listed
                                                : 0};
    goss__transform_input(f, &spec);
    if (!spec.shared_classes) spec.scale = (goss_target_scale){s->scale, s->scale + outputs};
    return spec;
}

goss_status goss_table_source_open(const goss_table_tasks *t, const goss_table_transform *f,
                                   const goss_table_source_options *options, goss_task_source *out, int *skipped,
                                   goss_error *err) {
    goss_table_source_options o = options ? *options : goss_table_source_defaults();
    int left_out = 0;
    *out = (goss_task_source){0};
    if (o.most_support == 0) o.most_support = o.support;
    if (o.support < 0 || o.most_support < o.support)
        return goss_error_set(err, GOSS_E_ARGUMENT, "support sets of %d to %d rows", o.support, o.most_support);
    source *s = goss__calloc(1, sizeof *s);
    if (!s) return no_memory(err);
    s->o = o, s->width = goss_encoding_width(goss_table_transform_inputs(f)), s->answers = goss__target_size(f);
    s->ordered = goss_table_tasks_order(t) != GOSS_ORDER_RANDOM, s->ahead.outputs = 1;
    s->o.query_part = queries_of(t, s->o.query_part);
    s->apart = s->o.query_part != GOSS_PART_TRAIN;
    s->scale = goss__scale_copy(f);
    goss_status status = s->scale ? fill(s, t, f, &left_out, err) : no_memory(err);
    if (status == GOSS_OK) {
        *out = (goss_task_source){
            .spec = spec_of(s, f), .context = s, .draw = draw, .tasks = s->tasks, .name = name, .free = free_source};
        s->o.tasks = NULL, s->o.numbers = NULL; /* the caller's, and not needed any more */
        if (o.shuffle) out->tasks = 0;
    } else {
        free_source(s);
    }
    if (skipped) *skipped = left_out;
    return status;
}
