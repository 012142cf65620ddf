//! A private PostgreSQL.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::process::{Owner, Server, find, free_port, prepare};

/// Starts one, if it is installed.
pub(super) fn start() -> Result<Option<Server>> {
    let Some(initdb) = find(&["initdb"], &directories()) else {
        return Ok(None);
    };
    let server = initdb.with_file_name("postgres");
    let owner = Owner::find(&["postgres", "nobody"])?;
    let directory = owner.directory("cascade-postgres-")?;
    let data = directory.path().join("data");
    prepare(
        owner
            .command(&initdb, directory.path())
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data),
    )?;
    let port = free_port()?;
    let mut command = owner.command(&server, directory.path());
    command
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(directory.path())
        .args(["-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=200",
    ] {
        command.args(["-c", setting]);
    }
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let ready = |log: &Path| std::fs::read_to_string(log).is_ok_and(|log| log.contains("ready to accept connections"));
    // SIGINT is PostgreSQL's "fast shutdown".
    Server::start(command, directory, url, "-INT", ready).map(Some)
}

/// Where the packages of distributions put it, newest version first.
fn directories() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        let versions = entries.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
        found.extend(versions.filter(|bin| bin.join("initdb").is_file()));
    }
    found.push(PathBuf::from("/usr/local/pgsql/bin"));
    found.push(PathBuf::from("/usr/pgsql/bin"));
    found.sort_by_key(|path| std::cmp::Reverse(path.clone()));
    found
}
