/* SPDX-License-Identifier: Apache-2.0 */
/* share_rules.c: the table of parts, presets, and rules as "head.*=own; *=shared+dictionary 4". */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "nn/weight_rules.h"
#include "share/share.h"

static const goss__part_kind kinds[] = {
    {.word = "shared", .codes = GOSS__CODES_NONE},
    {.word = "own", .codes = GOSS__CODES_TASK, .square = true},
    {.word = "dictionary", .codes = GOSS__CODES_FREE, .takes_number = true},
    {.word = "tensor_train", .codes = GOSS__CODES_FREE, .takes_number = true, .train = true},
    {.word = "routing", .codes = GOSS__CODES_GUMBEL, .takes_number = true},
    {.word = "ordering", .codes = GOSS__CODES_SOFTMAX, .takes_number = true, .bank = true},
    {.word = "stitch", .codes = GOSS__CODES_FREE, .square = true},
    {.word = "merged", .codes = GOSS__CODES_MERGED, .square = true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const goss_share_preset presets[] = {
    {"alone", "*=own", "one network a task"},
    {"joint", "*=shared", "one network for all tasks"},
    {"hard", "head.*=own; *=shared", "one body for all tasks, a head for each"},
    {"soft", "*=own", "one network a task, to be tied by a penalty"},
    {"mean", "*=shared+own", "what all tasks share, and an own deviation from it"},
    {"dictionary", "*=dictionary", "networks of each task as combinations of a few"},
    {"tensor_train", "*=tensor_train", "weights of all tasks as one tensor of low rank"},
    {"routing", "head.*=own; *=routing", "each task and layer chooses one of a few tensors"},
    {"ordering", "head.*=own; *=ordering", "each task and layer mixes the layers of a bank"},
    {"stitch", "head.*=own; *=stitch", "networks of the tasks' own, mixed layer by layer"},
    {"merged", "head.*=own; *=merged", "networks of the tasks' own, each layer merged as far as that helps"},
};

const goss_share_preset *goss_share_presets(int *n) {
    *n = (int)(sizeof presets / sizeof *presets);
    return presets;
}

goss_share_options goss_share_defaults(void) {
    return (goss_share_options){.size = 4, .temperature = 1, .anneal = 1, .anneal_steps = 1000, .own_heads = true};
}

/* ---- which rules ---- */

goss_status goss_share_preset_find(const char *name, const char **rules, goss_error *err) {
    const char *names[sizeof presets / sizeof *presets];
    goss__str near = {0};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        names[i] = presets[i].name;
        if (strcmp(name, names[i]) != 0) continue;
        if (rules) *rules = presets[i].rules;
        return GOSS_OK;
    }
    goss__near_names(&near, name, names, (int)(sizeof presets / sizeof *presets));
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "there is no preset \"%.40s\"%s", name, near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

/* Outputs that mean something else in each task have nothing in common that a mixture of a few could learn. */
static bool names_no_head(const goss_share *s, const char *rules) {
    const bool of_whole = strcmp(rules, "*=own") == 0 || strcmp(rules, "*=shared") == 0; /* the latter is refused */
    return s->options.task_classes && goss_target_layers(s->target) > 1 && !of_whole && strncmp(rules, "head.", 5) != 0;
}

static goss_status choose_rules(goss_share *s, goss_error *err) {
    const goss_share_options *o = &s->options;
    const char *rules = o->rules;
    if (o->rules && o->preset)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "rules and the preset %s are both given: one of them says what is "
                              "shared",
                              o->preset);
    if (!rules) GOSS_TRY(goss_share_preset_find(o->preset ? o->preset : "hard", &rules, err));
    goss__str text = {0};
    s->heads_differ = !o->rules && names_no_head(s, rules);
    goss__str_addf(&text, "%s%s", s->heads_differ && o->own_heads ? "head.*=own; " : "", rules);
    s->rules = text.failed ? NULL : goss__strdup(text.data);
    goss__str_free(&text);
    s->options.preset = NULL, s->options.rules = s->rules;
    return s->rules ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory for rules");
}

/* ---- what they say of each tensor ---- */

static void take(const goss_share *s, const goss__rule *rule, goss__parts *out) {
    out->gates = -1;
    out->n = rule ? rule->n : 1;
    for (int p = 0; p < out->n; p++) {
        const goss__part_kind *k = &kinds[rule ? rule->choice[p].word : 0];
        const int number = rule ? rule->choice[p].number : 0;
        out->part[p] = (goss__part){.kind = k,
                                    .codes = -1,
                                    .sized = k->takes_number && !number,
                                    .K = k->codes == GOSS__CODES_NONE ? 1
                                         : k->square                  ? s->options.tasks
                                         : number                     ? number
                                                                      : s->options.size};
    }
}

static bool is_head(const goss_share *s, const goss_entry *e) {
    return goss_target_outputs(s->target) > 0 && e->layer == goss_target_layers(s->target) - 1;
}

static bool is_shared_alone(const goss__parts *t) { return t->n == 1 && t->part[0].kind->codes == GOSS__CODES_NONE; }

/* What has no meaning. */
static goss_status check_tensors(const goss_share *s, goss_error *err) {
    const goss_layout *l = goss_target_layout(s->target);
    const bool batch_norm = goss_layout_count(goss_target_statistics(s->target)) > 0;
    bool sums = false;
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const bool shared = is_shared_alone(&s->tensor[i]), head = is_head(s, e);
        sums |= s->tensor[i].n > 1;
        if (shared && head && s->options.task_classes)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "%s is shared, but each task has classes of its own: output 0 means something else "
                                  "in each, so that one head cannot serve them. Give heads a part of their own, as "
                                  "head.*=own",
                                  e->name);
        if (!shared && !head && batch_norm)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "%s differs from task to task, and batch norm's running statistics are those of one "
                                  "network: use norm layer or norm group 4 in model.backbone, or share all layers but "
                                  "the head",
                                  e->name);
    }
    if (s->options.gates && !sums)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "gates weigh the parts of a sum, and no rule has one, as shared+own: %s", s->rules);
    return GOSS_OK;
}

static goss_status apply(goss_share *s, goss__rules *rules, goss_error *err) {
    const goss_layout *l = goss_target_layout(s->target);
    for (int i = 0; i < goss_layout_count(l); i++)
        take(s, goss__rules_find(rules, goss_layout_entry(l, i)->name), &s->tensor[i]);
    GOSS_TRY(goss__rules_all_used(rules, err));
    return check_tensors(s, err);
}

goss_status goss__share_read_rules(goss_share *s, goss_error *err) {
    goss__rule_word words[KINDS];
    for (int i = 0; i < KINDS; i++) words[i] = (goss__rule_word){kinds[i].word, false, kinds[i].takes_number};
    const goss__rule_grammar grammar = {.what = "share rules",
                                        .form =
                                            "PATTERN=PART or PATTERN=PART+PART with parts shared, own, dictionary [K], "
                                            "tensor_train [R], routing [K], ordering [K], stitch",
                                        .noun = "part",
                                        .words = words,
                                        .n_words = KINDS,
                                        .most_joined = GOSS_SHARE_PARTS};
    goss__rules rules;
    GOSS_TRY(choose_rules(s, err));
    goss_status status = goss__rules_read(s->rules, &grammar, &rules, err);
    if (status == GOSS_OK) status = apply(s, &rules, err);
    goss__rules_free(&rules);
    return status;
}
