/* SPDX-License-Identifier: Apache-2.0 */
/* The user's own tables as tasks of the method "tables" (data.kind = tables): what is drawn of them, and training that
 * goes on from a model of the prior. */
#include <sys/stat.h>

#include "base/rng.h"
#include "cli_run.h"
#include "train/run_data.h"

static goss_error err;

enum { ROWS = 60, SLOTS = 6 };

/* Of 3 to 5 columns, whose names differ by table, one decides: by how far it is from 0. */
static void put_table(const char *name, uint64_t seed, int rows) {
    static char text[20000];
    goss__rng r = goss__rng_make(seed, 0);
    const int columns = 3 + (int)goss__rng_below(&r, 3), which = (int)goss__rng_below(&r, (uint32_t)columns);
    int n = 0;
    for (int c = 0; c < columns; c++) n += snprintf(text + n, sizeof text - (size_t)n, "t%dc%d,", (int)(seed % 100), c);
    n += snprintf(text + n, sizeof text - (size_t)n, "y\n");
    for (int i = 0; i < rows; i++) {
        double of = 0;
        for (int c = 0; c < columns; c++) {
            const double x = goss__rng_normal(&r);
            if (c == which) of = fabs(x);
            n += snprintf(text + n, sizeof text - (size_t)n, "%.3f,", x);
        }
        n += snprintf(text + n, sizeof text - (size_t)n, "%s\n", of > 0.7 ? "far" : "near");
    }
    write_file(name, text, (size_t)n);
}

static void prepare(void) {
    static bool done;
    if (done) return;
    mkdir(tiny_path("mine"), 0700), mkdir(tiny_path("new"), 0700);
    for (int i = 0; i < 12; i++) {
        char name[40];
        snprintf(name, sizeof name, "mine/t%02d.csv", i), put_table(name, (uint64_t)i, ROWS);
        snprintf(name, sizeof name, "new/t%02d.csv", i), put_table(name, 1000 + (uint64_t)i, 100);
    }
    done = true;
}

/* ---- what is drawn ---- */

typedef struct opened {
    goss_config *config;
    goss__run_data data;
} opened;

static void open_data(opened *o, const char *setting) {
    int n;
    goss__run_settings s;
    const goss__run_place place = {0};
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &o->config, &err));
    T_OK(goss_config_set(o->config, "data.path", tiny_path("mine"), &err));
    static const char *const all[] = {"data.kind=tables", "prior.columns=6",  "prior.support=16..24",
                                      "prior.queries=24", "validate.every=1", "data.hold_out=.25"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) T_OK(goss_config_override(o->config, all[i], &err));
    T_OK(goss_config_override(o->config, setting, &err));
    T_OK(goss__run_settings_read(o->config, &s, &err));
    T_OK(goss__run_data_open(&o->data, &s, &place, &err));
}

static void close_data(opened *o) {
    goss__run_data_close(&o->data);
    goss_config_free(o->config);
}

typedef struct drawn {
    float x[2][32 * 2 * SLOTS], y[2][32], mask[16];
    int32_t row[2][32];
    goss_task task;
} drawn;

static void draw(const goss_task_source *s, uint64_t k, drawn *d) {
    memset(d, 0, sizeof *d);
    d->task = (goss_task){.support = d->x[0],
                          .query = d->x[1],
                          .support_target = d->y[0],
                          .query_target = d->y[1],
                          .support_rows = d->row[0],
                          .query_rows = d->row[1],
                          .class_mask = d->mask,
                          .outputs = s->spec.outputs};
    for (int i = 0; i < 16; i++) d->mask[i] = 1;
    s->draw(s, k, &d->task);
}

static uint64_t hash_of(const goss_task_source *s) {
    static drawn d;
    uint64_t h = 0;
    for (uint64_t k = 0; k < 20; k++) {
        draw(s, k, &d);
        const int sizes[] = {d.task.supports, d.task.queries};
        h = goss__hash64(sizes, sizeof sizes, h);
        for (int q = 0; q < 2; q++) {
            h = goss__hash64(d.x[q], sizeof d.x[q], h);
            h = goss__hash64(d.y[q], sizeof d.y[q], h);
        }
    }
    return h;
}

