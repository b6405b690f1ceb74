/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs tell a user of tables, and what they leave as it is: cells, guesses, keys, categories, methods. */
#include <sys/stat.h>

#include "table_folders.h"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static char *text_of(const char *name) {
    size_t n;
    static char *text;
    free(text);
    return text = tiny_read(tiny_path(name), &n);
}

/* NAME: a row for each school of school_table, with its size. */
static void describe_schools(const char *name, int schools) {
    char text[2000];
    int n = snprintf(text, sizeof text, "school,size\n");
    for (int s = 0; s < schools; s++)
        n += snprintf(text + n, sizeof text - (size_t)n, "s%02d,%d\n", s, 100 + 7 * s % 40);
    put(name, text);
}

/* Diaries, a file a person: the target is the last column, classes; sleep has fractions. */
static void write_diaries(void) {
    static const char *const weather[] = {"sun", "rain", "snow"};
    T_CHECK(mkdir(tiny_path("people"), 0777) == 0);
    for (int p = 0; p < 8; p++) {
        char name[40], text[4000];
        uint32_t random = (uint32_t)p + 1;
        int n = snprintf(text, sizeof text, "day,weather,sleep,headache\n");
        for (int d = 1; d <= 20; d++) {
            const int half = (int)(tiny_random(&random) % 8);
            n += snprintf(text + n, sizeof text - (size_t)n, "%d,%s,%d.25,%s\n", d, weather[tiny_random(&random) % 3],
                          4 + half, half < 4 ? "yes" : "no");
        }
        snprintf(name, sizeof name, "people/p%d.csv", p);
        put(name, text);
    }
}

static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    tiny_set();
    write_diaries();
    if (run("init people -o people.ini task.order=random") != 0) return false;
    if (run("train people.ini run.dir=base train.steps=40 validate.every=20 'model.backbone=dense 8; tanh'") != 0)
        return false;
    if (run("adapt base/model.safetensors --support people/p0.csv -o p0.net") != 0) return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

/* 16 tasks of 100 rows with 60 numbers, in 800 classes. */
static void write_classes(const char *name) {
    enum { ROWS = 1600, WIDTH = 60, SIZE = ROWS * (2 * WIDTH + 20) };
    char *text = malloc(SIZE);
    uint32_t random = 5;
    int n = snprintf(text, SIZE, "task,label");
    for (int j = 0; j < WIDTH; j++) n += snprintf(text + n, (size_t)(SIZE - n), ",x%d", j);
    for (int i = 0; i < ROWS; i++) {
        n += snprintf(text + n, (size_t)(SIZE - n), "\nt%d,c%d", i % 16, i / 2);
        for (int j = 0; j < WIDTH; j++) n += snprintf(text + n, (size_t)(SIZE - n), ",%u", tiny_random(&random) % 9u);
    }
    put(name, strcat(text, "\n"));
    free(text);
}

TEST(baselines_that_would_take_too_long_are_left_out_and_told) {
    PREPARE();
    write_classes("many.csv");
    RUN(0, "train data.path=many.csv data.task=task data.target=label data.kind=table train.steps=1 validate.every=0 "
           "'model.backbone=dense 4' task.support=20 run.dir=many");
    SAYS(err_text, "baselines (ridge, mean-ridge, nearest ...) are left out: ");
    SAYS(err_text, " rows of 60 inputs and 800 classes would take some ");
    RUN(1, "eval many/model.safetensors --data many.csv --allow-seen --support 20 --methods ridge");
    SAYS(err_text, "--methods ridge: many/model.safetensors keeps no baselines: they would have taken "
                   "minutes or millions of numbers");
}

/* As they are spelled, without the quotes that they need no more; appended columns behind them. */
TEST(predict_keeps_the_cells_of_rows_as_they_are_spelled) {
    PREPARE();
    put("more.csv",
        "day,weather,sleep,headache,note\n01,sun,7.00,NA,\"a, b\"\n2,rain,1e1,,?\n\"3\",snow,+5.50,yes,N/A\n");
    RUN(0, "predict p0.net more.csv -o out.csv");
    const char *text = text_of("out.csv");
    SAYS(text, "day,weather,sleep,headache,note,prediction,probability\n01,sun,7.00,NA,\"a, b\",");
    SAYS(text, "\n2,rain,1e1,,?,");
    SAYS(text, "\n3,snow,+5.50,yes,N/A,");
    /* a decimal comma cannot stand between commas */
    put("comma.csv", "day;weather;sleep\n1;sun;7,50\n2;NA;8\n");
    RUN(0, "predict p0.net comma.csv");
    SAYS(out_text, "\n1,sun,7.5,");
    SAYS(out_text, "\n2,NA,8,");
}

