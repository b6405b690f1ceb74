/* SPDX-License-Identifier: Apache-2.0 */
/* task.objective = quantile with every verb, on rows whose noise is skewed and ten times as large for some as for
 * others: quantiles hold what they say, do not cross, are the same for any number of threads, and what has none is
 * refused. */
#include <math.h>

#include "base/rng.h"
#include "cli_run.h"

#define TRAIN                                                                                                          \
    "train data.path=skewed.csv data.task=who data.target=y task.objective=quantile task.support=6 'model.backbone="   \
    "dense 16; tanh' train.tasks=8 data.hold_out=0.2 validate.every=100 validate.episodes=20 optimizer.rate=0.01 "     \
    "method.ridge_head=true run.seed=1 "

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

/* y = level + slope x + noise, exponential, of deviation 0.2 where loud = 0, else 2. */
static void write_skewed(const char *name, int first, int tasks, int rows) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fputs("who,x,loud,y\n", f);
    for (int t = first; t < first + tasks; t++) {
        goss__rng r = goss__rng_make(8, (uint64_t)t);
        const double level = 5 + 2 * goss__rng_normal(&r), slope = 1 + goss__rng_normal(&r);
        for (int i = 0; i < rows; i++) {
            const double x = goss__rng_normal(&r), z = goss__rng_normal(&r);
            const double noise = -(i % 2 ? 2 : .2) * log(erfc(z / sqrt(2)) / 2);
            fprintf(f, "w%d,%.4f,%d,%.4f\n", t, x, i % 2, level + slope * x + noise);
        }
    }
    fclose(f);
}

static void trained(void) {
    static bool done;
    if (done) return;
    write_skewed("skewed.csv", 0, 40, 30);
    RUN(0, TRAIN "train.steps=600 run.dir=quant 'task.quantiles=0.05, 0.5, 0.9'");
    SAYS(err_text, "target y (quantile 0.05 0.5 0.9)");
    SAYS(err_text, "val pinball");
    done = true;
}

TEST(quantiles_hold_what_they_say_and_do_not_cross) {
    trained();
    int rows[2] = {0}, below[2][3] = {{0}};
    double width[2] = {0};
    for (int t = 100; t < 106; t++) {
        char line[120];
        write_skewed("support.csv", t, 1, 6), write_skewed("whole.csv", t, 1, 200); /* the same task, row by row */
        RUN(0, "adapt quant/model.safetensors --support support.csv -o skewed.net");
        RUN(0, "predict skewed.net whole.csv -o out.csv");
        FILE *f = fopen(tiny_path("out.csv"), "r");
        T_CHECK(f && fgets(line, sizeof line, f));
        T_STR(line, "who,x,loud,y,prediction,q0.05,q0.5,q0.9\n");
        for (int at = 0; fgets(line, sizeof line, f); at++) {
            double x, y, p, q[3];
            int loud;
            T_EQ(sscanf(line, "%*[^,],%lf,%d,%lf,%lf,%lf,%lf,%lf", &x, &loud, &y, &p, &q[0], &q[1], &q[2]), 7);
            T_CHECK(q[0] <= q[1] && q[1] <= q[2] && fabs(p - q[1]) < 1e-5);
            if (at < 6) continue; /* it has seen these */
            rows[loud]++, width[loud] += q[2] - q[0];
            for (int k = 0; k < 3; k++) below[loud][k] += y <= q[k];
        }
        fclose(f);
    }
    for (int loud = 0; loud < 2; loud++) {
        const double last = (double)below[loud][2] / rows[loud], first = (double)below[loud][0] / rows[loud];
        if (!(last > .8 && last < .97)) T_FAIL("%.1f %% below 0.9 where loud = %d", 100 * last, loud);
        if (!(first < .2)) T_FAIL("%.1f %% below 0.05 where loud = %d", 100 * first, loud);
    }
    T_CHECK(width[1] / rows[1] > 2.5 * width[0] / rows[0]);
}

