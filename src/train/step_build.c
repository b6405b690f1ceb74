/* SPDX-License-Identifier: Apache-2.0 */
/* step_build.c: the programs of a training step: loss, penalty, gradients, and the optimiser's updates, in one
 * graph; or, for micro-batches, gradients of one task in one graph, and the update from their sum in another. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "train/step.h"

#define MAX_UPDATES (GOSS_OPTIMIZER_MAX_PARAMS * 5 + 2 + GOSS_STEP_STATES)

/* ---- loss and gradients ---- */

/* A loss with its gradients. */
typedef struct differentiated {
    goss_step_loss loss;
    goss_val grad[GOSS_STEP_PARAMS]; /* of the loss, or of the penalty alone where there is an end; GOSS_NONE: none */
} differentiated;

static goss_status check_rows(const goss_step_param *p, goss_error *err) {
    const bool rows = goss_valid(p->rows);
    if (!rows && !goss_valid(p->values)) return GOSS_OK;
    if (rows && goss_valid(p->values) && !goss_valid(p->end) && goss_layout_count(p->layout) == 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "parameter %s of a step is trained by rows: it needs rows and values, a layout of one tensor "
                          "and no end",
                          p->name);
}

static goss_status check_loss(const goss_step_loss *l, goss_error *err) {
    if (l->n_params < 1 || l->n_params > GOSS_STEP_PARAMS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a step of %d parameters: 1 to %d are possible", l->n_params,
                              GOSS_STEP_PARAMS);
    if (l->n_measures < 0 || l->n_measures > GOSS_STEP_MEASURES || l->n_states < 0 || l->n_states > GOSS_STEP_STATES)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a step of %d measures and %d states: at most %d and %d",
                              l->n_measures, l->n_states, GOSS_STEP_MEASURES, GOSS_STEP_STATES);
    for (int i = 0; i < l->n_params; i++)
        if (!l->param[i].name || !l->param[i].layout)
            return goss_error_set(err, GOSS_E_ARGUMENT, "parameter %d of a step has no name or no layout", i + 1);
    for (int i = 0; i < l->n_params; i++) GOSS_TRY(check_rows(&l->param[i], err));
    return GOSS_OK;
}

static void gradients_of(goss_graph *g, goss_val y, differentiated *d, bool of_ends) {
    goss_val by[GOSS_STEP_PARAMS], grad[GOSS_STEP_PARAMS];
    int at[GOSS_STEP_PARAMS], n = 0;
    if (!goss_valid(y)) return;
    for (int i = 0; i < d->loss.n_params; i++)
        if (goss_valid(d->loss.param[i].end) == of_ends) by[n] = goss__step_wrt(&d->loss.param[i]), at[n++] = i;
    if (n == 0) return;
    goss_scope_push(g, "gradient");
    goss_status s = goss_grad(y, by, n, grad);
    goss_scope_pop(g);
    if (s != GOSS_OK) goss_graph_fail(g, s, "training: the %s has no gradient", of_ends ? "penalty" : "loss");
    for (int k = 0; k < n; k++) d->grad[at[k]] = grad[k];
}

/* Builds the loss of `tasks` tasks, adds the penalty, differentiates. */
static goss_status differentiate(const goss_step *s, const goss_step_options *o, goss_graph *g, int64_t tasks,
                                 differentiated *d, goss_error *err) {
    *d = (differentiated){0};
    GOSS_TRY(s->source.build(s->source.context, g, tasks, &d->loss, err));
    GOSS_TRY(goss_graph_status(g, err));
    GOSS_TRY(check_loss(&d->loss, err));
    const goss_val penalty = goss__step_penalty(o, g, &d->loss);
    GOSS_TRY(check_loss(&d->loss, err));
    if (goss_valid(penalty)) d->loss.loss = goss_add(d->loss.loss, penalty);
    gradients_of(g, d->loss.loss, d, false);
    gradients_of(g, penalty, d, true);
    return goss_graph_status(g, err);
}

static void keep_measures(goss_step *s, const goss_step_loss *l) {
    s->n_measures = l->n_measures;
    for (int i = 0; i < l->n_measures; i++) s->measure_name[i] = l->measure[i].name;
}

/* ---- the optimiser's side ---- */

/* 0 for every tensor that is no weight of a product. */
static goss_val decay_scale(goss_graph *g, const goss_layout *l) {
    int n = goss_layout_count(l), m = 0;
    goss_scale_rule *rules = goss__calloc((size_t)n + 1, sizeof *rules);
    if (!rules) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for rules of weight decay");
    for (int i = 0; i < n; i++)
        if (goss_layout_entry(l, i)->role != GOSS_ROLE_WEIGHT)
            rules[m++] = (goss_scale_rule){goss_layout_entry(l, i)->name, 0};
    goss_val v = goss_layout_scales(g, l, rules, m);
    goss__free(rules);
    return v;
}

