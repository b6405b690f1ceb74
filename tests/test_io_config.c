/* SPDX-License-Identifier: Apache-2.0 */
/* test_io_config.c: configurations: types, ranges, places in errors, the dialect of INI, and the way back to a file. */

#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "gossamer/config.h"
#include "io/ini.h"
#include "io/key_row.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

/* What the keys below are bound to. */
typedef enum method { HYPERNET, MAML } method;
typedef struct settings {
    const char *path, *backbone, *untouched;
    int steps;
    int64_t offset;
    double rate;
    float minutes;
    bool augment;
    method method;
    int low, high;
} settings;

/* "3..10" */
static goss_status read_range(const char *text, void *out, goss_error *e) {
    settings *s = out;
    int low, high;
    char end;
    if (sscanf(text, "%d..%d%c", &low, &high, &end) != 2)
        return goss_error_set(e, GOSS_E_ARGUMENT, "\"%s\" is no range, as 3..10", text);
    if (s) s->low = low, s->high = high;
    return GOSS_OK;
}

#define GOSS__SETTINGS settings
static const goss_key keys[] = {
    {.name = "data.path",
     .type = GOSS_KEY_TEXT,
     .fallback = "",
     .doc = "Folder or .zip",
     .field = {GOSS_FIELD(GOSS__SETTINGS, path)},
     .also = "data.folder,data.directory"},
    GOSS__KEY_INT("train.steps", steps, "1000", 1, 1e9, NULL, "Optimiser steps"),
    GOSS__KEY_REAL("train.rate", rate, "0.001", 0, 10, NULL, "Learning rate"),
    GOSS__KEY_WORD("train.method", method, "hypernet", "hypernet|maml", "Method"),
    GOSS__KEY_BOOL("train.augment", augment, "true", "Augmentation"),
    GOSS__KEY_REAL("train.minutes", minutes, "0", 0, INFINITY, "minutes", "Time limit"),
    GOSS__KEY_INT("train.offset", offset, "0", 0, 0, NULL, "Any integer"),
    GOSS__KEY_TEXT("model.backbone", backbone, "conv4 64", "Network"),
    GOSS__KEY_FORM("model.range", read_range, "1..2", NULL, "A range"),
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static goss_config *make(void) {
    goss_config *c;
    return goss_config_new(keys, N_KEYS, &c, &err) == GOSS_OK ? c : NULL;
}

TEST(defaults_files_and_overrides) {
    goss_config *c = make();
    T_EQ(goss_config_int(c, "train.steps"), 1000);
    T_OK(goss_config_parse(
        c, "[train]\nsteps = 7\n; note\n# note\nrate=1e-4 ; why\naugment = off\n[data]\npath = a b.zip\n", "run.ini",
        &err));
    T_OK(goss_config_override(c, "train.method=maml", &err));
    T_OK(goss_config_override(c, "data.path=x=y ;z", &err));
    T_EQ(goss_config_int(c, "train.steps"), 7);
    T_CHECK(goss_config_real(c, "train.rate") == 1e-4);
    T_CHECK(!goss_config_bool(c, "train.augment"));
    T_STR(goss_config_text(c, "data.path"), "x=y ;z");
    T_STR(goss_config_text(c, "train.method"), "maml");
    T_OK(goss_config_override(c, "train.method= maml\t", &err)); /* blanks around a word or a number say nothing */
    T_STR(goss_config_text(c, "train.method"), "maml");
    T_OK(goss_config_override(c, "train.steps= 7 ", &err));
    T_EQ(goss_config_int(c, "train.steps"), 7);
    T_OK(goss_config_override(c, "train.augment=True", &err));
    T_CHECK(goss_config_bool(c, "train.augment"));
    T_OK(goss_config_override(c, "train.augment=OFF ", &err));
    T_OK(goss_config_override(c, "data.path= a ", &err)); /* a path's are its own */
    T_STR(goss_config_text(c, "data.path"), " a ");
    T_OK(goss_config_override(c, "data.path=x=y ;z", &err));
    T_CHECK(goss_config_is_set(c, "train.rate") && !goss_config_is_set(c, "model.backbone"));
    T_OK(goss_config_parse(c, "[train]\nsteps = 8\n", "over it", &err)); /* a second file over the first */
    T_EQ(goss_config_int(c, "train.steps"), 8);
    goss_config_free(c);
    goss_config_free(NULL);
}

typedef struct bad {
    const char *text;
    goss_status status;
    const char *says;
} bad;

static const bad bad_files[] = {
    {"\n[train]\nsteps = 3.5\n", GOSS_E_ARGUMENT, "run.ini:3: [train] steps: 3.5 is not an integer"},
    {"[train]\nsteps = 3 # why\n", GOSS_E_ARGUMENT, "a remark behind a value begins with \" ;\""},
    {"[train]\nstep = 3\n", GOSS_E_ARGUMENT, "run.ini:2: there is no key train.step; did you mean train.steps?"},
    {"[data]\nsteps = 3\n", GOSS_E_ARGUMENT, "there is no key data.steps; did you mean train.steps?"},
    {"[quux]\nzzzzzz = 3\n", GOSS_E_ARGUMENT, "there is no key quux.zzzzzz"},
    {"[train]\nsteps = 0\n", GOSS_E_ARGUMENT, "run.ini:2: [train] steps: 0 is not from 1 to 1000000000"},
    {"[train]\nminutes = -1\n", GOSS_E_ARGUMENT, "-1 is not at least 0"},
    {"[train]\nsteps = many\n", GOSS_E_ARGUMENT, "\"many\" is not a number"},
    {"[train]\nsteps =\n", GOSS_E_ARGUMENT, "\"\" is not a number"},
    {"[train]\nsteps = 1 2\n", GOSS_E_ARGUMENT, "\"1 2\" is not a number"},
    {"[train]\nsteps = 0x10\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\noffset = 1e300\n", GOSS_E_ARGUMENT, "1e300 is too large"},
    {"[train]\nrate = nan\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\nrate = inf\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\nrate = 1e999\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\nrate = 1,5\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\nrate = 1e\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\nrate = .\n", GOSS_E_ARGUMENT, "is not a number"},
    {"[train]\nmethod = mam\n", GOSS_E_ARGUMENT, "\"mam\" is none of hypernet|maml"},
    {"[train]\nmethod = hypernet|maml\n", GOSS_E_ARGUMENT, "none of hypernet|maml"},
    {"\n[model]\nrange = 3-4\n", GOSS_E_ARGUMENT, "run.ini:3: [model] range: \"3-4\" is no range, as 3..10"},
    {"[train]\naugment = maybe\n", GOSS_E_ARGUMENT, "\"maybe\" is not true or false"},
    {"[train]\nsteps = 1\n\nsteps = 2\n", GOSS_E_ARGUMENT,
     "run.ini:4: [train] steps: the key stands in line 2 already"},
    {"[data]\npath = a\npath = b\n", GOSS_E_ARGUMENT, "run.ini:3: [data] path: the key stands in line 2 already"},
    {"[train]\nsteps = 1\n  2\n", GOSS_E_ARGUMENT, "run.ini:2: [train] steps: only a text goes on"},
    {"[train\nsteps = 1\n", GOSS_E_FORMAT, "run.ini:1: a section is written"},
    {"[train] x\nsteps = 1\n", GOSS_E_FORMAT, "run.ini:1: a section is written"},
    {"[ ]\n", GOSS_E_FORMAT, "run.ini:1: the section has no name"},
    {"nonsense\n", GOSS_E_FORMAT, "run.ini:1: neither a [section] nor"},
    {"[train]\n= 3\n", GOSS_E_FORMAT, "run.ini:2: neither a [section] nor"},
    {"steps = 3\n", GOSS_E_FORMAT, "run.ini:1: a key before the first [section]"},
    {"[data]\npath = \"abc\n", GOSS_E_FORMAT, "run.ini:2: the closing quote is missing"},
    {"[data]\npath = \"abc\\\"\n", GOSS_E_FORMAT, "the closing quote is missing"},
    {"[data]\npath = \"abc\\\n", GOSS_E_FORMAT, "a backslash in quotes must"},
    {"[data]\npath = \"a\\qc\"\n", GOSS_E_FORMAT, "a backslash in quotes must"},
    {"[data]\npath = \"abc\" d\n", GOSS_E_FORMAT, "text after the closing quote"},
    /* the first error is the one that is told, wherever the parser would meet it */
    {"[train]\nsteps = x\nnonsense\n", GOSS_E_ARGUMENT, "run.ini:2: [train] steps"},
    {"[train]\nnonsense\nsteps = x\n", GOSS_E_FORMAT, "run.ini:2: neither"},
};

TEST(errors_say_where_and_what) {
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        goss_config *c = make();
        goss_status s = goss_config_parse(c, bad_files[i].text, "run.ini", &err);
        if (s != bad_files[i].status || !strstr(err.text, bad_files[i].says))
            T_FAIL("case %zu: \"%s\" does not say \"%s\"", i, s ? err.text : "(accepted)", bad_files[i].says);
        goss_config_free(c);
    }
}

