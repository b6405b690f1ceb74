/* SPDX-License-Identifier: Apache-2.0 */
/* vformula.h: the formulas of elementwise.def on vectors: f_NAME(a, b, c). */
#ifndef GOSS_KERNEL_ISA_VFORMULA_H
#define GOSS_KERNEL_ISA_VFORMULA_H

#include "kernel/isa/vmath.h"

#define EXP vexp
#define LOG vlog
#define SQRT vsqrt
#define TANH vtanh
#define SIN vsin
#define COS vcos
#define ABS vabs
#define FLOOR vfloor
#define MAX vmax
#define MIN vmin
#define K(x) vset((float)(x))
#define LESS(a, b) vselect(vless(a, b), vset(1.f), vset(0.f))
#define SELECT(m, a, b) vselect(vdiffers(m, vset(0.f)), a, b)
#define FMA vfma

#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    ALWAYS vf f_##name(vf a, vf b, vf c) { return formula; }
#include "kernel/elementwise.def"
#undef ROW
#endif
