/* SPDX-License-Identifier: Apache-2.0 */
/* The document tree, from libyaml's events. */
#include "control/config/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "shm/error.h"

#define CHUNK_BYTES 65536

struct chunk {
    struct chunk *next;
    size_t used, bytes;
    _Alignas(16) char data[];
};

struct qbid_yaml {
    struct chunk *chunks;
    struct qbid_yaml_node *root;
    uint32_t node_cnt;
};

struct builder {
    struct qbid_yaml *yaml;
    struct qbid_problems *problems;
    struct qbid_yaml_node *open[QBID_YAML_DEPTH_MAX];
    struct qbid_yaml_node *last[QBID_YAML_DEPTH_MAX]; /* youngest child of each */
    uint32_t depth;
    const char *key; /* read, its value not yet */
    uint32_t key_line, key_column;
};

static void *arena_take(struct qbid_yaml *yaml, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (!yaml->chunks || yaml->chunks->bytes - yaml->chunks->used < bytes) {
        size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        struct chunk *chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){yaml->chunks, 0, size};
        yaml->chunks = chunk;
    }
    void *at = yaml->chunks->data + yaml->chunks->used;
    yaml->chunks->used += bytes;
    return at;
}

static const char *text_copy(struct qbid_yaml *yaml, const yaml_event_t *event)
{
    size_t len = event->data.scalar.length;
    char *copy = arena_take(yaml, len + 1);
    if (copy) {
        memcpy(copy, event->data.scalar.value, len);
        copy[len] = '\0';
    }
    return copy;
}

static int refuse(struct builder *b, const yaml_event_t *event, const char *reason)
{
    qbid_problems_add(b->problems, (uint32_t)event->start_mark.line + 1,
                      (uint32_t)event->start_mark.column + 1, "%s", reason);
    return QBID_ERR_PARSE;
}

static bool in_map(const struct builder *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == QBID_YAML_MAP;
}

/* A scalar where a map expects a key. */
static int key_take(struct builder *b, const yaml_event_t *event)
{
    const char *key = text_copy(b->yaml, event);
    if (!key)
        return QBID_ERR_NOMEM;
    if (strlen(key) != event->data.scalar.length || !*key)
        return refuse(b, event, "a key is empty or holds a zero byte");
    if (strcmp(key, "<<") == 0)
        return refuse(b, event, "merge keys are not supported");
    if (b->open[b->depth - 1]->child_cnt >= QBID_YAML_KEYS_MAX)
        return refuse(b, event, "too many keys");
    const struct qbid_yaml_node *before = qbid_yaml_find(b->open[b->depth - 1], key);
    if (before) {
        qbid_problems_add(b->problems, (uint32_t)event->start_mark.line + 1,
                          (uint32_t)event->start_mark.column + 1,
                          "key '%s' is repeated; it stands in line %u already", key, before->line);
        return QBID_ERR_PARSE;
    }
    b->key = key;
    b->key_line = (uint32_t)event->start_mark.line + 1;
    b->key_column = (uint32_t)event->start_mark.column + 1;
    return 0;
}

static int node_add(struct builder *b, const yaml_event_t *event, enum qbid_yaml_kind kind,
                    struct qbid_yaml_node **ret_node)
{
    if (b->yaml->node_cnt >= QBID_YAML_NODES_MAX)
        return refuse(b, event, "the file has too many values");
    struct qbid_yaml_node *node = arena_take(b->yaml, sizeof *node);
    if (!node)
        return QBID_ERR_NOMEM;
    b->yaml->node_cnt++;
    *node = (struct qbid_yaml_node){.key = b->key,
                                    .text = "",
                                    .line = (uint32_t)event->start_mark.line + 1,
                                    .column = (uint32_t)event->start_mark.column + 1,
                                    .kind = (uint8_t)kind};
    if (b->key) {
        node->line = b->key_line;
        node->column = b->key_column;
    }
    b->key = NULL;
    if (b->depth == 0) {
        b->yaml->root = node;
    } else {
        struct qbid_yaml_node *parent = b->open[b->depth - 1], *last = b->last[b->depth - 1];
        if (last)
            last->next = node;
        else
            parent->child = node;
        b->last[b->depth - 1] = node;
        parent->child_cnt++;
    }
    *ret_node = node;
    return 0;
}

