/* SPDX-License-Identifier: Apache-2.0 */
/* class_episode.c: few-shot tasks over samples of any kind.
 *
 * A cell is the samples of a class within a group. Cells with too few samples and groups with too few cells are
 * filtered out when the source is opened; a draw only chooses and copies. The choice does not depend on
 * augmentation, which uses separate random streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/os.h"
#include "base/pool.h"
#include "base/rng.h"
#include "gossamer/class_set.h"

typedef struct member {
    int32_t group, cls, sample;
} member;

/* A sample that a draw has chosen. */
typedef struct copying {
    goss_class_random random;
    int32_t sample;
    float *x;
    int32_t *length; /* NULL: not wanted */
} copying;

typedef struct episodes {
    const goss_class_set *set;
    goss_class_episodes o;
    goss__arena arena;
    member *member; /* [members] sorted; contiguous by cell */
    int32_t *cell;  /* [cells + 1] offsets of cells; contiguous by group */
    int32_t *group; /* [groups + 1] offsets into cells */
    int members, cells, groups;
    uint32_t *order;  /* scratch: cells of a group */
    uint32_t *drawn;  /* scratch: samples of a cell */
    copying *copying; /* scratch: samples of a draw */
    int lanes;
    size_t lane;   /* bytes */
    char *scratch; /* [lanes, lane] of copying */
    size_t x;      /* elements of a sample */
} episodes;

goss_class_episodes goss_class_episodes_defaults(void) {
    return (goss_class_episodes){.ways = 5, .shots = 1, .queries = 15, .group = -1};
}

/* ---- opening ---- */

static goss_status no_memory(const goss_class_set *set, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for episodes of %d %s", set->samples, set->things);
}

static goss_status check(const goss_class_set *set, const goss_class_episodes *o, goss_error *err) {
    enum { MOST = 1 << 20 };
    if (o->silence < 0 || o->silence > MOST || (o->silence && !set->silence))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d queries of silence, which %s %s: at least 0", o->silence,
                              set->things, set->silence ? "have" : "do not have");
    if (o->ways < 2 || o->shots < 1 || o->queries < 0 || o->unknown < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%d ways, %d shots, %d queries, %d unknown classes: at least 2, 1, 0 and 0", o->ways,
                              o->shots, o->queries, o->unknown);
    if (o->ways > MOST || o->shots > MOST || o->queries > MOST || o->unknown > MOST ||
        ((int64_t)o->ways + o->unknown) * ((int64_t)o->shots + o->queries) > INT32_MAX)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "(%d ways + %d unknown) x (%d shots + %d queries) is more than an episode can hold",
                              o->ways, o->unknown, o->shots, o->queries);
    if (o->unknown > 0 && o->queries == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "unknown classes have queries alone, and there are none");
    return GOSS_OK;
}

