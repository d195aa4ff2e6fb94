//! Reads the page's first `h1`, as often as it is told to.

use serde::{Deserialize, Serialize};
use tidepool_tool::dom_text;

#[derive(Deserialize)]
struct Arguments {
    #[serde(default = "once")]
    times: u32,
}

const fn once() -> u32 {
    1
}

#[derive(Serialize)]
struct Output {
    texts: Vec<String>,
}

tidepool_tool::tool!(run);

fn run(Arguments { times }: Arguments) -> Result<Output, String> {
    let texts = (0..times).map(|_| dom_text("h1")).collect::<Result<_, _>>()?;
    Ok(Output { texts })
}
