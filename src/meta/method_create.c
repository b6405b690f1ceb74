/* SPDX-License-Identifier: Apache-2.0 */
/* method_create.c: the list of methods, their settings, parameters and inputs. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "meta/structure.h"
#include "nn/nn.h"
#include "task/task.h"
#include "task/task_pack.h"

static const goss__method_kind *const kinds[] = {
    &goss__method_hypernet, &goss__method_protonet, &goss__method_ridge,   &goss__method_maml,
    &goss__method_fomaml,   &goss__method_anil,     &goss__method_reptile, &goss__method_finetune,
    &goss__method_learned,  &goss__method_scratch,  &goss__method_joint,   &goss__method_multitask,
    &goss__method_tables,   &goss__method_pixels,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *const *goss_method_names(void) {
    static const char *const names[KINDS + 1] = {"hypernet", "protonet",  "ridge",    "maml",    "fomaml",
                                                 "anil",     "reptile",   "finetune", "learned", "scratch",
                                                 "joint",    "multitask", "tables",   "pixels",  NULL};
    return names;
}

goss_method_options goss_method_defaults(void) {
    return (goss_method_options){
        .ridge = 1, .own_heads = true, .cells = {.width = 48, .layers = 3, .heads = 3, .directions = 16, .ranked = 8}};
}

/* ---- inputs ---- */

/* [T, n, x...], of sequences that have lengths [T, n, L, C]. */
static goss_shape sample_shape(const goss_task_spec *spec, const goss_task_batch *b, goss_extent n) {
    goss_shape s = {.rank = 2 + spec->input_rank, .dim = {b->T, n}};
    for (int i = 0; i < spec->input_rank; i++) s.dim[2 + i] = goss_n(spec->input[i]);
    if (spec->lengths) s.dim[2] = b->L;
    return s;
}

/* ---- an answer at each step ---- */

/* Steps of a sample in the graph. */
static goss_extent steps_of(const goss_task_spec *spec, const goss_task_batch *b) {
    return spec->lengths ? b->L : goss_n(spec->input[0]);
}

/* Targets [T,n,W], or [T,n L,W] where each step has one. */
static goss_val declare_target(goss_graph *g, const char *name, const goss_task_spec *spec, const goss_task_batch *b,
                               goss_extent n) {
    if (!goss_task_objective(spec)->steps) return goss_input(g, name, GOSS_REAL, GOSS_SHAPE(b->T, n, b->W));
    const goss_extent L = steps_of(spec, b);
    goss_val y = goss_input(g, name, GOSS_REAL, GOSS_SHAPE(b->T, n, L, b->W));
    return goss_reshape(y, GOSS_SHAPE(b->T, goss_extent_mul(n, L), b->W));
}

/* Weights of samples [T,n] become those of their steps [T,n L]: of those that have a label. */
static goss_val weights_of_steps(const goss_task_spec *spec, const goss_task_batch *b, goss_val weight, goss_val target,
                                 goss_extent n) {
    const goss_extent L = steps_of(spec, b);
    goss_val each = goss_reshape(goss_broadcast(goss_unsqueeze(weight, 2), GOSS_SHAPE(b->T, n, L)),
                                 GOSS_SHAPE(b->T, goss_extent_mul(n, L)));
    return goss_mul(each, goss_sum(target, GOSS_AXIS(2), false));
}

/* 1 for each sample that has a labelled step. */
static goss_val samples_there(const goss_task_spec *spec, const goss_task_batch *b, goss_val target, goss_extent n) {
    goss_val labels = goss_reshape(goss_sum(target, GOSS_AXIS(2), false), GOSS_SHAPE(b->T, n, steps_of(spec, b)));
    return goss_reduce_max(labels, GOSS_AXIS(2), false);
}

static void count_steps(const goss_task_spec *spec, goss_task_batch *b) {
    b->query_samples = b->query_weight;
    b->query_weight = weights_of_steps(spec, b, b->query_weight, b->query_target, b->Q);
    b->support_samples =
        goss_valid(b->support_weight) ? b->support_weight : samples_there(spec, b, b->support_target, b->S);
    if (goss_valid(b->support_weight))
        b->support_weight = weights_of_steps(spec, b, b->support_weight, b->support_target, b->S);
    b->S = goss_extent_mul(b->S, steps_of(spec, b)), b->Q = goss_extent_mul(b->Q, steps_of(spec, b));
}

