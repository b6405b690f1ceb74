/* SPDX-License-Identifier: Apache-2.0 */
/* Tables with every verb, as a new user meets them: init, check, train, adapt, predict. */
#include <sys/stat.h>

#include "table_folders.h"

#define QUICK " train.steps=40 validate.every=20 'model.backbone=dense 8; tanh'"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static char *text_of(const char *name) {
    size_t n;
    static char *text;
    free(text);
    return text = tiny_read(tiny_path(name), &n);
}

static int lines_of(const char *text) {
    int n = 0;
    for (; text && *text; text++) n += *text == '\n';
    return n;
}

/* A run over 20 schools, and a network of one that it has not seen. */
static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    school_table("schools.csv", 20, 24);
    one_school("new.csv", 33, 12);
    if (run("init schools.csv -o schools.ini run.dir=base") != 0) return false;
    if (run("train schools.ini" QUICK) != 0) return false;
    if (run("adapt base/model.safetensors --support new.csv -o new.net") != 0) return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

/* Its own objective has a metric with it; one that the user names has its first. */
TEST(init_writes_no_metric_of_another_objective) {
    school_table("schools.csv", 20, 24);
    RUN(0, "init schools.csv task.objective=bpr -o ranks.ini");
    SAYS(text_of("ranks.ini"), "\nmetric = \n");
    RUN(0, "check ranks.ini");
}

TEST(what_init_writes_of_a_table_is_checked_and_trained_as_it_is) {
    school_table("schools.csv", 20, 24);
    RUN(0, "init schools.csv -o first.ini");
    SAYS(err_text, "schools.csv: 480 rows of 20 tasks, 4 columns");
    SAYS(err_text, "data.task = school: look at this: guessed: its name is typical of tasks");
    SAYS(err_text, "data.target = y: look at this: guessed");
    SAYS(err_text, "task.support = 3..10: look at this: ");
    SAYS(err_text, "train.steps = 2000: look at this: ");
    const char *text = text_of("first.ini");
    SAYS(text, "\nkind = table\n");
    SAYS(text, "\ntask = school\n");
    SAYS(text, "\ntarget = y\n");
    SAYS(text, "\nobjective = regression\n");
    SAYS(text, "\nmetric = rmse\n");
    SAYS(text, "\nsupport = 3..10\n");
    SAYS(text, "# look at this: no column seems to be time");
    T_CHECK(!strstr(text, "\nways ="));
    RUN(0, "check first.ini");
    SAYS(out_text, "data               480 rows, 4 columns, 20 tasks, 3 inputs");
    SAYS(out_text, "train              16 tasks, 384 rows");
    SAYS(out_text, "validate           4 tasks, 96 rows");
    SAYS(out_text, "0 errors, ");
    RUN(0, "train first.ini" QUICK);
    T_CHECK(!strstr(err_text, "warning"));
    T_CHECK(access(tiny_path("runs/schools/model.safetensors"), F_OK) == 0);
    RUN(0, "init schools.csv data.target=x data.task=sex");
    SAYS(out_text, "\ntask = sex\n");
    SAYS(out_text, "\ntarget = x\n");
    T_CHECK(!strstr(err_text, "data.target:"));
}

TEST(init_knows_time_identifiers_leaks_and_classes) {
    static char text[1 << 16];
    int n = snprintf(text, sizeof text, "rownames,patient,test_time,age,voice,total,score\n"), row = 1;
    uint32_t random = 5;
    for (int p = 0; p < 10; p++)
        for (int r = 0; r < 30; r++) {
            const double score = 20 + p + r * .31 + tiny_random(&random) % 7 * .01;
            n += snprintf(text + n, sizeof text - (size_t)n, "%d,%d,%.2f,%d,%.3f,%.4f,%.4f\n", row++, p, r * 6.5,
                          50 + p, tiny_random(&random) % 1000 / 100.0, 1.5 * score + 4, score);
        }
    write_file("visits.csv", text, (size_t)n);
    RUN(0, "init visits.csv -o visits.ini");
    const char *ini = text_of("visits.ini");
    SAYS(ini, "\ntask = patient\n");
    SAYS(ini, "\ntarget = score\n");
    SAYS(ini, "\nignore = rownames,total\n");
    SAYS(ini, "\norder = test_time\n");
    SAYS(ini, "total is a linear function of the target score");
    RUN(0, "check visits.ini");
    SAYS(out_text, "time: rows that follow each other in test_time have nearly the same target");
    RUN(0, "check visits.ini task.order=random data.ignore=rownames");
    SAYS(out_text, "set task.order=test_time to predict later rows from the first");
    SAYS(out_text, "total is a linear function of the target score");
    RUN(0, "check visits.ini --json");
    SAYS(out_text, "\"train.tasks\": ");
    SAYS(out_text, "\"kind\": \"time\"");
    RUN(0, "train visits.ini run.dir=visits-run" QUICK);
    char shuffled[2000]; /* rows in any order: the last in time are held out */
    n = snprintf(shuffled, sizeof shuffled, "test_time,age,voice,score\n");
    for (int r = 0; r < 12; r++)
        n += snprintf(shuffled + n, sizeof shuffled - (size_t)n, "%d,60,5,%d\n", r * 5 % 12, 20 + r * 5 % 12);
    write_file("visit.csv", shuffled, (size_t)n);
    RUN(0, "adapt visits-run/model.safetensors --support visit.csv -o visit.net --fine-tune auto");
    SAYS(err_text, "by the last quarter of the support set");
}

