/* Reads the page's first h1, as often as it is told to. */
#include <tidepool.h>

static struct text run(struct text arguments) {
  struct json_out out = {0};
  int64_t times = json_to_int(json_member(arguments, TEXT("times")), 1);
  JSON(&out, "{\"texts\":[");
  for (int64_t i = 0; i < times; i++) {
    if (i > 0) JSON(&out, ",");
    json_text(&out, ASK(dom_text, TEXT("h1"), 0));
  }
  JSON(&out, "]}");
  return (struct text){out.at, out.length};
}

TIDEPOOL_TOOL(run)
