/* SPDX-License-Identifier: Apache-2.0 */
/* bench_users: recommendation at scale, on ratings made up here: many users with 20 ratings each of many items. A user
 * is a task of 10 ratings to adapt from and 10 to predict. Of an item 32 numbers are known, and LEARNED more are a row
 * of a table that is trained along, of which a step reads and updates the rows of its users' items. Prints how many
 * users a second are trained on, adapted in batches and adapted one by one, on one thread in processor seconds, and the
 * memory beside the users' and the items' own rows.
 *
 *     bench_users DIR [USERS [ITEMS [STEPS [LEARNED]]]]      a new folder for the run; (1000000 100000 300 8)
 *
 * LEARNED 0 has no table: what is known is all.
 *
 * Not one of the races of bench/race.py: nothing else is run beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "gossamer/race.h"
#include "gossamer/train.h"

enum { WIDTH = 32, FACTORS = 8, RATED = 20, SUPPORT = 10, TASKS = 64, BATCHED = 20000, ALONE = 3000, TOLD = 500 };

typedef struct rated {
    int32_t item;
    float rating;
} rated;

static struct {
    int64_t users, items;
    int learned;   /* numbers of an item */
    float *item;   /* [items, WIDTH]: of the factors that make ratings, and numbers that tell nothing */
    rated *rating; /* [users, RATED] */
} all;
static goss_error err;

