/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of texts with every verb: word vectors, training on tasks, eval, adapt and predict. */
#include <math.h>

#include "gossamer/model.h"
#include "text/encoder.h"
#include "text_tables.h"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static char *text_of(const char *name) {
    size_t n;
    static char *text;
    free(text);
    return text = tiny_read(tiny_path(name), &n);
}

#define TASKS                                                                                                          \
    "train data.path=opinions.csv data.text=text data.target=label data.task=domain data.length=12 task.support=20 "   \
    "task.queries=20 train.tasks=4 validate.every=60 optimizer.rate=0.01 "

/* Two models of 16 domains: of the mean of word vectors, and of sequences of tokens. */
static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    opinions("opinions.csv", 16, 60, 0);
    opinions("new.csv", 2, 40, 20);
    opinions("one.csv", 1, 30, 30);
    if (run("data vectors opinions.csv --column text -o words.safetensors --width 8 --epochs 20 --sample 0 --buckets "
            "200") != 0)
        return false;
    if (run(TASKS "data.vectors=words.safetensors data.text_as=mean 'model.backbone=mlp 16' train.steps=240 "
                  "run.dir=means") != 0)
        return false;
    if (run(TASKS "'model.backbone=embedding 40 8; readout mean; dense 16; tanh' train.steps=240 run.dir=tokens") != 0)
        return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

static double metric_of(const char *method) {
    char key[80];
    snprintf(key, sizeof key, "\"name\": \"%s\"", method);
    const char *at = out_text ? strstr(out_text, key) : NULL;
    at = at ? strstr(at, "\"value\": ") : NULL;
    return at ? strtod(at + strlen("\"value\": "), NULL) : -1;
}

TEST(what_words_mean_in_a_new_domain_is_learned_from_twenty_texts) {
    PREPARE();
    static const char *const models[] = {"means", "tokens"};
    for (int i = 0; i < 2; i++) {
        char line[200];
        snprintf(line, sizeof line, "eval %s/model.safetensors --data new.csv --support 20 --json", models[i]);
        RUN(0, line);
        T_NOTE("%s: %.300s", models[i], out_text);
        T_CHECK(metric_of("hypernet") > 0.75); /* a network for all tasks cannot know: 0.5 */
    }
}

TEST(a_network_of_a_new_domain_predicts_texts) {
    PREPARE();
    static const char *const models[] = {"means", "tokens"};
    for (int i = 0; i < 2; i++) {
        char line[200];
        snprintf(line, sizeof line, "adapt %s/model.safetensors --support one.csv -o one.net", models[i]);
        RUN(0, line);
        SAYS(err_text, "30 rows of task domain30 became a network");
        put("ask.tsv", "text\tid\nthe thing was great and lovely\t1\nit was AWFUL and so Broken\t2\n");
        RUN(0, "predict one.net ask.tsv");
        SAYS(out_text, "text,id,prediction,probability\n");
        SAYS(out_text, "lovely,1,no,"); /* domain30 is one of those where words mean the opposite */
        SAYS(out_text, "Broken,2,good,");
        RUN(0, "predict one.net ask.tsv --json");
        SAYS(out_text, "\"prediction\": \"no\"");
    }
}

TEST(texts_are_the_only_input_and_the_log_says_what_they_become) {
    PREPARE();
    RUN(0, TASKS "data.tokens=bpe data.vocabulary=300 'model.backbone=embedding 300 4; readout max' train.steps=2 "
                 "run.dir=bpe");
    SAYS(err_text, "texts of up to 12 tokens, embedding 300");
    RUN(0, "inspect bpe/model.safetensors");
    RUN(0, TASKS "data.tokens=char 'data.length=16' 'model.backbone=embedding 99 4; gru 6; readout last' train.steps=2 "
                 "run.dir=char");
    SAYS(err_text, "texts have more than 16 tokens: further ones are cut off");
    RUN(0, TASKS "data.vectors=words.safetensors 'model.backbone=gru 6; readout last' train.steps=2 run.dir=seq");
    SAYS(err_text, "texts of up to 12 words of 8 numbers");
    RUN(0, "eval seq/model.safetensors --data new.csv --support 5 --json");
}

