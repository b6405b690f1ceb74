/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_implicit.h: a Hessian's inverse on a vector, by products with the Hessian alone. */
#ifndef GOSS_TRAIN_REGULARIZER_IMPLICIT_H
#define GOSS_TRAIN_REGULARIZER_IMPLICIT_H

#include "gossamer/step.h"

/* In the order of the choices of the key `solver`. */
typedef enum goss__reg_solver { GOSS__SOLVE_ONE_STEP, GOSS__SOLVE_NEUMANN, GOSS__SOLVE_CG } goss__reg_solver;

/* The Hessian of a value by parameters. */
typedef struct goss__inverse {
    goss__reg_solver solver;  /* NEUMANN or CG */
    const goss_val *gradient; /* [n] of the value, not detached */
    const goss_val *param;    /* [n] */
    int n, products;
    double damping; /* added to the diagonal */
    double size;    /* of a Neumann step */
} goss__inverse;

/* out [n] is about H^-1 v [n]; all detached. Returns false where a gradient cannot be built: the graph says why. */
bool goss__inverse_apply(goss_graph *g, const goss__inverse *h, const goss_val *v, goss_val *out);
#endif
