/* SPDX-License-Identifier: Apache-2.0 */
/* Structures within budgets as users meet them: train a space, adapt within bytes, judge along a list of budgets. */
#include "base/os.h"
#include "cli_run.h"
#include "gossamer/model.h"
#include "gossamer/safetensors.h"

static goss_error err;

#define SPACE "'model.backbone=flatten; dense 4..32/4; relu; dense 4..16/4; relu' "
static const char model[] = "space/model.safetensors", other[] = "other-images-idx3-ubyte";

static bool prepare(void) {
    tiny_set();
    tiny_set_of("other", 10, TINY_DRAWINGS, 99, 98);
    if (access(tiny_path(model), F_OK) == 0) return true;
    return train("space", SPACE "structure.choose=task structure.low=1500 train.steps=60 train.tasks=2") == 0;
}

static int eval(const char *more) {
    char line[2000];
    snprintf(line, sizeof line, "eval %s --data %s --ways 3 --queries 4 --episodes 40 %s", model, other, more);
    return run(line);
}

/* The bytes of all tensors in a file. */
static int64_t bytes_of(const char *name) {
    goss_safetensors *f;
    int64_t sum = 0;
    T_OK(goss_safetensors_open(tiny_path(name), &f, &err));
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        int64_t n = 4;
        for (int k = 0; k < t->rank; k++) n *= t->shape[k];
        T_CHECK(strcmp(t->dtype, "F32") == 0);
        sum += n;
    }
    goss_safetensors_close(f);
    return sum;
}

static double number_of(const char *from, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *at = from ? strstr(from, quoted) : NULL;
    return at ? strtod(at + strlen(quoted), NULL) : -1;
}

TEST(a_network_keeps_within_its_budget) {
    static const int budgets[] = {2048, 3072, 4096, 8192, 100000};
    int64_t last = 0;
    T_CHECK(prepare());
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        char line[400];
        snprintf(line, sizeof line, "adapt %s --support %s --budget %d -o net.safetensors", model, other, budgets[i]);
        RUN(0, line);
        const int64_t bytes = bytes_of("net.safetensors");
        snprintf(line, sizeof line, "it has %lld bytes, and takes ", (long long)bytes);
        SAYS(err_text, line);
        if (bytes > budgets[i]) T_FAIL("a budget of %d bytes became a network of %lld", budgets[i], (long long)bytes);
        if (bytes < last)
            T_FAIL("%d bytes: the network has %lld bytes, less than %lld before", budgets[i], (long long)bytes,
                   (long long)last);
        last = bytes;
    }
    T_EQ(last, 4 * (64 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10)); /* the largest */
    RUN(0, "adapt space/model.safetensors --support other-images-idx3-ubyte -o all.safetensors");
    T_EQ(bytes_of("all.safetensors"), last);
    RUN(0, "adapt space/model.safetensors --support other-images-idx3-ubyte --max-macs 500 --budget 8KB -o "
           "net.safetensors");
    T_CHECK(bytes_of("net.safetensors") < 2600);
}

/* The bytes of all tensors in a file, of any type. */
static int64_t stored_in(const char *name) {
    goss_safetensors *f;
    int64_t sum = 0;
    T_OK(goss_safetensors_open(tiny_path(name), &f, &err));
    for (int i = 0; i < goss_safetensors_count(f); i++) sum += (int64_t)goss_safetensors_at(f, i)->size;
    goss_safetensors_close(f);
    return sum;
}

TEST(a_budget_in_8_bits_holds_for_what_is_written) {
    static const int budgets[] = {1024, 2048, 3072};
    T_CHECK(prepare());
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        char line[400];
        snprintf(line, sizeof line, "adapt %s --support %s --budget %d --precision int8 -o small.safetensors", model,
                 other, budgets[i]);
        RUN(0, line);
        const int64_t bytes = stored_in("small.safetensors");
        T_CHECK(bytes <= budgets[i] && bytes > budgets[i] / 2);
        snprintf(line, sizeof line, "it has %lld bytes, and takes ", (long long)bytes);
        SAYS(err_text, line);
        snprintf(line, sizeof line, "stay floats; %lld bytes in all", (long long)bytes);
        SAYS(err_text, line);
        RUN(0, "inspect small.safetensors");
        SAYS(out_text, "int8");
        RUN(0, "inspect small.safetensors --json");
        snprintf(line, sizeof line, "\"structure\": {\"bytes\": %lld,", (long long)bytes);
        SAYS(out_text, line);
    }
    T_EQ(eval("--budget 2KB --precision int8 --json"), 0);
    SAYS(out_text, "\"name\": \"hypernet+int8\"");
    T_CHECK(number_of(strstr(out_text, "hypernet+int8"), "bytes_max") <= 2048);
}

