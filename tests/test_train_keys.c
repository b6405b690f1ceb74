/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of a run's configuration: that changing it changes what it should, or is told to change nothing. A key
 * without a row fails. */
#include <dirent.h>

#include "base/number.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/picture.h"
#include "goss_config.h"
#include "gossamer/log.h"
#include "gossamer/model.h"
#include "meta/settings.h"
#include "test.h"
#include "tiny_run.h"
#include "train/run.h"

/* ---- what a run shows ---- */

enum {
    WEIGHTS = 1,     /* of the model that is kept */
    VALIDATION = 2,  /* its figures */
    STEPS = 4,       /* how many were done */
    LINES = 8,       /* in metrics.jsonl */
    CACHE = 16,      /* decoded images in the run's folder */
    THREADS = 32,    /* of the process, at most */
    CHECKPOINT = 64, /* the step that is saved when step 3 is done */
    FOLDER = 128,    /* where the model lies */
    REFUSED = 256    /* the second value is an error that names the key */
};

typedef struct result {
    uint64_t weights, validation;
    int64_t steps;
    int lines, threads, cached;
    double saved;
    goss__str log;
} result;

static void on_line(void *context, goss_log_level level, const char *line) { goss__str_addf(context, "%s\n", line); }

typedef struct watch {
    const char *checkpoint;
    result *r;
} watch;

static int count_threads(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

static void on_step(void *context, const goss_train_progress *p) {
    watch *w = context;
    const int n = count_threads();
    goss_safetensors *f;
    if (n > w->r->threads) w->r->threads = n;
    if (p->step != 3 || goss_safetensors_open(w->checkpoint, &f, NULL) != GOSS_OK) return;
    w->r->saved = strtod(goss_safetensors_meta(f, "step"), NULL);
    goss_safetensors_close(f);
}

static goss_status read_weights(const char *dir, uint64_t *hash) {
    goss_model *m;
    GOSS_TRY(goss_model_load(model_of(dir), &m, &err));
    *hash = 0;
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        size_t n = (size_t)goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout);
        *hash = goss__hash64(goss_model_values(m, i), n * sizeof(float), *hash);
    }
    goss_model_free(m);
    return GOSS_OK;
}

static void read_metrics(const char *dir, result *r) {
    char name[100];
    size_t size = 0;
    snprintf(name, sizeof name, "%s/metrics.jsonl", dir);
    char *text = tiny_read(tiny_path(name), &size);
    for (char *at = text; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *v = strstr(at, "\"validation\":");
        if (v && v < at + strcspn(at, "\n")) r->validation = goss__hash64(v, strcspn(v, "\n"), r->validation);
        r->lines++;
    }
    free(text);
}

static int count_cached(const char *dir) {
    int n = 0;
    DIR *d = opendir(tiny_path(dir));
    for (struct dirent *e; d && (e = readdir(d));) n += strstr(e->d_name, ".images") != NULL;
    if (d) closedir(d);
    return n;
}

static int runs;

/* Trains a few steps with those overrides, in a folder of its own. */
static const char *resolved(const char *setting, char out[400]);

static goss_status observe(const char *const *setup, const char *key, const char *value, result *r) {
    static const char *const base[] = {"train.steps=6", "train.tasks=1", "validate.every=3", "train.log_every=2", NULL};
    const char *more[32];
    char pair[400], dir[40], checkpoint[300], own[4][400];
    int n = 0;
    *r = (result){.saved = -1};
    snprintf(pair, sizeof pair, "%s=%s", key, value);
    for (int i = 0; base[i]; i++) more[n++] = base[i];
    for (int i = 0; i < 4 && setup[i]; i++) more[n++] = resolved(setup[i], own[i]);
    more[n++] = pair, more[n] = NULL;
    snprintf(dir, sizeof dir, "k%d", runs++);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.safetensors", tiny_path(dir));
    watch w = {checkpoint, r};
    const goss_train_options o = {.progress = on_step, .context = &w};
    goss_train_report report = {0};
    goss_log_set(on_line, &r->log);
    goss_status s = train(dir, more, &o, &report);
    goss_log_set(NULL, NULL);
    if (s != GOSS_OK) return s;
    r->steps = report.step, r->cached = count_cached(dir);
    read_metrics(strcmp(key, "run.dir") == 0 ? strrchr(value, '/') + 1 : dir, r);
    return read_weights(strcmp(key, "run.dir") == 0 ? strrchr(value, '/') + 1 : dir, &r->weights);
}

