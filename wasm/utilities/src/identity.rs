//! Who and where: id, whoami, groups, logname, users, uname, arch, hostname, hostid, nproc, tty, pwd, sync.

use crate::number::parse_unsigned;
use crate::options::{Spec, extra_operand, parse};
use crate::owners::Names;
use crate::report::{Failure, Outcome, complain, failure, misuse, quote};
use crate::stream::Output;
use tidepool_system::{Fd, getcwd, is_tty, lstat, os_bytes, stat};

/// The user of every cell.
const UID: u32 = 1000;
const HOST: &str = "tidepool";

const ID: Spec = Spec::new(
    "a Z g,group G,groups n,name r,real u,user z,zero",
    "Usage: id [OPTION]... [USER]...
Prints user and groups.

  -g, --group    the group only
  -G, --groups   all groups
  -n, --name     names instead of numbers, with -u, -g, -G
  -u, --user     the user only
  -z, --zero     ends in NUL
",
);

const UNAME: Spec = Spec::new(
    "a,all s,kernel-name n,nodename r,kernel-release v,kernel-version m,machine p,processor i,hardware-platform o,operating-system",
    "Usage: uname [OPTION]...
Prints what this system is: -s kernel, -n host, -r release, -v version, -m machine, -p processor, -i platform, -o system; -a all.
",
);

const NPROC: Spec =
    Spec::new("all ignore=", "Usage: nproc [OPTION]...\nPrints the number of processors: one.\n\n      --all\n      --ignore=N\n");
const PWD: Spec = Spec::new(
    "L,logical P,physical",
    "Usage: pwd [OPTION]...\nPrints the working directory; -L as PWD has it, -P without links.\n",
);
const TTY: Spec =
    Spec::new("s,silent quiet", "Usage: tty [OPTION]...\nPrints the name of the terminal; -s prints nothing.\n").status(2);
const PLAIN: Spec = Spec::new("", "Prints who or what this is.\n");
const HOSTNAME: Spec = Spec::new(
    "f,fqdn long s,short i,ip-address I,all-ip-addresses d,domain",
    "Usage: hostname [-f|-s|-d]\nPrints the name of the host.\n",
);
const SYNC: Spec = Spec::new("d,data f,file-system", "Usage: sync [OPTION] [FILE]...\nSees to it that what was written is kept.\n");

fn line(text: &str) -> Outcome {
    let mut out = Output::stdout();
    out.text(text)?;
    out.byte(b'\n')?;
    out.finish(0)
}

fn without_operands(args: Vec<Vec<u8>>, spec: &Spec) -> Result<crate::options::Parsed, Failure> {
    let parsed = parse(args, spec)?;
    match parsed.operands.first() {
        Some(extra) => Err(extra_operand(spec.status, extra)),
        None => Ok(parsed),
    }
}

/// Who runs this program: in a cell always the same user; natively the owner of the process.
fn own_ids() -> (u32, u32) {
    match stat(b"/proc/self") {
        Ok(stat) => (stat.uid, stat.gid),
        Err(_) => (UID, UID),
    }
}

pub fn run_id(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &ID)?;
    let (users, groups) = (Names::users(), Names::groups());
    let only = parsed.last_of(&["u", "g", "G"]);
    if (parsed.has("n") || parsed.has("r")) && only.is_none() {
        return Err(failure(1, "cannot print only names or real IDs in default format"));
    }
    if parsed.has("z") && only.is_none() {
        return Err(failure(1, "option --zero not permitted in default format"));
    }
    let mut ids = Vec::new();
    let mut status = 0;
    for operand in &parsed.operands {
        match users.id(&String::from_utf8_lossy(operand)).filter(|id| users.name(*id).is_some()) {
            Some(id) => ids.push((id, id)),
            None => {
                complain(format!("{}: no such user", quote(operand)));
                status = 1;
            }
        }
    }
    if parsed.operands.is_empty() {
        ids.push(own_ids());
    }
    let mut out = Output::stdout();
    for (uid, gid) in ids {
        let name = |names: &Names, id: u32| if parsed.has("n") { names.shown(id) } else { id.to_string() };
        let text = match only {
            Some("u") => name(&users, uid),
            Some(_) => name(&groups, gid),
            None => {
                let full = |id: u32, names: &Names| names.name(id).map_or(id.to_string(), |name| format!("{id}({name})"));
                let (user, group) = (full(uid, &users), full(gid, &groups));
                format!("uid={user} gid={group} groups={group}")
            }
        };
        out.text(text)?;
        out.byte(if parsed.has("z") { 0 } else { b'\n' })?;
    }
    out.finish(status)
}

