/* SPDX-License-Identifier: Apache-2.0 */
/* episode.c: the sampler of few-shot tasks.
 *
 * Episode k has one random stream for sampling and one for each image's augmentation, so that the choice of classes
 * and drawings is the same with and without augmentation. All errors are found when the sampler is created; a draw
 * only fills buffers. */
#include "task/episode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "task/image_warp.h"

struct goss_sampler {
    const goss_images *set;
    goss_episode_spec spec;
    goss_image_format format;
    goss_episode_limits limits;
    goss__image_warp warp;
    goss__arena arena;
    int32_t *classes; /* [count], contiguous by alphabet */
    int count;
    int32_t *start; /* [alphabets + 1] into classes: groups to draw one_alphabet from; else one group of all */
    int alphabets;
    int several_faces;     /* classes that show different ones, where that is asked for */
    int32_t *local_face;   /* [images of the set]: 0, 1, ... within the class */
    int32_t *faces;        /* [count] different faces of a class */
    uint32_t *pool;        /* scratch: classes to draw from */
    uint32_t *drawings;    /* scratch: images of a class */
    uint32_t *face_order;  /* scratch */
    uint8_t *face_support; /* scratch: the face's drawings are for the support set */
    int32_t *chosen;       /* scratch: images of a class, shots + queries */
};

goss_episode_spec goss_episode_spec_defaults(void) { return (goss_episode_spec){.ways = 5, .shots = 1, .queries = 15}; }

/* ---- making a sampler ---- */

static goss_status check_spec(const goss_episode_spec *e, const goss_image_format *f, goss_error *err) {
    if (e->ways < 2 || e->shots < 1 || e->queries < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d ways, %d shots, %d queries: at least 2, 1 and 0", e->ways,
                              e->shots, e->queries);
    if (e->ways > 1 << 20 || e->shots > 1 << 20 || e->queries > 1 << 20 ||
        (int64_t)e->ways * ((int64_t)e->shots + e->queries) > INT32_MAX)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%d ways x (%d shots + %d queries) is more than an episode can hold", e->ways, e->shots,
                              e->queries);
    if (e->min_shots < 0 || e->min_shots > e->shots)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d shots at least but %d at most", e->min_shots, e->shots);
    if (e->rotations && f->height != f->width)
        return goss_error_set(err, GOSS_E_ARGUMENT, "rotations need square images; these are %d x %d", f->height,
                              f->width);
    return GOSS_OK;
}

static int turns_of(const goss_sampler *s) { return s->spec.rotations ? 4 : 1; }

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* By alphabet, then by class. */
static goss_status sort_classes(goss_sampler *s, goss_error *err) {
    int64_t *keys = goss__calloc((size_t)s->count + 1, sizeof *keys);
    if (!keys) return goss_error_set(err, GOSS_E_NOMEM, "no memory to sort %d classes", s->count);
    for (int i = 0; i < s->count; i++)
        keys[i] = (int64_t)goss_images_class_alphabet(s->set, s->classes[i]) << 32 | s->classes[i];
    qsort(keys, (size_t)s->count, sizeof *keys, ascending);
    for (int i = 0; i < s->count; i++) s->classes[i] = (int32_t)(keys[i] & INT32_MAX);
    goss__free(keys);
    return GOSS_OK;
}

/* Sorts the classes by alphabet and records the offset of each alphabet with at least two ways. */
static goss_status group_alphabets(goss_sampler *s, goss_error *err) {
    GOSS_TRY(sort_classes(s, err));
    int kept = 0, widest = 0;
    for (int i = 0, end; i < s->count; i = end) {
        int alphabet = goss_images_class_alphabet(s->set, s->classes[i]);
        for (end = i; end < s->count && goss_images_class_alphabet(s->set, s->classes[end]) == alphabet; end++) {
        }
        if ((end - i) * turns_of(s) < 2) continue;
        /* Removes alphabets with too few classes; compacts the list in place. */
        s->start[s->alphabets++] = kept;
        if (end - i > widest) widest = end - i;
        for (int k = i; k < end; k++) s->classes[kept++] = s->classes[k];
    }
    s->count = kept;
    s->start[s->alphabets] = kept;
    if (s->alphabets == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "no alphabet has two classes; episodes of one alphabet need that");
    if (widest * turns_of(s) < s->limits.ways) s->limits.ways = widest * turns_of(s);
    return GOSS_OK;
}

