//! `Spawn`: starts a program with descriptors, environment and group of the caller's choice (`posix_spawn(3)`).

use crate::{Fd, Pid, Result, find_program, os_bytes, sys};

/// What `proc_spawn` takes; `Spawn::new(path)` begins one and `start` runs it. Nothing is searched along PATH unless
/// `Spawn::search` did it.
#[derive(Clone, Debug)]
pub struct Spawn {
    path: Vec<u8>,
    argv: Vec<u8>,
    env: Option<Vec<u8>>,
    cwd: Vec<u8>,
    actions: Vec<[i32; 3]>,
    flags: u32,
    pgid: Pid,
}

impl Spawn {
    const GROUP: u32 = 1;
    const IGNORE_INTERRUPT: u32 = 2;

    /// The program in the file `path`. No argument is set: `argv[0]` too is the caller's to give.
    pub fn new(path: &[u8]) -> Spawn {
        Spawn { path: path.to_vec(), argv: Vec::new(), env: None, cwd: Vec::new(), actions: Vec::new(), flags: 0, pgid: Pid(0) }
    }

    /// `argv[0]` searched along this process's PATH, with all the arguments.
    pub fn search<A: AsRef<[u8]>>(argv: &[A]) -> Result<Spawn> {
        let name = argv.first().map_or(&b""[..], AsRef::as_ref);
        let path = std::env::var_os("PATH").unwrap_or_default();
        Ok(Spawn::new(&find_program(name, os_bytes(&path))?).args(argv))
    }

    pub fn arg(mut self, arg: &[u8]) -> Spawn {
        push(&mut self.argv, arg);
        self
    }

    pub fn args<A: AsRef<[u8]>>(mut self, args: &[A]) -> Spawn {
        args.iter().for_each(|arg| push(&mut self.argv, arg.as_ref()));
        self
    }

    /// The whole environment, as `NAME=value`; without it the child has this process's.
    pub fn env<A: AsRef<[u8]>>(mut self, env: &[A]) -> Spawn {
        let list = self.env.insert(Vec::new());
        env.iter().for_each(|entry| push(list, entry.as_ref()));
        self
    }

    pub fn cwd(mut self, cwd: &[u8]) -> Spawn {
        self.cwd = cwd.to_vec();
        self
    }

    /// `dup2(from, to)` in the child, after the actions before; clears close-on-exec, also when both are equal.
    pub fn dup2(mut self, from: Fd, to: Fd) -> Spawn {
        self.actions.push([0, to.0 as i32, from.0 as i32]);
        self
    }

    /// Closes in the child; a closed one is no error.
    pub fn close(mut self, fd: Fd) -> Spawn {
        self.actions.push([1, fd.0 as i32, 0]);
        self
    }

    /// Puts the child into this process group; `Pid(0)` is a new one named after it.
    pub fn group(mut self, pgid: Pid) -> Spawn {
        self.flags |= Spawn::GROUP;
        self.pgid = pgid;
        self
    }

    /// INT and QUIT are ignored in the child: a background command of a shell without job control.
    pub fn ignore_interrupt(mut self) -> Spawn {
        self.flags |= Spawn::IGNORE_INTERRUPT;
        self
    }

    pub fn start(&self) -> Result<Pid> {
        let own;
        let env = match &self.env {
            Some(env) => env,
            None => {
                own = environment();
                &own
            }
        };
        let pid = sys::spawn(&self.path, &self.argv, env, &self.cwd, &self.actions, self.flags, self.pgid.0)?;
        Ok(Pid(pid))
    }
}

/// This process's environment as a list of the ABI.
pub(crate) fn environment() -> Vec<u8> {
    let mut list = Vec::new();
    for (name, value) in std::env::vars_os() {
        push(&mut list, &[os_bytes(&name), b"=", os_bytes(&value)].concat());
    }
    list
}

pub(crate) fn push(list: &mut Vec<u8>, entry: &[u8]) {
    list.extend_from_slice(entry);
    list.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Errno, Status, Wait, close, pipe, read, wait};

    #[test]
    fn a_child_writes_into_the_pipe_it_was_given() {
        let (reader, writer) = pipe(true).expect("pipe");
        let pid = Spawn::search(&["sh", "-c", "echo $X >&5; exit 3"])
            .expect("search")
            .env(&["X=hello"])
            .dup2(writer, Fd(5))
            .start()
            .expect("spawn");
        close(writer).expect("close");
        let mut buffer = [0; 16];
        assert_eq!(read(reader, &mut buffer), Ok(6));
        assert_eq!(&buffer[..6], b"hello\n");
        assert_eq!(wait(Wait::Pid(pid), false), Ok(Some((pid, Status::Exited(3)))));
        close(reader).expect("close");
    }

    #[test]
    fn a_program_that_is_missing_is_enoent() {
        assert_eq!(Spawn::new(b"/nonexistent").arg(b"x").start(), Err(Errno::ENOENT));
    }
}
