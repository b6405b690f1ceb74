/* SPDX-License-Identifier: Apache-2.0 */
/* env_process.c: environments in processes: lives are divided among some of them, which all get their requests before
 * any answer is read, so that they work at the same time. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "env/process.h"

enum { MOST = 256 }; /* processes */
static const double PATIENCE = 2, AT_ONCE = 0;

/* Life i is life i / n of process i % n. */
typedef struct remote {
    goss_env_process *p;
    int lives, n;
    goss__child child[MOST];
    /* Of the present requests: their calls in order, of each process, and how many are answered. */
    goss_env_call *call;
    bool resets;
    int *order, begin[MOST], asked[MOST], answered[MOST];
    uint8_t *rgb;
    int height, width;
    bool broken; /* after an error the state of the protocol is unknown */
} remote;

/* ---- requests ---- */

static void add_number(goss__str *to, double v) {
    char text[GOSS__NUMBER_TEXT];
    goss__number_print(v, text);
    goss__str_add(to, " ");
    goss__str_add(to, text);
}

static void add_call(const remote *r, goss__str *to, const goss_env_call *c) {
    const goss_env_kind *k = &r->p->kind;
    goss__str_addf(to, "%d", c->life / r->n);
    if (r->resets) {
        goss__str_addf(to, " %llu", (unsigned long long)c->seed);
        for (int i = 0; i < k->parameters; i++) add_number(to, c->parameter[i]);
    } else {
        for (int i = 0; i < (k->actions ? 1 : k->controls); i++) {
            const double a = (double)c->action[i];
            add_number(to, k->actions ? a : a < -1 ? -1 : a > 1 ? 1 : a);
        }
    }
    goss__str_add(to, "\n");
}

/* Divides the calls among processes and writes what each is asked. */
static void ask(remote *r, goss_env_call *call, int n, bool resets) {
    int at = 0;
    r->call = call, r->resets = resets;
    for (int p = 0; p < r->n; p++) {
        goss__str *out = &r->child[p].out;
        r->begin[p] = at, r->answered[p] = 0, out->size = 0;
        for (int i = 0; i < n; i++)
            if (call[i].life % r->n == p) r->order[at++] = i;
        r->asked[p] = at - r->begin[p];
        if (r->asked[p] > 0) goss__str_addf(out, "%s %d\n", resets ? "reset" : "step", r->asked[p]);
        for (int i = r->begin[p]; i < at; i++) add_call(r, out, &call[r->order[i]]);
    }
}

/* ---- answers ---- */

static goss_status wrong_shape(const remote *r, int got, goss_error *err) {
    const char *before = r->resets ? "" : "a reward, an end and ";
    return goss_error_set(err, GOSS_E_FORMAT,
                          "an answer of another shape: wanted %s%d numbers of an observation, got %d %s", before,
                          r->p->kind.observations, got, r->resets ? "numbers" : "numbers in all");
}

/* The words of a line as numbers; below 0: minus the word that is none, from 1. */
static int numbers_of(char *line, float *head, int heads, float *out, int most) {
    char *save = NULL;
    int n = 0;
    for (char *w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save), n++) {
        float v;
        if (!goss__protocol_number(w, &v)) return -n - 1;
        if (n < heads)
            head[n] = v;
        else if (n - heads < most)
            out[n - heads] = v;
    }
    return n;
}

static void take_raw(const remote *r, const void *raw, float *out) {
    const int n = r->p->kind.observations;
    const uint8_t *bytes = raw;
    if (r->p->form == GOSS__FORM_FLOATS)
        memcpy(out, raw, (size_t)n * sizeof *out);
    else
        for (int i = 0; i < n; i++) out[i] = (float)bytes[i] / 255;
}

static size_t raw_size(const remote *r) {
    return (size_t)r->p->kind.observations * (r->p->form == GOSS__FORM_FLOATS ? sizeof(float) : 1);
}

/* One answer, into the call; *there: it has come. */
static goss_status take_answer(remote *r, goss__child *c, goss_env_call *call, bool *there, goss_error *err) {
    const size_t before = c->at, raw = raw_size(r);
    const bool text = r->p->form == GOSS__FORM_TEXT;
    const int heads = r->resets ? 0 : 2, O = r->p->kind.observations;
    float head[2] = {0}, size = 0;
    char *line = goss__child_line(c);
    if (!(*there = line != NULL)) return GOSS_OK;
    GOSS_TRY(goss__said_error(line, err));
    char copy[61];
    goss__text_line(line, copy, sizeof copy);
    const size_t length = strlen(line);
    /* The payload may not be there yet: then the line is read again, from a copy. */
    char *words = line, saved[200];
    if (!text) {
        if (length >= sizeof saved) return goss_error_set(err, GOSS_E_FORMAT, "it says \"%s...\"", copy);
        words = memcpy(saved, line, length + 1);
    }
    const int n = numbers_of(words, head, heads, text ? call->observation : &size, text ? O : 1);
    if (n < 0) return goss_error_set(err, GOSS_E_FORMAT, "it says \"%s\", of which word %d is no number", copy, -n);
    if (n != heads + (text ? O : 1)) return wrong_shape(r, n, err);
    if (!text && (double)size != (double)raw)
        return goss_error_set(err, GOSS_E_FORMAT, "an observation of %.9g bytes, wanted %zu", (double)size, raw);
    if (heads && head[1] != 0 && head[1] != 1 && head[1] != 2)
        return goss_error_set(err, GOSS_E_FORMAT, "it says \"%s\": the second number is 0, 1 or 2", copy);
    if (!text) {
        const void *payload = goss__child_bytes(c, raw);
        if (!payload) {
            line[length] = '\n', c->at = before; /* the line's end, for the next time */
            return *there = false, GOSS_OK;
        }
        take_raw(r, payload, call->observation);
    }
    call->reward = head[0], call->end = (uint8_t)head[1];
    return GOSS_OK;
}