static goss_status group_all(goss_sampler *s, goss_error *err) {
    s->alphabets = 1;
    s->start[0] = 0, s->start[1] = s->count;
    if (s->count * turns_of(s) < s->spec.ways)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d ways asked for, but there are only %d classes%s", s->spec.ways,
                              s->count * turns_of(s), s->spec.rotations ? " (rotations counted)" : "");
    return GOSS_OK;
}

static goss_status check_drawings(const goss_sampler *s, goss_error *err) {
    int need = s->spec.shots + s->spec.queries;
    for (int i = 0; i < s->count; i++) {
        int first, count;
        goss_images_class_range(s->set, s->classes[i], &first, &count);
        if (count < need)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "class \"%s\" has %d drawings; %d shots and %d queries need %d different ones: ask "
                                  "for fewer, or leave such classes out",
                                  goss_images_class_name(s->set, s->classes[i]), count, s->spec.shots, s->spec.queries,
                                  need);
    }
    return GOSS_OK;
}

/* Numbers the faces of a class from 0 in order of appearance. `seen` maps a face of the set to 1 + its number; drawings
 * without a face (-1) share one. Returns how many there are and counts their drawings. */
static int number_faces(goss_sampler *s, int cls, int32_t *seen, int32_t *sizes) {
    int first, count, faces = 0;
    goss_images_class_range(s->set, cls, &first, &count);
    for (int i = first; i < first + count; i++) {
        int32_t *number = &seen[1 + goss_images_face(s->set, i)];
        if (!*number) *number = ++faces, sizes[faces - 1] = 0;
        s->local_face[i] = *number - 1;
        sizes[*number - 1]++;
    }
    for (int i = first; i < first + count; i++) seen[1 + goss_images_face(s->set, i)] = 0;
    return faces;
}

/* The largest number of drawings that the faces of a support set can consume. Faces are taken in random order until
 * there are enough drawings, so the worst case is the largest subset one drawing short, plus the largest face
 * outside it. */
static int most_used(const int32_t *sizes, int faces, int shots, uint8_t *reach) {
    int worst = 0;
    for (int last = 0; last < faces; last++) {
        int best = 0;
        for (int k = 0; k < shots; k++) reach[k] = k == 0;
        for (int f = 0; f < faces; f++)
            for (int k = shots - 1; f != last && k >= sizes[f]; k--)
                if (reach[k - sizes[f]]) reach[k] = 1, best = k > best ? k : best;
        if (best + sizes[last] > worst) worst = best + sizes[last];
    }
    return worst;
}

static goss_status check_faces(goss_sampler *s, int32_t *seen, int32_t *sizes, uint8_t *reach, goss_error *err) {
    for (int i = 0; i < s->count; i++) {
        int first, count;
        goss_images_class_range(s->set, s->classes[i], &first, &count);
        s->faces[i] = number_faces(s, s->classes[i], seen, sizes);
        if (s->faces[i] < 2) continue;
        s->several_faces++;
        int used = most_used(sizes, s->faces[i], s->spec.shots, reach);
        if (count - used < s->spec.queries)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "class \"%s\" has %d drawings in %d faces: when %d shots use up %d of them, %d are left for "
                "%d queries of other faces",
                goss_images_class_name(s->set, s->classes[i]), count, s->faces[i], s->spec.shots, used, count - used,
                s->spec.queries);
    }
    if (s->several_faces > 0) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "distinct faces asked for, but none of the %d classes has images of two faces; a face is what "
        "stands after the '_' in a file's name: 07_serif.png",
        s->count);
}

