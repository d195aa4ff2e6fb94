//! du(1) and df(1): the room that files take.

use crate::civil;
use crate::directory::{join, names};
use crate::human::human;
use crate::number::{parse_size, parse_unsigned};
use crate::options::{Parsed, Spec, parse, refuse};
use crate::report::{Failure, Outcome, complain, failure, misuse, quote, quote_name};
use crate::stream::Output;
use std::collections::HashSet;
use tidepool_system::{Stat, lstat, stat};

const DU: Spec = Spec::new(
    "0,null a,all apparent-size B,block-size= b,bytes c,total D,dereference-args d,max-depth= exclude= h,human-readable H inodes k L,dereference l,count-links m P,no-dereference S,separate-dirs si s,summarize t,threshold= time=? time-style= x,one-file-system X,exclude-from= files0-from=",
    "Usage: du [OPTION]... [FILE]...
Prints the room that FILEs take (the working directory without any), in blocks of 1024 bytes.

  -a, --all              files, too, not only directories
      --apparent-size    sizes instead of room
  -B, --block-size=SIZE  in blocks of SIZE
  -b, --bytes            as --apparent-size -B1
  -c, --total            a total
  -d, --max-depth=N      only N levels
      --exclude=PATTERN  without these
  -h, --human-readable   sizes such as 1K 234M
      --inodes           numbers of files
  -k, -m                 blocks of 1K, 1M
  -L, --dereference      follows links
  -S, --separate-dirs    directories without those in them
  -s, --summarize        one line for each FILE
      --time             the last change, too
",
);

const DF: Spec = Spec::new(
    "a,all B,block-size= h,human-readable H,si i,inodes k l,local no-sync output=? P,portability sync total t,type= T,print-type x,exclude-type=",
    "Usage: df [OPTION]... [FILE]...
Prints the room on file systems. A cell has one and does not know its size: - stands for what is not known.
",
);

struct Count {
    all: bool,
    apparent: bool,
    inodes: bool,
    unit: Unit,
    depth: usize,
    exclude: Vec<Vec<u8>>,
    follow: bool,
    separate: bool,
    count_links: bool,
    end: u8,
    time: bool,
    threshold: Option<i64>,
    seen: HashSet<(u64, u64)>,
    out: Output,
    status: i32,
}

#[derive(Clone, Copy)]
enum Unit {
    Blocks(u64),
    Human(u64),
}

/// What is below a name: bytes, and the last change.
#[derive(Clone, Copy, Default)]
struct Sum {
    amount: u64,
    changed: (i64, u32),
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.amount += other.amount;
        self.changed = self.changed.max(other.changed);
    }
}

pub fn run_du(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &DU)?;
    refuse(&parsed, &["X", "files0-from", "time-style"], 1)?;
    let mut depth = usize::MAX;
    if let Some(text) = parsed.value("d") {
        let number = parse_unsigned(text).ok_or_else(|| misuse(1, format!("invalid maximum depth {}", quote(text))))?;
        depth = usize::try_from(number).unwrap_or(usize::MAX);
    }
    if parsed.has("s") {
        if parsed.has("a") {
            return Err(misuse(1, "cannot both summarize and show all entries"));
        }
        if parsed.has("d") && depth > 0 {
            return Err(misuse(1, format!("warning: summarizing conflicts with --max-depth={depth}")));
        }
        depth = 0;
    }
    let mut count = Count {
        all: parsed.has("a"),
        apparent: parsed.has("apparent-size") || parsed.has("b"),
        inodes: parsed.has("inodes"),
        unit: unit(&parsed)?,
        depth,
        exclude: parsed.options.iter().filter(|(name, _)| *name == "exclude").filter_map(|(_, value)| value.clone()).collect(),
        follow: parsed.has("L"),
        separate: parsed.has("S"),
        count_links: parsed.has("l"),
        end: if parsed.has("0") { 0 } else { b'\n' },
        time: parsed.has("time"),
        threshold: threshold(&parsed)?,
        seen: HashSet::new(),
        out: Output::stdout(),
        status: 0,
    };
    let operands = if parsed.operands.is_empty() { vec![b".".to_vec()] } else { parsed.operands.clone() };
    let mut total = Sum::default();
    for operand in &operands {
        let follow = count.follow || parsed.has("D") || parsed.has("H");
        total.add(count.path(operand, 0, follow)?);
    }
    if parsed.has("c") {
        count.print(total, b"total")?;
    }
    count.out.finish(count.status)
}

fn unit(parsed: &Parsed) -> Result<Unit, Failure> {
    let mut unit = Unit::Blocks(if parsed.has("inodes") { 1 } else { 1024 });
    for (option, value) in &parsed.options {
        unit = match (*option, value) {
            ("h", _) => Unit::Human(1024),
            ("si", _) => Unit::Human(1000),
            ("b", _) => Unit::Blocks(1),
            ("k", _) => Unit::Blocks(1024),
            ("m", _) => Unit::Blocks(1 << 20),
            ("B", Some(text)) => {
                let size = parse_size(text).filter(|&size| size > 0);
                Unit::Blocks(size.ok_or_else(|| failure(1, format!("invalid -B argument {}", quote(text))))?)
            }
            _ => unit,
        };
    }
    Ok(unit)
}

