//! The command `cascade`, and [`migration`]: the schema commands for a team's own migration binary.
//!
//! | module | what is in it |
//! |---|---|
//! | [`cascade`] | the binary's arguments and commands, over any database |
//! | [`migration`] | SeaORM's migrate commands with `schema create`, `diff`, `check`, `sql` and `lint` beside them |

pub mod cascade;
mod lint;
pub mod migration;
mod output;
mod overlay;

pub use lint::{LintArguments, MigrationFiles};

/// How a command ended, as the process's exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// It found what it looks for: differences, findings, orphans.
    Found,
    /// Rows keep others from being deleted; nothing was changed.
    Blocked,
    /// The user, or a limit the user set, stopped it; nothing was changed.
    Stopped,
}

impl Outcome {
    /// 0 for done, 2 for found, 3 for blocked, 4 for stopped. A failure is 1, and wrong usage 2.
    #[must_use]
    pub fn exit_code(self) -> std::process::ExitCode {
        std::process::ExitCode::from(match self {
            Self::Done => 0,
            Self::Found => 2,
            Self::Blocked => 3,
            Self::Stopped => 4,
        })
    }
}

/// The exit code of what was run; a failure is written to stderr, with its causes.
#[must_use]
pub fn finish(result: anyhow::Result<Outcome>) -> std::process::ExitCode {
    match result {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            match error.is::<WrongUsage>() {
                true => std::process::ExitCode::from(2),
                false => std::process::ExitCode::FAILURE,
            }
        }
    }
}

/// What the arguments ask for cannot be meant; clap says the rest of this kind itself.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub(crate) &'static str);

impl std::fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for WrongUsage {}
