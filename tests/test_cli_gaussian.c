/* SPDX-License-Identifier: Apache-2.0 */
/* task.objective = gaussian with every verb, on rows whose noise is ten times as large for some as for others:
 * intervals hold what they say, are wide where they have to be, and what cannot say how sure it is is refused. */
#include "base/rng.h"
#include "cli_run.h"

#define TRAIN                                                                                                          \
    "train data.path=noisy.csv data.task=who data.target=y task.objective=gaussian task.support=6 'model.backbone="    \
    "dense 16; tanh' train.tasks=8 data.hold_out=0.2 validate.every=100 validate.episodes=20 optimizer.rate=0.01 "     \
    "method.ridge_head=true run.seed=1 "

/* y = level + slope x + noise, of deviation 0.2 where loud = 0, else 2. */
static void write_noisy(const char *name, int first, int tasks, int rows) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fputs("who,x,loud,y\n", f);
    for (int t = first; t < first + tasks; t++) {
        goss__rng r = goss__rng_make(8, (uint64_t)t);
        const double level = 5 + 2 * goss__rng_normal(&r), slope = 1 + goss__rng_normal(&r);
        for (int i = 0; i < rows; i++) {
            const double x = goss__rng_normal(&r), noise = (i % 2 ? 2 : .2) * goss__rng_normal(&r);
            fprintf(f, "w%d,%.4f,%d,%.4f\n", t, x, i % 2, level + slope * x + noise);
        }
    }
    fclose(f);
}

static void trained(void) {
    static bool done;
    if (done) return;
    write_noisy("noisy.csv", 0, 40, 30);
    RUN(0, TRAIN "train.steps=600 run.dir=gauss");
    done = true;
}

TEST(intervals_are_wide_where_the_noise_is_and_hold_what_they_say) {
    trained();
    int rows[2] = {0}, inside[2] = {0};
    double width[2] = {0};
    for (int t = 100; t < 106; t++) {
        char line[100];
        write_noisy("support.csv", t, 1, 6), write_noisy("whole.csv", t, 1, 200); /* the same task, row by row */
        RUN(0, "adapt gauss/model.safetensors --support support.csv -o noisy.net");
        RUN(0, "predict noisy.net whole.csv -o out.csv");
        FILE *f = fopen(tiny_path("out.csv"), "r");
        T_CHECK(f && fgets(line, sizeof line, f));
        T_STR(line, "who,x,loud,y,prediction,low,high\n");
        for (int at = 0; fgets(line, sizeof line, f); at++) {
            double x, y, p, low, high;
            int loud;
            T_EQ(sscanf(line, "%*[^,],%lf,%d,%lf,%lf,%lf,%lf", &x, &loud, &y, &p, &low, &high), 6);
            T_NEAR((low + high) / 2, p, 1e-4);
            if (at < 6) continue; /* it has seen these */
            rows[loud]++, inside[loud] += low <= y && y <= high, width[loud] += high - low;
        }
        fclose(f);
    }
    for (int loud = 0; loud < 2; loud++) {
        const double share = (double)inside[loud] / rows[loud], wide = width[loud] / rows[loud];
        if (!(share > .88 && share < .99)) T_FAIL("intervals of 95 %% hold %.1f %% where loud = %d", 100 * share, loud);
        if (loud && !(wide > 6 && wide < 12)) T_FAIL("width %.2f, not about 4 deviations of 2", wide);
    }
    T_CHECK(width[1] / rows[1] > 2.5 * width[0] / rows[0]);
}

TEST(eval_judges_likelihood_and_coverage_of_what_gives_them) {
    trained();
    write_noisy("others.csv", 200, 20, 40);
    RUN(0, "eval gauss/model.safetensors --data others.csv --support 6 --json --metric coverage_error --methods joint");
    T_CHECK(value_of("hypernet") < .12);
    RUN(0, "eval gauss/model.safetensors --data others.csv --support 6 --json --metric nll --methods joint,finetune");
    /* One network for all tasks has to be less sure: it does not know the task's level. */
    T_CHECK(value_of("hypernet") < value_of("joint") - .1);
    RUN(0, "eval gauss/model.safetensors --data others.csv --support 6 --json --methods ridge,mean-ridge,joint");
    SAYS(out_text, "\"metric\": \"rmse\"");
    T_CHECK(value_of("hypernet") < value_of("joint"));
    RUN(1, "eval gauss/model.safetensors --data others.csv --support 6 --metric nll --methods ridge");
    SAYS(err_text, "--methods ridge: it predicts numbers and does not say how sure it is, as metric nll wants");
    RUN(0, TRAIN "train.steps=5 run.dir=plain task.objective=regression");
    RUN(1, "eval plain/model.safetensors --data others.csv --support 6 --metric nll");
    SAYS(err_text, "there is no metric of regression \"nll\"; there are rmse, mae, r2");
    RUN(1, "eval gauss/model.safetensors --data others.csv --support 6 --metric nll "
           "--methods plain=plain/model.safetensors");
    SAYS(err_text, "--methods plain: it predicts numbers");
}

TEST(networks_of_several_members_and_other_methods_tell_how_sure_they_are) {
    static const char *const methods[] = {"maml", "ridge", "reptile", "finetune"};
    trained();
    write_noisy("support.csv", 100, 1, 12);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char line[400];
        snprintf(line, sizeof line, TRAIN "train.steps=20 run.dir=%s train.method=%s", methods[i], methods[i]);
        RUN(0, line);
        snprintf(line, sizeof line, "adapt %s/model.safetensors --support support.csv -o m.net", methods[i]);
        RUN(0, line);
        RUN(0, "predict m.net support.csv");
        SAYS(out_text, ",prediction,low,high\n");
    }
    RUN(0, TRAIN "train.steps=20 run.dir=several hyper.noise=4 method.networks=3 task.metric=nll");
    SAYS(err_text, "nll");
    RUN(0, "adapt several/model.safetensors --support support.csv -o m.net");
    RUN(0, "predict m.net support.csv --json");
    SAYS(out_text, "\"low\": ");
    RUN(1, TRAIN "train.steps=20 run.dir=no train.method=protonet");
    SAYS(err_text, "method protonet has no meaning for gaussian");
}

TEST_MAIN()
