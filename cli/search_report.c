/* SPDX-License-Identifier: Apache-2.0 */
/* search_report.c: what came of a search, for people and as JSON. */
#include "search_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static bool is_share(const goss_search *s) { return strcmp(goss_search_metric(s)->name, "accuracy") == 0; }

/* ---- for people ---- */

static void put_value(const goss_search *s, double v, int width) {
    char text[40] = "-";
    if (!isnan(v)) snprintf(text, sizeof text, is_share(s) ? "%.2f %%" : "%.4g", is_share(s) ? 100 * v : v);
    printf("%*s", width, text);
}

static void print_head(const goss_search *s) {
    double exact;
    int n[3];
    const double log10_size = goss_space_size(goss_search_space(s), &exact);
    goss_search_samples(s, n);
    if (exact > 0)
        printf("space: %.0f structures", exact);
    else
        printf("space: about 10^%.1f structures", log10_size);
    printf(", of which %d were drawn; %d samples to train on, %d to validate, %d to test\n\n", goss_search_drawn(s),
           n[0], n[1], n[2]);
}

static void print_methods(const goss_search *s) {
    const goss_search_result *r;
    printf("%-8s %10s %6s %8s %11s %10s %9s %10s\n", "method", "steps", "drawn", "trained", "validation", "test",
           "bytes", "MACs");
    for (int i = 0; (r = goss_search_result_at(s, i)); i++) {
        const goss_search_network *n = goss_search_network_at(s, r->best);
        printf("%-8s %10lld %6d %8d ", goss_search_method_name(r->method), (long long)r->steps, r->drawn, r->trained);
        put_value(s, n->validation, 11), putchar(' ');
        put_value(s, n->test, 10);
        printf(" %9lld %10lld\n", (long long)n->cost.bytes, (long long)n->cost.macs);
    }
    printf("(steps: the cost, training steps of one network on one batch; %s of the best network of each)\n",
           goss_search_metric(s)->name);
}

static void print_ranks(const goss_search *s, bool sample, const char *of) {
    const goss_search_rank *r = goss_search_rank_at(s, sample, 0);
    if (!r) return;
    printf("\nKendall's tau with the %s after training, %s:\n", goss_search_metric(s)->name, of);
    for (int i = 0; (r = goss_search_rank_at(s, sample, i)); i++) {
        printf("  %-6s", r->of);
        if (isnan(r->tau))
            printf("    n/a");
        else
            printf(" %+6.3f", r->tau);
        if (!isnan(r->low)) printf("  [%+.3f, %+.3f]", r->low, r->high);
        printf("  over %d networks\n", r->n);
    }
}

static void print_starts(const goss_search *s) {
    const goss_search_start *r = goss_search_start_at(s, 0);
    if (!r) return;
    printf("\nstarting values, means over %d networks:\n%-8s %8s %11s %11s %20s\n", r->networks, "weights", "epochs",
           "generated", "ordinary", "difference");
    for (int i = 0; (r = goss_search_start_at(s, i)); i++) {
        printf("%-8s %8g ", goss_search_method_name(r->method), r->epochs);
        put_value(s, r->generated, 11), putchar(' ');
        put_value(s, r->ordinary, 11);
        printf("   %+.2f", (is_share(s) ? 100 : 1) * r->difference);
        if (!isnan(r->ci95)) printf(" +- %.2f", (is_share(s) ? 100 : 1) * r->ci95);
        putchar('\n');
    }
}

static void print_network(const goss_search *s, int place, const goss_search_network *n) {
    printf("%4d ", place);
    put_value(s, n->validation, 10);
    for (int k = 0; k < 2; k++) put_value(s, n->score[k], 10);
    printf(" %9lld %10lld  ", (long long)n->cost.bytes, (long long)n->cost.macs);
    for (const char *c = n->text; *c; c++)
        if (*c != '\n')
            putchar(*c);
        else if (c[1])
            printf("; ");
    putchar('\n');
}