fn threshold(parsed: &Parsed) -> Result<Option<i64>, Failure> {
    let Some(text) = parsed.value("t") else { return Ok(None) };
    let (sign, digits) = text.strip_prefix(b"-").map_or((1, text), |digits| (-1, digits));
    let size = parse_size(digits).ok_or_else(|| failure(1, format!("invalid -t argument {}", quote(text))))?;
    Ok(Some(sign * size as i64))
}

impl Count {
    fn own(&self, stat: &Stat) -> u64 {
        if self.inodes {
            1
        } else if !self.apparent {
            stat.blocks * 512
        } else if stat.is_file() || stat.is_symlink() {
            stat.size
        } else {
            // The size of a directory says nothing of what is in it, but GNU counts it.
            if stat.is_dir() { stat.size } else { 0 }
        }
    }

    fn path(&mut self, path: &[u8], level: usize, follow: bool) -> Result<Sum, Failure> {
        let excluded =
            |pattern: &Vec<u8>| crate::glob::matches(pattern, crate::names::base(path)) || crate::glob::matches(pattern, path);
        if self.exclude.iter().any(excluded) {
            return Ok(Sum::default());
        }
        let found = if follow { stat(path) } else { lstat(path) };
        let stat = match found {
            Ok(stat) => stat,
            Err(errno) => {
                self.refuse(format!("cannot access {}: {errno}", quote_name(path)))?;
                return Ok(Sum::default());
            }
        };
        if (stat.nlink > 1 || stat.is_dir()) && !self.count_links && !self.seen.insert((stat.dev, stat.ino)) {
            return Ok(Sum::default());
        }
        let own = Sum { amount: self.own(&stat), changed: (stat.mtime.seconds, stat.mtime.nanoseconds) };
        let mut sum = own;
        let mut shown = own;
        if stat.is_dir() {
            let inside = match names(path) {
                Ok(inside) => inside,
                Err(errno) => {
                    self.refuse(format!("cannot read directory {}: {errno}", quote_name(path)))?;
                    Vec::new()
                }
            };
            for name in inside {
                let below = join(path, &name);
                let is_folder = lstat(&below).is_ok_and(|stat| stat.is_dir());
                let part = self.path(&below, level + 1, self.follow)?;
                sum.add(part);
                if !is_folder {
                    shown.add(part);
                }
            }
        }
        if level <= self.depth && (stat.is_dir() || self.all || level == 0) {
            self.print(if self.separate { shown } else { sum }, path)?;
        }
        Ok(sum)
    }

    fn refuse(&mut self, text: String) -> Result<(), Failure> {
        self.out.flush()?;
        complain(text);
        self.status = 1;
        Ok(())
    }

    fn print(&mut self, sum: Sum, name: &[u8]) -> Result<(), Failure> {
        let within =
            self.threshold.is_none_or(|least| if least < 0 { sum.amount as i64 <= -least } else { sum.amount as i64 >= least });
        if !within {
            return Ok(());
        }
        let amount = match self.unit {
            Unit::Human(base) => human(sum.amount, base),
            Unit::Blocks(size) => sum.amount.div_ceil(size).to_string(),
        };
        self.out.text(amount + "\t")?;
        if self.time {
            self.out.text(civil::format("%Y-%m-%d %H:%M\t", sum.changed.0, sum.changed.1))?;
        }
        self.out.put(name)?;
        self.out.byte(self.end)
    }
}

/// One file system, of which neither size nor use is known: GNU's `-` stands for both.
pub fn run_df(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &DF)?;
    let mut out = Output::stdout();
    refuse(&parsed, &["output", "B"], 1)?;
    let mut status = 0;
    let mut found = parsed.operands.is_empty();
    for operand in &parsed.operands {
        match stat(operand) {
            Ok(_) => found = true,
            Err(errno) => {
                complain(format!("{}: {errno}", crate::report::quote_bare(operand)));
                status = 1;
            }
        }
    }
    if !found {
        complain("no file systems processed");
        return Ok(1);
    }
    let (kind, kind_value) = if parsed.has("T") { (" Type    ", " tidepool") } else { ("", "") };
    if parsed.has("i") {
        out.text(format!(
            "Filesystem    {kind}  Inodes IUsed IFree IUse% Mounted on\ntidepool      {kind_value}       -     -     -     - /\n"
        ))?;
    } else if parsed.has("h") || parsed.has("H") {
        out.text(format!(
            "Filesystem    {kind}  Size  Used Avail Use% Mounted on\ntidepool      {kind_value}     -     -     -    - /\n"
        ))?;
    } else {
        let capacity = if parsed.has("P") { "1024-blocks  Used Available Capacity" } else { "1K-blocks  Used Available Use%" };
        let (blocks, percent) = if parsed.has("P") { ("          -", "       -") } else { ("        -", "   -") };
        out.text(format!(
            "Filesystem    {kind} {capacity} Mounted on\ntidepool      {kind_value} {blocks}     -         - {percent} /\n"
        ))?;
    }
    out.finish(status)
}
