/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c: time by operation and by phase as text, from the records of profile_note.c. */
#include "runtime/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "runtime/exec.h"

/* ---- sums ---- */

typedef struct row {
    const char *name;
    const char *scope; /* scope of the slowest one */
    char shape[GOSS__SHAPE_TEXT];
    double seconds, flops, bytes, slowest;
    int64_t calls;
} row;

/* Instruction k, per run. */
static row measured(const goss_exec *e, uint32_t k) {
    const goss_schedule *p = e->schedule;
    const goss__value *v = e->steps[k].value;
    const double runs = e->profile->runs;
    row r = {.name = v->op->name, .scope = v->node->scope, .calls = 1};
    goss__shape_text(&p->symbols, &v->node->shape, r.shape, sizeof r.shape);
    for (int t = 0; t < e->n_threads; t++) r.seconds += e->profile->seconds[(size_t)t * p->n_instrs + k] / runs;
    r.slowest = r.seconds;
    r.flops = e->profile->work[k].flops / runs, r.bytes = e->profile->work[k].bytes / runs;
    return r;
}

static void join(row *to, const row *r) {
    to->seconds += r->seconds, to->flops += r->flops, to->bytes += r->bytes, to->calls++;
    if (r->slowest > to->slowest) to->slowest = r->slowest, to->scope = r->scope;
}

static int slower_first(const void *a, const void *b) {
    const row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

/* Instructions, with those of bodies. */
static size_t count_instrs(const goss_exec *e) {
    size_t n = e->schedule->n_instrs;
    for (uint32_t k = 0; k < e->schedule->n_instrs; k++)
        if (e->steps[k].body) n += count_instrs(e->steps[k].body);
    return n;
}

/* Sums instructions of equal operation and shape into n rows; returns the seconds. A scan's row has only what is
 * outside its body: copies in and out. */
static double collect(const goss_exec *e, row *rows, size_t *n) {
    double sum = 0;
    for (uint32_t k = e->schedule->n_const; k < e->schedule->n_instrs; k++) {
        row r = measured(e, k);
        size_t i = 0;
        if (e->steps[k].value->result_of >= 0) continue; /* part of the scan */
        sum += r.seconds;
        if (e->steps[k].body) r.slowest = r.seconds -= collect(e->steps[k].body, rows, n);
        while (i < *n && (strcmp(rows[i].name, r.name) != 0 || strcmp(rows[i].shape, r.shape) != 0)) i++;
        if (i < *n)
            join(&rows[i], &r);
        else
            rows[(*n)++] = r;
    }
    return sum;
}

/* ---- text ---- */

static void put_rates(goss__str *s, double seconds, double flops, double bytes, const goss_machine *m) {
    const double t = seconds + 1e-12;
    goss__str_addf(s, "%9.1f", flops / t * 1e-9);
    if (m) goss__str_addf(s, " %5.1f %%", 100 * flops / t / m->flops);
    goss__str_addf(s, " %7.1f", bytes / t * 1e-9);
    if (m) goss__str_addf(s, " %5.1f %%", 100 * bytes / t / m->bytes);
}

static void put_heading(goss__str *s, const char *first, const goss_machine *m, const char *last) {
    goss__str_addf(s, "\n%-10s %6s   %9s%s %7s%s  %s\n", first, "share", "GFLOP/s", m ? " of peak" : "", "GB/s",
                   m ? " of copy" : "", last);
}

static void put_operations(goss__str *s, const row *rows, size_t n, double total, const goss_machine *machine) {
    goss_machine one;
    if (machine) /* the seconds of an operation are those of one thread */
        one = (goss_machine){1, machine->flops / machine->threads, machine->bytes / machine->threads};
    put_heading(s, "operation", machine, "times, operation, shape, where");
    for (size_t i = 0; i < n; i++) {
        goss__str_addf(s, "%7.3f ms %5.1f %% ", rows[i].seconds * 1e3, 100 * rows[i].seconds / (total > 0 ? total : 1));
        put_rates(s, rows[i].seconds, rows[i].flops, rows[i].bytes, machine ? &one : NULL);
        goss__str_addf(s, "  %lld x %s %s%s%s\n", (long long)rows[i].calls, rows[i].name, rows[i].shape,
                       rows[i].scope[0] ? "  # " : "", rows[i].scope);
    }
}

/* How the last run divided a phase: into parts of its only operation, or groups of units; or not. */
static void put_division(goss__str *s, const goss__phase_run *run) {
    if (run->parts > 1)
        goss__str_addf(s, ", in %d parts", run->parts);
    else if (run->parallel)
        goss__str_addf(s, ", in %lld groups", (long long)run->groups);
    else
        goss__str_addf(s, ", on one thread");
}

static void put_phase(goss__str *s, const goss_exec *e, uint32_t f, double wall, const goss_machine *m) {
    const goss_schedule *p = e->schedule;
    const goss__phase *ph = &p->phases[f];
    const goss__phase_run *run = &e->phase_runs[f];
    const double seconds = e->profile->phase_wall[f] / e->profile->runs;
    row sum = {0};
    double passed = 0;
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const row r = measured(e, k);
        join(&sum, &r);
        passed += e->profile->work[k].passed / e->profile->runs;
        if (r.slowest == sum.slowest) sum.name = r.name;
    }
    goss__str_addf(s, "%7.3f ms %5.1f %% ", seconds * 1e3, 100 * seconds / (wall > 0 ? wall : 1));
    put_rates(s, seconds, sum.flops, passed, m);
    goss__str_addf(s, "  %u: %lld items by %lld", f, (long long)run->items, (long long)run->unit);
    put_division(s, run);
    goss__str_addf(s, "; %lld operations, most: %s%s%s\n", (long long)sum.calls, sum.name ? sum.name : "none",
                   sum.scope && sum.scope[0] ? "  # " : "", sum.scope ? sum.scope : "");
}

