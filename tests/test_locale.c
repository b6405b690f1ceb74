/* SPDX-License-Identifier: Apache-2.0 */
/* The library in a host program that has set a locale: what is read, computed and written is the same, bit for bit. */
#include <sys/stat.h>

#include "base/number.h"
#include "base/str.h"
#include "gossamer/evaluate.h"
#include "gossamer/log.h"
#include "gossamer/train.h"
#include "locales.h"
#include "test.h"
#include "tiny_set.h"

static goss_error err;

/* The locale does what the tests are about: or they would show nothing. */
TEST(the_locales_are_what_they_should_be) {
    for (int i = 0; i < TEST_LOCALES; i++) {
        char text[32];
        if (!test_locale_set(i)) T_SKIP("%s cannot be made: no localedef or no sources", test_locales[i].name);
        snprintf(text, sizeof text, "%.1f", 0.5);
        test_locale_reset();
        T_STR(text, "0,5");
    }
}

TEST(numbers_and_texts_ignore_the_locale) {
    const goss_status bad = GOSS_E_ARGUMENT;
    for (int i = 0; i < TEST_LOCALES; i++) {
        if (!test_locale_set(i)) T_SKIP("%s cannot be made", test_locales[i].name);
        char number[GOSS__NUMBER_TEXT], host[32];
        double back = 0, list[3] = {0};
        goss__str s = {0};
        goss__number_print(0.25, number);
        bool parsed = goss__number_parse("1.5e3", &back), comma = goss__number_parse("1,5", &back);
        int n = goss__numbers_parse("0.5, 0.75 0.9", list, 3);
        goss__str_addf(&s, "%.3f %g", 1234.5, 0.5);
        (void)goss_error_set(&err, bad, "%g", 0.125);
        (void)goss_error_prefix(&err, bad, "%.1f", 2.5);
        bool ends = !goss__ascii_ends("gif", ".gif") && goss__ascii_ends("IMAGE.GIF", ".gif");
        bool same = goss__ascii_same("FILE", "file") && !goss__ascii_same("file", "files");
        char low = goss__ascii_lower('I');
        snprintf(host, sizeof host, "%.1f", 0.5); /* the host's own locale is as it was */
        test_locale_reset();
        T_STR(number, "0.25");
        T_CHECK(parsed && back == 1500 && !comma);
        T_EQ(n, 3);
        T_CHECK(list[0] == 0.5 && list[1] == 0.75 && list[2] == 0.9);
        T_STR(s.data, "1234.500 0.5");
        T_STR(err.text, "2.5: 0.125");
        T_CHECK(ends && same && low == 'i');
        T_STR(host, "0,5");
        goss__str_free(&s);
    }
}

static void on_line(void *context, goss_log_level level, const char *line) {
    goss__str_add(context, line);
    goss__str_add(context, "\n");
}

