/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in classes with every verb: episodes of training, eval on unseen classes, adapt and predict. */
#include <sys/stat.h>

#include "text_tables.h"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

/* text,intent,domain: each intent has four words of its own, "w12a" to "w12d"; three intents are a domain. With digits
 * folded into letters: no word of an intent occurs in another. */
static void intents(const char *name, int first, int classes, int rows) {
    goss__rng rng = goss__rng_make(11, (uint64_t)first);
    goss__str s = {0};
    char words[4][12];
    const char *told[4];
    goss__str_add(&s, "text\tintent\tdomain\n");
    for (int c = first; c < first + classes; c++) {
        for (int k = 0; k < 4; k++)
            snprintf(words[k], sizeof words[k], "%c%c%c", 'a' + c % 5, "eiou"[k], 'a' + c / 5), told[k] = words[k];
        for (int r = 0; r < rows; r++) {
            add_sentence(&s, told, &rng);
            goss__str_addf(&s, "\tintent%02d\tdomain%d\n", c, c / 3);
        }
    }
    write_file(name, s.data, s.size);
    goss__str_free(&s);
}

#define EPISODES                                                                                                       \
    "train data.path=intents.tsv data.text=text data.target=intent data.tokens=char data.length=40 train.ways=5 "      \
    "train.shots=2 train.queries=4 train.tasks=2 validate.every=100 validate.ways=3 validate.queries=4 "               \
    "validate.episodes=20 optimizer.rate=0.01 "

static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    intents("intents.tsv", 0, 24, 14);
    intents("new.tsv", 24, 6, 14);
    if (run(EPISODES "'model.backbone=embedding 40 8; conv1d 32 3; relu; readout max' train.steps=300 run.dir=run") !=
        0)
        return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

TEST(classes_that_were_never_seen_are_told_apart) {
    PREPARE();
    RUN(0, "eval run/model.safetensors --data new.tsv --ways 5 --shots 2 --queries 5 --episodes 100 --json "
           "--methods protonet");
    T_NOTE("%.300s", out_text);
    T_CHECK(accuracy_of("hypernet") > 0.6); /* of five: 0.2 by chance */
    T_CHECK(accuracy_of("protonet") > 0.5);
    RUN(0, "eval run/model.safetensors --data new.tsv --ways 3 --shots 1 --queries 5 --episodes 20 --group domain");
}

/* A support set that calls the classes by another name, and texts with commas in a file of tabs. */
TEST(columns_of_other_tables) {
    PREPARE();
    put("mine.tsv", "class\ttext\n1\tee ea\n2\tia, ii\n1\tea\n");
    RUN(0, "adapt run/model.safetensors --support mine.tsv -o mine.net");
    SAYS(err_text, "mine.tsv: there is no column intent: the classes are those of class");
    SAYS(err_text, "3 texts of 2 classes");
    put("ask.tsv", "text\nee, ea\nii\n");
    RUN(0, "predict mine.net ask.tsv");
    SAYS(out_text, "\"ee, ea\",");
    put("mine.tsv", "text\tkind\nee ea\tx\nia ii\ty\n");
    RUN(1, "adapt run/model.safetensors --support mine.tsv -o mine.net");
    SAYS(err_text, "mine.tsv: classes (as in training, or in a column class or label): there is no column \"intent\"");
    put("mine.tsv", "words\tintent\nee ea\tx\nia ii\ty\n");
    RUN(1, "adapt run/model.safetensors --support mine.tsv -o mine.net");
    SAYS(err_text, "mine.tsv: texts: there is no column \"text\"");
}

/* A text whose domain is not known is in no episode of one domain, nor are the unknown ones a domain together. */
TEST(a_text_of_two_classes_is_told) {
    PREPARE();
    put("same.tsv", "text\tclass\nmi ni\ta\nsa na\ta\nmi ni\tb\nlo no\tb\nlo no\tb\n");
    RUN(0, "adapt run/model.safetensors --support same.tsv -o same.net");
    SAYS(err_text, "same.tsv: 2 texts equal another one, 1 of them one of another class, as same.tsv:2 and same.tsv:4");
}

