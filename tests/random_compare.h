/* SPDX-License-Identifier: Apache-2.0 */
/* random_compare.h: what a random program must give however it is compiled and run, and how near where bits may
 * change. */
#ifndef GOSS_RANDOM_COMPARE_H
#define GOSS_RANDOM_COMPARE_H

#include <stdarg.h>

#include "base/disable.h"
#include "rewrite/rewriter.h"
#include "random_ops.h"
#include "random_run.h"

/* A number may be off by
 *
 *     RP_BOUND of the largest number of its tensor, of RP_LEAST where all are smaller,
 *   + RP_SHARE times what noise of RP_NOISE in every step moves the tensor by, in f64: how well it is conditioned,
 *   + RP_SHARE times what that noise moves f32 by otherwise than f64: roundings within gradients, whose terms cancel.
 *
 * The last two come and go with the last digits; an error of a kernel or a pass is the same with noise and without.
 *
 * Crisp numbers are not moved, since decisions may depend on them; but a decision on their mean (a relu behind a norm)
 * may be turned by a rounding. A program that is beyond its bounds is therefore judged once more by noise that moves
 * crisp inputs too; few programs may need that. */
#define RP_BOUND 1e-5
#define RP_HUGE 10 /* times that, where sums are long */
#define RP_LEAST 0.5
#define RP_SHARE 4.0
#define RP_NOISE 2e-7
/* Noise that moves a tensor by so much of its size has turned a decision (a relu, a largest tap): nothing can be asked
 * of it, but that bits stay. */
#define RP_TURNED 1e-3

typedef enum rp_how {
    RP_SAME,     /* every bit, and the program's text */
    RP_BITS,     /* every bit */
    RP_UNLESS,   /* every bit, unless there are sums over items: these are cut otherwise, and near */
    RP_NEAR,     /* to what f64 gives */
    RP_ASSIGNED, /* parameters become what was to be assigned */
    RP_TASK,     /* every bit of each task's rows */
    RP_TASK_NEAR
} rp_how;

typedef struct rp_comparison {
    const char *name;
    rp_setup setup;
    rp_how how;
} rp_comparison;

/* What docs/architecture.md says of a pass. */
static rp_how rp_pass_keeps(const char *name) {
    static const char *const near[] = {"winograd", "fuse-sum", "fuse"}, *const bits[] = {"in-place",   "ranges",
                                                                                         "slots",      "fuse-along",
                                                                                         "fuse-chain", "skip-zeros"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        if (strcmp(name, near[i]) == 0) return RP_NEAR;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (strcmp(name, bits[i]) == 0) return RP_BITS;
    return RP_UNLESS;
}

enum { RP_COMPARISONS = 64 /* bits of rp_case.changed */ };
static rp_comparison rp_comparisons[RP_COMPARISONS];
static int rp_n_comparisons;

static void rp_compare_too(rp_comparison c) {
    if (rp_n_comparisons == RP_COMPARISONS) T_FAIL("no room for the comparison %s", c.name);
    rp_comparisons[rp_n_comparisons++] = c;
}

static void rp_list_comparisons(void) {
    static const char *const passes[] = {
#define PASS(id, name, within, what) name,
        GOSS__PASSES(PASS)
#undef PASS
    };
    if (rp_n_comparisons > 0) return;
    rp_compare_too((rp_comparison){"compiled again", {0}, RP_SAME});
    rp_compare_too((rp_comparison){"f64", {.precision = GOSS_F64}, RP_NEAR});
    rp_compare_too((rp_comparison){"two threads", {.threads = 2}, RP_BITS});
    rp_compare_too((rp_comparison){"three threads", {.threads = 3}, RP_BITS});
    rp_compare_too((rp_comparison){"each run by itself", {.anew = true}, RP_BITS});
    rp_compare_too((rp_comparison){"what is assigned", {.shown = true}, RP_ASSIGNED});
    rp_compare_too((rp_comparison){"memory not planned", {.no_reuse = true, .threads = 2}, RP_BITS});
    rp_compare_too((rp_comparison){"one operation a phase", {.no_tiles = true}, RP_UNLESS});
    rp_compare_too((rp_comparison){"maxima as they run", {.tight = true}, RP_NEAR});
    rp_compare_too((rp_comparison){"each task by itself", {0}, RP_TASK});
    rp_compare_too((rp_comparison){"graphs of one task", {.alone = true}, RP_TASK_NEAR});
    rp_compare_too((rp_comparison){"all passes off", {.off = "all"}, RP_NEAR});
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        rp_compare_too((rp_comparison){passes[i], {.off = passes[i]}, rp_pass_keeps(passes[i])});
    for (int i = 0; goss__rule_name(i); i++)
        rp_compare_too((rp_comparison){goss__rule_name(i), {.off = goss__rule_name(i)}, RP_NEAR});
    for (const char *const *isa = goss__kernels_names(); *isa; isa++)
        if (goss__kernels_find(*isa) && strcmp(*isa, goss_kernel_variant()) != 0)
            rp_compare_too((rp_comparison){*isa, {.isa = *isa}, RP_BITS});
}

/* ---- a program's own results ---- */

typedef struct rp_case {
    const rp_program *p;
    rp_result base, exact, noisy[2], rough[2], other; /* noisy: in f64, rough: in f32 */
    double scale[RP_TENSORS], bound[RP_TENSORS];
    char text[600]; /* what is wrong */
    goss_error err;
    /* for statistics */
    double worst;         /* largest gap as a part of its bound */
    int64_t weak, strong; /* tensors whose bound conditioning made much wider, and the others */
    bool excused;         /* it is within the bounds only if crisp inputs may be off, too */
    uint64_t changed;     /* comparisons whose program was another */
} rp_case;

static void rp_case_free(rp_case *c) {
    rp_result_free(&c->base), rp_result_free(&c->exact), rp_result_free(&c->other);
    for (int k = 0; k < 2; k++) rp_result_free(&c->noisy[k]), rp_result_free(&c->rough[k]);
}

GOSS_PRINTF(2, 3) static bool rp_wrong(rp_case *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, ap);
    va_end(ap);
    return false;
}