/* ---- missing components ---- */

/* A sample counts by the share of its target that is known, so that means over samples are means over components. */
static void count_components(goss_graph *g, goss_task_batch *b) {
    b->support_known = goss_input(g, "support_known", GOSS_REAL, GOSS_SHAPE(b->T, b->S, b->W));
    b->query_known = goss_input(g, "query_known", GOSS_REAL, GOSS_SHAPE(b->T, b->Q, b->W));
    b->support_samples = b->support_weight, b->query_samples = b->query_weight;
    b->support_weight = goss_mul(b->support_weight, goss_mean(b->support_known, GOSS_AXIS(2), false));
    b->query_weight = goss_mul(b->query_weight, goss_mean(b->query_known, GOSS_AXIS(2), false));
}

/* ---- items ---- */

goss_val goss__item_input(goss_val x, goss_val row) {
    const int axis = goss_rank(x) - 1;
    const int64_t known = goss_dim(x, axis).count - 1;
    return known == 0 ? row : goss_concat((goss_val[]){goss_slice(x, axis, 0, known), row}, 2, axis);
}

/* Rows of the batch's items are read once, and are what a step differentiates by and updates. */
static void declare_items(goss_graph *g, const goss_task_spec *spec, int64_t tasks, goss_task_batch *b) {
    const goss_extent R = goss_symbol(g, "R", goss__task_items_most(spec, tasks));
    b->item_table = goss_param(g, GOSS_METHOD_ITEMS, GOSS_SHAPE(goss_n(spec->items), goss_n(spec->item_numbers)));
    b->item_rows = goss_input(g, "item_rows", GOSS_INDEX, GOSS_SHAPE(R));
    b->item_values = goss_variable(goss_gather(b->item_table, b->item_rows));
    const goss_val support = goss_input(g, "support_item", GOSS_INDEX, GOSS_SHAPE(b->T, b->S)),
                   query = goss_input(g, "query_item", GOSS_INDEX, GOSS_SHAPE(b->T, b->Q));
    b->support = goss__item_input(b->support, goss_gather(b->item_values, support));
    b->query = goss__item_input(b->query, goss_gather(b->item_values, query));
}

goss_task_batch goss_task_batch_declare(goss_graph *g, const goss_task_spec *spec, int64_t tasks) {
    const bool classes = goss_task_objective(spec)->classes;
    goss_task_batch b = {.T = goss_symbol(g, "T", tasks),
                         .W =
                             goss_task_fixed_outputs(spec) ? goss_n(spec->outputs) : goss_symbol(g, "W", spec->outputs),
                         .S = goss_symbol(g, "S", spec->supports > 0 ? spec->supports : 1),
                         .Q = goss_symbol(g, "Q", spec->queries > 0 ? spec->queries : 1),
                         .all_known = spec->ids > 0 && spec->known,
                         .outputs = spec->outputs,
                         .supported = spec->supports > 0};
    if (spec->lengths) b.L = goss_symbol(g, "L", spec->input[0]);
    b.support = goss_input(g, "support", GOSS_REAL, sample_shape(spec, &b, b.S));
    b.support_target = declare_target(g, "support_target", spec, &b, b.S);
    if (classes && !goss_task_objective(spec)->steps)
        b.assign = goss_input(g, "assign", GOSS_REAL, GOSS_SHAPE(b.T, b.W, b.S));
    b.query = goss_input(g, "query", GOSS_REAL, sample_shape(spec, &b, b.Q));
    b.query_target = declare_target(g, "query_target", spec, &b, b.Q);
    b.query_weight = goss_input(g, "query_weight", GOSS_REAL, GOSS_SHAPE(b.T, b.Q));
    if (classes) b.class_mask = goss_input(g, "class_mask", GOSS_REAL, GOSS_SHAPE(b.T, b.W));
    b.task = goss_input(g, "task", GOSS_INDEX, GOSS_SHAPE(b.T));
    if (!classes || spec->support_weights)
        b.support_weight = goss_input(g, "support_weight", GOSS_REAL, GOSS_SHAPE(b.T, b.S));
    if (spec->descriptor > 0)
        b.descriptor = goss_input(g, "descriptor", GOSS_REAL, GOSS_SHAPE(b.T, goss_n(spec->descriptor)));
    if (spec->lengths) b.support_length = goss_input(g, "support_length", GOSS_REAL, GOSS_SHAPE(b.T, b.S));
    if (spec->lengths) b.query_length = goss_input(g, "query_length", GOSS_REAL, GOSS_SHAPE(b.T, b.Q));
    if (spec->ids > 0) b.id = goss_input(g, "id", GOSS_INDEX, GOSS_SHAPE(b.T));
    if (spec->ids > 0) b.known = goss_input(g, "known", GOSS_REAL, GOSS_SHAPE(b.T));
    if (goss_task_objective(spec)->steps) count_steps(spec, &b);
    if (spec->partial) count_components(g, &b);
    if (spec->items > 0) declare_items(g, spec, tasks, &b);
    return b;
}