TEST(unknown_values_are_no_group) {
    goss__str s = {0};
    PREPARE();
    goss__str_add(&s, "text\tintent\tdomain\n");
    for (int i = 0; i < 48; i++)
        goss__str_addf(&s, "%c%c x%d\tintent%d\t%s\n", 'a' + i % 6, 'a' + i / 6, i, i % 6, i % 6 < 3 ? "home" : "");
    write_file("gaps.tsv", s.data, s.size);
    goss__str_free(&s);
    RUN(0, "eval run/model.safetensors --data gaps.tsv --ways 3 --queries 3 --episodes 20 --group domain --json");
    SAYS(out_text, "\"groups\": {\"home\": {\"episodes\": 20");
}

TEST(init_writes_a_configuration_that_trains) {
    PREPARE();
    RUN(0, "init intents.tsv data.text=text data.target=intent -o begun.ini");
    SAYS(err_text, "336 texts (text) of 24 classes (intent)");
    RUN(0, "check begun.ini");
    RUN(0, "train begun.ini train.steps=2 run.dir=begun");
    SAYS(err_text, "model.backbone = auto: embedding ");
    T_CHECK(!strstr(err_text, "no effect"));
    RUN(0, "eval begun/model.safetensors --data new.tsv --ways 3 --queries 4 --episodes 5");
    /* Classes of few texts: nothing is validated. */
    put("few.csv", "text,label\nyes please,a\nno thanks,b\nno,b\nyes,a\n");
    RUN(0, "init few.csv data.text=text");
    SAYS(out_text, "target = label");
    SAYS(out_text, "tokens = char"); /* of one or two words */
    SAYS(out_text, "every = 0");
    SAYS(out_text, "length = 10\n"); /* "yes please" */
    RUN(0, "init few.csv data.text=text data.ngrams=3");
    SAYS(out_text, "length = 27\n"); /* and its 9 pairs and 8 triples */
    /* Tasks of texts are a table. */
    RUN(0, "init intents.tsv data.text=text data.target=domain data.task=intent data.hold_out=0.2 -o tasks.ini");
    put("single.csv", "text,label\nyes please,a\nno thanks,b\n");
    RUN(1, "init single.csv data.text=text");
    SAYS(err_text, "have a single one of the texts");
    RUN(1, "init few.csv data.text=words");
    SAYS(err_text, "there is no column \"words\"");
}

TEST(an_embedding_is_as_large_as_the_texts_need) {
    PREPARE();
    RUN(0, EPISODES "model.backbone=auto train.steps=2 run.dir=auto");
    RUN(0, "inspect auto/model.safetensors");
    SAYS(out_text, "embedding1.w");
}

/* tools/locale-words, on locales of two languages in two regions: text as it is and as numbers of characters. */
TEST(words_of_locales_become_tables) {
    static const char *const days[][2] = {
        {"fr_FR",
         "language \"French\"\nday \"dimanche\";/\n \"lundi\";\"mardi\";\"mercredi\";/\n \"jeudi\";\"vendredi\";"
         "\"samedi\"\nabmon \"janv\"\nmon \"janvier\";\"f<U00E9>vrier\";\"mars\";\"avril\";\"mai\";\"juin\"\n"},
        {"de_AT", "language \"Austrian German\"\nmon \"J\xC3\xA4nner\";\"Februar\"\n"},
        {"sk_SK",
         "language \"Slovak\"\nday \"Nede\xC4\xBE"
         "a\";\"Pondelok\";\"Utorok\";\"Streda\";\"Piatok\";\"Sobota\"\n"
         "mon \"janu<U00E1>r\";\"febru\xC3\xA1r\";\"marec\";\"apr\xC3\xADl\";\"m\xC3\xA1j\";\"j\xC3\xBAn\";\"1x\"\n"}};
    char line[1200];
    tiny_set();
    snprintf(line, sizeof line, "mkdir -p %s/locales", tiny_dir);
    T_EQ(system(line), 0);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        snprintf(line, sizeof line, "locales/%s", days[i][0]);
        put(line, days[i][1]);
    }
    snprintf(line, sizeof line, "tools/locale-words %s/words %s/locales", tiny_dir, tiny_dir);
    T_EQ(system(line), 0);
    size_t n;
    char *test = tiny_read(tiny_path("words/test.csv"), &n), *train = tiny_read(tiny_path("words/train.csv"), &n);
    T_CHECK(test && train);
    SAYS(test, "f\xC3\xA9vrier,French\n"); /* French is one of those that are kept apart */
    T_CHECK(!strstr(test, "janv,"));       /* an abbreviation */
    SAYS(train, "janu\xC3\xA1r,Slovak\n");
    T_CHECK(!strstr(train, "1x") && !strstr(train, "German")); /* no word; a language of two words */
    free(test), free(train);
}

