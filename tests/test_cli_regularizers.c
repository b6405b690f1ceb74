/* SPDX-License-Identifier: Apache-2.0 */
/* The command with sections [regularizer.NAME]: trained with, resumed, shown by inspect, listed by train --keys. */
#include "goss_config.h"
#include "gossamer/model.h"
#include "table_folders.h"

static const char ini[] = "[data]\npath = schools.csv\ntask = school\ntarget = y\nsplit = .5,.25,.25\n"
                          "[task]\nsupport = 0\n"
                          "[train]\nmethod = hypernet\ntasks = 6\nsteps = 30\n"
                          "[hyper]\ncondition = id\nrules = *=full\n"
                          "[model]\nbackbone = dense 4; tanh; dense 4; tanh\n"
                          "[validate]\nevery = 10\n"
                          "[regularizer.tie]\nkind = laplacian\non = weights/*\ngraph = learned\n"
                          "[regularizer.apart]\nkind = cross\non = hidden/*\nstrength = 0.01\n";

static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    school_table("schools.csv", 6, 24);
    write_file("run.ini", ini, sizeof ini - 1);
    done = run("train run.ini run.dir=reg") == 0 ? 1 : -1;
    if (done < 0) printf("  %s\n", err_text);
    return done > 0;
}

/* What the first section adds. */
static double adds(const char *text) {
    const char *at = text ? strstr(text, "; adds ") : NULL;
    return at ? strtod(at + 7, NULL) : NAN;
}

TEST(keys_list_the_section_as_a_comment) {
    RUN(0, "train --keys");
    SAYS(out_text, "# Any number of sections [regularizer.NAME] of these keys");
    SAYS(out_text, "# kind = l2\n");
    SAYS(out_text, "# strength = 0.1\n");
    RUN(0, "train --keys regularizer.tie.kind=l1");
    SAYS(out_text, "[regularizer.tie]\n# What is penalised: l1, ");
    SAYS(out_text, "\nkind = l1\n");
}

TEST(inspect_shows_what_was_added_and_learned) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
    RUN(0, "inspect reg/model.safetensors");
    SAYS(out_text, "regularisers, as of the last step\n  tie: laplacian on weights/*, strength 0.1; adds ");
    SAYS(out_text, "    graph (learned): 6 nodes, 15 edges, mean degree ");
    SAYS(out_text, "least tied: s0");
    SAYS(out_text, "  apart: cross on hidden/*, strength 0.01; adds ");
    SAYS(out_text, "    shares of the branches: hidden/dense1 0.");
    SAYS(out_text, "regularizers.tie.graph       F32   6 x 6");
    RUN(0, "inspect reg/model.safetensors --json");
    SAYS(out_text,
         "\"regularizers\": [{\"name\": \"tie\", \"kind\": \"laplacian\", \"on\": \"weights/*\", \"strength\": 0.1");
    SAYS(out_text, "\"graph\": {\"from\": \"learned\", \"nodes\": [\"s00\", \"s01\", ");
    SAYS(out_text, "\"shares\": {\"hidden/dense1\": ");
}

TEST(inspect_lists_what_can_be_named) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
    RUN(0, "inspect reg/model.safetensors --tensors");
    SAYS(out_text, "weights/dense1.w                 T x 3 x 4\n");
    SAYS(out_text, "features/out                     T x Q x 4\n");
    SAYS(out_text, "embedding/task                   T x 64\n");
    RUN(0, "inspect reg/model.safetensors --tensors --json");
    SAYS(out_text, "{\"published\": [{\"name\": \"embedding/task\", \"shape\": \"T x 64\"}");
    RUN(2, "inspect schools.csv --tensors");
    SAYS(err_text, "--tensors is for a model, and schools.csv is a table");
    RUN(1, "inspect reg/checkpoint.safetensors --tensors");
    SAYS(err_text, "holds a checkpoint, not a model");
}

