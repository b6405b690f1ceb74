/* SPDX-License-Identifier: Apache-2.0 */
/* ppo.c: the clipped objective as a training step over whole lives, and iterations of rolling out and updating. */
#include "rl/ppo.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

struct goss__ppo {
    goss_agent *agent;
    goss__ppo_settings set;
    goss_step *step;
    goss__actor actor;
    goss__rollout all, part; /* of an iteration; of a minibatch */
    uint32_t *order;         /* [lives] */
    double *returns;         /* [lives] discounted, for the scale of rewards */
    bool updating;
};

/* ---- the objective ---- */

static goss_val input(goss_graph *g, const char *name, goss_extent T, goss_extent L) {
    return goss_input(g, name, GOSS_REAL, GOSS_SHAPE(T, L));
}

/* Log densities of lives that learn: of the first steps by the initial weights, of later ones by those after the step
 * on the first. What the first actions led to is thus theirs, too (E-MAML: Stadie et al. 2018). *value: by the initial
 * weights; *entropy: the mean of both. */
static goss_val density_of_learners(const goss_agent *a, goss_graph *g, const goss__agent_inputs *in, goss_val action,
                                    goss_val *value, goss_val *entropy) {
    const int64_t S = goss__agent_support_steps(a);
    const goss_extent T = goss_dim(action, 0), L = goss_dim(action, 2);
    const goss_val slab = goss__gradient_step(a, g, goss_slice(in->observation, 2, 0, S), goss_slice(action, 2, 0, S),
                                              input(g, "inner", T, goss_n(S)));
    goss_weights *own = goss_weights_from_slab(a->layout, slab);
    goss_weights *shared = goss_weights_from_params(g, a->layout, GOSS__AGENT);
    const goss__agent_outputs first = goss__agent_apply(a, g, in, shared, shared);
    const goss__agent_outputs then = goss__agent_apply(a, g, in, own, shared);
    goss_val of_first, of_then;
    const goss_val log_first = goss__agent_log_density(a, &first, action, &of_first);
    const goss_val log_then = goss__agent_log_density(a, &then, action, &of_then);
    goss_weights_free(own), goss_weights_free(shared);
    *value = first.value, *entropy = goss_scale(goss_add(of_first, of_then), 0.5);
    return goss_add(log_first, goss_mul(input(g, "learned", T, L), goss_sub(log_then, log_first)));
}

static goss_val density(const goss_agent *a, goss_graph *g, const goss__agent_inputs *in, goss_val action,
                        goss_val *value, goss_val *entropy) {
    if (a->o.sees == GOSS_AGENT_GRADIENT) return density_of_learners(a, g, in, action, value, entropy);
    const goss__agent_outputs net = goss__agent_build(a, g, in);
    *value = net.value;
    return goss__agent_log_density(a, &net, action, entropy);
}

/* min(r A, clip(r) A) of the ratio r of densities, and the squared error of the value. */
static goss_status build(void *context, goss_graph *g, int64_t lives, goss_step_loss *out, goss_error *err) {
    const goss__ppo *p = context;
    const goss_agent *a = p->agent;
    const goss_extent T = goss_n(lives), L = goss_n(p->set.steps);
    const goss__agent_inputs in = goss__agent_declare(a, g, lives, p->set.steps, goss__ppo_carries(a, &p->set));
    const goss_val action = goss_input(g, "action", GOSS_REAL, GOSS_SHAPE(T, goss_n(1), L, goss_n(a->actions)));
    const goss_val before = input(g, "log_p", T, L), advantage = input(g, "advantage", T, L);
    goss_val entropy, value;
    const goss_val ratio = goss_exp(goss_sub(density(a, g, &in, action, &value, &entropy), before));
    const goss_val low = goss_const(g, 1 - p->set.clip), high = goss_const(g, 1 + p->set.clip);
    goss_val gain = goss_min(goss_mul(ratio, advantage), goss_mul(goss_max(low, goss_min(high, ratio)), advantage));
    goss_val error = goss_square(goss_sub(value, input(g, "target", T, L)));
    if (a->o.sees == GOSS_AGENT_GRADIENT) {
        const goss_val alive = input(g, "alive", T, L);
        gain = goss_mul(gain, alive), error = goss_mul(error, alive);
    }
    const goss_val loss = goss_add(goss_neg(goss_mean_all(gain)), goss_scale(goss_mean_all(error), 0.5 * p->set.value));
    *out =
        (goss_step_loss){.loss = goss_sub(loss, goss_scale(entropy, p->set.entropy)), .n_params = 1, .n_measures = 1};
    out->param[0] =
        (goss_step_param){.name = GOSS__AGENT,
                          .layout = a->layout,
                          .param = goss_param(g, GOSS__AGENT, GOSS_SHAPE(goss_n(goss_layout_total(a->layout))))};
    out->measure[0] = (goss_step_measure){"entropy", entropy};
    return goss_graph_status(g, err);
}