static const char *rp_tensor_name(const rp_program *p, int tensor) {
    static char name[80];
    const int each = p->n_out + p->n_updates, i = tensor % each;
    if (i < p->n_out)
        snprintf(name, sizeof name, "run %d, output %d (%s)", tensor / each, i, p->step[p->out[i]].op->name);
    else
        snprintf(name, sizeof name, "run %d, w%d as assigned", tensor / each,
                 (int)p->step[p->step[p->update[i - p->n_out]].in[0]].attr[0]);
    return name;
}

static void rp_set_bound(rp_case *c, int i) {
    double most = RP_LEAST, moved = 0, rough = 0;
    for (int64_t j = c->exact.start[i]; j < c->exact.start[i + 1]; j++) {
        most = fmax(most, fabs(c->exact.v[j]));
        for (int k = 0; k < 2; k++) {
            const double by = c->noisy[k].v[j] - c->exact.v[j];
            moved = fmax(moved, fabs(by));
            rough = fmax(rough, fabs(c->rough[k].v[j] - c->base.v[j] - by));
        }
    }
    const double more = RP_SHARE * (moved + rough), bound = (c->p->huge ? RP_HUGE : 1) * RP_BOUND * most;
    c->scale[i] = most;
    c->bound[i] = moved + rough > RP_TURNED * most ? INFINITY : bound + more;
    c->weak += more > 10 * bound;
    c->strong += more <= 10 * bound;
}

/* The results that others are compared with. False: something is wrong. */
static bool rp_prepare(rp_case *c) {
    const rp_setup base = {0}, exact = {.precision = GOSS_F64};
    if (rp_compute(c->p, &base, &c->base, &c->err) != GOSS_OK) return rp_wrong(c, "f32: %s", c->err.text);
    if (rp_compute(c->p, &exact, &c->exact, &c->err) != GOSS_OK) return rp_wrong(c, "f64: %s", c->err.text);
    for (int k = 0; k < 4; k++) {
        const rp_setup s = {.precision = k < 2 ? GOSS_F64 : GOSS_F32, .noise = RP_NOISE, .pattern = k % 2};
        if (rp_compute(c->p, &s, k < 2 ? &c->noisy[k] : &c->rough[k - 2], &c->err) != GOSS_OK)
            return rp_wrong(c, "with noise: %s", c->err.text);
    }
    for (int64_t j = 0; j < c->exact.n; j++)
        if (!isfinite(c->exact.v[j])) return rp_wrong(c, "f64: a number that is not finite");
    for (int i = 0; i < c->exact.tensors; i++) rp_set_bound(c, i);
    return true;
}

/* ---- comparing ---- */

static bool rp_same_bits(rp_case *c, const rp_result *a) {
    if (a->n != c->base.n || a->tensors != c->base.tensors) return rp_wrong(c, "it has other outputs");
    for (int i = 0; i < a->tensors; i++)
        for (int64_t j = a->start[i]; j < a->start[i + 1]; j++)
            if (memcmp(&a->v[j], &c->base.v[j], sizeof(double)) != 0)
                return rp_wrong(c, "%s, number %lld: %.9g, not %.9g", rp_tensor_name(c->p, i),
                                (long long)(j - a->start[i]), a->v[j], c->base.v[j]);
    return true;
}

/* Tensor i's numbers from `from` on against v. */
static bool rp_near(rp_case *c, int i, int64_t from, const double *v, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        const double exact = c->exact.v[c->exact.start[i] + from + j], gap = fabs(v[j] - exact);
        if (!(gap <= c->bound[i]))
            return rp_wrong(c, "%s, number %lld: %.9g, not %.9g +- %.2g (the largest is %.3g)", rp_tensor_name(c->p, i),
                            (long long)(from + j), v[j], exact, c->bound[i], c->scale[i]);
        c->worst = fmax(c->worst, gap / c->bound[i]);
    }
    return true;
}