static int difference(const result *a, const result *b) {
    return (a->weights != b->weights ? WEIGHTS : 0) | (a->validation != b->validation ? VALIDATION : 0) |
           (a->steps != b->steps ? STEPS : 0) | (a->lines != b->lines ? LINES : 0) |
           (a->cached != b->cached ? CACHE : 0) | (a->threads != b->threads ? THREADS : 0) |
           (a->saved != b->saved ? CHECKPOINT : 0);
}

/* ---- the rows ---- */

#define CONV "model.backbone=conv 4 3 pad 1; norm batch; relu; flatten"
#define LAYERS "hyper.rules=head=class; dense1.w=lowrank 2; *=shared"
#define SPACE "model.backbone=flatten; dense 4..16/4; relu; dense 8"
#define STRUCTURE SPACE, "structure.choose=task"
#define CHUNKS "hyper.rules=head=class; dense1.w=chunked; *=shared"

/* Alphabets of classes of drawings in two faces. */
#define TREE "data.path=@tree"
#define BAD_TREE "data.path=@bad" /* one file of it is no image */

typedef struct row {
    const char *key;
    const char *setup[4];
    const char *a, *b; /* values; with a '@' in front the name of a file in the scratch folder */
    int effect;
} row;

static const row rows[] = {
    {"data.path", {0}, "@tiny-images-idx3-ubyte", "@other-images-idx3-ubyte", WEIGHTS | VALIDATION},
    {"data.labels", {0}, "", "@turned-labels", WEIGHTS | VALIDATION},
    {"data.kind", {0}, "auto", "images", 0},
    {"task.metric", {0}, "accuracy", "log_loss", VALIDATION},
    {"data.train_classes", {"data.hold_out=0.4"}, "", "@ten.txt", WEIGHTS},
    {"data.val_classes", {0}, "", "@five.txt", WEIGHTS | VALIDATION},
    {"data.hold_out_alphabets", {TREE}, "0", "1", WEIGHTS | VALIDATION},
    {"data.hold_out", {0}, "0.3", "0.5", WEIGHTS | VALIDATION},
    {"data.height", {0}, "8", "6", WEIGHTS},
    {"data.width", {0}, "8", "6", WEIGHTS},
    {"data.channels", {0}, "1", "3", WEIGHTS},
    {"data.invert", {0}, "no", "yes", WEIGHTS | VALIDATION},
    {"data.cache", {0}, "", "none", CACHE},
    {"data.skip_bad", {BAD_TREE}, "true", "false", REFUSED},
    {"run.dir", {0}, "@folder-a", "@folder-b", FOLDER},
    {"run.seed", {0}, "1", "2", WEIGHTS | VALIDATION},
    {"run.threads", {0}, "1", "5", THREADS},
    {"train.method", {0}, "protonet", "ridge", WEIGHTS},
    {"train.start", {"train.method=protonet"}, "", "@k0/model.safetensors", WEIGHTS},
    {"train.steps", {0}, "6", "8", WEIGHTS | STEPS | LINES},
    {"train.minutes", {0}, "0", "0.0000001", WEIGHTS | STEPS},
    {"train.tasks", {0}, "1", "2", WEIGHTS},
    {"train.micro_batch", {"train.tasks=4"}, "0", "2", WEIGHTS},
    {"train.ways", {0}, "5", "4", WEIGHTS},
    {"train.shots", {0}, "1", "2", WEIGHTS},
    {"train.min_shots", {"train.shots=3"}, "0", "1", WEIGHTS},
    {"train.queries", {0}, "4", "3", WEIGHTS},
    {"train.rotations", {0}, "false", "true", WEIGHTS},
    {"train.one_alphabet", {TREE}, "false", "true", WEIGHTS},
    {"train.distinct_faces", {TREE}, "false", "true", WEIGHTS},
    {"train.augment", {0}, "0", "1", WEIGHTS},
    {"train.elastic", {0}, "0", "1", WEIGHTS},
    {"train.mirror", {0}, "false", "true", WEIGHTS},
    {"train.mixup", {0}, "0", "0.4", WEIGHTS},
    {"train.checkpoint_minutes", {0}, "2", "0", CHECKPOINT},
    {"train.log_every", {0}, "2", "3", LINES},
    {"optimizer.kind", {0}, "adam", "sgd", WEIGHTS},
    {"optimizer.rate", {0}, "0.01", "0.02", WEIGHTS},
    {"optimizer.rates", {0}, "", "hyper.*=2, target.dense1.w=0.5", WEIGHTS},
    {"optimizer.momentum", {"optimizer.kind=sgd"}, "0.9", "0.5", WEIGHTS},
    {"optimizer.beta1", {0}, "0.9", "0.5", WEIGHTS},
    {"optimizer.beta2", {0}, "0.999", "0.9", WEIGHTS},
    {"optimizer.weight_decay", {0}, "0", "0.5", WEIGHTS},
    {"optimizer.clip_norm", {"optimizer.kind=sgd"}, "10", "0.001", WEIGHTS},
    {"optimizer.ema", {0}, "0", "0.9", WEIGHTS},
    {"optimizer.schedule", {0}, "cosine", "constant", WEIGHTS},
    {"optimizer.warmup", {0}, "0.02", "0.5", WEIGHTS},
    {"optimizer.floor", {0}, "0", "0.5", WEIGHTS},
    {"optimizer.factor", {"optimizer.schedule=step"}, "0.1", "0.5", WEIGHTS},
    {"optimizer.at", {"optimizer.schedule=step"}, "0.5 0.75", "0.2, 0.4", WEIGHTS},
    {"optimizer.plateau", {"optimizer.schedule=plateau", "validate.every=1", "train.steps=12"}, "5", "1", WEIGHTS},
    {"validate.every", {0}, "3", "2", VALIDATION},
    {"validate.episodes", {0}, "20", "10", VALIDATION},
    {"validate.ways", {0}, "3", "4", VALIDATION},
    {"validate.shots", {0}, "1", "3", VALIDATION},
    {"validate.queries", {0}, "4", "3", VALIDATION},
    {"validate.rotations", {0}, "false", "true", VALIDATION},
    {"validate.distinct_faces", {TREE}, "false", "true", VALIDATION},
    {"validate.patience", {"optimizer.rate=0", "train.steps=20"}, "0", "1", STEPS},
    {"model.backbone", {0}, "mlp 32 16", "mlp 32, 8", WEIGHTS},
    {"method.norm", {CONV, "train.method=protonet"}, "running", "support", WEIGHTS},
    {"model.dropout", {0}, "0", "0.3", WEIGHTS},
    {"method.label_smoothing", {0}, "0", "0.2", WEIGHTS},
    {"method.temperature", {0}, "0", "3", WEIGHTS},
    {"method.ridge", {"train.method=ridge"}, "1", "30", WEIGHTS},
    {"method.networks", {"hyper.noise=4"}, "0", "2", WEIGHTS},
    {"method.penalty", {"hyper.combine=replace"}, "0", "10", WEIGHTS},
    {"method.ridge_head", {0}, "false", "true", REFUSED},
    {"method.inner_steps", {0}, "0", "2", WEIGHTS},
    {"method.test_steps", {"train.method=finetune"}, "0", "1", VALIDATION},
    {"method.inner_rate", {"train.method=maml"}, "0", "0.5", WEIGHTS},
    {"method.first_order", {"method.inner_steps=2"}, "false", "true", WEIGHTS},
    {"hyper.condition", {0}, "support", "support, noise", WEIGHTS},
    {"hyper.rules", {0}, "head=class; *=shared", "head=class, dense*.w=full", WEIGHTS},
    {"hyper.combine", {0}, "delta", "scale", WEIGHTS},
    {"hyper.train_base", {0}, "true", "false", WEIGHTS},
    {"hyper.alpha", {0}, "1", "5", WEIGHTS},
    {"hyper.hidden", {LAYERS}, "64", "8", WEIGHTS},
    {"hyper.embedding", {0}, "64", "8", WEIGHTS},
    {"hyper.layer_embedding", {CHUNKS}, "16", "8", WEIGHTS},
    {"hyper.chunk", {CHUNKS}, "1024", "64", WEIGHTS},
    {"hyper.noise", {0}, "0", "4", WEIGHTS},
    {"hyper.attention", {0}, "4", "0", WEIGHTS},
    {"hyper.class_delta", {0}, "true", "false", WEIGHTS},
    {"hyper.class_hidden", {0}, "128", "16", WEIGHTS},
    {"hyper.class_scale", {0}, "true", "false", WEIGHTS},
    {"structure.choose", {SPACE}, "task", "all", WEIGHTS},
    {"structure.low", {STRUCTURE}, "auto", "3KB", WEIGHTS},
    {"structure.high", {STRUCTURE}, "auto", "3KB", WEIGHTS},
    {"structure.temperature", {STRUCTURE}, "1", "3", WEIGHTS},
    {"structure.temperature_end", {STRUCTURE}, "0.2", "0.9", WEIGHTS},
    {"structure.warmup", {STRUCTURE}, "0.1", "0.5", WEIGHTS},
    {"structure.shrink", {STRUCTURE}, "0.3", "0.9", WEIGHTS},
    {"structure.sandwich", {STRUCTURE}, "true", "false", WEIGHTS},
    {"structure.distill", {STRUCTURE}, "0.5", "0", WEIGHTS},
    {"structure.entropy", {STRUCTURE}, "0", "1", WEIGHTS},
    {"structure.relevance", {STRUCTURE}, "0.1", "0", WEIGHTS},
    {"structure.common", {STRUCTURE}, "0", "0.9", WEIGHTS},
    {"structure.tie", {STRUCTURE}, "0.03", "0", WEIGHTS},
    {"structure.gradient", {STRUCTURE}, "score", "through", WEIGHTS},
    {"structure.pooled", {STRUCTURE, "train.tasks=3"}, "false", "true", WEIGHTS},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const char *value_of(const char *text) {
    static char ring[2][300];
    static int next;
    char *out = ring[next++ % 2];
    snprintf(out, sizeof ring[0], "%s", text[0] == '@' ? tiny_path(text + 1) : text);
    return out;
}

static void write_list(const char *name, int first, int count) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    for (int i = 0; i < count; i++) fprintf(f, "%d\n", first + i);
    fclose(f);
}