TEST(the_same_tasks_for_the_same_seed) {
    PREPARE();
    RUN(0, "eval run/model.safetensors --data new.tsv --ways 4 --queries 5 --episodes 20 --json --precision int8");
    const double first = accuracy_of("hypernet");
    T_NEAR(accuracy_of("hypernet+int8"), first, 0.03);
    RUN(0, "eval run/model.safetensors --data new.tsv --ways 4 --queries 5 --episodes 20 --json --threads 1");
    T_NEAR(accuracy_of("hypernet"), first, 0);
}

TEST(texts_that_were_trained_on_are_refused) {
    PREPARE();
    RUN(1, "eval run/model.safetensors --data intents.tsv --ways 5 --queries 5 --episodes 10");
    SAYS(err_text, "trained on");
    RUN(0, "eval run/model.safetensors --data intents.tsv --ways 5 --queries 5 --episodes 10 --allow-seen --json");
}

/* A text of a validated class that is a text of a trained one, too. */
TEST(check_finds_texts_on_both_sides) {
    put("twice.tsv", "text\tintent\nab cd\ta\nab ce\ta\nab cf\ta\nab cg\ta\nba ca\tb\nba cb\tb\nba cc\tb\nba cd\tb\n"
                     "ea ca\tc\nea cb\tc\nab cd\tc\nea cd\tc\nia ca\td\nia cb\td\nia cd\td\nia cc\td\n");
    put("held", "c\nd\n");
    RUN(0, "check data.path=twice.tsv data.text=text data.target=intent data.val_classes=held train.ways=2 "
           "train.shots=1 train.queries=2 validate.ways=2 validate.shots=1 validate.queries=2 run.dir=twice "
           "'model.backbone=embedding 40 8; readout mean'");
    SAYS(out_text, "1 texts to validate on are trained on, too");
}

/* A folder for each class, a file for each text. */
TEST(folders_of_texts) {
    PREPARE();
    for (int i = 0; i < 3; i++) T_EQ(mkdir(tiny_path((const char *[]){"files", "files/one", "files/two"}[i]), 0700), 0);
    put("files/one/1.txt", "ee ea\n");
    put("files/one/2.txt", "ea ee\n");
    put("files/two/1.txt", "ia ii");
    put("files/README", "about these");
    RUN(0, "adapt run/model.safetensors --support files -o files.net");
    SAYS(err_text, "3 texts of 2 classes became a network");
    put("files/notes.txt", "of no class");
    RUN(0, "adapt run/model.safetensors --support files -o files.net");
    SAYS(err_text, "files: 1 texts (.txt) in it are left out: they are in no folder of a class");
    remove(tiny_path("files/notes.txt"));
    T_EQ(mkdir(tiny_path("fresh"), 0700), 0); /* texts whose class is asked for are in none */
    put("fresh/a.txt", "ee ee");
    put("fresh/b.txt", "ii ii");
    RUN(0, "predict files.net fresh");
    SAYS(out_text, "file,text,prediction,probability\na,ee ee,");
    RUN(1, "init files -o files.ini");
    SAYS(err_text, "to learn from the texts in column text: data.text=text");
    put("both.tsv", "text\tintent\nee ea\tx\nee ea\ty\n");
    RUN(0, "adapt run/model.safetensors --support both.tsv -o both.net");
    SAYS(err_text, "1 texts equal another one, 1 of them one of another class");
    put("files/two/2.txt", "\xff");
    RUN(1, "adapt run/model.safetensors --support files -o files.net");
    SAYS(err_text, "files/two/2.txt: the text is not UTF-8");
    put("files/two/2.txt", " \n");
    RUN(0, "adapt run/model.safetensors --support files -o files.net");
    SAYS(err_text, "files: 1 of 4 rows have no text or no class and are left out");
    put("files/two/2.txt", "ii");
    put("files/two/3.html", "ii");
    RUN(1, "adapt run/model.safetensors --support files -o files.net");
    SAYS(err_text, "nor texts alone (CLASS/NAME.txt), but 6 other files");
}