TEST(eval_judges_pinball_and_coverage_and_baselines_have_quantiles) {
    trained();
    write_skewed("others.csv", 200, 20, 40);
    RUN(0, "eval quant/model.safetensors --data others.csv --support 6 --json --methods ridge,mean-ridge,mean,joint");
    SAYS(out_text, "\"metric\": \"pinball\", \"higher_is_better\": false");
    const double own = value_of("hypernet");
    T_CHECK(own > 0 && own < value_of("joint") && own < value_of("mean") && own < value_of("ridge"));
    RUN(0, "eval quant/model.safetensors --data others.csv --support 6 --json --metric coverage --methods mean");
    T_CHECK(value_of("hypernet") > .7 && value_of("hypernet") < .95 && value_of("mean") > .3 && value_of("mean") < 1);
    SAYS(out_text, "\"metric\": \"coverage\", \"higher_is_better\": null, \"nominal\": 0.85, ");
    RUN(0, "eval quant/model.safetensors --data others.csv --support 6 --metric coverage");
    SAYS(out_text, "coverage of y, nearest to 0.85 is best; ");
    RUN(0, "eval quant/model.safetensors --data others.csv --support 6 --json --metric coverage_error");
    T_CHECK(value_of("hypernet") < .15);
    RUN(0, "eval quant/model.safetensors --data others.csv --support 1 --json --methods mean");
    T_CHECK(value_of("mean") > 0); /* one row has no error: its target is all quantiles */
    RUN(0, "eval quant/model.safetensors --data others.csv --support 6 --json --metric mae --methods ridge");
    T_CHECK(value_of("ridge") > 0);
}

TEST(what_has_no_quantiles_or_others_is_refused) {
    trained();
    write_skewed("others.csv", 200, 20, 40);
    RUN(0, TRAIN "train.steps=5 run.dir=plain task.objective=regression");
    RUN(1, "eval quant/model.safetensors --data others.csv --support 6 --methods plain=plain/model.safetensors");
    SAYS(err_text, "--methods plain: it predicts numbers and does not say how sure it is, as metric pinball wants");
    RUN(0, "eval quant/model.safetensors --data others.csv --support 6 --metric mae --methods "
           "plain=plain/model.safetensors");
    RUN(0, TRAIN "train.steps=5 run.dir=usual");
    SAYS(err_text, "target y (quantile)");
    RUN(1, "eval quant/model.safetensors --data others.csv --support 6 --methods usual=usual/model.safetensors");
    SAYS(err_text, "--methods usual: its objective is quantile, and metric pinball is judged as of quantile 0.05 0.5 "
                   "0.9: judge by --metric mae");
    RUN(1, "eval quant/model.safetensors usual/model.safetensors --data others.csv --support 6");
    SAYS(err_text, "--methods hypernet: its objective is quantile, and metric pinball");
    RUN(1, "eval plain/model.safetensors --data others.csv --support 6 --metric pinball");
    SAYS(err_text, "there is no metric of regression \"pinball\"; there are rmse, mae, r2");
    RUN(1, TRAIN "train.steps=20 run.dir=no train.method=protonet");
    SAYS(err_text, "method protonet has no meaning for quantile");
    RUN(1, "train data.kind=prior prior.columns=6 prior.support=16..24 prior.queries=24 task.objective=quantile "
           "train.method=tables 'model.backbone=dense 32; tanh' train.steps=2 run.dir=no");
    SAYS(err_text, "its head is of means and variances, not of quantiles: task.objective = gaussian or student");
    RUN(0, "train data.path=skewed.csv data.task=who data.target=y task.support=6 train.steps=2 run.dir=warned "
           "task.quantiles=0.5");
    SAYS(err_text, "task.quantiles = 0.5 has no effect");
}