TEST(what_can_not_be_is_refused) {
    T_CHECK(prepare());
    RUN(1, "adapt space/model.safetensors --support other-images-idx3-ubyte --budget 100 -o none.safetensors");
    SAYS(err_text, "bytes");
    T_CHECK(access(tiny_path("none.safetensors"), F_OK) != 0);
    RUN(2, "adapt space/model.safetensors --support other-images-idx3-ubyte --budget 8kb -o none.safetensors");
    SAYS(err_text, "8kb");
    T_EQ(eval("--budget 8KB,100"), 1);
    SAYS(err_text, "--budget 100 bytes");
    T_EQ(eval("--budget 8KB,2KB,8192"), 1);
    SAYS(err_text, "--budget: 8192 bytes are named twice (8192)");
    T_EQ(eval("--budget 8KB --methods no-structure"), 1);
    SAYS(err_text, "there is no method no-structure; from a model come protonet");
    SAYS(err_text, ", shuffled-structure, mean-structure, uniform-structure, random-structure");
    T_EQ(eval("--budget 8KB,,4KB"), 1);
    SAYS(err_text, "--budget");
    T_EQ(train("plain", "train.steps=3"), 0);
    RUN(1, "adapt plain/model.safetensors --support other-images-idx3-ubyte --budget 8KB -o none.safetensors");
    SAYS(err_text, "no structures of their own");
    RUN(1, "eval plain/model.safetensors --data other-images-idx3-ubyte --budget 8KB");
    SAYS(err_text, "--budget: the networks of plain/model.safetensors have no structures");
    RUN(1, "eval plain/model.safetensors --data other-images-idx3-ubyte --control");
    SAYS(err_text, "shuffled-structure");
    RUN(1, "eval space/model.safetensors --data other-images-idx3-ubyte --ways 3 --episodes 1 --control");
    SAYS(err_text, "and space/model.safetensors has one task: judge it on more");
    T_EQ(train("open", SPACE "train.steps=3"), 1);
    SAYS(err_text, "structure.choose");
}

TEST(accuracy_is_told_along_budgets) {
    T_CHECK(prepare());
    T_EQ(eval("--budget 2KB,4KB,64KB --control --json --methods "
              "mean-structure,uniform-structure,random-structure,magnitude-structure,protonet"),
         0);
    SAYS(out_text, "\"budgets\": [{\"budget_bytes\": 2048, \"bytes_mean\": ");
    static const char *const names[] = {"hypernet",          "shuffled-structure", "mean-structure",
                                        "uniform-structure", "random-structure",   "magnitude-structure",
                                        "protonet"};
    static const int64_t budget[] = {2048, 4096, 65536};
    const char *at = out_text;
    for (int i = 0; i < 3; i++) {
        char key[64];
        snprintf(key, sizeof key, "{\"budget_bytes\": %lld", (long long)budget[i]);
        SAYS(at, key);
        at = strstr(at, key);
        T_CHECK(number_of(at, "violations") == 0);
        T_CHECK(number_of(at, "bytes_max") <= (double)budget[i] && number_of(at, "bytes_max") > 0);
        T_CHECK(number_of(at, "bytes_mean") <= number_of(at, "bytes_max"));
        T_CHECK(number_of(at, "macs_mean") > 0);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            snprintf(key, sizeof key, "{\"name\": \"%s\", \"accuracy\": ", names[k]);
            SAYS(at, key);
            const char *of = strstr(at, key);
            T_CHECK(strtod(of + strlen(key), NULL) > 0.4);
            T_CHECK(number_of(of, "violations") == 0);
            T_CHECK(number_of(of, "bytes_max") <= (double)budget[i]);
        }
    }
    /* Where everything fits, structures are the same. */
    const char *own = strstr(at, "\"shuffled-structure\"");
    T_CHECK(number_of(own, "difference") == 0);
    T_EQ(eval("--budget 2KB"), 0);
    SAYS(out_text, "budget 2048 bytes: ");
    SAYS(out_text, "0 beyond it");
}