/* ---- parameters ---- */

goss_status goss__method_param(goss_method *m, const char *name, const goss_layout *l, bool trained, goss_error *err) {
    if (goss_layout_total(l) == 0) return GOSS_OK;
    if (m->n_params == GOSS__METHOD_PARAMS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "method %s: more than %d parameters", m->kind->name,
                              GOSS__METHOD_PARAMS);
    m->params[m->n_params++] = (goss_method_param){name, l, trained};
    return GOSS_OK;
}

goss_status goss__method_setup(goss_method *m, const char *const *names, int64_t n, bool trained, goss_error *err) {
    GOSS_TRY(goss__method_param(m, "target", goss_target_layout(m->target), trained, err));
    if (m->batch_norm && !m->support_norm)
        GOSS_TRY(goss__method_param(m, "running", goss_target_statistics(m->target), false, err));
    if (!names) return GOSS_OK;
    GOSS_TRY(goss_layout_new(&m->head, err));
    for (; *names; names++) {
        goss_entry e = {.name = *names,
                        .rank = 1,
                        .dim = {n},
                        .init = GOSS_INIT_ZEROS,
                        .role = GOSS_ROLE_BIAS,
                        .out_units = -1,
                        .in_units = -1};
        GOSS_TRY(goss_layout_add(m->head, &e, err));
    }
    return goss__method_param(m, "head", m->head, trained, err);
}

goss_status goss__item_layout(int64_t items, int numbers, goss_layout **out, goss_error *err) {
    /* At 0 an item that was never met is as one that is not known. */
    const goss_entry e = {.name = "rows",
                          .rank = 2,
                          .dim = {items, numbers},
                          .init = GOSS_INIT_ZEROS,
                          .role = GOSS_ROLE_WEIGHT,
                          .layer = -1,
                          .out_units = -1,
                          .in_units = -1};
    GOSS_TRY(goss_layout_new(out, err));
    return goss_layout_add(*out, &e, err);
}

goss_extent goss__head_width(const goss_method *m, const goss_task_batch *b) {
    return m->fixed ? goss_n(goss_target_outputs(m->target)) : b->W;
}

int goss__method_steps(const goss_method *m, bool training) {
    const goss_method_options *o = &m->options;
    if (training) return o->inner_steps ? o->inner_steps : m->kind->train_steps;
    return o->test_steps ? o->test_steps : m->kind->test_steps;
}

double goss__method_rate(const goss_method *m) {
    return m->options.inner_rate > 0 ? m->options.inner_rate : m->kind->rate;
}

int goss_method_params(const goss_method *m) { return m->n_params; }
goss_method_param goss_method_param_at(const goss_method *m, int i) { return m->params[i]; }
void goss_method_initialize(const goss_method *m, int i, uint64_t seed, float *out) {
    if (m->share && m->params[i].layout == goss_share_layout(m->share))
        goss_share_initialize(m->share, seed, out);
    else
        goss_layout_initialize(m->params[i].layout, seed, out);
}

/* ---- life ---- */

static goss_status find_kind(const char *name, const goss__method_kind **out, goss_error *err) {
    goss__str list = {0};
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            *out = kinds[i];
            goss__str_free(&list);
            return GOSS_OK;
        }
        goss__str_addf(&list, "%s%s", i ? ", " : "", kinds[i]->name);
    }
    goss_status status = goss_error_set(err, GOSS_E_ARGUMENT, "there is no method %s; there are %s", name,
                                        list.failed ? "others" : list.data);
    goss__str_free(&list);
    return status;
}

