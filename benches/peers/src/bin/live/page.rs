//! The page of results.

use std::fmt::Write as _;
use std::time::Duration;

use crate::contender::Contender;
use crate::ground::{RULE, USERS};
use crate::load::Stream;
use crate::outcome::Outcome;

const POSTS: [Stream; 2] = [Stream::PostsWriter, Stream::PostsReader];
const USERS_STREAMS: [Stream; 2] = [Stream::UsersWriter, Stream::UsersReader];

/// How much longer than in the idle run a stall may be.
const TARGET: f64 = 2.0;

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

pub(crate) fn markdown(outcomes: &[Outcome], posts: i64, rounds: usize) -> String {
    let mut page = format!(
        "# A required foreign key on a table in use\n\nWritten by `cargo xtask live`; every number is from one run. {posts} posts and {USERS} users, and \
         throughout, two writers and two readers, each on a connection of its own and 50 times a second: one inserts and updates posts, one users, one \
         reads a post by its key, one a user. Meanwhile posts get an owner: a required column `user_id` with a foreign key that cascades.\n\nA stall is \
         how long one statement took, from when it was *due*: what waits behind another that is stalled counts too. Timers are a millisecond or so late, \
         which is in all numbers alike. There were {rounds} round(s) of all contenders, each in a shuffled order, but for idle, the last of the first round, since \
         it has to know how long the others take; and each time in a new database that had just been filled. \
         Afterwards all rows were counted, and every post has the owner it should have, and the key holds, is required and cascades.\n\n",
    );
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let system = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    for outcome in outcomes {
        let _ = writeln!(page, "- {}: {}", outcome.engine, outcome.version);
    }
    let _ = writeln!(
        page,
        "- machine: {processors} processors, {} {}; the servers run on it too\n",
        std::env::consts::OS,
        system.trim()
    );
    let _ = writeln!(
        page,
        "- **idle**: no change at all, for as long as the longest of the others. Its worst is the noise.\n\
         - **staged**: `RequiredForeignKey` with `Backfill::sql(\"{RULE}\")`. On PostgreSQL new posts get their owner by its trigger, and the writer is the \
         old application, until a post without an owner is refused: once, and from then on it gives owners. On MariaDB no trigger can know the number \
         of a new post, so the writer is the new application: it tries to give an owner, and does without while the column is not there.\n\
         - **one-shot**: one `ALTER TABLE` that adds the column with a default and the key. It gives all posts to one user, and no index on PostgreSQL.\n\
         - **one transaction**: the column, one `UPDATE` of all posts, `NOT NULL`, the index, the key; as a SeaORM migration has it, in one transaction on \
         PostgreSQL. On MariaDB each `ALTER` commits, so it is one statement after the other."
    );
    for outcome in outcomes {
        let _ = writeln!(page, "\n## {}\n", outcome.engine);
        summary(&mut page, outcome);
        staged(&mut page, outcome);
    }
    page
}

const fn title(contender: Contender) -> &'static str {
    match contender {
        Contender::Idle => "idle",
        Contender::Staged => "**staged**",
        Contender::OneShot => "one-shot",
        Contender::OneTransaction => "one transaction",
    }
}

fn times(stall: Duration, noise: Duration) -> f64 {
    stall.as_secs_f64() / noise.as_secs_f64()
}

fn summary(page: &mut String, outcome: &Outcome) {
    page.push_str(
        "Worst: of all rounds, writing / reading; in brackets the median of the rounds' worst. × idle: the worst of either, by that of the idle run. Stalls \
         are in milliseconds.\n\n| | posts: worst | p99 | × idle | users: worst | p99 | × idle | seconds | refused |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for contender in Contender::ALL {
        let _ = write!(page, "| {} |", title(contender));
        for streams in [POSTS, USERS_STREAMS] {
            let [write, read] = streams;
            let worst = |stream| {
                format!(
                    "{:.1} ({:.1})",
                    ms(outcome.worst(contender, &[stream])),
                    ms(outcome.usual_worst(contender, &[stream]))
                )
            };
            let _ = write!(
                page,
                " {} / {} | {:.1} / {:.1} | {:.2} |",
                worst(write),
                worst(read),
                ms(outcome.p99(contender, &[write])),
                ms(outcome.p99(contender, &[read])),
                times(
                    outcome.worst(contender, &streams),
                    outcome.worst(Contender::Idle, &streams)
                )
            );
        }
        let refused: u64 = outcome.refused(contender).values().sum();
        let _ = writeln!(page, " {:.1} | {refused} |", outcome.lasted(contender).as_secs_f64());
    }
    for contender in Contender::ALL {
        for (said, times) in outcome.refused(contender) {
            let _ = writeln!(page, "\nRefused in {}: {times} × `{said}`", title(contender));
        }
    }
}

fn staged(page: &mut String, outcome: &Outcome) {
    let noise = |streams: &[Stream]| outcome.worst(Contender::Idle, streams);
    let (count, longest) = outcome.batches();
    let _ = writeln!(
        page,
        "\n### {}, staged, step by step\n\nThe worst of all rounds, in milliseconds, of what was under way in the step, for however short a while: a \
         statement that two short steps met counts in both. A dash: nothing was due. The rows were filled in {count} batches, the longest of which took {:.1} \
         ms.\n\n| | lasted | posts: write | read | users: write | read | posts ≤ 2 × idle | users ≤ 2 × idle | waited for a lock in vain |\n\
         |---|---:|---:|---:|---:|---:|---|---|---:|",
        outcome.engine,
        ms(longest)
    );
    let mut row = |name: &str, lasted: Duration, worst: &dyn Fn(&[Stream]) -> Option<Duration>, waits: u32| {
        let _ = write!(page, "| {name} | {:.1} |", ms(lasted));
        for stream in POSTS.into_iter().chain(USERS_STREAMS) {
            let shown = worst(&[stream]).map_or("–".to_owned(), |worst| format!("{:.1}", ms(worst)));
            let _ = write!(page, " {shown} |");
        }
        for streams in [POSTS, USERS_STREAMS] {
            let ratio = worst(&streams).map_or(0.0, |worst| times(worst, noise(&streams)));
            let verdict = if ratio <= TARGET { "yes" } else { "**no**" };
            let _ = write!(page, " {verdict}, {ratio:.2} |");
        }
        let _ = writeln!(page, " {waits} |");
    };
    row(
        "*idle*",
        outcome.lasted(Contender::Idle),
        &|streams| Some(noise(streams)),
        0,
    );
    let steps = outcome.steps();
    for step in &steps {
        row(step.name, step.lasted(), &|streams| step.worst(streams), step.waits());
    }
    row(
        "**all of it**",
        outcome.lasted(Contender::Staged),
        &|streams| Some(outcome.worst(Contender::Staged, streams)),
        steps.iter().map(crate::outcome::Step::waits).sum(),
    );
}
