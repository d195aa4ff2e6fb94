/*
 * Tools for Tidepool in C (docs/tools.md), one header. Three parts: JSON to read and to write, the imports of module btcp, and
 * TIDEPOOL_TOOL, which exports what the ABI btcp asks for. It needs no libc and works beside one. A program of ABI stdio uses the first part only:
 *
 *   #define TIDEPOOL_STDIO
 *   #include "tidepool.h"
 *
 * Texts are UTF-8 with their length (struct text), not ended by 0. Memory belongs to a call: what tidepool_alloc gives is taken back when the
 * next call begins.
 */
#ifndef TIDEPOOL_H
#define TIDEPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
  const char *at;
  size_t length;
};

/* A literal, or an array of characters with its 0, as a text. */
#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

/* ---- memory ---- */

#ifdef TIDEPOOL_STDIO

#include <stdlib.h>

/* Not given back: a program of ABI stdio answers one call. */
static inline void *tidepool_alloc(size_t size) { return malloc(size > 0 ? size : 1); }
#define TIDEPOOL_TRAP() abort()

#else

#define TIDEPOOL_TRAP() __builtin_trap()
#define TIDEPOOL_PAGE ((size_t)65536)

extern unsigned char __heap_base;
static size_t tidepool_heap_end;

/* What was given to earlier calls is free again. */
static inline void tidepool_begin(void) { tidepool_heap_end = (size_t)&__heap_base; }

static inline void *tidepool_alloc(size_t size) {
  size_t at = (tidepool_heap_end + 15) & ~(size_t)15;
  size_t end = at + size;
  if (end < at) TIDEPOOL_TRAP();
  size_t have = __builtin_wasm_memory_size(0) * TIDEPOOL_PAGE;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + TIDEPOOL_PAGE - 1) / TIDEPOOL_PAGE) == (size_t)-1) TIDEPOOL_TRAP();
  tidepool_heap_end = end;
  return (void *)at;
}

#endif

static inline void tidepool_copy(char *to, const char *from, size_t length) {
  for (size_t i = 0; i < length; i++) to[i] = from[i];
}

/* ---- JSON, written ---- */

/* Grows as it is written; begins as { 0 }. */
struct json_out {
  char *at;
  size_t length, capacity;
};

static inline void json_raw(struct json_out *out, const char *text, size_t length) {
  if (out->length + length > out->capacity) {
    size_t capacity = (out->length + length) * 2 + 64;
    char *at = tidepool_alloc(capacity);
    tidepool_copy(at, out->at, out->length);
    out->at = at;
    out->capacity = capacity;
  }
  tidepool_copy(out->at + out->length, text, length);
  out->length += length;
}

/* Punctuation, keys with their quotes, `true`: whatever is JSON already. */
#define JSON(out, literal) json_raw(out, literal, sizeof(literal) - 1)

static inline void json_text(struct json_out *out, struct text text) {
  static const char digits[] = "0123456789abcdef";
  JSON(out, "\"");
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.at[i];
    char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (c == '"' || c == '\\') JSON(out, "\\");
    if (c < 0x20) json_raw(out, escape, sizeof escape);
    else json_raw(out, &text.at[i], 1);
  }
  JSON(out, "\"");
}

static inline void json_int(struct json_out *out, int64_t value) {
  char digits[20];
  size_t at = sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do digits[--at] = (char)('0' + rest % 10);
  while ((rest /= 10) > 0);
  if (value < 0) JSON(out, "-");
  json_raw(out, digits + at, sizeof digits - at);
}

/* ---- JSON, read ---- */

/* The host sends JSON that is well-formed, so what follows finds its way through it and does not judge it. It never reads past the text. */

static inline bool json_is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static inline struct text json_trimmed(struct text json) {
  while (json.length > 0 && json_is_space(*json.at)) json.at++, json.length--;
  while (json.length > 0 && json_is_space(json.at[json.length - 1])) json.length--;
  return json;
}

/* How long the text's first value is, or the text up to the next `,` `:` `]` `}` outside of it. */
static inline size_t json_value_length(struct text json) {
  size_t depth = 0;
  for (size_t i = 0; i < json.length; i++) {
    char c = json.at[i];
    if (c == '"') {
      for (i++; i < json.length && json.at[i] != '"'; i++)
        if (json.at[i] == '\\') i++;
    } else if (c == '{' || c == '[') depth++;
    else if (c == '}' || c == ']' || c == ',' || c == ':') {
      if (depth == 0) return i;
      if (c == '}' || c == ']') depth--;
    }
  }
  return json.length;
}

