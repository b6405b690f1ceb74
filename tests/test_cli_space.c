/* SPDX-License-Identifier: Apache-2.0 */
/* What gossamer inspect says of networks that were chosen in a space. */
#include "cli_run.h"
#include "gossamer/model.h"

static goss_error err;

/* A network with notes of a space and a structure in it. */
static void note_structure(const char *from, const char *to, const char *space, const char *gates) {
    goss_network *n = NULL;
    T_OK(goss_network_load(tiny_path(from), &n, &err));
    T_OK(goss_network_note(n, "structure.space", space, &err));
    if (gates) T_OK(goss_network_note(n, "structure.gates", gates, &err));
    T_OK(goss_network_save(n, tiny_path(to), &err));
    goss_network_free(n);
}

TEST(inspect_shows_what_was_kept_of_a_space) {
    static const char space[] = "conv 2..4 3 pad 1; relu|gelu; optional { conv 2..4 3 pad 1 }; pool global; head";
    tiny_set();
    T_EQ(train("spaces", "train.steps=1"), 0);
    RUN(0, "adapt spaces/model.safetensors --support tiny-images-idx3-ubyte -o plain.net");
    note_structure("plain.net", "kept.net", space, "10.01.0");
    RUN(0, "inspect kept.net --svg kept.svg");
    SAYS(out_text, "16 networks, 5 gates in 3 groups");
    SAYS(out_text, "3 of 4");
    SAYS(out_text, "optional {           dropped");
    size_t size;
    char *drawing = tiny_read(tiny_path("kept.svg"), &size);
    SAYS(drawing, "<svg xmlns=");
    SAYS(drawing, "3 of 4");
    free(drawing);
    RUN(0, "inspect kept.net --json");
    SAYS(out_text, "\"space\": {\"text\": \"conv 2..4 3 pad 1\\nchoose {");
    SAYS(out_text, "\"networks\": 16");
    SAYS(out_text, "{\"name\": \"choice1.gelu\", \"open\": true}, {\"name\": \"optional1\", \"open\": false}]}}");
    RUN(1, "inspect plain.net --svg no.svg");
    SAYS(err_text, "nothing open");
    RUN(2, "inspect plain.net --tensors --svg no.svg");
    RUN(1, "inspect kept.net --svg no/such/folder.svg");
    note_structure("plain.net", "bad.net", space, "10.11.0");
    RUN(1, "inspect bad.net");
    SAYS(err_text, "bad.net: its structure: text: structure: 2 of the 2 alternatives from choice1.relu on");
    note_structure("plain.net", "bad.net", "conv 2..4 33", "10");
    RUN(1, "inspect bad.net");
    SAYS(err_text, "bad.net: its structure: network, line 1: conv: a window");
    note_structure("plain.net", "bad.net", space, NULL);
    RUN(1, "inspect bad.net");
    SAYS(err_text, "no structure.gates");
}

TEST(inspect_shows_what_a_text_leaves_open) {
    static const char text[] = "# two sizes\nconv 2..4 1|3 pad same\nrelu; pool global\n";
    tiny_set();
    write_file("net.txt", text, sizeof text - 1);
    RUN(0, "inspect net.txt --input 8x8x1 --outputs 3 --svg text.svg");
    SAYS(out_text, "conv 2..4 1|3 pad same  4 of 4, 3x3 of 3x3");
    SAYS(out_text, "8 networks, 3 gates in 2 groups");
    SAYS(out_text, "cheapest     52 bytes, 134 MACs, 768 bytes of RAM"); /* 4 (2 + 2 + 6 + 3), 64 2 + 6, 256 + 512 */
    SAYS(out_text, "dearest      220 bytes, 2316 MACs, 1280 bytes of RAM");
    RUN(0, "inspect net.txt --input 8x8x1 --json");
    SAYS(out_text, "{\"text\": \"conv 2..4 1|3 pad same\\nrelu\\npool global\\n\", \"log10_networks\": 0.903");
    write_file("plain.txt", "dense 4; relu", 13);
    RUN(0, "inspect plain.txt --input 12");
    SAYS(out_text, "bytes 208 of 208 (100 %), MACs 48 of 48");
    RUN(1, "inspect plain.txt --input 8x8x1");
    SAYS(err_text, "plain.txt: network, line 1: dense: requires features");
    RUN(1, "inspect plain.txt --input 8x8x");
    SAYS(err_text, "is not HxWxC (images), LxC (sequences) or D (features)");
    RUN(1, "inspect nowhere.txt --input 8x8x1");
    SAYS(err_text, "nowhere.txt: cannot read");
    RUN(1, "inspect tiny-images-idx3-ubyte --input 8x8x1");
    SAYS(err_text, "is no text of a network");
    RUN(2, "inspect plain.txt --outputs 3");
}

TEST(inspect_shows_the_network_of_equal_shares_within_a_budget) {
    static const char text[] = "residual { conv 1 3 pad same; relu }\nconv 2..4 3; optional { conv 2..4 3 pad same }\n"
                               "pool global";
    tiny_set();
    write_file("space.txt", text, sizeof text - 1);
    RUN(0, "inspect space.txt --input 8x8x1 --outputs 3 --budget 420");
    SAYS(out_text, "conv 2..4 3          3 of 4");
    SAYS(out_text, "\nmodel.backbone = residual { conv 1 3 pad 1;relu };conv 3 3;pool global;head\n");
    RUN(0, "inspect space.txt --input 8x8x1 --budget 420 --json");
    SAYS(out_text, "\"network\": \"residual { conv 1 3 pad 1;relu };conv 3 3;");
    RUN(1, "inspect space.txt --input 8x8x1 --budget 20");
    SAYS(err_text, "--budget: no network of the space is within the budget of 20 bytes");
    RUN(2, "inspect space.txt --budget 420");
    SAYS(err_text, "--budget is for the text of a network");
    write_file("plain.txt", "dense 4; relu", 13);
    RUN(1, "inspect plain.txt --input 12 --budget 420");
    SAYS(err_text, "leaves nothing open");
}
TEST_MAIN()