static void must(goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double megabytes(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

/* Number i of thing k, uniform in [0, 1) (SplitMix64); of variance 1 and mean 0 below. */
static double uniform(uint64_t k, uint64_t i) {
    uint64_t z = k * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u + 0x94d049bb133111ebu;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u, z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}
static double number(uint64_t k, uint64_t i) { return sqrt(12) * (uniform(k, i) - 0.5); }

static void make_world(int64_t users, int64_t items, int learned) {
    all.users = users, all.items = items, all.learned = learned;
    all.item = malloc((size_t)items * WIDTH * sizeof *all.item);
    all.rating = malloc((size_t)users * RATED * sizeof *all.rating);
    if (!all.item || !all.rating) exit(1);
    for (int64_t i = 0; i < items; i++)
        for (int j = 0; j < WIDTH; j++) all.item[i * WIDTH + j] = (float)number((uint64_t)i, (uint64_t)j);
    for (int64_t u = 0; u < users; u++) {
        const uint64_t key = (uint64_t)u + (1u << 30);
        double of_user[FACTORS];
        for (int j = 0; j < FACTORS; j++) of_user[j] = number(key, (uint64_t)j);
        for (int r = 0; r < RATED; r++) {
            const int64_t i = (int64_t)(uniform(key, 100 + (uint64_t)r) * (double)items);
            double y = 3.5 + 0.3 * number(key, 200 + (uint64_t)r) + 0.5 * (double)all.item[i * WIDTH + FACTORS];
            for (int j = 0; j < FACTORS; j++) y += 0.25 * of_user[j] * (double)all.item[i * WIDTH + j];
            all.rating[u * RATED + r] = (rated){(int32_t)i, (float)y};
        }
    }
}

/* Numbers of x: with a table the item's own is the last, from 1. */
static size_t input_size(void) { return WIDTH + (all.learned > 0); }

static void put_item(int32_t item, float *x) {
    memcpy(x, all.item + (int64_t)item * WIDTH, WIDTH * sizeof *x);
    if (all.learned) x[WIDTH] = (float)(1 + item);
}

/* Users in a scattered order, each once in a round. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const uint64_t user = (k * 0x9e3779b97f4a7c15u) % (uint64_t)all.users;
    (void)source;
    t->supports = SUPPORT, t->queries = RATED - SUPPORT, t->id = -1;
    for (int r = 0; r < RATED; r++) {
        const rated *own = &all.rating[user * RATED + (uint64_t)r];
        const int at = r < SUPPORT ? r : r - SUPPORT;
        float *x = r < SUPPORT ? t->support : t->query, *y = r < SUPPORT ? t->support_target : t->query_target;
        if (x) put_item(own->item, x + (size_t)at * input_size());
        if (y) y[at] = own->rating;
    }
}

static goss_task_source source_of(void) {
    static const float mean = 3.5f, deviation = 1;
    goss_task_source s = {.spec = {.input_rank = 1,
                                   .input = {(int64_t)input_size()},
                                   .items = all.learned ? 1 + all.items : 0,
                                   .item_numbers = all.learned,
                                   .outputs = 1,
                                   .supports = SUPPORT,
                                   .queries = RATED - SUPPORT,
                                   .scale = {&mean, &deviation}},
                          .draw = draw,
                          .tasks = all.users};
    must(goss_objective_find("regression", &s.spec.objective, &err));
    return s;
}

/* ---- training ---- */

typedef struct watch {
    double first;
    int64_t steps;
} watch;

/* From the second step on, when everything is there. */
static void on_step(void *context, const goss_train_progress *p) {
    watch *w = context;
    if (p->step == 1) w->first = seconds();
    w->steps = p->step;
    if (p->step % TOLD == 0) fprintf(stderr, "step %lld: loss %.4f\n", (long long)p->step, p->loss);
}

static goss_model *train(const goss_task_source *users, const char *dir, const char *steps, double *per_second) {
    char path[4200], setting[100];
    const char *const fixed[] = {"model.backbone=dense 32; tanh; dense 32; tanh",
                                 "method.ridge_head=true",
                                 "optimizer.rate=0.003",
                                 "validate.every=0",
                                 "run.threads=1",
                                 "method.joint=no"};
    const goss_train_tasks tasks = {.kind = "users", .train = users};
    const goss_key *keys;
    goss_config *c;
    goss_model *m;
    watch w = {0};
    int n;
    keys = goss_train_keys(&n);
    must(goss_config_new(keys, n, &c, &err));
    must(goss_config_set(c, "run.dir", dir, &err));
    must(goss_config_set(c, "train.steps", steps, &err));
    snprintf(setting, sizeof setting, "train.tasks=%d", TASKS);
    must(goss_config_override(c, setting, &err));
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) must(goss_config_override(c, fixed[i], &err));
    must(goss_train(c, &(goss_train_options){.tasks = &tasks, .progress = on_step, .context = &w}, NULL, &err));
    *per_second = (double)(w.steps - 1) * TASKS / (seconds() - w.first);
    goss_config_free(c);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    must(goss_model_load(path, &m, &err));
    return m;
}

/* ---- adapting ---- */

/* Root mean squared error and users a second, adapted and answered in batches. */
static double in_batches(const goss_model *m, const goss_task_source *users, double *per_second) {
    static double values[BATCHED];
    const goss_metric *metric;
    goss_threads *one;
    double sum = 0;
    const int n = all.users < BATCHED ? (int)all.users : BATCHED;
    must(goss_metric_find(users->spec.objective, "rmse", &metric, &err));
    must(goss_threads_new(1, &one, &err));
    const double start = seconds();
    must(goss_race_model(m, 0, users, metric, n, one, values, NULL, &err));
    *per_second = n / (seconds() - start);
    goss_threads_free(one);
    for (int i = 0; i < n; i++) sum += values[i] / n;
    return sum;
}

/* Milliseconds of one user: adapt, and predict ten ratings. */
static double alone(const goss_model *m, const goss_task_source *users) {
    static float x[(RATED - SUPPORT) * (WIDTH + 1)], said[RATED];
    goss_threads *one;
    goss_predictor *p;
    must(goss_threads_new(1, &one, &err));
    must(goss_predictor_of_model(m, &users->spec, &(goss_adapt_options){.threads = one}, &p, &err));
    goss_task t = {.query = x};
    double start = 0;
    for (uint64_t k = 0; k < ALONE + 10; k++) {
        if (k == 10) start = seconds(); /* what is read first is not yet in a cache */
        draw(users, k, &t);
        must(goss_predictor_adapt(p, users, k, &err));
        must(goss_predictor_predict(p, x, RATED - SUPPORT, said, NULL, &err));
    }
    const double each = 1000 * (seconds() - start) / ALONE;
    goss_predictor_free(p);
    goss_threads_free(one);
    return each;
}

int main(int argc, char **argv) {
    const int64_t users = argc > 2 ? atoll(argv[2]) : 1000000, items = argc > 3 ? atoll(argv[3]) : 100000;
    const int learned = argc > 5 ? atoi(argv[5]) : 8;
    double trained, batched;
    if (argc < 2 || users < 1 || items < 1 || users > 100000000 || items > 10000000 || learned < 0 || learned > 4096)
        return 2;
    make_world(users, items, learned);
    const double ratings = (double)users * RATED * sizeof(rated), known = (double)items * WIDTH * sizeof(float);
    const double table = (double)items * learned * sizeof(float), mega = 1048576;
    const goss_task_source source = source_of();
    goss_model *m = train(&source, argv[1], argc > 4 ? argv[4] : "300", &trained);
    const double error = in_batches(m, &source, &batched), each = alone(m, &source);
    printf("%lld users, %lld items, %d ratings a user, one thread, processor time\n", (long long)users,
           (long long)items, RATED);
    printf("trained on          %10.0f users a second\n", trained);
    printf("adapted in batches  %10.0f users a second, with %d predictions each; rmse %.3f (noise 0.3)\n", batched,
           RATED - SUPPORT, error);
    printf("adapted alone       %10.3f ms a user, with %d predictions\n", each, RATED - SUPPORT);
    printf("memory              %10.0f MB at most, of which %.0f MB are ratings and items", megabytes(),
           (ratings + known) / mega);
    printf(", and a table of %d learned numbers of each item is %.0f MB\n", learned, table / mega);
    goss_model_free(m);
    free(all.item), free(all.rating);
    return 0;
}
