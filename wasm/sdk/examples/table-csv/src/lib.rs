//! The first table that matches a selector as CSV (RFC 4180). The page is asked for one cell at a time, so that what is read is
//! what the page shows, and nothing here parses HTML.

use serde::{Deserialize, Serialize};
use tidepool_tool::{Error, dom_count, dom_query, dom_text};

#[derive(Deserialize)]
struct Arguments {
    #[serde(default = "any_table")]
    selector: String,
}

fn any_table() -> String {
    "table".into()
}

#[derive(Serialize)]
struct Output {
    csv: String,
    rows: u32,
}

tidepool_tool::tool!(run);

fn run(Arguments { selector }: Arguments) -> Result<Output, String> {
    if !dom_query(&selector)? {
        return Err(format!("no element matches {selector:?}"));
    }
    let mut rows = Vec::new();
    for part in ["thead", "tbody", "tfoot"] {
        read_part(&format!("{selector} > {part}"), &mut rows)?;
    }
    let csv = rows.iter().map(|row| csv_line(row)).collect();
    Ok(Output { csv, rows: u32::try_from(rows.len()).unwrap_or(u32::MAX) })
}

/// The rows of one part of the table; every parser of HTML puts rows into a part.
fn read_part(part: &str, rows: &mut Vec<Vec<String>>) -> Result<(), Error> {
    for row in 1..=dom_count(&format!("{part} > tr"))? {
        let row = format!("{part} > tr:nth-of-type({row})");
        let cells = dom_count(&format!("{row} > :is(td, th)"))?;
        rows.push((1..=cells).map(|cell| dom_text(&format!("{row} > :nth-child({cell})"))).collect::<Result<_, _>>()?);
    }
    Ok(())
}

fn csv_line(cells: &[String]) -> String {
    let fields: Vec<String> = cells.iter().map(|cell| csv_field(cell.trim())).collect();
    fields.join(",") + "\r\n"
}

fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_must_be() {
        let cells = ["plain", " trimmed ", "a, b", "say \"hi\"", "two\nlines", ""].map(str::to_owned);
        assert_eq!(csv_line(&cells), "plain,trimmed,\"a, b\",\"say \"\"hi\"\"\",\"two\nlines\",\r\n");
    }
}