TEST(overrides_say_what) {
    goss_config *c = make();
    T_ERR(goss_config_override(c, "train.steps", &err), GOSS_E_ARGUMENT, "section.key=value");
    T_ERR(goss_config_override(c, "=3", &err), GOSS_E_ARGUMENT, "section.key=value");
    T_ERR(goss_config_override(c, "train.steps=x", &err), GOSS_E_ARGUMENT, "train.steps: \"x\" is not a number");
    T_ERR(goss_config_override(c, "quux.zzzzzzzzz=1", &err), GOSS_E_ARGUMENT, "there is no key quux.zzzzzzzzz");
    T_ERR(goss_config_override(c, "steps=1", &err), GOSS_E_ARGUMENT, "there is no key steps");
    T_ERR(goss_config_override(c, "data.folder=x", &err), GOSS_E_ARGUMENT, "did you mean data.path?"); /* also */
    char longer[1000];
    memset(longer, 'k', sizeof longer);
    strcpy(longer + 900, "=1");
    T_ERR(goss_config_override(c, longer, &err), GOSS_E_ARGUMENT, "section.key=value");
    T_EQ(goss_config_int(c, "train.steps"), 1000);
    T_CHECK(!goss_config_is_set(c, "train.steps"));
    goss_config_free(c);
}