TEST(categories_that_training_has_not_seen_are_told_by_every_verb) {
    PREPARE();
    put("fog.csv", "day,weather,sleep,headache\n1,fog,7.25,no\n2,sun,4.25,yes\n3,fog,5.25,yes\n");
    T_CHECK(mkdir(tiny_path("others"), 0777) == 0);
    put("others/q.csv", "day,weather,sleep,headache\n1,fog,7.25,no\n2,sun,4.25,yes\n3,rain,5.25,yes\n");
    static const char *const lines[] = {"adapt base/model.safetensors --support fog.csv -o fog.net",
                                        "predict p0.net fog.csv",
                                        "eval base/model.safetensors --data others --support 2"};
    for (int i = 0; i < 3; i++) {
        RUN(0, lines[i]);
        SAYS(err_text, "categories that training has not seen (weather = \"fog\")");
    }
    RUN(0, "adapt base/model.safetensors --support people/p1.csv -o p1.net");
    if (strstr(err_text, "not seen")) T_FAIL("%s", err_text);
}

TEST(a_single_file_where_tasks_are_files_is_told_what_to_do) {
    PREPARE();
    RUN(1, "eval base/model.safetensors --data people/p0.csv --support 5");
    SAYS(err_text, "people/p0.csv: the model's tasks are files (data.task = file)");
    SAYS(err_text, "put it into a folder");
}

TEST(init_inspect_and_adapt_guess_the_same_target) {
    PREPARE();
    SAYS(text_of("people.ini"), "\ntarget = headache\n");
    RUN(0, "inspect people");
    SAYS(out_text, "target: headache (guessed: the last column, with classes)");
    RUN(0, "inspect people/p0.csv");
    SAYS(out_text, "target: headache (guessed: ");
    SAYS(out_text, "counts the rows, called as time is"); /* an input in the folder, and here */
    RUN(0, "eval tables --data people/p0.csv --methods linear --repeats 1");
    if (strstr(err_text, "is predicted, the last column")) T_FAIL("%s", err_text);
    put("named.csv", "label,a,b\nx,1,u\ny,2,v\nx,3,u\ny,1,v\nx,2,u\ny,3,v\nx,4,u\ny,2,v\n");
    RUN(0, "eval tables --data named.csv --methods linear --repeats 1");
    SAYS(err_text, "named.csv: b is predicted, the last column; if it is label (guessed: called as targets are)");
}

/* Lines of the text that are `line`. */
static int times(const char *text, const char *line) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, line)); at += strlen(line))
        n += (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
    return n;
}

TEST(a_section_is_written_once_and_holds_keys_that_mean_something) {
    PREPARE();
    const char *text = text_of("people.ini");
    static const char *const never[] = {
        "\nheight =", "\nmirror =", "\nitems =", "\nfactors =", "\ntokens =",    "\nways =", "\n[cells]",
        "\n[sound]",  "\n[share]",  "\n[prior]", "\npattern =", "\nper_class =", "\ncache ="};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(text, never[i])) T_FAIL("people.ini has %s", never[i] + 1);
    SAYS(text, "\ntext = ");
    SAYS(text, "\nnoise = ");
    RUN(0, "init people train.method=ridge");
    if (strstr(out_text, "[hyper]")) T_FAIL("a ridge head has nothing to generate");
    RUN(0, "train --keys");
    static const char *const sections[] = {"[data]", "[task]", "[train]", "[sound]", "[cells]", "[structure]"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (times(out_text, sections[i]) != 1) T_FAIL("%s: %d times", sections[i], times(out_text, sections[i]));
}

