//! What is told while a key is made: a bar on a terminal, lines elsewhere; and Ctrl-C.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use sea_orm_cascade::migrate::{Control, Event, StepKind};
use tokio::sync::watch;

use crate::output::{Notes, complain};

/// How often Ctrl-C was pressed, or the process asked to end.
#[derive(Clone)]
struct Interrupted(watch::Receiver<u32>);

impl Interrupted {
    /// From now on the process does not end by itself; `first` is called the first time.
    fn listen(first: impl Fn() + Send + 'static) -> Self {
        let (times, receiver) = watch::channel(0);
        if let Ok(mut signals) = Signals::new() {
            tokio::spawn(async move {
                while signals.next().await {
                    times.send_modify(|times| *times += 1);
                    if *times.borrow() == 1 {
                        first();
                    }
                }
            });
        }
        Self(receiver)
    }

    fn is_wanted(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Ends when it is asked for a second time.
    async fn at_once(&self) {
        let mut times = self.0.clone();
        let asked = times.wait_for(|times| *times > 1).await.is_ok();
        if !asked {
            // Nobody listens, so nobody will ask.
            std::future::pending::<()>().await;
        }
    }
}

/// Ctrl-C, and what `kill` sends. None is missed between two.
#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) -> bool {
        tokio::select! {
            pressed = self.0.recv() => pressed.is_some(),
            asked = self.1.recv() => asked.is_some(),
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

/// Tells what happens.
#[derive(Clone)]
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    interrupted: Interrupted,
}

struct State {
    /// The steps, if it is known which.
    steps: Vec<StepKind>,
    /// How many have begun.
    begun: usize,
    place: Place,
    /// When the rows that are filled were told last.
    told: Option<Instant>,
}

enum Place {
    Nowhere,
    Lines,
    Terminal(ProgressBar),
}

/// Between two lines about the filling of rows.
const LINES: Duration = Duration::from_secs(1);

impl Progress {
    /// Tells of these steps, and listens for Ctrl-C.
    pub(super) fn new(steps: Vec<StepKind>, notes: Notes) -> Self {
        let bar = ProgressBar::no_length();
        let place = match notes {
            Notes::Silent => Place::Nowhere,
            Notes::Told if bar.is_hidden() => Place::Lines,
            Notes::Told => Place::Terminal(bar),
        };
        let state = Arc::new(Mutex::new(State {
            steps,
            begun: 0,
            place,
            told: None,
        }));
        let telling = Arc::clone(&state);
        let interrupted = Interrupted::listen(move || {
            lock(&telling).say("stopping behind this step or batch; once more stops at once");
        });
        Self { state, interrupted }
    }

    /// Tells it, and whether to go on.
    pub(super) fn tell(&self, event: &Event) -> Control {
        lock(&self.state).tell(event);
        match self.interrupted.is_wanted() {
            true => Control::Stop,
            false => Control::Continue,
        }
    }

    /// Ends when the run is not to go on to the end of its step.
    pub(super) async fn cut_off(&self) {
        self.interrupted.at_once().await;
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Place::Terminal(bar) = &lock(&self.state).place {
            bar.finish_and_clear();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::Begins { step } => {
                self.begun += 1;
                self.told = None;
                let title = self.title(*step);
                match &self.place {
                    Place::Nowhere => {}
                    Place::Lines => complain(&format!("{title} …")),
                    Place::Terminal(bar) => turn(bar, title),
                }
            }
            Event::Filled { rows, of } => self.filled(*rows, *of),
            Event::Ends { step, took } => {
                if let Place::Terminal(bar) = &self.place {
                    bar.println(format!("{}: {:.1} s", self.title(*step), took.as_secs_f64()));
                }
            }
            Event::Waits {
                attempt,
                blockers,
                pause,
                ..
            } => {
                let who = match blockers.is_empty() {
                    true => String::new(),
                    false => format!(": {}", blockers.join("; ")),
                };
                let again = pause.as_secs_f64();
                self.say(&format!(
                    "waiting for a lock{who}; again in {again:.1} s, after attempt {attempt}"
                ));
            }
            Event::WaitingForOther => self.say("another process is making the same key; waiting for it"),
            // What a later version of the library tells.
            _ => {}
        }
    }

    /// `step 3 of 11: make the index`.
    fn title(&self, step: StepKind) -> String {
        format!("{}: {step}", self.number(step))
    }

    /// `step 3 of 11`.
    fn number(&self, step: StepKind) -> String {
        match self.steps.iter().position(|known| *known == step) {
            Some(place) => format!("step {} of {}", place + 1, self.steps.len()),
            None => format!("step {}", self.begun),
        }
    }

    fn say(&self, line: &str) {
        match &self.place {
            Place::Nowhere => {}
            Place::Lines => complain(line),
            Place::Terminal(bar) => bar.println(line),
        }
    }

    fn filled(&mut self, rows: u64, of: Option<u64>) {
        let now = Instant::now();
        match &self.place {
            Place::Nowhere => {}
            Place::Lines => {
                if self.told.is_none_or(|told| now - told >= LINES) {
                    self.told = Some(now);
                    complain(&match of {
                        Some(of) => format!("filled {rows} rows of about {of}"),
                        None => format!("filled {rows} rows"),
                    });
                }
            }
            Place::Terminal(bar) => {
                if self.told.is_none() {
                    self.told = Some(now);
                    // One line of a terminal holds no more.
                    bar.set_message(format!("{}: filling", self.number(StepKind::Backfill)));
                    bar.set_style(style(match of {
                        Some(_) => "{spinner} {msg} [{wide_bar}] {rows} of ~{len}, {rate} rows/s, {eta} left",
                        None => "{spinner} {msg} {rows} rows, {rate} rows/s",
                    }));
                }
                // The catalog only estimates.
                if let Some(of) = of {
                    bar.set_length(of.max(rows));
                }
                bar.set_position(rows);
            }
        }
    }
}

/// The bar begins with another step.
fn turn(bar: &ProgressBar, title: String) {
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar.reset();
    bar.set_message(title);
    bar.enable_steady_tick(Duration::from_millis(100));
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style
        .progress_chars("=> ")
        .with_key("rows", |state: &ProgressState, to: &mut dyn Write| {
            write!(to, "{}", state.pos()).unwrap_or_default();
        })
        .with_key("rate", |state: &ProgressState, to: &mut dyn Write| {
            write!(to, "{:.0}", state.per_sec()).unwrap_or_default();
        })
}