static bool rp_all_near(rp_case *c, const rp_result *a) {
    if (a->n != c->exact.n || a->tensors != c->exact.tensors) return rp_wrong(c, "it has other outputs");
    for (int i = 0; i < a->tensors; i++)
        if (!rp_near(c, i, 0, a->v + a->start[i], a->start[i + 1] - a->start[i])) return false;
    return true;
}

/* The same with what noise in crisp inputs moves added to the bounds. */
static bool rp_near_but_for_crisp(rp_case *c, const rp_result *a) {
    double kept[RP_TENSORS];
    memcpy(kept, c->bound, sizeof kept);
    for (int k = 0; k < 2; k++) {
        const rp_setup s = {.precision = GOSS_F64, .noise = RP_NOISE, .pattern = k, .crisp_too = true};
        if (rp_compute(c->p, &s, &c->rough[k], &c->err) != GOSS_OK) return rp_wrong(c, "with noise: %s", c->err.text);
        for (int i = 0; i < c->exact.tensors; i++)
            for (int64_t j = c->exact.start[i]; j < c->exact.start[i + 1]; j++)
                c->bound[i] = fmax(c->bound[i], kept[i] + RP_SHARE * fabs(c->rough[k].v[j] - c->exact.v[j]));
    }
    c->excused = rp_all_near(c, a);
    memcpy(c->bound, kept, sizeof kept);
    return c->excused;
}

/* Rows of one task of what follows tasks, against those of all tasks. */
static bool rp_same_task(rp_case *c, const rp_result *a, int task, bool bits) {
    for (int i = 0; i < c->p->n_out; i++) {
        if (c->p->step[c->p->out[i]].tasks != RP_BY_TASK) continue;
        const int64_t n = a->start[i + 1] - a->start[i], from = task * n;
        if (n * c->p->count[0][0] != c->base.start[i + 1] - c->base.start[i])
            return rp_wrong(c, "%s has other rows", rp_tensor_name(c->p, i));
        if (!bits && !rp_near(c, i, from, a->v + a->start[i], n)) return false;
        for (int64_t j = 0; bits && j < n; j++)
            if (memcmp(&a->v[a->start[i] + j], &c->base.v[c->base.start[i] + from + j], sizeof(double)) != 0)
                return rp_wrong(c, "%s, task %d, number %lld: %.9g, not %.9g", rp_tensor_name(c->p, i), task,
                                (long long)j, a->v[a->start[i] + j], c->base.v[c->base.start[i] + from + j]);
    }
    return true;
}

static bool rp_check_tasks(rp_case *c, const rp_comparison *with) {
    bool any = false;
    for (int i = 0; i < c->p->n_out; i++) any |= c->p->step[c->p->out[i]].tasks == RP_BY_TASK;
    for (int64_t t = 0; any && t < c->p->count[0][0]; t++) {
        rp_setup s = with->setup;
        s.task = 1 + (int)t;
        if (rp_compute(c->p, &s, &c->other, &c->err) != GOSS_OK) return rp_wrong(c, "%s", c->err.text);
        if (!rp_same_task(c, &c->other, (int)t, with->how == RP_TASK)) return false;
    }
    return true;
}

/* Of each run: the values to assign, and behind them the parameters. */
static bool rp_check_assigned(rp_case *c, const rp_result *a) {
    const int n = c->p->n_updates;
    for (int i = 0; i < a->tensors; i++) {
        const int update = i % (2 * n);
        const rp_step *s = &c->p->step[c->p->update[update % n]];
        if (update >= n || s->op != &rp_op_assign) continue;
        const double *value = a->v + a->start[i], *param = a->v + a->start[i + n];
        for (int64_t j = 0; j < a->start[i + 1] - a->start[i]; j++)
            if (memcmp(&value[j], &param[j], sizeof *value) != 0)
                return rp_wrong(c, "run %d, update %d, number %lld: the parameter is %.9g, not %.9g", i / (2 * n),
                                update, (long long)j, param[j], value[j]);
    }
    return true;
}

static bool rp_check(rp_case *c, int comparison) {
    const rp_comparison *with = &rp_comparisons[comparison];
    if (with->how == RP_TASK || with->how == RP_TASK_NEAR) return rp_check_tasks(c, with);
    if (with->how == RP_ASSIGNED && c->p->n_updates == 0) return true;
    if (rp_compute(c->p, &with->setup, &c->other, &c->err) != GOSS_OK) return rp_wrong(c, "%s", c->err.text);
    if (with->how == RP_ASSIGNED) return rp_check_assigned(c, &c->other);
    const bool other_text = strcmp(c->other.text, c->base.text) != 0;
    if (other_text) c->changed |= (uint64_t)1 << comparison;
    if (with->how == RP_SAME && other_text) return rp_wrong(c, "the program has another text");
    if (with->setup.precision == GOSS_F64) return rp_all_near(c, &c->base) || rp_near_but_for_crisp(c, &c->base);
    if (with->how == RP_NEAR || (with->how == RP_UNLESS && (c->base.slots || c->other.slots)))
        return rp_all_near(c, &c->other) || rp_near_but_for_crisp(c, &c->other);
    return rp_same_bits(c, &c->other);
}
#endif