static goss_status check_options(const goss_method_options *o, goss_error *err) {
    const char *bad = NULL;
    if (o->inner_steps < 0 || o->inner_steps > 1000) bad = "inner_steps is not in 0 .. 1000";
    if (o->test_steps < 0 || o->test_steps > 1000) bad = "test_steps is not in 0 .. 1000";
    if (o->networks < 0 || o->networks > GOSS_METHOD_MAX_NETWORKS) bad = "networks is not in 0 .. 64";
    if (!(o->inner_rate >= 0)) bad = "inner_rate is negative";
    if (!(o->ridge > 0)) bad = "ridge is not positive";
    if (!(o->label_smoothing >= 0 && o->label_smoothing < 1)) bad = "label_smoothing is not in [0, 1)";
    if (!(o->dropout >= 0 && o->dropout < 1)) bad = "dropout is not in [0, 1)";
    if (!(o->temperature >= 0)) bad = "temperature is negative";
    if (!(o->penalty >= 0)) bad = "penalty is negative";
    if (o->code_steps < 0 || o->code_steps > 1000) bad = "code_steps is not in 0 .. 1000";
    if (!(o->code_rate >= 0)) bad = "code_rate is negative";
    if (o->items < 0 || o->items > 1 << 24 || (o->items > 0) != (o->item_numbers > 0))
        bad = "items is not in 0 .. 2^24, or item_numbers does not go with it";
    if (o->outputs < 0 || o->outputs > 1 << 20) bad = "outputs is not in 0 .. 1048576";
    return bad ? goss_error_set(err, GOSS_E_ARGUMENT, "method: %s", bad) : GOSS_OK;
}

/* Whether the target includes its head, which requires outputs shared by all tasks. */
static goss_status choose_head(goss_method *m, goss_error *err) {
    const goss__method_kind *k = m->kind;
    goss_method_options *o = &m->options;
    if (!m->objective->classes && o->outputs == 0) o->outputs = 1;
    if (!m->objective->classes && k->no_numbers)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "method %s has no meaning for %s: %s", k->name,
                              m->objective->name, k->no_numbers);
    m->fixed = o->outputs > 0 && (!m->objective->classes || k->head != GOSS__HEAD_OF_CLASSES);
    if (m->objective->classes && k->fixed_classes) m->fixed &= k->fixed_classes(m);
    if (o->task_classes) m->fixed &= k->head_by_task;
    if (!m->fixed && k->head == GOSS__HEAD_FIXED)
        return goss_error_set(
            err, GOSS_E_UNSUPPORTED, "method %s has %s for all tasks, and these have classes of their own%s", k->name,
            k->head_by_task ? "heads of one size" : "one network", k->head_by_task ? " and no numbers" : "");
    return GOSS_OK;
}

/* Each step has to have features of its own. */
static goss_status check_steps(const goss_method *m, goss_error *err) {
    const int64_t *input = goss_target_input(m->target);
    if (!m->fixed)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "method %s makes heads of the means of classes, and %s has a class at each step",
                              m->kind->name, m->objective->name);
    if (m->objective->next)
        GOSS_TRY(goss_error_prefix(err, goss_target_causal(m->target, err),
                                   "objective %s is to foresee the next token, and this network sees it",
                                   m->objective->name));
    if (goss__target_answers_steps(m->target) && goss__target_steps(m->target) == input[0]) return GOSS_OK;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "objective %s wants an answer at each of %lld steps, and this network ends in %s: leave out "
                          "readout and flatten, and let conv1d have pad and no stride",
                          m->objective->name, (long long)input[0],
                          goss__target_answers_steps(m->target) ? "fewer steps" : "one answer for all");
}

/* A head of the target would answer at each step. */
static goss_status check_features(const goss_method *m, goss_error *err) {
    if (m->objective->steps) return check_steps(m, err);
    if (!m->fixed || !goss__target_answers_steps(m->target)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "method %s answers once for each sample, and this network ends in steps: put readout mean, "
                          "max, last or attention, or flatten, at its end",
                          m->kind->name);
}