static goss_status prepare_faces(goss_sampler *s, int largest, goss_error *err) {
    int images = goss_images_count(s->set);
    s->local_face = goss__arena_alloc(&s->arena, (size_t)images * sizeof *s->local_face);
    s->faces = goss__arena_alloc(&s->arena, (size_t)s->count * sizeof *s->faces);
    s->face_order = goss__arena_alloc(&s->arena, (size_t)largest * sizeof *s->face_order);
    s->face_support = goss__arena_alloc(&s->arena, (size_t)largest);
    int32_t *seen = goss__calloc((size_t)images + 1, sizeof *seen); /* a face's number is below the count of images */
    int32_t *sizes = goss__calloc((size_t)largest, sizeof *sizes);
    uint8_t *reach = goss__calloc((size_t)s->spec.shots, 1);
    goss_status status;
    if (s->local_face && s->faces && s->face_order && s->face_support && seen && sizes && reach)
        status = check_faces(s, seen, sizes, reach, err);
    else
        status = goss_error_set(err, GOSS_E_NOMEM, "no memory for a sampler of %d images", images);
    goss__free(seen), goss__free(sizes), goss__free(reach);
    return status;
}

static goss_status copy_classes(goss_sampler *s, const goss_class_list *list, goss_error *err) {
    s->count = list ? list->count : goss_images_classes(s->set);
    s->classes = goss__arena_alloc(&s->arena, ((size_t)s->count + 1) * sizeof *s->classes);
    s->start = goss__arena_alloc(&s->arena, ((size_t)s->count + 2) * sizeof *s->start);
    s->pool = goss__arena_alloc(&s->arena, ((size_t)s->count + 1) * (size_t)turns_of(s) * sizeof *s->pool);
    if (!s->classes || !s->start || !s->pool)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a sampler of %d classes", s->count);
    for (int i = 0; i < s->count; i++) {
        s->classes[i] = list ? list->ids[i] : i;
        if (s->classes[i] < 0 || s->classes[i] >= goss_images_classes(s->set))
            return goss_error_set(err, GOSS_E_ARGUMENT, "class %d in the list; the set has %d", (int)s->classes[i],
                                  goss_images_classes(s->set));
    }
    return GOSS_OK;
}

static goss_status prepare(goss_sampler *s, const goss_class_list *classes, goss_error *err) {
    const goss_episode_spec *e = &s->spec;
    GOSS_TRY(check_spec(e, &s->format, err));
    GOSS_TRY(copy_classes(s, classes, err));
    s->limits.ways = e->ways;
    s->limits.image = goss__image_floats(&s->format);
    GOSS_TRY(e->one_alphabet ? group_alphabets(s, err) : group_all(s, err));
    s->limits.supports = s->limits.ways * e->shots, s->limits.queries = s->limits.ways * e->queries;
    GOSS_TRY(check_drawings(s, err));
    int largest = 0;
    for (int i = 0; i < s->count; i++) {
        int first, count;
        goss_images_class_range(s->set, s->classes[i], &first, &count);
        if (count > largest) largest = count;
    }
    if (e->distinct_faces) GOSS_TRY(prepare_faces(s, largest, err));
    s->drawings = goss__arena_alloc(&s->arena, (size_t)largest * sizeof *s->drawings);
    s->chosen = goss__arena_alloc(&s->arena, (size_t)(e->shots + e->queries) * sizeof *s->chosen);
    if (!s->drawings || !s->chosen) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a sampler");
    s->warp = (goss__image_warp){
        .set = s->set, .augment = e->augment, .elastic = e->elastic, .mirror = e->mirror, .seed = e->seed};
    return goss__image_warp_init(&s->warp, err);
}

goss_status goss_sampler_create(const goss_images *set, const goss_class_list *classes, const goss_episode_spec *spec,
                                goss_sampler **out, goss_error *err) {
    *out = NULL;
    goss_sampler *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a sampler");
    s->set = set, s->spec = *spec, s->format = goss_images_format(set);
    goss_status status = prepare(s, classes, err);
    if (status == GOSS_OK)
        *out = s;
    else
        goss_sampler_destroy(s);
    return status;
}

void goss_sampler_destroy(goss_sampler *s) {
    if (!s) return;
    goss__image_warp_free(&s->warp);
    goss__arena_free(&s->arena);
    goss__free(s);
}

goss_episode_limits goss_sampler_limits(const goss_sampler *s) { return s->limits; }
goss_episode_spec goss_sampler_spec(const goss_sampler *s) { return s->spec; }
const goss_images *goss_sampler_images(const goss_sampler *s) { return s->set; }