TEST(a_run_goes_on_and_is_judged_with_its_sections) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
    RUN(0, "train run.ini run.dir=reg train.steps=40");
    SAYS(err_text, "going on from step 30");
    RUN(1, "train run.ini run.dir=reg train.steps=50 regularizer.tie.strength=1");
    SAYS(err_text, "regularizer.tie.strength = 0.1, not regularizer.tie.strength = 1");
    RUN(0, "check run.ini run.dir=other");
    RUN(1, "check run.ini run.dir=other regularizer.tie.on=weights/haed.w");
    SAYS(out_text, "no value is published as weights/haed.w; did you mean ");
    RUN(0, "convert reg/model.safetensors --weights bf16 -o half.safetensors");
    RUN(0, "inspect half.safetensors");
    SAYS(out_text, "    graph (learned): 6 nodes");
}

/* One model of all strengths, judged, adapted and converted at some of them. */
TEST(a_conditioned_model_is_used_at_any_strength) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
    one_school("new.csv", 3, 8);
    RUN(0, "train run.ini run.dir=path hyper.condition=id,strength regularizer.apart.strength=0 "
           "regularizer.tie.weight=conditioned regularizer.tie.graph= regularizer.tie.kind=difference");
    SAYS(err_text, "[regularizer.tie] of strengths from 0.001 to 10 ");
    RUN(0, "inspect path/model.safetensors");
    SAYS(out_text, "regularizer.tie.path         0.001: ");
    RUN(0, "inspect path/best.safetensors");
    SAYS(out_text,
         "  tie: difference on weights/*, strength 0.1, trained with all from 0.001 to 10, at the last step with ");
    char *at[4];
    static const char *const how[] = {"path/best.safetensors", "path/model.safetensors --strength tie=0.1",
                                      "path/model.safetensors --strength tie=10", "strong.safetensors"};
    RUN(0, "convert path/model.safetensors --strength tie=10 -o strong.safetensors");
    for (int i = 0; i < 4; i++) {
        char line[200];
        snprintf(line, sizeof line, "eval %s --split test --json", how[i]);
        RUN(0, line);
        at[i] = strdup(strstr(out_text, "\"worst_task\"")); /* the times in front differ */
    }
    T_STR(at[0], at[1]);
    T_STR(at[2], at[3]);
    T_CHECK(strcmp(at[0], at[2]) != 0);
    for (int i = 0; i < 4; i++) free(at[i]);
    RUN(0, "adapt path/model.safetensors --support new.csv --strength tie=0.01 -o weak-net.safetensors");
    RUN(1, "eval path/model.safetensors --split test --strength tie=20");
    SAYS(err_text, "--strength: tie: 20: the model was trained with strengths from 0.001 to 10");
    RUN(1, "eval path/model.safetensors --split test --strength 20");
    SAYS(err_text, "\"20\" is not of the form NAME=VALUE");
    RUN(1, "eval reg/model.safetensors --split test --strength tie=1");
    SAYS(err_text, "the model was trained with one strength");
}

/* What an input's weights are worth: a factor for x is felt in the first layer's rows that x meets, and in no other. */
TEST(factors_of_inputs_act_on_the_rows_that_they_meet) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    static const char lasso[] =
        "run.dir=%s regularizer.tie.strength=0 regularizer.apart.strength=0 regularizer.l.kind=l1 "
        "regularizer.l.strength=0.3 regularizer.l.on=weights/dense1.w,weights/dense2.w "
        "train.steps=60 %s";
    char line[600], tail[500];
    T_CHECK(prepare());
    write_file("priors.csv", "sex=*,0\n", 8);
    snprintf(tail, sizeof tail, lasso, "lasso", "");
    snprintf(line, sizeof line, "train run.ini %s", tail);
    RUN(0, line);
    snprintf(tail, sizeof tail, lasso, "lasso-x", "regularizer.l.priors=priors.csv");
    snprintf(line, sizeof line, "train run.ini %s", tail);
    RUN(0, line);
    RUN(0, "inspect lasso/model.safetensors");
    const double all = adds(out_text);
    RUN(0, "inspect lasso-x/model.safetensors");
    const double without = adds(out_text);
    T_CHECK(all > 0 && without > 0 && without < all);
    snprintf(tail, sizeof tail, lasso, "lasso-y", "regularizer.l.priors=priors.csv regularizer.l.kind=elastic");
    snprintf(line, sizeof line, "train run.ini %s", tail);
    RUN(1, line);
    SAYS(err_text, "priors: kind elastic has no part for each feature");
    write_file("priors.csv", "sexx=F,0\n", 9);
    snprintf(tail, sizeof tail, lasso, "lasso-y", "regularizer.l.priors=priors.csv");
    snprintf(line, sizeof line, "train run.ini %s", tail);
    RUN(1, line);
    SAYS(err_text, "nor an input; did you mean sex=F");
    write_file("priors.csv", "weights/*,2\nsex=*,0\n", 20);
    snprintf(line, sizeof line, "train run.ini %s regularizer.l.on=weights/head.w", tail);
    RUN(1, line);
    SAYS(err_text, "priors.csv:2: \"sex=*\" is an input, and `on` finds no weights that inputs meet");
}

