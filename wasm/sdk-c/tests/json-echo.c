/* A module for tests: it answers the texts and whole numbers of its arguments, so what the JSON of this SDK reads, it must write. */
#include <tidepool.h>

static void echo(struct json_out *out, struct text json) {
  if (json.length > 0 && *json.at == '"') json_text(out, json_to_text(json, TEXT("")));
  else json_int(out, json_to_int(json, -1));
}

static struct text run(struct text arguments) {
  struct json_out out = {0};
  JSON(&out, "{\"a\":");
  echo(&out, json_member(arguments, TEXT("a")));
  JSON(&out, ",\"b\":");
  echo(&out, json_member(arguments, TEXT("b")));
  JSON(&out, "}");
  return (struct text){out.at, out.length};
}

TIDEPOOL_TOOL(run)