goss_sampler_scope goss_sampler_scope_of(const goss_sampler *s) {
    goss_sampler_scope scope = {.classes = s->count, .several_faces = s->several_faces, .least_ways = s->limits.ways};
    for (int a = 0; a < s->alphabets; a++) {
        int ways = (s->start[a + 1] - s->start[a]) * turns_of(s);
        if (ways < scope.least_ways) scope.least_ways = ways;
    }
    return scope;
}

static bool same_spec(const goss_episode_spec *a, const goss_episode_spec *b) {
    return a->ways == b->ways && a->shots == b->shots && a->queries == b->queries && a->min_shots == b->min_shots &&
           a->rotations == b->rotations && a->one_alphabet == b->one_alphabet &&
           a->distinct_faces == b->distinct_faces && a->augment == b->augment && a->elastic == b->elastic &&
           a->mirror == b->mirror && a->seed == b->seed;
}

/* Drawings are chosen by index in the set: equal names at equal indices are equal drawings. */
bool goss__sampler_same(const goss_sampler *a, const goss_sampler *b) {
    if (!same_spec(&a->spec, &b->spec) || a->count != b->count || a->alphabets != b->alphabets) return false;
    if (a->set == b->set) return memcmp(a->classes, b->classes, (size_t)a->count * sizeof *a->classes) == 0;
    if (goss_images_count(a->set) != goss_images_count(b->set)) return false;
    for (int i = 0; i < a->count; i++) {
        int first[2], count[2];
        if (a->classes[i] != b->classes[i]) return false;
        goss_images_class_range(a->set, a->classes[i], &first[0], &count[0]);
        goss_images_class_range(b->set, b->classes[i], &first[1], &count[1]);
        if (first[0] != first[1] || count[0] != count[1]) return false;
        for (int k = first[0]; k < first[0] + count[0]; k++)
            if (strcmp(goss_images_name(a->set, k), goss_images_name(b->set, k)) != 0) return false;
    }
    return true;
}

/* ---- drawing ---- */

/* `want` random drawings of a class among those whose face is (or is not) one of the support's; 2: among all. */
static void pick(goss_sampler *s, int first, int count, int support, int want, int32_t *out, goss__rng *rng) {
    uint32_t n = 0;
    for (int i = first; i < first + count; i++)
        if (support == 2 || s->face_support[s->local_face[i]] == support) s->drawings[n++] = (uint32_t)i;
    goss__rng_shuffle(rng, s->drawings, n, (uint32_t)want);
    for (int i = 0; i < want; i++) out[i] = (int32_t)s->drawings[i];
}

/* Chooses faces in random order until they hold enough drawings for the support set. */
static void choose_faces(goss_sampler *s, int first, int count, int faces, int shots, goss__rng *rng) {
    for (int f = 0; f < faces; f++) s->face_order[f] = (uint32_t)f, s->face_support[f] = 0;
    goss__rng_shuffle(rng, s->face_order, (uint32_t)faces, (uint32_t)faces);
    for (int f = 0, have = 0; have < shots; f++) {
        s->face_support[s->face_order[f]] = 1;
        for (int i = first; i < first + count; i++) have += s->local_face[i] == (int32_t)s->face_order[f];
    }
}

/* Into s->chosen: the shots, then the queries. */
static void choose_drawings(goss_sampler *s, int index, int shots, goss__rng *rng) {
    int first, count, queries = s->spec.queries;
    goss_images_class_range(s->set, s->classes[index], &first, &count);
    if (!s->spec.distinct_faces || s->faces[index] < 2) {
        pick(s, first, count, 2, shots + queries, s->chosen, rng);
        return;
    }
    choose_faces(s, first, count, s->faces[index], shots, rng);
    pick(s, first, count, 1, shots, s->chosen, rng);
    pick(s, first, count, 0, queries, s->chosen + shots, rng);
}

/* The classes of the episode into the front of s->pool, as class index * turns + turn. */
static int choose_classes(goss_sampler *s, goss__rng *rng) {
    int group = s->alphabets > 1 ? (int)goss__rng_below(rng, (uint32_t)s->alphabets) : 0, turns = turns_of(s);
    uint32_t from = (uint32_t)(s->start[group] * turns), n = (uint32_t)(s->start[group + 1] * turns) - from;
    uint32_t ways = n < (uint32_t)s->spec.ways ? n : (uint32_t)s->spec.ways;
    for (uint32_t i = 0; i < n; i++) s->pool[i] = from + i;
    goss__rng_shuffle(rng, s->pool, n, ways);
    return (int)ways;
}

