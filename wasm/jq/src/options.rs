//! The command line, read as jq reads it: options anywhere, short ones combined, the first other word the filter.

use crate::dump::{Format, Indent};
use crate::inputs::{Reading, read_file};
use crate::json::{parse_all, parse_one};
use crate::value::Val;

pub struct Options {
    pub filter: Option<Vec<u8>>,
    pub from_file: bool,
    pub files: Vec<Vec<u8>>,
    pub reading: Reading,
    pub null_input: bool,
    pub format: Format,
    pub raw: bool,
    pub join: bool,
    pub exit_status: bool,
    pub sequence: bool,
    pub unbuffered: bool,
    pub nul: bool,
    pub named: Vec<(String, Val)>,
    pub positional: Vec<Val>,
}

pub enum Request {
    Run(Box<Options>),
    Help,
    Version,
}

/// A message for stderr, already with the hint where to read more if that belongs to it.
pub struct Refusal(pub String);

const HINT: &str =
    "Use jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq\n";

fn refuse<T>(text: &str) -> Result<T, Refusal> {
    Err(Refusal(format!("jq: {text}\n{HINT}")))
}

/// What words that are no options stand for, after the filter.
#[derive(Clone, Copy)]
enum Rest {
    Files,
    Strings,
    Json,
}

struct Reader {
    words: std::vec::IntoIter<Vec<u8>>,
    options: Options,
    rest: Rest,
    request: Option<Request>,
}

pub fn read(words: Vec<Vec<u8>>) -> Result<Request, Refusal> {
    let options = Options {
        filter: None,
        from_file: false,
        files: Vec::new(),
        reading: Reading { raw: false, slurp: false },
        null_input: false,
        format: Format { indent: Indent::Spaces(2), sort_keys: false, ascii: false, colour: false },
        raw: false,
        join: false,
        exit_status: false,
        sequence: false,
        unbuffered: false,
        nul: false,
        named: Vec::new(),
        positional: Vec::new(),
    };
    let mut reader = Reader { words: words.into_iter(), options, rest: Rest::Files, request: None };
    let mut only_words = false;
    while let Some(word) = reader.words.next() {
        match word.as_slice() {
            b"--" if !only_words => only_words = true,
            [b'-', b'-', name @ ..] if !only_words => reader.long(&String::from_utf8_lossy(name))?,
            [b'-', letters @ ..] if !only_words && !letters.is_empty() => reader.short(&word)?,
            _ => reader.word(word)?,
        }
        if let Some(request) = reader.request {
            return Ok(request);
        }
    }
    Ok(Request::Run(Box::new(reader.options)))
}

impl Reader {
    fn word(&mut self, word: Vec<u8>) -> Result<(), Refusal> {
        if self.options.filter.is_none() {
            self.options.filter = Some(word);
            return Ok(());
        }
        match self.rest {
            Rest::Files => self.options.files.push(word),
            Rest::Strings => self.options.positional.push(Val::from(String::from_utf8_lossy(&word).into_owned())),
            Rest::Json => match parse_one(&word) {
                Ok(value) => self.options.positional.push(value),
                Err(_) => return refuse("invalid JSON text passed to --jsonargs"),
            },
        }
        Ok(())
    }

    fn short(&mut self, word: &[u8]) -> Result<(), Refusal> {
        for letter in &word[1..] {
            let options = &mut self.options;
            match letter {
                b's' => options.reading.slurp = true,
                b'r' => options.raw = true,
                b'j' => (options.raw, options.join) = (true, true),
                b'c' => options.format.indent = Indent::None,
                b'C' => options.format.colour = true,
                b'M' => options.format.colour = false,
                b'a' => options.format.ascii = true,
                b'S' => options.format.sort_keys = true,
                b'n' => options.null_input = true,
                b'f' => options.from_file = true,
                b'R' => options.reading.raw = true,
                b'e' => options.exit_status = true,
                b'h' => self.request = Some(Request::Help),
                b'V' => self.request = Some(Request::Version),
                _ => return refuse(&format!("Unknown option {}", String::from_utf8_lossy(word))),
            }
        }
        Ok(())
    }