static goss_status bind(void *context, goss_exec *run, int64_t first, int64_t lives, goss_error *err) {
    const goss__ppo *p = context;
    const goss__rollout *r = &p->part;
    (void)first, (void)lives;
    GOSS_TRY(goss_exec_bind(run, "observation", r->observation, err));
    if (goss__agent_is_told(p->agent)) GOSS_TRY(goss_exec_bind(run, "task", r->task, err));
    if (p->agent->o.sees == GOSS_AGENT_HISTORY) {
        GOSS_TRY(goss_exec_bind(run, "before", r->before, err));
        GOSS_TRY(goss_exec_bind(run, "fresh", r->fresh, err));
        if (r->memory) GOSS_TRY(goss_exec_bind(run, "memory", r->memory, err));
    }
    if (r->inner) {
        GOSS_TRY(goss_exec_bind(run, "inner", r->inner, err));
        GOSS_TRY(goss_exec_bind(run, "learned", r->learned, err));
        GOSS_TRY(goss_exec_bind(run, "alive", r->alive, err));
    }
    GOSS_TRY(goss_exec_bind(run, "action", r->action, err));
    GOSS_TRY(goss_exec_bind(run, "log_p", r->log_p, err));
    GOSS_TRY(goss_exec_bind(run, "advantage", r->advantage, err));
    return goss_exec_bind(run, "target", r->target, err);
}

/* ---- life ---- */

static goss_status open_all(goss__ppo *p, goss_threads *threads, goss_error *err) {
    const goss__ppo_settings *s = &p->set;
    goss_step_options o = goss_step_defaults();
    o.tasks = s->lives / s->minibatches;
    o.optimizer.kind = GOSS_ADAM, o.optimizer.eps = 1e-5, o.optimizer.clip_norm = s->clip_norm;
    GOSS_TRY(goss_step_new(&(goss_step_source){build, bind, p}, &o, threads, &p->step, err));
    goss_params *params = goss_step_params(p->step);
    goss_params_set(params, goss_params_find(params, GOSS__AGENT), p->agent->weights);
    const goss_envs_options envs = {.count = s->lives, .episodes = s->episodes, .seed = s->seed, .threads = s->threads};
    GOSS_TRY(goss__actor_open(&p->actor, p->agent, &p->agent->family, &envs, params, threads, err));
    GOSS_TRY(goss__rollout_open(&p->all, p->agent, s, s->lives, err));
    GOSS_TRY(goss__rollout_open(&p->part, p->agent, s, s->lives / s->minibatches, err));
    p->order = goss__calloc((size_t)s->lives, sizeof *p->order);
    p->returns = goss__calloc((size_t)s->lives, sizeof *p->returns);
    return p->order && p->returns ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for lives");
}