static goss_status build(goss_method *m, const char *name, const char *backbone, const int64_t *input, int input_rank,
                         goss_error *err) {
    GOSS_TRY(check_options(&m->options, err));
    m->objective = m->options.objective ? m->options.objective : &goss__classification;
    if (m->objective->among && m->options.outputs != 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "objective %s ranks samples by one number, not by %d",
                              m->objective->name, m->options.outputs);
    GOSS_TRY(find_kind(name, &m->kind, err));
    GOSS_TRY(choose_head(m, err));
    const int width = m->fixed ? goss_objective_width(m->objective, m->options.outputs) : 0;
    GOSS_TRY(goss_target_parse_dropout(backbone, input, input_rank, width, m->options.dropout, &m->target, err));
    GOSS_TRY(check_features(m, err));
    if (m->kind != &goss__method_hypernet) m->options.networks = 0; /* copies of one network */
    m->features = (int)goss_target_feature_count(m->target);
    if (m->objective->steps) m->features /= (int)goss__target_steps(m->target);
    m->batch_norm = goss_layout_count(goss_target_statistics(m->target)) > 0;
    m->support_norm = m->kind->adapts_norm || m->options.norm == GOSS_METHOD_NORM_SUPPORT;
    if (m->options.temperature == 0) m->options.temperature = 1 / __builtin_sqrt((double)m->features);
    if (m->options.structure) m->structure = *m->options.structure;
    if (m->kind != &goss__method_hypernet && goss__structure_chooses(m))
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "method %s generates no structures; hypernet does",
                              m->kind->name);
    if (m->kind->solve) GOSS_TRY(goss__structure_setup(m, err));
    if (m->kind->setup) GOSS_TRY(m->kind->setup(m, err));
    /* None if the method's own network is joint already, or no joint network is possible. */
    const bool beside = m->fixed && !m->batch_norm && m->kind->trains;
    m->joint = m->options.joint && beside && !m->kind->is_joint;
    m->maml = m->options.maml && beside && m->kind != &goss__method_maml;
    if (m->options.items > 0) {
        GOSS_TRY(goss__item_layout(m->options.items, m->options.item_numbers, &m->items, err));
        GOSS_TRY(goss__method_param(m, GOSS_METHOD_ITEMS, m->items, m->kind->trains, err));
    }
    if (m->joint) GOSS_TRY(goss__method_param(m, GOSS__JOINT, goss_target_layout(m->target), true, err));
    return m->maml ? goss__method_param(m, GOSS__MAML, goss_target_layout(m->target), true, err) : GOSS_OK;
}

goss_status goss_method_create(const char *name, const char *backbone, const int64_t *input, int input_rank,
                               const goss_method_options *options, goss_method **out, goss_error *err) {
    goss_method *m = goss__calloc(1, sizeof *m);
    *out = NULL;
    if (!m) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a method");
    m->options = options ? *options : goss_method_defaults();
    goss_status status = build(m, name, backbone, input, input_rank, err);
    m->options.hyper = NULL, m->options.share = NULL,
    m->options.structure = NULL; /* the caller's; goss_hyper_settings has the copy */
    if (status != GOSS_OK) {
        goss_method_free(m);
        return status;
    }
    *out = m;
    return GOSS_OK;
}

void goss_method_free(goss_method *m) {
    if (!m) return;
    goss_hyper_free(m->hyper);
    goss_share_free(m->share);
    goss_layout_free(m->head), goss_layout_free(m->items);
    goss_layout_free(m->cells), goss_layout_free(m->steps);
    goss_target_free(m->rest);
    goss_space_free(m->space);
    goss_layout_free(m->codes), goss_layout_free(m->strengths);
    goss_target_free(m->target);
    goss__free(m);
}

const char *goss_method_name(const goss_method *m) { return m->kind->name; }
const goss_target *goss_method_target(const goss_method *m) { return m->target; }
const goss_space *goss_method_space(const goss_method *m) { return m->space; }
const goss_structure_options *goss_method_structure(const goss_method *m) { return &m->structure; }
const goss_share *goss_method_share(const goss_method *m) { return m->share; }
bool goss_method_trains(const goss_method *m) { return m->kind->trains; }
bool goss__method_adapts(const goss_method *m) { return m->kind->solve != NULL; }

bool goss__method_needs_support(const goss_method *m) {
    return m->kind->needs_support ? m->kind->needs_support(m) : !(m->fixed && m->kind->is_joint);
}