TEST(a_task_is_a_division_of_one_table) {
    static drawn d, again;
    opened o;
    bool called[2] = {false, false};
    prepare();
    open_data(&o, "run.seed=1");
    T_EQ(o.data.judged, 100);
    for (uint64_t k = 0; k < 60; k++) {
        int seen[ROWS] = {0}, count[2] = {0}, flags = 0;
        draw(&o.data.source, k, &d), draw(&o.data.source, k, &again);
        T_CHECK(memcmp(d.x, again.x, sizeof d.x) == 0 && memcmp(d.y, again.y, sizeof d.y) == 0);
        T_CHECK(d.task.supports >= 16 && d.task.supports <= 24 && d.task.queries == 24);
        for (int i = 0; i < d.task.supports; i++) seen[d.row[0][i]]++, count[(int)d.y[0][i]]++;
        for (int i = 0; i < d.task.queries; i++) seen[d.row[1][i]]++;
        for (int i = 0; i < ROWS; i++) T_CHECK(seen[i] <= 1);
        T_CHECK(count[0] >= 2 && count[1] >= 2);
        for (int i = 0; i < d.task.supports * 2 * SLOTS; i++) flags += i % (2 * SLOTS) >= SLOTS && d.x[0][i] != 0;
        T_EQ(flags, 0);
        T_EQ(d.task.outputs, 2);
        T_CHECK(d.mask[1] == 1 && d.mask[2] == 0);
        called[(int)d.y[0][0]] = true;
    }
    T_CHECK(called[0] && called[1]);
    /* Tables that are held out are not trained on: no value of theirs is. */
    const float held = (draw(&o.data.validation, 3, &d), d.x[0][0]);
    for (uint64_t k = 0; k < 400; k++) {
        draw(&o.data.source, k, &d);
        for (int i = 0; i < d.task.supports * 2 * SLOTS; i++) T_CHECK(d.x[0][i] != held);
    }
    close_data(&o);
}

TEST(keys_change_what_is_drawn) {
    static const char *const changes[] = {"run.seed=2", "prior.support=10..12", "prior.queries=9", "data.hold_out=.5",
                                          "data.ignore=t3c1,t5c2"};
    opened o;
    prepare();
    open_data(&o, "run.seed=1");
    const uint64_t before = hash_of(&o.data.source), content = o.data.hash;
    T_CHECK(hash_of(&o.data.validation) != before);
    close_data(&o);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        T_NOTE("%s", changes[i]);
        open_data(&o, changes[i]);
        T_CHECK(hash_of(&o.data.source) != before);
        if (strncmp(changes[i], "data.ignore", 11) == 0) T_CHECK(o.data.hash != content);
        close_data(&o);
    }
    open_data(&o, "data.target=y"); /* the last column anyway */
    T_CHECK(hash_of(&o.data.source) == before && o.data.hash == content);
    close_data(&o);
}

/* ---- training on them ---- */

#define TABLES                                                                                                         \
    "'model.backbone=dense 16; tanh' prior.columns=6 prior.support=16..24 prior.queries=24 prior.classes=2 "           \
    "train.method=tables cells.width=8 cells.layers=1 cells.heads=2 cells.directions=4 cells.ranked=0 train.tasks=8 "  \
    "optimizer.rate=0.01 validate.every=0 "

static double auc_of(const char *model) {
    char line[900];
    int n = snprintf(line, sizeof line, "eval %s --repeats 2 --max-rows 24 --methods linear --json --data ", model);
    for (int i = 0; i < 12; i++) n += snprintf(line + n, sizeof line - (size_t)n, "%snew/t%02d.csv", i ? "," : "", i);
    RUN(0, line);
    const char *at = strstr(out_text, "\"value\": ");
    T_CHECK(at);
    return strtod(at + 9, NULL);
}

