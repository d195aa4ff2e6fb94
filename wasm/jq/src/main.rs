//! jq as jq 1.6: a filter over JSON inputs. The language's syntax and interpreter are jaq-core's; values, errors, built-ins
//! and the command line are jq's. Exit status: 5 an error of the filter, 2 of the command line or the input, 3 of the
//! filter's text; with -e 1 for null or false, 4 for no output.

mod arrays;
mod builtins;
mod dates;
mod dump;
mod formats;
mod inputs;
mod json;
mod math;
mod number;
mod options;
mod paths;
mod program;
mod regex;
mod report;
mod rewrite;
mod run;
mod session;
mod strings;
mod syntax_error;
mod value;

use options::{Refusal, Request};
use report::say;
use std::process::ExitCode;
use tidepool_system::{Fd, write_all};

const HELP: &str = include_str!("help.txt");

fn main() -> ExitCode {
    tidepool_system::start();
    match options::read(tidepool_getopt::arguments()) {
        Err(Refusal(text)) => {
            say(&text);
            ExitCode::from(2)
        }
        Ok(Request::Help) => show(HELP),
        Ok(Request::Version) => show("jq-1.6\n"),
        Ok(Request::Run(options)) => ExitCode::from(run::run(*options)),
    }
}

fn show(text: &str) -> ExitCode {
    match write_all(Fd::STDOUT, text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}