TEST(keys_are_bound_to_a_struct_once) {
    goss_config *c = make();
    settings s = {.untouched = "as it was", .low = -1};
    T_OK(goss_config_parse(c,
                           "[train]\nsteps = 7\nmethod = maml\naugment = no\nminutes = 1.5\noffset=-9e9\n[model]\n"
                           "range = 3..10\n",
                           "run.ini", &err));
    T_OK(goss_config_bind(c, keys, N_KEYS, &s, &err));
    T_EQ(s.steps, 7);
    T_EQ(s.method, MAML);
    T_CHECK(!s.augment && s.minutes == 1.5f && s.rate == 0.001);
    T_CHECK(s.offset == -9000000000);
    T_STR(s.backbone, "conv4 64");
    T_STR(s.path, "");
    T_STR(s.untouched, "as it was");
    T_EQ(s.low, 3);
    T_EQ(s.high, 10);
    T_OK(goss_config_set(c, "train.method", "hypernet", &err));
    T_OK(goss_config_bind(c, keys + 3, 1, &s, &err)); /* some of the keys, as a part of a program binds its own */
    T_EQ(s.method, HYPERNET);
    T_EQ(s.steps, 7);
    goss_config_free(c);
}

TEST(one_value_is_parsed_as_its_key_says) {
    int steps = 0;
    goss_key key = keys[1];
    key.field.at = 0;
    T_OK(goss_key_parse(&key, "12", &steps, &err));
    T_EQ(steps, 12);
    T_ERR(goss_key_parse(&key, "0", &steps, &err), GOSS_E_ARGUMENT, "0 is not from 1 to 1000000000");
    T_EQ(steps, 12);
}

