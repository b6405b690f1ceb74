/* SPDX-License-Identifier: Apache-2.0 */
/* structure_train.c: gates in training. Gates of a task are opened at a price: the least at which the structure is
 * within the task's budget, found by bisection of rounded gates, whose costs are exact. The price has a gradient by the
 * implicit function theorem: C(l - p k) = budget, hence dp = C_l dl / (k C_l). Without it every gate that helps would
 * gain, however dear it is. */
#include <math.h>

#include "base/alloc.h"
#include "meta/structure.h"

enum { HALVINGS = 12 };
static const double most_price = 24; /* beyond any logit with its noise that matters */
/* Share of the range of budgets by which draws overshoot either end: the ends are drawn more often than what lies
 * between, since nothing beyond them teaches them. */
static const double beyond = 0.1;
/* Share of the training over which what differs between tasks comes in. */
static const double coming = 0.1;

/* ---- progress ---- */

/* A number of rank 0. */
static goss_val progress(goss_graph *g) {
    return goss_squeeze(goss_param(g, GOSS__STRUCTURE_PROGRESS, GOSS_SHAPE(goss_n(1))), 0);
}

/* From 0 to 1 between two moments of the training. */
static goss_val ramp(goss_graph *g, double from, double to) {
    goss_val x = goss_scale(goss_shift(progress(g), -from), 1 / fmax(to - from, 1e-9));
    return goss_min(goss_max(x, goss_const(g, 0)), goss_const(g, 1));
}

static goss_val heat(const goss_method *m, goss_graph *g) {
    const goss_structure_options *o = &m->structure;
    const double start = log(o->temperature), end = log(o->temperature_end);
    return goss_exp(goss_shift(goss_scale(ramp(g, o->warmup, 1), end - start), start));
}

goss_val goss__structure_deviation_factor(const goss_method *m, const goss__solution *s) {
    const double from = m->structure.common;
    if (!s->training || m->structure.choose != GOSS_STRUCTURE_BY_TASK || from == 0) return GOSS_NONE;
    return ramp(s->graph, from, from + coming);
}

/* ---- budgets ---- */

/* [T,1] in -1 .. 1, uniform: bytes are log-uniform. What is below the least budget of the moment is drawn as that. */
static goss_val draw_budget(const goss_method *m, const goss_task_batch *b, goss_graph *g) {
    const goss_structure_options *o = &m->structure;
    goss_val u = goss_random_uniform(b->task, GOSS_SHAPE(b->T, goss_n(1)));
    if (o->pooled) /* one budget for a step's tasks */
        u = goss_broadcast(goss_gather(u, goss_iota(g, goss_n(1))), goss_shape_of(u));
    const goss_val wide = goss_shift(goss_scale(u, 2 * (1 + 2 * beyond)), -1 - 2 * beyond);
    const goss_val part =
        goss_min(goss_max(goss_shift(goss_scale(wide, 0.5), 0.5), goss_const(g, 0)), goss_const(g, 1));
    const goss_val span = goss_scale(ramp(g, o->warmup, o->warmup + o->shrink), 2); /* from 0 to the whole range */
    return goss_shift(goss_mul(goss_shift(part, -1), span), 1);
}

goss_val goss__structure_budget(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    if (goss_valid(s->budget) || !goss__structure_chooses(m)) return s->budget;
    goss_scope_push(s->graph, "budget");
    s->budget = s->training ? draw_budget(m, b, s->graph)
                            : goss_input(s->graph, GOSS__STRUCTURE_BUDGET, GOSS_REAL, GOSS_SHAPE(b->T, goss_n(1)));
    goss_scope_pop(s->graph);
    return s->budget;
}

/* [T,1] of -1 .. 1 in bytes. */
static goss_val bytes_of(const goss_method *m, goss_val budget) {
    const double low = log((double)m->structure.low), high = log((double)m->structure.high);
    return goss_exp(goss_shift(goss_scale(budget, 0.5 * (high - low)), 0.5 * (high + low)));
}

/* ---- what is known of each gate ---- */

typedef float (*of_gate)(const goss_space *s, const goss_space_group_info *group, int i, const float *dearest);

