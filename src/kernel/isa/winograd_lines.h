/* SPDX-License-Identifier: Apache-2.0 */
/* winograd_lines.h: the one-dimensional transforms of Winograd's F(2,3) and F(4,3), over vectors `step` apart.
 *
 * F(m,3) computes m outputs from m + 2 inputs d and three taps g by m + 2 multiplications:
 *
 *     y = A' [ (G g) * (B' d) ]
 *
 * and, transposed, three taps' gradients of m + 2 inputs and m cotangents: G' [ (A y) * (B' d) ]. A filter times a
 * signal is a product of polynomials, found from its values at the points 0, 1, -1 and infinity, with m = 4 at 0, a,
 * -a, b, -b and infinity. There a = NEAR_POINT and b = FAR_POINT; rounding grows with the powers of the points and of
 * their inverses. */
#ifndef GOSS_KERNEL_ISA_WINOGRAD_LINES_H
#define GOSS_KERNEL_ISA_WINOGRAD_LINES_H

#include "kernel/isa/simd.h"

#define NEAR_POINT 0.625f
#define FAR_POINT 1.5f
/* Squares, cubes, and products of the points' differences. */
#define NEAR2 (NEAR_POINT * NEAR_POINT)
#define FAR2 (FAR_POINT * FAR_POINT)
#define NEAR3 (NEAR2 * NEAR_POINT)
#define FAR3 (FAR2 * FAR_POINT)
#define AT_ZERO (1 / (NEAR2 * FAR2))
#define AT_NEAR (1 / (2 * NEAR2 * (NEAR2 - FAR2)))
#define AT_FAR (1 / (2 * FAR2 * (FAR2 - NEAR2)))

/* ---- two outputs, four points ---- */

ALWAYS void input_line_2(vf *d, int step) {
    const vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    d[0] = d0 - d2, d[step] = d1 + d2, d[2 * step] = d2 - d1, d[3 * step] = d1 - d3;
}
ALWAYS void filter_line_2(vf *u, int step, vf g0, vf g1, vf g2) {
    const vf sum = g0 + g2;
    u[0] = g0, u[step] = (sum + g1) * vset(0.5f), u[2 * step] = (sum - g1) * vset(0.5f), u[3 * step] = g2;
}
ALWAYS void output_line_2(vf *m, int step) {
    const vf m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step];
    m[0] = m0 + m1 + m2, m[step] = m1 - m2 - m3;
}
ALWAYS void output_line_adjoint_2(vf *z, int step, const vf *y, int from) {
    const vf y0 = y[0], y1 = y[from];
    z[0] = y0, z[step] = y0 + y1, z[2 * step] = y0 - y1, z[3 * step] = -y1;
}
ALWAYS void filter_line_adjoint_2(vf *u, int step) {
    const vf sum = (u[step] + u[2 * step]) * vset(0.5f), apart = (u[step] - u[2 * step]) * vset(0.5f);
    u[0] = u[0] + sum, u[step] = apart, u[2 * step] = sum + u[3 * step];
}

/* ---- four outputs, six points: 0, a, -a, b, -b, infinity ---- */

