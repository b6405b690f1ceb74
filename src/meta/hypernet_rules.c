/* SPDX-License-Identifier: Apache-2.0 */
/* hypernet_rules.c: what a hypernetwork generates where hyper.rules does not say and outputs mean the same in all
 * tasks: the head, and FiLM at every site. Layers without one (the cells of recurrent layers, attention) get a low-rank
 * delta of each matrix, but for tables, whose rows are too many. Where outputs mean something else in each task,
 * nothing of one head helps another: heads are the tasks' own, if tasks have numbers and settings allow it. */
#include <string.h>

#include "meta/hypernet.h"

enum { RANK = 4 };

static bool is_of(const char *tensor, const char *layer) {
    const size_t n = strlen(layer);
    return strncmp(tensor, layer, n) == 0 && tensor[n] == '.';
}

/* Whether FiLM acts behind the layers of that index. */
static bool has_site(const goss_target *t, int layer) {
    const goss_layout *l = goss_target_layout(t);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        for (int k = 0; e->layer == layer && k < goss_target_sites(t); k++)
            if (is_of(e->name, goss_target_site_name(t, k))) return true;
    }
    return false;
}

static bool is_head(const goss_entry *e) { return is_of(e->name, "head"); }

void goss__hypernet_default_rules(const goss_method *m, const goss_hyper_options *o, goss__str *out) {
    const goss_target *t = m->target;
    const goss_layout *l = goss_target_layout(t);
    const bool own_heads = m->options.task_classes && m->options.own_heads && o->conditioner & GOSS_CONDITION_TASK &&
                           !(o->conditioner & GOSS_CONDITION_INPUT) && o->combine != GOSS_COMBINE_REPLACE;
    bool all = true;
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        all &= is_head(e) || has_site(t, e->layer);
    }
    goss__str_add(out, own_heads ? "head.*=own" : "head.*=full");
    for (int k = 0; !all && k < goss_target_sites(t); k++)
        goss__str_addf(out, "; %s.*=film", goss_target_site_name(t, k));
    for (int i = 0; !all && i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (!is_head(e) && !has_site(t, e->layer) && e->role == GOSS_ROLE_WEIGHT && e->init != GOSS_INIT_NORMAL)
            goss__str_addf(out, "; %s=lowrank %d", e->name, RANK);
    }
    goss__str_add(out, all ? "; *=film" : "; *=shared");
}