static int by_place(const void *a, const void *b) {
    const member *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    if (x->cls != y->cls) return x->cls < y->cls ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

static bool same_cell(const member *a, const member *b) { return a->group == b->group && a->cls == b->cls; }

/* Scratch for as many lanes as a draw can use; the system provides what is touched. samples: of a draw, at most. */
static goss_status allocate_lanes(episodes *e, size_t samples, goss_error *err) {
    size_t all;
    e->lanes = goss__cpu_count(), e->lane = (e->set->scratch_size + 64) / 64 * 64;
    if (!goss__mul_ok((size_t)e->lanes, e->lane, &all)) return no_memory(e->set, err);
    e->copying = goss__arena_alloc(&e->arena, samples * sizeof *e->copying);
    e->scratch = goss__alloc_aligned(all);
    return e->copying && e->scratch ? GOSS_OK : no_memory(e->set, err);
}

static goss_status allocate(episodes *e, goss_error *err) {
    const size_t n = (size_t)e->set->samples + 2;
    e->member = goss__arena_alloc(&e->arena, n * sizeof *e->member);
    e->cell = goss__arena_alloc(&e->arena, n * sizeof *e->cell);
    e->group = goss__arena_alloc(&e->arena, n * sizeof *e->group);
    e->order = goss__arena_alloc(&e->arena, n * sizeof *e->order);
    e->drawn = goss__arena_alloc(&e->arena, n * sizeof *e->drawn);
    return e->member && e->cell && e->group && e->order && e->drawn ? GOSS_OK : no_memory(e->set, err);
}

static void take_members(episodes *e, const bool *use) {
    const goss_class_field *f = e->o.group >= 0 ? &e->set->field[e->o.group] : NULL;
    for (int i = 0; i < e->set->samples; i++) {
        const int32_t group = f ? f->of[i] : 0;
        if (group >= 0 && (!use || use[i])) e->member[e->members++] = (member){group, e->set->class_of[i], i};
    }
    qsort(e->member, (size_t)e->members, sizeof *e->member, by_place);
}

/* End of the run of members of the cell that starts at `at`. */
static int cell_end(const episodes *e, int at) {
    int end = at;
    while (end < e->members && same_cell(&e->member[end], &e->member[at])) end++;
    return end;
}

static int group_end(const episodes *e, int at) {
    int end = at;
    while (end < e->members && e->member[end].group == e->member[at].group) end++;
    return end;
}

/* Moves cells and groups of sufficient size to the front; `most`: the largest number of such classes in a group. */
static void filter_cells(episodes *e, goss_class_scope *scope, int *most) {
    const int need = e->o.shots + e->o.queries, ways = e->o.ways + e->o.unknown, all = e->members;
    int kept = 0;
    for (int at = 0, end; at < all; at = end) {
        const int cells = e->cells, start = kept;
        end = group_end(e, at);
        for (int c = at, next; c < end; c = next) {
            next = cell_end(e, c);
            if (next - c < need) continue;
            e->cell[e->cells++] = kept;
            memmove(&e->member[kept], &e->member[c], (size_t)(next - c) * sizeof *e->member), kept += next - c;
        }
        const int of = e->cells - cells;
        *most = of > *most ? of : *most;
        if (of < ways) {
            e->cells = cells, kept = start, scope->left_out++;
            continue;
        }
        e->group[e->groups++] = cells;
        scope->least = scope->groups == 0 || of < scope->least ? of : scope->least;
        scope->most = of > scope->most ? of : scope->most, scope->groups++;
    }
    e->cell[e->cells] = kept, e->group[e->groups] = e->cells, e->members = kept;
    scope->samples = kept;
}

static int count_classes(const episodes *e) {
    int n = 0;
    for (int c = 0; c < e->cells; c++) {
        bool first = true; /* of this class, in an earlier group */
        for (int k = 0; k < c && first; k++) first = e->member[e->cell[k]].cls != e->member[e->cell[c]].cls;
        n += first;
    }
    return n;
}

static goss_status too_few(const episodes *e, int most, goss_error *err) {
    const goss_class_episodes *o = &e->o;
    char unknown[64] = "", group[160] = "";
    if (o->unknown) snprintf(unknown, sizeof unknown, " and %d unknown classes", o->unknown);
    if (o->group >= 0) snprintf(group, sizeof group, " of one %.100s", e->set->field[o->group].name);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%d ways%s%s with %d shots and %d queries need as many classes of at least %d %s; there are "
                          "%d at most: ask for fewer",
                          o->ways, unknown, group, o->shots, o->queries, o->shots + o->queries, e->set->things, most);
}

static int supports_of(const goss_class_episodes *o) { return o->ways * o->shots; }
static int queries_of(const goss_class_episodes *o) { return (o->ways + o->unknown) * o->queries + o->silence; }

static goss_status prepare(episodes *e, const bool *use, goss_class_scope *scope, goss_error *err) {
    int most = 0;
    GOSS_TRY(check(e->set, &e->o, err));
    GOSS_TRY(allocate(e, err));
    take_members(e, use);
    filter_cells(e, scope, &most);
    scope->classes = count_classes(e);
    if (!e->groups) return too_few(e, most, err);
    return allocate_lanes(e, (size_t)supports_of(&e->o) + (size_t)queries_of(&e->o), err);
}

/* ---- drawing ---- */

/* One half (support set or queries) of a task while it is filled. */
typedef struct half {
    uint64_t tag, task; /* of its random streams; random number of the task */
    float *x, *target, *weight;
    int32_t *rows, *length;
    int count;
} half;

static void copy_one(void *context, int64_t i, int lane) {
    const episodes *e = context;
    const copying *c = &e->copying[i];
    const int steps = e->set->copy(e->set, c->sample, c->random, e->scratch + (size_t)lane * e->lane, c->x);
    if (c->length) *c->length = steps;
}

/* Copies the samples that were chosen. */
static void copy_all(episodes *e, int n, goss_threads *threads) {
    goss__threads_run(threads, e->lanes, n, copy_one, e);
}

/* n: samples to be copied, so far. */
static void place(episodes *e, half *h, int sample, float target, int *n) {
    const uint64_t stream[2] = {h->tag, (uint64_t)h->count};
    const goss_class_random none = {0}, changed = {goss__hash64(stream, sizeof stream, e->o.seed) | 1, h->task};
    if (h->x)
        e->copying[(*n)++] = (copying){.random = e->o.augment || sample < 0 ? changed : none,
                                       .sample = sample,
                                       .x = h->x + (size_t)h->count * e->x,
                                       .length = e->set->lengths && h->length ? &h->length[h->count] : NULL};
    if (h->target) h->target[h->count] = target;
    if (h->weight && target < 0) h->weight[h->count] = 0;
    if (h->rows) h->rows[h->count] = sample;
    h->count++;
}

/* Draws `want` samples of a cell to the front of e->drawn (partial Fisher-Yates shuffle). */
static void draw_samples(episodes *e, uint32_t cell, int want, goss__rng *rng) {
    const int first = e->cell[cell], n = e->cell[cell + 1] - first;
    for (int i = 0; i < n; i++) e->drawn[i] = (uint32_t)e->member[first + i].sample;
    goss__rng_shuffle(rng, e->drawn, (uint32_t)n, (uint32_t)want);
}

