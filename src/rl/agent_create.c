/* SPDX-License-Identifier: Apache-2.0 */
/* agent_create.c: an agent's life: settings, weights, the running moments by which observations are normalised. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "rl/agent.h"

goss_agent_options goss_agent_defaults(void) {
    return (goss_agent_options){.sees = GOSS_AGENT_HISTORY,
                                .policy = GOSS_AGENT_HYPERNET,
                                .memory = 64,
                                .units = 32,
                                .code = 32,
                                .normalize = true,
                                .encoder = "auto",
                                .support = 1,
                                .inner_rate = 0.1,
                                .discount = 0.99};
}

/* Mnih et al. 2013: small enough to learn without a GPU. */
static const char image_encoder[] = "conv 16 8 stride 4; relu; conv 32 4 stride 2; relu; flatten; dense 256; relu";

static goss_status read_encoder(goss_agent *a, goss_error *err) {
    const goss_env_kind *k = a->family.kind;
    const bool image = k->shape[0] > 0;
    const char *text = a->o.encoder ? a->o.encoder : "";
    const int64_t numbers = a->observations, extents[] = {k->shape[0], k->shape[1], k->shape[2]};
    a->features = a->observations;
    if (strcmp(text, "auto") == 0) text = image ? image_encoder : "";
    a->o.encoder = "";
    if (!*text) return GOSS_OK;
    GOSS_TRY(goss_error_prefix(
        err, goss_target_parse(text, image ? extents : &numbers, image ? 3 : 1, 0, &a->encoder, err), "agent.encoder"));
    a->o.encoder = goss_target_text(a->encoder), a->features = (int)goss_target_feature_count(a->encoder);
    if (goss_layout_count(goss_target_statistics(a->encoder)) > 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "agent.encoder: batch norms depend on what else is in a batch; use norm layer or group");
    if (goss_target_gates(a->encoder) > 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "agent.encoder: its structure must be fixed, without choices");
    return GOSS_OK;
}

/* Whether the network can be built: an encoder, say, must end in features. */
static goss_status try_network(const goss_agent *a, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent");
    const goss__agent_inputs in = goss__agent_declare(a, g, 1, 1, true);
    goss__agent_build(a, g, &in);
    const goss_status s = goss_error_prefix(err, goss_graph_status(g, err), "agent");
    goss_graph_free(g);
    return s;
}

static goss_status reserve(goss_agent *a, goss_error *err) {
    const size_t O = (size_t)a->observations;
    if (a->family.kind->shape[0]) a->o.normalize = false;
    if (a->o.normalize) a->mean = goss__calloc(O, sizeof *a->mean), a->square = goss__calloc(O, sizeof *a->square);
    a->weights = goss__calloc((size_t)goss_layout_total(a->layout), sizeof *a->weights);
    if (a->weights && (!a->o.normalize || (a->mean && a->square))) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent's weights");
}

enum { MOST_VALUES = 64 }; /* of a parameter that tasks are told apart by */

static int values_of(const goss_env_family *f, int i) { return (int)(f->high[i] - f->low[i]) + 1; }

/* The numbers that tell a task: named parameters that differ from task to task, and those that `draw` makes; or a
 * number for each value of these parameters. */
static int known_numbers(const goss_env_family *f, unsigned sees) {
    const bool id = sees == GOSS_AGENT_ID;
    int n = id ? 0 : f->kind->parameters - f->kind->named;
    for (int i = 0; i < f->kind->named; i++)
        if (f->low[i] < f->high[i]) n += id ? values_of(f, i) : 1;
    return n;
}

static goss_status check_told(const goss_env_family *f, unsigned sees, goss_error *err) {
    if (sees != GOSS_AGENT_TASK && sees != GOSS_AGENT_ID) return GOSS_OK;
    const char *word = sees == GOSS_AGENT_TASK ? "task" : "id";
    for (int i = 0; sees == GOSS_AGENT_ID && i < f->kind->named; i++)
        if (f->low[i] < f->high[i] && (!f->kind->parameter[i].whole || f->high[i] - f->low[i] >= MOST_VALUES))
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "agent.sees = id: %s of environment %s has not a few whole values but a range of "
                                  "them; agent.sees = task sees the number",
                                  f->kind->parameter[i].name, f->kind->name);
    if (known_numbers(f, sees) > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "agent.sees = %s: no parameter of environment %s differs from task to task; give one a range "
                          "(env.family.KEY = low..high)",
                          word, f->kind->name);
}

