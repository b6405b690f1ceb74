/* SPDX-License-Identifier: Apache-2.0 */
/* Structures within a budget: projection and shrinking; drawings of what was kept; texts that are refused. */
#include "base/rng.h"
#include "space_check.h"

/* ---- projection ---- */

static int64_t between(goss__rng *r, int64_t low, int64_t high) {
    return low + (int64_t)(goss__rng_uniform(r) * (double)(high - low + 1));
}

static void check_within(const goss_space *s, const float *structure, const goss_space_budget *b) {
    T_OK(goss_space_check(s, structure, &err));
    const goss_space_figures f = goss_space_cost_of(s, structure, 5);
    T_CHECK(b->bytes == 0 || f.bytes <= b->bytes);
    T_CHECK(b->macs == 0 || f.macs <= b->macs);
    T_CHECK(b->ram == 0 || f.ram <= b->ram);
}

/* No further gate of a group of units or columns can be opened. */
static void check_full(const goss_space *s, float *structure, const goss_space_budget *b) {
    for (int i = 0; i < goss_space_gates(s); i++) {
        const goss_space_group_info g = goss_space_group(s, goss_space_gate(s, i).group);
        if (g.rule != GOSS_RULE_FREE || g.of == GOSS_GATE_SKIP || structure[i] != 0) continue;
        const goss_space_figures f = goss_space_cost_of(s, structure, 5);
        structure[i] = 1;
        const goss_space_figures more = goss_space_cost_of(s, structure, 5);
        structure[i] = 0;
        const bool absent = f.bytes == more.bytes;
        if (!absent && more.bytes <= b->bytes)
            T_FAIL("%s could be open: %lld of %lld bytes", goss_space_gate(s, i).name, (long long)more.bytes,
                   (long long)b->bytes);
    }
}

TEST(projections_are_never_above_a_budget) {
    int bounded = 0;
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 0);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        float low[512], high[512], structure[512], priority[512];
        goss__rng r = goss__rng_make(8, (uint64_t)k);
        goss_space_cheapest(s, low), goss_space_dearest(s, high);
        const goss_space_figures a = goss_space_cost_of(s, low, 5), z = goss_space_cost_of(s, high, 5);
        T_CHECK(a.bytes < z.bytes);
        for (int i = 0; i < 40; i++) {
            goss_space_budget b = {.bytes = between(&r, a.bytes, z.bytes)};
            const goss_space_order order = i % 2 ? GOSS_SPACE_BY_RATIO : GOSS_SPACE_BY_PRIORITY;
            for (int j = 0; j < gates; j++) priority[j] = (float)(goss__rng_normal(&r) + (i % 2 ? 6 : 0));
            T_OK(goss_space_project(s, priority, order, &b, 5, structure, &err));
            check_within(s, structure, &b);
            check_full(s, structure, &b);
            bounded += goss_space_cost_of(s, structure, 5).bytes * 2 > b.bytes;
            T_OK(goss_space_shrink(s, &b, 5, structure, &err));
            check_within(s, structure, &b);
            b.macs = between(&r, a.macs, z.macs), b.ram = between(&r, a.ram, z.ram);
            if (goss_space_project(s, priority, order, &b, 5, structure, &err) == GOSS_OK)
                check_within(s, structure, &b);
            else
                T_CHECK(strstr(err.text, "the smallest ones have"));
        }
        char want[64];
        goss_space_budget none = {.bytes = a.bytes - 1};
        snprintf(want, sizeof want, "smallest ones have %lld bytes", (long long)a.bytes);
        T_ERR(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &none, 5, structure, &err), GOSS_E_ARGUMENT,
              want);
        T_ERR(goss_space_shrink(s, &none, 5, structure, &err), GOSS_E_ARGUMENT, want);
        goss_space_free(s), goss_target_free(t);
    }
    T_CHECK(bounded > 500);
}

