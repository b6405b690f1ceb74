/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer compare: the same comparison however it is run (at once, in parts, after a kill), what is told of it, and
 * what is refused before anything is trained. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "cli_run.h"
#include "table_folders.h"

enum { SCHOOLS = 6 };

static const char settings_of_all[] =
    "[data]\npath = schools.csv\ntask = school\ntarget = y\nsplit = .5,.25,.25\n[task]\nsupport = 0\n"
    "[train]\ntasks = 0\nsteps = 40\n[validate]\nevery = 10\n[model]\nbackbone =\n[optimizer]\nrate = 0.1\n"
    "[model.one]\ntrain.method = joint\n"
    "[model.ids]\ntrain.method = hypernet\nhyper.condition = id\nhyper.rules = head.*=full\n";

static const char compared[] = "[compare]\nmodels = one, ids\nregularizers = none, weight_decay\n"
                               "strengths = .01 .1\nseeds = 2\njobs = 2\ndir = all\n";

static void write_run(const char *name, const char *more) {
    char text[3000];
    school_table("schools.csv", SCHOOLS, 24);
    const int n = snprintf(text, sizeof text, "%s%s", settings_of_all, more);
    write_file(name, text, (size_t)n);
}

static double difference(const char *a, const char *b) {
    char quoted[120];
    snprintf(quoted, sizeof quoted, "{\"a\": \"%s\", \"b\": \"%s\"", a, b);
    const char *at = strstr(out_text, quoted);
    if (!at) T_FAIL("no difference of %s and %s in %s", a, b, out_text);
    return json_number(at, "value");
}

/* What was printed, without the time it took. */
static char *without_seconds(void) {
    char *copy = strdup(out_text);
    for (char *at = copy; (at = strstr(at, "\"seconds\": "));) {
        at += strlen("\"seconds\": ");
        const size_t n = strcspn(at, ",}");
        memmove(at, at + n, strlen(at + n) + 1);
    }
    return copy;
}

/* What was printed is `text`, but for the time it took. */
static void check_printed(const char *text) {
    char *printed = without_seconds();
    T_STR(printed, text);
    free(printed);
}