/* Trains, loads, judges and adapts; false with err set where something fails. */
static bool work(const char *dir) {
    static const char *const settings[] = {"data.height=8",
                                           "data.width=8",
                                           "data.invert=no",
                                           "data.hold_out=0.3",
                                           "model.backbone=conv 4 3 pad 1; norm batch; relu; flatten; dropout 0.25",
                                           "train.steps=12",
                                           "train.ways=5",
                                           "train.queries=3",
                                           "train.augment=0.5",
                                           "validate.every=6",
                                           "validate.episodes=10",
                                           "validate.ways=3",
                                           "validate.queries=3",
                                           "train.log_every=3",
                                           "run.threads=1",
                                           "optimizer.rate=0.01",
                                           "optimizer.schedule=step",
                                           "optimizer.at=0.5, 0.75",
                                           "optimizer.rates=hyper.*=0.5",
                                           "hyper.rules=head=class; norm1.*=film; *=shared",
                                           NULL};
    int n;
    goss_config *c;
    goss_model *m = NULL;
    goss_images *set = NULL;
    goss_network *net = NULL;
    const goss_key *keys = goss_train_keys(&n);
    char pair[400], path[300];
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return false;
    goss_status s = GOSS_OK;
    for (int i = 0; settings[i] && s == GOSS_OK; i++) s = goss_config_override(c, settings[i], &err);
    snprintf(pair, sizeof pair, "data.path=%s", tiny_set());
    if (s == GOSS_OK) s = goss_config_override(c, pair, &err);
    snprintf(pair, sizeof pair, "run.dir=%s", tiny_path(dir));
    if (s == GOSS_OK) s = goss_config_override(c, pair, &err);
    const goss_train_options o = {.profile_steps = 1};
    if (s == GOSS_OK) s = goss_train(c, &o, NULL, &err);
    snprintf(path, sizeof path, "%s/model.safetensors", tiny_path(dir));
    if (s == GOSS_OK) s = goss_model_load(path, &m, &err);
    if (s == GOSS_OK) s = goss_model_open_images(m, tiny_set(), NULL, &set, &err);
    if (s == GOSS_OK) s = goss_model_adapt(m, set, NULL, &net, &err);
    snprintf(path, sizeof path, "%s/net.safetensors", tiny_path(dir));
    if (s == GOSS_OK) s = goss_network_save(net, path, &err);
    if (s == GOSS_OK) goss_network_free(net), net = NULL;
    if (s == GOSS_OK) s = goss_network_load(path, &net, &err);
    goss_network_free(net);
    goss_images_close(set);
    goss_model_free(m);
    goss_config_free(c);
    return s == GOSS_OK;
}

/* A word "12,5" in a text: a number of the host's locale. */
static const char *decimal_comma(const char *text) {
    static const char digits[] = "0123456789", between[] = " \t\n:";
    for (; *text; text += strcspn(text, between), text += strspn(text, between)) {
        size_t n = strspn(text, digits), m = text[n] == ',' ? strspn(text + n + 1, digits) : 0;
        if (n && m && strchr(" \t\n,}", text[n + 1 + m])) return text;
    }
    return NULL;
}

static bool same(const char *dir, const char *name) {
    char a[100], b[100];
    snprintf(a, sizeof a, "C/%s", name), snprintf(b, sizeof b, "%s/%s", dir, name);
    return tiny_same_files(tiny_path(a), tiny_path(b));
}

TEST(a_whole_run_is_the_same_in_every_locale) {
    goss__str log = {0};
    if (!work("C")) T_FAIL("%s", err.text);
    for (int i = 0; i < TEST_LOCALES; i++) {
        if (!test_locale_set(i)) T_SKIP("%s cannot be made", test_locales[i].name);
        log.size = 0;
        goss_log_set(on_line, &log);
        bool done = work(test_locales[i].name);
        goss_log_set(NULL, NULL);
        test_locale_reset();
        if (!done) T_FAIL("%s: %s", test_locales[i].name, err.text);
        if (!same(test_locales[i].name, "model.safetensors")) T_FAIL("%s: another model", test_locales[i].name);
        if (!same(test_locales[i].name, "net.safetensors")) T_FAIL("%s: another network", test_locales[i].name);
        size_t size = 0;
        static const char *const files[] = {"config.ini", "metrics.jsonl", "profile.txt", "profile.json"};
        for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
            char name[100];
            snprintf(name, sizeof name, "%s/%s", test_locales[i].name, files[k]);
            char *text = tiny_read(tiny_path(name), &size);
            if (!text) T_FAIL("%s is not there", name);
            const char *comma = decimal_comma(text);
            if (comma) T_FAIL("%s: a decimal comma: %.20s", name, comma);
            free(text);
        }
        if (!log.data || !strstr(log.data, " mean square")) T_FAIL("%s: no doctor's table", test_locales[i].name);
        const char *comma = decimal_comma(log.data);
        if (comma) T_FAIL("%s: a decimal comma in the log: %.20s", test_locales[i].name, comma);
    }
    goss__str_free(&log);
}

TEST_MAIN()