TEST(a_bad_default_is_told) {
    const goss_key key = {.name = "a.b", .type = GOSS_KEY_INT, .fallback = "x", .doc = "doc"};
    goss_config *c;
    T_ERR(goss_config_new(&key, 1, &c, &err), GOSS_E_ARGUMENT, "default of a.b: \"x\" is not a number");
    T_CHECK(!c);
}

TEST(files_are_read_whole_or_refused) {
    goss_config *c = make();
    T_ERR(goss_config_read(c, scratch("absent.ini"), &err), GOSS_E_IO, "absent.ini: cannot open");
    T_OK(goss__write_file(scratch("nul.ini"), "[train]\nsteps=3\n\0", 17, &err));
    T_ERR(goss_config_read(c, scratch("nul.ini"), &err), GOSS_E_FORMAT, "nul.ini: is not a text file");
    T_OK(goss__write_file(scratch("dos.ini"), "\xef\xbb\xbf[train]\r\nsteps=3\r\n", 21, &err));
    T_OK(goss_config_read(c, scratch("dos.ini"), &err));
    T_EQ(goss_config_int(c, "train.steps"), 3);
    T_OK(goss__write_file(scratch("bad.ini"), "[train]\nsteps=x", 15, &err));
    T_ERR(goss_config_read(c, scratch("bad.ini"), &err), GOSS_E_ARGUMENT, "bad.ini:2: [train] steps");
    goss_config_free(c);
}

TEST(texts_go_on_in_indented_lines) {
    goss_config *c = make();
    T_OK(goss_config_parse(c,
                           "[model]\nbackbone = conv 64 3 ; first\n  # between\n\n  relu\n\t; also\n\tpool 2 = x\n"
                           "  [head]\n[train]\nsteps = 3\n",
                           "run.ini", &err));
    T_STR(goss_config_text(c, "model.backbone"), "conv 64 3\nrelu\npool 2 = x\n[head]");
    T_EQ(goss_config_int(c, "train.steps"), 3);
    T_OK(goss_config_parse(c, "[data]\n  path = \"a ; \\\"b\\\" \\\\ \\n\\tc \" ; note\n", "run.ini", &err));
    T_STR(goss_config_text(c, "data.path"), "a ; \"b\" \\ \n\tc ");
    goss_config_free(c);
}

/* Does a configuration with these texts survive being written and read? */
static bool survives(const char *path, const char *backbone) {
    goss_config *c = make(), *d = make();
    goss__str a = {0}, b = {0};
    goss__str_addf(&a, "data.path=%s", path);
    goss__str_addf(&b, "model.backbone=%s", backbone);
    bool ok = goss_config_override(c, a.data, &err) == GOSS_OK && goss_config_override(c, b.data, &err) == GOSS_OK;
    char *text = goss_config_write(c);
    ok = ok && text && goss_config_parse(d, text, "written", &err) == GOSS_OK;
    ok = ok && !strcmp(goss_config_text(d, "data.path"), path) &&
         !strcmp(goss_config_text(d, "model.backbone"), backbone);
    goss_config_text_free(text);
    goss__str_free(&a), goss__str_free(&b);
    goss_config_free(c), goss_config_free(d);
    return ok;
}