static half support_of(const episodes *e, uint64_t k, const goss_task *task) {
    return (half){.tag = 2 * k,
                  .task = goss__hash64(&k, sizeof k, e->o.seed),
                  .x = task->support,
                  .target = task->support_target,
                  .weight = task->support_weight,
                  .rows = task->support_rows,
                  .length = task->support_length};
}

static void draw(const goss_task_source *source, uint64_t k, goss_task *task) {
    episodes *e = source->context;
    const goss_class_episodes *o = &e->o;
    goss__rng rng = goss__rng_make(o->seed, k);
    const int g = e->groups > 1 ? (int)goss__rng_below(&rng, (uint32_t)e->groups) : 0;
    const uint32_t first = (uint32_t)e->group[g], n = (uint32_t)e->group[g + 1] - first;
    half support = support_of(e, k, task);
    half query = {.tag = 2 * k + 1,
                  .task = support.task,
                  .x = task->query,
                  .target = task->query_target,
                  .weight = task->query_weight,
                  .rows = task->query_rows,
                  .length = task->query_length};
    int chosen = 0;
    for (uint32_t i = 0; i < n; i++) e->order[i] = first + i;
    goss__rng_shuffle(&rng, e->order, n, (uint32_t)(o->ways + o->unknown));
    for (int w = 0; w < o->ways + o->unknown; w++) {
        const bool known = w < o->ways;
        draw_samples(e, e->order[w], o->shots + o->queries, &rng);
        for (int i = 0; known && i < o->shots; i++) place(e, &support, (int)e->drawn[i], (float)w, &chosen);
        for (int i = o->shots; i < o->shots + o->queries; i++)
            place(e, &query, (int)e->drawn[i], known ? (float)w : -1, &chosen);
    }
    for (int i = 0; i < o->silence; i++) place(e, &query, -1, -1, &chosen);
    copy_all(e, chosen, task->threads);
    task->supports = support.count, task->queries = query.count, task->outputs = o->ways, task->id = -1;
}

/* ---- sources ---- */

static void free_episodes(void *context) {
    episodes *e = context;
    goss__arena_free(&e->arena);
    goss__free(e->scratch);
    goss__free(e);
}

static goss_task_spec spec_of(const goss_class_set *set, int outputs, int supports, int queries) {
    goss_task_spec s = {.input_rank = set->input_rank,
                        .outputs = outputs,
                        .supports = supports,
                        .queries = queries,
                        .lengths = set->lengths};
    memcpy(s.input, set->input, sizeof s.input);
    return s;
}

static goss_status make(const goss_class_set *set, const goss_class_episodes *o, episodes **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    if (!*out) return no_memory(set, err);
    **out = (episodes){.set = set, .o = *o, .x = 1};
    for (int i = 0; i < set->input_rank; i++) (*out)->x *= (size_t)set->input[i];
    return GOSS_OK;
}

goss_status goss_class_episodes_open(const goss_class_set *set, const bool *use, const goss_class_episodes *o,
                                     goss_task_source *out, goss_class_scope *scope, goss_error *err) {
    episodes *e;
    goss_class_scope found = {0};
    *out = (goss_task_source){0};
    GOSS_TRY(make(set, o, &e, err));
    const goss_status s = prepare(e, use, &found, err);
    if (scope) *scope = found;
    if (s != GOSS_OK) {
        free_episodes(e);
        return s;
    }
    *out = (goss_task_source){.spec = spec_of(set, o->ways, supports_of(o), queries_of(o)),
                              .context = e,
                              .draw = draw,
                              .free = free_episodes};
    return GOSS_OK;
}

static void draw_all(const goss_task_source *source, uint64_t k, goss_task *task) {
    episodes *e = source->context;
    half support = support_of(e, k, task);
    int chosen = 0;
    for (int i = 0; i < e->set->samples; i++) place(e, &support, i, (float)e->set->class_of[i], &chosen);
    copy_all(e, chosen, task->threads);
    task->supports = support.count, task->queries = 0, task->outputs = e->set->classes, task->id = -1;
}

goss_status goss_class_support_open(const goss_class_set *set, goss_task_source *out, goss_error *err) {
    episodes *e;
    const goss_class_episodes o = goss_class_episodes_defaults();
    *out = (goss_task_source){0};
    if (set->classes < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT, "the support set has %d class; a network needs at least two",
                              set->classes);
    GOSS_TRY(make(set, &o, &e, err));
    const goss_status s = allocate_lanes(e, (size_t)set->samples, err);
    if (s != GOSS_OK) {
        free_episodes(e);
        return s;
    }
    *out = (goss_task_source){.spec = spec_of(set, set->classes, set->samples, 0),
                              .context = e,
                              .draw = draw_all,
                              .tasks = 1,
                              .free = free_episodes};
    return GOSS_OK;
}