static void put_all(goss__str *s, const goss_exec *e, const row *rows, size_t n, const goss_machine *m) {
    const double wall = e->profile->wall / e->profile->runs;
    double total = 0;
    for (size_t i = 0; i < n; i++) total += rows[i].seconds;
    goss__str_addf(s, "%.3f ms a run (mean of %d), %.3f ms in operations over %d threads\n", wall * 1e3,
                   e->profile->runs, total * 1e3, e->n_threads);
    if (m)
        goss__str_addf(s, "machine: %.1f GFLOP/s (%s), %.1f GB/s read and written by copies\n", m->flops * 1e-9,
                       e->kernels->name, m->bytes * 1e-9);
    put_operations(s, rows, n, total, m);
    put_heading(s, "phase", m, "number: items by unit, division (of the last run); operations");
    for (uint32_t f = 0; f < e->schedule->n_phases; f++) put_phase(s, e, f, wall, m);
}

char *goss_profile_text(const goss_exec *e, const goss_machine *machine) {
    if (!e->profile || e->profile->runs == 0) return NULL;
    goss__str s = {0};
    size_t n = 0;
    row *rows = goss__calloc(count_instrs(e) + 1u, sizeof *rows);
    if (!rows) return NULL;
    (void)collect(e, rows, &n);
    qsort(rows, n, sizeof *rows, slower_first);
    put_all(&s, e, rows, n, machine);
    goss__free(rows);
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

char *goss_exec_profile(goss_exec *e, int runs, goss_error *err) {
    char *text = NULL;
    goss_machine machine;
    goss_status s = runs > 0 ? goss_machine_measure(e->threads, &machine, err)
                             : goss_error_set(err, GOSS_E_ARGUMENT, "profile: %d runs", runs);
    if (s != GOSS_OK || goss_profile_begin(e, err) != GOSS_OK) return NULL;
    for (int i = 0; i < runs && s == GOSS_OK; i++) s = goss_exec_run(e, err);
    if (s == GOSS_OK && !(text = goss_profile_text(e, &machine)))
        goss_error_set(err, GOSS_E_NOMEM, "profile: out of memory");
    goss_profile_end(e);
    return text;
}