goss_status goss__ppo_open(goss_agent *a, const goss__ppo_settings *s, goss_threads *threads, goss__ppo **out,
                           goss_error *err) {
    *out = NULL;
    if (s->lives % s->minibatches != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "ppo.minibatches = %d does not divide ppo.lives = %d",
                              s->minibatches, s->lives);
    goss__ppo *p = goss__calloc(1, sizeof *p);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "no memory for training");
    p->agent = a, p->set = *s;
    const goss_status status = open_all(p, threads, err);
    if (status != GOSS_OK) return goss__ppo_close(p), status;
    *out = p;
    return GOSS_OK;
}

void goss__ppo_close(goss__ppo *p) {
    if (!p) return;
    goss__actor_close(&p->actor);
    goss__rollout_close(&p->all), goss__rollout_close(&p->part);
    goss_step_free(p->step);
    goss__free(p->order), goss__free(p->returns);
    goss__free(p);
}

bool goss__ppo_torn(const goss__ppo *p) { return p->updating || p->actor.diverged; }

goss_status goss__ppo_check(goss__ppo *p, goss_error *err) {
    const goss_params *params = goss_step_params(p->step);
    if (!p->actor.output) return GOSS_OK; /* nobody has lived yet */
    goss__actor_spread(&p->actor, goss_params_data(params, goss_params_find(params, GOSS__AGENT)));
    GOSS_TRY(goss__actor_think(&p->actor, err));
    return goss__actor_check(&p->actor, err);
}

goss_params *goss__ppo_params(const goss__ppo *p) { return goss_step_params(p->step); }

void goss__ppo_export(const goss__ppo *p) {
    goss_params *params = goss_step_params(p->step);
    goss_params_get(params, goss_params_find(params, GOSS__AGENT), p->agent->weights);
}

/* ---- an iteration ---- */

/* Rewards are divided by the deviation of discounted returns so far, as a running sum within each life sees them. */
static double scale_of_rewards(goss__ppo *p, bool begun) {
    goss_agent *a = p->agent;
    const goss__rollout *r = &p->all;
    if (!p->set.scale_rewards) return 1;
    for (int i = 0; begun && i < r->lives; i++) p->returns[i] = 0;
    for (int l = 0; l < r->steps; l++)
        for (int i = 0; i < r->lives; i++) {
            const size_t at = (size_t)i * (size_t)r->steps + (size_t)l;
            p->returns[i] = p->returns[i] * p->set.discount + (double)r->reward[at];
            const double gap = p->returns[i] - a->return_mean;
            a->return_mean += gap / ++a->return_seen;
            a->return_square += gap * (p->returns[i] - a->return_mean);
            if (r->last[at] > 0) p->returns[i] = 0;
        }
    return sqrt(a->return_square / a->return_seen) + 1e-8;
}

static void take_lives(goss__ppo *p, int first) {
    const goss_agent *a = p->agent;
    const size_t steps = (size_t)p->set.steps;
    const struct {
        float *to;
        const float *from;
        int each;
    } parts[] = {{p->part.observation, p->all.observation, a->observations},
                 {p->part.before, p->all.before, a->before},
                 {p->part.fresh, p->all.fresh, 1},
                 {p->part.task, p->all.task, a->known},
                 {p->part.action, p->all.action, a->actions},
                 {p->part.log_p, p->all.log_p, 1},
                 {p->part.advantage, p->all.advantage, 1},
                 {p->part.target, p->all.target, 1},
                 {p->part.alive, p->all.alive, 1},
                 {p->part.learned, p->all.learned, 1}};
    for (int i = 0; i < p->part.lives; i++)
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            if (!parts[k].from) continue;
            const size_t size = steps * (size_t)parts[k].each;
            memcpy(parts[k].to + (size_t)i * size, parts[k].from + p->order[first + i] * size, size * sizeof(float));
        }
    const size_t memory = (size_t)a->o.memory;
    for (int i = 0; p->all.memory && i < p->part.lives; i++)
        memcpy(p->part.memory + (size_t)i * memory, p->all.memory + p->order[first + i] * memory,
               memory * sizeof(float));
}

