//! The recorded sources once more: which of them hold what they held, and their payloads decoded anew.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::deliveries::{Deliveries, Delivery, State, key_of};
use crate::error::{Error, Result};
use crate::ingest::{Source, Work, item_rows};
use crate::normalise::{Normaliser, Rows};
use crate::source::{self, Item};

/// What is known of a recorded source: how it is to be read, and what its payloads belong to.
pub type SourceOf<'a> = &'a dyn Fn(&Path) -> Source;

/// Looks for every delivery in its source and notes how it would be decoded now. `erased` says of an identity whether its
/// payload was erased.
pub(super) fn look(
    all: &mut Deliveries,
    source_of: SourceOf,
    rules: &Normaliser,
    erased: &dyn Fn(&str) -> bool,
) -> Result<()> {
    for (number, range) in all.by_source() {
        let name = all.sources.list[number as usize].clone();
        let source = source_of(Path::new(&name));
        let Ok(whole) = unchanged(&name, all, &range) else { continue };
        let wanted: HashSet<u64> = all.list[range.clone()].iter().map(|d| d.index).collect();
        let found = &mut all.list[range];
        for delivery in found.iter_mut().filter(|d| whole.contains(&d.input)) {
            delivery.state = State::Divided;
        }
        // A source that cannot be read to its end may still give what comes before.
        let _ = read(&name, &source, rules, &|index| wanted.contains(&index), &mut |rows| {
            let receipt = &rows.receipt;
            let (digest, key) = (key_of(&receipt.payload_digest)?, key_of(&rows.payload_key)?);
            for delivery in at_place(found, receipt.source_index) {
                let whole = whole.contains(&delivery.input);
                let there = i64::try_from(delivery.offset) == Ok(receipt.source_offset);
                delivery.state = match &rows.reject {
                    _ if whole && !there => State::Divided,
                    _ if !there || (delivery.digest != digest && !whole) => State::Changed,
                    _ if erased(&rows.payload_key) => State::Erased,
                    Some(_) => State::Rejected,
                    None => State::Found,
                };
                if delivery.state.is_found() {
                    delivery.new_key = key;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Decodes what was found once more and hands it on with its delivery.
pub(super) fn decode(
    all: &Deliveries,
    source_of: SourceOf,
    rules: &Normaliser,
    take: &mut dyn FnMut(&Delivery, &Rows) -> Result<()>,
) -> Result<()> {
    for (number, range) in all.by_source() {
        let list = &all.list[range];
        let wanted: HashSet<u64> = list.iter().filter(|d| d.state.is_found()).map(|d| d.index).collect();
        let expected = list.iter().filter(|d| d.state.is_found()).count();
        if expected == 0 {
            continue;
        }
        let name = &all.sources.list[number as usize];
        let changed =
            || Error::failed(format!("{name} changed while it was read")).hint("run again; the mart is as it was");
        let mut taken = 0;
        read(name, &source_of(Path::new(name)), rules, &|index| wanted.contains(&index), &mut |rows| {
            let key = key_of(&rows.payload_key)?;
            let index = u64::try_from(rows.receipt.source_index).unwrap_or(0);
            let first = list.partition_point(|d| d.index < index);
            for delivery in list[first..].iter().take_while(|d| d.index == index).filter(|d| d.state.is_found()) {
                if delivery.new_key != key || rows.reject.is_some() != (delivery.state == State::Rejected) {
                    return Err(changed());
                }
                taken += 1;
                take(delivery, &rows)?;
            }
            Ok(())
        })?;
        if taken != expected {
            return Err(changed());
        }
    }
    Ok(())
}

fn at_place(list: &mut [Delivery], index: i64) -> impl Iterator<Item = &mut Delivery> {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    let first = list.partition_point(|d| d.index < index);
    list[first..].iter_mut().take_while(move |d| d.index == index)
}

/// Reads a source and decodes the rows that are wanted. False where it could not be read to its end.
fn read(
    name: &str,
    source: &Source,
    rules: &Normaliser,
    wanted: &(dyn Fn(u64) -> bool + Sync),
    take: &mut dyn FnMut(Rows) -> Result<()>,
) -> Result<bool> {
    let (input, shown): (_, Arc<str>) = (source::Input::file(name), name.into());
    let mut failure = None;
    let read = source::read_chunks(&input, &source.options, &mut |chunk| {
        let work = Work { chunk, name: Arc::clone(&shown), digest: "".into(), source };
        let items: Vec<Item> = work.chunk.items().filter(|item| wanted(index_of(item))).collect();
        let rows: Vec<Rows> = items.into_par_iter().map(|item| item_rows(item, &work, rules)).collect();
        match rows.into_iter().try_for_each(&mut *take) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(read.is_ok()),
    }
}

fn index_of(item: &Item) -> u64 {
    match item {
        Item::Payload(payload) => payload.index,
        Item::Broken(broken) => broken.index,
    }
}

/// The recorded inputs of a source whose bytes are still there as a whole or as its beginning, by number.
fn unchanged(name: &str, all: &Deliveries, range: &Range<usize>) -> io::Result<HashSet<u32>> {
    let path = Path::new(name);
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let inputs: HashSet<u32> = all.list[range.clone()].iter().map(|d| d.input).collect();
    let mut lengths: Vec<(u64, u32)> = inputs.iter().filter_map(|n| Some((*all.input_bytes.get(n)?, *n))).collect();
    lengths.sort_unstable();
    let (mut file, mut hasher, mut hashed) = (File::open(path)?, blake3::Hasher::new(), 0);
    let mut same = HashSet::new();
    for (length, number) in lengths {
        hashed += io::copy(&mut (&mut file).take(length - hashed), &mut hasher)?;
        if hashed < length {
            break;
        }
        if *hasher.finalize().to_hex().as_str() == *all.inputs.list[number as usize] {
            same.insert(number);
        }
    }
    Ok(same)
}