static void print_networks(const goss_search *s) {
    enum { SHOWN = 10 };
    const goss_search_network *n;
    printf("\n%4s %10s%10s%10s %9s %10s  %s\n", "", "validation", "smash", "ghn", "bytes", "MACs", "network");
    for (int i = 0; i < SHOWN && (n = goss_search_network_at(s, i)) && !isnan(n->validation); i++)
        print_network(s, i + 1, n);
}

void search_print(const goss_search *s) {
    print_head(s);
    print_methods(s);
    print_ranks(s, false, "all that were trained to the end");
    print_ranks(s, true, "those of random alone, which no score has chosen");
    print_starts(s);
    print_networks(s);
}

/* ---- JSON ---- */

static void json_network(const goss_search_network *n) {
    printf("{\"network\": ");
    cli_json_text(n->text);
    printf(", \"structure\": \"%s\", \"bytes\": %lld, \"macs\": %lld, \"ram\": %lld", n->structure,
           (long long)n->cost.bytes, (long long)n->cost.macs, (long long)n->cost.ram);
    cli_json_number(", \"smash\": ", n->score[0]);
    cli_json_number(", \"ghn\": ", n->score[1]);
    cli_json_number(", \"validation\": ", n->validation);
    cli_json_number(", \"test\": ", n->test);
    printf("}");
}

static void json_methods(const goss_search *s) {
    const goss_search_result *r;
    printf("\"methods\": [");
    for (int i = 0; (r = goss_search_result_at(s, i)); i++) {
        printf("%s{\"name\": \"%s\", \"steps\": %lld, \"drawn\": %d, \"trained\": %d, \"best\": ", i ? ", " : "",
               goss_search_method_name(r->method), (long long)r->steps, r->drawn, r->trained);
        json_network(goss_search_network_at(s, r->best));
        printf("}");
    }
    printf("]");
}

static void json_ranks(const goss_search *s, bool sample, const char *name) {
    const goss_search_rank *r;
    printf(", \"%s\": [", name);
    for (int i = 0; (r = goss_search_rank_at(s, sample, i)); i++) {
        printf("%s{\"of\": \"%s\", \"networks\": %d", i ? ", " : "", r->of, r->n);
        cli_json_number(", \"tau\": ", r->tau);
        cli_json_number(", \"low\": ", r->low);
        cli_json_number(", \"high\": ", r->high);
        printf("}");
    }
    printf("]");
}

static void json_starts(const goss_search *s) {
    const goss_search_start *r;
    printf(", \"starts\": [");
    for (int i = 0; (r = goss_search_start_at(s, i)); i++) {
        printf("%s{\"weights\": \"%s\", \"epochs\": %.10g, \"networks\": %d", i ? ", " : "",
               goss_search_method_name(r->method), r->epochs, r->networks);
        cli_json_number(", \"generated\": ", r->generated);
        cli_json_number(", \"ordinary\": ", r->ordinary);
        cli_json_number(", \"difference\": ", r->difference);
        cli_json_number(", \"ci95\": ", r->ci95);
        printf("}");
    }
    printf("]");
}

void search_json(const goss_search *s, const char *output) {
    double exact;
    int n[3];
    const goss_search_network *network;
    const double log10_size = goss_space_size(goss_search_space(s), &exact);
    goss_search_samples(s, n);
    printf("{");
    cli_json_metric(goss_search_metric(s));
    printf(", \"space\": {\"gates\": %d, \"log10_structures\": %.6g}", goss_space_gates(goss_search_space(s)),
           log10_size);
    printf(", \"samples\": {\"train\": %d, \"validate\": %d, \"test\": %d}", n[0], n[1], n[2]);
    printf(", \"trials\": %d, \"steps\": %lld, ", goss_search_drawn(s), (long long)goss_search_steps(s));
    json_methods(s);
    json_ranks(s, false, "kendall");
    json_ranks(s, true, "kendall_random");
    json_starts(s);
    printf(", \"networks\": [");
    for (int i = 0; (network = goss_search_network_at(s, i)); i++) {
        if (i) printf(", ");
        json_network(network);
    }
    printf("], \"output\": ");
    if (output)
        cli_json_name(output);
    else
        printf("null");
    printf("}\n");
}