static int count_files(const char *pattern) {
    glob_t found;
    const int n = glob(tiny_path(pattern), 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    globfree(&found);
    return n;
}

static char *whole(void) {
    static char *first;
    if (first) return first;
    write_run("run.ini", compared);
    RUN(0, "compare run.ini --json");
    return first = without_seconds();
}

TEST(every_row_is_told_with_the_names_that_are_promised) {
    char *text = whole();
    write_run("run.ini", compared);
    RUN(0, "compare run.ini --json");
    check_printed(text); /* nothing was run again, or all to the same */
    static const char *const rows[] = {"mean-ridge", "mean-ridge-2",     "ridge", "pooled-ridge",
                                       "one",        "one/weight_decay", "ids",   "ids/weight_decay"};
    for (int i = 0; i < 8; i++) {
        static const char *const keys[] = {"value", "ci95", "seeds", "seconds"};
        for (int k = 0; k < 4; k++) T_CHECK(json_number(json_named(rows[i]), keys[k]) > 0);
        T_CHECK(json_number(json_named(rows[i]), "explained_variance") < 1);
        SAYS(strstr(json_named(rows[i]), "worst_task"), "{\"task\": \"s0");
    }
    SAYS(json_named("one/weight_decay"), "\"model\": \"one\", \"regularizer\": \"weight_decay\"");
    SAYS(json_named("ids"), "\"model\": \"ids\", \"regularizer\": \"none\"");
    SAYS(json_named("ids"), "\"worse_than_alone\": null"); /* nothing is called alone */
    SAYS(out_text, "\"metric\": \"rmse\"");
    SAYS(out_text, "\"verdict\": \"");
    T_NEAR(difference("ids", "mean-ridge"),
           json_number(json_named("ids"), "value") - json_number(json_named("mean-ridge"), "value"), 1e-7);
    /* Schools have levels and slopes of their own. */
    T_CHECK(json_number(json_named("ids"), "value") < json_number(json_named("one"), "value"));
    T_CHECK(json_number(json_named("ridge"), "value") < json_number(json_named("pooled-ridge"), "value"));
}

TEST(a_file_has_each_task) {
    size_t n;
    whole();
    RUN(0, "compare run.ini --json");
    char *text = tiny_read(tiny_path("all/tasks.csv"), &n), *line, *save = NULL;
    double sum[9] = {0};
    int lines = 0;
    line = strtok_r(text, "\n", &save);
    T_STR(line, "task,mean-ridge,mean-ridge-2,ridge,pooled-ridge,one,one/weight_decay,ids,ids/weight_decay");
    while ((line = strtok_r(NULL, "\n", &save))) {
        char *at = strchr(line, ',');
        for (int i = 0; i < 8; i++) sum[i] += strtod(at + 1, &at);
        lines++;
    }
    T_EQ(lines, SCHOOLS);
    T_NEAR(sum[0] / SCHOOLS, json_number(json_named("mean-ridge"), "value"), 1e-5);
    T_NEAR(sum[6] / SCHOOLS, json_number(json_named("ids"), "value"), 1e-5);
    free(text);
}

TEST(parts_on_several_machines_make_the_same_table) {
    char *once = whole();
    RUN(0, "compare run.ini compare.dir=parts --shard 2/3");
    SAYS(out_text, "part 2 of 3: 5 of 16 cells are done in parts");
    RUN(0, "compare run.ini compare.dir=parts --shard 1/3 --json");
    SAYS(out_text, "{\"shard\": \"1/3\", \"cells\": 16, \"done\": 11}");
    RUN(0, "compare run.ini compare.dir=parts --shard 3/3 --json compare.jobs=1");
    check_printed(once); /* the last part has made it whole */
    RUN(0, "compare run.ini compare.dir=parts --json");
    check_printed(once);
    T_EQ(count_files("parts/cells/*.json"), 16);
    RUN(0, "compare run.ini compare.dir=none --shard 17/20"); /* of more machines than cells */
    SAYS(out_text, "part 17 of 20, which has no cell: 0 of 16 cells are done in none");
    size_t n = 0; /* machines may have the table in other places */
    char *text = tiny_read(tiny_path("schools.csv"), &n);
    write_file("there.csv", text, n);
    free(text);
    RUN(0, "compare run.ini compare.dir=parts data.path=there.csv --json");
    check_printed(once);
    T_CHECK(!strstr(err_text, "cells, ")); /* nothing was trained again */
}

/* The command in the background. */
static pid_t begin(const char *arguments) {
    char line[1000];
    const pid_t pid = fork();
    if (pid == 0) {
        snprintf(line, sizeof line, "cd %s && exec %s %s >out 2>err", tiny_dir, command(), arguments);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(99);
    }
    return pid;
}

static void wait_for_files(const char *pattern, int n) {
    for (int i = 0; i < 3000 && count_files(pattern) < n; i++) nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

TEST(it_goes_on_after_a_kill) {
    char *once = whole();
    int status;
    const pid_t pid = begin("compare run.ini compare.dir=killed train.steps=40 compare.jobs=1");
    wait_for_files("killed/cells/*.json", 5);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* its children end, too */
    const int done = count_files("killed/cells/*.json");
    T_CHECK(done >= 5 && done < 16);
    RUN(0, "compare run.ini compare.dir=killed --json");
    char says[60];
    snprintf(says, sizeof says, "%d of %d cells", 16 - done, 16 - done);
    SAYS(err_text, says); /* the others were not run again */
    check_printed(once);
}

TEST(a_signal_ends_it_with_a_status_that_says_so) {
    int status;
    whole();
    const pid_t pid =
        begin("compare run.ini compare.dir=stopped train.steps=100000 validate.every=1000 compare.jobs=1");
    wait_for_files("stopped/cells/*.json", 1);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    T_CHECK(WIFEXITED(status));
    T_EQ(WEXITSTATUS(status), 75);
}

TEST(other_settings_are_not_taken_for_the_same) {
    whole();
    RUN(0, "compare run.ini compare.dir=other --json");
    const double before = json_number(json_named("ids"), "value"), closed = json_number(json_named("ridge"), "value");
    T_CHECK(!strstr(err_text, "of other settings"));
    RUN(0, "compare run.ini compare.dir=other optimizer.rate=0.03 run.dir=mine run.threads=2 --json");
    SAYS(err_text, "16 results in other/cells are of other settings and will be replaced");
    SAYS(err_text, "run.dir has no effect in a comparison: results are in compare.dir");
    SAYS(err_text, "run.threads has no effect in a comparison");
    T_CHECK(json_number(json_named("ids"), "value") != before);
    T_NEAR(json_number(json_named("ridge"), "value"), closed, 0);
    RUN(0, "compare run.ini compare.dir=other compare.seeds=3 --json");
    T_EQ(json_number(json_named("ids"), "seeds"), 3);
}

static void remove_files(const char *pattern) {
    glob_t found;
    T_EQ(glob(tiny_path(pattern), 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) unlink(found.gl_pathv[i]);
    globfree(&found);
}

/* A table that was changed in place: neither its old results nor a mixture is shown. */
TEST(results_of_other_data_are_refused) {
#define CHANGED "compare run.ini compare.dir=changed compare.models=one compare.closed=ridge"
    char from[300];
    size_t n = 0;
    whole();
    RUN(0, CHANGED);
    char *text = tiny_read(tiny_path("schools.csv"), &n);
    text[n - 2] = text[n - 2] == '1' ? '2' : '1'; /* the last digit of the last target */
    write_file("schools.csv", text, n);
    RUN(1, CHANGED);
    SAYS(err_text, "ridge, seed 1: its result is of other data");
    RUN(1, CHANGED " compare.seeds=3"); /* nor are new seeds trained on it */
    SAYS(err_text, "Name another compare.dir");
    T_EQ(count_files("changed/cells/*.s3.json"), 0);
    remove_files("changed/cells/*"); /* what was tried counts, too */
    RUN(1, CHANGED);
    SAYS(err_text, "one/weight_decay, seed 1: its result is of other data");
    remove_files("changed/tries/*");
    RUN(0, CHANGED);
    snprintf(from, sizeof from, "%s", tiny_path("schools.csv"));
    T_EQ(rename(from, tiny_path("elsewhere.csv")), 0);
    RUN(1, CHANGED);
    SAYS(err_text, "data.path: schools.csv: there is no such file or folder");
    write_run("run.ini", compared);
    free(text);
#undef CHANGED
}

TEST(a_cell_that_fails_is_told_and_the_others_run) {
    write_run("fails.ini", "[model.wild]\ntrain.method = joint\noptimizer.rate = 1e6\noptimizer.kind = sgd\n"
                           "optimizer.clip_norm = 0\noptimizer.schedule = constant\noptimizer.warmup = 0\n"
                           "[compare]\nmodels = wild, alone\nseeds = 2\ndir = fails\nclosed = none\n");
    RUN(1, "compare fails.ini --json");
    SAYS(err_text, "wild, seed 1: ");
    SAYS(err_text, "2 cells gave an error");
    T_EQ(json_number(json_named("alone"), "seeds"), 2);
    T_EQ(json_number(json_named("wild"), "seeds"), 0);
    SAYS(json_named("wild"), "\"value\": null");
    SAYS(json_named("wild"), "\"worse_than_alone\": null");
    SAYS(out_text, "Only 2 of 4 cells are done.");
}

/* Ten rows a task and five inputs that mean the same in all of them: the others are worth more than one's own. */
TEST(structure_helps_where_tasks_are_alike) {
    static char text[1 << 16];
    int n = snprintf(text, sizeof text, "who,a,b,c,d,e,y\n");
    uint32_t random = 7;
    for (int t = 0; t < 12; t++)
        for (int i = 0; i < 16; i++) {
            double y = t % 3 * .2;
            n += snprintf(text + n, sizeof text - (size_t)n, "t%d", t);
            for (int k = 0; k < 5; k++) {
                const double x = tiny_random(&random) % 2000 / 1000.0 - 1;
                y += (k - 2) * x + (tiny_random(&random) % 2000 / 1000.0 - 1) / 2;
                n += snprintf(text + n, sizeof text - (size_t)n, ",%.3f", x);
            }
            n += snprintf(text + n, sizeof text - (size_t)n, ",%.4f\n", y);
        }
    write_file("alike.csv", text, (size_t)n);
    write_run("alike.ini", "[compare]\nmodels = alone, ids/early\nregularizers = none, tie, l2\nstrengths = .1 1 10\n"
                           "seeds = 3\nearly = false\ndir = alike\n[regularizer.tie]\non = weights/*\n"
                           "kind = difference\nstrength = 2\n");
    RUN(0, "compare alike.ini data.path=alike.csv data.task=who train.steps=150 --json");
    const double alone = json_number(json_named("alone"), "value"), tie = json_number(json_named("alone/tie"), "value");
    T_CHECK(tie < .95 * alone);
    T_NEAR(difference("alone/tie", "alone"), tie - alone, 1e-7);
    T_NEAR(tie, json_number(json_named("mean-ridge"), "value"), .05 * tie);
    T_CHECK(json_number(json_named("alone/tie"), "worse_than_alone") < 6);
    T_EQ(json_number(json_named("alone"), "worse_than_alone"), 0);
    /* 2 is the section's own strength. */
    const double strength = json_number(json_named("alone/tie"), "strength");
    T_CHECK(strength == .2 || strength == 2 || strength == 20);
    SAYS(strstr(out_text, "verdict"), "The best with structure is ");
    SAYS(strstr(out_text, "verdict"), "better than alone");
}

/* What stands in the last row is found before the first one is trained. */
static void refuse(const char *more, const char *says) {
    struct stat st;
    write_run("bad.ini", more);
    RUN(1, "compare bad.ini compare.dir=bad");
    SAYS(err_text, says);
    T_CHECK(stat(tiny_path("bad"), &st) != 0);
}

TEST(what_cannot_run_is_found_before_the_first_training) {
    refuse("[compare]\nmodels = one, tow\n", "there is no model \"tow\"");
    refuse("[compare]\nmodels = one\nregularizers = none, weight_decy\n", "did you mean weight_decay?");
    refuse("[compare]\nmodels = one, bad\n[model.bad]\nmodel.backbone = dense 4; tanhh\n", "bad: ");
    refuse("[compare]\nmodels = one, bad\n[model.bad]\ntrain.metod = joint\n",
           "bad.ini:26: there is no key train.metod");
    refuse("[compare]\nmodels = one, one\n", "two rows are called one");
    refuse("[compare]\nmodels = one\nregularizers =\n", "compare.regularizers names nothing, and model one gets each");
    refuse("[compare]\nstrengths = .1 0\nmodels = one\n", "compare.strengths");
    refuse("[compare]\nmodels = one\nclosed = lasso\n", "there is no closed form lasso; there are mean-ridge");
    refuse("[compare]\nmodels = one\nregularizers = x\n[compare.x]\nstrengths = 1 2\noptimizer.rate = {strength}\n",
           "compare.strengths has 4");
    refuse("[compare]\nmodels = one\n[task]\nobjective = gaussian\nmetric = nll\n", "closed forms do not say how sure");
    refuse("[compare]\nmodels = one\n[task]\nobjective = quantile\nquantiles = 0.9\n",
           "task.metric = pinball: closed forms do not say how sure");
    refuse("[compare]\nmodels = one, bad\n[model.bad]\ntask.quantiles = 0.1, 0.9\n",
           "model.bad.task.quantiles: all rows of a comparison have the same data, metric");
    refuse("[compare]\nmodels = one, bad\n[model.bad]\ntrain.method = joint\ntrain.steps = 80\n",
           "bad.ini:27: model.bad.train.steps: all rows of a comparison have the same data, metric, steps");
    refuse("[compare]\nmodels = one\nregularizers = x\n[compare.x]\ndata.split = .4,.3,.3\n",
           "compare.x.data.split: all rows of a comparison have the same data");
    refuse("[compare]\nmodels = one\nseeds = 2\nseeds = 3\n", "bad.ini:26: compare.seeds is there twice");
    refuse("[compare]\nmodels = one\nregularizers = l2+l2\n", "\"l2+l2\": l2 is there twice");
    refuse("[compare]\nmodels = one\nregularizers = l2+\n", "row one/l2+: a regulariser is none, or up to 8 names");
    refuse("[compare]\nmodels = one\nregularizers = none+l2\n", "row one/none+l2: a regulariser is none");
    refuse("[compare]\nmodels = one/\n", "row one/: a regulariser is none");
    refuse("[compare]\nmodels = one\nregularizers = l2\n[compare.l2]\nstrengths = 1 2 nan 4\n",
           "bad.ini:27: compare.l2.strengths: \"1 2 nan 4\" is no list of up to 32 numbers");
    refuse("[compare]\nmodels = one\nregularizers = l2\n[compare.l2]\nstrength = 1 2 3 4\n",
           "bad.ini:27: there is no key compare.l2.strength: [compare.NAME] has strengths, and settings of a run");
    refuse("[compare]\nmodels = two\n[model.two]\nmethod = joint\n",
           "there is no key model.two.method: [model.NAME] has settings of a run");
    refuse("[compare]\nmodels = one\nregularizers = tie\n[regularizer.tie]\nkind = l2\nstrength = 0\n",
           "regularizer.tie.strength = 0: it scales the strengths that are tried, and is above 0");
    refuse("[compare]\nmodels = one\nregularizers = tie\n[regularizer.tie]\nkind = l2\nstrength = -2\n",
           "regularizer.tie.strength = -2: it scales");
    refuse("[compare]\nmodels = one\nregularizers = l2\n[compare.l2]\nstrengths = 1 2 -3 4\n",
           "one/l2: regularizer.l2.strength: -3 is not from 0");
    refuse("[compare]\nmodles = one\n", "did you mean compare.models?");
    refuse("[optimizer]\nrates = what\n[compare]\nmodels = one\n", "optimizer.rates");
    refuse("[task]\nmetric = auc\n[compare]\nmodels = one\n", "task.metric");
    school_table("schools.csv", SCHOOLS, 24);
    RUN(1, "compare bad.ini compare.dir=bad task.metric=rmse data.split=.8,.2,0");
    SAYS(err_text, "give three shares, as .6,.15,.25");
    RUN(1, "compare bad.ini compare.dir=bad task.metric=rmse validate.every=0");
    SAYS(err_text, "validate.every = 0");
    RUN(1, "compare bad.ini compare.dir=bad task.metric=rmse train.minutes=1");
    SAYS(err_text, "counts its budget in steps");
    RUN(1, "compare bad.ini task.metric=rmse");
    SAYS(err_text, "compare.dir is not set");
    static const char *const shards[] = {"3/2", "0/2", "1", "1/", "/2", "1/2/3", "1/99999999999", "+1/2", "1.5/2"};
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        char line[80];
        snprintf(line, sizeof line, "compare bad.ini --shard %s", shards[i]);
        RUN(2, line);
        SAYS(err_text, "it is a part of a whole");
    }
    RUN(2, "compare bad.ini --shard '1/ 2'");
    RUN(1, "compare nothing.ini");
    SAYS(err_text, "nothing.ini");
}

TEST(a_section_that_no_row_has_is_told) {
    write_run("spare.ini", "[compare]\nmodels = one\nclosed = none\nseeds = 1\ndir = spare\n[compare.tie]\n"
                           "optimizer.rate = .1\noptimizer.beta1 = .8\n");
    RUN(0, "compare spare.ini");
    SAYS(err_text, "[model.ids], [compare.tie] have no effect: no row of the comparison has them");
    if (strstr(strstr(err_text, "[compare.tie]") + 1, "[compare.tie]")) T_FAIL("told twice: %s", err_text);
}

/* The n-th number after "value" in the row's list of noises. */
static double noisy(const char *name, int n) {
    const char *at = strstr(json_named(name), "\"noise\": [");
    for (int i = 0; at && i <= n; i++) at = strstr(at + 1, "\"level\"");
    if (!at) T_FAIL("%s has no noise %d", name, n);
    return json_number(at, "value");
}

TEST(noise_on_test_inputs_costs_what_little_noise_does_not) {
    static const char *const rows[] = {"one", "ids", "ridge", "mean-ridge"};
    double before[4];
    write_run("run.ini", compared);
    RUN(0, "compare run.ini compare.dir=quiet compare.regularizers=none --json");
    for (int i = 0; i < 4; i++) before[i] = json_number(json_named(rows[i]), "value");
    SAYS(out_text, "\"noise\": []");
    T_CHECK(json_number(json_named("one"), "seed_deviation") > 0);
    RUN(0, "compare run.ini compare.dir=quiet compare.regularizers=none compare.seeds=1 --json");
    SAYS(json_named("one"), "\"seed_deviation\": null");
    RUN(0, "compare run.ini compare.dir=noisy compare.regularizers=none compare.noise=1e-9,1 --json");
    for (int i = 0; i < 4; i++) {
        T_NEAR(json_number(json_named(rows[i]), "value"), before[i], 0);
        T_NEAR(noisy(rows[i], 0), before[i], 1e-5 * before[i]);
        T_CHECK(noisy(rows[i], 1) > 1.02 * before[i]);
    }
    RUN(0, "compare run.ini compare.dir=noisy compare.regularizers=none compare.noise=1e-9,1");
    SAYS(out_text, "noise 1e-09    noise 1");
    RUN(1, "compare run.ini compare.dir=none compare.noise=.1,-1");
    SAYS(err_text, "compare.noise: \".1,-1\" is no list of up to 4 numbers above 0");
}

/* The n-th number of the row's list of ranks; NaN: null. */
static double rank_of(const char *name, int n) {
    const char *at = strstr(json_named(name), "\"ranks\": [");
    for (int i = 0; at && i <= n; i++) at = strstr(at + 1, "\"effective_rank\": ");
    if (!at) T_FAIL("%s has no rank %d", name, n);
    at += strlen("\"effective_rank\": ");
    return strncmp(at, "null", 4) == 0 ? (double)NAN : strtod(at, NULL);
}

TEST(ranks_of_representations_are_columns) {
    write_run("ranked.ini", compared);
    RUN(0, "compare ranked.ini compare.dir=plain compare.regularizers=none --json");
    SAYS(out_text, "\"ranks\": []");
    const double before = json_number(json_named("one"), "value");
    RUN(0, "compare ranked.ini compare.dir=ranked compare.regularizers=none 'compare.ranks=features/*, embedding/task' "
           "--json");
    T_NEAR(json_number(json_named("one"), "value"), before, 0);
    T_CHECK(rank_of("one", 0) >= 1 && rank_of("ids", 0) >= 1);
    T_CHECK(rank_of("ids", 1) >= 1 && isnan(rank_of("one", 1))); /* one network for all has no codes */
    T_CHECK(isnan(rank_of("mean-ridge", 0)));
    const double rank = rank_of("one", 0);
    RUN(0,
        "compare ranked.ini compare.dir=ranked compare.regularizers=none 'compare.ranks=features/*, embedding/task'");
    SAYS(out_text, " rank features/* rank embedding/task");
    char text[20];
    snprintf(text, sizeof text, " %15.2f", rank);
    SAYS(strstr(out_text, "\none "), text);
    /* one that no row publishes is a mistake, found before anything is trained */
    RUN(1, "compare ranked.ini compare.dir=mistaken compare.regularizers=none compare.ranks=featurs/out");
    SAYS(err_text, "compare.ranks: ");
    SAYS(err_text, "no value is published as featurs/out; did you mean features/out?");
    T_CHECK(!strstr(err_text, "cells,"));
    RUN(1, "compare ranked.ini compare.dir=mistaken compare.ranks=a,b,c,d,e");
    SAYS(err_text, "compare.ranks: \"a,b,c,d,e\" is no list of up to 4 patterns");
}

TEST(what_learns_on_validation_rows_is_compared) {
    write_run("learned.ini", "[compare]\nmodels = alone\nregularizers = none, tie, norm\nstrengths = .1 1\nseeds = 2\n"
                             "closed = none\ndir = learned\n[regularizer.tie]\non = weights/*\nkind = difference\n"
                             "weight = hypergradient\n[regularizer.norm]\non = weights/*\nkind = norm_hyper\n"
                             "fit = validation\n");
    RUN(0, "compare learned.ini --json");
    SAYS(out_text, "\"cells\": 6, \"done\": 6");
    T_CHECK(json_number(json_named("alone/tie"), "value") > 0 && json_number(json_named("alone/norm"), "value") > 0);
}

TEST(a_key_that_every_row_replaces_is_told) {
    write_run("replaced.ini", compared);
    RUN(0, "compare replaced.ini compare.dir=replaced compare.models=one compare.regularizers=none compare.closed=none "
           "train.method=maml optimizer.beta1=.8");
    SAYS(err_text, "train.method = maml has no effect: each row has a value of its own");
    T_CHECK(!strstr(err_text, "optimizer.beta1"));
}

TEST(the_same_file_trains_and_is_checked) {
    write_run("both.ini", compared);
    RUN(0, "check both.ini run.dir=both train.method=joint");
    RUN(0, "train both.ini run.dir=both train.method=joint");
    RUN(0, "eval both/model.safetensors --split test");
}

TEST(a_damaged_result_is_named) {
    whole();
    RUN(0, "compare run.ini compare.dir=damaged compare.models=one compare.closed=none");
    write_file("damaged/cells/one.s1.json", "{\"version\"", 10);
    RUN(1, "compare run.ini compare.dir=damaged compare.models=one compare.closed=none");
    SAYS(err_text, "damaged/cells/one.s1.json: is damaged; remove it");
}

TEST(classes_are_compared_by_their_metric) {
    static char text[1 << 16];
    int n = snprintf(text, sizeof text, "who,x,z,yes\n");
    uint32_t random = 5;
    for (int t = 0; t < 5; t++)
        for (int i = 0; i < 40; i++) {
            const double x = tiny_random(&random) % 1000 / 500.0 - 1, z = tiny_random(&random) % 1000 / 500.0 - 1;
            const double noise = tiny_random(&random) % 1000 / 1000.0 - .5;
            n += snprintf(text + n, sizeof text - (size_t)n, "t%d,%.3f,%.3f,%d\n", t, x, z,
                          2 * x + (t - 2) * .3 * z + noise > 0);
        }
    for (int i = 0; i < 40; i++) /* one class: no AUC */
        n += snprintf(text + n, sizeof text - (size_t)n, "same,%.3f,.5,1\n", i / 40.0);
    write_file("classes.csv", text, (size_t)n);
    write_run("run.ini", compared);
    RUN(0, "compare run.ini data.path=classes.csv data.task=who data.target=yes task.objective=classification "
           "task.metric=auc compare.dir=classes --json");
    SAYS(out_text, "\"metric\": \"auc\"");
    T_EQ(json_number(json_named("ids"), "undefined"), 1);
    SAYS(json_named("ids"), "\"explained_variance\": null");
    static const char *const rows[] = {"mean-ridge", "ridge", "pooled-ridge", "one", "ids"};
    for (int i = 0; i < 5; i++)
        if (!(json_number(json_named(rows[i]), "value") > .85))
            T_FAIL("%s has auc %g", rows[i], json_number(json_named(rows[i]), "value"));
}

TEST(folds_test_every_row_once) {
    write_run("folds.ini", "[compare]\nmodels = one\nfolds = 4\nseeds = 1\ndir = folds\nclosed = none\n");
    RUN(0, "compare folds.ini --json");
    T_EQ(json_number(json_named("one"), "seeds"), 4);
    T_EQ(count_files("folds/cells/one.s1.f*.json"), 4);
    RUN(1, "compare folds.ini compare.folds=3");
    SAYS(err_text, "of 3 folds each has 1/3");
}

/* Of a task with few rows some folds have none to test on: it counts where it has. */
TEST(tasks_without_test_rows_in_a_fold_count_in_the_others) {
    static char text[1 << 14];
    uint32_t random = 3;
    int n = snprintf(text, sizeof text, "school,x,y\n");
    for (int t = 0; t < 5; t++)
        for (int i = 0; i < (t == 0 ? 3 : 12); i++) {
            const double x = tiny_random(&random) % 1000 / 500.0 - 1;
            n += snprintf(text + n, sizeof text - (size_t)n, "s%d,%.3f,%.3f\n", t, x, t * x);
        }
    write_run("few.ini", "[compare]\nmodels = one\nfolds = 4\nseeds = 1\ndir = few\nclosed = ridge\n");
    write_file("schools.csv", text, (size_t)n);
    RUN(0, "compare few.ini --json");
    SAYS(out_text, "\"tasks\": 5, \"cells\": 8, \"done\": 8");
    T_EQ(json_number(json_named("one"), "seeds"), 4);
    size_t size;
    char *each = tiny_read(tiny_path("few/tasks.csv"), &size);
    SAYS(each, "\ns0,"); /* in some */
    free(each);
    write_run("run.ini", compared);
}

TEST_MAIN()