/* Mean 0 and deviation 1 over a minibatch, of the steps whose weight is not 0 (NULL: all). */
static void standardise(float *v, const float *weight, size_t n) {
    double mean = 0, square = 0, all = 0;
    for (size_t i = 0; i < n; i++) all += weight ? (double)weight[i] : 1;
    if (all == 0) return;
    for (size_t i = 0; i < n; i++) mean += (weight ? (double)weight[i] : 1) * (double)v[i] / all;
    for (size_t i = 0; i < n; i++)
        square += (weight ? (double)weight[i] : 1) * ((double)v[i] - mean) * ((double)v[i] - mean) / all;
    for (size_t i = 0; i < n; i++) v[i] = (float)(((double)v[i] - mean) / (sqrt(square) + 1e-8));
}

/* Weights of mean 1, so that means over all steps are means over those that count. */
static void balance(float *weight, size_t n) {
    double all = 0;
    for (size_t i = 0; i < n; i++) all += (double)weight[i];
    for (size_t i = 0; i < n && all > 0; i++) weight[i] = (float)((double)weight[i] * (double)n / all);
}

static goss_status update(goss__ppo *p, uint64_t iteration, double rate, goss__ppo_result *out, goss_error *err) {
    const goss__ppo_settings *s = &p->set;
    const int each = p->part.lives, steps = s->epochs * s->minibatches;
    for (int epoch = 0; epoch < s->epochs; epoch++) {
        const uint64_t of[2] = {iteration, (uint64_t)epoch};
        goss__rng rng = goss__rng_make(s->seed, goss__hash64(of, sizeof of, 0x70706f)); /* "ppo" */
        for (int i = 0; i < s->lives; i++) p->order[i] = (uint32_t)i;
        goss__rng_shuffle(&rng, p->order, (uint32_t)s->lives, (uint32_t)s->lives);
        for (int k = 0; k < s->minibatches; k++) {
            goss_step_result x;
            take_lives(p, k * each);
            const size_t n = (size_t)each * (size_t)s->steps;
            standardise(p->part.advantage, p->part.alive, n);
            if (p->part.alive) balance(p->part.alive, n);
            GOSS_TRY(goss_step_run(p->step, each, rate, s->seed, iteration, &x, err));
            if (!x.applied || !isfinite(x.loss))
                return goss_error_set(
                    err, GOSS_E_NUMERIC,
                    "iteration %llu: the loss or its gradient is not finite (loss %g): train anew in "
                    "another run.dir with a smaller optimizer.rate, or a smaller optimizer.clip_norm above 0",
                    (unsigned long long)iteration + 1, x.loss);
            out->loss += x.loss / steps, out->entropy += x.measure[0] / steps;
        }
    }
    return GOSS_OK;
}

goss_status goss__ppo_iterate(goss__ppo *p, uint64_t iteration, double rate, goss__ppo_result *out, goss_error *err) {
    goss_agent *a = p->agent;
    *out = (goss__ppo_result){0};
    goss_params *params = goss_step_params(p->step);
    goss__actor_spread(&p->actor, goss_params_data(params, goss_params_find(params, GOSS__AGENT)));
    GOSS_TRY(goss__rollout_fill(&p->all, &p->actor, &p->set, iteration, err));
    goss__rollout_advantages(&p->all, p->set.discount, p->set.lambda,
                             scale_of_rewards(p, iteration % (uint64_t)p->set.carry == 0));
    p->updating = true;
    GOSS_TRY(update(p, iteration, rate, out, err));
    p->updating = false;
    const int64_t frames = (int64_t)p->set.lives * p->set.steps;
    if (p->all.raw) goss__agent_observe(a, p->all.raw, frames);
    out->life = p->all.mean_life, out->frames = frames, a->frames += frames;
    return GOSS_OK;
}