/* init moves identifiers to data.ignore: with them no two rows would be alike. */
TEST(rows_that_differ_in_their_identifier_only_are_duplicates_for_inspect_and_check) {
    char text[4000];
    int n = snprintf(text, sizeof text, "no,person,student,dose,y\n");
    for (int i = 0; i < 40; i++) {
        const int r = i % 20 == 19 ? i - 1 : i; /* the last row of each person is as the one before it */
        n += snprintf(text + n, sizeof text - (size_t)n, "%d,p%d,%d,%d,%g\n", i + 1, i / 20, 3 + i % 20, r * 7 % 10,
                      r * .37 + .01 * (r % 3));
    }
    put("repeated.csv", text);
    RUN(0, "inspect repeated.csv");
    SAYS(out_text, "2 of 40 rows are duplicates, apart from no");
    RUN(0, "init repeated.csv -o repeated.ini task.order=random task.support=3");
    SAYS(text_of("repeated.ini"), "\nignore = no,student\n");
    RUN(0, "check repeated.ini");
    SAYS(out_text, "2 of 40 rows are duplicates, apart from no");
}

TEST(rows_divided_inside_of_tasks_are_described_so) {
    school_table("schools.csv", 20, 24);
    RUN(0, "check data.path=schools.csv data.task=school data.target=y run.dir=x data.split=.5,.2,.3");
    SAYS(err_text, "; of each task's rows 0.5 to train, 0.2 to validate, 0.3 to test on");
    T_CHECK(!strstr(err_text, "0 to validate on"));
    SAYS(out_text, "validate           20 tasks, 100 rows");
}

/* Of 400 identifiers each is ignored, and no name is cut: what init writes can be trained on. */
TEST(init_lists_columns_without_a_limit) {
    enum { IDS = 400 };
    FILE *f = fopen(tiny_path("wide.csv"), "w");
    T_CHECK(f != NULL);
    fprintf(f, "school,score,hours");
    for (int i = 0; i < IDS; i++) fprintf(f, ",\"pupil, number %d_id\"", i);
    for (int r = 0; r < 40; r++) {
        fprintf(f, "\ns%d,%d,%d.5", r / 10, r * 7 % 23, r * 5 % 17);
        for (int i = 0; i < IDS; i++) fprintf(f, ",p%d-%d", i, r);
    }
    fclose(f);
    RUN(0, "init wide.csv data.task=school data.target=score -o wide.ini run.dir=wide");
    size_t n;
    char name[60], *text = tiny_read(tiny_path("wide.ini"), &n), *ignored = text ? strstr(text, "\nignore = ") : NULL;
    T_CHECK(ignored != NULL);
    for (int i = 0; i < IDS; i++) {
        snprintf(name, sizeof name, "\\\"pupil, number %d_id\\\"", i);
        if (!strstr(ignored, name)) T_FAIL("%s is not ignored", name);
    }
    free(text);
    RUN(0, "train wide.ini train.steps=2 validate.every=0");
    SAYS(err_text, "1 input, target score");
}

