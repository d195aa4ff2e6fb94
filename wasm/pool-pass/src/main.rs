//! pool-pass IN OUT: runs the pass over IN, checks the shape and writes OUT. pool-pass --check FILE: only checks.

mod pass;
mod shape;

use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn check(name: &str, bytes: &[u8]) -> Result {
    match shape::faults(bytes)?.as_slice() {
        [] => Ok(()),
        faults => Err(format!("{name}: {}", faults.join("; ")).into()),
    }
}

fn run(args: &[String]) -> Result {
    match args {
        [flag, file] if flag == "--check" => check(file, &std::fs::read(file)?),
        [input, output] => {
            let bytes = pass::pass(&std::fs::read(input)?)?;
            check(input, &bytes)?;
            Ok(std::fs::write(output, bytes)?)
        }
        _ => Err("usage: pool-pass IN OUT | pool-pass --check FILE".into()),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pool-pass: {error}");
            ExitCode::FAILURE
        }
    }
}