/* Takes the next value off the text, and the character after it. */
static inline struct text json_next(struct text *json) {
  size_t length = json_value_length(*json);
  if (length > json->length) length = json->length;
  struct text value = json_trimmed((struct text){json->at, length});
  size_t used = length < json->length ? length + 1 : length;
  json->at += used;
  json->length -= used;
  return value;
}

static inline bool text_equals(struct text one, struct text other) {
  if (one.length != other.length) return false;
  for (size_t i = 0; i < one.length; i++)
    if (one.at[i] != other.at[i]) return false;
  return true;
}

/* The JSON of an object's member; empty if there is none. Keys are compared as they are written. */
static inline struct text json_member(struct text object, struct text key) {
  object = json_trimmed(object);
  if (object.length < 2 || *object.at != '{') return (struct text){object.at, 0};
  struct text rest = {object.at + 1, object.length - 2};
  while (rest.length > 0) {
    struct text name = json_next(&rest);
    struct text value = json_next(&rest);
    if (name.length >= 2 && text_equals((struct text){name.at + 1, name.length - 2}, key)) return value;
  }
  return (struct text){object.at, 0};
}

/* A whole number; `otherwise` if the JSON is none. */
static inline int64_t json_to_int(struct text json, int64_t otherwise) {
  bool negative = json.length > 0 && *json.at == '-';
  int64_t value = 0;
  size_t i = negative;
  for (; i < json.length && json.at[i] >= '0' && json.at[i] <= '9' && value < INT64_MAX / 10 - 1; i++) value = value * 10 + (json.at[i] - '0');
  if (i == (size_t)negative || i < json.length) return otherwise;
  return negative ? -value : value;
}

static inline uint32_t json_hex(const char *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value * 16 + (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
  return value;
}

/* Writes a character in UTF-8 and says how long it is. */
static inline size_t utf8_put(char *out, uint32_t code) {
  size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = length; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 63));
  out[0] = (char)(lead[length] | code);
  return length;
}

/* The `\u....` at `at`, with its second half if it has one; half of a pair is U+FFFD. */
static inline uint32_t json_code(struct text json, size_t *at) {
  if (*at + 4 > json.length) return *at = json.length, 0xfffd;
  uint32_t code = json_hex(json.at + *at);
  *at += 4;
  if ((code & 0xf800) != 0xd800) return code;
  if (code >= 0xdc00 || *at + 6 > json.length || json.at[*at] != '\\' || json.at[*at + 1] != 'u') return 0xfffd;
  uint32_t second = json_hex(json.at + *at + 2);
  if ((second & 0xfc00) != 0xdc00) return 0xfffd;
  *at += 6;
  return 0x10000 + ((code & 0x3ff) << 10) + (second & 0x3ff);
}

/* A text without its quotes and escapes; `otherwise` if the JSON is none. */
static inline struct text json_to_text(struct text json, struct text otherwise) {
  static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
  if (json.length < 2 || *json.at != '"') return otherwise;
  char *out = tidepool_alloc(json.length);
  size_t length = 0;
  for (size_t i = 1; i < json.length - 1;) {
    char c = json.at[i++];
    if (c != '\\') {
      out[length++] = c;
      continue;
    }
    c = json.at[i++];
    if (c == 'u') {
      length += utf8_put(out + length, json_code(json, &i));
      continue;
    }
    size_t k = 0;
    while (k < sizeof from - 1 && from[k] != c) k++;
    out[length++] = k < sizeof from - 1 ? to[k] : c;
  }
  return (struct text){out, length};
}

#ifndef TIDEPOOL_STDIO

/* ---- the imports ---- */

/* What an import answers below 0. */
enum {
  TIDEPOOL_NOT_FOUND = -1,
  TIDEPOOL_DENIED = -2,
  TIDEPOOL_TIMEOUT = -3,
  TIDEPOOL_INVALID = -4,
  TIDEPOOL_GONE = -5,
  TIDEPOOL_LIMIT = -6,
};

#define TIDEPOOL_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define BTCP(name) TIDEPOOL_IMPORT("btcp", #name)

/* A flag is 1 or 0. Where a text is answered, the bytes needed: they were written if they fit into `capacity`. */
BTCP(dom_query) int32_t dom_query(const char *selector, size_t length);
BTCP(dom_count) int32_t dom_count(const char *selector, size_t length);
BTCP(dom_text) int32_t dom_text(const char *selector, size_t length, char *out, size_t capacity);
BTCP(dom_attr) int32_t dom_attr(const char *selector, size_t length, const char *name, size_t name_length, char *out, size_t capacity);
BTCP(dom_html) int32_t dom_html(const char *selector, size_t length, char *out, size_t capacity);
BTCP(dom_set_text) int32_t dom_set_text(const char *selector, size_t length, const char *value, size_t value_length);
BTCP(dom_click) int32_t dom_click(const char *selector, size_t length);
BTCP(storage_get) int32_t storage_get(const char *key, size_t length, char *out, size_t capacity);
BTCP(storage_set) int32_t storage_set(const char *key, size_t length, const char *value, size_t value_length);
BTCP(http_fetch) int32_t http_fetch(const char *request, size_t length, char *out, size_t capacity);
BTCP(call_tool) int32_t call_tool(const char *request, size_t length, char *out, size_t capacity);
BTCP(log) void tidepool_log(int32_t level, const char *text, size_t length);
BTCP(last_error) int32_t tidepool_last_error(char *out, size_t capacity);