TEST(projection_takes_what_has_priority) {
    goss_target *t = parse("dense 2..6; relu|tanh; head", 1, 3);
    goss_space *s = space_of(t);
    /* 12 w + w + 3 w + 3 numbers for w units */
    float structure[6];
    const float priority[6] = {0.5f, 2, -1, 1.5f, 0, 3};
    T_OK(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &(goss_space_budget){.bytes = 4 * (16 * 4 + 3)}, 0,
                            structure, &err));
    T_CHECK(memcmp(structure, (float[]){0, 1, 0, 1, 0, 1}, sizeof structure) == 0);
    T_OK(goss_space_project(s, priority, GOSS_SPACE_BY_RATIO, &(goss_space_budget){0}, 0, structure, &err));
    T_CHECK(memcmp(structure, (float[]){1, 1, 0, 1, 0, 1}, sizeof structure) == 0); /* what has no gain stays closed */
    T_ERR(goss_space_project(s, (float[]){0, NAN, 0, 0, 0, 0}, GOSS_SPACE_BY_RATIO, &(goss_space_budget){0}, 0,
                             structure, &err),
          GOSS_E_ARGUMENT, "dense1.units[3] is not a number");
    T_OK(goss_space_shrink(s, &(goss_space_budget){.bytes = 4 * (16 * 5 + 3) + 8}, 0, structure, &err));
    T_CHECK(memcmp(structure, (float[]){1, 1, 1, 0, 1, 0}, sizeof structure) == 0);
    goss_space_free(s), goss_target_free(t);
}

/* The better alternative costs less once there are many units, so that units that did not fit before do. */
TEST(what_did_not_fit_is_tried_again_when_an_alternative_is_exchanged) {
    goss_target *t = parse("dense 2..40; choose { dense 4; dense 10 } or { dense 10 }", 1, 0);
    goss_space *s = space_of(t);
    float priority[40], structure[40];
    T_EQ(goss_space_gates(s), 40);
    for (int i = 0; i < 38; i++) priority[i] = 2;
    priority[38] = 1, priority[39] = 0;
    /* numbers for w units: 13 w + 4 w + 54, or 13 w + 10 w + 10: 245 are enough for 11, or for 10 */
    T_OK(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &(goss_space_budget){.bytes = 4 * 245}, 0, structure,
                            &err));
    int open = 0;
    for (int i = 0; i < 38; i++) open += structure[i] != 0;
    T_CHECK(structure[38] == 1 && structure[39] == 0);
    T_EQ(open, 9);
    goss_space_free(s), goss_target_free(t);
}

/* The first alternatives have fewer bytes, the second ones fewer MACs: within both limits is one of each. */
TEST(alternatives_that_trade_costs_are_balanced) {
    goss_target *t = parse("choose { conv 8 1; pool max 4 } or { pool max 4; conv 8 3 pad 1 }; "
                           "choose { conv 8 1; conv 8 1; pool max 2 } or { pool max 2; conv 8 1x3 pad 0x1 }; flatten",
                           3, 0);
    goss_space *s = space_of(t);
    float structure[4];
    const goss_space_budget both = {.bytes = 900, .macs = 4900}, less = {.bytes = 800, .macs = 4900};
    T_OK(goss_space_project(s, (float[]){0, 0, 0, 0}, GOSS_SPACE_BY_PRIORITY, &both, 0, structure, &err));
    T_CHECK(memcmp(structure, (float[]){1, 0, 0, 1}, sizeof structure) == 0);
    const goss_space_figures f = goss_space_cost_of(s, structure, 0);
    T_EQ(f.bytes, 896);
    T_EQ(f.macs, 4864);
    T_ERR(goss_space_project(s, (float[]){0, 0, 0, 0}, GOSS_SPACE_BY_PRIORITY, &less, 0, structure, &err),
          GOSS_E_ARGUMENT, "800 bytes, 4900 MACs: the smallest ones have 672 bytes, 3072 MACs");
    T_CHECK(strstr(err.text, "bytes of RAM, but no network has all of that"));
    T_ERR(goss_space_project(s, (float[]){0, 0, 0, 0}, GOSS_SPACE_BY_PRIORITY,
                             &(goss_space_budget){.bytes = 600, .macs = 4900}, 0, structure, &err),
          GOSS_E_ARGUMENT, "bytes of RAM");
    T_CHECK(!strstr(err.text, "but no network"));
    goss_space_free(s), goss_target_free(t);
}

/* Whatever alternatives trade: within the very figures of a structure there is one, and whatever is within them has no
 * reason to be refused. */