TEST(a_table_of_new_classes_becomes_a_network) {
    PREPARE();
    intents("support.tsv", 24, 3, 6);
    intents("ask.tsv", 24, 3, 10);
    RUN(0, "adapt run/model.safetensors --support support.tsv -o net.safetensors");
    SAYS(err_text, "18 texts of 3 classes became a network");
    RUN(0, "predict net.safetensors ask.tsv -o answers.csv");
    size_t n;
    char *text = tiny_read(tiny_path("answers.csv"), &n);
    int right = 0, rows = 0;
    T_CHECK(text && strncmp(text, "text,intent,domain,prediction,probability\n", 42) == 0);
    for (char *line = strchr(text, '\n') + 1; *line; line += strcspn(line, "\n"), line += *line == '\n', rows++) {
        char truth[20], said[20];
        const char *at = strchr(line, ',');
        if (sscanf(at, ",%19[^,],%*[^,],%19[^,]", truth, said) == 2) right += strcmp(truth, said) == 0;
    }
    free(text);
    T_EQ(rows, 30);
    T_CHECK(right >= 20); /* 10 by chance */
    put("bare.tsv", "text\nthe thing was\n\n");
    RUN(0, "predict net.safetensors bare.tsv --json");
    SAYS(out_text, "\"prediction\": \"intent");
}

TEST(inspect_shows_the_beginning_of_what_is_long) {
    PREPARE();
    RUN(0, "data vectors intents.tsv --column text -o long.safetensors --epochs 1 --buckets 500");
    RUN(0, EPISODES "data.tokens=word data.vectors=long.safetensors data.text_as=mean 'model.backbone=dense 4' "
                    "train.steps=1 run.dir=long");
    RUN(0, "inspect long/model.safetensors");
    T_CHECK(strlen(out_text) < 60000); /* vectors of 500 buckets alone are 85,000 bytes */
    SAYS(out_text, " bytes)\n");
    RUN(0, "inspect long/model.safetensors --json");
    T_CHECK(strlen(out_text) > 80000);
}

TEST(what_is_held_out_shapes_no_vocabulary) {
    PREPARE();
    put("words.tsv", "text\tkind\tpart\naa bb\tx\tone\nbb aa\ty\tone\naa cc\tx\tone\ncc aa\ty\tone\n"
                     "aa bb\tx\tone\nbb cc\ty\tone\nzz yy\tx\ttwo\nyy zz\ty\ttwo\nzz zz\tx\ttwo\nyy yy\ty\ttwo\n");
    RUN(0,
        "train data.path=words.tsv data.text=text data.target=kind data.validate=part=two train.ways=2 train.shots=1 "
        "train.queries=1 validate.ways=2 validate.queries=1 validate.every=1 train.steps=1 data.least=1 "
        "'model.backbone=embedding 9 4; readout mean' run.dir=part");
    T_CHECK(!strstr(err_text, "no effect"));
    SAYS(err_text, "embedding 5"); /* aa, bb, cc, padding and unknown */
}

TEST(mistakes_are_told_at_the_start) {
    PREPARE();
    static const char *const wrong[][2] = {
        {"data.target=nothing", "there is no column \"nothing\""},
        {"train.ways=40", "train.ways = 40"},
        {"train.min_shots=1 train.shots=900", "train.min_shots = 1 to train.shots = 900"},
        {"train.group=speaker", "speaker"},
        {"data.validate=domain=domain99", "domain99"},
        {"data.vectors=missing.vec", "data.vectors"},
        {"data.target=text", "declared"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[700];
        T_NOTE("%s", wrong[i][0]);
        snprintf(line, sizeof line, EPISODES "'model.backbone=embedding 40 4; readout max' run.dir=no %s", wrong[i][0]);
        RUN(1, line);
        SAYS(err_text, wrong[i][1]);
    }
    RUN(2, "eval run/model.safetensors --data new.tsv --support 5");
    put("one.tsv", "text\tintent\na b\tx\n");
    RUN(1, "adapt run/model.safetensors --support one.tsv -o one.net");
    put("other.tsv", "words\tintent\na b\tx\n");
    RUN(1, "adapt run/model.safetensors --support other.tsv -o one.net");
    SAYS(err_text, "there is no column \"text\"");
}

TEST_MAIN()