/* Methods on what the model has learned are as large as its networks; a model of its own that is larger shows it. */
TEST(other_methods_are_judged_within_the_budget) {
    static const char *const names[] = {"scratch", "finetune", "ridge"};
    double last[3] = {0};
    T_CHECK(prepare());
    T_EQ(train("larger", "train.method=protonet 'model.backbone=flatten; dense 32; relu' train.steps=3"), 0);
    for (int i = 0; i < 3; i++) {
        static const int budgets[] = {1300, 4096, 65536};
        char line[200];
        snprintf(
            line, sizeof line,
            "--episodes 4 --budget %d --json --methods scratch,finetune,ridge,pixels,large=larger/model.safetensors",
            budgets[i]);
        T_EQ(eval(line), 0);
        for (int k = 0; k < 3; k++) {
            char key[64];
            snprintf(key, sizeof key, "{\"name\": \"%s\"", names[k]);
            SAYS(out_text, key);
            const double bytes = number_of(strstr(out_text, key), "bytes_max");
            T_CHECK(bytes > last[k] && bytes <= budgets[i] && bytes > 0.8 * (i < 2 ? budgets[i] : 10000));
            last[k] = bytes;
        }
        const char *pixels = strstr(out_text, "{\"name\": \"pixels\""),
                   *large = strstr(out_text, "{\"name\": \"large\"");
        T_CHECK(pixels && large && strstr(pixels, "bytes_max") > large); /* pixels have no network */
        T_EQ((int)number_of(large, "bytes_max"), 4 * (64 * 32 + 32 + 32 * 3 + 3));
        T_EQ((int)number_of(large, "violations"), i < 2 ? 4 : 0);
    }
    T_EQ(eval("--episodes 4 --budget 4KB --methods ridge,pixels"), 0);
    SAYS(out_text, "ms/task      bytes  weights\n");
}

TEST(reports_do_not_depend_on_threads) {
    T_CHECK(prepare());
    T_EQ(eval("--budget 2KB,4KB --json --control --methods random-structure,mean-structure --threads 1"), 0);
    char *one = strdup(out_text);
    for (char *p = one; (p = strstr(p, "seconds_per_task"));) memset(p, ' ', strcspn(p, ","));
    T_EQ(eval("--budget 2KB,4KB --json --control --methods random-structure,mean-structure --threads 3"), 0);
    for (char *p = out_text; (p = strstr(p, "seconds_per_task"));) memset(p, ' ', strcspn(p, ","));
    /* The times have different lengths. */
    char *a = one, *b = out_text;
    while (*a && *b) {
        a += strspn(a, " "), b += strspn(b, " ");
        if (*a != *b) T_FAIL("%.60s / %.60s", a, b);
        if (*a) a++, b++;
    }
    T_CHECK(*a == *b);
    free(one);
}

/* The i-th line of a text, or NULL. */
static const char *line_of(const char *text, int i) {
    for (; text && i > 0; i--) text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
    return text && *text ? text : NULL;
}

TEST(which_task_got_what_is_a_table) {
    T_CHECK(prepare());
    T_EQ(eval("--budget 3KB,64KB --control --structures rows.csv --json"), 0);
    SAYS(out_text, "\"violations\": 0, \"structures\": {\"tasks\": 40, \"distinct\": ");
    /* In 64 KB everything fits. */
    SAYS(out_text, "\"distance\": 0, \"bytes_score_correlation\": null, \"mantel_correlation\": null}");
    const double score = accuracy_of("hypernet");
    size_t size;
    char *rows = tiny_read(tiny_path("rows.csv"), &size);
    double sum = 0;
    SAYS(rows, "budget,task,accuracy,bytes,macs,ram,structure\n3072,0,");
    for (int i = 0; i < 80; i++) {
        long budget, bytes;
        int task;
        double accuracy;
        char gates[100];
        const char *line = line_of(rows, 1 + i);
        T_CHECK(line && sscanf(line, "%ld,%d,%lf,%ld,%*d,%*d,%99s", &budget, &task, &accuracy, &bytes, gates) == 5);
        T_EQ(budget, i < 40 ? 3072 : 65536);
        T_EQ(task, i % 40);
        T_CHECK(bytes <= budget && bytes > 1000 && strlen(gates) == 7 + 1 + 3);
        T_CHECK(i < 40 || strcmp(gates, "1111111.111") == 0);
        if (i < 40) sum += accuracy / 40;
    }
    T_NEAR(sum, score, 1e-6);
    T_CHECK(line_of(rows, 81) == NULL);
    free(rows);
    T_EQ(eval("--budget 3KB --structures no/such/rows.csv"), 1);
    SAYS(err_text, "--structures: no/such/rows.csv: there is no folder no/such");
    T_EQ(train("plain", "train.steps=3"), 0);
    RUN(1, "eval plain/model.safetensors --data other-images-idx3-ubyte --structures rows.csv");
    SAYS(err_text, "no structures of their own");
    T_EQ(eval("--budget 3KB --structures rows.csv"), 0);
    SAYS(out_text, "different structures of 40 tasks; ");
}

