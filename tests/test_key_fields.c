/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that keys of a run's configuration are bound to: each holds what its key admits, words become enumerators,
 * defaults are those of the options' own structs. */
#include "base/number.h"
#include "gossamer/model.h"
#include "meta/settings.h"
#include "test.h"
#include "tiny_run.h"
#include "train/run.h"

/* A key that nothing is bound to would be accepted and ignored. Fields hold all that keys admit: their ends, both. */
TEST(every_key_has_a_field_that_holds_its_range) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++) {
        const goss_key *k = &keys[i];
        char at_least[GOSS__NUMBER_TEXT], at_most[GOSS__NUMBER_TEXT];
        if (k->field.type == GOSS_FIELD_NONE && !k->read) T_FAIL("%s is bound to nothing", k->name);
        if (k->type != GOSS_KEY_INT || !(k->min < k->max)) continue;
        int64_t least = -1, most = -1;
        goss_key wide = *k, own = *k;
        union {
            int i;
            int64_t i64;
            uint64_t u64;
        } value = {.i64 = 0};
        wide.field = (goss_field){GOSS_FIELD_INT64, 0}, own.field.at = 0;
        goss__number_print(k->min, at_least), goss__number_print(k->max, at_most);
        T_OK(goss_key_parse(&wide, at_least, &least, &err));
        T_OK(goss_key_parse(&wide, at_most, &most, &err));
        T_OK(goss_key_parse(&own, at_least, &value, &err));
        T_EQ(own.field.type == GOSS_FIELD_INT ? value.i : value.i64, least);
        T_OK(goss_key_parse(&own, at_most, &value, &err));
        T_EQ(own.field.type == GOSS_FIELD_INT ? value.i : value.i64, most);
    }
}

/* Words are bound to enumerations in the order of the choices. */
TEST(words_become_the_enumerators_of_their_names) {
    static const struct {
        const char *setting;
        unsigned at[3];
    } cases[] = {{"data.kind=arrays", {GOSS__DATA_ARRAYS, GOSS_INVERT_AUTO, GOSS_ADAMW}},
                 {"data.invert=no", {GOSS__DATA_AUTO, GOSS_INVERT_NO, GOSS_ADAMW}},
                 {"optimizer.kind=sgd", {GOSS__DATA_AUTO, GOSS_INVERT_AUTO, GOSS_SGD}}};
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_config *c;
        goss__run_settings s;
        T_OK(goss_config_new(keys, n, &c, &err));
        T_OK(goss_config_override(c, cases[i].setting, &err));
        T_OK(goss__run_settings_read(c, &s, &err));
        T_EQ(s.data.kind, cases[i].at[0]);
        T_EQ(s.images.invert, cases[i].at[1]);
        T_EQ(s.optimizer.kind, cases[i].at[2]);
        goss_config_free(c);
    }
}

/* What a program gets from the options' own defaults is what a configuration says where it says nothing. */
TEST(defaults_of_keys_are_those_of_the_structs) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    goss_config *c;
    goss__run_settings run;
    goss__method_settings method;
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss__run_settings_read(c, &run, &err));
    T_OK(goss__method_settings_read(c, &method, &err));
    const goss_method_options m = goss_method_defaults();
    const goss_hyper_options h = goss_hyper_defaults();
    const goss_rate_schedule r = goss_rate_defaults();
    const goss_table_data_options t = goss_table_data_defaults();
    T_CHECK(method.method.inner_steps == m.inner_steps && method.method.ridge == m.ridge &&
            method.method.penalty == m.penalty && method.method.norm == m.norm);
    T_CHECK(method.hyper.conditioner == h.conditioner && method.hyper.combine == h.combine &&
            method.hyper.hidden == h.hidden && method.hyper.embedding == h.embedding && method.hyper.alpha == h.alpha &&
            method.hyper.layer_embedding == h.layer_embedding && method.hyper.chunk == h.chunk &&
            method.hyper.attention == h.attention && method.hyper.class_hidden == h.class_hidden &&
            method.hyper.class_delta == h.class_delta && method.hyper.class_scale == h.class_scale);
    T_CHECK(run.rate.kind == r.kind && run.rate.base == r.base && run.rate.warmup == r.warmup &&
            run.rate.factor == r.factor && run.rate.patience == r.patience);
    T_CHECK(run.table.support == t.support && run.table.queries == t.queries && run.table.thin == t.thin &&
            run.table.any == t.any && run.table.hold_out == t.hold_out);
    goss_config_free(c);
}

/* One extent given, the other the images' own. */
TEST(an_extent_of_0_is_the_images_own) {
    static const struct {
        const char *height, *width;
        int h, w;
    } cases[] = {{"0", "5", 8, 5}, {"5", "0", 5, 8}, {"0", "0", 8, 8}, {"4", "6", 4, 6}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char h[40], w[40], dir[40];
        snprintf(h, sizeof h, "data.height=%s", cases[i].height),
            snprintf(w, sizeof w, "data.width=%s", cases[i].width);
        snprintf(dir, sizeof dir, "extent%zu", i);
        T_OK(train(dir, (const char *const[]){h, w, "train.steps=2", "validate.every=0", NULL}, NULL, NULL));
        goss_model *m;
        T_OK(goss_model_load(model_of(dir), &m, &err));
        goss_image_format f = goss_model_image(m);
        goss_model_free(m);
        T_EQ(f.height, cases[i].h);
        T_EQ(f.width, cases[i].w);
    }
}

TEST_MAIN()
