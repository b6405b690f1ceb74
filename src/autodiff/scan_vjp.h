/* SPDX-License-Identifier: Apache-2.0 */
/* scan_vjp.h: the gradient of a scan, for the traversal in grad.c. */
#ifndef GOSS_AUTODIFF_SCAN_VJP_H
#define GOSS_AUTODIFF_SCAN_VJP_H

#include "ops/scan.h"

/* Cotangents cot[i] of the operands of scan y with want[i], from the cotangents g[j] of its n results result[j]. */
void goss__scan_vjp(goss_val y, const goss_val *in, const goss_val *result, const goss_val *g, int n, const bool *want,
                    goss_val *cot);
#endif