/* Which of two words comes first is the label: means over tokens cannot tell, those over pairs can. */
static void orders(const char *name, int first, int domains) {
    static const char *const words[] = {"up", "down", "so", "then"};
    goss__str s = {0};
    goss__str_add(&s, "domain,text,label\n");
    for (int d = first; d < first + domains; d++)
        for (int i = 0; i < 40; i++)
            goss__str_addf(&s, "d%d,d%d %s%s %s %s,%s\n", d, d, i % 4 < 2 ? "so " : "", words[i % 2], words[1 - i % 2],
                           words[2 + i / 4 % 2], i % 2 ? "falls" : "rises");
    write_file(name, s.data, s.size);
    goss__str_free(&s);
}

TEST(runs_of_words_tell_what_their_order_is) {
    orders("orders.csv", 0, 4), orders("later.csv", 4, 2);
    for (int ngrams = 1; ngrams <= 2; ngrams++) {
        char line[400];
        snprintf(line, sizeof line,
                 "train data.path=orders.csv data.text=text data.target=label data.task=domain data.length=12 "
                 "data.ngrams=%d task.support=0 task.queries=20 data.split=.8,.2,0 train.method=joint train.tasks=4 "
                 "train.steps=80 validate.every=40 optimizer.rate=.05 'model.backbone=embedding 30 6; readout mean' "
                 "run.dir=orders%d",
                 ngrams, ngrams);
        RUN(0, line);
        snprintf(line, sizeof line, "eval orders%d/model.safetensors --data later.csv --support 1 --json", ngrams);
        RUN(0, line);
        T_NOTE("%d: %.300s", ngrams, out_text);
        if (ngrams == 1)
            T_CHECK(metric_of("joint") < 0.6);
        else
            T_CHECK(metric_of("joint") > 0.95);
    }
}

TEST(a_resumed_run_of_texts_is_the_run) {
    PREPARE();
    RUN(0, TASKS "'model.backbone=embedding 40 4; readout max' train.steps=20 validate.every=10 run.dir=whole");
    RUN(0, TASKS "'model.backbone=embedding 40 4; readout max' train.steps=10 validate.every=10 "
                 "optimizer.schedule=constant run.dir=half");
    RUN(0, TASKS "'model.backbone=embedding 40 4; readout max' train.steps=20 validate.every=10 "
                 "optimizer.schedule=constant run.dir=half");
    RUN(0, TASKS "'model.backbone=embedding 40 4; readout max' train.steps=20 validate.every=10 "
                 "optimizer.schedule=constant run.dir=straight");
    RUN(0, "eval half/model.safetensors --data new.csv --support 20 --json");
    const double half = metric_of("hypernet");
    RUN(0, "eval straight/model.safetensors --data new.csv --support 20 --json");
    T_NEAR(metric_of("hypernet"), half, 0);
}

/* Two texts' product is large where they share words, smaller where they share parts of words, and 0 up to collisions
 * where they share nothing; a model keeps what it needs. */
