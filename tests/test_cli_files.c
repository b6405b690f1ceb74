/* SPDX-License-Identifier: Apache-2.0 */
/* The command and other people's files: options, standard output, where results go, what is not written over, names
 * that steer terminals, files that are no models. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "cli_run.h"

/* A model of the tiny set, trained once. */
static int make_model(void) {
    tiny_set();
    return access(tiny_path("m/model.safetensors"), F_OK) == 0 || train("m", "train.steps=5") == 0;
}

static int shell(const char *format, ...) {
    char line[3000];
    int at = snprintf(line, sizeof line, "cd %s && ", tiny_dir);
    va_list args;
    va_start(args, format);
    vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static char *text_of(const char *name) {
    static char *last;
    size_t n;
    free(last);
    return last = tiny_read(tiny_path(name), &n);
}

/* ---- options ---- */

TEST(options_are_read_as_everywhere) {
    T_CHECK(make_model());
    static const struct {
        int status;
        const char *line, *says;
    } lines[] = {
        {2, "eval m ---ways 5", "there is no option ---ways"},
        {2, "eval m -ways 5", "did you mean --ways?"},
        {2, "eval m --s 5", "--s can mean --split, --strength, --seed, --support"},
        {2, "eval m --nothing", "there is no option --nothing"},
        {2, "eval m --json=yes", "--json takes no value"},
        {2, "eval m --data d --ways 5 --ways=x", "--ways: \"x\" is not a number"}, /* the last counts */
        {2, "adapt m -o", "-o needs a value"},
        {2, "adapt m -x y", "there is no option -x"},
        {2, "eval m --wa x --data d", "--ways: \"x\" is not a number"},
        {2, "inspect -- --json x", "\"x\" is an extra argument"},
        {1, "inspect -- --json", "--json: cannot open"},
        {1, "inspect -", "-: cannot open"},
        {1, "adapt no/model --support s -onet", "no/model"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        RUN(lines[i].status, lines[i].line);
        SAYS(err_text, lines[i].says);
    }
    RUN(0, "inspect m/model.safetensors --json");
    T_EQ(out_text[0], '{');
    RUN(0, "inspect --js m/model.safetensors");
    T_EQ(out_text[0], '{');
    RUN(0, "help convert");
    SAYS(out_text, "--weights TYPE");
    RUN(0, "convert m x y z -h");
    SAYS(out_text, "--weights TYPE");
}

/* ---- standard output ---- */

/* Runs `gossamer ARGUMENTS` with its output in a pipe that nobody reads. Returns wait's status. */
static int run_into_closed_pipe(const char *arguments, bool ignored) {
    char line[1000];
    snprintf(line, sizeof line, "cd %s && exec %s %s", tiny_dir, command(), arguments);
    int ends[2];
    if (pipe(ends) != 0) return -1;
    close(ends[0]);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
        int err = open(tiny_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(ends[1], 1), dup2(err, 2);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

TEST(a_reader_that_has_gone_is_no_error_and_a_full_disk_is_one) {
    T_CHECK(make_model());
    for (int ignored = 0; ignored < 2; ignored++) {
        int status = run_into_closed_pipe("inspect m/model.safetensors", ignored);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGPIPE) /* 141 to a shell */
            T_FAIL("status %x: %s", (unsigned)status, text_of("err"));
        T_STR(text_of("err"), "");
    }
    T_EQ(shell("%s inspect m/model.safetensors >/dev/full 2>err", command()), 1);
    SAYS(text_of("err"), "standard output: No space left");
    T_EQ(shell("%s inspect m/model.safetensors >&- 2>err", command()), 1);
    SAYS(text_of("err"), "standard output: Bad file");
}

/* A file that is opened while a standard stream is closed does not take its place: nothing told goes into it. */
TEST(closed_streams_are_no_files) {
    T_CHECK(make_model());
    T_EQ(shell("rm -rf quiet && %s train data.path=%s run.dir=quiet train.steps=40 train.log_every=5 >out <&- 2>&-",
               command(), settings),
         0);
    T_CHECK(access(tiny_path("quiet/model.safetensors"), F_OK) == 0);
    const char *line = text_of("quiet/metrics.jsonl");
    T_CHECK(line && *line);
    for (; *line; line = strchr(line, '\n') + 1) T_CHECK(strncmp(line, "{\"step\":", 8) == 0 && strchr(line, '\n'));
    T_EQ(shell("%s convert m/model.safetensors -o closed --weights f32 >&- 2>err", command()), 1);
    RUN(0, "inspect closed");
}

/* ---- where results go ---- */

TEST(an_input_is_never_written_over) {
    T_CHECK(make_model());
    T_EQ(shell("cp m/model.safetensors in && cp in copy && ln -s in soft && ln in hard && mkdir -p set/a"), 0);
    static const struct {
        const char *line, *says;
    } lines[] = {
        {"adapt in --support tiny-images-idx3-ubyte -o in", "is the input in itself"},
        {"adapt in --support tiny-images-idx3-ubyte -o ./in", "is the input"},
        {"adapt in --support tiny-images-idx3-ubyte -o soft", "gossamer: soft is the input in itself"},
        {"adapt in --support tiny-images-idx3-ubyte -o hard", "is the input"},
        {"adapt soft --support tiny-images-idx3-ubyte -o in", "is the input"},
        {"adapt in --support tiny-images-idx3-ubyte -o tiny-images-idx3-ubyte", "is the input tiny-images-idx3-ubyte"},
        {"adapt in --support tiny-images-idx3-ubyte -o tiny-labels-idx1-ubyte", "exists and is an idx file of labels"},
        {"adapt in --support set -o set/net", "is inside the input set"},
        {"adapt in --support set -o set/a/net", "is inside the input set"},
        {"convert in --weights bf16 -o in", "is the input"},
        {"convert in --weights bf16 -o hard", "is the input"},
        {"convert in --weights bf16 -o set", "set: is a folder"},
        {"convert in --weights bf16 -o no/such", "no/such: there is no folder no"},
        {"convert not.there --weights bf16 -o no/such", "no/such: there is no folder no"}, /* before the work */
        {"convert in --weights bf16 -o ''", "is empty"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        RUN(1, lines[i].line);
        SAYS(err_text, lines[i].says);
        T_CHECK(tiny_same_files(tiny_path("in"), tiny_path("copy")));
    }
    RUN(0, "eval in --data tiny-images-idx3-ubyte --queries 4 --episodes 10 --allow-seen");
}

TEST(links_pipes_and_modes_are_respected) {
    T_CHECK(make_model());
    struct stat st;
    T_EQ(
        shell("rm -rf w && mkdir w && ln -s w/real link && %s convert m/model.safetensors --weights f32 -o w/want >out",
              command()),
        0);
    RUN(0, "convert m/model.safetensors --weights f32 -o link");
    T_STR(out_text, "link\n");
    T_CHECK(lstat(tiny_path("link"), &st) == 0 && S_ISLNK(st.st_mode));
    T_CHECK(tiny_same_files(tiny_path("w/real"), tiny_path("w/want")));
    T_EQ(chmod(tiny_path("w/real"), 0604), 0);
    RUN(0, "convert m/model.safetensors --weights f32 -o link");
    T_CHECK(stat(tiny_path("w/real"), &st) == 0 && (st.st_mode & 0777) == 0604);
    T_EQ(shell("mkfifo w/fifo && { cat w/fifo >w/through & } && %s convert m/model.safetensors --weights f32 -o w/fifo "
               ">out && wait",
               command()),
         0);
    T_CHECK(tiny_same_files(tiny_path("w/through"), tiny_path("w/want")));
    T_CHECK(lstat(tiny_path("w/fifo"), &st) == 0 && S_ISFIFO(st.st_mode));
    RUN(0, "convert m/model.safetensors --weights f32 -o /dev/null");
    T_CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    RUN(1, "convert m/model.safetensors --weights f32 -o /dev/full");
    SAYS(err_text, "/dev/full: cannot write: No space left");
    /* A limit on the size of files is an error as well, not a death by SIGXFSZ. */
    T_EQ(shell("ulimit -f 1; %s convert m/model.safetensors --weights f32 -o limited >out 2>err", command()), 1);
    T_CHECK(access(tiny_path("limited"), F_OK) != 0);
    T_EQ(shell("%s convert m/model.safetensors --weights f32 -o /dev/stdout | cat >w/piped", command()), 0);
    T_CHECK(tiny_same_files(tiny_path("w/piped"), tiny_path("w/want"))); /* no name behind it */
    RUN(0, "convert m/model.safetensors --weights f32 -o w/last");
    T_EQ(shell("%s convert m/model.safetensors --weights f32 -o - | cat >w/dash && test ! -e ./-", command()), 0);
    T_CHECK(tiny_same_files(tiny_path("w/dash"), tiny_path("w/want")));
    T_EQ(shell("%s convert m/model.safetensors --weights f32 -o - >w/dash2", command()), 0);
    T_CHECK(tiny_same_files(tiny_path("w/dash2"), tiny_path("w/want")));
    T_EQ(shell("test -z \"$(ls -A w | grep gossamer-)\""), 0);
}

TEST(a_run_keeps_away_from_what_it_reads) {
    T_CHECK(make_model());
    T_EQ(shell("rm -rf tree k && mkdir -p tree/a && ln -s tree/a into && mkdir k && cp m/model.safetensors k"), 0);
    RUN(1, "train data.path=tree run.dir=tree/run");
    SAYS(err_text, "run.dir = tree/run lies in the folder of the images");
    RUN(1, "train data.path=tree run.dir=into/run");
    SAYS(err_text, "lies in the folder of the images");
    T_EQ(shell("test -z \"$(ls -A tree/a)\""), 0); /* nothing was made there */
    RUN(1, "train data.path=tree run.dir=elsewhere data.cache=tree/cache");
    SAYS(err_text, "data.cache = tree/cache lies in the folder of the images");
    T_EQ(train("k", "train.steps=5 train.start=k/model.safetensors"), 1);
    SAYS(err_text, "train.start: the run would write over k/model.safetensors");
    T_EQ(shell("mkfifo k/metrics.jsonl"), 0);
    T_EQ(train("k", "train.steps=5"), 1);
    SAYS(err_text, "k/metrics.jsonl is there and no file");
    RUN(1, "eval m/model.safetensors --data tree --cache tree/cache");
    SAYS(err_text, "lies in");
    T_EQ(shell("test -e tree/cache"), 1);
}

TEST(what_killed_runs_left_is_removed) {
    T_CHECK(make_model());
    write_file("m/.model.safetensors.gossamer-0123456789abcdef", "half", 4);
    write_file("m/.mine", "kept", 4);
    T_EQ(train("m", "train.steps=5"), 0);
    T_CHECK(access(tiny_path("m/.model.safetensors.gossamer-0123456789abcdef"), F_OK) != 0);
    T_CHECK(access(tiny_path("m/.mine"), F_OK) == 0);
}

/* ---- files of others ---- */

static void write_tensors(const char *name, const char *header, size_t data) {
    static const char zeros[256];
    size_t n = strlen(header);
    char buffer[4096] = {(char)(n & 255), (char)(n >> 8)};
    memcpy(buffer + 8, header, n);
    memcpy(buffer + 8 + n, zeros, data);
    write_file(name, buffer, 8 + n + data);
}

TEST(any_valid_file_is_shown) {
    write_tensors("f8",
                  "{\"__metadata__\":null,\"q\":{\"dtype\":\"F8_E4M3\",\"shape\":[2,3],\"data_offsets\":[0,6]},"
                  "\"s\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[6,8]},"
                  "\"c\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[8,16]},"
                  "\"none\":{\"dtype\":\"I64\",\"shape\":[0,3],\"data_offsets\":[16,16]},"
                  "\"deep\":{\"dtype\":\"BOOL\",\"shape\":[1,1,1,1,1,1,1,1,1,1,2],\"data_offsets\":[16,18]},"
                  "\"new\":{\"dtype\":\"P3109\",\"shape\":[2],\"data_offsets\":[18,20]}}",
                  20);
    RUN(0, "inspect f8");
    SAYS(out_text, "F8_E4M3 2 x 3");
    SAYS(out_text, "F4    4");
    SAYS(out_text, "0 x 3");
    SAYS(out_text, "1 x 1 x 1 x 1 x 1 x 1 x 1 x 1 x 1 x 1 x 2");
    SAYS(out_text, "P3109 2");
    SAYS(out_text, "6 tensors, 20 bytes");
    RUN(0, "inspect f8 --json");
    SAYS(out_text, "\"dtype\": \"P3109\", \"shape\": [2]");
    RUN(1, "eval f8 --data tiny-images-idx3-ubyte");
    SAYS(err_text, "not a file of Gossamer's");
    write_tensors("half", "{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", 8);
    FILE *f = fopen(tiny_path("half"), "r+b"); /* 1, 2, infinity, 0 */
    T_CHECK(f && fseek(f, -8, SEEK_END) == 0);
    T_EQ(fwrite("\x00\x3c\x00\x40\x00\x7c\x00\x00", 1, 8, f), 8);
    fclose(f);
    RUN(0, "inspect half");
    SAYS(out_text, "mean 1, deviation 0.8165  1 NOT FINITE");
}

TEST(what_is_no_model_is_named) {
    static const struct {
        const char *name, *bytes, *says;
        size_t n;
    } files[] = {
#define F(name, bytes, says) {name, bytes, says, sizeof bytes - 1}
        F("lfs.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "run git lfs pull"),
        F("page.safetensors", "<!DOCTYPE html>\n<html>", "is a web page"),
        F("model.pt", "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl", "PyTorch"),
        F("model.gz", "\x1f\x8b\x08\0\0\0\0\0\0\3....", "gunzip"),
        F("model.onnx", "\x08\x07\x12\x07pytorch", "an ONNX model"),
        F("model.h5", "\x89HDF\r\n\x1a\n\0\0", "HDF5"),
        F("picture", "\x89PNG\r\n\x1a\n....", "a PNG image"),
        F("model.mat", "MATLAB 5.0 MAT-file, by\0", "a MATLAB file, not a safetensors file; keep its arrays"),
        F("data.parquet", "PAR1\x15\4\x15", "is a Parquet file"),
        F("pointer", "/annex/objects/SHA256E-s1--00\n", "git annex get"),
        F("notes", "just a text\n", "is a text"),
        F("nothing", "", "is empty"),
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        static const char *const verbs[] = {"inspect %s", "predict %s a.png", "eval %s --data x",
                                            "adapt %s --support x -o y", "convert %s --weights f32 -o y"};
        write_file(files[i].name, files[i].bytes, files[i].n);
        for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
            char line[200];
            snprintf(line, sizeof line, verbs[v], files[i].name);
            RUN(1, line);
            SAYS(err_text, files[i].name);
            SAYS(err_text, files[i].says);
        }
    }
    T_CHECK(make_model());
    RUN(0, "adapt m/model.safetensors --support tiny-images-idx3-ubyte -o plain.net");
    T_EQ(shell("cp lfs.safetensors lfs.png && mkdir -p lfs/a && cp lfs.png lfs/a"), 0);
    static const char *const images[] = {"predict plain.net lfs.png", "predict plain.net lfs",
                                         "adapt m/model.safetensors --support lfs -o y"};
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) { /* images are kept with Git LFS, too */
        RUN(1, images[i]);
        SAYS(err_text, "Git LFS pointer");
        SAYS(err_text, "git lfs pull");
    }
    RUN(1, "eval m/model.safetensors --data page.safetensors");
    SAYS(err_text, "page.safetensors: is a web page, not a folder");
    T_EQ(shell("mkdir -p folder"), 0);
    RUN(1, "inspect folder");
    SAYS(err_text, "folder: is a folder");
    T_EQ(shell("mkfifo pipe"), 0);
    RUN(1, "inspect pipe");
    SAYS(err_text, "is a pipe");
}

/* ---- names of others ---- */

/* An 8 x 8 grey PNG. */
static const unsigned char png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0xe1, 0x64, 0xe1, 0x57, 0x00, 0x00, 0x00, 0x4c, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xd0, 0x80, 0x02, 0x06, 0x0d, 0x4b, 0xaf, 0xe8, 0x9c, 0xda, 0xbe, 0xf9, 0x0c,
    0x1a, 0x5e, 0x39, 0x7d, 0x1b, 0x2e, 0x7d, 0x11, 0x63, 0xd0, 0x88, 0xee, 0x3b, 0xf8, 0x45, 0x3d, 0xaa, 0x97, 0x41,
    0x23, 0x67, 0xc3, 0x17, 0x8b, 0x9a, 0x03, 0x2c, 0x0c, 0x1a, 0xb5, 0x97, 0xd4, 0x6b, 0x2e, 0xaa, 0x55, 0x33, 0x68,
    0xf4, 0x7d, 0x89, 0x3a, 0xa0, 0xd6, 0xf3, 0x89, 0x41, 0x63, 0xbe, 0x58, 0x2f, 0x4b, 0xf5, 0xa7, 0x4c, 0x00, 0x6e,
    0xc5, 0x1b, 0x11, 0x28, 0x92, 0x42, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

/* No byte that steers a terminal, but for line ends and the tabs between columns. */
static int is_fit(const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if ((*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f || *c >= 0x80) return 0;
    return 1;
}

TEST(names_stay_different_and_steer_nothing) {
    static const char *const names[] = {"caf\xe9", "caf\xe8", "caf\\xE9", "tab\tname", "new\nline", "\x1b[31mred"};
    enum { NAMES = sizeof names / sizeof *names };
    char path[100];
    T_CHECK(make_model());
    T_EQ(shell("rm -rf odd && mkdir odd"), 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "odd/%s", names[i]);
        T_EQ(mkdir(tiny_path(path), 0700), 0);
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "odd/%s/%d.png", names[i], k);
            write_file(path, png, sizeof png);
        }
    }
    T_EQ(shell("cp m/model.safetensors \"$(printf 'mod\\351l')\""), 0);
    RUN(0, "adapt \"$(printf 'mod\\351l')\" --support odd -o odd.net");
    RUN(0, "inspect odd.net");
    T_CHECK(is_fit(out_text));
    SAYS(out_text, "mod\\\\xE9l"); /* where it came from: kept as the four letters, whose backslash is doubled here */
    write_file("\x1b]0;x\x07.png", png, sizeof png);
    RUN(0, "predict odd.net *x*.png");
    T_CHECK(is_fit(out_text));
    T_CHECK(strncmp(out_text, "\\x1B]0;x\\x07.png\t", 17) == 0);
    int tabs = 0, lines = 0;
    for (const char *c = out_text; *c; c++) tabs += *c == '\t', lines += *c == '\n';
    T_EQ(tabs, 2);
    T_EQ(lines, 1);
    RUN(0, "predict odd.net --json *x*.png");
    static const char *const keys[NAMES] = {"\"caf\\\\xE9\": ", "\"caf\\\\xE8\": ", "\"caf\\\\\\\\xE9\": ",
                                            "\"tab\\tname\": ", "\"new\\nline\": ", "\"\\u001b[31mred\": "};
    for (int i = 0; i < NAMES; i++) { /* a key for each, and each its own */
        const char *first = strstr(out_text, keys[i]);
        if (!first || strstr(first + 1, keys[i])) T_FAIL("key %s: %s", keys[i], out_text);
    }
    T_CHECK(is_fit(out_text));
    for (const char *c = out_text; *c; c++) T_CHECK(*c != '\t');
}

TEST(errors_are_fit_for_a_terminal) {
    static const char *const lines[] = {"inspect \"$(printf 'a\\033[2Jb')\"",
                                        "inspect \"$(printf 'a\\nb')\"",
                                        "inspect \"$(printf 'caf\\351')\"",
                                        "\"$(printf 'fly\\033[2J')\"",
                                        "--\"$(printf 'x\\033[2J')\" inspect",
                                        "-\"$(printf '\\033[2J')\"",
                                        "eval m --\"$(printf 'x\\033[2J')\"",
                                        "eval m --data d --ways \"$(printf '\\033[2J')\"",
                                        "train \"$(printf 'x\\007=1')\"",
                                        "train \"$(printf 'run.dir\\033=1')\"",
                                        "convert m/model.safetensors --weights \"$(printf '\\033')\" -o y",
                                        "adapt m/model.safetensors --support \"$(printf 'no\\033ne')\" -o y"};
    T_CHECK(make_model());
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        T_CHECK(run(lines[i]) > 0);
        if (!is_fit(err_text) || !strchr(err_text, '\\')) T_FAIL("%s: \"%s\"", lines[i], err_text);
    }
    write_tensors("evil",
                  "{\"__metadata__\":{\"k\\u001b[2J\":\"v\\u001b]0;t\\u0007\\nline two\\u202e\"},"
                  "\"a\\tb\\u009b31m\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                  "\"z\":{\"dtype\":\"X\\u001b\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                  2);
    RUN(0, "inspect evil");
    T_CHECK(is_fit(out_text) && !strchr(out_text, '\t'));
    SAYS(out_text, "k\\x1B[2J");
    SAYS(out_text, "\n                             line two\\xE2\\x80\\xAE\n"); /* a line of its own, as it was meant */
    SAYS(out_text, "a\\tb\\xC2\\x9B31m");
    RUN(0, "inspect evil --json");
    SAYS(out_text, "\"a\\tb\\u009b31m\"");
    T_CHECK(is_fit(out_text) && !strchr(out_text, '\t'));
}

TEST_MAIN()
