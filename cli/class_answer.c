/* SPDX-License-Identifier: Apache-2.0 */
/* class_answer.c: what gossamer predict prints of a sample with a network that classifies. */
#include "class_answer.h"

#include <stdio.h>

#include "cli.h"

static void print_json(const goss_network *n, const char *input, const float *p, int best, float uncertainty) {
    printf("{\"input\": ");
    cli_json_name(input);
    printf(", \"class\": ");
    cli_json_name(goss_network_class_name(n, best));
    printf(", \"probability\": %.6f", (double)p[best]);
    if (uncertainty >= 0) printf(", \"uncertainty\": %.6f", (double)uncertainty);
    printf(", \"probabilities\": {");
    for (int i = 0; i < goss_network_classes(n); i++) {
        printf("%s", i ? ", " : "");
        cli_json_name(goss_network_class_name(n, i));
        printf(": %.6f", (double)p[i]);
    }
    printf("}}\n");
}

void cli_put_answer(const goss_network *n, const char *input, const float *p, float uncertainty, bool json) {
    int best = 0;
    for (int i = 1; i < goss_network_classes(n); i++)
        if (p[i] > p[best]) best = i;
    if (json) {
        print_json(n, input, p, best, uncertainty);
        return;
    }
    cli_put_name(input, 0);
    putchar('\t');
    cli_put_name(goss_network_class_name(n, best), 0);
    printf("\t%.4f", (double)p[best]);
    if (uncertainty >= 0) printf("\t%.4f", (double)uncertainty);
    printf("\n");
}

void cli_put_silence(const char *input, bool json) {
    if (json) {
        printf("{\"input\": ");
        cli_json_name(input);
        printf(", \"class\": \"silence\", \"probability\": 1.000000, \"silence\": true}\n");
        return;
    }
    cli_put_name(input, 0);
    printf("\tsilence\t1.0000\n");
}

void cli_put_unread(const char *input, const goss_error *e) {
    printf("{\"input\": ");
    cli_json_name(input);
    printf(", \"error\": ");
    cli_json_text(e->text);
    printf("}\n");
}
