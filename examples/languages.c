/* SPDX-License-Identifier: Apache-2.0 */
/* languages.c: recurrent networks for languages that were never heard. A language is a Markov chain over eight letters:
 * behind each letter mostly follows one of two others, which differ from language to language, while each letter is as
 * frequent as any other. A task is to tell four new languages apart by five words of each, of 4 to 20 letters.
 *
 * Shown: a task source of sequences of different lengths (`draw`), and what its networks need to see: an embedding of
 * letters alone says nothing, a GRU and convolutions read what follows what; a head generated for the task beats means.
 *
 *     languages [STEPS]                 of training (400) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/evaluate.h"
#include "gossamer/model.h"
#include "gossamer/train.h"

enum { LETTERS = 8, STEPS = 20, WAYS = 4, SHOTS = 5, QUERIES = 4, NEW = 300, FIRST_NEW = 1 << 30 };
static goss_error err;

static void must(goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

/* Numbers of a task one after the other: a pure function of k (SplitMix64). */
static double next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u, z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static int below(uint64_t *state, int n) { return (int)(next(state) * n); }

/* What follows a letter: two permutations, under which all letters stay equally frequent. */
typedef struct language {
    int follows[2][LETTERS];
} language;

static language invent(uint64_t *state) {
    language l;
    for (int p = 0; p < 2; p++) {
        for (int i = 0; i < LETTERS; i++) l.follows[p][i] = i;
        for (int i = LETTERS - 1; i > 0; i--) {
            const int j = below(state, i + 1), keep = l.follows[p][i];
            l.follows[p][i] = l.follows[p][j], l.follows[p][j] = keep;
        }
    }
    return l;
}

/* Letters as numbers, [STEPS][1]; returns how many. */
static int speak(const language *l, uint64_t *state, float *word) {
    const int length = 4 + below(state, STEPS - 3);
    int letter = below(state, LETTERS);
    for (int i = 0; i < length; i++) {
        word[i] = (float)letter;
        const double u = next(state);
        letter = u < 0.1 ? below(state, LETTERS) : l->follows[u < 0.7][letter];
    }
    return length;
}

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    uint64_t state = k * 0xd1342543de82ef95u + 1;
    language l[WAYS];
    (void)source;
    for (int w = 0; w < WAYS; w++) l[w] = invent(&state);
    t->supports = WAYS * SHOTS, t->queries = WAYS * QUERIES, t->id = -1, t->outputs = WAYS;
    for (int i = 0; i < t->supports; i++) {
        t->support_length[i] = speak(&l[i % WAYS], &state, t->support + (size_t)i * STEPS);
        t->support_target[i] = (float)(i % WAYS);
    }
    for (int i = 0; i < t->queries; i++) {
        t->query_length[i] = speak(&l[i % WAYS], &state, t->query + (size_t)i * STEPS);
        t->query_target[i] = (float)(i % WAYS);
    }
}

/* Validation and judging draw from numbers that training never comes to. */
static void draw_new(const goss_task_source *source, uint64_t k, goss_task *t) { draw(source, FIRST_NEW + k, t); }

static goss_task_source languages(bool new) {
    return (goss_task_source){.spec = {.input_rank = 2,
                                       .input = {STEPS, 1},
                                       .lengths = true,
                                       .outputs = WAYS,
                                       .supports = WAYS * SHOTS,
                                       .queries = WAYS * QUERIES},
                              .draw = new ? draw_new : draw};
}

static goss_model *train(const char *dir, const char *const *settings) {
    const goss_task_source seen = languages(false), held = languages(true);
    const goss_train_tasks tasks = {.kind = "languages", .train = &seen, .validation = &held, .judged = 100};
    char path[300];
    int n;
    goss_config *c;
    goss_model *m;
    const goss_key *keys = goss_train_keys(&n);
    must(goss_config_new(keys, n, &c, &err));
    must(goss_config_set(c, "run.dir", dir, &err));
    for (; *settings; settings++) must(goss_config_override(c, *settings, &err));
    must(goss_train(c, &(goss_train_options){.tasks = &tasks}, NULL, &err));
    goss_config_free(c);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    must(goss_model_load(path, &m, &err));
    return m;
}

/* The share of right answers about words of new languages: adapt and predict, compiled once. */
static double judge(const goss_model *m) {
    const goss_task_source held = languages(true);
    static float support[WAYS * SHOTS * STEPS], support_y[WAYS * SHOTS], x[WAYS * QUERIES * STEPS], y[WAYS * QUERIES],
        said[WAYS * QUERIES * WAYS];
    static int32_t support_length[WAYS * SHOTS], length[WAYS * QUERIES];
    goss_predictor *p;
    int right = 0;
    must(goss_predictor_of_model(m, &held.spec, NULL, &p, &err));
    for (uint64_t k = 1000; k < 1000 + NEW; k++) {
        goss_task t = {.support = support,
                       .support_target = support_y,
                       .support_length = support_length,
                       .query = x,
                       .query_target = y,
                       .query_length = length};
        held.draw(&held, k, &t);
        must(goss_predictor_adapt(p, &held, k, &err));
        must(goss_predictor_predict_ragged(p, x, length, WAYS * QUERIES, said, NULL, &err));
        for (int i = 0; i < WAYS * QUERIES; i++) {
            int best = 0;
            for (int w = 1; w < WAYS; w++)
                if (said[i * WAYS + w] > said[i * WAYS + best]) best = w;
            right += best == (int)y[i];
        }
    }
    goss_predictor_free(p);
    return 100.0 * right / (NEW * WAYS * QUERIES);
}

int main(int argc, char **argv) {
    char steps[40];
    snprintf(steps, sizeof steps, "train.steps=%s", argc > 1 ? argv[1] : "400");
#define GRU "model.backbone=embedding 8 16; gru 32; readout mean"
#define PROTONET "train.method=protonet"
#define COMMON "train.tasks=4", "validate.every=200", "optimizer.rate=0.005", steps
    const struct {
        const char *name, *dir;
        const char *settings[12];
    } race[] = {
        {"letters, protonet", "letters", {COMMON, PROTONET, "model.backbone=embedding 8 24; readout mean; dense 32"}},
        {"gru, protonet", "gru", {COMMON, PROTONET, GRU}},
        {"gru, generated head", "head", {COMMON, GRU, "hyper.rules=head=class; *=shared"}},
        {"gru, generated", "generated", {COMMON, GRU, "hyper.rules=head=class; gru1.u=lowrank 4; *=shared"}},
        {"convolution, protonet",
         "convolution",
         {COMMON, PROTONET, "model.backbone=embedding 8 16; conv1d 32 3 pad 1; relu; conv1d 32 3 pad 1; readout mean"}},
    };
    printf("right answers about words of four new languages, %d words seen of each\n", SHOTS);
    for (size_t i = 0; i < sizeof race / sizeof *race; i++) {
        goss_model *m = train(race[i].dir, race[i].settings);
        printf("%-22s %.1f %%\n", race[i].name, judge(m));
        fflush(stdout);
        goss_model_free(m);
    }
    return 0;
}
