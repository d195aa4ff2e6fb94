//! Greets with the title of the page.

use serde::{Deserialize, Serialize};
use tidepool_tool::dom_text;

/// What the tool takes: `inputSchema` of manifest.json.
#[derive(Deserialize)]
struct Arguments {
    greeting: Option<String>,
}

/// What it gives: `outputSchema`.
#[derive(Serialize)]
struct Output {
    text: String,
}

tidepool_tool::tool!(run);

fn run(arguments: Arguments) -> Result<Output, String> {
    let greeting = arguments.greeting.unwrap_or_else(|| "Hello".into());
    let title = dom_text("h1")?;
    Ok(Output { text: format!("{greeting}, {}!", title.trim()) })
}