TEST(a_bag_of_words_and_their_parts) {
    PREPARE();
    static const char *const texts[] = {"the banking fees are high", "the banking charges", "a bank's cost",
                                        "zulu xylophone", ""};
    goss_text_options o = goss_text_options_defaults();
    goss__text_encoder *e, *back;
    goss_error err;
    static float x[5][4096], y[4096];
    int length;
    bool cut;
    o.as = "bag", o.buckets = 4096, o.tokens.least = 1;
    T_OK(goss__text_encoder_fit(texts, 4, &o, &e, &err));
    const goss_text_shape shape = goss__text_encoder_shape(e);
    T_EQ(shape.steps, 0);
    T_EQ(shape.channels, 4096);
    double product[4] = {0};
    for (int i = 0; i < 5; i++) T_OK(goss__text_encoder_apply(e, texts[i], x[i], &length, &cut, &err));
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4096; k++) product[i] += (double)x[0][k] * (double)x[i][k] / 4096;
    T_NOTE("%g %g %g %g", product[0], product[1], product[2], product[3]);
    T_NEAR(product[0], 1, 1e-5);
    T_CHECK(product[1] > 0.15 && product[1] < 0.8);
    T_CHECK(product[2] > 0.02 && product[2] < product[1]);
    T_CHECK(fabs(product[3]) < 0.02);
    for (int k = 0; k < 4096; k++) T_CHECK(x[4][k] == 0);
    goss__str json = {0};
    goss__text_encoder_add(e, &json);
    T_OK(goss__text_encoder_parse(json.data, &back, &err));
    T_OK(goss__text_encoder_apply(back, texts[1], y, &length, &cut, &err));
    T_CHECK(memcmp(x[1], y, sizeof y) == 0);
    goss__text_encoder_free(e), goss__text_encoder_free(back);
    goss__str_free(&json);
    RUN(0,
        TASKS "data.vectors=words.safetensors data.text_as=bag data.buckets=40 'model.backbone=mlp 8' train.steps=120 "
              "run.dir=bag");
    SAYS(err_text, "texts as one vector of 48 numbers");
    T_CHECK(!strstr(err_text, "no effect: data.buckets"));
    RUN(0, "eval bag/model.safetensors --data new.csv --support 20 --json");
    T_NOTE("%.300s", out_text);
    T_CHECK(metric_of("hypernet") > 0.7);
    RUN(0, "adapt bag/model.safetensors --support one.csv -o bag.net");
    RUN(0, "predict bag.net one.csv -o bag.csv");
}

TEST(a_wide_bag_has_baselines) {
    PREPARE();
    RUN(0, TASKS "data.text_as=bag data.buckets=6000 'model.backbone=mlp 4' train.steps=2 validate.every=0 "
                 "run.dir=wide");
    RUN(0, "eval wide/model.safetensors --data new.csv --support 20 --methods ridge,mean-ridge --json");
    T_CHECK(metric_of("ridge") > 0.5 && metric_of("mean-ridge") > 0.5);
}

/* Rows of the embedding that are (x, y). */
static int rows_like(const goss_model *m, double x, double y) {
    int n = 0;
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        const goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        const int k = goss_layout_find(p.layout, "embedding1.w");
        for (int64_t row = 0; k >= 0 && row < 40; row++) {
            const float *v = goss_model_values(m, i) + goss_layout_offset(p.layout, k) + 2 * row;
            n += fabs(v[0] - x) < 1e-5 && fabs(v[1] - y) < 1e-5;
        }
    }
    return n;
}

#define BEGINS                                                                                                         \
    TASKS "data.vectors=two.vec data.text_as=ids 'model.backbone=embedding 40 2; readout mean; dense 4; tanh' "        \
          "train.steps=3 "

/* Rows of ids are vectors of length sqrt(width) at the start, others are drawn; training moves them. */
TEST(an_embedding_begins_with_given_vectors) {
    PREPARE();
    put("two.vec", "great 3 4\nbad 0 -2\n");
    for (int moved = 0; moved < 2; moved++) {
        RUN(0, moved ? BEGINS "optimizer.rate=0.01 run.dir=moved" : BEGINS "optimizer.rate=1e-9 run.dir=still");
        SAYS(err_text, "data.vectors: 2 of ");
        SAYS(err_text, "rows of embedding1.w begin with vectors");
        goss_error err;
        goss_model *m;
        T_OK(goss_model_load(tiny_path(moved ? "moved/model.safetensors" : "still/model.safetensors"), &m, &err));
        const int want = moved ? 0 : 2; /* of the hypernetwork's base, and of the joint network beside it */
        T_EQ(rows_like(m, 3 * sqrt(2) / 5, 4 * sqrt(2) / 5), want);
        T_EQ(rows_like(m, 0, -sqrt(2)), want);
        goss_model_free(m);
    }
    RUN(0, "eval moved/model.safetensors --data new.csv --support 20 --json");
}

