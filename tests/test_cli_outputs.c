/* SPDX-License-Identifier: Apache-2.0 */
/* What a verb writes is none of what it reads, and no file of another kind: every option that names a file, of every
 * verb, is in one of the tables here. */
#include <sys/stat.h>

#include "base/str.h"
#include "cli_run.h"
#include "gossamer/train.h"

/* ---- files ---- */

static char *bytes_of(const char *name, size_t *size) { return tiny_read(tiny_path(name), size); }

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static int shell(const char *line) {
    char all[2000];
    snprintf(all, sizeof all, "cd %s && %s", tiny_dir, line);
    return system(all);
}

/* Inputs of all kinds, and names for them under which a verb would write. */
static void prepare(void) {
    static bool done;
    if (done) return;
    tiny_set();
    T_EQ(train("m", "train.steps=2"), 0);
    T_EQ(shell(
             "cp m/model.safetensors model && cp model other && cp model agent.png && cp model m.csv && cp model m.svg "
             "&& cp tiny-images-idx3-ubyte images && cp tiny-labels-idx1-ubyte labels && mkdir tabs pics"),
         0);
    put("net.txt", "conv 2..4 3; relu; pool global; head");
    put("net.svg", "conv 2..4 3; relu; pool global; head");
    put("big.csv", "task,x,y\na,1,2\na,2,4\na,3,5\nb,1,3\nb,2,6\nb,3,7\n");
    put("two.csv", "x,y\n1,2\n2,4\n3,5\n1,2\n2,4\n3,5\n");
    put("tabs/one.csv", "x,y\n1,2\n2,4\n");
    put("task.csv", "a\nb\n"), put("class.csv", "0\n1\n"), put("side.csv", "task,s\na,1\nb,2\n");
    put("prior.csv", "a,1\n"), put("texts.csv", "one two three\nfour five six\n");
    put("space.ini", "[data]\npath = images\n");
    put("pic.csv", "\x89PNG\r\n\x1a\n...."), put("notes.png", "a note\n"), put("notes.txt", "a note\n");
    done = true; /* a build that lacks a library skips each test */
}

/* ---- an output that is an input ---- */

/* %s: the output, which is each of `inputs`. */
static const struct {
    const char *verb, *option, *line, *inputs;
} lines[] = {
    {"inspect", "--svg", "inspect model --svg %s", "model"},
    {"inspect", "--svg", "inspect net.txt --input 8x8x1 --svg %s", "net.txt"},
    {"inspect", "--svg", "inspect net.svg --input 8x8x1 --svg %s", "net.svg"},
    {"inspect", "--svg", "inspect m.svg --svg %s", "m.svg"},
    {"eval", "--structures",
     "eval model --data images --labels labels --classes class.csv --methods pixels,own=other,m.csv=m.csv "
     "--budget 8KB --structures %s",
     "model,images,labels,class.csv,other,m.csv"},
    {"eval", "--structures", "eval model --data pics --structures %s", "pics/rows.csv"},
    {"eval", "--plot", "eval model --data images --plot %s", "model,images"},
    {"eval", "--plot", "eval m.svg --data images --plot %s", "m.svg"},
    {"eval", "--splits", "eval tables --data big.csv,two.csv --methods linear --splits %s", "big.csv,two.csv"},
    {"eval", "--splits", "eval tables --data tabs --methods linear --splits %s", "tabs/one.csv,tabs/new.csv"},
    {"eval", "--splits", "eval m.csv model --data big.csv --tasks task.csv --descriptor side.csv --splits %s",
     "m.csv,model,big.csv,task.csv,side.csv"},
    {"predict", "-o", "predict model big.csv -o %s", "model,big.csv"},
    {"predict", "-o", "predict m.csv tabs -o %s", "m.csv,tabs/one.csv,tabs/new.csv"},
    {"play", "-o", "play agent.png -o %s", "agent.png"},
    {"play", "--record", "play m.csv --record %s", "m.csv"},
    {"adapt", "-o", "adapt model --support images --labels labels --descriptor side.csv -o %s",
     "model,images,labels,side.csv"},
    {"convert", "-o", "convert model --weights f32 -o %s", "model"},
    {"search", "-o", "search space.ini -o %s", "space.ini"},
    {"init", "-o", "init big.csv data.descriptor=side.csv data.train_tasks=task.csv -o %s --force",
     "big.csv,side.csv,task.csv"},
    {"init", "-o", "init tabs -o %s --force", "tabs/one.csv,tabs/new.csv"},
    {"data vectors", "-o", "data vectors notes.txt texts.csv -o %s", "notes.txt,texts.csv"},
    {"data vectors", "-o", "data vectors tabs/one.csv --column x -o %s", "tabs/one.csv"},
    {"data tables", "-o", "data tables -o %s", "tabs,notes.txt"}, /* a folder with files, a file */
    {"data machines", "-o", "data machines -o %s", "tabs,notes.txt"},
    {"data glyphs", "-o", "data glyphs --fonts pics -o %s", "tabs,notes.txt"},
    {"eval", "--cache", "eval model --data images --allow-seen --cache %s", "notes.txt"},
};
enum { LINES = sizeof lines / sizeof *lines };