/* One half of the episode (support set or queries) while it is filled. */
typedef struct half {
    uint64_t tag; /* of its random streams */
    int count;
    float *images, *targets;
    int32_t *labels, *ids;
} half;

static void place(goss_sampler *s, half *h, const int32_t *chosen, int n, int label, int turns) {
    for (int i = 0; i < n; i++, h->count++) {
        uint64_t stream[2] = {h->tag, (uint64_t)h->count};
        if (h->labels) h->labels[h->count] = label;
        if (h->targets) h->targets[h->count] = (float)label;
        if (h->ids) h->ids[h->count] = chosen[i];
        if (!h->images) continue;
        goss__image_warp_emit(&s->warp, chosen[i], turns, goss__hash64(stream, sizeof stream, 0),
                              h->images + (size_t)h->count * s->limits.image);
    }
}

/* Writes labels as numbers as well where the caller gave a buffer. */
static void draw(goss_sampler *s, uint64_t k, goss_episode *e, float *support_target, float *query_target) {
    goss__rng rng = goss__rng_make(s->spec.seed, k);
    half support = {2 * k, 0, e->support_images, support_target, e->support_labels, e->support_ids};
    half query = {2 * k + 1, 0, e->query_images, query_target, e->query_labels, e->query_ids};
    e->ways = choose_classes(s, &rng);
    for (int w = 0; w < e->ways; w++) {
        int index = (int)s->pool[w] / turns_of(s), turns = (int)s->pool[w] % turns_of(s), shots = s->spec.shots;
        if (s->spec.min_shots > 0)
            shots = s->spec.min_shots + (int)goss__rng_below(&rng, (uint32_t)(shots - s->spec.min_shots + 1));
        if (e->classes) e->classes[w] = s->classes[index];
        if (e->turns) e->turns[w] = turns;
        choose_drawings(s, index, shots, &rng);
        place(s, &support, s->chosen, shots, w, turns);
        place(s, &query, s->chosen + shots, s->spec.queries, w, turns);
    }
    e->supports = support.count, e->queries = query.count;
}

void goss_sampler_draw(goss_sampler *s, uint64_t k, goss_episode *e) { draw(s, k, e, NULL, NULL); }

/* ---- as a task source ---- */

static void draw_task(const goss_task_source *source, uint64_t k, goss_task *task) {
    goss_episode e = {.support_images = task->support,
                      .query_images = task->query,
                      .support_ids = task->support_rows,
                      .query_ids = task->query_rows};
    draw(source->context, k, &e, task->support_target, task->query_target);
    task->supports = e.supports, task->queries = e.queries, task->outputs = e.ways;
    task->id = -1;
}

static goss_task_spec spec_of(const goss_image_format *f, goss_episode_limits limits) {
    return (goss_task_spec){.input_rank = 3,
                            .input = {f->height, f->width, f->channels},
                            .outputs = limits.ways,
                            .supports = limits.supports,
                            .queries = limits.queries};
}

goss_task_source goss_sampler_source(goss_sampler *s) {
    return (goss_task_source){.spec = spec_of(&s->format, s->limits), .context = s, .draw = draw_task};
}

static void draw_images(const goss_task_source *source, uint64_t k, goss_task *task) {
    const goss_images *set = source->context;
    (void)k;
    task->supports = goss_images_count(set), task->queries = 0, task->outputs = goss_images_classes(set);
    task->id = -1;
    for (int i = 0; i < task->supports; i++) {
        if (task->support) goss_images_get(set, i, task->support + (size_t)i * goss_task_input_size(&source->spec));
        if (task->support_target) task->support_target[i] = (float)goss_images_class_of(set, i);
        if (task->support_rows) task->support_rows[i] = i;
    }
}

goss_task_source goss__images_task(const goss_images *set) {
    goss_image_format f = goss_images_format(set);
    goss_episode_limits limits = {.ways = goss_images_classes(set), .supports = goss_images_count(set)};
    return (goss_task_source){.spec = spec_of(&f, limits), .context = (void *)set, .draw = draw_images, .tasks = 1};
}