/* `message` is UTF-16 behind its length in bytes, as AssemblyScript has texts. */
TIDEPOOL_IMPORT("env", "abort") _Noreturn void tidepool_abort(const uint16_t *message, const uint16_t *file, int32_t line, int32_t column);

/* Ends the call with this text; what is no ASCII in it becomes `?`. */
static inline _Noreturn void tidepool_fail(struct text reason) {
  uint32_t *block = tidepool_alloc(sizeof *block + reason.length * 2);
  uint16_t *units = (uint16_t *)(block + 1);
  *block = (uint32_t)(reason.length * 2);
  for (size_t i = 0; i < reason.length; i++) units[i] = (unsigned char)reason.at[i] < 0x80 ? (uint16_t)reason.at[i] : '?';
  tidepool_abort(units, 0, 0, 0);
}

/* Ends the call with `name`, what the negative means, and the host's words for it. */
static inline _Noreturn void tidepool_fail_import(struct text name, int32_t answer) {
  static const char *const words[] = {"", ": not found", ": denied", ": timeout", ": invalid", ": the document is gone", ": over a limit"};
  char said[1024];
  struct json_out out = {0};
  json_raw(&out, name.at, name.length);
  const char *word = words[answer < 0 && answer >= TIDEPOOL_LIMIT ? -answer : -TIDEPOOL_INVALID];
  while (*word) json_raw(&out, word++, 1);
  int32_t length = tidepool_last_error(said, sizeof said);
  if (length > 0 && (size_t)length <= sizeof said) {
    JSON(&out, ": ");
    json_raw(&out, said, (size_t)length);
  }
  tidepool_fail((struct text){out.at, out.length});
}

typedef int32_t (*tidepool_text_import)(const char *key, size_t length, char *out, size_t capacity);

/* Asks for a text until it fits (the host keeps one that did not for the same question asked again at once); a negative ends the call, but *found is false for what is not there. `found` may be 0. */
static inline struct text tidepool_ask(struct text name, tidepool_text_import import, struct text key, bool *found) {
  size_t capacity = 4096, begin = tidepool_heap_end;
  if (found) *found = true;
  for (int tries = 0; tries < 8; tries++) {
    tidepool_heap_end = begin;
    char *out = tidepool_alloc(capacity);
    int32_t needed = import(key.at, key.length, out, capacity);
    if (needed == TIDEPOOL_NOT_FOUND && found) return *found = false, (struct text){out, 0};
    if (needed < 0) tidepool_fail_import(name, needed);
    if ((size_t)needed <= capacity) {
      /* What was not needed is free. */
      tidepool_heap_end = (size_t)out + (size_t)needed;
      return (struct text){out, (size_t)needed};
    }
    capacity = (size_t)needed;
  }
  tidepool_fail_import(name, TIDEPOOL_LIMIT);
}

/* What dom_text, dom_html, storage_get, http_fetch or call_tool answers to `key`. */
#define ASK(import, key, found) tidepool_ask(TEXT(#import), import, key, found)

/* ---- the exports ---- */

/* Exports alloc, dealloc and execute around `struct text run(struct text arguments)`, JSON both. */
#define TIDEPOOL_TOOL(run)                                                                                     \
  __attribute__((export_name("alloc"))) void *tidepool_export_alloc(size_t size) {                             \
    tidepool_begin();                                                                                          \
    return tidepool_alloc(size);                                                                               \
  }                                                                                                            \
  __attribute__((export_name("dealloc"))) void tidepool_export_dealloc(void *at, size_t size) {                \
    (void)at, (void)size;                                                                                      \
  }                                                                                                            \
  __attribute__((export_name("execute"))) void *tidepool_export_execute(const uint32_t *arguments) {           \
    struct text result = run((struct text){(const char *)(arguments + 1), *arguments});                        \
    uint32_t *block = tidepool_alloc(sizeof *block + result.length);                                           \
    *block = (uint32_t)result.length;                                                                          \
    tidepool_copy((char *)(block + 1), result.at, result.length);                                              \
    return block;                                                                                              \
  }

#endif
#endif
