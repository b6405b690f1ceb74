/* SPDX-License-Identifier: Apache-2.0 */
/* variants.h: the variants in builds for this architecture (cmake/library.cmake). */
#ifndef GOSS_KERNEL_VARIANTS_H
#define GOSS_KERNEL_VARIANTS_H

#include "kernel/kernel.h"

const goss__kernels *goss__kernels_generic(void);
const goss__kernels *goss__kernels_avx2(void);
const goss__kernels *goss__kernels_avx512(void);
const goss__kernels *goss__kernels_neon(void);

#endif