/* Files and folders that options name and verbs only read. */
static const char *const reads[] = {
    "eval --data",   "eval --methods",  "eval --tasks",   "eval --descriptor",  "eval --labels",       "eval --classes",
    "search --data", "adapt --support", "adapt --labels", "adapt --descriptor", "data glyphs --fonts", "inspect --data",
};

/* Runs a line with that output, which has to be refused, and with a link to it. */
static void refuses(const char *line, const char *output) {
    char all[1000];
    size_t before = 0, after = 0;
    struct stat st;
    const bool folder = stat(tiny_path(output), &st) == 0 && S_ISDIR(st.st_mode);
    char *was = folder ? NULL : bytes_of(output, &before);
    for (int linked = 0; linked < 2; linked++) {
        unlink(tiny_path("link"));
        if (linked && strstr(line, "play ")) break; /* its endings are checked first */
        if (linked) T_EQ(symlink(tiny_path(output), tiny_path("link")), 0);
        snprintf(all, sizeof all, line, linked ? "link" : output);
        RUN(1, all);
        char *is = folder ? NULL : bytes_of(output, &after);
        if ((was != NULL) != (is != NULL) || (was && (before != after || memcmp(was, is, before) != 0)))
            T_FAIL("%s: %s was changed", all, output);
        free(is);
    }
    free(was);
    unlink(tiny_path("link"));
}

TEST(an_output_is_no_input) {
    prepare();
    for (int i = 0; i < LINES; i++) {
        char inputs[200], *rest = inputs, *input;
        snprintf(inputs, sizeof inputs, "%s", lines[i].inputs);
        while ((input = strsep(&rest, ","))) {
            refuses(lines[i].line, input);
            if (strncmp(lines[i].verb, "data", 4) != 0 && strcmp(lines[i].option, "--cache") != 0 &&
                !strstr(err_text, "is the input ") && !strstr(err_text, "is inside the input "))
                T_FAIL("%s, %s: %s", lines[i].line, input, err_text);
        }
    }
    T_EQ(shell("test -z \"$(ls -A pics)\" && test \"$(ls tabs)\" = one.csv"), 0);
}

/* ---- all options are in the tables ---- */

static bool is_listed(const char *verb, const char *option) {
    char name[100];
    snprintf(name, sizeof name, "%s %s", verb, option);
    for (int i = 0; i < LINES; i++)
        if (strcmp(lines[i].verb, verb) == 0 && strcmp(lines[i].option, option) == 0) return true;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        if (strcmp(reads[i], name) == 0) return true;
    return false;
}

/* Whether the value of an option is a file or folder, by its name in the help. */
static bool is_path(const char *value) {
    static const char *const names[] = {"FILE", "DATA", "PATH", "DIR", "NET", "OUT", ".ini", ".csv", ".png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(value, names[i])) return true;
    return false;
}

TEST(every_option_that_names_a_file_is_tested) {
    static const char *const verbs[] = {
        "init", "check",   "train",   "eval",        "compare",       "search",      "adapt",        "predict",
        "play", "convert", "inspect", "data glyphs", "data machines", "data tables", "data vectors", "doctor"};
    int found = 0;
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
        char line[100], option[40], value[60], *save = NULL;
        snprintf(line, sizeof line, "%s --help", verbs[v]);
        RUN(0, line);
        for (char *at = strtok_r(out_text, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
            if (sscanf(at, "  %39s %59s", option, value) != 2 || option[0] != '-' || !is_path(value)) continue;
            if (!is_listed(verbs[v], option)) T_FAIL("gossamer %s %s %s is in no table", verbs[v], option, value);
            found++;
        }
    }
    T_CHECK(found >= LINES / 2);
    RUN(0, "help");
    for (char *at = out_text; (at = strstr(at, "\n  ")); at++) { /* the verbs are all there are */
        char name[40] = "";
        bool known = false;
        if (sscanf(at, "\n  %39s", name) != 1) continue;
        for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++)
            known |= strncmp(verbs[v], name, strlen(name)) == 0 && (verbs[v][strlen(name)] & ~' ') == 0;
        if (!known && name[0] >= 'a' && name[0] <= 'z') T_FAIL("verb %s is not in the table", name);
    }
}

/* ---- files of another kind ---- */