/* Objectives that rank the rows of a task have no loss of a row by itself. */
TEST(strengths_are_learned_on_rows_that_are_ranked) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
    RUN(0, "train run.ini run.dir=ranked task.objective=bpr regularizer.tie.strength=0 "
           "regularizer.apart.weight=hypergradient");
    RUN(0, "inspect ranked/model.safetensors");
    SAYS(out_text, "weighed by hypergradient to ");
}

TEST(weights_of_terms_above_0_are_refused_beside_a_loss_that_may_be_below) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
    RUN(1, "train run.ini run.dir=density task.objective=gaussian regularizer.apart.weight=famo");
    SAYS(err_text, "[regularizer.apart]: weight: famo is for terms above 0, and the loss of task.objective = gaussian");
    RUN(1, "train run.ini run.dir=density task.objective=student regularizer.apart.weight=uncertainty");
    SAYS(err_text, "uncertainty is for terms above 0");
}

/* A file may hold any text where a number was noted. */
TEST(an_l1_norm_of_shares_is_refused) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    T_CHECK(prepare());
#define SHARES                                                                                                         \
    "train run.ini run.dir=shares train.steps=2 train.method=multitask share.rules=*=shared+own "                      \
    "regularizer.tie.strength=0 regularizer.apart.on=gates/* regularizer.apart.kind=l1 share.gates="
    RUN(1, SHARES "softmax");
    SAYS(err_text, "[regularizer.apart]: gates of share.gates = softmax and gumbel add up to 1, and l1");
    RUN(1, SHARES "gumbel");
    SAYS(err_text, "share.gates = sigmoid or hard_concrete");
    RUN(0, SHARES "sigmoid");
}

TEST(numbers_that_are_none_are_null_in_json) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    goss_error err;
    goss_model *m;
    T_CHECK(prepare());
    T_OK(goss_model_load(tiny_path("reg/model.safetensors"), &m, &err));
    T_OK(goss_model_note(m, "regularizer.apart.adds", "nan", &err));
    T_OK(goss_model_note(m, "regularizer.apart.share.hidden/dense1", "1\"2", &err));
    T_OK(goss_model_save(m, tiny_path("odd.safetensors"), &err));
    goss_model_free(m);
    RUN(0, "inspect odd.safetensors --json");
    SAYS(out_text, "\"adds\": null, \"shares\": {\"hidden/dense1\": null, ");
}

TEST(a_graph_of_descriptors_is_named) {
    if (!GOSS_HAVE_CSV) T_SKIP("no libcsv");
    char text[200];
    int n = snprintf(text, sizeof text, "school,size\n");
    T_CHECK(prepare());
    for (int i = 0; i < 6; i++) n += snprintf(text + n, sizeof text - (size_t)n, "s%02d,%d\n", i, i * i);
    write_file("sizes.csv", text, (size_t)n);
    RUN(0, "train run.ini run.dir=side data.descriptor=sizes.csv regularizer.tie.graph=side");
    RUN(0, "inspect side/model.safetensors");
    SAYS(out_text, "  tie: laplacian on weights/*, strength 0.1, graph side; adds ");
    RUN(0, "inspect side/model.safetensors --json");
    SAYS(out_text, ", \"graph\": {\"from\": \"side\"}}");
}

TEST_MAIN()
