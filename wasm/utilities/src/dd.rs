//! dd(1): copies blocks.

use crate::number::parse_size;
use crate::report::{Failure, Outcome, complain, failure, quote, quote_name};
use std::time::Instant;
use tidepool_system::{Errno, Fd, Open, Whence, fstat, open, os_str, read, seek, write_all};

#[derive(Default)]
struct Plan {
    input: Option<Vec<u8>>,
    output: Option<Vec<u8>>,
    input_block: usize,
    output_block: usize,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    conversions: Vec<String>,
    input_flags: Vec<String>,
    output_flags: Vec<String>,
    status: String,
}

const CONVERSIONS: [&str; 10] = ["notrunc", "ucase", "lcase", "swab", "sync", "noerror", "excl", "nocreat", "fsync", "fdatasync"];
const FLAGS: [&str; 9] = ["append", "fullblock", "count_bytes", "skip_bytes", "seek_bytes", "direct", "sync", "dsync", "nonblock"];

#[derive(Default)]
struct Done {
    full_in: u64,
    part_in: u64,
    full_out: u64,
    part_out: u64,
    bytes: u64,
}

fn number(text: &[u8]) -> Option<u64> {
    text.split(|&byte| byte == b'x').try_fold(1u64, |product, factor| Some(product.saturating_mul(parse_size(factor)?)))
}

fn list(value: &str, known: &[&str], what: &str) -> Result<Vec<String>, Failure> {
    let words: Vec<String> = value.split(',').map(str::to_owned).collect();
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        Some(unknown) => {
            Err(failure(1, format!("invalid {what}: {}\nTry 'dd --help' for more information.", quote(unknown.as_bytes()))))
        }
        None => Ok(words),
    }
}

fn plan(args: &[Vec<u8>]) -> Result<Plan, Failure> {
    let mut plan = Plan { input_block: 512, output_block: 512, ..Plan::default() };
    for arg in args {
        let unrecognized = || failure(1, format!("unrecognized operand {}\nTry 'dd --help' for more information.", quote(arg)));
        let equals = arg.iter().position(|&byte| byte == b'=').ok_or_else(unrecognized)?;
        let (name, value) = (&arg[..equals], &arg[equals + 1..]);
        let text = String::from_utf8_lossy(value).into_owned();
        let size = || number(value).ok_or_else(|| failure(1, format!("invalid number: {}", quote(value))));
        let block = || {
            let size = size()?;
            if size == 0 {
                Err(failure(1, format!("invalid number: {}", quote(value))))
            } else {
                Ok(usize::try_from(size).unwrap_or(usize::MAX))
            }
        };
        match name {
            b"if" => plan.input = Some(value.to_vec()),
            b"of" => plan.output = Some(value.to_vec()),
            b"bs" => (plan.input_block, plan.output_block) = (block()?, block()?),
            b"ibs" => plan.input_block = block()?,
            b"obs" => plan.output_block = block()?,
            b"count" => {
                plan.count = Some(size()?);
                if value.ends_with(b"B") {
                    plan.input_flags.push("count_bytes".to_owned());
                }
            }
            b"skip" | b"iseek" => plan.skip = size()?,
            b"seek" | b"oseek" => plan.seek = size()?,
            b"conv" => plan.conversions.extend(list(&text, &CONVERSIONS, "conversion")?),
            b"iflag" => plan.input_flags.extend(list(&text, &FLAGS, "input flag")?),
            b"oflag" => plan.output_flags.extend(list(&text, &FLAGS, "output flag")?),
            b"status" if ["none", "noxfer", "progress"].contains(&text.as_str()) => plan.status = text,
            b"status" => {
                return Err(failure(1, format!("invalid status level: {}\nTry 'dd --help' for more information.", quote(value))));
            }
            _ => return Err(unrecognized()),
        }
    }
    Ok(plan)
}

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    if args.iter().any(|arg| arg == b"--help") {
        let text = "Usage: dd [OPERAND]...\nCopies blocks: if= of= bs= ibs= obs= count= skip= seek= conv= iflag= oflag= status=\n";
        return write_all(Fd::STDOUT, text.as_bytes()).map(|()| 0).map_err(|errno| failure(1, errno.message()));
    }
    let plan = plan(&args)?;
    if plan.input_block > 1 << 28 || plan.output_block > 1 << 28 {
        let size = plan.input_block.max(plan.output_block);
        return Err(failure(1, format!("memory exhausted by input buffer of size {size} bytes")));
    }
    let has = |list: &[String], word: &str| list.iter().any(|known| known == word);
    let input = match &plan.input {
        Some(name) => {
            open(name, Open::read()).map_err(|errno| failure(1, format!("failed to open {}: {errno}", quote_name(name))))?
        }
        None => Fd::STDIN,
    };
    let seek_bytes =
        if has(&plan.output_flags, "seek_bytes") { plan.seek } else { plan.seek.saturating_mul(plan.output_block as u64) };
    let output = open_output(&plan, seek_bytes)?;
    let skip_bytes =
        if has(&plan.input_flags, "skip_bytes") { plan.skip } else { plan.skip.saturating_mul(plan.input_block as u64) };
    skip(input, skip_bytes, &plan)?;
    let begin = Instant::now();
    let mut done = Done::default();
    let copied = copy(&plan, input, output, &mut done);
    if plan.status != "none" {
        let mut text = format!("{}+{} records in\n{}+{} records out\n", done.full_in, done.part_in, done.full_out, done.part_out);
        if plan.status != "noxfer" {
            text += &summary(done.bytes, begin.elapsed().as_secs_f64());
        }
        let _ = write_all(Fd::STDERR, text.as_bytes());
    }
    copied
}