TEST(a_method_that_is_none_is_told_with_those_there_are) {
    PREPARE();
    RUN(1, "eval base/model.safetensors --data people --allow-seen --support 5 --methods foo");
    SAYS(err_text, "--methods foo (beside ridge, mean-ridge, mean, nearest, line");
    SAYS(err_text, "; foo=FILE is another model)");
    SAYS(err_text, "there is no method foo; from a model come protonet, ridge, finetune, scratch, joint");
    RUN(1, "eval base/model.safetensors --data people --allow-seen --support 5 --methods anil");
    SAYS(err_text, "method anil needs a model of its own");
    RUN(1, "eval base/model.safetensors --data people --allow-seen --support 5 --methods mine.safetensors");
    SAYS(err_text, "a model file is given as NAME=mine.safetensors");
}

/* A network can be made of them, and what it is worth is not seen before it predicts. */
TEST(adapt_warns_of_support_rows_that_tell_little) {
    PREPARE();
    put("calm.csv", "day,weather,sleep,headache\n1,sun,7.25,no\n2,rain,8.25,no\n3,sun,9.25,no\n");
    RUN(0, "adapt base/model.safetensors --support calm.csv -o x.net");
    SAYS(err_text,
         "calm.csv: all rows have headache = no, and no row shows another class: the network will predict no");
    T_CHECK(!strstr(err_text, "repeat"));
    put("day.csv", "day,weather,sleep,headache\n1,sun,4.25,yes\n");
    RUN(0, "adapt base/model.safetensors --support day.csv -o x.net");
    SAYS(err_text, "day.csv: its only row has headache = yes, and no row shows another class");
    put("twice.csv", "day,weather,sleep,headache\n1,sun,4.25,yes\n2,rain,8.25,no\n1,sun,4.25,yes\n1,sun,4.25,yes\n"
                     "1,sun,4.25,no\n");
    RUN(0, "adapt base/model.safetensors --support twice.csv -o x.net");
    SAYS(err_text, "twice.csv: 2 of 5 rows repeat another one, inputs and target alike");
    T_CHECK(!strstr(err_text, "another class"));
    school_table("schools.csv", 20, 24);
    RUN(0, "train data.path=schools.csv data.task=school data.target=y run.dir=single train.method=maml train.tasks=4 "
           "train.steps=2 validate.every=0 task.support=4 'model.backbone='");
    school_table("row.csv", 1, 1);
    RUN(0, "adapt single/model.safetensors --support row.csv -o x.net");
    SAYS(err_text, "row.csv: one row shows the level of y in this task, and not how it depends on the inputs");
    RUN(0, "adapt base/model.safetensors --support people/p0.csv -o x.net");
    T_CHECK(!strstr(err_text, "repeat") && !strstr(err_text, "shows"));
}

/* A file a task: two tasks may agree on a row, and errors name the folder. */
TEST(rows_alike_in_two_files_are_no_duplicates_where_files_are_tasks) {
    PREPARE();
    T_CHECK(mkdir(tiny_path("alike"), 0777) == 0);
    for (int p = 0; p < 3; p++) {
        char name[40], text[400];
        int n = snprintf(text, sizeof text, "day,weather,sleep,headache\n");
        for (int d = 1; d <= 8; d++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%d,sun,%d.5,%s\n", d, d < 3 ? d : (d * 3 + p) % 7,
                          d % 3 ? "no" : "yes");
        if (p == 2) n += snprintf(text + n, sizeof text - (size_t)n, "1,sun,1.5,no\n");
        snprintf(name, sizeof name, "alike/p%d.csv", p);
        put(name, text);
    }
    RUN(0, "inspect alike");
    SAYS(out_text, "1 of 25 rows are duplicates");
    put("alike/p1.csv", "day,weather,sleep,headache\n1,sun,1.5,maybe\n2,sun,2.5,no\n");
    RUN(1, "eval base/model.safetensors --data alike --support 1");
    SAYS(err_text, "alike/p1.csv:2:headache: class \"maybe\" is none");
    put("alike/p1.csv", "day,weather,headache\n1,sun,no\n2,sun,no\n");
    RUN(1, "inspect alike");
    SAYS(err_text, "alike/p1.csv: there is no column sleep, which p0.csv has");
    put("alike/p1.csv", "day,weather,sleep,more,headache\n1,sun,1.5,2,no\n2,sun,2.5,3,no\n");
    RUN(1, "inspect alike");
    SAYS(err_text, "alike/p0.csv: there is no column more, which alike/p1.csv has");
    for (int p = 0; p < 3; p++) {
        char name[40];
        snprintf(name, sizeof name, "alike/p%d.csv", p);
        put(name, "day,sleep,headache\n1,5,no\n2,6,no\n");
    }
    RUN(1, "eval base/model.safetensors --data alike --support 1");
    SAYS(err_text, "alike: there is no column weather, which the model needs");
}