TEST(every_text_survives_being_written) {
    const char *const texts[] = {"",         "plain", "a\nb",  "a\n\nb", "\na",      "a\n",    " a",       "a ",
                                 "a ; b",    ";a",    "#a",    "a\n#b",  "a\n;b",    "a\n b",  "a;b",      "\"a\"",
                                 "a\n\"b",   "[a]",   "a = b", "\\n",    "tab\tend", "\t",     "a\r\nb",   "\r",
                                 "\x01\x1f", "a\\",   "\"",    "\\\"",   "a\n[b]",   "a\nk=v", "\xc3\xa4", "\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!survives(texts[i], "x") || !survives("x", texts[i])) T_FAIL("text %zu: %s", i, texts[i]);
    goss__rng r = goss__rng_make(5, 0);
    static const char letters[] = "ab \t\n;#\"\\=[]\r.";
    for (int i = 0; i < 20000; i++) {
        char a[12] = "", b[12] = "";
        for (uint32_t k = goss__rng_below(&r, 11); k; k--) a[k - 1] = letters[goss__rng_below(&r, sizeof letters - 1)];
        for (uint32_t k = goss__rng_below(&r, 11); k; k--) b[k - 1] = letters[goss__rng_below(&r, sizeof letters - 1)];
        if (!survives(a, b)) T_FAIL("case %d: <%s> <%s>: %s", i, a, b, err.text);
    }
    char longer[5000];
    memset(longer, 'x', sizeof longer - 1), longer[sizeof longer - 1] = 0;
    T_CHECK(survives(longer, longer));
}

TEST(what_is_written_is_for_people_too) {
    goss_config *c = make(), *d = make();
    T_OK(goss_config_override(c, "train.rate=0.1234567890123", &err));
    T_OK(goss_config_override(c, "model.backbone=conv 64 3\nrelu\nhead", &err));
    char *text = goss_config_write(c);
    T_CHECK(text);
    T_CHECK(strstr(text, "# Learning rate (from 0 to 10)\nrate = 0.1234567890123\n"));
    T_CHECK(strstr(text, "# Time limit (at least 0 minutes)\nminutes = 0\n"));
    T_CHECK(strstr(text, "# Method (hypernet|maml)\nmethod = hypernet\n"));
    T_CHECK(strstr(text, "\n[model]\n# Network\nbackbone = conv 64 3\n    relu\n    head\n"));
    T_OK(goss_config_parse(d, text, "written", &err));
    char *again = goss_config_write(d);
    T_STR(again, text);
    T_CHECK(goss_config_real(c, "train.rate") == goss_config_real(d, "train.rate"));
    goss_config_text_free(text), goss_config_text_free(again);
    goss_config_free(c), goss_config_free(d);
}

TEST(failing_allocations_are_errors) {
    const char text[] = "[train]\nsteps = 3\n[model]\nbackbone = a\n  b\n  \"c\"\n";
    int failed = 0;
    for (uint64_t n = 1; n < 60; n++) {
        goss_config *c = NULL;
        goss__alloc_fail_at(n);
        goss_status s = goss_config_new(keys, N_KEYS, &c, &err);
        if (s == GOSS_OK) s = goss_config_parse(c, text, "run.ini", &err);
        if (s == GOSS_OK) s = goss_config_override(c, "train.rate=2", &err);
        char *written = s == GOSS_OK ? goss_config_write(c) : NULL;
        goss__alloc_fail_at(0);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        failed += !written;
        if (written) T_CHECK(strstr(written, "steps = 3\n"));
        goss_config_text_free(written);
        goss_config_free(c);
    }
    T_CHECK(failed > 15 && failed < 50);
}

static goss_status pass_over(void *ctx, const goss__ini_item *item, goss_error *e) {
    return item->line > 0 && strchr(item->name, '.') && item->text ? GOSS_OK
                                                                   : goss_error_set(e, GOSS_E_ARGUMENT, "item");
}

TEST(no_mutation_of_a_file_crashes) {
    static const char good[] = "[train]\nsteps = 7\n; note\nrate=1e-4 ; n\n[data]\npath = \"a b.zip\\n\"\n  more\n";
    goss__rng r = goss__rng_make(2, 0);
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint32_t k = goss__rng_below(&r, 6) + 1; k; k--)
            text[goss__rng_below(&r, sizeof good - 1)] = "[]=;#\"\\\n\r \tx\xff"[goss__rng_below(&r, 14)];
        goss_status s = goss__ini_parse(text, "f", pass_over, NULL, &err);
        T_CHECK(s == GOSS_OK || (s == GOSS_E_FORMAT && !strncmp(err.text, "f:", 2)));
    }
}

/* ---- sections that a user names ---- */

