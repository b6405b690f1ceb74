/* SPDX-License-Identifier: Apache-2.0 */
/* Models and networks of tasks that are no images: files, adapting, predicting, and predictors that compile once. */
#include <unistd.h>

#include "base/alloc.h"
#include "gossamer/model.h"
#include "scratch.h"
#include "wave_tasks.h"

static goss_error err;

/* Two settings or none. */
static goss_model *wave_model(const char *objective, const char *method, const char *const *more) {
    const goss_task_source source = wave_source(objective, true);
    static const char *const names[] = {"no", "yes"}, *const numbers[] = {"height"};
    static const char *const task_names[] = {"a", "b, c", "\"d\"", "\xff"};
    goss_data_spec data = goss_data_spec_tasks("waves", &source.spec);
    data.names = source.spec.outputs == 2 ? names : numbers;
    data.task_names = task_names, data.transform = "{\"of\": \"waves\"}";
    int n;
    goss_config *c;
    goss_model *m = NULL;
    const goss_key *keys = goss_model_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", "dense 6; tanh", &err));
    for (; more && *more; more++) T_OK(goss_config_override(c, *more, &err));
    T_OK(goss_model_create(method, c, &data, 3, &m, &err));
    goss_config_free(c);
    /* Nothing that is zero by design. */
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        goss__rng r = goss__rng_make(9, (uint64_t)i);
        int64_t total = goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout);
        for (int64_t k = 0; k < total; k++) goss_model_values(m, i)[k] += 0.2f * (float)goss__rng_normal(&r);
    }
    return m;
}

TEST(a_file_keeps_what_the_data_is_like) {
    goss_model *m = wave_model("regression", "hypernet", (const char *const[]){"hyper.condition=support, id", NULL});
    goss_model *back;
    T_OK(goss_model_save(m, scratch("wave.safetensors"), &err));
    T_OK(goss_model_load(scratch("wave.safetensors"), &back, &err));
    const goss_data_spec *d = goss_model_data(back), *was = goss_model_data(m);
    T_STR(d->kind, "waves");
    T_STR(d->transform, "{\"of\": \"waves\"}");
    T_EQ(d->task.input_rank, 1);
    T_EQ(d->task.input[0], 2);
    T_STR(d->task.objective->name, "regression");
    T_EQ(d->task.outputs, 1);
    T_EQ(d->task.descriptor, 1);
    T_EQ(d->task.ids, WAVE_IDS);
    T_STR(d->names[0], "height");
    T_STR(d->task_names[1], "b, c");
    T_STR(d->task_names[2], "\"d\"");
    T_STR(d->task_names[3], "\xff");
    T_NEAR(d->task.scale.mean[0], was->task.scale.mean[0], 0);
    T_NEAR(d->task.scale.deviation[0], was->task.scale.deviation[0], 0);
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        T_STR(goss_method_param_at(goss_model_method(back), i).name, p.name);
        T_CHECK(memcmp(goss_model_values(m, i), goss_model_values(back, i),
                       (size_t)goss_layout_total(p.layout) * sizeof(float)) == 0);
    }
    goss_images *none;
    T_ERR(goss_model_open_images(back, scratch("nothing"), NULL, &none, &err), GOSS_E_ARGUMENT, "kind \"waves\"");
    goss_model_free(m), goss_model_free(back);
}

TEST(a_condition_that_the_data_has_not_is_refused) {
    goss_task_source source = wave_source("regression", true);
    source.spec.ids = 0, source.spec.descriptor = 0;
    goss_data_spec data = goss_data_spec_tasks("waves", &source.spec);
    static const char *const cases[][2] = {{"hyper.condition=id", "have no ids"},
                                           {"hyper.condition=support, descriptor", "data.descriptor"},
                                           {"hyper.condition=ids", "\"ids\" is none of support, id"},
                                           {"hyper.condition=,", "is empty"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n;
        goss_config *c;
        goss_model *m;
        const goss_key *keys = goss_model_keys(&n);
        T_OK(goss_config_new(keys, n, &c, &err));
        T_OK(goss_config_set(c, "model.backbone", "dense 6; tanh", &err));
        goss_status s = goss_config_override(c, cases[i][0], &err);
        if (s == GOSS_OK) s = goss_model_create("hypernet", c, &data, 3, &m, &err);
        if (s != GOSS_E_ARGUMENT || !strstr(err.text, cases[i][1]))
            T_FAIL("%s: \"%s\" does not say \"%s\"", cases[i][0], s == GOSS_OK ? "accepted" : err.text, cases[i][1]);
        goss_config_free(c);
    }
}

/* What the method says of the queries of task k, in the user's units or as probabilities, by the program that
 * judges. */
static void outputs_of(const goss_model *m, const goss_task_source *source, uint64_t k, float *out) {
    goss_graph *g = goss_graph_new();
    goss_task_batch b = goss_task_batch_declare(g, &source->spec, 1);
    goss_val y =
        source->spec.objective->answer(source->spec.objective, goss_method_outputs(goss_model_method(m), g, &b, 0));
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    goss__task_pack pack;
    T_OK(goss_compile(g, &y, 1, NULL, 0, NULL, &program, &err));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, program, &err));
    T_OK(goss_threads_new(1, &threads, &err));
    T_OK(goss_exec_new(program, params, threads, &exec, &err));
    T_OK(goss_model_store(m, params, &err));
    T_OK(goss__task_pack_init(&pack, 1, &source->spec, NULL, &err));
    goss__task_pack_draw(&pack, source, k, 1);
    pack.task[0] = 0;
    T_OK(goss__task_pack_bind(&pack, exec, &err));
    T_OK(goss_exec_run(exec, &err));
    for (int i = 0; i < WAVE_QUERY * source->spec.outputs; i++) {
        out[i] = ((const float *)goss_exec_output(exec, 0, NULL))[i];
        if (source->spec.scale.mean) out[i] = out[i] * *source->spec.scale.deviation + *source->spec.scale.mean;
    }
    goss__task_pack_free(&pack);
    goss_exec_free(exec), goss_threads_free(threads), goss_params_free(params), goss_schedule_free(program);
    goss_graph_free(g);
}