TEST(init_of_a_folder_of_files_and_of_classes) {
    char name[40], text[4000];
    T_CHECK(mkdir(tiny_path("people"), 0777) == 0);
    for (int p = 0; p < 8; p++) {
        uint32_t random = (uint32_t)p;
        int n = snprintf(text, sizeof text, "a;b;label\n");
        for (int r = 0; r < 20; r++) {
            const int a = tiny_random(&random) % 100, b = tiny_random(&random) % 100;
            n += snprintf(text + n, sizeof text - (size_t)n, "%d,5;%d,5;%s\n", a, b, a + p > b ? "yes" : "no");
        }
        snprintf(name, sizeof name, "people/p%d.csv", p);
        put(name, text);
    }
    RUN(0, "init people -o people.ini");
    const char *ini = text_of("people.ini");
    SAYS(ini, "\ntask = file\n");
    SAYS(ini, "\ntarget = label\n");
    SAYS(ini, "\nobjective = classification\n");
    RUN(0, "check people.ini");
    SAYS(out_text, ", 2 classes");
    RUN(0, "train people.ini" QUICK);
    RUN(0, "adapt runs/people/model.safetensors --support people/p7.csv -o p7.net");
    RUN(0, "predict p7.net people/p7.csv");
    SAYS(out_text, "a,b,label,prediction,probability\n");
    T_CHECK(lines_of(out_text) == 21);
    put("people/p3.csv", "a;b;label\n1,5;x;yes\n");
    put("people/p5.csv", "a;b;label\n1,5;2,5\n");
    RUN(1, "check people.ini run.dir=people2");
    SAYS(out_text, "unreadable: people/p5.csv:2:");
}

TEST(adapt_and_predict_match_columns_by_name) {
    PREPARE();
    SAYS(err_text, "12 rows became a network of");
    RUN(0, "predict new.net new.csv -o out.csv");
    SAYS(out_text, "out.csv\n");
    const char *text = text_of("out.csv");
    SAYS(text, "x,sex,y,prediction\n");
    T_CHECK(lines_of(text) == 13);
    put("two.csv", "sex,x\nF,0.5\nM,-0.25\n");
    RUN(0, "predict new.net two.csv");
    SAYS(out_text, "sex,x,prediction\nF,0.5,");
    T_CHECK(lines_of(out_text) == 3);
    char *before = strdup(out_text);
    put("more.csv", "extra,y,x,sex\n7,1,0.5,F\n8,,-0.25,M\n"); /* the target is not used */
    RUN(0, "predict new.net more.csv");
    SAYS(err_text, "warning: more.csv: the model does not know extra");
    SAYS(out_text, "extra,y,x,sex,prediction\n");
    const char *a = strstr(before, "0.5,") + 4, *b = strstr(out_text, "F,") + 2;
    T_CHECK(strncmp(a, b, strcspn(a, "\n") + 1) == 0);
    free(before);
    RUN(0, "predict new.net two.csv --json");
    SAYS(out_text, "{\"file\": \"two.csv\", \"line\": 2, \"prediction\": ");
    put("strange.csv", "sex,x\nX,0.5\n");
    RUN(0, "predict new.net strange.csv");
    SAYS(err_text, "categories that training has not seen (sex = \"X\")");
    RUN(0, "predict new.net new.csv -o out.txt");
    RUN(0, "predict new.net new.csv -o out.txt"); /* an earlier prediction is replaced, whatever it is called */
    T_CHECK(tiny_same_files(tiny_path("out.csv"), tiny_path("out.txt")));
    write_file("notes.txt", "my predictions\n", 15);
    RUN(1, "predict new.net new.csv -o notes.txt");
    SAYS(err_text, "-o: notes.txt exists and is a text and no earlier result of this kind, which alone is overwritten; "
                   "remove it or name another file");
}

TEST(adapt_takes_one_tasks_rows_with_or_without_its_column) {
    PREPARE();
    char text[4000];
    int n = snprintf(text, sizeof text, "school,x,sex,y\n");
    n += school_rows(text + n, sizeof text - (size_t)n, 33, 12, true);
    write_file("named.csv", text, (size_t)n);
    RUN(0, "adapt base/model.safetensors --support named.csv -o named.net");
    SAYS(err_text, "12 rows of task s33 became a network of");
    RUN(0, "predict named.net new.csv");
    char *named = strdup(out_text);
    RUN(0, "predict new.net new.csv");
    T_CHECK(strcmp(named, out_text) == 0);
    free(named);
    /* Rows of another task are answered by the wrong network, which is told. */
    RUN(0, "predict named.net named.csv");
    if (strstr(err_text, "other tasks")) T_FAIL("its own rows: %s", err_text);
    put("mixed.csv", "school,x,sex\ns33,0.5,F\ns07,0.5,F\n,0.5,F\n");
    RUN(0, "predict named.net mixed.csv");
    SAYS(err_text, "warning: mixed.csv: 1 of 3 rows are of other tasks (s07) than s33, whose network this is");
}