struct family {
    const char *kind;
    double strength;
};
static const goss_key family_keys[] = {
    {.name = "train.steps", GOSS_KEY_INT, "1000", 1, 1e9, .doc = "Optimiser steps"},
    {.name = "regularizer.*.kind",
     GOSS_KEY_TEXT,
     "l2",
     .choices = "l1|l2",
     .doc = "What is penalised",
     .field = {GOSS_FIELD(struct family, kind)}},
    {.name = "regularizer.*.strength",
     GOSS_KEY_REAL,
     "0.1",
     0,
     100,
     .doc = "How strongly",
     .field = {GOSS_FIELD(struct family, strength)}},
    {.name = "train.rate", GOSS_KEY_REAL, "0.001", 0, 10, .doc = "Learning rate"},
    {.name = "model.*.*", GOSS_KEY_TEXT, "", .doc = "Any key, for one model"},
    {.name = "model.backbone", GOSS_KEY_TEXT, "conv4 64", .doc = "Network"},
};
enum { N_FAMILY_KEYS = sizeof family_keys / sizeof *family_keys };

static goss_config *make_family(void) {
    goss_config *c;
    return goss_config_new(family_keys, N_FAMILY_KEYS, &c, &err) == GOSS_OK ? c : NULL;
}

TEST(a_section_of_a_family_has_all_its_keys) {
    goss_config *c = make_family();
    T_EQ(goss_config_sections(c, "regularizer"), 0);
    T_OK(goss_config_parse(c,
                           "[regularizer.tie]\nkind = l1\n[train]\nsteps = 3\n[regularizer.a-b]\nstrength = 2\n"
                           "[model.big]\nhyper.hidden = 256\nmodel.backbone = mlp 8\n",
                           "run.ini", &err));
    T_OK(goss_config_override(c, "regularizer.tie.strength=1", &err));
    T_EQ(goss_config_sections(c, "regularizer"), 2);
    T_STR(goss_config_section(c, "regularizer", 0), "tie");
    T_STR(goss_config_section(c, "regularizer", 1), "a-b");
    T_CHECK(!goss_config_section(c, "regularizer", 2));
    T_STR(goss_config_section(c, "model", 0), "big");
    T_STR(goss_config_text(c, "regularizer.tie.kind"), "l1");
    T_CHECK(goss_config_real(c, "regularizer.tie.strength") == 1);
    T_STR(goss_config_text(c, "regularizer.a-b.kind"), "l2");
    T_CHECK(!goss_config_is_set(c, "regularizer.a-b.kind") && goss_config_is_set(c, "regularizer.tie.kind"));
    struct family bound = {0};
    T_OK(goss_config_bind_section(c, "tie", family_keys, N_FAMILY_KEYS, &bound, &err));
    T_CHECK(bound.strength == 1 && strcmp(bound.kind, "l1") == 0);
    T_OK(goss_config_bind(c, family_keys, N_FAMILY_KEYS, &(struct family){0}, &err)); /* passes families over */
    T_STR(goss_config_text(c, "model.big.hyper.hidden"), "256");
    T_STR(goss_config_text(c, "model.big.model.backbone"), "mlp 8");
    T_STR(goss_config_text(c, "model.backbone"), "conv4 64");
    int n = 0;
    for (; goss_config_key_at(c, n); n++) T_CHECK(!strchr(goss_config_key_at(c, n)->name, '*'));
    T_EQ(n, 3 + 4 + 2);
    T_STR(goss_key_find(family_keys, N_FAMILY_KEYS, "regularizer.x.kind")->name, "regularizer.*.kind");
    T_CHECK(!goss_key_find(family_keys, N_FAMILY_KEYS, "regularizer.kind"));
    T_CHECK(!goss_key_find(family_keys, N_FAMILY_KEYS, "regularizer.x.kinds"));
    goss_config_free(c);
}