TEST(what_texts_cannot_be_is_refused_at_the_start) {
    PREPARE();
    static const char *const wrong[][2] = {
        {"data.text=words", "there is no column \"words\""},
        {"data.text_as=mean", "data.text_as = mean needs data.vectors"},
        {"data.vectors=words.safetensors data.text_as=ids", "write \"embedding 40 8; ...\""},
        {"data.vectors=words.safetensors data.text_as=ids train.start=tokens/model.safetensors",
         "data.vectors and train.start both say"},
        {"data.vectors=words.safetensors data.text_as=ids train.method=pixels", "no weights embedding1.w begin"},
        {"data.vectors=two.vec data.text_as=ids 'model.backbone=embedding 40 2; readout max' hyper.combine=replace "
         "'hyper.rules=head=class; embedding1.w=lowrank 1; *=shared'",
         "embedding1.w is generated in the place of what it begins with"},
        {"data.vectors=other.vec data.text_as=ids 'model.backbone=embedding 40 2; readout max'",
         "none of the words to train on has a vector"},
        {"data.vectors=words.safetensors data.text_as=ids data.tokens=char", "data.vectors are of words"},
        {"data.vectors=words.safetensors data.tokens=bpe", "data.vectors are of words"},
        {"data.text_as=bag data.tokens=char", "data.text_as = bag is of words"},
        {"data.vectors=opinions.csv", "no word vectors"},
        {"data.tokens=bpe data.vocabulary=100", "needs at least 258"},
        {"data.text=label", "declared"},
        {"'model.backbone=embedding 10 4; readout max'", "embedding 10 has too few rows: the texts to train on have"},
        {"'model.backbone=mlp 4'", "an embedding makes numbers of"},
    };
    put("two.vec", "great 3 4\nbad 0 -2\n");
    put("other.vec", "maison 1 2\nchien 3 4\n");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[700];
        T_NOTE("%s", wrong[i][0]);
        snprintf(line, sizeof line, TASKS "'model.backbone=embedding 40 4; readout max' run.dir=no %s", wrong[i][0]);
        RUN(1, line);
        SAYS(err_text, wrong[i][1]);
    }
    put("latin.csv", "text,label,domain\nfine,good,a\ncaf\xE9,good,a\nbad,no,a\nbad,no,a\nok,good,a\n");
    RUN(1, "train data.path=latin.csv data.text=text data.target=label data.task=domain run.dir=no validate.every=0 "
           "task.support=2");
    SAYS(err_text, "not UTF-8");
    RUN(1, "eval tokens/model.safetensors --data new.csv --support 5 --methods ridge");
    SAYS(err_text, "its samples are sequences");
}

/* opinions.csv with a column part: a third of the rows are support. In other.csv the labels of these are wrong. */
static void with_parts(const char *from, const char *to, bool wrong) {
    size_t n;
    char *text = tiny_read(tiny_path(from), &n), *line, *rest = text;
    goss__str s = {0};
    for (int r = 0; (line = strsep(&rest, "\n")) && *line; r++) {
        const bool support = r % 3 == 0;
        char *at = r && wrong && support ? strstr(line, "!,good,") : NULL,
             *no = r && wrong && support ? strstr(line, "!,no,") : NULL;
        if (at)
            goss__str_addf(&s, "%.*s!,no,%s", (int)(at - line), line, at + 7);
        else if (no)
            goss__str_addf(&s, "%.*s!,good,%s", (int)(no - line), line, no + 5);
        else
            goss__str_add(&s, line);
        goss__str_addf(&s, ",%s\n", r == 0 ? "part" : support ? "support" : "query");
    }
    write_file(to, s.data, s.size);
    goss__str_free(&s), free(text);
}