TEST(fine_tuning_stops_by_held_out_rows) {
    PREPARE();
    RUN(0, "adapt base/model.safetensors --support new.csv -o auto.net --fine-tune auto");
    SAYS(err_text, "fine-tuning: ");
    SAYS(err_text, "steps, by held-out quarters of the support set");
    RUN(0, "inspect auto.net");
    SAYS(out_text, "adapt.fine_tune");
    T_CHECK(!strstr(out_text, "adapt.fine_tune              -1"));
    one_school("three.csv", 33, 3);
    RUN(0, "adapt base/model.safetensors --support three.csv -o three.net --fine-tune auto");
    SAYS(err_text, "too small to hold samples out of it");
}

TEST(predictions_of_an_ensemble_have_an_interval) {
    school_table("schools.csv", 20, 24);
    one_school("new.csv", 33, 12);
    RUN(0, "train data.path=schools.csv data.task=school data.target=y run.dir=noisy hyper.noise=4 method.networks=3 "
           "train.tasks=4" QUICK);
    RUN(0, "adapt noisy/model.safetensors --support new.csv -o noisy.net");
    SAYS(err_text, "an ensemble of 3 networks");
    RUN(0, "predict noisy.net new.csv");
    SAYS(out_text, "x,sex,y,prediction,low,high\n");
}

/* ---- mistakes ---- */