static float is_alternative(const goss_space *s, const goss_space_group_info *group, int i, const float *dearest) {
    (void)s, (void)i, (void)dearest;
    return group->rule == GOSS_RULE_ONE;
}

static int64_t bytes_with(const goss_space *s, const goss_space_group_info *group, int i, const float *dearest,
                          float *scratch) {
    for (int k = 0; k < goss_space_gates(s); k++)
        scratch[k] = k < group->first || k >= group->first + group->count ? dearest[k] : k == i;
    return goss_space_cost_of(s, scratch, 0).bytes;
}

/* k of structure.h. */
static float weight_of_price(const goss_space *s, const goss_space_group_info *group, int i, const float *dearest) {
    if (group->rule != GOSS_RULE_ONE) return 1;
    float *scratch = goss__calloc((size_t)goss_space_gates(s), sizeof *scratch);
    if (!scratch) return 1;
    const int64_t own = bytes_with(s, group, i, dearest, scratch);
    int64_t least = own, most = own;
    for (int k = group->first; k < group->first + group->count; k++) {
        const int64_t other = bytes_with(s, group, k, dearest, scratch);
        if (other < least) least = other;
        if (other > most) most = other;
    }
    goss__free(scratch);
    return most > least ? (float)((double)(own - least) / (double)(most - least)) : 0;
}

static void fill(const goss_space *s, of_gate number, const float *dearest, float *numbers) {
    for (int k = 0; k < goss_space_groups(s); k++) {
        const goss_space_group_info group = goss_space_group(s, k);
        for (int i = group.first; i < group.first + group.count; i++) numbers[i] = number(s, &group, i, dearest);
    }
}

goss_status goss__structure_price_weights(const goss_space *s, float *k, goss_error *err) {
    float *dearest = goss__calloc((size_t)goss_space_gates(s), sizeof *dearest);
    if (!dearest) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    goss_space_dearest(s, dearest);
    fill(s, weight_of_price, dearest, k);
    goss__free(dearest);
    return GOSS_OK;
}

static goss_val each_gate(const goss_method *m, goss_graph *g, of_gate number) {
    const int n = goss_space_gates(m->space);
    float *dearest = goss__calloc(2 * (size_t)n, sizeof *dearest), *numbers = dearest + n;
    if (!dearest) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for %d gates", n);
    goss_space_dearest(m->space, dearest);
    fill(m->space, number, dearest, numbers);
    const goss_val row = goss__structure_row(g, numbers, n);
    goss__free(dearest);
    return row;
}

/* ---- gates at a price ---- */

/* Logistic noise, and Gumbel's for alternatives: [T,G]. */
static goss_val noise(const goss_method *m, const goss_task_batch *b, goss_graph *g) {
    const double margin = 1e-6;
    const goss_val u = goss_shift(
        goss_scale(goss_random_uniform(b->task, GOSS_SHAPE(b->T, goss_n(goss_space_gates(m->space)))), 1 - 2 * margin),
        margin);
    const goss_val log_u = goss_log(u), logistic = goss_sub(log_u, goss_log(goss_shift(goss_neg(u), 1)));
    return goss_lerp(logistic, goss_neg(goss_log(goss_neg(log_u))), each_gate(m, g, is_alternative));
}

typedef struct market {
    const goss_method *m;
    goss_val logits, weight, heat, limit; /* [T,G] with noise, [1,G], rank 0, [T,1] in bytes */
    int64_t outputs;
} market;

static goss_val gates_at(const market *a, goss_val logits, goss_val price) {
    const goss_gate_options gate = {.kind = GOSS_GATE_SIGMOID, .temperature = 1, .heat = a->heat, .hard = true},
                            choice = {.kind = GOSS_GATE_SOFTMAX, .temperature = 1, .heat = a->heat, .hard = true};
    return goss_space_open(a->m->space, goss_sub(logits, goss_mul(price, a->weight)), &gate, &choice, GOSS_NONE);
}

