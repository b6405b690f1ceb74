/* SPDX-License-Identifier: Apache-2.0 */
/* chain_print.c: logs chains (GOSSAMER_PRINT=chains), one line per step; tools/mine-chains generates the rows of
 * kernel/fused.def from them.
 *
 *   chain ELEMENTS PLACE/STEPS: OP OPERAND... > LAST
 *
 * ELEMENTS is of a whole run; an operand is ARRAY, ROW, NUMBER or the place of the step that makes it; LAST is the
 * place of the last step of the chain that reads the result, or "kept" where others read it, too. */
#include "base/log.h"
#include "base/str.h"
#include "runtime/exec.h"

static void put_operand(goss__str *s, const goss_exec *e, uint32_t first, uint32_t k, int i) {
    const goss_schedule *p = e->schedule;
    const goss__ew *block = &e->steps[k].link.block;
    const uint32_t source = goss__source(p, e->steps[k].value->in[i]);
    for (uint32_t j = first; j < k; j++)
        if (p->instrs[j].value == source && block->in_inner[i] && block->in_outer[i]) {
            goss__str_addf(s, " %u", j - first);
            return;
        }
    goss__str_addf(s, " %s", !block->in_inner[i] ? "NUMBER" : block->in_outer[i] ? "ARRAY" : "ROW");
}

static void put_last(goss__str *s, const goss_exec *e, uint32_t first, uint32_t count, uint32_t k) {
    uint32_t last = k;
    for (uint32_t j = k + 1; j < first + count; j++)
        for (int i = 0; i < e->steps[j].value->n_in; i++)
            if (goss__source(e->schedule, e->steps[j].value->in[i]) == e->schedule->instrs[k].value) last = j;
    if (goss__leaves(e->schedule, k, first, count))
        goss__str_addf(s, " > kept");
    else
        goss__str_addf(s, " > %u", last - first);
}

void goss__print_chain(const goss_exec *e, uint32_t f, uint32_t first, uint32_t count) {
    const goss__phase_run *r = &e->phase_runs[f];
    const double times = e->is_body && f == GOSS__LOOP_ONCE ? 1 : (double)e->repeats,
                 elements = times * (double)e->steps[first].shapes[0].out->numel * (double)r->items / (double)r->unit;
    for (uint32_t k = first; k < first + count; k++) {
        const goss__value *v = e->steps[k].value;
        goss__str s = {0};
        goss__str_addf(&s, "chain %.0f %u/%u: %s", elements, k - first, count, v->op->name);
        for (int i = 0; i < v->n_in; i++) put_operand(&s, e, first, k, i);
        put_last(&s, e, first, count, k);
        if (!s.failed) goss__log(GOSS_LOG_INFO, "%s", s.data);
        goss__str_free(&s);
    }
}