TEST(a_column_says_which_rows_are_support_and_which_are_queries) {
    PREPARE();
    with_parts("opinions.csv", "parts.csv", false);
    with_parts("new.csv", "new_parts.csv", false), with_parts("new.csv", "wrong_parts.csv", true);
    RUN(0,
        TASKS "data.path=parts.csv data.role=part task.support=10 'model.backbone=embedding 40 8; readout mean; dense "
              "16; tanh' train.steps=240 run.dir=parts");
    RUN(0, "eval parts/model.safetensors --data new_parts.csv --support 10 --json");
    T_CHECK(metric_of("hypernet") > 0.75);
    /* Only support rows are learned from: where these have the other label, so have the answers. */
    RUN(0, "eval parts/model.safetensors --data wrong_parts.csv --support 10 --json");
    T_CHECK(metric_of("hypernet") < 0.25);
    RUN(1, "eval parts/model.safetensors --data new.csv --support 10");
    SAYS(err_text, "there is no column \"part\"");
    /* Tasks that lack rows of a role are left out, and the others have the values that they have alone. */
    put("gaps.csv", "text,label,domain,part\ngreat,good,a,support\npoor,no,a,query\ngreat,good,b,query\npoor,no,b,"
                    "query\ngreat,good,c,support\ngreat,good,d,support\nfine,good,d,query\n");
    RUN(0, "eval parts/model.safetensors --data gaps.csv --support 1 --json");
    SAYS(err_text, "2 tasks have fewer than --support 1 rows of support, or no query, and are left out");
    SAYS(out_text, "{\"tasks\": 2, ");
    SAYS(out_text, "\"skipped\": 2");
    const char *each = strstr(out_text, "\"per_task\": {\"a\": ");
    T_CHECK(each && strstr(each, ", \"d\": ") && !strstr(each, "\"b\"") && !strstr(each, "\"c\""));
    RUN(1, "eval parts/model.safetensors --data gaps.csv --support 2");
    SAYS(err_text, "no task is left to judge on: by the column part, 4 have fewer than --support 2 rows of support");
    put("neither.csv", "text,label,domain,part\ngreat,good,a,support\npoor,no,a,test\n");
    RUN(1, "eval parts/model.safetensors --data neither.csv --support 1");
    SAYS(err_text, "neither.csv:3:part: \"test\" is neither support nor query");
    RUN(1, TASKS "data.path=parts.csv data.role=part data.split=.5,.2,.3 run.dir=no");
    SAYS(err_text, "data.split and data.role");
}

TEST(keys_of_texts_that_do_nothing_are_told) {
    PREPARE();
    put("plain.csv", "x,label,domain\n1,a,p\n2,b,p\n3,a,p\n4,b,p\n1,a,q\n2,b,q\n3,a,q\n5,b,q\n2,a,r\n1,b,r\n0,a,r\n");
    RUN(0, "train data.path=plain.csv data.target=label data.task=domain data.tokens=char task.support=2 train.steps=1 "
           "'model.backbone=mlp 4' validate.every=0 run.dir=plain");
    SAYS(err_text, "data.tokens = char has no effect");
    RUN(0, TASKS "data.vectors=words.safetensors data.text_as=mean data.least=3 'model.backbone=mlp 4' train.steps=1 "
                 "run.dir=least");
    SAYS(err_text, "data.least = 3 has no effect");
    SAYS(err_text, "data.length = 12 has no effect");
    RUN(1, TASKS "data.tokens=byte data.ngrams=2 'model.backbone=embedding 300 4; readout mean' run.dir=bytes");
    SAYS(err_text, "data.ngrams = 2: n-grams are of words or characters (data.tokens), not of byte tokens");
    RUN(0, TASKS "data.vectors=words.safetensors data.ngrams=2 'model.backbone=gru 4; readout last' train.steps=1 "
                 "run.dir=ngrams");
    SAYS(err_text, "data.ngrams = 2 has no effect");
}

TEST(vectors_tell_what_is_wrong) {
    opinions("opinions.csv", 16, 60, 0);
    RUN(1, "data vectors opinions.csv --column words -o v.vec");
    SAYS(err_text, "--column: there is no column \"words\"");
    RUN(1, "data vectors missing.txt -o v.vec");
    RUN(2, "data vectors opinions.csv");
    RUN(1, "data vectors opinions.csv -o opinions.csv");
    put("lines.txt", "one two three two one\nthree two one\n\n");
    RUN(0, "data vectors lines.txt -o v.vec --width 4 --epochs 2");
    T_CHECK(strncmp(text_of("v.vec"), "3 4\n", 4) == 0);
    put("lines.txt", "\xef\xbb\xbfone two one\ntwo one\n"); /* the mark is no letter */
    RUN(0, "data vectors lines.txt -o v.vec --width 4 --epochs 2 --fold none --least 1");
    T_CHECK(strncmp(text_of("v.vec"), "2 4\n", 4) == 0);
    write_file("lines.txt", "one two\n\ntwo \0ne\n", 17);
    RUN(1, "data vectors lines.txt -o v.vec --width 4 --epochs 2");
    SAYS(err_text, "lines.txt:3: a zero byte");
}

TEST_MAIN()