/* Only a key of tables rules out another one. */
TEST(the_share_that_is_held_out_is_unused_beside_what_says_it_otherwise) {
    static const struct {
        const char *settings;
        bool unused;
    } of[] = {{"data.hold_out=.2", false},
              {"data.hold_out=.2 data.val_classes=classes.txt", false},
              {"data.hold_out=.2 data.hold_out_alphabets=1", false},
              {"data.hold_out=.2 validate.every=0", false},
              {"data.hold_out=.2 data.val_tasks=tasks.txt", true},
              {"data.hold_out=.2 data.split=.5,.2,.3", true}};
    char line[400];
    school_table("schools.csv", 20, 24);
    put("classes.txt", "a\n"), put("tasks.txt", "s00\ns01\n");
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        snprintf(line, sizeof line, "check data.path=schools.csv data.task=school data.target=y run.dir=x %s",
                 of[i].settings);
        RUN(0, line);
        if (of[i].unused != (strstr(out_text, "data.hold_out = 0.2 has no effect") != NULL))
            T_FAIL("%s: %s", of[i].settings, out_text);
    }
    RUN(0, "check data.path=schools.csv data.task=school data.target=y run.dir=x data.val_classes=classes.txt");
    SAYS(out_text, "data.val_classes = classes.txt has no effect: it is about classes");
}

TEST(a_name_that_is_given_twice_is_told) {
    school_table("schools.csv", 20, 24);
    put("tasks.txt", "s00\n# more\ns01\ns02\ns01\n");
    RUN(1, "check data.path=schools.csv data.task=school data.target=y run.dir=x hyper.condition=support,id,support");
    SAYS(err_text, "hyper.condition: \"support\" is in it twice");
    RUN(1, "train data.path=schools.csv data.task=school data.target=y run.dir=x data.train_tasks=tasks.txt");
    SAYS(err_text, "data.train_tasks: tasks.txt:5: task \"s01\" came before");
    RUN(1, "train data.path=schools.csv data.task=school data.target=y run.dir=x data.val_tasks=tasks.txt");
    SAYS(err_text, "data.val_tasks: tasks.txt:5: task \"s01\" came before");
}

/* Where the result goes is known before the table is read. */
TEST(predict_looks_at_its_output_first) {
    PREPARE();
    put("broken.csv", "day,weather,sleep\n1\n");
    RUN(1, "predict p0.net broken.csv -o nodir/x.csv");
    SAYS(err_text, "-o: nodir/x.csv: there is no folder nodir");
    RUN(1, "predict p0.net broken.csv -o people");
    SAYS(err_text, "-o: people: is a folder: name a file");
    RUN(1, "predict p0.net broken.csv -o x.csv");
    SAYS(err_text, "broken.csv:2:");
    RUN(0, "predict p0.net people/p0.csv -o -"); /* standard output, a file here */
    SAYS(out_text, ",prediction,probability\n");
    RUN(2, "inspect broken.csv --tensors");
    SAYS(err_text, "--tensors is for a model, and broken.csv is a table");
}

TEST(eval_and_adapt_warn_once_of_a_column) {
    char text[9000];
    uint32_t random = 3;
    int n = snprintf(text, sizeof text, "a,name,y\n");
    for (int i = 0; i < 300; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%u,n%u,%u.5\n", tiny_random(&random) % 100,
                      tiny_random(&random) % 90, tiny_random(&random) % 100);
    put("many.csv", text);
    static const char *const lines[] = {"adapt tables --support many.csv --target y -o many.net",
                                        "eval tables --data many.csv --target y --methods linear --repeats 3"};
    for (int i = 0; i < 2; i++) {
        const int status = run(lines[i]);
        if (strstr(err_text, "tables is neither a file nor a model"))
            T_SKIP("models/ is not beside this build's folder");
        if (status) T_FAIL("%s: status %d: %s", lines[i], status, err_text);
        SAYS(err_text, "many.csv: column name has ");
        const char *first = strstr(err_text, "many.csv: column name has ");
        if (strstr(first + 1, "many.csv: column name has ")) T_FAIL("%s: twice: %s", lines[i], err_text);
    }
}