/* Adapting writes what judging would have said; the file gives it again, and so does a predictor of the model. */
static void check_adapted(const char *objective, const char *method, const char *const *more) {
    goss_task_source source = wave_source(objective, true);
    goss_model *m = wave_model(objective, method, more);
    goss_network *net, *back;
    goss_predictor *p;
    float x[2 * WAVE_QUERY], target[WAVE_QUERY], weight[WAVE_QUERY], s[2 * WAVE_SUPPORT], y[WAVE_SUPPORT], d[1];
    float want[2 * WAVE_QUERY], got[2 * WAVE_QUERY];
    goss_task task = {
        .support = s, .support_target = y, .query = x, .query_target = target, .query_weight = weight, .descriptor = d};
    T_OK(goss_predictor_of_model(m, &source.spec, NULL, &p, &err));
    T_ERR(goss_predictor_predict(p, x, 1, got, NULL, &err), GOSS_E_ARGUMENT, "not been adapted");
    for (uint64_t k = 3; k < 6; k++) { /* a numbered task, and new ones */
        source.draw(&source, k, &task);
        outputs_of(m, &source, k, want);
        T_OK(goss_model_adapt_task(m, &source, k, NULL, NULL, &net, &err));
        T_OK(goss_network_save(net, scratch("net.safetensors"), &err));
        T_OK(goss_network_load(scratch("net.safetensors"), &back, &err));
        T_EQ(goss_network_outputs(back), source.spec.outputs);
        T_EQ(goss_network_classes(back), source.spec.outputs == 2 ? 2 : 0);
        T_STR(goss_network_output_name(back, 0), source.spec.outputs == 2 ? "no" : "height");
        T_OK(goss_network_predict(back, x, WAVE_QUERY, got, NULL, NULL, &err));
        for (int i = 0; i < WAVE_QUERY * source.spec.outputs; i++) T_NEAR(got[i], want[i], 2e-5);
        uint64_t before = goss__alloc_count();
        T_OK(goss_predictor_adapt(p, &source, k, &err));
        T_OK(goss_predictor_predict(p, x, WAVE_QUERY, got, NULL, &err));
        T_EQ(goss__alloc_count(), before);
        for (int i = 0; i < WAVE_QUERY * source.spec.outputs; i++) T_NEAR(got[i], want[i], 2e-5);
        goss_network_free(net), goss_network_free(back);
    }
    goss_predictor_free(p);
    goss_model_free(m);
}

TEST(networks_say_what_their_method_says) {
    static const char *const all[] = {"hyper.condition=support, id, descriptor", NULL};
    static const char *const ridge[] = {"method.ridge_head=true", NULL};
    check_adapted("regression", "hypernet", NULL);
    check_adapted("regression", "hypernet", all);
    check_adapted("regression", "hypernet", ridge);
    check_adapted("regression", "ridge", NULL);
    check_adapted("regression", "maml", NULL);
    check_adapted("huber", "joint", NULL);
    check_adapted("classification", "hypernet", all);
    check_adapted("classification", "finetune", NULL);
}

TEST(an_ensemble_tells_how_far_its_members_disagree) {
    static const char *const noise[] = {"hyper.condition=support, noise", "hyper.noise=4", "method.networks=5", NULL};
    goss_task_source source = wave_source("regression", true);
    goss_model *m = wave_model("regression", "hypernet", noise);
    goss_network *net;
    float x[] = {1, -0.5f}, all, doubt;
    T_OK(goss_model_adapt_task(m, &source, 7, NULL, NULL, &net, &err));
    T_EQ(goss_network_members(net), 5);
    T_OK(goss_network_predict(net, x, 1, &all, &doubt, NULL, &err));
    T_CHECK(doubt > 1e-4f && doubt < 10);
    goss_network_free(net);
    goss_model_free(m);
}

TEST(tasks_of_another_kind_are_refused_by_number) {
    goss_task_source source = wave_source("regression", true), other = wave_source("classification", true);
    goss_model *m = wave_model("regression", "ridge", NULL);
    goss_network *net;
    T_ERR(goss_model_adapt_task(m, &other, 0, NULL, NULL, &net, &err), GOSS_E_ARGUMENT, "classification");
    source.spec.input[0] = 3;
    T_ERR(goss_model_adapt_task(m, &source, 0, NULL, NULL, &net, &err), GOSS_E_ARGUMENT, "tasks of 3 inputs");
    T_CHECK(net == NULL);
    static const char *const by_input[] = {"hyper.condition=input", NULL};
    goss_model *each = wave_model("regression", "hypernet", by_input);
    source = wave_source("regression", true);
    T_ERR(goss_model_adapt_task(each, &source, 0, NULL, NULL, &net, &err), GOSS_E_UNSUPPORTED, "every row");
    goss_model_free(m), goss_model_free(each);
}

TEST_MAIN()