static goss_status check(const goss_env_family *f, const goss_agent_options *o, goss_error *err) {
    if (o->sees > GOSS_AGENT_ID || o->policy > GOSS_AGENT_HYPERNET)
        return goss_error_set(err, GOSS_E_ARGUMENT, "agent: sees or policy is none of theirs");
    if (o->memory < 1 || o->units < 1 || o->code < 1 || o->memory > 65536 || o->units > 65536 || o->code > 65536)
        return goss_error_set(err, GOSS_E_ARGUMENT, "agent: memory, units and code are from 1 to 65536");
    if ((o->sees == GOSS_AGENT_NOTHING || o->sees == GOSS_AGENT_GRADIENT) && o->policy != GOSS_AGENT_CONCAT)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "agent.policy = %s with agent.sees = %s: there is nothing to make weights of; see "
                              "history, task or id, or use concat",
                              o->policy == GOSS_AGENT_FILM ? "film" : "hypernet",
                              o->sees == GOSS_AGENT_NOTHING ? "nothing" : "gradient");
    if (o->sees == GOSS_AGENT_GRADIENT &&
        (o->support < 1 || !(o->inner_rate > 0) || !isfinite(o->inner_rate) ||
         !(o->discount >= 0 && o->discount <= 1) || (int64_t)o->support * f->horizon > 100000))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "agent: the step is taken on at least one episode and at most 100,000 steps, with a rate "
                              "above 0");
    return check_told(f, o->sees, err);
}

goss_status goss_agent_new(const goss_env_family *f, const goss_agent_options *o, uint64_t seed, goss_agent **out,
                           goss_error *err) {
    *out = NULL;
    GOSS_TRY(check(f, o, err));
    goss_agent *a = goss__calloc(1, sizeof *a);
    if (!a) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent");
    a->o = *o, a->family = *f;
    a->discrete = f->kind->actions > 0;
    a->observations = f->kind->observations, a->actions = a->discrete ? f->kind->actions : f->kind->controls;
    a->before = a->actions + 2, a->known = known_numbers(f, o->sees);
    goss_status s = read_encoder(a, err);
    if (s == GOSS_OK) s = goss__agent_layout(a, err);
    if (s == GOSS_OK) s = reserve(a, err);
    if (s == GOSS_OK) s = try_network(a, err);
    if (s != GOSS_OK) return goss_agent_free(a), s;
    goss__agent_initialize(a, seed);
    *out = a;
    return GOSS_OK;
}

void goss_agent_free(goss_agent *a) {
    if (!a) return;
    goss_layout_free(a->layout);
    goss_target_free(a->encoder), goss_env_process_free(a->process);
    goss__free(a->weights), goss__free(a->start), goss__free(a->mean), goss__free(a->square);
    goss__free(a);
}

const goss_agent_options *goss_agent_settings(const goss_agent *a) { return &a->o; }
const goss_env_family *goss_agent_family(const goss_agent *a) { return &a->family; }
int64_t goss_agent_weights(const goss_agent *a) { return goss_layout_total(a->layout); }
int64_t goss_agent_frames(const goss_agent *a) { return a->frames; }

/* ---- what it sees ---- */

void goss__agent_normalize(const goss_agent *a, const float *raw, float *out) {
    for (int i = 0; i < a->observations; i++) {
        const bool scales = a->o.normalize && a->seen > 1;
        const double deviation = scales ? sqrt(a->square[i] / a->seen) + 1e-6 : 1;
        const double v = scales ? ((double)raw[i] - a->mean[i]) / deviation : (double)raw[i];
        out[i] = (float)(v < -10 ? -10 : v > 10 ? 10 : v);
    }
}

/* The moments of both samples together (Chan, Golub and LeVeque 1979). */
void goss__agent_observe(goss_agent *a, const float *raw, int64_t n) {
    if (!a->o.normalize) return;
    for (int i = 0; i < a->observations; i++) {
        double mean = 0, square = 0;
        for (int64_t k = 0; k < n; k++) mean += (double)raw[k * a->observations + i];
        mean /= (double)n;
        for (int64_t k = 0; k < n; k++) {
            const double d = (double)raw[k * a->observations + i] - mean;
            square += d * d;
        }
        const double gap = mean - a->mean[i], all = a->seen + (double)n;
        a->mean[i] += gap * (double)n / all;
        a->square[i] += square + gap * gap * a->seen * (double)n / all;
    }
    a->seen += (double)n;
}

/* One-hot codes of all parameters that differ, one behind the other. */
static void put_id(const goss_env_family *f, const double *parameter, float *out) {
    for (int i = 0; i < f->kind->named; i++) {
        if (!(f->low[i] < f->high[i])) continue;
        const int values = values_of(f, i), which = (int)(parameter[i] - f->low[i]);
        for (int v = 0; v < values; v++) *out++ = v == which;
    }
}

void goss__agent_task(const goss_agent *a, const double *parameter, float *out) {
    const goss_env_family *f = &a->family;
    if (a->o.sees == GOSS_AGENT_ID) {
        put_id(f, parameter, out);
        return;
    }
    for (int i = 0; i < f->kind->named; i++)
        if (f->low[i] < f->high[i]) *out++ = (float)(2 * (parameter[i] - f->low[i]) / (f->high[i] - f->low[i]) - 1);
    for (int i = f->kind->named; i < f->kind->parameters; i++) *out++ = (float)parameter[i];
}
