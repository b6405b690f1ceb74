/* SPDX-License-Identifier: Apache-2.0 */
/* objective_classes.c: classification: logits, cross entropy, class probabilities. */
#include <string.h>

#include "task/task.h"

void goss__encode_classes(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out) {
    (void)scale;
    memset(out, 0, (size_t)n * (size_t)stride * sizeof *out);
    for (int i = 0; i < n; i++) {
        int class = (int)target[i];
        if (target[i] >= 0 && class < outputs) out[(size_t)i * (size_t)stride + (size_t) class] = 1;
    }
}

goss_val goss__class_loss(const goss_objective *o, goss_val output, goss_val target, goss_val class_mask,
                          double smoothing) {
    (void)o;
    return goss_cross_entropy(output, target, smoothing, class_mask);
}

goss_val goss__class_score(const goss_objective *o, goss_val output, goss_val target, goss_val mask) {
    (void)o, (void)mask;
    return goss_correct(output, target);
}

goss_val goss__class_answer(const goss_objective *o, goss_val output) {
    (void)o;
    return goss_softmax(output);
}

/* log(1/n sum_i p_i), the log likelihood of a mixture: it rewards members that disagree where the support set is
 * ambiguous over identical members (Gordon et al. 2019). */
goss_val goss__mix_classes(const goss_objective *o, const goss_val *logits, int n) {
    (void)o;
    goss_val top = GOSS_NONE, sum = GOSS_NONE;
    for (int i = 0; i < n; i++) {
        goss_val log_p = goss_log_softmax(logits[i]);
        top = i ? goss_max(top, log_p) : log_p;
    }
    top = goss_detach(top);
    for (int i = 0; i < n; i++) {
        goss_val share = goss_exp(goss_sub(goss_log_softmax(logits[i]), top));
        sum = i ? goss_add(sum, share) : share;
    }
    return goss_add(goss_log(goss_scale(sum, 1.0 / n)), top);
}

static const goss_metric *const metrics[] = {&goss__accuracy,          &goss__auc, &goss__log_loss, &goss__f1,
                                             &goss__calibration_error, NULL};
static const char *const columns[] = {"prediction", "probability", NULL};

const goss_objective goss__classification = {.name = "classification",
                                             .classes = true,
                                             .numbers = 1,
                                             .encode = goss__encode_classes,
                                             .loss = goss__class_loss,
                                             .report = "accuracy",
                                             .score = goss__class_score,
                                             .mix = goss__mix_classes,
                                             .answer = goss__class_answer,
                                             .metrics = metrics,
                                             .columns = columns};
