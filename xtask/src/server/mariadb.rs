//! A private MariaDB.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::process::{Owner, Server, find, free_port, prepare};

/// Starts one, if it is installed.
pub(super) fn start() -> Result<Option<Server>> {
    let directories = [
        "/usr/sbin",
        "/usr/libexec",
        "/usr/local/sbin",
        "/opt/homebrew/opt/mariadb/bin",
    ]
    .map(PathBuf::from);
    let found = find(&["mariadbd"], &directories).zip(find(&["mariadb-install-db"], &directories));
    let Some((server, install)) = found else {
        return Ok(None);
    };
    let owner = Owner::find(&["mysql", "nobody"])?;
    let directory = owner.directory("cascade-mariadb-")?;
    let data = format!("--datadir={}", directory.path().join("data").display());
    prepare(owner.command(&install, directory.path()).args([
        "--no-defaults",
        &data,
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    ]))?;
    let port = free_port()?;
    let mut command = owner.command(&server, directory.path());
    command.args([
        "--no-defaults",
        &data,
        "--bind-address=127.0.0.1",
        "--max-connections=200",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=OFF",
        "--innodb-buffer-pool-size=256M",
        "--character-set-server=utf8mb4",
    ]);
    // A server that starts deletes the temporary tables it finds there, another server's included.
    command.arg(format!("--tmpdir={}", directory.path().display()));
    command.arg(format!("--port={port}"));
    command.arg(format!("--socket={}", directory.path().join("socket").display()));
    command.arg(format!("--pid-file={}", directory.path().join("pid").display()));
    let url = format!("mysql://root@127.0.0.1:{port}/mysql");
    Server::start(command, directory, url, "-TERM", |_| greets(port)).map(Some)
}

/// A MySQL server speaks first.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let mut greeting = [0; 5];
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok() && stream.read_exact(&mut greeting).is_ok()
}
