//! The recorded payloads: each is still where it was, byte for byte.
//!
//! The receipts are sorted by source and place, so that every source is read once and nothing grows with the mart but the
//! engine's temporary files. Not here: payloads that came by standard input or another pipe; they cannot be read again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::super::read::{integers, texts};
use super::{NAMED, Watch};
use crate::engine::duckdb::DuckDb;
use crate::engine::{Engine, number};
use crate::error::Result;
use crate::source::{self, Item, read_input};

/// How a recorded source is to be read.
pub type OptionsOf<'a> = &'a dyn Fn(&Path) -> source::Options;

/// Recorded places that are held at a time.
const PAGE: i64 = 100_000;

/// A recorded payload, or a whole source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub source: String,
    /// NULL for a whole source.
    pub offset: Option<i64>,
    pub index: Option<i64>,
    pub why: String,
}

/// Recorded payloads of one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub payloads: u64,
    /// The first of them.
    pub named: Vec<Place>,
}

impl Tally {
    fn add(&mut self, payloads: u64, place: Place) {
        self.payloads += payloads;
        if self.named.len() < NAMED {
            self.named.push(place);
        }
    }
}

/// What became of the recorded payloads. A payload that was recorded twice at one place counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceCheck {
    pub sources: u64,
    pub recorded: u64,
    pub unchanged: u64,
    /// Their source is not there, or cannot be read.
    pub missing: Tally,
    /// Their source holds something else there.
    pub changed: Tally,
    /// They came by a pipe.
    pub unchecked: Tally,
}

impl SourceCheck {
    /// Whether all that can be checked is as it was.
    pub fn is_good(&self) -> bool {
        self.missing.payloads + self.changed.payloads == 0
    }
}

/// Reads every recorded source; `receipts` and `batches` are known to the engine.
pub(super) fn check(engine: &mut DuckDb, options_of: OptionsOf, watch: &dyn Watch) -> Result<SourceCheck> {
    engine.define(
        "recorded",
        "SELECT ROW_NUMBER() OVER (ORDER BY source, source_index, source_offset, payload_digest) - 1 AS n,
         source, source_index, source_offset, payload_bytes, payload_digest
         FROM (SELECT DISTINCT source, source_index, source_offset, payload_bytes, payload_digest
               FROM receipts WHERE batch_id IN (SELECT batch_id FROM batches)) places",
        true,
    )?;
    let recorded = number(engine, "SELECT COUNT(*) FROM recorded")?;
    watch.begin("recorded payloads", recorded.unsigned_abs());
    let mut places = Recorded { engine, next: 0, all: recorded, page: VecDeque::new(), watch };
    let mut check = SourceCheck { recorded: recorded.unsigned_abs(), ..SourceCheck::default() };
    while let Some(first) = places.peek()? {
        let source = first.source.clone();
        check.sources += 1;
        look(&source, &options_of(Path::new(&source)), &mut places, &mut check)?;
    }
    Ok(check)
}

/// Where a payload was, as its receipt says.
struct Stored {
    source: String,
    index: i64,
    offset: i64,
    bytes: i64,
    digest: String,
}

/// The recorded places in order, a page at a time.
struct Recorded<'a> {
    engine: &'a DuckDb,
    next: i64,
    all: i64,
    page: VecDeque<Stored>,
    watch: &'a dyn Watch,
}

impl Recorded<'_> {
    fn peek(&mut self) -> Result<Option<&Stored>> {
        if self.page.is_empty() && self.next < self.all {
            let (from, to) = (self.next, self.next + PAGE);
            let sql = format!("SELECT * FROM recorded WHERE n >= {from} AND n < {to} ORDER BY n");
            for rows in self.engine.select(&sql)? {
                let (sources, digests) = (texts(&rows, "source")?, texts(&rows, "payload_digest")?);
                let (indexes, offsets) = (integers(&rows, "source_index")?, integers(&rows, "source_offset")?);
                let bytes = integers(&rows, "payload_bytes")?;
                self.page.extend((0..rows.num_rows()).map(|row| Stored {
                    source: sources.value(row).to_owned(),
                    index: indexes.value(row),
                    offset: offsets.value(row),
                    bytes: bytes.value(row),
                    digest: digests.value(row).to_owned(),
                }));
            }
            self.next = to;
        }
        Ok(self.page.front())
    }

    /// The next place, if it is one of this source for which a condition holds.
    fn take_if(&mut self, source: &str, holds: impl Fn(&Stored) -> bool) -> Result<Option<Stored>> {
        let wanted = self.peek()?.is_some_and(|place| place.source == source && holds(place));
        self.watch.advance(u64::from(wanted));
        Ok(if wanted { self.page.pop_front() } else { None })
    }

    /// Passes over what is left of a source; says how many places that were.
    fn pass(&mut self, source: &str) -> Result<u64> {
        let mut passed = 0;
        while self.take_if(source, |_| true)?.is_some() {
            passed += 1;
        }
        Ok(passed)
    }
}

