/* Greets with the title of the page. */
#include <tidepool.h>

/* From what inputSchema of manifest.json says to what outputSchema says, both JSON. */
static struct text run(struct text arguments) {
  struct text greeting = json_to_text(json_member(arguments, TEXT("greeting")), TEXT("Hello"));
  struct text title = ASK(dom_text, TEXT("h1"), 0);
  struct json_out text = {0};
  json_raw(&text, greeting.at, greeting.length);
  JSON(&text, ", ");
  json_raw(&text, title.at, title.length);
  JSON(&text, "!");
  struct json_out out = {0};
  JSON(&out, "{\"text\":");
  json_text(&out, (struct text){text.at, text.length});
  JSON(&out, "}");
  return (struct text){out.at, out.length};
}

TIDEPOOL_TOOL(run)
