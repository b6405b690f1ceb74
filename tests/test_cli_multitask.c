/* SPDX-License-Identifier: Apache-2.0 */
/* The command with method multitask on a table: training, what inspect shows of it, a known and a new task, judging. */
#include "base/rng.h"
#include "cli_run.h"

enum { ROWS = 24 };

/* Persons P00, P01, ...: y = slope x + level + noise. */
static void write_people(const char *name, int first, int people) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fputs("who,x,y\n", f);
    for (int p = first; p < first + people; p++) {
        goss__rng r = goss__rng_make(3, (uint64_t)p);
        const double slope = 1 + goss__rng_normal(&r), level = 2 * goss__rng_normal(&r);
        for (int i = 0; i < ROWS; i++) {
            const double x = goss__rng_normal(&r);
            fprintf(f, "P%02d,%.4f,%.4f\n", p, x, slope * x + level + 0.1 * goss__rng_normal(&r));
        }
    }
    fclose(f);
}

static void train_on(const char *dir, const char *more) {
    char line[1000];
    write_people("people.csv", 0, 6);
    snprintf(line, sizeof line,
             "train data.path=people.csv data.task=who data.target=y run.dir=%s train.method=multitask task.support=0 "
             "data.split=.6,.2,.2 train.tasks=0 train.steps=150 validate.every=50 optimizer.rate=0.03 run.threads=1 "
             "'model.backbone=dense 6; tanh' %s",
             dir, more);
    RUN(0, line);
}

/* Root mean squared error of the column prediction that predict wrote last. */
static double error_of(void) {
    double sum = 0;
    int n = 0;
    for (const char *at = strchr(out_text, '\n'); at && at[1]; at = strchr(at + 1, '\n'), n++) {
        double x, y, p;
        T_EQ(sscanf(at + 1, "%*[^,],%lf,%lf,%lf", &x, &y, &p), 3);
        sum += (y - p) * (y - p);
    }
    return sqrt(sum / n);
}

TEST(inspect_shows_what_tasks_share) {
    train_on("shared", "'share.rules=head.*=own; *=shared+dictionary 2' share.gates=sigmoid");
    RUN(0, "inspect shared/model.safetensors");
    SAYS(out_text, "shared by 6 tasks: head.*=own; *=shared+dictionary 2");
    SAYS(out_text, "mean over tasks [least, most]");
    SAYS(out_text, "dense1.dictionary2_2");
    SAYS(out_text, "dense1.gates2");
    SAYS(out_text, "least usual: P0");
    RUN(0, "inspect shared/model.safetensors --json");
    SAYS(out_text, "\"share\": {\"rules\": \"head.*=own; *=shared+dictionary 2\", \"mixing\": [{\"name\": \"dense1.");
    int tasks = 0;
    const char *at = strstr(out_text, "\"name\": \"dense1.gates2\", \"tasks\": [");
    T_CHECK(at);
    for (at = strchr(at, '['); at && at[1] != ']'; at = strchr(at + 1, '['), tasks++) {
        double a, b;
        T_EQ(sscanf(at + (tasks == 0), "[%lf, %lf]", &a, &b), 2);
        T_CHECK(a > 0 && a < 1 && b > 0 && b < 1);
        if (tasks == 5) break;
    }
    T_EQ(tasks, 5);
    /* of weights that differ by task, between one direction and as many as there are tasks */
    SAYS(out_text, "\"ranks\": [{\"name\": \"dense1.w\", \"effective_rank\": ");
    const double rank = strtod(strstr(out_text, "\"effective_rank\": ") + 18, NULL);
    const double around = strtod(strstr(out_text, "\"deviations\": ") + 14, NULL);
    T_CHECK(rank >= 1 && rank <= 6 && around > rank && around < 6);
    RUN(0, "inspect shared/model.safetensors");
    SAYS(out_text, "effective rank of the tasks' weights, and of what they deviate from their mean by:\n  dense1.w");
    RUN(0, "inspect shared/model.safetensors --tensors");
    SAYS(out_text, "parts/2/dense1.w");
    SAYS(out_text, "codes/dense1");
    SAYS(out_text, "gates/dense1");
}

TEST(a_known_person_needs_no_steps_and_a_new_one_takes_some) {
    train_on("tasks", "share.preset=hard");
    write_people("known.csv", 3, 1), write_people("new.csv", 6, 1);
    RUN(0, "adapt tasks/model.safetensors --support known.csv -o net.safetensors");
    RUN(0, "predict net.safetensors known.csv");
    const double known = error_of();
    RUN(0, "predict net.safetensors new.csv");
    const double wrong = error_of();
    RUN(0, "adapt tasks/model.safetensors --support new.csv -o net.safetensors");
    RUN(0, "predict net.safetensors new.csv");
    const double adapted = error_of();
    if (!(known < 0.6 && adapted < 0.6 * wrong)) T_FAIL("rmse %g; of a new one %g, %g before", known, adapted, wrong);
    RUN(0, "eval tasks/model.safetensors --split test --json");
    SAYS(out_text, "\"split\": \"test\"");
    RUN(1, "convert tasks/model.safetensors --weights bf16 -o half.safetensors");
    SAYS(err_text, "method multitask has no hypernetwork");
}

TEST(check_counts_rows_that_are_divided_inside_of_tasks) {
    write_people("people.csv", 0, 6);
    RUN(0, "check data.path=people.csv data.task=who data.target=y run.dir=c train.method=multitask task.support=0 "
           "data.split=.5,.25,.25 train.tasks=0 'model.backbone=dense 6; tanh'");
    SAYS(out_text, "6 tasks, 72 rows");
    const char *validate = strstr(out_text, "\nvalidate"), *test = strstr(out_text, "\ntest");
    T_CHECK(validate && test);
    SAYS(validate, "6 tasks, 36 rows");
    SAYS(test, "6 tasks, 36 rows");
}

TEST_MAIN()