TEST(levels_and_metrics_that_cannot_be_are_told) {
    static const char *const bad[][2] = {
        {"task.quantiles=0.9,0.1", "task.quantiles: 0.1 stands behind 0.9: levels are ascending, as in 0.1, 0.5, 0.9"},
        {"task.quantiles=0,0.5", "task.quantiles: 0 is no level of a quantile, which is between 0 and 1"},
        {"task.quantiles=0.5,1", "task.quantiles: 1 is no level of a quantile"},
        {"task.quantiles=0.5,0.5", "task.quantiles: the level 0.5 is named twice"},
        {"task.quantiles=half", "task.quantiles: \"half\" is no list of up to 99 levels, as in 0.1, 0.5, 0.9"},
        {"task.quantiles=", "task.quantiles: 0 levels of quantiles: 1 to 99"},
        {"task.metric=coverage", "task.metric: coverage should be 0.8, neither more nor less"},
        {"task.metric=nll",
         "there is no metric of quantile \"nll\"; there are pinball, coverage_error, coverage, mae"}};
    trained();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[600];
        snprintf(line, sizeof line, TRAIN "train.steps=5 run.dir=no '%s'", bad[i][0]);
        RUN(1, line);
        SAYS(err_text, bad[i][1]);
    }
}

TEST(predict_refuses_columns_that_it_would_double_and_writes_json) {
    trained();
    write_skewed("support.csv", 100, 1, 6);
    RUN(0, "adapt quant/model.safetensors --support support.csv -o skewed.net");
    RUN(0, "predict skewed.net support.csv --json");
    SAYS(out_text, "\"prediction\": ");
    SAYS(out_text, ", \"quantiles\": {\"0.05\": ");
    SAYS(out_text, ", \"0.9\": ");
    put("doubled.csv", "who,x,loud,y,q0.9\nw1,1,0,2,3\n");
    RUN(1, "predict skewed.net doubled.csv");
    SAYS(err_text, "doubled.csv has a column \"q0.9\" already, which would be duplicated");
}

TEST(networks_of_several_members_and_other_methods_predict_quantiles) {
    static const char *const methods[] = {"maml", "ridge", "reptile", "finetune"};
    trained();
    write_skewed("support.csv", 100, 1, 12);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char line[400];
        snprintf(line, sizeof line, TRAIN "train.steps=20 run.dir=%s train.method=%s", methods[i], methods[i]);
        RUN(0, line);
        snprintf(line, sizeof line, "adapt %s/model.safetensors --support support.csv -o m.net", methods[i]);
        RUN(0, line);
        RUN(0, "predict m.net support.csv");
        SAYS(out_text, ",prediction,q0.1,q0.5,q0.9\n");
    }
    RUN(0, TRAIN "train.steps=20 run.dir=several hyper.noise=4 method.networks=3 task.quantiles=0.25,0.75");
    RUN(0, "adapt several/model.safetensors --support support.csv -o m.net");
    RUN(0, "predict m.net support.csv");
    SAYS(out_text, ",prediction,q0.25,q0.75\n");
    RUN(0, "adapt several/model.safetensors --support support.csv -o m.net --fine-tune 5");
    RUN(0, "predict m.net support.csv --json");
    SAYS(out_text, "\"quantiles\": {\"0.25\": ");
}

TEST(init_writes_levels_where_they_have_a_meaning) {
    size_t n;
    trained();
    RUN(0, "init skewed.csv data.task=who data.target=y task.objective=quantile -o levels.ini");
    char *text = tiny_read(tiny_path("levels.ini"), &n);
    SAYS(text, "\nobjective = quantile\n");
    SAYS(text, "\nquantiles = 0.1, 0.5, 0.9\n");
    free(text);
    RUN(0, "check levels.ini");
    RUN(0, "init skewed.csv data.task=who data.target=y -o numbers.ini");
    text = tiny_read(tiny_path("numbers.ini"), &n);
    T_CHECK(!strstr(text, "\nquantiles = "));
    free(text);
}

static char *predicted_by(const char *threads) {
    char line[700];
    snprintf(line, sizeof line, TRAIN "train.steps=20 run.dir=by%s run.threads=%s task.quantiles=0.1,0.25,0.5,0.75,0.9",
             threads, threads);
    RUN(0, line);
    snprintf(line, sizeof line, "adapt by%s/model.safetensors --support support.csv -o m.net", threads);
    RUN(0, line);
    RUN(0, "predict m.net support.csv");
    return strdup(out_text);
}