TEST(a_model_of_the_prior_learns_from_them) {
    prepare();
    RUN(0, "train data.kind=prior prior.families=linear " TABLES "train.steps=60 run.dir=base");
    const double before = auc_of("base/model.safetensors");
    RUN(0, "train data.kind=tables data.path=mine " TABLES
           "train.start=base/model.safetensors train.steps=300 run.dir=own");
    SAYS(err_text, "data: 12 tables to train on, 0 to validate on; 12 inputs, classification");
    SAYS(err_text, "train.start: the weights hyper are those of base/model.safetensors");
    const double after = auc_of("own/model.safetensors");
    if (!(after > 0.7 && after > before + 0.1)) T_FAIL("auc %.3f, then %.3f", before, after);
    RUN(0, "adapt own/model.safetensors --support new/t00.csv -o new.net");
    RUN(0, "predict new.net new/t00.csv --json");
    RUN(0, "inspect own/model.safetensors");
    SAYS(out_text, "12 tables of files");
    RUN(1, "eval own/model.safetensors --data new/t01.csv,mine/t03.csv --repeats 1 --methods linear");
    SAYS(err_text, "rows were trained on; judge on other tables, or with --allow-seen on this one");
    RUN(0, "eval own/model.safetensors --data new/t01.csv,mine/t03.csv --repeats 1 --methods linear --allow-seen");
    SAYS(err_text, "rows were trained on");
}

TEST(numbers_and_validation) {
    prepare();
    RUN(0, "train data.kind=tables data.path=mine/t00.csv data.target=t0c0 task.objective=student " TABLES
           "train.steps=2 run.dir=numbers");
    SAYS(err_text, "data: 1 table to train on, 0 to validate on; 12 inputs, student");
    RUN(0, "train data.kind=tables data.path=mine " TABLES
           "train.steps=4 validate.every=2 validate.episodes=10 data.hold_out=.3 run.dir=valid");
    SAYS(err_text, "data: 8 tables to train on, 4 to validate on");
    RUN(0, "train data.kind=tables data.path=mine " TABLES
           "train.steps=8 validate.every=2 validate.episodes=10 data.hold_out=.3 run.dir=valid");
    SAYS(err_text, "all steps done: 8 steps");
    put_table("mine/t00.csv", 77, ROWS);
    RUN(1, "train data.kind=tables data.path=mine " TABLES
           "train.steps=9 validate.every=2 validate.episodes=10 data.hold_out=.3 run.dir=valid");
    put_table("mine/t00.csv", 0, ROWS);
}

TEST(mistakes) {
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"data.path=mine/t99.csv", "data.path: mine/t99.csv: there is no such file or folder"},
        {"data.path=mine prior.columns=2", "mine/t00.csv: "},
        {"data.path=mine prior.columns=2", "at most 2 can be read (prior.columns)"},
        {"data.path=mine data.target=y2", "data.target: there is no column \"y2\""},
        {"data.path=mine data.target=y validate.every=5 data.hold_out=.01", "none to validate on"},
        {"data.path=many.csv", "many.csv: 3 classes, more than prior.classes = 2"},
        {"data.path=few.csv", "few.csv: 4 rows with a target are too few"},
        {"data.path=few.csv", "two for each class: 6 rows are enough"},
        {"data.path=mine train.tasks=0", "train.tasks = 0"},
        {"data.path=mine data.target=t0c0", "numbers are learned with task.objective = student"},
        {"data.path=mine data.target=t0c0 task.objective=student", "mine/t01.csv: data.target: there is no column"},
    };
    static const char many[] = "a,y\n1,p\n7,q\n3,r\n4,p\n3,q\n6,r\n7,p\n8,q\n9,r\n2,p\n1,q\n8,r\n";
    static const char few[] = "a,y\n1,p\n7,q\n3,p\n3,q\n";
    prepare();
    write_file("many.csv", many, sizeof many - 1), write_file("few.csv", few, sizeof few - 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[900];
        snprintf(line, sizeof line, "train data.kind=tables " TABLES "run.dir=bad %s", cases[i].line);
        RUN(1, line);
        SAYS(err_text, cases[i].says);
    }
    RUN(0, "train data.kind=tables data.path=mine " TABLES "train.steps=1 run.dir=told prior.missing=.5 data.task=x");
    SAYS(err_text, "prior.missing = 0.5 has no effect");
    SAYS(err_text, "data.task = x has no effect");
}

TEST_MAIN()
