/* SPDX-License-Identifier: Apache-2.0 */
/* The command as users meet it: each verb from a configuration to a prediction, exit statuses, errors that help. Runs
 * the gossamer beside this test's own folder. */
#include <signal.h>
#include <sys/stat.h>

#include "cli_run.h"
#include "goss_config.h"

TEST(help_and_version_are_told) {
    static const char *const verbs[] = {"train", "eval", "adapt", "predict", "convert", "inspect", "data", "doctor"};
    RUN(0, "--version");
    SAYS(out_text, "gossamer 0.");
    RUN(0, "--help");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) SAYS(out_text, verbs[i]);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s --help", verbs[i]);
        RUN(0, line);
        SAYS(out_text, verbs[i]);
    }
    RUN(*GOSS_MISSING ? 1 : 0, "doctor"); /* it says what is missing */
    SAYS(out_text, "kernels");
    RUN(0, "doctor --passes");
    SAYS(out_text, "on      winograd");
    SAYS(out_text, "always  partition");
}

TEST(wrong_usage_has_its_own_status) {
    static const char *const lines[] = {"",
                                        "fly",
                                        "train",
                                        "eval",
                                        "eval m",
                                        "eval m --data d --ways x",
                                        "eval m --data d --ways",
                                        "adapt m",
                                        "adapt m --support s",
                                        "predict n",
                                        "convert m -o x",
                                        "convert m -o x --weights f16",
                                        "inspect",
                                        "inspect a b",
                                        "data",
                                        "data dragons -o x",
                                        "data glyphs",
                                        "eval m --data d --speed 3",
                                        "doctor now"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) RUN(2, lines[i]);
    SAYS(err_text, "usage");
}

TEST(errors_say_what_and_where) {
    RUN(1, "train /nonexistent.ini");
    SAYS(err_text, "gossamer: ");
    SAYS(err_text, "/nonexistent.ini");
    write_file("bad.ini", "[train]\nmethod = hypernet\nsteps = 3.5\n", 38);
    RUN(1, "train bad.ini");
    SAYS(err_text, "bad.ini:3: [train] steps: 3.5 is not an integer");
    RUN(1, "train run.dri=x");
    SAYS(err_text, "run.dir");
    RUN(1, "inspect /nonexistent");
    RUN(1, "inspect /dev/null");
    RUN(1, "predict bad.ini bad.ini");
    RUN(1, "eval bad.ini --data x");
    RUN(1, "adapt bad.ini --support x -o y");
    T_CHECK(access(tiny_path("y"), F_OK) != 0);
}