TEST(threads_do_not_change_quantiles) {
    trained();
    write_skewed("support.csv", 100, 1, 12);
    char *one = predicted_by("1"), *three = predicted_by("3");
    T_STR(one, three);
    free(one), free(three);
}

/* Counted from the last known value, several steps ahead. */
TEST(series_are_forecast_by_quantiles) {
    RUN(0, "data machines -o made --count 12 --steps 40 --missing .1");
    RUN(0, "data machines -o other --count 6 --steps 40 --first 50");
    RUN(0, "train data.path=made/machines.csv data.kind=series data.task=machine data.time=time data.target=vibration "
           "'model.backbone=gru 6; readout last' 'hyper.rules=head.*=full; *=shared' data.hold_out=.2 data.window=6 "
           "data.horizon=3 task.support=3..8 train.steps=8 train.tasks=4 validate.every=4 task.objective=quantile "
           "task.quantiles=0.2,0.8 run.dir=series");
    SAYS(err_text, "3 ahead, target vibration (quantile 0.2 0.8)");
    RUN(0, "eval series/model.safetensors --data other/machines.csv --support 5 --json "
           "--methods last,line,nearest,mean,ridge,mean-ridge,scratch");
    T_CHECK(value_of("last") > 0 && value_of("line") > 0 && value_of("scratch") > 0);
    put("seen.csv", "time,load,vibration\n0,.1,1\n1,.1,2\n2,.1,1.5\n3,.1,1\n4,.2,2\n5,.2,1\n");
    put("low.csv", "time,load,vibration\n2,.1,1.5\n3,.1,1\n4,.2,2\n7,.2,\n");
    RUN(0, "adapt series/model.safetensors --support seen.csv -o net.safetensors");
    RUN(0, "predict net.safetensors low.csv --json");
    SAYS(out_text, "\"line\": 2, \"prediction\": null}");
    SAYS(out_text, "\"quantiles\": {\"0.2\": ");
    RUN(0, "predict net.safetensors seen.csv");
    SAYS(out_text, "time,load,vibration,prediction,q0.2,q0.8\n0,.1,1,,,\n");
}

static void write_texts(const char *name, int tasks) {
    static const char *const words[] = {"good", "bad", "fine", "poor"};
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fputs("who,says,y\n", f);
    for (int i = 0; i < 8 * tasks; i++)
        fprintf(f, "w%d,%s and %s,%d.5\n", i / 8, words[i % 4], words[i / 3 % 4], i % 4 * 2);
    fclose(f);
}

/* Texts, which are sequences, and rows kept apart inside of tasks. */
TEST(other_data_of_numbers_have_the_objective_too) {
    write_texts("said.csv", 10), write_texts("own.csv", 1);
    RUN(0, "train data.path=said.csv data.task=who data.target=y data.text=says data.least=1 task.support=3 "
           "'model.backbone=embedding 99 4; gru 4; readout last' train.steps=5 train.tasks=2 validate.every=5 "
           "data.hold_out=.2 task.objective=quantile run.dir=texts");
    RUN(0, "adapt texts/model.safetensors --support own.csv -o said.net");
    RUN(0, "predict said.net said.csv");
    SAYS(out_text, "who,says,y,prediction,q0.1,q0.5,q0.9\n");
    trained();
    RUN(0, TRAIN "data.split=.5,.2,.3 data.hold_out=.1 train.steps=10 run.dir=split");
    RUN(0, TRAIN "data.split=.5,.2,.3 data.hold_out=.1 train.steps=10 run.dir=normal task.objective=gaussian");
    RUN(0, "eval split/model.safetensors --split test --metric coverage --json");
    SAYS(out_text, "\"metric\": \"coverage\"");
    RUN(1, "eval split/model.safetensors --split test --methods normal=normal/model.safetensors");
    SAYS(err_text, "normal: its objective is gaussian, and metric pinball is judged as of quantile: judge by --metric "
                   "mae");
    RUN(0, "eval split/model.safetensors --split test --metric mae --methods normal=normal/model.safetensors");
}

TEST_MAIN()
