/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c: gossamer doctor: capabilities of this build and machine, for bug reports and first steps. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "goss_config.h"
#include "gossamer/env_process.h"
#include "gossamer/model.h"

static const struct {
    const char *name, *version;
    bool have, off; /* off: disabled on purpose */
    const char *use;
} libraries[] = {
#define ROW(name, version, have, off, use) {name, version, have, off, use},
    GOSS_LIBRARIES(ROW)
#undef ROW
};

/* Found at run time, and nobody's loss who wants no games. */
static void print_player(const char *name, const goss_env_process_options *o, const char *play, const char *get) {
    char version[40];
    goss_error err;
    const bool there = goss_env_atari_version(o, version, sizeof version, &err) == GOSS_OK;
    printf("%-10s %-10s Atari games: %s%s%s\n", name, there ? version : "-",
           there ? play : "not found (optional: ", there ? "" : get, there ? "" : ")");
}

static void print_atari(void) {
    const char *python = getenv("GOSSAMER_PYTHON");
    print_player("ale-py", &(goss_env_process_options){.python = python && *python ? python : "python3"},
                 "env.name = ale/GAME", "pip install ale-py; GOSSAMER_PYTHON names its Python");
    print_player("libale", &(goss_env_process_options){.roms = "."}, "env.name = ale/GAME env.roms = FOLDER",
                 "an installed library when Gossamer is built; GOSSAMER_ALE names gossamer-ale");
}

static int print_passes(void) {
    char *text;
    goss_error err;
    if (goss_passes_text(&text, &err) != GOSS_OK) return cli_fail(&err);
    fputs(text, stdout);
    goss_text_free(text);
    return cli_close_stdout();
}

int cmd_doctor(int argc, char **argv) {
    bool passes = false;
    const cli_option options[] = {
        CLI_FLAG("passes", &passes, "what the compiler does instead: each rule, pass and choice, on, off or always"),
    };
    const cli_verb v = {.name = "doctor",
                        .usage = "[--passes]",
                        .options = options,
                        .n_options = 1,
                        .doc = "Shows the versions of Gossamer and of the libraries it was built with, the kernels "
                               "chosen for this CPU and the\n"
                               "number of threads. Exits with status 1 if something is missing that was not\ndisabled.",
                        .max_words = 0};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (passes) return print_passes();
    int missing = 0;
    printf("gossamer   %s\ncompiler   %s\nkernels    %s (GOSSAMER_ISA selects another)\n", goss_version(), __VERSION__,
           goss_kernel_variant());
    goss_error err;
    goss_threads *threads;
    if (goss_threads_new(0, &threads, &err) != GOSS_OK) return cli_fail(&err);
    printf("threads    %d (GOSSAMER_THREADS chooses)\n", goss_threads_count(threads));
    goss_threads_free(threads);
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        printf("%-10s %-10s %s%s\n", libraries[i].name, libraries[i].version, libraries[i].use,
               libraries[i].have  ? ""
               : libraries[i].off ? ": disabled at build time"
                                  : ": MISSING (tools/install-deps)");
        missing += !libraries[i].have && !libraries[i].off;
    }
    print_atari();
    int status = cli_close_stdout();
    return status != EXIT_DONE ? status : missing ? EXIT_ERROR : EXIT_DONE;
}
