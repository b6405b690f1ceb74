/* SPDX-License-Identifier: Apache-2.0 */
/* unused_keys.c: settings without effect because of other settings: each is reported at the start. A warning, not an
 * error: one configuration serves several methods, with train.method on the command line. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "hyper/hyper.h"
#include "meta/method.h"
#include "meta/settings.h"
#include "meta/structure.h"
#include "share/share.h"
#include "train/run.h"

/* ---- conditions ---- */

static bool is(const char *method, const char *const *names) {
    for (; *names; names++)
        if (strcmp(method, *names) == 0) return true;
    return false;
}
#define IS(...) is(s->train.method, (const char *const[]){__VA_ARGS__, NULL})
#define IS_TOKENS(name) (strcmp(s->table.texts.tokens.kind, name) == 0)
#define CONDITION(name) static bool name(const goss__run_settings *s, const goss_method *m)

static goss_combine combine_of(const goss_method *m) { return goss_hyper_settings(m->hyper)->combine; }

CONDITION(trains) { return goss_method_trains(m); }
CONDITION(validates) { return trains(s, m) && s->validate.every > 0; }
/* A key of another kind of data is reported itself, and rules no other key out. */
static bool has_key(const goss__run_settings *s, const char *key) {
    return goss__key_is_of(key, goss__run_data_kind(s, NULL)->name);
}
CONDITION(holds_out) { return validates(s, m) && !(*s->data.val_classes && has_key(s, "data.val_classes")); }
CONDITION(holds_out_by_share) {
    if (has_key(s, "data.val_tasks")) return !*s->table.val_tasks && !(s->table.split[0] > 0);
    return holds_out(s, m) && !(s->data.hold_out_alphabets > 0 && has_key(s, "data.hold_out_alphabets"));
}
CONDITION(is_ordered) { return trains(s, m) && strcmp(s->table.order, "random") != 0; }
CONDITION(has_series) { return s->data.kind == GOSS__DATA_SERIES; }
CONDITION(has_quantiles) { return s->table.objective && s->table.objective->levels; }
CONDITION(may_have_time) { return s->data.kind != GOSS__DATA_TABLE && s->data.kind != GOSS__DATA_ARRAYS; }
CONDITION(has_texts) { return *s->table.text != 0; }
CONDITION(has_bag) { return has_texts(s, m) && strcmp(s->table.texts.as, "bag") == 0; }
CONDITION(are_ids) { return !*s->table.texts.vectors || strcmp(s->table.texts.as, "ids") == 0; }
CONDITION(has_tokens) { return has_texts(s, m) && (are_ids(s, m) || has_bag(s, m)); }
CONDITION(counts_tokens) { return has_texts(s, m) && (IS_TOKENS("word") || IS_TOKENS("char")); }
CONDITION(has_ids) { return counts_tokens(s, m) && are_ids(s, m) && !has_bag(s, m); }
CONDITION(has_vocabulary) { return has_texts(s, m) && !IS_TOKENS("byte"); }
CONDITION(has_steps_of_text) { return has_texts(s, m) && strcmp(s->table.texts.as, "mean") != 0 && !has_bag(s, m); }
CONDITION(is_sgd) { return trains(s, m) && s->optimizer.kind == GOSS_SGD; }
CONDITION(is_adam) { return trains(s, m) && s->optimizer.kind != GOSS_SGD; }
CONDITION(has_floor) { return trains(s, m) && (s->rate.kind == GOSS_RATE_COSINE || s->rate.kind == GOSS_RATE_PLATEAU); }
CONDITION(has_factor) { return trains(s, m) && (s->rate.kind == GOSS_RATE_STEP || s->rate.kind == GOSS_RATE_PLATEAU); }
CONDITION(has_steps) { return trains(s, m) && s->rate.kind == GOSS_RATE_STEP; }
CONDITION(has_plateau) { return trains(s, m) && s->rate.kind == GOSS_RATE_PLATEAU; }
CONDITION(has_rate) { return !IS("pixels", "learned"); }
CONDITION(has_network) { return !IS("pixels"); }
CONDITION(smooths) { return trains(s, m) && !IS("reptile"); }
CONDITION(has_temperature) { return IS("hypernet", "protonet", "finetune"); }
CONDITION(is_ridge) { return IS("ridge", "tables") || m->options.ridge_head; }
CONDITION(is_hypernet) { return IS("hypernet"); }
CONDITION(can_have_joint) { return m->fixed && !m->batch_norm && m->kind->trains && !m->kind->is_joint; }
CONDITION(can_have_maml) { return m->fixed && !m->batch_norm && m->kind->trains && !IS("maml"); }
CONDITION(sees_ids) { return m->hyper && goss_hyper_settings(m->hyper)->conditioner & GOSS_CONDITION_TASK; }
CONDITION(steps_in_training) { return IS("hypernet", "maml", "fomaml", "anil", "reptile", "learned"); }
CONDITION(steps_when_judged) { return steps_in_training(s, m) || IS("finetune", "scratch", "multitask"); }
CONDITION(sees_descriptors) {
    (void)m;
    return goss__run_reads_descriptors(s);
}
CONDITION(is_through_steps) { return is_hypernet(s, m) && m->options.inner_steps > 0; }