/* v [T,1], and where a budget holds for the tasks of a step together their mean. */
static goss_val together(const market *a, goss_val v) {
    return a->m->structure.pooled ? goss_broadcast(goss_mean(v, GOSS_AXIS(0), true), goss_shape_of(v)) : v;
}

/* Bytes [T,1]. */
static goss_val bytes_at(const market *a, goss_val logits, goss_val price) {
    const goss_val bytes = goss_space_cost(a->m->space, gates_at(a, logits, price), a->outputs).bytes;
    return together(a, goss_unsqueeze(bytes, 1));
}

static goss_val bisect(const market *a) {
    goss_graph *g = a->logits.graph;
    const goss_val logits = goss_detach(a->logits);
    goss_val low = goss_full(g, goss_shape_of(a->limit), -most_price), high = goss_neg(low);
    for (int i = 0; i < HALVINGS; i++) {
        const goss_val at = goss_scale(goss_add(low, high), 0.5), over = goss_less(a->limit, bytes_at(a, logits, at));
        low = goss_select(over, at, low), high = goss_select(over, high, at);
    }
    return goss_detach(high);
}

/* The price with its gradient: p - (C(l, p) - C) / C_p, whose last two terms cancel. C_p is not positive; where no gate
 * is near its threshold it is nearly 0, and so is the gradient of C. */
static goss_val with_gradient(const market *a, goss_val price) {
    goss_graph *g = a->logits.graph;
    const goss_val at = goss_variable(price);
    goss_val slope = GOSS_NONE;
    const goss_status s = goss_grad(goss_sum_all(bytes_at(a, goss_detach(a->logits), at)), &at, 1, &slope);
    if (s != GOSS_OK) return goss_graph_fail(g, s, "the bytes of a structure have no gradient");
    slope = goss_detach(goss_min(together(a, slope), goss_scale(a->limit, -1e-3)));
    const goss_val bytes = bytes_at(a, a->logits, price);
    return goss_sub(price, goss_div(goss_sub(bytes, goss_detach(bytes)), slope));
}

/* ---- how probable gates are ---- */

/* log(1 + e^x) */
static goss_val softplus(goss_val x) {
    const goss_val tail = goss_log(goss_shift(goss_exp(goss_neg(goss_abs(x))), 1));
    return goss_add(goss_max(x, goss_const(x.graph, 0)), tail);
}

/* The part of one group: x [T,n] its logits less the price, by heat; drawn [T,n] of 0 and 1. Of nested gates those
 * count that were drawn, not their products. [T,1] */
static goss_val of_group(const goss_space_group_info *group, goss_val x, goss_val drawn) {
    if (group->rule == GOSS_RULE_ONE) return goss_sum(goss_mul(drawn, goss_log_softmax(x)), GOSS_AXIS(1), true);
    return goss_sum(goss_sub(goss_mul(drawn, x), softplus(x)), GOSS_AXIS(1), true);
}

/* The log of the probability of what was drawn at a price that is taken as given: [T,1]. */
static goss_val log_probability(const market *a, goss_val clean, goss_val price, goss_val gates) {
    const goss_space *s = a->m->space;
    const goss_val cost = goss_mul(price, a->weight), x = goss_div(goss_sub(clean, cost), a->heat);
    const goss_val drawn = goss_less(goss_const(x.graph, 0), goss_sub(goss_detach(a->logits), cost));
    goss_val sum = GOSS_NONE;
    for (int k = 0; k < goss_space_groups(s); k++) {
        const goss_space_group_info group = goss_space_group(s, k);
        const goss_val of = group.rule == GOSS_RULE_ONE ? gates : drawn;
        const goss_val part =
            of_group(&group, goss_slice(x, 1, group.first, group.count), goss_slice(of, 1, group.first, group.count));
        sum = k ? goss_add(sum, part) : part;
    }
    return sum;
}

/* ---- gates of a solution ---- */

/* Everything open; of alternatives a random one, so that each learns what it has to do in the largest network. */
static goss_val all_open(const goss_method *m, const goss_task_batch *b, goss_graph *g) {
    const goss_val one = each_gate(m, g, is_alternative),
                   logits = goss_lerp(goss_const(g, most_price), noise(m, b, g), one);
    const market a = {.m = m, .weight = one, .heat = goss_const(g, 1)};
    return goss_detach(gates_at(&a, logits, goss_full(g, GOSS_SHAPE(b->T, goss_n(1)), 0)));
}