/* GOSS_NONE: the learning rate as it is. */
static goss_val rate_scale(goss_graph *g, const goss_step_options *o, const goss_step_param *p) {
    int m = 0;
    goss_scale_rule *rules = goss__calloc((size_t)o->n_rates + 1, sizeof *rules);
    if (!rules) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for learning rates");
    for (int i = 0; i < o->n_rates; i++) {
        const char *pattern = goss__rate_pattern(o->rates[i].pattern, p->name);
        if (pattern) rules[m++] = (goss_scale_rule){pattern, o->rates[i].scale};
    }
    goss_val v = m ? goss_layout_scales(g, p->layout, rules, m) : GOSS_NONE;
    goss__free(rules);
    return v;
}

/* Factors [P] for what a step updates of a parameter: of one tensor they are all the same. */
static goss_val of_part(const goss_step_param *p, goss_val scale) {
    if (!goss_valid(p->rows) || !goss_valid(scale)) return scale;
    return goss_reshape(goss_slice(scale, 0, 0, 1), (goss_shape){.rank = 0});
}

/* The last outputs and the updates of a step: gradient[i] of l->param[i] is given. */
static goss_status compile_updates(goss_graph *g, const goss_step_options *o, const goss_step_loss *l,
                                   const goss_val *gradient, goss_val *outputs, int n_outputs, goss_schedule **out,
                                   goss_error *err) {
    goss_optimizer_param params[GOSS_STEP_PARAMS];
    for (int i = 0; i < l->n_params; i++) {
        const goss_step_param *p = &l->param[i];
        params[i] = (goss_optimizer_param){.param = p->param, .gradient = gradient[i], .rows = p->rows};
        params[i].rate_scale = of_part(p, rate_scale(g, o, p));
        params[i].decay_scale = o->optimizer.weight_decay > 0 ? of_part(p, decay_scale(g, p->layout)) : GOSS_NONE;
    }
    const goss_val rate = goss_input(g, "lr", GOSS_REAL, (goss_shape){0});
    goss_optimizer_result done = goss_optimizer_build(&o->optimizer, params, l->n_params, rate);
    goss_val updates[MAX_UPDATES];
    int n = done.n_updates;
    memcpy(updates, done.updates, (size_t)n * sizeof *updates);
    for (int i = 0; i < l->n_states; i++) {
        const goss_step_state *state = &l->state[i];
        updates[n++] = goss_assign(state->param, goss_select(done.applied, state->next, state->param));
    }
    outputs[n_outputs] = done.gradient_norm, outputs[n_outputs + 1] = done.applied;
    return goss_compile(g, outputs, n_outputs + 2, updates, n, NULL, out, err);
}

/* ---- the whole batch ---- */

/* Start minus the mean of where the tasks ended. value [T, ...] flattens to [total]. */
static goss_val way_back(goss_val start, goss_val ends) {
    goss_val mean = goss_mean(ends, GOSS_AXIS(0), false);
    return goss_valid(start) && goss_valid(mean) ? goss_sub(start, goss_reshape(mean, goss_shape_of(start))) : mean;
}

static goss_status build_batch(goss_step *s, const goss_step_options *o, goss_graph *g, goss_error *err) {
    differentiated d;
    goss_val gradient[GOSS_STEP_PARAMS], outputs[GOSS_STEP_MEASURES + 3];
    GOSS_TRY(differentiate(s, o, g, s->tasks, &d, err));
    for (int i = 0; i < d.loss.n_params; i++) {
        const goss_step_param *p = &d.loss.param[i];
        gradient[i] = goss_valid(p->end) ? way_back(p->param, p->end) : d.grad[i];
        if (goss_valid(p->end) && goss_valid(d.grad[i])) gradient[i] = goss_add(gradient[i], d.grad[i]);
    }
    outputs[0] = d.loss.loss;
    for (int i = 0; i < d.loss.n_measures; i++) outputs[1 + i] = d.loss.measure[i].value;
    keep_measures(s, &d.loss);
    return compile_updates(g, o, &d.loss, gradient, outputs, 1 + d.loss.n_measures, &s->batch, err);
}

/* ---- micro-batches ---- */

/* The number of elements of a tensor without symbols; -1: it has some. */
static int64_t numel_of(goss_val v) {
    goss_shape shape = goss_shape_of(v);
    int64_t n = 1;
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dim[i].symbols) return -1;
        n *= shape.dim[i].count;
    }
    return goss_valid(v) ? n : -1;
}

