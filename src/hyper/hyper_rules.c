/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_rules.c: reads "head=class; conv4.*=lowrank 8; conv1.*=film; *=shared": which generator makes which tensor. */
#include "hyper/hyper.h"
#include "nn/weight_rules.h"

/* In the order of goss_generator. */
static const goss__rule_word words[] = {
    [GOSS_GENERATE_SHARED] = {"shared", false, false},  [GOSS_GENERATE_FULL] = {"full", false, false},
    [GOSS_GENERATE_CHUNKED] = {"chunked", false, true}, [GOSS_GENERATE_LOWRANK] = {"lowrank", true, true},
    [GOSS_GENERATE_FILM] = {"film", false, false},      [GOSS_GENERATE_OWN] = {"own", false, false},
    [GOSS_GENERATE_CLASS] = {"class", false, false},
};

static const goss__rule_grammar grammar = {
    .what = "hyper rules",
    .form = "PATTERN=GENERATOR with one of shared, full, chunked [N], lowrank R, film, own, class",
    .noun = "generator",
    .words = words,
    .n_words = sizeof words / sizeof *words,
    .most_joined = 1};

/* A tensor that no rule matches is shared. */
static goss__choice choose(goss__rules *rules, const char *name) {
    const goss__rule *r = goss__rules_find(rules, name);
    return r ? (goss__choice){(goss_generator)r->choice[0].word, r->choice[0].number}
             : (goss__choice){GOSS_GENERATE_SHARED, 0};
}

/* Switches on the site that belongs to the tensor's layer. */
static goss_status modulate(goss_hyper *h, const goss_entry *e, goss_error *err) {
    bool found = false;
    for (int i = 0; i < goss_target_sites(h->target); i++)
        if (h->site_layer[i] == e->layer) found = h->film[i] = true;
    return found ? GOSS_OK
                 : goss_error_prefix(err, goss__hyper_refuse("film x layer without a site", err), "%s", e->name);
}

static goss_status apply_rules(goss_hyper *h, goss__rules *rules, goss_error *err) {
    const goss_layout *l = goss_target_layout(h->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        h->choice[i] = choose(rules, e->name);
        bool of_head = e->layer == goss_target_layers(h->target) - 1 && goss_target_outputs(h->target) > 0;
        switch (h->choice[i].kind) {
        case GOSS_GENERATE_CLASS:
            return goss_error_prefix(
                err, goss__hyper_refuse(of_head ? "class head x fixed head" : "class head x hidden layer", err), "%s",
                e->name);
        case GOSS_GENERATE_FILM:
            GOSS_TRY(modulate(h, e, err));
            break;
        case GOSS_GENERATE_OWN:
            h->own += e->numel;
            break;
        default:
            break;
        }
        h->layers |= h->choice[i].kind != GOSS_GENERATE_SHARED;
    }
    h->class_head = choose(rules, "head").kind == GOSS_GENERATE_CLASS;
    return goss__rules_all_used(rules, err);
}

goss_status goss__hyper_read_rules(goss_hyper *h, goss_error *err) {
    goss__rules rules;
    goss_status status = goss__rules_read(h->rules, &grammar, &rules, err);
    if (status == GOSS_OK) status = apply_rules(h, &rules, err);
    goss__rules_free(&rules);
    return status;
}
