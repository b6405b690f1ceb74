/* SPDX-License-Identifier: Apache-2.0 */
/* Training runs: that they learn, stop, go on with the same bits after any interruption, allocate nothing in a step and
 * refuse what does not fit together. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "gossamer/evaluate.h"
#include "gossamer/safetensors.h"
#include "gossamer/train.h"
#include "test.h"
#include "tiny_run.h"
#include "train/run.h"

TEST(a_hypernetwork_learns) {
    goss_train_report r;
    T_OK(train("learns", NULL, NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_STEPS);
    T_EQ(r.step, 60);
    if (r.validation < 0.6) T_FAIL("validation accuracy is %g, chance is 0.33", r.validation);
    goss_model *m;
    T_OK(goss_model_load(model_of("learns"), &m, &err));
    T_STR(goss_method_name(goss_model_method(m)), "hypernet");
    T_CHECK(goss_model_note_of(m, "metrics.validation"));
    goss_model_free(m);
}

TEST(every_method_trains) {
    static const char *const methods[] = {"protonet", "ridge",    "maml",    "fomaml",  "anil",
                                          "reptile",  "finetune", "learned", "scratch", "pixels"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char pair[64], dir[64];
        snprintf(pair, sizeof pair, "train.method=%s", methods[i]);
        snprintf(dir, sizeof dir, "method-%s", methods[i]);
        T_OK(train(dir, (const char *const[]){pair, "train.steps=4", "validate.every=2", NULL}, NULL, NULL));
        goss_model *m;
        T_OK(goss_model_load(model_of(dir), &m, &err));
        T_STR(goss_method_name(goss_model_method(m)), methods[i]);
        goss_model_free(m);
    }
}

TEST(threads_do_not_change_a_bit) {
    T_OK(train("one", (const char *const[]){"run.threads=1", NULL}, NULL, NULL));
    T_OK(train("two", (const char *const[]){"run.threads=2", NULL}, NULL, NULL));
    T_CHECK(tiny_same_files(model_of("one"), model_of("two")));
    T_OK(train("seed", (const char *const[]){"run.seed=2", NULL}, NULL, NULL));
    T_CHECK(!tiny_same_files(model_of("one"), model_of("seed")));
}

TEST(a_profile_changes_no_bit) {
    const goss_train_options o = {.profile_steps = 5};
    T_OK(train("plain", NULL, NULL, NULL));
    T_OK(train("profiled", NULL, &o, NULL));
    T_CHECK(tiny_same_files(model_of("plain"), model_of("profiled")));
    T_CHECK(access(tiny_path("profiled/profile.txt"), F_OK) == 0);
    T_CHECK(access(tiny_path("profiled/profile.json"), F_OK) == 0);
    T_CHECK(access(tiny_path("plain/profile.txt"), F_OK) != 0);
    T_OK(train("short", (const char *const[]){"train.steps=12", NULL}, &o, NULL)); /* ends before the profile does */
    T_CHECK(access(tiny_path("short/profile.txt"), F_OK) != 0);
}

TEST(a_stopped_run_goes_on_with_the_same_bits) {
    const char *const more[] = {"optimizer.ema=0.9", "optimizer.schedule=plateau", "optimizer.plateau=1", NULL};
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    T_OK(train("whole", more, NULL, NULL));
    for (stop_at = 7; stop_at < 60; stop_at += 9) {
        stop = 0;
        T_ERR(train("parts", more, &o, NULL), GOSS_E_INTERRUPTED, "the same command goes on");
        T_CHECK(access(model_of("parts"), F_OK) != 0);
    }
    stop = 0;
    T_OK(train("parts", more, NULL, NULL));
    T_CHECK(tiny_same_files(model_of("whole"), model_of("parts")));
    goss_train_report r;
    T_OK(train("parts", more, NULL, &r)); /* once more: finished already */
    T_EQ(r.end, GOSS_TRAIN_NOTHING);
    T_CHECK(tiny_same_files(model_of("whole"), model_of("parts")));
}

static void sleep_ms(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }

/* Runs in a child that is killed after `ms`; 1: it was killed, 0: it had finished well, -1: it had failed. */
static int run_and_kill(const char *dir, const char *const *more, int ms) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(train(dir, more, NULL, NULL) == GOSS_OK ? 0 : 3);
    int status, waited = 0;
    for (; waited < ms && waitpid(child, &status, WNOHANG) == 0; waited++) sleep_ms(1);
    if (waited >= ms) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    if (WIFSIGNALED(status)) return 1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