static bool has_layers(const goss_method *m) { return m->hyper && goss_hyper_generates_layers(m->hyper); }

/* Does a rule generate a tensor by that generator? */
static bool makes(const goss_method *m, goss_generator kind) {
    for (int i = 0; m->hyper && i < goss_layout_count(goss_target_layout(m->target)); i++)
        if (goss_hyper_generator(m->hyper, i) == kind) return true;
    return false;
}

CONDITION(has_shared_norm) {
    const bool moves = m->kind->adapts_norm || makes(m, GOSS_GENERATE_FULL) || makes(m, GOSS_GENERATE_CHUNKED) ||
                       makes(m, GOSS_GENERATE_LOWRANK);
    return m->batch_norm && !moves && has_network(s, m);
}
CONDITION(corrects_classes) { return m->hyper && goss_hyper_settings(m->hyper)->class_delta; }
CONDITION(generates) { return corrects_classes(s, m) || has_layers(m); }
CONDITION(adds) { return generates(s, m) && combine_of(m) != GOSS_COMBINE_REPLACE; }
CONDITION(generates_layers) { return has_layers(m); }
CONDITION(has_code) {
    return has_layers(m) || (corrects_classes(s, m) && goss_hyper_settings(m->hyper)->attention > 0);
}
CONDITION(has_chunks) {
    for (int i = 0; m->hyper && i < goss_layout_count(goss_target_layout(m->target)); i++)
        if (m->hyper->choice[i].kind == GOSS_GENERATE_CHUNKED && m->hyper->choice[i].number == 0) return true;
    return false;
}

CONDITION(reads_cells) { return IS("tables"); }
CONDITION(is_multitask) { return IS("multitask"); }
CONDITION(has_free_heads) { return m->share && m->share->heads_differ; }
CONDITION(has_gates) { return m->share && goss_share_settings(m->share)->gates; }

/* Is one of the parts like that? */
static bool any_part(const goss_method *m, bool (*like)(const goss__part *part)) {
    for (int i = 0; m->share && i < goss_layout_count(goss_target_layout(m->target)); i++)
        for (int p = 0; p < m->share->tensor[i].n; p++)
            if (like(&m->share->tensor[i].part[p])) return true;
    return false;
}

static bool is_sized(const goss__part *part) { return part->sized; }
static bool is_softmax(const goss__part *part) { return part->kind->codes >= GOSS__CODES_SOFTMAX; }
static bool is_gumbel(const goss__part *part) { return part->kind->codes == GOSS__CODES_GUMBEL; }
CONDITION(has_size) { return any_part(m, is_sized); }
CONDITION(mixes_by_softmax) { return any_part(m, is_softmax); }
CONDITION(has_temperatures) { return mixes_by_softmax(s, m) || has_gates(s, m); }
CONDITION(anneals) { return has_temperatures(s, m) && goss_share_settings(m->share)->anneal != 1; }
CONDITION(chooses) { return any_part(m, is_gumbel) || has_gates(s, m); }

CONDITION(has_structures) { return goss__structure_chooses(m); }
CONDITION(differs_by_task) { return m->hyper && m->structure.choose == GOSS_STRUCTURE_BY_TASK; }
CONDITION(weighs_gates) {
    return differs_by_task(s, m) && goss_hyper_settings(m->hyper)->conditioner & GOSS_CONDITION_SUPPORT;
}
CONDITION(has_sandwich) { return has_structures(s, m) && m->structure.sandwich; }

/* ---- the table ---- */