TEST(a_model_is_trained_and_judged) {
    tiny_set();
    RUN(0, "train --keys");
    SAYS(out_text, "[train]");
    T_EQ(train("run", "train.steps=60"), 0);
    SAYS(out_text, "run/model.safetensors");
    SAYS(err_text, "val ");
    RUN(0, "eval run/model.safetensors --data tiny-images-idx3-ubyte --allow-seen --ways 5 --queries 4 --episodes 40 "
           "--methods "
           "pixels,protonet,ridge,scratch --json");
    static const char *const parts[] = {"{\"ways\": 5, \"shots\": 1,",
                                        "\"episodes\": 40",
                                        "{\"name\": \"hypernet\", \"accuracy\": 0.",
                                        "\"ci95\": 0.",
                                        "\"seconds_per_task\": ",
                                        "{\"name\": \"pixels\"",
                                        "{\"name\": \"scratch\"",
                                        "\"difference\": ",
                                        "]}\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) SAYS(out_text, parts[i]);
    T_EQ(strchr(out_text, '\n') - out_text + 1, (long)strlen(out_text));
    T_CHECK(strtod(strstr(out_text, "\"accuracy\": ") + 12, NULL) > 0.4);
    RUN(0, "eval run/model.safetensors --data tiny-images-idx3-ubyte --allow-seen --queries 4 --episodes 10 "
           "--fine-tune 2 --methods "
           "other=run/model.safetensors");
    SAYS(out_text, "hypernet+finetune2");
    SAYS(out_text, "+0.00 +- 0.00");
    RUN(1, "eval run/model.safetensors --data tiny-images-idx3-ubyte --methods maml");
    SAYS(err_text, "maml=FILE");
    RUN(1, "eval run/model.safetensors --data tiny-images-idx3-ubyte --methods magic");
    RUN(1, "eval run/model.safetensors --data tiny-images-idx3-ubyte --allow-seen --ways 50");
    SAYS(err_text, "50 ways");
    RUN(0, "convert run/model.safetensors -o half.safetensors --weights bf16");
    RUN(0, "inspect half.safetensors");
    SAYS(out_text, "BF16");
    RUN(0, "eval run/model.safetensors --data tiny-images-idx3-ubyte --allow-seen --queries 4 --episodes 40 --methods "
           "half=half.safetensors");
    SAYS(out_text, "half");
    RUN(1, "convert run/checkpoint.safetensors -o none.safetensors --weights bf16");
    SAYS(err_text, "not a model");
    RUN(0, "inspect run/model.safetensors");
    SAYS(out_text, "target.dense1.w");
    SAYS(out_text, "gossamer.method");
    RUN(0, "inspect --json run/checkpoint.safetensors");
    SAYS(out_text, "\"adam.m.target\"");
}

TEST(scratch_takes_nothing_from_the_model_it_is_raced_against) {
    tiny_set();
    T_EQ(train("trained", "train.steps=60"), 0);
    T_EQ(train("untrained", "train.method=scratch"), 0);
    const char *how =
        " --data tiny-images-idx3-ubyte --allow-seen --ways 5 --queries 4 --episodes 20 --json --methods scratch";
    char line[400];
    snprintf(line, sizeof line, "eval trained/model.safetensors%s", how);
    RUN(0, line);
    double beside = accuracy_of("scratch");
    snprintf(line, sizeof line, "eval untrained/model.safetensors%s", how);
    RUN(0, line);
    T_CHECK(beside >= 0);
    T_NEAR(accuracy_of("scratch"), beside, 1e-6);
}

TEST(drawings_become_a_network) {
    T_EQ(train("adapt", "train.steps=20"), 0);
    RUN(0, "adapt adapt/model.safetensors --support tiny-images-idx3-ubyte -o net.safetensors --fine-tune 3");
    SAYS(out_text, "net.safetensors");
    RUN(0, "inspect net.safetensors");
    SAYS(out_text, "adapt.fine_tune");
    SAYS(out_text, "head.w");
    RUN(1, "predict adapt/model.safetensors net.safetensors");
    SAYS(err_text, "not a network");
    RUN(1, "eval net.safetensors --data tiny-images-idx3-ubyte");
    SAYS(err_text, "not a model");
    RUN(1, "adapt adapt/model.safetensors --support /nonexistent -o other.safetensors");
    T_CHECK(access(tiny_path("other.safetensors"), F_OK) != 0);
}

/* An 8 x 8 grey PNG. */
static const unsigned char png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0xe1, 0x64, 0xe1, 0x57, 0x00, 0x00, 0x00, 0x4c, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xd0, 0x80, 0x02, 0x06, 0x0d, 0x4b, 0xaf, 0xe8, 0x9c, 0xda, 0xbe, 0xf9, 0x0c,
    0x1a, 0x5e, 0x39, 0x7d, 0x1b, 0x2e, 0x7d, 0x11, 0x63, 0xd0, 0x88, 0xee, 0x3b, 0xf8, 0x45, 0x3d, 0xaa, 0x97, 0x41,
    0x23, 0x67, 0xc3, 0x17, 0x8b, 0x9a, 0x03, 0x2c, 0x0c, 0x1a, 0xb5, 0x97, 0xd4, 0x6b, 0x2e, 0xaa, 0x55, 0x33, 0x68,
    0xf4, 0x7d, 0x89, 0x3a, 0xa0, 0xd6, 0xf3, 0x89, 0x41, 0x63, 0xbe, 0x58, 0x2f, 0x4b, 0xf5, 0xa7, 0x4c, 0x00, 0x6e,
    0xc5, 0x1b, 0x11, 0x28, 0x92, 0x42, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

TEST(images_are_classified) {
    T_EQ(train("predict", "train.steps=5"), 0);
    RUN(0, "adapt predict/model.safetensors --support tiny-images-idx3-ubyte -o p.safetensors");
    write_file("a b.png", png, sizeof png);
    RUN(0, "predict p.safetensors 'a b.png' 'a b.png'");
    T_CHECK(strncmp(out_text, "a b.png\t", 8) == 0);
    RUN(0, "predict p.safetensors 'a b.png' --json");
    SAYS(out_text, "{\"input\": \"a b.png\", \"class\": \"");
    SAYS(out_text, "\"probability\": 0.");
    SAYS(out_text, "\"probabilities\": {\"");
    for (size_t n = 0; n < sizeof png; n += 3) { /* cut short: told; the good one has its line */
        write_file("cut.png", png, n);
        if (n + 12 >= sizeof png) break; /* only the end mark is missing: decoders may forgive that */
        RUN(1, "predict p.safetensors 'a b.png' cut.png");
        SAYS(err_text, "cut.png");
        T_CHECK(strncmp(out_text, "a b.png\t", 8) == 0);
        T_CHECK(!strstr(out_text, "cut.png"));
    }
    RUN(1, "predict p.safetensors /nonexistent.png");
    write_file("cut.png", png, sizeof png / 2);
    RUN(1, "predict p.safetensors --json 'a b.png' cut.png /nonexistent 'a b.png'");
    const char *first = strstr(out_text, "{\"input\": \"a b.png\", \"class\""),
               *bad = strstr(out_text, "\n{\"input\": \""), *last = strrchr(out_text, '{');
    T_CHECK(first == out_text && bad && strstr(bad, "\n{\"input\": \"cut.png\", \"error\": \"cut.png: "));
    bad = strstr(out_text, "\n{\"input\": \"/nonexistent\", \"error\": \"/nonexistent: ");
    T_CHECK(bad && last > bad && strstr(bad, "\n{\"input\": \"a b.png\", \"class\"") && strstr(err_text, "cut.png"));
    write_file("x\xff\xc3\xa9\"\t.png", png, sizeof png);
    RUN(0, "predict p.safetensors --json x*.png");
    SAYS(out_text, "\"x\\\\xFF\xc3\xa9\\\"\\t.png\"");
}

TEST(signals_save_and_the_same_command_goes_on) {
    static const char *const signals[] = {"TERM", "INT", "HUP"};
    const char *more = "train.steps=400";
    T_EQ(train("reference", more), 0);
    char line[2000];
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        snprintf(line, sizeof line,
                 "cd %s && { rm -f err; %s train data.path=%s run.dir=stopped train.steps=100000 >out 2>err & p=$!; "
                 "for i in $(seq 400); do grep -qs step err && break; sleep 0.05; done; kill -%s $p; wait $p; }",
                 tiny_dir, command(), settings, signals[i]);
        int status = system(line);
        if (WEXITSTATUS(status) != 75) T_FAIL("status %d after SIG%s", WEXITSTATUS(status), signals[i]);
        T_CHECK(access(tiny_path("stopped/checkpoint.safetensors"), F_OK) == 0);
        T_CHECK(access(tiny_path("stopped/model.safetensors"), F_OK) != 0);
    }
    snprintf(line, sizeof line,
             "cd %s && { %s train data.path=%s run.dir=cut %s >out 2>err & p=$!; sleep 0.2; kill -TERM $p; wait $p; }",
             tiny_dir, command(), settings, more);
    int status = system(line);
    T_CHECK(WEXITSTATUS(status) == 75 || WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 143);
    T_EQ(train("cut", more), 0);
    T_CHECK(tiny_same_files(tiny_path("reference/model.safetensors"), tiny_path("cut/model.safetensors")));
    T_EQ(train("cut", "train.steps=401"), 0);
    SAYS(err_text, "going on from step 400");
}