ALWAYS void input_line_4(vf *d, int step) {
    const vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    const vf near2 = vset(NEAR2), far2 = vset(FAR2), both = vset(NEAR2 + FAR2), product = vset(NEAR2 * FAR2);
    const vf even_near = vfnma(far2, d2, d4), odd_near = vset(NEAR_POINT) * vfnma(far2, d1, d3);
    const vf even_far = vfnma(near2, d2, d4), odd_far = vset(FAR_POINT) * vfnma(near2, d1, d3);
    d[0] = vfma(product, d0, vfnma(both, d2, d4));
    d[step] = even_near + odd_near, d[2 * step] = even_near - odd_near;
    d[3 * step] = even_far + odd_far, d[4 * step] = even_far - odd_far;
    d[5 * step] = vfma(product, d1, vfnma(both, d3, d5));
}
ALWAYS void filter_line_4(vf *u, int step, vf g0, vf g1, vf g2) {
    const vf even_near = vset(AT_NEAR) * vfma(vset(NEAR2), g2, g0), odd_near = vset(AT_NEAR * NEAR_POINT) * g1;
    const vf even_far = vset(AT_FAR) * vfma(vset(FAR2), g2, g0), odd_far = vset(AT_FAR * FAR_POINT) * g1;
    u[0] = vset(AT_ZERO) * g0;
    u[step] = even_near + odd_near, u[2 * step] = even_near - odd_near;
    u[3 * step] = even_far + odd_far, u[4 * step] = even_far - odd_far;
    u[5 * step] = g2;
}
ALWAYS void output_line_4(vf *m, int step) {
    const vf sum_near = m[step] + m[2 * step], apart_near = m[step] - m[2 * step];
    const vf sum_far = m[3 * step] + m[4 * step], apart_far = m[3 * step] - m[4 * step];
    m[0] = m[0] + (sum_near + sum_far);
    m[step] = vfma(vset(FAR_POINT), apart_far, vset(NEAR_POINT) * apart_near);
    m[2 * step] = vfma(vset(FAR2), sum_far, vset(NEAR2) * sum_near);
    m[3 * step] = vfma(vset(FAR3), apart_far, vfma(vset(NEAR3), apart_near, m[5 * step]));
}
ALWAYS void output_line_adjoint_4(vf *z, int step, const vf *y, int from) {
    const vf y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
    const vf even_near = vfma(vset(NEAR2), y2, y0), odd_near = vfma(vset(NEAR3), y3, vset(NEAR_POINT) * y1);
    const vf even_far = vfma(vset(FAR2), y2, y0), odd_far = vfma(vset(FAR3), y3, vset(FAR_POINT) * y1);
    z[0] = y0;
    z[step] = even_near + odd_near, z[2 * step] = even_near - odd_near;
    z[3 * step] = even_far + odd_far, z[4 * step] = even_far - odd_far;
    z[5 * step] = y3;
}
ALWAYS void filter_line_adjoint_4(vf *u, int step) {
    const vf sum_near = vset(AT_NEAR) * (u[step] + u[2 * step]), apart_near = vset(AT_NEAR) * (u[step] - u[2 * step]);
    const vf sum_far = vset(AT_FAR) * (u[3 * step] + u[4 * step]),
             apart_far = vset(AT_FAR) * (u[3 * step] - u[4 * step]);
    u[0] = vfma(vset(AT_ZERO), u[0], sum_near + sum_far);
    u[step] = vfma(vset(FAR_POINT), apart_far, vset(NEAR_POINT) * apart_near);
    u[2 * step] = vfma(vset(FAR2), sum_far, vfma(vset(NEAR2), sum_near, u[5 * step]));
}

/* ---- M outputs ---- */

ALWAYS void input_line(const int M, vf *d, int step) { M == 4 ? input_line_4(d, step) : input_line_2(d, step); }
ALWAYS void filter_line(const int M, vf *u, int step, vf g0, vf g1, vf g2) {
    M == 4 ? filter_line_4(u, step, g0, g1, g2) : filter_line_2(u, step, g0, g1, g2);
}
ALWAYS void output_line(const int M, vf *m, int step) { M == 4 ? output_line_4(m, step) : output_line_2(m, step); }
/* From M cotangents with stride `from`; z may alias y. */
ALWAYS void output_line_adjoint(const int M, vf *z, int step, const vf *y, int from) {
    M == 4 ? output_line_adjoint_4(z, step, y, from) : output_line_adjoint_2(z, step, y, from);
}
ALWAYS void filter_line_adjoint(const int M, vf *u, int step) {
    M == 4 ? filter_line_adjoint_4(u, step) : filter_line_adjoint_2(u, step);
}

#endif