static const goss__key_use uses[] = {
    {"train.*", trains, "this method has nothing to train"},
    {"optimizer.*", trains, "this method has nothing to train"},
    {"validate.*", validates, "nothing is validated (validate.every = 0, or a method that has nothing to train)"},
    {"data.hold_out", holds_out_by_share,
     "no share is held out (data.val_classes, data.hold_out_alphabets, data.val_tasks or data.split says what is, or "
     "validate.every = 0)"},
    {"data.hold_out_alphabets", holds_out, "no alphabets are held out (data.val_classes, validate.every = 0)"},
    {"task.thin", is_ordered, "rows have no order (task.order = random)"},
    {"task.any", is_ordered, "rows have no order (task.order = random)"},
    {"task.quantiles", has_quantiles, "only task.objective = quantile has them"},
    {"data.least", counts_tokens, "only words and characters of texts are counted (data.text, data.tokens)"},
    {"data.least", has_tokens, "data.vectors says which words are known"},
    {"data.ngrams", has_ids, "texts are no ids of words or characters (data.text_as, data.tokens)"},
    {"data.vocabulary", has_vocabulary, "there are no texts, or their tokens are bytes (data.text, data.tokens)"},
    {"data.length", has_steps_of_text, "there are no texts, or a text is one vector (data.text_as)"},
    {"data.buckets", has_bag, "texts are no bags (data.text_as)"},
    {"data.tokens,data.fold,data.text_as,data.vectors", has_texts, "there are no texts (data.text)"},
    {"data.descriptor", sees_descriptors,
     "nothing reads descriptors (hyper.condition without descriptor, no [regularizer.NAME] graph = side)"},
    {"data.series,data.window,data.horizon,data.stride", has_series,
     "rows are no steps of series (data.kind = series)"},
    {"data.time", may_have_time, "rows are no steps of series (data.kind = series)"},
    {"optimizer.momentum", is_sgd, "only optimizer.kind = sgd has it"},
    {"optimizer.beta1", is_adam, "only optimizer.kind = adam and adamw have it"},
    {"optimizer.beta2", is_adam, "only optimizer.kind = adam and adamw have it"},
    {"optimizer.floor", has_floor, "only optimizer.schedule = cosine and plateau have it"},
    {"optimizer.factor", has_factor, "only optimizer.schedule = step and plateau have it"},
    {"optimizer.at", has_steps, "only optimizer.schedule = step has it"},
    {"optimizer.plateau", has_plateau, "only optimizer.schedule = plateau has it"},
    {"model.backbone", has_network, "this method has no network"},
    {"model.dropout", has_network, "this method has no network"},
    {"method.norm", has_shared_norm, "the batch norms, if any, belong to networks that differ from task to task"},
    {"method.label_smoothing", smooths, "this method's steps are on plain labels"},
    {"method.loss", smooths, "this method takes its steps on one task at a time"},
    {"method.temperature", has_temperature, "only hypernet, protonet and finetune have it"},
    {"method.ridge", is_ridge, "only ridge and tables have it, and hypernet with method.ridge_head"},
    {"method.joint", can_have_joint,
     "there is none beside this method (its own is one, or tasks have classes of their "
     "own, or the network has batch norms)"},
    {"method.maml", can_have_maml,
     "there is none beside this method (its own is one, or tasks have classes of their own, or the network has batch "
     "norms)"},
    {"method.ridge_head", is_hypernet, "only hypernet has it"},
    {"method.code_steps", sees_ids, "hyper.condition has no id"},
    {"method.code_rate", sees_ids, "hyper.condition has no id"},
    {"method.networks", is_hypernet, "only hypernet has it"},
    {"method.penalty", generates, "nothing is generated"},
    {"method.inner_steps", steps_in_training, "this method takes no gradient steps inside training"},
    {"method.test_steps", steps_when_judged, "this method takes no gradient steps when judged"},
    {"method.inner_rate", has_rate, "this method takes no gradient steps, or learns them"},
    {"method.first_order", is_through_steps, "only hypernet with method.inner_steps has it"},
    {"hyper.combine", generates, "nothing is generated"},
    {"hyper.alpha", adds, "nothing is added to a base or scales it"},
    {"hyper.hidden", generates_layers, "hyper.rules generate no layer"},
    {"hyper.embedding", has_code, "nothing reads a code (hyper.rules generate no layer, hyper.attention = 0)"},
    {"hyper.layer_embedding", generates_layers, "hyper.rules generate no layer"},
    {"hyper.chunk", has_chunks, "hyper.rules have no chunked without a number"},
    {"hyper.noise", generates, "nothing is generated"},
    {"hyper.attention", generates, "nothing is generated"},
    {"hyper.class_hidden", corrects_classes, "hyper.class_delta = false"},
    {"hyper.class_scale", corrects_classes, "hyper.class_delta = false"},
    {"hyper.*", is_hypernet, "only hypernet has it"},
    {"cells.*", reads_cells, "only tables has it"},
    {"structure.choose", has_network, "this method has no network"},
    {"structure.low,structure.high,structure.temperature,structure.temperature_end,structure.warmup,structure.shrink,"
     "structure.sandwich,structure.entropy",
     has_structures, "no structures are generated (structure.choose = none or largest)"},
    {"structure.pooled,structure.gradient", has_structures,
     "no structures are generated (structure.choose = none or largest)"},
    {"structure.relevance", weighs_gates,
     "no structure is generated from a support set (structure.choose = task, hyper.condition with support)"},
    {"structure.common,structure.tie", differs_by_task, "structures do not differ by task (structure.choose = task)"},
    {"structure.distill", has_sandwich, "no larger network is trained beside generated ones (structure.sandwich)"},
    {"share.*", is_multitask, "only multitask has it"},
    {"share.own_heads", has_free_heads, "rules or the preset say what heads are, or all tasks have the same outputs"},
    {"share.size", has_size, "no part of the rules takes a number that is not given"},
    {"share.gate_temperature", has_gates, "share.gates = none"},
    {"share.temperature", mixes_by_softmax, "neither routing nor ordering is among the parts"},
    {"share.anneal", has_temperatures, "neither routing nor ordering is among the parts, nor are there gates"},
    {"share.anneal_steps", anneals, "share.anneal = 1"},
    {"share.hard", chooses, "neither routing is among the parts nor are there gates"},
};