fn look(source: &str, options: &source::Options, places: &mut Recorded, check: &mut SourceCheck) -> Result<()> {
    let path = Path::new(source);
    let whole = |why: &str| Place { source: source.to_owned(), offset: None, index: None, why: why.to_owned() };
    if source == "-" || path.starts_with("/dev") || path.starts_with("/proc") {
        check.unchecked.add(places.pass(source)?, whole("came by a pipe"));
        return Ok(());
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => {
            check.unchecked.add(places.pass(source)?, whole("is no file; a pipe cannot be read again"));
            return Ok(());
        }
        Err(e) => {
            let gone = e.kind() == std::io::ErrorKind::NotFound;
            let why = if gone { "is not there".to_owned() } else { format!("cannot be read: {e}") };
            check.missing.add(places.pass(source)?, whole(&why));
            return Ok(());
        }
    }
    let mut failure = None;
    let read =
        read_input(&source::Input::file(source), options, &mut |item| match compare(source, &item, places, check) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        });
    if let Some(error) = failure {
        return Err(error);
    }
    match read {
        Ok(_) => {
            while let Some(place) = places.take_if(source, |_| true)? {
                settle(&place, "the source has fewer rows now", check)?;
            }
        }
        Err(error) => check.missing.add(places.pass(source)?, whole(&format!("cannot be read to its end: {error}"))),
    }
    Ok(())
}

/// Compares one row of a source with what was recorded of it; false when nothing of the source is left to compare.
fn compare(source: &str, item: &Item, places: &mut Recorded, check: &mut SourceCheck) -> Result<bool> {
    let (offset, index) = match item {
        Item::Payload(payload) => (payload.offset, payload.index),
        Item::Broken(broken) => (broken.offset, broken.index),
    };
    let (offset, index) = (i64::try_from(offset).unwrap_or(i64::MAX), i64::try_from(index).unwrap_or(i64::MAX));
    while let Some(place) = places.take_if(source, |place| place.index < index)? {
        settle(&place, "no row has this number now", check)?;
    }
    let mut digest = None;
    while let Some(place) = places.take_if(source, |place| place.index == index)? {
        // What could not be cut out of its source is known by the digest of what was read of it.
        let digest = digest.get_or_insert_with(|| match item {
            Item::Payload(payload) => blake3::hash(&payload.body).to_hex().to_string(),
            Item::Broken(broken) => crate::privacy::hex(&broken.digest),
        });
        match (*digest == place.digest, offset == place.offset) {
            (true, true) => check.unchanged += 1,
            (true, false) => settle(&place, &format!("it is at byte {offset} now"), check)?,
            (false, _) => settle(&place, "other bytes are there now", check)?,
        }
    }
    Ok(places.peek()?.is_some_and(|place| place.source == source))
}

/// The end of a log that was still being written was recorded as it was then: a row that has grown since still holds it.
fn settle(place: &Stored, why: &str, check: &mut SourceCheck) -> Result<()> {
    if raw_digest(place).is_some_and(|digest| digest == place.digest) {
        check.unchanged += 1;
        return Ok(());
    }
    let Stored { source, offset, index, .. } = place;
    let place = Place { source: source.clone(), offset: Some(*offset), index: Some(*index), why: why.to_owned() };
    check.changed.add(1, place);
    Ok(())
}

/// The digest of as many bytes at the same place of the file as it lies there.
fn raw_digest(place: &Stored) -> Option<String> {
    let (offset, bytes) = (u64::try_from(place.offset).ok()?, u64::try_from(place.bytes).ok()?);
    let mut file = File::open(&place.source).ok()?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut hasher = blake3::Hasher::new();
    let read = std::io::copy(&mut file.take(bytes), &mut hasher).ok()?;
    (read == bytes && bytes > 0).then(|| hasher.finalize().to_hex().to_string())
}
