/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product in double: against plain loops, and the same bits from every variant. */
#include "kernel_check.h"

enum { SIDE = 30, DEPTH = 600 };

typedef struct sizes {
    int64_t m, n, k;
    bool ta, tb, add;
    double factor;
} sizes;

static double a[SIDE * DEPTH], b[SIDE * DEPTH], first[SIDE * (SIDE + 3)];

/* C has rows of n + 3 numbers, of which 3 belong to nobody. */
static void multiply(const goss__kernels *k, const sizes *s, double *c) {
    check_scratch x = scratch_new(GOSS__PRODUCT_SCRATCH);
    const goss__product p = {.m = s->m,
                             .n = s->n,
                             .k = s->k,
                             .a = a,
                             .a_row = s->ta ? 1 : s->k,
                             .a_step = s->ta ? s->m : 1,
                             .b = b,
                             .b_step = s->tb ? 1 : s->n,
                             .b_col = s->tb ? s->k : 1,
                             .c = c,
                             .ldc = s->n + 3,
                             .factor = s->factor,
                             .add = s->add};
    memcpy(c, first, sizeof first);
    k->product(&p, x.p);
    T_CHECK(scratch_free(&x));
}

static void compare(const goss__kernels *k, const sizes *s) {
    static double c[SIDE * (SIDE + 3)], generic[SIDE * (SIDE + 3)];
    T_NOTE("%s: %d x %d x %d, transposed %d %d, add %d", k->name, (int)s->m, (int)s->n, (int)s->k, s->ta, s->tb,
           s->add);
    multiply(k, s, c);
    multiply(goss__kernels_find("generic"), s, generic);
    T_CHECK(memcmp(c, generic, sizeof c) == 0);
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < s->n + 3; j++) {
            double sum = 0;
            const double before = first[i * (s->n + 3) + j];
            for (int64_t p = 0; p < s->k && j < s->n; p++)
                sum += a[s->ta ? p * s->m + i : i * s->k + p] * b[s->tb ? j * s->k + p : p * s->n + j];
            if (j < s->n)
                T_NEAR(c[i * (s->n + 3) + j], s->factor * sum + (s->add ? before : 0), 1e-14 * DEPTH);
            else
                T_CHECK(c[i * (s->n + 3) + j] == before);
        }
}

static void check_product(const goss__kernels *k) {
    static const int64_t sides[] = {1, 2, 3, 5, 8, 9, 17, 24, 25, SIDE}, depths[] = {0, 1, 7, 256, 257, DEPTH};
    for (int i = 0; i < SIDE * DEPTH; i++) a[i] = (double)check_random(), b[i] = (double)check_random();
    for (int i = 0; i < SIDE * (SIDE + 3); i++) first[i] = (double)check_random();
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++)
            for (int d = 0; d < 6; d++) {
                const int way = i + 3 * j + 5 * d;
                const sizes s = {sides[i], sides[j], depths[d], way & 1, way & 2, way & 4, way & 8 ? -1 : 1};
                compare(k, &s);
            }
}
EACH_VARIANT(products, check_product)

TEST_MAIN()