TEST(fifty_kills_change_no_bit) {
    const char *const more[] = {"train.checkpoint_minutes=0", "train.steps=150", NULL};
    uint32_t random = 5;
    int kills = 0, runs = 0;
    /* Kills come at random within the time that a whole run takes on this machine, however fast it is. */
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    T_OK(train("unkilled", more, NULL, NULL));
    clock_gettime(CLOCK_MONOTONIC, &end);
    uint32_t whole = (uint32_t)((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000) + 8;
    while (kills < 50) {
        char dir[32];
        snprintf(dir, sizeof dir, "killed-%d", runs++);
        int killed;
        do {
            killed = run_and_kill(dir, more, 1 + (int)(tiny_random(&random) % (whole * 3 / 4)));
            if (killed < 0) T_FAIL("a resume failed after %d kills", kills);
            kills += killed;
            if (!killed && whole > 12) whole = whole * 3 / 4; /* it was done sooner than that */
        } while (killed);
        T_CHECK(tiny_same_files(model_of("unkilled"), model_of(dir)));
    }
    if (runs > 100) T_FAIL("%d runs for 50 kills: the kills came too late to interrupt anything", runs);
}

/* The log's lines up to where it was cut off. */
TEST(a_resume_replays_the_clock) {
    const char *const more[] = {"train.minutes=0.2",
                                "train.steps=0",
                                "train.log_every=1",
                                "validate.every=0",
                                "train.checkpoint_minutes=100",
                                NULL};
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    stop = 0, stop_at = 10;
    T_ERR(train("clock", more, &o, NULL), GOSS_E_INTERRUPTED, "step 10");
    T_EQ(run_and_kill("clock", more, 800), 1);
    size_t n = 0, m = 0;
    char *before = tiny_read(tiny_path("clock/metrics.jsonl"), &n);
    T_CHECK(before);
    int lines = 0;
    for (size_t i = 0; i < n; i++) lines += before[i] == '\n';
    if (lines < 15) T_FAIL("only %d steps before the kill", lines);
    stop = 0, stop_at = lines;
    T_ERR(train("clock", more, &o, NULL), GOSS_E_INTERRUPTED, "");
    char *after = tiny_read(tiny_path("clock/metrics.jsonl"), &m);
    T_CHECK(after);
    char *x = before, *y = after;
    for (int i = 0; i < lines; i++) {
        const char *a = strstr(x, "\"clock\":"), *b = strstr(y, "\"clock\":");
        T_CHECK(a && b);
        if (strtod(a + 8, NULL) != strtod(b + 8, NULL)) T_FAIL("line %d: the clock said %.30s, now %.30s", i, a, b);
        T_CHECK((a = strstr(x, "\"loss\":")) && (b = strstr(y, "\"loss\":")));
        if (strtod(a + 7, NULL) != strtod(b + 7, NULL)) T_FAIL("line %d: %.30s, now %.30s", i, a, b);
        x = strchr(x, '\n') + 1, y = strchr(y, '\n') + 1;
    }
    free(before), free(after);
}

TEST(steps_allocate_nothing) {
    goss_config *c =
        config("allocations", (const char *const[]){"train.shots=3", "train.min_shots=1", "train.augment=1", NULL});
    goss__run r;
    goss_step_result x;
    T_CHECK(c);
    T_OK(goss__run_open(&r, c, &(goss_train_options){0}, &err));
    T_OK(goss__feed_start(&r.data, 0, &r.feed, &err));
    for (; r.state.step < 3; r.state.step++) T_OK(goss__run_step(&r, goss__feed_next(r.feed), 0.01, &x, &err));
    uint64_t before = goss__alloc_count();
    for (; r.state.step < 40; r.state.step++) T_OK(goss__run_step(&r, goss__feed_next(r.feed), 0.01, &x, &err));
    T_EQ(goss__alloc_count() - before, 0);
    T_CHECK(isfinite(x.loss) && x.applied);
    goss__run_close(&r);
    goss_config_free(c);
}

TEST(a_step_that_is_not_finite_changes_nothing) {
    goss_config *c =
        config("skipped", (const char *const[]){"model.backbone=conv 4 3 pad 1; norm batch; relu; flatten", NULL});
    goss__run r;
    goss_step_result x;
    T_OK(goss__run_open(&r, c, &(goss_train_options){0}, &err));
    T_OK(goss__feed_start(&r.data, 0, &r.feed, &err));
    T_OK(goss__run_step(&r, goss__feed_next(r.feed), 0.01, &x, &err));
    int at = goss_params_find(r.params, "running");
    T_CHECK(x.applied && at >= 0);
    size_t size = (size_t)goss_params_numel(r.params, at) * sizeof(float);
    float *target = goss_params_data(r.params, goss_params_find(r.params, "target")), first = target[0];
    void *before = malloc(size);
    memcpy(before, goss_params_data(r.params, at), size);
    target[0] = NAN;
    T_OK(goss__run_step(&r, goss__feed_next(r.feed), 0.01, &x, &err));
    T_CHECK(!x.applied);
    T_CHECK(memcmp(before, goss_params_data(r.params, at), size) == 0);
    target[0] = first;
    T_OK(goss__run_step(&r, goss__feed_next(r.feed), 0.01, &x, &err));
    T_CHECK(x.applied && memcmp(before, goss_params_data(r.params, at), size) != 0);
    free(before);
    goss__run_close(&r);
    goss_config_free(c);
}

TEST(a_validation_that_is_not_finite_is_no_better_one) {
    goss_config *c = config("none", NULL);
    goss__run r;
    bool better = true;
    T_OK(goss__run_open(&r, c, &(goss_train_options){0}, &err));
    ((float *)goss_params_data(r.params, goss_params_find(r.params, "target")))[0] = NAN;
    T_OK(goss__run_validate(&r, &better, &err));
    T_CHECK(!better && r.n_history == 1 && isnan(r.history[0]) && r.state.best == -1);
    T_ERR(goss_model_save(r.model, tiny_path("none.safetensors"), &err), GOSS_E_NUMERIC, "target.dense1.w");
    goss__run_close(&r);
    goss_config_free(c);
}

TEST(infinite_gradients_end_the_run) {
    T_ERR(train("infinite",
                (const char *const[]){"optimizer.rate=1e6", "optimizer.kind=sgd", "optimizer.warmup=0",
                                      "optimizer.clip_norm=0", "train.method=finetune", "train.steps=2000", NULL},
                NULL, NULL),
          GOSS_E_NUMERIC, "not finite");
}

TEST(patience_ends_the_run) {
    goss_train_report r;
    T_OK(train("patience", (const char *const[]){"optimizer.rate=0", "validate.patience=2", "validate.every=5", NULL},
               NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_EARLY);
    T_EQ(r.step, 15); /* the first validation is the best */
    T_EQ(r.best_step, 5);
}

/* ---- a full disk, for which a limit on the size of files stands ---- */

typedef struct disk {
    int64_t step; /* from which on it is full */
    rlim_t room;
    off_t metrics; /* the length that metrics.jsonl gets (sparse); 0: it keeps its own */
    struct rlimit old;
    char path[300];
} disk;

static void fill_disk(void *context, const goss_train_progress *p) {
    disk *d = context;
    if (p->step != d->step) return;
    const struct rlimit small = {.rlim_cur = d->room, .rlim_max = d->old.rlim_max};
    T_CHECK(!d->metrics || truncate(d->path, d->metrics) == 0);
    T_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
}

static goss_status train_on(disk *d, const char *dir) {
    char name[64];
    snprintf(name, sizeof name, "%s/metrics.jsonl", dir);
    snprintf(d->path, sizeof d->path, "%s", tiny_path(name));
    const goss_train_options o = {.progress = fill_disk, .context = d};
    T_EQ(getrlimit(RLIMIT_FSIZE, &d->old), 0);
    signal(SIGXFSZ, SIG_IGN);
    const goss_status s = train(dir, NULL, &o, NULL);
    setrlimit(RLIMIT_FSIZE, &d->old);
    signal(SIGXFSZ, SIG_DFL);
    return s;
}

/* Steps are logged at 5, 10, ..., validated at 15, 30, ... */
TEST(a_full_disk_saves_what_it_can_and_says_so) {
    T_OK(train("roomy", NULL, NULL, NULL));
    disk log = {.step = 19, .room = 1 << 20, .metrics = 1 << 20};
    T_ERR(train_on(&log, "full-log"), GOSS_E_IO,
          "metrics.jsonl: cannot write: File too large; saved a checkpoint of "
          "step 20, from which the same command resumes");
    disk all = {.step = 22, .room = 100};
    T_ERR(train_on(&all, "full-disk"), GOSS_E_IO,
          "metrics.jsonl: cannot write: File too large; the last checkpoint is "
          "that of step 15");
    T_CHECK(strstr(err.text, "a later one was not written: ") && strstr(err.text, "checkpoint.safetensors: cannot"));
    /* The best model cannot be written: a checkpoint that speaks of it must not be, either. */
    disk best = {.step = 14, .room = 1000};
    T_ERR(train_on(&best, "full-best"), GOSS_E_IO,
          "best.safetensors: cannot write: File too large; the last "
          "checkpoint is that of step 0, from which");
    /* With room again each goes on, to the same bits. */
    const char *const dirs[] = {"full-log", "full-disk", "full-best"};
    for (int i = 0; i < 3; i++) {
        char same[300];
        T_OK(train(dirs[i], NULL, NULL, NULL));
        snprintf(same, sizeof same, "%s", model_of("roomy"));
        T_CHECK(tiny_same_files(same, model_of(dirs[i])));
    }
}

TEST(one_run_a_folder_at_a_time) {
    goss__run first;
    goss_config *c = config("locked", NULL);
    T_OK(goss__run_open(&first, c, &(goss_train_options){0}, &err));
    T_ERR(train("locked", NULL, NULL, NULL), GOSS_E_IO, "another process");
    goss__run_close(&first);
    T_OK(train("locked", NULL, NULL, NULL));
    goss_config_free(c);
}

TEST(what_does_not_fit_is_refused) {
    const struct {
        const char *setting, *says;
    } bad[] = {{"data.path=/nonexistent", "/nonexistent"},
               {"train.ways=500", "train.ways = 500"},
               {"train.shots=20", "[train]"},
               {"validate.ways=50", "validate.ways = 50"},
               {"train.min_shots=2", "train.min_shots"},
               {"train.steps=0", "never end"},
               {"model.backbone=conv", "conv"},
               {"hyper.rules=head=magic", "magic"},
               {"optimizer.rates=target", "PATTERN=FACTOR"},
               {"optimizer.at=x", "optimizer.at"},
               {"optimizer.rates=target.cnv*=2", "there are target.dense1.w, target.dense1.b"},
               {"optimizer.rates=target.dense1.*,dense2.w=2", "\"dense2.w\" matches no tensor"},
               {"data.channels=2", "data.channels"},
               {"data.train_classes=/nonexistent.txt", "/nonexistent.txt"},
               {"train.start=/nonexistent.safetensors", "/nonexistent.safetensors"},
               {"run.dir=/proc/none", "/proc/none"},
               {"run.dir=", "run.dir"},
               {"data.path=", "data.path"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = 0;
        goss_status s = train("refused", (const char *const[]){bad[i].setting, NULL}, NULL, NULL);
        if (s == GOSS_OK) T_FAIL("%s was accepted", bad[i].setting);
        if (!strstr(err.text, bad[i].says))
            T_FAIL("%s: \"%s\" does not say \"%s\"", bad[i].setting, err.text, bad[i].says);
    }
}

TEST(own_rates_hold_tensors_still) {
    T_OK(train("still",
               (const char *const[]){"optimizer.rates=*=0, target.dense1.w,target.dense1.b=1", "train.steps=10",
                                     "validate.every=0", NULL},
               NULL, NULL));
    goss_model *m, *start;
    T_OK(goss_model_load(model_of("still"), &m, &err));
    T_OK(goss_model_create("hypernet", goss_model_settings(m), goss_model_data(m), 1, &start, &err));
    int moved = 0, still = 0;
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        for (int k = 0; p.trained && k < goss_layout_count(p.layout); k++) {
            const goss_entry *e = goss_layout_entry(p.layout, k);
            size_t size = (size_t)e->numel * sizeof(float);
            int same = memcmp(goss_model_values(m, i) + e->offset, goss_model_values(start, i) + e->offset, size) == 0;
            int chosen = strcmp(p.name, "target") == 0 && strncmp(e->name, "dense1.", 7) == 0;
            if (same == chosen) T_FAIL("%s.%s %s", p.name, e->name, same ? "did not move" : "moved");
            moved += !same, still += same;
        }
    }
    T_CHECK(moved > 0 && still > 0);
    goss_model_free(m), goss_model_free(start);
}

TEST(a_start_is_taken_over) {
    char pair[300];
    T_OK(train("first", (const char *const[]){"train.method=protonet", "train.steps=5", NULL}, NULL, NULL));
    snprintf(pair, sizeof pair, "train.start=%s", model_of("first"));
    T_OK(train("second", (const char *const[]){pair, "optimizer.rate=0", "train.steps=1", "validate.every=0", NULL},
               NULL, NULL));
    goss_model *a, *b;
    T_OK(goss_model_load(model_of("first"), &a, &err));
    T_OK(goss_model_load(model_of("second"), &b, &err));
    goss_method_param p = goss_method_param_at(goss_model_method(a), 0);
    T_STR(p.name, "target");
    T_CHECK(memcmp(goss_model_values(a, 0), goss_model_values(b, 0),
                   (size_t)goss_layout_total(p.layout) * sizeof(float)) == 0);
    goss_model_free(a), goss_model_free(b);
}

/* ---- what a run has seen ---- */

/* Images of the tiny set that a model was trained on or validated on; -1: it cannot be read. */
static int seen_by(const char *path, goss_use use) {
    goss_model *m;
    size_t n = 0;
    if (goss_model_load(path, &m, &err) != GOSS_OK) return -1;
    goss_model_samples(m, use, &n);
    goss_model_free(m);
    return (int)n;
}

TEST(a_run_keeps_what_it_has_seen) {
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    char pair[300], path[300];
    const int kept = 17 * TINY_DRAWINGS, held = 7 * TINY_DRAWINGS, other = 10 * TINY_DRAWINGS;
    T_OK(train("seeing", (const char *const[]){"train.steps=20", NULL}, NULL, NULL));
    T_EQ(seen_by(model_of("seeing"), GOSS_USE_TRAIN), kept);
    T_EQ(seen_by(model_of("seeing"), GOSS_USE_VALIDATE), held);
    /* On another set, from that model, with an interruption. */
    snprintf(pair, sizeof pair, "train.start=%s", model_of("seeing"));
    snprintf(path, sizeof path, "data.path=%s", tiny_set_of("further", 10, TINY_DRAWINGS, 99, 98));
    const char *const more[] = {pair, path, "train.steps=20", "validate.every=0", "train.ways=3", NULL};
    stop = 0, stop_at = 7;
    T_ERR(train("further", more, &o, NULL), GOSS_E_INTERRUPTED, "");
    goss_safetensors *f;
    T_OK(goss_safetensors_open(tiny_path("further/checkpoint.safetensors"), &f, &err));
    const goss_file_tensor *t = goss_safetensors_find(f, "train.samples");
    T_CHECK(t && t->shape[0] == kept + other);
    goss_safetensors_close(f);
    stop = 0;
    T_OK(train("further", more, NULL, NULL));
    T_EQ(seen_by(model_of("further"), GOSS_USE_TRAIN), kept + other);
    T_EQ(seen_by(model_of("further"), GOSS_USE_VALIDATE), held);
    T_OK(train("nothing", (const char *const[]){"train.method=pixels", NULL}, NULL, NULL));
    T_EQ(seen_by(model_of("nothing"), GOSS_USE_TRAIN), 0);
}

TEST(a_start_of_another_network_is_refused_by_tensor) {
    char pair[300];
    T_OK(train("narrow", (const char *const[]){"train.steps=2", "validate.every=0", NULL}, NULL, NULL));
    snprintf(pair, sizeof pair, "train.start=%s", model_of("narrow"));
    T_ERR(train("wide", (const char *const[]){pair, "model.backbone=mlp 48 16", NULL}, NULL, NULL), GOSS_E_ARGUMENT,
          "target.dense1.w");
    const char *conv = "model.backbone=conv 4 3; norm batch; relu; flatten";
    T_OK(train("unkept", (const char *const[]){conv, "train.method=maml", "train.steps=1", "validate.every=0", NULL},
               NULL, NULL));
    snprintf(pair, sizeof pair, "train.start=%s", model_of("unkept"));
    T_ERR(train("keeps", (const char *const[]){conv, pair, NULL}, NULL, NULL), GOSS_E_ARGUMENT, "running.norm1.mean");
    T_OK(train("fits",
               (const char *const[]){conv, pair, "method.norm=support", "train.steps=1", "validate.every=0", NULL},
               NULL, NULL));
}

TEST(a_checkpoint_with_numbers_that_are_none_is_refused) {
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    stop = 0, stop_at = 3;
    T_ERR(train("apart", NULL, &o, NULL), GOSS_E_INTERRUPTED, "");
    goss__run r;
    goss_config *c = config("apart", NULL);
    T_OK(goss__run_open(&r, c, &(goss_train_options){0}, &err));
    T_CHECK(r.previous);
    T_OK(goss__checkpoint_read(&r, &err));
    ((float *)goss_params_data(r.params, goss_params_find(r.params, "target")))[4] = NAN;
    T_OK(goss__checkpoint_write(&r, &err));
    goss__run_close(&r);
    goss_config_free(c);
    stop = 0;
    T_ERR(train("apart", NULL, NULL, NULL), GOSS_E_NUMERIC, "tensor \"target\": number 4");
}

TEST_MAIN()