    fn long(&mut self, name: &str) -> Result<(), Refusal> {
        let options = &mut self.options;
        match name {
            "slurp" => options.reading.slurp = true,
            "raw-output" => options.raw = true,
            "raw-output0" => (options.raw, options.nul) = (true, true),
            "join-output" => (options.raw, options.join) = (true, true),
            "compact-output" => options.format.indent = Indent::None,
            "color-output" => options.format.colour = true,
            "monochrome-output" => options.format.colour = false,
            "ascii-output" => options.format.ascii = true,
            "unbuffered" => options.unbuffered = true,
            "sort-keys" => options.format.sort_keys = true,
            "null-input" => options.null_input = true,
            "from-file" => options.from_file = true,
            "raw-input" => options.reading.raw = true,
            "exit-status" => options.exit_status = true,
            "seq" => options.sequence = true,
            "tab" => options.format.indent = Indent::Tab,
            "indent" => self.options.format.indent = self.indent()?,
            "arg" => self.argument()?,
            "argjson" => self.json_argument()?,
            "slurpfile" => self.file_argument("slurpfile")?,
            "rawfile" => self.file_argument("rawfile")?,
            "args" => self.rest = Rest::Strings,
            "jsonargs" => self.rest = Rest::Json,
            "help" => self.request = Some(Request::Help),
            "version" => self.request = Some(Request::Version),
            _ => return refuse(&format!("Unknown option --{name}")),
        }
        Ok(())
    }

    fn indent(&mut self) -> Result<Indent, Refusal> {
        let Some(word) = self.words.next() else {
            return refuse("--indent takes one parameter");
        };
        match String::from_utf8_lossy(&word).trim().parse::<i32>().unwrap_or(0) {
            -1 => Ok(Indent::Tab),
            0 => Ok(Indent::None),
            width @ 1..=7 => Ok(Indent::Spaces(width as usize)),
            _ => refuse("--indent takes a number between -1 and 7"),
        }
    }

    fn pair(&mut self, name: &str, usage: &str) -> Result<(String, Vec<u8>), Refusal> {
        match (self.words.next(), self.words.next()) {
            (Some(key), Some(value)) => Ok((String::from_utf8_lossy(&key).into_owned(), value)),
            _ => refuse(&format!("--{name} takes two parameters (e.g. --{name} {usage})")),
        }
    }

    /// The first value given to a name counts.
    fn bind(&mut self, name: String, value: Val) {
        if !self.options.named.iter().any(|(known, _)| *known == name) {
            self.options.named.push((name, value));
        }
    }

    fn argument(&mut self) -> Result<(), Refusal> {
        let (name, value) = self.pair("arg", "varname value")?;
        self.bind(name, Val::from(String::from_utf8_lossy(&value).into_owned()));
        Ok(())
    }

    fn json_argument(&mut self) -> Result<(), Refusal> {
        let (name, text) = self.pair("argjson", "varname text")?;
        match parse_one(&text) {
            Ok(value) => self.bind(name, value),
            Err(_) => return refuse("invalid JSON text passed to --argjson"),
        }
        Ok(())
    }

    fn file_argument(&mut self, option: &str) -> Result<(), Refusal> {
        let (name, path) = self.pair(option, "varname filename")?;
        let shown = String::from_utf8_lossy(&path).into_owned();
        let content = read_file(&path).map_err(|errno| format!("Could not open {shown}: {errno}"));
        let value = match content {
            Ok(content) if option == "rawfile" => Ok(Val::from(String::from_utf8_lossy(&content).into_owned())),
            Ok(content) => parse_all(&content).map(Val::arr),
            Err(error) => Err(error),
        };
        match value {
            Ok(value) => self.bind(name, value),
            Err(error) if option == "rawfile" => {
                return Err(Refusal(format!("jq: Bad JSON in --rawfile {name} {shown}: {error}\n")));
            }
            Err(error) => return Err(Refusal(format!("jq: Bad JSON in --slurpfile {name} {shown}: {error}\n"))),
        }
        Ok(())
    }
}