TEST(what_is_feasible_is_found) {
#define FIRST "choose { conv 8 1; pool max 4 } or { pool max 4; conv 8 3 pad 1 } or { conv 8 3 stride 4 pad 1 }; "
#define NEXT                                                                                                           \
    "choose { conv 8 1; conv 8 1 } or { conv 8 3 pad 1 } or { depthwise 3 pad 1; conv 8 1 } or { conv 12 1; conv 8 1 " \
    "}; "
    static const char *const texts[] = {
        FIRST NEXT NEXT "flatten", FIRST NEXT NEXT NEXT NEXT "flatten; dense 2..4",
        /* one alternative after the other is not enough: both have to change */
        "choose { conv 12 3 pad same; pool max 2; conv 8 1 } or { conv 13 1; conv 8 1; pool max 2 } or { pool max 2; "
        "conv 5 5 pad same; conv 8 1 }; choose { conv 2 3 pad same; pool max 2; conv 8 1 } or { pool max 2; conv 14 1; "
        "conv 8 1 } or { conv 6 3 pad same; pool max 2; conv 8 1 }; flatten",
        "choose { choose { conv 4 1; pool max 2 } or { pool max 2; conv 4 3 pad 1 } } or { pool avg 2; conv 4 5 pad 2 "
        "}; "
        "optional { choose { conv 4 1 } or { conv 4 3 pad 1 } }; choose { conv 6 1; conv 6 1; pool max 2 } or { pool "
        "max 2; conv 6 1x3 pad 0x1 } or { conv 6 2 stride 2 }; flatten"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        goss_target *t = parse(texts[k], 3, 0);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        float structure[64], found[64], priority[64];
        goss__rng r = goss__rng_make(5, k);
        for (int i = 0; i < 300; i++) {
            for (int j = 0; j < gates; j++) structure[j] = 0;
            for (int g = 0; g < goss_space_groups(s); g++) {
                const goss_space_group_info of = goss_space_group(s, g);
                const int open = of.low + (int)goss__rng_below(&r, (uint32_t)(of.count - of.low) + 1);
                if (of.rule == GOSS_RULE_ONE)
                    structure[of.first + (int)goss__rng_below(&r, (uint32_t)of.count)] = 1;
                else
                    for (int j = 0; j < open; j++) structure[of.first + j] = 1;
            }
            for (int j = 0; j < gates; j++) priority[j] = (float)goss__rng_normal(&r);
            const goss_space_figures f = goss_space_cost_of(s, structure, 5);
            const goss_space_budget b = {.bytes = f.bytes, .macs = f.macs, .ram = f.ram};
            if (goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &b, 5, found, &err) != GOSS_OK)
                T_FAIL("%s: %s", goss_space_write(s, structure), err.text);
            check_within(s, found, &b);
            if (goss_space_shrink(s, &b, 5, found, &err) != GOSS_OK) T_FAIL("shrunk: %s", err.text);
            check_within(s, found, &b);
        }
        goss_space_free(s), goss_target_free(t);
    }
}

/* ---- drawings ---- */

TEST(drawings_say_what_was_kept) {
    goss_target *t = parse("conv 4..8/2 1|3 pad same; norm group 2; relu|gelu; optional { conv 4..8/2 3 pad 1; relu }; "
                           "flatten; dense 3",
                           3, 0);
    goss_space *s = space_of(t);
    float structure[6];
    T_OK(goss_space_read(s, "10.0.01.0", structure, &err));
    /* 6 channels of 1x1 of 2: 12; gains and shifts 12; 16 x 16 x 6 to 3: 4608 + 3; a head of 5: 20 */
    char *text = goss_space_draw(s, structure, 5);
    T_STR(text, "                          kept                       bytes        of        MACs          of\n"
                "conv 4..8/2 1|3 pad same  6 of 8, 1x1 of 3x3            48       576        3072       36864  ###.\n"
                "norm group 2                                            48        64           0           0\n"
                "choose {                  gelu\n"
                "  relu                    dropped\n"
                "or {\n"
                "  gelu\n"
                "}\n"
                "optional {                dropped\n"
                "  conv 4..8/2 3 pad 1     dropped                        0      2336           0      147456\n"
                "  relu                    dropped\n"
                "}\n"
                "flatten\n"
                "dense 3                                              18444     24588        4608        6144\n"
                "head of 5                                               80        80          15          15\n"
                "bytes 18620 of 27644 (67 %), MACs 7695 of 190479 (4 %), bytes of RAM 8192 of 16384 (50 %)\n");
    goss_text_free(text);
    text = goss_space_draw_svg(s, structure, 5);
    T_CHECK(strncmp(text, "<svg xmlns=", 11) == 0 && strstr(text, "</svg>\n"));
    T_CHECK(strstr(text, ">6 of 8, 1x1 of 3x3</text>") && strstr(text, ">18620 of 27644 bytes, "));
    T_CHECK(strstr(text, "class=\"gone\">  ") == NULL && strstr(text, "class=\"gone\">conv 4..8/2 3 pad 1</text>"));
    goss_text_free(text);
    goss_space_free(s), goss_target_free(t);
}

