//! What gzip is asked to do: the options of gzip, gunzip and zcat.

use tidepool_getopt::{Long, Takes, parse};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Compress,
    Decompress,
    Test,
    List,
}

#[derive(Debug)]
pub struct Options {
    pub action: Action,
    pub stdout: bool,
    pub force: bool,
    pub keep: bool,
    /// Whether the original name and time are stored; when decompressing, whether they are put back.
    pub names: Option<bool>,
    pub quiet: bool,
    pub verbose: bool,
    pub recursive: bool,
    pub suffix: Vec<u8>,
    pub level: u32,
    pub files: Vec<Vec<u8>>,
}

pub enum Request {
    Help,
    Version,
    Run(Options),
}

const SHORT: &str = "123456789acdfhklnNqrS:tvV";
const LONG: &[Long] = &[
    ("ascii", Takes::Nothing, 'a'),
    ("best", Takes::Nothing, '9'),
    ("decompress", Takes::Nothing, 'd'),
    ("fast", Takes::Nothing, '1'),
    ("force", Takes::Nothing, 'f'),
    ("help", Takes::Nothing, 'h'),
    ("keep", Takes::Nothing, 'k'),
    ("list", Takes::Nothing, 'l'),
    ("name", Takes::Nothing, 'N'),
    ("no-name", Takes::Nothing, 'n'),
    ("quiet", Takes::Nothing, 'q'),
    ("recursive", Takes::Nothing, 'r'),
    ("silent", Takes::Nothing, 'q'),
    ("stdout", Takes::Nothing, 'c'),
    ("suffix", Takes::Value, 'S'),
    ("test", Takes::Nothing, 't'),
    ("to-stdout", Takes::Nothing, 'c'),
    ("uncompress", Takes::Nothing, 'd'),
    ("verbose", Takes::Nothing, 'v'),
    ("version", Takes::Nothing, 'V'),
];

/// Reads the words after the program's name; the error is getopt's text.
pub fn read(program: &[u8], words: Vec<Vec<u8>>) -> Result<Request, String> {
    let parsed = parse(words, SHORT, LONG)?;
    let mut options = Options {
        action: if program == b"gzip" { Action::Compress } else { Action::Decompress },
        stdout: program == b"zcat",
        force: false,
        keep: false,
        names: None,
        quiet: false,
        verbose: false,
        recursive: false,
        suffix: b".gz".to_vec(),
        level: 6,
        files: parsed.operands,
    };
    for given in parsed.options {
        match given.key {
            'c' => options.stdout = true,
            'd' => options.action = Action::Decompress,
            'f' => options.force = true,
            'h' => return Ok(Request::Help),
            'k' => options.keep = true,
            'l' => options.action = Action::List,
            'n' => options.names = Some(false),
            'N' => options.names = Some(true),
            'q' => options.quiet = true,
            'r' => options.recursive = true,
            'S' => options.suffix = given.value.unwrap_or_default(),
            't' => options.action = Action::Test,
            'v' => options.verbose = true,
            'V' => return Ok(Request::Version),
            digit @ '1'..='9' => options.level = u32::from(digit as u8 - b'0'),
            // -a converts line ends on systems that have others; here it changes nothing.
            _ => {}
        }
    }
    Ok(Request::Run(options))
}