static goss_status take_answers(void *context, goss__child *c, int i, goss_error *err) {
    remote *r = context;
    bool there = true;
    while (there && r->answered[i] < r->asked[i]) {
        GOSS_TRY(take_answer(r, c, &r->call[r->order[r->begin[i] + r->answered[i]]], &there, err));
        r->answered[i] += there;
    }
    c->done = r->answered[i] == r->asked[i];
    return GOSS_OK;
}

static goss_status talk(remote *r, goss_env_call *call, int n, bool resets, int *bad, goss_error *err) {
    int child;
    *bad = -1;
    if (r->broken) return goss_error_set(err, GOSS_E_IO, "the process is given up");
    ask(r, call, n, resets);
    const goss_status s = goss__children_talk(r->child, r->n, r->p->timeout, take_answers, r, &child, err);
    if (s == GOSS_OK) return s;
    r->broken = true;
    if (child >= 0 && r->asked[child] > 0) {
        const int at = r->answered[child] < r->asked[child] ? r->answered[child] : r->asked[child] - 1;
        *bad = r->order[r->begin[child] + at];
    }
    return goss__process_error(r->p, s, err);
}

static goss_status reset(void *lives, goss_env_call *call, int n, int *bad, goss_error *err) {
    return talk(lives, call, n, true, bad, err);
}
static goss_status step(void *lives, goss_env_call *call, int n, int *bad, goss_error *err) {
    return talk(lives, call, n, false, bad, err);
}

/* ---- pictures ---- */

static goss_status take_picture(void *context, goss__child *c, int i, goss_error *err) {
    remote *r = context;
    const size_t before = c->at;
    float size[2];
    char *line = goss__child_line(c), words[80];
    (void)i;
    if (!line) return GOSS_OK;
    const size_t length = strlen(line);
    GOSS_TRY(goss__said_error(line, err));
    snprintf(words, sizeof words, "%s", line);
    if (numbers_of(words, size, 2, NULL, 0) != 2 ||
        !(size[0] >= 1 && size[0] <= 4096 && size[1] >= 1 && size[1] <= 4096))
        return goss_error_set(err, GOSS_E_FORMAT, "a picture does not begin with HEIGHT WIDTH, at most 4096");
    r->height = (int)size[0], r->width = (int)size[1];
    const size_t n = 3 * (size_t)r->height * (size_t)r->width;
    const void *bytes = goss__child_bytes(c, n);
    if (!bytes) {
        line[length] = '\n', c->at = before;
        return GOSS_OK;
    }
    uint8_t *grown = goss__realloc(r->rgb, n);
    if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a picture");
    r->rgb = memcpy(grown, bytes, n), c->done = true;
    return GOSS_OK;
}

static goss_status picture(void *lives, int life, goss_env_canvas *out, goss_error *err) {
    remote *r = lives;
    goss__child *c = &r->child[life % r->n];
    int bad;
    if (r->broken) return goss_error_set(err, GOSS_E_IO, "the process is given up");
    goss__str_addf(&c->out, "picture %d\n", life / r->n);
    const goss_status s = goss__children_talk(c, 1, r->p->timeout, take_picture, r, &bad, err);
    r->broken = s != GOSS_OK;
    *out = (goss_env_canvas){r->height, r->width, r->rgb};
    return goss__process_error(r->p, s, err);
}

/* ---- lives ---- */

static void close_lives(void *lives) {
    remote *r = lives;
    if (!r) return;
    for (int i = 0; i < r->n; i++) goss__child_stop(&r->child[i], r->broken ? AT_ONCE : PATIENCE);
    goss__free(r->order), goss__free(r->rgb);
    goss__free(r);
}

static goss_status open_lives(void *context, int count, void **lives, goss_error *err) {
    goss_env_process *p = context;
    remote *r = goss__calloc(1, sizeof *r);
    int *order = goss__calloc((size_t)count, sizeof *order);
    *lives = NULL;
    if (!r || !order) {
        goss__free(r), goss__free(order);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives", count);
    }
    r->p = p, r->lives = count, r->order = order;
    const int wanted = p->processes < count ? p->processes : count;
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < wanted; i++) {
        s = goss_error_prefix(err, goss__child_start(&r->child[i], (const char *const *)p->words, err),
                              "environment %s", p->name);
        if (s == GOSS_OK) r->n++;
    }
    if (s == GOSS_OK) s = goss__process_start(p, r->child, r->n, count, false, err);
    if (s != GOSS_OK) {
        r->broken = true;
        close_lives(r);
        return s;
    }
    *lives = r;
    return GOSS_OK;
}

const goss_env_many goss__process_many = {
    .open = open_lives, .close = close_lives, .reset = reset, .step = step, .picture = picture};