fn summary(bytes: u64, seconds: f64) -> String {
    let scaled = |amount: f64, base: f64, units: [&str; 5]| {
        let power = (0..5).rev().find(|&power| amount >= base.powi(power)).unwrap_or(0);
        let value = amount / base.powi(power);
        let unit = units[power as usize];
        if value < 10.0 && power > 0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
    };
    let decimal = scaled(bytes as f64, 1000.0, ["B", "kB", "MB", "GB", "TB"]);
    let binary = scaled(bytes as f64, 1024.0, ["B", "KiB", "MiB", "GiB", "TiB"]);
    let rate = scaled(bytes as f64 / seconds.max(1e-9), 1000.0, ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"]);
    let sizes = match bytes {
        1 => "1 byte".to_owned(),
        0..1000 => format!("{bytes} bytes"),
        1000..1024 => format!("{bytes} bytes ({decimal})"),
        _ => format!("{bytes} bytes ({decimal}, {binary})"),
    };
    format!("{sizes} copied, {} s, {rate}\n", crate::printf::general(seconds))
}

fn open_output(plan: &Plan, seek_bytes: u64) -> Result<Fd, Failure> {
    let Some(name) = &plan.output else {
        if seek_bytes > 0 {
            let _ = seek(Fd::STDOUT, seek_bytes as i64, Whence::Current);
        }
        return Ok(Fd::STDOUT);
    };
    let has = |word: &str| plan.conversions.iter().any(|known| known == word);
    let fail = |errno: Errno| failure(1, format!("failed to open {}: {errno}", quote_name(name)));
    let mut how = Open::write();
    if !has("nocreat") {
        how = how.create();
    }
    if has("excl") {
        how = how.exclusive();
    }
    if plan.output_flags.iter().any(|flag| flag == "append") {
        how = how.append();
    } else if !has("notrunc") && seek_bytes == 0 {
        how = how.truncate();
    }
    let fd = open(name, how).map_err(fail)?;
    if seek_bytes > 0 {
        if !has("notrunc") {
            let file = std::fs::OpenOptions::new().write(true).open(os_str(name)).and_then(|file| file.set_len(seek_bytes));
            file.map_err(|error| {
                failure(
                    1,
                    format!("failed to truncate to {seek_bytes} bytes in output file {}: {}", quote_name(name), Errno::from(error)),
                )
            })?;
        }
        seek(fd, seek_bytes as i64, Whence::Start)
            .map_err(|errno| failure(1, format!("{}: cannot seek: {errno}", quote_name(name))))?;
    }
    Ok(fd)
}

fn skip(input: Fd, bytes: u64, plan: &Plan) -> Result<(), Failure> {
    if bytes == 0 {
        return Ok(());
    }
    let name = plan.input.as_deref().unwrap_or(b"standard input");
    let regular = fstat(input).is_ok_and(|stat| stat.is_file());
    if regular && let Ok(at) = seek(input, bytes as i64, Whence::Current) {
        if fstat(input).is_ok_and(|stat| stat.size < at) {
            complain(format!("{}: cannot skip to specified offset", quote_name(name)));
        }
        return Ok(());
    }
    let mut left = bytes;
    let mut buffer = vec![0; 65536];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match read(input, &mut buffer[..most]) {
            Ok(0) => break,
            Ok(count) => left -= count as u64,
            Err(errno) => return Err(failure(1, format!("error reading {}: {errno}", quote_name(name)))),
        }
    }
    Ok(())
}