/* A count of a text in a file. */
static int count_in(const char *name, const char *text) {
    size_t size;
    int n = 0;
    char *all = tiny_read(tiny_path(name), &size);
    for (const char *at = all; (at = strstr(at, text)); at += strlen(text)) n++;
    free(all);
    return n;
}

TEST(which_task_got_what_is_drawn) {
    T_CHECK(prepare());
    T_EQ(eval("--budget 3KB,64KB --plot rows.svg"), 0);
    T_EQ(count_in("rows.svg", "</svg>"), 1);
    T_EQ(count_in("rows.svg", ">gates that differ</text>"), 2);
    T_EQ(count_in("rows.svg", ">3072 bytes</text>"), 1);
    T_EQ(count_in("rows.svg", "class=\"dot\""), 2 * (40 + 40 * 39 / 2));
    T_EQ(eval("--plot rows.svg"), 0);
    T_EQ(count_in("rows.svg", ">without a budget</text>"), 1);
    T_EQ(eval("--plot no/such/rows.svg"), 1);
    SAYS(err_text, "--plot: no/such/rows.svg: there is no folder no/such");
    T_EQ(train("plain", "train.steps=3"), 0);
    RUN(1, "eval plain/model.safetensors --data other-images-idx3-ubyte --plot rows.svg");
    SAYS(err_text, "--plot: the networks of plain/model.safetensors have no structures");
}

/* ---- tables ---- */

/* y of a task is one of its columns: which one is the task's own. */
static void write_tasks(const char *name, int first, int count) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fputs("who,a,b,c,d,y\n", f);
    uint32_t random = 7 + (uint32_t)first;
    for (int task = first; task < first + count; task++)
        for (int row = 0; row < 24; row++) {
            double x[4];
            for (int i = 0; i < 4; i++) x[i] = (double)(tiny_random(&random) % 1000) / 500 - 1;
            fprintf(f, "t%d,%g,%g,%g,%g,%g\n", task, x[0], x[1], x[2], x[3], 2 * x[task % 4] + 0.1 * x[(task + 1) % 4]);
        }
    fclose(f);
}