static bool write_tree(const char *top) {
#if GOSS_HAVE_PNG
    enum { ALPHABETS = 3, CLASSES = 8, DRAWINGS = 10 };
    uint32_t random = 3;
    for (int c = 0; c < ALPHABETS * CLASSES; c++) {
        char name[100], file[400], path[300];
        uint8_t pattern[64], pixels[64];
        snprintf(name, sizeof name, "%s/a%d/c%d", top, c / CLASSES, c);
        snprintf(path, sizeof path, "%s", tiny_path(name));
        if (goss__mkdirs(path, &err) != GOSS_OK) return false;
        for (int i = 0; i < 64; i++) pattern[i] = tiny_random(&random) % 2 ? 200 : 20;
        for (int d = 0; d < DRAWINGS; d++) {
            for (int i = 0; i < 64; i++) pixels[i] = (uint8_t)(pattern[i] + tiny_random(&random) % 50);
            snprintf(file, sizeof file, "%s/%d_%c.png", path, d, "xy"[d % 2]);
            if (goss__png_write_grey(file, pixels, 8, 8, &err) != GOSS_OK) return false;
        }
    }
    return true;
#else
    return false;
#endif
}

static bool spoil(const char *name) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) return false;
    fputs("no image\n", f);
    fclose(f);
    return true;
}