static const struct {
    const char *file, *text; /* written first; NULL: none */
    const char *line;
    int status;
    const char *says, *too; /* both, on stderr */
} mistakes[] = {
    {"m1.csv", "age,height\n1,2\n3\n", "init m1.csv", 1, "m1.csv:3:height: the row ends after 1 of 2 cells", ""},
    {"m2.csv", "a,b\n1,2\n3,4\n5,6\n", "init m2.csv", 1, "no column identifies tasks", "data.task=COLUMN"},
    {NULL, NULL, "init m2.csv", 1, "no training: gossamer adapt tables --support m2.csv -o NET", ""},
    {NULL, NULL, "init schools.csv data.target=Y", 1, "data.target: there is no column \"Y\" (nearest: \"y\")", ""},
    {NULL, NULL, "init schools.csv data.task=shcool", 1, "data.task: there is no column \"shcool\"",
     "nearest: \"school\""},
    {NULL, NULL, "init schools.csv data.ignore=z", 1, "gossamer: data.ignore: there is no column \"z\"",
     "school, x, sex, y"},
    {NULL, NULL, "init schools.csv -o schools.csv", 1, "schools.csv", ""},
    {"m7.csv", "school,x,y\n", "init m7.csv", 1, "m7.csv", "row"},
    {"m8.csv", "", "init m8.csv", 1, "m8.csv", "empty"},
    {"m9.csv", "school,x,y\na,1,2\na,\"3,4\n", "init m9.csv", 1, "m9.csv:3:x: the quote that opens here", ""},
    {"m10.csv", "school,x,x\na,1,2\n", "init m10.csv", 1, "m10.csv", "x"},
    {"m11.csv", "school,n\xfcme,y\na,1,2\n", "init m11.csv", 1, "UTF-8", "iconv"},
    {NULL, NULL, "train data.path=schools.csv data.target=sex data.task=sex run.dir=x", 1,
     "data.task: column sex is declared as target", ""},
    {NULL, NULL, "train data.path=schools.csv data.ignore=sxe run.dir=x", 1,
     "gossamer: data.ignore: there is no column", "school, x, sex, y"},
    {NULL, NULL, "train data.path=schools.csv data.categorical=sxe run.dir=x", 1,
     "gossamer: data.categorical: there is", ""},
    {NULL, NULL, "train data.path=schools.csv data.kind=arrays run.dir=x", 1, "data.kind = arrays", "table or auto"},
    {NULL, NULL, "train data.path=schools.csv data.task=school data.target=y run.dir=x 'model.backbone=conv4 64'", 1,
     "model.backbone: ", "model.backbone = dense 32; tanh"},
    {NULL, NULL, "train data.path=schools.csv task.support=many run.dir=x", 1, "task.support", "3..10"},
    {NULL, NULL, "train data.path=schools.csv task.order=when run.dir=x", 1, "task.order: there is no column \"when\"",
     "school"},
    {NULL, NULL, "train data.path=schools.csv task.metric=accuracy run.dir=x", 1, "task.metric", "rmse"},
    {NULL, NULL, "train data.path=nofile.csv data.task=school run.dir=x", 1, "data.path: nofile.csv", "no such file"},
    {NULL, NULL, "train data.path=schools.csv data.split=.5,.5 run.dir=x", 1, "data.split", ".5,.2,.3"},
    {NULL, NULL, "train data.path=schools.csv data.val_tasks=nofile run.dir=x", 1, "data.val_tasks", "no such file"},
    {"m18.txt", "s01\ns99\n", "train data.path=schools.csv data.val_tasks=m18.txt run.dir=x", 1,
     "data.val_tasks: m18.txt:2", "s99"},
    {"m18.txt", "s01\ns02\n", "train data.path=schools.csv data.val_tasks=m18.txt --fold 1/3 run.dir=x", 1,
     "train.fold and data.val_tasks", "one of them"},
    {NULL, NULL, "train data.path=schools.csv --fold 1/50 run.dir=x", 1, "train.fold: 50 folds of 20 tasks", ""},
    {NULL, NULL, "adapt base/model.safetensors --support schools.csv -o n", 1, "rows of 20 tasks", "one"},
    {"m20.csv", "x,sex\n1,F\n", "adapt base/model.safetensors --support m20.csv -o n", 1, "m20.csv", "y"},
    {"m21.csv", "x,y\n1,2\n", "adapt base/model.safetensors --support m21.csv -o n", 1, "m21.csv", "sex"},
    {"m22.csv", "x,sex,y\nlow,F,2\nhigh,M,3\n", "adapt base/model.safetensors --support m22.csv -o n", 1, "x", ""},
    {"m23.csv", "x,sex,y\n1,F,\n", "adapt base/model.safetensors --support m23.csv -o n", 1, "no row has a target", ""},
    {NULL, NULL, "adapt base/model.safetensors --support mine -o n", 1, "mine", ""},
    {NULL, NULL, "adapt base/model.safetensors --support new.csv --labels new.csv -o n", 2, "--labels is for images",
     ""},
    {NULL, NULL, "predict base/model.safetensors new.csv", 1, "holds a model, not a network", "gossamer adapt MODEL"},
    {"m27.csv", "sex\nF\n", "predict new.net m27.csv", 1, "m27.csv", "x"},
    {"m28.csv", "x,sex,prediction\n1,F,2\n", "predict new.net m28.csv", 1, "\"prediction\" already", "rename"},
    {NULL, NULL, "predict new.net new.csv -o new.csv", 1, "-o: new.csv is the input", "name another"},
    {NULL, NULL, "predict new.net new.csv m1.csv", 2, "one table at a time", ""},
    {NULL, NULL, "predict new.net new.csv -o nodir/out.csv", 1, "nodir/out.csv", ""},
    {"m40.json", "[{\"school\": 1}]", "init m40.json", 1, "m40.json: is a JSON text",
     "if it is a table: write the table as csv"},
    {NULL, NULL, "train schools.csv run.dir=x", 1, "schools.csv is a table, not a configuration",
     "gossamer init schools.csv -o RUN.ini"},
    {NULL, NULL, "inspect base/model.safetensors --target y", 2,
     "--target is of a table, and base/model.safetensors is a safetensors file", "usage"},
    {NULL, NULL, "predict new.net -", 2, "-: a table is read from a file, not from standard input", "usage"},
    {NULL, NULL, "adapt base/model.safetensors --support new.csv --target y -o n", 2,
     "--target is for any table (the model tables), and base/model.safetensors is of tables with tasks",
     "gossamer adapt --help lists all options"},
    {NULL, NULL, "predict new.net nofile.csv", 1, "nofile.csv", "No such file"},
};

TEST(a_mistake_with_a_table_is_told_with_what_to_do) {
    PREPARE();
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        if (mistakes[i].file) put(mistakes[i].file, mistakes[i].text);
        const int status = run(mistakes[i].line);
        if (status != mistakes[i].status)
            T_FAIL("%s: status %d, not %d: %.300s", mistakes[i].line, status, mistakes[i].status, err_text);
        for (int k = 0; k < 2; k++) {
            const char *part = k ? mistakes[i].too : mistakes[i].says;
            if (!strstr(err_text, part)) T_FAIL("%s: does not say \"%s\": %.400s", mistakes[i].line, part, err_text);
        }
        if (*out_text) T_FAIL("%s: wrote to standard output: %.100s", mistakes[i].line, out_text);
    }
    T_CHECK(access(tiny_path("n"), F_OK) != 0);
    T_CHECK(access(tiny_path("x"), F_OK) != 0);
}

TEST_MAIN()