static goss_val cheapest(const goss_method *m, goss_graph *g) {
    const int n = goss_space_gates(m->space);
    float *numbers = goss__calloc((size_t)n, sizeof *numbers);
    if (!numbers) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for %d gates", n);
    goss_space_cheapest(m->space, numbers);
    const goss_val row = goss__structure_row(g, numbers, n);
    goss__free(numbers);
    return row;
}

static goss_val generated(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    goss_graph *g = s->graph;
    const goss_val tau = heat(m, g);
    const market a = {.m = m,
                      .logits = goss_add(s->logits, goss_mul(noise(m, b, g), tau)),
                      .weight = each_gate(m, g, weight_of_price),
                      .heat = tau,
                      .limit = bytes_of(m, goss__structure_budget(m, b, s)),
                      .outputs = b->outputs};
    const bool scored = m->structure.gradient == GOSS_STRUCTURE_SCORE;
    const goss_val found = bisect(&a), price = scored ? found : with_gradient(&a, found);
    goss_val gates = gates_at(&a, a.logits, price);
    if (scored) gates = goss_detach(gates), s->log_structure = log_probability(&a, s->logits, price, gates);
    if (m->structure.warmup == 0) return gates;
    const goss_val warm = goss_less(progress(g), goss_const(g, m->structure.warmup));
    if (scored) s->log_structure = goss_select(warm, goss_zeros_like(s->log_structure), s->log_structure);
    return goss_select(warm, all_open(m, b, g), gates);
}

void goss__structure_gates(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    goss_graph *g = s->graph;
    if (!goss__structure_chooses(m) || s->size == GOSS__SIZE_ANY) return;
    goss_scope_push(g, "structure");
    if (!s->training)
        s->net.structure =
            goss_input(g, GOSS__STRUCTURE_GATES, GOSS_REAL, GOSS_SHAPE(b->T, goss_n(goss_space_gates(m->space))));
    else if (s->size == GOSS__SIZE_LARGEST)
        s->net.structure = all_open(m, b, g);
    else if (s->size == GOSS__SIZE_CHEAPEST)
        s->net.structure = cheapest(m, g);
    else
        s->net.structure = goss_publish(g, "gates/structure", generated(m, b, s));
    goss_scope_pop(g);
}

/* ---- the loss ---- */

/* Answers of one size, and their loss with respect to the targets. */
static goss_val answers_of(const goss_method *m, const goss_task_batch *b, goss__solution *s, goss__size size,
                           goss_val budget, goss_val *loss, goss_val *score) {
    goss__solution_again(m, s);
    s->size = size, s->budget = budget;
    const goss_val y = goss__solve_queries(m, b, 0, s);
    *loss = goss__query_loss(m, b, y, score);
    return y;
}

/* The rest of a smaller network's loss is how far its answers are from the largest one's. */
static goss_val distilled(const goss_method *m, const goss_task_batch *b, goss_val loss, goss_val output,
                          goss_val teacher) {
    const double share = m->structure.distill;
    const goss__labels of = {.target = teacher, .weight = b->query_weight};
    const goss_val apart = goss__mean_loss(m, goss__sample_loss(m, b, output, of, 0), of.weight);
    return share > 0 ? goss_lerp(loss, apart, goss_const(loss.graph, share)) : loss;
}

/* Mean entropy of gates that are open with the probability s(l). */
static goss_val entropy_of(goss_val logits) {
    const goss_val p = goss_sigmoid(logits), q = goss_shift(goss_neg(p), 1), tiny = goss_const(logits.graph, 1e-12);
    return goss_neg(
        goss_mean_all(goss_add(goss_mul(p, goss_log(goss_max(p, tiny))), goss_mul(q, goss_log(goss_max(q, tiny))))));
}

