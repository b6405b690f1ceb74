/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's folder is: whose it is, what may change when a run goes on, what is compared by content, and that a run
 * ends when its time is up. */
#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "goss_config.h"
#include "test.h"
#include "tiny_run.h"
#include "train/run.h"

#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(tiny_path(name), "wb");
    if (!f || fputs(text, f) < 0) exit(99);
    fclose(f);
}

static void copy(const char *from, const char *to) {
    size_t n = 0;
    char *data = tiny_read(from, &n);
    FILE *f = data ? fopen(to, "wb") : NULL;
    if (!f || fwrite(data, 1, n, f) != n) exit(99);
    fclose(f), free(data);
}

static bool is_there(const char *name) { return access(tiny_path(name), F_OK) == 0; }

/* ---- ends ---- */

TEST(a_finished_run_goes_on_when_more_is_asked_for) {
    goss_train_report r;
    T_OK(train("more", MORE("train.steps=20"), NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_STEPS);
    T_OK(train("more", MORE("train.steps=45"), NULL, &r));
    T_EQ(r.step, 45);
    T_EQ(r.end, GOSS_TRAIN_STEPS);
    T_OK(train("more", MORE("train.steps=45"), NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_NOTHING);
    T_ERR(train("more", MORE("train.steps=30"), NULL, &r), GOSS_E_ARGUMENT, "train.steps = 30, but the run in");
    /* A stop on the longer way changes no bit. */
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    T_OK(train("parts", MORE("train.steps=20"), NULL, &r));
    stop = 0, stop_at = 31;
    T_ERR(train("parts", MORE("train.steps=45"), &o, NULL), GOSS_E_INTERRUPTED, "step 31");
    T_OK(train("parts", MORE("train.steps=45"), NULL, &r));
    T_OK(train("whole", MORE("train.steps=20"), NULL, &r));
    T_OK(train("whole", MORE("train.steps=45"), NULL, &r));
    T_CHECK(tiny_same_files(model_of("whole"), model_of("parts")));
}

TEST(patience_can_be_given_more) {
    goss_train_report r;
    T_OK(train("patient", MORE("optimizer.rate=0", "validate.patience=1", "validate.every=5"), NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_EARLY);
    T_EQ(r.step, 10);
    T_OK(train("patient", MORE("optimizer.rate=0", "validate.patience=3", "validate.every=5"), NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_EARLY);
    T_EQ(r.step, 20);
}

/* The last line's number of that key in a log. */
static double last_of(const char *dir, const char *key) {
    char name[100], quoted[60];
    size_t n = 0;
    double value = -1;
    snprintf(name, sizeof name, "%s/metrics.jsonl", dir), snprintf(quoted, sizeof quoted, "\"%s\":", key);
    char *text = tiny_read(tiny_path(name), &n);
    for (const char *p = text; p && (p = strstr(p, quoted)); p++) value = strtod(p + strlen(quoted), NULL);
    free(text);
    return value;
}

/* The largest learning rate of the steps up to one. */
static double largest_rate(const char *dir) {
    char name[100];
    size_t n = 0;
    double most = 0;
    snprintf(name, sizeof name, "%s/metrics.jsonl", dir);
    char *text = tiny_read(tiny_path(name), &n);
    for (const char *p = text; p && (p = strstr(p, "\"rate\":")); p++) most = fmax(most, strtod(p + 7, NULL));
    free(text);
    return most;
}

TEST(minutes_alone_end_a_run_that_hardly_logs) {
    goss_train_report r;
    T_OK(train("minutes", MORE("train.steps=0", "train.minutes=0.01", "train.log_every=1000000000", "validate.every=0"),
               NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_MINUTES);
    T_CHECK(r.seconds >= 0.6);
    T_CHECK(last_of("minutes", "clock") >= 1);
    /* The rate rises with the clock, and comes near what was set. */
    T_CHECK(largest_rate("minutes") > 0.005);
    T_OK(train("minutes", MORE("train.steps=0", "train.minutes=0.02", "train.log_every=1000000000", "validate.every=0"),
               NULL, &r));
    T_EQ(r.end, GOSS_TRAIN_MINUTES);
    T_CHECK(r.seconds >= 1.2);
    T_ERR(train("minutes",
                MORE("train.steps=0", "train.minutes=0.005", "train.log_every=1000000000", "validate.every=0"), NULL,
                &r),
          GOSS_E_ARGUMENT, "train.minutes = 0.005, but the run in");
}

/* Looks at steps that the log would not have had are replayed at these steps. */
TEST(a_resume_replays_looks_between_lines) {
    const char *const more[] = {"train.steps=0",    "train.minutes=0.05",           "train.log_every=1000000000",
                                "validate.every=0", "train.checkpoint_minutes=100", NULL};
    goss_config *c = config("looks", more);
    T_CHECK(c);
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    stop = 0, stop_at = 5;
    T_ERR(train("looks", more, &o, NULL), GOSS_E_INTERRUPTED, "step 5");
    /* Lines of a process that was killed. */
    FILE *f = fopen(tiny_path("looks/metrics.jsonl"), "a");
    T_CHECK(f);
    fprintf(f, "{\"step\":8,\"clock\":0.25}\n{\"step\":11,\"clock\":0.5}\n{\"step\":12,\"val");
    fclose(f);
    goss__run r;
    T_OK(goss__run_open(&r, c, &(goss_train_options){0}, &err));
    T_OK(goss__checkpoint_read(&r, &err));
    T_OK(goss__replay_read(&r, &err));
    T_EQ(r.n_replay, 2);
    T_CHECK(r.replay[0].step == 8 && r.replay[0].clock == 0.25 && r.replay[1].step == 11 && r.replay[1].clock == 0.5);
    goss__run_close(&r);
    stop = 0, stop_at = 13;
    T_ERR(train("looks", more, &o, NULL), GOSS_E_INTERRUPTED, "step 13");
    size_t n = 0;
    char *text = tiny_read(tiny_path("looks/metrics.jsonl"), &n);
    const char *eight = text ? strstr(text, "{\"step\":8,\"clock\":0.25,") : NULL,
               *eleven = text ? strstr(text, "{\"step\":11,\"clock\":0.5,") : NULL;
    T_CHECK(eight && eleven && !strstr(text, "{\"step\":9,") && !strstr(text, "{\"step\":10,"));
    free(text);
    goss_config_free(c);
}

/* ---- identity ---- */

TEST(images_and_classes_are_compared_by_content) {
    char path[300], list[300];
    T_OK(train("content", MORE("train.steps=5"), NULL, NULL));
    mkdir(tiny_path("elsewhere"), 0777);
    copy(tiny_set(), tiny_path("elsewhere/tiny-images-idx3-ubyte"));
    char labels[300];
    snprintf(labels, sizeof labels, "%s", tiny_path("tiny-labels-idx1-ubyte"));
    copy(labels, tiny_path("elsewhere/tiny-labels-idx1-ubyte"));
    snprintf(path, sizeof path, "data.path=%s", tiny_path("elsewhere/tiny-images-idx3-ubyte"));
    T_OK(train("content", MORE("train.steps=6", path), NULL, NULL)); /* the same images in another place */
    snprintf(path, sizeof path, "data.path=%s", tiny_set_of("other", TINY_CLASSES, TINY_DRAWINGS, 7, 9));
    T_ERR(train("content", MORE("train.steps=7", path), NULL, NULL), GOSS_E_ARGUMENT,
          "holds other images than the run in");
    T_CHECK(strstr(err.text, "288 images of 24 classes") && strstr(err.text, "train.start="));

    write_text("classes.txt", "0\n1\n2\n3\n4\n5\n6\n7\n");
    snprintf(list, sizeof list, "data.train_classes=%s", tiny_path("classes.txt"));
    const char *const with[] = {list, "data.hold_out=0.4", "train.steps=5", NULL};
    T_OK(train("listed", with, NULL, NULL));
    write_text("classes.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n");
    T_ERR(train("listed", with, NULL, NULL), GOSS_E_ARGUMENT, "data.train_classes");
    T_CHECK(strstr(err.text, "is new") || strstr(err.text, "is gone"));
    write_text("same.txt", "# the same, in another file\n7\n6\n5\n4\n3\n2\n1\n0\n");
    snprintf(list, sizeof list, "data.train_classes=%s", tiny_path("same.txt"));
    T_OK(train("listed", with, NULL, NULL));
}

TEST(a_start_is_needed_once_and_compared_by_content) {
    char start[300];
    T_OK(train("a", MORE("train.steps=3", "train.method=protonet"), NULL, NULL));
    T_OK(train("b", MORE("train.steps=4", "train.method=protonet", "run.seed=3"), NULL, NULL));
    copy(model_of("a"), tiny_path("start.safetensors"));
    snprintf(start, sizeof start, "train.start=%s", tiny_path("start.safetensors"));
    T_OK(train("started", MORE("train.steps=5", start), NULL, NULL));
    copy(model_of("b"), tiny_path("start.safetensors"));
    T_ERR(train("started", MORE("train.steps=6", start), NULL, NULL), GOSS_E_ARGUMENT, "is not what the run in");
    T_ERR(train("started", MORE("train.steps=6"), NULL, NULL), GOSS_E_ARGUMENT, "train.start is not set");
    unlink(tiny_path("start.safetensors"));
    T_OK(train("started", MORE("train.steps=5", start), NULL, NULL)); /* finished */
    T_OK(train("started", MORE("train.steps=7", start), NULL, NULL)); /* and going on */
    T_OK(train("in-time", MORE("train.steps=0", "train.minutes=0.002"), NULL, NULL));
    T_OK(train("in-time", MORE("train.steps=0", "train.minutes=0.002"), NULL, NULL));
    T_ERR(train("never", MORE("train.steps=5", start), NULL, NULL), GOSS_E_IO, "train.start: ");
}

/* The same tensors as another program writes them anew: without the hash. */
static void forget_hash(const char *path) {
    static const char *const keys[] = {"gossamer.hash", "gossamer.container"};
    size_t n = 0;
    char *data = tiny_read(path, &n);
    for (int k = 0; k < 2; k++) {
        size_t at = 0, size = strlen(keys[k]);
        while (at + size <= n && memcmp(data + at, keys[k], size) != 0) at++;
        if (at + size > n) exit(99);
        data[at] = 'x';
    }
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n) exit(99);
    fclose(f), free(data);
}

TEST(a_start_that_another_program_wrote_is_known_by_its_bytes) {
    char start[300];
    snprintf(start, sizeof start, "train.start=%s", tiny_path("foreign.safetensors"));
    T_OK(train("c", MORE("train.steps=3", "train.method=protonet"), NULL, NULL));
    copy(model_of("c"), tiny_path("foreign.safetensors"));
    forget_hash(tiny_path("foreign.safetensors"));
    T_OK(train("adopted", MORE("train.steps=5", start), NULL, NULL));
    T_OK(train("adopted", MORE("train.steps=6", start), NULL, NULL));
    T_OK(train("d", MORE("train.steps=4", "train.method=protonet", "run.seed=3"), NULL, NULL));
    copy(model_of("d"), tiny_path("foreign.safetensors"));
    forget_hash(tiny_path("foreign.safetensors"));
    T_ERR(train("adopted", MORE("train.steps=7", start), NULL, NULL), GOSS_E_ARGUMENT, "is not what the run in");
}

/* Before images are decoded, which may take minutes: there are none here. */
TEST(a_bad_start_is_told_first) {
    char start[300];
    write_text("bad.safetensors", "no model");
    snprintf(start, sizeof start, "train.start=%s", tiny_path("bad.safetensors"));
    T_ERR(train("early", MORE("data.path=nowhere", start), NULL, NULL), GOSS_E_FORMAT, "train.start: ");
}

TEST(other_settings_are_refused_with_what_to_do) {
    T_OK(train("kept", MORE("train.steps=5"), NULL, NULL));
    T_ERR(train("kept", MORE("train.steps=5", "train.ways=6", "train.queries=3"), NULL, NULL), GOSS_E_ARGUMENT,
          "train.ways = 5, not train.ways = 6 (and 1 more)");
    T_CHECK(strstr(err.text, "another run.dir") && !strstr(err.text, "Remove"));
    T_OK(train("kept", MORE("train.steps=5", "run.threads=1", "data.cache=none", "train.checkpoint_minutes=9"), NULL,
               NULL));
}

TEST(a_run_that_has_not_begun_takes_other_settings) {
    const goss_train_options o = {.stop = &stop};
    goss_train_report r;
    char cache[300];
    snprintf(cache, sizeof cache, "data.cache=%s", tiny_path("decoded"));
    T_OK(train("decoder", MORE("train.steps=1", cache), NULL, NULL));
    stop = 1;
    T_ERR(train("unbegun", MORE(cache), &o, NULL), GOSS_E_INTERRUPTED, "step 0");
    T_CHECK(is_there("unbegun/checkpoint.safetensors")); /* what is written at the end can be written: seen at once */
    stop = 0;
    T_OK(train("unbegun", MORE("train.steps=5", "train.method=ridge"), NULL, &r));
    T_EQ(r.step, 5);
}

static int files_in(const char *dir) {
    int n = 0;
    DIR *d = opendir(tiny_path(dir));
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

TEST(decoding_is_given_up_at_once_and_leaves_nothing) {
    const goss_train_options o = {.stop = &stop};
    stop = 1;
    T_ERR(train("undecoded", NULL, &o, NULL), GOSS_E_INTERRUPTED, "was decoded");
    T_EQ(files_in("undecoded"), 0);
    stop = 0;
    T_OK(train("undecoded", MORE("train.steps=2"), &o, NULL));
    T_CHECK(files_in("undecoded") > 0);
}

/* ---- folders ---- */

TEST(a_finished_runs_model_is_not_replaced_by_a_method_that_trains_nothing) {
    static const char *const methods[] = {"train.method=pixels", "train.method=scratch", "train.method=ridge"};
    T_OK(train("valuable", MORE("train.steps=5"), NULL, NULL));
    copy(model_of("valuable"), tiny_path("model-before"));
    copy(tiny_path("valuable/config.ini"), tiny_path("config-before"));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        T_ERR(train("valuable", MORE("train.steps=5", methods[i]), NULL, NULL), GOSS_E_ARGUMENT, "another run.dir");
        T_CHECK(tiny_same_files(tiny_path("valuable/model.safetensors"), tiny_path("model-before")));
        T_CHECK(tiny_same_files(tiny_path("valuable/config.ini"), tiny_path("config-before")));
    }
    goss_train_report r;
    T_OK(train("pixels", MORE("train.method=pixels"), NULL, &r));
    T_OK(train("pixels", MORE("train.method=pixels"), NULL, &r)); /* once more is no harm */
    T_EQ(r.end, GOSS_TRAIN_NOTHING);
    T_ERR(train("pixels", MORE("train.method=scratch"), NULL, NULL), GOSS_E_ARGUMENT, "train.method = pixels");
}

TEST(a_run_that_lost_its_checkpoint_is_not_begun_anew_over_its_model) {
    static const char *const methods[] = {"train.method=hypernet", "train.method=pixels"};
    T_OK(train("lost", MORE("train.steps=30"), NULL, NULL));
    copy(model_of("lost"), tiny_path("model-before"));
    copy(tiny_path("lost/checkpoint.safetensors"), tiny_path("lost/kept"));
    T_CHECK(unlink(tiny_path("lost/checkpoint.safetensors")) == 0);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        T_ERR(train("lost", MORE("train.steps=40", methods[i]), NULL, NULL), GOSS_E_ARGUMENT, "another run.dir");
        T_CHECK(strstr(err.text, "no checkpoint.safetensors to go on from"));
        T_CHECK(tiny_same_files(model_of("lost"), tiny_path("model-before")));
    }
    write_text("lost/checkpoint.safetensors", "damaged");
    T_ERR(train("lost", MORE("train.steps=40"), NULL, NULL), GOSS_E_FORMAT, "name another run.dir (train.start=");
    T_CHECK(tiny_same_files(model_of("lost"), tiny_path("model-before")));
    copy(tiny_path("lost/kept"), tiny_path("lost/checkpoint.safetensors"));
    T_OK(train("lost", MORE("train.steps=40"), NULL, NULL));
}

/* best.safetensors is what a run ends with: it is looked for before the steps are done. */
TEST(a_best_model_that_is_gone_is_made_again_or_told) {
    static const char *const none[] = {"validate.every=15", NULL};
    goss_train_report before, r;
    T_OK(train("best", none, NULL, &before));
    copy(model_of("best"), tiny_path("model-before"));
    T_CHECK(unlink(tiny_path("best/best.safetensors")) == 0);
    T_OK(train("best", none, NULL, &r)); /* finished: the model is the best one */
    T_CHECK(tiny_same_files(model_of("best"), tiny_path("model-before")));
    T_CHECK(tiny_same_files(tiny_path("best/best.safetensors"), tiny_path("model-before")));
    T_EQ(r.best_step, before.best_step);
    /* Damaged, and no model of that step beside it. */
    write_text("best/best.safetensors", "damaged");
    T_CHECK(unlink(model_of("best")) == 0);
    T_OK(train("best", MORE("train.steps=75"), NULL, &r));
    T_EQ(r.best_step, 75);
    T_CHECK(is_there("best/model.safetensors") && is_there("best/best.safetensors"));
}

TEST(files_that_are_not_a_runs_are_left_alone) {
    static const char *const files[] = {"config.ini", "model.safetensors", "metrics.jsonl", "checkpoint.safetensors",
                                        "profile.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char dir[40], name[100];
        size_t n = 0;
        snprintf(dir, sizeof dir, "mine-%zu", i), snprintf(name, sizeof name, "%s/%s", dir, files[i]);
        mkdir(tiny_path(dir), 0777);
        write_text(name, "[train]\nsteps = 5\n");
        T_ERR(train(dir, MORE("train.steps=5"), NULL, NULL), GOSS_E_ARGUMENT, files[i]);
        T_CHECK(strstr(err.text, "is not empty (") && strstr(err.text, "run.dir="));
        char *text = tiny_read(tiny_path(name), &n);
        T_CHECK(text);
        T_STR(text, "[train]\nsteps = 5\n");
        free(text);
    }
    mkdir(tiny_path("odd"), 0777), mkdir(tiny_path("odd/best.safetensors"), 0777);
    T_ERR(train("odd", MORE("train.steps=5"), NULL, NULL), GOSS_E_IO, "best.safetensors is there and no file");
    /* Beside a run's files others may lie, but a run does not begin in somebody's folder. */
    mkdir(tiny_path("beside"), 0777);
    write_text("beside/notes.txt", "mine\n");
    T_ERR(train("beside", MORE("train.steps=5"), NULL, NULL), GOSS_E_ARGUMENT, "notes.txt is in it");
    T_CHECK(is_there("beside/notes.txt") && !is_there("beside/config.ini"));
    rename(tiny_path("beside/notes.txt"), tiny_path("beside/.hidden"));
    T_OK(train("beside", MORE("train.steps=5"), NULL, NULL));
    write_text("beside/notes.txt", "mine\n");
    T_OK(train("beside", MORE("train.steps=6"), NULL, NULL));
    T_CHECK(is_there("beside/notes.txt") && is_there("beside/.hidden"));
}

TEST(a_run_that_fails_before_its_first_step_leaves_no_folder) {
    static const char *const bad[] = {"train.ways=500", "model.backbone=conv", "optimizer.rates=x=2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        T_CHECK(train("no/such/folder", MORE("data.cache=none", bad[i]), NULL, NULL) != GOSS_OK);
        T_CHECK(!is_there("no"));
    }
    /* What was there before stays, and so do decoded images. */
    mkdir(tiny_path("old"), 0777);
    T_CHECK(train("old", MORE("data.cache=none", bad[0]), NULL, NULL) != GOSS_OK);
    T_CHECK(is_there("old"));
    T_CHECK(train("cached", MORE(bad[1]), NULL, NULL) != GOSS_OK);
    T_OK(train("cached", MORE("train.steps=3"), NULL, NULL));
}

/* ---- texts of any length, and any bytes ---- */

TEST(settings_may_be_long) {
    enum { LONG = 30000 };
    char *rules = malloc(LONG + 100);
    T_CHECK(rules);
    strcpy(rules, "hyper.rules=head=class; *=shared");
    size_t n = strlen(rules);
    memset(rules + n, ';', LONG);
    strcpy(rules + n + LONG, "\n");
    const char *const more[] = {"train.steps=3", rules, NULL};
    goss_status first = train("long", more, NULL, NULL),
                again = first == GOSS_OK ? train("long", more, NULL, NULL) : first;
    free(rules);
    T_OK(first);
    T_OK(again);
    goss_model *m;
    T_OK(goss_model_load(model_of("long"), &m, &err));
    T_CHECK(strlen(goss_config_text(goss_model_settings(m), "hyper.rules")) > LONG);
    goss_model_free(m);
}

/* Runs of before say what "auto" was called then. */
TEST(a_run_of_before_says_its_default_rules) {
    T_OK(train("auto", MORE("train.steps=3"), NULL, NULL));
    T_OK(train("auto", MORE("train.steps=5", "hyper.rules=head=class; *=shared"), NULL, NULL));
    T_ERR(train("auto", MORE("train.steps=7", "hyper.rules=head=class; dense1.w=full"), NULL, NULL), GOSS_E_ARGUMENT,
          "hyper.rules");
}

TEST(paths_may_hold_any_bytes) {
    char path[300], images[300], labels[300];
    mkdir(tiny_path("x\xff\xe9"), 0777);
    snprintf(images, sizeof images, "%s", tiny_set()),
        snprintf(labels, sizeof labels, "%s", tiny_path("tiny-labels-idx1-ubyte"));
    copy(images, tiny_path("x\xff\xe9/tiny-images-idx3-ubyte"));
    copy(labels, tiny_path("x\xff\xe9/tiny-labels-idx1-ubyte"));
    snprintf(path, sizeof path, "data.path=%s", tiny_path("x\xff\xe9/tiny-images-idx3-ubyte"));
    T_OK(train("run-\xff", MORE("train.steps=3", path), NULL, NULL));
    goss_model *m;
    T_OK(goss_model_load(model_of("run-\xff"), &m, &err));
    const char *settings = goss_model_note_of(m, "train.settings");
    T_CHECK(settings && strstr(settings, "x\\xFF\\xE9/tiny"));
    T_OK(goss_model_note(m, "mine", "a\xc3\xa4\xff", &err));
    T_STR(goss_model_note_of(m, "mine"), "a\xc3\xa4\\xFF");
    T_OK(goss_model_save(m, tiny_path("noted.safetensors"), &err));
    goss_model_free(m);
}

TEST(a_build_without_a_library_says_so_before_it_works) {
#if GOSS_HAVE_JANSSON && GOSS_HAVE_XXHASH
    T_SKIP("this build has all that a run needs");
#else
    T_ERR(train("without", NULL, NULL, NULL), GOSS_E_UNSUPPORTED, "tools/install-deps");
    T_CHECK(!is_there("without/config.ini"));
#endif
}

TEST_MAIN()
