//! A server process: found, started as an ordinary user, waited for, stopped.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A private server with its data in a temporary directory. Dropping it stops it and removes the data.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) what: String,
    process: Child,
    stop_signal: &'static str,
    directory: Option<TempDir>,
}

impl Server {
    /// Starts a server whose log goes to the directory, and waits until it answers.
    pub(super) fn start(
        mut command: Command,
        directory: TempDir,
        url: String,
        stop_signal: &'static str,
        answers: impl Fn(&Path) -> bool,
    ) -> Result<Self> {
        let log = directory.path().join("log");
        let what = version(command.get_program())?;
        command
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        let mut server = Self {
            url,
            what,
            process: command.spawn().with_context(|| format!("cannot start {command:?}"))?,
            stop_signal,
            directory: Some(directory),
        };
        let started = Instant::now();
        while !answers(&log) {
            if server.process.try_wait()?.is_some() || started.elapsed() > PATIENCE {
                bail!("it says:\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A polite signal lets it remove its shared memory; it has nothing to save.
        let asked = Command::new("kill")
            .args([self.stop_signal, &self.process.id().to_string()])
            .status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while asked.is_ok() && matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(Duration::from_millis(20));
        }
        if matches!(self.process.try_wait(), Ok(None)) {
            drop(self.process.kill());
            drop(self.process.wait());
        }
        drop(self.directory.take());
    }
}

fn version(program: &OsStr) -> Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The first of these programs that is installed: on the path, or in one of these directories.
pub(super) fn find(programs: &[&str], directories: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let everywhere: Vec<_> = std::env::split_paths(&path)
        .chain(directories.iter().cloned())
        .collect();
    programs
        .iter()
        .flat_map(|program| everywhere.iter().map(move |directory| directory.join(program)))
        .find(|candidate| candidate.is_file())
}

/// A port of the loopback interface that is free now.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A temporary directory, and a way to make commands that run as somebody who is not root: servers refuse to be root's.
pub(super) struct Owner {
    ids: Option<(u32, u32)>,
}

impl Owner {
    /// Ourselves, or, if we are root, the first of these users that exists.
    pub(super) fn find(users: &[&str]) -> Result<Self> {
        if id("-u", None)? != 0 {
            return Ok(Self { ids: None });
        }
        for user in users {
            if let (Ok(user_id), Ok(group_id)) = (id("-u", Some(user)), id("-g", Some(user))) {
                return Ok(Self {
                    ids: Some((user_id, group_id)),
                });
            }
        }
        bail!(
            "root may not run a database server, and there is none of the users {}",
            users.join(", ")
        )
    }

    pub(super) fn directory(&self, prefix: &str) -> Result<TempDir> {
        let directory = tempfile::Builder::new().prefix(prefix).tempdir()?;
        #[cfg(unix)]
        if let Some((user, group)) = self.ids {
            std::os::unix::fs::chown(directory.path(), Some(user), Some(group))?;
        }
        Ok(directory)
    }

    pub(super) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(directory).env("HOME", directory);
        #[cfg(unix)]
        if let Some((user, group)) = self.ids {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(group);
        }
        command
    }
}

fn id(what: &str, user: Option<&str>) -> Result<u32> {
    let output = Command::new("id").arg(what).args(user).output()?;
    if !output.status.success() {
        bail!("there is no such user");
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

/// Runs a command that prepares a server's data.
pub(super) fn prepare(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
