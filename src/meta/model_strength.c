/* SPDX-License-Identifier: Apache-2.0 */
/* model_strength.c: sets the strengths of a model conditioned on strengths of regularisers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/str.h"
#include "meta/model.h"

static float *strengths_of(const goss_model *m) {
    for (int i = 0; i < goss_method_params(m->method); i++)
        if (strcmp(goss_method_param_at(m->method, i).name, GOSS_METHOD_STRENGTH) == 0) return m->values[i];
    return NULL;
}

/* "regularizer.NAME.range" = "SLOT LOW HIGH" */
static goss_status range_of(const goss_model *m, const char *name, double out[3], goss_error *err) {
    char note[200];
    snprintf(note, sizeof note, "regularizer.%.80s.range", name);
    const char *text = goss_model_note_of(m, note);
    if (!text) {
        const char *all = goss_model_note_of(m, "regularizers");
        return goss_error_set(err, GOSS_E_ARGUMENT, "the model sees no strength of a regulariser \"%.60s\"; it has %s",
                              name, all ? all : "none");
    }
    if (goss__numbers_parse(text, out, 3) == 3 && out[0] >= 0 && out[0] < GOSS_METHOD_STRENGTHS && out[1] > 0 &&
        out[1] < out[2])
        return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "metadata %s: \"%.60s\" is no place and range", note, text);
}

goss_status goss_model_set_strength(goss_model *m, const char *name, double strength, goss_error *err) {
    double range[3];
    float *at = strengths_of(m);
    if (!at)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "the model was trained with one strength: another one needs [regularizer.NAME] weight = "
                              "conditioned and hyper.condition = id, strength in training");
    GOSS_TRY(range_of(m, name, range, err));
    if (!(strength >= range[1] && strength <= range[2]))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %g: the model was trained with strengths from %g to %g", name,
                              strength, range[1], range[2]);
    at[(int)range[0]] =
        (float)((log(strength) - 0.5 * (log(range[1]) + log(range[2]))) / (0.5 * (log(range[2]) - log(range[1]))));
    char note[200], text[GOSS__NUMBER_TEXT];
    snprintf(note, sizeof note, "regularizer.%.80s.strength", name);
    goss__number_print(strength, text);
    return goss_model_note(m, note, text, err);
}