/* Files in a folder whose name has a part in it, at any depth. */
static int files_like(const char *dir, const char *part) {
    char line[600];
    size_t n = 0;
    snprintf(line, sizeof line, "cd %s && find %s -type f -name '*%s*' 2>/dev/null | wc -l >count", tiny_dir, dir,
             part);
    if (system(line) != 0) return -1;
    char *text = tiny_read(tiny_path("count"), &n);
    int count = text ? atoi(text) : -1;
    free(text);
    return count;
}

TEST(what_is_half_made_is_taken_back_on_a_signal) {
    char line[2000];
    T_EQ(train("decoded", "train.steps=1"), 0);
    snprintf(line, sizeof line,
             "cd %s && { %s train data.path=%s run.dir=decoding data.height=400 data.width=400 >out 2>err & p=$!; "
             "for i in $(seq 400); do [ -d decoding ] && break; sleep 0.01; done; sleep 0.1; kill -INT $p; wait $p; }",
             tiny_dir, command(), settings);
    int status = system(line);
    if (WEXITSTATUS(status) != 75) T_FAIL("status %d after SIGINT", WEXITSTATUS(status));
    T_EQ(files_like("decoding", "tmp"), 0);
#if GOSS_HAVE_FREETYPE && GOSS_HAVE_PNG
    if (access("/usr/share/fonts/truetype/noto", F_OK) != 0) T_SKIP("no fonts");
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line,
                 "cd %s && { %s data glyphs -o drawn%d >out 2>err & p=$!; sleep 0.5; kill -%d $p; wait $p; }", tiny_dir,
                 command(), i, ends[i]);
        status = system(line);
        if (WEXITSTATUS(status) != 128 + ends[i]) T_FAIL("status %d after signal %d", WEXITSTATUS(status), ends[i]);
        snprintf(line, sizeof line, "drawn%d", i);
        T_EQ(files_like(line, "tmp"), 0);
    }
