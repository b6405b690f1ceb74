/* SPDX-License-Identifier: Apache-2.0 */
/* vmath.h: exp, log, tanh, sin and cos of a vector of floats.
 *
 * Argument reduction by explicit fused multiply-add, then a minimax polynomial in relative error with coefficients
 * rounded to float. The largest errors are measured by tests/test_kernel_elementwise.c, which states the bounds. Values
 * follow C's Annex F: NaN gives NaN, exp(-inf) = 0, log(0) = -inf, log(<0) = NaN, sin(inf) = NaN. Subnormal arguments
 * and results are correct unless the CPU flushes them. */
#ifndef GOSS_KERNEL_ISA_VMATH_H
#define GOSS_KERNEL_ISA_VMATH_H

#include "kernel/isa/simd.h"

/* Adding this to |x| < 2^22 rounds x to an integer in the low bits. */
#define V_ROUND 0x1.8p23f

ALWAYS vf vpoly2(vf x, float c0, float c1, float c2) { return vfma(vfma(vset(c2), x, vset(c1)), x, vset(c0)); }
ALWAYS vf vpoly4(vf x, float c0, float c1, float c2, float c3, float c4) {
    return vfma(vfma(vpoly2(x, c2, c3, c4), x, vset(c1)), x, vset(c0));
}

/* exp(x) = 2^n exp(r), |r| <= ln(2) / 2. 2^n is applied as two factors, so that n from -150 to 128 works. */
ALWAYS vf vexp(vf x) {
    x = vclamp(x, -104.f, 89.f);
    vf t = vfma(x, vset(0x1.715476p+0f), vset(V_ROUND)), n = t - vset(V_ROUND);
    vf r = vfnma(n, vset(-0x1.05c610p-29f), vfnma(n, vset(0x1.62e430p-1f), x));
    vf p = vpoly4(r, 0x1.fffffcp-2f, 0x1.55548ap-3f, 0x1.5558a2p-5f, 0x1.123f7cp-7f, 0x1.6a6654p-10f);
    p = vfma(r * r, p, r) + vset(1.f);
    vi i = (vi)((vu)t - (vu)vset(V_ROUND)), half = i >> 1;
    return p * (vf)(((vu)half + 127) << 23) * (vf)(((vu)i - (vu)half + 127) << 23);
}

/* log(x) = e ln(2) + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2). */
ALWAYS vf vlog(vf x) {
    const vf inf = vset(__builtin_inff());
    vcond tiny = vless(x, vset(0x1p-126f));
    vf y = vselect(tiny, x * vset(0x1p24f), x);
    vu shifted = (vu)y - 0x3f3504f3u; /* sqrt(1/2) */
    vi e = (vi)shifted >> 23;
    vf f = (vf)((shifted & 0x007fffffu) + 0x3f3504f3u) - vset(1.f);
    vf n = __builtin_convertvector(e, vf) - vselect(tiny, vset(24.f), vset(0.f));
    vf q = vpoly4(f, -0x1.fbcfacp-4f, 0x1.e736dep-4f, -0x1.e0305ap-4f, 0x1.160f7ep-4f, 0.f);
    q = vfma(vfma(q, f, vset(0x1.232ce2p-3f)), f, vset(-0x1.555e70p-3f));
    q = vfma(vfma(vfma(q, f, vset(0x1.99a55ap-3f)), f, vset(-0x1.000002p-2f)), f, vset(0x1.555546p-2f));
    vf s = f * f;
    vf low = vfma(n, vset(-0x1.05c610p-29f), vfma(s * f, q, s * vset(-0.5f)));
    vf r = vfma(n, vset(0x1.62e430p-1f), f + low);
    r = vselect(vless(x, inf), r, x); /* inf and NaN stay */
    r = vselect(vdiffers(x, vset(0.f)), r, -inf);
    return vselect(vless(x, vset(0.f)), vset(__builtin_nanf("")), r);
}

/* An odd polynomial near 0, 1 - 2 / (exp(2 |x|) + 1) beyond, with the sign of x. */
ALWAYS vf vtanh(vf x) {
    vf a = vabs(x), s = x * x;
    vf p = vpoly4(s, -0x1.555532p-2f, 0x1.110704p-3f, -0x1.b838a0p-5f, 0x1.5211c2p-6f, -0x1.758f96p-8f);
    vf small = vfma(s * a, p, a);
    vf big = vset(1.f) - vset(2.f) / (vexp(a + a) + vset(1.f));
    vf y = vselect(vless(a, vset(0.625f)), small, big);
    return (vf)((vi)y | ((vi)x & (vi)vset(-0.f)));
}

/* x = n pi/2 + r with |r| <= pi/4, pi/2 in three floats: within the stated error for |x| <= 10^5. Beyond that n drifts
 * from the nearest integer and r grows; from about 10^6 on the result is an arbitrary value in [-1, 1]. Gives sin(x +
 * quarter pi/2). */
ALWAYS vf vsincos(vf x, int32_t quarter) {
    vf t = vfma(x, vset(0x1.45f306p-1f), vset(V_ROUND)), n = t - vset(V_ROUND);
    vf r = vfnma(n, vset(0x1.921fb6p+0f), x);
    r = vfnma(n, vset(-0x1.ee59dap-50f), vfnma(n, vset(-0x1.777a5cp-25f), r));
    r = vclamp(r, -0.9f, 0.9f);
    vf s = r * r;
    vf sine = vfma(s * r, vpoly2(s, -0x1.555544p-3f, 0x1.1106cap-7f, -0x1.991e08p-13f), r);
    vf cosine =
        vfma(s * s, vpoly2(s, 0x1.55554ap-5f, -0x1.6c0c14p-10f, 0x1.99de6ep-16f), vfma(s, vset(-0.5f), vset(1.f)));
    vu q = (vu)t + (uint32_t)quarter;
    vf y = vselect(vequal_i((vi)(q & 1u), vseti(1)), cosine, sine);
    y = (vf)((vu)y ^ ((q & 2u) << 30));
    return vselect(vless(vabs(x), vset(__builtin_inff())), y, x - x);
}

ALWAYS vf vsin(vf x) {
    vf y = vsincos(x, 0);
    return vselect(vdiffers(x, vset(0.f)), y, x);
}
ALWAYS vf vcos(vf x) { return vsincos(x, 1); }

#endif