/* Names with a '@' in front are of files in the scratch folder: a setting as a run is given it. */
static const char *resolved(const char *setting, char out[400]) {
    const char *at = setting ? strchr(setting, '@') : NULL;
    if (!at) return setting;
    snprintf(out, 400, "%.*s%s", (int)(at - setting), setting, tiny_path(at + 1));
    return out;
}

static void write_inputs(void) {
    tiny_set();
    tiny_set_of("other", TINY_CLASSES, TINY_DRAWINGS, 17, 8);
    /* The labels of the drawings five further on. */
    size_t n = 0;
    char *labels = tiny_read(tiny_path("tiny-labels-idx1-ubyte"), &n);
    FILE *f = labels ? fopen(tiny_path("turned-labels"), "wb") : NULL;
    if (!f) exit(99);
    fwrite(labels, 1, 8, f);
    for (size_t i = 8; i < n; i++) fputc(labels[8 + (i - 8 + 5) % (n - 8)], f);
    fclose(f), free(labels);
    write_list("ten.txt", 2, 12), write_list("five.txt", 0, 5);
}

static void free_results(result *a, result *b) { goss__str_free(&a->log), goss__str_free(&b->log); }

TEST(a_key_changes_what_it_should) {
    const bool with_tree = write_tree("tree") && write_tree("bad") && spoil("bad/a0/c0/z.png");
    if (!with_tree && GOSS_HAVE_PNG) T_FAIL("%s", err.text);
    write_inputs();
    for (int i = 0; i < ROWS; i++) {
        const row *r = &rows[i];
        result a, b;
        err.text[0] = 0;
        if (r->setup[0] && strchr(r->setup[0], '@') && !with_tree) continue;
        if (observe(r->setup, r->key, value_of(r->a), &a) != GOSS_OK) T_FAIL("%s = %s: %s", r->key, r->a, err.text);
        if (strstr(a.log.data, "no effect")) T_FAIL("%s: the row's own setup has no effect: %s", r->key, a.log.data);
        goss_status s = observe(r->setup, r->key, value_of(r->b), &b);
        if (r->effect == REFUSED) {
            if (s == GOSS_OK) T_FAIL("%s = %s was accepted", r->key, r->b);
            if (!strstr(err.text, r->key)) T_FAIL("%s = %s: %s", r->key, r->b, err.text);
        } else if (s != GOSS_OK) {
            T_FAIL("%s = %s: %s", r->key, r->b, err.text);
        } else if (r->effect != FOLDER) {
            const int changed = difference(&a, &b);
            if ((changed & r->effect) != r->effect)
                T_FAIL("%s = %s, then %s: changed %d, not %d", r->key, r->a, r->b, changed, r->effect);
        } else if (difference(&a, &b) & WEIGHTS) { /* read from the two folders: the models are there, and the same */
            T_FAIL("%s changed the model", r->key);
        }
        free_results(&a, &b);
    }
}