TEST(a_table_s_tasks_have_columns_of_their_own) {
    static const char all[] = "train data.path=rows.csv data.task=who data.target=y run.dir=table task.support=8 "
                              "task.objective=regression train.steps=60 train.tasks=4 validate.every=0 "
                              "'model.backbone=columns any 1; dense 2..12/2; tanh' structure.choose=task "
                              "structure.low=100B structure.high=400B optimizer.rate=0.01";
    tiny_set();
    write_tasks("rows.csv", 0, 16), write_tasks("new.csv", 100, 8), write_tasks("one.csv", 102, 1);
    RUN(0, all);
    RUN(0, "eval table/model.safetensors --data new.csv --support 8 --budget 100B,250B,400B --control --json "
           "--methods mean-structure,random-structure,ridge,scratch,finetune");
    SAYS(out_text, "\"budgets\": [{\"budget_bytes\": 100, \"bytes_mean\": ");
    SAYS(out_text, "{\"name\": \"shuffled-structure\"");
    const char *at = out_text;
    static const int64_t budget[] = {100, 250, 400};
    for (int i = 0; i < 3; i++) {
        char key[64];
        snprintf(key, sizeof key, "{\"budget_bytes\": %lld", (long long)budget[i]);
        SAYS(at, key);
        at = strstr(at, key);
        T_CHECK(number_of(at, "violations") == 0);
        T_CHECK(number_of(at, "bytes_max") <= (double)budget[i] &&
                number_of(at, "bytes_max") > 0.5 * (double)budget[i]);
        const double scratch = number_of(strstr(at, "{\"name\": \"scratch\""), "bytes_max"),
                     finetune = number_of(strstr(at, "{\"name\": \"finetune\""), "bytes_max");
        T_CHECK(scratch <= (double)budget[i] && scratch > 0.5 * (double)budget[i] && finetune == scratch);
    }
    RUN(1, "eval table/model.safetensors --data new.csv --support 8 --budget 400B,10B --json");
    SAYS(err_text, "--budget 10 bytes");
    T_EQ(strlen(out_text), 0); /* no half of a report */
    RUN(0, "adapt table/model.safetensors --support one.csv --budget 150B -o small.safetensors");
    T_CHECK(bytes_of("small.safetensors") <= 150);
    RUN(0, "predict small.safetensors one.csv");
    SAYS(out_text, "who,a,b,c,d,y");
    /* An ensemble shares the budget, and each of its networks is a small one. */
    RUN(0, "train data.path=rows.csv data.task=who data.target=y run.dir=noisy task.support=8 hyper.noise=4 "
           "task.objective=regression train.steps=20 train.tasks=4 validate.every=0 structure.low=40B "
           "'model.backbone=columns any 1; dense 2..12/2; tanh' structure.choose=task structure.high=400B");
    RUN(0, "adapt noisy/model.safetensors --support one.csv --networks 3 --budget 450B -o three.safetensors");
    SAYS(err_text, "an ensemble of 3 networks");
    T_CHECK(bytes_of("three.safetensors") <= 450 && bytes_of("three.safetensors") > 225);
    RUN(0, "predict three.safetensors one.csv");
    SAYS(out_text, ",prediction,low,high\n");
    RUN(0, "inspect three.safetensors");
    SAYS(out_text, "2:dense1.w");
    RUN(1, "adapt noisy/model.safetensors --support one.csv --networks 30 --budget 450B -o none.safetensors");
    SAYS(err_text,
         "of 30 networks that share a budget, each: no network of the space is within the budget of 15 bytes");
}

/* y of a task is a sum of some of its 16 columns, which ones is the task's own, and how many (`least` .. 5): one
 * structure for all tasks can not have them, whatever it learns. */
static void write_sums(const char *name, int first, int count, int least) {
    enum { COLUMNS = 16, ROWS = 36, MOST = 5 };
    FILE *f = fopen(tiny_path(name), "w");
    if (!f) exit(99);
    fputs("who", f);
    for (int i = 0; i < COLUMNS; i++) fprintf(f, ",c%d", i);
    fputs(",y\n", f);
    uint32_t random = 70 + (uint32_t)first;
    for (int task = first; task < first + count; task++) {
        double weight[COLUMNS] = {0};
        const int many = least + (int)(tiny_random(&random) % (uint32_t)(MOST - least + 1));
        for (int i = 0; i < many; i++) weight[tiny_random(&random) % COLUMNS] = tiny_random(&random) % 2 ? 1 : -1;
        for (int row = 0; row < ROWS; row++) {
            double y = 0;
            fprintf(f, "t%d", task);
            for (int i = 0; i < COLUMNS; i++) {
                const double x = (double)(tiny_random(&random) % 1000) / 500 - 1;
                fprintf(f, ",%g", x);
                y += weight[i] * x;
            }
            fprintf(f, ",%g\n", y);
        }
    }
    fclose(f);
}

#define SUMS                                                                                                           \
    "train data.task=who data.target=y task.support=20 task.objective=regression validate.every=0 "                    \
    "'model.backbone=columns any 1' structure.low=8B structure.high=64B method.ridge_head=true method.ridge=0.01 "     \
    "optimizer.rate=0.005 optimizer.rates=hyper.structure.*=10 train.tasks=8 train.steps=300 "

