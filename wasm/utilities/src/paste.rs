//! paste(1): lines side by side.

use crate::each_file::each_file;
use crate::options::{Spec, parse};
use crate::report::{Failure, Outcome, failure, quote_bare};
use crate::stream::{Input, Output, trim};
use tidepool_system::Fd;

const SPEC: Spec = Spec::new(
    "d,delimiters= s,serial z,zero-terminated",
    "Usage: paste [OPTION]... [FILE]...
Joins the lines of FILEs side by side with tabs.

  -d, --delimiters=LIST   these in turn instead of tabs
  -s, --serial            one FILE after the other, each on one line
  -z, --zero-terminated   lines end in NUL
",
);

fn delimiters(text: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut list = Vec::new();
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        list.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'0') => Vec::new(),
                Some(b'n') => vec![b'\n'],
                Some(b't') => vec![b'\t'],
                Some(b'b') => vec![8],
                Some(b'f') => vec![12],
                Some(b'r') => vec![b'\r'],
                Some(b'v') => vec![11],
                Some(other) => vec![*other],
                None => {
                    return Err(failure(
                        1,
                        format!("delimiter list ends with an unescaped backslash: {}", String::from_utf8_lossy(text)),
                    ));
                }
            },
            byte => vec![byte],
        });
    }
    if list.is_empty() {
        list.push(Vec::new());
    }
    Ok(list)
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let list = delimiters(parsed.value("d").unwrap_or(b"\t"))?;
    let end = if parsed.has("z") { 0 } else { b'\n' };
    let mut out = Output::stdout();
    if parsed.has("s") {
        let status = each_file(parsed.files(), &mut out, |input, out| {
            let mut index = 0;
            while let Some(line) = input.line(end)? {
                if index > 0 {
                    out.put(&list[(index - 1) % list.len()])?;
                }
                out.put(trim(line, end))?;
                index += 1;
            }
            Ok(out.byte(end)?)
        })?;
        return out.finish(status);
    }
    let files = parsed.files();
    let mut inputs = Vec::new();
    for file in &files {
        let input = if file == b"-" {
            None
        } else {
            Some(Input::open(file).map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(file))))?)
        };
        inputs.push(input);
    }
    paste_side_by_side(&mut inputs, &list, end, out)
}

/// `None` is standard input, which several columns share.
fn paste_side_by_side(inputs: &mut [Option<Input>], list: &[Vec<u8>], end: u8, mut out: Output) -> Outcome {
    let mut stdin = Input::from(Fd::STDIN);
    let mut open = vec![true; inputs.len()];
    loop {
        let mut row: Vec<u8> = Vec::new();
        let mut any = false;
        for (index, input) in inputs.iter_mut().enumerate() {
            if index > 0 {
                row.extend_from_slice(&list[(index - 1) % list.len()]);
            }
            if !open[index] {
                continue;
            }
            let line = input.as_mut().unwrap_or(&mut stdin).line(end).map_err(|errno| failure(1, errno.message()))?;
            match line {
                Some(line) => {
                    row.extend_from_slice(trim(line, end));
                    any = true;
                }
                None => open[index] = false,
            }
        }
        if !any {
            return out.finish(0);
        }
        row.push(end);
        out.put(&row)?;
    }
}
