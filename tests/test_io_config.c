/* Configurations: types, ranges, places in errors, and the way back to a file. */
#include <unistd.h>

#include "base/os.h"
#include "gossamer/config.h"
#include "io/metrics.h"
#include "base/alloc.h"
#include "test.h"

static goss_error err;

static const goss_key keys[] = {
    {"data.path", GOSS_KEY_TEXT, "", 0, 0, NULL, "Folder or .zip"},
    {"train.steps", GOSS_KEY_INT, "1000", 1, 1e9, NULL, "Optimiser steps"},
    {"train.rate", GOSS_KEY_REAL, "0.001", 0, 10, NULL, "Learning rate"},
    {"train.method", GOSS_KEY_TEXT, "hypernet", 0, 0, "hypernet|maml", "Method"},
    {"train.augment", GOSS_KEY_BOOL, "true", 0, 0, NULL, "Augmentation"},
    {"model.backbone", GOSS_KEY_TEXT, "conv4 64", 0, 0, NULL, "Network"},
};

static goss_config *make(void) {
    goss_config *c;
    return goss_config_new(keys, 6, &c, &err) == GOSS_OK ? c : NULL;
}

TEST(defaults_files_and_overrides) {
    goss_config *c = make();
    T_EQ(goss_config_int(c, "train.steps"), 1000);
    T_OK(goss_config_parse(c, "[train]\nsteps = 7\n; note\nrate=1e-4\naugment = off\n[data]\npath = a b.zip\n", "run.ini", &err));
    T_OK(goss_config_override(c, "train.method=maml", &err));
    T_EQ(goss_config_int(c, "train.steps"), 7);
    T_CHECK(goss_config_real(c, "train.rate") == 1e-4);
    T_CHECK(!goss_config_bool(c, "train.augment"));
    T_STR(goss_config_text(c, "data.path"), "a b.zip");
    T_STR(goss_config_text(c, "train.method"), "maml");
    T_CHECK(goss_config_is_set(c, "train.rate") && !goss_config_is_set(c, "model.backbone"));
    goss_config_free(c);
}

TEST(errors_say_where_and_what) {
    goss_config *c = make();
    T_ERR(goss_config_parse(c, "\n[train]\nsteps = 3.5\n", "run.ini", &err), GOSS_E_ARGUMENT,
          "run.ini:3: [train] steps: 3.5 is not an integer");
    T_ERR(goss_config_parse(c, "[train]\nstep = 3\n", "run.ini", &err), GOSS_E_ARGUMENT,
          "run.ini:2: there is no key train.step; did you mean train.steps?");
    T_ERR(goss_config_parse(c, "[train]\nsteps = 0\n", "run.ini", &err), GOSS_E_ARGUMENT, "0 is outside 1 .. 1e+09");
    T_ERR(goss_config_parse(c, "[train]\nsteps = many\n", "run.ini", &err), GOSS_E_ARGUMENT, "\"many\" is not a number");
    T_ERR(goss_config_parse(c, "[train]\nrate = nan\n", "run.ini", &err), GOSS_E_ARGUMENT, "is not a number");
    T_ERR(goss_config_parse(c, "[train]\nmethod = mam\n", "run.ini", &err), GOSS_E_ARGUMENT, "none of hypernet|maml");
    T_ERR(goss_config_parse(c, "[train]\naugment = maybe\n", "run.ini", &err), GOSS_E_ARGUMENT, "not true or false");
    T_ERR(goss_config_parse(c, "[train]\nsteps = 1\nsteps = 2\n", "run.ini", &err), GOSS_E_ARGUMENT, "run.ini:3");
    T_ERR(goss_config_parse(c, "[train\nsteps = 1\n", "run.ini", &err), GOSS_E_FORMAT, "run.ini:1: neither a [section]");
    T_ERR(goss_config_parse(c, "nonsense\n", "run.ini", &err), GOSS_E_FORMAT, "run.ini:1");
    T_ERR(goss_config_override(c, "train.steps", &err), GOSS_E_ARGUMENT, "section.key=value");
    T_ERR(goss_config_override(c, "train.steps=x", &err), GOSS_E_ARGUMENT, "train.steps: \"x\" is not a number");
    T_ERR(goss_config_override(c, "quux.zzzzzzzzz=1", &err), GOSS_E_ARGUMENT, "there is no key quux.zzzzzzzzz");
    T_ERR(goss_config_read(c, "/nonexistent.ini", &err), GOSS_E_IO, "/nonexistent.ini");
    goss_config_free(c);
}

TEST(written_and_read_again_is_the_same) {
    goss_config *c = make(), *d = make();
    T_OK(goss_config_override(c, "train.rate=0.1234567890123", &err));
    T_OK(goss_config_override(c, "model.backbone=conv 64 3\nrelu\nhead", &err));
    char *text = goss_config_write(c);
    T_CHECK(text && strstr(text, "# Learning rate"));
    T_OK(goss_config_parse(d, text, "written", &err));
    T_CHECK(goss_config_real(c, "train.rate") == goss_config_real(d, "train.rate"));
    T_STR(goss_config_text(d, "model.backbone"), "conv 64 3\nrelu\nhead");
    goss_config_text_free(text);
    goss_config_free(c), goss_config_free(d);
}

TEST(metrics_survive_a_kill) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/goss-metrics-%ld.jsonl", (long)getpid());
    goss__metrics *m;
    T_OK(goss__metrics_open(path, -1, &m, &err));
    for (int i = 0; i < 4; i++) {
        goss__metrics_begin(m, i);
        goss__metrics_number(m, "loss", i == 2 ? NAN : 0.5 * i);
        T_OK(goss__metrics_end(m, &err));
    }
    goss__metrics_close(m);
    FILE *f = fopen(path, "a");
    fputs("{\"step\":4,\"lo", f);
    fclose(f);
    T_OK(goss__metrics_open(path, 2, &m, &err));
    goss__metrics_close(m);
    char *text;
    size_t size;
    T_OK(goss__read_file(path, 1 << 20, &text, &size, &err));
    T_STR(text, "{\"step\":0,\"loss\":0.0}\n{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":null}\n");
    goss__free(text);
    unlink(path);
}

TEST_MAIN()