fn fill(input: Fd, buffer: &mut [u8], whole: bool) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(input, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno),
        }
        if !whole {
            break;
        }
    }
    Ok(filled)
}

fn copy(plan: &Plan, input: Fd, output: Fd, done: &mut Done) -> Outcome {
    let has = |word: &str| plan.conversions.iter().any(|known| known == word);
    let flag = |word: &str| plan.input_flags.iter().any(|known| known == word);
    let mut buffer = vec![0; plan.input_block];
    let mut held: Vec<u8> = Vec::new();
    let same = plan.input_block == plan.output_block;
    let mut left = match (plan.count, flag("count_bytes")) {
        (Some(count), true) => Some(count),
        (Some(_), false) | (None, _) => None,
    };
    let mut blocks = if flag("count_bytes") { None } else { plan.count };
    let mut status = 0;
    loop {
        if blocks == Some(0) || left == Some(0) {
            break;
        }
        let most = left.map_or(plan.input_block, |left| plan.input_block.min(usize::try_from(left).unwrap_or(usize::MAX)));
        let count = match fill(input, &mut buffer[..most], flag("fullblock")) {
            Ok(0) => break,
            Ok(count) => count,
            Err(errno) => {
                let name = plan.input.as_deref().unwrap_or(b"standard input");
                complain(format!("error reading {}: {errno}", quote_name(name)));
                status = 1;
                break;
            }
        };
        blocks = blocks.map(|blocks| blocks - 1);
        left = left.map(|left| left - count as u64);
        if count == plan.input_block {
            done.full_in += 1
        } else {
            done.part_in += 1
        }
        let mut block = buffer[..count].to_vec();
        if has("sync") {
            block.resize(plan.input_block, 0);
        }
        convert(&mut block, &plan.conversions);
        if same {
            put(plan, output, &block, done)?;
            continue;
        }
        held.extend_from_slice(&block);
        while held.len() >= plan.output_block {
            put(plan, output, &held[..plan.output_block], done)?;
            held.drain(..plan.output_block);
        }
    }
    if !held.is_empty() {
        put(plan, output, &held, done)?;
    }
    Ok(status)
}

fn convert(block: &mut [u8], conversions: &[String]) {
    for conversion in conversions {
        match conversion.as_str() {
            "ucase" => block.make_ascii_uppercase(),
            "lcase" => block.make_ascii_lowercase(),
            "swab" => block.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1)),
            _ => {}
        }
    }
}

fn put(plan: &Plan, output: Fd, block: &[u8], done: &mut Done) -> Result<(), Failure> {
    write_all(output, block).map_err(|errno| {
        let name = plan.output.as_deref().unwrap_or(b"standard output");
        failure(1, format!("error writing {}: {errno}", quote_name(name)))
    })?;
    if block.len() == plan.output_block {
        done.full_out += 1
    } else {
        done.part_out += 1
    }
    done.bytes += block.len() as u64;
    Ok(())
}
