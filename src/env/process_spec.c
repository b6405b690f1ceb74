/* SPDX-License-Identifier: Apache-2.0 */
/* process_spec.c: what a process says its environment is: a table of line words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "env/process.h"

enum { WORDS = 9 };
#define BLANK " \t\r"

typedef struct line {
    char *word[WORDS];
    int n;
} line;

static line split(char *text) {
    line l = {0};
    char *save = NULL;
    for (char *w = strtok_r(text, BLANK, &save); w && l.n < WORDS; w = strtok_r(NULL, BLANK, &save)) l.word[l.n++] = w;
    return l;
}

static bool whole(const char *text, int least, int most, int *out) {
    double v;
    if (!goss__number_parse(text, &v) || v != floor(v) || v < least || v > most) return false;
    *out = (int)v;
    return true;
}

/* ---- lines: each returns false where its words are not as they should be ---- */

static bool take_observation(goss_env_process *p, line *l) {
    const char *last = l->word[l->n - 1];
    if (strcmp(last, "bytes") == 0)
        p->form = GOSS__FORM_BYTES, l->n--;
    else if (strcmp(last, "floats") == 0)
        p->form = GOSS__FORM_FLOATS, l->n--;
    if (l->n == 2) return whole(l->word[1], 1, GOSS_ENV_MOST_OBSERVATIONS, &p->kind.observations);
    if (l->n != 4) return false;
    int64_t n = 1;
    for (int i = 0; i < 3; i++) {
        if (!whole(l->word[1 + i], 1, 4096, &p->kind.shape[i])) return false;
        n *= p->kind.shape[i];
    }
    p->kind.observations = n <= GOSS_ENV_MOST_OBSERVATIONS ? (int)n : 0;
    return p->kind.observations > 0;
}

static bool take_actions(goss_env_process *p, line *l) {
    return l->n == 2 && whole(l->word[1], 2, 4096, &p->kind.actions);
}
static bool take_controls(goss_env_process *p, line *l) {
    return l->n == 2 && whole(l->word[1], 1, GOSS_ENV_MOST_CONTROLS, &p->kind.controls);
}
static bool take_horizon(goss_env_process *p, line *l) {
    return l->n == 2 && whole(l->word[1], 1, 1000000, &p->kind.horizon);
}
static bool take_episodes(goss_env_process *p, line *l) {
    return l->n == 2 && whole(l->word[1], 1, 1000, &p->kind.episodes);
}

static bool take_parameter(goss_env_process *p, line *l) {
    goss_env_parameter *to = &p->parameter[p->kind.named];
    if (p->kind.named == GOSS__PROCESS_PARAMETERS || l->n < 4) return false;
    *to = (goss_env_parameter){.name = p->names[p->kind.named], .doc = ""};
    if (strcmp(l->word[l->n - 1], "whole") == 0) to->whole = true, l->n--;
    if (l->n != 4 && l->n != 6) return false;
    if (snprintf(p->names[p->kind.named], sizeof p->names[0], "%s", l->word[1]) >= (int)sizeof p->names[0])
        return false;
    double *const numbers[] = {&to->low, &to->high, &to->least, &to->most};
    for (int i = 0; i < l->n - 2; i++)
        if (!goss__number_parse(l->word[2 + i], numbers[i])) return false;
    if (l->n == 4) to->least = to->low, to->most = to->high;
    p->kind.parameters = ++p->kind.named;
    return true;
}

static bool take_picture(goss_env_process *p, line *l) {
    p->many.picture = goss__process_many.picture;
    return l->n == 1;
}

static const struct {
    const char *word, *form;
    bool (*take)(goss_env_process *, line *);
} lines[] = {
    {"observation", "observation N | H W C [bytes | floats]", take_observation},
    {"actions", "actions N, 2 to 4096", take_actions},
    {"controls", "controls N, 1 to 8", take_controls},
    {"horizon", "horizon STEPS", take_horizon},
    {"episodes", "episodes N", take_episodes},
    {"parameter", "parameter NAME LOW HIGH [LEAST MOST] [whole], at most 32", take_parameter},
    {"picture", "picture", take_picture},
};

/* Of a second line of a kind nobody knows which is meant. */
static goss_status check_once(goss_env_process *p, size_t which, goss_error *err) {
    if (lines[which].take == take_parameter || !(p->told & 1u << which)) return p->told |= 1u << which, GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "its description has two lines `%s`", lines[which].word);
}

/* ---- the description ---- */

goss_status goss__said_error(const char *text, goss_error *err) {
    if (strncmp(text, "error", 5) != 0 || (text[5] && text[5] != ' ')) return GOSS_OK;
    char said[400];
    goss__text_line(text[5] ? text + 6 : "error", said, sizeof said);
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "the environment says: %s", said);
}

static goss_status check(const goss_env_process *p, goss_error *err) {
    const char *lacks = p->kind.observations == 0                       ? "observation"
                        : p->kind.actions == 0 && p->kind.controls == 0 ? "actions or controls"
                        : p->kind.horizon == 0                          ? "horizon"
                                                                        : NULL;
    if (lacks) return goss_error_set(err, GOSS_E_FORMAT, "its description has no line `%s`", lacks);
    return GOSS_OK;
}

goss_status goss__spec_line(goss_env_process *p, char *text, bool *ready, goss_error *err) {
    char copy[80];
    GOSS_TRY(goss__said_error(text, err));
    text[strcspn(text, "\r")] = 0;
    goss__text_line(text, copy, sizeof copy);
    if (strncmp(text, "name ", 5) == 0) {
        *ready = false;
        snprintf(p->title, sizeof p->title, "%s", text + 5);
        return GOSS_OK;
    }
    line l = split(text);
    *ready = l.n == 1 && strcmp(l.word[0], "ready") == 0;
    if (*ready) return check(p, err);
    for (size_t i = 0; l.n > 0 && i < sizeof lines / sizeof *lines; i++) {
        if (strcmp(lines[i].word, l.word[0]) != 0) continue;
        GOSS_TRY(check_once(p, i, err));
        if (lines[i].take(p, &l)) return GOSS_OK;
        return goss_error_set(err, GOSS_E_FORMAT, "its description says \"%s\"; wanted %s", copy, lines[i].form);
    }
    return goss_error_set(
        err, GOSS_E_FORMAT,
        "its description says \"%s\"; wanted lines that begin with name, observation, actions, controls, "
        "horizon, episodes, parameter or picture, and then ready",
        copy);
}

bool goss__protocol_number(const char *text, float *out) {
    static const struct {
        const char *text;
        float value;
    } words[] = {{"nan", NAN}, {"-nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}, {"infinity", INFINITY}};
    double v;
    if (goss__number_parse(text, &v)) return *out = (float)v, true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t k = 0;
        while (text[k] && goss__ascii_lower(text[k]) == words[i].text[k]) k++;
        if (!text[k] && !words[i].text[k]) return *out = words[i].value, true;
    }
    return false;
}