/* A file that is not used would go unnoticed. */
TEST(descriptors_that_nothing_sees_are_told) {
    static const struct {
        const char *setting, *told;
    } of[] = {{"hyper.condition=support", "data.descriptor = described.csv: nothing reads it"},
              {"hyper.condition=id", "data.descriptor = described.csv: nothing reads it"},
              {"train.method=maml", "data.descriptor = described.csv has no effect with train.method = maml: nothing "
                                    "reads descriptors"}};
    char line[400];
    school_table("schools.csv", 20, 24);
    describe_schools("described.csv", 20);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        snprintf(
            line, sizeof line,
            "check data.path=schools.csv data.task=school data.target=y run.dir=x data.descriptor=described.csv %s",
            of[i].setting);
        RUN(i < 2, line);
        SAYS(out_text, of[i].told);
    }
    RUN(0, "check data.path=schools.csv data.task=school data.target=y run.dir=x data.descriptor=described.csv "
           "hyper.condition=support,descriptor");
    T_CHECK(!strstr(out_text, "has no effect"));
    RUN(0, "check data.path=schools.csv data.task=school data.target=y run.dir=x data.descriptor=described.csv "
           "train.method=multitask share.preset=alone data.split=.5,.2,.3 task.support=0 train.tasks=0 "
           "'regularizer.tie.kind=difference' 'regularizer.tie.on=weights/*' regularizer.tie.strength=1 "
           "regularizer.tie.graph=side");
    T_CHECK(!strstr(out_text, "has no effect"));
}

/* The descriptors may have been another method's, or a regulariser's, which is of training alone. */
TEST(a_model_that_reads_no_descriptors_asks_for_none) {
    static const char *const trained[] = {
        "train.method=maml train.tasks=4 task.support=4",
        "train.method=multitask share.preset=alone data.split=.5,.2,.3 task.support=0 train.tasks=0 "
        "'regularizer.tie.kind=difference' 'regularizer.tie.on=weights/*' regularizer.tie.strength=1 "
        "regularizer.tie.graph=side"};
    char line[800];
    school_table("schools.csv", 20, 24);
    describe_schools("described.csv", 20);
    school_table("s00.csv", 1, 12);
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line,
                 "train data.path=schools.csv data.task=school data.target=y run.dir=undescribed%d "
                 "data.descriptor=described.csv train.steps=3 validate.every=3 validate.episodes=4 'model.backbone=' "
                 "%s",
                 i, trained[i]);
        RUN(0, line);
        snprintf(line, sizeof line, "adapt undescribed%d/model.safetensors --support s00.csv -o s00.net", i);
        RUN(0, line);
        snprintf(line, sizeof line,
                 "adapt undescribed%d/model.safetensors --support s00.csv --descriptor described.csv "
                 "-o s00.net",
                 i);
        RUN(1, line);
        SAYS(err_text, "described.csv: the model reads no descriptors");
        snprintf(line, sizeof line,
                 "eval undescribed%d/model.safetensors --data schools.csv --allow-seen --support 5 "
                 "--repeats 1",
                 i);
        RUN(0, line);
        snprintf(line, sizeof line,
                 "eval undescribed%d/model.safetensors --data schools.csv --allow-seen --support 5 "
                 "--repeats 1 --descriptor described.csv",
                 i);
        RUN(1, line);
        SAYS(err_text, "--descriptor described.csv: no model here reads descriptors");
    }
}

TEST(dense_layers_are_advised_where_a_network_reads_other_samples) {
    static const char hint[] = "rows of a table want dense layers";
    static const struct {
        const char *backbone;
        bool advised;
    } of[] = {{"conv4 8", true},
              {"gru 4; readout last", true},
              {"dense 4; attention 2", true},
              {"flatten", true},
              {"dense 0", false},
              {"gru x", false},
              {"foo 3", false},
              {"dropout 2", false}};
    PREPARE();
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char line[200];
        snprintf(line, sizeof line, "train people.ini run.dir=hint 'model.backbone=%s'", of[i].backbone);
        RUN(1, line);
        SAYS(err_text, "model.backbone: ");
        if ((strstr(err_text, hint) != NULL) != of[i].advised) T_FAIL("%s: %.300s", of[i].backbone, err_text);
    }
}

TEST_MAIN()