/* Keys of sections that a user names: tests/test_regularizers.c. */
static bool is_of_a_family(const char *key) { return strstr(key, ".*.") != NULL; }

/* Keys that only a table has a use for (tests/test_train_table.c), and those of tasks that are trained together
 * (tests/test_multitask.c), and those of method tables (tests/test_table_network.c). */
static bool is_of_tables(const char *key) {
    return !goss__key_is_of(key, "images") || strncmp(key, "method.code_", 12) == 0 ||
           strcmp(key, "method.joint") == 0 || strcmp(key, "method.maml") == 0 || strcmp(key, "method.loss") == 0 ||
           strncmp(key, "share.", 6) == 0 || strncmp(key, "cells.", 6) == 0;
}

TEST(every_key_has_a_row) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++) {
        int found = is_of_tables(keys[i].name) || is_of_a_family(keys[i].name);
        for (int k = 0; k < ROWS; k++) found += strcmp(rows[k].key, keys[i].name) == 0;
        if (!found) T_FAIL("%s has no row in this test: say what it changes", keys[i].name);
    }
}

/* ---- keys without effect ---- */

static const struct {
    const char *use, *key; /* which row of the library's table; a key of it */
    const char *setup[4];
    const char *value;
} unused[] = {
    {"train.*", "train.shots", {"train.method=scratch"}, "2"},
    {"optimizer.*", "optimizer.rate", {"train.method=scratch"}, "0.5"},
    {"validate.*", "validate.ways", {"validate.every=0"}, "4"},
    {"data.hold_out", "data.hold_out", {"data.val_classes=@five.txt"}, "0.4"},
    {"data.hold_out", "data.hold_out", {"validate.every=0"}, "0.4"},
    {"data.hold_out_alphabets", "data.hold_out_alphabets", {"data.val_classes=@five.txt"}, "1"},
    {"optimizer.momentum", "optimizer.momentum", {0}, "0.5"},
    {"optimizer.beta1", "optimizer.beta1", {"optimizer.kind=sgd"}, "0.5"},
    {"optimizer.beta2", "optimizer.beta2", {"optimizer.kind=sgd"}, "0.5"},
    {"optimizer.floor", "optimizer.floor", {"optimizer.schedule=constant"}, "0.5"},
    {"optimizer.factor", "optimizer.factor", {0}, "0.5"},
    {"optimizer.at", "optimizer.at", {0}, "0.2"},
    {"optimizer.plateau", "optimizer.plateau", {0}, "1"},
    {"model.backbone", "model.backbone", {"train.method=pixels"}, "mlp 8"},
    {"model.dropout", "model.dropout", {"train.method=pixels"}, "0.2"},
    {"method.norm", "method.norm", {"train.method=maml", CONV}, "support"},
    {"method.norm", "method.norm", {0}, "support"},
    {"method.norm", "method.norm", {CONV, "hyper.rules=head=class; conv1.w=full; *=shared"}, "support"},
    {"task.thin", "task.thin", {0}, "0.2"},
    {"task.any", "task.any", {0}, "0.2"},
    {"task.quantiles", "task.quantiles", {0}, "0.5"},
    {"data.tokens,data.fold,data.text_as,data.vectors", "data.tokens", {0}, "char"},
    {"data.descriptor", "data.descriptor", {0}, "users.csv"},
    {"data.series,data.window,data.horizon,data.stride", "data.window", {0}, "9"},
    {"data.time", "data.time", {"data.kind=idx"}, "t"},
    {"data.descriptor", "data.descriptor", {"data.kind=idx"}, "t"},
    {"data.vocabulary", "data.vocabulary", {0}, "50"},
    {"data.least", "data.least", {0}, "3"},
    {"data.ngrams", "data.ngrams", {0}, "2"},
    {"data.length", "data.length", {0}, "9"},
    {"data.buckets", "data.buckets", {0}, "9"},
    {"method.label_smoothing", "method.label_smoothing", {"train.method=reptile"}, "0.2"},
    {"method.loss", "method.loss", {"train.method=reptile"}, "samples"},
    {"method.temperature", "method.temperature", {"train.method=ridge"}, "3"},
    {"method.ridge", "method.ridge", {0}, "30"},
    {"method.ridge_head", "method.ridge_head", {"train.method=maml"}, "true"},
    {"method.code_steps", "method.code_steps", {0}, "5"},
    {"method.joint", "method.joint", {0}, "yes"},
    {"method.maml", "method.maml", {0}, "yes"},
    {"method.code_rate", "method.code_rate", {0}, "0.5"},
    {"method.networks", "method.networks", {"train.method=protonet"}, "2"},
    {"method.penalty", "method.penalty", {"train.method=protonet"}, "1"},
    {"method.penalty", "method.penalty", {"hyper.class_delta=false"}, "1"},
    {"method.inner_steps", "method.inner_steps", {"train.method=protonet"}, "3"},
    {"method.test_steps", "method.test_steps", {"train.method=protonet"}, "3"},
    {"method.inner_rate", "method.inner_rate", {"train.method=pixels"}, "0.5"},
    {"method.inner_rate", "method.inner_rate", {"train.method=learned"}, "0.5"},
    {"method.first_order", "method.first_order", {0}, "true"},
    {"hyper.combine", "hyper.combine", {"hyper.class_delta=false"}, "scale"},
    {"hyper.alpha", "hyper.alpha", {"hyper.combine=replace"}, "5"},
    {"hyper.hidden", "hyper.hidden", {0}, "8"},
    {"hyper.embedding", "hyper.embedding", {"hyper.attention=0"}, "8"},
    {"hyper.layer_embedding", "hyper.layer_embedding", {0}, "8"},
    {"hyper.chunk", "hyper.chunk", {LAYERS}, "64"},
    {"hyper.chunk", "hyper.chunk", {"hyper.rules=head=class; dense1.w=chunked 32; *=shared"}, "64"},
    {"hyper.noise", "hyper.noise", {"hyper.class_delta=false"}, "4"},
    {"hyper.attention", "hyper.attention", {"hyper.class_delta=false"}, "0"},
    {"hyper.class_hidden", "hyper.class_hidden", {"hyper.class_delta=false"}, "16"},
    {"hyper.class_scale", "hyper.class_scale", {"hyper.class_delta=false"}, "false"},
    {"hyper.*", "hyper.rules", {"train.method=maml"}, "head=class; *=film"},
    {"cells.*", "cells.width", {0}, "24"},
    {"structure.choose", "structure.choose", {"train.method=pixels"}, "largest"},
    {"structure.low,structure.high,structure.temperature,structure.temperature_end,structure.warmup,structure.shrink,"
     "structure.sandwich,structure.entropy",
     "structure.low",
     {SPACE, "structure.choose=largest"},
     "3KB"},
    {"structure.pooled,structure.gradient", "structure.pooled", {SPACE, "structure.choose=largest"}, "true"},
    {"structure.relevance", "structure.relevance", {SPACE, "structure.choose=all"}, "2"},
    {"structure.common,structure.tie", "structure.tie", {SPACE, "structure.choose=all"}, "0.1"},
    {"structure.distill", "structure.distill", {STRUCTURE, "structure.sandwich=false"}, "0.2"},
    {"share.*", "share.rules", {0}, "*=own"},
    {"share.own_heads", "share.own_heads", {0}, "false"},
    {"share.size", "share.size", {0}, "2"},
    {"share.gate_temperature", "share.gate_temperature", {0}, "2"},
    {"share.temperature", "share.temperature", {0}, "2"},
    {"share.hard", "share.hard", {0}, "true"},
    {"share.anneal", "share.anneal", {0}, "0.5"},
    {"share.anneal_steps", "share.anneal_steps", {0}, "5"},
};
enum { UNUSED = sizeof unused / sizeof *unused };

