/* SPDX-License-Identifier: Apache-2.0 */
/* glyph_distinct.c: drops characters that look like another, within a script and across scripts (Latin A, Greek Alpha,
 * Cyrillic A): as two classes of one episode they would be one drawing with two labels.
 *
 * Each character is drawn small by its reference font, all to the same size, and slightly blurred. Two are the same
 * when their squared distance is a small part of their energy. The sums over 4 x 4 cells give a lower bound of that
 * distance (Jensen), which decides nearly all pairs. */
#include "data/glyph_set.h"

#include "goss_config.h"

#if GOSS_HAVE_FREETYPE
#include <string.h>

#include "base/alloc.h"

enum { SIDE = 24, PIXELS = SIDE * SIDE, CELLS = 16, CELL = PIXELS / CELLS };
/* Of the two energies' sum: 0 is equal, 1 is no overlap. At the limit two letters differ by a dot or a short stroke,
 * which the jitter of the drawings drowns. */
static const float SAME = 0.06f;

typedef struct print {
    float ink[PIXELS], cell[CELLS], energy;
} print;

typedef struct job {
    goss__glyph_set *set;
    print *prints;
    const int *first; /* print of a script's first character */
} job;

static void blur(const uint8_t *in, float *out) {
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float sum = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    int v = y + dy, u = x + dx;
                    if (v >= 0 && u >= 0 && v < SIDE && u < SIDE) sum += in[v * SIDE + u];
                }
            out[y * SIDE + x] = sum / (9 * 255);
        }
}

static void make_print(const uint8_t *ink, print *p) {
    blur(ink, p->ink);
    memset(p->cell, 0, sizeof p->cell);
    p->energy = 0;
    for (int i = 0; i < PIXELS; i++) {
        int y = i / SIDE / (SIDE / 4), x = i % SIDE / (SIDE / 4);
        p->cell[y * 4 + x] += p->ink[i];
        p->energy += p->ink[i] * p->ink[i];
    }
}

static goss_status print_script(const goss__glyph_script *s, print *prints, goss_error *err) {
    goss__glyph_pen *pen;
    GOSS_TRY(goss__glyph_pen_open(s, &pen, err));
    goss_status status = GOSS_OK;
    for (int i = 0; i < s->code_count && status == GOSS_OK; i++) {
        uint8_t ink[PIXELS];
        goss__glyph_style plain = {0};
        status = goss__glyph_pen_draw(pen, 0, s->codes[i], SIDE, 0.85f, &plain, ink, err);
        if (status == GOSS_OK) make_print(ink, &prints[i]);
    }
    goss__glyph_pen_close(pen);
    return status;
}

static void print_one(void *ctx, int64_t i, int worker) {
    job *j = ctx;
    goss__glyph_script *s = &j->set->scripts[i];
    s->status = print_script(s, j->prints + j->first[i], &s->error);
}

static bool same(const print *a, const print *b) {
    float limit = SAME * (a->energy + b->energy), sum = 0;
    for (int i = 0; i < CELLS; i++) sum += (a->cell[i] - b->cell[i]) * (a->cell[i] - b->cell[i]);
    if (sum / CELL > limit) return false;
    sum = 0;
    for (int i = 0; i < PIXELS; i++) sum += (a->ink[i] - b->ink[i]) * (a->ink[i] - b->ink[i]);
    return sum <= limit;
}

/* Goes through all characters in order and keeps those that are like none kept before; the prints kept close ranks. */
static void keep_distinct(job *j, int most) {
    int kept = 0;
    for (int k = 0; k < j->set->count; k++) {
        goss__glyph_script *s = &j->set->scripts[k];
        int n = 0;
        for (int i = 0; i < s->code_count; i++) {
            const print *p = &j->prints[j->first[k] + i];
            bool seen = p->energy == 0;
            for (int q = 0; q < kept && !seen; q++) seen = same(p, &j->prints[q]);
            s->duplicates += seen;
            if (seen) continue;
            if (kept != j->first[k] + i) j->prints[kept] = *p;
            kept++;
            s->codes[n++] = s->codes[i];
        }
        s->code_count = n;
        if (n <= most) continue;
        for (int i = 0; i < most; i++) s->codes[i] = s->codes[(int64_t)i * n / most];
        s->code_count = most;
    }
}

goss_status goss__glyph_distinct(goss__glyph_set *set, int most, goss__pool *pool, goss_error *err) {
    int *first = goss__calloc((size_t)set->count + 1, sizeof *first);
    if (!first) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d scripts", set->count);
    for (int k = 0; k < set->count; k++) first[k + 1] = first[k] + set->scripts[k].code_count;
    job j = {set, goss__alloc((size_t)first[set->count] * sizeof(print)), first};
    goss_status status = j.prints ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to compare characters");
    if (status == GOSS_OK) goss__pool_run(pool, set->count, print_one, &j);
    for (int k = 0; k < set->count && status == GOSS_OK; k++) {
        status = set->scripts[k].status;
        if (status != GOSS_OK && err) *err = set->scripts[k].error;
    }
    if (status == GOSS_OK) keep_distinct(&j, most);
    goss__free(j.prints);
    goss__free(first);
    return status;
}
#endif