const goss__key_use *goss__key_uses(int *n) {
    *n = (int)(sizeof uses / sizeof *uses);
    return uses;
}

/* Conditions that do not look at the method itself, and are known before there is one. */
static bool is_early(const goss__key_use *use) {
    static bool (*const early[])(const goss__run_settings *s, const goss_method *m) = {
        is_hypernet,       reads_cells,       is_multitask, has_texts,     has_temperature,
        steps_in_training, steps_when_judged, has_network,  counts_tokens, has_vocabulary,
        has_steps_of_text, has_bag,           has_quantiles};
    for (size_t i = 0; i < sizeof early / sizeof *early; i++)
        if (use->used == early[i]) return true;
    return false;
}

/* Keys that select the method and its start are always used. */
static bool is_looked_at(const char *key) {
    return strcmp(key, "train.method") == 0 || strcmp(key, "train.start") == 0 || strcmp(key, "validate.every") == 0;
}

const char *goss__key_unused(const goss__run_settings *s, const goss_method *m, const char *key) {
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (!is_looked_at(key) && goss_name_matches(key, uses[i].key) && !uses[i].used(s, m)) return uses[i].why;
    return NULL;
}

static void tell(const goss_config *c, const goss_key *key, const char *with, const char *why) {
    goss__str value = {0};
    goss__config_value(c, key, &value);
    goss__log(GOSS_LOG_WARN, "%s = %.60s has no effect%s: %s", key->name, value.data ? value.data : "", with, why);
    goss__str_free(&value);
}

/* ---- keys of some kinds of data ---- */

