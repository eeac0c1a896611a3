//! A deterministic archive of invented payloads: every provider, kind, wire shape and outcome in realistic proportions,
//! with replays, provisional and final results, outages that last hours, and a few payloads that broke or are nobody's.
//!
//! The same options give the same bytes on every machine: all chance comes from the seed, and the period ends on a fixed
//! day. Payloads are written as their jobs are made up, so that memory does not grow with the archive.
//!
//! Not here: anything of the decoders or the code catalogue. What the generator believes about its payloads is its own
//! ([`Written::shapes`]), so that it can be held against what the program reads.

mod advance;
mod archive;
mod clock;
mod event;
mod fields;
mod jumio;
mod odd;
mod people;
mod random;
mod smile;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use event::Shape;
pub use smile::{KEY as SMILE_ID_KEY, PARTNER as SMILE_ID_PARTNER, SANDBOX_PARTNER as SMILE_ID_SANDBOX_PARTNER};

use crate::record::{Kind, Provider};
use archive::Archive;
use clock::{DAY, HOUR, MINUTE, SECOND};
use event::Event;
use world::{Scenario, World};

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Payloads in all, replays and broken ones included.
    pub payloads: u64,
    /// Decides everything else.
    pub seed: u64,
    /// Length of the photo in an ID lookup's answer; 0 for none.
    pub photo_bytes: usize,
    /// Length of the period, 1 to 366; it ends on 2026-10-31.
    pub days: u32,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub files: u64,
    /// Payloads stored: all of `shapes` and `replays`.
    pub payloads: u64,
    /// Payloads that were stored once more, byte for byte, with a later `received_at`.
    pub replays: u64,
    /// Payloads whose bytes are damaged.
    pub broken: u64,
    /// Jobs that the payloads belong to; a user's next try is a job of its own.
    pub jobs: u64,
    /// How many payloads of each shape there are, replays left out.
    pub shapes: BTreeMap<Shape, u64>,
}

/// The providers and their shares of the payloads in percent.
const PROVIDERS: [(Provider, u64, &[Scenario]); 3] = [
    (Provider::SmileId, 70, smile::SCENARIOS),
    (Provider::AdvanceAi, 15, advance::SCENARIOS),
    (Provider::Jumio, 15, jumio::SCENARIOS),
];

/// Writes an archive into a new or empty folder and says what it wrote; `progress` hears the number of payloads so far.
///
/// # Errors
/// `AlreadyExists` when the folder has something in it, `InvalidInput` when the days are out of range, else what the
/// file system says.
pub fn write(out: &Path, options: &Options, progress: &dyn Fn(u64)) -> io::Result<Written> {
    if !(1..=366).contains(&options.days) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "days must be from 1 to 366"));
    }
    let world = World::new(options);
    let archive = Archive::create(out, world.clock.first, options.payloads)?;
    let mut run =
        Run { world, archive, written: Written::default(), stored: [0; 3], wanted: options.payloads, progress };
    run.fill()?;
    run.written.jobs = run.world.jobs;
    run.written.payloads = run.archive.payloads;
    run.written.files = run.archive.finish()?;
    Ok(run.written)
}

struct Run<'a> {
    world: World,
    archive: Archive,
    written: Written,
    /// Payloads stored of each of [`PROVIDERS`].
    stored: [u64; 3],
    wanted: u64,
    progress: &'a dyn Fn(u64),
}

impl Run<'_> {
    fn fill(&mut self) -> io::Result<()> {
        let polls = smile::status_polls(&mut self.world, self.wanted / 20);
        self.store(polls)?;
        // Everything once, so that a small archive lacks nothing; then by weight.
        for (_, _, scenarios) in PROVIDERS {
            for scenario in scenarios {
                self.play(scenario)?;
            }
        }
        self.store_odd(true)?;
        while !self.is_full() {
            let scenarios = PROVIDERS[self.most_wanted()].2;
            let total = scenarios.iter().map(|s| u64::from(s.weight)).sum();
            let mut left = self.world.random.below(total);
            for scenario in scenarios {
                if left < u64::from(scenario.weight) {
                    self.play(scenario)?;
                    break;
                }
                left -= u64::from(scenario.weight);
            }
            self.store_odd(false)?;
        }
        (self.progress)(self.archive.payloads);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.archive.payloads >= self.wanted
    }

    /// The provider that is furthest below its share.
    fn most_wanted(&self) -> usize {
        (0..PROVIDERS.len()).min_by_key(|i| self.stored[*i] * 100 / PROVIDERS[*i].1).unwrap_or(0)
    }

    fn play(&mut self, scenario: &Scenario) -> io::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        let events = (scenario.make)(&mut self.world);
        self.store(events)
    }

    /// Stores what happens within the period, and some of it again.
    fn store(&mut self, events: Vec<Event>) -> io::Result<()> {
        let last = self.world.clock.end - 1;
        for event in events {
            if self.is_full() || !self.world.clock.contains(event.at) {
                continue;
            }
            let received = (event.at + self.world.random.between(SECOND / 5, 4 * SECOND)).min(last);
            self.store_once(&event, received)?;
            *self.written.shapes.entry(event.shape.clone()).or_default() += 1;
            let again = received + self.world.random.between(MINUTE, DAY + 12 * HOUR);
            if self.world.random.chance(32) && again <= last && !self.is_full() {
                self.store_once(&event, again)?;
                self.written.replays += 1;
            }
        }
        Ok(())
    }

    fn store_once(&mut self, event: &Event, received: i64) -> io::Result<()> {
        self.archive.store(&mut self.world.random, event, received)?;
        if let Some(index) = PROVIDERS.iter().position(|(provider, _, _)| Some(*provider) == event.shape.provider) {
            self.stored[index] += 1;
        }
        if self.archive.payloads.is_multiple_of(1000) {
            (self.progress)(self.archive.payloads);
        }
        Ok(())
    }

    /// Now and then, or `surely`, a broken payload and one that is nobody's.
    fn store_odd(&mut self, surely: bool) -> io::Result<()> {
        if (surely || self.world.random.chance(5)) && !self.is_full() {
            let broken = odd::broken(&mut self.world);
            self.archive.store_broken(&broken)?;
            self.written.broken += 1;
            let shape = Shape { provider: None, kind: Kind::Unreadable, name: broken.name, outcome: None };
            *self.written.shapes.entry(shape).or_default() += 1;
        }
        if surely || self.world.random.chance(2) {
            let foreign = odd::foreign(&mut self.world);
            self.store(vec![foreign])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
