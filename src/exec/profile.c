/* profile.c: a program as text, and a run's time by operation. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "exec/exec.h"

static const char *const place_names[] = {
    [GOSS__AT_INPUT] = "input",   [GOSS__AT_PARAM] = "param",     [GOSS__AT_CONST] = "const", [GOSS__AT_SHARED] = "shared",
    [GOSS__AT_PRIVATE] = "private", [GOSS__AT_ALIAS] = "alias", [GOSS__AT_VIEW] = "view",   [GOSS__AT_NOWHERE] = "update",
    [GOSS__AT_MERGED] = "merged",
};

static void put_value(goss__str *s, const goss_program *p, uint32_t v) {
    const goss__value *val = &p->values[v];
    char shape[GOSS__SHAPE_TEXT];
    goss__str_addf(s, "  %%%u = %s%s%s %s  %s%s +%zu (", v, val->op->name, val->node->name ? " " : "",
                   val->node->name ? val->node->name : "", goss__shape_text(p->symbols, &val->node->shape, shape, sizeof shape),
                   place_names[val->place], val->partial ? " partial" : "", val->offset);
    for (int i = 0; i < val->n_in; i++) {
        const goss__value *in = &p->values[val->in[i]];
        goss__str_addf(s, "%s%%%u%s", i ? ", " : "", val->in[i], in->place == GOSS__AT_VIEW ? "~" : in->place == GOSS__AT_ALIAS ? "=" : "");
    }
    goss__str_addf(s, ")%s", p->instrs[val->instr].batched ? ", batched" : "");
    if (val->in_place_of >= 0) goss__str_addf(s, ", in place of %s", p->values[val->in_place_of].node->name);
    goss__str_addf(s, "%s%s\n", val->node->scope[0] ? "  # " : "", val->node->scope);
}

char *goss_program_text(const goss_program *p) {
    goss__str s = {0};
    goss__str_addf(&s, "%u values, %u instructions, %u phases; slab %zu, constants %zu, a thread %zu + %zu bytes\n", p->n_values,
                   p->n_instrs, p->n_phases, p->slab_bytes, p->const_bytes, p->private_bytes, p->scratch_bytes);
    for (uint32_t f = 0; f < p->n_phases; f++) {
        const goss__phase *ph = &p->phases[f];
        goss_shape items = goss_shape_make(1, &ph->items);
        char text[GOSS__SHAPE_TEXT];
        goss__str_addf(&s, "phase %u: items %s%s%s\n", f, goss__shape_text(p->symbols, &items, text, sizeof text),
                       ph->parts ? ", in parts" : "", ph->has_partial ? ", slots" : "");
        for (uint32_t k = ph->first; k < ph->first + ph->count; k++) put_value(&s, p, p->instrs[k].value);
    }
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

typedef struct row {
    const char *name;
    char shape[GOSS__SHAPE_TEXT];
    double seconds, flops;
    int calls;
} row;

static int slower_first(const void *a, const void *b) {
    const row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

/* Sums instructions of equal operation and shape into rows. */
static size_t collect(const goss_exec *e, int runs, row *rows) {
    const goss_program *p = e->program;
    size_t n = 0;
    for (uint32_t k = p->n_const; k < p->n_instrs; k++) {
        const goss__value *v = &p->values[p->instrs[k].value];
        row r = {.name = v->op->name, .calls = 1};
        goss__shape_text(p->symbols, &v->node->shape, r.shape, sizeof r.shape);
        for (int t = 0; t < e->n_threads; t++) r.seconds += e->seconds[(size_t)t * p->n_instrs + k] / runs;
        const goss__phase_run *ph = v->phase >= 0 ? &e->phase_runs[v->phase] : NULL;
        const double units = ph ? (double)ph->items / (double)(e->steps[k].batched ? ph->tile : ph->unit) : 1;
        r.flops = (v->op->cost ? v->op->cost(&e->steps[k].shapes[0]) : 0) * units;
        size_t i = 0;
        while (i < n && (strcmp(rows[i].name, r.name) != 0 || strcmp(rows[i].shape, r.shape) != 0)) i++;
        if (i == n)
            rows[n++] = r;
        else
            rows[i].seconds += r.seconds, rows[i].flops += r.flops, rows[i].calls++;
    }
    qsort(rows, n, sizeof *rows, slower_first);
    return n;
}

static char *profile_text(const goss_exec *e, int runs, double wall) {
    goss__str s = {0};
    row *rows = goss__calloc(e->program->n_instrs + 1u, sizeof *rows);
    if (!rows) return NULL;
    size_t n = collect(e, runs, rows);
    double total = 0;
    for (size_t i = 0; i < n; i++) total += rows[i].seconds;
    goss__str_addf(&s, "%.3f ms a run, %.3f ms in operations over %d threads\n", wall * 1e3, total * 1e3, e->n_threads);
    for (size_t i = 0; i < n; i++)
        goss__str_addf(&s, "%8.3f ms %5.1f %% %7.1f GFLOP/s %4d x %-14s %s\n", rows[i].seconds * 1e3,
                       100 * rows[i].seconds / (total > 0 ? total : 1), rows[i].flops / (rows[i].seconds + 1e-12) * 1e-9,
                       rows[i].calls, rows[i].name, rows[i].shape);
    goss__free(rows);
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

char *goss_exec_profile(goss_exec *e, int runs, goss_error *err) {
    char *text = NULL;
    if (runs < 1) {
        goss_error_set(err, GOSS_E_ARGUMENT, "profile: %d runs", runs);
        return NULL;
    }
    e->seconds = goss__calloc((size_t)e->n_threads * e->program->n_instrs + 1, sizeof *e->seconds);
    double start = goss__now();
    goss_status s = e->seconds ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "profile: out of memory");
    for (int i = 0; i < runs && s == GOSS_OK; i++) s = goss_exec_run(e, err);
    if (s == GOSS_OK && !(text = profile_text(e, runs, (goss__now() - start) / runs)))
        goss_error_set(err, GOSS_E_NOMEM, "profile: out of memory");
    goss__free(e->seconds);
    e->seconds = NULL;
    return text;
}
