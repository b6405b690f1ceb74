/* SPDX-License-Identifier: Apache-2.0 */
/* random_shrink.h: a program that shows what is wrong, cut down while it still does: fewer runs, outputs,
 * assignments and steps, smaller counts. */
#ifndef GOSS_RANDOM_SHRINK_H
#define GOSS_RANDOM_SHRINK_H

#include "random_compare.h"

enum { RP_PREPARE = -1 }; /* in place of a comparison: the program's own results are wrong */

typedef struct rp_shrinking {
    rp_program now, next;
    int comparison;
    char kind[8]; /* how the text of RP_PREPARE begins */
    int left;     /* programs that may still be tried */
} rp_shrinking;

static bool rp_fails(const rp_program *p, int comparison, const char *kind, char *text, size_t size) {
    rp_case c = {.p = p};
    const bool ready = rp_prepare(&c);
    const bool failed = comparison == RP_PREPARE ? !ready && (!kind || strncmp(c.text, kind, strlen(kind)) == 0)
                                                 : ready && !rp_check(&c, comparison);
    if (failed && text) snprintf(text, size, "%s", c.text);
    rp_case_free(&c);
    return failed;
}

/* Takes `next` if it still fails. */
static bool rp_accept(rp_shrinking *s) {
    if (s->left-- <= 0 || s->next.n_out + s->next.n_updates == 0 ||
        !rp_fails(&s->next, s->comparison, s->kind, NULL, 0)) {
        s->next = s->now;
        return false;
    }
    s->now = s->next;
    return true;
}

static void rp_remove(int *list, int *n, int at) {
    memmove(list + at, list + at + 1, (size_t)(--*n - at) * sizeof *list);
}

/* Leaves out what nothing needs. */
static void rp_compact(rp_program *p) {
    bool live[RP_STEPS] = {false};
    int to[RP_STEPS], n = 0;
    for (int i = 0; i < p->n_out; i++) live[p->out[i]] = true;
    for (int i = 0; i < p->n_updates; i++) live[p->update[i]] = true;
    for (int i = p->n_steps; i-- > 0;)
        for (int k = 0; live[i] && k < p->step[i].n_in; k++) live[p->step[i].in[k]] = true;
    for (int i = 0; i < p->n_steps; i++) {
        if (!live[i]) continue;
        rp_step s = p->step[i];
        for (int k = 0; k < s.n_in; k++) s.in[k] = to[s.in[k]];
        p->bf16[n] = p->bf16[i], p->step[n] = s, to[i] = n++;
    }
    for (int i = 0; i < p->n_out; i++) p->out[i] = to[p->out[i]];
    for (int i = 0; i < p->n_updates; i++) p->update[i] = to[p->update[i]];
    p->n_steps = n;
}

static bool rp_drop_ends(rp_shrinking *s) {
    bool less = false;
    if (s->now.n_runs > 1) s->next.n_runs = 1, less |= rp_accept(s);
    for (int i = s->now.n_out; i-- > 0;) {
        rp_remove(s->next.out, &s->next.n_out, i);
        less |= rp_accept(s);
    }
    for (int i = s->now.n_updates; i-- > 0;) {
        rp_remove(s->next.update, &s->next.n_updates, i);
        less |= rp_accept(s);
    }
    return less;
}

/* What reads step i reads its operand of the same shape instead. */
static bool rp_bypass(rp_shrinking *s, int i) {
    const rp_step *step = &s->now.step[i];
    for (int k = 0; k < step->n_in; k++) {
        const rp_step *operand = &s->now.step[step->in[k]];
        if (!goss_shape_equal(operand->shape, step->shape) || operand->index != step->index) continue;
        for (int j = i + 1; j < s->next.n_steps; j++)
            for (int q = 0; q < s->next.step[j].n_in; q++)
                if (s->next.step[j].in[q] == i) s->next.step[j].in[q] = step->in[k];
        for (int j = 0; j < s->next.n_out; j++)
            if (s->next.out[j] == i) s->next.out[j] = step->in[k];
        if (rp_accept(s)) return true;
    }
    return false;
}

static bool rp_drop_steps(rp_shrinking *s) {
    bool less = false;
    rp_compact(&s->next);
    rp_accept(s);
    for (int i = s->now.n_steps; i-- > 0;) {
        rp_step *step = &s->next.step[i];
        if (i >= s->now.n_steps || rp_is_leaf(step) || step->op->row == RP_NO_VALUE) continue;
        if (rp_bypass(s, i)) {
            less = true;
        } else { /* numbers in its place */
            *step = (rp_step){.op = &rp_op_input,
                              .shape = step->shape,
                              .index = step->index,
                              .range = step->range,
                              .crisp = step->crisp,
                              .fill = step->crisp ? RP_COARSE : RP_UNIFORM,
                              .tasks = step->tasks,
                              .attr = {1000 + i + s->left}};
            less |= rp_accept(s);
        }
    }
    rp_compact(&s->next);
    rp_accept(s);
    return less;
}

static bool rp_drop_counts(rp_shrinking *s) {
    bool less = false;
    for (int i = 0; i < RP_SYMBOLS; i++)
        for (int64_t n = 1; n < s->now.maximum[i]; n++) {
            s->next.maximum[i] = n < 2 ? 2 : n;
            for (int r = 0; r < RP_RUNS; r++)
                if (s->next.count[r][i] > n) s->next.count[r][i] = n;
            const bool same = s->next.maximum[i] == s->now.maximum[i] && s->next.count[0][i] == s->now.count[0][i];
            if (same) s->next = s->now;
            if (!same && rp_accept(s)) {
                less = true;
                break;
            }
        }
    return less;
}

static void rp_shrink(rp_program *p, int comparison, const char *text) {
    rp_shrinking *s = calloc(1, sizeof *s);
    s->now = s->next = *p;
    s->comparison = comparison, s->left = 3000;
    snprintf(s->kind, sizeof s->kind, "%.5s", text);
    for (bool less = true; less;) {
        less = rp_drop_ends(s);
        less |= rp_drop_steps(s);
        less |= rp_drop_counts(s);
    }
    *p = s->now;
    free(s);
}

/* For those who are to mend it. */
static void rp_print(const rp_program *p) {
    goss_val v[RP_STEPS];
    goss_graph *g = rp_build(p, p->maximum, 0, v);
    char *text = goss_graph_text(g);
    printf("%s", text);
    for (int i = 0; i < p->n_out; i++) printf("output %d: %%%u\n", i, (unsigned)v[p->out[i]].id);
    for (int i = 0; i < p->n_updates; i++) printf("update %d: %%%u\n", i, (unsigned)v[p->update[i]].id);
    for (int i = 0; i < p->n_steps; i++)
        if (p->bf16[i]) printf("bfloat16: w%d\n", (int)p->step[i].attr[0]);
    for (int r = 0; r < p->n_runs; r++) {
        printf("run %d:", r);
        for (int i = 0; i < RP_SYMBOLS; i++)
            printf(" %s = %lld of %lld", rp_symbol[i], (long long)p->count[r][i], (long long)p->maximum[i]);
        printf("\n");
    }
    goss_text_free(text);
    goss_graph_free(g);
}
#endif
