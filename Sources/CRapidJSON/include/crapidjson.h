#ifndef FPGAML_CRAPIDJSON_H
#define FPGAML_CRAPIDJSON_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* What a node of the tape is. */
enum crapidjson_kind {
  crapidjson_null = 0,
  crapidjson_false = 1,
  crapidjson_true = 2,
  crapidjson_integer = 3, /* payload: int64_t */
  crapidjson_real = 4,    /* payload: the bits of a double */
  crapidjson_string = 5,  /* payload: offset into text; extent: length in bytes */
  crapidjson_key = 6,     /* as a string; its value follows */
  crapidjson_array = 7,   /* payload: index after its last node; extent: elements */
  crapidjson_object = 8   /* payload: index after its last node; extent: members */
};

typedef struct {
  uint32_t kind;
  uint32_t extent;
  uint64_t payload;
} crapidjson_node;

/* A parsed text: its values in source order, each container followed by what it contains. */
typedef struct {
  crapidjson_node *nodes;
  size_t node_count;
  char *text; /* all strings, decoded to UTF-8, one after the other */
  size_t text_size;
  const char *error; /* NULL: parsed; else what was expected, in static memory */
  size_t error_offset;
} crapidjson_document;

/* Parses one JSON value. Bare NaN, Infinity and -Infinity are accepted; containers nest at most `max_depth`
   deep. The caller frees the document, also after an error. */
crapidjson_document crapidjson_parse(const char *source, size_t length, uint32_t max_depth);
void crapidjson_free(crapidjson_document *document);

#ifdef __cplusplus
}
#endif
#endif