TEST(heads_are_counted_as_heads) {
    goss_target *t = parse("dense 8; attention 2..4; readout mean", 2, 0);
    goss_space *s = space_of(t);
    float structure[2];
    T_STR(goss_space_gate(s, 1).name, "attention1.heads[3]");
    T_OK(goss_space_read(s, "10", structure, &err));
    /* of 3 heads of 2: q, k, v, o 8 x 6 each, biases 6, 6 and 8; 10 steps, scores and shares 10 x 10 x 6 */
    char *text = goss_space_draw(s, structure, 5);
    if (!strstr(text, "attention 2..4  3 of 4                       848      1120        3120        4160  ###.\n"))
        T_FAIL("%s", text);
    goss_text_free(text);
    goss_space_free(s), goss_target_free(t);
}

/* ---- texts ---- */

TEST(choices_that_cannot_be_made_are_refused_with_the_reason) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"conv 8..4 3", "conv: \"8..4\" runs backwards: 4..8; write: conv C K"},
        {"conv 4..4 3", "conv: \"4..4\" is not an integer from 1 to 1048576, nor LOW..HIGH"},
        {"dense 9..3/2", "dense: \"9..3/2\" runs backwards: 3..9"},
        {"conv4 8..4", "conv4: \"8..4\" runs backwards"},
        {"mlp 4..8 6..5", "mlp: \"6..5\" runs backwards"},
        {"embedding 8 6..5", "embedding: \"6..5\" is a range, and this number is one from 1 to 1048576 that cannot be"},
        {"pool max 3..2", "pool: \"3..2\" is a range"},
        {"conv 4..8/3 3", "4 to 8 units by 3"},
        {"conv 4..8 3; norm group 3", "does not divide 8"},
        {"conv 3..8 3; norm group 4", "from 3 to 8 units by 4"},
        {"conv 4..8 3|5", "need pad same"},
        {"conv 4..8 5|3 pad same", "sizes of a kernel increase"},
        {"conv 4..8 2|4 pad same", "odd kernels"},
        {"gru 2..4 twice", "gru: \"twice\" is not expected"},
        {"hypergru 2..4 2 1",
         "hypergru: \"2..4\" is a range, and this number is one from 1 to 131072 that cannot be left open (whole "
         "layers can: choose { ... } or { ... }); write: hypergru "},
        {"hyperlstm 4 4..2 1", "hyperlstm: \"4..2\" is a range"},
        {"gru 9..3", "gru: \"9..3\" runs backwards: 3..9"},
        {"gru 1..200000", "gru: \"1..200000\" is not an integer from 1 to 131072, nor"},
        {"relu|gelu|relu", "line 1: \"relu|gelu|relu\": the alternative relu is named twice"},
        {"relu\npool max|max 2", "line 2: \"max|max\": the alternative max is named twice"},
        {"elu|relu|gelu|elu", "the alternative elu is named twice"},
        {"conv1d 4..8 3|5", "need pad same"},
        {"conv1d 8 3x1", "\"3x1\" is not expected"},
        {"conv1d 8 4 pad same", "odd kernels, not 4"},
        {"conv 8 3 nested", "\"nested\" is not expected"},
        {"conv 4..8 3 groups 2", "with groups"},
        {"residual { conv 1..2 1 }", "meet those of the input"},
        {"conv 8 3; residual { conv 4..8 3 pad 1 }", "same range for both"},
        {"conv 4..8 3; residual { conv 4..8 3 pad 1 nested }", "same range for both"},
        {"conv 8 3 stride 2 stride 1", "conv: \"stride\" is given twice; write: conv C K [stride S]"},
        {"conv 4..8 3 nested nested", "\"nested\" is given twice"},
        {"conv1d 8 3 pad 1 pad 2", "\"pad\" is given twice"},
        {"separable 8 3 pad 1 dilation 1 pad same", "separable: \"pad\" is given twice"},
        {"dense 8 bias bias", "\"bias\" is given twice"},
        {"transformer 8 2 causal causal", "transformer: \"causal\" is given twice"},
        {"conv 8 3 optional", "what may be left out keeps the shape"},
        {"conv 4..8 3; relu|; flatten", "an alternative is empty"},
        {"pool max|avg 2|3", "all alternatives yield the same shape"},
        {"choose { relu }", "from 2 to 64 alternatives"},
        {"or { relu }", "can only follow choose"},
        {"repeat 3..2 { relu }", "repeat: \"3..2\" runs backwards: 2..3; write: repeat LOW..HIGH"},
        {"repeat 2..99 { relu }", "repeat: \"2..99\" is not an integer from 1 to 16, nor LOW..HIGH of these"},
        {"repeat 2..3 relu", "\"relu\" is not expected"},
        {"repeat 2 { relu", "without its }"},
        {"choose { head } or { head }", "not allowed inside braces"},
        {"columns any", "not features"},
        {"flatten; columns any", "can only be the first layer"},
        {"choose { optional { } } or { flatten }", "the same shape"},
        {"optional { optional { conv 1..9 3 pad 1 optional } }", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_target *t = NULL;
        T_NOTE("%s", cases[i].text);
        T_ERR(goss_target_parse(cases[i].text, image, 3, 0, &t, &err), GOSS_E_ARGUMENT, cases[i].part);
        T_CHECK(t == NULL);
    }
    /* What the error of ranges that cannot be says instead. */
    goss_target *t = parse("choose { hypergru 4 2 1; dense 4 } or { hypergru 8 2 1; dense 4 }; readout mean", 2, 0);
    goss_space *two = space_of(t);
    T_EQ(goss_space_gates(two), 2);
    goss_space_free(two), goss_target_free(t);
    t = NULL;
    static const char *const heads[][2] = {
        {"attention 1..4/2 width 2", "from 1 to 4 heads by 2: the step must divide"},
        {"attention 4..1", "attention: \"4..1\" runs backwards: 1..4; write: attention H"},
        {"attention 1..4..2", "from 1 to 1024"},
        {"transformer 8 4..2", "transformer: \"4..2\" runs backwards"},
        {"transformer 8..4 2", "transformer: \"8..4\" is a range"},
        {"attention 3 nested", "\"nested\" is not expected"},
        {"attention 1..2000", "\"1..2000\" is not an integer from 1 to 1024, nor"},
        {"attention 1..3 width 3 rotary", "heads of even width, not 3"},
        {"attention 1..2", "3 channels do not divide into 2 heads"}};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        T_ERR(goss_target_parse(heads[i][0], steps, 2, 0, &t, &err), GOSS_E_ARGUMENT, heads[i][1]);
    T_ERR(goss_target_parse("columns 3 2", row, 1, 2, &t, &err), GOSS_E_ARGUMENT, "no column from 4");
    T_ERR(goss_target_parse("columns 3 12", row, 1, 2, &t, &err), GOSS_E_ARGUMENT, "has 12 columns, not 13");
    T_ERR(goss_target_parse("columns any; residual { dense 12 }", row, 1, 2, &t, &err), GOSS_E_ARGUMENT, "columns: ");
    T_ERR(goss_target_parse("relu\nrepeat 2 { dense 3 }\n\nrepeat 1..2 {\n dense 0\n}", row, 1, 2, &t, &err),
          GOSS_E_ARGUMENT, "line 4: repeat: dense");
}

TEST_MAIN()
