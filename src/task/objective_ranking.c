/* SPDX-License-Identifier: Apache-2.0 */
/* objective_ranking.c: scores that put a task's samples in order: by pairs, by all at once, or each by itself.
 *
 * bpr      a sample's loss is the mean over samples j of the task with a lower target of softplus(s_j - s_i), the
 *          negative log likelihood that i is before j (Rendle et al. 2009; a sample without such has 0)
 * softmax  the cross entropy of softmax(scores) to softmax(targets), both over the samples of a task (ListNet: Cao et
 *          al. 2007), times their number, so that the mean over samples is that of the task
 * Both depend on differences of scores only: a task's level is not learned, and scores are no predictions of targets.
 * logistic a sample is relevant if its target is above the mean of training, as for the metrics; the score is the logit
 *          of that, and the loss its cross entropy (softplus(s) - y s, y = 1 for relevant ones, else 0) */
#include <string.h>

#include "task/task.h"

static const double excluded = -1e30;

static goss_val pairs(goss_val output, goss_val target, goss_val weight) {
    goss_graph *g = output.graph;
    const goss_val lead = goss_sub(output, goss_transpose(output)); /* [T,N,N]: i less j */
    const goss_val above = goss_less(goss_const(g, 0), goss_sub(target, goss_transpose(target)));
    const goss_val counts = goss_mul(above, goss_unsqueeze(weight, 1));
    const goss_val n = goss_max(goss_sum(counts, GOSS_AXIS(2), false), goss_const(g, 1));
    return goss_div(goss_sum(goss_mul(counts, goss_softplus(goss_neg(lead))), GOSS_AXIS(2), false), n);
}

/* Over the samples that count: the others have a probability of 0. */
static goss_val among_counted(goss_val x, goss_val weight) {
    return goss_select(weight, goss_squeeze(x, 2), goss_const(x.graph, excluded));
}

static goss_val list(goss_val output, goss_val target, goss_val weight) {
    const goss_val wanted = goss_softmax(among_counted(target, weight));
    const goss_val said = goss_log_softmax(among_counted(output, weight));
    const goss_val n = goss_sum(weight, GOSS_AXIS(1), true);
    return goss_neg(goss_mul(goss_mul(wanted, said), n));
}

static const goss_metric *const metrics[] = {GOSS__RANKING_METRICS, NULL};
static const char *const columns[] = {"score", NULL};

#define RANKING(word, function)                                                                                        \
    {                                                                                                                  \
        .name = word, .numbers = 1, .encode = goss__encode_numbers, .among = function, .report = "rank_loss",          \
        .mix = goss__mix_mean, .answer = goss__answer_itself, .metrics = metrics, .columns = columns                   \
    }
const goss_objective goss__bpr = RANKING("bpr", pairs);
const goss_objective goss__softmax = RANKING("softmax", list);

/* ---- logistic ---- */

static void encode_relevance(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out) {
    memset(out, 0, (size_t)n * (size_t)stride * sizeof *out);
    for (int i = 0; i < n; i++)
        for (int w = 0; w < outputs; w++)
            out[i * stride + w] = target[i * outputs + w] > (scale.mean ? scale.mean[w] : 0.5f);
}

static goss_val logistic(const goss_objective *o, goss_val output, goss_val target, goss_val known, double smoothing) {
    (void)o, (void)smoothing;
    const goss_val loss = goss__where_known(goss_sub(goss_softplus(output), goss_mul(target, output)), known);
    return goss__mean_of_known(goss_mean(loss, GOSS_AXIS(goss_rank(output) - 1), false), known);
}

const goss_objective goss__logistic = {.name = "logistic",
                                       .numbers = 1,
                                       .encode = encode_relevance,
                                       .loss = logistic,
                                       .report = "log_loss",
                                       .mix = goss__mix_mean,
                                       .answer = goss__answer_itself,
                                       .metrics = metrics,
                                       .columns = columns};