/* Of a method in the first budget of a report: its difference to the model, in intervals. */
static double intervals_of(const char *method) {
    char key[64];
    snprintf(key, sizeof key, "{\"name\": \"%s\"", method);
    const char *at = strstr(out_text, key);
    if (!at) T_FAIL("%s is not in the report", method);
    return number_of(at, "difference") / number_of(at, "difference_ci95");
}

/* The control that decides, and the ablation: without what gates do for a support set all tasks get one structure. */
TEST(a_structure_is_a_matter_of_the_task) {
    static const char judge[] = "eval %s/model.safetensors --data new.csv --support 20 --budget 24B --control --json "
                                "--methods mean-structure,uniform-structure,random-structure";
    char line[400];
    tiny_set();
    write_sums("sums.csv", 0, 60, 3), write_sums("new.csv", 1000, 40, 3);
    RUN(0, SUMS "data.path=sums.csv run.dir=own structure.choose=task");
    RUN(0, SUMS "data.path=sums.csv run.dir=code structure.choose=task structure.relevance=0");
    snprintf(line, sizeof line, judge, "own");
    RUN(0, line);
    static const char *const others[] = {"shuffled-structure", "mean-structure", "uniform-structure",
                                         "random-structure"};
    for (int i = 0; i < 4; i++)
        if (!(intervals_of(others[i]) > 4)) T_FAIL("%s loses by %g intervals", others[i], intervals_of(others[i]));
    write_file("single.txt", "t1000\n", 6);
    snprintf(line, sizeof line, judge, "own");
    strcat(line, " --tasks single.txt");
    RUN(1, line);
    SAYS(err_text,
         "shuffled-structure: each network has the structure of another task, and own/model.safetensors has one");
    snprintf(line, sizeof line, judge, "code");
    RUN(0, line);
    T_CHECK(!(intervals_of("shuffled-structure") > 2));
    /* Tasks that are alike get structures that are. */
    RUN(0, "eval own/model.safetensors --data new.csv --support 20 --repeats 2 --budget 24B --json --structures s.csv "
           "--plot s.svg");
    T_CHECK(number_of(out_text, "tasks") == 40 && number_of(strstr(out_text, "\"structures\""), "tasks") == 80);
    if (!(number_of(out_text, "mantel_correlation") > 0.2)) T_FAIL("%g", number_of(out_text, "mantel_correlation"));
    T_EQ(count_in("s.csv", "\n24,t1003,"), 2);
    T_EQ(count_in("s.csv", "\n"), 81);
    T_EQ(count_in("s.svg", "class=\"dot\""), 80 + (80 * 79 / 2 + 1) / 2);
    RUN(0, "eval own/model.safetensors --data new.csv --support 20 --repeats 1 --budget 24B");
    T_CHECK(!strstr(out_text, "different structures"));
}

/* Tasks of more columns get more bytes, and gain by it more than the others lose. */
TEST(a_budget_for_the_mean_goes_to_hard_tasks) {
    tiny_set();
    write_sums("mixed.csv", 0, 60, 1), write_sums("new.csv", 1000, 100, 1);
    RUN(0, SUMS "data.path=mixed.csv run.dir=pooled structure.choose=task "
                "structure.pooled=true");
    RUN(0, "eval pooled/model.safetensors --data new.csv --support 20 --budget 16B --mean-budget --json");
    T_CHECK(number_of(out_text, "bytes_mean") <= 16 && number_of(out_text, "bytes_mean") > 14);
    T_CHECK(number_of(out_text, "bytes_max") > 16);
    T_CHECK(number_of(out_text, "violations") == 0);
    T_CHECK(number_of(out_text, "bytes_difficulty_correlation") > 0.5);
    if (!(intervals_of("equal-budget") > 2)) T_FAIL("equal budgets lose by %g intervals", intervals_of("equal-budget"));
    RUN(1, "eval pooled/model.safetensors --data new.csv --support 20 --mean-budget");
    SAYS(err_text, "--mean-budget: of which budgets");
    RUN(1, "eval pooled/model.safetensors --data new.csv --support 20 --budget 4B --mean-budget");
    SAYS(err_text, "the smallest have 8 on average");
    RUN(1, SUMS "data.path=mixed.csv run.dir=micro structure.choose=task structure.pooled=true train.micro_batch=4");
    SAYS(err_text, "structure.pooled");
}
TEST_MAIN()