pub fn run_whoami(args: Vec<Vec<u8>>) -> Outcome {
    without_operands(args, &PLAIN)?;
    line(&Names::users().shown(own_ids().0))
}

pub fn run_groups(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &PLAIN)?;
    let (users, groups) = (Names::users(), Names::groups());
    if parsed.operands.is_empty() {
        return line(&groups.shown(own_ids().1));
    }
    let mut out = Output::stdout();
    let mut status = 0;
    for operand in &parsed.operands {
        let name = String::from_utf8_lossy(operand);
        match users.id(&name) {
            Some(id) => out.text(format!("{name} : {}\n", groups.shown(id)))?,
            None => {
                out.flush()?;
                complain(format!("{}: no such user", quote(operand)));
                status = 1;
            }
        }
    }
    out.finish(status)
}

pub fn run_logname(args: Vec<Vec<u8>>) -> Outcome {
    run_whoami(args)
}

pub fn run_uname(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = without_operands(args, &UNAME)?;
    let all = parsed.has("a");
    let fields = [
        ("s", "Linux"),
        ("n", HOST),
        ("r", "6.1.0-tidepool"),
        ("v", "#1 SMP Tidepool"),
        ("m", "wasm32"),
        ("p", "unknown"),
        ("i", "unknown"),
        ("o", "GNU/Linux"),
    ];
    let wanted = |name: &str| parsed.has(name) || (parsed.options.is_empty() && name == "s") || (all && !matches!(name, "p" | "i"));
    let shown: Vec<_> = fields.iter().filter(|(name, _)| wanted(name)).map(|(_, text)| *text).collect();
    line(&shown.join(" "))
}

pub fn run_arch(args: Vec<Vec<u8>>) -> Outcome {
    without_operands(args, &PLAIN)?;
    line("wasm32")
}

pub fn run_hostname(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &HOSTNAME)?;
    if !parsed.operands.is_empty() {
        return Err(failure(1, "you must be root to change the host name"));
    }
    line(match parsed.last_of(&["i", "I", "d"]) {
        Some("d") => "",
        Some(_) => "127.0.0.1",
        None => HOST,
    })
}

pub fn run_hostid(args: Vec<Vec<u8>>) -> Outcome {
    without_operands(args, &PLAIN)?;
    line("007f0100")
}

pub fn run_nproc(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = without_operands(args, &NPROC)?;
    if let Some(text) = parsed.value("ignore")
        && parse_unsigned(text).is_none()
    {
        return Err(failure(1, format!("invalid number: {}", quote(text))));
    }
    line("1")
}

pub fn run_pwd(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &PWD)?;
    if !parsed.operands.is_empty() {
        complain("ignoring non-option arguments");
    }
    let here =
        getcwd().map_err(|errno| failure(1, format!("couldn't find directory entry in '..' with matching i-node: {errno}")))?;
    let logical = parsed.last_of(&["L", "P"]) == Some("L");
    let variable = std::env::var_os("PWD").filter(|_| logical);
    let kept = variable.filter(|value| {
        let value = os_bytes(value);
        let plain = value.starts_with(b"/") && !value.split(|&byte| byte == b'/').any(|part| part == b"." || part == b"..");
        plain && matches!((stat(value), lstat(&here)), (Ok(one), Ok(other)) if one.ino == other.ino && one.dev == other.dev)
    });
    let mut out = Output::stdout();
    out.put(kept.as_deref().map_or(&here[..], os_bytes))?;
    out.byte(b'\n')?;
    out.finish(0)
}

pub fn run_tty(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = without_operands(args, &TTY)?;
    let tty = is_tty(Fd::STDIN);
    if !(parsed.has("s") || parsed.has("quiet")) {
        line(if tty { "/dev/tty" } else { "not a tty" })?;
    }
    Ok(i32::from(!tty))
}

pub fn run_sync(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SYNC)?;
    if parsed.has("d") && parsed.has("f") {
        return Err(misuse(1, "cannot specify both --data and --file-system"));
    }
    let mut status = 0;
    for file in &parsed.operands {
        let synced = std::fs::File::open(tidepool_system::os_str(file)).map_err(|error| ("error opening", error));
        if let Err((what, error)) = synced.and_then(|file| file.sync_all().map_err(|error| ("error syncing", error))) {
            let errno = tidepool_system::Errno::from(error);
            complain(format!("{what} {}: {errno}", crate::report::quote_name(file)));
            status = 1;
        }
    }
    Ok(status)
}
