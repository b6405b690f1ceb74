/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer inspect on files with programs. */
#include "cli_run.h"
#include "program_check.h"
#include "rewrite.h"

#define TEXT                                                                                                           \
    "gossamer.program 1\n"                                                                                             \
    "symbol T = 3\n"                                                                                                   \
    "%0 = input \"x\" : real[T,4]\n"                                                                                   \
    "%1 = param \"net.w\" : real[4,2]\n"                                                                               \
    "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : real[T,2]  # net\n"                                  \
    "%3 = neg(%1) : real[4,2]\n"                                                                                       \
    "assign(%1, %3)\n"                                                                                                 \
    "return %2 \"y\\x1B[31m\"\n"

static void save(const char *name) {
    goss_error err = {0};
    goss_program *p = program_of(TEXT);
    goss_params *params;
    tiny_set();
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add_program(params, p, &err));
    T_OK(goss_program_save(p, params, tiny_path(name), &err));
    goss_program_free(p), goss_params_free(params);
}

TEST(inspect_shows_a_program) {
    save("p.safetensors");
    RUN(0, "inspect p.safetensors");
    SAYS(out_text, "symbol    T                  1 to 3");
    SAYS(out_text, "input     x                  real[T,4]");
    SAYS(out_text, "output    y\\x1B[31m          real[T,2]");
    SAYS(out_text, "4 values; 1 parameters, of which 1 are updated");
    SAYS(out_text, "net.w                        F32   4 x 2");
    SAYS(out_text, "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : real[T,2]  # net\n");
    RUN(0, "inspect p.safetensors --json");
    SAYS(out_text, "\"program\": {\"symbols\": {\"T\": 3}, \"inputs\": [{\"name\": \"x\", \"type\": \"real\", "
                   "\"shape\": [\"T\", \"4\"]}]");
    SAYS(out_text, "\"operations\": 5, \"updates\": 1}");
}

TEST(a_program_that_is_none_is_told) {
    goss_error err = {0};
    save("good.safetensors");
    char good[300];
    snprintf(good, sizeof good, "%s", tiny_path("good.safetensors"));
    const rewriting lie = {.key = "program",
                           .value = "gossamer.program 1\n%0 = param \"net.w\" : real[4,2]\nexp(%0)\n"};
    T_OK(rewrite(good, tiny_path("bad.safetensors"), &lie, &err));
    RUN(1, "inspect bad.safetensors");
    SAYS(err_text, "bad.safetensors: metadata \"program\": operation 1, exp: it has 0 results, not 1");
}

TEST_MAIN()
