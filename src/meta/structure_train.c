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

/* ---- budgets ---- */

/* [T,1] in -1 .. 1, uniform: bytes are log-uniform. What is below the least budget of the moment is drawn as that. */
static goss_val draw_budget(const goss_method *m, const goss_task_batch *b, goss_graph *g) {
    const goss_structure_options *o = &m->structure;
    const goss_val u = goss_random_uniform(b->task, GOSS_SHAPE(b->T, goss_n(1)));
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

static goss_val each_gate(const goss_method *m, goss_graph *g, of_gate number) {
    const int n = goss_space_gates(m->space);
    float *dearest = goss__calloc(2 * (size_t)n, sizeof *dearest), *numbers = dearest + n;
    if (!dearest) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for %d gates", n);
    goss_space_dearest(m->space, dearest);
    for (int k = 0; k < goss_space_groups(m->space); k++) {
        const goss_space_group_info group = goss_space_group(m->space, k);
        for (int i = group.first; i < group.first + group.count; i++) numbers[i] = number(m->space, &group, i, dearest);
    }
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

/* Bytes [T,1]. */
static goss_val bytes_at(const market *a, goss_val logits, goss_val price) {
    return goss_unsqueeze(goss_space_cost(a->m->space, gates_at(a, logits, price), a->outputs).bytes, 1);
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
    slope = goss_detach(goss_min(slope, goss_scale(a->limit, -1e-3)));
    const goss_val bytes = bytes_at(a, a->logits, price);
    return goss_sub(price, goss_div(goss_sub(bytes, goss_detach(bytes)), slope));
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
    const goss_val price = with_gradient(&a, bisect(&a)), gates = gates_at(&a, a.logits, price);
    if (m->structure.warmup == 0) return gates;
    const goss_val warm = goss_less(progress(g), goss_const(g, m->structure.warmup));
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
    const goss_val apart =
        goss__mean_loss(m, goss__sample_loss(m, b, output, teacher, b->query_weight, 0), b->query_weight);
    return share > 0 ? goss_lerp(loss, apart, goss_const(loss.graph, share)) : loss;
}

/* Mean entropy of gates that are open with the probability s(l). */
static goss_val entropy_of(goss_val logits) {
    const goss_val p = goss_sigmoid(logits), q = goss_shift(goss_neg(p), 1), tiny = goss_const(logits.graph, 1e-12);
    return goss_neg(
        goss_mean_all(goss_add(goss_mul(p, goss_log(goss_max(p, tiny))), goss_mul(q, goss_log(goss_max(q, tiny))))));
}

static goss_val with_entropy(const goss_method *m, goss_val loss, goss_val logits) {
    return m->structure.entropy > 0 ? goss_add(loss, goss_scale(entropy_of(logits), m->structure.entropy)) : loss;
}

goss_val goss__structure_loss(const goss_method *m, const goss_task_batch *b, goss__solution *s, goss_val *score) {
    goss_graph *g = s->graph;
    const goss_val budget = goss__structure_budget(m, b, s), least = goss_full(g, GOSS_SHAPE(b->T, goss_n(1)), -1);
    goss_val loss, large, small, ignored;
    const goss_val y = answers_of(m, b, s, GOSS__SIZE_GENERATED, budget, &loss, score), logits = s->logits;
    if (!m->structure.sandwich) return with_entropy(m, loss, logits);
    const goss_val all = answers_of(m, b, s, GOSS__SIZE_LARGEST, goss_neg(least), &large, &ignored);
    const goss_val teacher = goss_detach(m->objective->answer(all));
    const goss_val few = answers_of(m, b, s, GOSS__SIZE_CHEAPEST, least, &small, &ignored);
    loss = goss_add(distilled(m, b, loss, y, teacher), distilled(m, b, small, few, teacher));
    return with_entropy(m, goss_scale(goss_add(loss, large), 1.0 / 3), logits);
}
