//! A process that makes the key, or takes it back: it tells every event and goes on only when it is told to, so that it can be killed at
//! an exact moment.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::migrate::{Backfill, Control, Event, RequiredForeignKey, Revert, WritePath};
use sea_orm_cascade::{Backend, Entities, Store};

use super::owner;
use crate::harness::{Db, number};

/// Names the database that this process is to change, and be killed.
const URL: &str = "SUITE_MAKES_A_KEY_ON";
/// What it is to do.
const JOB: &str = "SUITE_MAKES_A_KEY_HOW";

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Makes the key; rows get their owner by the rule.
    ByRule,
    /// Makes the key; all rows get one owner, new ones by a default.
    ByDefault,
    /// Takes it back.
    Back,
}

impl Job {
    const ALL: [Self; 3] = [Self::ByRule, Self::ByDefault, Self::Back];

    /// What is asked for. A lock is waited for as long as it takes.
    pub(crate) fn request(self) -> RequiredForeignKey {
        let request = owner().batch_rows(400).lock_timeout(Duration::from_secs(600));
        match self {
            Self::ByRule | Self::Back => request,
            Self::ByDefault => request
                .backfill(Backfill::owner([3_i64]))
                .write_path(WritePath::Default),
        }
    }

    /// Does it in this process.
    pub(crate) async fn carry_out(self, request: &RequiredForeignKey, store: &Store) -> Result<()> {
        match self {
            Self::ByRule | Self::ByDefault => request.resume(store.connection()).await?,
            Self::Back => request.revert(store.connection(), Revert::Full).await?,
        };
        Ok(())
    }
}

/// What the process does that is killed; nothing, if this is not it.
pub(crate) fn run() -> Result<bool> {
    let Ok(url) = std::env::var(URL) else {
        return Ok(false);
    };
    let asked = std::env::var(JOB)?;
    let job = Job::ALL.into_iter().find(|job| format!("{job:?}") == asked);
    let job = job.context("no such job")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let store = Store::connect(&url, Entities::new()).await?;
        let request = job.request().on_progress(|event| ask(&words(event)));
        let outcome = job.carry_out(&request, &store).await;
        store.close().await?;
        match outcome {
            Ok(()) => ask("done"),
            Err(error) => ask(&format!("failed: {error:#}")),
        };
        Ok(true)
    })
}

/// An event in a line.
pub(crate) fn words(event: &Event) -> String {
    match event {
        Event::Begins { step } => format!("begins {step:?}"),
        Event::Ends { step, .. } => format!("ends {step:?}"),
        Event::Waits { step, .. } => format!("waits {step:?}"),
        Event::Filled { rows, .. } => format!("filled {rows}"),
        Event::WaitingForOther => "waits for another".to_owned(),
        _ => "something else".to_owned(),
    }
}

/// Says something and waits for a word; without one, whoever started this process is gone.
pub(crate) fn ask(line: &str) -> Control {
    let mut output = std::io::stdout();
    let said = writeln!(output, "{line}").and_then(|()| output.flush());
    let mut answer = String::new();
    match (said, std::io::stdin().read_line(&mut answer)) {
        (Ok(()), Ok(1..)) => Control::Continue,
        _ => Control::Stop,
    }
}

/// The process, as its killer has it.
pub(crate) struct Process {
    process: Child,
    tells: Lines<BufReader<ChildStdout>>,
    is_told: ChildStdin,
}

impl Process {
    pub(crate) fn start(db: &Db, job: Job) -> Result<Self> {
        Self::with([(URL, db.url.clone()), (JOB, format!("{job:?}"))])
    }

    /// This program, which is told by these variables what to be.
    pub(crate) fn with<const N: usize>(variables: [(&str, String); N]) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let tells = BufReader::new(process.stdout.take().context("it has an output")?).lines();
        let is_told = process.stdin.take().context("it has an input")?;
        Ok(Self {
            process,
            tells,
            is_told,
        })
    }

    /// What it says next. It waits then.
    pub(crate) fn says(&mut self) -> Result<String> {
        self.tells
            .next()
            .context("it ended without a word")?
            .map_err(Into::into)
    }

    pub(crate) fn goes_on(&mut self) -> Result<()> {
        Ok(self.is_told.write_all(b"go on\n")?)
    }

    /// Lets it go on until it says this. It waits then.
    pub(crate) fn goes_on_until(&mut self, line: &str) -> Result<()> {
        loop {
            let said = self.says()?;
            if said == line {
                return Ok(());
            }
            ensure!(said != "done" && !said.starts_with("failed"), "{said}, without {line}");
            self.goes_on()?;
        }
    }

    /// Lets it go on to its end; what it said.
    pub(crate) fn ends(mut self) -> Result<Vec<String>> {
        let mut said = Vec::new();
        loop {
            let line = self.says()?;
            ensure!(!line.starts_with("failed"), "{line}, after {said:?}");
            self.goes_on()?;
            if line == "done" {
                self.process.wait()?;
                return Ok(said);
            }
            said.push(line);
        }
    }

    /// With SIGKILL.
    pub(crate) fn killed_now(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Waits for what the server still does for whoever was killed. The store has one connection.
pub(crate) async fn alone(store: &Store) -> Result<()> {
    let others = match store.backend() {
        Backend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend'"
        }
        Backend::MySql => {
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
        Backend::Sqlite => "SELECT 0",
    };
    while number(store, others).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Waits until somebody in this database waits for a lock of a table or a row.
pub(crate) async fn somebody_waits(store: &Store) -> Result<()> {
    while waiting(store).await? == 0 {
        before_the_next_look(store).await;
    }
    Ok(())
}

/// InnoDB answers from a copy, which it does not renew for whoever asks more often than ten times a second.
pub(crate) async fn before_the_next_look(store: &Store) {
    match store.backend() {
        Backend::MySql => tokio::time::sleep(std::time::Duration::from_millis(150)).await,
        Backend::Postgres | Backend::Sqlite => tokio::task::yield_now().await,
    }
}

/// How many do.
pub(crate) async fn waiting(store: &Store) -> Result<i64> {
    let waiting = match store.backend() {
        Backend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
             AND wait_event <> 'advisory'"
        }
        Backend::MySql => {
            "SELECT (SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%') \
             + (SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
             ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT')"
        }
        Backend::Sqlite => "SELECT 1",
    };
    number(store, waiting).await
}
