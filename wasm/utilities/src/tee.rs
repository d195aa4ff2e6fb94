//! tee(1): standard input to standard output and to files.

use crate::options::{Spec, parse};
use crate::report::{Outcome, complain, complain_of, failure};
use crate::stream::Input;
use tidepool_system::{Disposition, Fd, Open, Signal, open, set_signal, write_all};

const SPEC: Spec = Spec::new(
    "a,append i,ignore-interrupts p output-error=?",
    "Usage: tee [OPTION]... [FILE]...
Copies standard input to standard output and to each FILE.

  -a, --append              appends to the FILEs
  -i, --ignore-interrupts   ignores the signal INT
  -p, --output-error[=MODE] goes on when an output is a closed pipe
",
);

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    let ignore = |signal| set_signal(signal, Disposition::Ignore).map_err(|errno| failure(1, errno.message()));
    if parsed.has("i") {
        ignore(Signal::INT)?;
    }
    let patient = parsed.has("p") || parsed.has("output-error");
    if patient {
        ignore(Signal::PIPE)?;
    }
    let how = if parsed.has("a") { Open::write().create().append() } else { Open::write().create().truncate() };
    let mut outputs = vec![(Fd::STDOUT, b"standard output".to_vec())];
    let mut status = 0;
    for file in &parsed.operands {
        match open(file, how) {
            Ok(fd) => outputs.push((fd, file.clone())),
            Err(errno) => {
                complain_of(file, errno);
                status = 1;
            }
        }
    }
    let mut input = Input::from(Fd::STDIN);
    loop {
        let chunk = input.chunk().map_err(|errno| failure(1, format!("read error: {errno}")))?;
        if chunk.is_empty() || outputs.is_empty() {
            return Ok(status);
        }
        outputs.retain(|(fd, name)| match write_all(*fd, chunk) {
            Ok(()) => true,
            Err(errno) => {
                if !patient || errno != tidepool_system::Errno::EPIPE {
                    complain(format!("{}: {errno}", crate::report::quote_name(name)));
                    status = 1;
                }
                false
            }
        });
    }
}