/* Kinds joined by ','; keys that are not listed apply to all. */
static const struct {
    const char *keys, *kinds, *about;
} of_kinds[] = {
    {"data.train_classes,data.val_classes,train.ways,train.shots,train.min_shots,train.queries,validate.ways,"
     "validate.shots,validate.queries",
     "images,sound,text", "classes that episodes are drawn from"},
    {"data.hold_out_alphabets,train.rotations,train.one_alphabet,train.distinct_faces,validate.rotations,"
     "validate.distinct_faces",
     "images", "images in episodes"},
    {"data.labels,data.height,data.width,data.channels,data.invert,data.cache,train.augment,train.elastic,train.mirror",
     "images,image tasks", "images"},
    {"data.skip_bad", "images,image tasks,sound", "images and sounds"},
    {"data.validate,data.leave_out,train.group", "sound,text", "samples with fields, as recordings have"},
    {"data.pattern,sound.*,augment.*", "sound", "sounds"},
    {"data.tasks,data.per_class", "image tasks", "images in tasks (data.task = folder, data.tasks)"},
    {"data.train_tasks,task.support,task.queries", "table,image tasks,ratings", "tasks of tables, images or ratings"},
    {"data.task,data.split", "table,image tasks", "tasks of tables or images"},
    {"data.hold_out", "images,table,tables,sound,text,ratings", "classes or tasks that are held out"},
    {"validate.episodes", "images,table,tables,prior,sound,text,ratings", "classes or tasks that are held out"},
    {"prior.columns,prior.support,prior.queries,prior.classes", "prior,tables",
     "whole tables (data.kind = prior, tables)"},
    {"prior.*", "prior", "tables of a prior (data.kind = prior)"},
    {"task.objective,task.quantiles", "table,tables,prior,ratings", "tables and ratings"},
    {"data.text,data.tokens,data.fold,data.vocabulary,data.least,data.ngrams,data.length,data.text_as,data.buckets,"
     "data.vectors",
     "table,text", "texts in tables"},
    {"data.val_tasks,task.order,train.fold", "table,ratings", "tables and ratings"},
    {"data.items,data.user,data.item,data.rating,data.factors,data.item_embedding,data.neighbours,data.click,"
     "task.negatives,validate.candidates",
     "ratings", "ratings"},
    {"data.time", "table,ratings", "series and ratings"},
    {"data.series,data.window,data.horizon,data.stride", "table", "series (data.kind = series)"},
    {"data.target,data.ignore,data.missing", "table,tables,text", "tables"},
    {"data.categorical", "table,tables", "tables"},
    {"data.role,task.thin,task.any", "table", "tables"},
    {"data.descriptor", "table,ratings", "tasks of tables and users of ratings"}};

static bool is_among(const char *kind, const char *kinds) {
    const size_t n = strlen(kind);
    for (const char *at = kinds; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == n && memcmp(at, kind, n) == 0) return true;
    return false;
}

/* What the key concerns that this kind of data lacks; NULL: the key applies. */
static const char *foreign(const char *key, const char *kind) {
    for (size_t i = 0; i < sizeof of_kinds / sizeof *of_kinds; i++)
        if (goss_name_matches(key, of_kinds[i].keys))
            return is_among(kind, of_kinds[i].kinds) ? NULL : of_kinds[i].about;
    return NULL;
}

bool goss__key_is_of(const char *key, const char *kind) { return !foreign(key, kind); }

goss_status goss_train_key_means(const goss_config *c, const char *key, bool *means, goss_error *err) {
    goss__run_settings s;
    GOSS_TRY(goss__run_settings_read(c, &s, err));
    *means = !foreign(key, goss__run_data_kind(&s, NULL)->name);
    for (size_t i = 0; *means && i < sizeof uses / sizeof *uses; i++)
        if (is_early(&uses[i]) && goss_name_matches(key, uses[i].key) && !is_looked_at(key))
            *means = uses[i].used(&s, NULL);
    return GOSS_OK;
}

static void tell_foreign(const goss_config *c, const goss_key *key, const char *about) {
    char why[100];
    snprintf(why, sizeof why, "it is about %s", about);
    tell(c, key, "", why);
}

void goss__tell_unused_key(const goss__run_settings *s, const goss_method *m, const char *data_kind,
                           const goss_key *key, const char *with) {
    if (goss__config_is_default(s->config, key)) return;
    const char *about = foreign(key->name, data_kind), *why = goss__key_unused(s, m, key->name);
    if (about)
        tell_foreign(s->config, key, about);
    else if (why)
        tell(s->config, key, with, why);
}

void goss__tell_unused(const goss__run_settings *s, const goss_method *m, const char *data_kind) {
    char with[80];
    snprintf(with, sizeof with, " with train.method = %s", goss_method_name(m));
    const goss_key *key;
    for (int i = 0; (key = goss_config_key_at(s->config, i)); i++) goss__tell_unused_key(s, m, data_kind, key, with);
}

void goss__tell_key_unused(const goss_config *c, const char *key, const char *why) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(keys[i].name, key) == 0 && !goss__config_is_default(c, &keys[i])) tell(c, &keys[i], "", why);
}
