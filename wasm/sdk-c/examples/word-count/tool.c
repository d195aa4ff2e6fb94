/* Counts lines, words and bytes of a text: a WASI command with { "text": … } on standard input and its result on standard output. */
#define TIDEPOOL_STDIO
#include <tidepool.h>

#include <stdio.h>

static struct text read_all(void) {
  size_t length = 0, capacity = 64 * 1024;
  char *at = malloc(capacity);
  while (at) {
    length += fread(at + length, 1, capacity - length, stdin);
    if (length < capacity) return (struct text){at, length};
    at = realloc(at, capacity *= 2);
  }
  return (struct text){0, 0};
}

int main(void) {
  struct text input = read_all();
  struct text text = json_to_text(json_member(input, TEXT("text")), (struct text){0, 0});
  if (!text.at) {
    fputs("word_count: \"text\" is no text\n", stderr);
    return 1;
  }
  int64_t lines = 0, words = 0;
  bool in_word = false;
  for (size_t i = 0; i < text.length; i++) {
    bool is_space = json_is_space(text.at[i]) || text.at[i] == '\v' || text.at[i] == '\f';
    if (text.at[i] == '\n') lines++;
    if (!is_space && !in_word) words++;
    in_word = !is_space;
  }
  struct json_out out = {0};
  JSON(&out, "{\"lines\":");
  json_int(&out, lines);
  JSON(&out, ",\"words\":");
  json_int(&out, words);
  JSON(&out, ",\"bytes\":");
  json_int(&out, (int64_t)text.length);
  JSON(&out, "}\n");
  return fwrite(out.at, 1, out.length, stdout) == out.length ? 0 : 1;
}