TEST(sections_of_families_are_written_and_read_back) {
    goss_config *c = make_family(), *d = make_family();
    char *text = goss_config_write(c);
    T_CHECK(strstr(text, "# Any number of sections [regularizer.NAME]"));
    T_CHECK(strstr(text, "# What is penalised (l1|l2)\n# kind = l2\n"));
    T_OK(goss_config_parse(d, text, "written", &err)); /* comments */
    T_EQ(goss_config_sections(d, "regularizer"), 0);
    goss_config_text_free(text);
    T_OK(goss_config_override(c, "regularizer.tie.kind=l1", &err));
    T_OK(goss_config_override(c, "model.big.hyper.rules=*=full; head=class", &err));
    text = goss_config_write(c);
    T_CHECK(strstr(text, "[regularizer.tie]\n") &&
            strstr(text, "[model.big]\n# Any key, for one model\nhyper.rules = "));
    T_CHECK(!strstr(text, "[regularizer.NAME]"));
    T_OK(goss_config_parse(d, text, "written", &err));
    T_STR(goss_config_text(d, "regularizer.tie.kind"), "l1");
    T_STR(goss_config_text(d, "model.big.hyper.rules"), "*=full; head=class");
    goss_config_text_free(text);
    goss_config_free(c), goss_config_free(d);
}

TEST(errors_in_sections_of_families) {
    static const bad bad_sections[] = {
        {"[regularizer.tie]\nknd = l1\n", GOSS_E_ARGUMENT,
         "run.ini:2: there is no key regularizer.tie.knd; did you mean regularizer.tie.kind?"},
        {"[regulariser.tie]\nkind = l1\n", GOSS_E_ARGUMENT, "did you mean regularizer.tie.kind?"},
        {"[regularizer]\nkind = l1\n", GOSS_E_ARGUMENT, "did you mean regularizer.NAME.kind?"},
        {"[regularizer.tie]\nkind = l3\n", GOSS_E_ARGUMENT,
         "run.ini:2: [regularizer.tie] kind: \"l3\" is none of l1|l2"},
        {"[regularizer.tie]\nstrength = -1\n", GOSS_E_ARGUMENT, "[regularizer.tie] strength: -1 is not from 0 to 100"},
        {"[regularizer.a b]\nkind = l1\n", GOSS_E_ARGUMENT,
         "\"a b\" is no name of a section [regularizer.NAME]: letters, digits"},
        {"[regularizer.tie]\nkind = l1\n[regularizer.tie]\nkind = l2\n", GOSS_E_ARGUMENT,
         "run.ini:4: [regularizer.tie] kind: the key stands in line 2 already"},
    };
    for (size_t i = 0; i < sizeof bad_sections / sizeof *bad_sections; i++) {
        goss_config *c = make_family();
        goss_status s = goss_config_parse(c, bad_sections[i].text, "run.ini", &err);
        if (s != bad_sections[i].status || !strstr(err.text, bad_sections[i].says))
            T_FAIL("case %zu: \"%s\" does not say \"%s\"", i, s ? err.text : "(accepted)", bad_sections[i].says);
        goss_config_free(c);
    }
}

TEST(what_is_for_others_in_a_file_is_passed_over) {
    static const goss_key own[] = {{.name = "train.steps", .type = GOSS_KEY_INT, .fallback = "3", .min = 1, .max = 9},
                                   {.name = "model.backbone", .type = GOSS_KEY_TEXT, .fallback = ""}};
    static const char text[] = "[compare]\nseeds = many\n[model]\nbackbone = a\n[model.big]\nmodel.backbone = b\n"
                               "[train]\nsteps = 4\n";
    goss_config *c;
    T_OK(goss_config_new(own, 2, &c, &err));
    T_ERR(goss_config_parse(c, text, "x.ini", &err), GOSS_E_ARGUMENT, "x.ini:2");
    goss_config_leave(c, "compare.*,model.*.*");
    T_OK(goss_config_parse(c, text, "x.ini", &err));
    T_EQ(goss_config_int(c, "train.steps"), 4);
    T_STR(goss_config_text(c, "model.backbone"), "a");
    T_ERR(goss_config_set(c, "compare.seeds", "2", &err), GOSS_E_ARGUMENT, "compare.seeds"); /* not from a file */
    T_ERR(goss_config_parse(c, "[compar]\nseeds = 1\n", "x.ini", &err), GOSS_E_ARGUMENT, "x.ini:2");
    goss_config_free(c);
}

TEST_MAIN()