static const char *default_of(const char *key) {
    static const char *const base[][2] = {{"data.hold_out", "0.3"},
                                          {"model.backbone", "mlp 32 16"},
                                          {"optimizer.rate", "0.01"},
                                          {"train.shots", "1"},
                                          {"validate.ways", "3"}};
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        if (strcmp(base[i][0], key) == 0) return base[i][1];
    for (int i = 0; i < n; i++)
        if (strcmp(keys[i].name, key) == 0) return keys[i].fallback;
    return "";
}

TEST(a_key_without_effect_is_told_and_has_none) {
    write_inputs();
    for (int i = 0; i < UNUSED; i++) {
        char says[200];
        const char *const *setup = unused[i].setup;
        result a, b;
        if (observe(setup, unused[i].key, default_of(unused[i].key), &a) != GOSS_OK)
            T_FAIL("%s: %s", unused[i].key, err.text);
        if (observe(setup, unused[i].key, unused[i].value, &b) != GOSS_OK) T_FAIL("%s: %s", unused[i].key, err.text);
        const int changed = difference(&a, &b) & (WEIGHTS | VALIDATION | STEPS | LINES);
        if (changed) T_FAIL("%s with %s: changed %d", unused[i].key, setup[0] ? setup[0] : "defaults", changed);
        snprintf(says, sizeof says, "%s = %s has no effect", unused[i].key, unused[i].value);
        if (!strstr(b.log.data, says)) T_FAIL("\"%s\" is not told: %s", says, b.log.data);
        free_results(&a, &b);
    }
}

TEST(every_line_of_the_table_is_tried) {
    int n;
    const goss__key_use *uses = goss__key_uses(&n);
    for (int i = 0; i < n; i++) {
        int found = 0;
        for (int k = 0; k < UNUSED; k++) found += strcmp(unused[k].use, uses[i].key) == 0;
        if (!found) T_FAIL("%s has no row in this test", uses[i].key);
    }
}

TEST_MAIN()