#endif
}

TEST(a_file_may_have_any_name_and_place) {
    const char text[] = "[train]\nsteps = 3\n";
    write_file("a=b.ini", text, sizeof text - 1);
    write_file("c.ini", text, sizeof text - 1);
    T_EQ(train("named", "a=b.ini"), 0);
    SAYS(err_text, "all steps done: 3 steps");
    T_EQ(train("before", "train.steps=4 ./a=b.ini"), 0);
    SAYS(err_text, "all steps done: 4 steps");
    T_EQ(train("two", "a=b.ini c.ini"), 1);
    SAYS(err_text, "one configuration file only");
    T_EQ(train("none", "x=y.ini"), 1);
    SAYS(err_text, "there is no key x");
}

/* The numbers 0, 1 and 2 are no file of a run's, whatever a shell has closed. */
TEST(closed_standard_files_do_not_end_up_in_a_runs_files) {
    static const struct {
        const char *closed;
        int status; /* 1: the model's path could not be printed */
    } cases[] = {{"2>&-", 0}, {"<&- 2>&-", 0}, {">&-", 1}, {"<&- >&- 2>&-", 1}};
    char line[2000];
    tiny_set();
    if (train("opened", "train.steps=20") != 0) T_FAIL("%s", err_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        size_t n;
        snprintf(line, sizeof line, "cd %s && %s train data.path=%s run.dir=closed%zu train.steps=20 %s", tiny_dir,
                 command(), settings, i, cases[i].closed);
        const int status = system(line);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].status)
            T_FAIL("%s: status %d", cases[i].closed, status);
        snprintf(name, sizeof name, "closed%zu/model.safetensors", i);
        snprintf(line, sizeof line, "%s", tiny_path(name));
        T_CHECK(tiny_same_files(line, tiny_path("opened/model.safetensors")));
        snprintf(name, sizeof name, "closed%zu/metrics.jsonl", i);
        char *text = tiny_read(tiny_path(name), &n);
        T_CHECK(text && text[0] == '{');
        free(text);
    }
}

TEST_MAIN()