TEST(files_of_another_kind_are_not_overwritten) {
    static const struct {
        const char *line, *output;
    } others[] = {
        {"inspect net.txt --input 8x8x1 --svg %s", "notes.txt"},
        {"inspect net.txt --input 8x8x1 --svg %s", "m.svg"},
        {"eval tables --data two.csv --splits %s", "pic.csv"},
        {"eval tables --data two.csv --splits %s", "notes.txt"},
        {"eval model --data images --structures %s", "m.csv"},
        {"predict model big.csv -o %s", "labels"},
        {"play model -o %s", "notes.png"},
        {"play model --record %s", "notes.txt"},
        {"convert model --weights f32 -o %s", "notes.txt"},
        {"search space.ini -o %s", "notes.txt"},
        {"init big.csv -o %s", "notes.txt"},
        {"data vectors texts.csv -o %s", "pic.csv"},
    };
    prepare();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) refuses(others[i].line, others[i].output);
    RUN(0, "inspect net.txt --input 8x8x1 --svg again.svg");
    RUN(0, "inspect net.txt --input 8x8x1 --svg again.svg"); /* an earlier result is replaced */
    RUN(0, "eval tables --data two.csv --repeats 1 --methods knn --splits again.csv");
    RUN(0, "eval tables --data two.csv --repeats 1 --methods knn --splits again.csv");
}

/* ---- what runs write ---- */

TEST(a_run_writes_over_none_of_its_inputs) {
    static const char *const keys[] = {
        "data.path",   "data.tasks",          "data.items",          "data.vectors",       "data.descriptor",
        "data.labels", "data.train_tasks",    "data.val_tasks",      "data.train_classes", "data.val_classes",
        "train.start", "regularizer.r.graph", "regularizer.r.priors"};
    prepare();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char line[400];
        const char *from = strstr(keys[i], "priors") ? "prior.csv" : "big.csv"; /* what its reader takes */
        T_EQ(shell("rm -rf r && mkdir r"), 0);
        char copy[100];
        snprintf(copy, sizeof copy, "cp %s r/metrics.jsonl", from);
        T_EQ(shell(copy), 0);
        snprintf(line, sizeof line, "train data.path=images data.labels=labels run.dir=r %s%s=r/metrics.jsonl",
                 strstr(keys[i], "regularizer") ? "regularizer.r.kind=difference regularizer.r.on=weights/head.w " : "",
                 keys[i]);
        RUN(1, line);
        char says[160];
        snprintf(says, sizeof says, "%s: the run would write over r/metrics.jsonl", keys[i]);
        SAYS(err_text, says);
        T_CHECK(tiny_same_files(tiny_path(from), tiny_path("r/metrics.jsonl")));
    }
}

/* Every key whose help speaks of a file is known as an input, or is none. */
TEST(every_key_that_names_a_file_is_an_input) {
    static const char none[] = "data.kind,data.task,data.pattern,data.order,task.order,data.role,run.dir";
    int n, found = 0;
    goss_error err;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++) {
        char name[100], *star;
        goss_config *c;
        if (keys[i].type != GOSS_KEY_TEXT || keys[i].choices || goss__name_matches(keys[i].name, none)) continue;
        if (!strcasestr(keys[i].doc, "file") && !strcasestr(keys[i].doc, "table of ")) continue;
        snprintf(name, sizeof name, "%s", keys[i].name);
        if ((star = strchr(name, '*'))) *star = 'r';
        T_OK(goss_config_new(keys, n, &c, &err));
        T_OK(goss_config_set(c, name, "x.csv", &err));
        const char *input = goss_train_input(c, 0);
        if (!input || strcmp(input, name) != 0) T_FAIL("%s is no input: %s", name, keys[i].doc);
        T_CHECK(!goss_train_input(c, 1));
        goss_config_free(c), found++;
    }
    T_CHECK(found >= 10);
}

TEST(a_search_and_a_comparison_write_over_none_of_their_inputs) {
    prepare();
    T_EQ(shell("cp model best.safetensors"), 0);
    RUN(1, "search space.ini data.path=tiny-images-idx3-ubyte 'model.backbone=conv 2..4 3; relu; pool global' "
           "data.height=8 data.width=8 data.split=.5,.3,.2 data.vectors=best.safetensors -o best.ini");
    SAYS(err_text, "best.safetensors is the input best.safetensors itself");
    T_CHECK(tiny_same_files(tiny_path("model"), tiny_path("best.safetensors")));
    put("compare.ini", "[compare]\nmodels = alone\n[train]\nsteps = 2\n[validate]\nevery = 1\n[data]\nsplit = "
                       ".5,.3,.2\ntarget = y\ntask = task\n");
    T_EQ(shell("rm -rf c && mkdir c && cp big.csv c/tasks.csv"), 0);
    RUN(1, "compare compare.ini compare.dir=c data.path=c/tasks.csv");
    SAYS(err_text, "data.path: the comparison would write over c/tasks.csv");
    RUN(1, "compare compare.ini compare.dir=c data.path=big.csv");
    SAYS(err_text, "no comparison has written this one");
    RUN(1, "compare compare.ini compare.dir=tabs/c data.path=tabs");
    SAYS(err_text, "lies in the folder of the data");
    T_CHECK(tiny_same_files(tiny_path("big.csv"), tiny_path("c/tasks.csv")));
}

TEST_MAIN()
