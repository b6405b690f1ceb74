/* SPDX-License-Identifier: Apache-2.0 */
/* logistic.c: multinomial logistic regression by L-BFGS: the steps' curvature is estimated from the last changes of
 * the point and of the gradient (Liu and Nocedal 1989; two loops: Nocedal and Wright 2006, algorithm 7.4), and a step
 * is halved until the loss falls enough (Armijo). The loss is convex. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"
#include "baseline/fitted.h"

enum { KEPT = 10, MOST_STEPS = 300, MOST_HALVINGS = 30 };
#define FLAT 1e-5 /* of a gradient, per row */

typedef struct problem {
    const goss_rows *rows;
    int width, classes;
    double slope;
    size_t size; /* of w */
    double *p;   /* [rows, classes] */
} problem;

/* Loss at w, and its gradient g. */
static double loss(const problem *q, const double *w, double *g) {
    const int stride = 1 + q->width;
    double sum = 0;
    goss__linear(w, q->width, q->classes, true, q->rows, q->p);
    memset(g, 0, q->size * sizeof *g);
    for (int i = 0; i < q->rows->n; i++) {
        const double *x = q->rows->x + (size_t)i * (size_t)q->width;
        double *p = q->p + (size_t)i * (size_t)q->classes;
        const int y = (int)q->rows->y[i];
        sum -= log(fmax(p[y], 1e-300));
        p[y] -= 1;
        for (int c = 0; c < q->classes; c++) {
            double *own = g + (size_t)c * (size_t)stride;
            own[0] += p[c];
            for (int j = 0; j < q->width; j++) own[1 + j] += p[c] * x[j];
        }
    }
    for (int c = 0; c < q->classes; c++)
        for (int j = 1; j < stride; j++) {
            const double v = w[(size_t)c * (size_t)stride + (size_t)j];
            sum += q->slope * v * v / 2;
            g[(size_t)c * (size_t)stride + (size_t)j] += q->slope * v;
        }
    return sum;
}

typedef struct memory {
    double *w, *g, *next, *next_g, *direction; /* [size] each */
    double *s[KEPT], *y[KEPT], rho[KEPT];      /* changes of w and g, newest at (n - 1) % KEPT */
    int n;
    double *all;
} memory;

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void find_direction(memory *m, size_t size) {
    double alpha[KEPT], *d = m->direction;
    const int kept = m->n < KEPT ? m->n : KEPT;
    for (size_t i = 0; i < size; i++) d[i] = -m->g[i];
    for (int k = m->n - 1; k >= m->n - kept; k--) {
        const int at = k % KEPT;
        alpha[at] = m->rho[at] * dot(m->s[at], d, size);
        for (size_t i = 0; i < size; i++) d[i] -= alpha[at] * m->y[at][i];
    }
    const int last = (m->n - 1) % KEPT;
    const double scale =
        m->n ? 1 / (m->rho[last] * dot(m->y[last], m->y[last], size)) : 1 / fmax(sqrt(dot(m->g, m->g, size)), 1e-300);
    for (size_t i = 0; i < size; i++) d[i] *= scale;
    for (int k = m->n - kept; k < m->n; k++) {
        const int at = k % KEPT;
        const double beta = m->rho[at] * dot(m->y[at], d, size);
        for (size_t i = 0; i < size; i++) d[i] += (alpha[at] - beta) * m->s[at][i];
    }
}

/* Moves w, g and *value; false: no step lowers the loss any more. */
static bool step(const problem *q, memory *m, double *value) {
    const double slope = dot(m->g, m->direction, q->size);
    double length = 1, reached = INFINITY;
    for (int k = 0; k < MOST_HALVINGS; k++, length /= 2) {
        for (size_t i = 0; i < q->size; i++) m->next[i] = m->w[i] + length * m->direction[i];
        reached = loss(q, m->next, m->next_g);
        if (reached <= *value + 1e-4 * length * slope) break;
    }
    if (!(slope < 0) || !(reached < *value)) return false;
    const int at = m->n % KEPT;
    for (size_t i = 0; i < q->size; i++) m->s[at][i] = m->next[i] - m->w[i], m->y[at][i] = m->next_g[i] - m->g[i];
    const double curvature = dot(m->s[at], m->y[at], q->size);
    if (curvature > 0) m->rho[at] = 1 / curvature, m->n++;
    memcpy(m->w, m->next, q->size * sizeof *m->w), memcpy(m->g, m->next_g, q->size * sizeof *m->g);
    *value = reached;
    return true;
}

static bool is_flat(const problem *q, const double *g) {
    double most = 0;
    for (size_t i = 0; i < q->size; i++) most = fmax(most, fabs(g[i]));
    return most <= FLAT * q->rows->n;
}

static goss_status allocate(problem *q, memory *m, goss_error *err) {
    const size_t arrays = 4 + 2 * KEPT;
    m->all = goss__calloc(arrays * q->size + (size_t)q->rows->n * (size_t)q->classes, sizeof *m->all);
    if (!m->all) return goss_error_set(err, GOSS_E_NOMEM, "no memory to fit %d rows", q->rows->n);
    double *at = m->all;
    double **const first[] = {&m->g, &m->next, &m->next_g, &m->direction};
    for (int i = 0; i < 4; i++, at += q->size) *first[i] = at;
    for (int k = 0; k < KEPT; k++, at += 2 * q->size) m->s[k] = at, m->y[k] = at + q->size;
    q->p = at;
    return GOSS_OK;
}

goss_status goss__logistic_fit(const goss_rows *rows, int width, int classes, double slope, double *w,
                               goss_error *err) {
    problem q = {rows, width, classes, slope, (size_t)classes * (size_t)(1 + width), NULL};
    memory m = {.w = w};
    GOSS_TRY(allocate(&q, &m, err));
    double value = loss(&q, w, m.g);
    for (int k = 0; k < MOST_STEPS && !is_flat(&q, m.g); k++) {
        find_direction(&m, q.size);
        if (!step(&q, &m, &value)) break;
    }
    goss__free(m.all);
    return GOSS_OK;
}
