/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c: of a sum over items, a group's first unit is computed in the group's slot. A product adds its later units to
 * the slot in the register tile; what other operations compute is stored, loaded and added. */
#include "schedule/build.h"

static bool adds_up(const goss_schedule *p, const goss__phase *ph, uint32_t k) {
    const goss__value *v = &p->values[p->instrs[k].value];
    if (!v->partial || !v->op->kernel.adds || p->precision != GOSS_F32) return false;
    goss__tensor t[GOSS__MAX_IN + 1];
    goss__shapes s;
    goss__largest_call(p, &p->instrs[k], ph->items, ph, t, &s);
    return v->op->kernel.adds(&s, goss__kernels_best());
}

void goss__add_in_slots(goss_schedule *p) {
    for (uint32_t f = 0; f < p->n_phases; f++)
        for (uint32_t k = p->phases[f].first; k < p->phases[f].first + p->phases[f].count; k++)
            p->instrs[k].adds = adds_up(p, &p->phases[f], k);
}