/* kind "": read by the host only; else the sum is apply's input KIND.NAME. */
static goss_status add_part(goss_step *s, goss_val output, const char *kind, const char *name, goss_error *err) {
    const int64_t n = numel_of(output);
    goss__slab_part *part = &s->part[s->n_parts++];
    if (n < 0)
        return goss_error_set(err, GOSS_E_SHAPE,
                              "micro-batches: %s%s%s of one task has a symbol in its shape, and can not be added up",
                              kind, *kind ? "." : "", name);
    *part = (goss__slab_part){.offset = s->slab_numbers, .numel = n};
    if (*kind && snprintf(part->input, sizeof part->input, "%s.%s", kind, name) >= (int)sizeof part->input)
        return goss_error_set(err, GOSS_E_ARGUMENT, "the name %.40s... is too long", name);
    s->slab_numbers += (n + 15) / 16 * 16;
    return GOSS_OK;
}

/* One task's loss and the quantities that are summed. An end includes the penalty's gradient: param - mean(end -
 * grad). */
static goss_status build_accumulate(goss_step *s, const goss_step_options *o, goss_graph *g, differentiated *d,
                                    goss_error *err) {
    goss_val outputs[GOSS__STEP_PARTS];
    int n = 0;
    GOSS_TRY(differentiate(s, o, g, 1, d, err));
    GOSS_TRY(add_part(s, outputs[n++] = d->loss.loss, "", "loss", err));
    for (int i = 0; i < d->loss.n_measures; i++)
        GOSS_TRY(add_part(s, outputs[n++] = d->loss.measure[i].value, "", d->loss.measure[i].name, err));
    for (int i = 0; i < d->loss.n_params; i++) {
        const goss_step_param *p = &d->loss.param[i];
        if (goss_valid(p->rows))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "micro-batches: parameter %s is trained by the rows of a whole batch "
                                  "(micro_batch = 0), and a task has only some of them",
                                  p->name);
        goss_val row = d->grad[i];
        if (goss_valid(p->end)) row = goss_valid(row) ? goss_sub(p->end, goss_unsqueeze(row, 0)) : p->end;
        GOSS_TRY(add_part(s, outputs[n++] = row, "gradient", p->name, err));
    }
    for (int i = 0; i < d->loss.n_states; i++)
        GOSS_TRY(add_part(s, outputs[n++] = d->loss.state[i].next, "next", d->loss.state[i].name, err));
    keep_measures(s, &d->loss);
    return goss_compile(g, outputs, n, NULL, 0, NULL, &s->accumulate, err);
}

/* The mean over tasks of a part of the slab. */
static goss_val mean_of(const goss__slab_part *part, goss_graph *g, goss_shape shape, goss_val count) {
    return goss_div(goss_input(g, part->input, GOSS_REAL, shape), count);
}

/* From sums over tasks to updates. */
static goss_status build_apply(goss_step *s, const goss_step_options *o, const differentiated *from, goss_graph *g,
                               goss_error *err) {
    goss_step_loss l = from->loss;
    const goss__slab_part *part = &s->part[1 + l.n_measures];
    goss_val gradient[GOSS_STEP_PARAMS], outputs[2], count = goss_input(g, "count", GOSS_REAL, (goss_shape){0});
    for (int i = 0; i < l.n_params; i++) {
        goss_step_param *p = &l.param[i];
        const goss_shape shape = goss_shape_of(p->param);
        const bool ends = goss_valid(p->end);
        p->param = goss_param(g, p->name, shape);
        gradient[i] = mean_of(part++, g, shape, count);
        if (ends) gradient[i] = goss_sub(p->param, gradient[i]);
    }
    for (int i = 0; i < l.n_states; i++) {
        goss_step_state *state = &l.state[i];
        const goss_shape shape = goss_shape_of(state->param);
        state->param = goss_param(g, state->name, shape);
        state->next = mean_of(part++, g, shape, count);
    }
    return compile_updates(g, o, &l, gradient, outputs, 0, &s->apply, err);
}

static goss_status build_both(goss_step *s, const goss_step_options *o, goss_graph *g, goss_graph *h, goss_error *err) {
    differentiated d;
    GOSS_TRY(build_accumulate(s, o, g, &d, err));
    return build_apply(s, o, &d, h, err);
}

goss_status goss__step_compile(goss_step *s, const goss_step_options *o, goss_error *err) {
    if (s->micro_batch > 0) GOSS_TRY(goss__step_separable(&s->source, o, err));
    goss_graph *g = goss_graph_new(), *h = s->micro_batch > 0 ? goss_graph_new() : NULL;
    goss_status status = GOSS_OK;
    if (!g || (s->micro_batch > 0 && !h))
        status = goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    else
        status = h ? build_both(s, o, g, h, err) : build_batch(s, o, g, err);
    goss_graph_free(g);
    goss_graph_free(h);
    return status;
}