static int scalar_take(struct builder *b, const yaml_event_t *event)
{
    if (event->data.scalar.anchor)
        return refuse(b, event, "anchors are not supported");
    if (event->data.scalar.tag)
        return refuse(b, event, "tags are not supported");
    if (in_map(b) && !b->key)
        return key_take(b, event);
    const char *text = text_copy(b->yaml, event);
    if (!text)
        return QBID_ERR_NOMEM;
    if (strlen(text) != event->data.scalar.length)
        return refuse(b, event, "a value holds a zero byte");
    struct qbid_yaml_node *node;
    int err = node_add(b, event, QBID_YAML_SCALAR, &node);
    if (err)
        return err;
    node->text = text;
    node->len = (uint32_t)event->data.scalar.length;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

static int open_take(struct builder *b, const yaml_event_t *event, enum qbid_yaml_kind kind,
                     const void *anchor, const void *tag)
{
    if (anchor)
        return refuse(b, event, "anchors are not supported");
    if (tag)
        return refuse(b, event, "tags are not supported");
    if (in_map(b) && !b->key)
        return refuse(b, event, "a key must be a plain word");
    if (b->depth == QBID_YAML_DEPTH_MAX)
        return refuse(b, event, "the file is nested too deeply");
    struct qbid_yaml_node *node;
    int err = node_add(b, event, kind, &node);
    if (err)
        return err;
    b->open[b->depth] = node;
    b->last[b->depth] = NULL;
    b->depth++;
    return 0;
}

static int event_take(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return b->yaml->root ? refuse(b, event, "a second document is not supported") : 0;
    case YAML_ALIAS_EVENT:
        return refuse(b, event, "aliases are not supported");
    case YAML_SCALAR_EVENT:
        return scalar_take(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_take(b, event, QBID_YAML_LIST, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_take(b, event, QBID_YAML_MAP, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return 0;
    default:
        return 0;
    }
}

static int events_read(struct builder *b, yaml_parser_t *parser)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            if (parser->error == YAML_MEMORY_ERROR)
                return QBID_ERR_NOMEM;
            qbid_problems_add(b->problems, (uint32_t)parser->problem_mark.line + 1,
                              (uint32_t)parser->problem_mark.column + 1, "not YAML: %s%s%s",
                              parser->problem ? parser->problem : "unreadable",
                              parser->context ? " " : "", parser->context ? parser->context : "");
            return QBID_ERR_PARSE;
        }
        int err = event_take(b, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (err)
            return err;
    }
    return 0;
}

int qbid_yaml_new(const char *text, size_t len, struct qbid_problems *problems,
                  struct qbid_yaml **ret_yaml)
{
    if (len > QBID_YAML_BYTES_MAX) {
        qbid_problems_add(problems, 0, 0, "the file is over %u bytes",
                          (unsigned)QBID_YAML_BYTES_MAX);
        return QBID_ERR_LIMIT;
    }
    yaml_parser_t parser;
    struct builder builder = {.problems = problems};
    builder.yaml = calloc(1, sizeof *builder.yaml);
    if (!builder.yaml)
        return QBID_ERR_NOMEM;
    if (!yaml_parser_initialize(&parser)) {
        free(builder.yaml);
        return QBID_ERR_NOMEM;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    int err = events_read(&builder, &parser);
    yaml_parser_delete(&parser);
    if (err) {
        qbid_yaml_free(builder.yaml);
        return err;
    }
    *ret_yaml = builder.yaml;
    return 0;
}

void qbid_yaml_free(struct qbid_yaml *yaml)
{
    if (!yaml)
        return;
    for (struct chunk *chunk = yaml->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(yaml);
}

const struct qbid_yaml_node *qbid_yaml_root(const struct qbid_yaml *yaml)
{
    return yaml->root;
}

const struct qbid_yaml_node *qbid_yaml_find(const struct qbid_yaml_node *node, const char *key)
{
    if (!node || node->kind != QBID_YAML_MAP)
        return NULL;
    for (const struct qbid_yaml_node *child = node->child; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

const struct qbid_yaml_node *qbid_yaml_find_path(const struct qbid_yaml_node *node,
                                                 const char *path)
{
    char key[64];
    while (node && *path) {
        size_t len = strcspn(path, ".");
        if (len >= sizeof key)
            return NULL;
        memcpy(key, path, len);
        key[len] = '\0';
        node = qbid_yaml_find(node, key);
        path += len + (path[len] == '.');
    }
    return node;
}

bool qbid_yaml_null(const struct qbid_yaml_node *node)
{
    if (node->kind != QBID_YAML_SCALAR || !node->plain)
        return false;
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

bool qbid_yaml_bool(const struct qbid_yaml_node *node, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; node->kind == QBID_YAML_SCALAR && i < 6; i++) {
        if (strcmp(node->text, words[i]) == 0) {
            *ret_value = i & 1;
            return true;
        }
    }
    return false;
}

bool qbid_yaml_uint(const struct qbid_yaml_node *node, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (node->kind != QBID_YAML_SCALAR || node->len == 0)
        return false;
    for (uint32_t i = 0; i < node->len; i++) {
        unsigned digit = (unsigned char)node->text[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool qbid_yaml_double(const struct qbid_yaml_node *node, double *ret_value)
{
    if (node->kind != QBID_YAML_SCALAR || node->len == 0 ||
        strspn(node->text, "0123456789+-.eE") != node->len)
        return false;
    char *end;
    double value = strtod(node->text, &end);
    if (*end || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

int qbid_yaml_read_file(const char *path, char **ret_text, size_t *ret_len)
{
    int err = QBID_ERR_SYS;
    char *text = NULL;
    size_t len = 0, room = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return QBID_ERR_SYS;
    for (;;) {
        if (len + 1 >= room) {
            room = room ? room * 2 : CHUNK_BYTES;
            char *grown = realloc(text, room);
            if (!grown) {
                err = QBID_ERR_NOMEM;
                goto fail;
            }
            text = grown;
        }
        ssize_t n = read(fd, text + len, room - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            goto fail;
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > QBID_YAML_BYTES_MAX) {
            err = QBID_ERR_LIMIT;
            goto fail;
        }
    }
    close(fd);
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return 0;
fail:
    free(text);
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}
