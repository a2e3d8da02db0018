/*
 * How fast the codec is, beside jansson doing the same: JSON of a stored task from its bytes, JSON
 * into a message, and a walk over fields. Prints one line a measure; figures are the best of
 * several rounds. `bench_wire [file]`: the file holds the task as v1 JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Names that ours and jansson's headers share. */
#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef json_string
#undef json_null

#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

#define ROUNDS 15
#define ROUND_NS 30000000.0 /* a round lasts about so long */

struct subject {
    struct slice text;  /* the task as JSON */
    struct slice bytes; /* and as protobuf */
    struct slice block; /* 1 KB of fields */
    json_t *tree;       /* the same task as a tree of jansson's */
    struct buf out;
    struct arena arena;
    uint64_t sum; /* keeps loops from being optimized away */
};

static void print_bytes(struct subject *s)
{
    buf_clear(&s->out);
    json_print_bytes(&pb__task__descriptor, s->bytes, JSON_V1, &s->out);
    s->sum += s->out.size;
}

static void dump_tree(struct subject *s)
{
    char *text = json_dumps(s->tree, JSON_COMPACT);
    s->sum += (unsigned char)text[0];
    free(text);
}

static void parse_message(struct subject *s)
{
    ProtobufCMessage *message;
    arena_reset(&s->arena);
    if (json_parse_message(&pb__task__descriptor, s->text, JSON_V1, &s->arena, &message, NULL) !=
        0) {
        abort();
    }
    s->sum += message->n_unknown_fields;
}

static void load_tree(struct subject *s)
{
    json_t *tree = json_loadb(s->text.data, s->text.size, 0, NULL);
    s->sum += json_object_size(tree);
    json_decref(tree);
}

static void decode(struct subject *s)
{
    ProtobufCMessage *message;
    arena_reset(&s->arena);
    if (message_decode(&pb__task__descriptor, s->bytes, &s->arena, &message, NULL) != 0) {
        abort();
    }
    s->sum += message->n_unknown_fields;
}

static void unpack(struct subject *s)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(
        &pb__task__descriptor, NULL, s->bytes.size, (const uint8_t *)s->bytes.data);
    s->sum += message->n_unknown_fields;
    protobuf_c_message_free_unpacked(message, NULL);
}

static void check(struct subject *s)
{
    s->sum += (unsigned)message_check(&pb__task__descriptor, s->bytes, NULL);
}

static void walk(struct subject *s)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, s->block);
    while (cursor_next(&cursor, &field)) {
        s->sum += field.number + field.value;
    }
}

static double now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds of one call, in the best round. */
static double measure(struct subject *s, void (*fn)(struct subject *))
{
    double best = 1e18;
    size_t count = 1;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (size_t i = 0; i < count; i++) {
            fn(s);
        }
        double each = (now_ns() - start) / (double)count;
        best = each < best ? each : best;
        count = (size_t)(ROUND_NS / each) + 1;
    }
    return best;
}

static char *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(1 << 20);
    if (file == NULL || text == NULL) {
        perror(path);
        exit(1);
    }
    *ret_size = fread(text, 1, 1 << 20, file);
    fclose(file);
    return text;
}

/* Fields as stored messages have them: ids, small numbers, a double, a nested message. */
static void fill_block(struct buf *out)
{
    for (uint32_t i = 0; out->size < 1024; i++) {
        wire_put_bytes(out, 1 + i % 15, SLICE("7d5b3b22-6d62-4f0b-9d5c-0a2b4c3d8e9f-S0"));
        wire_put_varint(out, 16 + i % 15, i * 77);
        wire_put_double(out, 3, 0.25 * i);
        size_t begun = wire_begin(out, 9);
        wire_put_bytes(out, 1, SLICE("a value"));
        wire_end(out, begun);
    }
}

static void report(const char *what, double ns, size_t size, double other_ns, const char *other)
{
    printf("%-28s %8.0f ns %8.0f MB/s", what, ns, (double)size / ns * 1e3);
    if (other != NULL) {
        printf("   %s %8.0f ns: x %.1f", other, other_ns, other_ns / ns);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    struct subject s = {0};
    struct buf bytes = BUF_INIT;
    struct buf block = BUF_INIT;
    struct buf text = BUF_INIT;
    struct err err;
    ProtobufCMessage *message;
    size_t size;
    char *source = read_file(argc > 1 ? argv[1] : BENCH_DATA_DIR "/task.json", &size);
    arena_init(&s.arena, 0);
    if (json_parse_message(&pb__task__descriptor, slice_make(source, size), JSON_V1, &s.arena,
                           &message, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    message_encode(message, &bytes);
    json_print_message(message, JSON_V1, &text);
    fill_block(&block);
    s.bytes = buf_slice(&bytes);
    s.text = buf_slice(&text);
    s.block = buf_slice(&block);
    s.tree = json_loadb(text.data, text.size, 0, NULL);

    printf("a task of %zu bytes, %zu as JSON\n", bytes.size, text.size);
    report("JSON from bytes", measure(&s, print_bytes), text.size, measure(&s, dump_tree),
           "jansson dumps");
    report("JSON into a message", measure(&s, parse_message), text.size, measure(&s, load_tree),
           "jansson loads");
    report("message from bytes", measure(&s, decode), bytes.size, measure(&s, unpack),
           "protobuf-c unpack");
    report("check of bytes", measure(&s, check), bytes.size, 0, NULL);
    report("cursor over 1 KB", measure(&s, walk), block.size, 0, NULL);

    json_decref(s.tree);
    free(source);
    buf_deinit(&s.out);
    buf_deinit(&bytes);
    buf_deinit(&block);
    buf_deinit(&text);
    arena_deinit(&s.arena);
    return s.sum == 0;
}
