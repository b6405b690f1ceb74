/* SPDX-License-Identifier: Apache-2.0 */
/* scan_vjp.h: the gradient of a scan, for the traversal in grad.c. */
#ifndef GOSS_AUTODIFF_SCAN_VJP_H
#define GOSS_AUTODIFF_SCAN_VJP_H

#include "ops/scan.h"

/* Cotangents cot[i] of the operands of scan y with want[i], from the cotangents g[j] of its n results result[j]. */
void goss__scan_vjp(goss_val y, const goss_val *in, const goss_val *result, const goss_val *g, int n, const bool *want,
                    goss_val *cot);

/* Whether cot is the constant 0 and the switch zero-cotangent is on: only zeros would be propagated (and NaN, where a
 * derivative is not finite). */
bool goss__is_zero_cotangent(goss_val cot);
/* goss_vjp_joint that leaves the invalid value for what no y depends on, where goss_vjp_joint has zeros: a zero that is
 * reached is propagated without the switch zero-cotangent. */
goss_status goss__vjp_reached(const goss_val *y, const goss_val *cotangent, int n_y, const goss_val *wrt, int n,
                              goss_val *out);
#endif
