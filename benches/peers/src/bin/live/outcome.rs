//! What was measured, and what it comes to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::contender::{Change, Contender, Window};
use crate::load::{Sample, Stream, Tally};

/// One contender, once.
pub(crate) struct Run {
    pub(crate) contender: Contender,
    pub(crate) change: Change,
    tallies: Vec<Tally>,
}

/// All runs on an engine.
pub(crate) struct Outcome {
    pub(crate) engine: &'static str,
    pub(crate) version: String,
    pub(crate) runs: Vec<Run>,
}

impl Run {
    /// Only what was under way during the change counts.
    pub(crate) fn new(contender: Contender, change: Change, mut tallies: Vec<Tally>) -> Self {
        for tally in &mut tallies {
            tally.samples.retain(|sample| overlaps(*sample, change.from, change.to));
        }
        Self {
            contender,
            change,
            tallies,
        }
    }

    fn samples(&self, streams: &[Stream]) -> impl Iterator<Item = Sample> {
        let own = self.tallies.iter().filter(|tally| streams.contains(&tally.stream));
        own.flat_map(|tally| tally.samples.iter().copied())
    }

    pub(crate) fn inserted(tallies: &[Tally], stream: Stream) -> i64 {
        let own = tallies.iter().filter(|tally| tally.stream == stream);
        own.map(|tally| tally.inserted).sum()
    }

    pub(crate) fn took(&self) -> Duration {
        self.change.to - self.change.from
    }

    pub(crate) fn worst(&self, stream: Stream) -> Duration {
        longest(self.samples(&[stream]))
    }
}

impl Outcome {
    pub(crate) fn of(&self, contender: Contender) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.contender == contender)
    }

    /// The worst in all rounds.
    pub(crate) fn worst(&self, contender: Contender, streams: &[Stream]) -> Duration {
        longest(self.of(contender).flat_map(|run| run.samples(streams)))
    }

    /// The median of the rounds' worst: one bad moment of the machine does not decide it.
    pub(crate) fn usual_worst(&self, contender: Contender, streams: &[Stream]) -> Duration {
        median(self.of(contender).map(|run| longest(run.samples(streams))))
    }

    /// 99 of 100 took no longer.
    pub(crate) fn p99(&self, contender: Contender, streams: &[Stream]) -> Duration {
        let samples = self.of(contender).flat_map(|run| run.samples(streams));
        let mut sorted: Vec<_> = samples.map(Sample::took).collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
    }

    pub(crate) fn lasted(&self, contender: Contender) -> Duration {
        median(self.of(contender).map(Run::took))
    }

    /// What the server refused, by what it said, over all rounds.
    pub(crate) fn refused(&self, contender: Contender) -> BTreeMap<&str, u64> {
        let mut refused = BTreeMap::new();
        for tally in self.of(contender).flat_map(|run| &run.tallies) {
            for (said, times) in &tally.refused {
                *refused.entry(said.as_str()).or_default() += times;
            }
        }
        refused
    }

    /// The steps of the staged runs, in their order, each by its name.
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        let mut steps: Vec<Step<'_>> = Vec::new();
        for run in self.of(Contender::Staged) {
            for window in &run.change.steps {
                match steps.iter_mut().find(|step| step.name == window.name) {
                    Some(step) => step.windows.push((run, window)),
                    None => steps.push(Step {
                        name: &window.name,
                        windows: vec![(run, window)],
                    }),
                }
            }
        }
        steps
    }

    /// How many batches there were in a run, and the longest of all.
    pub(crate) fn batches(&self) -> (usize, Duration) {
        let runs = self.of(Contender::Staged);
        runs.fold((0, Duration::ZERO), |(count, longest), run| {
            let own = run.change.batches.iter().max().copied().unwrap_or_default();
            (count.max(run.change.batches.len()), longest.max(own))
        })
    }
}

/// A step of the staged change, in all rounds.
pub(crate) struct Step<'a> {
    pub(crate) name: &'a str,
    windows: Vec<(&'a Run, &'a Window)>,
}

impl Step<'_> {
    pub(crate) fn lasted(&self) -> Duration {
        median(self.windows.iter().map(|(_, window)| window.to - window.from))
    }

    pub(crate) fn waits(&self) -> u32 {
        self.windows.iter().map(|(_, window)| window.waits).sum()
    }

    /// The worst of what was under way in the step, for however short a while; nothing if it was over before anything was due.
    pub(crate) fn worst(&self, streams: &[Stream]) -> Option<Duration> {
        let during = self.windows.iter().flat_map(|(run, window)| {
            let is_during = |sample: &Sample| overlaps(*sample, window.from, window.to);
            run.samples(streams).filter(is_during)
        });
        during.map(Sample::took).max()
    }
}

fn overlaps(sample: Sample, from: Instant, to: Instant) -> bool {
    sample.due <= to && sample.done >= from
}

fn longest(samples: impl Iterator<Item = Sample>) -> Duration {
    samples.map(Sample::took).max().unwrap_or_default()
}

fn median(durations: impl Iterator<Item = Duration>) -> Duration {
    let mut sorted: Vec<_> = durations.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