/* What is asked of logits beside the loss: few that are undecided, and that tasks differ only where it helps. */
static goss_val with_penalties(const goss_method *m, goss_val loss, goss_val logits, goss_val deviation) {
    const goss_structure_options *o = &m->structure;
    if (o->entropy > 0) loss = goss_add(loss, goss_scale(entropy_of(logits), o->entropy));
    if (o->tie > 0 && goss_valid(deviation))
        loss = goss_add(loss, goss_scale(goss_mean_all(goss_square(deviation)), o->tie));
    return loss;
}

/* A network of the budget's size, with its loss and, where gradients are scores, those of each task [T,1]. */
typedef struct drawing {
    goss_val answers, loss, score, each, log_structure;
} drawing;

static drawing draw(const goss_method *m, const goss_task_batch *b, goss__solution *s, goss_val budget) {
    drawing d;
    d.answers = answers_of(m, b, s, GOSS__SIZE_GENERATED, budget, &d.loss, &d.score);
    d.log_structure = s->log_structure;
    const goss_val loss = goss__sample_loss(m, b, d.answers, goss__labels_of(b, true), 0);
    const goss_val all = goss_max(goss_sum(b->query_weight, GOSS_AXIS(1), true), goss_const(loss.graph, 1));
    d.each = goss_div(goss_sum(goss_mul(loss, b->query_weight), GOSS_AXIS(1), true), all);
    return d;
}

/* Whose gradient is that of the expected loss: two structures of a task are each other's baseline (Kool et al. 2019,
 * for two draws). Its value says nothing. */
static goss_val score_term(const drawing *p, const drawing *q) {
    const goss_val gain = goss_detach(goss_sub(p->each, q->each));
    return goss_scale(goss_mean_all(goss_mul(gain, goss_sub(p->log_structure, q->log_structure))), 0.5);
}

/* Less its own value: the loss that is reported stays one. */
static goss_val gradient_alone(goss_val v) { return goss_sub(v, goss_detach(v)); }

static goss_val loss_of_drawing(const goss_method *m, const goss_task_batch *b, const drawing *d, goss_val teacher) {
    return goss_valid(teacher) ? distilled(m, b, d->loss, d->answers, teacher) : d->loss;
}

/* Of the generated networks, two for each task (q) where gradients are scores. */
static goss_val loss_of_generated(const goss_method *m, const goss_task_batch *b, const drawing *p, const drawing *q,
                                  goss_val teacher) {
    const goss_val loss = loss_of_drawing(m, b, p, teacher);
    if (m->structure.gradient != GOSS_STRUCTURE_SCORE) return loss;
    const goss_val both = goss_scale(goss_add(loss, loss_of_drawing(m, b, q, teacher)), 0.5);
    return goss_add(both, gradient_alone(score_term(p, q)));
}

/* What the generated networks are comes first: what is published is theirs. */
goss_val goss__structure_loss(const goss_method *m, const goss_task_batch *b, goss__solution *s, goss_val *score) {
    const goss_val budget = goss__structure_budget(m, b, s);
    const goss_val least = goss_full(s->graph, GOSS_SHAPE(b->T, goss_n(1)), -1);
    goss_val large, small, ignored;
    const drawing p = draw(m, b, s, budget);
    const drawing q = m->structure.gradient == GOSS_STRUCTURE_SCORE ? draw(m, b, s, budget) : p;
    const goss_val logits = s->logits, deviation = s->deviation;
    *score = p.score;
    if (!m->structure.sandwich) return with_penalties(m, loss_of_generated(m, b, &p, &q, GOSS_NONE), logits, deviation);
    const goss_val all = answers_of(m, b, s, GOSS__SIZE_LARGEST, goss_neg(least), &large, &ignored);
    const goss_val teacher = goss_detach(m->objective->answer(m->objective, all));
    const goss_val few = answers_of(m, b, s, GOSS__SIZE_CHEAPEST, least, &small, &ignored);
    const goss_val loss = goss_add(loss_of_generated(m, b, &p, &q, teacher), distilled(m, b, small, few, teacher));
    return with_penalties(m, goss_scale(goss_add(loss, large), 1.0 / 3), logits, deviation);
}
